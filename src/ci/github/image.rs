//! `container:` and `services:`: images are third-party code, and their credentials are sent to the job.

use std::sync::Arc;

use super::{
    bindings,
    context::Context,
    job::{self, JobReader},
    uses::image_component,
};
use crate::ci::{
    literal,
    model::{Certainty, EnvView, Hides, Kind, Mention, Way},
    yaml::{Node, NodeKind},
};

impl JobReader<'_> {
    pub(super) fn images(&mut self, node: &Node, cx: &Context) -> Vec<Mention> {
        let mut mentions = Vec::new();
        if let Some(container) = node.get("container") {
            let view = EnvView::Inherits { plus: Vec::new() };
            mentions.extend(self.image(container, cx, &view));
        }
        let Some(services) = node.get("services") else { return mentions };
        self.sent.extend(cx.evaluate_all(services, Way::Other).sent);
        for service in services.entries() {
            // A service has an environment of its own, and nothing of the steps'.
            let passed = match service.value.get("env") {
                Some(env) => self.read_bindings(env, cx, Way::Env).secret_bindings(),
                None => Vec::new(),
            };
            mentions.extend(self.image(&service.value, cx, &EnvView::Only { passed }));
        }
        mentions
    }

    fn image(&mut self, node: &Node, cx: &Context, env: &EnvView) -> Vec<Mention> {
        self.sent.extend(cx.evaluate_all(node, Way::Other).sent);
        self.registry_password(node, cx);
        let Some((scalar, line)) = (match &node.kind {
            NodeKind::Map(_) => node.get("image").and_then(|n| Some((n.scalar()?, n.line))),
            _ => node.scalar().map(|scalar| (scalar, node.line)),
        }) else {
            return Vec::new();
        };
        let place = cx.place(line);
        let value = cx.evaluate(scalar, Way::Other).value;
        if value.partial || value.values.is_empty() {
            let hides = Hides::Kind(Kind::Image);
            self.gaps.push(job::unknown_name(place.clone(), &scalar.text, "image", hides));
        }
        let one_of_many = value.partial || value.values.len() > 1;
        let certainty = if one_of_many { Certainty::Possible } else { cx.certainty };
        let named = value.values.iter().filter(|name| !name.trim().is_empty());
        named
            .map(|name| Mention {
                component: image_component(name.strip_prefix("docker://").unwrap_or(name)),
                place: place.clone(),
                via: Vec::new(),
                runs: true,
                env: env.clone(),
                inputs: Vec::new(),
                arguments: Vec::new(),
                certainty,
            })
            .collect()
    }

    /// `credentials:` go to the runner, and into no environment.
    fn registry_password(&mut self, node: &Node, cx: &Context) {
        let Some(password) = node.get("credentials").and_then(|n| n.get("password")) else {
            return;
        };
        let value = cx.evaluate_all(password, Way::Other).value;
        let written = |text: &Arc<str>| literal::is_credential("password", text);
        if value.values.iter().any(written) {
            let place = cx.place(password.line);
            self.sent.push(bindings::literal_flow("password", place, Way::Other));
        }
    }
}
