//! Execution of a request without faults.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use thingspace_core::Timestamp;

use crate::account::Verdict;
use crate::connectivity::{Ask, Served};
use crate::input::Input;
use crate::refusal::{Refusal, bare, json_response};
use crate::routes::route_of;
use crate::{Call, Simulator};

impl Simulator {
    /// Executes or refuses a request and returns the response.
    pub(crate) fn execute(
        &mut self,
        now: Timestamp,
        call: Call,
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        let input = Input(request);
        match self.serve(now, call, input) {
            Ok(response) => {
                self.counts.finish(call);
                response
            }
            Err(refusal) => refusal.into_response(),
        }
    }

    /// Executes a request or returns the first reason to refuse it.
    ///
    /// The checks run in this order: the length, the path, the bearer token,
    /// the session token, the content of the request.
    fn serve(&mut self, now: Timestamp, call: Call, input: Input<'_>) -> Served {
        if self.content_length_required {
            input.check_length()?;
        }
        match call {
            Call::Unknown => Err(Refusal::NO_RESOURCE),
            Call::BearerToken => self.issue_bearer(now, input),
            Call::RevokeToken => self.revoke_bearer(now, input),
            Call::LogIn => {
                self.check_bearer(now, input)?;
                self.log_in(now, input)
            }
            Call::LogOut => self.in_session(now, input, |service| Ok(service.log_out(input))),
            Call::ResetPassword => {
                self.in_session(now, input, |service| service.reset_password(input))
            }
            call => self.in_session(now, input, |service| service.manage(now, call, input)),
        }
    }

    fn issue_bearer(&mut self, now: Timestamp, input: Input<'_>) -> Served {
        self.check_application(input)?;
        let issue = self.bearers.issue(now, &mut self.rng);
        if issue.is_new {
            self.counts.bearers_issued += 1;
        } else {
            self.counts.bearers_repeated += 1;
        }
        let mut body = json!({
            "access_token": issue.token,
            "token_type": "Bearer",
            "expires_in": issue.left.as_secs(),
        });
        if let (Some(scope), Some(fields)) = (input.form("scope"), body.as_object_mut()) {
            fields.insert("scope".to_owned(), Value::String(scope));
        }
        Ok(json_response(StatusCode::OK, &body))
    }

    /// Revokes a token. An unknown token is no error (RFC 7009 §2.2).
    fn revoke_bearer(&mut self, now: Timestamp, input: Input<'_>) -> Served {
        self.check_application(input)?;
        let token = input.form("token").ok_or(Refusal::NO_TOKEN)?;
        if self.bearers.revoke(now, &token) {
            self.counts.bearers_revoked += 1;
        }
        Ok(bare(StatusCode::OK))
    }

    fn check_application(&self, input: Input<'_>) -> Result<(), Refusal> {
        let (key, secret) = input.basic()?;
        if key != self.key || secret != self.secret {
            return Err(Refusal::WRONG_APP);
        }
        match input.form("grant_type").as_deref() {
            Some("client_credentials") => Ok(()),
            None | Some("") => Err(Refusal::NO_GRANT_TYPE),
            Some(_) => Err(Refusal::OTHER_GRANT_TYPE),
        }
    }

    fn check_bearer(&self, now: Timestamp, input: Input<'_>) -> Result<(), Refusal> {
        let bearer = input.authorization("Bearer").ok_or(Refusal::NO_BEARER)?;
        if !self.bearers.accept(now, bearer) {
            return Err(Refusal::WRONG_BEARER);
        }
        Ok(())
    }

    /// Logs the user in.
    ///
    /// Our choice: a login without a username is refused and not counted. A
    /// login without a password is a failed login.
    fn log_in(&mut self, now: Timestamp, input: Input<'_>) -> Served {
        input.check_address()?;
        let body = input.json()?;
        let username = text(&body, "username").ok_or(Refusal::UNEXPECTED)?;
        let password = text(&body, "password").unwrap_or_default();
        match self.user.log_in(username, password) {
            Verdict::Accepted => {}
            Verdict::Wrong => {
                self.counts.failed_logins += 1;
                return Err(self.wrong_credentials());
            }
            Verdict::Locked => {
                self.counts.locked_logins += 1;
                return Err(Refusal::LogIn {
                    code: self.lock_code.clone(),
                    message: "The username is locked.",
                });
            }
        }
        if self.sessions_replace_each_other {
            self.sessions.end_all();
        }
        let token = self.sessions.open(now, &mut self.rng);
        Ok(json_response(
            StatusCode::OK,
            &json!({"sessionToken": token}),
        ))
    }

    /// Checks both tokens and executes `act`. On success the session's idle
    /// time starts again.
    fn in_session(
        &mut self,
        now: Timestamp,
        input: Input<'_>,
        act: impl FnOnce(&mut Self) -> Served,
    ) -> Served {
        self.check_bearer(now, input)?;
        let token = input.session_token();
        self.sessions.check(now, token)?;
        input.check_address()?;
        let response = act(self)?;
        self.sessions.refresh(now, token.unwrap_or_default());
        Ok(response)
    }

    fn log_out(&mut self, input: Input<'_>) -> Response<Bytes> {
        let token = input.session_token().unwrap_or_default();
        self.sessions.end(token);
        json_response(StatusCode::OK, &json!({"sessionToken": token}))
    }

    /// Resets the password. Our choice: a wrong old password is no failed login.
    fn reset_password(&mut self, input: Input<'_>) -> Served {
        let body = input.json()?;
        let old = text(&body, "oldPassword").ok_or(Refusal::UNEXPECTED)?;
        if !self.user.knows(old) {
            return Err(self.wrong_credentials());
        }
        let new = self.user.reset_password(&mut self.rng);
        let response = json_response(StatusCode::OK, &json!({"newPassword": new}));
        if self.reset_ends_sessions {
            self.sessions.end_all();
        }
        Ok(response)
    }

    /// Executes a call of Connectivity Management.
    fn manage(&mut self, now: Timestamp, call: Call, input: Input<'_>) -> Served {
        let route = route_of(call).ok_or(Refusal::NO_RESOURCE)?;
        let handler = route.handler.ok_or(Refusal::NO_RESOURCE)?;
        let path = self.path(input.0.uri().path()).unwrap_or_default();
        let parameters = route.parameters(path);
        let ask = Ask::read(now, route.body, parameters, input);
        let ask = ask.map_err(|refusal| refusal.shaped(route.errors))?;
        self.connectivity.settle(now);
        handler(&mut self.connectivity, &ask).map_err(|refusal| refusal.shaped(route.errors))
    }

    fn wrong_credentials(&self) -> Refusal {
        Refusal::LogIn {
            code: self.refusal_code.clone(),
            message: "The username or the password is wrong.",
        }
    }
}

fn text<'a>(body: &'a Value, field: &str) -> Option<&'a str> {
    body.get(field)?.as_str()
}
