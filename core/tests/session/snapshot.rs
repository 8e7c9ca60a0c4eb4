//! What a store keeps, and what a process knows that starts from it.

use serde_json::{Value, json};
use thingspace_core::{
    AppCredentials, Credentials, Environment, Refusal, Session, Step, UserCredentials,
    session::{ChangePassword, EndSession, RestoreError, Snapshot, Task},
};

use crate::scenario::*;

type Plain = http::Request<bytes::Bytes>;

/// A session in the middle of its life, those who use it, and all that they
/// have seen of it.
struct Story {
    s: Scenario,
    reader: Actor<Plain>,
    writer: Actor<Plain>,
    reset: Actor<ChangePassword>,
    out: Actor<EndSession>,
    seen: Vec<String>,
}

impl Story {
    fn new() -> Self {
        Self {
            s: Scenario::new(),
            reader: Actor::reads(),
            writer: Actor::writes(),
            reset: Actor::reset_password(),
            out: Actor::log_out(),
            seen: Vec::new(),
        }
    }

    fn reader(&mut self) {
        self.seen.push(seen(&self.reader.step(&mut self.s)));
    }

    fn writer(&mut self) {
        self.seen.push(seen(&self.writer.step(&mut self.s)));
    }

    fn reset(&mut self) {
        self.seen.push(seen(&self.reset.step(&mut self.s)));
    }

    fn out(&mut self) {
        self.seen.push(seen(&self.out.step(&mut self.s)));
    }

    fn reader_hears(&mut self, heard: Heard) {
        self.reader.hears(&mut self.s, heard);
        self.reader();
    }

    fn writer_hears(&mut self, heard: Heard) {
        self.writer.hears(&mut self.s, heard);
        self.writer();
    }

    /// Tells it with a restart after each beat for which `restarts` holds.
    fn told(restarts: impl Fn(usize) -> bool) -> Vec<String> {
        let mut story = Self::new();
        for (number, beat) in BEATS.iter().enumerate() {
            beat(&mut story);
            let events = story.s.events();
            story.seen.extend(events.iter().map(ToString::to_string));
            story.seen.push(format!("{:?}", story.s.session));
            if restarts(number) {
                let user = story.s.session.credentials().user.clone();
                story.s.restart(user.password().expose());
            }
        }
        story.seen
    }
}

/// All that a driver and a caller can see of a step.
fn seen<O: std::fmt::Debug>(step: &Step<O>) -> String {
    match step {
        Step::Send(transmit) => format!(
            "{transmit:?} {:?} {:?} {:?}",
            tokens(transmit),
            transmit.request.uri(),
            transmit.request.body()
        ),
        Step::Done(Err(error)) => format!(
            "{error:?} {error} {:?}",
            error.refusal().and_then(Refusal::message)
        ),
        other => format!("{other:?}"),
    }
}

/// The story: an outage, a login that fails, sessions that die, a brake, an
/// idle session, a reset that succeeds, a lost logout, a reset that is lost.
const BEATS: &[fn(&mut Story)] = &[
    |t| t.reader(),
    |t| t.writer(),
    |t| t.reader_hears(answer(503, "")),
    |t| t.writer(),
    |t| t.s.pass(SECOND),
    |t| t.writer(),
    |t| t.writer_hears(answer(502, "")),
    |t| t.s.pass(2 * SECOND),
    |t| t.writer(),
    |t| t.writer_hears(bearer("bearer-1")),
    |t| t.reader(),
    |t| t.writer_hears(refused("REQUEST_FAILED.Unclear")),
    |t| t.reader(),
    |t| (t.reader, t.writer) = (Actor::reads(), Actor::writes()),
    |t| t.reader(),
    |t| t.writer(),
    |t| t.reader_hears(not_sent()),
    |t| t.s.pass(SECOND),
    |t| t.reader(),
    |t| t.reader_hears(session("session-1")),
    |t| t.writer(),
    |t| t.reader_hears(throttled("20")),
    |t| t.s.pass(21 * SECOND),
    |t| t.reader(),
    |t| t.reader_hears(bearer_fault()),
    |t| t.writer_hears(session_expired()),
    |t| t.reader_hears(bearer("bearer-2")),
    |t| t.writer(),
    |t| t.reader_hears(session("session-2")),
    |t| t.writer(),
    |t| t.reader_hears(done()),
    |t| t.writer_hears(session_expired()),
    |t| (t.reader, t.writer) = (Actor::reads(), Actor::writes()),
    |t| t.writer(),
    |t| t.writer_hears(session("session-3")),
    |t| t.writer_hears(session_expired()),
    |t| t.reader(),
    |t| t.s.pass(MINUTE),
    |t| t.writer(),
    |t| t.writer_hears(session("session-4")),
    |t| t.writer_hears(done()),
    |t| (t.reader, t.writer) = (Actor::reads(), Actor::writes()),
    |t| t.s.pass(30 * SECOND),
    |t| t.reader(),
    |t| t.reader_hears(done()),
    |t| t.reset(),
    |t| t.out(),
    |t| t.writer(),
    |t| t.reset.hears(&mut t.s, new_password("Wh0a")),
    |t| t.reset(),
    |t| t.writer_hears(done()),
    |t| t.s.pass(25 * MINUTE),
    |t| (t.reader, t.writer) = (Actor::reads(), Actor::writes()),
    |t| t.reader(),
    |t| t.reader_hears(session("session-5")),
    |t| t.out(),
    |t| t.writer(),
    |t| t.out.hears(&mut t.s, lost()),
    |t| t.out(),
    |t| t.s.pass(SECOND),
    |t| t.out(),
    |t| t.s.pass(2 * MINUTE),
    |t| t.writer(),
    |t| t.out.hears(&mut t.s, session("session-5")),
    |t| t.out(),
    |t| t.writer_hears(session_expired()),
    |t| t.writer_hears(session("session-6")),
    |t| t.writer_hears(done()),
    |t| t.reset = Actor::reset_password(),
    |t| t.reset(),
    |t| t.reset.hears(&mut t.s, lost()),
    |t| t.reset(),
    |t| t.s.pass(35 * MINUTE),
    |t| t.reader_hears(done()),
    |t| t.writer = Actor::writes(),
    |t| t.writer(),
    |t| t.s.watch(|session, _| session.rearm()),
    |t| t.writer = Actor::writes(),
    |t| t.writer(),
    |t| t.writer_hears(bearer("bearer-3")),
    |t| t.writer_hears(wrong_password()),
    |t| t.writer = Actor::writes(),
    |t| t.writer(),
];

fn stored(session: &Session) -> String {
    serde_json::to_string(&session.snapshot()).unwrap()
}

fn read(stored: &str) -> Result<Snapshot, String> {
    serde_json::from_str(stored).map_err(|error| format!("{error} {error:?}"))
}

fn restored(snapshot: Snapshot) -> Session {
    Session::restore(snapshot, Environment::mock(), credentials("IMgr8")).unwrap()
}

/// Every value in it that is no object or list, with `change` done to one at a
/// time.
fn with_each_leaf(value: &Value, change: &Value) -> Vec<Value> {
    fn each(value: &Value, pointer: &str, pointers: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    each(value, &format!("{pointer}/{name}"), pointers);
                }
            }
            Value::Array(list) => {
                for (place, value) in list.iter().enumerate() {
                    each(value, &format!("{pointer}/{place}"), pointers);
                }
            }
            _ => pointers.push(pointer.to_owned()),
        }
    }
    let mut pointers = Vec::new();
    each(value, "", &mut pointers);
    let changed = |pointer: &String| {
        let mut value = value.clone();
        *value.pointer_mut(pointer).unwrap() = change.clone();
        value
    };
    pointers.iter().map(changed).collect()
}

/// A session with as much to remember as it can have: both tokens, a failure, a
/// pause and a flight.
fn laden() -> Scenario {
    let mut s = Scenario::open();
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, What::Work);
    second.sends(&mut s, What::Work);
    first.hears(&mut s, bearer_fault());
    first.sends(&mut s, What::TokenFetch);
    first.hears(&mut s, throttled("20"));
    second.hears(&mut s, bearer_fault());
    second.waits(&mut s);
    s.pass(MINUTE);
    second.fetches(&mut s, "bearer-1");
    Actor::reset_password().sends(&mut s, What::Reset);
    s
}

#[test]
fn law_11_a_restart_at_any_point_changes_nothing_that_can_be_seen() {
    let told = Story::told(|_| false);
    for beat in 0..BEATS.len() {
        let with_restart = Story::told(|number| number == beat);
        assert_eq!(with_restart, told, "a restart after beat {beat}");
    }
}

#[test]
fn law_11_a_restart_at_every_point_changes_nothing_that_can_be_seen() {
    assert_eq!(Story::told(|_| true), Story::told(|_| false));
}

#[test]
fn law_11_the_same_story_is_told_the_same_way_twice_and_holds_what_it_should() {
    let told = Story::told(|_| false).join("\n");
    assert_eq!(told, Story::told(|_| false).join("\n"));
    for part in [
        "oauth2/token",
        "session/login",
        "session/logout",
        "password/actions/reset",
        "m2m/v1/work",
        "Flight(TokenFetch)",
        "Flight(LogIn)",
        "Flight(LogOut)",
        "Flight(PasswordReset)",
        "Backoff",
        "Brake",
        "LoginRefused",
        "SessionRefused",
        "PasswordUnknown",
        "WrongCredentials",
        "GateClosed",
    ] {
        assert!(told.contains(part), "the story lacks {part}");
    }
    assert!(!told.contains("the call is over"), "it lost its thread");
}

#[test]
fn law_10_a_snapshot_never_holds_the_password_or_the_secret() {
    let mut story = Story::new();
    for beat in BEATS {
        beat(&mut story);
        let stored = stored(&story.s.session);
        for secret in ["IMgr8", "Wh0a", "secret", "a2V5OnNlY3JldA"] {
            assert!(!stored.contains(secret), "{secret} in {stored}");
        }
        let shown = format!("{0:?} {0:#?}", story.s.session.snapshot());
        for secret in ["bearer-", "session-"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

#[test]
fn a_snapshot_has_the_version_of_its_session_and_so_has_what_is_restored_from_it() {
    let s = laden();
    let snapshot = s.session.snapshot();
    assert_eq!(snapshot.version(), s.session.version());
    let again = restored(snapshot.clone());
    assert_eq!(again.version(), s.session.version());
    assert!(again.snapshot() == snapshot);
    assert!(read(&stored(&s.session)).unwrap() == snapshot);
}

#[test]
fn the_last_use_alone_tells_once_a_minute() {
    let mut s = Scenario::open();
    let opened = s.now;
    let version = s.session.version();
    for _ in 0..5 {
        s.pass(10 * SECOND);
        Actor::reads().works(&mut s);
        assert_eq!(s.session.version(), version);
        assert_eq!(s.session.last_used(), Some(s.now));
    }
    s.pass(10 * SECOND);
    assert_eq!(s.now, opened + MINUTE);
    Actor::reads().works(&mut s);
    let told = s.session.version();
    assert!(told > version, "nobody would save it");
    s.pass(59 * SECOND);
    Actor::reads().works(&mut s);
    assert_eq!(s.session.version(), told);
}

#[test]
fn a_step_that_only_waits_changes_nothing() {
    let mut s = Scenario::new();
    Actor::reads().sends(&mut s, What::TokenFetch);
    let before = stored(&s.session);
    let mut call = Actor::reads();
    for _ in 0..100 {
        call.waits(&mut s);
    }
    assert_eq!(stored(&s.session), before);
}

#[test]
fn a_snapshot_of_somebody_else_is_not_taken() {
    let snapshot = Scenario::open().session.snapshot();
    let of = |key: &str, username: &str| {
        Credentials::new(
            AppCredentials::new(key, "secret").unwrap(),
            UserCredentials::new(username, "IMgr8").unwrap(),
        )
    };
    for (environment, credentials, error, shown) in [
        (
            Environment::staging(),
            of("key", "zbeeblebrox"),
            RestoreError::Environment,
            "the snapshot is of another environment; use one store for each",
        ),
        (
            Environment::mock(),
            of("other", "zbeeblebrox"),
            RestoreError::App,
            "the snapshot is of another application key; use one store for each",
        ),
        (
            Environment::mock(),
            of("key", "trillian"),
            RestoreError::User,
            "the snapshot is of another user name; use one store for each",
        ),
    ] {
        let refused = Session::restore(snapshot.clone(), environment, credentials).unwrap_err();
        assert_eq!((refused, &*refused.to_string()), (error, shown));
    }
}

#[test]
fn law_3_a_gate_that_was_closed_is_closed_after_a_restart_whatever_the_password() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.sends(&mut s, What::LogIn);
    call.hears(&mut s, wrong_password());
    for password in ["IMgr8", "other"] {
        s.restart(password);
        assert!(Actor::log_in().fails(&mut s).is_wrong_credentials());
    }
}

#[test]
fn law_10_a_snapshot_that_is_cut_off_is_damaged_and_says_nothing_of_what_it_holds() {
    let whole = stored(&laden().session);
    assert!(read(&whole).is_ok());
    for length in 0..whole.len() {
        let Err(error) = read(&whole[..length]) else {
            panic!("taken with {length} bytes");
        };
        let error = error.replace("thingspace-session-1", "the format");
        for held in ["bearer-1", "session-1", "zbeeblebrox"] {
            assert!(!error.contains(held), "{error}");
        }
    }
}

#[test]
fn law_10_a_snapshot_with_a_part_that_is_none_says_nothing_of_it() {
    let whole = serde_json::to_value(laden().session.snapshot()).unwrap();
    let mut damaged = 0;
    for change in [json!("hush hush"), json!(["hush"]), json!({"hush": "hush"})] {
        for changed in with_each_leaf(&whole, &change) {
            // Some texts may be any text.
            if let Err(error) = read(&changed.to_string()) {
                damaged += 1;
                assert!(error.contains("the snapshot is damaged"), "{error}");
                assert!(!error.contains("hush"), "{error}");
            }
        }
    }
    assert!(damaged > 40, "{damaged}");
}

#[test]
fn law_10_what_is_no_snapshot_is_refused_and_not_repeated() {
    for foreign in [
        "",
        "hush",
        "\"hush\"",
        "[\"hush\"]",
        "42",
        "null",
        "{}",
        "{\"hush\":1}",
        "{\"hush\":\"hush\"}",
        "{\"memory\":{\"bearer\":\"hush\"}}",
    ] {
        let error = read(foreign).expect_err(foreign);
        assert!(!error.contains("hush"), "{error}");
    }
    let whole = stored(&laden().session);
    for more in ["\"hush\"", "1", "{}"] {
        let error = read(&whole.replace("}}}", &format!("}}}},\"hush\":{more}}}"))).err();
        assert!(!error.unwrap().contains("hush"), "one entry too many");
    }
}

#[test]
fn a_snapshot_of_the_future_is_told_from_damage() {
    let whole = stored(&laden().session);
    let future = whole.replace("thingspace-session-1", "thingspace-session-2");
    let error = serde_json::from_str::<Snapshot>(&future).err().unwrap();
    assert!(
        error.to_string().starts_with(
            "not a snapshot of the format thingspace-session-1; it may be from a newer version, or no snapshot at all"
        ),
        "{error}"
    );
    let error = serde_json::from_str::<Snapshot>("{}").err().unwrap();
    assert!(
        error.to_string().starts_with("the snapshot is damaged"),
        "{error}"
    );
    let error = serde_json::from_str::<Snapshot>("42").err().unwrap();
    assert!(
        error.to_string().contains("thingspace-session-1"),
        "{error}"
    );
}

#[test]
fn law_10_numbers_that_cannot_be_do_no_harm() {
    fn settle<T: Task>(mut actor: Actor<T>, s: &mut Scenario)
    where
        T::Output: std::fmt::Debug,
    {
        for _ in 0..20 {
            match actor.step(s) {
                Step::Send(_) => actor.hears(s, lost()),
                Step::Wait(wait) => s.pass_until(wait.until),
                Step::Done(_) => return,
            }
        }
        panic!("no end");
    }
    let whole = serde_json::to_value(laden().session.snapshot()).unwrap();
    let mut taken = 0;
    for number in [json!(0), json!(u64::MAX), json!(u32::MAX)] {
        for changed in with_each_leaf(&whole, &number) {
            // A version that can't grow is no number to go on from.
            let snapshot = read(&changed.to_string()).ok();
            let Some(snapshot) = snapshot.filter(|snapshot| snapshot.version() < u64::MAX) else {
                continue;
            };
            taken += 1;
            let mut s = laden();
            s.session = restored(snapshot);
            settle(Actor::reads(), &mut s);
            settle(Actor::reset_password(), &mut s);
            settle(Actor::log_out(), &mut s);
        }
    }
    assert!(taken > 20, "{taken}");
}

#[test]
fn a_session_shows_how_it_stands() {
    let mut s = Scenario::open();
    Actor::reset_password().sends(&mut s, What::Reset);
    let told = format!("{:?}", s.session);
    for part in ["mock.thingspace", "PasswordReset", "attempts_left: 2"] {
        assert!(told.contains(part), "{told}");
    }
}
