//! Profiles of SIMs: devices that are activated through them, and local profiles of
//! eUICCs.

use serde_json::{Value, json};

use super::activation::Activation;
use super::ask::{Ask, Served};
use super::requests::{CARRIER, Task};
use super::selection::targets;
use super::state::{Connectivity, Failure};
use crate::refusal::Refusal;

pub(crate) fn activate_and_enable(state: &mut Connectivity, ask: &Ask) -> Served {
    let activation = Activation::with_plan(ask);
    begin(state, ask, "deviceIds", move |state, task| {
        let result = state.activate(task, &activation)?;
        state.set_profile(task, "activateResponse", Some(true))?;
        Ok(result)
    })
}

pub(crate) fn activate(state: &mut Connectivity, ask: &Ask) -> Served {
    let activation = Activation::with_plan(ask);
    begin(state, ask, "deviceIds", move |state, task| {
        state.activate(task, &activation)
    })
}

/// Deactivates devices, whose identifiers are in `ids` in this one request.
pub(crate) fn deactivate(state: &mut Connectivity, ask: &Ask) -> Served {
    begin(state, ask, "ids", Connectivity::deactivate)
}

pub(crate) fn set_fallback(state: &mut Connectivity, ask: &Ask) -> Served {
    begin(state, ask, "deviceIds", |state, task| {
        state.change(task, |device| {
            device.is_fallback = true;
            Ok(json!({"setFallbackAttributeResponse": device.outcome()}))
        })
    })
}

pub(crate) fn download_to_enable(state: &mut Connectivity, ask: &Ask) -> Served {
    begin(state, ask, "deviceIds", |state, task| {
        state.set_profile(task, "downloadEnableResponse", Some(true))
    })
}

pub(crate) fn download_to_disable(state: &mut Connectivity, ask: &Ask) -> Served {
    begin(state, ask, "deviceIds", |state, task| {
        state.set_profile(task, "downloadDisableResponse", Some(false))
    })
}

pub(crate) fn enable(state: &mut Connectivity, ask: &Ask) -> Served {
    begin(state, ask, "deviceIds", |state, task| {
        state.require_profile(task)?;
        state.set_profile(task, "enableResponse", Some(true))
    })
}

pub(crate) fn disable(state: &mut Connectivity, ask: &Ask) -> Served {
    begin(state, ask, "deviceIds", |state, task| {
        state.require_profile(task)?;
        state.set_profile(task, "disableResponse", Some(false))
    })
}

pub(crate) fn delete(state: &mut Connectivity, ask: &Ask) -> Served {
    begin(state, ask, "deviceIds", |state, task| {
        state.require_profile(task)?;
        state.set_profile(task, "deleteResponse", None)
    })
}

/// Begins a request for the devices whose identifiers are in the field `key`.
fn begin(
    state: &mut Connectivity,
    ask: &Ask,
    key: &str,
    effect: impl Fn(&mut Connectivity, &Task<'_>) -> Result<Value, Failure> + Send + Sync + 'static,
) -> Served {
    let account = state.account_name(ask)?;
    let devices = targets(ask.list("devices"), key);
    if devices.is_empty() {
        return Err(Refusal::NO_DEVICES);
    }
    state.begin(ask, &account, CARRIER, devices, effect)
}

impl Connectivity {
    /// Fails if the device of a task has no local profile.
    fn require_profile(&self, task: &Task<'_>) -> Result<(), Failure> {
        let profile = self.known(task)?.profile;
        let text = "The device has no local profile.";
        let missing = || Failure::new("REQUEST_FAILED.ProfileNotFound", text);
        profile.map(drop).ok_or_else(missing)
    }

    fn set_profile(
        &mut self,
        task: &Task<'_>,
        name: &'static str,
        profile: Option<bool>,
    ) -> Result<Value, Failure> {
        self.change(task, |device| {
            device.profile = profile;
            Ok(json!({name: device.outcome()}))
        })
    }
}
