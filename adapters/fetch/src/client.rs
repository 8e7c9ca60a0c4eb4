//! The driver: the calls of a client, its exchanges, and its accesses to the store.
//!
//! It does what every driver does, without a thread or a task: each call is somewhere, and
//! every input moves those that it concerns as far as they get.

use std::{collections::VecDeque, mem, time::Duration};

use bytes::Bytes;
use http::{
    Method, Request, Response,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};
use thingspace_core::{
    Call, CallOptions, Completion, Endpoint, Error, Outcome, RequestError, Session, SharedStep,
    StoreError, Timestamp, TransportError,
    api::CallTokens,
    session::{
        Attempt, BlockReason, Event, Loaded, NewPassword, Operation, OperationKind, Revision,
        Saved, Transmit,
    },
};
use zeroize::Zeroizing;

use crate::{
    config::{self, Configured},
    failure::{self, millis},
    http_json::{all, header, headers, response, shown},
    json::{Fields, Json, wrong},
    redact::redact,
    table::Table,
};

/// The number of the call that saves what the store does not have, beside the callers'.
const SYNC: u64 = 0;

/// The time after which a store that does not respond is taken for down (our choice).
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

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

struct Exchange {
    owner: Owner,
    deadline: Timestamp,
    is_given_up: bool,
    is_head: bool,
    read_limit: usize,
}

/// The one that a result goes to.
#[derive(Clone, Copy)]
enum Owner {
    /// The session: an operation is nobody's own.
    Session(Operation),
    Call(u64, Attempt),
}

#[derive(Clone, Copy)]
struct Access {
    call: u64,
    deadline: Timestamp,
    is_load: bool,
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

    /// Takes what happened. All that is given is read before anything is changed.
    fn take(
        &mut self,
        now: Timestamp,
        what: &str,
        mut given: Fields,
        body: Bytes,
    ) -> Result<(), String> {
        match what {
            "call" | "own" | "confirm" | "credentials" | "cancel" => {
                let id = given.needed_number("call");
                if id == SYNC {
                    return Err(wrong("call"));
                }
                self.take_call(now, what, id, given, body)?;
            }
            "response" | "failed" => {
                let exchange = given.needed_number("exchange");
                self.take_exchange(now, what, exchange, given, body)?;
            }
            "loaded" | "saved" | "storeFailed" => {
                let access = given.needed_number("access");
                self.take_access(now, what, access, given)?;
            }
            "storeChanged" => {
                self.session.store_changed();
                self.wake_all(None);
            }
            "wake" => {}
            "look" => {
                let state = self.state(now);
                self.effects.push(Json::named("state", state));
            }
            "crash" => crash(),
            _ => return Err("an input is nothing that happens".to_owned()),
        }
        Ok(())
    }

    /// Takes what a caller wants.
    fn take_call(
        &mut self,
        now: Timestamp,
        what: &str,
        id: u64,
        mut given: Fields,
        body: Bytes,
    ) -> Result<(), String> {
        let timeout = given.number("timeout");
        match what {
            "call" => {
                let request = given.fields("request");
                let idempotent = given.flag("idempotent");
                let tokens = match given.text("tokens").as_deref() {
                    None | Some("both") => CallTokens::Both,
                    Some("bearer") => CallTokens::Bearer,
                    Some(_) => return Err(wrong("tokens")),
                };
                given.end()?;
                match self.build(request, idempotent, tokens, body)? {
                    Ok(built) => self.begin(now, id, built, timeout, None),
                    Err(message) => {
                        let message = format!("the request was not sent: {message}");
                        self.fail_plainly(id, "request", Outcome::NeverSent, &message);
                    }
                }
            }
            "own" => {
                let own = given.needed_text("what");
                given.end()?;
                let call = match own.as_str() {
                    "logIn" => Call::log_in(),
                    "logOut" => Call::log_out(),
                    "requestReset" => Call::reset_password(),
                    "sync" => Call::sync(),
                    "unblock" => {
                        self.session.unblock();
                        Call::sync()
                    }
                    "retryNow" => {
                        self.session.retry_now();
                        Call::sync()
                    }
                    _ => return Err(wrong("what")),
                };
                self.begin(now, id, call, timeout, None);
                if let Some(running) = self.calls.get_mut(id) {
                    running.is_operation = matches!(own.as_str(), "logOut" | "requestReset");
                }
            }
            "confirm" => {
                let password = Zeroizing::new(given.needed_text("password"));
                given.end()?;
                self.confirm(now, id, &password, timeout);
            }
            "credentials" => {
                let credentials = given.fields("credentials");
                given.end()?;
                let (credentials, secret) = config::credentials(credentials)?;
                match self.session.set_credentials(credentials) {
                    Ok(()) => {
                        self.secret = secret;
                        self.begin(now, id, Call::sync(), timeout, None);
                    }
                    Err(error) => {
                        let message = error.to_string();
                        self.fail_plainly(id, "credentials", Outcome::NeverSent, &message);
                    }
                }
            }
            _ => {
                given.end()?;
                self.cancel(id);
            }
        }
        Ok(())
    }

    /// Takes what came of a request.
    fn take_exchange(
        &mut self,
        now: Timestamp,
        what: &str,
        exchange: u64,
        mut given: Fields,
        body: Bytes,
    ) -> Result<(), String> {
        let part = match given.take("response") {
            Json::Null => None,
            part => Some(response(Fields::of(part), body)?),
        };
        let error = given.text("error");
        given.end()?;
        let Some(ended) = self.exchanges.remove(exchange) else {
            return Ok(());
        };
        let result = match part {
            Some(response) if what == "response" => ended.complete(response),
            part => Err(ended.broken(error.unwrap_or_default(), part)),
        };
        self.receive(now, ended.owner, result);
        Ok(())
    }

    /// Takes the store's word.
    fn take_access(
        &mut self,
        now: Timestamp,
        what: &str,
        access: u64,
        mut given: Fields,
    ) -> Result<(), String> {
        match what {
            "loaded" => {
                let snapshot = given.secret("snapshot");
                // A clock that was set back makes it less than nothing.
                let age = match given.take("age") {
                    Json::Number(age) => u64::try_from(age).unwrap_or_default(),
                    _ => 0,
                };
                given.end()?;
                let loaded = snapshot.map(|snapshot| {
                    let snapshot = serde_json::from_str(&snapshot).map_err(StoreError::new)?;
                    let age = Duration::from_millis(age);
                    Ok(Loaded { snapshot, age })
                });
                self.loaded(now, access, loaded.transpose());
            }
            "saved" => {
                let saved = given.needed_flag("saved");
                given.end()?;
                let saved = if saved { Saved::Saved } else { Saved::Conflict };
                self.saved(now, access, Ok(saved));
            }
            _ => {
                let error = given.text("error").unwrap_or_default();
                given.end()?;
                let error = redact(&error, &self.session, &self.secret);
                self.store_failed(now, access, error);
            }
        }
        Ok(())
    }

    /// Builds a call of a caller's. The inner error says why it may not be sent.
    fn build(
        &self,
        mut given: Fields,
        idempotent: Option<bool>,
        tokens: CallTokens,
        body: Bytes,
    ) -> Result<Result<Call, String>, String> {
        let (method, url) = (given.needed_text("method"), given.needed_text("url"));
        let list = headers(given.list("headers"))?;
        given.end()?;
        let refused = |message: &str| Ok(Err(message.to_owned()));
        let Ok(method) = Method::from_bytes(method.as_bytes()) else {
            return refused("it has no method that HTTP takes");
        };
        // fetch refuses these before it sends anything, but does not say that it was that.
        if matches!(method.as_str(), "CONNECT" | "TRACE" | "TRACK") {
            return refused("fetch does not send its method");
        }
        if matches!(method, Method::GET | Method::HEAD) && !body.is_empty() {
            return refused("fetch sends no body with its method");
        }
        let mut request = Request::new(body);
        *request.method_mut() = method;
        let Ok(uri) = url.parse() else {
            return Ok(Err(RequestError::Path.to_string()));
        };
        *request.uri_mut() = uri;
        for (name, value) in &list {
            let Some((name, value)) = header(name, value) else {
                return refused("a header of it can't be put into a request");
            };
            request.headers_mut().append(name, value);
        }
        let mut options: CallOptions = Endpoint::options(&request);
        options.idempotent = idempotent.unwrap_or(options.idempotent);
        options.tokens = tokens;
        Ok(Call::to(request, self.session.environment())
            .map(|call| call.with_options(options))
            .map_err(|error| error.to_string()))
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
        let Some(mut running) = self.calls.remove(id).filter(|running| !running.is_orphan) else {
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
            SharedStep::Load => {
                let access = self.access(now, id, true);
                let load = Json::Shown(vec![("access", access.into())]);
                self.effects.push(Json::named("load", load));
            }
            SharedStep::Save { seen, snapshot } => {
                let access = self.access(now, id, false);
                match snapshot.to_json() {
                    Ok(json) => {
                        let save = Json::Shown(vec![
                            ("access", access.into()),
                            ("seen", seen.map(name_of_revision).into()),
                            ("revision", name_of_revision(snapshot.revision()).into()),
                            ("snapshot", json.as_str().into()),
                        ]);
                        self.effects.push(Json::named("save", save));
                    }
                    Err(error) => self.saved(now, access, Err(StoreError::new(error))),
                }
            }
            SharedStep::Done(result) => self.end(now, id, result),
        }
        self.notice(now, before, Some(id));
    }

    /// Sends a request, or says that no time is left for it.
    fn send(&mut self, now: Timestamp, owner: Owner, transmit: Transmit) {
        if now >= transmit.deadline {
            let error = TransportError::not_sent("no time was left to send it");
            return self.receive(now, owner, Err(error));
        }
        let exchange = self.next_number();
        if let Owner::Call(id, _) = owner {
            if let Some(running) = self.calls.get_mut(id) {
                running.place = Place::Sending(exchange);
            }
        }
        let read_limit = transmit.read_limit;
        let (mut head, body) = transmit.request.into_parts();
        // fetch counts by itself, and takes no other's count.
        head.headers.remove(CONTENT_LENGTH);
        self.exchanges.insert(
            exchange,
            Exchange {
                owner,
                deadline: transmit.deadline,
                is_given_up: false,
                is_head: head.method == Method::HEAD,
                read_limit,
            },
        );
        let body = self.keep(body);
        let send = Json::Shown(vec![
            ("exchange", exchange.into()),
            ("method", head.method.as_str().into()),
            ("url", Json::shown(&head.uri)),
            ("headers", all(&head.headers)),
            ("body", body.into()),
            ("readLimit", read_limit.into()),
        ]);
        self.effects.push(Json::named("send", send));
    }

    /// Gives a result to whom it is for.
    fn receive(
        &mut self,
        now: Timestamp,
        owner: Owner,
        result: Result<Response<Bytes>, TransportError>,
    ) {
        match owner {
            Owner::Session(operation) => self.session.receive(now, operation, result),
            Owner::Call(id, attempt) => {
                if let Some(running) = self.calls.get_mut(id) {
                    let session = &mut self.session;
                    running.call.receive(session, now, attempt, result);
                    running.place = Place::Ready;
                    self.ready.push_back(id);
                }
            }
        }
        self.sync_beside(now);
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

    /// Begins an access to the store.
    fn access(&mut self, now: Timestamp, call: u64, is_load: bool) -> u64 {
        let access = self.next_number();
        if let Some(running) = self.calls.get_mut(call) {
            running.place = Place::Accessing(access);
        }
        let deadline = now + STORE_TIMEOUT;
        self.accesses.insert(
            access,
            Access {
                call,
                deadline,
                is_load,
            },
        );
        access
    }

    /// Ends an access to the store. Returns its call, unless nobody waits for it.
    fn end_access(&mut self, access: u64) -> Option<(&mut Running, &mut Session)> {
        let Access { call, .. } = *self.accesses.remove(access)?;
        let running = self.calls.get_mut(call)?;
        running.place = Place::Ready;
        self.ready.push_back(call);
        Some((running, &mut self.session))
    }

    fn loaded(&mut self, now: Timestamp, access: u64, result: Result<Option<Loaded>, StoreError>) {
        if let Some((running, session)) = self.end_access(access) {
            running.call.loaded(session, now, result);
        }
    }

    fn saved(&mut self, now: Timestamp, access: u64, result: Result<Saved, StoreError>) {
        if let Some((running, session)) = self.end_access(access) {
            running.call.saved(session, now, result);
        }
    }

    fn store_failed(&mut self, now: Timestamp, access: u64, error: String) {
        let Some(Access { is_load, .. }) = self.accesses.get(access).copied() else {
            return;
        };
        let error = StoreError::new(error);
        if is_load {
            self.loaded(now, access, Err(error));
        } else {
            self.saved(now, access, Err(error));
        }
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

    fn abort(&mut self, exchange: u64) {
        let abort = Json::Shown(vec![("exchange", exchange.into())]);
        self.effects.push(Json::named("abort", abort));
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
            self.store_failed(now, access, "the store does not respond".to_owned());
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

    /// The state of the session, without its tokens.
    fn state(&self, now: Timestamp) -> Json {
        let session = &self.session;
        let calls = self.calls.iter();
        let calls = calls.filter(|(id, running)| *id != SYNC && !running.is_orphan);
        let calls = calls.count();
        Json::Shown(vec![
            ("environment", Json::shown(session.environment())),
            ("isOpen", session.session_token().is_some().into()),
            ("openedAt", millis(session.opened_at())),
            ("lastUsed", millis(session.last_used())),
            ("bearerRenewal", millis(session.bearer_renewal())),
            (
                "operation",
                session.operation().map(OperationKind::name).into(),
            ),
            ("delayedUntil", millis(session.delayed_until(now))),
            ("loginGuard", failure::guard(&session.login_guard())),
            ("calls", calls.into()),
        ])
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

impl Exchange {
    /// The result of an exchange to whose end `fetch` came.
    fn complete(&self, response: Response<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let headers = response.headers();
        let announced = headers
            .get(CONTENT_LENGTH)
            .filter(|_| !self.is_head && !headers.contains_key(CONTENT_ENCODING))
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let came = response.body().len();
        if announced.is_some_and(|length| came < length) && came < self.read_limit {
            let error = "the response is shorter than it announced";
            return Err(TransportError::broken_off(response, error));
        }
        Ok(response)
    }

    /// The error of an exchange that `fetch` failed in. That proves nothing of the
    /// request: it may always have left.
    fn broken(&self, error: String, part: Option<Response<Bytes>>) -> TransportError {
        let error = if self.is_given_up {
            "no response in time".to_owned()
        } else {
            error
        };
        match part {
            Some(part) => TransportError::broken_off(part, error),
            None => TransportError::unknown(error),
        }
    }
}

/// The name of a revision, for stores: they only compare it.
fn name_of_revision(revision: Revision) -> String {
    format!("{}-{:016x}", revision.version, revision.nonce)
}

/// An event as it is reported, without a secret.
fn told(event: &Event, now: Timestamp) -> Json {
    let until = match event {
        Event::BearerFetched {
            renew_at: until, ..
        }
        | Event::CoolingDown { until, .. }
        | Event::BackingOff { until, .. } => Some(*until),
        _ => None,
    };
    Json::Shown(vec![
        ("name", event.name().into()),
        ("message", Json::shown(event)),
        ("at", now.as_millis().into()),
        ("until", millis(until)),
        ("attemptsLeft", event.attempts_left().into()),
        ("code", event.code().map(ToString::to_string).into()),
        ("reason", event.reason().map(BlockReason::name).into()),
        (
            "status",
            event.status().map(|status| status.as_u16()).into(),
        ),
    ])
}

#[expect(clippy::panic, reason = "a program tests with it that it goes on")]
fn crash() -> ! {
    panic!("the host asked for it")
}
