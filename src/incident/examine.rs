//! The matcher: is this component of CI one of the incident's, and was its content bad?
//!
//! What decides, in this order:
//!
//! 1. the not-affected list of the pack;
//! 2. content that cannot have changed: a copy in the repository, a full commit id or digest that is not
//!    a bad one, a download that was verified. A commit pin does *not* clear a component that fetches
//!    something else at run time, unless the commit is known to be of a version that does not;
//! 3. the pack's rules for refs (tags, branches, versions), and its fallback for other refs;
//! 4. guards: conditions that the payload tested, or needed.
//!
//! A comment beside a commit (`# v1.4.0`) is no evidence and is not looked at.

use super::{
    Capabilities, Pack, PackComponent, Window,
    document::{Exfiltration, Fallback, RefRule, RefStanding},
    identity::Name,
    reference::{fits, is_abbreviated, is_commit, is_sha256},
};
use crate::ci::model::{Certainty, Component, Os, Pinned, Verified};

/// What is known of the place where a component stands.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Owner of the repository, where its identity is known.
    pub repository_owner: Option<String>,
    pub os: Os,
    pub self_hosted: Option<bool>,
    /// Whether anybody can read the repository.
    pub public: Option<bool>,
    /// For a package: whether its install scripts were switched on.
    pub install_scripts: Option<bool>,
}

/// A component of CI that an incident speaks of.
#[derive(Clone, Debug)]
pub struct Hit<'p> {
    /// `None`: it is on the not-affected list.
    pub component: Option<&'p PackComponent>,
    pub standing: Standing<'p>,
    /// When it could have been bad: also where the standing is unknown, for a definition that was in
    /// force only outside of them is out of it all the same.
    pub windows: Vec<&'p Window>,
    /// What the known payload could do here; empty where it could take nothing.
    pub payload: Capabilities,
    pub payload_certainty: Certainty,
    /// `codecov/codecov-action fetches https://codecov.io/bash at run time`; `None` where it is cleared.
    pub resolved_by: Option<String>,
    pub exfiltration: Option<&'p Exfiltration>,
    /// What guards had to say, for the explanation.
    pub notes: Vec<&'p str>,
}

/// What the pack says about the content, before any date is looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing<'p> {
    /// Bad in these windows.
    Bad {
        windows: Vec<&'p Window>,
        certainty: Certainty,
    },
    Cleared {
        reason: String,
    },
    Unknown {
        reason: String,
    },
}

impl Standing<'_> {
    /// The worse, the lower.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Bad { certainty: Certainty::Inferred, .. } => 0,
            Self::Bad { certainty: Certainty::Possible, .. } => 1,
            Self::Unknown { .. } => 2,
            Self::Cleared { .. } => 3,
        }
    }
}

impl Pack {
    /// `None`: the component is none of this incident's. Where it is several of them (two phases of
    /// one action), the worst counts, with the windows of all that are bad.
    pub fn examine(&self, component: &Component, context: &Context) -> Option<Hit<'_>> {
        let mut hits = self.examine_each(component, context);
        hits.sort_by_key(|hit| hit.standing.rank());
        let mut hits = hits.into_iter();
        let mut worst = hits.next()?;
        for hit in hits {
            let alike =
                std::mem::discriminant(&hit.standing) == std::mem::discriminant(&worst.standing);
            if !alike {
                break;
            }
            worst.windows.extend(&hit.windows);
            worst.payload = worst.payload.union(&hit.payload);
            if let (Standing::Bad { windows, .. }, Standing::Bad { windows: more, .. }) =
                (&mut worst.standing, hit.standing)
            {
                windows.extend(more);
            }
        }
        Some(worst)
    }

    /// Whether the incident, or its list of what it did not affect, speaks of this component.
    pub fn knows(&self, component: &Component) -> bool {
        let mentioned = Name::of(component);
        let named = |names: &[Name]| names.iter().any(|name| name.covers(&mentioned));
        self.not_affected().any(|(_, names)| named(names))
            || self.components().iter().any(|affected| affected.is_named(&mentioned))
    }

    /// One hit for every component of the pack that this one is.
    pub fn examine_each(&self, component: &Component, context: &Context) -> Vec<Hit<'_>> {
        let mentioned = Name::of(component);
        let named = |names: &[Name]| names.iter().any(|name| name.covers(&mentioned));
        if let Some((entry, _)) = self.not_affected().find(|(_, names)| named(names)) {
            return vec![Hit::not_affected(&entry.why)];
        }
        let affected = self.components().iter().filter(|one| one.is_named(&mentioned));
        affected.map(|affected| self.judge(affected, component, context)).collect()
    }

    fn judge<'p>(
        &'p self,
        affected: &'p PackComponent,
        component: &Component,
        context: &Context,
    ) -> Hit<'p> {
        let mut hit = Hit {
            component: Some(affected),
            standing: self.content(affected, component),
            windows: affected.windows.iter().collect(),
            payload: affected.payload.clone(),
            payload_certainty: Certainty::Inferred,
            resolved_by: None,
            exfiltration: affected.exfiltration.as_ref(),
            notes: Vec::new(),
        };
        if !matches!(hit.standing, Standing::Cleared { .. }) {
            hit.resolved_by = resolved_by(affected, component);
            for guard in &affected.guards {
                hit.apply(guard, context);
            }
        }
        hit
    }

    /// Steps 2 and 3 of the module's list.
    fn content<'p>(&'p self, affected: &'p PackComponent, component: &Component) -> Standing<'p> {
        if component.pinned == Pinned::Vendored {
            return cleared("a copy that lies in the repository: the incident did not touch it");
        }
        if let Some(how) = verified(component.verified) {
            return cleared(how);
        }
        if let Some(bad) = affected.versions_of(component) {
            return self.release(affected, component, bad);
        }
        match component.reference.as_deref() {
            Some(reference) if is_commit(reference) => self.commit(affected, reference),
            Some(reference) if is_digest(reference) => self.digest(affected, reference),
            Some(reference) => self.named(affected, reference),
            None => match &affected.entry.other_refs {
                Some(fallback) => self.fall_back(affected, fallback),
                None => self.bad(affected, &affected.entry.source),
            },
        }
    }

    fn commit<'p>(&'p self, affected: &'p PackComponent, commit: &str) -> Standing<'p> {
        let entry = &affected.entry;
        let is = |listed: &str| listed.eq_ignore_ascii_case(commit);
        if let Some(listed) = entry.bad_commits.iter().find(|listed| is(&listed.commit)) {
            return self.bad(affected, &listed.source);
        }
        // A commit whose tag is known stands as that tag did, except that it cannot have moved.
        let tag = entry.identities.iter().find(|identity| is(&identity.commit));
        let rule = tag.and_then(|tag| Some((tag, rule_for(affected, &tag.reference)?)));
        if let Some((tag, rule)) = rule.filter(|_| affected.resolves().is_some()) {
            return self.by_rule(affected, rule, &format!("commit of {}", tag.reference));
        }
        match (tag, &entry.other_commits) {
            // Known by name and not a bad one: the tag may have moved since, the commit has not.
            (Some(tag), _) if affected.resolves().is_none() => {
                cleared(&format!("pinned to {commit}, the genuine commit of {}", tag.reference))
            }
            (_, Some(fallback)) => self.fall_back(affected, fallback),
            (_, None) => cleared(&format!("pinned to {commit}, which the incident did not touch")),
        }
    }

    fn digest<'p>(&'p self, affected: &'p PackComponent, digest: &str) -> Standing<'p> {
        let same = |listed: &str| bare_digest(listed).eq_ignore_ascii_case(bare_digest(digest));
        match affected.entry.bad_digests.iter().find(|listed| same(&listed.digest)) {
            Some(listed) => self.bad(affected, &listed.source),
            None => match &affected.entry.other_commits {
                Some(fallback) => self.fall_back(affected, fallback),
                None => cleared(&format!("pinned to digest {digest}, which is not a bad one")),
            },
        }
    }

    fn named<'p>(&'p self, affected: &'p PackComponent, reference: &str) -> Standing<'p> {
        let reference = short_ref(reference);
        if let Some(rule) = rule_for(affected, reference) {
            return self.by_rule(affected, rule, reference);
        }
        if is_abbreviated(reference) {
            let reason = format!(
                "`{reference}` looks like a commit id cut short; the platform takes it for a branch or tag"
            );
            return Standing::Unknown { reason };
        }
        match &affected.entry.other_refs {
            Some(fallback) => self.fall_back(affected, fallback),
            None if affected.entry.refs.is_empty() => self.bad(affected, &affected.entry.source),
            None => Standing::Unknown {
                reason: format!("no source says what `{reference}` held in the window"),
            },
        }
    }

    fn by_rule<'p>(
        &'p self,
        affected: &'p PackComponent,
        rule: &'p RefRule,
        reference: &str,
    ) -> Standing<'p> {
        let reason = format!("{reference}: {}", rule.why);
        match rule.standing {
            RefStanding::Bad => self.bad(affected, &rule.source),
            RefStanding::Cleared => Standing::Cleared { reason },
            RefStanding::Unknown => Standing::Unknown { reason },
        }
    }

    fn fall_back<'p>(
        &'p self,
        affected: &'p PackComponent,
        fallback: &'p Fallback,
    ) -> Standing<'p> {
        let reason = fallback.why.clone();
        match fallback.standing {
            RefStanding::Bad => self.bad(affected, &fallback.source),
            RefStanding::Cleared => Standing::Cleared { reason },
            RefStanding::Unknown => Standing::Unknown { reason },
        }
    }

    /// A fact that one weak source tells is a possibility, not more.
    pub(super) fn bad<'p>(&'p self, affected: &'p PackComponent, source: &str) -> Standing<'p> {
        let weak = affected.weak || self.is_weak(source);
        Standing::Bad {
            windows: affected.windows.iter().collect(),
            certainty: if weak { Certainty::Possible } else { Certainty::Inferred },
        }
    }
}

impl<'p> Hit<'p> {
    fn not_affected(why: &str) -> Self {
        Self {
            component: None,
            standing: cleared(why),
            windows: Vec::new(),
            payload: Capabilities::none(),
            payload_certainty: Certainty::Inferred,
            resolved_by: None,
            exfiltration: None,
            notes: Vec::new(),
        }
    }
}

fn rule_for<'p>(affected: &'p PackComponent, reference: &str) -> Option<&'p RefRule> {
    let rules = affected.entry.refs.iter().zip(&affected.ranges);
    let fitting = |(rule, range): &(&RefRule, &Option<super::reference::Range>)| {
        rule.refs.iter().any(|pattern| fits(pattern, reference))
            || range.as_ref().is_some_and(|range| range.holds(reference))
    };
    rules.into_iter().find(fitting).map(|(rule, _)| rule)
}

fn resolved_by(affected: &PackComponent, component: &Component) -> Option<String> {
    affected.resolves().map(|resolves| format!("{} {}", component.name, resolves.how))
}

fn verified(verified: Verified) -> Option<&'static str> {
    match verified {
        Verified::No => None,
        Verified::Checksum => {
            Some("compared with a digest written in the repository before it ran")
        }
        Verified::Signature => Some("its signature was verified before it ran"),
        Verified::Attestation => Some("its attestation was verified before it ran"),
    }
}

/// `refs/tags/v1` is `v1`.
fn short_ref(reference: &str) -> &str {
    let prefixes = ["refs/tags/", "refs/heads/"];
    prefixes.into_iter().find_map(|prefix| reference.strip_prefix(prefix)).unwrap_or(reference)
}

fn is_digest(reference: &str) -> bool {
    is_sha256(bare_digest(reference))
}

fn bare_digest(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap_or(digest)
}

pub(super) fn cleared<'p>(reason: &str) -> Standing<'p> {
    Standing::Cleared { reason: reason.to_owned() }
}
