//! Checks the credentials.

use std::{num::NonZeroU32, time::Duration};

use clap::Args;
use serde_json::{Value, json};
use thingspace_ureq::{
    Client,
    core::{
        Error, ErrorKind, Timestamp,
        session::{Call, LoginGuard, OperationKind},
    },
};

use crate::{
    clock::now,
    common::Common,
    confirm::{self, Question},
    context::{Context, password_in_use},
    failure::{Exit, Failure},
    message, output, show,
};

/// Check that key, secret, user name and password are right, without touching a device
///
/// It fetches a bearer token, which tells whether key and secret are right, and if they
/// are, it makes one login, which tells whether user name and password are. That login may
/// end the session that is open, here and on other machines, so it asks first; the session
/// that it opens is kept for all. It counts like any other login: one that fails brings the
/// user name one step nearer to its lock, and where the login guard allows none, none is
/// made. It never makes a second one.
#[derive(Args)]
pub(crate) struct Check {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// The knowledge of a part of the credentials.
#[derive(Clone, Copy)]
enum Known {
    Right,
    Wrong,
    /// This one or the other one of a pair is wrong, or both; the service does not tell.
    OneOfBoth,
    Unknown,
}

/// The knowledge of all credentials after a check.
struct Findings {
    key: Known,
    secret: Known,
    username: Known,
    password: Known,
}

impl Check {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        let mut context = Context::new(common)?;
        // One attempt of each: what may pass is not waited for.
        context.settings.longest_wait = Duration::ZERO;
        context.settings.max_attempts = NonZeroU32::MIN;
        let client = context.client()?;
        let password = password_in_use(&client)?;
        if let Some(outdated) = context.records().outdated(&password)? {
            return Err(outdated);
        }
        context.sync(&client)?;
        let now = client.now();
        let (guard, opened_at) = client.session(|session| {
            session.expire(now);
            (session.login_guard(), session.opened_at())
        });
        allow(&guard)?;
        self.confirm(opened_at, &guard, common.json)?;
        let checked = context.run_saved(&client, |client| check(&context, client));
        let findings = Findings::of(checked.as_ref().err());
        let opened_at = client.session(|session| session.opened_at());
        match checked {
            Err(error) => Err(context
                .explain(&client, error)
                .without_response()
                .with_detail("credentials", findings.to_json())
                .with_advice(findings.lines().join("\n"))),
            Ok(()) if context.watch.logins() == 0 => Err(Failure::new(
                Exit::NeverSent,
                "another program opened a session meanwhile, so no login was made with these credentials; check them again",
            )),
            Ok(()) => {
                context.records().settle(&password);
                let since = opened_at.map(show::time).unwrap_or_default();
                let value = json!({ "credentials": findings.to_json(), "opened_at": since });
                let text = format!(
                    "{}\nA session was opened at {since}, for every program that shares it.",
                    findings.lines().join("\n")
                );
                output::print(common.json, &value, &text)
            }
        }
    }

    /// Explains the risk and asks for a confirmation.
    fn confirm(
        &self,
        opened_at: Option<Timestamp>,
        guard: &LoginGuard,
        json: bool,
    ) -> Result<(), Failure> {
        let session = match opened_at {
            Some(since) => format!(
                "The check needs a login. It gives up the session that has been open since {}, for every program that shares it, and may end one on another machine.",
                show::time(since)
            ),
            None => "The check needs a login. It may end a session of the same user name on another machine.".to_owned(),
        };
        let risk = format!(
            "{session}\nIf it fails, it counts: {} have failed or got lost since the last success.",
            guard.failed_logins
        );
        confirm::ask(&Question {
            risk: &risk,
            text: "Check the credentials?",
            needs: "the credentials are checked after a confirmation; give it with --yes",
            declined: "nothing was checked",
            exit: Exit::NeverSent,
            yes: self.yes,
            json,
        })
    }
}

/// Fails if the login guard allows no login now.
fn allow(guard: &LoginGuard) -> Result<(), Failure> {
    let failure = match &guard.blocked {
        Some(reason) => Failure::new(
            Exit::LoginBlocked,
            format!(
                "nothing was checked, because the login guard is blocked: {}",
                message::blocked(reason)
            ),
        ),
        None if guard.attempts_left == 0 || guard.next_login > Some(now()) => Failure::new(
            Exit::NeverSent,
            format!(
                "nothing was checked, because the login guard allows no login now; it is {}",
                show::guarding(guard)
            ),
        ),
        None => return Ok(()),
    };
    let failure = failure.with_detail("login_guard", show::login_guard(guard));
    let last = guard.last_failure.as_ref();
    let failure = match last {
        Some(last) => failure
            .with_detail("because", show::failed(last))
            .with_advice(format!("Before that, {last}.")),
        None => failure,
    };
    Err(match message::how_to_unblock(guard) {
        Some(advice) => failure.with_advice(advice),
        None => failure,
    })
}

/// Fetches another bearer token, then opens another session.
fn check(context: &Context, client: &Client) -> Result<(), Error> {
    client.session(|session| {
        if let Some(bearer) = session.bearer_token().cloned() {
            session.bearer_token_refused(&bearer);
        }
    });
    // If a session is open, this fetches the bearer token alone: it goes on if that fails.
    context.call(client, Call::acquire_tokens())?;
    if context.watch.logins() == 0 {
        client.session(|session| {
            if let Some(token) = session.session_token().cloned() {
                session.forget_session_token(&token);
            }
        });
        context.call(client, Call::log_in())?;
    }
    Ok(())
}

impl Findings {
    /// The findings of a check that ended so.
    fn of(error: Option<&Error>) -> Self {
        let of = |app, username, password| Self {
            key: app,
            secret: app,
            username,
            password,
        };
        let Some(error) = error else {
            return of(Known::Right, Known::Right, Known::Right);
        };
        match error.kind() {
            ErrorKind::AppRefused(_) => of(Known::OneOfBoth, Known::Unknown, Known::Unknown),
            ErrorKind::WrongCredentials { refusal, .. } => {
                let code = refusal.code().map(ToString::to_string).unwrap_or_default();
                let names = |word: &str| code.to_ascii_lowercase().contains(word);
                match (names("password"), names("username")) {
                    (true, false) => of(Known::Right, Known::Unknown, Known::Wrong),
                    (false, true) => of(Known::Right, Known::Wrong, Known::Unknown),
                    _ => of(Known::Right, Known::OneOfBoth, Known::OneOfBoth),
                }
            }
            _ => {
                let is_of_login = error.prerequisite() == Some(OperationKind::LogIn)
                    || error.login_guard().is_some()
                    || error.prerequisite().is_none() && !error.is_never_sent();
                let app = if is_of_login {
                    Known::Right
                } else {
                    Known::Unknown
                };
                of(app, Known::Unknown, Known::Unknown)
            }
        }
    }

    fn parts(&self) -> [(&'static str, &'static str, Known, &'static str); 4] {
        [
            ("key", "Key", self.key, "secret"),
            ("secret", "Secret", self.secret, "key"),
            ("user_name", "User name", self.username, "password"),
            ("password", "Password", self.password, "user name"),
        ]
    }

    fn lines(&self) -> Vec<String> {
        let line = |(_, name, known, other): (_, &str, _, &str)| {
            let known = match known {
                Known::Right => "right".to_owned(),
                Known::Wrong => "wrong".to_owned(),
                Known::OneOfBoth => {
                    format!("this or the {other} is wrong; the service does not tell which")
                }
                Known::Unknown => "not known".to_owned(),
            };
            format!("{name:<11}{known}")
        };
        self.parts().map(line).into()
    }

    fn to_json(&self) -> Value {
        let part = |(name, _, known, _): (&str, _, _, _)| {
            let known = match known {
                Known::Right => "right",
                Known::Wrong => "wrong",
                Known::OneOfBoth => "one_of_both_is_wrong",
                Known::Unknown => "unknown",
            };
            (name.to_owned(), json!(known))
        };
        Value::Object(self.parts().map(part).into_iter().collect())
    }
}
