//! What the twelve laws demand, said as naively as it can be.
//!
//! The model knows nothing of the machine's inside. It hears what a person
//! beside the wire and beside the caller would hear: the requests that go out,
//! the answers that come in, what the caller does and what is waited for. It
//! says of each whether the laws allow it, and how the session must look after
//! it. Where chance decides (jitter) or a store may lag behind, it says within
//! what bounds.

use std::{fmt::Display, time::Duration};

use thingspace_core::{
    BearerToken, Credentials, Error, Password, Session, SessionToken, Timestamp,
    session::{
        Event, FIRST_BRAKE, FREE_DEATHS, FlightKind, GateReason, LONGEST_BRAKE, LONGEST_PAUSE,
        PLATFORM_LOCKS_AT, Settings, Wait, WaitReason, YOUNG,
    },
};

use super::world::{Errand, Letter, Wish, Word};

/// How much longer than its request a silent driver is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// How far a store may lag behind in when a session was last used.
const USE_GRAIN: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Model {
    settings: Settings,
    credentials: Credentials,
    bearer: Option<Bearer>,
    open: Option<Open>,
    flight: Option<Flight>,
    guard: Guard,
    /// The guards of users that were given before.
    former: Vec<(String, Guard)>,
    /// Sessions in a row that died young: at least, and at most.
    deaths: (u32, u32),
    /// Token fetches and logins in a row that failed in a way that may pass.
    stumbles: u32,
    pause: Option<Pause>,
    calls: Vec<Caller>,
}

#[derive(Clone, Debug)]
struct Bearer {
    token: String,
    renew_at: Timestamp,
}

#[derive(Clone, Debug)]
struct Open {
    token: String,
    since: Timestamp,
    used: Timestamp,
}

/// That of which only one may be under way.
#[derive(Clone, Debug)]
struct Flight {
    errand: Errand,
    carrier: usize,
    lease: Stretch,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Guard {
    /// Logins that failed or may have, since the last success.
    failed: u32,
    /// The same, since the caller last allowed more.
    spent: u32,
    /// Whether more were allowed by name, even the one that could lock the user name.
    by_name: bool,
    closed: Option<Closed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    Wrong,
    Doubt,
}

#[derive(Clone, Debug)]
struct Pause {
    stretch: Stretch,
    braked: bool,
}

/// One call, as its driver and its caller see it.
#[derive(Clone, Debug, Default)]
struct Caller {
    wish: Wish,
    deadline: Option<Timestamp>,
    out: Option<Out>,
    /// Whether the bearer token, or the session, that is held is its own work:
    /// what it has just got it may use, however short its life.
    fetched: bool,
    opened: bool,
    bearer_faults: u32,
    session_refusals: u32,
    failures: u32,
    /// Whether it was last told to wait for a flight, how many failed while it
    /// did, and whether one of them did for good.
    waits_for_flight: bool,
    rumours: u32,
    bad_news: bool,
    pause: Option<Stretch>,
    /// Whether its own request may have been carried out for all that anybody
    /// knows.
    unknown: bool,
    end: Option<End>,
    over: bool,
}

/// How a call must end, once that is clear.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Well(String),
    Badly,
}

/// A request that nothing has been heard of.
#[derive(Clone, Debug)]
struct Out {
    errand: Errand,
    sent: Timestamp,
    wait: Stretch,
    /// Whether the tokens that it carries are still the ones that are held.
    bearer: bool,
    session: bool,
    /// Whether no flight has started and no credentials have changed since.
    newest: bool,
    /// Whether the password is in doubt because of it.
    doubt: bool,
}

/// What came of a request.
struct Heard<'a> {
    now: Timestamp,
    who: usize,
    out: Out,
    word: Word,
    says: Says,
    /// The token or password that it brings, if it brings one.
    token: &'a str,
    events: &'a [Event],
}

impl Heard<'_> {
    fn event<R>(&self, is: impl Fn(&Event) -> Option<R>) -> Option<R> {
        self.events.iter().find_map(is)
    }
}

/// What the laws know an answer by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Yes,
    Nonsense,
    BearerFault,
    SessionDead,
    No,
    Throttled,
    NotSent,
    /// Nobody knows; it may go better a little later.
    Unknown,
    /// Nobody knows, and it will not.
    Elsewhere,
}

impl Says {
    fn of(errand: Errand, word: Word) -> Self {
        use Word::{
            BearerFault, Brief, Empty, Fine, InvalidClient, Lost, Moved, Nonsense, NotSent, Outage,
            OutageFor, Repeated, SessionRefused, Throttled, ThrottledFor, Unclear, Undated,
            WrongAndThrottled, WrongCredentials,
        };
        let task = !matches!(errand, Errand::TokenFetch | Errand::LogIn);
        match word {
            Fine | Brief | Undated | Repeated => Self::Yes,
            Nonsense if errand == Errand::Work => Self::Yes,
            Empty if matches!(errand, Errand::Work | Errand::LogOut) => Self::Yes,
            Nonsense | Empty => Self::Nonsense,
            BearerFault if errand != Errand::TokenFetch => Self::BearerFault,
            SessionRefused if task => Self::SessionDead,
            Moved if task => Self::Elsewhere,
            BearerFault | SessionRefused | Moved | WrongCredentials | Unclear | InvalidClient => {
                Self::No
            }
            WrongAndThrottled | Throttled | ThrottledFor(_) => Self::Throttled,
            Outage | OutageFor(_) | Lost => Self::Unknown,
            NotSent => Self::NotSent,
        }
    }

    /// Whether a flight that failed so may succeed a little later.
    fn may_pass(self) -> bool {
        use Says::{Nonsense, NotSent, Throttled, Unknown};
        matches!(self, Nonsense | Throttled | NotSent | Unknown)
    }

    /// Whether it leaves open what became of a request.
    fn leaves_open(self) -> bool {
        matches!(self, Self::Nonsense | Self::Unknown | Self::Elsewhere)
    }
}

/// A law holds, or the test fails in its name.
#[track_caller]
fn law(number: u8, holds: bool, what: impl Display) {
    assert!(holds, "law {number}: {what}");
}

/// What the caller and the drivers do.
impl Model {
    pub fn new(settings: Settings, credentials: Credentials) -> Self {
        Self {
            settings,
            credentials,
            bearer: None,
            open: None,
            flight: None,
            guard: Guard::default(),
            former: Vec::new(),
            deaths: (0, 0),
            stumbles: 0,
            pause: None,
            calls: Vec::new(),
        }
    }

    pub fn wants(&mut self, wish: Wish, deadline: Option<Timestamp>) {
        self.calls.push(Caller {
            wish,
            deadline,
            ..Caller::default()
        });
    }

    /// The clock says this now: if it was set back, no wait becomes longer.
    pub fn sees(&mut self, now: Timestamp) {
        let calls = self.calls.iter_mut().flat_map(|call| {
            let wait = call.out.as_mut().map(|out| &mut out.wait);
            call.pause.iter_mut().chain(wait)
        });
        let flight = self.flight.as_mut().map(|flight| &mut flight.lease);
        let pause = self.pause.as_mut().map(|pause| &mut pause.stretch);
        for stretch in calls.chain(flight).chain(pause) {
            stretch.lowest = stretch.lowest.min(now);
        }
    }

    pub fn rearms(&mut self) {
        // A login that is under way stays counted.
        self.decides();
        self.guard.spent = u32::from(self.is_under_way(Errand::LogIn));
        self.guard.by_name = true;
    }

    pub fn gives(&mut self, new: &Credentials) {
        let old = std::mem::replace(&mut self.credentials, new.clone());
        if old == *new {
            return;
        }
        if old.app != new.app {
            self.drop_bearer();
        }
        let same_user = old.user.username() == new.user.username();
        if !same_user {
            self.drop_session();
            self.changes_user(old.user.username(), new.user.username());
        } else if old.user != new.user {
            self.decides();
        }
        // A reset that is under way decides on the password, whoever gave one meanwhile.
        if !(same_user && self.is_under_way(Errand::Reset)) {
            self.outs().for_each(|out| out.newest = false);
        }
    }

    /// Everybody has a guard of his own, and finds it as he left it.
    fn changes_user(&mut self, old: &str, new: &str) {
        let mut left = std::mem::take(&mut self.guard);
        if self.is_under_way(Errand::Reset) {
            left.closed.get_or_insert(Closed::Doubt);
        }
        self.outs().for_each(|out| out.doubt = false);
        if left != Guard::default() {
            self.former.push((old.to_owned(), left));
        }
        if let Some(known) = self.former.iter().position(|(name, _)| name == new) {
            self.guard = self.former.remove(known).1;
        }
    }

    /// The gate is opened by whoever may: as many logins again may fail.
    fn decides(&mut self) {
        self.guard.spent = 0;
        self.guard.by_name = false;
        self.guard.closed = None;
        self.outs().for_each(|out| out.doubt = false);
    }

    pub fn abandons(&mut self, who: usize) {
        self.calls[who].over = true;
        let newest = self.calls[who].out.take().is_some_and(|out| out.newest);
        let flight = self.flight.take_if(|flight| flight.carrier == who);
        if newest && flight.is_some_and(|flight| flight.errand == Errand::Reset) {
            self.guard.closed = Some(Closed::Doubt);
        }
    }

    /// Nothing will be heard of it any more, and nobody says so: what it carries
    /// blocks the others until the lease ends.
    pub fn forgets(&mut self, who: usize) {
        self.calls[who].over = true;
        if self
            .flight
            .as_ref()
            .is_none_or(|flight| flight.carrier != who)
        {
            self.calls[who].out = None;
        }
    }

    /// The session was made anew from what a store kept.
    pub fn restarts(&mut self, session: &Session) {
        if let (Some(open), Some(kept)) = (&mut self.open, session.last_used()) {
            let lag = open.used.since(kept);
            law(
                11,
                kept <= open.used && lag < USE_GRAIN,
                "the store forgot a use",
            );
            open.used = kept;
        }
    }
}

/// What comes back.
impl Model {
    /// This came of the request that the call has out.
    pub fn hears(
        &mut self,
        now: Timestamp,
        who: usize,
        (word, token): (Word, &str),
        events: &[Event],
    ) {
        let Some(out) = self.calls[who].out.take() else {
            return;
        };
        self.flight.take_if(|flight| flight.carrier == who);
        let (says, errand) = (Says::of(out.errand, word), out.errand);
        let heard = Heard {
            now,
            who,
            out,
            word,
            says,
            token,
            events,
        };
        match errand {
            // An answer to a flight that is not the newest changes nothing (law 7).
            Errand::TokenFetch | Errand::LogIn if !heard.out.newest => {}
            Errand::TokenFetch if says == Says::Yes => self.fetched(&heard),
            Errand::TokenFetch => self.flight_failed(&heard, says.may_pass()),
            Errand::LogIn if says == Says::Yes => self.logged_in(&heard),
            Errand::LogIn => self.login_failed(&heard),
            Errand::Work | Errand::LogOut | Errand::Reset => self.answered(&heard),
        }
    }

    fn fetched(&mut self, heard: &Heard) {
        let renew_at = heard.event(|event| match event {
            Event::BearerFetched { renew_at } => Some(*renew_at),
            _ => None,
        });
        law(
            7,
            renew_at.is_some(),
            "a bearer token is fetched and not taken",
        );
        let renew_at = renew_at.unwrap();
        let (sent, lives) = (heard.out.sent, heard.word.lifetime());
        let soonest = sent + lives.saturating_sub(self.settings.clock_skew);
        let latest = (sent + lives).max(heard.now + Duration::from_secs(1));
        let in_time = (soonest..=latest).contains(&renew_at) && renew_at > heard.now;
        law(5, in_time, "when a bearer token is renewed");

        self.drop_bearer();
        let token = heard.token.to_owned();
        self.bearer = Some(Bearer { token, renew_at });
        self.calls[heard.who].fetched = true;
        self.recovered();
    }

    fn logged_in(&mut self, heard: &Heard) {
        self.drop_session();
        self.open = Some(Open {
            token: heard.token.to_owned(),
            since: heard.out.sent,
            used: heard.out.sent,
        });
        self.calls[heard.who].opened = true;
        self.guard = Guard::default();
        self.recovered();
    }

    fn recovered(&mut self) {
        self.stumbles = 0;
        // The brake is about sessions that die, not about flights that fail (law 5).
        self.pause.take_if(|pause| !pause.braked);
    }

    fn login_failed(&mut self, heard: &Heard) {
        // Given back only on proof that it was not judged (law 2), and a bearer fault
        // is one (law 4).
        if matches!(heard.says, Says::BearerFault | Says::NotSent) {
            self.guard.failed = self.guard.failed.saturating_sub(1);
            self.guard.spent = self.guard.spent.saturating_sub(1);
        }
        let again = heard.says == Says::BearerFault && self.bearer_refused(heard);
        if heard.word.names_credentials() {
            self.guard.closed = Some(Closed::Wrong);
        }
        if !again {
            let may_pass = heard.says.may_pass() && !heard.word.names_credentials();
            self.flight_failed(heard, may_pass);
        }
    }

    /// A token fetch or login failed: a pause is made, and those who wait for it
    /// learn of it.
    fn flight_failed(&mut self, heard: &Heard, may_pass: bool) {
        if may_pass {
            self.stumbles += 1;
            let (least, most) = self.backoff((self.stumbles, self.stumbles), heard.word);
            self.pauses(heard, least.min(LONGEST_PAUSE)..=most.min(LONGEST_PAUSE));
        }
        for (who, call) in self.calls.iter_mut().enumerate() {
            if who != heard.who && call.waits_for_flight {
                call.rumours += 1;
                call.bad_news |= !may_pass;
            }
        }
        let most = self.settings.max_attempts.get();
        let call = &mut self.calls[heard.who];
        call.failures += 1;
        if !may_pass || call.failures >= most {
            call.end = Some(End::Badly);
        }
    }

    fn pauses(&mut self, heard: &Heard, length: std::ops::RangeInclusive<Duration>) {
        let until = heard.event(|event| match event {
            Event::Paused { until } => Some(*until),
            _ => None,
        });
        if let Some(until) = until {
            let rest = until.since(heard.now);
            law(12, length.contains(&rest), "how long a pause is");
            let stretch = Stretch::new(heard.now, rest);
            let braked = false;
            self.pause = Some(Pause { stretch, braked });
        } else {
            let pause = self.pause.as_ref().map(|pause| pause.stretch.end());
            let longer = pause >= Some(heard.now + *length.start());
            law(5, longer, "a flight failed, and no pause is made");
        }
    }

    /// How long a pause is after so many failures in a row.
    fn backoff(&self, (fewest, most): (u32, u32), word: Word) -> (Duration, Duration) {
        let Settings {
            first_backoff,
            longest_backoff,
            ..
        } = self.settings;
        if let Some(asked) = word.asks() {
            return (asked, asked + first_backoff);
        }
        let full = |failures: u32| first_backoff * (1 << (failures - 1).min(16));
        let [fewest, most] = [fewest, most].map(|failures| full(failures).min(longest_backoff));
        let whole = |length: Duration| u64::try_from(length.as_millis()).unwrap();
        // The machine counts whole milliseconds.
        (Duration::from_millis(whole(fewest) / 2), most)
    }

    /// What came of the request that the call is for.
    fn answered(&mut self, heard: &Heard) {
        let Heard {
            out, says, word, ..
        } = heard;
        if word.is_of_the_api() && out.session {
            self.used(out.sent);
        }
        self.calls[heard.who].unknown |= says.leaves_open();
        match says {
            Says::Yes => return self.succeeded(heard),
            Says::BearerFault if self.bearer_refused(heard) => return,
            Says::SessionDead if self.session_refused(heard) => return,
            _ => {}
        }
        if out.errand == Errand::Reset && out.newest {
            if says.leaves_open() {
                self.guard.closed = Some(Closed::Doubt);
            } else if word.names_credentials() {
                self.guard.closed = Some(Closed::Wrong);
            }
        }
        let most = self.settings.max_attempts.get();
        let call = &mut self.calls[heard.who];
        call.failures += 1;
        // Law 6.
        let again = match says {
            Says::Throttled | Says::NotSent => call.wish != Wish::Change,
            Says::Unknown => call.wish.may_be_done_twice(),
            _ => false,
        };
        if !again || call.failures >= most {
            call.end = Some(End::Badly);
            return;
        }
        let failures = (call.failures, call.failures + call.rumours);
        let (least, most) = self.backoff(failures, *word);
        self.calls[heard.who].pause = Some(Stretch {
            most,
            ..Stretch::new(heard.now, least)
        });
    }

    fn succeeded(&mut self, heard: &Heard) {
        if heard.out.errand == Errand::LogOut && heard.out.session {
            self.drop_session();
        }
        // A doubt is ended by the answer that it is about (laws 7, 8).
        let doubt = self.guard.closed == Some(Closed::Doubt) && heard.out.doubt;
        if heard.out.errand == Errand::Reset && (heard.out.newest || doubt) {
            let password = Password::new(heard.token).unwrap();
            self.credentials.user = self.credentials.user.with_password(password);
            // The service has shown which password is right.
            self.decides();
            self.guard.by_name = true;
        }
        self.calls[heard.who].end = Some(End::Well(heard.token.to_owned()));
    }

    /// Whether the call may try once more with another bearer token (laws 4, 5).
    fn bearer_refused(&mut self, heard: &Heard) -> bool {
        // An answer to an old token leaves the newer one alone (law 7).
        if heard.out.bearer {
            self.drop_bearer();
        }
        self.calls[heard.who].bearer_faults += 1;
        self.calls[heard.who].bearer_faults == 1
    }

    /// Whether the call may try once more with another session (law 5).
    fn session_refused(&mut self, heard: &Heard) -> bool {
        if heard.out.session {
            let since = self.open.as_ref().unwrap().since;
            self.drop_session();
            self.died(heard, heard.now.since(since));
        }
        self.calls[heard.who].session_refusals += 1;
        self.calls[heard.who].session_refusals == 1
    }

    fn died(&mut self, heard: &Heard, age: Duration) {
        let until = heard.event(|event| match event {
            Event::Braked { until } => Some(*until),
            _ => None,
        });
        let (least, most) = self.deaths;
        self.deaths = if age < YOUNG {
            (least + 1, most + 1)
        } else {
            (0, 0)
        };
        let brake = |deaths: u32| {
            let doublings = deaths.checked_sub(FREE_DEATHS + 1)?.min(16);
            Some((FIRST_BRAKE * (1 << doublings)).min(LONGEST_BRAKE))
        };
        let (least, most) = (brake(self.deaths.0), brake(self.deaths.1));
        let Some(until) = until else {
            law(
                5,
                least.is_none(),
                "sessions keep dying, and nothing brakes",
            );
            return;
        };
        law(5, most.is_some(), "a brake, and sessions do not keep dying");
        let length = until.since(heard.now);
        let pause = self.pause.as_ref().map(|pause| &pause.stretch);
        let rest = pause.map(|pause| pause.latest(heard.now).since(heard.now));
        let lawful = Some(length) >= least && (Some(length) <= most || Some(length) <= rest);
        law(5, lawful, format_args!("a brake of {length:?}"));
        let stretch = Stretch::new(heard.now, length);
        let braked = true;
        self.pause = Some(Pause { stretch, braked });
    }

    fn used(&mut self, sent: Timestamp) {
        let Some(open) = &mut self.open else { return };
        open.used = open.used.max(sent);
        let age = sent.since(open.since);
        if age >= YOUNG {
            self.deaths.0 = 0;
        }
        // The machine need not notice every use.
        if age >= YOUNG + USE_GRAIN {
            self.deaths.1 = 0;
        }
    }

    fn drop_bearer(&mut self) {
        self.bearer = None;
        self.calls.iter_mut().for_each(|call| call.fetched = false);
        self.outs().for_each(|out| out.bearer = false);
    }

    fn drop_session(&mut self) {
        self.open = None;
        self.calls.iter_mut().for_each(|call| call.opened = false);
        self.outs().for_each(|out| out.session = false);
    }

    fn outs(&mut self) -> impl Iterator<Item = &mut Out> {
        self.calls.iter_mut().filter_map(|call| call.out.as_mut())
    }
}

/// What a step says.
impl Model {
    /// What must have happened before the step could say what it says: a silent
    /// driver was given up, a lease ended, an idle session was let go.
    pub fn steps(&mut self, now: Timestamp, who: usize, events: &[Event]) {
        let call = &mut self.calls[who];
        if let Some(pause) = call.pause.as_mut().filter(|pause| pause.may_be_over(now)) {
            // Once it is over, no clock brings it back.
            pause.least = Duration::ZERO;
        }
        if let Some(out) = &call.out {
            law(6, out.wait.may_be_over(now), "given up before its time");
            self.hears(now, who, (Word::Lost, ""), events);
        }
        for event in events {
            match event {
                Event::FlightLapsed { kind } => self.lapses(now, *kind),
                Event::SessionIdle => {
                    let idle = self.open.as_ref().map(|open| now.since(open.used));
                    let long = idle >= Some(self.settings.idle_timeout);
                    law(
                        7,
                        long,
                        format_args!("a session idle for {idle:?} is let go"),
                    );
                    self.drop_session();
                }
                _ => {}
            }
        }
    }

    fn lapses(&mut self, now: Timestamp, kind: FlightKind) {
        let over = |flight: &mut Flight| flight.lease.may_be_over(now);
        let flight = self.flight.take_if(over);
        law(
            1,
            flight.is_some(),
            format_args!("{kind} is taken for lost before its lease ends"),
        );
        let flight = flight.unwrap();
        let carrier = &mut self.calls[flight.carrier];
        if let Some(out) = carrier.out.as_mut().filter(|out| out.newest) {
            if flight.errand == Errand::Reset {
                out.doubt = true;
                self.guard.closed = Some(Closed::Doubt);
            }
        }
        if carrier.over {
            carrier.out = None;
        }
    }

    /// May this be sent now?
    pub fn sends(&mut self, now: Timestamp, who: usize, letter: &Letter) {
        let (errand, call) = (letter.errand, &self.calls[who]);
        self.goes_on(who);
        let in_time = call.deadline.is_none_or(|deadline| now < deadline);
        law(12, in_time, "sent after the call's deadline");
        let rested = call
            .pause
            .as_ref()
            .is_none_or(|pause| pause.may_be_over(now));
        law(12, rested, "sent in the middle of a pause");
        let usual = now + self.settings.attempt_timeout;
        let deadline = call.deadline.map_or(usual, |own| own.min(usual));
        law(12, letter.deadline == deadline, "the request's deadline");

        let ending = self.is_under_way(Errand::LogOut);
        law(1, !ending, "sent while the session is being ended");
        if errand != Errand::Work {
            law(
                1,
                self.flight.is_none(),
                format_args!("{errand:?} during {:?}", self.flight),
            );
        }
        match errand {
            Errand::TokenFetch => self.may_fetch(now),
            Errand::LogIn => self.may_log_in(now),
            Errand::LogOut | Errand::Reset | Errand::Work => {
                law(
                    6,
                    Some(errand) == call.wish.errand(),
                    "not what was asked for",
                );
                let once = !call.unknown || call.wish.may_be_done_twice();
                law(6, once, "sent again, although it may have been carried out");
                law(
                    3,
                    errand != Errand::Reset || !self.forbids_resets(),
                    "a reset with a password that was refused",
                );
            }
        }
        self.may_carry(now, who, letter);

        let lease = Stretch::new(now, deadline.since(now) + GRACE);
        if errand != Errand::Work {
            self.outs().for_each(|out| out.newest = false);
            self.flight = Some(Flight {
                errand,
                carrier: who,
                lease: lease.clone(),
            });
        }
        let call = &mut self.calls[who];
        call.pause = None;
        call.waits_for_flight = false;
        call.bad_news = false;
        call.out = Some(Out {
            errand,
            sent: now,
            wait: lease,
            bearer: errand != Errand::TokenFetch,
            session: !matches!(errand, Errand::TokenFetch | Errand::LogIn),
            newest: errand != Errand::Work,
            doubt: false,
        });
    }

    fn may_fetch(&self, now: Timestamp) {
        let bearer = self.bearer.as_ref();
        let needed = bearer.is_none_or(|bearer| now >= bearer.renew_at);
        law(5, needed, "a bearer token is fetched that is not needed");
        let of_use = self.open.is_some() || !self.is_closed();
        law(
            3,
            of_use,
            "a bearer token is fetched for a login that may not be made",
        );
        self.may_take_off(now);
    }

    fn may_log_in(&mut self, now: Timestamp) {
        law(5, self.open.is_none(), "a login while a session is open");
        let closed = self.guard.closed;
        law(
            3,
            closed != Some(Closed::Wrong),
            "a login with refused credentials",
        );
        law(
            8,
            closed != Some(Closed::Doubt),
            "a login with a password in doubt",
        );
        law(2, !self.is_closed(), "more logins failed than may");
        self.may_take_off(now);
        self.guard.failed += 1;
        self.guard.spent += 1;
    }

    fn may_take_off(&self, now: Timestamp) {
        let pause = self.pause.as_ref();
        let rested = pause.is_none_or(|pause| pause.stretch.may_be_over(now));
        law(5, rested, "a token fetch or login in the middle of a pause");
    }

    /// What may this request carry, and where may it go?
    fn may_carry(&self, now: Timestamp, who: usize, letter: &Letter) {
        let base = "https://mock.thingspace.verizon.com/api/";
        law(9, letter.to.starts_with(base), &letter.to);
        let Credentials { app, user } = &self.credentials;
        let [name, password] = [user.username(), user.password().expose()];
        let body = match letter.errand {
            Errand::TokenFetch => "grant_type=client_credentials".to_owned(),
            Errand::LogIn => format!(r#"{{"username":"{name}","password":"{password}"}}"#),
            Errand::Reset => format!(r#"{{"oldPassword":"{password}"}}"#),
            Errand::LogOut | Errand::Work => String::new(),
        };
        law(
            8,
            letter.body == body,
            format_args!("the credentials in {}", letter.body),
        );
        if letter.errand == Errand::TokenFetch {
            law(
                9,
                letter.authorization == app.authorization(),
                "the application's proof",
            );
            law(
                9,
                letter.session.is_none(),
                "a session token where none belongs",
            );
            return;
        }
        let call = &self.calls[who];
        let bearer = self.bearer.as_ref().filter(|bearer| {
            let token = BearerToken::new(&bearer.token).unwrap();
            token.authorization() == letter.authorization
        });
        law(
            7,
            bearer.is_some(),
            "another bearer token than the one that is held",
        );
        let fresh = bearer.is_some_and(|bearer| now < bearer.renew_at);
        law(5, fresh || call.fetched, "a stale bearer token");
        if letter.errand == Errand::LogIn {
            law(
                9,
                letter.session.is_none(),
                "a session token where none belongs",
            );
            return;
        }
        let open = self.open.as_ref();
        let held = open.filter(|open| letter.session.as_ref() == Some(&open.token));
        law(
            7,
            held.is_some(),
            "another session token than the one that is held",
        );
        let idle = held.map(|open| now.since(open.used));
        let fresh = idle < Some(self.settings.idle_timeout);
        law(
            5,
            fresh || call.opened,
            format_args!("a session idle for {idle:?}"),
        );
    }

    /// Is there something to wait for?
    pub fn waits(&mut self, now: Timestamp, who: usize, wait: Wait) {
        law(12, wait.until > now, "a wait for nothing");
        let call = &self.calls[who];
        let may_last = |stretch: &Stretch| {
            let cut_short = call.deadline == Some(wait.until);
            let from = if cut_short {
                Timestamp::default()
            } else {
                stretch.shortest()
            };
            (from..=stretch.latest(now)).contains(&wait.until)
        };
        let pause = |braked: bool| {
            let pause = self.pause.as_ref().filter(|pause| pause.braked == braked);
            pause.map(|pause| &pause.stretch)
        };
        let lawful = match wait.reason {
            WaitReason::Answer => call.out.as_ref().is_some_and(|out| may_last(&out.wait)),
            WaitReason::Flight(kind) => self.flight.as_ref().is_some_and(|flight| {
                flight.errand.kind() == Some(kind) && may_last(&flight.lease)
            }),
            WaitReason::Backoff => {
                let pauses = call.pause.iter().chain(pause(false));
                pauses.into_iter().any(may_last)
            }
            WaitReason::Brake => pause(true).is_some_and(may_last),
            _ => false,
        };
        law(
            12,
            lawful,
            format_args!("nothing is there to wait for: {wait:?}"),
        );
        if wait.reason == WaitReason::Answer {
            return;
        }
        self.goes_on(who);
        let in_time = call.deadline.is_none_or(|deadline| wait.until <= deadline);
        law(12, in_time, "a wait beyond the call's deadline");
        let for_flight = matches!(wait.reason, WaitReason::Flight(_));
        let longest = self.settings.longest_wait + self.settings.first_backoff;
        let short = wait.until.since(now) <= longest;
        law(12, short || for_flight, "a long wait for the service");
        let call = &mut self.calls[who];
        call.waits_for_flight = for_flight;
        call.bad_news &= for_flight;
    }

    /// A call that knows how it ends does not go on.
    fn goes_on(&self, who: usize) {
        let Caller { over, end, .. } = &self.calls[who];
        law(
            12,
            !over && end.is_none(),
            "a call goes on that has its result",
        );
    }

    /// May the call succeed with this?
    pub fn succeeds(&mut self, who: usize, result: Option<&str>) {
        let open = self.open.as_ref().map(|open| open.token.as_str());
        let call = &mut self.calls[who];
        call.over = true;
        let lawful = match (call.wish, call.end.take()) {
            (Wish::Open, None) => open.is_some() && result == open,
            (Wish::End, None) => open.is_none() && result.is_none(),
            (Wish::Change, Some(End::Well(password))) => result == Some(&*password),
            (Wish::Read | Wish::Write | Wish::End, Some(End::Well(_))) => true,
            _ => false,
        };
        law(
            6,
            lawful,
            format_args!("a success that is none: {result:?}"),
        );
    }

    /// May the call fail with this?
    pub fn fails(&mut self, now: Timestamp, who: usize, error: &Error) {
        let closed = self.is_closed() && self.open.is_none();
        let pause = self.pause.as_ref().map(|pause| &pause.stretch);
        let call = &self.calls[who];
        let too_long = |stretch: &Stretch| {
            let latest = stretch.latest(now);
            let too_late = call.deadline.is_some_and(|deadline| latest >= deadline);
            too_late || latest.since(now) > self.settings.longest_wait
        };
        let tired = call.failures + call.rumours >= self.settings.max_attempts.get();
        let lawful = match &call.end {
            Some(end) => *end == End::Badly,
            None if error.is_timed_out() => call.deadline.is_some_and(|deadline| now >= deadline),
            None => {
                let forbidden = call.wish == Wish::Change && self.forbids_resets();
                (error.is_gate_closed() && (closed || forbidden))
                    || call.bad_news
                    || (call.rumours > 0 && tired)
                    || call.pause.iter().chain(pause).any(too_long)
            }
        };
        law(
            12,
            lawful && !call.over,
            format_args!("it failed without a reason: {error:?}"),
        );

        // Of a login, the caller that asked for it hears all there is to know.
        let doubts = error.is_fate_unknown() && call.wish != Wish::Open;
        law(
            6,
            !call.unknown || error.is_fate_unknown(),
            format_args!("it may have been carried out: {error:?}"),
        );
        law(
            6,
            call.unknown || !doubts,
            format_args!("it was not carried out: {error:?}"),
        );
        let lost_reset = call.wish == Wish::Change && call.unknown;
        let said = matches!(error, Error::PasswordUnknown(_));
        law(
            8,
            lost_reset == said,
            format_args!("what is said of the password: {error:?}"),
        );
        let call = &mut self.calls[who];
        call.over = true;
        call.end = None;
    }

    fn is_closed(&self) -> bool {
        self.guard.closed.is_some() || self.logins_left() == 0
    }

    /// A reset may clear up the doubt that another one has left, and no more.
    fn forbids_resets(&self) -> bool {
        self.is_closed() && self.guard.closed != Some(Closed::Doubt)
    }

    fn logins_left(&self) -> u32 {
        let max = u32::from(self.settings.max_failed_logins.number());
        let left = max.saturating_sub(self.guard.spent);
        if self.guard.by_name {
            return left;
        }
        left.min(u32::from(PLATFORM_LOCKS_AT - 1).saturating_sub(self.guard.failed))
    }

    fn is_under_way(&self, errand: Errand) -> bool {
        self.flight
            .as_ref()
            .is_some_and(|flight| flight.errand == errand)
    }
}

/// How it must look now.
impl Model {
    pub fn agrees(&self, session: &Session) {
        let gate = session.gate();
        let reason = match &gate.closed {
            Some(GateReason::WrongCredentials { .. }) => Some(Closed::Wrong),
            Some(GateReason::PasswordUnknown) => Some(Closed::Doubt),
            _ => None,
        };
        let wrong = [reason, self.guard.closed].contains(&Some(Closed::Wrong));
        let number = if wrong { 3 } else { 8 };
        law(
            number,
            reason == self.guard.closed,
            format_args!("why the gate is closed: {gate:?}"),
        );
        let left = if self.is_closed() {
            0
        } else {
            self.logins_left()
        };
        law(
            2,
            gate.closed.is_some() == self.is_closed(),
            format_args!("the gate: {gate:?}"),
        );
        law(
            2,
            gate.attempts_left == left,
            format_args!("attempts left: {gate:?}"),
        );
        let failed = self.guard.failed;
        law(
            2,
            gate.failed_logins == failed,
            format_args!("{failed} failed: {gate:?}"),
        );

        let kind = self.flight.as_ref().and_then(|flight| flight.errand.kind());
        law(1, session.flight() == kind, "what is under way");
        let bearer = self.bearer.as_ref();
        let shown = session.bearer_token().map(BearerToken::expose);
        law(
            7,
            shown == bearer.map(|bearer| &*bearer.token),
            "the bearer token",
        );
        let renewal = bearer.map(|bearer| bearer.renew_at);
        law(
            7,
            session.bearer_renewal() == renewal,
            "when the bearer token is renewed",
        );
        let open = self.open.as_ref();
        let shown = session.session_token().map(SessionToken::expose);
        law(7, shown == open.map(|open| &*open.token), "the session");
        law(
            7,
            session.opened_at() == open.map(|open| open.since),
            "when it was opened",
        );
        law(
            11,
            session.last_used() == open.map(|open| open.used),
            "when it was last used",
        );
        law(
            8,
            *session.credentials() == self.credentials,
            "the credentials",
        );
    }

    /// When something changes by itself.
    pub fn instants(&self) -> impl Iterator<Item = Timestamp> {
        let calls = self.calls.iter().filter(|call| !call.over);
        let calls = calls.flat_map(|call| {
            let wait = call.out.as_ref().map(|out| out.wait.end());
            [wait, call.pause.as_ref().map(Stretch::end), call.deadline]
        });
        let open = self.open.as_ref();
        let instants = [
            self.flight.as_ref().map(|flight| flight.lease.end()),
            self.pause.as_ref().map(|pause| pause.stretch.end()),
            self.bearer.as_ref().map(|bearer| bearer.renew_at),
            open.map(|open| open.used + self.settings.idle_timeout),
            open.map(|open| open.since + YOUNG),
        ];
        instants.into_iter().chain(calls).flatten()
    }

    /// All that it knows, but for what never changes, what the session shows and
    /// calls that are over.
    pub fn show(&self) -> String {
        let alive = |call: &&Caller| !call.over || call.out.is_some();
        let calls: Vec<_> = self.calls.iter().filter(alive).collect();
        let flight = self.flight.as_ref().map(|flight| {
            let carrier = &self.calls[flight.carrier];
            (&flight.lease, carrier.wish, carrier.over)
        });
        let Self {
            bearer,
            open,
            guard,
            former,
            deaths,
            stumbles,
            pause,
            ..
        } = self;
        format!(
            "{bearer:?} {open:?} {guard:?} {former:?} {deaths:?} {stumbles} {pause:?} {flight:?} {calls:?}"
        )
    }
}

/// A stretch of time, by a clock that may be set back.
#[derive(Clone, Debug)]
struct Stretch {
    from: Timestamp,
    /// The earliest that the clock has said since.
    lowest: Timestamp,
    least: Duration,
    most: Duration,
}

impl Stretch {
    const fn new(from: Timestamp, length: Duration) -> Self {
        Self {
            from,
            lowest: from,
            least: length,
            most: length,
        }
    }

    /// The clock that is set back may make it end earlier.
    fn shortest(&self) -> Timestamp {
        self.lowest + self.least
    }

    fn may_be_over(&self, now: Timestamp) -> bool {
        now >= self.shortest()
    }

    /// When it is over at the latest: no clock prolongs it.
    fn latest(&self, now: Timestamp) -> Timestamp {
        self.end().min(now + self.most)
    }

    fn end(&self) -> Timestamp {
        self.from + self.most
    }
}
