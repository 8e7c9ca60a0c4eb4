//! The records of `tracing`: they report what happens, and no secret.

use std::{
    cell::RefCell,
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
    alone::{is_alone, run_alone},
    faults::cheap_faults,
    held::HeldRequest,
    stage::{IDLE, MINUTE, Stage, account, credentials, devices, settings},
};

/// The records of this process, of all its scenarios.
static JOURNAL: OnceLock<Journal> = OnceLock::new();

/// A query, which no record may show.
const QUERY: &str = "iccid=8931440300000000001";

/// All events, each with the level of its record.
const EVENTS: [(Level, &str); 20] = [
    (Level::ERROR, "logins_blocked"),
    (Level::WARN, "login_refused"),
    (Level::WARN, "login_lost"),
    (Level::WARN, "cooling_down"),
    (Level::WARN, "backing_off"),
    (Level::WARN, "lease_expired"),
    (Level::WARN, "store_failed"),
    (Level::INFO, "logged_in"),
    (Level::INFO, "logged_out"),
    (Level::INFO, "password_reset"),
    // If a new password is not confirmed in time, which is no error.
    (Level::INFO, "logins_blocked"),
    (Level::INFO, "password_changed"),
    (Level::INFO, "logins_unblocked"),
    (Level::DEBUG, "bearer_fetched"),
    (Level::DEBUG, "bearer_refused"),
    (Level::DEBUG, "session_idle"),
    (Level::DEBUG, "session_refused"),
    (Level::DEBUG, "replayed"),
    (Level::DEBUG, "retried"),
    (Level::DEBUG, "store_conflict"),
];

/// The fields that the record of an event may have.
const EVENT_FIELDS: &[&str] = &[
    "event",
    "call",
    "attempts_left",
    "status",
    "code",
    "reason",
    "retry_at",
    "operation",
];

/// All other records: the message, the level and the fields that they may have.
const STEPS: [(&str, (Level, &[&str])); 6] = [
    ("a call waits", (Level::TRACE, &["call", "reason", "until"])),
    (
        "a call has waited",
        (Level::TRACE, &["call", "reason", "took_ms"]),
    ),
    (
        "a request is sent",
        (
            Level::DEBUG,
            &["call", "attempt", "operation", "method", "path"],
        ),
    ),
    (
        "a response arrived",
        (
            Level::DEBUG,
            &[
                "call",
                "attempt",
                "operation",
                "method",
                "path",
                "status",
                "code",
                "cause",
                "took_ms",
            ],
        ),
    ),
    (
        "a request failed",
        (
            Level::DEBUG,
            &[
                "call",
                "attempt",
                "operation",
                "method",
                "path",
                "may_have_left",
                "cause",
                "took_ms",
            ],
        ),
    ),
    (
        "a call failed",
        (
            Level::DEBUG,
            &[
                "call", "outcome", "status", "code", "retry_at", "attempts", "cause",
            ],
        ),
    ),
];

/// The fields of a call's span.
const SPAN_FIELDS: &[&str] = &[
    "call", "purpose", "method", "path", "outcome", "attempts", "status",
];

pub(crate) fn law_10_whatever_passes_no_secret_is_written_anywhere<C: Client>() {
    // A subscriber of one thread would miss the records of a stack's own threads, and
    // a process can have only one global subscriber.
    if !is_alone() {
        return run_alone(&["traces::"], |_| ());
    }
    let journal = JOURNAL.get_or_init(|| {
        let journal = Journal::default();
        tracing::subscriber::set_global_default(journal.clone()).unwrap();
        journal
    });
    let mut check = SecretCheck::new();
    a_day::<C>(&mut check);
    wrong_credentials::<C>(&mut check);
    lost_responses::<C>(&mut check);
    short_lived_sessions::<C>(&mut check);
    an_expired_lease::<C>(&mut check);
    a_store_that_fails::<C>(&mut check);
    every_fault::<C>(&mut check);

    let entries = journal.entries();
    for entry in &entries {
        check.assert_no_secret_in(&format!("{} {}", entry.level, entry.target), &entry.text);
    }
    for shown in &check.shown {
        check.assert_no_secret_in("formatted output", shown);
    }
    let entries = entries
        .iter()
        .filter(|entry| entry.target == "thingspace")
        .collect::<Vec<_>>();
    assert_documented(&entries);
    assert_within_spans(&entries);
    for entry in entries {
        assert!(!entry.text.contains(QUERY), "a query shows");
    }
}

/// A session opens, is used, expires in every way, changes its password, and ends.
fn a_day<C: Client>(check: &mut SecretCheck) {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let search = Request::get(format!("/m2m/v1/accounts/{}?{QUERY}", Simulator::ACCOUNT));
    client.call(search.body(Bytes::new()).unwrap()).unwrap();
    check.inspect(&client);
    client.call(devices()).unwrap();
    stage.pass(IDLE);
    client.call(account()).unwrap();
    check.inspect(&client);
    stage.server.with(Simulator::forget_sessions);
    client.call(account()).unwrap();
    check.inspect(&client);
    stage.server.with(Simulator::forget_bearers);
    client.call(account()).unwrap();
    check.inspect(&client);
    client.reset_password().unwrap();
    check.inspect(&client);
    let new = client.request_reset();
    check.add_secret("new password", new.as_ref().unwrap().password().expose());
    check.record(&new);
    check.inspect(&client);
    check.record(&client.reset_password());
    // Nobody confirms it for so long that others do not wait for it any more.
    stage.pass(MINUTE);
    client.call(account()).unwrap();
    client.confirm_reset(&new.unwrap()).unwrap();
    check.inspect(&client);
    client.log_out().unwrap();
    client.log_in().unwrap();
    check.inspect(&client);
}

fn wrong_credentials<C: Client>(check: &mut SecretCheck) {
    let stage = Stage::<C>::new();
    let wrong = "the-wrong-password";
    check.add_secret("wrong password", wrong);
    let client = stage.builder_with(wrong).build().unwrap();
    check.record(&client.call(account()));
    check.inspect(&client);
    check.record(&client.reset_password());

    let app = AppCredentials::new(Simulator::KEY, "the-wrong-secret").unwrap();
    check.add_secret("wrong secret", "the-wrong-secret");
    check.add_basic_auth("the-wrong-secret");
    let user = credentials(Simulator::PASSWORD).user.unwrap();
    let client = stage.client();
    client
        .session(|session| session.set_credentials(Credentials::new(app, user)))
        .unwrap();
    check.record(&client.log_in());
    check.inspect(&client);
}

/// Logins are lost until the next one has to wait. Then the response to a reset is
/// lost.
fn lost_responses<C: Client>(check: &mut SecretCheck) {
    let stage = Stage::<C>::new();
    let builder = stage.builder().observer(stage.impatience());
    let client = builder.build().unwrap();
    for _ in 0..2 {
        stage.inject(Call::LogIn, Fault::Drop.after_acting());
    }
    check.record(&client.log_in());
    check.inspect(&client);
    client.session(Session::unblock);
    client.log_in().unwrap();
    stage.inject(Call::ResetPassword, Fault::CutShort);
    check.record(&client.reset_password());
    check.inspect(&client);
    let password = stage
        .server
        .with(|service| service.reveal_password().to_owned());
    check.add_secret("lost password", &password);
}

/// Sessions end as soon as they are open, until the login cooldown begins.
fn short_lived_sessions<C: Client>(check: &mut SecretCheck) {
    let stage = Stage::<C>::new();
    let mut settings = settings();
    settings.longest_wait = Duration::ZERO;
    let client = stage.builder().settings(settings).build().unwrap();
    client.log_in().unwrap();
    for _ in 0..5 {
        stage.server.with(Simulator::forget_sessions);
        check.record(&client.call(account()));
        check.inspect(&client);
    }
}

/// A login is held back for so long that its lease expires and another call logs in.
fn an_expired_lease<C: Client>(check: &mut SecretCheck) {
    let stage = Stage::<C>::new();
    let login = HeldRequest::login();
    let client = stage.builder().observer(login.watch).build().unwrap();
    thread::scope(|scope| {
        let held = scope.spawn(|| client.log_in());
        login.is_held.recv().unwrap();
        stage.pass(MINUTE);
        client.log_in().unwrap();
        check.inspect(&client);
        login.go_on.send(|| ()).unwrap();
        check.record(&held.join().unwrap());
    });
    check.inspect(&client);
}

/// A store is down, and then somebody else is faster to save.
fn a_store_that_fails<C: Client>(check: &mut SecretCheck) {
    let stage = Stage::<C>::new();
    let register = stage.register();
    let client = stage.builder().store(register.clone()).build().unwrap();
    register.set_down(true);
    check.record(&client.log_in());
    register.set_down(false);
    stage.pass(MINUTE);
    register.overtake();
    client.log_in().unwrap();
    check.inspect(&client);
}

fn every_fault<C: Client>(check: &mut SecretCheck) {
    let calls = [
        Call::BearerToken,
        Call::LogIn,
        Call::LogOut,
        Call::ResetPassword,
    ];
    for call in calls {
        for fault in cheap_faults() {
            let stage = Stage::<C>::new();
            let builder = stage.builder().observer(stage.impatience());
            let client = builder.build().unwrap();
            stage.inject(call, fault);
            check.record(&client.call(devices()));
            check.inspect(&client);
            check.record(&client.reset_password());
            check.inspect(&client);
            check.record(&client.log_out());
        }
    }
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    check.inspect(&client);
    drop(stage);
    check.record(&client.call(account()));
}

/// Asserts that the entries are as `thingspace-tracing` documents them.
fn assert_documented(entries: &[&Entry]) {
    let steps = BTreeMap::from(STEPS);
    let (mut seen_events, mut seen_steps) = (BTreeSet::new(), BTreeMap::new());
    for entry in entries.iter().filter(|entry| entry.opens.is_none()) {
        let message = &*entry.fields["message"];
        let (kind, level, fields) = if let Some(event) = entry.fields.get("event") {
            seen_events.insert((entry.level, &**event));
            ("an event", entry.level, EVENT_FIELDS)
        } else {
            let (level, fields) = steps[message];
            (message, level, fields)
        };
        assert_eq!(entry.level, level, "{message}");
        let seen: &mut BTreeSet<_> = seen_steps.entry(kind).or_default();
        for field in entry.order.iter().filter(|field| **field != "message") {
            assert!(fields.contains(field), "{field}: {message}");
            seen.insert(*field);
        }
    }
    assert_eq!(seen_events, BTreeSet::from(EVENTS));
    for (kind, (_, fields)) in steps
        .into_iter()
        .chain([("an event", (Level::INFO, EVENT_FIELDS))])
    {
        let fields: BTreeSet<_> = fields.iter().copied().collect();
        assert_eq!(seen_steps[kind], fields, "{kind}");
    }
}

/// Asserts that each call has a span with its name, which says how it ended, and that all
/// that is reported of it stands in there.
fn assert_within_spans(entries: &[&Entry]) {
    let (mut spans, mut within) = (BTreeMap::new(), 0);
    for entry in entries {
        if let Some(id) = entry.opens {
            for field in &entry.order {
                assert!(SPAN_FIELDS.contains(field), "{field}");
            }
            spans.insert(id, *entry);
        }
    }
    for entry in entries.iter().filter(|entry| entry.opens.is_none()) {
        let call = entry.fields.get("call");
        match entry.within {
            Some(id) => {
                assert_eq!(spans[&id].fields.get("call"), call, "{}", entry.text);
                within += 1;
            }
            // An operation may outlive the call that began it; and what the owner of a
            // session does is no call's.
            None => assert!(
                call.is_none()
                    || !entry.fields.contains_key("attempt")
                    || entry.fields.contains_key("operation"),
                "{}",
                entry.text
            ),
        }
    }
    assert!(within > 100, "{within}");
    let (mut ended, mut underway) = (0, 0);
    for span in spans.values() {
        if span.fields["purpose"] != "request" {
            continue;
        }
        assert!(span.fields["path"].starts_with("/api/"), "{}", span.text);
        assert!(span.fields["method"].len() > 2, "{}", span.text);
        match span.fields.get("outcome").map(String::as_str) {
            Some("done" | "never_sent" | "refused" | "unknown") => {
                assert!(span.fields.contains_key("attempts"), "{}", span.text);
                ended += 1;
            }
            Some(outcome) => panic!("{outcome}"),
            None => underway += 1,
        }
    }
    // The same scenario may be at it over another stack, in this process.
    assert!(ended > 20 && underway <= 2, "{ended} {underway}");
}

/// All secrets, and the formatted output that must show none of them.
struct SecretCheck {
    /// The secrets, each with its kind.
    secrets: BTreeSet<(&'static str, String)>,
    /// The formatted clients, errors and results.
    shown: Vec<String>,
}

impl SecretCheck {
    fn new() -> Self {
        let mut check = Self {
            secrets: BTreeSet::new(),
            shown: Vec::new(),
        };
        check.add_secret("password", Simulator::PASSWORD);
        check.add_secret("secret", Simulator::SECRET);
        check.add_basic_auth(Simulator::SECRET);
        check
    }

    fn add_secret(&mut self, what: &'static str, secret: &str) {
        self.secrets.insert((what, secret.to_owned()));
    }

    /// Adds the key and secret in the form in which they are sent.
    fn add_basic_auth(&mut self, secret: &str) {
        let basic = BASE64_STANDARD.encode(format!("{}:{secret}", Simulator::KEY));
        // Without the padding, so that a part of a longer text is found, too.
        self.add_secret("key and secret", basic.trim_end_matches('='));
    }

    /// Adds the secrets of a client, and formats the client and its session.
    fn inspect(&mut self, client: &impl Client) {
        self.shown.push(format!("{client:?}"));
        client.session(|session| {
            if let Some(bearer) = session.bearer_token() {
                self.add_secret("bearer token", bearer.expose());
            }
            if let Some(token) = session.session_token() {
                self.add_secret("session token", token.expose());
            }
            let password = session.credentials().password().unwrap();
            self.add_secret("password", password.expose());
            self.shown.push(format!("{session:#?}"));
        });
    }

    fn record<T: fmt::Debug, E: fmt::Debug + fmt::Display>(&mut self, result: &Result<T, E>) {
        self.shown.push(format!("{result:?}"));
        if let Err(error) = result {
            self.shown.push(format!("{error} {error:#?}"));
        }
    }

    fn assert_no_secret_in(&self, place: &str, text: &str) {
        for (what, secret) in &self.secrets {
            // The message of this assertion must not show the secret, either.
            assert!(!text.contains(secret), "a {what} shows in {place}");
        }
    }
}

thread_local! {
    /// The spans that this thread is in.
    static WITHIN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// A subscriber that collects all records of `tracing`, from any crate.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<Entry>>>);

#[derive(Clone)]
struct Entry {
    level: Level,
    target: String,
    order: Vec<&'static str>,
    fields: BTreeMap<&'static str, String>,
    /// The whole record as text.
    text: String,
    /// The number of the span, if the record opens one.
    opens: Option<u64>,
    /// The span that the record stands in.
    within: Option<u64>,
}

impl Journal {
    fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap().clone()
    }

    /// Writes a record. Returns the number of the entry, from 1.
    fn write(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Entry)) -> u64 {
        let mut entry = Entry {
            level: *metadata.level(),
            target: metadata.target().to_owned(),
            order: Vec::new(),
            fields: BTreeMap::new(),
            text: metadata.name().to_owned(),
            opens: None,
            within: WITHIN.with_borrow(|within| within.last().copied()),
        };
        record(&mut entry);
        let mut entries = self.0.lock().unwrap();
        let number = u64::try_from(entries.len()).unwrap() + 1;
        if metadata.is_span() {
            entry.opens = Some(number);
        }
        entries.push(entry);
        number
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
        let number = self.write(span.metadata(), |entry| span.record(entry));
        Id::from_u64(number)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let place = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut self.0.lock().unwrap()[place]);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write(event.metadata(), |entry| event.record(entry));
    }

    fn enter(&self, span: &Id) {
        WITHIN.with_borrow_mut(|within| within.push(span.into_u64()));
    }

    fn exit(&self, _: &Id) {
        WITHIN.with_borrow_mut(Vec::pop);
    }
}
