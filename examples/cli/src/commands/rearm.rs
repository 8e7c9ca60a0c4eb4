//! Opens the login guard.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    thread,
};

use clap::Args;
use serde_json::json;
use thingspace_ureq::core::session::{
    FlightKind, Gate, MaxFailedLogins, PLATFORM_LOCKS_AT, Store, WaitReason,
};

use crate::{
    cli::Common,
    desk::{Desk, now},
    failure::{Exit, Failure},
    show,
    watch::Watch,
};

/// Open the login guard, once you know why logins failed
///
/// The platform's own count of failed logins goes on: it locks the user name at
/// five in a row, and only Verizon's support unlocks it. So put the credentials
/// right first. It asks for a confirmation.
#[derive(Args)]
pub(crate) struct Rearm {
    /// Do not ask
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Rearm {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let desk = Desk::new(&self.common)?;
        let mut session = desk.look()?;
        // A reset that is under way closes the guard if it is lost, and that is yet
        // to come.
        let watch = Watch::default();
        while session.flight() == Some(FlightKind::PasswordReset) {
            let reset = WaitReason::Flight(FlightKind::PasswordReset);
            watch.tell_of(reset, None);
            thread::sleep(desk.store.poll_interval());
            session = desk.look()?;
        }
        let gate = session.gate();
        if gate.closed.is_none() {
            let machine = json!({ "opened": false, "gate": show::gate(&gate) });
            return show::tell(self.common.json, &machine, "The login guard is open.");
        }
        self.confirm(&desk, &gate)?;
        let gate = session.transact(&desk.store, |session| {
            session.age(now());
            session.rearm();
            session.gate()
        })?;
        let machine = json!({ "opened": true, "gate": show::gate(&gate) });
        let human = format!(
            "The login guard is open; {} logins may fail before it closes.",
            gate.attempts_left
        );
        show::tell(self.common.json, &machine, &human)
    }

    /// Says what it risks, and asks.
    fn confirm(&self, desk: &Desk, gate: &Gate) -> Result<(), Failure> {
        let more = MaxFailedLogins::default().number();
        let failed = gate.failed_logins;
        let ends = if failed + u32::from(more) < u32::from(PLATFORM_LOCKS_AT) {
            "the user name stays unlocked even if those fail too."
        } else {
            "if those fail too, the user name is locked, and only Verizon's support unlocks it."
        };
        let mut risk = vec![
            format!("The login guard is closed: {gate}."),
            format!(
                "Open, it lets {more} more logins fail. {failed} have failed or got lost since the last success: {ends}"
            ),
        ];
        let reset = desk.records().load()?;
        risk.extend(reset.map(|reset| desk.records().advice(&reset)));
        let risk = risk.join("\n");
        if self.yes {
            if !self.common.json {
                show::to_stderr(&risk);
            }
            return Ok(());
        }
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(Failure::usage(
                "the login guard is opened after a confirmation; give it with --yes",
            )
            .and(risk));
        }
        show::to_stderr(&risk);
        write!(io::stderr(), "Open it? [y/N] ").ok();
        let mut answer = String::new();
        let heard = io::stdin().lock().read_line(&mut answer);
        if heard.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        Err(Failure::said(
            Exit::GateClosed,
            "the login guard stays closed",
        ))
    }
}
