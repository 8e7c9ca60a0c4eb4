//! Nothing that can be printed shows a secret, whatever the service says.

use std::fmt::{Debug, Display, Write};

use bytes::Bytes;
use http::Response;
use thingspace_core::{
    AppCredentials, Credentials, Environment, Error, Session, Step, UserCredentials,
    session::{Exchange, GateReason, Task},
};

use crate::scenario::*;

const SECRETS: [&str; 5] = [
    "hush-app-secret",
    "hush-old-password",
    "hush-bearer-token",
    "hush-session-token",
    "hush-new-password",
];

/// `Authorization: Basic` of the key and secret, without its end.
const BASIC: &str = "a2V5Omh1c2gtYXBwLXNlY3Jld";

/// Everything that was printed, and everything that was sent.
#[derive(Default)]
struct Shown {
    printed: String,
    sent: String,
}

impl Shown {
    fn debug(&mut self, it: &impl Debug) {
        write!(self.printed, "{it:?}\n{it:#?}\n").unwrap();
    }

    fn display(&mut self, it: &(impl Display + ?Sized)) {
        writeln!(self.printed, "{it}").unwrap();
    }

    fn error(&mut self, error: &Error) {
        self.debug(error);
        self.display(error);
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            write!(self.printed, "{error} {error:?} {error:#?}").unwrap();
            cause = error.source();
        }
        if let Some(refusal) = error.refusal() {
            self.debug(refusal);
            self.display(refusal);
            self.debug(refusal.shape());
            self.display(refusal.shape());
        }
        if let Some(gate) = error.gate() {
            self.debug(gate);
            self.display(gate);
        }
        self.debug(&error.code());
        self.display(&error.fate());
    }

    fn session(&mut self, s: &mut Scenario) {
        for event in s.events() {
            self.debug(&event);
            self.display(&event);
        }
        self.debug(&s.session);
        self.debug(&s.session.snapshot());
        self.debug(s.session.credentials());
        self.debug(&s.session.credentials().app);
        self.debug(&s.session.credentials().user);
        self.debug(&s.session.bearer_token());
        self.debug(&s.session.session_token());
        self.debug(s.session.settings());
        self.debug(&s.session.gate());
        self.display(&s.session.gate());
        if let Some(reason) = s.session.gate().closed {
            self.display(&reason);
        }
    }

    /// One call to its end, with this service.
    fn drive<T: Task>(
        &mut self,
        s: &mut Scenario,
        mut actor: Actor<T>,
        service: &dyn Fn(What) -> Heard,
    ) where
        T::Output: Debug,
    {
        for _ in 0..30 {
            let step = actor.step(s);
            self.debug(&step);
            if let Step::Send(transmit) = &step {
                self.debug(&Exchange::of(transmit));
            }
            self.debug(&actor.call);
            self.session(s);
            match step {
                Step::Send(transmit) => {
                    let (authorization, session) = tokens(&transmit);
                    let body = String::from_utf8_lossy(transmit.request.body());
                    write!(self.sent, "{authorization} {session} {body} ").unwrap();
                    actor.hears(s, service(What::of(&transmit.request)));
                }
                Step::Wait(wait) => s.pass_until(wait.until),
                Step::Done(result) => {
                    if let Err(error) = result {
                        self.error(&error);
                    }
                    return;
                }
            }
        }
        panic!("no end");
    }

    /// Everything that can be done with a session, with this service.
    fn drive_all(&mut self, service: &dyn Fn(What) -> Heard) {
        let mut s = Scenario::new();
        s.session = Session::new(
            Environment::mock(),
            Credentials::new(
                AppCredentials::new("key", "hush-app-secret").unwrap(),
                UserCredentials::new("zbeeblebrox", "hush-old-password").unwrap(),
            ),
            1,
        );
        self.drive(&mut s, Actor::log_in(), service);
        for _ in 0..2 {
            self.drive(&mut s, Actor::reads(), service);
            self.drive(&mut s, Actor::writes(), service);
            self.drive(&mut s, Actor::reset_password(), service);
            self.drive(&mut s, Actor::log_out(), service);
            if matches!(s.session.gate().closed, Some(GateReason::PasswordUnknown)) {
                s.session.rearm();
            }
            self.session(&mut s);
        }
    }

    #[track_caller]
    fn holds_no_secret(&self, when: &str) {
        for secret in SECRETS.into_iter().chain([BASIC]) {
            if let Some(at) = self.printed.find(secret) {
                let line = self.printed[..at].lines().last().unwrap_or_default();
                panic!("{secret} is shown after {line:?} when {when}");
            }
        }
    }
}

/// A service without fault.
fn honest(what: What) -> Heard {
    match what {
        What::TokenFetch => bearer("hush-bearer-token"),
        What::LogIn | What::LogOut => session("hush-session-token"),
        What::Reset => new_password("hush-new-password"),
        What::Work => done(),
    }
}

/// Bodies that repeat every secret, in every shape that an answer can have.
fn echoes() -> Vec<String> {
    let echo = format!("{} Basic {BASIC}", SECRETS.join(" "));
    let [secret, password, bearer, session, new] = SECRETS;
    vec![
        echo.clone(),
        format!("<html>{echo}</html>"),
        format!(r#""{echo}""#),
        format!(r#"["{echo}"]"#),
        format!(
            r#"{{"sessionToken":"{echo}","newPassword":{{"{echo}":1}},"access_token":"{echo}"}}"#
        ),
        format!(
            r#"{{"sessionToken":["{session}"],"newPassword":["{new}"],"access_token":["{bearer}"]}}"#
        ),
        format!(
            r#"{{"access_token":"{bearer}","token_type":"{password}","expires_in":"{secret}"}}"#
        ),
        format!(r#"{{"access_token":"{bearer}","expires_in":"{secret}","scope":"{echo}"}}"#),
        format!(r#"{{"sessionToken":"{session}","{new}"#),
        format!(r#"{{"errorCode":"S.REQUEST_FAILED.Unclear","errorMessage":"{echo}"}}"#),
        format!(r#"{{"errorCode":"S.INPUT_INVALID.Password","errorMessage":"{echo}"}}"#),
        format!(
            r#"{{"errorCode":"S.REQUEST_FAILED.SessionToken.Expired","errorMessage":"{echo}"}}"#
        ),
        format!(r#"{{"errorCode":"{echo}","errorMessage":"{echo}"}}"#),
        format!(r#"{{"fault":{{"code":900901,"message":"{echo}","description":"{echo}"}}}}"#),
        format!(r#"{{"fault":{{"code":"{echo}","message":"{echo}","description":"{echo}"}}}}"#),
        format!(r#"{{"fault":{{"code":900802,"message":"{echo}","description":"{echo}"}}}}"#),
        format!(r#"{{"error":"invalid_client","error_description":"{echo}"}}"#),
        format!(r#"{{"error":"invalid_token","error_description":"{echo}"}}"#),
        format!(r#"{{"error":"{echo}","error_description":"{echo}"}}"#),
    ]
}

/// An answer that repeats secrets in its headers as well.
fn echoing(status: u16, body: &str) -> Heard {
    Ok(Response::builder()
        .status(status)
        .header("location", "https://evil.example/?hush-session-token")
        .header("retry-after", "hush-old-password")
        .header("vz-m2m-token", "hush-session-token")
        .header("www-authenticate", "Bearer hush-bearer-token")
        .header("date", "hush-new-password")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap())
}

#[test]
fn law_10_no_secret_is_shown_when_all_goes_well() {
    let mut shown = Shown::default();
    shown.drive_all(&honest);
    shown.holds_no_secret("all goes well");

    // They were all in play, and what is shown is worth looking at.
    for secret in SECRETS[1..].iter().chain([&BASIC]) {
        assert!(shown.sent.contains(secret), "{secret} was never sent");
    }
    for part in ["Transmit", "Call", "Session", "Snapshot", "logged in"] {
        assert!(shown.printed.contains(part), "{part} was never shown");
    }
}

#[test]
fn law_10_no_secret_is_shown_whatever_the_service_repeats() {
    for bad in [
        What::TokenFetch,
        What::LogIn,
        What::LogOut,
        What::Reset,
        What::Work,
    ] {
        for status in [200, 302, 400, 401, 403, 404, 408, 429, 500, 503] {
            // What the service says to a plain call is the caller's to show.
            if (bad, status) == (What::Work, 200) {
                continue;
            }
            for body in echoes() {
                let mut shown = Shown::default();
                shown.drive_all(&|what| {
                    if what == bad {
                        echoing(status, &body)
                    } else {
                        honest(what)
                    }
                });
                shown.holds_no_secret(&format!("{bad:?} is answered with {status} {body}"));
            }
        }
    }
}

#[test]
fn law_10_no_secret_is_shown_when_answers_are_too_long_or_none_come() {
    let long = format!(r#"{{"newPassword":"{}"}}"#, SECRETS.join("").repeat(1000));
    for bad in [
        What::TokenFetch,
        What::LogIn,
        What::LogOut,
        What::Reset,
        What::Work,
    ] {
        let failures: [&dyn Fn() -> Heard; 4] = [
            &lost,
            &not_sent,
            &|| answer(200, &format!("{{{long}")),
            &|| answer(400, &long),
        ];
        for failure in failures {
            if bad == What::Work && failure().is_ok_and(|answer| answer.status().is_success()) {
                continue;
            }
            let mut shown = Shown::default();
            shown.drive_all(&|what| if what == bad { failure() } else { honest(what) });
            shown.holds_no_secret(&format!("{bad:?} fails"));
        }
    }
}

#[test]
fn law_10_what_is_not_shown_is_still_there_for_whoever_asks_by_name() {
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    call.sends(&mut s, What::Work);
    call.hears(
        &mut s,
        answer(
            400,
            r#"{"errorCode":"S.REQUEST_FAILED.Unclear","errorMessage":"hush"}"#,
        ),
    );
    let error = call.fails(&mut s);
    assert_eq!(error.refusal().unwrap().message(), Some("hush"));
    assert!(
        error
            .response()
            .unwrap()
            .body()
            .windows(4)
            .any(|part| part == b"hush")
    );
}

#[test]
fn law_10_requests_carry_their_tokens_as_sensitive_headers() {
    let mut s = Scenario::new();
    let mut call = Actor::reads();
    let fetch = call.sends(&mut s, What::TokenFetch);
    call.hears(&mut s, bearer("bearer-1"));
    let login = call.sends(&mut s, What::LogIn);
    call.hears(&mut s, session("session-1"));
    let work = call.sends(&mut s, What::Work);
    for (sent, names) in [
        (&fetch, &["authorization"][..]),
        (&login, &["authorization"]),
        (&work, &["authorization", "vz-m2m-token"]),
    ] {
        for name in names {
            assert!(sent.request.headers()[*name].is_sensitive(), "{name}");
        }
    }
}

#[test]
fn law_10_a_query_is_shown_neither_to_a_log_nor_to_those_who_watch() {
    let mut s = Scenario::open();
    let request = http::Request::get("/m2m/v1/work?hush");
    let mut call = Actor::new(request.body(Bytes::new()).unwrap());
    let sent = call.sends(&mut s, What::Work);
    let exchange = Exchange::of(&sent);
    assert_eq!(exchange.path(), "/api/m2m/v1/work");
    assert_eq!(exchange.attempt(), sent.attempt);
    let shown = format!("{sent:?} {exchange:?} {:?}", call.call);
    assert!(!shown.contains("hush"), "{shown}");
}
