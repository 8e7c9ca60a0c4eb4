//! A job that runs and ends, every few minutes: its session is in a file, so that the
//! next run goes on with it, and its exit code says whether a person is needed.
//!
//! ```text
//! cargo run --example cron_job
//! ```

use std::{error::Error, path::Path, time::Duration};

use bytes::Bytes;
use http::Request;
use thingspace_file::FileStore;
use thingspace_simulator::{Call as Kind, Fault, Server, Simulator};
use thingspace_ureq::{
    Builder,
    core::{
        self, AppCredentials, Call, Credentials, Environment, ErrorKind, SessionBuilder,
        UserCredentials,
    },
};

/// Done.
const DONE: u8 = 0;
/// It may go better the next time: nobody needs to look (`EX_TEMPFAIL`).
const TRY_AGAIN: u8 = 75;
/// It goes on like this until a person changes something: alert one (`EX_CONFIG`).
const ALERT: u8 = 78;

/// The time that the job's call may take: less than the time between two runs.
const LIMIT: Duration = Duration::from_secs(60);

/// The job's whole life. Each run is a process of its own; here each is a function call,
/// with a client of its own.
fn run(base: &str, password: &str, state: &Path) -> Result<u8, Box<dyn Error>> {
    let environment: Environment = base.parse()?; // or Environment::production()
    let session = SessionBuilder::new(Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, password)?,
    ))
    .environment(environment.clone());
    let client = Builder::new(session).store(FileStore::new(state)).build()?;

    let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    let call = Call::to(account, &environment)?.with_deadline(client.now() + LIMIT);
    let result = client.run(call).and_then(core::Completion::into_response);

    // Before the end, also after an error: what a response has brought is saved beside
    // the call. The next run must know that a password was refused. There is no logout,
    // which would cost the next run a login.
    let synced = client.sync();
    let code = match result.and(synced) {
        Ok(()) => DONE,
        Err(error) => {
            println!("   {error}.");
            exit_code(&error)
        }
    };
    Ok(code)
}

/// Sorts failures by what helps: time, or a person.
///
/// The account is only read, so it may be read again. A job that changes something also
/// looks at `is_outcome_unknown`, and does not try again what may have been done.
fn exit_code(error: &core::Error) -> u8 {
    // No later run makes a login either, until the credentials change or somebody
    // unblocks the login guard.
    if error.is_blocked() {
        return ALERT;
    }
    let is_temporary = error.retry_at().is_some() // throttled, backing off, cooling down
        || error.is_timed_out()
        || error.transport().is_some()
        || error.status().is_some_and(|status| status.is_server_error())
        || matches!(error.kind(), ErrorKind::Store(_));
    if is_temporary { TRY_AGAIN } else { ALERT }
}

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42))?;
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("state/session.json"); // ~/.local/state/my-job/session.json
    let report = |what: &str, password: &str| -> Result<(), Box<dyn Error>> {
        println!("{what}");
        let code = run(server.base(), password, &state)?;
        let logins = server.with(|service| service.counts().seen(Kind::LogIn));
        println!("   Exit code {code}. Logins so far: {logins}.");
        Ok(())
    };

    report("1. The first run logs in.", Simulator::PASSWORD)?;
    report(
        "2. The next run goes on with its session.",
        Simulator::PASSWORD,
    )?;

    let an_hour = Fault::Throttled {
        retry_after: Some("3600".parse()?),
    };
    server.with(|service| service.inject(Kind::Account, an_hour));
    report("3. The service has too many calls.", Simulator::PASSWORD)?;

    server.advance(Duration::from_secs(21 * 60));
    report(
        "4. The session has expired, and the password is wrong.",
        "grflbk",
    )?;
    report("5. The next run knows that, and makes no login.", "grflbk")?;
    report("6. The password is corrected.", Simulator::PASSWORD)?;
    Ok(())
}
