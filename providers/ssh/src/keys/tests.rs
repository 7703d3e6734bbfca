use super::*;

const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJC9mjZ6MaEbC4mBtYLMNQdBYLDwRbb6bYBQvaZ4F6sW";
const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn id(key: &str) -> CredentialId {
    CredentialId::new(crate::line::key(key).unwrap().0)
}

fn file() -> String {
    format!(
        "# of the team\n\nfrom=\"10.0.0.0/8,::1\",command=\"echo \\\"a b\\\" c\",restrict,environment=\"T=planted\" {A} ops@a, old\r\n{B}\n  ssh-rsa AAAA broken\nnot a key\n"
    )
}

#[test]
fn keys_are_listed_with_what_they_may() {
    let live = list(&file());
    assert_eq!(live.len(), 2);
    assert_eq!(live[0].id, id(A));
    assert_eq!(live[0].marker.as_deref(), Some("ops@a, old"));
    let scope: Vec<_> = live[0].scope.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(
        scope,
        ["command=echo \"a b\" c", "environment=T", "from=10.0.0.0/8,::1", "restrict=yes"]
    );
    assert!(live[1].scope.is_empty() && live[1].marker.is_none());
    assert!(list("").is_empty());
}

#[test]
fn a_new_line_has_the_options_of_the_old_one() {
    let text = file().replace(&format!("{B}\n"), "");
    let new = New { id: &id(B), key: B, comment: "keysweep-1", replaces: Some(&id(A)) };
    let (out, scope) = add(&text, &new).unwrap();
    let out = out.unwrap();
    assert!(
        out.starts_with(&text) && out.ends_with(&format!("\"T=planted\" {B} keysweep-1\r\n")),
        "{out}"
    );
    assert_eq!(scope, list(&text)[0].scope);
    assert_eq!(list(&out).last().unwrap().marker.as_deref(), Some("keysweep-1"));
    assert_eq!(add(&out, &new).unwrap(), (None, scope));

    let gone = New { replaces: Some(&CredentialId::new("SHA256:gone")), ..new };
    assert_eq!(add(&text, &gone).unwrap_err().kind, ErrorKind::NotFound);
    let out = disable(&out, &id(B)).unwrap();
    assert_eq!(add(&out, &gone).unwrap_err().kind, ErrorKind::Conflict);
    let alone = New { id: &id(A), key: A, comment: "m", replaces: None };
    assert_eq!(add(B, &alone).unwrap().0.unwrap(), format!("{B}\n{A} m\n"));
}

#[test]
fn a_key_goes_out_of_use_and_comes_back() {
    let text = format!("{}{A} twice", file());
    let off = disable(&text, &id(A)).unwrap();
    assert_eq!(state(&off, &id(A)), Some(LiveState::Inactive));
    assert_eq!(state(&off, &id(B)), Some(LiveState::Active));
    assert_eq!(off.lines().filter(|line| line.starts_with("#keysweep-disabled ")).count(), 2);
    assert_eq!(disable(&off, &id(A)), None);
    assert_eq!(enable(&off, &id(A)).unwrap(), text);
    assert_eq!(enable(&text, &id(A)), None);
    for from in [&off, &text] {
        let gone = remove(from, &id(A)).unwrap();
        assert_eq!(state(&gone, &id(A)), None);
        assert_eq!(gone, format!("# of the team\n\n{B}\n  ssh-rsa AAAA broken\nnot a key\n"));
        assert_eq!((remove(&gone, &id(A)), disable(&gone, &id(A))), (None, None));
    }
}

proptest::proptest! {
    #[test]
    fn other_lines_stay_byte_for_byte(before in "[ -~\t\r\n]{0,80}", after in "[ -~\t\r\n]{0,80}") {
        let text = format!("{before}\n{A} x\n{after}");
        proptest::prop_assume!(!before.contains("ssh-") && !after.contains("ssh-"));
        let off = disable(&text, &id(A)).unwrap();
        proptest::prop_assert_eq!(enable(&off, &id(A)).unwrap(), text.clone());
        proptest::prop_assert_eq!(remove(&text, &id(A)).unwrap(), format!("{before}\n{after}"));
    }

    #[test]
    fn no_line_makes_it_panic(line in "\\PC{0,60}|[a-z=\",\\\\ ]{0,60}") {
        let _ = list(&line);
    }
}
