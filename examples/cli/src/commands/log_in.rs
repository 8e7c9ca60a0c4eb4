//! Opens a session.

use clap::Args;
use serde_json::json;

use crate::{cli::Common, context::Context, failure::Failure, show};

/// Open a session, or report since when one is open
///
/// There is no need to: `call` opens one when it has to.
#[derive(Args)]
pub(crate) struct LogIn {
    #[command(flatten)]
    pub(crate) common: Common,
}

impl LogIn {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let context = Context::new(&self.common)?;
        let before = context.session()?.opened_at();
        let opened_at = context.run(|client| {
            client.log_in()?;
            Ok(client.session(|session| session.opened_at()))
        });
        let opened_at = opened_at.map_err(Failure::without_response)?;
        let opened = opened_at != before;
        let since = opened_at.map(show::time).unwrap_or_default();
        let value = json!({ "opened": opened, "opened_at": since });
        let text = if opened {
            format!("A session was opened at {since}.")
        } else {
            format!("A session has been open since {since}.")
        };
        show::print(self.common.json, &value, &text)
    }
}
