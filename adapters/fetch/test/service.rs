//! A simulated ThingSpace on a port, which a test in JavaScript tells what to do: one
//! command in a line of JSON on the standard input, one line on the standard output for
//! each.

use std::{
    error::Error,
    io::{self, BufRead, Write},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::LOCATION};
use serde_json::{Value, json};
use thingspace_simulator::{Call, Fault, Form, Part, Server, Simulator};

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start(Simulator::new(18))?;
    say(&json!({ "base": server.base() }))?;
    for line in io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let reply = obey(&server, &command).unwrap_or_else(|error| json!({ "error": error }));
        say(&reply)?;
    }
    Ok(())
}

fn say(value: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

fn obey(server: &Server, command: &Value) -> Result<Value, String> {
    let call = || call(command["call"].as_str());
    match command["do"].as_str().unwrap_or_default() {
        "inject" => {
            let fault = fault(&command["fault"])?;
            let call = call()?;
            server.with(|simulator| simulator.inject(call, fault));
        }
        "outage" => {
            let fault = fault(&command["fault"])?;
            let part = match command["call"].as_str() {
                Some("api") => Part::Api,
                None => Part::Everything,
                _ => Part::One(call()?),
            };
            server.with(|simulator| simulator.begin_outage(part, fault));
        }
        "end_outages" => server.with(Simulator::end_outages),
        "forget_bearers" => server.with(Simulator::forget_bearers),
        "forget_sessions" => server.with(Simulator::forget_sessions),
        "unlock" => server.with(Simulator::unlock),
        "advance" => {
            let millis = command["millis"].as_u64().unwrap_or_default();
            server.advance(Duration::from_millis(millis));
        }
        "look" => {}
        unknown => return Err(format!("no such command: {unknown}")),
    }
    Ok(look(server))
}

fn look(server: &Server) -> Value {
    let now = server.now();
    server.with(|simulator| {
        let counts = simulator.counts();
        let seen = |call| counts.seen(call);
        json!({
            "seen": {
                "token": seen(Call::BearerToken),
                "login": seen(Call::LogIn),
                "logout": seen(Call::LogOut),
                "reset": seen(Call::ResetPassword),
                "account": seen(Call::Account),
                "devices": seen(Call::Devices),
                "unknown": seen(Call::Unknown),
            },
            "done": { "account": counts.done(Call::Account), "devices": counts.done(Call::Devices) },
            "failed_logins": counts.failed_logins,
            "misdirected": counts.misdirected,
            "seen_in_all": counts.seen_in_all(),
            "bearers_issued": counts.bearers_issued,
            "is_locked": simulator.is_locked(),
            "open_sessions": simulator.open_sessions(now),
            "faults_left": simulator.faults_left(),
            "password": simulator.reveal_password(),
        })
    })
}

fn call(name: Option<&str>) -> Result<Call, String> {
    Ok(match name {
        Some("token") => Call::BearerToken,
        Some("login") => Call::LogIn,
        Some("logout") => Call::LogOut,
        Some("reset") => Call::ResetPassword,
        Some("account") => Call::Account,
        Some("devices") => Call::Devices,
        name => return Err(format!("no such call: {name:?}")),
    })
}

/// A fault, as a name or as an object of one name with its value.
fn fault(given: &Value) -> Result<Fault, String> {
    if let Some(after) = given.get("after") {
        return Ok(fault(after)?.after_acting());
    }
    let status = |name: &str| -> Option<StatusCode> {
        let status = given.get(name)?.as_u64()?.try_into().ok()?;
        StatusCode::from_u16(status).ok()
    };
    if let Some(status) = status("status") {
        return Ok(Fault::Status(status));
    }
    if let Some(status) = status("html") {
        return Ok(Fault::Html(status));
    }
    if let Some(millis) = given["delay"].as_u64() {
        return Ok(Fault::Delay(Duration::from_millis(millis)));
    }
    if let Some(after) = given.get("throttled") {
        let retry_after = after.as_u64().map(HeaderValue::from);
        return Ok(Fault::Throttled { retry_after });
    }
    if let Some(to) = given["redirect"].as_str() {
        let to = HeaderValue::from_str(to).map_err(|error| error.to_string())?;
        return Ok(match status("with") {
            None => Fault::Redirect(to),
            Some(status) => {
                let mut redirect = Response::new(Bytes::new());
                *redirect.status_mut() = status;
                redirect.headers_mut().insert(LOCATION, to);
                Fault::Replace(redirect)
            }
        });
    }
    if let Some(form) = given["tokens_refused"].as_str() {
        return Ok(Fault::TokensRefused(match form {
            "gateway_xml" => Form::GatewayXml,
            "gateway_json" => Form::GatewayJson,
            "gateway_challenge" => Form::GatewayChallenge,
            "unnamed" => Form::Unnamed,
            "device_location" => Form::DeviceLocation,
            "cloud_connector" => Form::CloudConnector,
            unknown => return Err(format!("no such form: {unknown}")),
        }));
    }
    Ok(match given.as_str().unwrap_or_default() {
        "drop" => Fault::Drop,
        "hang" => Fault::Hang,
        "cut_short" => Fault::CutShort,
        "stall" => Fault::Stall,
        "garbage" => Fault::Garbage,
        "empty" => Fault::Empty,
        "endless" => Fault::Endless,
        unknown => return Err(format!("no such fault: {unknown}")),
    })
}
