//! What is known without asking the service.

use clap::Args;
use serde_json::json;
use thingspace_ureq::core::session::PLATFORM_LOCKS_AT;

use crate::{
    cli::Common,
    desk::{Desk, HOW_TO_OPEN},
    failure::Failure,
    show,
};

/// Say how the session and its login guard stand; asks the service nothing
///
/// It needs the user's name and the application's key, and no secret.
#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) common: Common,
}

impl Status {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let desk = Desk::new(&self.common)?;
        let session = desk.look()?;
        let gate = session.gate();
        let records = desk.records();
        let reset = records.load()?;
        let machine = json!({
            "environment": desk.environment.to_string(),
            "state": desk.path(),
            "session": {
                "open": session.opened_at().is_some(),
                "opened_at": session.opened_at().map(show::time),
                "last_used": session.last_used().map(show::time),
            },
            "bearer_until": session.bearer_renewal().map(show::time),
            "under_way": session.flight().map(show::flight),
            "gate": show::gate(&gate),
            "reset": reset.as_ref().map(|reset| records.shown(reset)),
        });

        let mut lines = vec![
            format!("Environment   {}", desk.environment),
            format!("State         {}", desk.path().display()),
        ];
        lines.push(match (session.opened_at(), session.last_used()) {
            (Some(opened), Some(used)) => format!(
                "Session       open since {}, last used {}",
                show::time(opened),
                show::time(used)
            ),
            _ => "Session       none is open".to_owned(),
        });
        lines.push(match session.bearer_renewal() {
            Some(until) => format!("Bearer token  until {}", show::time(until)),
            None => "Bearer token  none".to_owned(),
        });
        lines.extend(
            session
                .flight()
                .map(|flight| format!("Under way     {flight}")),
        );
        lines.push(format!(
            "Logins        {} failed since the last success, {} more may fail; the platform locks the user name at {PLATFORM_LOCKS_AT}",
            gate.failed_logins, gate.attempts_left
        ));
        lines.push(match &gate.closed {
            Some(reason) => format!("Login guard   closed: {reason}"),
            None => "Login guard   open".to_owned(),
        });
        if gate.closed.is_some() && reset.is_none() {
            lines.push(format!("              {HOW_TO_OPEN}"));
        }
        lines.extend(
            reset
                .as_ref()
                .map(|reset| format!("Password      {}", records.advice(reset))),
        );
        show::tell(self.common.json, &machine, &lines.join("\n"))
    }
}
