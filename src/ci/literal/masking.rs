//! Texts as they may be shown: what has the format of a credential is taken out.

use std::{borrow::Cow, sync::Arc};

use super::find;
use crate::ci::model::{Component, Gap, Job, Mention, Pipeline, Step};

const MASK: &str = "***";

/// The text, with `***` for every credential of a known format: the same text always looks the same.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let found = find(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for one in found {
        // A webhook is a secret as a whole; its host still tells what it is.
        let kept = if text[one.range.clone()].starts_with("https://") {
            let after_scheme = one.range.start + "https://".len();
            let host = text[after_scheme..one.range.end].find('/').map(|at| after_scheme + at + 1);
            host.unwrap_or(one.range.start)
        } else {
            one.range.start
        };
        out.push_str(&text[from..kept]);
        out.push_str(MASK);
        from = one.range.end;
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

fn mask(text: &mut String) {
    if let Cow::Owned(shown) = masked(text) {
        *text = shown;
    }
}

fn mask_shared(text: &mut Arc<str>) {
    if let Cow::Owned(shown) = masked(text) {
        *text = Arc::from(shown);
    }
}

impl Pipeline {
    /// Takes credentials out of every text that a report may show.
    pub(crate) fn mask(&mut self) {
        self.name.iter_mut().for_each(mask);
        self.gaps.iter_mut().for_each(mask_gap);
        self.doubts.iter_mut().for_each(|doubt| mask(&mut doubt.reason));
        self.jobs.iter_mut().for_each(mask_job);
    }
}

fn mask_gap(gap: &mut Gap) {
    mask(&mut gap.reason);
}

fn mask_job(job: &mut Job) {
    mask(&mut job.id);
    job.name.iter_mut().chain(&mut job.condition).for_each(mask);
    job.needs.iter_mut().chain(&mut job.runner.labels).for_each(mask);
    if let Some(environment) = &mut job.environment {
        environment.name.iter_mut().chain(&mut environment.candidates).for_each(mask_shared);
    }
    job.sent.iter_mut().for_each(|flow| mask_shared(&mut flow.secret.name));
    job.mentions.iter_mut().for_each(mask_mention);
    job.steps.iter_mut().for_each(mask_step);
}

fn mask_step(step: &mut Step) {
    step.id.iter_mut().chain(&mut step.name).chain(&mut step.condition).for_each(mask);
    step.mentions.iter_mut().for_each(mask_mention);
    for (_, text) in &mut step.uses.settings {
        mask_shared(text);
    }
}

fn mask_mention(mention: &mut Mention) {
    mask_component(&mut mention.component);
}

fn mask_component(component: &mut Component) {
    mask(&mut component.name);
    component.reference.iter_mut().for_each(mask);
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_credential_in_an_address_is_taken_out() {
        for (text, expected) in [
            ("https://x.io/i.sh", "https://x.io/i.sh"),
            (
                "https://x.io/dl?token=9f8e7d6c5b4a39281706&os=linux",
                "https://x.io/dl?token=***&os=linux",
            ),
            ("https://x.io/glpat-AbCdEf0123456789xyzQ/i.sh", "https://x.io/***/i.sh"),
        ] {
            assert_eq!(masked(text), expected);
        }
        let hook = format!(
            "post https://hooks.slack.com/services/T0{}/B0{}/x{}",
            "A1B2C3D4", "E5F6G7H8", "9Yz0123456789AbCdEfGhIj"
        );
        assert_eq!(masked(&hook), "post https://hooks.slack.com/***");
    }
}
