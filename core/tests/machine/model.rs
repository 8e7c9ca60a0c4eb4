//! The demands of the laws, as naive as they can be said.
//!
//! The model knows nothing of the machine's inside. It hears what a person
//! beside the wire and beside the caller would hear: the requests that go out,
//! the responses that come in, what the caller does and what is waited for. It
//! says of each whether the laws allow it, and how the session must look after
//! it. Where chance decides (jitter) or a store may lag behind, it says within
//! what bounds.
//!
//! It also counts failed logins as the service does: by what was sent, and by the
//! time that has truly passed.

use std::{collections::VecDeque, fmt::Display, fmt::Write, ops::RangeInclusive, time::Duration};

use thingspace_core::{
    BearerToken, Credentials, Error, ErrorKind, Outcome, Password, Session, SessionToken,
    Timestamp, TransportError,
    session::{
        BlockReason, Event, Failure, LONGEST_REQUESTED_BACKOFF, OperationKind, PLATFORM_LOCKS_AT,
        Settings, Wait, WaitReason,
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

/// One short-lived session is forgotten with each of these since the last one.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The time for which 401s that name nothing open no further login.
const UNNAMED_PAUSE: Duration = Duration::from_secs(30 * 60);

/// The time between two token fetches because of such 401s.
const UNNAMED_INTERVAL: Duration = Duration::from_secs(60);

/// The number of logins and resets that count at most, unless somebody unblocks.
const MOST_FAILED: u32 = 4;

/// The time between a login that counts and the next with the same password.
const LOGIN_INTERVAL: Duration = Duration::from_secs(30);

/// The time between one that was certainly not judged and the next.
const UNJUDGED_INTERVAL: Duration = Duration::from_secs(1);

/// The time before the first probe, and before the one after it.
const FIRST_PROBE: Duration = Duration::from_secs(30 * 60);
const NEXT_PROBE: Duration = Duration::from_secs(2 * 60 * 60);

/// The pause after a first service check, and the longest.
const FIRST_CHECK_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_CHECK_PAUSE: Duration = Duration::from_secs(10 * 60);

/// The time for which a service that responded is believed to be well.
const BELIEVED: Duration = Duration::from_secs(30);

/// The number of passwords that are remembered as refused.
const REMEMBERED: usize = 8;

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
    /// When the last session was refused.
    died: Option<Stretch>,
    /// Since a 401 that names nothing was a request's own.
    unnamed: Option<Stretch>,
    /// Since a bearer token was ended because of such a 401.
    suspected: Option<Stretch>,
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

/// A token fetch, login, logout, reset or service check: only one may be in
/// progress. It is the session's, not the call's that began it.
#[derive(Clone, Debug)]
struct Operation {
    purpose: Purpose,
    carries: Tokens,
    /// The password in use when it began.
    password: String,
    /// The time that had truly passed when it began.
    elapsed: Duration,
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

/// The judgement of the service on a login or reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// It failed, or nobody knows.
    Failed,
    /// There is proof that it was not judged; or a reset succeeded; or it is neither.
    Not,
    /// A login succeeded.
    Succeeded,
}

/// The proof that the result of a login or reset gives, by the guard's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    NotJudged,
    Unknown,
    Judged,
    CantBeSent,
    Wrong,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ended {
    /// A logout or reset succeeded, with this token or password.
    Well(Option<String>),
    Failed(Failed),
    /// A token fetch or login was lost: others take over. Or a service check ended.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failed {
    purpose: Purpose,
    reply: Reply,
}

#[derive(Clone, Debug, Default)]
struct Guard {
    /// The logins and resets since the last success that failed, or may have.
    counted: Vec<Counted>,
    /// The passwords that were refused last.
    refused: VecDeque<Refused>,
    /// The resets that leave the password in doubt.
    doubts: Vec<Doubt>,
    unblocked: Option<Unblocked>,
    checks: Checks,
    /// The last failure that spoke against a password.
    last: Option<Said>,
}

/// A login or reset that counts.
#[derive(Clone, Debug)]
struct Counted {
    which: usize,
    password: String,
    verdict: Verdict,
    /// When it began, or failed.
    at: Stretch,
}

#[derive(Clone, Debug)]
struct Refused {
    password: String,
    reason: Blocked,
    because: Option<Said>,
}

#[derive(Clone, Debug)]
struct Doubt {
    reset: usize,
    /// True if the new password came.
    awaits: bool,
}

/// One login, or reset, that somebody has allowed by name.
#[derive(Clone, Debug)]
struct Unblocked {
    password: String,
    /// The one that was made.
    made: Option<usize>,
}

/// The service checks since the last login or reset that counts.
#[derive(Clone, Debug, Default)]
struct Checks {
    made: u32,
    found_down: bool,
    /// True if the last one found out nothing.
    found_nothing: bool,
    pause: Option<Stretch>,
    /// The time for which the service is believed to be well, if the last check found
    /// it so.
    well: Option<Stretch>,
}

/// A failure, as far as it is told later: which operation, when, and the status and
/// code of the refusal.
#[derive(Clone, Debug)]
struct Said {
    kind: OperationKind,
    at: Stretch,
    status: Option<u16>,
    code: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blocked {
    Wrong(Option<&'static str>),
    CantBeSent(Option<&'static str>),
    Spent,
    InDoubt,
    Awaiting,
    Outdated,
}

/// The guard's word on the next login.
#[derive(Clone, Debug)]
enum Word {
    Now,
    After(Stretch),
    /// One when this is over, if the service is well; `early` also before.
    Probe {
        due: Stretch,
        early: bool,
    },
    Blocked(Blocked),
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
    /// The last login that it began.
    login: Option<usize>,
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
    /// True if the call that sent it had just got the token itself.
    own_bearer: bool,
    own_session: bool,
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
    /// A 401 that names nothing, to a request with both tokens.
    Unnamed,
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
            BearerFault, Brief, Character, DeadElsewhere, Empty, Fine, Gateway, GatewayThrottled,
            Invalid, InvalidClient, Lost, Moved, NotSent, Outage, OutageFor, Page, Repeated,
            SessionRefused, Throttled, ThrottledFor, Unauthorized, Unclear, Undated, Unnamed,
            WrongAndThrottled, WrongCredentials, WrongInSuccess,
        };
        let with_session = !purpose.is_for_tokens();
        match reply {
            Fine | Brief | Undated | Repeated => Self::Yes,
            Invalid if purpose == Purpose::Work => Self::Yes,
            Empty if matches!(purpose, Purpose::Work | Purpose::LogOut) => Self::Yes,
            Invalid | Empty => Self::Invalid,
            BearerFault if purpose != Purpose::TokenFetch => Self::BearerFault,
            SessionRefused if with_session => Self::SessionRefused,
            // The session's own calls speak one language.
            DeadElsewhere if purpose == Purpose::Work => Self::SessionRefused,
            InvalidClient | Unnamed | Unauthorized if with_session => Self::Unnamed,
            Moved => Self::Elsewhere,
            BearerFault | SessionRefused | WrongCredentials | WrongInSuccess | Character
            | Unclear | InvalidClient | Unnamed | Unauthorized | DeadElsewhere | Gateway | Page => {
                Self::No
            }
            WrongAndThrottled | Throttled | ThrottledFor(_) | GatewayThrottled => Self::Throttled,
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

    /// Returns true if the session backs off after a token fetch or login that
    /// failed so. After a login that counts, the guard says when the next one is made.
    fn backs_off(self) -> bool {
        match self.purpose {
            Purpose::LogIn if self.verdict() == Verdict::NotJudged => true,
            Purpose::LogIn => self.reply.requested_backoff().is_some() && self.may_pass(),
            _ => self.may_pass(),
        }
    }

    /// The proof that it gives, if it is of a login or reset: by the guard's table.
    fn verdict(self) -> Verdict {
        use Reply::{
            BearerFault, Character, DeadElsewhere, Gateway, GatewayThrottled, InvalidClient,
            NotSent, SessionRefused, Unauthorized, Unclear, Unnamed,
        };
        match self.reply {
            NotSent | BearerFault | Gateway | GatewayThrottled => Verdict::NotJudged,
            // The session was judged, and not the password.
            SessionRefused if self.purpose == Purpose::Reset => Verdict::NotJudged,
            reply if reply.names_credentials() => Verdict::Wrong,
            Character => Verdict::CantBeSent,
            Unclear | SessionRefused | InvalidClient | Unnamed | Unauthorized | DeadElsewhere => {
                Verdict::Judged
            }
            _ => Verdict::Unknown,
        }
    }

    /// The failure as it is told later.
    fn said(self, at: &Stretch) -> Said {
        let names = self.reply.names_credentials();
        let status = self.reply.status();
        Said {
            kind: self.purpose.kind().unwrap(),
            at: at.clone(),
            status: status.filter(|status| names || *status != 200),
            code: self.reply.full_code(),
        }
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
            died: None,
            unnamed: None,
            suspected: None,
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
            login: None,
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
        for stretch in self.stretches() {
            stretch.lowest = stretch.lowest.min(now);
        }
    }

    fn stretches(&mut self) -> impl Iterator<Item = &mut Stretch> {
        let calls = self.calls.iter_mut().flat_map(|call| {
            let patience = call.in_flight.as_mut().map(|sent| &mut sent.patience);
            let own = call.backoff.iter_mut().chain(&mut call.patience);
            own.chain(patience)
        });
        let lease = self.in_progress.as_mut().map(|(_, lease)| lease);
        let delay = self.delay.as_mut().map(|delay| &mut delay.stretch);
        let guard = self.guard.stretches();
        let since = [&mut self.died, &mut self.unnamed, &mut self.suspected];
        let since = since.into_iter().flatten();
        calls.chain(lease).chain(delay).chain(guard).chain(since)
    }

    /// One login, or reset, is allowed with the password in use, whatever failed.
    pub fn unblocks(&mut self) {
        let password = self.password().to_owned();
        self.guard.forgets(&password);
        self.guard.unblocked = Some(Unblocked {
            password,
            made: None,
        });
    }

    /// Somebody ends the backoff or cooldown by name.
    pub fn retries_now(&mut self) {
        if self.delay.take().is_none() {
            return;
        }
        self.failures = 0;
        // Who shares the session learns of it as of an operation that begins.
        if self.in_progress.is_none() {
            self.operations.iter_mut().for_each(|it| it.newest = false);
        }
    }

    /// Returns true if a backoff or cooldown was begun that nothing has ended.
    pub fn is_delayed(&self) -> bool {
        self.delay.is_some()
    }

    fn password(&self) -> &str {
        self.credentials.password().unwrap().expose()
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
    /// password is in doubt because of it, and of none after it.
    pub fn awaits(&self, reset: usize) -> bool {
        let last = self.guard.doubts.last();
        last.is_some_and(|doubt| doubt.reset == reset)
    }

    /// Returns true if the session uses this new password, and nothing is in doubt.
    pub fn has_confirmed(&self, new: &Password) -> bool {
        self.password() == new.expose() && self.guard.doubts.is_empty()
    }

    /// A new password that is awaited is confirmed: the old one is wrong.
    pub fn confirms(&mut self, new: &Password) {
        let old = self.password().to_owned();
        self.credentials = self.credentials.with_password(new.clone());
        self.new_password = None;
        self.decides();
        self.guard.doubts.clear();
        self.guard.refuses(&old, Blocked::Outdated, None);
        self.guard.forgets(new.expose());
    }

    /// Whoever may says which password is right: nothing is in doubt, and nobody waits
    /// for a confirmation. Only a reset that is in progress decides after that.
    fn decides(&mut self) {
        let current = self.in_progress.as_ref().map(|(which, _)| *which);
        let doubts = &mut self.guard.doubts;
        if let Some(awaited) = doubts
            .iter()
            .find(|it| Some(it.reset) == current && it.awaits)
        {
            self.in_progress = None;
            let awaited = awaited.reset;
            doubts.retain(|doubt| doubt.reset != awaited);
        }
        doubts.retain(|doubt| Some(doubt.reset) == current && !doubt.awaits);
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
            self.loses(&Stretch::at(now), which);
        }
        given_up.is_some()
    }

    /// The session was built from what was saved at this time of the old clock: what
    /// only the process knew is gone, and all times are `shift` later by the new
    /// clock. Perhaps it was given another password.
    pub fn restarts(&mut self, session: &Session, saved_at: Timestamp, shift: i64) {
        let moved = |moment: Timestamp| {
            Timestamp::from_millis(moment.as_millis().saturating_add_signed(shift))
        };
        for stretch in self.stretches() {
            stretch.from = moved(stretch.from.min(saved_at));
            stretch.lowest = moved(stretch.lowest.min(saved_at));
        }
        if let Some(bearer) = &mut self.bearer {
            bearer.renew_at = moved(bearer.renew_at);
        }
        if let Some(open) = &mut self.open {
            open.since = moved(open.since.min(saved_at));
            open.used = moved(open.used.min(saved_at));
        }
        if let (Some(open), Some(saved)) = (&mut self.open, session.last_used()) {
            let lag = open.used.since(saved);
            law(
                11,
                saved <= open.used && lag < USE_GRAIN,
                "what was saved forgot a use",
            );
            open.used = saved;
        }
        self.credentials = session.credentials().clone();
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
                !failed.purpose.gets_token()
                    || self.last_failed != Some((which, *failed))
                    || !self.concerns_all(which, *failed)
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
        // What another product refuses, it may refuse without a look at the session.
        let tells_nothing = self.calls[who].wish == Wish::Locate
            && failed.meaning() != Meaning::Yes
            && !matches!(
                failed.meaning(),
                Meaning::BearerFault | Meaning::SessionRefused
            );
        if !tells_nothing {
            self.judge_tokens(now, carries, failed, events);
        }
        if failed.meaning() == Meaning::Yes {
            self.calls[who].end = Some(End::Well(None));
        } else {
            self.attempt_failed(now, who, failed, carries, events);
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
        if !(self.operations[which].purpose == Purpose::Reset && reply.is_good()) {
            self.in_progress.take_if(|(current, _)| *current == which);
        }
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
        let succeeded = finished.meaning == Meaning::Yes;
        if operation.purpose.shows_password() {
            operation.judged = match (operation.purpose, failed.verdict()) {
                (Purpose::LogIn, _) if succeeded => Judged::Succeeded,
                (_, Verdict::NotJudged) => Judged::Not,
                _ if succeeded => Judged::Not,
                _ => Judged::Failed,
            };
        }
        match operation.purpose {
            // The result of one that is not the newest changes nothing (law 7), but that its
            // own login may be refunded or blame the password.
            Purpose::TokenFetch | Purpose::Check if !finished.newest => {}
            Purpose::LogIn if !finished.newest => self.login_came_late(&finished),
            Purpose::Check => self.checked(&finished),
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
        let changes_nothing = matches!(purpose, Purpose::TokenFetch | Purpose::Check);
        let is_settled = changes_nothing || self.settled == Some(which);
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
        let failures = self.failures;
        self.recovered();
        // It proves nothing about logins that fail for their bearer.
        let last = self.last_failed.map(|(_, failed)| failed.purpose);
        if last == Some(Purpose::LogIn) {
            self.failures = failures;
        }
    }

    fn logged_in(&mut self, finished: &Finished) {
        self.drop_session();
        self.open = Some(Open {
            token: finished.token.to_owned(),
            since: finished.carries.sent,
            used: finished.carries.sent,
            of: finished.which,
        });
        let password = self.operations[finished.which].password.clone();
        self.guard.succeeds(&password);
        self.recovered();
    }

    fn recovered(&mut self) {
        self.failures = 0;
        // What failed before is of no use to those who have not looked.
        for (which, operation) in self.operations.iter_mut().enumerate() {
            if operation.purpose.is_for_tokens() && operation.end.take().is_some() {
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
            which,
            failed,
            meaning,
            events,
            ..
        } = *finished;
        // Refunded only on proof that it was not judged (law 2), and a bearer fault is one
        // (law 4).
        let verdict = failed.verdict();
        if verdict == Verdict::NotJudged {
            self.guard.refunds(which);
        } else {
            self.login_counts(&Stretch::at(now), which, failed);
            self.tells_of_the_guard(events);
        }
        // A response to an old token leaves the newer one alone (law 7). Where nothing is
        // named, it may have been the bearer after all.
        let blames_bearer = meaning == Meaning::BearerFault || verdict == Verdict::Judged;
        if blames_bearer && self.operations[which].carries.bearer {
            self.drop_bearer();
        }
        self.token_not_got(finished);
    }

    /// The result of a login after which another operation began, or other
    /// credentials were given: it changes only what is known of itself.
    fn login_came_late(&mut self, finished: &Finished) {
        let Finished {
            now,
            which,
            failed,
            meaning,
            ..
        } = *finished;
        if meaning == Meaning::Yes {
            self.guard.succeeds_late(which);
        } else if failed.verdict() == Verdict::NotJudged {
            self.guard.refunds(which);
            if meaning == Meaning::BearerFault && self.operations[which].carries.bearer {
                self.drop_bearer();
            }
        } else {
            self.login_counts(&Stretch::at(now), which, failed);
        }
    }

    /// A login or reset failed, and stays counted.
    fn login_counts(&mut self, at: &Stretch, which: usize, failed: Failed) {
        let (verdict, said) = (failed.verdict(), failed.said(at));
        let counted = self.guard.counted.iter_mut();
        if let Some(one) = counted.into_iter().find(|one| one.which == which) {
            one.verdict = one.verdict.max(verdict);
            one.at.from = one.at.from.max(at.from);
            one.at.lowest = one.at.lowest.max(at.lowest);
            self.guard.checks = Checks::after_login(at);
        } else if verdict < Verdict::CantBeSent {
            // A success came after it.
            return;
        }
        self.guard.last = Some(said.clone());
        let unblocked = self.guard.unblocked.as_ref();
        let was_unblocked = unblocked.is_some_and(|unblocked| unblocked.made == Some(which));
        let reason = match verdict {
            Verdict::Wrong => Blocked::Wrong(failed.reply.code()),
            Verdict::CantBeSent => Blocked::CantBeSent(failed.reply.code()),
            _ if was_unblocked => Blocked::Spent,
            _ => return,
        };
        let password = self.operations[which].password.clone();
        self.guard.refuses(&password, reason, Some(said));
    }

    /// Whoever watches learns what the guard says after a login that counts.
    fn tells_of_the_guard(&self, events: &[Event]) {
        let told = |until: Timestamp, expected: &Stretch| {
            (expected.shortest()..=expected.end()).contains(&until)
        };
        let next = backoffs(events).next();
        let holds = match self.word() {
            Word::Now => true,
            Word::After(stretch) => next.is_some_and(|until| told(until, &stretch)),
            Word::Probe { due, .. } => next.is_some_and(|until| told(until, &due)),
            Word::Blocked(_) => {
                let blocked = |event: &Event| matches!(event, Event::LoginsBlocked { .. });
                events.iter().any(blocked)
            }
        };
        law(
            16,
            holds,
            format_args!("what is told of the guard: {events:?}"),
        );
    }

    /// A service check has a result.
    fn checked(&mut self, finished: &Finished) {
        let Finished {
            now,
            which,
            failed,
            meaning,
            ..
        } = *finished;
        let checks = &mut self.guard.checks;
        if meaning == Meaning::BearerFault {
            checks.found_nothing(&Stretch::at(now));
            if self.operations[which].carries.bearer {
                self.drop_bearer();
            }
        } else {
            checks.made(&Stretch::at(now), failed.reply == Reply::SessionRefused);
        }
        self.ends(which, Ended::Lost);
    }

    /// A token fetch or login failed: the session backs off, and those who wait for
    /// it learn of it when they look.
    fn token_not_got(&mut self, finished: &Finished) {
        let Finished { which, failed, .. } = *finished;
        if failed.backs_off() {
            self.failures += 1;
            let longest = LONGEST_REQUESTED_BACKOFF;
            let (mut least, mut most) = self.backoff(self.failures, failed.reply);
            if failed.purpose == Purpose::LogIn {
                let floor = finished.carries.sent.min(finished.now) + UNJUDGED_INTERVAL;
                let floor = floor.since(finished.now);
                (least, most) = (least.max(floor), most.max(floor));
            }
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
        // The first is about the guard, where it counts.
        let counts = finished.failed.purpose == Purpose::LogIn
            && finished.failed.verdict() != Verdict::NotJudged
            && matches!(self.word(), Word::After(_) | Word::Probe { .. });
        let until = backoffs(finished.events).nth(usize::from(counts));
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
            token,
            ..
        } = *finished;
        let is_reset = failed.purpose == Purpose::Reset;
        if !finished.again {
            self.judge_tokens(now, finished.carries, failed, finished.events);
        }
        if meaning != Meaning::Yes {
            if is_reset {
                self.reset_failed(&Stretch::at(now), which, failed);
            }
            return self.ends(which, Ended::Failed(failed));
        }
        let brought = if is_reset {
            let first = self.operations[which].end.as_ref();
            let was_refused =
                matches!(first, Some(Ended::Failed(first)) if !first.meaning().leaves_unknown());
            if finished.again && was_refused {
                // It was reset after all.
                self.guard.doubts_because_of(which);
            }
            self.guard.succeeds_late(which);
            // The caller has it, even if it is of no use any more (law 8).
            if let Some(doubt) = self.guard.doubt_of(which) {
                doubt.awaits = true;
                self.guard.unblocked = None;
                self.new_password = Some(token.to_owned());
            } else {
                self.in_progress.take_if(|(current, _)| *current == which);
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

    /// A reset failed. Only a response that leaves no doubt ends the doubt.
    fn reset_failed(&mut self, at: &Stretch, which: usize, failed: Failed) {
        if failed.verdict() == Verdict::NotJudged {
            self.guard.refunds(which);
        } else {
            self.login_counts(at, which, failed);
        }
        if !failed.meaning().leaves_unknown() {
            self.guard.doubts.retain(|doubt| doubt.reset != which);
        } else if self.guard.doubt_of(which).is_some() {
            // Whoever unblocked the guard before did not know that.
            self.guard.unblocked = None;
        }
    }

    /// Nothing was heard of an operation before its lease expired, or its driver
    /// gave it up. A reset that succeeded goes on awaiting its confirmation.
    fn loses(&mut self, at: &Stretch, which: usize) {
        let purpose = self.operations[which].purpose;
        if self.guard.doubt_of(which).is_some_and(|doubt| doubt.awaits) {
            return;
        }
        let lost = Failed::new(purpose, Reply::Lost);
        match purpose {
            Purpose::LogIn if self.guard.counts(which) => self.login_counts(at, which, lost),
            Purpose::Reset => self.reset_failed(at, which, lost),
            Purpose::Check => self.guard.checks.made(at, false),
            _ => {}
        }
        let end = if purpose.is_for_tokens() {
            Ended::Lost
        } else {
            Ended::Failed(lost)
        };
        self.ends(which, end);
    }

    /// Takes from a response what it says of the tokens that its request carried. One
    /// to an old token leaves the newer one alone (law 7).
    fn judge_tokens(&mut self, now: Timestamp, carries: Tokens, failed: Failed, events: &[Event]) {
        let meaning = failed.meaning();
        let is_alive = failed.reply.is_of_the_api() && meaning != Meaning::SessionRefused;
        if is_alive && carries.session {
            self.used(carries.sent);
        }
        match meaning {
            Meaning::BearerFault if carries.bearer => self.drop_bearer(),
            Meaning::SessionRefused if carries.session => {
                let since = self.open.as_ref().unwrap().since;
                self.drop_session();
                // What is ended on purpose does not die.
                let logs_out =
                    failed.purpose == Purpose::LogOut || self.is_in_progress(Purpose::LogOut);
                if logs_out {
                    let cools = |event: &Event| matches!(event, Event::CoolingDown { .. });
                    law(5, !events.iter().any(cools), "a logout delays a login");
                } else {
                    self.session_refused(now, now.since(since), events);
                }
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
        // A clock that was set back may make it less time since the last one, or more.
        let forgotten =
            |since: Timestamp| u32::try_from(now.since(since).as_secs() / HOUR.as_secs()).unwrap();
        let died = self.died.replace(Stretch::at(now));
        let died = died.unwrap_or(Stretch::at(now));
        let (few, many) = (forgotten(died.from), forgotten(died.lowest));
        self.short_lived = if age < SHORT_LIVED {
            (least.saturating_sub(many) + 1, most.saturating_sub(few) + 1)
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
    fn attempt_failed(
        &mut self,
        now: Timestamp,
        who: usize,
        failed: Failed,
        carries: Tokens,
        events: &[Event],
    ) {
        let meaning = failed.meaning();
        let replays = meaning == Meaning::Unnamed && self.suspects(now, who, carries, events);
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
            _ => replays,
        };
        // A logout ends the session for this side, whatever token of it is refused.
        let logs_out = call.wish == Wish::LogOut;
        let is_of_tokens = matches!(meaning, Meaning::BearerFault | Meaning::Unnamed);
        if logs_out && is_of_tokens && !first {
            if carries.session {
                self.drop_session();
            }
            if meaning == Meaning::Unnamed {
                self.calls[who].end = Some(End::Well(None));
                return;
            }
        }
        let call = &mut self.calls[who];
        call.outcome = call.outcome.max(meaning.outcome());
        let told = events.contains(&Event::Replayed);
        law(5, told == first, "what is told of a replay");
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

    /// A 401 that names nothing may mean a stale token, or be the request's own. Returns
    /// true if the call finds that out by a replay.
    fn suspects(&mut self, now: Timestamp, who: usize, carries: Tokens, events: &[Event]) -> bool {
        let Caller {
            wish,
            bearer_faults,
            session_refusals,
            ..
        } = self.calls[who];
        if wish == Wish::Reset {
            return false;
        }
        if carries.own_session {
            // It is the request's own: nothing could be fresher.
            self.unnamed = Some(Stretch::new(now, UNNAMED_PAUSE));
            return false;
        }
        if !carries.own_bearer && bearer_faults == 0 {
            let told = events.contains(&Event::BearerRefused);
            let ends = carries.bearer && ends(now, self.suspected.as_ref(), told);
            if ends {
                self.suspected = Some(Stretch::new(now, UNNAMED_INTERVAL));
                self.drop_bearer();
            }
            // Whoever carried an older one takes the one that came after it.
            if ends || !carries.bearer {
                self.calls[who].bearer_faults += 1;
                return true;
            }
        }
        if wish != Wish::LogOut && session_refusals == 0 {
            let told = events.contains(&Event::SessionRefused);
            let ends = carries.session && ends(now, self.unnamed.as_ref(), told);
            if ends {
                self.drop_session();
            }
            if ends || !carries.session {
                self.calls[who].session_refusals += 1;
                return true;
            }
        }
        false
    }

    /// The call looks for the end of the logout or reset that it began.
    fn operates(&mut self, now: Timestamp, who: usize, events: &[Event]) {
        let Some(which) = self.calls[who].operating else {
            return;
        };
        let end = self.operations[which].end.clone();
        if end.is_none() && (self.is_current(which) || !self.has_waited(now, who)) {
            return;
        }
        let carries = self.operations[which].carries;
        let call = &mut self.calls[who];
        (call.operating, call.patience) = (None, None);
        match end {
            Some(Ended::Well(brought)) => call.end = Some(End::Well(brought)),
            Some(Ended::Failed(failed)) => self.attempt_failed(now, who, failed, carries, events),
            // Too many others have ended since.
            Some(Ended::Lost) | None => {
                let lost = Failed::new(self.operations[which].purpose, Reply::Lost);
                self.attempt_failed(now, who, lost, carries, events);
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
            Some(Ended::Lost) if purpose.gets_token() && began == Some(which) => {
                Some(Failed::new(purpose, Reply::Lost))
            }
            _ => {
                let later = self.last_failed.filter(|(last, _)| *last >= which);
                // Who has another password fails by no login but with that.
                let later = later.filter(|(last, failed)| self.concerns_all(*last, *failed));
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

    /// Returns true if those who did not wait for this operation are concerned by its
    /// failure.
    fn concerns_all(&self, which: usize, failed: Failed) -> bool {
        let password = &self.operations[which].password;
        failed.purpose != Purpose::LogIn || password == self.password()
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
        self.runs_out(now, events);
        self.operates(now, who, events);
    }

    /// Notes what has run out: a lease expired, an idle session was let go.
    pub fn runs_out(&mut self, now: Timestamp, events: &[Event]) {
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
    }

    fn expires(&mut self, now: Timestamp, kind: OperationKind) {
        let over = |(_, lease): &mut (usize, Stretch)| lease.may_be_over(now);
        let expired = self.in_progress.take_if(over);
        law(
            1,
            expired.is_some(),
            format_args!("{kind} is taken for lost before its lease expires"),
        );
        let (which, lease) = expired.unwrap();
        // It was lost then, however late that is noticed.
        let at = Stretch {
            lowest: lease.shortest(),
            ..Stretch::at(lease.end().min(now))
        };
        self.loses(&at, which);
    }

    /// Nobody waits any longer for the confirmation of a reset that had its result.
    fn lets_go_of_a_reset(&mut self, now: Timestamp) {
        let doubts = &self.guard.doubts;
        let awaits = |which: usize| doubts.iter().any(|it| it.reset == which && it.awaits);
        self.in_progress
            .take_if(|(which, lease)| awaits(*which) && lease.may_be_over(now));
    }

    /// May this be sent now?
    pub fn sends(&mut self, now: Timestamp, elapsed: Duration, who: usize, letter: &Letter) {
        let purpose = letter.purpose;
        if purpose.is_for_tokens() {
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
            self.lets_go_of_a_reset(now);
            law(
                1,
                self.in_progress.is_none(),
                format_args!("{purpose:?} during {:?}", self.in_progress),
            );
        }
        match purpose {
            Purpose::TokenFetch => self.may_fetch(now),
            Purpose::LogIn => self.may_log_in(now, elapsed),
            Purpose::Check => self.may_check(now),
            Purpose::LogOut | Purpose::Reset | Purpose::Work => {
                let Caller { wish, outcome, .. } = self.calls[who];
                law(6, Some(purpose) == wish.purpose(), "not what was asked for");
                let once = outcome != Outcome::Unknown || wish.is_idempotent();
                law(6, once, "sent again, although it may have been executed");
                if purpose == Purpose::Reset {
                    self.may_reset();
                }
            }
        }
        self.may_carry(now, who, letter);

        let lease = Stretch::new(now, deadline.since(now) + GRACE);
        let carries = Tokens {
            sent: now,
            bearer: purpose != Purpose::TokenFetch,
            session: !purpose.is_for_tokens(),
            own_bearer: self.has_own(who, self.bearer.as_ref().map(|bearer| bearer.of)),
            own_session: self.has_opened(who, self.open.as_ref().map(|open| open.of)),
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
            Purpose::TokenFetch | Purpose::LogIn | Purpose::Check => call.waits_for = Some(which),
            Purpose::LogOut | Purpose::Reset => {
                call.operating = Some(which);
                call.patience = Some(lease.clone());
            }
        }
        call.began = Some(which);
        if purpose == Purpose::LogIn {
            call.login = Some(which);
        }
        self.operations.iter_mut().for_each(|it| it.newest = false);
        self.in_progress = Some((which, lease));
        self.operations.push(Operation {
            purpose,
            carries,
            password: self.password().to_owned(),
            elapsed,
            newest: true,
            arrived: false,
            gone: false,
            judged: if purpose.shows_password() {
                Judged::Failed
            } else {
                Judged::Not
            },
            end: None,
        });
        if purpose.shows_password() {
            let password = self.password().to_owned();
            self.guard.counts_one(now, which, password, purpose);
        }
    }

    /// Returns true if the call got this token last.
    fn has_own(&self, who: usize, of: Option<usize>) -> bool {
        of.is_some() && of == self.calls[who].own
    }

    /// Returns true if the call opened the session itself.
    fn has_opened(&self, who: usize, of: Option<usize>) -> bool {
        of.is_some() && of == self.calls[who].login
    }

    fn may_fetch(&self, now: Timestamp) {
        let bearer = self.bearer.as_ref();
        let needed = bearer.is_none_or(|bearer| now >= bearer.renew_at);
        law(5, needed, "a bearer token is fetched that is not needed");
        let of_use = self.open.is_some() || self.may_use_bearer(now);
        law(
            3,
            of_use,
            "a bearer token is fetched for a login that may not be made",
        );
        self.may_begin(now);
    }

    /// Is there a login or a service check to be made now, once there is a bearer?
    fn may_use_bearer(&self, now: Timestamp) -> bool {
        match self.word() {
            Word::Now => true,
            Word::After(stretch) => stretch.may_be_over(now),
            Word::Probe { due, early } => {
                let checks = &self.guard.checks;
                checks.may_be_made(now, &due) || checks.allow_a_probe(now, &due, early)
            }
            Word::Blocked(_) => false,
        }
    }

    fn may_log_in(&self, now: Timestamp, elapsed: Duration) {
        law(5, self.open.is_none(), "a login while a session is open");
        match self.word() {
            Word::Now => {}
            Word::After(stretch) => law(
                2,
                stretch.may_be_over(now),
                "a login too soon after one that counts",
            ),
            Word::Probe { due, early } => law(
                2,
                self.guard.checks.allow_a_probe(now, &due, early),
                "a probe of a service that is not known to be well, or too soon",
            ),
            Word::Blocked(reason) => law(
                reason.law(),
                false,
                format_args!("a login, and the guard is blocked: {reason:?}"),
            ),
        }
        self.is_harmless(elapsed);
        self.may_begin(now);
    }

    /// Whatever the guard says: does the service lock the user name, if all that may
    /// have failed did, and this fails too?
    fn is_harmless(&self, elapsed: Duration) {
        if self.guard.is_unblocked(self.password()) {
            return;
        }
        let failed = self.judged_failed().count();
        law(
            2,
            failed + 1 < usize::from(PLATFORM_LOCKS_AT),
            format_args!("{failed} may have failed, and one more locks the user name"),
        );
        let mut same = self.judged_failed();
        let too_soon =
            same.find(|it| it.password == self.password() && elapsed < it.elapsed + LOGIN_INTERVAL);
        law(
            2,
            too_soon.is_none(),
            format_args!("the same password was just tried: {too_soon:?}"),
        );
    }

    /// The failed logins in a row, as the service may count them.
    fn judged_failed(&self) -> impl Iterator<Item = &Operation> {
        let since = self.operations.iter().rev();
        let since = since.take_while(|it| it.judged != Judged::Succeeded);
        since.filter(|it| it.judged == Judged::Failed)
    }

    /// A service check is made only before a probe, with pauses that grow.
    fn may_check(&self, now: Timestamp) {
        law(5, self.open.is_none(), "a check while a session is open");
        let word = self.word();
        let lawful = match &word {
            Word::Probe { due, .. } => self.guard.checks.may_be_made(now, due),
            _ => false,
        };
        law(2, lawful, format_args!("a service check: {word:?}"));
        self.may_begin(now);
    }

    /// A reset may clear up the doubt that another one has left, and no more. Whether
    /// the service counts those with a wrong password, nobody knows.
    fn may_reset(&self) {
        let reason = self.forbids_resets();
        law(
            reason.map_or(2, Blocked::law),
            reason.is_none(),
            format_args!("a reset, and the guard is blocked: {reason:?}"),
        );
        let failed = self.judged_failed().count();
        law(
            2,
            failed + 1 < usize::from(PLATFORM_LOCKS_AT) || self.guard.is_unblocked(self.password()),
            format_args!("a reset, and {failed} may have failed"),
        );
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
        let user = user.as_ref().unwrap();
        let [name, password] = [user.username(), user.password().expose()];
        let body = match letter.purpose {
            Purpose::TokenFetch => "grant_type=client_credentials".to_owned(),
            Purpose::LogIn => format!(r#"{{"username":"{name}","password":"{password}"}}"#),
            Purpose::Reset => format!(r#"{{"oldPassword":"{password}"}}"#),
            Purpose::LogOut | Purpose::Check | Purpose::Work => String::new(),
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
        if letter.purpose.is_for_tokens() {
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
                call.backoff.as_ref().is_some_and(may_last)
                    || self.may_wait_for_token(now, false, call.deadline, wait.until)
            }
            WaitReason::Cooldown => self.may_wait_for_token(now, true, call.deadline, wait.until),
            _ => false,
        };
        law(
            12,
            lawful,
            format_args!(
                "{now}: nothing is there to wait for: {wait:?}, {:?} {:?} {:?}",
                self.token_wait(now),
                self.word(),
                self.guard.checks,
            ),
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

    /// May a call that needs a token wait until then, because of the backoff or
    /// cooldown, or of the guard, whichever lasts longer?
    fn may_wait_for_token(
        &self,
        now: Timestamp,
        for_cooldown: bool,
        deadline: Option<Timestamp>,
        until: Timestamp,
    ) -> bool {
        let delay = self.delay.as_ref();
        let delay = delay.filter(|delay| delay.stretch.latest(now) > now);
        let is_cooldown = delay.is_some_and(|delay| delay.is_cooldown);
        let may_be_over = delay.is_some_and(|delay| delay.stretch.may_be_over(now));
        let is_reason = is_cooldown == for_cooldown || (may_be_over && !for_cooldown);
        let Some((soonest, latest)) = self.token_wait(now) else {
            return false;
        };
        let cut_short = deadline == Some(until);
        is_reason && until <= latest && (until >= soonest || cut_short)
    }

    /// The time at which a token fetch, login or service check may be made: at the
    /// soonest, and at the latest. `None` if there is nothing to wait for.
    fn token_wait(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let delay = self.delay.as_ref().map(|delay| {
            let stretch = &delay.stretch;
            (stretch.shortest(), stretch.latest(now))
        });
        let guard = match self.word() {
            _ if self.open.is_some() => None,
            Word::Now | Word::Blocked(_) => None,
            Word::After(stretch) => Some((stretch.shortest(), stretch.latest(now))),
            Word::Probe { due, early } => self.guard.checks.wait(now, &due, early),
        };
        let waits = [delay, guard].into_iter().flatten();
        let waits = waits.filter(|(_, latest)| *latest > now);
        waits.reduce(|one, other| (one.0.max(other.0), one.1.max(other.1)))
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
    ///
    /// Returns the reset that has brought it a new password.
    pub fn succeeds(&mut self, who: usize, result: Option<&str>) -> Option<usize> {
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
        let call = &self.calls[who];
        call.began.filter(|_| call.wish == Wish::Reset)
    }

    /// May the call fail with this?
    pub fn fails(&mut self, now: Timestamp, who: usize, error: &Error) {
        let timed_out = error.is_timed_out();
        if !timed_out && self.calls[who].end.is_none() {
            self.learns(now, who);
        }
        let blocked = self.is_blocked() && self.open.is_none();
        let call = &self.calls[who];
        let too_long = |latest: Timestamp| {
            let too_late = call.deadline.is_some_and(|deadline| latest >= deadline);
            too_late || latest.since(now) > self.settings.longest_wait
        };
        let lawful = match &call.end {
            Some(End::Badly(failed, needed)) => {
                failed.is_said_by(error) && error.prerequisite() == *needed
            }
            Some(End::Well(_)) => false,
            None if timed_out => call.deadline.is_some_and(|deadline| now >= deadline),
            None => match error.kind() {
                ErrorKind::Blocked { .. } => {
                    let forbidden = call.wish == Wish::Reset && self.forbids_resets().is_some();
                    blocked || forbidden
                }
                ErrorKind::BackingOff { until, because, .. }
                | ErrorKind::CoolingDown { until, because, .. } => {
                    self.tells_why(now, *until, because);
                    too_long(*until)
                }
                _ => {
                    let backoff = call.backoff.as_ref().map(|backoff| backoff.latest(now));
                    let token = self.token_wait(now).map(|(_, latest)| latest);
                    backoff.into_iter().chain(token).any(too_long)
                }
            },
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

    /// An error that says until when logins are put off says also since what.
    fn tells_why(&self, now: Timestamp, until: Timestamp, because: &Failure) {
        let wait = self.token_wait(now);
        let is_known = wait.is_some_and(|(soonest, latest)| (soonest..=latest).contains(&until));
        law(
            16,
            is_known,
            format_args!("logins are put off until {until}, and not {wait:?}"),
        );
        if self
            .delay
            .as_ref()
            .is_none_or(|delay| delay.stretch.end() <= now)
        {
            let last = self.guard.last_of(self.password());
            law(
                16,
                last.is_some_and(|last| last.is_told_by(because)),
                format_args!("what came before is {last:?}: {because:?}"),
            );
        }
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

    /// The guard's word on the next login with the password in use.
    fn word(&self) -> Word {
        let max = self.settings.max_failed_logins.number();
        self.guard.word(self.password(), usize::from(max))
    }

    fn is_blocked(&self) -> bool {
        matches!(self.word(), Word::Blocked(_))
    }

    /// The reason why no reset is made.
    fn forbids_resets(&self) -> Option<Blocked> {
        let too_many = self.guard.counted.len() >= MOST_FAILED as usize;
        match self.word() {
            Word::Blocked(Blocked::InDoubt) if too_many => Some(Blocked::Spent),
            Word::Blocked(Blocked::InDoubt) => None,
            Word::Blocked(reason) => Some(reason),
            _ => None,
        }
    }

    fn logins_left(&self) -> u32 {
        let count = |number: usize| u32::try_from(number).unwrap();
        let password = self.password();
        match self.word() {
            Word::Blocked(_) | Word::Probe { .. } => 0,
            _ if self.guard.is_unblocked(password) => 1,
            Word::Now | Word::After(_) => {
                let max = u32::from(self.settings.max_failed_logins.number());
                let own = max.saturating_sub(count(self.guard.counted_of(password).count()));
                own.min(MOST_FAILED.saturating_sub(count(self.guard.counted.len())))
            }
        }
    }
}

/// The login guard.
impl Guard {
    fn word(&self, password: &str, max: usize) -> Word {
        if self.is_unblocked(password) {
            return Word::Now;
        }
        let mut refused = self.refused.iter();
        if let Some(refused) = refused.find(|refused| refused.password == password) {
            return Word::Blocked(refused.reason);
        }
        if let Some(doubt) = self.doubts.last() {
            return Word::Blocked(if doubt.awaits {
                Blocked::Awaiting
            } else {
                Blocked::InDoubt
            });
        }
        if self.counted.len() >= MOST_FAILED as usize {
            return Word::Blocked(Blocked::Spent);
        }
        let own: Vec<_> = self.counted_of(password).collect();
        let Some(from) = own.iter().map(|one| one.at.from).max() else {
            return Word::Now;
        };
        let lowest = own.iter().map(|one| one.at.lowest).max().unwrap();
        let last = Stretch {
            lowest,
            ..Stretch::at(from)
        };
        let after = |length: Duration| last.lasting(length);
        if own.len() < max {
            Word::After(after(LOGIN_INTERVAL))
        } else if own.iter().any(|one| one.verdict >= Verdict::Judged) {
            Word::Blocked(Blocked::Spent)
        } else if own.len() == max {
            Word::Probe {
                due: after(FIRST_PROBE),
                early: true,
            }
        } else {
            Word::Probe {
                due: after(NEXT_PROBE),
                early: false,
            }
        }
    }

    fn counted_of(&self, password: &str) -> impl Iterator<Item = &Counted> {
        self.counted
            .iter()
            .filter(move |one| one.password == password)
    }

    fn counts(&self, which: usize) -> bool {
        self.counted.iter().any(|one| one.which == which)
    }

    fn is_unblocked(&self, password: &str) -> bool {
        let unblocked = self.unblocked.as_ref();
        unblocked.is_some_and(|it| it.password == password && it.made.is_none())
    }

    fn doubt_of(&mut self, reset: usize) -> Option<&mut Doubt> {
        self.doubts.iter_mut().find(|doubt| doubt.reset == reset)
    }

    /// The failure that is told with this password: the one by which it was refused,
    /// or the last one.
    fn last_of(&self, password: &str) -> Option<&Said> {
        let mut refused = self.refused.iter();
        let refused = refused.find(|refused| refused.password == password);
        let because = refused.and_then(|refused| refused.because.as_ref());
        because.or(self.last.as_ref())
    }

    /// A login or reset begins: it counts before it is sent, and may be the one that
    /// somebody has allowed.
    fn counts_one(&mut self, now: Timestamp, which: usize, password: String, purpose: Purpose) {
        if self.is_unblocked(&password) {
            self.unblocked.as_mut().unwrap().made = Some(which);
        }
        self.counted.push(Counted {
            which,
            password,
            verdict: Verdict::Unknown,
            at: Stretch::at(now),
        });
        if purpose == Purpose::Reset {
            self.doubts_because_of(which);
        }
        self.checks = Checks::after_login(&Stretch::at(now));
    }

    fn doubts_because_of(&mut self, reset: usize) {
        self.doubts.retain(|doubt| doubt.reset != reset);
        self.doubts.push(Doubt {
            reset,
            awaits: false,
        });
        self.doubts.sort_by_key(|doubt| doubt.reset);
    }

    /// One does not count after all. What somebody has allowed may be made again.
    fn refunds(&mut self, which: usize) {
        self.counted.retain(|one| one.which != which);
        if let Some(unblocked) = &mut self.unblocked {
            unblocked.made.take_if(|made| *made == which);
        }
    }

    /// A login succeeded after which others began, or a reset: what somebody has
    /// allowed is used up.
    fn succeeds_late(&mut self, which: usize) {
        self.unblocked
            .take_if(|unblocked| unblocked.made == Some(which));
        self.refunds(which);
    }

    /// The newest login succeeded.
    fn succeeds(&mut self, password: &str) {
        self.counted.clear();
        self.doubts.clear();
        self.forgets(password);
        self.ends_unblocking(password);
        self.unblocked.take_if(|unblocked| unblocked.made.is_some());
        self.checks = Checks::default();
        self.last = None;
    }

    fn refuses(&mut self, password: &str, reason: Blocked, because: Option<Said>) {
        self.ends_unblocking(password);
        self.forgets(password);
        self.refused.push_back(Refused {
            password: password.to_owned(),
            reason,
            because,
        });
        if self.refused.len() > REMEMBERED {
            self.refused.pop_front();
        }
    }

    fn forgets(&mut self, password: &str) {
        self.refused.retain(|refused| refused.password != password);
    }

    fn ends_unblocking(&mut self, password: &str) {
        self.unblocked
            .take_if(|unblocked| unblocked.password == password);
    }

    fn stretches(&mut self) -> impl Iterator<Item = &mut Stretch> {
        let counted = self.counted.iter_mut().map(|one| &mut one.at);
        let Checks { pause, well, .. } = &mut self.checks;
        let refused = self
            .refused
            .iter_mut()
            .filter_map(|one| one.because.as_mut());
        let said = refused.chain(&mut self.last).map(|said| &mut said.at);
        counted.chain(pause).chain(well).chain(said)
    }
}

impl Checks {
    /// None is made in the first half minute after a login that counts.
    fn after_login(at: &Stretch) -> Self {
        Self {
            pause: Some(at.lasting(FIRST_CHECK_PAUSE)),
            ..Self::default()
        }
    }

    fn made(&mut self, at: &Stretch, is_well: bool) {
        self.pauses(at);
        self.well = is_well.then(|| at.lasting(BELIEVED));
        self.found_down |= !is_well;
        self.found_nothing = false;
    }

    /// The gateway did not let the check through: another bearer may do better. A
    /// second time in a row, it is no fault of the bearer's.
    fn found_nothing(&mut self, at: &Stretch) {
        if std::mem::replace(&mut self.found_nothing, true) {
            self.pauses(at);
        } else {
            self.pause = Some(at.lasting(UNJUDGED_INTERVAL));
        }
        self.well = None;
    }

    fn pauses(&mut self, at: &Stretch) {
        let pause = FIRST_CHECK_PAUSE * (1 << self.made.min(16));
        self.made += 1;
        self.pause = Some(at.lasting(pause.min(LONGEST_CHECK_PAUSE)));
    }

    /// May a login be made that is due then? Only if a check has just found that the
    /// service is well; before its time, only if one had found it down.
    fn allow_a_probe(&self, now: Timestamp, due: &Stretch, early: bool) -> bool {
        let is_well = self.well.as_ref().is_some_and(|well| now < well.end());
        is_well && (due.may_be_over(now) || early && self.found_down)
    }

    /// The time until which neither a probe nor a check is made: at the soonest, and at
    /// the latest. `None` if one may be made now, whatever the clock did.
    fn wait(&self, now: Timestamp, due: &Stretch, early: bool) -> Option<(Timestamp, Timestamp)> {
        let is_over = |stretch: &Stretch| now >= stretch.end();
        let is_well = self.well.as_ref().is_some_and(|well| now < well.shortest());
        let probes = is_well && (is_over(due) || early && self.found_down);
        let checks = self.pause.as_ref().is_none_or(is_over) || self.well.is_some() && is_over(due);
        if probes || checks {
            return None;
        }
        // A service that responded is asked again when the login is due.
        let asked_again = self.well.as_ref().map(|_| due);
        let ends = self.pause.iter().chain(asked_again);
        let latest = ends.clone().map(|end| end.latest(now)).min()?;
        let soonest = ends.map(Stretch::shortest).min()?;
        let may_be_over = self.allow_a_probe(now, due, early) || self.may_be_made(now, due);
        Some((if may_be_over { now } else { soonest }, latest))
    }

    /// May a check be made? Only when the pause is over; if the last one found the
    /// service well, also when the login is due.
    fn may_be_made(&self, now: Timestamp, due: &Stretch) -> bool {
        let pause_over = self
            .pause
            .as_ref()
            .is_none_or(|pause| pause.may_be_over(now));
        pause_over || self.well.is_some() && due.may_be_over(now)
    }
}

impl Blocked {
    /// The law that forbids the next login.
    const fn law(self) -> u8 {
        match self {
            Self::Wrong(_) | Self::CantBeSent(_) => 3,
            Self::Spent => 2,
            Self::InDoubt | Self::Awaiting | Self::Outdated => 8,
        }
    }

    fn is_told_by(self, reason: &BlockReason) -> bool {
        let (expected, code) = match (self, reason) {
            (Self::Wrong(expected), BlockReason::WrongCredentials { code, .. })
            | (Self::CantBeSent(expected), BlockReason::CantBeSent { code, .. }) => {
                (expected, code)
            }
            (Self::Spent, BlockReason::BudgetSpent)
            | (Self::InDoubt, BlockReason::PasswordInDoubt)
            | (Self::Awaiting, BlockReason::AwaitingConfirmation)
            | (Self::Outdated, BlockReason::PasswordOutdated) => return true,
            _ => return false,
        };
        let code = code.as_ref().map(ToString::to_string);
        code.as_deref() == expected
    }
}

impl Said {
    fn is_told_by(&self, failure: &Failure) -> bool {
        let status = failure.status().map(|status| status.as_u16());
        let code = failure.code().map(ToString::to_string);
        failure.operation() == Some(self.kind)
            && (self.at.lowest..=self.at.from).contains(&failure.at())
            && (status, code.as_deref()) == (self.status, self.code)
    }
}

/// The state that it must be in now.
impl Model {
    pub fn agrees(&mut self, now: Timestamp, session: &Session) {
        let guard = session.login_guard();
        let word = self.word();
        match (&word, &guard.blocked) {
            (Word::Blocked(expected), told) => law(
                expected.law(),
                told.as_ref().is_some_and(|told| expected.is_told_by(told)),
                format_args!("the guard is blocked by {expected:?}: {guard:?}"),
            ),
            (_, told) => law(2, told.is_none(), format_args!("the guard: {guard:?}")),
        }
        let left = self.logins_left();
        law(
            2,
            guard.attempts_left == left,
            format_args!("{left} attempts are left: {guard:?}"),
        );
        let failed = self.guard.counted.len();
        law(
            2,
            usize::try_from(guard.failed_logins) == Ok(failed),
            format_args!("{failed} failed: {guard:?}"),
        );
        let holds = match &word {
            Word::After(next) | Word::Probe { due: next, .. } => {
                let next = next.shortest()..=next.end();
                guard.next_login.is_some_and(|told| next.contains(&told))
            }
            Word::Now | Word::Blocked(_) => guard.next_login.is_none(),
        };
        law(
            2,
            holds,
            format_args!("the next login is {word:?}: {guard:?}"),
        );
        let expected = self.guard.last_of(self.password());
        let holds = match (expected, &guard.last_failure) {
            (Some(expected), Some(failure)) => expected.is_told_by(failure),
            (None, None) => true,
            _ => false,
        };
        law(
            16,
            holds,
            format_args!("the last failure is {expected:?}: {guard:?}"),
        );
        self.hears_of_time(now, session);

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

    /// A clock that was set back takes moments of the future for now: the session may
    /// say so of when it was opened and used.
    ///
    /// Nor is it told when nobody waits any longer for a new password to be confirmed.
    pub fn hears_of_time(&mut self, now: Timestamp, session: &Session) {
        if session.operation() != Some(OperationKind::PasswordReset) {
            self.lets_go_of_a_reset(now);
        }
        let Some(open) = &mut self.open else { return };
        for (moment, told) in [
            (&mut open.since, session.opened_at()),
            (&mut open.used, session.last_used()),
        ] {
            if told == Some(now) {
                *moment = now.min(*moment);
            }
        }
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
        let Checks { pause, well, .. } = &self.guard.checks;
        let next_login = match self.word() {
            Word::After(next) | Word::Probe { due: next, .. } => Some(next.end()),
            Word::Now | Word::Blocked(_) => None,
        };
        let is_probing = matches!(self.word(), Word::Probe { .. });
        let checks = pause.iter().chain(well).filter(move |_| is_probing);
        let instants = [
            self.in_progress.as_ref().map(|(_, lease)| lease.end()),
            self.delay.as_ref().map(|delay| delay.stretch.end()),
            self.bearer.as_ref().map(|bearer| bearer.renew_at),
            open.map(|open| open.used + self.settings.idle_timeout),
            open.map(|open| open.since + SHORT_LIVED),
            next_login,
        ];
        let instants = instants.into_iter().chain(checks.map(|it| Some(it.end())));
        instants.chain(calls).flatten()
    }

    /// All that it knows, but for what never changes, what the session shows, calls
    /// that are over and operations of which nothing more can be heard.
    pub fn show(&self) -> String {
        let lease = self.in_progress.as_ref().map(|(_, lease)| lease);
        let mut text = format!(
            " {:?} {} {:?} {lease:?} {:?} {}",
            self.short_lived,
            self.failures,
            self.delay,
            self.new_password,
            self.judged_failed().count(),
        );
        let Guard {
            counted,
            refused,
            doubts: _,
            unblocked,
            checks,
            last: _,
        } = &self.guard;
        for Counted {
            password, verdict, ..
        } in counted
        {
            write!(text, " {password} {verdict:?}").unwrap();
        }
        for Refused {
            password, reason, ..
        } in refused
        {
            write!(text, " {password} {reason:?}").unwrap();
        }
        if let Some(Unblocked { password, made }) = unblocked {
            write!(text, " {password} {}", made.is_some()).unwrap();
        }
        if let Some((which, failed)) = self.last_failed
            && failed.purpose == Purpose::LogIn
        {
            write!(text, " {}", self.operations[which].password).unwrap();
        }
        write!(text, " {checks:?}").unwrap();
        let deliverable = |it: &&Operation| !it.arrived && !it.gone;
        for operation in self.operations.iter().filter(deliverable) {
            let Operation {
                purpose,
                carries,
                password,
                newest,
                judged,
                ..
            } = operation;
            write!(text, "{purpose:?}{carries:?} {password} {newest}{judged:?}").unwrap();
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

/// Returns true if a token is ended because of a 401 that names nothing, as is `told`:
/// only if none was for as long as this, and then it must be.
#[track_caller]
fn ends(now: Timestamp, pause: Option<&Stretch>, told: bool) -> bool {
    let may_be_over = pause.is_none_or(|pause| pause.may_be_over(now));
    let is_over = pause.is_none_or(|pause| now >= pause.end());
    law(5, may_be_over || !told, "a token is suspected too soon");
    law(5, told || !is_over, "no token is suspected");
    told
}

/// The first event of a kind.
fn find<R>(events: &[Event], is: impl Fn(&Event) -> Option<R>) -> Option<R> {
    events.iter().find_map(is)
}

/// The times until which the session or the guard says that it backs off.
fn backoffs(events: &[Event]) -> impl Iterator<Item = Timestamp> {
    events.iter().filter_map(|event| match event {
        Event::BackingOff { until, .. } => Some(*until),
        _ => None,
    })
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

    /// A moment.
    const fn at(moment: Timestamp) -> Self {
        Self::new(moment, Duration::ZERO)
    }

    /// As long a stretch from the same moment.
    const fn lasting(&self, length: Duration) -> Self {
        Self {
            least: length,
            most: length,
            ..*self
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
