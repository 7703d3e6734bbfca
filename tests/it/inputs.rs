//! Inputs that fuzzing found, replayed. `just fuzz` starts from them.

use std::{fs, path::Path, sync::mpsc, time::Duration};

#[expect(unreachable_pub, reason = "a crate of its own for the fuzz targets")]
#[path = "../../fuzz/parsers.rs"]
mod parsers;

/// Only a hang is longer than this, even in a debug build on a busy machine.
const WATCHDOG: Duration = Duration::from_mins(2);

#[test]
fn what_fuzzing_found_is_read_to_its_end() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs");
    let mut count = 0;
    for target in fs::read_dir(folder).unwrap().flatten() {
        let name = target.file_name();
        let (_, parse) = parsers::PARSERS
            .iter()
            .find(|(parser, _)| *parser == name)
            .expect("a folder is called as a parser");
        for input in fs::read_dir(target.path()).unwrap().flatten() {
            let bytes = fs::read(input.path()).unwrap();
            let (send, receive) = mpsc::channel();
            std::thread::spawn(move || {
                parse(&bytes);
                send.send(())
            });
            let read = receive.recv_timeout(WATCHDOG);
            assert!(read.is_ok(), "{}: {read:?}", input.path().display());
            count += 1;
        }
    }
    assert!(count > 0, "no inputs");
}

#[test]
fn every_fuzz_target_is_a_parser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/targets");
    let mut targets: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    targets.sort();
    let mut parsers: Vec<&str> = parsers::PARSERS.iter().map(|(name, _)| *name).collect();
    parsers.sort_unstable();
    assert_eq!(targets, parsers);
}
