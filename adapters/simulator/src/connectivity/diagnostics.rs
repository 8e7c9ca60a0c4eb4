//! Diagnostics of devices, and monitors of their reachability.

use serde_json::{Value, json};

use super::ask::{Ask, Served, done};
use super::device::{Identifier, identifiers_json, pairs};
use super::selection::{Target, targets, targets_by_id};
use super::state::{Connectivity, Failure};
use crate::refusal::Refusal;

/// The callback service of all four calls. Documented for the end of a monitor, our choice
/// for the others.
const SERVICE: &str = "DiagnosticsService";

/// A monitor of one device.
#[derive(Clone)]
pub(crate) struct Monitor {
    account: String,
    ids: Vec<Identifier>,
    request_type: String,
    expires: String,
}

pub(crate) fn extended(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let ids = Identifier::read_all(ask.list("deviceList"));
    if ids.is_empty() {
        return Err(Refusal::NO_DEVICES);
    }
    let device = state.fleet.device(&ids);
    let device = device.filter(|device| device.account == account);
    let device = device.ok_or(Refusal::NO_DEVICE)?;
    let connectivity = [
        ("Connected", device.is_connected().to_string()),
        ("ServiceState", device.state.name().to_owned()),
    ];
    let provisioning = [
        ("ServicePlan", device.plan.unwrap_or_default()),
        ("Account", device.account),
    ];
    done(&json!({"categories": [
        {"categoryName": "Connectivity", "extendedAttributes": pairs("key", &connectivity)},
        {"categoryName": "Provisioning", "extendedAttributes": pairs("key", &provisioning)},
    ]}))
}

pub(crate) fn monitor(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let expires = ask.owned("monitorExpirationTime");
    ask.date("monitorExpirationTime")?;
    let request_type = ask.owned("requestType");
    let devices = targets(ask.list("devices"), "deviceIds");
    if devices.is_empty() {
        return Err(Refusal::NO_DEVICES);
    }
    state.begin(ask, &account, SERVICE, devices, move |state, task| {
        let device = state.known(task)?;
        let id = state.new_id();
        let monitor = Monitor {
            account: task.account.to_owned(),
            ids: device.ids,
            request_type: request_type.clone(),
            expires: expires.clone(),
        };
        state.monitors.insert(id.clone(), monitor);
        Ok(json!({"reachabilityResponse": {"monitorId": id}}))
    })
}

/// Ends monitors, or none without a body, which the documentation allows.
pub(crate) fn stop(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let ids: Vec<_> = ask
        .list("monitorIds")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let ids: Vec<_> = ids.into_iter().map(str::to_owned).collect();
    state.begin(
        ask,
        &account,
        SERVICE,
        vec![Target::default()],
        move |state, task| {
            let is_own = |id: &String| {
                let monitor = state.monitors.get(id);
                monitor.is_some_and(|monitor| monitor.account == task.account)
            };
            if !ids.iter().all(is_own) {
                let text = "The account has no such monitor.";
                return Err(Failure::new("REQUEST_FAILED.MonitorNotFound", text));
            }
            for id in &ids {
                state.monitors.remove(id);
            }
            Ok(json!({"stopMonitorResponse": {"monitorIds": ids}}))
        },
    )
}

pub(crate) fn reachability(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let device = ask.at("/device").cloned().unwrap_or_default();
    let devices = targets_by_id(&[device]);
    state.begin(ask, &account, SERVICE, devices, |state, task| {
        let is_reachable = state.known(task)?.is_connected();
        Ok(json!({"reachabilityStatusResponse": {"reachable": is_reachable}}))
    })
}

pub(crate) fn monitors(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let devices = targets(ask.list("devices"), "deviceIds");
    if devices.is_empty() {
        return Err(Refusal::NO_DEVICES);
    }
    state.begin(ask, &account, SERVICE, devices, |state, task| {
        let number = state.known(task)?.number;
        let monitors: Value = state
            .monitors
            .iter()
            .filter(|(_, monitor)| state.fleet.find(&monitor.ids) == Some(number))
            .map(|(id, monitor)| monitor.json(id))
            .collect();
        Ok(json!({"activeMonitorsResponse": {"monitors": monitors}}))
    })
}

impl Monitor {
    fn json(&self, id: &str) -> Value {
        json!({
            "monitorId": id,
            "deviceIds": identifiers_json(&self.ids),
            "requestType": self.request_type,
            "monitorExpirationTime": self.expires,
        })
    }
}
