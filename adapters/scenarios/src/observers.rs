//! Observers: everything is reported to them, and they may use the client meanwhile.

use std::sync::{Arc, Mutex, OnceLock};

use thingspace_core::session::{Event, Exchange, Observer, Outcome};
use thingspace_simulator::{Call, Fault};

use crate::{
    Client,
    stage::{Stage, account},
};

/// An observer that logs everything that is reported to it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn write(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Log {
    fn event(&self, event: &Event) {
        self.write(event.to_string());
    }

    fn sending(&self, exchange: &Exchange) {
        self.write(format!("{} {}", exchange.method(), exchange.path()));
    }

    fn received(&self, _: &Exchange, outcome: &Outcome<'_>) {
        self.write(match outcome.result {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        });
    }
}

pub(crate) fn everything_is_reported_to_an_observer_in_order<C: Client>() {
    let stage = Stage::<C>::new();
    let log = Log::default();
    let client = stage.builder().observer(log.clone()).build().unwrap();
    client.log_in().unwrap();
    assert_eq!(
        log.take(),
        [
            "POST /api/ts/v1/oauth2/token",
            "200 OK",
            "a bearer token was fetched",
            "POST /api/m2m/v1/session/login",
            "200 OK",
            "logged in",
        ]
    );

    stage.inject(Call::Account, Fault::Drop);
    client.call(account()).unwrap();
    assert_eq!(
        log.take(),
        [
            "GET /api/m2m/v1/accounts/0000123456-00001",
            "the HTTP stack sent the request and got no answer",
            "GET /api/m2m/v1/accounts/0000123456-00001",
            "200 OK",
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
    fn event(&self, _: &Event) {
        self.look();
    }

    fn sending(&self, _: &Exchange) {
        self.look();
    }

    fn received(&self, _: &Exchange, _: &Outcome<'_>) {
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
