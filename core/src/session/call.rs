//! One thing that a caller wants, on its way through a session.
//!
//! The contract for a driver is three lines long, and nothing breaks if it is
//! kept badly: steps out of turn say what they wait for, answers that nobody
//! waits for are dropped, and a call that is never heard of again frees its
//! flight when the lease ends.
//!
//! 1. `step`, and do what it says.
//! 2. After [`Step::Send`], `receive` what came of it, with its attempt.
//! 3. If you give up half-way, `abandon`.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};

use super::{
    FlightKind, GateReason, Landing, Session, Store,
    flight::GRACE,
    retry::Span,
    task::{Sent, Task},
};
use crate::{
    Endpoint, Error, Timestamp, TransportError,
    answer::{Malformed, Problem},
    api::{LogIn, RequestBearerToken},
    error::Fate,
    refusal::Refusal,
};

/// A call under way: a request of the caller's, or one of the session's own
/// ([`OpenSession`](super::OpenSession), [`EndSession`](super::EndSession),
/// [`ChangePassword`](super::ChangePassword)).
///
/// The token fetch, the login, a replay after an expired token and the pauses
/// between come out of the same [`step`](Self::step) as the request itself.
pub struct Call<T: Task> {
    task: T,
    progress: Progress,
    result: Option<Result<T::Output, Error>>,
}

/// How far a call has come.
#[derive(Clone, Debug)]
struct Progress {
    state: State,
    deadline: Option<Timestamp>,
    started: bool,
    /// Requests sent, of all kinds.
    attempts: u32,
    /// Failures that might have passed.
    failures: u32,
    bearer_replayed: bool,
    session_replayed: bool,
    /// The last flight that this call landed itself: what it brought is used.
    own: u64,
    /// The flight of another call that this one waits for.
    waited_for: Option<u64>,
    pause: Option<Span>,
    last: Option<Error>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The next step decides.
    Ready,
    /// A request is with the driver.
    Out(Out),
    /// The result has been given.
    Over,
}

/// A request that is with the driver.
#[derive(Clone, Copy, Debug)]
struct Out {
    attempt: Attempt,
    at: Timestamp,
    /// How long it is waited for.
    wait: Span,
    errand: Errand,
}

#[derive(Clone, Copy, Debug)]
enum Errand {
    TokenFetch {
        flight: u64,
    },
    LogIn {
        flight: u64,
        bearer: u64,
    },
    Task {
        flight: Option<u64>,
        bearer: u64,
        session: u64,
    },
}

/// What to do next.
// A box around the request would cost every call an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
#[must_use = "a request that is not sent is waited for, and a login among them is counted"]
pub enum Step<O> {
    /// Send this, then [`receive`](Call::receive) what came of it.
    Send(Transmit),
    /// There is nothing to do for now: step again then, or when the session's
    /// [version](Session::version) has changed.
    Wait(Wait),
    /// This is what came of the call.
    Done(Result<O, Error>),
}

/// A request to be sent, and how. `Debug` shows where it goes and nothing of
/// what it carries.
#[non_exhaustive]
pub struct Transmit {
    /// The request, complete but for what every HTTP stack adds by itself. Send
    /// it where it says and follow no redirect.
    pub request: Request<Bytes>,
    /// When to give it up: then tell [`receive`](Call::receive) that its fate
    /// is unknown.
    pub deadline: Timestamp,
    /// How much of the answer's body to read, in bytes: stop there and hand over
    /// what you have. One more than what is taken, so that more is noticed.
    pub read_limit: usize,
    /// Which of the call's requests it is.
    pub attempt: Attempt,
}

impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transmit")
            .field("method", self.request.method())
            .field("path", &self.request.uri().path())
            .field("deadline", &self.deadline)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// Which of a call's requests something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt(u32);

impl Attempt {
    /// Its number, from 1. Token fetches and logins count.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// That there is nothing to do for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// When to step again at the latest.
    pub until: Timestamp,
    /// What is waited for.
    pub reason: WaitReason,
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// Another call carries what this one needs.
    Flight(FlightKind),
    /// Something failed in a way that may pass.
    Backoff,
    /// Sessions keep dying right after login.
    Brake,
    /// The driver has a request that it has not said what came of.
    Answer,
}

/// Says what is waited for.
impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flight(kind) => write!(f, "{kind} of another call"),
            Self::Backoff => f.write_str("the next try after a failure"),
            Self::Brake => f.write_str("the next login, since sessions keep dying"),
            Self::Answer => f.write_str("an answer"),
        }
    }
}

impl<T: Task> Call<T> {
    /// A call for an endpoint (a plain `http::Request<Bytes>` is one), or for
    /// one of the session's own tasks.
    pub const fn new(task: T) -> Self {
        let progress = Progress {
            state: State::Ready,
            deadline: None,
            started: false,
            attempts: 0,
            failures: 0,
            bearer_replayed: false,
            session_replayed: false,
            own: 0,
            waited_for: None,
            pause: None,
            last: None,
            fate: Fate::NeverSent,
        };
        Self {
            task,
            progress,
            result: None,
        }
    }

    /// Ends the call at this moment at the latest, whatever it waits for; without
    /// it, the session's [`call_timeout`](super::Settings::call_timeout) counts from
    /// the first step. (A driver that says nothing of a request is given five
    /// seconds more.)
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Timestamp) -> Self {
        self.progress.deadline = Some(deadline);
        self
    }

    /// Says what to do next.
    ///
    /// A call that is over says so with [`Error::Over`].
    pub fn step(&mut self, session: &mut Session, now: Timestamp) -> Step<T::Output> {
        if let State::Out(out) = &mut self.progress.state {
            out.wait.rebase(now);
            if let Some(until) = out.wait.rest(now) {
                let reason = WaitReason::Answer;
                return Step::Wait(Wait { until, reason });
            }
            let attempt = out.attempt;
            self.receive(session, now, attempt, Err(TransportError::silence()));
        }
        if let Some(result) = self.result.take() {
            self.progress.state = State::Over;
            return Step::Done(result.map_err(|error| error.after(self.progress.fate)));
        }
        if matches!(self.progress.state, State::Over) {
            return Step::Done(Err(Error::Over));
        }
        if !self.progress.started {
            self.progress.started = true;
            let timeout = session.settings.call_timeout;
            self.progress.deadline = self
                .progress
                .deadline
                .or(timeout.map(|timeout| now + timeout));
            // No login is spent on a request that may not be sent anyway.
            if session.memory.open.is_none() {
                if let Err(error) = self.task.check(session) {
                    self.progress.state = State::Over;
                    return Step::Done(Err(error.into()));
                }
            }
        }
        session.catch_up(now);
        match self.advance(session, now) {
            Ok(step) => {
                if matches!(step, Step::Done(_)) {
                    self.progress.state = State::Over;
                }
                step
            }
            Err(error) => {
                self.progress.state = State::Over;
                Step::Done(Err(error.after(self.progress.fate)))
            }
        }
    }

    /// Takes in what came of the request of this attempt.
    ///
    /// An answer that is not waited for, because it came before or came too
    /// late, changes nothing.
    pub fn receive(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        attempt: Attempt,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        let State::Out(out) = self.progress.state else {
            return;
        };
        if out.attempt != attempt {
            return;
        }
        self.progress.state = State::Ready;
        let heard = Heard::new(result, session.settings.max_body, now);
        self.result = match out.errand {
            Errand::TokenFetch { flight } => {
                self.fetched(session, now, out.at, flight, heard).map(Err)
            }
            Errand::LogIn { flight, bearer } => self
                .logged_in(session, now, out.at, (flight, bearer), heard)
                .map(Err),
            Errand::Task {
                flight,
                bearer,
                session: open,
            } => self.answered(session, now, out.at, (flight, bearer, open), heard),
        };
    }

    /// Gives the call up, at any point: frees the flight that it may be
    /// carrying. If a request is under way, its fate is unknown.
    pub fn abandon(&mut self, session: &mut Session) {
        if let State::Out(out) = self.progress.state {
            let flight = match out.errand {
                Errand::TokenFetch { flight } | Errand::LogIn { flight, .. } => Some(flight),
                Errand::Task { flight, .. } => flight,
            };
            if let Some(flight) = flight {
                session.lose(flight);
            }
        }
        self.result = None;
        self.progress.state = State::Over;
    }

    /// [`step`](Self::step), for a session that many processes share: on what the
    /// store has, and with every change kept before it returns. If the store
    /// fails, the call ends with [`Error::Store`] and nothing is sent.
    pub fn step_in(
        &mut self,
        store: &dyn Store,
        session: &mut Session,
        now: Timestamp,
    ) -> Step<T::Output> {
        if self.result.is_some() {
            return self.step(session, now);
        }
        let before = self.progress.clone();
        let stepped = session.transact(store, |session| {
            self.progress.clone_from(&before);
            self.step(session, now)
        });
        stepped.unwrap_or_else(|error| {
            self.progress.state = State::Over;
            Step::Done(Err(Error::Store(error).after(before.fate)))
        })
    }

    /// [`receive`](Self::receive), for a session that many processes share. If
    /// the store fails, the call has its own answer all the same.
    pub fn receive_in(
        &mut self,
        store: &dyn Store,
        session: &mut Session,
        now: Timestamp,
        attempt: Attempt,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        if !matches!(self.progress.state, State::Out(out) if out.attempt == attempt) {
            return;
        }
        let before = self.progress.clone();
        let received = session.transact(store, |session| {
            self.progress.clone_from(&before);
            self.result = None;
            self.receive(session, now, attempt, result.clone());
        });
        if let Err(error) = received {
            self.progress = before;
            self.result = None;
            self.receive(&mut session.clone(), now, attempt, result);
            self.result.get_or_insert(Err(Error::Store(error)));
        }
    }

    /// [`abandon`](Self::abandon), for a session that many processes share. If
    /// the store fails, the flight ends with its lease.
    pub fn abandon_in(&mut self, store: &dyn Store, session: &mut Session) {
        let before = self.progress.clone();
        let abandoned = session.transact(store, |session| {
            self.progress.clone_from(&before);
            self.abandon(session);
        });
        if abandoned.is_err() {
            self.result = None;
            self.progress.state = State::Over;
        }
    }

    /// Whether the call has given its result, or was abandoned.
    pub const fn is_over(&self) -> bool {
        matches!(self.progress.state, State::Over)
    }

    fn advance(&mut self, session: &mut Session, now: Timestamp) -> Result<Step<T::Output>, Error> {
        if self
            .progress
            .deadline
            .is_some_and(|deadline| now >= deadline)
        {
            return Err(Error::TimedOut {
                fate: self.progress.fate,
            });
        }
        if let Some(pause) = &mut self.progress.pause {
            pause.rebase(now);
            if let Some(until) = pause.rest(now) {
                let error = self
                    .progress
                    .last
                    .clone()
                    .unwrap_or(Error::Paused { until });
                return self.hold(session, now, until, WaitReason::Backoff, error);
            }
            self.progress.pause = None;
        }
        if let Some(flight) = session
            .memory
            .flight
            .filter(|flight| flight.kind == FlightKind::LogOut)
        {
            return Ok(self.wait(flight.lease.end(), WaitReason::Flight(flight.kind)));
        }
        let open = session.usable_session(now, self.progress.own);
        if let Some(output) = self.task.settled(open) {
            return Ok(Step::Done(Ok(output)));
        }
        if session.memory.open.is_none() && session.memory.flight.is_none() {
            let gate = session.gate();
            if gate.closed.is_some() {
                return Err(Error::GateClosed(gate));
            }
        }
        if session.usable_bearer(now, self.progress.own).is_none() {
            return self.fetch_token(session, now);
        }
        if session.memory.open.is_none() {
            return self.log_in(session, now);
        }
        if T::FLIGHT == Some(FlightKind::PasswordReset) {
            let gate = session.gate();
            // A doubt that a lost reset has left, another one may clear up. Nobody knows
            // whether the platform counts one with a wrong password as a failed login.
            let may_be_right = matches!(gate.closed, None | Some(GateReason::PasswordUnknown));
            if session.password_outdated() || !may_be_right {
                return Err(Error::GateClosed(gate));
            }
        }
        if T::FLIGHT.is_some() {
            if let Some(flight) = session.memory.flight {
                return Ok(self.wait(flight.lease.end(), WaitReason::Flight(flight.kind)));
            }
        }
        self.send_task(session, now)
    }

    fn fetch_token(
        &mut self,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<Step<T::Output>, Error> {
        if let Some(step) = self.before_flight(session, now)? {
            return Ok(step);
        }
        let endpoint = RequestBearerToken {
            scope: session.settings.scope.clone(),
        };
        let request = endpoint.request(&session.environment, &session.credentials.app)?;
        let deadline = self.attempt_deadline(session, now);
        let flight = session.take_off(FlightKind::TokenFetch, now, deadline);
        Ok(self.send(
            session,
            now,
            deadline,
            request,
            Errand::TokenFetch { flight },
        ))
    }

    fn log_in(&mut self, session: &mut Session, now: Timestamp) -> Result<Step<T::Output>, Error> {
        if let Some(step) = self.before_flight(session, now)? {
            return Ok(step);
        }
        let Some((bearer, generation)) = session.usable_bearer(now, self.progress.own) else {
            return self.fetch_token(session, now);
        };
        let request =
            LogIn::new(&session.credentials.user).request(&session.environment, bearer)?;
        let deadline = self.attempt_deadline(session, now);
        let errand = Errand::LogIn {
            flight: session.take_off(FlightKind::LogIn, now, deadline),
            bearer: generation,
        };
        Ok(self.send(session, now, deadline, request, errand))
    }

    /// What is to be waited for before a flight for a token may take off.
    fn before_flight(
        &mut self,
        session: &Session,
        now: Timestamp,
    ) -> Result<Option<Step<T::Output>>, Error> {
        let flight = session.memory.flight;
        if self.progress.waited_for != flight.map(|flight| flight.id) {
            self.learn_from_others(session)?;
        }
        if let Some(flight) = flight {
            self.progress.waited_for = Some(flight.id);
            let wait = self.wait(flight.lease.end(), WaitReason::Flight(flight.kind));
            return Ok(Some(wait));
        }
        let Some((until, pause)) = session.pause(now) else {
            return Ok(None);
        };
        let (reason, error) = if pause.braked {
            (WaitReason::Brake, Error::Braked { until })
        } else {
            let last = self.progress.last.clone();
            (WaitReason::Backoff, last.unwrap_or(Error::Paused { until }))
        };
        self.hold(session, now, until, reason, error).map(Some)
    }

    /// Takes the failure of a flight that this call waited for as its own, so
    /// that a hundred calls do not make one mistake a hundred times.
    fn learn_from_others(&mut self, session: &Session) -> Result<(), Error> {
        let Some(waited_for) = self.progress.waited_for.take() else {
            return Ok(());
        };
        let failure = session.memory.failure.as_ref();
        match failure.filter(|failure| failure.flight >= waited_for) {
            Some(failure) => {
                let error = failure.error(session.gate());
                self.flight_failed(session, failure.errand, error)
                    .map_or(Ok(()), Err)
            }
            None => Ok(()),
        }
    }

    /// Sends the request that all this is for.
    fn send_task(
        &mut self,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<Step<T::Output>, Error> {
        let memory = &session.memory;
        let (Some(bearer), Some(open)) = (&memory.bearer, &memory.open) else {
            return Err(Error::Over);
        };
        let request = self.task.outgoing(session, (&bearer.token, &open.token))?;
        let (bearer, open) = (bearer.generation, open.generation);
        let deadline = self.attempt_deadline(session, now);
        let errand = Errand::Task {
            flight: T::FLIGHT.map(|kind| session.take_off(kind, now, deadline)),
            bearer,
            session: open,
        };
        Ok(self.send(session, now, deadline, request, errand))
    }

    fn attempt_deadline(&self, session: &Session, now: Timestamp) -> Timestamp {
        let deadline = now + session.settings.attempt_timeout;
        self.progress
            .deadline
            .map_or(deadline, |own| own.min(deadline))
    }

    fn send(
        &mut self,
        session: &Session,
        now: Timestamp,
        deadline: Timestamp,
        request: Request<Bytes>,
        errand: Errand,
    ) -> Step<T::Output> {
        // What it waited for before has come, and what fails later is not its own.
        self.progress.waited_for = None;
        self.progress.attempts = self.progress.attempts.saturating_add(1);
        let attempt = Attempt(self.progress.attempts);
        self.progress.state = State::Out(Out {
            attempt,
            at: now,
            wait: Span::new(now, deadline.since(now) + GRACE),
            errand,
        });
        Step::Send(Transmit {
            request,
            deadline,
            read_limit: session.settings.max_body.saturating_add(1),
            attempt,
        })
    }

    /// Waits, but not beyond the call's deadline.
    fn wait(&self, until: Timestamp, reason: WaitReason) -> Step<T::Output> {
        let until = self
            .progress
            .deadline
            .map_or(until, |deadline| deadline.min(until));
        Step::Wait(Wait { until, reason })
    }

    /// Waits, or ends with `error` if that would take too long.
    fn hold(
        &self,
        session: &Session,
        now: Timestamp,
        until: Timestamp,
        reason: WaitReason,
        error: Error,
    ) -> Result<Step<T::Output>, Error> {
        // The jitter on top of what the service asked for is not held against it.
        let longest = session
            .settings
            .longest_wait
            .saturating_add(session.settings.first_backoff);
        let too_long = until.since(now) > longest;
        let too_late = self
            .progress
            .deadline
            .is_some_and(|deadline| deadline <= until);
        if too_long || too_late {
            return Err(error);
        }
        Ok(self.wait(until, reason))
    }

    /// What came of a token fetch. Gives the error that ends the call, if one
    /// does.
    fn fetched(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        sent: Timestamp,
        flight: u64,
        heard: Heard,
    ) -> Option<Error> {
        if session.land(flight) == Landing::Stale {
            return None;
        }
        let error = match heard.read::<RequestBearerToken>() {
            Ok(answer) => {
                session.bearer_fetched(flight, sent, now, answer);
                self.progress.own = flight;
                return None;
            }
            Err(Error::Refused(refusal)) if refusal.names_app() => Error::AppRefused(refusal),
            Err(error) => error,
        };
        self.own_flight_failed(session, now, flight, FlightKind::TokenFetch, error)
    }

    /// What came of a login. Gives the error that ends the call, if one does.
    fn logged_in(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        sent: Timestamp,
        (flight, bearer): (u64, u64),
        heard: Heard,
    ) -> Option<Error> {
        if session.land(flight) == Landing::Stale {
            return None;
        }
        let error = match heard.read::<LogIn<'_>>() {
            Ok(answer) => {
                session.logged_in(flight, sent, answer.session_token);
                self.progress.own = flight;
                return None;
            }
            Err(Error::Refused(refusal)) if refusal.is_bearer_fault() => {
                session.login_not_judged();
                session.bearer_refused(bearer);
                if !std::mem::replace(&mut self.progress.bearer_replayed, true) {
                    return None;
                }
                Error::BearerRefused(refusal)
            }
            Err(Error::Refused(refusal) | Error::Throttled { refusal, .. })
                if refusal.names_credentials() =>
            {
                session.login_refused(refusal)
            }
            Err(Error::Refused(refusal)) if !refusal.may_pass() => session.login_refused(refusal),
            Err(error) if error.is_never_sent() => {
                session.login_not_judged();
                error
            }
            Err(error) => {
                session.login_lost();
                error
            }
        };
        self.own_flight_failed(session, now, flight, FlightKind::LogIn, error)
    }

    /// What came of the task's own request. Gives the result of the call, if
    /// this is it.
    fn answered(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        sent: Timestamp,
        (flight, bearer, open): (Option<u64>, u64, u64),
        heard: Heard,
    ) -> Option<Result<T::Output, Error>> {
        let with = Sent {
            session: open,
            flight: flight.unwrap_or_default(),
            fresh: flight.is_none_or(|flight| session.land(flight) == Landing::Fresh),
        };
        let error = match heard {
            Heard::Success(answer) => {
                session.used(open, sent);
                return Some(self.task.succeeded(session, with, answer));
            }
            Heard::Failure(Error::Refused(refusal)) if refusal.is_bearer_fault() => {
                session.bearer_refused(bearer);
                if !std::mem::replace(&mut self.progress.bearer_replayed, true) {
                    self.met(Fate::Refused);
                    return None;
                }
                Error::BearerRefused(refusal)
            }
            Heard::Failure(Error::Refused(refusal)) if refusal.is_session_refusal() => {
                session.session_refused(open, now);
                if !std::mem::replace(&mut self.progress.session_replayed, true) {
                    self.met(Fate::Refused);
                    return None;
                }
                Error::SessionRefused(refusal)
            }
            Heard::Failure(error) => error,
        };
        if error.code().is_some() && !error.is_session_refused() {
            session.used(open, sent);
        }
        self.met(error.fate());
        self.progress.failures = self.progress.failures.saturating_add(1);
        let harmless = error.fate() != Fate::Unknown || self.task.may_be_done_twice();
        let again = T::REPEATS && harmless && may_pass(&error) && !error.is_malformed();
        if !again || self.progress.failures >= session.settings.max_attempts.get() {
            return Some(Err(T::failed(session, with, error)));
        }
        let until = session.retry_time(self.progress.failures, now, error.asked(now));
        self.progress.pause = Some(Span::new(now, until.since(now)));
        self.progress.last = Some(error.put_off(until));
        None
    }

    /// One more try had this fate; the least certain one counts.
    fn met(&mut self, fate: Fate) {
        self.progress.fate = self.progress.fate.max(fate);
    }

    /// A flight that this call carried failed: tells those who wait for it. Gives
    /// the error that ends this call, if it does.
    fn own_flight_failed(
        &mut self,
        session: &mut Session,
        now: Timestamp,
        flight: u64,
        kind: FlightKind,
        mut error: Error,
    ) -> Option<Error> {
        if may_pass(&error) {
            let until = session.pause_flights(now, error.asked(now));
            error = error.put_off(until);
        }
        session.flight_failed(flight, kind, &error);
        self.flight_failed(session, kind, error)
    }

    /// What the failure of a flight means for a call that needed it. Gives the
    /// error that ends the call, if it does.
    fn flight_failed(
        &mut self,
        session: &Session,
        kind: FlightKind,
        error: Error,
    ) -> Option<Error> {
        let passing = may_pass(&error);
        let error = self.task.because(kind, error);
        // A token fetch is never what was asked for.
        if kind != FlightKind::TokenFetch {
            self.met(error.fate());
        }
        self.progress.failures = self.progress.failures.saturating_add(1);
        if !passing || self.progress.failures >= session.settings.max_attempts.get() {
            return Some(error);
        }
        self.progress.last = Some(error);
        None
    }
}

impl<T: Task + Clone> Clone for Call<T>
where
    T::Output: Clone,
{
    fn clone(&self) -> Self {
        Self {
            task: self.task.clone(),
            progress: self.progress.clone(),
            result: self.result.clone(),
        }
    }
}

/// Shows all that decides what it does next, and nothing of what it carries.
impl<T: Task> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = self.result.as_ref();
        f.debug_struct("Call")
            .field("progress", &self.progress)
            .field("result", &result.map(|result| result.as_ref().map(|_| ())))
            .finish_non_exhaustive()
    }
}

/// What a driver heard, as far as every errand takes it the same way.
enum Heard {
    Success(Response<Bytes>),
    Failure(Error),
}

impl Heard {
    fn new(
        result: Result<Response<Bytes>, TransportError>,
        max_body: usize,
        now: Timestamp,
    ) -> Self {
        let answer = match result {
            Ok(answer) => answer,
            Err(error) if error.may_have_left() => return Self::Failure(Error::FateUnknown(error)),
            Err(error) => return Self::Failure(Error::NeverSent(error)),
        };
        let too_long = answer.body().len() > max_body;
        if answer.status().is_success() {
            if too_long {
                let malformed = Malformed::new("the body", Problem::TooLong(max_body));
                return Self::Failure(Error::malformed(malformed, answer));
            }
            return Self::Success(answer);
        }
        let refusal = Box::new(if too_long {
            Refusal::unread(answer)
        } else {
            Refusal::read(answer)
        });
        if refusal.is_throttled() {
            let until = refusal.retry_after(now).unwrap_or(now);
            return Self::Failure(Error::Throttled { until, refusal });
        }
        Self::Failure(Error::Refused(refusal))
    }

    /// The typed answer to an endpoint of the session's own.
    fn read<E: Endpoint>(self) -> Result<E::Output, Error> {
        match self {
            Self::Success(answer) => E::parse(answer).map(Response::into_body),
            Self::Failure(error) => Err(error),
        }
    }
}

impl Error {
    /// When the service asked to be called again.
    fn asked(&self, now: Timestamp) -> Option<Timestamp> {
        self.refusal()?.retry_after(now)
    }

    /// The same, with the time at which it is tried again.
    fn put_off(self, until: Timestamp) -> Self {
        match self {
            Self::Throttled { refusal, .. } => Self::Throttled { until, refusal },
            other => other,
        }
    }
}

/// Whether what failed so may succeed a little later. A token fetch or login
/// that is answered with nonsense is taken for an outage on the way.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Throttled { .. }
        | Error::NeverSent(_)
        | Error::FateUnknown(_)
        | Error::Malformed { .. } => true,
        Error::Refused(refusal) => refusal.may_pass(),
        _ => false,
    }
}
