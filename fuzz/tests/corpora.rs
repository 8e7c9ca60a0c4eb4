#![cfg(test)]
//! Runs each target once with every input of its corpus, as the fuzzer does.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use thingspace_core::session::Snapshot;
use thingspace_fuzz::TARGETS;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let names = entries.map(|entry| entry.path().file_stem().unwrap().to_owned());
    names.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn every_target_has_its_program_and_its_corpus() {
    let targets = TARGETS.map(|(name, _)| name.to_owned());
    assert_eq!(names(&folder("corpus")), targets.clone().into());
    assert_eq!(names(&folder("fuzz_targets")), targets.into());
}

/// If the format changes, the corpus must change with it. No other test would fail.
#[test]
fn the_snapshots_of_the_corpus_have_the_current_format() {
    let files = fs::read_dir(folder("corpus/snapshot")).unwrap();
    let stored = files.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let accepted = stored.filter(|stored| serde_json::from_slice::<Snapshot>(stored).is_ok());
    assert!(accepted.count() >= 40);
}

#[test]
fn the_laws_hold_for_every_input_of_every_corpus() {
    for (name, target) in TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(folder("corpus").join(name)).unwrap() {
            let file = entry.unwrap().path();
            println!("{}", file.display());
            target(&fs::read(file).unwrap());
            inputs += 1;
        }
        assert!(inputs >= 10, "{name} has {inputs} inputs");
    }
}
