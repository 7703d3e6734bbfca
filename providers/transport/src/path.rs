use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986, section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of a request: a template with `{name}` in it, and what stands there.
///
/// The values are public: they are told in errors. A secret has no place in a URL.
#[derive(Clone, Debug)]
pub struct Path {
    template: String,
    values: Vec<(String, Value)>,
}

#[derive(Clone, Debug)]
struct Value {
    text: String,
    /// Its slashes part segments.
    many: bool,
}

impl Path {
    pub fn new(template: impl Into<String>) -> Self {
        Self { template: template.into(), values: Vec::new() }
    }

    /// One segment: a slash in it is encoded.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.push((name.into(), Value { text: value.into(), many: false }));
        self
    }

    /// Several segments, parted by slashes: the path of a Vault secret.
    #[must_use]
    pub fn set_many(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.push((name.into(), Value { text: value.into(), many: true }));
        self
    }

    pub fn template(&self) -> &str {
        &self.template
    }

    /// The encoded path, or which part cannot stand in one.
    pub(crate) fn encoded(&self) -> Result<String, String> {
        self.filled(|text| utf8_percent_encode(text, SEGMENT).to_string())
    }

    /// As people read it, for errors.
    pub(crate) fn shown(&self) -> String {
        let plain = |text: &str| text.replace(char::is_control, "\u{fffd}");
        self.filled(plain).unwrap_or_else(|_| self.template.clone())
    }

    fn filled(&self, write: impl Fn(&str) -> String) -> Result<String, String> {
        let mut path = String::new();
        let mut rest = self.template.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| "a `{` of the path is not closed".to_owned())?;
            path.push_str(before);
            path.push_str(&self.value(name, &write)?);
            rest = after;
        }
        path.push_str(rest);
        Ok(path)
    }

    fn value(&self, name: &str, write: impl Fn(&str) -> String) -> Result<String, String> {
        let (_, value) = self
            .values
            .iter()
            .find(|(n, _)| n == name)
            .ok_or_else(|| format!("nothing is given for `{{{name}}}` of the path"))?;
        let segments: Vec<&str> =
            if value.many { value.text.split('/').collect() } else { vec![&value.text] };
        // Servers and proxies take these for something else than a name.
        if segments.iter().any(|segment| ["", ".", ".."].contains(segment)) {
            return Err(format!("`{{{name}}}` of the path cannot be empty, `.` or `..`"));
        }
        Ok(segments.into_iter().map(write).collect::<Vec<_>>().join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_in_its_segment() {
        let path = Path::new("/v1/{mount}/data/{path}")
            .set("mount", "a/b?c#%2e ü")
            .set_many("path", "x/y z");
        assert_eq!(path.encoded().unwrap(), "/v1/a%2Fb%3Fc%23%252e%20%C3%BC/data/x/y%20z");
        assert_eq!(path.shown(), "/v1/a/b?c#%2e ü/data/x/y z");
    }

    #[test]
    fn what_is_no_segment_is_refused() {
        for bad in ["", ".", "..", "a/../b", "/a", "a//b"] {
            let path = Path::new("/{p}").set_many("p", bad);
            assert!(path.encoded().is_err(), "{bad}");
        }
        assert!(Path::new("/{p}").encoded().unwrap_err().contains("{p}"));
        assert!(Path::new("/{p").set("p", "x").encoded().is_err());
    }
}
