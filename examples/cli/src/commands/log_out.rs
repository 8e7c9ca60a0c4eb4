//! Ends the session.

use clap::Args;
use serde_json::json;

use crate::{cli::Common, desk::Desk, failure::Failure, show, watch::Watch};

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
        let desk = Desk::new(&self.common)?;
        // It makes no login, so whether the password is right is of no interest.
        let client = desk.client(&Watch::default())?;
        let ended = client.log_out().map_err(|error| desk.explain(error))?;
        let ended = ended.is_some();
        let human = if ended {
            "The session is over."
        } else {
            "No session was open."
        };
        show::tell(self.common.json, &json!({ "ended": ended }), human)
    }
}
