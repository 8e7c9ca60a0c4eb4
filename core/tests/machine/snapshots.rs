//! Snapshots of whatever state can be reached: whole ones change nothing, and
//! damaged ones are refused or do no harm.

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};
use thingspace_core::{
    Environment, Session, SessionBuilder, Step,
    session::{BlockReason, Settings, Snapshot},
};

/// The time for which a damaged snapshot lay.
const AGE: Duration = Duration::from_secs(60);

use crate::{
    random::{Script, config},
    world::{Act, FORMAT, Letter, Purpose, Reply, START, Wish, World},
};

/// The damage to a file.
#[derive(Clone, Debug)]
enum Damage {
    Cut(Index),
    Bit(Index, u8),
    Byte(Index, u8),
    /// One value is another.
    Value(Index, Value),
    /// One field is gone.
    Gone(Index),
    /// One field is there twice.
    Twice(Index),
    /// The format has another name.
    Format(u8),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        let value = prop_oneof![
            Just(json!(null)),
            Just(json!(true)),
            Just(json!("")),
            Just(json!("x")),
            Just(json!([])),
            Just(json!({})),
            Just(json!(-1)),
            Just(json!(0.5)),
            any::<u8>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            Just(json!(u64::MAX)),
        ];
        prop_oneof![
            any::<Index>().prop_map(Self::Cut),
            (any::<Index>(), 0..8_u8).prop_map(|(place, bit)| Self::Bit(place, bit)),
            (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Self::Byte(place, byte)),
            (any::<Index>(), value).prop_map(|(place, value)| Self::Value(place, value)),
            any::<Index>().prop_map(Self::Gone),
            any::<Index>().prop_map(Self::Twice),
            (0..10_u8).prop_map(Self::Format),
        ]
    }

    fn done_to(&self, text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        match self {
            Self::Cut(place) => bytes.truncate(place.index(bytes.len())),
            Self::Bit(place, bit) => bytes[place.index(text.len())] ^= 1 << bit,
            Self::Byte(place, byte) => bytes[place.index(text.len())] = *byte,
            Self::Value(place, value) => {
                return edited(text, *place, |old| Some(vec![value.clone(); old.len()]));
            }
            Self::Gone(place) => return edited(text, *place, |_| None),
            Self::Twice(place) => return edited(text, *place, |old| Some([old, old].concat())),
            Self::Format(number) => {
                let name = format!("thingspace-session-{number}");
                bytes = text.replace(FORMAT, &name).into_bytes();
            }
        }
        bytes
    }
}

/// The text with one of its fields written as `edit` says: with each of these
/// values, one after the other, or not at all.
fn edited(text: &str, place: Index, edit: impl Fn(&[Value]) -> Option<Vec<Value>>) -> Vec<u8> {
    fn count(value: &Value) -> usize {
        let fields = value.as_object();
        fields.map_or(0, |fields| {
            fields.values().map(|value| 1 + count(value)).sum()
        })
    }
    fn write(
        value: &Value,
        left: &mut usize,
        edit: &impl Fn(&[Value]) -> Option<Vec<Value>>,
    ) -> String {
        let Some(fields) = value.as_object() else {
            return value.to_string();
        };
        let fields = fields.iter().flat_map(|(name, value)| {
            let chosen = std::mem::replace(left, left.wrapping_sub(1)) == 0;
            let text = write(value, left, edit);
            let values = if chosen {
                let values = edit(std::slice::from_ref(value)).unwrap_or_default();
                values.iter().map(Value::to_string).collect()
            } else {
                vec![text]
            };
            values
                .into_iter()
                .map(move |value| format!("{name:?}:{value}"))
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }
    let whole: Value = serde_json::from_str(text).unwrap();
    let mut left = place.index(count(&whole));
    write(&whole, &mut left, &edit).into_bytes()
}

fn reached(script: &Script, settings: Settings) -> World {
    let mut world = World::new(settings);
    for act in &script.0 {
        world.act(*act);
    }
    world
}

/// Asserts that all that stands there is taken: nothing is made up for what is
/// missing, and nothing else is passed over. (What a remembered refusal said is only
/// shown, and may be lost.)
fn assert_taken_whole(snapshot: &Snapshot, stored: &[u8]) {
    fn without_sayings(value: &mut Value) {
        for value in value.as_array_mut().into_iter().flatten() {
            without_sayings(value);
        }
        for (name, value) in value.as_object_mut().into_iter().flatten() {
            match name.as_str() {
                "Api" | "Gateway" | "WrongCredentials" | "CantBeSent" => *value = Value::Null,
                _ => without_sayings(value),
            }
        }
    }
    let mut stored: Value = serde_json::from_slice(stored).unwrap();
    let mut taken = serde_json::to_value(snapshot).unwrap();
    without_sayings(&mut stored);
    without_sayings(&mut taken);
    assert!(
        taken == stored,
        "law 10: something is made up or passed over: {taken} is not {stored}"
    );
}

/// A session of unknown history serves whoever comes: nothing panics, no more
/// logins are made than it allows, and every call ends.
fn serves(mut session: Session) {
    fn drive(wish: Wish, session: &mut Session, replies: &[Reply]) {
        let mut counted = 0;
        let mut call = wish.call();
        let mut now = START;
        let mut replies = replies.iter().cycle();
        for _ in 0..40 {
            let before = session.login_guard();
            match call.step(session, now) {
                Step::Send(transmit) => {
                    let Letter { purpose, .. } = Letter::of(&transmit);
                    if purpose.shows_password() {
                        counted += 1;
                        let in_doubt = BlockReason::PasswordInDoubt;
                        let allowed = match &before.blocked {
                            Some(reason) => purpose == Purpose::Reset && *reason == in_doubt,
                            None => true,
                        };
                        assert!(allowed && counted <= 4, "law 2: a login after {before}");
                    }
                    let result = replies.next().unwrap().result(purpose, "token");
                    call.receive(session, now, transmit.attempt, result);
                }
                Step::Wait(wait) => {
                    assert!(wait.until > now, "law 12: a wait for nothing");
                    now = wait.until;
                }
                Step::Done(_) => return,
            }
        }
        panic!("law 12: {call:?} never ends");
    }
    for replies in [
        &[Reply::Lost][..],
        &[Reply::Fine],
        &[Reply::SessionRefused, Reply::Fine],
    ] {
        for wish in [Wish::Read, Wish::Reset, Wish::LogOut] {
            drive(wish, &mut session, replies);
        }
        match session.new_password().cloned() {
            Some(new) => session.confirm(&new).unwrap(),
            None => session.unblock(),
        }
    }
}

/// Settings by which no backoff is drawn by lot. The source of that jitter is the
/// process's own, and in no snapshot.
fn without_jitter() -> Settings {
    let mut settings = Settings::default();
    settings.first_backoff = Duration::ZERO;
    settings.longest_backoff = Duration::ZERO;
    settings
}

proptest! {
    #![proptest_config(config(256))]

    /// But for the jitter, the names of calls, and what only the process knows in which it happened:
    /// the body of the response to a token fetch or login that failed, the result of a
    /// logout or reset whose call has not looked yet, and that of a login whose call
    /// times out.
    #[test]
    fn law_11_a_session_built_from_its_snapshot_cannot_be_told_from_the_one_before(
        before in Script::any(),
        after in Script::any(),
    ) {
        let mut world = reached(&before, without_jitter());
        let mut other = world.reborn();
        // Whoever waited for a login that failed looks before another one fails: only the
        // last is in a snapshot.
        for which in (0..world.calls().0).rev() {
            let look = Act::Step(which);
            prop_assert_eq!(world.watch(look), other.watch(look));
        }
        world.drop_calls_with_news();
        other.drop_calls_with_news();
        for act in after.0 {
            prop_assert_eq!(world.watch(act), other.watch(act));
        }
    }

    #[test]
    fn law_10_a_damaged_snapshot_is_refused_or_does_no_harm(
        before in Script::any(),
        damages in vec(Damage::any(), 30),
    ) {
        let world = reached(&before, Settings::default());
        let text = world.at_rest();
        for damage in damages {
            let damaged = damage.done_to(&text);
            match serde_json::from_slice::<Snapshot>(&damaged) {
                Ok(snapshot) => {
                    assert_taken_whole(&snapshot, &damaged);
                    let credentials = world.session().credentials().clone();
                    let session = SessionBuilder::new(credentials)
                        .environment(Environment::mock())
                        .snapshot(snapshot, AGE, START)
                        .build();
                    if let Ok(session) = session {
                        serves(session);
                    }
                }
                Err(error) => {
                    let error = error.to_string();
                    let clear = ["damaged", FORMAT].iter().any(|part| error.contains(part));
                    prop_assert!(clear, "{}", error);
                }
            }
        }
    }

    #[test]
    fn law_10_a_snapshot_that_is_cut_off_anywhere_is_refused(before in Script::any()) {
        let text = reached(&before, Settings::default()).at_rest();
        for length in 0..text.len() {
            prop_assert!(serde_json::from_str::<Snapshot>(&text[..length]).is_err());
        }
    }
}
