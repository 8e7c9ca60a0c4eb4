//! The README's session from a shell, pasted more than once.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::stage::*;

/// What the README has for a terminal, 1 or 2, with places of this test's own.
fn terminal(number: usize, port: u16, folder: &Path) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("\n## From a shell").unwrap();
    let block = section.split("```sh\n").nth(number).unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block
        .replace("4280", &port.to_string())
        .replace("/tmp/", &format!("{}/", folder.display()))
}

fn shell(script: &str, folder: &Path) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_thingspace"));
    let path = env::join_paths(
        [program.parent().unwrap().to_owned()]
            .into_iter()
            .chain(env::split_paths(&env::var_os("PATH").unwrap())),
    );
    let mut shell = Command::new("sh");
    shell
        .args(["-ec", script])
        .env_clear()
        .env("PATH", path.unwrap())
        .env("HOME", folder)
        .current_dir(folder);
    shell
}

/// A simulator that is stopped at the end.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Runs the simulator of the first terminal until it listens. Returns its port.
fn simulator(folder: &Path) -> (Running, u16) {
    for _ in 0..10 {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let line = terminal(1, port, folder);
        let line = line.lines().last().unwrap();
        let mut simulator = shell(&format!("exec {line}"), folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut printed = String::new();
        let mut stdout = BufReader::new(simulator.stdout.as_mut().unwrap());
        stdout.read_line(&mut printed).unwrap();
        if printed.starts_with("export ") {
            return (Running(simulator), port);
        }
        // Another test has got the port.
        assert_eq!(simulator.wait().unwrap().code(), Some(2));
    }
    panic!("no port is free");
}

#[test]
fn it_works_again_and_again_and_after_a_restart() {
    let stage = Stage::new();
    let folder = stage.at("pasted");
    fs::create_dir(&folder).unwrap();
    for times in [1, 2] {
        let (_running, port) = simulator(&folder);
        for _ in 0..times {
            let pasted = shell(&terminal(2, port, &folder), &folder)
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&pasted.stdout);
            assert!(pasted.status.success(), "{pasted:?}");
            for part in [
                "A session was opened",
                "The password was reset",
                "Password      The password to use is in",
                "The session is over",
            ] {
                assert!(told.contains(part), "{part}: {told}");
            }
        }
    }
}
