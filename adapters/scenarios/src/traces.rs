//! What is written to `tracing`: what happens, and no secret.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
    sync::{Arc, Mutex, OnceLock},
    thread,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::Request;
use thingspace_core::{AppCredentials, Credentials, Session};
use thingspace_simulator::{Call, Fault, Simulator};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::{
    Client,
    alone::{is_alone, tell_alone},
    faults::cheap_faults,
    held::HeldLogin,
    stage::{IDLE, MINUTE, Stage, account, credentials, devices, settings},
};

/// What is written in this process, whichever story it is of.
static JOURNAL: OnceLock<Journal> = OnceLock::new();

/// What a query holds that nobody needs to know.
const QUERY: &str = "iccid=8931440300000000001";

/// Everything that can happen, and how loud it is told.
const EVENTS: [(Level, &str); 14] = [
    (Level::ERROR, "gate_closed"),
    (Level::WARN, "login_refused"),
    (Level::WARN, "login_lost"),
    (Level::WARN, "braked"),
    (Level::WARN, "paused"),
    (Level::WARN, "flight_lapsed"),
    (Level::INFO, "logged_in"),
    (Level::INFO, "logged_out"),
    (Level::INFO, "password_changed"),
    (Level::INFO, "gate_opened"),
    (Level::DEBUG, "bearer_fetched"),
    (Level::DEBUG, "bearer_refused"),
    (Level::DEBUG, "session_idle"),
    (Level::DEBUG, "session_refused"),
];

/// What is told of a call on its way, and in which fields.
const STEPS: [(&str, (Level, &[&str])); 4] = [
    ("a call waits", (Level::TRACE, &["reason", "until"])),
    (
        "a request is sent",
        (Level::DEBUG, &["method", "path", "attempt"]),
    ),
    (
        "a request was answered",
        (
            Level::DEBUG,
            &["method", "path", "attempt", "status", "took_ms"],
        ),
    ),
    (
        "a request failed",
        (
            Level::DEBUG,
            &["method", "path", "attempt", "may_have_left", "took_ms"],
        ),
    ),
];

pub(crate) fn law_10_whatever_passes_no_secret_is_written_anywhere<C: Client>() {
    // Who reads the traces of one thread misses those of a stack's own threads,
    // and the traces of a process have one reader.
    if !is_alone() {
        return tell_alone(&["traces::"], |_| ());
    }
    let journal = JOURNAL.get_or_init(|| {
        let journal = Journal::default();
        tracing::subscriber::set_global_default(journal.clone()).unwrap();
        journal
    });
    let mut witness = Witness::new();
    a_day::<C>(&mut witness);
    wrong_credentials::<C>(&mut witness);
    lost_answers::<C>(&mut witness);
    a_storm_of_logins::<C>(&mut witness);
    a_login_that_does_not_come_back::<C>(&mut witness);
    whatever_may_pass::<C>(&mut witness);

    let entries = journal.entries();
    for entry in &entries {
        witness.finds_no_secret_in(&format!("{} {}", entry.level, entry.target), &entry.text);
    }
    for shown in &witness.shown {
        witness.finds_no_secret_in("what was shown", shown);
    }
    let entries = entries
        .iter()
        .filter(|entry| entry.target == "thingspace")
        .collect::<Vec<_>>();
    is_told_as_documented(&entries);
    for entry in entries {
        assert!(!entry.text.contains(QUERY), "a query shows");
    }
}

/// A session opens, is used, dies in every way, changes its password, and ends.
fn a_day<C: Client>(witness: &mut Witness) {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let search = Request::get(format!("/m2m/v1/accounts/{}?{QUERY}", Simulator::ACCOUNT));
    client.call(search.body(Bytes::new()).unwrap()).unwrap();
    witness.meets(&client);
    client.call(devices()).unwrap();
    stage.pass(IDLE);
    client.call(account()).unwrap();
    witness.meets(&client);
    stage.server.with(Simulator::forget_sessions);
    client.call(account()).unwrap();
    witness.meets(&client);
    stage.server.with(Simulator::forget_bearers);
    client.call(account()).unwrap();
    witness.meets(&client);
    client.reset_password().unwrap();
    witness.meets(&client);
    client.log_out().unwrap();
    client.log_in().unwrap();
    witness.meets(&client);
}

fn wrong_credentials<C: Client>(witness: &mut Witness) {
    let stage = Stage::<C>::new();
    let wrong = "the-wrong-password";
    witness.knows("wrong password", wrong);
    let client = stage.builder_with(wrong).build().unwrap();
    witness.sees(&client.call(account()));
    witness.meets(&client);
    witness.sees(&client.reset_password());

    let app = AppCredentials::new(Simulator::KEY, "the-wrong-secret").unwrap();
    witness.knows("wrong secret", "the-wrong-secret");
    witness.knows_basic("the-wrong-secret");
    let user = credentials(Simulator::PASSWORD).user;
    let client = stage.client();
    client.session(|session| session.set_credentials(Credentials::new(app, user)));
    witness.sees(&client.log_in());
    witness.meets(&client);
}

/// Logins are lost until the gate closes, and then a reset is.
fn lost_answers<C: Client>(witness: &mut Witness) {
    let stage = Stage::<C>::new();
    let client = stage.client();
    for _ in 0..2 {
        stage.inject(Call::LogIn, Fault::Drop.after_acting());
    }
    witness.sees(&client.log_in());
    witness.meets(&client);
    client.session(Session::rearm);
    client.log_in().unwrap();
    stage.inject(Call::ResetPassword, Fault::CutShort);
    witness.sees(&client.reset_password());
    witness.meets(&client);
    let password = stage
        .server
        .with(|service| service.reveal_password().to_owned());
    witness.knows("lost password", &password);
}

/// Sessions keep dying as soon as they are open.
fn a_storm_of_logins<C: Client>(witness: &mut Witness) {
    let stage = Stage::<C>::new();
    let mut settings = settings();
    settings.longest_wait = Duration::ZERO;
    let client = stage.builder().settings(settings).build().unwrap();
    client.log_in().unwrap();
    for _ in 0..5 {
        stage.server.with(Simulator::forget_sessions);
        witness.sees(&client.call(account()));
        witness.meets(&client);
    }
}

/// Whoever carries the login is held for so long that another makes one.
fn a_login_that_does_not_come_back<C: Client>(witness: &mut Witness) {
    let stage = Stage::<C>::new();
    let login = HeldLogin::new();
    let client = stage.builder().observer(login.watch).build().unwrap();
    thread::scope(|scope| {
        let held = scope.spawn(|| client.log_in());
        login.is_held.recv().unwrap();
        stage.pass(MINUTE);
        client.log_in().unwrap();
        witness.meets(&client);
        login.go_on.send(|| ()).unwrap();
        witness.sees(&held.join().unwrap());
    });
    witness.meets(&client);
}

fn whatever_may_pass<C: Client>(witness: &mut Witness) {
    let calls = [
        Call::BearerToken,
        Call::LogIn,
        Call::LogOut,
        Call::ResetPassword,
    ];
    for call in calls {
        for fault in cheap_faults() {
            let stage = Stage::<C>::new();
            let client = stage.client();
            stage.inject(call, fault);
            witness.sees(&client.call(devices()));
            witness.meets(&client);
            witness.sees(&client.reset_password());
            witness.meets(&client);
            witness.sees(&client.log_out());
        }
    }
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    witness.meets(&client);
    drop(stage);
    witness.sees(&client.call(account()));
}

/// Holds the entries to what `thingspace-tracing` says of them.
fn is_told_as_documented(entries: &[&Entry]) {
    let steps = BTreeMap::from(STEPS);
    let (mut told_events, mut told_steps) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries {
        let message = &*entry.fields["message"];
        let fields = || {
            entry
                .order
                .iter()
                .copied()
                .filter(|field| *field != "message")
        };
        if let Some(event) = entry.fields.get("event") {
            assert!(fields().eq(["event"]), "{event}");
            told_events.insert((entry.level, &**event));
        } else {
            let (level, names) = steps[message];
            assert_eq!(entry.level, level, "{message}");
            assert!(fields().eq(names.iter().copied()), "{message}");
            told_steps.insert(message);
        }
    }
    assert_eq!(told_events, BTreeSet::from(EVENTS));
    assert_eq!(told_steps, steps.into_keys().collect());
}

/// Knows every secret, and sees to it that none shows.
struct Witness {
    /// What is secret, by what it is.
    secrets: BTreeSet<(&'static str, String)>,
    /// What clients, errors and outcomes look like to whoever prints them.
    shown: Vec<String>,
}

impl Witness {
    fn new() -> Self {
        let mut witness = Self {
            secrets: BTreeSet::new(),
            shown: Vec::new(),
        };
        witness.knows("password", Simulator::PASSWORD);
        witness.knows("secret", Simulator::SECRET);
        witness.knows_basic(Simulator::SECRET);
        witness
    }

    fn knows(&mut self, what: &'static str, secret: &str) {
        self.secrets.insert((what, secret.to_owned()));
    }

    /// The secret as it is sent.
    fn knows_basic(&mut self, secret: &str) {
        let basic = BASE64_STANDARD.encode(format!("{}:{secret}", Simulator::KEY));
        // Where it is longer than a line, or broken otherwise, half of it is too much.
        self.knows("key and secret", basic.trim_end_matches('='));
    }

    /// Learns what a client holds, and looks at it.
    fn meets(&mut self, client: &impl Client) {
        self.shown.push(format!("{client:?}"));
        client.session(|session| {
            if let Some(bearer) = session.bearer_token() {
                self.knows("bearer token", bearer.expose());
            }
            if let Some(token) = session.session_token() {
                self.knows("session token", token.expose());
            }
            let password = session.credentials().user.password();
            self.knows("password", password.expose());
            self.shown.push(format!("{session:#?}"));
        });
    }

    fn sees<T: fmt::Debug, E: fmt::Debug + fmt::Display>(&mut self, outcome: &Result<T, E>) {
        self.shown.push(format!("{outcome:?}"));
        if let Err(error) = outcome {
            self.shown.push(format!("{error} {error:#?}"));
        }
    }

    fn finds_no_secret_in(&self, place: &str, text: &str) {
        for (what, secret) in &self.secrets {
            // Not even here.
            assert!(!text.contains(secret), "a {what} shows in {place}");
        }
    }
}

/// Keeps everything that is written to `tracing`, by whomever.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<Entry>>>);

#[derive(Clone)]
struct Entry {
    level: Level,
    target: String,
    order: Vec<&'static str>,
    fields: BTreeMap<&'static str, String>,
    /// All of it.
    text: String,
}

impl Journal {
    fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap().clone()
    }

    fn write(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Entry)) {
        let mut entry = Entry {
            level: *metadata.level(),
            target: metadata.target().to_owned(),
            order: Vec::new(),
            fields: BTreeMap::new(),
            text: metadata.name().to_owned(),
        };
        record(&mut entry);
        self.0.lock().unwrap().push(entry);
    }
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        write!(self.text, " {field}={value}").unwrap();
        self.order.push(field.name());
        self.fields.insert(field.name(), value);
    }
}

impl Subscriber for Journal {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(span.metadata(), |entry| span.record(entry));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut entries = self.0.lock().unwrap();
        // Whichever span it is of, its text is what counts.
        if let Some(last) = entries.last_mut() {
            values.record(last);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write(event.metadata(), |entry| event.record(entry));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
