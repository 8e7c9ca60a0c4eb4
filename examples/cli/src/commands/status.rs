//! Reports the saved state, without a request to the service.

use clap::Args;
use serde_json::json;
use thingspace_ureq::core::session::{OperationKind, PLATFORM_LOCKS_AT};

use crate::{common::Common, context::Context, failure::Failure, message, output, show};

/// Show the state of the session and of its login guard; asks the service nothing
///
/// It needs the user's name and the application's key, and no secret. If it is given the
/// password, it shows what the login guard makes of that one.
#[derive(Args)]
pub(crate) struct Status {}

impl Status {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        let Self {} = self;
        let context = Context::new(common)?;
        let session = context.session()?;
        // The reason that holds for any password.
        let blocked = session.login_guard().blocked;
        let with_password = context.credentials.with_password().ok();
        let guard = match &with_password {
            Some(credentials) => context.session_of(credentials.clone())?.login_guard(),
            None => session.login_guard(),
        };
        let records = context.records();
        let reset = records.load()?;
        let value = json!({
            "environment": context.environment.to_string(),
            "state": context.place(),
            "session": {
                "open": session.opened_at().is_some(),
                "opened_at": session.opened_at().map(show::time),
                "last_used": session.last_used().map(show::time),
            },
            "bearer_until": session.bearer_renewal().map(show::time),
            "operation": session.operation().map(OperationKind::name),
            "login_guard": show::login_guard(&guard),
            "password_given": with_password.is_some(),
            "reset": reset.as_ref().map(|reset| records.to_json(reset, blocked.as_ref())),
        });

        let mut lines = vec![
            format!("Environment   {}", context.environment),
            format!("State         {}", context.place()),
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
                .operation()
                .map(|operation| format!("In progress   {operation}")),
        );
        lines.push(format!(
            "Logins        {} failed since the last success, {} more may fail; the platform locks the user name at {PLATFORM_LOCKS_AT}",
            guard.failed_logins, guard.attempts_left
        ));
        lines.extend(
            guard
                .last_failure
                .as_ref()
                .map(|failure| format!("Last failure  {failure}")),
        );
        lines.push(format!("Login guard   {}", show::guarding(&guard)));
        if with_password.is_none() {
            lines.push(
                "              (for a password that was never refused, since none is given)"
                    .to_owned(),
            );
        }
        if reset.is_none() {
            lines.extend(
                message::how_to_unblock(&guard).map(|advice| format!("              {advice}")),
            );
        }
        lines.extend(
            reset
                .as_ref()
                .map(|reset| records.advice(reset, blocked.as_ref()))
                .map(|advice| format!("Password      {advice}")),
        );
        output::print(common.json, &value, &lines.join("\n"))
    }
}
