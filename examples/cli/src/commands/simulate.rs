//! Runs a simulated ThingSpace.

use std::{
    hash::{BuildHasher, RandomState},
    io::{self, IsTerminal},
    path::{self, Path, PathBuf},
    thread,
    time::Duration,
};

use bytes::Bytes;
use clap::Args;
use http::{HeaderValue, Request, StatusCode};
use serde_json::json;
use thingspace_simulator::{Call, Fault, Reply, Server, Simulator};
use thingspace_ureq::core::{Password, variables};

use crate::{
    clock::now, common::Common, credentials::password_in, failure::Failure, keeper, output, show,
};

/// Run a simulated ThingSpace in memory, and print the settings to use it
///
/// The settings are for a shell. The simulator runs until it is stopped. At a terminal it
/// reports each request on the standard error.
#[derive(Args)]
pub(crate) struct Simulate {
    /// The port that it listens on, on this machine alone; 0 is any that is free
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// Inject one fault: CALL:FAULT, or CALL:FAULT:after for a fault after the call
    /// was executed. CALL is any, token, login, logout, reset-password, account
    /// or devices; FAULT is drop, hang, delay=SECONDS, cut-short, garbage, empty,
    /// html=STATUS, status=STATUS or throttled=SECONDS. May be given several times
    #[arg(long, value_name = "FAULT", value_parser = fault)]
    fault: Vec<InjectedFault>,

    /// The file that the user's password is in, as reset-password --to leaves it; it is
    /// made if it is not there. So a simulator that is started again has the same one
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// A fault and the call that it is injected into, `None` for any.
#[derive(Clone, Debug)]
struct InjectedFault {
    call: Option<Call>,
    fault: Fault,
}

impl Simulate {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        // One that is started again must not give out the same passwords and tokens.
        let mut simulator = Simulator::new(RandomState::new().hash_one(()));
        let password = match &self.password_file {
            Some(file) => {
                let password = password_of(file)?;
                simulator = simulator.user(Simulator::USERNAME, password.expose());
                (
                    variables::in_file(variables::PASSWORD),
                    path::absolute(file)
                        .unwrap_or(file.clone())
                        .display()
                        .to_string(),
                )
            }
            None => (
                variables::PASSWORD.to_owned(),
                Simulator::PASSWORD.to_owned(),
            ),
        };
        for InjectedFault { call, fault } in self.fault {
            match call {
                Some(call) => simulator.inject(call, fault),
                None => simulator.inject_any(fault),
            }
        }
        let server = Server::start_logged(self.port, simulator, log)
            .map_err(|error| Failure::usage(format!("no port to listen on: {error}")))?;
        let (name, password) = password;
        let settings = [
            (variables::BASE_URL, server.base()),
            (variables::KEY, Simulator::KEY),
            (variables::SECRET, Simulator::SECRET),
            (variables::USERNAME, Simulator::USERNAME),
            (&name, &password),
        ];
        let text = settings.map(|(name, value)| format!("export {name}={}", show::quoted(value)));
        let value = settings.map(|(name, value)| (name.to_owned(), json!(value)));
        let value = serde_json::Value::Object(value.into_iter().collect());
        output::print(common.json, &value, &text.join("\n"))?;
        loop {
            thread::park();
        }
    }
}

/// Reports a request at a terminal.
fn log(request: &Request<Bytes>, reply: &Reply) {
    if !io::stderr().is_terminal() {
        return;
    }
    let outcome = match reply.clone().into_response() {
        Some(response) => response.status().to_string(),
        None => "no response".to_owned(),
    };
    let path = show::sanitized(request.uri().path().as_bytes());
    let at = show::time(now());
    show::to_stderr(&format!("{at} {} {path}: {outcome}", request.method()));
}

/// The password in a file, which is made if it is not there.
fn password_of(file: &Path) -> Result<Password, Failure> {
    if let Some(password) = password_in(file)? {
        return Ok(password);
    }
    keeper::write(file, format!("{}\n", Simulator::PASSWORD).as_bytes())?;
    Ok(Password::new(Simulator::PASSWORD)?)
}

fn fault(given: &str) -> Result<InjectedFault, String> {
    let mut parts = given.split(':');
    let call = match parts.next() {
        Some("any") => None,
        Some("token") => Some(Call::BearerToken),
        Some("login") => Some(Call::LogIn),
        Some("logout") => Some(Call::LogOut),
        Some("reset-password") => Some(Call::ResetPassword),
        Some("account") => Some(Call::Account),
        Some("devices") => Some(Call::Devices),
        _ => return Err("it does not start with a known call".to_owned()),
    };
    let (name, value) = parts
        .next()
        .map(|fault| fault.split_once('=').unwrap_or((fault, "")))
        .unwrap_or_default();
    let seconds = || value.parse::<u64>().map_err(|_| "give it whole seconds");
    let status = || value.parse::<StatusCode>().map_err(|_| "give it a status");
    let fault = match name {
        "drop" => Fault::Drop,
        "hang" => Fault::Hang,
        "delay" => Fault::Delay(Duration::from_secs(seconds()?)),
        "cut-short" => Fault::CutShort,
        "garbage" => Fault::Garbage,
        "empty" => Fault::Empty,
        "html" => Fault::Html(status()?),
        "status" => Fault::Status(status()?),
        "throttled" => Fault::Throttled {
            retry_after: Some(HeaderValue::from(seconds()?)),
        },
        _ => return Err("it does not name a known fault".to_owned()),
    };
    let fault = match (parts.next(), parts.next()) {
        (None, _) => fault,
        (Some("after"), None) => fault.after_acting(),
        _ => return Err("only :after may follow the fault".to_owned()),
    };
    Ok(InjectedFault { call, fault })
}
