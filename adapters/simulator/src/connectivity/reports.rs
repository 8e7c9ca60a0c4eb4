//! Reports about devices, which come by a callback.

use serde_json::{Value, json};
use thingspace_core::Timestamp;

use super::ask::{Ask, Served};
use super::date;
use super::device::ServiceState;
use super::histories::bytes_between;
use super::requests::CARRIER;
use super::selection::{Plan, Target, Unnamed, targets, targets_by_id};
use super::state::Connectivity;
use crate::refusal::Refusal;

/// A device is available if no account has it, or if it is not in service.
pub(crate) fn availability(state: &mut Connectivity, ask: &Ask) -> Served {
    state.begin_for_devices(ask, Plan::Selects, |state, task| {
        let device = state.fleet.device(&task.device.ids);
        let is_in_use = device.is_some_and(|device| {
            matches!(device.state, ServiceState::Active | ServiceState::Suspended)
        });
        Ok(json!({"availabilityResponse": {"available": !is_in_use}}))
    })
}

pub(crate) fn prl(state: &mut Connectivity, ask: &Ask) -> Served {
    // Documented: identifiers exclude the other fields.
    let others = ["accountName", "customFields", "groupName", "servicePlan"];
    if ask.has("deviceIds") && others.iter().any(|field| ask.has(field)) {
        return Err(Refusal::UNEXPECTED);
    }
    let (account, devices) = state.reported(ask)?;
    state.begin(
        ask,
        &account,
        "DevicePRLInformation",
        devices,
        |state, task| {
            state.known(task)?;
            Ok(json!({"devicePrlResponse": {"prlVersion": "52001"}}))
        },
    )
}

pub(crate) fn suspension(state: &mut Connectivity, ask: &Ask) -> Served {
    let (account, devices) = state.reported(ask)?;
    state.begin(
        ask,
        &account,
        "DeviceSuspensionStatus",
        devices,
        |state, task| {
            let is_suspended = state.known(task)?.state == ServiceState::Suspended;
            Ok(json!({"suspensionStatusResponse": {"isSuspended": is_suspended}}))
        },
    )
}

pub(crate) fn aggregate_usage(state: &mut Connectivity, ask: &Ask) -> Served {
    let start = ask.date("startTime")?.ok_or(Refusal::UNEXPECTED)?;
    let end = ask.date("endTime")?.ok_or(Refusal::UNEXPECTED)?;
    if start > end {
        return Err(Refusal::UNEXPECTED);
    }
    let account = state.account_name(ask)?;
    let labels = ask.list("label");
    let (_, devices) = if labels.is_empty() {
        state.reported(ask)?
    } else {
        let labeled = labels.iter().flat_map(|label| state.labeled(label));
        let target = |ids| Target { ids, address: None };
        let devices = labeled.map(|device| target(device.ids)).collect();
        (account.clone(), devices)
    };
    state.begin(ask, &account, "DeviceUsage", devices, move |state, task| {
        let bytes = bytes_between(&state.known(task)?, start, end);
        Ok(json!({"usageResponse": {
            "startTime": date::written(start),
            "endTime": date::written(end),
            "dataUsage": bytes,
            "smsUsage": 0,
        }}))
    })
}

pub(crate) fn billed_usage(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let named = targets(ask.list("deviceIds"), "deviceIds");
    let labels = ask.at("/labels/deviceIds").and_then(Value::as_array);
    let devices = match labels {
        Some(labels) if named.is_empty() => {
            let labeled = labels.iter().flat_map(|label| state.labeled(label));
            let target = |ids| Target { ids, address: None };
            labeled.map(|device| target(device.ids)).collect()
        }
        _ => state.targets(ask, named, &account, Plan::Selects, Unnamed::WholeAccount)?,
    };
    let cycle = ask.at("/billingCycle").cloned().unwrap_or(json!({}));
    let (first, last) = month(&cycle).ok_or(Refusal::UNEXPECTED)?;
    state.begin(ask, &account, CARRIER, devices, move |state, task| {
        let bytes = bytes_between(&state.known(task)?, first, last);
        Ok(json!({"billedUsageResponse": {"billingCycle": cycle, "dataUsage": bytes}}))
    })
}

/// Returns the first moment of a billing cycle, and one in its last day. Without a year or a
/// month, it is the first of the epoch.
fn month(cycle: &Value) -> Option<(Timestamp, Timestamp)> {
    let text = |field, default| cycle.get(field).and_then(Value::as_str).unwrap_or(default);
    let (year, month) = (text("year", "1970"), text("month", "1"));
    let moment = |day| date::read(&format!("{year}-{month:0>2}-{day}T00:00:00Z"));
    Some((moment("01")?, moment("28")?))
}

impl Connectivity {
    /// Returns the account and the devices of a report, whose devices are named by one
    /// identifier each.
    fn reported(&self, ask: &Ask) -> Result<(String, Vec<Target>), Refusal> {
        let account = self.account_name(ask)?;
        let named = targets_by_id(ask.list("deviceIds"));
        let devices = self.targets(ask, named, &account, Plan::Selects, Unnamed::WholeAccount)?;
        Ok((account, devices))
    }
}
