//! Actions that build an image of the repository, or install its packages.

use std::sync::Arc;

use super::{context::Context, job::JobReader, using::Using, value::Value};
use crate::ci::{
    model::{Binding, EnvView, Gap, Hides, Install, Kind, Manager},
    shell::{ImageBuild, Outcome},
};

/// Actions that install by manifest and lock file: the input that switches it on, and that of the folder.
const INSTALLERS: [(&str, Manager, Option<&str>, &str); 7] = [
    ("pnpm/action-setup", Manager::Pnpm, Some("run_install"), ""),
    ("ruby/setup-ruby", Manager::Bundler, Some("bundler-cache"), "working-directory"),
    ("bahmutov/npm-install", Manager::Npm, None, "working-directory"),
    ("cypress-io/github-action", Manager::Npm, None, "working-directory"),
    ("ramsey/composer-install", Manager::Composer, None, "working-directory"),
    ("actions-rs/cargo", Manager::Cargo, None, ""),
    ("borales/actions-yarn", Manager::Yarn, None, "dir"),
];

impl JobReader<'_> {
    pub(super) fn started_by(&mut self, owner_repo: &str, step: &Using<'_>, cx: &Context) {
        if owner_repo.eq_ignore_ascii_case("docker/build-push-action") {
            self.build_images(step, cx);
        } else if owner_repo.eq_ignore_ascii_case("docker/bake-action") {
            let reason = "images of a build: what `docker buildx bake` reads is not followed";
            self.image_gap(step, reason);
        }
        let installer = INSTALLERS.iter().find(|(name, ..)| owner_repo.eq_ignore_ascii_case(name));
        if let Some((_, manager, switch, folder)) = installer {
            self.install(*manager, *switch, folder, step, cx);
        }
    }

    fn image_gap(&mut self, step: &Using<'_>, reason: &str) {
        let (place, reason) = (step.place.clone(), reason.to_owned());
        self.gaps.push(Gap { place, reason, hides: Hides::Kind(Kind::Image) });
    }

    /// `context`, `file`, `build-args`, `secrets`: nothing else reaches the build (rule G26).
    fn build_images(&mut self, step: &Using<'_>, cx: &Context) {
        let texts = |name: &str| match step.inputs.find(name) {
            Some(value) if value.values.is_empty() || value.partial => None,
            Some(value) => Some(value.values.clone()),
            None => Some(vec![Arc::from("")]),
        };
        let (Some(contexts), Some(files)) = (texts("context"), texts("file")) else {
            let reason = "images of a build: its folder is known only while it runs";
            return self.image_gap(step, reason);
        };
        let passed: Vec<Binding> = ["build-args", "secrets", "secret-envs"]
            .iter()
            .filter_map(|name| Some((*name, step.inputs.find(name)?)))
            .flat_map(|(name, value)| given(name, value))
            .collect();
        for context in &contexts {
            let Some(folder) = folder(context) else {
                self.image_gap(step, "images of a build: the build context lies elsewhere");
                continue;
            };
            for file in &files {
                let file = match file.trim() {
                    "" => format!("{folder}/Dockerfile"),
                    file => file.to_owned(),
                };
                let (place, context) = (&step.place, folder);
                let build = ImageBuild { place, file: &file, context, passed: &passed };
                let outcome = self.session.build(&build);
                self.take(outcome, step, cx);
            }
        }
    }

    fn take(&mut self, outcome: Outcome, step: &Using<'_>, cx: &Context) {
        self.add_mentions(outcome.mentions, step.current, cx);
        self.add_installs(outcome.installs, step.current, cx);
        self.gaps.extend(outcome.gaps);
    }

    fn install(
        &mut self,
        manager: Manager,
        switch: Option<&str>,
        folder: &str,
        step: &Using<'_>,
        cx: &Context,
    ) {
        let text =
            |name: &str| step.inputs.find(name).and_then(Value::only).map(|text| text.trim());
        let on = |name: &str| {
            let given = step.inputs.find(name);
            given.is_some() && !matches!(text(name), Some("false" | "" | "null"))
        };
        if switch.is_some_and(|switch| !on(switch)) {
            return;
        }
        let unknown = step.inputs.find(folder).is_some() && text(folder).is_none();
        let dir = crate::ci::normalise("", text(folder).unwrap_or_default()).filter(|_| !unknown);
        let install = Install {
            manager,
            folder: dir.map(Arc::from),
            project: true,
            files: Vec::new(),
            named: Vec::new(),
            mentioned: false,
            locked: true,
            closed: false,
            install_scripts: (manager != Manager::Pnpm).then_some(true),
            place: step.place.clone(),
            via: Vec::new(),
            env: EnvView::Inherits { plus: Vec::new() },
            certainty: step.certainty,
            found: Vec::new(),
        };
        self.add_installs(vec![install], step.current, cx);
    }
}

/// `.`, `./dir`, and the repository by its own address: `{{defaultContext}}:dir`.
fn folder(context: &str) -> Option<&str> {
    let context = context.trim();
    let folder = match context.strip_prefix("{{defaultContext}}") {
        Some(rest) => rest.trim_start_matches(':'),
        None => context,
    };
    let elsewhere = folder.contains("://") || folder.starts_with("git@");
    (!elsewhere).then_some(if folder.is_empty() { "." } else { folder })
}

/// Lines `NAME=value` where they are known; else the input as a whole.
fn given(name: &str, value: &Value) -> Vec<Binding> {
    let lines = value.only().filter(|_| value.flows.is_empty()).map(|text| text.lines());
    let mut bindings: Vec<Binding> = lines
        .into_iter()
        .flatten()
        .filter_map(|line| line.split_once('='))
        .map(|(name, text)| Value::literal(text.trim()).bind(name.trim()))
        .collect();
    if !value.flows.is_empty() {
        bindings.push(value.clone().bind(name));
    }
    bindings
}
