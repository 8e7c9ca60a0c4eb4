//! Runs a simulated ThingSpace.

use std::{thread, time::Duration};

use clap::Args;
use http::{HeaderValue, StatusCode};
use serde_json::json;
use thingspace_simulator::{Call, Fault, Server, Simulator};

use crate::{cli::Common, failure::Failure, show};

/// Run a simulated ThingSpace in memory, and print the settings to use it
///
/// The settings are for a shell. The simulator runs until it is stopped.
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
}

/// A fault and the call that it is injected into, `None` for any.
#[derive(Clone, Debug)]
struct InjectedFault {
    call: Option<Call>,
    fault: Fault,
}

impl Simulate {
    pub(crate) fn run(self, common: &Common) -> Result<(), Failure> {
        let mut simulator = Simulator::new(42);
        for InjectedFault { call, fault } in self.fault {
            match call {
                Some(call) => simulator.inject(call, fault),
                None => simulator.inject_any(fault),
            }
        }
        let server = Server::start_on(self.port, simulator)
            .map_err(|error| Failure::usage(format!("no port to listen on: {error}")))?;
        let settings = [
            ("THINGSPACE_BASE_URL", server.base()),
            ("THINGSPACE_KEY", Simulator::KEY),
            ("THINGSPACE_SECRET", Simulator::SECRET),
            ("THINGSPACE_USERNAME", Simulator::USERNAME),
            ("THINGSPACE_PASSWORD", Simulator::PASSWORD),
        ];
        let text = settings.map(|(name, value)| format!("export {name}={value}"));
        let value = settings.map(|(name, value)| (name.to_owned(), json!(value)));
        let value = serde_json::Value::Object(value.into_iter().collect());
        show::print(common.json, &value, &text.join("\n"))?;
        loop {
            thread::park();
        }
    }
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
