use std::path::Path;

use super::*;

const NO_QUOTES: Rules = Rules { quotes: false };

fn set(format: Format, text: &str, key: &str, value: &str) -> Result<String, Trouble> {
    let place = format.place(key)?;
    format.set(text, &place, value, NO_QUOTES).map(|text| text.to_string())
}

fn set_in(format: Format, text: &str, place: [&str; 2], value: &str) -> Result<String, Trouble> {
    format.set(text, &place.map(str::to_owned), value, NO_QUOTES).map(|text| text.to_string())
}

fn unset(format: Format, text: &str, key: &str) -> Result<String, Trouble> {
    let place = format.place(key)?;
    format.unset(text, &place).map(|text| text.to_string())
}

#[test]
fn names_tell_the_format() {
    for (name, format) in [
        (".env", Format::Dotenv),
        (".env.production", Format::Dotenv),
        ("app.env", Format::Dotenv),
        ("home/.aws/credentials", Format::AwsCredentials),
        ("credentials", Format::Whole),
        ("a.JSON", Format::Json),
        ("a.yml", Format::Yaml),
        ("a.toml", Format::Toml),
        ("id_ed25519", Format::Whole),
        ("tls.pem", Format::Whole),
    ] {
        assert_eq!(Format::of(Path::new(name)), format, "{name}");
    }
}

#[test]
fn only_the_value_of_a_dotenv_line_changes() {
    let text = "# of the app\nexport A=old # a comment\n\nB='old'\r\nC=\"x\ny\"\nD=\nLAST=1";
    let d = Format::Dotenv;
    assert_eq!(set(d, text, "A", "new").unwrap(), text.replacen("A=old", "A=new", 1));
    assert_eq!(set(d, text, "B", "n/e=w").unwrap(), text.replace("B='old'", "B='n/e=w'"));
    assert_eq!(set(d, text, "B", "n & #w").unwrap(), text.replace("B='old'", "B='n & #w'"));
    assert_eq!(set(d, text, "C", "new").unwrap(), text.replace("\"x\ny\"", "\"new\""));
    assert_eq!(set(d, text, "D", "new").unwrap(), text.replace("D=\n", "D=new\n"));
    assert_eq!(set(d, text, "LAST", "2").unwrap(), text.replace("LAST=1", "LAST=2"));
    assert_eq!(set(d, text, "E", "new").unwrap(), format!("{text}\r\nE=new\r\n"));
    assert_eq!(set(d, "", "E", "new").unwrap(), "E=new\n");
    assert_eq!(unset(d, text, "C").unwrap(), text.replace("C=\"x\ny\"\n", ""));
    assert_eq!(unset(d, text, "NONE").unwrap(), text);
}

#[test]
fn what_readers_of_dotenv_differ_in_is_refused() {
    let d = Format::Dotenv;
    for value in ["two words", "a$b", "it's", "a\\b", "a\nb", "a#b", "~root", "a`b", "", "\0"] {
        let error = set(d, "A=old\n", "A", value).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{value:?}");
        assert!(error.hint.is_some());
    }
    for value in ["a$b", "it's", "a\\b", "a\nb", "a\rb"] {
        assert!(set(d, "A='old'\n", "A", value).is_err(), "{value:?}");
    }
    assert_eq!(set(d, "A=old\n", "1A", "x").unwrap_err().kind, ErrorKind::Invalid);
    assert!(set(d, "A=1\nA=2\n", "A", "x").unwrap_err().message.contains("more than once"));
    assert!(set(d, "A='1\nB=2\n", "B", "x").unwrap_err().message.contains("line 1"));
    // An old value that is not clear can be replaced, but not read.
    assert_eq!(set(d, "A=\"a$b\"\n", "A", "x").unwrap(), "A=\"x\"\n");
    assert!(matches!(d.leaves("A=\"a$b\"\n").unwrap()[0].1, Leaf::Unclear(_)));
}

#[test]
fn a_profile_keeps_its_other_keys() {
    let aws = Format::AwsCredentials;
    let text = "# mine\n[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key=old\nregion = eu\n\
                s3 =\n  max = 3\n\n[other]\naws_access_key_id = AKIAOTHER\n";
    let new = set_in(aws, text, ["default", "aws_access_key_id"], "AKIANEW").unwrap();
    assert_eq!(new, text.replace("AKIAOLD", "AKIANEW"));
    let new = set_in(aws, text, ["other", "aws_secret_access_key"], "s/+=").unwrap();
    assert_eq!(new, format!("{text}aws_secret_access_key = s/+=\n"));
    let new = set_in(aws, text, ["default", "x"], "y").unwrap();
    assert_eq!(new, text.replace("  max = 3\n", "  max = 3\nx = y\n"));
    let new = set_in(aws, text, ["third", "x"], "y").unwrap();
    assert_eq!(new, format!("{text}[third]\nx = y\n"));
    assert!(set_in(aws, text, ["default", "x"], "a b").is_err());
    assert!(set_in(aws, "[a]\nx=1\n[a]\ny=1\n", ["a", "x"], "2").is_err());
    assert!(set_in(aws, "no ini\n", ["a", "x"], "2").unwrap_err().message.contains("line 1"));
    assert_eq!(
        unset(aws, text, "default").unwrap(),
        "# mine\n\n[other]\naws_access_key_id = AKIAOTHER\n"
    );
}

#[test]
fn only_the_value_of_a_json_key_changes() {
    let text = "{\n\t// of the app\n\t\"a\": {\"b/c\": \"old\", \"n\": 1, \"z\": null},\n\t\"l\": [\"x\", \"old\"],\n}\n";
    let j = Format::Json;
    assert_eq!(
        set(j, text, "/a/b~1c", "n\"e\\w\n").unwrap(),
        text.replace("c\": \"old\"", "c\": \"n\\\"e\\\\w\\n\"")
    );
    assert_eq!(
        set(j, text, "l.1", "new").unwrap(),
        text.replace("\"x\", \"old\"", "\"x\", \"new\"")
    );
    assert_eq!(set(j, text, "a.z", "new").unwrap(), text.replace("null", "\"new\""));
    assert_eq!(set(j, text, "a.n", "new").unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(set(j, text, "x.y", "new").unwrap_err().kind, ErrorKind::NotFound);
    let added = set(j, text, "a.new", "v").unwrap();
    assert!(added.contains("\"new\": \"v\"") && added.contains("// of the app"), "{added}");
    assert_eq!(set(j, "", "new", "v").unwrap().replace(char::is_whitespace, ""), "{\"new\":\"v\"}");
    assert!(set(j, "{\"a\":\"1\",\"a\":\"2\"}", "a", "x").is_err());
    assert!(set(j, "{a: 1}", "b", "x").unwrap_err().message.contains("line 1"));
    let removed = unset(j, text, "/a/b~1c").unwrap();
    assert!(!removed.contains("old\", \"n\"") && removed.contains("\"n\": 1"), "{removed}");
    assert!(unset(j, text, "l.0").is_err());
}

#[test]
fn only_the_value_of_a_toml_key_changes() {
    let text = "# of the app\n[db]   # here\nuser = 'app'\npassword = \"old\" # a comment\nport = 5\n\n[[l]]\nk = 'old'\n";
    let t = Format::Toml;
    assert_eq!(set(t, text, "db.password", "new").unwrap(), text.replace("\"old\"", "\"new\""));
    let odd = set(t, text, "/l/0/k", "n'e\"w\n").unwrap();
    assert!(odd.starts_with(&text[..text.len() - 6]), "{odd}");
    assert_eq!(
        set(t, text, "db.token", "t").unwrap(),
        text.replace("port = 5\n", "port = 5\ntoken = \"t\"\n")
    );
    assert!(set(t, text, "db.port", "new").is_err() && set(t, text, "no.port", "new").is_err());
    assert_eq!(
        unset(t, text, "db.password").unwrap(),
        text.replace("password = \"old\" # a comment\n", "")
    );
    let error = set(t, "a = 'planted\n", "a", "x").unwrap_err();
    assert!(error.message.contains("line 1") && !error.message.contains("planted"), "{error}");
}

const YAML: &str = "# of the app\ndb:\n  user: app   # who\n  password: old  # a comment\n  quoted: 'old'\n  empty:\n  \
                    port: 5\n  key: |\n    line 1\n    line 2\n\n  after: \"x\"\nlist:\n  - name: a\n    value: old\n  - flow: {a: old, b: 2}\n";

#[test]
fn only_the_value_of_a_yaml_key_changes() {
    let y = Format::Yaml;
    let to = |key: &str, value: &str| set(y, YAML, key, value).unwrap();
    assert_eq!(to("db.password", "n: #w"), YAML.replace("password: old", "password: \"n: #w\""));
    assert_eq!(to("db.quoted", "it's"), YAML.replace("'old'", "'it''s'"));
    assert_eq!(to("db.quoted", "a\nb"), YAML.replace("'old'", "\"a\\nb\""));
    assert_eq!(to("db.empty", "x"), YAML.replace("empty:", "empty: \"x\""));
    assert_eq!(
        to("db.key", "A\nB\n"),
        YAML.replace("|\n    line 1\n    line 2\n\n", "|\n    A\n    B\n")
    );
    assert_eq!(to("db.key", "A"), YAML.replace("|\n    line 1\n    line 2\n\n", "|-\n    A\n"));
    assert_eq!(to("/list/0/value", "x"), YAML.replace("value: old", "value: \"x\""));
    assert_eq!(to("list.1.flow.a", "x"), YAML.replace("a: old", "a: \"x\""));
    assert_eq!(
        to("list.0.token", "x"),
        YAML.replace("- name: a\n", "- token: \"x\"\n    name: a\n")
    );
    assert_eq!(to("list.1.flow.c", "x"), YAML.replace("{a", "{c: \"x\", a"));
    assert!(set(y, YAML, "db.port", "x").is_err() && set(y, YAML, "no.port", "x").is_err());
    assert_eq!(set(y, "", "a", "x").unwrap(), "a: \"x\"\n");
    assert_eq!(
        unset(y, YAML, "db.password").unwrap(),
        YAML.replace("  password: old  # a comment\n", "")
    );
    assert_eq!(
        unset(y, YAML, "db.key").unwrap(),
        YAML.replace("  key: |\n    line 1\n    line 2\n\n", "")
    );
    assert!(unset(y, YAML, "list.0.name").is_err() && unset(y, "a:\n  b: x\n", "a.b").is_err());
}

#[test]
fn yaml_that_would_change_elsewhere_is_refused() {
    let y = Format::Yaml;
    for (text, key) in [
        ("a: &x old\nb: *x\n", "a"),
        ("a: &x old\nb: *x\n", "b"),
        ("base: &b\n  p: old\nuse: *b\n", "base.p"),
        ("base: &b\n  p: old\nuse:\n  <<: *b\n", "use.p"),
        ("a: x\n---\na: y\n", "a"),
        ("a: !vault |\n  $ANSIBLE\n", "a"),
        ("a: x\na: y\n", "a"),
        ("a: [\n", "a"),
    ] {
        let error = set(y, text, key, "new").unwrap_err();
        assert!(error.hint.is_some(), "{text:?}: {error}");
    }
    assert_eq!(set(y, "a: &x old\n", "a", "new").unwrap(), "a: &x \"new\"\n");
}

#[test]
fn deep_nesting_is_refused() {
    let deep =
        |open: &str| format!("{}{}", if open == "[" { "a = " } else { "" }, open.repeat(200_000));
    for (format, text) in [
        (Format::Json, "[".repeat(200_000)),
        (Format::Json, format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000))),
        (Format::Yaml, "[".repeat(200_000)),
        (Format::Yaml, "- ".repeat(200_000)),
        (Format::Toml, deep("[")),
    ] {
        assert!(set(format, &text, "a", "x").is_err(), "{format:?}");
    }
}

proptest::proptest! {
    /// Whatever is written is read back, and nothing else changes: `set` checks itself, and this checks its check.
    #[test]
    fn a_value_comes_back(value in "\\PC{1,40}|[ -~\n\t]{1,40}") {
        for (format, text, key) in [
            (Format::Json, "{\"a\": {\"b\": \"old\"}}", "a.b"),
            (Format::Toml, "[a]\nb = 'old'\n", "a.b"),
            (Format::Yaml, "a:\n  b: old\n  c: 1\n", "a.b"),
            (Format::Yaml, "a:\n  b: |\n    old\n    er\n  c: 1\n", "a.b"),
            (Format::Yaml, "a: {b: 'old'}\n", "a.b"),
        ] {
            let place = format.place(key).unwrap();
            let new = format.set(text, &place, &value, NO_QUOTES);
            let new = new.unwrap_or_else(|e| panic!("{format:?} {text:?}: {e}"));
            let leaves = format.leaves(&new).unwrap();
            let held = here(&leaves, &place).unwrap();
            let is_value = matches!(held, Some(Leaf::Text(held)) if **held == *value);
            proptest::prop_assert!(is_value, "{:?}: {}", format, *new);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}|[-a-c:#'\"{}\\[\\],&*|=\n ]{0,60}") {
        for format in [Format::Dotenv, Format::AwsCredentials, Format::Json, Format::Toml, Format::Yaml] {
            let place = format.place("a").unwrap();
            let _ = format.set(&text, &place, "new", NO_QUOTES);
            let _ = format.unset(&text, &place);
        }
    }
}
