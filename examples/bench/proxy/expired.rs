//! The way of a crowd of calls through one login.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use thingspace_simulator::{Call, Fault, Server, Simulator};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
    task::JoinSet,
};

use crate::{
    CALL, Size,
    clients::call_once,
    process::{Home, Program},
    service,
};

/// The time that the service takes for the login. All calls have come before.
const LOGIN: Duration = Duration::from_secs(2);

/// The time after which a session that nobody uses has ended, and a little.
const IDLE: Duration = Duration::from_secs(21 * 60);

/// The time until each call of a crowd has its response.
///
/// Panics if a crowd makes more than one login.
pub(crate) fn table(program: &Program, size: Size) -> String {
    let calls = size.pick(10_000, 100);
    let (server, home) = (service(), Home::new());
    let options = ["--max-connections", "20000"];
    let proxy = program.start(&server, &home, &options);
    call_once(proxy.address());
    proxy.end();
    let state = fs::File::options().write(true).open(home.state()).unwrap();
    state.set_modified(SystemTime::now() - IDLE).unwrap();
    server.advance(IDLE);
    let proxy = program.start(&server, &home, &options);

    let round = |what: &str| {
        let (sent, last) = round(&server, proxy.address(), calls);
        format!("| {what} | {sent:.2} s | {last:.2} s | 1 |\n")
    };
    let expired = round("the session's time is over");
    server.with(Simulator::forget_sessions);
    let ended = round("the service has ended the session before its time");
    format!(
        "| {calls} calls in flight | all were sent after | all have responses after | logins |\n| --- | ---: | ---: | ---: |\n{expired}{ended}"
    )
}

/// The times until all calls were sent, and until all have their responses, in seconds.
fn round(server: &Server, address: &str, calls: usize) -> (f64, f64) {
    let logins = || server.with(|service| service.counts().seen(Call::LogIn));
    let before = logins();
    server.with(|service| service.inject(Call::LogIn, Fault::Delay(LOGIN)));
    let mut crowd = Crowd::start(address, calls);
    writeln!(crowd.stdin, "go").unwrap();
    let line = crowd.line();
    let (sent, last) = line.split_once(' ').unwrap();
    assert!(crowd.process.wait().unwrap().success());
    assert_eq!(logins() - before, 1, "{calls} calls at once");
    let (sent, last) = (sent.parse().unwrap(), last.parse().unwrap());
    assert!(sent < LOGIN.as_secs_f64(), "the login came before a call");
    (sent, last)
}

/// The clients, in a process of their own: this one has the service's connections, and
/// each process may have only so many.
struct Crowd {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Crowd {
    /// Starts the process. Its connections are open.
    fn start(address: &str, calls: usize) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["crowd", address, &calls.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut crowd = Self {
            stdin: process.stdin.take().unwrap(),
            stdout: BufReader::new(process.stdout.take().unwrap()),
            process,
        };
        assert_eq!(crowd.line(), "ready");
        crowd
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

/// Makes many calls at once, each over a connection of its own.
pub(crate) fn run_crowd(address: &str, calls: usize) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let address = address.strip_prefix("http://").unwrap();
        let address = address.strip_suffix("/api").unwrap();
        let mut streams = Vec::new();
        for _ in 0..calls {
            streams.push(TcpStream::connect(address).await.unwrap());
        }
        println!("ready");
        std::io::stdin().read_line(&mut String::new()).unwrap();
        let request =
            format!("GET /api{CALL} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let started = Instant::now();
        for stream in &mut streams {
            stream.write_all(request.as_bytes()).await.unwrap();
        }
        let sent = started.elapsed().as_secs_f64();
        let mut crowd = JoinSet::new();
        for mut stream in streams {
            crowd.spawn(async move {
                let mut response = String::new();
                stream.read_to_string(&mut response).await.unwrap();
                assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
            });
        }
        crowd.join_all().await;
        println!("{sent} {}", started.elapsed().as_secs_f64());
    });
}
