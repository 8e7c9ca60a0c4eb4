//! The proxy's process.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use thingspace_simulator::{Server, Simulator};

use crate::{Size, command_line};

/// The command line as it was built.
pub(crate) struct Program(PathBuf);

impl Program {
    pub(crate) fn build(size: Size) -> Self {
        Self(command_line::build(size.pick("release", "dev")))
    }

    /// Starts a proxy before this service.
    pub(crate) fn start(&self, server: &Server, home: &Home, options: &[&str]) -> Proxy {
        let log = fs::File::options()
            .append(true)
            .create(true)
            .open(home.log());
        let mut child = Command::new(&self.0)
            .args(["proxy", "--state"])
            .arg(home.state())
            .args(options)
            .env("THINGSPACE_BASE_URL", server.base())
            .env("THINGSPACE_KEY", Simulator::KEY)
            .env("THINGSPACE_SECRET", Simulator::SECRET)
            .env("THINGSPACE_USERNAME", Simulator::USERNAME)
            .env("THINGSPACE_PASSWORD", Simulator::PASSWORD)
            .stdout(Stdio::piped())
            .stderr(log.unwrap())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut address).unwrap();
        let log = || fs::read_to_string(home.log()).unwrap();
        assert!(!address.is_empty(), "no address: {}", log());
        Proxy {
            child,
            address: address.trim_end().to_owned(),
        }
    }
}

/// A folder with the state of a session, and the log of its proxies.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.0.path().join("state/session.json")
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("log")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.0.path().join("proxy.sock")
    }
}

/// A proxy that runs.
pub(crate) struct Proxy {
    child: Child,
    address: String,
}

impl Proxy {
    /// The base address for its clients, or the path of its socket.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The memory that is resident now, and the most that ever was, in bytes.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
            kibibytes.unwrap().parse::<u64>().unwrap() * 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Ends it as an operator does.
    pub(crate) fn end(mut self) {
        let id = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(id, Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended before.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
