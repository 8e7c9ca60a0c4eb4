//! Unblocks the login guard.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    thread,
};

use clap::Args;
use serde_json::json;
use thingspace_ureq::core::session::{
    BlockReason, LoginGuard, MaxFailedLogins, OperationKind, PLATFORM_LOCKS_AT, Store, WaitReason,
};

use crate::{
    cli::Common,
    context::{Context, now},
    failure::{Exit, Failure},
    show,
    watch::Watch,
};

/// Unblock the login guard, once you know why logins failed
///
/// The platform's own count of failed logins goes on: it locks the user name at
/// five in a row, and only Verizon's support unlocks it. So put the credentials
/// right first. The command asks for a confirmation.
#[derive(Args)]
pub(crate) struct Unblock {
    /// Do not ask
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Unblock {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let context = Context::new(&self.common)?;
        let mut session = context.session()?;
        // A reset in progress blocks the guard if it is lost, and that is yet to
        // come.
        let watch = Watch::default();
        while session.operation() == Some(OperationKind::PasswordReset) {
            let reset = WaitReason::Operation(OperationKind::PasswordReset);
            watch.report_wait(reset, None);
            thread::sleep(context.store.poll_interval());
            session = context.session()?;
        }
        let guard = session.login_guard();
        let Some(reason) = &guard.blocked else {
            let value = json!({ "unblocked": false, "login_guard": show::login_guard(&guard) });
            return show::print(
                self.common.json,
                &value,
                "The login guard is open to logins.",
            );
        };
        self.confirm(&context, &guard, reason)?;
        let guard = session.transact(&context.store, |session| {
            session.expire(now());
            session.unblock();
            session.login_guard()
        })?;
        let value = json!({ "unblocked": true, "login_guard": show::login_guard(&guard) });
        let text = format!(
            "The login guard is open to logins; {} logins may fail before it is blocked.",
            guard.attempts_left
        );
        show::print(self.common.json, &value, &text)
    }

    /// Explains the risk and asks for a confirmation.
    fn confirm(
        &self,
        context: &Context,
        guard: &LoginGuard,
        reason: &BlockReason,
    ) -> Result<(), Failure> {
        let more = MaxFailedLogins::default().number();
        let failed = guard.failed_logins;
        let end = if failed + u32::from(more) < u32::from(PLATFORM_LOCKS_AT) {
            "the user name stays unlocked even if those fail too."
        } else {
            "if those fail too, the user name is locked, and only Verizon's support unlocks it."
        };
        let mut risk = vec![
            format!("The login guard is blocked: {}.", show::blocked(reason)),
            format!(
                "Once unblocked, it lets {more} more logins fail. {failed} have failed or got lost since the last success: {end}"
            ),
        ];
        risk.extend(
            guard
                .last_failure
                .as_ref()
                .map(|failure| format!("The last failure: {failure}.")),
        );
        let reset = context.records().load()?;
        risk.extend(reset.map(|reset| context.records().advice(&reset, Some(reason))));
        let risk = risk.join("\n");
        if self.yes {
            if !self.common.json {
                show::to_stderr(&risk);
            }
            return Ok(());
        }
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(Failure::usage(
                "the login guard is unblocked after a confirmation; give it with --yes",
            )
            .with_advice(risk));
        }
        show::to_stderr(&risk);
        write!(io::stderr(), "Unblock it? [y/N] ").ok();
        let mut reply = String::new();
        let read = io::stdin().lock().read_line(&mut reply);
        if read.is_ok() && matches!(reply.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        Err(Failure::new(
            Exit::LoginBlocked,
            "the login guard stays blocked",
        ))
    }
}
