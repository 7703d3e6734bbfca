//! Lock files that no job was seen to install from: other CI systems and people may.

use super::{
    SiteStatus, Subject,
    expose::{Defined, at_one_time},
    merge::Version,
    site,
};
use crate::{
    ci::model::{Kind, Role},
    incident::Pack,
};

/// The sites of a lock file by itself. Where a job installs from it, that job's site says more.
pub(super) fn sites<'p>(
    pack: &'p Pack,
    subject: &Subject<'_>,
    lock: &Defined<'_>,
) -> Vec<Version<'p>> {
    let mut sites = Vec::new();
    if is_installed(subject, lock) {
        return sites;
    }
    for job in &lock.pipeline.jobs {
        for mention in &job.mentions {
            let spot = site::Spot { subject, defined: lock, job, step: None, mention };
            let Some(found) = site::assess(pack, &spot, 0) else { continue };
            let mut version = found.site;
            let held = mention.component.reference.as_deref().unwrap_or("a version");
            let file = &lock.pipeline.file;
            version.site.reason = match version.site.status {
                SiteStatus::Cleared => {
                    format!("`{file}` holds {held}; {}", version.site.reason)
                }
                SiteStatus::Exposed | SiteStatus::Unknown => {
                    version.site.status = SiteStatus::Unknown;
                    format!(
                        "in the lock file `{file}`; no job that installs it was found: \
                         {}",
                        version.site.reason
                    )
                }
            };
            sites.push(version);
        }
    }
    sites
}

fn is_installed(subject: &Subject<'_>, lock: &Defined<'_>) -> bool {
    let jobs = subject
        .definitions
        .iter()
        .filter(|defined| defined.pipeline.role != Role::Locked)
        .filter(|defined| at_one_time(defined.live, lock.live))
        .flat_map(|defined| &defined.pipeline.jobs);
    let mut mentions = jobs.flat_map(|job| &job.steps).flat_map(|step| &step.mentions);
    mentions.any(|mention| {
        mention.component.kind == Kind::Package && mention.place.file == lock.pipeline.file
    })
}
