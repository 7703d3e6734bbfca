//! `owner/repo` from a remote's URL.

/// `owner/repo` on github.com, `host/path` elsewhere; `None` for a local path or an odd URL.
///
/// User names, passwords and ports are dropped: they are no part of the name and may be secret.
pub(super) fn from_url(url: &str) -> Option<String> {
    let (host, path) = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?,
        // `git@host:owner/repo`; a colon after a slash, or after one letter, is a local path.
        None => url.split_once(':').filter(|(host, _)| host.len() > 1 && !host.contains('/'))?,
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    let plain = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~/+".contains(c))
            && text.split('/').all(|part| !matches!(part, "" | "." | ".."))
    };
    if !plain(&host) || !plain(path) {
        return None;
    }
    match host.as_str() {
        "github.com" | "www.github.com" | "ssh.github.com" => Some(path.to_owned()),
        host => Some(format!("{host}/{path}")),
    }
}

#[cfg(test)]
mod tests {
    use super::from_url;

    #[test]
    fn urls() {
        for (url, expected) in [
            ("https://github.com/acme/site.git", Some("acme/site")),
            ("https://github.com/acme/site/", Some("acme/site")),
            ("https://user:ghp_secret@github.com/acme/site", Some("acme/site")),
            ("git@github.com:acme/site.git", Some("acme/site")),
            ("ssh://git@ssh.github.com:443/acme/site.git", Some("acme/site")),
            ("github.com:acme/site", Some("acme/site")),
            (
                "git@gitlab.example.org:group/sub/site.git",
                Some("gitlab.example.org/group/sub/site"),
            ),
            ("https://GitLab.com:8443/g/p?x=y", Some("gitlab.com/g/p")),
            ("/srv/git/site.git", None),
            ("../site", None),
            ("file:///srv/site.git", None),
            ("C:\\work\\site", None),
            ("https://github.com/", None),
            ("https://github.com/a/\u{1b}[31mb", None),
            ("https://github.com/../x", None),
            ("", None),
        ] {
            assert_eq!(from_url(url).as_deref(), expected, "{url}");
        }
    }
}
