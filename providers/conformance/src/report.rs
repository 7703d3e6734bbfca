use std::fmt;

/// How one check went.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    Passed,
    /// What was wrong.
    Failed(String),
    /// Not run, or not to be had from this server, and why.
    Excused(String),
}

/// What the suite found, check by check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    outcomes: Vec<(String, Outcome)>,
    demanded: Vec<String>,
}

impl Report {
    pub(crate) fn add(&mut self, check: &str, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Excused(reason) if reason.trim().is_empty() => {
                Outcome::Failed("excused without a reason".into())
            }
            outcome => outcome,
        };
        self.outcomes.push((check.to_owned(), outcome));
    }

    pub(crate) fn demand(&mut self, checks: Vec<String>) {
        self.demanded = checks;
    }

    pub fn outcomes(&self) -> impl Iterator<Item = (&str, &Outcome)> {
        self.outcomes.iter().map(|(check, outcome)| (check.as_str(), outcome))
    }

    /// What was wrong, and what was demanded and neither run nor excused.
    pub fn failures(&self) -> Vec<String> {
        let failed = self.outcomes().filter_map(|(check, outcome)| match outcome {
            Outcome::Failed(why) => Some(format!("{check}: {why}")),
            Outcome::Passed | Outcome::Excused(_) => None,
        });
        let missing = self.demanded.iter().filter(|check| self.of(check).is_none());
        failed.chain(missing.map(|check| format!("{check}: neither run nor excused"))).collect()
    }

    pub fn of(&self, check: &str) -> Option<&Outcome> {
        self.outcomes().find(|(name, _)| *name == check).map(|(_, outcome)| outcome)
    }

    pub fn conforms(&self) -> bool {
        self.failures().is_empty()
    }

    /// Panics with the whole report unless all that was demanded passed or was excused.
    pub fn assert_conforms(&self) {
        assert!(self.conforms(), "\n{self}\nfailed:\n  {}\n", self.failures().join("\n  "));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (check, outcome) in self.outcomes() {
            match outcome {
                Outcome::Passed => writeln!(f, "passed   {check}")?,
                Outcome::Failed(why) => writeln!(f, "FAILED   {check}: {why}")?,
                Outcome::Excused(why) => writeln!(f, "excused  {check}: {why}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_demanded_and_not_run_is_a_failure() {
        let mut report = Report::default();
        report.demand(vec!["a".into(), "b".into(), "c".into()]);
        report.add("a", Outcome::Passed);
        report.add("b", Outcome::Excused("no such server".into()));
        assert_eq!(report.failures(), ["c: neither run nor excused"]);
        report.add("c", Outcome::Excused("  ".into()));
        assert_eq!(report.failures(), ["c: excused without a reason"]);
    }
}
