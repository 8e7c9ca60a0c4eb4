#![cfg(test)]
//! Every input of every corpus, once, as the fuzzer gives it to its target.

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

/// When the format moves on, its corpus must too; nobody would see it otherwise.
#[test]
fn the_snapshots_of_the_corpus_are_of_the_present_format() {
    let files = fs::read_dir(folder("corpus/snapshot")).unwrap();
    let stored = files.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let taken = stored.filter(|stored| serde_json::from_slice::<Snapshot>(stored).is_ok());
    assert!(taken.count() >= 40);
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
