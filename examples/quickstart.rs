//! The life of a session in ten seconds, without an account and without a network:
//!
//! ```text
//! cargo run --example quickstart
//! ```
//!
//! It never leaves this machine, whatever the environment holds. Only with an argument
//! it logs in to the real service and out again, and does nothing else:
//!
//! ```text
//! cargo run --example quickstart -- --real
//! ```
//!
//! Then `THINGSPACE_KEY`, `THINGSPACE_SECRET`, `THINGSPACE_USERNAME` and
//! `THINGSPACE_PASSWORD` have the credentials, and `THINGSPACE_BASE_URL` another address
//! than production's.

use std::{env, error::Error, process::ExitCode, thread, time::Duration};

use thingspace_simulator::{Call, Server, Simulator};
use thingspace_ureq::{
    Builder,
    bytes::Bytes,
    core::{AppCredentials, Credentials, Environment, SessionBuilder, UserCredentials},
    http::Request,
    session_from_env,
};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let result = match arguments.as_slice() {
        [] => story(),
        [only] if only == "--real" => real_service(),
        _ => Err("the only argument is --real, for a login at the real service".into()),
    };
    if let Err(error) = result {
        eprintln!("{error}.");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs through the life of a session, against a simulated ThingSpace.
fn story() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(42))?;
    let environment: Environment = server.base().parse()?;
    println!("A simulated ThingSpace listens on {environment}.");

    // A client needs only credentials, unless it talks to another address than
    // production's.
    let app = AppCredentials::new(Simulator::KEY, Simulator::SECRET)?;
    let user = UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?;
    let session =
        SessionBuilder::new(Credentials::new(app.clone(), user)).environment(environment.clone());
    let client = Builder::new(session).build()?;

    // A call of the API is a plain request. The client opens the session when it is
    // needed.
    let account = || Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new());
    let response = client.call(account()?)?;
    println!(
        "1. The first call fetched a bearer token, logged in, and got {}.",
        response.status()
    );

    // A session expires after twenty idle minutes. The client opens a new one.
    server.advance(Duration::from_secs(21 * 60));
    let response = client.call(account()?)?;
    let logins = server.with(|service| service.counts().done(Call::LogIn));
    println!("2. Twenty-one idle minutes passed, and the session expired.");
    println!(
        "3. The next call was refused, logged in again ({logins} logins now), and got {}.",
        response.status()
    );

    // The response to a reset has the only copy of the new password. Save it before the
    // client uses it.
    let new = client.request_reset()?;
    let length = new.password().expose().len();
    client.confirm_reset(&new)?;
    println!(
        "4. The password was reset to {length} random characters, which the client uses from now on."
    );

    // Calls that need a login at the same time share one.
    client.log_out()?;
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let threads = [(); 3].map(|()| scope.spawn(|| client.log_in()));
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    })?;
    let shared = server.with(|service| service.counts().done(Call::LogIn)) - logins;
    println!("5. After a logout, three threads logged in at once, and shared {shared} login.");

    // Five failed logins would lock the user name. The login guard blocks long before.
    let wrong_user = UserCredentials::new(Simulator::USERNAME, "grflbk")?;
    let wrong = SessionBuilder::new(Credentials::new(app, wrong_user)).environment(environment);
    let wrong = Builder::new(wrong).build()?;
    let errors: Vec<_> = (0..10).filter_map(|_| wrong.log_in().err()).collect();
    let (failed, locked) =
        server.with(|service| (service.counts().failed_logins, service.is_locked()));
    println!(
        "6. With a wrong password, {} of 10 logins failed, {failed} of them at ThingSpace.",
        errors.len()
    );
    println!(
        "7. The login guard blocked the rest, so the user name is {}.",
        if locked { "locked" } else { "not locked" }
    );

    let ended = client.log_out()?;
    println!(
        "8. Logged out: {}.",
        if ended.is_some() {
            "the session is over"
        } else {
            "there was no session"
        }
    );
    println!(
        "To log in to the real service, and out again: cargo run --example quickstart -- --real"
    );
    Ok(())
}

/// Logs in to the real service, and out again.
fn real_service() -> Result<(), Box<dyn Error>> {
    let client = Builder::new(session_from_env()?).build()?;
    let environment = client.session(|session| session.environment().clone());
    println!("Logging in to {environment}, and out again; nothing else will be done.");
    client.log_in()?;
    println!("Logged in.");
    client.log_out()?;
    println!("Logged out.");
    Ok(())
}
