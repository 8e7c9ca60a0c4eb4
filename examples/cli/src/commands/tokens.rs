//! Prints the two tokens.

use clap::Args;
use serde_json::json;
use thingspace_ureq::core::session::Call;

use crate::{common::Common, context::Context, failure::Failure, output, show};

/// Print the two tokens, for a program that calls ThingSpace by itself
///
/// The bearer token comes first, the session token second, each in a line of its own. A
/// session is opened if none is open, and the bearer token is renewed if it is about to
/// end. Whoever sees them can do what you can: no other command prints them.
///
/// A program that has them does not keep the session: it dies after 20 minutes in which
/// nobody uses it, and the bearer token within the hour. So ask for them before each run.
/// If one is refused, give it to `thingspace forget`, and ask again.
#[derive(Args)]
pub(crate) struct Tokens {
    /// Print variables for a shell to evaluate, `THINGSPACE_BEARER_TOKEN` and
    /// `THINGSPACE_SESSION_TOKEN`
    #[arg(long, group = "form")]
    shell: bool,

    /// Print the headers of a request, one a line, as `curl --header @FILE` takes them
    #[arg(long, group = "form")]
    headers: bool,
}

impl Tokens {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        if common.json && (self.shell || self.headers) {
            return Err(Failure::usage(
                "the tokens are printed in one form; leave out --json, or --shell and --headers",
            ));
        }
        let context = Context::new(common)?;
        let acquired = context.run(|client| {
            let tokens = context
                .call(client, Call::acquire_tokens())?
                .into_tokens()?;
            let times = |session: &mut thingspace_ureq::core::Session| {
                (session.bearer_renewal(), session.opened_at())
            };
            Ok((tokens, client.session(times)))
        });
        let ((bearer, session), (renewal, opened_at)) =
            acquired.map_err(Failure::without_response)?;
        let (bearer, session) = (bearer.expose(), session.expose());
        let text = if self.shell {
            format!(
                "export THINGSPACE_BEARER_TOKEN={}\nexport THINGSPACE_SESSION_TOKEN={}",
                show::quoted(bearer),
                show::quoted(session)
            )
        } else if self.headers {
            format!("Authorization: Bearer {bearer}\nVZ-M2M-Token: {session}")
        } else {
            format!("{bearer}\n{session}")
        };
        let value = json!({
            "bearer_token": bearer,
            "bearer_until": renewal.map(show::time),
            "session_token": session,
            "opened_at": opened_at.map(show::time),
        });
        output::print(common.json, &value, &text)
    }
}
