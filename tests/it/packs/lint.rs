//! What the linter refuses, and how it says so.

use jiff::Timestamp;
use keysweep::ci::model::{Certainty, Component, Kind, Pinned, Verified};
use keysweep::incident::{self, Context, Standing};

/// A pack that passes, to be broken at one place each time.
const GOOD: &str = include_str!("sample.toml");

#[test]
fn each_rule_of_the_linter_refuses_its_bad_sample() {
    assert_eq!(incident::check(GOOD, "sample.toml"), vec![]);
    // What is replaced, by what, the key that is named, a part of the message.
    for (good, bad, key, message) in [
        ("keysweep.pack/1", "keysweep.pack/9", "schema", "not known"),
        ("\"sample-2025\"", "\"Sample 2025\"", "id", "name-year"),
        ("revision = 1", "revision = 0", "revision", "0"),
        ("revised = \"2025-06-01\"", "revised = \"June\"", "revised", "not a day"),
        ("revised = \"2025-06-01\"", "revised = \"2025-02-30\"", "revised", "not a day"),
        ("CVE-2025-12345", "CVE-2025-1", "aliases[0]", "not a whole CVE"),
        ("CVE-2025-12345", "GHSA-mrrh-fwg8", "aliases[0]", "not a whole CVE"),
        ("\"Something was bad.\"", "\" \"", "summary", "is empty"),
        ("https://example.com/advisory", "an e-mail", "sources.advisory.url", "not a URL"),
        (
            "retrieved = \"2025-06-01\"",
            "retrieved = \"\"",
            "sources.advisory.retrieved",
            "not a day",
        ),
        ("[\"owner/thing\"]", "[\"thing\"]", "components[0].names[0]", "owner/repo"),
        ("[\"owner/thing\"]", "[\"owner/thing@v1\"]", "components[0].names[0]", "has a ref"),
        ("[\"owner/thing\"]", "[]", "components[0]", "has no name"),
        ("payload = [\"K5\"]", "payload = []", "components[0]", "has no payload"),
        ("id = \"caller\"", "id = \"thing\"", "components[1]", "stands twice"),
        (
            "component = \"thing\"",
            "component = \"thang\"",
            "components[1].resolves[0].component",
            "no component",
        ),
        (
            "component = \"thing\"",
            "component = \"caller\"",
            "components[1].resolves[0].component",
            "no component",
        ),
        // Hashes: cut, too long, of the wrong type, base64, in upper case.
        (
            "[{ commit = \"8afa9b9f9183b4e00c46e2b82d34047e3c177bd0",
            "[{ commit = \"8afa9b9f9183",
            "components[0].bad_commits[0].commit",
            "12 hex digits",
        ),
        (
            "[{ commit = \"8afa9b9f9183b4e00c46e2b82d34047e3c177bd0",
            "[{ commit = \"8afa9b9f9183b4e00c46e2b82d34047e3c177bd0a",
            "components[0].bad_commits[0].commit",
            "41 hex digits",
        ),
        (
            "[{ commit = \"8afa9b9f9183b4e00c46e2b82d34047e3c177bd0",
            "[{ commit = \"8AFA9B9F9183B4E00C46E2B82D34047E3C177BD0",
            "components[0].bad_commits[0].commit",
            "upper case",
        ),
        (
            "sha256:27f44623",
            "27f44623",
            "components[0].bad_digests[0].digest",
            "not an image digest",
        ),
        (
            "sha256:27f44623",
            "sha256:27f4462",
            "components[0].bad_digests[0].digest",
            "not an image digest",
        ),
        (
            "type = \"ip\"\nvalue = \"192.0.2.7\"",
            "type = \"sha256\"\nvalue = \"ceNa7wMJnNHy1kRnNCcwJaFjWX3pORLfMh7xGL8TUjg\"",
            "indicators[0].value",
            "not a SHA-256 in hex",
        ),
        (
            "type = \"ip\"\nvalue = \"192.0.2.7\"",
            "type = \"git-commit\"\nvalue = \"e339407b8e34\"",
            "indicators[0].value",
            "not a whole commit id",
        ),
        // The same last 32 digits under another beginning: put together from two.
        (
            "ddb9da4475c1cef7d5389062bdfdfbdbd1394648",
            "c999dbb99183b4e00c46e2b82d34047e3c177bd0",
            "components[0].bad_commits[0].commit",
            "end with the same 32",
        ),
        (
            "ddb9da4475c1cef7d5389062bdfdfbdbd1394648",
            "8afa9b9f9183cdc3d92e6e2f9bb9b1bd0c4c78d2",
            "components[0].identities[0].commit",
            "begin with the same 12",
        ),
        // Windows.
        (
            "at = \"2025-05-02\", precision = \"day\", source",
            "at = \"2025-04-02\", precision = \"day\", source",
            "components[0].windows[0]",
            "before it begins",
        ),
        (
            "at = \"2025-05-02\", precision = \"day\", source",
            "at = \"2025-05-02\", precision = \"minute\", source",
            "components[0].windows[0].to.at",
            "not of the form",
        ),
        (
            "at = \"2025-05-02\", precision = \"day\", source",
            "at = \"2025-05-02T10:00Z\", precision = \"day\", source",
            "components[0].windows[0].to.at",
            "not of the form",
        ),
        ("10:30-04:00", "10:30+15:00", "components[0].windows[0].from.at", "not of the form"),
        (
            "to = { at = \"2025-05-02\"",
            "to = { at = \"9999-12-31\"",
            "components[0].windows[0].to.at",
            "",
        ),
        ("10:30-04:00", "10:30", "components[0].windows[0].from.at", "not of the form"),
        ("10:30-04:00", "25:30Z", "components[0].windows[0].from.at", "not of the form"),
        (
            "to = { at = \"2025-05-02\", precision = \"day\", source = \"advisory\" }",
            "to = { at = \"2025-05-02\", precision = \"day\", source = \"rumour\" }",
            "components[0].windows[0].to.source",
            "not in this pack",
        ),
        // Refs.
        ("refs = [\"v1\"]", "refs = []", "components[0].refs[0]", "fits no ref"),
        ("versions = \">=2.0.0\"", "versions = \"2\"", "components[0].refs[1].versions", "has no"),
        (
            "versions = \">=2.0.0\"",
            "refs = [\"v1\"]",
            "components[0].refs[1].refs[0]",
            "already fits",
        ),
        (
            "refs = [\"v1\"]\nstanding = \"bad\"\nwhy = \"moved\"",
            "refs = [\"v1\"]\nstanding = \"bad\"\nwhy = \"\"",
            "components[0].refs[0].why",
            "is empty",
        ),
        (
            "inclusive = false, source",
            "source",
            "components[0].identities[1]",
            "two commits at one time",
        ),
        (
            "needs = { owner = [\"acme\"] }",
            "needs = { owner = [] }",
            "components[0].guards[0].needs",
            "never be met",
        ),
        // What is not affected, indicators, advice.
        (
            "kind = \"package\"\nnames = [\"npm:thing\"]",
            "kind = \"action\"\nnames = [\"Owner/Thing\"]",
            "not_affected[0].names[0]",
            "also a name of component `thing`",
        ),
        ("[\"npm:thing\"]", "[\"thing\"]", "not_affected[0].names[0]", "ecosystem"),
        (
            "value = \"192.0.2.7\"\nsource = \"advisory\"",
            "value = \"192.0.2.7\"\nsource = \"\"",
            "indicators[0].source",
            "has no source",
        ),
        ("192.0.2.7", "192[.]0[.]2[.]7", "indicators[0].value", "not an IP address"),
        ("type = \"ip\"", "type = \"url\"", "indicators[0].value", "not a URL"),
        (
            "type = \"ip\"\nvalue = \"192.0.2.7\"",
            "type = \"domain\"\nvalue = \"https://a.example\"",
            "indicators[0].value",
            "not a domain",
        ),
        ("the host is rebuilt", "", "gates[0].condition", "is empty"),
    ] {
        assert_eq!(GOOD.matches(good).count(), 1, "`{good}` stands once in the sample");
        let text = GOOD.replace(good, bad);
        let findings = incident::check(&text, "sample.toml");
        let named = findings.iter().any(|f| f.key == key && f.message.contains(message));
        assert!(named, "{bad}: wanted {key}: {message}; got {findings:#?}");
        assert!(incident::parse(&text, "sample.toml").is_err(), "{bad}");
        assert!(findings.iter().all(|f| f.line.is_some() && !f.hint.is_empty()), "{findings:#?}");
    }
}

#[test]
fn what_the_schema_does_not_know_or_misses_is_refused_with_its_line_and_key() {
    let window = "components[0].windows[0]";
    for (good, bad, line, key, message) in [
        ("revision = 1", "revision = 1\nrevison = 2", 6, "revison", "unknown field `revison`"),
        (
            "precision = \"day\", source",
            "source",
            28,
            &format!("{window}.to"),
            "missing field `precision`",
        ),
        (
            "\"minute\"",
            "\"exact\"",
            27,
            &format!("{window}.from.precision"),
            "unknown variant `exact`",
        ),
        ("\"served\"", "\"bad\"", 26, &format!("{window}.kind"), "unknown variant `bad`"),
        ("\"Sample\"", "Sample", 4, "", ""),
    ] {
        let error = incident::parse(&GOOD.replacen(good, bad, 1), "sample.toml").expect_err(bad);
        assert_eq!((error.line, error.key.as_str()), (Some(line), key), "{error}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.to_string().contains(&format!("sample.toml:{line}\nhint: ")), "{error}");
    }
}

#[test]
fn an_error_names_the_thing_the_trouble_and_the_way_out() {
    let text = GOOD.replace("192.0.2.7", "192.0.2");
    let error = incident::parse(&text, "sample.toml").expect_err("not an address");
    insta::assert_snapshot!(error.to_string(), @r"
    `indicators[0].value`: `192.0.2` is not an IP address
      at sample.toml:76
    hint: write it plainly, not defanged
    ");
}

#[test]
fn local_times_are_read_with_their_offset_and_each_precision_covers_its_unit() {
    for (at, precision, from, to) in [
        ("2025-08", "month", "2025-08-01T00:00:00Z", "2025-09-01T00:00:00Z"),
        ("2025-12-31", "day", "2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2025-08-26T18Z", "hour", "2025-08-26T18:00:00Z", "2025-08-26T19:00:00Z"),
        ("2025-08-26T18:32-04:00", "minute", "2025-08-26T22:32:00Z", "2025-08-26T22:33:00Z"),
        ("2025-08-26T03:00:30+05:30", "second", "2025-08-25T21:30:30Z", "2025-08-25T21:30:31Z"),
    ] {
        let bound =
            format!("{{ at = \"{at}\", precision = \"{precision}\", source = \"advisory\" }}");
        let text = GOOD
            .replacen("{ at = \"2025-05-01T10:30-04:00\", precision = \"minute\", source = \"advisory\" }", &bound, 1)
            .replacen("{ at = \"2025-05-02\", precision = \"day\", source = \"advisory\" }", &bound, 1);
        let pack = incident::parse(&text, "sample.toml").expect(at);
        let window = &pack.components()[0].windows[0];
        assert_eq!((window.from, window.to), (Some(instant(from)), Some(instant(to))), "{at}");
    }
}

#[test]
fn what_rests_on_a_weak_source_is_possible_and_no_more() {
    let mention = Component {
        kind: Kind::Action,
        name: "owner/caller".to_owned(),
        reference: Some("v1".to_owned()),
        pinned: Pinned::Tag,
        verified: Verified::No,
    };
    for (trust, expected) in [("primary", Certainty::Inferred), ("weak", Certainty::Possible)] {
        // Without the guard, which would ask for an owner.
        let text =
            GOOD.replace("\"primary\"", &format!("\"{trust}\"")).replace("not-run", "in-doubt");
        let pack = incident::parse(&text, "sample.toml").expect("good");
        let hit = pack.examine(&mention, &Context::default()).expect("a hit");
        let Standing::Bad { certainty, windows } = hit.standing else { unreachable!("{trust}") };
        assert_eq!((certainty, windows.len()), (expected, 1));
    }
}

#[test]
fn no_text_stops_the_reader() {
    let nested = format!("a = {}", "[".repeat(200_000));
    let wide = format!("{GOOD}{}", "\n[[guidance]]\ntext = \"\"\nsource = \"?\"\n".repeat(5_000));
    for text in ["", "\u{feff}", "\0", "[", "a = \"", "schema = 1", &nested, &wide] {
        assert!(incident::parse(text, "odd.toml").is_err());
        assert!(!incident::check(text, "odd.toml").is_empty());
    }
    assert_eq!(incident::check(&wide, "odd.toml").len(), 10_000);
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("a test writes good times")
}

#[test]
fn the_example_in_the_docs_passes() {
    let docs = include_str!("../../../docs/packs.md");
    let example = docs.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let example = example
        .replace("…40 hex digits…", "8afa9b9f9183b4e00c46e2b82d34047e3c177bd0")
        .replace("url = \"…\"", "url = \"https://example.com/advisory\"");
    assert_eq!(incident::check(&example, "example-2025.toml"), vec![]);
}
