//! Indicators: what others will search their logs for.

use std::net::IpAddr;

use super::Linter;
use crate::incident::document::{Indicator, IndicatorKind};

pub(super) fn lint(linter: &mut Linter<'_>) {
    let document = linter.document;
    for (i, indicator) in document.indicators.iter().enumerate() {
        linter.indicator(&format!("indicators[{i}]"), indicator);
    }
    linter.distinct("indicators", document.indicators.iter().map(|one| one.value.as_str()));
}

impl Linter<'_> {
    fn indicator(&mut self, key: &str, indicator: &Indicator) {
        self.cited(key, &indicator.source);
        let value = indicator.value.as_str();
        let key = &format!("{key}.value");
        match indicator.kind {
            IndicatorKind::Sha256 => self.sha256(key, value),
            IndicatorKind::OciDigest => self.oci_digest(key, value),
            IndicatorKind::GitCommit => self.commit(key, value),
            IndicatorKind::NpmShasum => self.commit(key, value),
            IndicatorKind::PackageVersion if crate::incident::split_release(value).is_none() => {
                self.report(
                    key,
                    format!("`{value}` is not a release of a package"),
                    "write `npm:name@1.2.3`",
                );
            }
            IndicatorKind::Ip if value.parse::<IpAddr>().is_err() => {
                self.report(
                    key,
                    format!("`{value}` is not an IP address"),
                    "write it plainly, not defanged",
                );
            }
            IndicatorKind::Domain if !is_domain(value) => {
                self.report(
                    key,
                    format!("`{value}` is not a domain"),
                    "write it plainly, without scheme or path",
                );
            }
            IndicatorKind::Url
                if !value.starts_with("https://") && !value.starts_with("http://") =>
            {
                self.report(
                    key,
                    format!("`{value}` is not a URL"),
                    "write it whole and not defanged",
                );
            }
            IndicatorKind::PackageVersion
            | IndicatorKind::Ip
            | IndicatorKind::Domain
            | IndicatorKind::Url
            | IndicatorKind::LogString
            | IndicatorKind::FilePath
            | IndicatorKind::RepositoryName
            | IndicatorKind::Account
            | IndicatorKind::BranchName
            | IndicatorKind::WorkflowName
            | IndicatorKind::CommitMessage
            | IndicatorKind::RunnerName
            | IndicatorKind::CacheKey => self.said(key, value),
        }
    }
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.contains('.') && text.split('.').all(label)
}
