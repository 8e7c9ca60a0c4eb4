//! Many processes and threads that share one file: each change is saved exactly once.
//!
//! Each process is this program itself, started with the path of the file.

#![cfg(test)]

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use thingspace_core::{
    AppCredentials, Credentials, Environment, Session, UserCredentials, session::Store,
};
use thingspace_file::FileStore;

const PROCESSES: u64 = 20;
const THREADS: u64 = 4;
/// The number of changes that each thread makes.
const CHANGES: u64 = 5;

fn main() {
    let mut args = env::args_os().skip(1);
    if args.next().is_some_and(|arg| arg == "one-of-many") {
        let path = args.next().unwrap();
        return thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| change(path.as_ref()));
            }
        });
    }
    crowd();
}

fn crowd() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/session.json");
    let processes: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(env::current_exe().unwrap())
                .arg("one-of-many")
                .arg(&path)
                .stdin(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let saved = FileStore::new(&path).load().unwrap().unwrap();
    assert_eq!(saved.version(), PROCESSES * THREADS * CHANGES);
    println!("{} changes were saved, each once", saved.version());
}

/// Changes the session. Each change makes the version one higher.
fn change(path: &Path) {
    let store = FileStore::new(path);
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    let mut session = Session::new(Environment::mock(), Credentials::new(app, user), 42);
    for _ in 0..CHANGES {
        session.transact(&store, Session::unblock).unwrap();
    }
}
