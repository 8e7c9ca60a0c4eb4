//! A server's process, with its folder.

use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::{Pid, User, geteuid},
};
use tempfile::TempDir;

use crate::watchdog::Watchdog;

/// The time that anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The interval at which a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(10);

/// A server: a folder, a command and the process that runs it, if it runs. All of it is
/// gone with this value.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    /// Dropped in this order: the watchdog empties the folder.
    running: Mutex<Running>,
    user: Option<User>,
    folder: TempDir,
}

#[derive(Debug)]
struct Running {
    server: Option<Child>,
    watchdog: Watchdog,
}

impl Process {
    /// An empty folder, and no process yet. As root, the server will run as the first of
    /// these users that exists.
    pub(crate) fn new(name: &'static str, users: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("thingspace-fleet-")
            .tempdir()
            .expect("a temporary folder");
        let watchdog = Watchdog::over(folder.path());
        let user = geteuid().is_root().then(|| {
            let found = users.iter().find_map(|user| User::from_name(user).ok()?);
            found.unwrap_or_else(|| panic!("none of the users {users:?} exists"))
        });
        let this = Self {
            name,
            running: Mutex::new(Running {
                server: None,
                watchdog,
            }),
            user,
            folder,
        };
        this.give(this.folder.path());
        this
    }

    /// The path of a file in the server's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only the server's user may read.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        fs::write(&path, content).expect("a file in its folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
        self.give(&path);
        path
    }

    /// Gives a file to the server's user.
    fn give(&self, path: &Path) {
        if let Some(user) = &self.user {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("its owner");
        }
    }

    /// A command that runs as the server's user, in its folder.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    /// Runs the server, until `is_ready`.
    pub(crate) fn run(&self, mut command: Command, is_ready: impl Fn() -> Result<(), String>) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("a log");
        // Ctrl-C is for the test, which removes its servers.
        let command = command
            .process_group(0)
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        {
            let mut running = self.running();
            assert!(running.server.is_none(), "{} runs already", self.name);
            let server = command.spawn();
            let server = server.unwrap_or_else(|error| panic!("{}: {error}", self.name));
            running.watchdog.watch(Some(server.id()));
            running.server = Some(server);
        }
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = is_ready() {
            let ended = match &mut self.running().server {
                Some(server) => server.try_wait().expect("its end"),
                None => return,
            };
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(self.path("log")).unwrap_or_default();
                let lines: Vec<_> = log.lines().collect();
                let log = lines[lines.len().saturating_sub(20)..].join("\n");
                panic!("{} did not start: {ended:?}, {error}\n{log}", self.name);
            }
            thread::sleep(INTERVAL);
        }
    }

    /// Kills the server and its children, as a power cut would.
    pub(crate) fn kill(&self) {
        let mut running = self.running();
        let Some(mut server) = running.server.take() else {
            return;
        };
        let family = family(&server);
        signal(&family, Signal::SIGKILL);
        let _ = server.wait();
        running.watchdog.watch(None);
        drop(running);
        // The memory that the children share is free once they are gone.
        wait_until("the children are gone", || {
            family.iter().all(|process| !is_alive(*process))
        });
    }

    /// Stops the server and its children: it accepts connections and says nothing.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets a frozen server go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, which: Signal) {
        let running = self.running();
        let server = running.server.as_ref();
        let server = server.unwrap_or_else(|| panic!("{} does not run", self.name));
        signal(&family(server), which);
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server and its children, none of which is missed: it is stopped, so that it makes
/// no more.
fn family(server: &Child) -> Vec<Pid> {
    let server = Pid::from_raw(i32::try_from(server.id()).expect("a process"));
    signal(&[server], Signal::SIGSTOP);
    let all = fs::read_dir("/proc").expect("Linux");
    let all = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let children = all.map(Pid::from_raw).filter(|process| {
        let is_child = |stat: Stat| stat.parent == server.as_raw() && stat.is_alive;
        stat(*process).is_some_and(is_child)
    });
    // PostgreSQL puts each child into a group of its own.
    children.chain([server]).collect()
}

fn signal(processes: &[Pid], signal: Signal) {
    for process in processes {
        match kill(*process, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => panic!("{signal} to {process}: {error}"),
        }
    }
}

struct Stat {
    parent: i32,
    is_alive: bool,
}

/// Reads what the system says of a process; `None` if it is gone.
fn stat(process: Pid) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Its name, in brackets, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let is_alive = !matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    Some(Stat { parent, is_alive })
}

fn is_alive(process: Pid) -> bool {
    stat(process).is_some_and(|stat| stat.is_alive)
}

/// Waits for a condition that holds soon.
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not for a minute");
        thread::sleep(INTERVAL);
    }
}

/// Binds a listener to an address that was ours before.
pub(crate) fn bind_again(address: std::net::SocketAddr) -> TcpListener {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) => assert!(Instant::now() < deadline, "{address}: {error}"),
        }
        thread::sleep(INTERVAL);
    }
}

/// Runs a client program and returns what it prints.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}
