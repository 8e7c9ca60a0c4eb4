//! Observers: everything is reported to them, and they may use the client meanwhile.

use std::{
    collections::BTreeSet,
    sync::{Arc, Condvar, Mutex, OnceLock},
};

use thingspace_core::session::{CallId, Event, Exchange, ExchangeResult, Observer, Wait};
use thingspace_simulator::{Call, Fault};

use crate::{
    Client,
    stage::{LONG, Stage, account},
};

/// An observer that logs everything that is reported to it.
#[derive(Clone, Default)]
struct Log(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Log {
    fn write(&self, line: String) {
        self.0.0.lock().unwrap().push(line);
        self.0.1.notify_all();
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.0.lock().unwrap())
    }

    /// Waits until there are so many lines, and takes them: an operation is reported
    /// on a thread of its own, perhaps after the end of the call that needed it.
    fn take_after(&self, lines: usize) -> Vec<String> {
        let (log, changed) = &*self.0;
        let too_few = |log: &mut Vec<String>| log.len() < lines;
        let waited = changed.wait_timeout_while(log.lock().unwrap(), LONG, too_few);
        let (mut log, timeout) = waited.unwrap();
        assert!(!timeout.timed_out(), "{log:?}");
        std::mem::take(&mut log)
    }
}

/// Returns the last segment of an exchange's path.
fn end(exchange: &Exchange) -> &str {
    exchange.path().rsplit('/').next().unwrap()
}

impl Observer for Log {
    fn event(&self, event: &Event, _: Option<CallId>) {
        self.write(event.to_string());
    }

    fn sending(&self, exchange: &Exchange) {
        self.write(format!("{} {}", exchange.method(), exchange.path()));
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        self.write(match result.result {
            Ok(status) => format!("{}: {status}", end(exchange)),
            Err(error) => format!("{}: {error}", end(exchange)),
        });
    }
}

/// Asserts that the log has these lines in this order, perhaps with others between.
#[track_caller]
fn assert_in_order(log: &[String], lines: &[&str]) {
    let mut log_lines = log.iter();
    for line in lines {
        assert!(
            log_lines.any(|log_line| log_line == line),
            "{line}: {log:?}"
        );
    }
}

pub(crate) fn everything_is_reported_to_an_observer_in_order<C: Client>() {
    let stage = Stage::<C>::new();
    let log = Log::default();
    let client = stage.builder().observer(log.clone()).build().unwrap();
    client.log_in().unwrap();
    let token_fetch = [
        "POST /api/ts/v1/oauth2/token",
        "token: 200 OK",
        "a bearer token was fetched",
    ];
    let login = [
        "POST /api/m2m/v1/session/login",
        "login: 200 OK",
        "logged in",
    ];
    let lines = log.take_after(6);
    // The login may be sent while the end of the token fetch is reported.
    assert_in_order(&lines, &token_fetch);
    assert_in_order(&lines, &login);
    assert_in_order(&lines, &[token_fetch[0], login[0]]);
    assert_eq!(lines.len(), 6);

    stage.inject(Call::Account, Fault::Drop);
    client.call(account()).unwrap();
    assert_eq!(
        log.take(),
        [
            "GET /api/m2m/v1/accounts/0000123456-00001",
            "0000123456-00001: the HTTP stack sent the request and got no response",
            "a request that failed is sent again",
            "GET /api/m2m/v1/accounts/0000123456-00001",
            "0000123456-00001: 200 OK",
        ]
    );
}

/// An observer that notes, at each report of an operation, whether the session has
/// the token that it is about.
struct StateLog<C> {
    client: Arc<OnceLock<C>>,
    log: Log,
}

impl<C: Client> StateLog<C> {
    fn note(&self, moment: &str, is_about_bearer: bool) {
        let client = self.client.get().unwrap();
        let has_token = client.session(|session| {
            if is_about_bearer {
                session.bearer_token().is_some()
            } else {
                session.session_token().is_some()
            }
        });
        let token = if has_token { "token" } else { "no token" };
        self.log.write(format!("{moment}: {token}"));
    }
}

impl<C: Client> Observer for StateLog<C> {
    fn event(&self, event: &Event, _: Option<CallId>) {
        self.note(event.name(), matches!(event, Event::BearerFetched { .. }));
    }

    fn sending(&self, exchange: &Exchange) {
        let end = end(exchange);
        self.note(&format!("before {end}"), end == "token");
    }

    fn received(&self, exchange: &Exchange, _: &ExchangeResult<'_>) {
        let end = end(exchange);
        self.note(&format!("after {end}"), end == "token");
    }
}

pub(crate) fn a_response_is_reported_after_the_machine_has_it<C: Client>() {
    let stage = Stage::<C>::new();
    let (client, log) = (Arc::new(OnceLock::new()), Log::default());
    let observer = StateLog {
        client: Arc::clone(&client),
        log: log.clone(),
    };
    client
        .set(stage.builder().observer(observer).build().unwrap())
        .unwrap();
    let client = client.get().unwrap();

    client.log_in().unwrap();
    let opened = BTreeSet::from_iter(log.take_after(6));
    let expected = [
        "before token: no token",
        "after token: token",
        "bearer_fetched: token",
        "before login: no token",
        "after login: token",
        "logged_in: token",
    ];
    assert_eq!(opened, expected.map(String::from).into());

    client.log_out().unwrap();
    assert_eq!(
        log.take_after(3),
        [
            "before logout: token",
            "after logout: no token",
            "logged_out: no token",
        ]
    );
}

/// An observer that reads the session whenever something is reported to it.
#[derive(Clone)]
struct SessionReader<C>(Arc<OnceLock<C>>);

impl<C: Client> SessionReader<C> {
    fn look(&self) {
        if let Some(client) = self.0.get() {
            client.session(|session| assert!(!format!("{session:?}").is_empty()));
        }
    }
}

impl<C: Client> Observer for SessionReader<C> {
    fn event(&self, _: &Event, _: Option<CallId>) {
        self.look();
    }

    fn waiting(&self, _: &Wait) {
        self.look();
    }

    fn sending(&self, _: &Exchange) {
        self.look();
    }

    fn received(&self, _: &Exchange, _: &ExchangeResult<'_>) {
        self.look();
    }
}

pub(crate) fn an_observer_may_look_at_the_session<C: Client>() {
    let stage = Stage::<C>::new();
    let reader = SessionReader(Arc::default());
    let client = stage.builder().observer(reader.clone()).build().unwrap();
    reader.0.set(client.clone()).unwrap();
    client.call(account()).unwrap();
    client.log_out().unwrap();
    assert_eq!(stage.seen_in_all(), 4);
}
