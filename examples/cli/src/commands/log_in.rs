//! Opens a session.

use clap::Args;
use serde_json::json;

use crate::{cli::Common, desk::Desk, failure::Failure, show};

/// Open a session, or say since when one is open
///
/// There is no need to: `call` opens one when it has to.
#[derive(Args)]
pub(crate) struct LogIn {
    #[command(flatten)]
    pub(crate) common: Common,
}

impl LogIn {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let desk = Desk::new(&self.common)?;
        let before = desk.look()?.opened_at();
        let opened_at = desk.work(|client| {
            client.log_in()?;
            Ok(client.session(|session| session.opened_at()))
        })?;
        let opened = opened_at != before;
        let since = opened_at.map(show::time).unwrap_or_default();
        let machine = json!({ "opened": opened, "opened_at": since });
        let human = if opened {
            format!("A session was opened at {since}.")
        } else {
            format!("A session has been open since {since}.")
        };
        show::tell(self.common.json, &machine, &human)
    }
}
