//! Nothing that can be printed shows a secret, whatever the service says.

use std::{
    collections::HashSet,
    fmt::{Debug, Display, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use thingspace_core::{
    AppCredentials, BearerToken, Completion, Credentials, CredentialsError, Environment, Error,
    SessionBuilder, SessionToken, Step, UserCredentials,
    session::{BlockReason, Exchange, Snapshot},
};

use crate::scenario::*;

/// The application's secret, the passwords and the tokens: no word that anybody
/// else would print, and characters that encodings change.
const APP_SECRET: &str = "Xq7%hJ2/vWz+kP4y";
const OLD_PASSWORD: &str = "Rb5%mT8/cYs+dN3u";
const NEW_PASSWORD: &str = "Fw6%gL1/zKx+oH9e";
const BEARER: &str = "Ja4%pV7/iQk+tB2w";
const SESSION: &str = "Ue8%sD5/nGm+rC6z";
const SECRETS: [&str; 5] = [APP_SECRET, OLD_PASSWORD, BEARER, SESSION, NEW_PASSWORD];

/// The secrets that a snapshot must not hold.
const NEVER_STORED: [&str; 3] = [APP_SECRET, OLD_PASSWORD, NEW_PASSWORD];

/// The number of bytes of a secret in a row that are too many to show.
const PIECE: usize = 6;

/// Every piece of these secrets: as they are, percent-encoded, and in base64
/// wherever in a text they may have stood.
fn pieces(secrets: &[&str]) -> HashSet<Vec<u8>> {
    let forms = secrets.iter().flat_map(|secret| {
        let raw = (*secret).to_owned();
        let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let base64 = (0..3).map(|before| {
            let encoded = BASE64_STANDARD.encode([&vec![0; before], secret.as_bytes()].concat());
            // What stands before and after would change the ends.
            encoded[(before * 4).div_ceil(3)..encoded.len() - 4].to_owned()
        });
        [raw, percent].into_iter().chain(base64)
    });
    forms
        .flat_map(|form| {
            let pieces = form.as_bytes().windows(PIECE).map(<[u8]>::to_vec);
            pieces.collect::<Vec<_>>()
        })
        .collect()
}

/// Everything that was printed, stored and sent.
struct Shown {
    pieces: HashSet<Vec<u8>>,
    pieces_never_stored: HashSet<Vec<u8>>,
    /// The lines that have been looked through.
    seen: HashSet<String>,
    printed: String,
    stored: String,
    sent: String,
    /// The purposes of what was sent.
    purposes: Vec<Purpose>,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            pieces: pieces(&SECRETS),
            pieces_never_stored: pieces(&NEVER_STORED),
            seen: HashSet::new(),
            printed: String::new(),
            stored: String::new(),
            sent: String::new(),
            purposes: Vec::new(),
        }
    }
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
        if let Some(guard) = error.login_guard() {
            self.debug(guard);
            self.display(guard);
        }
        if let Some(failure) = error.because() {
            self.debug(failure);
            self.display(failure);
        }
        self.debug(error.kind());
        self.display(error.kind());
        self.debug(&error.transport());
        self.debug(&error.code());
        self.display(&error.outcome());
    }

    fn session(&mut self, s: &mut Scenario) {
        for event in s.events() {
            self.debug(&event);
            self.display(&event);
        }
        self.debug(&s.session);
        self.debug(&s.session.snapshot(s.now));
        self.debug(&s.session.new_password());
        writeln!(self.stored, "{}", s.at_rest()).unwrap();
        self.debug(s.session.credentials());
        self.debug(&s.session.credentials().app);
        self.debug(&s.session.credentials().user);
        self.debug(&s.session.bearer_token());
        self.debug(&s.session.session_token());
        self.debug(s.session.settings());
        self.debug(&s.session.login_guard());
        self.display(&s.session.login_guard());
        if let Some(reason) = s.session.login_guard().blocked {
            self.display(&reason);
        }
    }

    /// Drives one call to its end, with this service. A new password is confirmed.
    fn drive(&mut self, s: &mut Scenario, mut actor: Actor, service: &dyn Fn(Purpose) -> Received) {
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
                    let purpose = Purpose::of(&transmit.request);
                    if !self.purposes.contains(&purpose) {
                        self.purposes.push(purpose);
                    }
                    actor.receives(s, service(purpose));
                }
                Step::Wait(wait) => s.pass_until(wait.until),
                Step::Done(result) => {
                    match result {
                        Ok(Completion::PasswordReset(new)) => {
                            self.debug(&new);
                            s.confirms(&new);
                            self.debug(&s.session.confirm(&new));
                            self.session(s);
                        }
                        Ok(_) => {}
                        Err(error) => self.error(&error),
                    }
                    return;
                }
            }
        }
        panic!("no end");
    }

    /// Drives every call that can be made with a session, with this service.
    fn drive_all(&mut self, service: &dyn Fn(Purpose) -> Received) {
        let builder = SessionBuilder::new(Credentials::new(
            AppCredentials::new("key", APP_SECRET).unwrap(),
            UserCredentials::new("zbeeblebrox", OLD_PASSWORD).unwrap(),
        ));
        self.debug(&builder);
        let mut s = Scenario::of(builder.environment(Environment::mock()).seed(1));
        self.drive(&mut s, Actor::log_in(), service);
        for _ in 0..2 {
            self.drive(&mut s, Actor::reads(), service);
            self.drive(&mut s, Actor::writes(), service);
            self.drive(&mut s, Actor::reset_password(), service);
            self.drive(&mut s, Actor::log_out(), service);
            let blocked = s.session.login_guard().blocked;
            if matches!(blocked, Some(BlockReason::PasswordInDoubt)) {
                s.session.unblock();
            }
            self.session(&mut s);
        }
    }

    /// Looks through what has been printed and stored since this was last asked.
    #[track_caller]
    fn holds_no_secret(&mut self, when: &str) {
        for (texts, pieces) in [
            (&self.printed, &self.pieces),
            (&self.stored, &self.pieces_never_stored),
        ] {
            for line in texts.lines() {
                if !self.seen.insert(line.to_owned()) {
                    continue;
                }
                let piece = line
                    .as_bytes()
                    .windows(PIECE)
                    .find(|piece| pieces.contains(*piece));
                assert_eq!(piece, None, "a secret is in {line:?} when {when}");
            }
        }
        self.printed.clear();
        self.stored.clear();
    }
}

/// A service without fault.
fn honest(purpose: Purpose) -> Received {
    match purpose {
        Purpose::TokenFetch => bearer(BEARER),
        Purpose::LogIn | Purpose::LogOut => session(SESSION),
        Purpose::Reset => new_password(NEW_PASSWORD),
        Purpose::Check => api_responds(),
        Purpose::Work => done(),
    }
}

/// A service that fails so at requests of this purpose. It is checked only when logins
/// are lost.
fn but_for(bad: Purpose, failure: &dyn Fn() -> Received) -> impl Fn(Purpose) -> Received {
    move |purpose| match purpose {
        _ if purpose == bad => failure(),
        Purpose::LogIn if bad == Purpose::Check => lost(),
        _ => honest(purpose),
    }
}

/// Bodies that repeat every secret, in every shape that a response can have.
fn echoes() -> Vec<String> {
    let basic = BASE64_STANDARD.encode(format!("key:{APP_SECRET}"));
    let echo = format!("{} Basic {basic}", SECRETS.join(" "));
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

/// A response that repeats secrets in its headers as well.
fn echoing(status: u16, body: &str) -> Received {
    Ok(Response::builder()
        .status(status)
        .header("location", format!("https://evil.example/?{SESSION}"))
        .header("retry-after", OLD_PASSWORD)
        .header("vz-m2m-token", SESSION)
        .header("www-authenticate", format!("Bearer {BEARER}"))
        .header("date", NEW_PASSWORD)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap())
}

/// The secrets that the session has when a request of this purpose is refused.
fn known(purpose: Purpose) -> Vec<String> {
    let basic = BASE64_STANDARD.encode(format!("key:{APP_SECRET}"));
    let mut known = vec![APP_SECRET.to_owned(), OLD_PASSWORD.to_owned(), basic];
    if purpose != Purpose::TokenFetch {
        known.push(BEARER.to_owned());
    }
    if matches!(purpose, Purpose::Work | Purpose::Reset | Purpose::LogOut) {
        known.push(SESSION.to_owned());
    }
    known
}

#[test]
fn law_10_no_code_shows_a_secret() {
    let mut shown = Shown::default();
    for bad in Purpose::ALL {
        for status in [200, 400, 401] {
            for secret in known(bad) {
                for body in [
                    format!(r#"{{"errorCode":"{secret}"}}"#),
                    format!(r#"{{"errorCode":" S.INPUT_INVALID.Password.{secret}.Bad "}}"#),
                    format!(r#"{{"errorCode":"S.REQUEST_FAILED.SessionToken{secret}"}}"#),
                    format!(r#"{{"errorCode":"{secret}.REQUEST_FAILED.SessionToken.Bad"}}"#),
                    format!(r#"{{"error":"{secret}"}}"#),
                    format!(r#"{{"error":"invalid_{secret}_token"}}"#),
                ] {
                    // Of another product's success, the machine reads nothing.
                    if (bad, status) == (Purpose::Work, 200) && !body.contains("_FAILED") {
                        continue;
                    }
                    let echo = || response(status, &body);
                    let service = but_for(bad, &echo);
                    // The password stays the one that is repeated.
                    shown.drive_all(&|purpose| match purpose {
                        Purpose::Reset if bad != purpose => unclear(),
                        _ => service(purpose),
                    });
                    shown.holds_no_secret(&format!("{bad:?} has the response {status} {body}"));
                }
            }
        }
    }
}

#[test]
fn a_code_that_tells_the_password_still_says_that_it_is_wrong() {
    let mut s = Scenario::new();
    let mut call = Actor::log_in();
    call.fetches(&mut s, "bearer-1");
    call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, refused("INPUT_INVALID.Password.IMgr8"));
    let error = call.fails(&mut s);
    assert!(error.is_wrong_credentials() && error.code().is_none());
    assert!(!s.at_rest().to_string().contains("IMgr8"));
    // The caller has the whole response, to look at it unseen.
    let body = error.response().unwrap().body();
    assert!(String::from_utf8_lossy(body).contains("IMgr8"));
    s.restart("IMgr8");
    assert!(Actor::log_in().fails(&mut s).is_wrong_credentials());
}

#[test]
fn a_password_of_a_letter_or_two_does_not_hide_every_code() {
    for (password, code, is_shown) in [
        ("a", "INPUT_INVALID.Password.Bad", true),
        ("Pa", "INPUT_INVALID.Password.Bad", true),
        ("Bad", "INPUT_INVALID.Password.Bad", false),
        ("a", "INPUT_INVALID.a", false),
    ] {
        let mut s = Scenario::of(builder(password));
        let mut call = Actor::log_in();
        call.fetches(&mut s, "bearer-1");
        call.sends(&mut s, Purpose::LogIn);
        call.receives(&mut s, refused(code));
        let error = call.fails(&mut s);
        assert_eq!(error.code().is_some(), is_shown, "{password}: {error}");
    }
}

#[test]
fn law_10_no_secret_is_shown_when_all_goes_well() {
    let mut shown = Shown::default();
    shown.drive_all(&honest);

    // They were all in play, and what is shown is worth looking at.
    let basic = BASE64_STANDARD.encode(format!("key:{APP_SECRET}"));
    for secret in SECRETS[1..].iter().copied().chain([&*basic]) {
        assert!(shown.sent.contains(secret), "{secret} was never sent");
    }
    for part in ["Transmit", "Call", "Session", "Snapshot", "logged in"] {
        assert!(shown.printed.contains(part), "{part} was never shown");
    }
    assert!(shown.stored.contains(BEARER) && shown.stored.contains(SESSION));

    shown.holds_no_secret("all goes well");
}

#[test]
fn law_10_no_secret_is_shown_whatever_the_service_repeats() {
    let mut shown = Shown::default();
    for bad in Purpose::ALL {
        for status in [200, 302, 400, 401, 403, 404, 408, 429, 500, 503] {
            // What the service says to a plain call is the caller's to show.
            if (bad, status) == (Purpose::Work, 200) {
                continue;
            }
            for body in echoes() {
                shown.drive_all(&but_for(bad, &|| echoing(status, &body)));
                shown.holds_no_secret(&format!("{bad:?} has the response {status} {body}"));
            }
        }
        assert!(shown.purposes.contains(&bad), "{bad:?} was never sent");
    }
}

#[test]
fn law_10_no_secret_is_shown_when_responses_are_too_long_or_none_come() {
    let long = format!(r#"{{"newPassword":"{}"}}"#, SECRETS.join("").repeat(1000));
    let mut shown = Shown::default();
    for bad in Purpose::ALL {
        let failures: [&dyn Fn() -> Received; 4] = [
            &lost,
            &not_sent,
            &|| response(200, &format!("{{{long}")),
            &|| response(400, &long),
        ];
        for failure in failures {
            if bad == Purpose::Work
                && failure().is_ok_and(|response| response.status().is_success())
            {
                continue;
            }
            shown.drive_all(&but_for(bad, failure));
            shown.holds_no_secret(&format!("{bad:?} fails"));
        }
    }
}

#[test]
fn law_10_a_secret_that_is_not_taken_is_not_shown() {
    let mut shown = Shown::default();
    let broken = |secret: &str| format!("{secret}\n");
    shown.debug(&AppCredentials::new("key", broken(APP_SECRET)));
    shown.debug(&AppCredentials::new(
        format!("key:{APP_SECRET}"),
        APP_SECRET,
    ));
    shown.debug(&UserCredentials::new("", OLD_PASSWORD));
    shown.debug(&BearerToken::new(&broken(BEARER)));
    shown.debug(&SessionToken::new(&broken(SESSION)));
    shown.debug(&SessionToken::new(&SESSION.repeat(1000)));
    for address in [
        "https://user:{}@example.com/api",
        "https://example.com/api?{}",
        "{}",
    ] {
        let environment = address.replace("{}", APP_SECRET).parse::<Environment>();
        shown.debug(&environment.unwrap_err());
    }
    shown.display(&CredentialsError::Empty("password"));
    shown.holds_no_secret("it is not taken");
}

#[test]
fn law_10_a_snapshot_that_is_not_taken_is_not_shown() {
    let mut shown = Shown::default();
    let mut s = Scenario::new();
    let mut login = Actor::log_in();
    login.fetches(&mut s, BEARER);
    login.logs_in(&mut s, SESSION);
    let stored = serde_json::to_string(&s.session.snapshot(s.now)).unwrap();
    for end in 0..stored.len() {
        let damaged = serde_json::from_str::<Snapshot>(&stored[..end]);
        shown.display(&damaged.unwrap_err());
    }
    for token in [BEARER, SESSION] {
        assert!(stored.contains("\"operations\":2"));
        let misplaced = stored.replace("\"operations\":2", &format!("\"operations\":\"{token}\""));
        let error = serde_json::from_str::<Snapshot>(&misplaced).unwrap_err();
        shown.debug(&error);
        shown.display(&error);
    }
    shown.holds_no_secret("a snapshot is damaged");
}

/// A panic shows no more than `Debug` does.
#[test]
fn law_10_a_secret_is_in_no_panic_over_an_error() {
    let mut shown = Shown::default();
    for (status, body) in echoes().iter().flat_map(|body| [(200, body), (404, body)]) {
        let mut s = Scenario::open();
        let mut reset = Actor::reset_password();
        reset.sends(&mut s, Purpose::Reset);
        reset.receives(&mut s, echoing(status, body));
        // A new session or bearer token may be worth a replay.
        if let Step::Done(result @ Err(_)) = reset.step(&mut s) {
            let unwraps = AssertUnwindSafe(|| result.map(drop).unwrap());
            let panic = catch_unwind(unwraps).unwrap_err();
            shown.display(&panic.downcast::<String>().unwrap());
        }
    }
    for part in [
        "password_in_doubt: true",
        "WrongCredentials",
        "Refused",
        "response: 200 OK with",
    ] {
        assert!(shown.printed.contains(part), "{part} was never shown");
    }
    shown.holds_no_secret("a caller panics");
}

#[test]
fn law_10_a_message_that_is_not_shown_is_still_there_for_whoever_asks_by_name() {
    let mut s = Scenario::open();
    let mut call = Actor::reads();
    call.sends(&mut s, Purpose::Work);
    call.receives(
        &mut s,
        response(
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
    let fetch = call.sends(&mut s, Purpose::TokenFetch);
    call.receives(&mut s, bearer("bearer-1"));
    let login = call.sends(&mut s, Purpose::LogIn);
    call.receives(&mut s, session("session-1"));
    let work = call.sends(&mut s, Purpose::Work);
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
fn law_10_a_query_is_shown_neither_to_a_log_nor_to_an_observer() {
    let mut s = Scenario::open();
    let request = http::Request::get("/m2m/v1/work?hush");
    let mut call = Actor::requests(request.body(Bytes::new()).unwrap()).unwrap();
    let sent = call.sends(&mut s, Purpose::Work);
    let exchange = Exchange::of(&sent);
    assert_eq!(exchange.path(), "/api/m2m/v1/work");
    assert_eq!(exchange.attempt(), sent.attempt);
    let shown = format!("{sent:?} {exchange:?} {:?}", call.call);
    assert!(!shown.contains("hush"), "{shown}");
}
