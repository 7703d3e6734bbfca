//! Whether something that was not read could hide a component of an incident.

use super::{Pack, identity};
use crate::ci::{lock, model::Kind};

impl Pack {
    /// Whether a text that nobody understood names one of the components, or the host of one.
    pub fn could_name(&self, text: &str) -> bool {
        self.clues().are_in(text)
    }

    /// Whether a component of this kind is one of this incident's.
    pub fn has_kind(&self, kind: Kind) -> bool {
        self.components().iter().any(|component| component.entry.kind == kind)
    }

    /// Whether the workflow file at this path is one that the attacker pushed.
    pub fn injects(&self, path: &str) -> bool {
        let file = identity::Name::new(Kind::InjectedWorkflow, path);
        self.has_kind(Kind::InjectedWorkflow)
            && self.components().iter().any(|component| component.is_named(&file))
    }

    /// Whether a component of this incident can run under this CI system.
    ///
    /// An action needs a runner that speaks GitHub's dialect, an orb needs CircleCI; what a script
    /// fetches can be fetched anywhere.
    pub fn can_run_under(&self, system: &str) -> bool {
        let speaks_github = ["github-actions", "gitea", "forgejo"].contains(&system);
        self.components().iter().any(|component| match component.entry.kind {
            Kind::Action | Kind::Workflow | Kind::InjectedWorkflow => speaks_github,
            // What a vendor stores is asked of its own definitions, which are read for that.
            Kind::Vendor => false,
            Kind::Orb => system == "circleci",
            Kind::Plugin => system == "jenkins",
            Kind::Include => system == "gitlab-ci",
            Kind::ScriptUrl
            | Kind::Image
            | Kind::Package
            | Kind::Binary
            | Kind::ReleaseAsset
            | Kind::Repository
            | Kind::Extension => true,
        })
    }

    /// Whether a package of this ecosystem is one of the components.
    pub fn has_packages_of(&self, ecosystem: &str) -> bool {
        let of_ecosystem = |name: &String| match name.split_once(':') {
            Some((of, _)) => {
                let one = lock::ecosystem(of);
                of.eq_ignore_ascii_case(ecosystem)
                    || one.is_some_and(|one| lock::ecosystem(ecosystem) == Some(one))
            }
            None => true,
        };
        let components = self.components().iter().map(|component| &component.entry);
        components
            .filter(|e| e.kind == Kind::Package)
            .any(|e| e.names.iter().chain(&e.packages).any(of_ecosystem))
    }
}
