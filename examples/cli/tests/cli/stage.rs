//! A stage for the tests: a service that counts, a user with a home, and
//! invocations one after another or at once.

use std::{
    cell::RefCell,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;
use tempfile::TempDir;
use thingspace_file::FileStore;
use thingspace_simulator::{Call, Fault, Server, Simulator};
use thingspace_ureq::core::{
    AppCredentials, Credentials, Session, SessionBuilder, Timestamp, UserCredentials,
    session::{self, OperationKind, SharedStep, Store},
};

pub(crate) const ACCOUNT: &str = "/m2m/v1/accounts/0000123456-00001";
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A service, and a user of it with a home of their own.
pub(crate) struct Stage {
    pub(crate) server: Server,
    home: TempDir,
    /// Secrets that must never be in the program's output.
    secrets: RefCell<Vec<String>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::of(Simulator::new(42))
    }

    /// A stage with the password in a file, for its owner alone.
    pub(crate) fn of(simulator: Simulator) -> Self {
        let stage = Self {
            server: Server::start(simulator).unwrap(),
            home: tempfile::tempdir().unwrap(),
            secrets: RefCell::default(),
        };
        let password = stage.password();
        stage.write("password", &password);
        stage
    }

    /// A stage with a session that is open.
    pub(crate) fn open() -> Self {
        let stage = Self::new();
        stage.run(&["login"]).succeeds();
        assert_eq!(stage.tokens().len(), 2, "secrets to look for");
        stage
    }

    /// Injects a fault into the next call of this kind.
    pub(crate) fn inject(&self, call: Call, fault: Fault) {
        self.server.with(|service| service.inject(call, fault));
    }

    /// Waits until the service has responded to all that was sent before: a client
    /// that was killed may have left a request on its way.
    #[cfg(feature = "tools")]
    pub(crate) fn settle(&self) {
        use std::{io::Read, net::TcpStream};

        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port())).unwrap();
        let port = self.server.port();
        write!(
            stream,
            "GET / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }

    pub(crate) fn seen(&self, call: Call) -> u64 {
        self.server.with(|service| service.counts().seen(call))
    }

    pub(crate) fn done(&self, call: Call) -> u64 {
        self.server.with(|service| service.counts().done(call))
    }

    pub(crate) fn seen_in_all(&self) -> u64 {
        self.server.with(|service| service.counts().seen_in_all())
    }

    /// The password that is right.
    pub(crate) fn password(&self) -> String {
        let password = self
            .server
            .with(|service| service.reveal_password().to_owned());
        self.is_secret(&password);
        password
    }

    /// Adds a secret, which must not be in the program's output.
    pub(crate) fn is_secret(&self, secret: &str) {
        self.secrets.borrow_mut().push(secret.to_owned());
    }

    /// A path in the user's home.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file in the user's home, for its owner alone.
    pub(crate) fn write(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.at(name);
        fs::write(&path, contents).unwrap();
        set_mode(&path, 0o600);
        path
    }

    /// The contents of a file in the user's home, if there is one.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.at(name)).ok()
    }

    /// The session's file.
    pub(crate) fn state(&self) -> PathBuf {
        self.at("state/session.json")
    }

    /// The names of the files beside the session's.
    pub(crate) fn beside_state(&self) -> Vec<String> {
        let entries = fs::read_dir(self.at("state")).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The program, with everything that it needs and no arguments.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thingspace"));
        self.furnish(&mut command);
        command
    }

    /// The program, with these arguments and everything that it needs. (A session
    /// is in `--state`, since the default has the port in its name.)
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program();
        let (name, rest) = args.split_first().unwrap();
        command.arg(name);
        if *name != "simulate" {
            command.arg("--state").arg(self.state());
        }
        command.args(rest);
        command
    }

    /// Sets the environment that the program needs.
    pub(crate) fn furnish(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home.path())
            .env("THINGSPACE_BASE_URL", self.server.base())
            .env("THINGSPACE_KEY", Simulator::KEY)
            .env("THINGSPACE_SECRET", Simulator::SECRET)
            .env("THINGSPACE_USERNAME", Simulator::USERNAME)
            .env("THINGSPACE_PASSWORD_FILE", self.at("password"))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    /// Runs the program to its end. Asserts that no secret is in its output.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.finish(self.command(args).spawn().unwrap())
    }

    /// Runs `tokens` to its end, the one command that prints the tokens. Asserts that no
    /// other secret is in its output.
    pub(crate) fn tokens_by(&self, options: &[&str]) -> Ran {
        let args = [&["tokens"], options].concat();
        let ran = Ran::of(self.command(&args).spawn().unwrap());
        Self::assert_has_none_of(&ran, self.secrets());
        ran
    }

    /// Runs the program to its end, with this on its standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        self.finish(child)
    }

    /// Waits for the end of an invocation.
    pub(crate) fn finish(&self, child: Child) -> Ran {
        let ran = Ran::of(child);
        self.assert_discreet(&ran);
        ran
    }

    fn assert_discreet(&self, ran: &Ran) {
        let mut secrets = self.secrets();
        secrets.extend(self.tokens());
        Self::assert_has_none_of(ran, secrets);
    }

    fn assert_has_none_of(ran: &Ran, secrets: Vec<String>) {
        let output = format!("{}{}", String::from_utf8_lossy(&ran.stdout), ran.stderr);
        for secret in secrets {
            assert!(!output.contains(&secret), "{secret} was written: {output}");
        }
    }

    /// All secrets but the tokens.
    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.secrets.borrow().clone();
        secrets.push(Simulator::SECRET.to_owned());
        secrets.push(self.password());
        secrets
    }

    /// The tokens in the session's file.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let text = fs::read(self.state()).unwrap_or_default();
        let Ok(state) = serde_json::from_slice::<Value>(&text) else {
            return Vec::new();
        };
        let memory = &state["thingspace-session-3"]["memory"];
        let tokens = [&memory["bearer"]["token"], &memory["open"]["token"]];
        let tokens = tokens.iter().filter_map(|token| token.as_str());
        tokens.map(ToOwned::to_owned).collect()
    }

    /// Kills the program once the service has seen this many calls of a kind.
    pub(crate) fn kill_when_seen(&self, args: &[&str], call: Call, times: u64) {
        self.kill_when(args, || self.seen(call) == times);
    }

    /// Kills the program once this is true.
    pub(crate) fn kill_when(&self, args: &[&str], is_time: impl Fn() -> bool) {
        let mut child = self.command(args).spawn().unwrap();
        wait_for(|| {
            assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
            is_time()
        });
        child.kill().unwrap();
        self.finish(child).was_killed();
    }

    /// Does something while the program's reset is with the service: the drafts are
    /// made, and the service responds to no request before this is done. Returns the
    /// reset's result, which may hold secrets.
    pub(crate) fn reset_meanwhile(&self, args: &[&str], meanwhile: impl FnOnce()) -> Ran {
        let draft = self.at(&format!("{}.new", args[2]));
        let child = self.server.with(|_| {
            let child = self.command(args).spawn().unwrap();
            wait_for(|| fs::metadata(&draft).is_ok_and(|draft| draft.len() > 0));
            // The state's file shows that it has begun.
            wait_for(|| self.session().operation() == Some(OperationKind::PasswordReset));
            meanwhile();
            child
        });
        Ran::of(child)
    }

    /// Lets this much time pass for the session's file: twice, and somebody looks at it
    /// between. So an operation of a process that was killed is lost, and a login that
    /// was lost is followed by the next one.
    pub(crate) fn pass(&self, time: Duration) {
        self.age(time);
        self.drive(&mut session::Call::sync(), |session| session.expire(now()));
        self.age(time);
        self.server.advance(2 * time);
    }

    /// Makes the session's file older by this much, if there is one.
    pub(crate) fn age(&self, time: Duration) {
        if let Ok(file) = fs::File::options().write(true).open(self.state()) {
            let saved = file.metadata().unwrap().modified().unwrap();
            file.set_modified(saved - time).unwrap();
        }
    }

    /// Drives a call on the session's file, as another process does, until it sends
    /// something. Changes the session once it is loaded.
    pub(crate) fn drive(
        &self,
        call: &mut session::Call,
        change: impl FnOnce(&mut Session),
    ) -> Option<session::Operation> {
        let store = FileStore::new(self.state());
        let builder = self.builder("never sent").shared(store.poll_interval());
        let mut session = builder.seed(4242).build().unwrap();
        let mut change = Some(change);
        loop {
            match call.step_shared(&mut session, now()) {
                SharedStep::Load => {
                    call.loaded(&mut session, now(), Ok(store.load().unwrap()));
                    change
                        .take()
                        .into_iter()
                        .for_each(|change| change(&mut session));
                }
                SharedStep::Save { seen, snapshot } => {
                    let saved = store.save(seen, &snapshot);
                    call.saved(&mut session, now(), Ok(saved.unwrap()));
                }
                SharedStep::Wait(wait) => thread::sleep(wait.until.since(now())),
                SharedStep::Send(transmit) => return transmit.attempt.operation(),
                SharedStep::Done(result) => {
                    result.unwrap();
                    return None;
                }
            }
        }
    }

    /// The session as its file has it.
    pub(crate) fn session(&self) -> Session {
        let builder = self.builder("never sent");
        let loaded = FileStore::new(self.state()).load().unwrap();
        match loaded {
            Some(loaded) => builder.snapshot(loaded.snapshot, loaded.age, now()),
            None => builder,
        }
        .build()
        .unwrap()
    }

    fn builder(&self, password: &str) -> SessionBuilder {
        let app = AppCredentials::new(Simulator::KEY, Simulator::SECRET).unwrap();
        let user = UserCredentials::new(Simulator::USERNAME, password).unwrap();
        SessionBuilder::new(Credentials::new(app, user))
            .environment(self.server.base().parse().unwrap())
    }

    /// The output of `status`.
    pub(crate) fn status(&self) -> Value {
        self.run(&["status", "--json"]).succeeds().json()
    }
}

/// The result of an invocation.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        Self {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.ends_with(0)
    }

    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn was_killed(self) {
        assert_eq!(self.code, None, "{self:?}");
    }

    /// Asserts that its report of a failure contains this, and that its standard
    /// output is empty.
    #[track_caller]
    pub(crate) fn reports(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "no {part:?}: {self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        self
    }

    /// Asserts that its output contains this.
    #[track_caller]
    pub(crate) fn prints(self, part: &str) -> Self {
        assert!(self.text().contains(part), "no {part:?}: {self:?}");
        self
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap()
    }

    /// Its report of a failure, as JSON.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        let value: Value = serde_json::from_str(&self.stderr).unwrap();
        value["error"].clone()
    }
}

pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// Waits until something is true, a minute at most.
#[track_caller]
pub(crate) fn wait_for(mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(
            start.elapsed() < MINUTE,
            "it did not happen within a minute"
        );
        thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
