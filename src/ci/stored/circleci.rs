//! CircleCI: project variables, contexts, SSH and checkout keys (rules C1, C5).

use super::{Found, each_entry, texts};
use crate::ci::{
    model::{Certainty, Scope},
    yaml::Node,
};

pub(super) fn read(found: &mut Found, root: Option<&Node>, bytes: &[u8]) {
    found.add(Scope::Project, "*", 1, Certainty::Inferred);
    // Which keys a project has stands in its settings; one to check the code out it always has.
    found.add(Scope::Project, "checkout-key", 1, Certainty::Inferred);
    found.add(Scope::Project, "api-tokens", 1, Certainty::Possible);
    if let Some(root) = root {
        let mut named = Vec::new();
        each_entry(root, &mut |entry| match &*entry.key.text {
            "context" => named.extend(texts(&entry.value).map(|(name, line)| (true, name, line))),
            "fingerprints" => {
                named.extend(texts(&entry.value).map(|(name, line)| (false, name, line)));
            }
            _ => {}
        });
        named.sort_by_key(|(_, _, line)| *line);
        for (is_context, name, line) in named {
            if is_context {
                found.add(Scope::Context(name.into()), "*", line, Certainty::Inferred);
            } else {
                let key = format!("ssh-key:{name}");
                found.add(Scope::Project, &key, line, Certainty::Inferred);
            }
        }
    }
    found.variables(root, bytes);
}
