//! The driver: the calls of a client, its exchanges, and its accesses to the store.
//!
//! It does what every driver does, without a thread or a task: each call is somewhere, and
//! every input moves those that it concerns as far as they get.

mod access;
mod exchange;
mod input;
mod shown;

use std::{collections::VecDeque, mem, time::Duration};

use bytes::Bytes;
use thingspace_core::{
    Call, Completion, Error, Outcome, Session, SharedStep, Timestamp,
    session::{NewPassword, OperationKind},
};
use zeroize::Zeroizing;

use self::{
    access::Access,
    exchange::{Exchange, Owner},
    shown::told,
};
use crate::{
    config::{self, Configured},
    failure,
    http_json::shown,
    json::{Fields, Json},
    table::Table,
    words::Words,
};

/// The number of the call that saves what the store does not have, beside the callers'.
const SYNC: u64 = 0;

/// The longest time between two looks, since timers of a host are not made for more (our
/// choice).
const LONGEST_SLEEP: Duration = Duration::from_secs(60 * 60);

/// The number of new passwords that are held until they are confirmed; the oldest are
/// dropped first (our choice).
const MAX_RESETS: usize = 8;

/// A client: a session, and the calls that use it.
pub(crate) struct Client {
    session: Session,
    /// The application's secret, to be found in the words of others.
    secret: Zeroizing<String>,
    is_shared: bool,
    calls: Table<Running>,
    /// The calls that are to be stepped.
    ready: VecDeque<u64>,
    /// The requests that are on their way.
    exchanges: Table<Exchange>,
    /// The accesses to the store that are not over.
    accesses: Table<Access>,
    /// The number of the last exchange or access.
    last_number: u64,
    /// True if there was something to save since the call that saves has begun.
    sync_wanted: bool,
    /// The new passwords that were given away.
    resets: Vec<NewPassword>,
    /// What is to be done, in this order.
    effects: Vec<Json>,
    /// The bodies that it names by their number.
    bodies: Vec<Bytes>,
}

struct Running {
    call: Call,
    /// The new password that it confirms.
    confirms: Option<NewPassword>,
    place: Place,
    /// True if something of its own was sent, or was begun.
    has_begun: bool,
    /// True if its own request is an operation of the session's: a logout or a reset.
    is_operation: bool,
    /// True if its caller has given it up, and it only goes on to begin an operation that
    /// the store may have already.
    is_orphan: bool,
}

#[derive(Clone, Copy)]
enum Place {
    Ready,
    Waiting(Timestamp),
    Sending(u64),
    Accessing(u64),
}

impl Client {
    /// Makes a client. Fails, without showing a secret, if the configuration can't be
    /// used.
    pub(crate) fn new(config: Fields) -> Result<Self, String> {
        let Configured {
            session,
            secret,
            is_shared,
        } = config::build(config)?;
        Ok(Self {
            session,
            secret,
            is_shared,
            calls: Table::new(),
            ready: VecDeque::new(),
            exchanges: Table::new(),
            accesses: Table::new(),
            last_number: 0,
            sync_wanted: false,
            resets: Vec::new(),
            effects: Vec::new(),
            bodies: Vec::new(),
        })
    }

    /// Takes what happened, and moves every call as far as it gets. Returns what is to be
    /// done.
    ///
    /// Fails, and changes nothing, if it is nothing that happens.
    pub(crate) fn input(
        &mut self,
        now: Timestamp,
        what: &str,
        given: Fields,
        body: Bytes,
        bodies: &mut Vec<Bytes>,
    ) -> Result<Json, String> {
        let before = self.session.version();
        self.take(now, what, given, body)?;
        self.notice(now, before, None);
        self.look_at_the_time(now);
        while let Some(id) = self.ready.pop_front() {
            self.step(now, id);
        }
        Ok(self.todo(now, bodies))
    }

    /// Returns what is to be done.
    pub(crate) fn todo(&mut self, now: Timestamp, bodies: &mut Vec<Bytes>) -> Json {
        *bodies = mem::take(&mut self.bodies);
        let is_idle =
            self.calls.is_empty() && self.exchanges.is_empty() && self.accesses.is_empty();
        Json::Shown(vec![
            ("effects", Json::List(mem::take(&mut self.effects))),
            ("wake", self.next_wake(now).into()),
            ("idle", is_idle.into()),
        ])
    }

    fn begin(
        &mut self,
        now: Timestamp,
        id: u64,
        mut call: Call,
        timeout: Option<u64>,
        confirms: Option<NewPassword>,
    ) {
        if let Some(timeout) = timeout {
            call = call.with_deadline(now + Duration::from_millis(timeout));
        }
        let running = Running {
            call,
            confirms,
            place: Place::Ready,
            has_begun: false,
            is_operation: false,
            is_orphan: false,
        };
        self.calls.insert(id, running);
        self.ready.push_back(id);
    }

    fn confirm(&mut self, now: Timestamp, id: u64, password: &str, timeout: Option<u64>) {
        let is_it = |new: &&NewPassword| new.password().expose() == password;
        let given_away = self.resets.iter().rev().find(is_it);
        let found = given_away.or_else(|| self.session.new_password().filter(is_it));
        let Some(new) = found.cloned() else {
            let message = "this client knows of no reset that brought this password; give it by setCredentials if it is the right one";
            return self.fail_plainly(id, "not_awaited", Outcome::NeverSent, message);
        };
        match self.session.confirm(&new) {
            Ok(()) => self.begin(now, id, Call::sync(), timeout, Some(new)),
            Err(error) => self.fail_with(id, &error.into()),
        }
    }

    /// Gives a call up. The operation that it has begun goes on.
    fn cancel(&mut self, id: u64) {
        if self.calls.get(id).is_some_and(|running| running.is_orphan) {
            return;
        }
        let Some(mut running) = self.calls.remove(id) else {
            return;
        };
        let has_begun = running.has_begun;
        match running.place {
            Place::Sending(exchange) => {
                self.exchanges.remove(exchange);
                self.abort(exchange);
            }
            // It must not be sent any more, whatever the store has of it.
            Place::Accessing(access) if running.is_operation => {
                self.accesses.remove(access);
                running.call.abandon(&mut self.session);
            }
            // The token fetch or login that it is about to begin is of use to others, who
            // would wait for it in vain if it was saved and never sent.
            Place::Accessing(_) => {
                running.is_orphan = true;
                self.calls.insert(id, *running);
            }
            Place::Ready | Place::Waiting(_) => {}
        }
        self.given_up(id, has_begun);
    }

    /// Ends a call that was given up.
    fn given_up(&mut self, id: u64, has_begun: bool) {
        let (outcome, message) = if has_begun {
            let message = "the call was given up after it was sent, so it may have been executed; look before you retry it";
            (Outcome::Unknown, message)
        } else {
            let message = "the call was given up before it was sent";
            (Outcome::NeverSent, message)
        };
        self.fail_plainly(id, "aborted", outcome, message);
    }

    /// Takes one step of a call.
    fn step(&mut self, now: Timestamp, id: u64) {
        let before = self.session.version();
        let ready = |running: &&mut Running| matches!(running.place, Place::Ready);
        let Some(running) = self.calls.get_mut(id).filter(ready) else {
            return;
        };
        let is_orphan = running.is_orphan;
        match running.call.step_shared(&mut self.session, now) {
            SharedStep::Send(transmit) if is_orphan => {
                self.calls.remove(id);
                if let Some(operation) = transmit.attempt.operation() {
                    self.send(now, Owner::Session(operation), transmit);
                }
            }
            SharedStep::Wait(_) | SharedStep::Done(_) if is_orphan => {
                self.calls.remove(id);
            }
            SharedStep::Send(transmit) => {
                let owner = if let Some(operation) = transmit.attempt.operation() {
                    // It goes on without the call, which sees what it waits for.
                    self.ready.push_back(id);
                    let kind = operation.kind();
                    running.has_begun |=
                        matches!(kind, OperationKind::LogOut | OperationKind::PasswordReset);
                    Owner::Session(operation)
                } else {
                    running.has_begun = true;
                    Owner::Call(id, transmit.attempt)
                };
                self.send(now, owner, transmit);
            }
            SharedStep::Wait(wait) => running.place = Place::Waiting(wait.until),
            SharedStep::Load => self.load(now, id),
            SharedStep::Save { seen, snapshot } => self.save(now, id, seen, &snapshot),
            SharedStep::Done(result) => self.end(now, id, result),
        }
        self.notice(now, before, Some(id));
    }

    /// Saves what the store does not have, beside the calls.
    fn sync_beside(&mut self, now: Timestamp) {
        if !self.is_shared || !self.session.is_unsaved(now) {
            return;
        }
        if self.calls.get(SYNC).is_some() {
            self.sync_wanted = true;
            return;
        }
        self.begin_sync(now);
    }

    fn begin_sync(&mut self, now: Timestamp) {
        self.sync_wanted = false;
        let deadline = now + self.session.settings().attempt_timeout;
        let call = Call::sync().with_deadline(deadline);
        self.begin(now, SYNC, call, None, None);
    }

    /// Ends a call with its result.
    fn end(&mut self, now: Timestamp, id: u64, result: Result<Completion, Error>) {
        let Some(running) = self.calls.remove(id) else {
            return;
        };
        if id == SYNC {
            // What could not be saved is saved after the next response.
            if self.sync_wanted && self.session.is_unsaved(now) {
                self.begin_sync(now);
            }
            return;
        }
        match result {
            Ok(completion) => {
                let result = self.ending(completion);
                let done = Json::Shown(vec![("call", id.into()), ("result", result)]);
                self.effects.push(Json::named("done", done));
            }
            Err(error) => {
                let error = match running.confirms {
                    Some(new) => error.of_confirming(&new),
                    None => error,
                };
                self.fail_with(id, &error);
            }
        }
    }

    fn ending(&mut self, completion: Completion) -> Json {
        match completion {
            Completion::Response(response) => {
                let body = self.keep(response.body().clone());
                Json::named("response", shown(&response, body))
            }
            Completion::LoggedOut(token) => Json::named("loggedOut", token.is_some().into()),
            Completion::PasswordReset(new) => {
                let password = new.password().expose().into();
                if self.resets.len() == MAX_RESETS {
                    drop(self.resets.remove(0));
                }
                self.resets.push(new);
                Json::named("newPassword", password)
            }
            _ => Json::Null,
        }
    }

    fn fail_with(&mut self, id: u64, error: &Error) {
        let body = error.response().map(|response| response.body().clone());
        let body = self.keep(body.unwrap_or_default());
        let fault = failure::fault(error, &self.session, &self.secret, body);
        self.fail(id, fault);
    }

    fn fail_plainly(&mut self, id: u64, kind: &'static str, outcome: Outcome, message: &str) {
        self.fail(id, failure::plain(kind, outcome, message));
    }

    fn fail(&mut self, id: u64, error: Json) {
        let failed = Json::Shown(vec![("call", id.into()), ("error", error)]);
        self.effects.push(Json::named("failed", failed));
    }

    /// Reports the events. Wakes those who wait, but for the one that has just looked,
    /// if the session has changed.
    fn notice(&mut self, now: Timestamp, before: u64, but: Option<u64>) {
        while let Some(event) = self.session.poll_event() {
            self.effects.push(Json::named("event", told(&event, now)));
        }
        if self.session.version() != before {
            self.wake_all(but);
        }
    }

    fn wake_all(&mut self, but: Option<u64>) {
        for (id, running) in self.calls.iter_mut() {
            if matches!(running.place, Place::Waiting(_)) && Some(id) != but {
                running.place = Place::Ready;
                self.ready.push_back(id);
            }
        }
    }

    /// Does what the time has come for.
    fn look_at_the_time(&mut self, now: Timestamp) {
        let mut late = Vec::new();
        for (exchange, sent) in self.exchanges.iter_mut() {
            if now >= sent.deadline && !sent.is_given_up {
                sent.is_given_up = true;
                late.push(exchange);
            }
        }
        for exchange in late {
            self.abort(exchange);
        }
        let accesses = self.accesses.iter();
        let late = accesses.filter(|(_, access)| now >= access.deadline);
        let late: Vec<u64> = late.map(|(number, _)| number).collect();
        for access in late {
            let before = self.session.version();
            self.store_failed(now, access, Words::from("the store does not respond"));
            self.notice(now, before, None);
        }
        for (id, running) in self.calls.iter_mut() {
            if matches!(running.place, Place::Waiting(until) if now >= until) {
                running.place = Place::Ready;
                self.ready.push_back(id);
            }
        }
    }

    /// The milliseconds until the next look at the time.
    fn next_wake(&self, now: Timestamp) -> Option<u64> {
        let mut next: Option<Timestamp> = None;
        let mut add = |time: Timestamp| next = Some(next.map_or(time, |next| next.min(time)));
        for (_, running) in self.calls.iter() {
            if let Place::Waiting(until) = running.place {
                add(until);
            }
        }
        for (_, exchange) in self.exchanges.iter() {
            if !exchange.is_given_up {
                add(exchange.deadline);
            }
        }
        for (_, access) in self.accesses.iter() {
            add(access.deadline);
        }
        let wait = next?.since(now).min(LONGEST_SLEEP);
        u64::try_from(wait.as_millis()).ok()
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Keeps a body for the output. Returns its number.
    fn keep(&mut self, body: Bytes) -> usize {
        self.bodies.push(body);
        self.bodies.len() - 1
    }
}
