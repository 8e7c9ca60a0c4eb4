//! The demands of the laws, as naive as they can be said.
//!
//! The model knows nothing of the machine's inside. It hears what a person
//! beside the wire and beside the caller would hear: the requests that go out,
//! the responses that come in, what the caller does and what is waited for. It
//! says of each whether the laws allow it, and how the session must look after
//! it. Where chance decides (jitter) or a store may lag behind, it says within
//! what bounds.
//!
//! It also counts failed logins as the service does: by what was sent.

use std::{collections::VecDeque, fmt::Display, fmt::Write, ops::RangeInclusive, time::Duration};

use thingspace_core::{
    BearerToken, Credentials, Error, ErrorKind, Outcome, Password, Session, SessionToken,
    Timestamp, TransportError,
    session::{
        BlockReason, Event, LONGEST_REQUESTED_BACKOFF, OperationKind, PLATFORM_LOCKS_AT, Settings,
        Wait, WaitReason,
    },
};

use super::world::{Letter, Purpose, Reply, Wish};

/// The time by which a silent driver is waited for longer than its request.
const GRACE: Duration = Duration::from_secs(5);

/// The time by which a store may lag behind in when a session was last used.
const USE_GRAIN: Duration = Duration::from_secs(60);

/// A session that is refused within this time after its login is short-lived.
const SHORT_LIVED: Duration = Duration::from_secs(5 * 60);

/// The number of short-lived sessions in a row that delay no login.
const FREE_SHORT_LIVED: u32 = 2;

/// The login cooldown after one more, and the longest.
const FIRST_COOLDOWN: Duration = Duration::from_secs(60);
const LONGEST_COOLDOWN: Duration = Duration::from_secs(20 * 60);

/// The number of results of operations that are held for the calls that have not
/// looked yet.
const HELD_RESULTS: usize = 8;

#[derive(Clone)]
pub struct Model {
    settings: Settings,
    credentials: Credentials,
    bearer: Option<Bearer>,
    open: Option<Open>,
    /// All operations, in the order in which they began.
    operations: Vec<Operation>,
    /// The operation in progress, with its lease.
    in_progress: Option<(usize, Stretch)>,
    /// The last operation whose result came while it was the newest.
    settled: Option<usize>,
    /// The last operations that have ended, as far as their end is known.
    ended: VecDeque<usize>,
    /// The last token fetch or login that failed.
    last_failed: Option<(usize, Failed)>,
    new_password: Option<String>,
    guard: Guard,
    /// The number of short-lived sessions in a row: at least, and at most.
    short_lived: (u32, u32),
    /// The number of token fetches and logins in a row that failed in a way that
    /// may pass.
    failures: u32,
    delay: Option<Delay>,
    calls: Vec<Caller>,
}

#[derive(Clone, Debug)]
struct Bearer {
    token: String,
    renew_at: Timestamp,
    /// The token fetch that brought it.
    of: usize,
}

#[derive(Clone, Debug)]
struct Open {
    token: String,
    since: Timestamp,
    used: Timestamp,
    /// The login that brought it.
    of: usize,
}

/// A token fetch, login, logout or reset: only one may be in progress. It is the
/// session's, not the call's that began it.
#[derive(Clone, Debug)]
struct Operation {
    purpose: Purpose,
    carries: Tokens,
    /// True if no operation has begun and no credentials have changed since.
    newest: bool,
    /// True if a result has come.
    arrived: bool,
    /// True if nothing will ever be heard of it.
    gone: bool,
    /// The number of logins that it may have added to the service's own count.
    judged: Judged,
    /// The end of it, for the calls of this process that have not looked yet.
    end: Option<Ended>,
}

/// The judgement of the service on a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// It failed, or nobody knows.
    Failed,
    /// It was refused for its bearer token, never sent, or is no login.
    Not,
    Succeeded,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ended {
    /// A logout or reset succeeded, with this token or password.
    Well(Option<String>),
    Failed(Failed),
    /// A token fetch or login was lost: others take over.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failed {
    purpose: Purpose,
    reply: Reply,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Guard {
    /// The number of logins that failed or may have, since the last success.
    failed: u32,
    /// The number of them since the caller last allowed more.
    spent: u32,
    /// True if more were allowed by name, even the one that could lock the user
    /// name.
    by_name: bool,
    blocked: Option<Blocked>,
    /// The reset because of which the password is in doubt; so it is because of each
    /// later one.
    in_doubt_since: Option<usize>,
    /// The last failure that spoke against the password: which operation, when,
    /// and the status of the refusal.
    last: Option<(OperationKind, Timestamp, Option<u16>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blocked {
    Wrong,
    InDoubt,
    Awaiting,
}

#[derive(Clone, Debug)]
struct Delay {
    stretch: Stretch,
    is_cooldown: bool,
}

/// One call, as its driver and its caller see it.
#[derive(Clone, Debug)]
struct Caller {
    wish: Wish,
    deadline: Option<Timestamp>,
    /// Its own request that is on its way.
    in_flight: Option<InFlight>,
    /// The last operation that it began.
    began: Option<usize>,
    /// The last of them that brought a token: it may use that, however short its life.
    own: Option<usize>,
    /// The logout or reset that it began and waits for.
    operating: Option<usize>,
    /// The time for which it waits for that.
    patience: Option<Stretch>,
    /// The operation that it was last seen to wait for, in need of a token.
    waits_for: Option<usize>,
    bearer_faults: u32,
    session_refusals: u32,
    failures: u32,
    backoff: Option<Stretch>,
    /// The least certain outcome of its own requests.
    outcome: Outcome,
    /// The outcome of the last failure that it retries after.
    last: Outcome,
    /// True if it has sent a reset whose new password is lost.
    in_doubt: bool,
    end: Option<End>,
    over: bool,
}

/// The end that a call must come to, once that is clear.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Well(Option<String>),
    /// With this failure, perhaps of what it needed first.
    Badly(Failed, Option<OperationKind>),
}

/// A call's own request that nothing has been heard of.
#[derive(Clone, Debug)]
struct InFlight {
    carries: Tokens,
    patience: Stretch,
}

/// The tokens on a request.
#[derive(Clone, Copy, Debug)]
struct Tokens {
    sent: Timestamp,
    /// True if it carries a bearer token, and that is still the one that is held.
    bearer: bool,
    session: bool,
}

/// The result of an operation, and what the laws take it for.
struct Finished<'a> {
    now: Timestamp,
    which: usize,
    carries: Tokens,
    newest: bool,
    /// True if another result came before.
    again: bool,
    failed: Failed,
    meaning: Meaning,
    /// The token or password that it brings, if it brings one.
    token: &'a str,
    events: &'a [Event],
}

/// The meaning of a reply, as far as the laws tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Yes,
    Invalid,
    BearerFault,
    SessionRefused,
    No,
    Throttled,
    NotSent,
    /// An unknown outcome; it may go better a little later.
    Unknown,
    /// An unknown outcome, and it will not go better.
    Elsewhere,
}

impl Meaning {
    fn of(purpose: Purpose, reply: Reply) -> Self {
        use Reply::{
            BearerFault, Brief, Empty, Fine, Invalid, InvalidClient, Lost, Moved, NotSent, Outage,
            OutageFor, Repeated, SessionRefused, Throttled, ThrottledFor, Unclear, Undated,
            WrongAndThrottled, WrongCredentials,
        };
        let with_session = !purpose.gets_token();
        match reply {
            Fine | Brief | Undated | Repeated => Self::Yes,
            Invalid if purpose == Purpose::Work => Self::Yes,
            Empty if matches!(purpose, Purpose::Work | Purpose::LogOut) => Self::Yes,
            Invalid | Empty => Self::Invalid,
            BearerFault if purpose != Purpose::TokenFetch => Self::BearerFault,
            SessionRefused if with_session => Self::SessionRefused,
            Moved if with_session => Self::Elsewhere,
            BearerFault | SessionRefused | Moved | WrongCredentials | Unclear | InvalidClient => {
                Self::No
            }
            WrongAndThrottled | Throttled | ThrottledFor(_) => Self::Throttled,
            Outage | OutageFor(_) | Lost => Self::Unknown,
            NotSent => Self::NotSent,
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::NotSent => Outcome::NeverSent,
            Self::Invalid | Self::Unknown | Self::Elsewhere => Outcome::Unknown,
            _ => Outcome::Refused,
        }
    }

    fn leaves_unknown(self) -> bool {
        self.outcome() == Outcome::Unknown
    }
}

impl Failed {
    const fn new(purpose: Purpose, reply: Reply) -> Self {
        Self { purpose, reply }
    }

    fn meaning(self) -> Meaning {
        Meaning::of(self.purpose, self.reply)
    }

    /// Returns true if a token fetch or login that failed so may succeed a little
    /// later.
    fn may_pass(self) -> bool {
        use Meaning::{Invalid, NotSent, Throttled, Unknown};
        let blocks = self.purpose == Purpose::LogIn && self.reply.names_credentials();
        matches!(self.meaning(), Invalid | NotSent | Throttled | Unknown) && !blocks
    }

    /// The status of the refusal, if it is one.
    fn refusal(self) -> Option<u16> {
        self.reply.status().filter(|status| *status != 200)
    }

    /// Returns true if the error says so: with the response's status, or what is
    /// known of the request.
    fn is_said_by(self, error: &Error) -> bool {
        let status = error.status().map(|status| status.as_u16());
        let left = error.transport().map(TransportError::may_have_left);
        let expected = match self.reply {
            Reply::Lost => Some(true),
            Reply::NotSent => Some(false),
            _ => None,
        };
        status == self.reply.status() && left == expected
    }
}

/// A law holds, or the test fails in its name.
#[track_caller]
fn law(number: u8, holds: bool, what: impl Display) {
    assert!(holds, "law {number}: {what}");
}

/// The acts of the caller and the drivers.
impl Model {
    pub fn new(settings: Settings, credentials: Credentials) -> Self {
        Self {
            settings,
            credentials,
            bearer: None,
            open: None,
            operations: Vec::new(),
            in_progress: None,
            settled: None,
            ended: VecDeque::new(),
            last_failed: None,
            new_password: None,
            guard: Guard::default(),
            short_lived: (0, 0),
            failures: 0,
            delay: None,
            calls: Vec::new(),
        }
    }

    pub fn wants(&mut self, wish: Wish, deadline: Option<Timestamp>) {
        self.calls.push(Caller {
            wish,
            deadline,
            in_flight: None,
            began: None,
            own: None,
            operating: None,
            patience: None,
            waits_for: None,
            bearer_faults: 0,
            session_refusals: 0,
            failures: 0,
            backoff: None,
            outcome: Outcome::NeverSent,
            last: Outcome::NeverSent,
            in_doubt: false,
            end: None,
            over: false,
        });
    }

    /// The clock says this now: if it was set back, no wait becomes longer.
    pub fn sees(&mut self, now: Timestamp) {
        let calls = self.calls.iter_mut().flat_map(|call| {
            let patience = call.in_flight.as_mut().map(|sent| &mut sent.patience);
            let own = call.backoff.iter_mut().chain(&mut call.patience);
            own.chain(patience)
        });
        let lease = self.in_progress.as_mut().map(|(_, lease)| lease);
        let delay = self.delay.as_mut().map(|delay| &mut delay.stretch);
        for stretch in calls.chain(lease).chain(delay) {
            stretch.lowest = stretch.lowest.min(now);
        }
    }

    pub fn unblocks(&mut self) {
        // A login that is in progress stays counted.
        self.decides();
        self.guard.spent = u32::from(self.is_in_progress(Purpose::LogIn));
        self.guard.by_name = true;
    }

    /// Other credentials are given, of the same application and user.
    pub fn gives(&mut self, new: &Credentials) {
        let old = std::mem::replace(&mut self.credentials, new.clone());
        if old == *new {
            return;
        }
        if old.app != new.app {
            self.drop_bearer();
        }
        if old.user != new.user {
            self.decides();
        }
        // A reset that is in progress decides on the password, whoever gave one meanwhile.
        if !self.is_in_progress(Purpose::Reset) {
            self.operations.iter_mut().for_each(|it| it.newest = false);
        }
    }

    /// Returns true if the new password of this reset may be confirmed: the
    /// password is in doubt because of it, and nobody has decided since.
    pub fn awaits(&self, reset: usize) -> bool {
        self.guard
            .in_doubt_since
            .is_some_and(|first| first <= reset)
    }

    /// A new password that is awaited is confirmed.
    pub fn confirms(&mut self, new: &Password) {
        self.credentials.user = self.credentials.user.with_password(new.clone());
        self.new_password = None;
        // The service has shown which password is right.
        self.decides();
        self.guard.by_name = true;
    }

    /// Whoever may opens the guard: as many logins again may fail.
    fn decides(&mut self) {
        self.guard.spent = 0;
        self.guard.by_name = false;
        self.guard.blocked = None;
        self.guard.in_doubt_since = None;
    }

    /// The call is dropped, or its driver has died: nothing happens to an
    /// operation that it began.
    pub fn drops(&mut self, who: usize) {
        self.calls[who].over = true;
        self.calls[who].in_flight = None;
    }

    /// Nothing will ever be heard of this operation, and nobody says so: it keeps
    /// the others waiting until its lease expires.
    pub fn loses_sight_of(&mut self, which: usize) {
        self.operations[which].gone = true;
    }

    /// A driver gives an operation up. Returns true if it was in progress.
    pub fn abandons(&mut self, now: Timestamp, which: usize) -> bool {
        let given_up = self.in_progress.take_if(|(current, _)| *current == which);
        if given_up.is_some() {
            self.loses(now, which);
        }
        given_up.is_some()
    }

    /// The session continues with what a store has saved.
    pub fn reloads(&mut self, session: &Session) {
        if let (Some(open), Some(saved)) = (&mut self.open, session.last_used()) {
            let lag = open.used.since(saved);
            law(
                11,
                saved <= open.used && lag < USE_GRAIN,
                "the store forgot a use",
            );
            open.used = saved;
        }
    }

    /// The session was built from what a store has saved: what only the process
    /// knew is gone.
    pub fn restarts(&mut self, session: &Session) {
        self.reloads(session);
        self.new_password = None;
        self.ended.clear();
        self.operations.iter_mut().for_each(|it| it.end = None);
    }

    /// Returns true if a call has not looked yet at the end of the operation that it
    /// waited for.
    pub fn has_news(&self, who: usize) -> bool {
        let Caller {
            operating,
            waits_for,
            ..
        } = self.calls[who];
        let which = operating.or(waits_for);
        which.is_some_and(|which| !self.is_current(which))
    }

    /// Returns true if a call has not looked yet at what only its process knows of
    /// the end of an operation. (Of the last token fetch or login that failed, a
    /// snapshot knows all but the body of the response.)
    pub fn has_news_of_its_process(&self, who: usize) -> bool {
        let call = &self.calls[who];
        let Some(which) = call.operating.or(call.waits_for) else {
            return false;
        };
        match &self.operations[which].end {
            None => false,
            Some(Ended::Well(_)) => true,
            Some(Ended::Lost) => call.began == Some(which),
            // A call that times out says how its own login ended.
            Some(Ended::Failed(_)) if call.wish == Wish::LogIn && call.deadline.is_some() => true,
            Some(Ended::Failed(failed)) => {
                !failed.purpose.gets_token() || self.last_failed != Some((which, *failed))
            }
        }
    }
}

/// The results that come back.
impl Model {
    /// The result of the call's own request.
    pub fn receives(&mut self, now: Timestamp, who: usize, reply: Reply, events: &[Event]) {
        let Some(InFlight { carries, .. }) = self.calls[who].in_flight.take() else {
            return;
        };
        let failed = Failed::new(Purpose::Work, reply);
        self.judge_tokens(now, carries, failed, events);
        if failed.meaning() == Meaning::Yes {
            self.calls[who].end = Some(End::Well(None));
        } else {
            self.attempt_failed(now, who, failed);
        }
    }

    /// The result of an operation, whoever brings it, and whether the call that
    /// began it still waits or not.
    pub fn finishes(
        &mut self,
        now: Timestamp,
        which: usize,
        (reply, token): (Reply, &str),
        events: &[Event],
    ) {
        self.in_progress.take_if(|(current, _)| *current == which);
        let operation = &mut self.operations[which];
        let again = std::mem::replace(&mut operation.arrived, true);
        if operation.newest {
            self.settled = Some(which);
        }
        let failed = Failed::new(operation.purpose, reply);
        let finished = Finished {
            now,
            which,
            carries: operation.carries,
            newest: operation.newest,
            again,
            failed,
            meaning: failed.meaning(),
            token,
            events,
        };
        if operation.purpose == Purpose::LogIn {
            operation.judged = match finished.meaning {
                Meaning::Yes => Judged::Succeeded,
                Meaning::BearerFault | Meaning::NotSent => Judged::Not,
                _ => Judged::Failed,
            };
        }
        let succeeded = finished.meaning == Meaning::Yes;
        match operation.purpose {
            // The result of one that is not the newest changes nothing (law 7).
            Purpose::TokenFetch | Purpose::LogIn if !finished.newest => {}
            Purpose::TokenFetch if succeeded => self.fetched(&finished),
            Purpose::LogIn if succeeded => self.logged_in(&finished),
            Purpose::TokenFetch => self.token_not_got(&finished),
            Purpose::LogIn => self.login_failed(&finished),
            Purpose::LogOut | Purpose::Reset => self.session_call_finished(&finished),
            Purpose::Work => unreachable!("it is a call's own"),
        }
    }

    /// Returns true if another result of an operation has an effect: a new password
    /// is not lost that comes after all. `None` if that depends on when it comes.
    pub fn takes_again(&self, which: usize, reply: Reply) -> Option<bool> {
        let Operation { purpose, end, .. } = &self.operations[which];
        let brings_password = *purpose == Purpose::Reset && reply.is_good();
        let has_failed = matches!(end, Some(Ended::Failed(_)));
        let is_settled = purpose.gets_token() || self.settled == Some(which);
        is_settled.then_some(brings_password && has_failed)
    }

    fn fetched(&mut self, finished: &Finished) {
        let renew_at = find(finished.events, |event| match event {
            Event::BearerFetched { renew_at, .. } => Some(*renew_at),
            _ => None,
        });
        law(
            7,
            renew_at.is_some(),
            "a bearer token is fetched and not taken",
        );
        let renew_at = renew_at.unwrap();
        let (sent, lives) = (finished.carries.sent, finished.failed.reply.lifetime());
        let soonest = sent + lives.saturating_sub(self.settings.clock_skew);
        let latest = (sent + lives).max(finished.now + Duration::from_secs(1));
        let in_time = (soonest..=latest).contains(&renew_at) && renew_at > finished.now;
        law(5, in_time, "when a bearer token is renewed");

        self.drop_bearer();
        self.bearer = Some(Bearer {
            token: finished.token.to_owned(),
            renew_at,
            of: finished.which,
        });
        self.recovered();
    }

    fn logged_in(&mut self, finished: &Finished) {
        self.drop_session();
        self.open = Some(Open {
            token: finished.token.to_owned(),
            since: finished.carries.sent,
            used: finished.carries.sent,
            of: finished.which,
        });
        self.guard = Guard::default();
        self.recovered();
    }

    fn recovered(&mut self) {
        self.failures = 0;
        // What failed before is of no use to those who have not looked.
        for (which, operation) in self.operations.iter_mut().enumerate() {
            if operation.purpose.gets_token() && operation.end.take().is_some() {
                self.ended.retain(|ended| *ended != which);
            }
        }
        // The cooldown is about sessions that are refused, not about operations that fail
        // (law 5).
        self.delay.take_if(|delay| !delay.is_cooldown);
    }

    fn login_failed(&mut self, finished: &Finished) {
        let Finished {
            now,
            failed,
            meaning,
            ..
        } = *finished;
        // Refunded only on proof that it was not judged (law 2), and a bearer fault is one
        // (law 4).
        if matches!(meaning, Meaning::BearerFault | Meaning::NotSent) {
            self.guard.failed = self.guard.failed.saturating_sub(1);
            self.guard.spent = self.guard.spent.saturating_sub(1);
        } else {
            self.speaks_against(now, failed);
        }
        // A response to an old token leaves the newer one alone (law 7).
        if meaning == Meaning::BearerFault && self.operations[finished.which].carries.bearer {
            self.drop_bearer();
        }
        if failed.reply.names_credentials() {
            self.blocks(finished.which, Blocked::Wrong);
        }
        self.token_not_got(finished);
    }

    fn speaks_against(&mut self, now: Timestamp, failed: Failed) {
        let kind = failed.purpose.kind().unwrap();
        self.guard.last = Some((kind, now, failed.refusal()));
    }

    /// A token fetch or login failed: the session backs off, and those who wait for
    /// it learn of it when they look.
    fn token_not_got(&mut self, finished: &Finished) {
        let Finished { which, failed, .. } = *finished;
        if failed.may_pass() {
            self.failures += 1;
            let longest = LONGEST_REQUESTED_BACKOFF;
            let (least, most) = self.backoff(self.failures, failed.reply);
            self.backs_off(finished, least.min(longest)..=most.min(longest));
        }
        self.last_failed = Some((which, failed));
        self.ends(which, Ended::Failed(failed));
    }

    /// Only the last results are held.
    fn ends(&mut self, which: usize, end: Ended) {
        self.operations[which].end = Some(end);
        self.ended.push_back(which);
        if self.ended.len() > HELD_RESULTS {
            let oldest = self.ended.pop_front();
            let oldest = oldest.filter(|oldest| !self.ended.contains(oldest));
            if let Some(oldest) = oldest {
                self.operations[oldest].end = None;
            }
        }
    }

    fn backs_off(&mut self, finished: &Finished, length: RangeInclusive<Duration>) {
        let until = find(finished.events, |event| match event {
            Event::BackingOff { until, .. } => Some(*until),
            _ => None,
        });
        if let Some(until) = until {
            let rest = until.since(finished.now);
            law(12, length.contains(&rest), "how long a backoff is");
            self.delay = Some(Delay {
                stretch: Stretch::new(finished.now, rest),
                is_cooldown: false,
            });
        } else {
            let delay = self.delay.as_ref().map(|delay| delay.stretch.end());
            let longer = delay >= Some(finished.now + *length.start());
            law(5, longer, "an operation failed, and nobody backs off");
        }
    }

    /// The shortest and the longest backoff after so many failures in a row.
    fn backoff(&self, failures: u32, reply: Reply) -> (Duration, Duration) {
        let Settings {
            first_backoff,
            longest_backoff,
            ..
        } = self.settings;
        if let Some(requested) = reply.requested_backoff() {
            return (requested, requested + first_backoff);
        }
        let full = first_backoff * (1 << (failures - 1).min(16));
        let full = full.min(longest_backoff);
        // The machine counts whole milliseconds.
        let whole = u64::try_from(full.as_millis()).unwrap();
        (Duration::from_millis(whole / 2), full)
    }

    /// The result of a logout or reset, for the session.
    fn session_call_finished(&mut self, finished: &Finished) {
        let Finished {
            now,
            which,
            failed,
            meaning,
            newest,
            token,
            ..
        } = *finished;
        let is_reset = failed.purpose == Purpose::Reset;
        if !finished.again {
            self.judge_tokens(now, finished.carries, failed, finished.events);
        }
        if meaning != Meaning::Yes {
            let blocked = if meaning.leaves_unknown() {
                Some(Blocked::InDoubt)
            } else {
                let is_wrong = failed.reply.names_credentials();
                is_wrong.then_some(Blocked::Wrong)
            };
            if let (true, Some(blocked)) = (is_reset && newest, blocked) {
                self.speaks_against(now, failed);
                self.blocks(which, blocked);
            }
            return self.ends(which, Ended::Failed(failed));
        }
        let brought = if is_reset {
            // The caller has it, even if it is of no use any more (law 8).
            if newest || self.awaits(which) {
                self.blocks(which, Blocked::Awaiting);
                self.new_password = Some(token.to_owned());
            }
            Some(token.to_owned())
        } else {
            let ended = self.open.as_ref().map(|open| open.token.clone());
            ended.filter(|_| finished.carries.session)
        };
        if !is_reset && finished.carries.session {
            self.drop_session();
        }
        self.ends(which, Ended::Well(brought));
    }

    /// Blocks the guard because of a login or reset.
    fn blocks(&mut self, because_of: usize, blocked: Blocked) {
        let before = self.guard.blocked.replace(blocked);
        match blocked {
            Blocked::Wrong => self.guard.in_doubt_since = None,
            // The doubt that a lost reset has left is about another one that is lost, too.
            Blocked::InDoubt if before == Some(Blocked::InDoubt) => {}
            // A new password ends what was awaited of older resets.
            Blocked::InDoubt | Blocked::Awaiting => {
                self.guard.in_doubt_since = Some(because_of);
            }
        }
    }

    /// Nothing was heard of an operation before its lease expired, or its driver
    /// gave it up.
    fn loses(&mut self, now: Timestamp, which: usize) {
        let Operation {
            purpose, newest, ..
        } = self.operations[which];
        let lost = Failed::new(purpose, Reply::Lost);
        if newest && matches!(purpose, Purpose::LogIn | Purpose::Reset) {
            self.speaks_against(now, lost);
        }
        if newest && purpose == Purpose::Reset {
            self.blocks(which, Blocked::InDoubt);
        }
        let end = if purpose.gets_token() {
            Ended::Lost
        } else {
            Ended::Failed(lost)
        };
        self.ends(which, end);
    }

    /// Takes from a response what it says of the tokens that its request carried. One
    /// to an old token leaves the newer one alone (law 7).
    fn judge_tokens(&mut self, now: Timestamp, carries: Tokens, failed: Failed, events: &[Event]) {
        if failed.reply.is_of_the_api() && carries.session {
            self.used(carries.sent);
        }
        match failed.meaning() {
            Meaning::BearerFault if carries.bearer => self.drop_bearer(),
            Meaning::SessionRefused if carries.session => {
                let since = self.open.as_ref().unwrap().since;
                self.drop_session();
                self.session_refused(now, now.since(since), events);
            }
            _ => {}
        }
    }

    fn session_refused(&mut self, now: Timestamp, age: Duration, events: &[Event]) {
        let until = find(events, |event| match event {
            Event::CoolingDown { until, .. } => Some(*until),
            _ => None,
        });
        let (least, most) = self.short_lived;
        self.short_lived = if age < SHORT_LIVED {
            (least + 1, most + 1)
        } else {
            (0, 0)
        };
        let cooldown = |short_lived: u32| {
            let doublings = short_lived.checked_sub(FREE_SHORT_LIVED + 1)?.min(16);
            Some((FIRST_COOLDOWN * (1 << doublings)).min(LONGEST_COOLDOWN))
        };
        let (least, most) = (cooldown(self.short_lived.0), cooldown(self.short_lived.1));
        let Some(until) = until else {
            law(
                5,
                least.is_none(),
                "sessions keep being refused, and logins do not cool down",
            );
            return;
        };
        law(
            5,
            most.is_some(),
            "a cooldown, and sessions do not keep being refused",
        );
        let length = until.since(now);
        let delay = self.delay.as_ref().map(|delay| &delay.stretch);
        let rest = delay.map(|delay| delay.latest(now).since(now));
        let lawful = Some(length) >= least && (Some(length) <= most || Some(length) <= rest);
        law(5, lawful, format_args!("a cooldown of {length:?}"));
        self.delay = Some(Delay {
            stretch: Stretch::new(now, length),
            is_cooldown: true,
        });
    }

    fn used(&mut self, sent: Timestamp) {
        let Some(open) = &mut self.open else { return };
        open.used = open.used.max(sent);
        let age = sent.since(open.since);
        if age >= SHORT_LIVED {
            self.short_lived.0 = 0;
        }
        // The machine need not notice every use.
        if age >= SHORT_LIVED + USE_GRAIN {
            self.short_lived.1 = 0;
        }
    }

    fn drop_bearer(&mut self) {
        self.bearer = None;
        self.carried().for_each(|tokens| tokens.bearer = false);
    }

    fn drop_session(&mut self) {
        self.open = None;
        self.carried().for_each(|tokens| tokens.session = false);
    }

    fn carried(&mut self) -> impl Iterator<Item = &mut Tokens> {
        let own = self.calls.iter_mut();
        let own = own.filter_map(|call| Some(&mut call.in_flight.as_mut()?.carries));
        let operations = self.operations.iter_mut().map(|it| &mut it.carries);
        own.chain(operations)
    }
}

/// The meaning of a request's end for a call.
impl Model {
    /// The call's own request, logout or reset failed: a replay, a retry, or the
    /// end of the call.
    fn attempt_failed(&mut self, now: Timestamp, who: usize, failed: Failed) {
        let meaning = failed.meaning();
        let call = &mut self.calls[who];
        call.waits_for = None;
        // One replay each (laws 4, 5).
        let first = match meaning {
            Meaning::BearerFault => {
                call.bearer_faults += 1;
                call.bearer_faults == 1
            }
            Meaning::SessionRefused => {
                call.session_refusals += 1;
                call.session_refusals == 1
            }
            _ => false,
        };
        call.outcome = call.outcome.max(meaning.outcome());
        if first {
            return;
        }
        call.failures += 1;
        call.in_doubt |= failed.purpose == Purpose::Reset && meaning.leaves_unknown();
        // Law 6.
        let again = match meaning {
            Meaning::Throttled | Meaning::NotSent => call.wish != Wish::Reset,
            Meaning::Unknown => call.wish.is_idempotent(),
            _ => false,
        };
        if !again || call.failures >= self.settings.max_attempts.get() {
            call.end = Some(End::Badly(failed, None));
            return;
        }
        self.calls[who].last = meaning.outcome();
        let (least, most) = self.backoff(self.calls[who].failures, failed.reply);
        self.calls[who].backoff = Some(Stretch {
            most,
            ..Stretch::new(now, least)
        });
    }

    /// The call looks for the end of the logout or reset that it began.
    fn operates(&mut self, now: Timestamp, who: usize) {
        let Some(which) = self.calls[who].operating else {
            return;
        };
        let end = self.operations[which].end.clone();
        if end.is_none() && (self.is_current(which) || !self.has_waited(now, who)) {
            return;
        }
        let call = &mut self.calls[who];
        (call.operating, call.patience) = (None, None);
        match end {
            Some(Ended::Well(brought)) => call.end = Some(End::Well(brought)),
            Some(Ended::Failed(failed)) => self.attempt_failed(now, who, failed),
            // Too many others have ended since.
            Some(Ended::Lost) | None => {
                let lost = Failed::new(self.operations[which].purpose, Reply::Lost);
                self.attempt_failed(now, who, lost);
            }
        }
    }

    /// Returns true if the call has waited long enough for its logout or reset.
    fn has_waited(&self, now: Timestamp, who: usize) -> bool {
        let patience = self.calls[who].patience.as_ref();
        patience.is_none_or(|patience| patience.may_be_over(now))
    }

    /// A call that needs a token takes the failure of the operation that it waited
    /// for as its own, so that a hundred calls do not make one mistake a hundred
    /// times. The one that began it is a waiter like the others; it alone fails
    /// with what its driver lost.
    fn learns(&mut self, now: Timestamp, who: usize) {
        let Caller {
            waits_for,
            began,
            wish,
            ..
        } = self.calls[who];
        let Some(which) = waits_for else { return };
        if self.is_current(which) || !self.needs_token(now, who) {
            return;
        }
        self.calls[who].waits_for = None;
        let purpose = self.operations[which].purpose;
        let failed = match &self.operations[which].end {
            Some(Ended::Failed(failed)) if purpose.gets_token() => Some(*failed),
            Some(Ended::Lost) if began == Some(which) => Some(Failed::new(purpose, Reply::Lost)),
            _ => {
                let later = self.last_failed.filter(|(last, _)| *last >= which);
                later.map(|(_, failed)| failed)
            }
        };
        let Some(failed) = failed else { return };
        let call = &mut self.calls[who];
        // Each who waited spends a replay of its own on it (law 4).
        if failed.meaning() == Meaning::BearerFault {
            call.bearer_faults += 1;
            if call.bearer_faults == 1 {
                return;
            }
        }
        let asked_for = wish == Wish::LogIn && failed.purpose == Purpose::LogIn;
        call.last = Outcome::NeverSent;
        if asked_for {
            call.last = failed.meaning().outcome();
            call.outcome = call.outcome.max(call.last);
        }
        call.failures += 1;
        if !failed.may_pass() || call.failures >= self.settings.max_attempts.get() {
            let needed = failed.purpose.kind().filter(|_| !asked_for);
            call.end = Some(End::Badly(failed, needed));
        }
    }

    /// Returns true if the call has not both tokens to use.
    fn needs_token(&self, now: Timestamp, who: usize) -> bool {
        let own = self.calls[who].own;
        let usable = |bearer: &Bearer| now < bearer.renew_at || Some(bearer.of) == own;
        self.open.is_none() || !self.bearer.as_ref().is_some_and(usable)
    }

    fn is_current(&self, which: usize) -> bool {
        let current = self.in_progress.as_ref();
        current.is_some_and(|(current, _)| *current == which)
    }

    fn is_in_progress(&self, purpose: Purpose) -> bool {
        let current = self.in_progress.as_ref();
        current.is_some_and(|(current, _)| self.operations[*current].purpose == purpose)
    }
}

/// The steps of a call.
impl Model {
    /// Notes what must have happened before the step could say what it says: a silent
    /// driver was given up, a lease expired, an idle session was let go.
    pub fn steps(&mut self, now: Timestamp, who: usize, events: &[Event]) {
        let brought = [
            self.bearer.as_ref().map(|bearer| bearer.of),
            self.open.as_ref().map(|open| open.of),
        ];
        let call = &mut self.calls[who];
        if call.began.is_some() && brought.contains(&call.began) {
            call.own = call.began;
        }
        let backoff = call.backoff.as_mut();
        if let Some(backoff) = backoff.filter(|backoff| backoff.may_be_over(now)) {
            // Once it is over, no clock brings it back.
            backoff.least = Duration::ZERO;
        }
        if let Some(sent) = &call.in_flight {
            law(
                6,
                sent.patience.may_be_over(now),
                "given up before its time",
            );
            self.receives(now, who, Reply::Lost, events);
        }
        for event in events {
            match event {
                Event::LeaseExpired { kind, .. } => self.expires(now, *kind),
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
        self.operates(now, who);
    }

    fn expires(&mut self, now: Timestamp, kind: OperationKind) {
        let over = |(_, lease): &mut (usize, Stretch)| lease.may_be_over(now);
        let expired = self.in_progress.take_if(over);
        law(
            1,
            expired.is_some(),
            format_args!("{kind} is taken for lost before its lease expires"),
        );
        self.loses(now, expired.unwrap().0);
    }

    /// May this be sent now?
    pub fn sends(&mut self, now: Timestamp, who: usize, letter: &Letter) {
        let purpose = letter.purpose;
        if purpose.gets_token() {
            self.learns(now, who);
        }
        self.goes_on(who);
        let call = &self.calls[who];
        let in_time = call.deadline.is_none_or(|deadline| now < deadline);
        law(12, in_time, "sent after the call's deadline");
        let backoff = call.backoff.as_ref();
        let rested = backoff.is_none_or(|backoff| backoff.may_be_over(now));
        law(12, rested, "sent in the middle of a backoff");
        let waits = call.in_flight.is_some() || call.operating.is_some();
        law(6, !waits, "sent while the call waits for another result");
        // An operation has its own full deadline, whatever the call's is.
        let usual = now + self.settings.attempt_timeout;
        let own = call.deadline.filter(|_| purpose == Purpose::Work);
        let deadline = own.map_or(usual, |own| own.min(usual));
        law(12, letter.deadline == deadline, "the request's deadline");

        let ending = self.is_in_progress(Purpose::LogOut);
        law(1, !ending, "sent while the session is being ended");
        if purpose != Purpose::Work {
            law(
                1,
                self.in_progress.is_none(),
                format_args!("{purpose:?} during {:?}", self.in_progress),
            );
        }
        match purpose {
            Purpose::TokenFetch => self.may_fetch(now),
            Purpose::LogIn => self.may_log_in(now),
            Purpose::LogOut | Purpose::Reset | Purpose::Work => {
                let Caller { wish, outcome, .. } = self.calls[who];
                law(6, Some(purpose) == wish.purpose(), "not what was asked for");
                let once = outcome != Outcome::Unknown || wish.is_idempotent();
                law(6, once, "sent again, although it may have been executed");
                law(
                    3,
                    purpose != Purpose::Reset || !self.forbids_resets(),
                    "a reset with a password that was refused or is not confirmed",
                );
            }
        }
        self.may_carry(now, who, letter);

        let lease = Stretch::new(now, deadline.since(now) + GRACE);
        let carries = Tokens {
            sent: now,
            bearer: purpose != Purpose::TokenFetch,
            session: !purpose.gets_token(),
        };
        let which = self.operations.len();
        let call = &mut self.calls[who];
        call.backoff = None;
        call.waits_for = None;
        match purpose {
            Purpose::Work => {
                let patience = lease;
                call.in_flight = Some(InFlight { carries, patience });
                return;
            }
            Purpose::TokenFetch | Purpose::LogIn => call.waits_for = Some(which),
            Purpose::LogOut | Purpose::Reset => {
                call.operating = Some(which);
                call.patience = Some(lease.clone());
            }
        }
        call.began = Some(which);
        self.operations.iter_mut().for_each(|it| it.newest = false);
        self.in_progress = Some((which, lease));
        self.operations.push(Operation {
            purpose,
            carries,
            newest: true,
            arrived: false,
            gone: false,
            judged: if purpose == Purpose::LogIn {
                Judged::Failed
            } else {
                Judged::Not
            },
            end: None,
        });
    }

    fn may_fetch(&self, now: Timestamp) {
        let bearer = self.bearer.as_ref();
        let needed = bearer.is_none_or(|bearer| now >= bearer.renew_at);
        law(5, needed, "a bearer token is fetched that is not needed");
        let of_use = self.open.is_some() || !self.is_blocked();
        law(
            3,
            of_use,
            "a bearer token is fetched for a login that may not be made",
        );
        self.may_begin(now);
    }

    fn may_log_in(&mut self, now: Timestamp) {
        law(5, self.open.is_none(), "a login while a session is open");
        let blocked = self.guard.blocked;
        law(
            3,
            blocked != Some(Blocked::Wrong),
            "a login with refused credentials",
        );
        law(
            8,
            blocked != Some(Blocked::InDoubt),
            "a login with a password in doubt",
        );
        law(
            8,
            blocked != Some(Blocked::Awaiting),
            "a login with a password that was reset",
        );
        law(2, !self.is_blocked(), "more logins failed than may");
        let harmless = self.judged_failed() + 1 < u32::from(PLATFORM_LOCKS_AT);
        law(
            2,
            harmless || self.guard.by_name,
            "the service may lock the user name",
        );
        self.may_begin(now);
        self.guard.failed += 1;
        self.guard.spent += 1;
    }

    /// The number of failed logins in a row, as the service may count them.
    fn judged_failed(&self) -> u32 {
        let judged = self.operations.iter().rev().map(|it| it.judged);
        let since = judged.take_while(|judged| *judged != Judged::Succeeded);
        let failed = since.filter(|judged| *judged == Judged::Failed);
        u32::try_from(failed.count()).unwrap()
    }

    fn may_begin(&self, now: Timestamp) {
        let delay = self.delay.as_ref();
        let rested = delay.is_none_or(|delay| delay.stretch.may_be_over(now));
        law(
            5,
            rested,
            "a token fetch or login in the middle of a backoff or cooldown",
        );
    }

    /// May it carry this, and go there?
    fn may_carry(&self, now: Timestamp, who: usize, letter: &Letter) {
        let base = "https://mock.thingspace.verizon.com/api/";
        law(9, letter.to.starts_with(base), &letter.to);
        let Credentials { app, user } = &self.credentials;
        let [name, password] = [user.username(), user.password().expose()];
        let body = match letter.purpose {
            Purpose::TokenFetch => "grant_type=client_credentials".to_owned(),
            Purpose::LogIn => format!(r#"{{"username":"{name}","password":"{password}"}}"#),
            Purpose::Reset => format!(r#"{{"oldPassword":"{password}"}}"#),
            Purpose::LogOut | Purpose::Work => String::new(),
        };
        law(
            8,
            letter.body == body,
            format_args!("the credentials in {}", letter.body),
        );
        if letter.purpose == Purpose::TokenFetch {
            law(
                9,
                letter.authorization == app.authorization(),
                "the application's authorization",
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
        let usable = |bearer: &Bearer| now < bearer.renew_at || call.own == Some(bearer.of);
        law(5, bearer.is_some_and(usable), "a stale bearer token");
        if letter.purpose == Purpose::LogIn {
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
        let usable = idle < Some(self.settings.idle_timeout);
        let opened = held.is_some_and(|open| call.own == Some(open.of));
        law(
            5,
            usable || opened,
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
        let delay = |is_cooldown: bool| {
            let delay = self.delay.as_ref();
            let delay = delay.filter(|delay| delay.is_cooldown == is_cooldown);
            delay.map(|delay| &delay.stretch)
        };
        let lawful = match wait.reason {
            WaitReason::Response => {
                let sent = call.in_flight.as_ref();
                sent.is_some_and(|sent| may_last(&sent.patience))
            }
            WaitReason::Operation(kind) if call.operating.is_some() => {
                call.wish.purpose().and_then(Purpose::kind) == Some(kind)
                    && call.patience.as_ref().is_some_and(may_last)
            }
            WaitReason::Operation(kind) => {
                let current = self.in_progress.as_ref();
                current.is_some_and(|(which, lease)| {
                    self.operations[*which].purpose.kind() == Some(kind) && may_last(lease)
                })
            }
            WaitReason::Backoff => {
                let backoffs = call.backoff.iter().chain(delay(false));
                backoffs.into_iter().any(may_last)
            }
            WaitReason::Cooldown => delay(true).is_some_and(may_last),
            _ => false,
        };
        law(
            12,
            lawful,
            format_args!("nothing is there to wait for: {wait:?}"),
        );
        if wait.reason == WaitReason::Response {
            return;
        }
        self.looks(now, who, wait.reason);
        self.goes_on(who);
        let call = &self.calls[who];
        let in_time = call.deadline.is_none_or(|deadline| wait.until <= deadline);
        law(12, in_time, "a wait beyond the call's deadline");
        let for_operation = matches!(wait.reason, WaitReason::Operation(_));
        let longest = self.settings.longest_wait + self.settings.first_backoff;
        let short = wait.until.since(now) <= longest;
        law(12, short || for_operation, "a long wait for the service");
    }

    /// Before a call waits for something else, it looks at what came of the
    /// operation that it waited for.
    fn looks(&mut self, now: Timestamp, who: usize, reason: WaitReason) {
        if !matches!(reason, WaitReason::Operation(_)) {
            return self.learns(now, who);
        }
        if self.calls[who].operating.is_some() {
            return;
        }
        let current = self.in_progress.as_ref().map(|(which, _)| *which);
        self.calls[who].backoff = None;
        // Whatever a call needs, it waits for a logout first.
        if !self.is_in_progress(Purpose::LogOut) && self.needs_token(now, who) {
            self.learns(now, who);
            self.calls[who].waits_for = current;
        }
    }

    /// A call that knows how it ends does not go on.
    fn goes_on(&self, who: usize) {
        let Caller { over, end, .. } = &self.calls[who];
        law(
            12,
            !over && end.is_none(),
            format_args!("a call goes on that has its result: {end:?}"),
        );
    }

    /// May the call succeed with this?
    pub fn succeeds(&mut self, who: usize, result: Option<&str>) {
        let open = self.open.as_ref().map(|open| open.token.as_str());
        let call = &mut self.calls[who];
        call.over = true;
        let lawful = match (call.wish, call.end.take()) {
            (Wish::LogIn, None) => open.is_some() && result == open,
            (Wish::LogOut, None) => open.is_none() && result.is_none(),
            (_, Some(End::Well(brought))) => result == brought.as_deref(),
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
        let timed_out = error.is_timed_out();
        if !timed_out && self.calls[who].end.is_none() {
            self.learns(now, who);
        }
        let blocked = self.is_blocked() && self.open.is_none();
        let delay = self.delay.as_ref().map(|delay| &delay.stretch);
        let call = &self.calls[who];
        let too_long = |stretch: &Stretch| {
            let latest = stretch.latest(now);
            let too_late = call.deadline.is_some_and(|deadline| latest >= deadline);
            too_late || latest.since(now) > self.settings.longest_wait
        };
        let lawful = match &call.end {
            Some(End::Badly(failed, needed)) => {
                failed.is_said_by(error) && error.prerequisite() == *needed
            }
            Some(End::Well(_)) => false,
            None if timed_out => call.deadline.is_some_and(|deadline| now >= deadline),
            None => {
                let forbidden = call.wish == Wish::Reset && self.forbids_resets();
                let is_blocked = matches!(error.kind(), ErrorKind::Blocked { .. });
                (is_blocked && (blocked || forbidden))
                    || call.backoff.iter().chain(delay).any(too_long)
            }
        };
        law(
            12,
            lawful && !call.over,
            format_args!("it must end with {:?}: {error:?}", call.end),
        );

        // An earlier attempt counts if it may have been executed, or if the end says
        // nothing itself.
        let outcome = if timed_out {
            call.outcome.max(self.outcome_at_timeout(who))
        } else if call.outcome == Outcome::Unknown {
            Outcome::Unknown
        } else {
            self.outcome_of(who, error)
        };
        law(
            6,
            error.outcome() == outcome,
            format_args!("its outcome is {outcome:?}: {error:?}"),
        );
        law(
            8,
            error.is_password_in_doubt() == call.in_doubt,
            format_args!("what is said of the password: {error:?}"),
        );
        let call = &mut self.calls[who];
        call.over = true;
        call.end = None;
    }

    /// The outcome of a call's last attempt, if it ends so.
    fn outcome_of(&self, who: usize, error: &Error) -> Outcome {
        use ErrorKind::{BackingOff, Blocked, CoolingDown};
        let call = &self.calls[who];
        match &call.end {
            Some(End::Badly(failed, None)) => failed.meaning().outcome(),
            Some(_) => Outcome::NeverSent,
            None => match error.kind() {
                Blocked { .. } | CoolingDown { .. } | BackingOff { .. } => Outcome::NeverSent,
                _ => call.last,
            },
        }
    }

    /// The outcome of what a call asks for that was sent and that it has not learned
    /// of: the operation goes on without it.
    fn outcome_at_timeout(&self, who: usize) -> Outcome {
        let call = &self.calls[who];
        let waits_for = call.operating.or(call.waits_for);
        let asked_for = match call.wish {
            Wish::LogIn => Some(Purpose::LogIn),
            wish => wish.purpose(),
        };
        let sent = waits_for.filter(|which| call.began == Some(*which));
        let sent = sent.map(|which| &self.operations[which]);
        match sent.filter(|sent| Some(sent.purpose) == asked_for) {
            None => Outcome::NeverSent,
            Some(Operation {
                end: Some(Ended::Failed(failed)),
                ..
            }) => failed.meaning().outcome(),
            Some(_) => Outcome::Unknown,
        }
    }

    fn is_blocked(&self) -> bool {
        self.guard.blocked.is_some() || self.logins_left() == 0
    }

    /// A reset may clear up the doubt that another one has left, and no more.
    fn forbids_resets(&self) -> bool {
        self.is_blocked() && self.guard.blocked != Some(Blocked::InDoubt)
    }

    fn logins_left(&self) -> u32 {
        let max = u32::from(self.settings.max_failed_logins.number());
        let left = max.saturating_sub(self.guard.spent);
        if self.guard.by_name {
            return left;
        }
        left.min(u32::from(PLATFORM_LOCKS_AT - 1).saturating_sub(self.guard.failed))
    }
}

/// The state that it must be in now.
impl Model {
    pub fn agrees(&self, session: &Session) {
        let guard = session.login_guard();
        let reason = match &guard.blocked {
            Some(BlockReason::WrongCredentials { .. }) => Some(Blocked::Wrong),
            Some(BlockReason::PasswordInDoubt) => Some(Blocked::InDoubt),
            Some(BlockReason::AwaitingConfirmation) => Some(Blocked::Awaiting),
            _ => None,
        };
        let wrong = [reason, self.guard.blocked].contains(&Some(Blocked::Wrong));
        let number = if wrong { 3 } else { 8 };
        law(
            number,
            reason == self.guard.blocked,
            format_args!("why the guard is blocked: {guard:?}"),
        );
        let left = if self.is_blocked() {
            0
        } else {
            self.logins_left()
        };
        law(
            2,
            guard.blocked.is_some() == self.is_blocked(),
            format_args!("the guard: {guard:?}"),
        );
        law(
            2,
            guard.attempts_left == left,
            format_args!("attempts left: {guard:?}"),
        );
        let failed = self.guard.failed;
        law(
            2,
            guard.failed_logins == failed,
            format_args!("{failed} failed: {guard:?}"),
        );
        let last = guard.last_failure.as_ref().map(|failure| {
            let status = failure.status().map(|status| status.as_u16());
            (failure.operation(), failure.at(), status)
        });
        let expected = self.guard.last;
        let expected = expected.map(|(kind, at, status)| (Some(kind), at, status));
        law(
            16,
            last == expected,
            format_args!("the last failure is {expected:?}: {guard:?}"),
        );

        let current = self.in_progress.as_ref();
        let kind = current.and_then(|(current, _)| self.operations[*current].purpose.kind());
        law(1, session.operation() == kind, "what is in progress");
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
        let new = session.new_password().map(|new| new.password().expose());
        law(
            8,
            new == self.new_password.as_deref(),
            "the new password that came",
        );
    }

    /// The moments at which something changes by itself.
    pub fn instants(&self) -> impl Iterator<Item = Timestamp> {
        let calls = self.calls.iter().filter(|call| !call.over);
        let calls = calls.flat_map(|call| {
            let patience = call.in_flight.as_ref().map(|sent| sent.patience.end());
            let backoff = call.backoff.as_ref().map(Stretch::end);
            [patience, backoff, call.deadline]
        });
        let open = self.open.as_ref();
        let instants = [
            self.in_progress.as_ref().map(|(_, lease)| lease.end()),
            self.delay.as_ref().map(|delay| delay.stretch.end()),
            self.bearer.as_ref().map(|bearer| bearer.renew_at),
            open.map(|open| open.used + self.settings.idle_timeout),
            open.map(|open| open.since + SHORT_LIVED),
        ];
        instants.into_iter().chain(calls).flatten()
    }

    /// All that it knows, but for what never changes, what the session shows, calls
    /// that are over and operations of which nothing more can be heard.
    pub fn show(&self) -> String {
        let Guard {
            failed,
            spent,
            by_name,
            blocked,
            in_doubt_since: _,
            last: _,
        } = &self.guard;
        let lease = self.in_progress.as_ref().map(|(_, lease)| lease);
        let mut text = format!(
            "{failed} {spent} {by_name} {blocked:?} {:?} {} {:?} {lease:?} {:?} {}",
            self.short_lived,
            self.failures,
            self.delay,
            self.new_password,
            self.judged_failed(),
        );
        let deliverable = |it: &&Operation| !it.arrived && !it.gone;
        for operation in self.operations.iter().filter(deliverable) {
            let Operation {
                purpose,
                carries,
                newest,
                judged,
                ..
            } = operation;
            write!(text, "{purpose:?}{carries:?}{newest}{judged:?}").unwrap();
        }
        for call in self.calls.iter().filter(|call| !call.over) {
            let seen = |which: Option<usize>| {
                let which = which?;
                let began = call.began == Some(which);
                Some((self.is_current(which), began, &self.operations[which].end))
            };
            let Caller {
                wish,
                deadline,
                in_flight,
                bearer_faults,
                session_refusals,
                failures,
                backoff,
                outcome,
                last,
                patience,
                in_doubt,
                end,
                ..
            } = call;
            write!(
                text,
                "{wish:?} {deadline:?} {in_flight:?} {:?} {:?} {bearer_faults} {session_refusals} {failures} {backoff:?} {patience:?} {outcome:?} {last:?} {in_doubt} {end:?}",
                seen(call.operating),
                seen(call.waits_for),
            )
            .unwrap();
        }
        text
    }
}

/// The first event of a kind.
fn find<R>(events: &[Event], is: impl Fn(&Event) -> Option<R>) -> Option<R> {
    events.iter().find_map(is)
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

    /// The earliest end: a clock that is set back may make it end earlier.
    fn shortest(&self) -> Timestamp {
        self.lowest + self.least
    }

    fn may_be_over(&self, now: Timestamp) -> bool {
        now >= self.shortest()
    }

    /// The latest end: no clock prolongs it.
    fn latest(&self, now: Timestamp) -> Timestamp {
        self.end().min(now + self.most)
    }

    fn end(&self) -> Timestamp {
        self.from + self.most
    }
}
