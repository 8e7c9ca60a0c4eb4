//! Who watches a client is told of everything, and may use it meanwhile.

use std::sync::{Arc, Mutex, OnceLock};

use thingspace_core::session::{Event, Exchange, Observer, Outcome};
use thingspace_simulator::{Call, Fault};

use crate::{
    Client,
    stage::{Stage, account},
};

/// Keeps what it is told.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn pages(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Diary {
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

pub(crate) fn an_observer_is_told_of_everything_in_its_order<C: Client>() {
    let stage = Stage::<C>::new();
    let diary = Diary::default();
    let client = stage.builder().observer(diary.clone()).build().unwrap();
    client.log_in().unwrap();
    assert_eq!(
        diary.pages(),
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
        diary.pages(),
        [
            "GET /api/m2m/v1/accounts/0000123456-00001",
            "the HTTP stack sent the request and got no answer",
            "GET /api/m2m/v1/accounts/0000123456-00001",
            "200 OK",
        ]
    );
}

/// Looks at the session whenever it is told something.
#[derive(Clone)]
struct Curious<C>(Arc<OnceLock<C>>);

impl<C: Client> Curious<C> {
    fn look(&self) {
        if let Some(client) = self.0.get() {
            client.session(|session| assert!(!format!("{session:?}").is_empty()));
        }
    }
}

impl<C: Client> Observer for Curious<C> {
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
    let curious = Curious(Arc::default());
    let client = stage.builder().observer(curious.clone()).build().unwrap();
    curious.0.set(client.clone()).unwrap();
    client.call(account()).unwrap();
    client.log_out().unwrap();
    assert_eq!(stage.seen_in_all(), 4);
}
