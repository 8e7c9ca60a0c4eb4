//! Ends the session.

use clap::Args;
use serde_json::json;
use thingspace_ureq::Client;

use crate::{cli::Common, context::Context, failure::Failure, show, watch::Watch};

/// End the session
///
/// Callbacks keep coming after it.
#[derive(Args)]
pub(crate) struct LogOut {
    #[command(flatten)]
    pub(crate) common: Common,
}

impl LogOut {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let context = Context::new(&self.common)?;
        // It makes no login, so an outdated password does no harm.
        let client = context.client(&Watch::default())?;
        let ended = context
            .run_saved(&client, Client::log_out)
            .map_err(|error| context.explain(&client, error))?;
        let ended = ended.is_some();
        let text = if ended {
            "The session is over."
        } else {
            "No session was open."
        };
        show::print(self.common.json, &json!({ "ended": ended }), text)
    }
}
