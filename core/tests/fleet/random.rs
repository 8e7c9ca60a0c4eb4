//! Random schedules.
//!
//! The number of them is `THINGSPACE_FLEET_CASES`; without it, one that takes
//! seconds. A schedule that breaks a law is shown without all that it takes not.

use std::{env, fmt, panic};

use fastrand::Rng;
use thingspace_core::session::Settings;

use crate::{
    HOUR, MINUTE, SECOND,
    service::{Down, Judged, Row, Serving},
    store::{Fault, Storing},
    world::{Act, Password, Tally, Wish, World},
};

const CASES: u64 = 1500;

/// A fleet, and what happens to it.
#[derive(Clone)]
struct Script {
    hosts: Vec<(i64, &'static str)>,
    is_exclusive: bool,
    names_credentials: bool,
    acts: Vec<Act>,
}

/// What may happen: clocks that jump and stores that forget take from what can be asked
/// of the rest.
#[derive(Clone, Copy)]
struct Mood {
    /// The network and the service fail.
    fails: bool,
    /// Passwords change, and some hosts have none that is right.
    rotates: bool,
    /// Clocks jump.
    jumps: bool,
    /// The store forgets, goes back, and forks.
    breaks: bool,
}

impl Script {
    fn any(case: u64) -> Self {
        let random = &mut Rng::with_seed(case);
        let mood = Mood {
            fails: case % 3 > 0,
            rotates: case % 5 > 1,
            jumps: case % 4 == 1,
            breaks: case % 4 == 2,
        };
        let hosts = (0..random.usize(2..=4)).map(|_| {
            let password = if mood.rotates && random.u8(0..4) == 0 {
                "old"
            } else {
                "p~0"
            };
            (offset(random), password)
        });
        Self {
            hosts: hosts.collect(),
            is_exclusive: random.bool(),
            names_credentials: random.u8(0..3) > 0,
            acts: (0..random.usize(20..1000))
                .map(|_| act(random, mood))
                .collect(),
        }
    }

    fn run(&self) -> Tally {
        let mut world = World::with(&self.hosts, Settings::default());
        world.service.is_exclusive = self.is_exclusive;
        world.service.names_credentials = self.names_credentials;
        for (number, act) in self.acts.iter().enumerate() {
            world.act(*act);
            if number == 100 {
                world.assert_merging_is_sound();
            }
        }
        world.assert_merging_is_sound();
        world.heals();
        world.finish_within(30 * MINUTE);
        let tally = world.tally.clone();
        if self.acts.len() % 4 == 0 {
            world.assert_works_again();
        }
        tally
    }

    /// The beginning of what is said about the law that it breaks, if it breaks one.
    fn breaks(&self) -> Option<String> {
        let said = panic::catch_unwind(|| self.run()).err()?;
        let said = said.downcast::<String>().unwrap_or_default();
        let law = said.find("law ").map_or("", |start| &said[start..]);
        Some(law.chars().take(24).collect())
    }

    /// The part of an unlawful script that it takes: nothing can be left out of it,
    /// neither some acts in a row nor two apart.
    fn least(mut self) -> Self {
        let broken = self.breaks();
        let mut length = self.acts.len() / 2;
        while length > 0 {
            let mut first = 0;
            while first + length <= self.acts.len() {
                let mut shorter = self.clone();
                shorter.acts.drain(first..first + length);
                if shorter.breaks() == broken {
                    self = shorter;
                } else {
                    first += length;
                }
            }
            length /= 2;
        }
        let mut gap = 1;
        while gap < self.acts.len() && self.acts.len() < 60 {
            let shorter = (0..self.acts.len() - gap).map(|first| {
                let mut shorter = self.clone();
                shorter.acts.remove(first + gap);
                shorter.acts.remove(first);
                shorter
            });
            match shorter.into_iter().find(|script| script.breaks() == broken) {
                Some(script) => (self, gap) = (script, 1),
                None => gap += 1,
            }
        }
        self
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            hosts,
            is_exclusive,
            names_credentials,
            acts,
        } = self;
        writeln!(
            f,
            "{hosts:?}, exclusive: {is_exclusive}, names credentials: {names_credentials}"
        )?;
        acts.iter().try_for_each(|act| writeln!(f, "    {act:?},"))
    }
}

/// Something that a clock is off by: mostly a little, sometimes hours.
fn offset(random: &mut Rng) -> i64 {
    let longest = [0, 50, 1000, 36_000, 4_000_000, 40_000_000][random.usize(0..6)];
    random.i64(-longest..=longest)
}

fn act(random: &mut Rng, mood: Mood) -> Act {
    let (host, who) = (random.usize(0..4), random.usize(0..12));
    match random.u32(0..1000) {
        0..30 => Act::Step(who),
        30..70 => Act::Store(who, storing(random)),
        70..90 => Act::Tell(who),
        90..100 => Act::Post(who),
        100..120 => Act::Serve(who, Serving::Honestly),
        120..160 if mood.fails => Act::Serve(who, serving(random)),
        160..180 => Act::Deliver(who),
        180..190 if mood.fails => Act::Lose(who),
        190..230 => Act::Carry(who),
        230..290 => Act::Want(host, wish(random, mood)),
        290..320 => Act::Sync(host),
        320..325 => Act::Drop(who),
        325..329 => Act::Vanish(who),
        329..333 if mood.fails => Act::Abandon(who),
        333..337 => Act::Crash(host),
        376..430 => Act::Pass(time(random)),
        450..457 if mood.jumps => Act::Jump(host, time(random)),
        457..462 if mood.jumps => Act::SetBack(host, time(random)),
        462..467 => Act::Unblock(host),
        467..475 if mood.rotates => {
            let passwords = [
                Password::Right,
                Password::Right,
                Password::Old,
                Password::Wrong,
            ];
            Act::Give(host, passwords[random.usize(0..4)])
        }
        475..495 => Act::Confirm(host),
        495..501 if mood.breaks => Act::Break(host, fault(random)),
        501..507 if mood.fails => Act::StoreIsDown(random.u8(0..8) == 0),
        507..515 if mood.fails => {
            let downs = [Down::LoginAlone, Down::Api, Down::Nothing];
            Act::IsDown(downs[random.usize(0..8).min(2)])
        }
        515..535 => Act::EndSessions,
        535..537 => Act::EndBearers,
        537..539 if mood.rotates => Act::Rotate,
        539..555 => Act::Pause(host, random.usize(1..40)),
        555..565 => Act::Help(host),
        _ => Act::Go(who),
    }
}

fn wish(random: &mut Rng, mood: Mood) -> Wish {
    let wishes = [
        Wish::Read,
        Wish::Read,
        Wish::Write,
        Wish::LogIn,
        Wish::LogIn,
        Wish::LogOut,
        Wish::Reset,
    ];
    let resets = usize::from(!mood.rotates);
    wishes[random.usize(0..wishes.len() - resets)]
}

fn storing(random: &mut Rng) -> Storing {
    let storings = [
        Storing::Fine,
        Storing::Fine,
        Storing::FailsBefore,
        Storing::FailsAfter,
    ];
    storings[random.usize(0..storings.len())]
}

fn serving(random: &mut Rng) -> Serving {
    match random.u8(0..10) {
        0..4 => Serving::Honestly,
        4 => Serving::LostBefore,
        5 => Serving::LostAfter,
        6 => Serving::LostCounted,
        _ => {
            let judged = [Judged::No, Judged::Yes][random.usize(0..2)];
            Serving::Instead(Row::ALL[random.usize(0..Row::ALL.len())], judged)
        }
    }
}

fn fault(random: &mut Rng) -> Fault {
    match random.u8(0..8) {
        0 => Fault::Emptied,
        1 | 2 => Fault::RolledBack(random.usize(1..10)),
        3 | 4 => Fault::Forked,
        5 | 6 => Fault::Joined(random.usize(0..2)),
        _ => Fault::Impossible(random.usize(0..5)),
    }
}

/// A time that passes: mostly moments, sometimes hours.
fn time(random: &mut Rng) -> u64 {
    let longest = match random.u8(0..120) {
        0..80 => SECOND / 5,
        80..104 => 3 * SECOND,
        104..112 => 40 * SECOND,
        112..116 => 2 * MINUTE,
        116..119 => 40 * MINUTE,
        _ => 4 * HOUR,
    };
    random.u64(0..longest)
}

#[test]
fn the_laws_hold_for_any_fleet_under_any_schedule() {
    let cases = env::var("THINGSPACE_FLEET_CASES");
    let cases = cases.map_or(CASES, |cases| cases.parse().unwrap());
    let first = env::var("THINGSPACE_FLEET_SEED");
    let first = first.map_or(0, |first| first.parse().unwrap());
    let mut total = Tally::default();
    for case in first..first + cases {
        let script = Script::any(case);
        let Ok(tally) = panic::catch_unwind(|| script.run()) else {
            // What is tried now breaks laws again and again.
            let hook = panic::take_hook();
            panic::set_hook(Box::new(|_| ()));
            let least = script.least();
            panic::set_hook(hook);
            eprintln!("the schedule of case {case} that breaks a law: {least:?}");
            least.run();
            panic!("the schedule of case {case} breaks a law but once");
        };
        total += tally;
    }
    println!("{cases} schedules: {total:?}");
    let often = total.logins.min(total.resets * 5) > usize::try_from(cases).unwrap();
    let seldom = total.stragglers.min(total.checks).min(total.blocked) > 0;
    assert!(often && seldom, "too little happens: {total:?}");
}
