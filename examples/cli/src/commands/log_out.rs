//! Ends the session.

use clap::Args;
use serde_json::json;
use thingspace_ureq::core::session::Call;

use crate::{common::Common, context::Context, failure::Failure, output};

/// End the session
///
/// Callbacks keep coming after it.
#[derive(Args)]
pub(crate) struct LogOut {}

impl LogOut {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        let Self {} = self;
        let context = Context::new(common)?;
        // It makes no login, so an outdated password does no harm.
        let client = context.client()?;
        let ended = context
            .run_saved(&client, |client| {
                context.call(client, Call::log_out())?.into_logged_out()
            })
            .map_err(|error| context.explain(&client, error))?;
        let ended = ended.is_some();
        let text = if ended {
            "The session is over."
        } else {
            "No session was open."
        };
        output::print(common.json, &json!({ "ended": ended }), text)
    }
}
