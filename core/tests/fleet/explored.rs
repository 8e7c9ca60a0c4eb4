//! Every schedule of a small fleet, breadth first.
//!
//! Two hosts with clocks that differ, a call on each or two, every interleaving of
//! steps, accesses to the store, requests and responses; every row of the login
//! guard's table; and two of these at most: the store fails or forgets, a process
//! dies, a caller drops its call or panics, a clock jumps, somebody unblocks the guard
//! or gives a password, a lease passes. All laws hold in every state that can be
//! reached with so many acts from one of several beginnings, and from every state at
//! the end an honest world brings every call to its end (law 12).
//!
//! The depth is `THINGSPACE_FLEET_DEPTH`; without it, one that takes seconds. The long
//! run, of ten million states, is
//!
//! ```sh
//! THINGSPACE_FLEET_DEPTH=13 cargo test --release -p thingspace-core --test fleet explored -- --nocapture
//! ```

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    env,
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    thread,
};

use thingspace_core::session::Settings;

use crate::{
    MINUTE,
    service::{Judged, Row, Serving},
    store::{Fault, Storing},
    world::{Act, LEASE, POLL, Password, Task, Wish, World},
};

const DEPTH: usize = 4;

/// The number of states at the end of which one is seen to its own end in a long run.
const SEEN_TO_THE_END: u64 = 16;

/// The number of things that may go wrong, or are decided by somebody.
const INCIDENTS: usize = 2;

/// The ways in which a request is served.
const SERVED: [Serving; 9] = [
    Serving::Honestly,
    Serving::LostBefore,
    Serving::LostAfter,
    Serving::Instead(Row::Outage, Judged::No),
    Serving::Instead(Row::BearerFault, Judged::No),
    Serving::Instead(Row::WrongCredentials, Judged::Yes),
    Serving::Instead(Row::Unclear, Judged::Yes),
    Serving::Instead(Row::Page, Judged::Yes),
    Serving::Instead(Row::Nonsense, Judged::Yes),
];

/// A world, and how it was reached.
struct State {
    world: World,
    incidents: usize,
    path: Option<Arc<Path>>,
}

/// The acts by which a state was reached, the last first.
struct Path {
    act: Act,
    before: Option<Arc<Self>>,
}

/// A state: the one before it, and what happens then, if anything does.
type Next = (Arc<State>, Option<(Act, bool)>);

impl State {
    fn beginning(begin: impl FnOnce() -> World) -> Arc<Self> {
        Arc::new(Self {
            world: begin(),
            incidents: INCIDENTS,
            path: None,
        })
    }

    /// What may happen next. An incident is something that happens seldom.
    fn acts(&self) -> Vec<(Act, bool)> {
        let mut acts = Vec::new();
        let world = &self.world;
        for (who, caller) in world.callers.iter().enumerate() {
            match caller.task() {
                Task::Access => {
                    acts.push((Act::Store(who, Storing::Fine), false));
                    let failures = [Storing::FailsBefore, Storing::FailsAfter];
                    acts.extend(failures.map(|failure| (Act::Store(who, failure), true)));
                }
                Task::Tell => acts.push((Act::Tell(who), false)),
                Task::Step if world.has_something_to_do(who) => {
                    acts.push((Act::Step(who), false));
                }
                Task::Step => {}
            }
            acts.extend([(Act::Drop(who), true), (Act::Vanish(who), true)]);
        }
        for (which, message) in world.messages.iter().enumerate() {
            if message.is_in_hand() {
                acts.push((Act::Post(which), false));
            } else if message.is_on_its_way() {
                let served = SERVED.iter().map(|serving| Act::Serve(which, *serving));
                acts.extend(served.map(|act| (act, false)));
            } else {
                acts.push((Act::Deliver(which), false));
            }
        }
        for host in 0..world.hosts.len() {
            if world.has_to_sync(host) {
                acts.push((Act::Sync(host), false));
            }
            if world.hosts[host].session.new_password().is_some() {
                acts.push((Act::Confirm(host), false));
            }
            acts.extend([
                (Act::Crash(host), true),
                (Act::Unblock(host), true),
                (Act::Give(host, Password::Right), true),
                (Act::Jump(host, 2 * LEASE), true),
            ]);
        }
        let faults = [Fault::Emptied, Fault::RolledBack(1), Fault::Impossible(4)];
        acts.extend(faults.map(|fault| (Act::Break(0, fault), true)));
        acts.push((Act::Pass(LEASE + POLL), true));
        if let Some(next) = world.next_moment() {
            acts.push((Act::Pass(next - world.now), false));
        }
        acts.retain(|(_, is_incident)| !is_incident || self.incidents > 0);
        acts
    }

    fn after(&self, act: Act, is_incident: bool) -> Self {
        let mut world = self.world.clone();
        self.attempt(Some(act), || world.act(act));
        Self {
            world,
            incidents: self.incidents - usize::from(is_incident),
            path: Some(Arc::new(Path {
                act,
                before: self.path.clone(),
            })),
        }
    }

    /// Does something, and tells how this state is reached if it breaks a law.
    fn attempt(&self, act: Option<Act>, what: impl FnOnce()) {
        if let Err(broken) = panic::catch_unwind(AssertUnwindSafe(what)) {
            let mut acts: Vec<_> = act.into_iter().collect();
            let mut path = &self.path;
            while let Some(step) = path {
                acts.push(step.act);
                path = &step.before;
            }
            acts.reverse();
            eprintln!("a law is broken after {acts:?}");
            panic::resume_unwind(broken);
        }
    }

    /// Sees it to its end.
    fn finish(&self) {
        self.attempt(None, || {
            let mut world = self.world.clone();
            world.assert_merging_is_sound();
            world.heals();
            world.finish_within(30 * MINUTE);
        });
    }

    /// The key that tells it from other states. See [`canonical`].
    fn key(&self) -> u128 {
        let mut text = canonical(&self.world.show());
        write!(text, "{}", self.incidents).unwrap();
        let hash = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &text).hash(&mut hasher);
            hasher.finish()
        };
        u128::from(hash(0)) << 64 | u128::from(hash(1))
    }
}

/// Two hosts, the second of which has this password.
fn two(password: &str) -> World {
    World::with(&[(0, "p~0"), (36_000, password)], Settings::default())
}

/// Two hosts that share a session that the service has ended.
fn ended(password: &str) -> World {
    let mut world = two("p~0");
    for host in 0..2 {
        world.call(host, Wish::Read).unwrap();
    }
    if password != "p~0" {
        world.give_this(1, password);
    }
    world.service.end_sessions();
    world
}

fn beginnings() -> Vec<Arc<State>> {
    let begin = |mut world: World, calls: &[(usize, Wish)]| {
        for (host, wish) in calls {
            world.want(*host, *wish);
        }
        world
    };
    vec![
        State::beginning(|| begin(two("p~0"), &[(0, Wish::LogIn), (1, Wish::Read)])),
        State::beginning(|| begin(two("old"), &[(0, Wish::Read), (1, Wish::Read)])),
        State::beginning(|| begin(ended("p~0"), &[(0, Wish::Read), (1, Wish::Write)])),
        State::beginning(|| begin(ended("p~0"), &[(0, Wish::LogOut), (1, Wish::Reset)])),
        State::beginning(|| {
            // The session is open, and one resets the password.
            let mut world = two("p~0");
            world.call(0, Wish::Read).unwrap();
            begin(world, &[(0, Wish::Reset), (1, Wish::Read)])
        }),
        State::beginning(|| {
            // One login was lost.
            let mut world = two("p~0");
            world.service.down = crate::service::Down::LoginAlone;
            world.call(0, Wish::LogIn).unwrap_err();
            world.heals();
            begin(world, &[(0, Wish::LogIn), (1, Wish::LogIn)])
        }),
    ]
}

#[test]
fn the_laws_hold_under_every_schedule_of_a_small_fleet() {
    let depth = env::var("THINGSPACE_FLEET_DEPTH");
    let depth = depth.map_or(DEPTH, |depth| depth.parse().unwrap());
    let mut known = HashSet::new();
    let mut frontier = beginnings();
    frontier.retain(|state| known.insert(state.key()));
    // Each state is held by the one before it, since it takes much room.
    let mut frontier: Vec<Next> = frontier.into_iter().map(|state| (state, None)).collect();
    let mut transitions = 0;
    for level in 1..=depth {
        let is_last = level == depth;
        let found = halves(&frontier, |states| follow(states, &known, is_last, depth));
        frontier = Vec::new();
        for (tried, found) in found {
            transitions += tried;
            let new = found.into_iter().filter(|(key, _)| known.insert(*key));
            frontier.extend(new.filter_map(|(_, state)| state));
        }
        let states = known.len();
        println!("depth {level}: {states} states, {transitions} transitions");
    }
}

/// Does the two halves of some work at once.
fn halves<S: Sync, R: Send>(states: &[S], work: impl Fn(&[S]) -> R + Sync) -> [R; 2] {
    let (one, other) = states.split_at(states.len() / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| work(other));
        let one = work(one);
        let other = other.join();
        [
            one,
            other.unwrap_or_else(|error| panic::resume_unwind(error)),
        ]
    })
}

/// The states that follow from these and are not known, and the number of acts
/// that were tried. What nothing follows any more is seen to its end, and let go.
fn follow(
    states: &[Next],
    known: &HashSet<u128>,
    is_last: bool,
    depth: usize,
) -> (usize, BTreeMap<u128, Option<Next>>) {
    let mut tried = 0;
    let mut found = BTreeMap::new();
    for (before, act) in states {
        let state = match act {
            Some((act, is_incident)) => Arc::new(before.after(*act, *is_incident)),
            None => Arc::clone(before),
        };
        for (act, is_incident) in state.acts() {
            tried += 1;
            let next = state.after(act, is_incident);
            let key = next.key();
            if known.contains(&key) || found.contains_key(&key) {
                continue;
            }
            let is_long = depth > DEPTH;
            let is_seen = !is_long || u64::try_from(key % 1024).unwrap() % SEEN_TO_THE_END == 0;
            if is_last && is_seen {
                next.finish();
            }
            let next = (Arc::clone(&state), Some((act, is_incident)));
            found.insert(key, (!is_last).then_some(next));
        }
    }
    (tried, found)
}

/// A world's text without what no future can tell apart. It comes in parts, each with
/// the time by whose clock it is written:
///
/// - moments are told by how far they are from now, and what is hours ago is long ago:
///   the machine only compares and adds;
/// - operations are told by how many have begun since the first that is known, and by
///   the order in which their names appear, as are salts, tags, tokens and passwords;
/// - the versions of sessions and of what the store holds decide nothing but by their
///   order, which is that of time, and the names of calls decide nothing.
fn canonical(parts: &[(u64, String)]) -> String {
    const LONG_AGO: i128 = -4 * 60 * 60 * 1000;
    let mut shown = String::new();
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut name = |shown: &mut String, of: String| {
        let next = names.len();
        let place = names.entry(of).or_insert(next);
        write!(shown, "#{place}").unwrap();
    };
    for (now, text) in parts {
        let mut label = "";
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let word = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
            if first.is_ascii_digit() {
                let (digits, after) = rest.split_at(word(|c| c.is_ascii_digit()));
                let number: u64 = digits.parse().unwrap();
                match number {
                    _ if label == "version" || label == "CallId" => {}
                    0..=9_999_999_999 if label == "tag" || label == "Tag" => {
                        name(&mut shown, format!("tag {digits}"));
                    }
                    1_000_000_000_000..=1_999_999_999_999 => {
                        let from_now = i128::from(number) - i128::from(*now);
                        write!(shown, "{:+}", from_now.max(LONG_AGO)).unwrap();
                    }
                    2_000_000_000_000.. => name(&mut shown, digits.to_owned()),
                    _ => shown += digits,
                }
                rest = after;
            } else if rest.as_bytes().get(1) == Some(&b'~') {
                let end = rest[2..].find(|c: char| !c.is_ascii_digit());
                let (of, after) = rest.split_at(end.map_or(rest.len(), |end| end + 2));
                name(&mut shown, of.to_owned());
                rest = after;
            } else if first.is_ascii_alphabetic() {
                let (of, after) = rest.split_at(word(|c| c.is_ascii_alphanumeric() || c == '_'));
                if of != "Some" {
                    label = of;
                }
                shown += of;
                rest = after;
            } else {
                shown.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    shown
}
