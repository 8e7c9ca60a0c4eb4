//! Drops a token that was refused elsewhere.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use clap::{ArgGroup, Args};
use serde_json::json;
use thingspace_ureq::{
    Client,
    core::{BearerToken, SessionToken, TokenError},
};

use crate::{common::Common, context::Context, credentials::token_from, failure::Failure, output};

/// Drop a token that was refused where `thingspace tokens` gave it
///
/// The next call gets another one. Give the token that was refused: then one that another
/// program has got meanwhile is kept. It comes from a file that only you may read, or from
/// the standard input, and never from an argument, which every user of this machine can
/// see. Nothing is sent, and nothing is logged out.
#[derive(Args)]
#[command(group = ArgGroup::new("tokens").required(true).multiple(true).args(["session", "bearer"]))]
pub(crate) struct Forget {
    /// Drop the session token: the one in this file, - for the standard input, or whichever
    /// is in use
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    session: Option<OsString>,

    /// Drop the bearer token: the one in this file, - for the standard input, or whichever
    /// is in use
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    bearer: Option<OsString>,
}

impl Forget {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        let context = Context::new(common)?;
        let is_input = |source: &Option<OsString>| source.as_deref() == Some(OsStr::new("-"));
        if is_input(&self.session) && is_input(&self.bearer) {
            return Err(Failure::usage(
                "both tokens are to come from the standard input; give one of them in a file",
            ));
        }
        let session = wanted(self.session.as_deref(), "session", |text| {
            SessionToken::new(text)
        })?;
        let bearer = wanted(self.bearer.as_deref(), "bearer", |text| {
            BearerToken::new(text)
        })?;
        // It makes no login.
        let client = context.client_of(|| context.credentials.without_secrets())?;
        context.sync(&client)?;
        let session = session.map(|token| forget_session(&client, token));
        let bearer = bearer.map(|token| forget_bearer(&client, &token));
        context.sync(&client)?;

        let mut lines = Vec::new();
        for (name, forgotten) in [("session", session), ("bearer", bearer)] {
            lines.extend(forgotten.map(|forgotten| {
                if forgotten {
                    format!("The {name} token is used no more; the next call gets another one.")
                } else {
                    format!("The {name} token is not in use, so nothing has changed.")
                }
            }));
        }
        let value = json!({ "session": session, "bearer": bearer });
        output::print(common.json, &value, &lines.join("\n"))
    }
}

/// The token that is to be dropped, if one is: this one, or whichever is in use.
enum Wanted<T> {
    This(T),
    Any,
}

fn wanted<T>(
    source: Option<&OsStr>,
    name: &str,
    token: impl FnOnce(&str) -> Result<T, TokenError>,
) -> Result<Option<Wanted<T>>, Failure> {
    let Some(source) = source else {
        return Ok(None);
    };
    if source.is_empty() {
        return Ok(Some(Wanted::Any));
    }
    let text = token_from(Path::new(source))?;
    let token = token(&text)
        .map_err(|error| Failure::usage(format!("this is no {name} token: {error}")))?;
    Ok(Some(Wanted::This(token)))
}

fn forget_session(client: &Client, wanted: Wanted<SessionToken>) -> bool {
    client.session(|session| {
        let token = match wanted {
            Wanted::This(token) => Some(token),
            Wanted::Any => session.session_token().cloned(),
        };
        token.is_some_and(|token| session.forget_session_token(&token))
    })
}

fn forget_bearer(client: &Client, wanted: &Wanted<BearerToken>) -> bool {
    client.session(|session| {
        let in_use = session.bearer_token().cloned();
        let Some(in_use) = in_use.filter(|in_use| match wanted {
            Wanted::This(token) => token == in_use,
            Wanted::Any => true,
        }) else {
            return false;
        };
        session.bearer_token_refused(&in_use);
        true
    })
}
