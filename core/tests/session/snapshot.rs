//! The content of a store, and the knowledge of a process that starts from it.

use std::{error::Error as _, time::Duration};

use serde_json::{Value, json};
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Environment, Session, SessionBuilder,
    SharedStep, Step, Timestamp, UserCredentials,
    session::{Loaded, NewPassword, OtherSession, Snapshot, SnapshotError},
};

use crate::scenario::*;

/// A session in the middle of its life, the calls that use it, and all that they
/// have seen of it.
struct Story {
    s: Scenario,
    reader: Actor,
    writer: Actor,
    reset: Actor,
    out: Actor,
    new: Option<NewPassword>,
    seen: Vec<String>,
    /// True if no call holds a time of the clock here.
    rests: bool,
}

impl Story {
    fn new() -> Self {
        Self {
            s: Scenario::new(),
            reader: Actor::reads(),
            writer: Actor::writes(),
            reset: Actor::reset_password(),
            out: Actor::log_out(),
            new: None,
            seen: Vec::new(),
            rests: true,
        }
    }

    /// A moment at which a process may end whose calls nobody continues.
    const fn rest(&mut self) {
        self.rests = true;
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

    fn reset_receives(&mut self, received: Received) {
        self.reset.receives(&mut self.s, received);
        self.new = self.s.session.new_password().cloned();
        self.reset();
    }

    fn out_receives(&mut self, received: Received) {
        self.out.receives(&mut self.s, received);
        self.out();
    }

    fn confirms(&mut self) {
        let new = self.new.take().expect("no new password");
        self.s.confirms(&new);
    }

    fn reader_receives(&mut self, received: Received) {
        self.reader.receives(&mut self.s, received);
        self.reader();
    }

    fn writer_receives(&mut self, received: Received) {
        self.writer.receives(&mut self.s, received);
        self.writer();
    }

    /// Plays it with a restart after each beat for which `restarts` holds, and
    /// returns all that was seen.
    fn played(restarts: impl Fn(usize) -> bool) -> Vec<String> {
        let mut story = Self::new();
        for (number, beat) in BEATS.iter().enumerate() {
            story.plays(*beat);
            if restarts(number) {
                let user = story.s.session.credentials().user.clone();
                story.s.restart(user.as_ref().unwrap().password().expose());
            }
        }
        story.seen
    }

    fn plays(&mut self, beat: fn(&mut Self)) {
        self.rests = false;
        beat(self);
        let events = self.s.events();
        self.seen.extend(events.iter().map(ToString::to_string));
        let session = &self.s.session;
        self.seen.push(format!(
            "{:?} {:?} {:?} {:?} {:?}",
            session.bearer_renewal(),
            session.opened_at(),
            session.last_used(),
            session.operation(),
            session.login_guard()
        ));
    }
}

/// All that a driver and a caller can see of a step, but for three things that are
/// the process's own: the jitter of a backoff, which is less than a second here, the
/// random part of an operation's name, the name of a call, and the body of a refusal that
/// another call received.
fn seen(step: &Step) -> String {
    match step {
        Step::Send(transmit) => {
            let operation = transmit.attempt.operation();
            format!(
                "Send {:?} {} until {} {:?} {} {:?} {:?}",
                operation.map(|operation| operation.kind()),
                transmit.attempt.number(),
                transmit.deadline,
                tokens(transmit),
                transmit.request.method(),
                transmit.request.uri(),
                transmit.request.body()
            )
        }
        Step::Wait(wait) => format!("Wait for {:?} until {}", wait.reason, wait.until),
        Step::Done(Err(error)) => {
            let kind = format!("{:?}", error.kind());
            format!(
                "{error} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                kind.split([' ', '(']).next().unwrap(),
                error.outcome(),
                error.prerequisite(),
                error.status(),
                error.code(),
                error.login_guard(),
                error.because(),
                error.retry_at(),
            )
        }
        Step::Done(Ok(Completion::PasswordReset(new))) => {
            format!("Done with the password {}", new.password().expose())
        }
        Step::Done(result) => format!("{result:?}"),
    }
}

/// The story of a session. (The result of a logout or reset is seen before a restart:
/// it is held in the process whose call it was.)
const BEATS: &[fn(&mut Story)] = &[
    |t| t.rest(),
    // An outage.
    |t| t.reader(),
    |t| t.writer(),
    |t| t.reader_receives(response(503, "")),
    |t| t.writer(),
    |t| t.s.pass(SECOND),
    |t| t.writer(),
    |t| t.writer_receives(response(502, "")),
    |t| t.s.pass(2 * SECOND),
    |t| t.writer(),
    // A login that fails, and one that is never sent.
    |t| t.writer_receives(bearer("bearer-0")),
    |t| t.reader(),
    |t| t.writer_receives(refused("REQUEST_FAILED.Unclear")),
    |t| t.reader(),
    |t| (t.reader, t.writer) = (Actor::reads(), Actor::writes()),
    |t| t.reader(),
    |t| t.rest(),
    |t| t.s.pass(30 * SECOND),
    |t| t.reader(),
    |t| t.writer(),
    |t| t.reader_receives(bearer("bearer-1")),
    |t| t.reader_receives(not_sent()),
    |t| t.s.pass(SECOND),
    |t| t.reader(),
    |t| t.reader_receives(session("session-1")),
    |t| t.writer(),
    // Short-lived sessions, and a cooldown.
    |t| t.reader_receives(throttled("20")),
    |t| t.s.pass(21 * SECOND),
    |t| t.reader(),
    |t| t.reader_receives(bearer_fault()),
    |t| t.writer_receives(session_expired()),
    |t| t.reader_receives(bearer("bearer-2")),
    |t| t.writer(),
    |t| t.reader_receives(session("session-2")),
    |t| t.writer(),
    |t| t.reader_receives(done()),
    |t| t.writer_receives(session_expired()),
    |t| (t.reader, t.writer) = (Actor::reads(), Actor::writes()),
    |t| t.writer(),
    |t| t.writer_receives(session("session-3")),
    |t| t.writer_receives(session_expired()),
    |t| t.reader(),
    |t| t.rest(),
    |t| t.s.pass(MINUTE),
    |t| t.writer(),
    |t| t.writer_receives(session("session-4")),
    |t| t.writer_receives(done()),
    // A reset that succeeds.
    |t| (t.reader, t.writer) = (Actor::reads(), Actor::writes()),
    |t| t.rest(),
    |t| t.s.pass(30 * SECOND),
    |t| t.reader(),
    |t| t.reader_receives(done()),
    |t| t.reset(),
    |t| t.out(),
    |t| t.writer(),
    |t| t.reset_receives(new_password("Wh0a")),
    |t| t.confirms(),
    |t| t.writer_receives(done()),
    |t| t.rest(),
    // An idle session, and a lost logout.
    |t| t.s.pass(25 * MINUTE),
    |t| (t.reader, t.writer) = (Actor::reads(), Actor::writes()),
    |t| t.reader(),
    |t| t.reader_receives(session("session-5")),
    |t| t.out(),
    |t| t.writer(),
    |t| t.out_receives(lost()),
    |t| t.s.pass(SECOND),
    |t| t.out(),
    |t| t.s.pass(2 * MINUTE),
    |t| t.writer(),
    |t| t.out_receives(session("session-5")),
    |t| t.writer_receives(session_expired()),
    |t| t.writer_receives(session("session-6")),
    |t| t.writer_receives(done()),
    // A reset that is lost, and a guard that is unblocked and blocked again.
    |t| t.reset = Actor::reset_password(),
    |t| t.reset(),
    |t| t.reset_receives(lost()),
    |t| t.s.pass(35 * MINUTE),
    |t| t.reader_receives(done()),
    |t| t.writer = Actor::writes(),
    |t| t.rest(),
    |t| t.writer(),
    |t| t.s.watch(|session, _| session.unblock()),
    |t| t.writer = Actor::writes(),
    |t| t.writer(),
    |t| t.writer_receives(bearer("bearer-3")),
    |t| t.writer_receives(wrong_password()),
    |t| t.writer = Actor::writes(),
    |t| t.writer(),
    // Another password, logins that are lost, and checks whether the API responds.
    |t| t.rest(),
    |t| t.s.is_given("another"),
    |t| t.reader = Actor::reads(),
    |t| t.reader(),
    |t| t.reader_receives(session("session-7")),
    |t| t.reader_receives(done()),
    |t| t.s.pass(20 * MINUTE),
    |t| t.reader = Actor::reads(),
    |t| t.reader(),
    |t| t.reader_receives(lost()),
    |t| t.rest(),
    |t| t.s.pass(30 * SECOND),
    |t| t.reader(),
    |t| t.reader_receives(response(500, "")),
    |t| t.rest(),
    |t| t.s.pass(30 * SECOND),
    |t| t.reader(),
    |t| t.reader_receives(response(503, "")),
    |t| t.rest(),
    |t| t.s.pass(30 * SECOND),
    |t| t.reader(),
    |t| t.reader_receives(api_responds()),
    |t| t.reader_receives(session("session-8")),
    |t| t.reader_receives(done()),
];

/// Checks that the same was seen, and shows the first difference.
#[track_caller]
fn assert_same(seen: &[String], expected: &[String], case: &str) {
    for (seen, expected) in seen.iter().zip(expected) {
        assert_eq!(seen, expected, "{case}");
    }
    assert_eq!(seen.len(), expected.len(), "{case}");
}

fn stored(s: &Scenario) -> String {
    serde_json::to_string(&s.session.snapshot(s.now)).unwrap()
}

fn read(stored: &str) -> Result<Snapshot, String> {
    serde_json::from_str(stored).map_err(|error| format!("{error} {error:?}"))
}

/// The session of a process that starts with this at this time, and was given it by
/// the same clock.
fn restored(snapshot: Snapshot, now: Timestamp) -> Result<Session, SnapshotError> {
    let age = now.since(snapshot.saved_at());
    builder("IMgr8").snapshot(snapshot, age, now).build()
}

/// The copies of a value in each of which one part, which is no object or list, is
/// replaced by `change`.
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

/// A session with as much to remember as it can have: both tokens, failures, a
/// backoff and an operation.
fn laden() -> Scenario {
    let mut s = Scenario::open();
    let (mut first, mut second) = (Actor::reads(), Actor::reads());
    first.sends(&mut s, Purpose::Work);
    second.sends(&mut s, Purpose::Work);
    first.receives(&mut s, bearer_fault());
    first.sends(&mut s, Purpose::TokenFetch);
    first.receives(&mut s, throttled("20"));
    second.receives(&mut s, bearer_fault());
    second.waits(&mut s);
    s.pass(MINUTE);
    second.fetches(&mut s, "bearer-1");
    Actor::reset_password().sends(&mut s, Purpose::Reset);
    s
}

#[test]
fn law_11_a_restart_at_any_point_changes_nothing_that_can_be_seen() {
    let seen = Story::played(|_| false);
    for beat in 0..BEATS.len() {
        let with_restart = Story::played(|number| number == beat);
        let case = format!("a restart after beat {beat}");
        assert_same(&with_restart, &seen, &case);
    }
}

#[test]
fn law_11_a_restart_at_every_point_changes_nothing_that_can_be_seen() {
    let (with_restarts, seen) = (Story::played(|_| true), Story::played(|_| false));
    assert_same(&with_restarts, &seen, "a restart after every beat");
}

/// The clock of the process that goes on with a snapshot is another one, and some time
/// has passed: after that, the story is the one that is played by this clock from the
/// beginning.
#[test]
fn law_11_a_restart_at_another_clock_changes_nothing_that_can_be_seen() {
    let rest = 7 * MILLISECOND;
    let mut whole = Story::new();
    let places = BEATS.iter().map(|beat| {
        whole.plays(*beat);
        whole.rests
    });
    let places: Vec<_> = places.enumerate().filter(|(_, rests)| *rests).collect();
    assert_eq!(places.len(), 10);
    for (is_ahead, by) in [(true, 5 * HOUR), (false, 5 * HOUR), (true, 3 * DAY)] {
        let moves = |s: &mut Scenario| {
            if is_ahead {
                s.jumps_ahead(by);
            } else {
                s.jumps_back(by);
            }
        };
        for &(place, _) in &places {
            let (mut there, mut story) = (Story::new(), Story::new());
            moves(&mut there.s);
            for beat in &BEATS[..=place] {
                there.plays(*beat);
                story.plays(*beat);
            }
            there.s.pass(rest);
            let (snapshot, user) = (story.s.saved(), story.s.session.credentials().user.clone());
            moves(&mut story.s);
            story.s.pass(rest);
            let builder = builder(user.as_ref().unwrap().password().expose()).seed(1000);
            let builder = builder.snapshot(snapshot, rest, story.s.now);
            story.s.session = builder.build().unwrap();

            for one in [&mut there, &mut story] {
                one.seen.clear();
                for beat in &BEATS[place + 1..] {
                    one.plays(*beat);
                }
            }
            let case = format!("another clock after beat {place}");
            assert_same(&story.seen, &there.seen, &case);
        }
    }
}

#[test]
fn law_11_the_same_story_is_played_the_same_way_twice_and_holds_all_that_it_should() {
    let seen = Story::played(|_| false).join("\n");
    assert_eq!(seen, Story::played(|_| false).join("\n"));
    for part in [
        "oauth2/token",
        "session/login",
        "session/logout",
        "password/actions/reset",
        "m2m/v1/work",
        "Operation(TokenFetch)",
        "Operation(LogIn)",
        "Operation(LogOut)",
        "Operation(PasswordReset)",
        "ServiceCheck",
        "Wait for Backoff",
        "Cooldown",
        "LoginRefused",
        "SessionRefused",
        "AwaitingConfirmation",
        "PasswordInDoubt",
        "WrongCredentials",
        "no login will be made",
        "the new password is in use",
    ] {
        assert!(seen.contains(part), "the story lacks {part}");
    }
    assert!(
        !seen.contains("the call has finished"),
        "it lost its thread"
    );
}

#[test]
fn law_10_a_snapshot_never_holds_the_password_or_the_secret() {
    let mut story = Story::new();
    for beat in BEATS {
        beat(&mut story);
        let stored = stored(&story.s);
        for secret in ["IMgr8", "Wh0a", "secret", "a2V5OnNlY3JldA"] {
            assert!(!stored.contains(secret), "{secret} in {stored}");
        }
        let shown = format!("{0:?} {0:#?}", story.s.session.snapshot(story.s.now));
        for secret in ["bearer-", "session-"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

#[test]
fn a_session_built_from_a_snapshot_has_the_same_snapshot() {
    let s = laden();
    let snapshot = s.session.snapshot(s.now);
    assert_eq!(snapshot.saved_at(), s.now);
    let again = restored(snapshot.clone(), s.now).unwrap();
    assert!(again.snapshot(s.now) == snapshot);
    assert!(read(&stored(&s)).unwrap() == snapshot);
}

#[test]
fn the_last_use_alone_is_reported_once_a_minute() {
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
    let reported = s.session.version();
    assert!(reported > version, "nobody would save it");
    s.pass(59 * SECOND);
    Actor::reads().works(&mut s);
    assert_eq!(s.session.version(), reported);
}

#[test]
fn a_step_that_only_waits_changes_nothing() {
    let mut s = Scenario::new();
    Actor::reads().sends(&mut s, Purpose::TokenFetch);
    let before = stored(&s);
    let mut call = Actor::reads();
    for _ in 0..100 {
        call.waits(&mut s);
    }
    assert_eq!(stored(&s), before);
}

#[test]
fn a_snapshot_of_somebody_else_is_not_taken() {
    let taken = Scenario::open();
    let snapshot = taken.session.snapshot(taken.now);
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
            OtherSession::Environment,
            "this belongs to a session in another environment; make one session, and one store, for each",
        ),
        (
            Environment::mock(),
            of("other", "zbeeblebrox"),
            OtherSession::App,
            "this belongs to a session of another application key; make one session, and one store, for each",
        ),
        (
            Environment::mock(),
            of("key", "trillian"),
            OtherSession::User,
            "this belongs to a session of another user name; make one session, and one store, for each",
        ),
    ] {
        let builder = SessionBuilder::new(credentials.clone()).environment(environment.clone());
        let refused = builder
            .snapshot(snapshot.clone(), Duration::ZERO, taken.now)
            .build()
            .unwrap_err();
        assert_eq!(refused, SnapshotError::Other(error));
        assert_eq!(
            (error.to_string(), refused.to_string()),
            (shown.into(), shown.into())
        );

        // Nor does a session that goes on take it.
        let sharing = SessionBuilder::new(credentials).environment(environment);
        let mut s = Scenario::of(sharing.shared(Register::POLL));
        let before = s.session.snapshot(s.now);
        let mut call = Call::log_in();
        assert!(matches!(
            call.step_shared(&mut s.session, s.now),
            SharedStep::Load
        ));
        let (snapshot, age) = (snapshot.clone(), Duration::ZERO);
        call.loaded(&mut s.session, s.now, Ok(Some(Loaded { snapshot, age })));
        let Step::Done(Err(refused)) = call.step(&mut s.session, s.now) else {
            panic!("it was taken");
        };
        let reason = refused.source().unwrap().source().unwrap();
        assert_eq!(reason.downcast_ref(), Some(&SnapshotError::Other(error)));
        assert!(s.session.snapshot(s.now) == before);
    }
}

#[test]
fn a_snapshot_of_any_size_is_written_as_json() {
    let s = laden();
    let snapshot = s.session.snapshot(s.now);
    for length in [0, 1, 700, 1023, 1024, 1025, 40_000] {
        let snapshot = snapshot.seal("x".repeat(length));
        let text = snapshot.to_json().unwrap();
        assert_eq!(*text, serde_json::to_string(&snapshot).unwrap());
    }
    assert_eq!(*snapshot.to_json().unwrap(), stored(&s));
}

#[test]
fn a_sealed_snapshot_is_saved_as_any_and_opens_no_session() {
    let s = laden();
    let open = s.session.snapshot(s.now);
    assert_eq!(open.sealed(), None);
    let sealed = open.seal("for those with the key".to_owned());
    let text = serde_json::to_string(&sealed).unwrap();
    let again: Snapshot = serde_json::from_str(&text).unwrap();
    assert!(again == sealed && again != open);
    assert_eq!(again.sealed(), Some("for those with the key"));
    assert_eq!(again.revision(), open.revision());
    assert_eq!(again.saved_at(), open.saved_at());

    // Nothing of the session is beside the seal, and no key is shown.
    for part in ["bearer-", "session-", "zbeeblebrox", "memory"] {
        assert!(!text.contains(part), "{part} in {text}");
    }
    assert!(!format!("{again:?}").contains("for those"));
    assert_eq!(restored(again, s.now).err(), Some(SnapshotError::Sealed));
    let damaged = text.replace("content", "contents");
    assert!(serde_json::from_str::<Snapshot>(&damaged).is_err());
}

#[test]
fn law_15_a_sealed_snapshot_is_not_taken_for_a_damaged_one() {
    let store = Register::new();
    let mut s = Scenario::sharing(&store);
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.logs_in(&mut s, "session-1");
    s.saves_what_is_unsaved();
    let sealed = s.saved().seal("for those with the key".to_owned());
    let text = serde_json::to_string(&sealed).unwrap();
    store.is_restored_to(Some(text.clone()));

    // Who knows better would replace what is damaged.
    s.pass(SECOND);
    let refused = Actor::log_out().fails(&mut s);
    let reason = refused.source().unwrap().source().unwrap();
    assert_eq!(reason.downcast_ref(), Some(&SnapshotError::Sealed));
    assert_eq!(store.text(), Some(text));
}

#[test]
fn law_3_a_password_that_was_refused_is_refused_after_a_restart_and_another_may_be_tried() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, wrong_password());
    for _ in 0..2 {
        s.restart("IMgr8");
        assert!(Actor::log_in().fails(&mut s).is_wrong_credentials());
    }
    s.restart("other");
    assert_eq!(s.session.login_guard().attempts_left, 2);
    let mut call = Actor::log_in();
    call.sends(&mut s, Purpose::LogIn);
    assert_eq!(s.session.login_guard().failed_logins, 2);
    call.receives(&mut s, wrong_password());
    for password in ["IMgr8", "other", "IMgr8"] {
        s.restart(password);
        assert!(Actor::log_in().fails(&mut s).is_wrong_credentials());
    }
}

#[test]
fn law_10_a_snapshot_that_is_cut_off_is_damaged_and_says_nothing_of_what_it_holds() {
    let whole = stored(&laden());
    assert!(read(&whole).is_ok());
    for length in 0..whole.len() {
        let Err(error) = read(&whole[..length]) else {
            panic!("taken with {length} bytes");
        };
        let error = error.replace(FORMAT, "the format");
        for held in ["bearer-1", "session-1", "zbeeblebrox"] {
            assert!(!error.contains(held), "{error}");
        }
    }
}

#[test]
fn law_10_a_snapshot_with_a_part_that_is_none_says_nothing_of_it() {
    let whole = serde_json::from_str::<Value>(&stored(&laden())).unwrap();
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
fn law_10_a_text_that_is_no_snapshot_is_refused_and_not_repeated() {
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
    let whole = stored(&laden());
    for more in ["\"hush\"", "1", "{}"] {
        let error = read(&whole.replace("}}}", &format!("}}}},\"hush\":{more}}}"))).err();
        assert!(!error.unwrap().contains("hush"), "one entry too many");
    }
}

#[test]
fn a_snapshot_of_the_future_is_distinguished_from_damage() {
    let whole = stored(&laden());
    let future = whole.replace(FORMAT, "thingspace-session-4");
    let error = serde_json::from_str::<Snapshot>(&future).err().unwrap();
    assert!(
        error.to_string().starts_with(
            "not a snapshot of the format thingspace-session-3; it may be from a newer version, or no snapshot at all"
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
        error.to_string().contains("thingspace-session-3"),
        "{error}"
    );
}

#[test]
fn law_10_numbers_that_cannot_be_do_no_harm() {
    fn settle(mut actor: Actor, s: &mut Scenario) {
        for _ in 0..20 {
            match actor.step(s) {
                Step::Send(_) => actor.receives(s, lost()),
                Step::Wait(wait) => s.pass_until(wait.until),
                Step::Done(_) => return,
            }
        }
        panic!("no end");
    }
    let whole = serde_json::from_str::<Value>(&stored(&laden())).unwrap();
    let mut taken = 0;
    for number in [json!(0), json!(u64::MAX), json!(u32::MAX)] {
        for changed in with_each_leaf(&whole, &number) {
            let Ok(snapshot) = read(&changed.to_string()) else {
                continue;
            };
            let mut s = laden();
            let Ok(session) = restored(snapshot, s.now) else {
                continue;
            };
            taken += 1;
            s.session = session;
            settle(Actor::reads(), &mut s);
            settle(Actor::reset_password(), &mut s);
            settle(Actor::log_out(), &mut s);
        }
    }
    assert!(taken > 20, "{taken}");
}

#[test]
fn a_snapshot_can_be_restored_however_long_an_operation_may_take() {
    let mut s = Scenario::with(settings(|all| all.attempt_timeout = 7 * DAY));
    let mut login = Actor::log_in();
    login.fetches(&mut s, "bearer-1");
    login.sends(&mut s, Purpose::LogIn);
    s.restart("IMgr8");
    s.pass(DAY);
    assert_eq!(s.session.login_guard().failed_logins, 1);
    // Its lease lasts a day at most.
    s.session.expire(s.now);
    assert_eq!(s.session.operation(), None);
}

#[test]
fn a_session_shows_how_it_stands() {
    let mut s = Scenario::open();
    Actor::reset_password().sends(&mut s, Purpose::Reset);
    let shown = format!("{:?}", s.session);
    for part in ["mock.thingspace", "PasswordReset", "PasswordInDoubt"] {
        assert!(shown.contains(part), "{shown}");
    }
}
