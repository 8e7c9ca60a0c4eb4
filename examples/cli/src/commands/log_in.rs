//! Opens a session.

use clap::Args;
use serde_json::json;
use thingspace_ureq::core::session::Call;

use crate::{common::Common, context::Context, failure::Failure, output, show};

/// Open a session, or report since when one is open
///
/// There is no need to: `call` opens one when it has to.
#[derive(Args)]
pub(crate) struct LogIn {}

impl LogIn {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        let Self {} = self;
        let context = Context::new(common)?;
        let before = context.session()?.session_token().cloned();
        let logged_in = context.run(|client| {
            let token = context.call(client, Call::log_in())?.into_logged_in()?;
            Ok((token, client.session(|session| session.opened_at())))
        });
        let (token, opened_at) = logged_in.map_err(Failure::without_response)?;
        let opened = before != Some(token);
        let since = opened_at.map(show::time).unwrap_or_default();
        let value = json!({ "opened": opened, "opened_at": since });
        let text = if opened {
            format!("A session was opened at {since}.")
        } else {
            format!("A session has been open since {since}.")
        };
        output::print(common.json, &value, &text)
    }
}
