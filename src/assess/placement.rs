//! A pipeline's secret, as the reports name it.

use super::Placement;
use crate::ci::model::{Platform, Scope, Secret};

/// The name that stands for every secret a scope holds.
const WHOLE: &str = "*";

impl Placement {
    pub fn of(platform: Platform, secret: &Secret) -> Self {
        let scope_candidates = match &secret.scope {
            Scope::Unknown(candidates) => candidates.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        Self {
            platform,
            scope: label(&secret.scope),
            name: secret.name.to_string(),
            whole_context: &*secret.name == WHOLE || &*secret.name == "secrets.*",
            scope_candidates,
        }
    }
}

fn label(scope: &Scope) -> String {
    match scope {
        Scope::Repo => "repo".to_owned(),
        Scope::Org => "org".to_owned(),
        Scope::Environment(name) => format!("environment:{name}"),
        Scope::Job => "job".to_owned(),
        Scope::Context(name) => format!("context:{name}"),
        Scope::Project => "project".to_owned(),
        Scope::Literal => "literal".to_owned(),
        Scope::Unknown(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Placement;
    use crate::ci::model::{Platform, Scope, Secret};

    #[test]
    fn a_scope_the_files_do_not_tell_keeps_its_candidates() {
        let secret = Secret {
            scope: Scope::Unknown(vec!["repo".into(), "environment:prod".into()]),
            name: "*".into(),
        };
        let placement = Placement::of(Platform::Github, &secret);
        assert_eq!(placement.scope, "unknown");
        assert_eq!(placement.scope_candidates, ["repo", "environment:prod"]);
        assert!(placement.whole_context);
    }

    #[test]
    fn a_named_scope_is_written_out() {
        let secret = Secret { scope: Scope::Environment("prod".into()), name: "KEY".into() };
        let placement = Placement::of(Platform::Github, &secret);
        assert_eq!(placement.scope, "environment:prod");
        assert!(!placement.whole_context);
    }
}
