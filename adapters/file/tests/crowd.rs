//! Many processes and many threads at one file: every change is kept, once.
//!
//! The processes are this program itself, started with the name of the file.

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
/// What each thread of each process changes.
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
    let kept = FileStore::new(&path).load().unwrap().unwrap();
    assert_eq!(kept.version(), PROCESSES * THREADS * CHANGES);
    println!("{} changes were kept, each once", kept.version());
}

/// Each change makes the version one more than what it was made on.
fn change(path: &Path) {
    let store = FileStore::new(path);
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    let mut session = Session::new(Environment::mock(), Credentials::new(app, user), 42);
    for _ in 0..CHANGES {
        session.transact(&store, Session::rearm).unwrap();
    }
}
