//! Decoding, line maps, anchors and merge keys, and what hostile or odd files give.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fmt::Write;

use keysweep::ci::yaml::{Node, NodeKind, Parsed, Trouble, parse};
use proptest::prelude::*;

fn read(text: &str) -> Parsed {
    parse(text.as_bytes())
}

/// The tree in one line: `{key: "text"@line, …}`, a merged entry with `<` before it.
fn show(node: &Node) -> String {
    match &node.kind {
        NodeKind::Null => "~".into(),
        NodeKind::Scalar(scalar) => format!("{:?}@{}", scalar.text, scalar.lines.line_at(0)),
        NodeKind::Seq(items) => {
            let items: Vec<_> = items.iter().map(|item| show(item)).collect();
            format!("[{}]", items.join(", "))
        }
        NodeKind::Map(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| {
                    let mark = if entry.merged { "<" } else { "" };
                    format!("{mark}{}@{}: {}", entry.key.text, entry.key_line, show(&entry.value))
                })
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn shown(text: &str) -> String {
    read(text).root.map_or_else(|| "nothing".into(), |root| show(&root))
}

fn troubles(text: &str) -> Vec<(u32, String, bool)> {
    let told = |t: Trouble| (t.line, t.is_fatal(), t.reason);
    let tuple = |(line, fatal, reason)| (line, reason, fatal);
    read(text).troubles.into_iter().map(told).map(tuple).collect()
}

#[test]
fn values_are_decoded() {
    let table = [
        // (source, tree)
        ("a: b", r#"{a@1: "b"@1}"#),
        ("# first\n\n---\n# then\na: 1", r#"{a@5: "1"@5}"#),
        ("%YAML 1.2\n---\na: 1", r#"{a@3: "1"@3}"#),
        ("\u{feff}on: push", r#"{on@1: "push"@1}"#),
        ("on:\r\n  push:\r\njobs: x\r\n", r#"{on@1: {push@2: ~}, jobs@3: "x"@3}"#),
        ("on: [push, pull_request]", r#"{on@1: ["push"@1, "pull_request"@1]}"#),
        ("yes: no\ntrue: off\n1: 0x1f", r#"{yes@1: "no"@1, true@2: "off"@2, 1@3: "0x1f"@3}"#),
        (
            "a:\nb: ~\nc: null\nd: ''\ne: 'null'",
            r#"{a@1: ~, b@2: ~, c@3: ~, d@4: ""@4, e@5: "null"@5}"#,
        ),
        ("a: !!str\nb: !!str null", r#"{a@1: ~, b@2: "null"@2}"#),
        ("- \n- x\n-\n", r#"[~, "x"@2, ~]"#),
        (r#"a: "\x41\u00e9\U0001F600\t\"\\""#, r#"{a@1: "Aé😀\t\"\\"@1}"#),
        (r"a: 'it''s'", r#"{a@1: "it's"@1}"#),
        ("? [x, y]\n: z", r#"{[x, y]@1: "z"@2}"#),
        ("? a\n? b\n", r#"{a@1: ~, b@2: ~}"#),
        ("null: x\n~: y", r#"{null@1: "x"@1, ~@2: "y"@2}"#),
        ("{a: 1, b: {c: [d]}}", r#"{a@1: "1"@1, b@1: {c@1: ["d"@1]}}"#),
        ("a: b # why\n#c: d\n", r#"{a@1: "b"@1}"#),
        ("a: b#c", r#"{a@1: "b#c"@1}"#),
        ("", "nothing"),
        ("# only this\n", "nothing"),
        ("---\n", "~"),
        ("just text", r#""just text"@1"#),
        ("a: b\n---\n", r#"{a@1: "b"@1}"#),
        ("a: b\n...\n", r#"{a@1: "b"@1}"#),
        ("run: |\n  one\n  two\n", r#"{run@1: "one\ntwo\n"@2}"#),
        ("run: |-\n  one\n\n  two\n\n", r#"{run@1: "one\n\ntwo"@2}"#),
        ("run: |2+\n    one\n  two\n\nb: c", r#"{run@1: "  one\ntwo\n\n"@2, b@5: "c"@5}"#),
        ("run: >\n  one\n  two\n\n  three\n", r#"{run@1: "one two\nthree\n"@2}"#),
    ];
    for (source, tree) in table {
        assert_eq!(shown(source), tree, "{source:?}");
        assert_eq!(troubles(source).into_iter().filter(|t| t.2).count(), 0, "{source:?}");
    }
}

#[test]
fn every_word_knows_its_line() {
    // Each `wN` stands on line N of the source.
    let table = [
        "k: w1",
        "k: |\n  w2\n  w3 x\n\n   w5",
        "k: |\n\n\n  w4\n  w5",
        "k: |2\n\n    w3\n  w4",
        "k: |  # why\n\n  w3",
        "k: |+\n  w2\n\n\nj: w5",
        "k: >\n  w2\n  w3\n\n  w5\n\n\n  w8",
        "k: >-\n  w2\n    w3\n     w4\n  w5",
        "k: >\n\n\n  w4\n\n    w6\n\n  w8",
        "k: w1\n  w2\n  w3",
        "k: w1\n\n\n  w4\n  w5",
        "k:\n  w2\n  w3",
        "k: 'w1\n  w2\n\n  w4 it''s ''\n  w5'",
        "k: '\n  w2\n\n  w4\n  '",
        "k: \"w1 \\\n  w2\\n x\n\n  w4\\\n\n  w6 \\u00e9 w6\\\n   \\ w7\n\n\n w10\"",
        "k: \"\n\n  w3\\t\\\n\n\n  w6  \n\"",
        "k: \"w1  \n  w2\\  \n  w3 \\uD83D\\uDE00\n  w4\"",
        "k: \"w1\nw2\n w3\"",
        "- w1\n- w2\n-\n  - w4",
        "k: &a |\n  w2\n  w3\nj: *a",
        "k: [w1, w1\n  w2, 'w2\n  w3',\n  w4]",
        "{k: w1\n  w2,\n j: w3}",
    ];
    for source in table {
        for source in [source.to_owned(), source.replace('\n', "\r\n")] {
            let parsed = read(&source);
            assert_eq!(parsed.troubles, [], "{source:?}");
            let mut words = 0;
            check_words(&parsed.root.unwrap(), &source, &mut words);
            let written = source.match_indices('w').filter(|(at, _)| is_word(&source[*at..]));
            assert!(words >= written.count(), "{source:?}: {words}");
        }
    }
}

fn is_word(text: &str) -> bool {
    text[1..].starts_with(|c: char| c.is_ascii_digit())
}

fn check_words(node: &Node, source: &str, words: &mut usize) {
    for item in node.items() {
        check_words(item, source, words);
    }
    for entry in node.entries() {
        check_words(&entry.value, source, words);
    }
    let Some(scalar) = node.scalar() else { return };
    for (at, _) in scalar.text.match_indices('w') {
        if is_word(&scalar.text[at..]) {
            let rest = &scalar.text[at + 1..];
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let line: u32 = rest[..digits].parse().unwrap();
            assert_eq!(scalar.lines.line_at(at), line, "{source:?}: {:?} at {at}", scalar.text);
            *words += 1;
        }
    }
}

#[test]
fn nodes_have_line_and_column() {
    let parsed = read("a: b\nc:\n  - d\n  -   e: f\ng: *x\n");
    let root = parsed.root.unwrap();
    let place = |node: &Node| (node.line, node.column);
    assert_eq!(place(root.get("a").unwrap()), (1, 4));
    assert_eq!(place(root.get("c").unwrap()), (3, 3));
    let items = root.get("c").unwrap().items();
    assert_eq!((place(&items[0]), place(&items[1])), ((3, 5), (4, 7)));
    assert_eq!(root.entry("g").unwrap().key_line, 5);
    assert!(root.get("g").unwrap().is_null());
}

#[test]
fn anchors_are_applied_where_they_are_used() {
    assert_eq!(shown("a: &x b\nc: *x"), r#"{a@1: "b"@1, c@2: "b"@1}"#);
    assert_eq!(
        shown("a: &x\n  - b\nc: *x\nd: &x e\nf: *x"),
        r#"{a@1: ["b"@2], c@3: ["b"@2], d@4: "e"@4, f@5: "e"@4}"#
    );
    assert_eq!(shown("&k a: b\n*k : c\nd: e"), r#"{a@1: "b"@1, a@2: "c"@2, d@3: "e"@3}"#);
}

#[test]
fn merge_keys_are_applied_and_said() {
    let table = [
        ("b: &b {x: 1, y: 2}\nm:\n  <<: *b\n  y: 3", r#"{y@4: "3"@4, <x@1: "1"@1}"#),
        ("b: &b {x: 1, y: 2}\nm:\n  y: 3\n  <<: *b", r#"{y@3: "3"@3, <x@1: "1"@1}"#),
        ("b: &b {x: 1}\nc: &c {x: 2, z: 3}\nm:\n  <<: [*b, *c]", r#"{<x@1: "1"@1, <z@2: "3"@2}"#),
        (
            "b: &b {x: 1}\nc: &c {x: 2, z: 3}\nm:\n  <<: *c\n  <<: *b",
            r#"{<x@2: "2"@2, <z@2: "3"@2}"#,
        ),
        ("b: &b {x: 1}\nc: &c {<<: *b}\nm:\n  <<: *c", r#"{<x@1: "1"@1}"#),
        ("m:\n  <<: {x: 1, x: 2}", r#"{<x@2: "2"@2}"#),
        ("m:\n  '<<': {x: 1}", r#"{<<@2: {x@2: "1"@2}}"#),
        ("m:\n  <<: text", r#"{<<@2: "text"@2}"#),
        ("m:\n  <<: [{x: 1}, text]", r#"{<<@2: [{x@2: "1"@2}, "text"@2]}"#),
    ];
    for (source, tree) in table {
        let parsed = read(source);
        let merged = parsed.root.unwrap();
        assert_eq!(show(merged.get("m").unwrap()), tree, "{source:?}");
        assert_eq!(parsed.troubles.is_empty(), source.contains('\''), "{source:?}");
        assert!(parsed.troubles.iter().all(|trouble| !trouble.is_fatal()), "{source:?}");
    }
}

#[test]
fn a_key_written_twice_keeps_both_and_the_last_counts() {
    let parsed = read("a: 1\nb: 2\na: 3\n");
    let root = parsed.root.unwrap();
    assert_eq!(root.get("a").unwrap().text(), Some("3"));
    assert_eq!(root.entries().len(), 3);
    assert_eq!(parsed.troubles.len(), 1);
    assert_eq!(parsed.troubles[0].line, 3);
    assert!(!parsed.troubles[0].is_fatal() && parsed.troubles[0].reason.contains("`a`"));
}

#[test]
fn what_stands_before_an_error_is_kept() {
    let table = [
        (
            "on: push\njobs:\n  a:\n    steps:\n      - run: x\n      - uses: [y\nz: w\n",
            r#"{on@1: "push"@1, jobs@2: {a@3: {steps@4: [{run@5: "x"@5}, {uses@6: []}]}}}"#,
            6,
        ),
        ("a: b\nc: d\n e: f\ng: h\n", r#"{a@1: "b"@1, c@2: "d e"@2}"#, 3),
        ("a: b\nc: 'd\ne: f\n", r#"{a@1: "b"@1, c@2: ~}"#, 2),
        ("a: b\nc:\n- d\n  @e\nf: `g\n", r#"{a@1: "b"@1, c@2: ["d @e"@3], f@5: ~}"#, 5),
        ("a: b\n<<<<<<< HEAD\nc: d\n=======\ne: f\n", r#"{a@1: "b"@1}"#, 1),
    ];
    for (source, tree, line) in table {
        assert_eq!(shown(source), tree, "{source:?}");
        let troubles = troubles(source);
        assert!(
            matches!(&troubles[..], [(at, _, true)] if *at == line),
            "{source:?}: {troubles:?}"
        );
    }
}

#[test]
fn what_github_accepts_is_read() {
    let table = [
        // A quoted scalar over several lines that ends less indented than its key.
        ("a:\n  b: \"one\n two\n\"\n  c: d", r#"{a@1: {b@2: "one two "@2, c@5: "d"@5}}"#),
        ("a:\n  b: 'one\ntwo'\n  c: d", r#"{a@1: {b@2: "one two"@2, c@4: "d"@4}}"#),
        ("a:\n  b: [x,\ny\n]\n  c: d", r#"{a@1: {b@2: ["x"@2, "y"@3], c@5: "d"@5}}"#),
        (
            "on:\n  workflow_dispatch:\n    inputs:\n  push:",
            r#"{on@1: {workflow_dispatch@2: {inputs@3: ~}, push@4: ~}}"#,
        ),
        ("x:\n  type: int\n  default: 1", r#"{x@1: {type@2: "int"@2, default@3: "1"@3}}"#),
        ("branches: [ $default-branch ]", r#"{branches@1: ["$default-branch"@1]}"#),
        ("cron: 0 * * * *", r#"{cron@1: "0 * * * *"@1}"#),
        ("if: ${{ a && 'b' }}", r#"{if@1: "${{ a && 'b' }}"@1}"#),
        // Comments that touch.
        ("a: \"b\"#c\nd: 'e'#f\ng: |#h\n  i\n", r#"{a@1: "b"@1, d@2: "e"@2, g@3: "i\n"@4}"#),
        ("a: [b]#, c ]\n", r#"{a@1: ["b"@1]}"#),
        ("a:\tb\nc: d\t\n", r#"{a@1: "b"@1, c@2: "d"@2}"#),
        ("a: b\n\t\nc: d\n  \t# x\n", r#"{a@1: "b"@1, c@3: "d"@3}"#),
    ];
    for (source, tree) in table {
        assert_eq!(shown(source), tree, "{source:?}");
        assert_eq!(troubles(source), [], "{source:?}");
    }
}

#[test]
fn a_second_document_is_said_and_not_read() {
    assert_eq!(shown("a: b\n---\nc: d\n"), r#"{a@1: "b"@1}"#);
    assert_eq!(troubles("a: b\n---\nc: d\n"), [(3, "a second document".into(), true)]);
    assert_eq!(troubles("a: b\n---\n---\n"), []);
}

#[test]
fn bytes_that_are_no_text_are_replaced_and_said() {
    let parsed = parse(b"a: b\nc: \xff\xfe\nd: \xc3\xa9\n");
    assert_eq!(
        show(&parsed.root.unwrap()),
        "{a@1: \"b\"@1, c@2: \"\u{fffd}\u{fffd}\"@2, d@3: \"é\"@3}"
    );
    assert_eq!(parsed.troubles.len(), 1);
    assert_eq!((parsed.troubles[0].line, parsed.troubles[0].is_fatal()), (2, false));

    for swap in [false, true] {
        let unit = |u: u16| if swap { u.to_be_bytes() } else { u.to_le_bytes() };
        let bytes: Vec<u8> = "\u{feff}a: é\n".encode_utf16().flat_map(unit).collect();
        assert_eq!(show(&parse(&bytes).root.unwrap()), r#"{a@1: "é"@1}"#);
    }
}

#[test]
fn an_alias_bomb_costs_nothing() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..=10 {
        let row = vec![format!("*a{}", i - 1); 10].join(", ");
        writeln!(bomb, "a{i}: &a{i} [{row}]").unwrap();
    }
    let parsed = read(&bomb);
    assert!(parsed.troubles.iter().any(|t| !t.is_fatal() && t.reason.contains("1000000")));
    assert!(parsed.troubles.iter().all(|t| !t.is_fatal()));
    let root = parsed.root.unwrap();
    assert!(count(&root) <= 1_000_000);
    // What comes before the limit is whole, and what comes after it is still read.
    assert_eq!(root.entries().len(), 11);
    assert_eq!(count(root.get("a3").unwrap()), 11_111);
    assert!(root.get("a10").unwrap().items()[9].is_null());
}

fn count(node: &Node) -> usize {
    let items: usize = node.items().iter().map(|item| count(item)).sum();
    let values: usize = node.entries().iter().map(|entry| count(&entry.value)).sum();
    1 + items + values
}

#[test]
fn a_chain_of_aliases_is_no_way_around_the_depth() {
    let mut chain = String::from("a0: &a0 [x]\n");
    for i in 1..=20_000 {
        writeln!(chain, "a{i}: &a{i} [*a{}]", i - 1).unwrap();
    }
    let parsed = read(&chain);
    assert!(parsed.troubles.iter().any(|t| !t.is_fatal() && t.reason.contains("deeper")));
    assert_eq!(parsed.root.unwrap().entries().len(), 20_001);
}

#[test]
fn merge_keys_are_bounded() {
    let keys: Vec<_> = (0..2_000).map(|i| format!("k{i}: v")).collect();
    let mut bomb = format!("b: &b {{{}}}\n", keys.join(", "));
    for i in 0..2_000 {
        writeln!(bomb, "m{i}: {{<<: *b}}").unwrap();
    }
    let parsed = read(&bomb);
    assert!(
        parsed.troubles.iter().any(|t| !t.is_fatal() && t.reason.contains("merge keys add more"))
    );
    assert!(count(&parsed.root.unwrap()) < 110_000);
}

#[test]
fn aliases_that_name_nothing_are_refused() {
    assert_eq!(shown("a: *x\nb: c"), r#"{a@1: ~, b@2: "c"@2}"#);
    assert!(matches!(&troubles("a: *x\nb: c")[..], [(1, reason, false)] if reason.contains("*x")));
    assert_eq!(shown("a: &x [*x, b]\nc: *x"), r#"{a@1: [~, "b"@1], c@2: [~, "b"@1]}"#);
    assert!(matches!(&troubles("a: &x [*x]")[..], [(1, _, false)]));
}

#[test]
fn deep_nesting_ends_the_reading_and_nothing_else() {
    let deep: [String; 5] = [
        "[".repeat(10_000),
        "{a: ".repeat(10_000),
        "- ".repeat(10_000),
        "? ".repeat(10_000),
        (0..10_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect(),
    ];
    for text in deep {
        let parsed = read(&format!("k: v\nd:\n  {}", text.replace('\n', "\n  ")));
        assert!(parsed.troubles.iter().any(|t| t.is_fatal()), "{}", &text[..20]);
        assert_eq!(parsed.root.unwrap().get("k").unwrap().text(), Some("v"), "{}", &text[..20]);
    }
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes: Vec<u8>) {
        parse(&bytes);
    }

    #[test]
    fn no_text_breaks_it(pieces in prop::collection::vec(yamlish(), 0..60)) {
        let parsed = parse(pieces.concat().as_bytes());
        if let Some(root) = parsed.root {
            prop_assert!(count(&root) <= 1_000_000);
        }
    }

    /// Words laid out at random: whatever the style, each knows its line.
    #[test]
    fn lines_are_true(
        style in 0..7usize,
        gaps in prop::collection::vec((1..4usize, 0..3usize), 1..8),
        end in 0..3usize,
    ) {
        let (open, close) = [("", ""), ("'", "'"), ("\"", "\""), ("|", ""), (">", ""), ("|-", ""), (">+", "")][style];
        let mut source = format!("k: {open}");
        let mut line = 1;
        for (breaks, blanks) in gaps {
            source.push_str(&"\n".repeat(breaks));
            line += breaks;
            // The first line of a block decides its indentation.
            let more = if style >= 3 && !source.contains('w') { 0 } else { blanks };
            write!(source, "  {}w{line}", " ".repeat(more)).unwrap();
        }
        source.push_str(&"\n  ".repeat(end));
        source.push_str(close);
        let parsed = read(&source);
        prop_assert_eq!(&parsed.troubles, &[], "{:?}", source);
        let mut words = 0;
        check_words(&parsed.root.unwrap(), &source, &mut words);
        prop_assert!(words > 0);
    }
}

fn yamlish() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "\r\n",
        "\r",
        "\t",
        " ",
        "#",
        " # c",
        "'",
        "\"",
        "|",
        ">",
        "|2-",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "? ",
        "&x ",
        "*x",
        "<<: ",
        "!!str ",
        "!t ",
        "%YAML 1.2",
        "---\n",
        "...\n",
        "\\",
        "\\u",
        "\\\n",
        "é",
        "\u{feff}",
        "\u{85}",
        "\0",
        "@",
        "`",
        "${{ x }}",
        "~",
        "null",
    ])
}
