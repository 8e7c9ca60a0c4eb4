//! A process of the fleet: a client that does what it is told, and reports what it sees.

use std::{
    io::{BufRead, BufReader, Write, stdin, stdout},
    thread,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::Request;
use thingspace_core::{
    AppCredentials, Credentials, Environment, Error, ErrorKind, Session, SessionBuilder,
    UserCredentials,
    session::{BlockReason, Exchange, ExchangeResult, Observer, Settings},
};
use thingspace_simulator::Simulator;
use thingspace_ureq::Config;

use crate::{
    messages::{Failed, Kind, Orders, Report, Stack, Task, View, What},
    place::Witnessed,
    time::Time,
};

/// The longest that a new password is confirmed again and again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes a line for the test.
pub(crate) fn report(report: &Report) {
    let line = serde_json::to_string(report).unwrap() + "\n";
    // Its test may be gone, and then it is too.
    let _ = stdout().lock().write_all(line.as_bytes());
}

/// Does what it is told until there is nobody to tell it.
pub(crate) fn main() {
    let mut lines = BufReader::new(stdin()).lines().map_while(Result::ok);
    let orders: Orders = serde_json::from_str(&lines.next().unwrap()).unwrap();
    let tasks = lines.map(|line| serde_json::from_str(&line).unwrap());
    let time = Time::at(&orders.time);
    let store = Witnessed::new(&orders.place, time.clone());
    let config = config(&orders, time);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let system = u64::try_from(since.unwrap().as_millis()).unwrap();
    match orders.stack {
        Stack::Ureq => {
            let builder = thingspace_ureq::Builder::new(config).store(store);
            let client = builder.build().unwrap();
            report(&Report::Ready { system });
            for task in tasks {
                let client = client.clone();
                thread::spawn(move || on_thread(&client, task));
            }
        }
        Stack::Hyper => {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let _context = runtime.enter();
            let builder = thingspace_hyper::Builder::new(config).store(store);
            let client = builder.build().unwrap();
            report(&Report::Ready { system });
            for task in tasks {
                let client = client.clone();
                runtime.spawn(async move { as_task(&client, task).await });
            }
        }
    }
}

fn config(orders: &Orders, time: Time) -> Config {
    let mut settings = Settings::default();
    settings.attempt_timeout = Duration::from_millis(orders.attempt_timeout);
    settings.call_timeout = Some(Duration::from_millis(orders.call_timeout));
    let environment: Environment = orders.base.parse().unwrap();
    let session = SessionBuilder::new(credentials(&orders.password))
        .environment(environment)
        .settings(settings)
        .seed(orders.seed);
    Config::new(session)
        .clock(move || time.now())
        .observer(Resets)
}

fn credentials(password: &str) -> Credentials {
    let app = AppCredentials::new(Simulator::KEY, Simulator::SECRET).unwrap();
    let user = UserCredentials::new(Simulator::USERNAME, password).unwrap();
    Credentials::new(app, user)
}

fn account() -> Request<Bytes> {
    let path = format!("/m2m/v1/accounts/{}", Simulator::ACCOUNT);
    Request::get(path).body(Bytes::new()).unwrap()
}

/// Reports each reset that is sent.
struct Resets;

impl Observer for Resets {
    fn sending(&self, exchange: &Exchange) {
        if is_reset(exchange) {
            report(&Report::SendsReset);
        }
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        match result.result {
            Ok(status) if is_reset(exchange) && !status.is_success() => {
                report(&Report::ResetRefused(status.as_u16()));
            }
            _ => {}
        }
    }
}

fn is_reset(exchange: &Exchange) -> bool {
    exchange.path().ends_with("/session/password/actions/reset")
}

/// What both clients do, one of which is awaited.
macro_rules! execute {
    ($client:expr, $what:expr $(, $await:tt)?) => {{
        let client = $client;
        match $what {
            What::Call => client.call(account())$(.$await)?.map(drop),
            What::LogIn => client.log_in()$(.$await)?.map(drop),
            What::LogOut => client.log_out()$(.$await)?.map(drop),
            What::Sync => client.sync()$(.$await)?,
            What::Look => Ok(()),
            What::Credentials(password) => {
                let given = client.session(|session| session.set_credentials(credentials(&password)));
                given.unwrap();
                client.sync()$(.$await)?
            }
            What::Reset | What::Settle => {
                let new = match $what {
                    What::Reset => client.request_reset()$(.$await)?.map(Some),
                    _ => Ok(client.session(|session| session.new_password().cloned())),
                };
                match new {
                    Ok(Some(new)) => {
                        let password = new.password().expose().to_owned();
                        report(&Report::Brought(password.clone()));
                        let deadline = Instant::now() + PATIENCE;
                        loop {
                            match client.confirm_reset(&new)$(.$await)? {
                                Ok(()) => {
                                    report(&Report::Confirmed(password));
                                    break Ok(());
                                }
                                Err(error) if kind(&error) == Kind::NotConfirmed && Instant::now() < deadline => {
                                    thread::sleep(Duration::from_millis(50));
                                }
                                Err(error) => break Err(error),
                            }
                        }
                    }
                    other => other.map(drop),
                }
            }
        }
    }};
}

fn on_thread(client: &thingspace_ureq::Client, Task { number, what }: Task) {
    let result = execute!(client, what.clone());
    let result = result.map(|()| client.session(view));
    done(number, result);
}

async fn as_task<S: thingspace_hyper::Stack>(
    client: &thingspace_hyper::Client<S>,
    Task { number, what }: Task,
) {
    let result = execute!(client, what.clone(), await);
    let result = result.map(|()| client.session(view));
    done(number, result);
}

fn done(number: u64, result: Result<View, Error>) {
    let result = result.map_err(|error| Failed {
        kind: kind(&error),
        is_unknown: error.is_outcome_unknown(),
        message: causes(&error),
    });
    report(&Report::Done { number, result });
}

fn view(session: &mut Session) -> View {
    let guard = session.login_guard();
    let named = |reason: &BlockReason| format!("{reason:?}");
    View {
        token: session
            .session_token()
            .map(|token| token.expose().to_owned()),
        failed_logins: guard.failed_logins,
        blocked: guard.blocked.as_ref().map(named),
    }
}

fn kind(error: &Error) -> Kind {
    match error.kind() {
        ErrorKind::Store(_) => Kind::Store,
        ErrorKind::NotConfirmed { .. } => Kind::NotConfirmed,
        ErrorKind::NotAwaited(_) => Kind::NotAwaited,
        ErrorKind::Blocked { .. } => Kind::Blocked,
        ErrorKind::WrongCredentials { .. } => Kind::WrongCredentials,
        ErrorKind::SessionRefused(_) => Kind::SessionRefused,
        ErrorKind::CoolingDown { .. } => Kind::CoolingDown,
        ErrorKind::BackingOff { .. } => Kind::BackingOff,
        ErrorKind::TimedOut => Kind::TimedOut,
        ErrorKind::NoResponse(_) => Kind::NoResponse,
        _ => Kind::Other,
    }
}

/// An error with all that led to it.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
