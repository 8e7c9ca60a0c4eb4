//! Uploads of identifiers, and their orders.

use serde_json::json;

use super::activation::Activation;
use super::ask::{Ask, Served};
use super::requests::CARRIER;
use super::selection::{Target, targets};
use super::state::{Connectivity, Failure};
use crate::refusal::Refusal;

pub(crate) fn upload(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let devices = uploaded(ask)?;
    state.begin(ask, &account, CARRIER, devices, |_, _| {
        Ok(json!({"deviceUploadResponse": {"status": "Uploaded"}}))
    })
}

pub(crate) fn upload_and_activate(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let devices = uploaded(ask)?;
    let activation = Activation::with_plan(ask);
    state.begin(ask, &account, CARRIER, devices, move |state, task| {
        state.activate(task, &activation)
    })
}

/// Reports the status of the request that is named as the order. Without one it is that of
/// a request that has succeeded.
pub(crate) fn status(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let devices = uploaded(ask)?;
    let order = ask.text("orderRequestId").map(|id| id.trim().to_owned());
    state.begin(ask, &account, CARRIER, devices, move |state, task| {
        let order = order.as_deref();
        let status = order.map_or(Ok("Success"), |id| state.requests.status(task.account, id));
        let unknown = |_| {
            let text = "The account has no such order.";
            Failure::new("REQUEST_FAILED.OrderNotFound", text)
        };
        Ok(json!({"orderStatusResponse": {"status": status.map_err(unknown)?}}))
    })
}

fn uploaded(ask: &Ask) -> Result<Vec<Target>, Refusal> {
    let devices = targets(ask.list("devices"), "deviceIds");
    if devices.is_empty() {
        return Err(Refusal::NO_DEVICES);
    }
    Ok(devices)
}
