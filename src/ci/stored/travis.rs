//! Travis CI: variables of the repository's settings, and those sealed into the file (`secure:`).

use super::{Found, each_entry, texts};
use crate::ci::{
    model::{Certainty, Scope},
    yaml::Node,
};

pub(super) fn read(found: &mut Found, root: Option<&Node>, bytes: &[u8]) {
    found.add(Scope::Project, "*", 1, Certainty::Inferred);
    if let Some(root) = root {
        let mut sealed = Vec::new();
        each_entry(root, &mut |entry| {
            // `api_key: {secure: …}` names what it is for; `env: [{secure: …}]` holds the name too.
            if &*entry.key.text == "secure" {
                sealed.extend(texts(&entry.value).map(|(_, line)| line));
            }
        });
        sealed.sort_unstable();
        for line in sealed {
            found.add(Scope::Project, &format!("secure:{line}"), line, Certainty::Inferred);
        }
    }
    found.variables(root, bytes);
}
