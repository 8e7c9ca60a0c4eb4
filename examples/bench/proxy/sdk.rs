//! Verizon's Python SDK, in a process of its own.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::{
    clients::{Load, Round},
    command_line::target,
};

/// A program in Python that makes calls when it is asked to.
pub(crate) struct Sdk {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Sdk {
    /// Starts a program that calls `base`, and logs in with a key, a secret, a user name
    /// and a password. Returns `None` if the SDK is not installed.
    pub(crate) fn start(base: &str, login: [&str; 4]) -> Option<Self> {
        let python = target().join("sdk/bin/python");
        let is_installed = Command::new(&python)
            .args(["-c", "import verizon"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !is_installed {
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("proxy/sdk.py");
        let mut process = Command::new(python)
            .arg(script)
            .arg(base.trim_end_matches("/api"))
            .args(login)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Some(Self {
            stdin: process.stdin.take().unwrap(),
            stdout: BufReader::new(process.stdout.take().unwrap()),
            process,
        })
    }

    pub(crate) fn round(&mut self, load: Load) -> Round {
        let Load { connections, calls } = load;
        writeln!(self.stdin, "{connections} {calls}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let mut seconds = line.split_whitespace().map(|it| it.parse::<f64>().unwrap());
        let whole = seconds.next().expect("the SDK's program has failed");
        Round::of(whole, seconds.map(|it| it * 1e6).collect())
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
