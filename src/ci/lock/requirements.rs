//! Requirement files of pip, and requirements as Python writes them (PEP 508).

use super::{Read, Wanted};

/// One line of a requirements file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Line<'t> {
    Package {
        name: &'t str,
        specifier: &'t str,
        hashed: bool,
    },
    /// `-r other.txt`
    Include(&'t str),
    /// A path, a URL, an option.
    Other(&'t str),
}

/// Lines with their numbers; a backslash joins two.
pub(super) fn lines(text: &str) -> Vec<(u32, String)> {
    let mut joined: Vec<(u32, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(text.lines()) {
        let comment = line.find(" #").or_else(|| line.trim_start().starts_with('#').then_some(0));
        let line = &line[..comment.unwrap_or(line.len())];
        let part = line.trim_end().strip_suffix('\\');
        let content = part.unwrap_or(line).trim();
        match joined.last_mut() {
            Some((_, last)) if goes_on => {
                last.push(' ');
                last.push_str(content);
            }
            _ => joined.push((number, content.to_owned())),
        }
        goes_on = part.is_some();
    }
    joined.retain(|(_, line)| !line.is_empty());
    joined
}

pub(super) fn line(text: &str) -> Line<'_> {
    for option in ["-r", "--requirement"] {
        if let Some(path) = text.strip_prefix(option)
            && path.starts_with([' ', '=', '\t'])
        {
            return Line::Include(path.trim_start_matches(['=', ' ', '\t']).trim());
        }
    }
    match requirement(text) {
        Some((name, specifier)) => {
            Line::Package { name, specifier, hashed: text.contains("--hash=") }
        }
        None => Line::Other(text),
    }
}

/// `Name[extra]>=1,<2; marker` → name and `>=1,<2`.
pub(super) fn requirement(text: &str) -> Option<(&str, &str)> {
    let text = text.split(" --hash").next()?.split(';').next()?.trim();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    rest = rest.trim_start();
    if let Some(inside) = rest.strip_prefix('[') {
        rest = inside.split_once(']')?.1.trim_start();
    }
    let rest = rest.trim_matches(['(', ')', ' ']);
    let specifies = rest.is_empty() || rest.starts_with(['=', '<', '>', '!', '~', '@']);
    specifies.then_some((name, rest))
}

/// The version of `==1.2`; a pattern or a list of conditions is none.
pub(super) fn exact(specifier: &str) -> Option<&str> {
    let version = specifier.strip_prefix("===").or_else(|| specifier.strip_prefix("=="))?.trim();
    let plain = !version.is_empty() && !version.contains([',', '*', ' ', '<', '>', '!']);
    plain.then_some(version)
}

pub(super) fn locked(bytes: &[u8], wanted: &Wanted) -> Read {
    let mut read = Read::default();
    for (number, text) in lines(&String::from_utf8_lossy(bytes)) {
        if let Line::Package { name, specifier, .. } = line(&text)
            && let (Some(name), Some(version)) = (wanted.find("pypi", name), exact(specifier))
        {
            read.add(name, version, number, None);
        }
    }
    read
}

/// Whether all that is installed stands in the file: `pip` looks for nothing beyond it, or the file was
/// written by a tool that lists everything.
pub(super) fn is_complete(text: &str) -> bool {
    let lines = lines(text);
    let packages = lines.iter().filter_map(|(_, text)| match line(text) {
        Line::Package { specifier, hashed, .. } => Some((exact(specifier).is_some(), hashed)),
        Line::Include(_) => Some((false, false)),
        Line::Other(text) => (!text.starts_with("--")).then_some((false, false)),
    });
    let made = text.contains("pip-compile")
        || text.contains("uv pip compile")
        || text.contains("uv export")
        || text.contains("# via");
    let (mut any, mut all) = (false, true);
    for (pinned, hashed) in packages {
        any = true;
        all &= pinned && (hashed || made);
    }
    any && all
}

#[cfg(test)]
mod tests {
    use super::{Line, exact, is_complete, line, lines, requirement};

    #[test]
    fn lines_of_a_file() {
        let text = "# c\nFoo[x]==1.2 \\\n  --hash=sha256:0 # d\n-r more.txt\n-e .\nbar>=1,<2; python_version < '3'\ngit+https://x/y\n";
        let lines = lines(text);
        let read: Vec<_> = lines.iter().map(|(number, text)| (*number, line(text))).collect();
        assert_eq!(
            read,
            [
                (2, Line::Package { name: "Foo", specifier: "==1.2", hashed: true }),
                (4, Line::Include("more.txt")),
                (5, Line::Other("-e .")),
                (6, Line::Package { name: "bar", specifier: ">=1,<2", hashed: false }),
                (7, Line::Other("git+https://x/y")),
            ]
        );
    }

    #[test]
    fn requirements() {
        assert_eq!(requirement("a (>=1)"), Some(("a", ">=1")));
        assert_eq!(requirement("a @ https://x"), Some(("a", "@ https://x")));
        assert_eq!(requirement("./a"), None);
        assert_eq!(exact("==1.2"), Some("1.2"));
        assert_eq!(exact("==1.*"), None);
        assert_eq!(exact("==1,<2"), None);
    }

    #[test]
    fn only_a_list_of_everything_is_complete() {
        assert!(is_complete("a==1 --hash=sha256:0\n"));
        assert!(is_complete("a==1\n    # via b\nb==2\n"));
        assert!(!is_complete("a==1\n"));
        assert!(!is_complete("a==1 --hash=sha256:0\nb>=2 --hash=sha256:0\n"));
        assert!(!is_complete("-r x\na==1 --hash=sha256:0\n"));
        assert!(!is_complete(""));
    }
}
