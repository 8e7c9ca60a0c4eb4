//! Every schedule of a small world, breadth first.
//!
//! Three calls of different kinds, two drivers, every kind of answer and loss;
//! at most one restart or death of a driver, one abandonment, one change of the
//! password, one re-arming; time goes on to the next instant at which something
//! changes. All laws hold in every state that can be reached with so many acts
//! from one of several beginnings, and from every state at the end an honest
//! service and time bring every call to its end (law 12). It is enough to check
//! that at the end: an honest service's answers and the passing of time are acts
//! like others, so the honest future of an earlier state leads through these.
//!
//! The depth is `THINGSPACE_DEPTH`; without it, one that takes seconds. The long
//! run is
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
    Act::{self, Abandon, Carry, Die, Give, Hear, Pass, Rearm, Restart, Step, Want, WantWithin},
    Driver::{One, Two},
    Errand, Other,
    Wish::{Change, End, Open, Read, Write},
    Word::{
        self, BearerFault, Brief, Fine, InvalidClient, Lost, Nonsense, NotSent, SessionRefused,
        ThrottledFor, Unclear, WrongCredentials,
    },
    World,
};

const DEPTH: usize = 3;

/// What the three calls are. The second has to hurry.
const CALLS: [[Act; 3]; 3] = [
    [Want(One, Read), WantWithin(Two, Write, 40), Want(Two, End)],
    [
        Want(One, Write),
        WantWithin(Two, Read, 40),
        Want(Two, Change),
    ],
    [Want(One, Change), WantWithin(Two, End, 40), Want(Two, Open)],
];

/// How it begins: what happened before the three calls, and what with them.
const BEGINNINGS: [(&[Act], &[Act]); 9] = [
    (&[], &[]),
    (OPEN, &[]),
    (DOUBT, &[]),
    (YOUNG, &[]),
    (LATE, &[]),
    // One login was lost.
    (
        &[Want(One, Open), Carry(0, Fine), Carry(0, Lost), Abandon(0)],
        &[],
    ),
    // The first two calls are out.
    (OPEN, &[Step(0), Step(1)]),
    // And the first has just been told of a stale token.
    (OPEN, &[Step(0), Step(1), Hear(0, SessionRefused), Step(0)]),
    (YOUNG, &[Step(0), Step(1), Hear(0, BearerFault), Step(0)]),
];

/// A session is open.
const OPEN: &[Act] = &[Want(One, Open), Carry(0, Fine), Carry(0, Fine), Step(0)];

/// Its password is in doubt.
const DOUBT: &[Act] = &[
    Want(One, Change),
    Carry(0, Fine),
    Carry(0, Fine),
    Carry(0, Lost),
    Step(0),
];

/// A reset was taken for lost, and the caller gave another password; its answer
/// may still come.
const LATE: &[Act] = &[
    Want(One, Change),
    Carry(0, Fine),
    Carry(0, Fine),
    Step(0),
    Pass(36_000),
    Want(Two, Open),
    Step(1),
    Give(Other::Password),
];

/// Two sessions died young, and the third is open.
const YOUNG: &[Act] = &[
    Want(One, Read),
    Carry(0, Fine),
    Carry(0, Fine),
    Carry(0, SessionRefused),
    Carry(0, Fine),
    Carry(0, SessionRefused),
    Step(0),
    Want(One, Open),
    Carry(0, Fine),
    Step(0),
];

/// What may come of a request: one answer of each kind that the laws tell apart.
fn words(errand: Errand) -> &'static [Word] {
    match errand {
        Errand::TokenFetch => &[
            Fine,
            Brief,
            InvalidClient,
            ThrottledFor(30),
            ThrottledFor(90),
            Lost,
            NotSent,
        ],
        Errand::LogIn => &[
            Fine,
            BearerFault,
            WrongCredentials,
            Unclear,
            ThrottledFor(30),
            Lost,
            NotSent,
        ],
        Errand::LogOut => &[
            Fine,
            BearerFault,
            SessionRefused,
            Unclear,
            ThrottledFor(30),
            Nonsense,
            Lost,
            NotSent,
        ],
        Errand::Reset => &[
            Fine,
            BearerFault,
            SessionRefused,
            WrongCredentials,
            Unclear,
            ThrottledFor(30),
            Lost,
            NotSent,
        ],
        Errand::Work => &[
            Fine,
            BearerFault,
            SessionRefused,
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
    /// How it was reached.
    path: Vec<Act>,
    /// A driver dies, or all of them and the session is made anew.
    death: bool,
    abandonment: bool,
    password: bool,
    rearming: bool,
}

impl State {
    fn beginning((before, begun): (&[Act], &[Act]), calls: &[Act]) -> Self {
        let path = [before, calls, begun].concat();
        let mut settings = Settings::default();
        settings.max_attempts = NonZeroU32::new(2).unwrap();
        // Without a pause of its own, the machine draws no lots: what differs only in
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
            abandonment: true,
            password: true,
            rearming: true,
        }
    }

    fn acts(&self) -> Vec<Act> {
        let mut acts = Vec::new();
        for (who, out) in self.world.under_way().enumerate() {
            acts.push(Step(who));
            if let Some(errand) = out {
                acts.extend(words(errand).iter().map(|word| Hear(who, *word)));
            }
            if self.abandonment {
                acts.push(Abandon(who));
            }
        }
        if self.death {
            acts.extend([Die(One), Die(Two), Restart]);
        }
        if self.password {
            acts.push(Give(Other::Password));
        }
        if self.rearming {
            acts.push(Rearm);
        }
        if let Some(rest) = self.world.next_change() {
            acts.push(Pass(u64::try_from(rest.as_millis()).unwrap()));
        }
        acts
    }

    fn after(&self, act: Act) -> Self {
        let mut next = self.clone();
        match act {
            Abandon(_) => next.abandonment = false,
            Die(_) | Restart => next.death = false,
            Give(_) => next.password = false,
            Rearm => next.rearming = false,
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

    /// What tells it from other states. See [`canonical`].
    fn key(&self) -> u128 {
        let text = canonical(&self.world.show(), self.world.now().as_millis());
        let left = [self.death, self.abandonment, self.password, self.rearming];
        let hash = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &text, left).hash(&mut hasher);
            hasher.finish()
        };
        u128::from(hash(0)) << 64 | u128::from(hash(1))
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

/// All that follows from these states and is not known, and how many acts were
/// tried. What nothing follows any more is seen to its end, and let go.
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
/// - flights are told by how many have started since: they are only compared
///   (0 is none, and no flight has that number);
/// - tokens and passwords are named in the order in which they appear: they are
///   opaque, and one is as good as another;
/// - how many passwords there have been is only compared between processes, and
///   here is one;
/// - the version, and the seed of the jitter where nothing is drawn from it,
///   decide nothing; a call's attempts are only compared with the last one.
fn canonical(text: &str, now: u64) -> String {
    let text = text.replace("thingspace-session-1", "");
    let flights = text.split_once("\"flights\":").unwrap().1;
    let flights = flights.split_once(',').unwrap().0;
    let flights: u64 = flights.parse().unwrap();
    let mut shown = String::with_capacity(text.len());
    let mut names: Vec<&str> = Vec::new();
    let mut label = "";
    let mut rest = &*text;
    while let Some(first) = rest.chars().next() {
        let word = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        if first.is_ascii_digit() {
            let (digits, after) = rest.split_at(word(|c| c.is_ascii_digit()));
            let number: u64 = digits.parse().unwrap();
            match label {
                "version" | "passwords" | "flights" | "jitter" | "attempts" | "Attempt" => {}
                "id" | "generation" | "flight" | "doubt" | "bearer" | "session" | "own"
                | "waited_for"
                    if number > 0 =>
                {
                    write!(shown, "-{}", flights - number).unwrap();
                }
                _ if number > 1_000_000_000_000 => {
                    let from_now = i128::from(number) - i128::from(now);
                    write!(shown, "{from_now:+}").unwrap();
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
