//! Series of requests to the simulator, with time between them.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, header::CONTENT_TYPE};
use serde_json::Value;
use thingspace_core::{
    Endpoint, Refusal, Timestamp,
    api::{LogIn, LogOut, RequestBearerToken, ResetPassword},
    response::Shape,
};
use thingspace_simulator::{Call, Counts, Fault, Form, Reply, Simulator};

use crate::{
    text::{Message, parts},
    wire::assert_one_response,
};

/// The number of failed logins in a row that lock the user name (documented by
/// Verizon).
const LOCKS_AT: u32 = 5;

/// The most devices on a page (documented by Verizon).
const PAGE: usize = 2000;

/// Gives the parts of `data`, which are divided by lines of three hyphens, to a
/// simulator, one after the other. A part is a request (the first line has the method
/// and the address; headers and body follow in the form of HTTP/1.1) or a line with a
/// command: `wait` or `clock` with milliseconds, `fault` with a name, `callbacks`,
/// `unlock`, `forget`.
///
/// `{bearer}`, `{session}` and `{password}` in a request are replaced by the values
/// that were issued last.
pub fn simulator(data: &[u8]) {
    let mut stage = Stage {
        simulator: Simulator::new(7).authority("ts.example"),
        now: Timestamp::from_millis(1_700_000_000_000),
        bearer: String::new(),
        session: String::new(),
    };
    for part in parts(data) {
        stage.run(part);
    }
}

/// A service, the time, and the tokens that were issued last.
struct Stage {
    simulator: Simulator,
    now: Timestamp,
    bearer: String,
    session: String,
}

impl Stage {
    fn run(&mut self, part: &[u8]) {
        let filled = self.fill(part);
        let message = Message::read(&filled);
        let (word, rest) = message.first.split_once(' ').unwrap_or((message.first, ""));
        let millis = Duration::from_millis(rest.trim().parse().unwrap_or_default());
        match word {
            "wait" => self.now = self.now + millis,
            "clock" => self.now = Timestamp::default() + millis,
            "fault" => self.simulator.inject_any(fault(rest)),
            "callbacks" => drop(self.simulator.callbacks_due(self.now)),
            "unlock" => self.simulator.unlock(),
            "forget" => {
                self.simulator.forget_bearers();
                self.simulator.forget_sessions();
            }
            _ => {
                if let Some(request) = request((word, rest), &message) {
                    self.send(&request);
                }
            }
        }
    }

    fn fill(&self, part: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(part) else {
            return part.to_vec();
        };
        let filled = text
            .replace("{bearer}", &self.bearer)
            .replace("{session}", &self.session)
            .replace("{password}", self.simulator.reveal_password());
        filled.into_bytes()
    }

    /// Sends a request, and checks the response and the counts.
    fn send(&mut self, request: &Request<Bytes>) {
        let before = self.simulator.clone();
        let reply = self.simulator.respond(self.now, request);
        let again = before.clone().respond(self.now, request);
        assert_eq!(formatted(&reply), formatted(&again), "law 11");

        let call = self.assert_counts(&before);
        if before.faults_left() > 0 {
            assert_eq!(self.simulator.faults_left(), before.faults_left() - 1);
        } else {
            let Reply::Response(response) = &reply else {
                panic!("{reply:?}");
            };
            self.assert_response(call, response, &before);
        }
        self.remember(&reply);

        let shown = format!("{:?} {reply:?}", self.simulator);
        let password = self.simulator.reveal_password();
        for secret in [Simulator::SECRET, password, &self.bearer, &self.session] {
            assert!(
                secret.is_empty() || !shown.contains(secret),
                "{secret} shows"
            );
        }
    }

    /// Asserts that one request has arrived and at most one was executed, and that only
    /// an executed request has changed anything. Returns the call of the request.
    fn assert_counts(&self, before: &Simulator) -> Call {
        let (old, new) = (before.counts(), self.simulator.counts());
        let grown = |count: fn(&Counts, Call) -> u64| {
            let grown: Vec<_> = Call::all()
                .filter(|call| count(new, *call) != count(old, *call))
                .collect();
            let sum = |counts| Call::all().map(|call| count(counts, call)).sum::<u64>();
            assert_eq!(sum(new), sum(old) + grown.len() as u64);
            grown
        };
        let seen = grown(Counts::seen);
        let done = grown(Counts::done);
        assert_eq!(seen.len(), 1);
        assert!(done.is_empty() || done == seen);
        assert_eq!(new.seen_in_all(), old.seen_in_all() + 1);
        let did = |call| done == [call];

        let issued = new.bearers_issued + new.bearers_repeated;
        let had = old.bearers_issued + old.bearers_repeated;
        assert_eq!(issued - had, u64::from(did(Call::BearerToken)));
        assert!(new.bearers_revoked - old.bearers_revoked <= u64::from(did(Call::RevokeToken)));
        assert!(new.misdirected - old.misdirected <= 1);

        let failed = new.failed_logins - old.failed_logins;
        let locked = new.locked_logins - old.locked_logins;
        let judged = failed + locked + u64::from(did(Call::LogIn));
        assert!(judged <= u64::from(seen == [Call::LogIn]));
        let (was, is) = (
            before.consecutive_failures(),
            self.simulator.consecutive_failures(),
        );
        match is.checked_sub(was) {
            Some(0) => assert!(was == 0 || !did(Call::LogIn)),
            Some(more) => assert_eq!((more, failed), (1, 1)),
            None => assert!(is == 0 && did(Call::LogIn)),
        }
        assert_eq!(self.simulator.is_locked(), is == LOCKS_AT);
        assert!(is <= LOCKS_AT);
        assert!(!before.is_locked() || !did(Call::LogIn));

        assert!(self.simulator.open_sessions(self.now) <= 1);
        if did(Call::LogIn) {
            assert_eq!(self.simulator.open_sessions(self.now), 1);
        }
        let same_password = before.reveal_password() == self.simulator.reveal_password();
        assert_ne!(same_password, did(Call::ResetPassword));
        seen[0]
    }

    /// Asserts that the core can read the response: a success of the executed call, or a
    /// refusal in a documented shape.
    fn assert_response(&self, call: Call, response: &Response<Bytes>, before: &Simulator) {
        assert_one_response(response);
        let is_done = self.simulator.counts().done(call) > before.counts().done(call);
        assert_eq!(is_done, response.status().is_success());
        if response.headers().contains_key(CONTENT_TYPE) {
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            serde_json::from_slice::<Value>(response.body()).unwrap();
        } else {
            assert!(response.body().is_empty());
        }
        if !is_done {
            let refusal = Refusal::read(response.clone());
            assert!(matches!(refusal.status().as_u16(), 400 | 401 | 411 | 415));
            assert!(response.body().is_empty() || !matches!(refusal.shape(), Shape::Other));
            return;
        }
        let response = || response.clone();
        match call {
            Call::BearerToken => {
                let issued = RequestBearerToken::parse(response()).unwrap().into_body();
                assert!(issued.expires_in.unwrap() <= Duration::from_secs(3600));
            }
            Call::LogIn => drop(LogIn::parse(response()).unwrap()),
            Call::LogOut => drop(LogOut::parse(response()).unwrap()),
            Call::ResetPassword => {
                let reset = ResetPassword::parse(response()).unwrap().into_body();
                assert_eq!(
                    reset.new_password.expose(),
                    self.simulator.reveal_password()
                );
            }
            Call::Devices => {
                let page: Value = serde_json::from_slice(response().body()).unwrap();
                let devices = page["devices"].as_array().unwrap();
                assert!(devices.len() <= PAGE);
                // Reading page after page comes to an end.
                assert!(page["hasMoreData"] == false || !devices.is_empty());
            }
            Call::Unknown => panic!("{call:?} was executed"),
            _ => {}
        }
    }

    fn remember(&mut self, reply: &Reply) {
        let Some(response) = reply.clone().into_response() else {
            return;
        };
        if let Ok(issued) = RequestBearerToken::parse(response.clone()) {
            issued
                .body()
                .access_token
                .expose()
                .clone_into(&mut self.bearer);
        }
        if let Ok(opened) = LogIn::parse(response) {
            opened
                .body()
                .session_token
                .expose()
                .clone_into(&mut self.session);
        }
    }
}

/// Formats everything that a client sees of a reply.
fn formatted(reply: &Reply) -> String {
    let response = reply.clone().into_response();
    let parts = response.map(|response| format!("{:?} {:?}", response.headers(), response.body()));
    format!("{reply:?} {parts:?}")
}

fn request((method, address): (&str, &str), message: &Message<'_>) -> Option<Request<Bytes>> {
    let mut request = Request::new(Bytes::copy_from_slice(message.body));
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = address.trim().parse::<Uri>().ok()?;
    *request.headers_mut() = message.headers.clone();
    Some(request)
}

fn fault(name: &str) -> Fault {
    match name.trim() {
        "drop" => Fault::Drop,
        "hang" => Fault::Hang,
        "delay" => Fault::Delay(Duration::from_secs(40)),
        "cut short" => Fault::CutShort,
        "refused stream" => Fault::RefusedStream,
        "refused midway" => Fault::RefusedMidway,
        "go away" => Fault::GoAway,
        "garbage" => Fault::Garbage,
        "html" => Fault::Html(StatusCode::BAD_GATEWAY),
        "endless" => Fault::Endless,
        "throttled" => Fault::Throttled { retry_after: None },
        "throttled out" => Fault::ThrottledOut,
        "tokens refused" => Fault::TokensRefused(Form::GatewayXml),
        "drop after acting" => Fault::Drop.after_acting(),
        _ => Fault::Empty,
    }
}
