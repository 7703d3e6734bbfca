//! What works on a checkout opens no socket: the kernel denies it any, and nothing changes.

#![cfg(target_os = "linux")]

use std::{
    net::UdpSocket,
    process::{Command, Output},
    thread,
};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// A filter for `socket(2)`; all other calls pass.
fn on_socket(action: SeccompAction) -> BpfProgram {
    // Numbers of the call: <https://man7.org/linux/man-pages/man2/syscalls.2.html>.
    let socket = if cfg!(target_arch = "x86_64") { 41 } else { 198 };
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let rules = [(socket, Vec::new())].into();
    SeccompFilter::new(rules, SeccompAction::Allow, action, arch).unwrap().try_into().unwrap()
}

/// Runs in a thread of its own: the filter stays with the thread and what it starts.
fn denied<T: Send + 'static>(action: SeccompAction, run: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(move || {
        apply_filter(&on_socket(action)).unwrap();
        run()
    })
    .join()
    .unwrap()
}

fn keysweep(args: &'static [&'static str]) -> Output {
    // Killed by the kernel at the first socket, so that no quiet fallback can hide one.
    denied(SeccompAction::KillProcess, move || {
        Command::new(env!("CARGO_BIN_EXE_keysweep"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(args)
            .output()
            .unwrap()
    })
}

#[test]
fn the_denial_denies() {
    let error = denied(SeccompAction::Errno(1), || UdpSocket::bind("127.0.0.1:0").unwrap_err());
    assert_eq!(error.raw_os_error(), Some(1));
}

#[test]
fn verbs_on_a_checkout_need_no_socket() {
    let acme = "examples/acme";
    for (args, code) in [
        (&["expose", "codecov-2021", "examples/acme", "--as-of", "2021-03-01"][..], 10),
        (&["expose", "tj-actions-2025", "examples/acme/web", "--as-of", "2025-03-14"], 0),
        (&["components", "examples/acme/web"], 0),
        (&["inventory", "examples/acme/web"], 0),
        (&["incidents"], 0),
        (&["schema", "exposure"], 0),
    ] {
        let output = keysweep(args);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{acme}: {args:?}: {text}");
        assert!(!output.stdout.is_empty(), "{args:?} says nothing");
    }
}
