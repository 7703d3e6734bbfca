use std::{collections::BTreeSet, fmt, net::IpAddr};

use thiserror::Error;
use url::{Host, Url};

/// Where an API is: scheme, host, port, and a path that all of its paths follow.
#[derive(Clone, Eq, PartialEq)]
pub struct Base(Url);

/// Why a base URL is refused. It is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BadBase {
    #[error("the URL cannot be read; it looks like `https://host:port/path`")]
    Syntax,
    #[error("the URL has a user or a password in it; a credential is given by reference")]
    Login,
    #[error("the URL has a query or a fragment, which a base cannot have")]
    Query,
    #[error("the URL is not `https`; plain HTTP is for loopback (127.0.0.1, ::1, localhost) only")]
    Plain,
}

/// The hosts that may be dialled, as `host:port`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hosts(BTreeSet<String>);

impl Base {
    pub fn parse(text: &str) -> Result<Self, BadBase> {
        let url = Url::parse(text).map_err(|_| BadBase::Syntax)?;
        if url.host().is_none() {
            return Err(BadBase::Syntax);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadBase::Login);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BadBase::Query);
        }
        if !(url.scheme() == "https" || url.scheme() == "http" && loopback(&url)) {
            return Err(BadBase::Plain);
        }
        Ok(Self(url))
    }

    /// `host:port`.
    pub fn host(&self) -> String {
        host(&self.0)
    }

    /// Whether it is this machine, by name or address.
    pub fn is_loopback(&self) -> bool {
        loopback(&self.0)
    }

    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL of a path that is encoded already.
    pub(crate) fn join(&self, path: &str) -> Option<Url> {
        let prefix = self.0.path().trim_end_matches('/');
        let path = format!("{prefix}/{}", path.trim_start_matches('/'));
        let mut url = self.0.clone();
        url.set_path(&path);
        // A path that the parser changes (`/../`) is not the one that was meant.
        (url.path() == path).then_some(url)
    }

    /// A URL that the server named, when it is of the same scheme, host and port.
    pub(crate) fn same_origin(&self, from: &Url, named: &str) -> Result<Url, String> {
        let url = from.join(named).map_err(|_| "what cannot be read as a URL".to_owned())?;
        let login = !url.username().is_empty() || url.password().is_some();
        match url.origin() == self.0.origin() && !login {
            true => Ok(url),
            false => Err(format!("`{}`", host(&url))),
        }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// A proxy's URL. It may be plain HTTP: what goes through it is TLS to the host itself.
    pub(crate) fn proxy(text: &str) -> Result<Self, BadBase> {
        match Self::parse(text) {
            Err(BadBase::Plain) => {
                let url = Url::parse(text).map_err(|_| BadBase::Syntax)?;
                (url.scheme() == "http").then_some(Self(url)).ok_or(BadBase::Syntax)
            }
            other => other,
        }
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base({self})")
    }
}

impl Hosts {
    pub fn of<'a>(bases: impl IntoIterator<Item = &'a Base>) -> Self {
        Self(bases.into_iter().map(Base::host).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether none is beyond this machine.
    pub(crate) fn are_loopback(&self) -> bool {
        self.iter().all(|host| Url::parse(&format!("https://{host}")).is_ok_and(|u| loopback(&u)))
    }

    pub(crate) fn allow(&self, url: &Url) -> bool {
        let scheme = url.scheme() == "https" || url.scheme() == "http" && loopback(url);
        scheme && self.0.contains(&host(url))
    }
}

/// `host:port`, with the scheme's port where none is written.
pub(crate) fn host(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

/// Without the URL: its query may hold a cursor.
pub(crate) fn bare(error: reqwest::Error) -> reqwest::Error {
    error.without_url()
}

fn loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_https_or_loopback_and_nothing_else() {
        for good in [
            "https://api.example.com/v4",
            "http://127.0.0.1:8200",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(Base::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://api.example.com", BadBase::Plain),
            ("http://127.0.0.1.example.com", BadBase::Plain),
            ("ftp://127.0.0.1", BadBase::Plain),
            ("https://u:planted@example.com", BadBase::Login),
            ("https://example.com/?token=planted", BadBase::Query),
            ("api.example.com", BadBase::Syntax),
            ("data:planted", BadBase::Syntax),
        ] {
            let error = Base::parse(bad).unwrap_err();
            assert_eq!(error, why, "{bad}");
            assert!(!error.to_string().contains("planted"));
        }
    }

    #[test]
    fn a_proxy_may_be_plain_but_has_no_login() {
        for good in ["http://proxy.example:443", "https://proxy.example", "http://127.0.0.1:1"] {
            assert_eq!(Base::proxy(good).unwrap().to_string(), good);
        }
        assert_eq!(Base::proxy("http://proxy.example").unwrap().host(), "proxy.example:80");
        assert_eq!(Base::proxy("http://u:planted@proxy.example"), Err(BadBase::Login));
        assert_eq!(Base::proxy("socks5://proxy.example"), Err(BadBase::Syntax));
    }

    #[test]
    fn a_path_follows_the_base_and_cannot_leave_it() {
        let base = Base::parse("https://api.example.com/client/v4/").unwrap();
        assert_eq!(base.join("/user").unwrap().as_str(), "https://api.example.com/client/v4/user");
        for bad in ["/../../x", "/a/./b", "/a?b", "/a#b", "/a\\b", "/a b"] {
            assert!(base.join(bad).is_none(), "{bad}");
        }
        assert!(base.join("/a%2Fb").is_some());
    }

    #[test]
    fn another_origin_is_named_and_not_followed() {
        let base = Base::parse("https://api.example.com").unwrap();
        let from = base.join("/a").unwrap();
        assert_eq!(base.same_origin(&from, "/b?c=1").unwrap().path(), "/b");
        for (other, named) in [
            ("https://evil.example/x?planted", "`evil.example:443`"),
            ("//evil.example", "`evil.example:443`"),
            ("http://api.example.com", "`api.example.com:80`"),
            ("https://api.example.com:8443/", "`api.example.com:8443`"),
            ("https://u@api.example.com/", "`api.example.com:443`"),
        ] {
            assert_eq!(base.same_origin(&from, other).unwrap_err(), named);
        }
    }
}
