use super::{super::ast::Node, parse};

/// Texts that are whole, whatever other grammars make of them.
#[test]
fn whole_texts_have_no_errors() {
    let texts = [
        "time { a; b; }\n! { a; }\ntime a | b",
        "cat <<EOF | bash -s x && foo > y\ncurl $X | bash\nEOF\n",
        "A=1 B=\"x $y\" cmd 2>/dev/null >f <<<\"$z\" | tee x |& cat &",
        "case $x in a|b) foo;; (*) bar ;; esac",
        "if ! x; then y; elif a; then b; else c; fi > f",
        "for ((i=0; i<3; i++)); do x; done",
        "for x in a \\\n b; do x; done; while read -r l; do x; done < <(curl y)",
        "[[ $a =~ ^(a|b)+$ && ! -f x ]] && echo \"${x//\\\"/}\" ${x:-\"a b\"} ${#x} ${!y} ${z[@]}",
        "arr=(a \"b c\" $d\n # comment\n e)\nexport X=(a b)\necho $((1 + (2 * 3))) $(( x )) ((y++))",
        "f() { x; }\nfunction g { y; }\nfunction h() ( z )\n",
        "x=$(cat <<'EOF'\nit's (\nEOF\n)\ny",
        "echo `ls \\`pwd\\`` \"`id`\" $'a\\'b' $\"c\"",
        "cat <<-A <<B\n\t1\n\tA\n2\nB\nls",
        "{ a\n} 2>&1 | b; (c) || d",
        "a &>x &>>y 2>>z <&- >|w",
        "shopt -s extglob; rm !(a|b).txt; ls @(x|y)",
        "echo a#b # comment ' \" (\nls",
        "until false; do :; done; select x in a b; do break; done",
        "case \"$1\" in\n  start)\n    a\n    ;;\n  *) ;;\nesac\n",
        "echo \"a $(echo \"b $(echo 'c')\")\"",
        "if [ -n \"$x\" ] ; then { a; } ; fi\r\n",
        "echo \"don't\" ${x:-don't}",
        "x=a[1] y[0]=2 z+=3; echo {1..3} a{b,c}",
        "coproc cat; declare -A m=([a]=b); m[c]=d",
    ];
    for text in texts {
        let script = parse(text);
        assert!(script.errors.is_empty(), "{text:?}: {:?}", script.errors);
    }
}

#[test]
fn a_broken_statement_costs_its_lines_only() {
    let script = parse("if x; then\ncurl a | bash\nls\necho )\npwd");
    assert!(!script.errors.is_empty());
    assert!(script.body.iter().any(|stmt| matches!(&stmt.node, Node::Pipeline { .. })));
}

#[test]
fn hostile_texts_end() {
    let nested = "$(".repeat(10_000);
    let braces = "{ ".repeat(10_000);
    let quotes = "'\n\"\n`\n(\n".repeat(5_000);
    let ifs = "if a; then\n".repeat(5_000);
    for text in [nested, braces, quotes, ifs, "\\".to_owned(), "$".to_owned(), "<<".to_owned()] {
        assert!(!parse(&text).errors.is_empty() || text.len() < 3);
    }
}
