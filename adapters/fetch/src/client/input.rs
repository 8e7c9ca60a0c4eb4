//! What happened, and what callers want.

use bytes::Bytes;
use http::{Method, Request};
use thingspace_core::{
    Call, CallOptions, Endpoint, Outcome, RequestError, Timestamp, api::CallTokens,
};
use zeroize::Zeroizing;

use super::{Client, SYNC};
use crate::{
    config,
    http_json::{header, headers},
    json::{Fields, Json, wrong},
};

impl Client {
    /// Takes what happened. All that is given is read before anything is changed.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        what: &str,
        mut given: Fields,
        body: Bytes,
    ) -> Result<(), String> {
        match what {
            "call" | "own" | "confirm" | "credentials" | "cancel" | "givenUp" => {
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
            "cancel" => {
                given.end()?;
                self.cancel(id);
            }
            // Its caller had given up before it began.
            _ => {
                given.end()?;
                self.given_up(id, false);
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
}

#[expect(clippy::panic, reason = "a program tests with it that it goes on")]
fn crash() -> ! {
    panic!("the host asked for it")
}
