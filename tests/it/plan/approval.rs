//! Who may approve what.

use std::path::{Path, PathBuf};

use keysweep::{
    config::Approval,
    plan::{Approved, Evidence, NotApproved, approved, find_principals, message, sign, verify},
};

use super::world::{ONE, World};

fn policy(apart: bool) -> Approval {
    Approval {
        required: true,
        signers: PathBuf::from("allowed_signers"),
        requester_may_not_approve: apart,
    }
}

#[test]
fn who_asks_does_not_approve() {
    let apart = policy(true);
    let (ana, ben) = (Evidence::Signed { by: "ana@x" }, Evidence::Signed { by: "ben@x" });
    let judge = |evidence| approved(Some(&apart), "ana@x", evidence);
    assert_eq!(judge(ben), Ok(Approved::By("ben@x".into())));
    assert_eq!(judge(ana), Err(NotApproved::Oneself("ana@x".into())));
    assert!(judge(Evidence::Signed { by: "Ana@X " }).is_err());
    assert_eq!(judge(Evidence::Nothing), Err(NotApproved::Missing));
    assert_eq!(approved(Some(&apart), " ", ben), Err(NotApproved::NoRequester));
    assert_eq!(approved(Some(&policy(false)), "ana@x", ana), Ok(Approved::By("ana@x".into())));
    assert_eq!(approved(None, "", Evidence::Nothing), Ok(Approved::NotNeeded));
    let not_required = Approval { required: false, ..policy(true) };
    assert_eq!(approved(Some(&not_required), "a", Evidence::Nothing), Ok(Approved::NotNeeded));
}

#[test]
fn an_emergency_has_a_name_and_a_reason() {
    let apart = policy(true);
    let judge = |by, reason| approved(Some(&apart), "ana", Evidence::Emergency { by, reason });
    let given = judge("ana", "the key is on a public page").unwrap();
    assert_eq!(given.record().unwrap(), "emergency, ana: the key is on a public page");
    assert_eq!(judge("ana", "   now    "), Err(NotApproved::NoReason));
    assert_eq!(judge("", "the key is on a public page"), Err(NotApproved::NoRequester));
    assert_eq!(Approved::NotNeeded.record(), None);
}

#[test]
fn what_is_signed_is_the_plan_and_nothing_else() {
    let world = World::new(ONE);
    let plan = world.plan();
    assert!(message(&plan).contains(&plan.digest()));
    let mut other = plan.clone();
    other.rotations[0].bounds.soak *= 2;
    assert_ne!(message(&other), message(&plan));
    let mut forged = plan.clone();
    forged.campaign = "x\nsha256: 0".into();
    assert_eq!(message(&forged).lines().count(), 4);
}

/// The real `ssh-keygen`, where there is one.
#[test]
fn ssh_keygen_takes_the_arguments() {
    use std::{fs, process::Command, process::Stdio};
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(at("key"))
        .status();
    if made.is_err() {
        eprintln!("skipped: no ssh-keygen");
        return;
    }
    let plan = World::new(ONE).plan();
    fs::write(at("message"), message(&plan)).unwrap();
    let public = fs::read_to_string(at("key.pub")).unwrap();
    fs::write(at("signers"), format!("ben@x {public}")).unwrap();
    let run = |args: Vec<String>, input: &Path| {
        let input = Stdio::from(fs::File::open(input).unwrap());
        Command::new("ssh-keygen").args(args).stdin(input).output().unwrap()
    };
    assert!(run(sign(&at("key"), &at("message")), &at("message")).status.success());
    let signature = at("message.sig");
    let named = run(find_principals(&at("signers"), &signature), &at("message"));
    assert_eq!(String::from_utf8_lossy(&named.stdout).trim(), "ben@x");
    let check = |who: &str, message: &Path| {
        run(verify(&at("signers"), &signature, who), message).status.success()
    };
    assert!(check("ben@x", &at("message")));
    assert!(!check("ana@x", &at("message")));
    fs::write(at("other"), "another plan").unwrap();
    assert!(!check("ben@x", &at("other")));
}
