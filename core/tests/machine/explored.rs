//! Every schedule of a small world, breadth first.
//!
//! Three calls of different kinds, two drivers, every kind of response and loss;
//! at most one restart (at once, after a while, or with another password) or death of a
//! driver, one call that is dropped or operation that is given up, one change of the
//! password (to a new one or back), one unblocking, one delay that is ended by name; a
//! new password is confirmed, or not;
//! time goes on to the next instant at which something changes.
//! The result of an operation comes to the session at any time, also when the call
//! that began it is over or its lease has expired. (Whether it comes through that
//! call or not makes no difference: that is checked each time.) All laws hold in
//! every state that can be reached with so many acts from one of several
//! beginnings, and from every state at the end an honest service and time bring
//! every call to its end (law 12). It is enough to check that at the end: an honest
//! service's responses and the passing of time are acts like others, so the honest
//! future of an earlier state leads through these.
//!
//! The depth is `THINGSPACE_DEPTH`; without it, one that takes seconds (a release build
//! goes one farther). The long run is
//!
//! ```sh
//! THINGSPACE_DEPTH=6 cargo test --release -p thingspace-core --test machine explored -- --nocapture
//! ```

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
    num::NonZeroU32,
    panic::{self, AssertUnwindSafe},
    thread,
    time::Duration,
};

use thingspace_core::session::Settings;

use crate::world::{
    Act::{
        self, Abandon, Confirm, Deliver, Die, Drive, Drop, Give, Pass, Receive, Restart,
        RestartWith, RetryNow, Step, Unblock, Want, WantWithin,
    },
    Driver::{One, Two},
    FORMAT, Other, Purpose,
    Reply::{
        self, BearerFault, Brief, Fine, Invalid, InvalidClient, Lost, NotSent, Outage,
        SessionRefused, ThrottledFor, Unclear, Unnamed, WrongCredentials,
    },
    Wish::{LogIn, LogOut, Read, Reset, Write},
    World, without_chance,
};

const DEPTH: usize = if cfg!(debug_assertions) { 2 } else { 3 };

/// The three calls. The second has to hurry.
const CALLS: [[Act; 3]; 3] = [
    [
        Want(One, Read),
        WantWithin(Two, Write, 40),
        Want(Two, LogOut),
    ],
    [
        Want(One, Write),
        WantWithin(Two, Read, 40),
        Want(Two, Reset),
    ],
    [
        Want(One, Reset),
        WantWithin(Two, LogOut, 40),
        Want(Two, LogIn),
    ],
];

/// The beginnings: what happened before the three calls, and what with them.
const BEGINNINGS: [(&[Act], &[Act]); 19] = [
    (&[], &[]),
    (REFUSED, &[]),
    (PROBING, &[]),
    (DOWN, &[]),
    (FOUR, &[]),
    (OPEN, &[]),
    (IN_DOUBT, &[]),
    (AWAITING, &[]),
    (SHORT_LIVED, &[]),
    (LATE, &[]),
    // One login was lost.
    (
        &[Want(One, LogIn), Drive(0, Fine), Drive(0, Lost), Drop(0)],
        &[],
    ),
    // A call was dropped, and its login goes on.
    (&[Want(One, LogIn), Drive(0, Fine), Step(0), Drop(0)], &[]),
    // The requests of the first two calls are out.
    (OPEN, &[Step(0), Step(1)]),
    // And the first has just been told of a stale token.
    (
        OPEN,
        &[Step(0), Step(1), Receive(0, SessionRefused), Step(0)],
    ),
    (
        SHORT_LIVED,
        &[Step(0), Step(1), Receive(0, BearerFault), Step(0)],
    ),
    // A 401 that names nothing has cost the first a bearer token, and came again.
    (
        SHORT_LIVED,
        &[
            Step(0),
            Step(1),
            Receive(0, Unnamed),
            Drive(0, Fine),
            Drive(0, Unnamed),
        ],
    ),
    // It has cost a bearer token just now, and it opens no login.
    (OWN, &[Drive(0, Unnamed), Drive(0, Fine), Step(0), Step(1)]),
    // The first request is out, and the session is being ended.
    (SHORT_LIVED, &[Step(0), Step(2)]),
    (FORGOTTEN, &[Step(0)]),
];

/// A session is open.
const OPEN: &[Act] = &[Want(One, LogIn), Drive(0, Fine), Drive(0, Fine), Step(0)];

/// Its password is in doubt.
const IN_DOUBT: &[Act] = &[
    Want(One, Reset),
    Drive(0, Fine),
    Drive(0, Fine),
    Drive(0, Lost),
    Step(0),
];

/// Its password was reset, and the new one awaits its confirmation.
const AWAITING: &[Act] = &[
    Want(One, Reset),
    Drive(0, Fine),
    Drive(0, Fine),
    Drive(0, Fine),
    Step(0),
];

/// A password was refused, and another one is in use.
const REFUSED: &[Act] = &[
    Want(One, LogIn),
    Drive(0, Fine),
    Drive(0, WrongCredentials),
    Step(0),
    Give(Other::Password),
];

/// Two logins were lost, and their half minutes are over.
const PROBING: &[Act] = &[
    Want(One, LogIn),
    Drive(0, Fine),
    Drive(0, Lost),
    Step(0),
    Pass(30_000),
    Drive(0, Lost),
    Step(0),
    Pass(30_000),
];

/// And a check found the service down.
const DOWN: &[Act] = &[
    Want(One, LogIn),
    Drive(0, Fine),
    Drive(0, Lost),
    Step(0),
    Pass(30_000),
    Drive(0, Lost),
    Step(0),
    Pass(30_000),
    Want(One, LogIn),
    Drive(0, Outage),
    Drop(0),
    Pass(30_000),
];

/// Three logins count, of three passwords: only one is left.
const FOUR: &[Act] = &[
    Want(One, LogIn),
    Drive(0, Fine),
    Drive(0, WrongCredentials),
    Step(0),
    Give(Other::Password),
    Want(One, LogIn),
    Drive(0, Unclear),
    Step(0),
    Give(Other::Password),
    Want(One, LogIn),
    Drive(0, Fine),
    Drive(0, Lost),
    Drop(0),
    Give(Other::Password),
];

/// The lease of a reset has expired, and the caller gave another password; its
/// response may still come.
const LATE: &[Act] = &[
    Want(One, Reset),
    Drive(0, Fine),
    Drive(0, Fine),
    Step(0),
    Pass(36_000),
    Want(Two, LogIn),
    Step(1),
    Give(Other::Password),
];

/// Two sessions were short-lived, and the third is open.
const SHORT_LIVED: &[Act] = &[
    Want(One, Read),
    Drive(0, Fine),
    Drive(0, Fine),
    Drive(0, SessionRefused),
    Drive(0, Fine),
    Drive(0, SessionRefused),
    Step(0),
    Want(One, LogIn),
    Drive(0, Fine),
    Step(0),
];

/// Two sessions were short-lived, and one of them is forgotten: an hour later the third
/// is open.
const FORGOTTEN: &[Act] = &[
    Want(One, Read),
    Drive(0, Fine),
    Drive(0, Fine),
    Drive(0, SessionRefused),
    Drive(0, Fine),
    Drive(0, SessionRefused),
    Step(0),
    Pass(3_600_000),
    Want(One, LogIn),
    Drive(0, Fine),
    Drive(0, Fine),
    Step(0),
];

/// A 401 that names nothing has turned out to be a request's own.
const OWN: &[Act] = &[
    Want(One, Read),
    Drive(0, Fine),
    Drive(0, Fine),
    Drive(0, Unnamed),
    Step(0),
];

/// The results of a request: one of each kind that the laws tell apart.
fn replies(purpose: Purpose) -> &'static [Reply] {
    match purpose {
        Purpose::TokenFetch => &[
            Fine,
            Brief,
            InvalidClient,
            ThrottledFor(30),
            ThrottledFor(90),
            Lost,
            NotSent,
        ],
        Purpose::LogIn => &[
            Fine,
            BearerFault,
            WrongCredentials,
            Unclear,
            ThrottledFor(30),
            Lost,
            NotSent,
        ],
        Purpose::LogOut => &[
            Fine,
            BearerFault,
            SessionRefused,
            Unnamed,
            Unclear,
            ThrottledFor(30),
            Invalid,
            Lost,
            NotSent,
        ],
        Purpose::Check => &[SessionRefused, BearerFault, Outage, Lost],
        Purpose::Reset => &[
            Fine,
            BearerFault,
            SessionRefused,
            WrongCredentials,
            Unclear,
            ThrottledFor(30),
            Lost,
            NotSent,
        ],
        Purpose::Work => &[
            Fine,
            BearerFault,
            SessionRefused,
            Unnamed,
            Unclear,
            ThrottledFor(30),
            Lost,
            NotSent,
        ],
    }
}

/// A world, and what may happen in it only once.
#[derive(Clone)]
struct State {
    world: World,
    /// The acts by which it was reached.
    path: Vec<Act>,
    /// A driver dies, or all of them and the session is built anew.
    death: bool,
    /// A call is dropped, or an operation given up.
    giving_up: bool,
    /// The password changes.
    password: bool,
    unblocking: bool,
    retrying: bool,
}

impl State {
    fn beginning((before, begun): (&[Act], &[Act]), calls: &[Act]) -> Self {
        let path = [before, calls, begun].concat();
        let mut settings = Settings::default();
        settings.max_attempts = NonZeroU32::new(2).unwrap();
        // Without a backoff of its own, the machine draws no lots: what differs only in
        // where jitter comes from is the same.
        settings.first_backoff = Duration::ZERO;
        settings.longest_backoff = Duration::ZERO;
        let mut world = World::new(settings);
        for act in &path {
            world.act(*act);
        }
        Self {
            world,
            path,
            death: true,
            giving_up: true,
            password: true,
            unblocking: true,
            retrying: true,
        }
    }

    fn acts(&self) -> Vec<Act> {
        let mut acts = Vec::new();
        let (calls, in_flight) = self.world.calls();
        acts.extend((0..calls).map(Step));
        for who in in_flight {
            let replies = replies(Purpose::Work).iter();
            acts.extend(replies.map(|reply| Receive(who, *reply)));
        }
        for (which, purpose) in self.world.purposes().enumerate() {
            let replies = replies(purpose).iter();
            acts.extend(replies.map(|reply| Deliver(which, *reply)));
        }
        acts.extend(self.world.awaited().into_iter().map(Confirm));
        if self.giving_up {
            acts.extend((0..calls).map(Drop));
            // The newest operation, if it is in progress.
            acts.extend(self.world.is_busy().then_some(Abandon(0)));
        }
        if self.death {
            acts.extend([Die(One), Die(Two), Restart(0), Restart(40_000)]);
            acts.push(RestartWith(0, Other::Again(0)));
        }
        if self.password {
            acts.extend([Give(Other::Password), Give(Other::Again(0))]);
        }
        if self.unblocking {
            acts.push(Unblock);
        }
        if self.retrying && self.world.is_delayed() {
            acts.push(RetryNow);
        }
        if let Some(rest) = self.world.next_change() {
            acts.push(Pass(u64::try_from(rest.as_millis()).unwrap()));
        }
        acts
    }

    fn after(&self, act: Act) -> Self {
        let mut next = self.clone();
        match act {
            Drop(_) | Abandon(_) => next.giving_up = false,
            Die(_) | Restart(_) | RestartWith(..) => next.death = false,
            Give(_) => next.password = false,
            Unblock => next.unblocking = false,
            RetryNow => next.retrying = false,
            _ => {}
        }
        next.path.push(act);
        let mut world = self.world.clone();
        next.attempt(|| world.act(act));
        next.world = world;
        next
    }

    /// Does something, and tells how this state is reached if it breaks a law.
    fn attempt(&self, what: impl FnOnce()) {
        let outcome = panic::catch_unwind(AssertUnwindSafe(what));
        if let Err(broken) = outcome {
            eprintln!("a law is broken after {:?}", self.path);
            panic::resume_unwind(broken);
        }
    }

    /// The key that tells it from other states. See [`canonical`].
    fn key(&self) -> u128 {
        let text = canonical(&self.world.show(), self.world.now().as_millis());
        let left = [
            self.death,
            self.giving_up,
            self.password,
            self.unblocking,
            self.retrying,
        ];
        let hash = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &text, left).hash(&mut hasher);
            hasher.finish()
        };
        u128::from(hash(0)) << 64 | u128::from(hash(1))
    }
}

#[test]
fn the_beginnings_are_what_they_say() {
    for (beginning, failed, left, is_open) in [
        (OPEN, 0, 2, true),
        (IN_DOUBT, 1, 0, true),
        (AWAITING, 0, 0, true),
        (REFUSED, 1, 2, false),
        (PROBING, 2, 0, false),
        (DOWN, 2, 0, false),
        (FOUR, 3, 1, false),
        (LATE, 1, 2, true),
        (SHORT_LIVED, 0, 2, true),
        (FORGOTTEN, 0, 2, true),
        (OWN, 0, 2, true),
    ] {
        let state = State::beginning((beginning, &[]), &[]);
        let guard = state.world.session().login_guard();
        assert_eq!(guard.failed_logins, failed, "{beginning:?}: {guard:?}");
        assert_eq!(guard.attempts_left, left, "{beginning:?}: {guard:?}");
        let open = state.world.session().session_token().is_some();
        assert_eq!(open, is_open, "{beginning:?}");
    }
}

#[test]
fn the_laws_hold_under_every_schedule_of_a_small_world() {
    let depth = std::env::var("THINGSPACE_DEPTH");
    let depth = depth.map_or(DEPTH, |depth| depth.parse().unwrap());
    let beginnings = BEGINNINGS.iter().flat_map(|before| {
        let calls = CALLS.iter();
        calls.map(|calls| State::beginning(*before, calls))
    });

    let mut known = HashSet::new();
    let mut frontier: Vec<_> = beginnings
        .filter(|state| known.insert(state.key()))
        .collect();
    let mut transitions = 0;
    for level in 1..=depth {
        let last = level == depth;
        let found = halves(&frontier, |states| follow(states, &known, last));
        frontier = Vec::new();
        for (tried, found) in found {
            transitions += tried;
            let new = found.into_iter().filter(|(key, _)| known.insert(*key));
            frontier.extend(new.filter_map(|(_, state)| state.map(|state| *state)));
        }
        let states = known.len();
        println!("depth {level}: {states} states, {transitions} transitions");
    }
}

/// Does the two halves of some work at once.
fn halves<R: Send>(states: &[State], work: impl Fn(&[State]) -> R + Sync) -> [R; 2] {
    let (one, other) = states.split_at(states.len() / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| work(other));
        let one = work(one);
        [
            one,
            other
                .join()
                .unwrap_or_else(|error| panic::resume_unwind(error)),
        ]
    })
}

/// The states that follow from these and are not known, and the number of acts
/// that were tried. What nothing follows any more is seen to its end, and let go.
fn follow(
    states: &[State],
    known: &HashSet<u128>,
    last: bool,
) -> (usize, HashMap<u128, Option<Box<State>>>) {
    let mut tried = 0;
    let mut found = HashMap::new();
    for state in states {
        for act in state.acts() {
            tried += 1;
            let next = state.after(act);
            let key = next.key();
            if known.contains(&key) || found.contains_key(&key) {
                continue;
            }
            next.attempt(|| next.world.assert_sound());
            if last {
                next.attempt(|| next.world.clone().finish());
            }
            found.insert(key, (!last).then(|| Box::new(next)));
        }
    }
    (tried, found)
}

/// A state's text without what no future can tell apart:
///
/// - moments are told by how far they are from now: the machine only compares
///   and adds, and no clock is set back in this world;
/// - operations are told by how many have begun since: they are only compared
///   (0 is none, and no operation has that number);
/// - their nonces, and whatever else is drawn by lot, are named in the order in which
///   they appear: they are only compared;
/// - so are tokens and passwords: they are opaque, and one is as good as another;
///   the model names the password of each tag;
/// - the version decides nothing, and a call's attempts are only compared with the
///   last one; the time of a failure is only shown;
/// - the machine holds the last eight results of operations for the calls that
///   have not looked: the model shows those that somebody will look at, and so
///   many do not end in this world.
fn canonical(text: &str, now: u64) -> String {
    let text = without_chance(&text.replace(FORMAT, ""));
    let operations = text.split_once("operations:").unwrap().1;
    let operations = operations.split_once(',').unwrap().0;
    let operations: i128 = operations.parse().unwrap();
    let mut shown = String::with_capacity(text.len());
    let mut names: Vec<&str> = Vec::new();
    let mut label = "";
    let mut rest = &*text;
    while let Some(first) = rest.chars().next() {
        let word = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        if first.is_ascii_digit() {
            let (digits, after) = rest.split_at(word(|c| c.is_ascii_digit()));
            let number: i128 = digits.parse().unwrap();
            match label {
                "operations" | "attempts" | "attempt" | "at" | "tag" | "Tag" | "password" => {}
                // The number of an operation, or of another attempt.
                "number" if number > 0 => {
                    write!(shown, "-{}", operations - number).unwrap();
                }
                _ if number > 1_000_000_000_000 => {
                    write!(shown, "{:+}", number - i128::from(now)).unwrap();
                }
                _ => shown += digits,
            }
            rest = after;
        } else if rest.as_bytes().get(1) == Some(&b'~') {
            let end = 2 + rest[2..]
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len() - 2);
            let (name, after) = rest.split_at(end);
            let known = names.iter().position(|known| *known == name);
            let place = known.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            write!(shown, "{first}{place}").unwrap();
            rest = after;
        } else if first.is_ascii_alphabetic() {
            let (name, after) = rest.split_at(word(|c| c.is_ascii_alphanumeric() || c == '_'));
            if name != "Some" {
                label = name;
            }
            shown += name;
            rest = after;
        } else {
            shown.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    shown
}
