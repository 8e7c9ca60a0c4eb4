//! Unblocks the login guard for one login.

use std::thread;

use clap::Args;
use serde_json::json;
use thingspace_ureq::core::session::{LoginGuard, OperationKind, PLATFORM_LOCKS_AT, WaitReason};

use crate::{
    common::Common,
    confirm::{self, Question},
    context::{Context, password_in_use},
    failure::{Exit, Failure},
    output, show,
};

/// Allow one login with the credentials given, once you know why logins failed
///
/// A pause before the next token fetch or login, such as one that the service asked for,
/// ends with it.
///
/// If that one fails too, or is lost, the login guard is blocked for these credentials
/// again. The platform's own count of failed logins goes on: it locks the user name at
/// five in a row, and only Verizon's support unlocks it. So put the credentials right
/// first. The command needs the user's password, sends nothing, and asks for a
/// confirmation.
#[derive(Args)]
pub(crate) struct Unblock {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Unblock {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        let context = Context::new(common)?;
        // A reset in progress blocks the guard if it is lost, and that is yet to
        // come.
        while context.session()?.operation() == Some(OperationKind::PasswordReset) {
            let reset = WaitReason::Operation(OperationKind::PasswordReset);
            context.check_deadline()?;
            context.watch.report_wait(reset, None);
            thread::sleep(context.store().poll_interval());
        }
        let client = context.client_of(|| context.credentials.with_password())?;
        let password = password_in_use(&client)?;
        if let Some(outdated) = context.records().outdated(&password)? {
            return Err(outdated);
        }
        context.sync(&client)?;
        let now = client.now();
        let (guard, pause_ended) = client.session(|session| {
            session.expire(now);
            (session.login_guard(), session.retry_now())
        });
        if pause_ended {
            context.sync(&client)?;
        }
        // One that is about to be made needs no unblocking.
        if guard.blocked.is_none() && guard.attempts_left > 0 {
            let value = json!({
                "unblocked": false,
                "pause_ended": pause_ended,
                "login_guard": show::login_guard(&guard),
            });
            let pause = if pause_ended {
                " The pause before the next token fetch or login is over."
            } else {
                ""
            };
            let text = format!("The login guard is {}.{pause}", show::guarding(&guard));
            return output::print(common.json, &value, &text);
        }
        self.confirm(&context, &guard, common)?;
        let guard = client.session(|session| {
            session.unblock();
            session.login_guard()
        });
        context.sync(&client)?;
        let value = json!({
            "unblocked": true,
            "pause_ended": pause_ended,
            "login_guard": show::login_guard(&guard),
        });
        let text = "The login guard allows one login with these credentials; if that one fails or is lost, it is blocked for them again.";
        output::print(common.json, &value, text)
    }

    /// Explains the risk and asks for a confirmation.
    fn confirm(
        &self,
        context: &Context,
        guard: &LoginGuard,
        common: &Common,
    ) -> Result<(), Failure> {
        let failed = guard.failed_logins;
        let end = if failed + 1 < u32::from(PLATFORM_LOCKS_AT) {
            "the user name stays unlocked even if that one fails too."
        } else {
            "if that one fails too, the user name is locked, and only Verizon's support unlocks it."
        };
        let mut risk = vec![
            format!("The login guard is {}.", show::guarding(guard)),
            format!(
                "Once unblocked, it allows one login with the credentials given. {failed} have failed or got lost since the last success: {end}"
            ),
        ];
        risk.extend(
            guard
                .last_failure
                .as_ref()
                .map(|failure| format!("The last failure: {failure}.")),
        );
        let reset = context.records().load()?;
        risk.extend(reset.map(|reset| context.records().advice(&reset, guard.blocked.as_ref())));
        let risk = risk.join("\n");
        confirm::ask(&Question {
            risk: &risk,
            text: "Unblock it?",
            needs: "the login guard is unblocked after a confirmation; give it with --yes",
            declined: "the login guard stays blocked",
            exit: Exit::LoginBlocked,
            yes: self.yes,
            json: common.json,
        })
    }
}
