//! The two POSIX scripts that run on a host, and what they answer.
//!
//! Each is one function whose call is the last line, so that a script that was cut off on its way does nothing. Answers
//! begin with a word that was made up for this one run: whatever a login prints besides is passed over.

use keysweep_atomic_file::Trouble;
use keysweep_sdk::{ErrorKind, Purpose, SecretValue};

/// `cksum` of the file that was read, or that there was none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Sum(String);

/// What, and the way out.
pub(crate) type Why = (ErrorKind, &'static str, &'static str);

#[derive(Debug)]
pub(crate) enum Read {
    File { text: String, writable: bool, sum: Sum },
    Refused(Why),
}

#[derive(Debug)]
pub(crate) enum Answer {
    Done,
    Refused(Why),
}

const ABSENT: &str = "absent";

const READ: &str = r#"keysweep() {
    LC_ALL=C; export LC_ALL
    file=@PATH@
    say() { printf '\n%s %s\n' @NONCE@ "$*"; }
    sum() { set -- $(cksum < "$1") && printf '%s-%s' "$1" "$2"; }
    if [ ! -e "$file" ]; then
        dir=$(dirname -- "$file")
        if [ -h "$file" ]; then say no link; return; fi
        if [ ! -d "$dir" ]; then say no folder; return; fi
        may=no; if [ -w "$dir" ] && [ -x "$dir" ]; then may=yes; fi
        say absent $may
        say end absent
        return
    fi
    if [ ! -f "$file" ]; then say no file; return; fi
    if [ ! -r "$file" ]; then say no read; return; fi
    real=$(readlink -f -- "$file") || { say no real; return; }
    dir=$(dirname -- "$real")
    may=no; if [ -w "$real" ] && [ -w "$dir" ] && [ -x "$dir" ]; then may=yes; fi
    say "$(sum "$real")" $may
    cat -- "$real"
    say end "$(sum "$real")"
}
keysweep
"#;

const WRITE: &str = r#"keysweep() {
    LC_ALL=C; export LC_ALL
    umask 077
    file=@PATH@
    say() { printf '\n%s %s\n' @NONCE@ "$*"; }
    sum() {
        if [ -e "$1" ]; then set -- $(cksum < "$1") && printf '%s-%s' "$1" "$2"; else printf absent; fi
    }
    real=$file
    if [ -e "$file" ]; then
        real=$(readlink -f -- "$file") || { say no real; return; }
    elif [ -h "$file" ]; then
        say no link; return
    fi
    dir=$(dirname -- "$real")
    name=$(basename -- "$real")
    if command -v flock > /dev/null 2>&1 && [ -r "$dir" ]; then
        exec 9< "$dir"
        flock -w 10 9 || { say no lock; return; }
        rm -f -- "$dir/.$name".keysweep-????????
    fi
    [ "$(sum "$real")" = @SUM@ ] || { say no same; return; }
    temp=$(mktemp "$dir/.$name.keysweep-XXXXXXXX") || { say no temp; return; }
    trap 'rm -f -- "$temp"' EXIT
    trap 'exit 1' HUP INT TERM PIPE
    if [ -e "$real" ]; then
        [ -w "$real" ] || { say no write; return; }
        set -- $(ls -ldn -- "$real"); mode=$1 links=$2 owner=$3 group=$4
        [ "$links" = 1 ] || { say no links; return; }
        cp -p -- "$real" "$temp" || { say no temp; return; }
        set -- $(ls -ldn -- "$temp")
        [ "$1 $3 $4" = "$mode $owner $group" ] || { say no owner; return; }
    fi
    cat > "$temp" <<'@END@' || { say no temp; return; }
@TEXT@@END@
    sync -- "$temp" 2> /dev/null || sync
    [ "$(sum "$real")" = @SUM@ ] || { say no same; return; }
    mv -f -- "$temp" "$real" || { say no temp; return; }
    trap - EXIT
    sync -- "$dir" 2> /dev/null || sync
    say done
}
keysweep
"#;

pub(crate) fn read(path: &str) -> (String, String) {
    let nonce = nonce();
    (READ.replace("@NONCE@", &nonce).replace("@PATH@", &quoted(path)), nonce)
}

/// The script that puts `text` there if the file is still the one of `sum`.
pub(crate) fn write(path: &str, sum: &Sum, text: &str) -> Result<(String, String), Trouble> {
    let nonce = nonce();
    let end = format!("END-{nonce}");
    if text.contains('\0') || text.contains(&end) {
        let message = "the file has a NUL byte";
        return Err(Trouble::new(ErrorKind::Invalid, message).with_hint("mend the file by hand"));
    }
    let filled = |part: &str| {
        part.replace("@NONCE@", &nonce)
            .replace("@SUM@", &quoted(&sum.0))
            .replace("@END@", &end)
            .replace("@PATH@", &quoted(path))
    };
    let (before, after) = WRITE.split_once("@TEXT@").unwrap_or((WRITE, ""));
    // What stands between has to be whole lines.
    let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Ok(([&filled(before), text, line_end, &filled(after)].concat(), nonce))
}

impl Read {
    pub(crate) fn of(stdout: &[u8], nonce: &str) -> Result<Self, Trouble> {
        let unexpected = |message: &str, hint: &str| {
            Trouble::new(ErrorKind::Unexpected, message).with_hint(hint)
        };
        let shell = "keysweep needs a POSIX shell there: is its key bound to a `command=`?";
        let all = std::str::from_utf8(stdout)
            .map_err(|_| unexpected("the file is no UTF-8 text", "mend the comments in it"))?;
        let head = format!("\n{nonce} ");
        let (_, rest) = all
            .split_once(&head)
            .ok_or_else(|| unexpected("the host did not run the script", shell))?;
        let (first, rest) = rest.split_once('\n').unwrap_or((rest, ""));
        if let Some(word) = first.strip_prefix("no ") {
            return Ok(Self::Refused(why(word)));
        }
        let cut = || unexpected("the host broke off in the middle of the file", "try again");
        let (text, last) = rest.rsplit_once(&format!("{head}end ")).ok_or_else(cut)?;
        let (sum, may) = first.split_once(' ').ok_or_else(cut)?;
        if last.trim_end() != sum {
            return Ok(Self::Refused(why("same")));
        }
        let text = if sum == ABSENT { "" } else { text };
        Ok(Self::File { text: text.to_owned(), writable: may == "yes", sum: Sum(sum.to_owned()) })
    }
}

impl Answer {
    /// `None`: it did not say.
    pub(crate) fn of(stdout: &[u8], nonce: &str) -> Option<Self> {
        let all = String::from_utf8_lossy(stdout);
        let answer = all.lines().find_map(|line| line.strip_prefix(nonce)?.strip_prefix(' '))?;
        match answer {
            "done" => Some(Self::Done),
            answer => answer.strip_prefix("no ").map(|word| Self::Refused(why(word))),
        }
    }
}

fn why(word: &str) -> Why {
    match word {
        "link" => (
            ErrorKind::NotFound,
            "is a link that leads nowhere",
            "restore the file that it leads to",
        ),
        "folder" => (
            ErrorKind::NotFound,
            "is in a folder that is not there",
            "is the user right? make the folder first",
        ),
        "file" => (ErrorKind::Invalid, "is not a regular file", "name the authorized_keys file"),
        "read" => {
            (ErrorKind::PermissionDenied, "may not be read", "log in as its owner, or as root")
        }
        "write" => {
            (ErrorKind::PermissionDenied, "may not be written", "log in as its owner, or as root")
        }
        "real" => (
            ErrorKind::Unsupported,
            "cannot be followed: the host has no `readlink -f`",
            "install it, or name the real file",
        ),
        "lock" => (
            ErrorKind::Unavailable,
            "is being written by another keysweep",
            "wait until it is done",
        ),
        "same" => (
            ErrorKind::Conflict,
            "was changed meanwhile",
            "look at it again, and find out who else writes it",
        ),
        "links" => (ErrorKind::Invalid, "has several names (hard links)", "make it one file"),
        "owner" => (
            ErrorKind::PermissionDenied,
            "would change its owner or mode",
            "log in as its owner, or as root",
        ),
        "temp" => (
            ErrorKind::PermissionDenied,
            "could not be written anew beside itself",
            "is the folder writable, and is there room?",
        ),
        _ => (
            ErrorKind::Unexpected,
            "was answered for in a way that is not known",
            "look at the host",
        ),
    }
}

fn nonce() -> String {
    // Letters and digits; nothing secret, only not to be met by chance.
    format!("keysweep{}", SecretValue::random(16).expose_for(Purpose::Authenticate))
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
