//! What a manifest says. Every field is in README.md.

use std::collections::BTreeMap;

use keysweep_sdk::Style;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use crate::outcome::Meaning;

/// By status: `200 = "done"`.
pub(crate) type Outcomes = BTreeMap<u16, Meaning>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) manifest: u32,
    pub(crate) id: String,
    pub(crate) docs: String,
    /// The fixed list; the first unless the configuration picks another.
    pub(crate) base: Vec<String>,
    /// The one principal that there is, where no URL names one.
    #[serde(default)]
    pub(crate) principal: Option<String>,
    #[serde(default)]
    pub(crate) params: Vec<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) auth: Vec<Auth>,
    /// Of the credential. Needed where no `mint.values` names them.
    #[serde(default)]
    pub(crate) fields: Vec<String>,
    #[serde(default, deserialize_with = "outcomes")]
    pub(crate) outcome: Outcomes,
    pub(crate) limits: Limits,
    pub(crate) item: Item,
    #[serde(default)]
    pub(crate) scope: BTreeMap<String, Projection>,
    pub(crate) list: List,
    #[serde(default)]
    pub(crate) mint: Option<Mint>,
    #[serde(default)]
    pub(crate) verify: Option<Verify>,
    #[serde(default)]
    pub(crate) disable: Option<Change>,
    #[serde(default)]
    pub(crate) enable: Option<Change>,
    #[serde(default)]
    pub(crate) destroy: Option<Change>,
}

/// One header that says who asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    #[serde(rename = "as")]
    pub(crate) how: How,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) prefix: String,
    #[serde(default)]
    pub(crate) user: Option<String>,
    /// One of keysweep's own credentials, as the configuration names it.
    #[serde(default)]
    pub(crate) own: Option<String>,
    /// In `verify`: a field of the credential that is asked about.
    #[serde(default)]
    pub(crate) field: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum How {
    Bearer,
    Basic,
    Header,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) style: Style,
    #[serde(default)]
    pub(crate) max_live: Option<u32>,
    /// Seconds.
    pub(crate) visible_within: u64,
    /// Seconds.
    pub(crate) dead_within: u64,
    /// How exact `item.last_used` is. Seconds.
    #[serde(default)]
    pub(crate) use_granularity: Option<u64>,
    /// How late it is. Seconds.
    #[serde(default)]
    pub(crate) use_lag: Option<u64>,
    #[serde(default)]
    pub(crate) min_gap_ms: u64,
}

/// Where the parts of one credential are, in lists and single answers alike. RFC 6901 pointers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) created: Option<String>,
    #[serde(default)]
    pub(crate) expires: Option<String>,
    #[serde(default)]
    pub(crate) marker: Option<String>,
    #[serde(default)]
    pub(crate) last_used: Option<String>,
    #[serde(default)]
    pub(crate) state: Option<State>,
}

/// What stands at `at`, as text; `null` where nothing does, and `*` is any.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) at: String,
    #[serde(default)]
    pub(crate) active: Vec<String>,
    #[serde(default)]
    pub(crate) inactive: Vec<String>,
    #[serde(default)]
    pub(crate) gone: Vec<String>,
}

/// A part of what a credential may do, that its successor has to have too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Projection {
    pub(crate) at: String,
    /// Patterns within it that are left out: what the API makes up, like `/*/id`.
    #[serde(default)]
    pub(crate) without: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    pub(crate) request: Line,
    #[serde(default)]
    pub(crate) query: BTreeMap<String, String>,
    /// The array.
    pub(crate) items: String,
    pub(crate) pages: Pages,
    /// Whether its items have what `[scope]` names.
    #[serde(default = "yes")]
    pub(crate) scope: bool,
    #[serde(default, deserialize_with = "outcomes")]
    pub(crate) outcome: Outcomes,
}

/// How a list is read to its end.
#[derive(Debug, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Pages {
    /// One answer holds all. As many as `most` are taken for a part.
    One { most: usize },
    /// Numbered. It ends with an empty page, or when there are as many as `total` says.
    Number {
        param: String,
        first: u64,
        #[serde(default)]
        total: Option<String>,
    },
    /// Each page names the next in its body.
    Cursor { param: String, next: String },
    /// Each page names the URL of the next in its body.
    Url { next: String },
    /// Each page names the next in `Link` (RFC 8288).
    Link,
    /// Each page has status 206 and `Next-Range`, which is sent back as `Range`.
    Range,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mint {
    pub(crate) request: Line,
    #[serde(default)]
    pub(crate) before: Option<Before>,
    #[serde(default)]
    pub(crate) body: Value,
    /// Where in the answer the credential is.
    pub(crate) item: String,
    /// Field of the credential → where in the answer its value is.
    pub(crate) values: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "outcomes")]
    pub(crate) outcome: Outcomes,
}

/// Reads the credential first, since the API wants all of it back. Status 200, or what `outcome` says of others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Before {
    pub(crate) request: Line,
    pub(crate) item: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verify {
    pub(crate) request: Line,
    #[serde(default)]
    pub(crate) auth: Vec<Auth>,
    #[serde(default)]
    pub(crate) body: Value,
    /// Of an answer whose status says live: what its body says.
    #[serde(default)]
    pub(crate) state: Option<State>,
    /// Where the answer names the credential.
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default = "yes")]
    pub(crate) counts_as_use: bool,
    #[serde(deserialize_with = "outcomes")]
    pub(crate) outcome: Outcomes,
    /// Where another of keysweep's own credentials is sent too: shows that the refusal is not about that one.
    #[serde(default)]
    pub(crate) control: Option<Control>,
}

/// Status 200 when keysweep's own part is right.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Control {
    pub(crate) request: Line,
    pub(crate) auth: Vec<Auth>,
}

/// Disable, enable or destroy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) request: Line,
    #[serde(default)]
    pub(crate) before: Option<Before>,
    #[serde(default)]
    pub(crate) body: Value,
    #[serde(default, deserialize_with = "outcomes")]
    pub(crate) outcome: Outcomes,
}

/// `POST /user/tokens/{id}`.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) method: String,
    pub(crate) path: String,
}

impl Manifest {
    /// The fields of the credential, sorted.
    pub(crate) fn fields(&self) -> Vec<String> {
        let minted = self.mint.iter().flat_map(|mint| mint.values.keys().cloned());
        let mut fields: Vec<String> = self.fields.iter().cloned().chain(minted).collect();
        fields.sort();
        fields.dedup();
        fields
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (method, path) = text.split_once(' ').unwrap_or_default();
        match ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) && path.starts_with('/') {
            true => Ok(Self { method: method.to_owned(), path: path.to_owned() }),
            false => Err(D::Error::custom(
                "a request is a method and a path: `GET /keys`; methods are GET, POST, PUT, PATCH and DELETE",
            )),
        }
    }
}

fn outcomes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Outcomes, D::Error> {
    let named = BTreeMap::<String, Meaning>::deserialize(deserializer)?;
    let numbered = named.into_iter().map(|(status, meaning)| {
        let number = status.parse().ok().filter(|number| (100..600).contains(number));
        number.map(|number| (number, meaning)).ok_or(status)
    });
    numbered.collect::<Result<_, _>>().map_err(|status| {
        D::Error::custom(format!("`{status}` is no status; it is a number like 404"))
    })
}

fn yes() -> bool {
    true
}
