//! How far the facts of a pack carry, in sentences for the report.

use super::{Capability, Pack, draft::COMMAND_LINE};

impl Pack {
    /// What a reader of a report has to know of the facts that it rests on; empty for most packs.
    pub fn caveats(&self) -> Vec<String> {
        let document = self.document();
        let mut said = Vec::new();
        if document.sources.values().any(|source| source.url == COMMAND_LINE) {
            said.push(
                "the facts were given on the command line: they are the operator's, and no source was held against them"
                    .to_owned(),
            );
        }
        let names = |wanted: &dyn Fn(&super::document::Component) -> bool| {
            let named = |component: &super::document::Component| {
                component
                    .names
                    .first()
                    .or(component.packages.first())
                    .unwrap_or(&component.id)
                    .clone()
            };
            let found: Vec<String> =
                document.components.iter().filter(|one| wanted(one)).map(named).collect();
            match found.len() {
                0 => None,
                1..=3 => Some(found.join(", ")),
                more => Some(format!("{} and {} more", found[..3].join(", "), more - 3)),
            }
        };
        if let Some(open) = names(&|c| c.windows.iter().any(|window| window.not_known.is_some())) {
            said.push(format!("window not known, so all times count: {open}"));
        }
        if let Some(open) = names(&|c| c.payload.contains(&Capability::Unknown)) {
            said.push(format!(
                "payload not known, so it counts as able to take everything: {open}"
            ));
        }
        said
    }
}
