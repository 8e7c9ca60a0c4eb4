//! The states of a device's service: activated, suspended, restored, deactivated.

use serde_json::{Value, json};
use thingspace_core::Timestamp;

use super::accounts::plan_code;
use super::ask::{Ask, Served};
use super::device::{DEFAULT_GROUP, Device, Identifier, ServiceState, identifiers_json, set_pairs};
use super::fleet::mdn;
use super::requests::Task;
use super::selection::Plan;
use super::state::{Connectivity, Failure};
use crate::refusal::Refusal;

/// The values that a device gets when it is activated.
#[derive(Clone, Default)]
pub(super) struct Activation {
    /// Without one, the device keeps its own.
    plan: Option<String>,
    group: Option<String>,
    custom_fields: Vec<(String, String)>,
    cost_center: Option<String>,
    place_of_use: Option<Value>,
    sku: Option<String>,
}

pub(crate) fn activate(state: &mut Connectivity, ask: &Ask) -> Served {
    // Documented: the lead is a qualified or a won one.
    if !matches!(ask.text("leadId"), None | Some("L00001" | "L00003")) {
        return Err(Refusal::UNEXPECTED);
    }
    let account = state.account_name(ask)?;
    if let Some(group) = ask.text("groupName") {
        state.check_group(&account, group)?;
    }
    let activation = Activation::read(ask);
    state.begin_for_devices(ask, Plan::IsNew, move |state, task| {
        state.activate(task, &activation)
    })
}

pub(crate) fn deactivate(state: &mut Connectivity, ask: &Ask) -> Served {
    // Documented: no other reason is valid.
    if ask.text("reasonCode") != Some("FF") {
        return Err(Refusal::UNEXPECTED);
    }
    let deletes = ask.flag("deleteAfterDeactivation");
    state.begin_for_devices(ask, Plan::Selects, move |state, task| {
        let result = state.deactivate(task)?;
        if let (true, Ok(device)) = (deletes, state.known(task)) {
            state.fleet.delete(device.number);
        }
        Ok(result)
    })
}

pub(crate) fn suspend(state: &mut Connectivity, ask: &Ask) -> Served {
    state.begin_for_devices(ask, Plan::Selects, |state, task| {
        state.change(task, |device| {
            device.leave(&[ServiceState::Active], ServiceState::Suspended)?;
            device.log(task.at, "Suspend");
            Ok(json!({"suspendResponse": device.outcome()}))
        })
    })
}

pub(crate) fn restore(state: &mut Connectivity, ask: &Ask) -> Served {
    state.begin_for_devices(ask, Plan::Selects, |state, task| {
        state.change(task, |device| {
            device.leave(&[ServiceState::Suspended], ServiceState::Active)?;
            device.log(task.at, "Restore");
            Ok(json!({"restoreResponse": device.outcome()}))
        })
    })
}

/// Takes devices to any state from any other, and gives them a plan.
pub(crate) fn go_to_state(state: &mut Connectivity, ask: &Ask) -> Served {
    let to = ask.text("stateName").and_then(ServiceState::read);
    let to = to.ok_or(Refusal::UNEXPECTED)?;
    let name = match to {
        ServiceState::Preactive => "Preactivate",
        ServiceState::Active => "Activate",
        ServiceState::Suspended => "Suspend",
        ServiceState::Deactive => "Deactivate",
    };
    let activation = Activation {
        plan: ask.text("servicePlan").map(str::to_owned),
        place_of_use: ask.at("/primaryPlaceOfUse").cloned(),
        sku: ask.text("skuNumber").map(str::to_owned),
        ..Activation::default()
    };
    state.begin_for_devices(ask, Plan::IsNew, move |state, task| {
        state.change(task, |device| {
            device.state = to;
            activation.apply(device)?;
            if to == ServiceState::Active {
                device.activated = Some(task.at);
            }
            device.log(task.at, name);
            Ok(json!({"goToStateResponse": device.outcome()}))
        })
    })
}

impl Activation {
    fn read(ask: &Ask) -> Self {
        let text = |field| ask.text(field).map(str::to_owned);
        Self {
            plan: text("servicePlan"),
            group: text("groupName"),
            custom_fields: ask.custom_fields("customFields"),
            cost_center: text("costCenterCode"),
            place_of_use: ask.at("/primaryPlaceOfUse").cloned(),
            sku: text("skuNumber"),
        }
    }

    /// Reads nothing but the plan.
    pub(super) fn with_plan(ask: &Ask) -> Self {
        Self {
            plan: ask.text("servicePlan").map(str::to_owned),
            ..Self::default()
        }
    }

    fn apply(&self, device: &mut Device) -> Result<(), Failure> {
        if let Some(plan) = &self.plan {
            device.set_plan(plan)?;
        }
        if let Some(group) = &self.group {
            device.group.clone_from(group);
        }
        set_pairs(&mut device.custom_fields, &self.custom_fields);
        let optional = [
            (&mut device.cost_center, &self.cost_center),
            (&mut device.sku, &self.sku),
        ];
        for (field, value) in optional {
            if value.is_some() {
                field.clone_from(value);
            }
        }
        if self.place_of_use.is_some() {
            device.place_of_use.clone_from(&self.place_of_use);
        }
        Ok(())
    }
}

impl Connectivity {
    /// Activates the device of a task. One that no account has is added.
    pub(super) fn activate(
        &mut self,
        task: &Task<'_>,
        activation: &Activation,
    ) -> Result<Value, Failure> {
        let mut device = match self.known(task) {
            Ok(device) => device,
            Err(_) if self.can_be_added(&task.device.ids) => {
                self.new_device(task.account, &task.device.ids, task.at)
            }
            Err(failure) => return Err(failure),
        };
        let from = [ServiceState::Preactive, ServiceState::Deactive];
        device.leave(&from, ServiceState::Active)?;
        activation.apply(&mut device)?;
        // A group that was deleted meanwhile.
        if self.check_group(task.account, &device.group).is_err() {
            DEFAULT_GROUP.clone_into(&mut device.group);
        }
        device.activated = Some(task.at);
        if let Some(address) = &task.device.address {
            device.address = Some(address.clone());
        }
        let number = Identifier::new("mdn", mdn(device.number));
        if device.id("mdn").is_none() && !self.fleet.has(&number) {
            device.ids.push(number);
        }
        device.log(task.at, "Activate");
        let outcome = device.outcome();
        self.fleet.save(device);
        Ok(json!({"activateResponse": outcome}))
    }

    pub(super) fn deactivate(&mut self, task: &Task<'_>) -> Result<Value, Failure> {
        self.change(task, |device| {
            let from = [ServiceState::Active, ServiceState::Suspended];
            device.leave(&from, ServiceState::Deactive)?;
            device.log(task.at, "Deactivate");
            Ok(json!({"deactivateResponse": device.outcome()}))
        })
    }

    /// Returns true if no account has a device with one of these identifiers.
    pub(super) fn can_be_added(&self, ids: &[Identifier]) -> bool {
        !ids.is_empty() && self.fleet.find(ids).is_none()
    }

    pub(super) fn new_device(&self, account: &str, ids: &[Identifier], at: Timestamp) -> Device {
        let mut device = Device::new(account, ids.to_vec(), at);
        device.number = self.fleet.next_number();
        device
    }
}

impl Device {
    /// Changes the state, if the present one is one of these.
    fn leave(&mut self, from: &[ServiceState], to: ServiceState) -> Result<(), Failure> {
        self.require(from)?;
        self.state = to;
        Ok(())
    }

    /// Fails if the state is none of these.
    pub(super) fn require(&self, states: &[ServiceState]) -> Result<(), Failure> {
        if states.contains(&self.state) {
            return Ok(());
        }
        let text = format!("The device is in the state {}.", self.state.name());
        Err(Failure::new("REQUEST_FAILED.DeviceState.Invalid", &text))
    }

    /// Gives the device a plan, by its code or its name.
    pub(super) fn set_plan(&mut self, named: &str) -> Result<(), Failure> {
        let unknown = || {
            let text = "The account has no such service plan.";
            Failure::new("REQUEST_FAILED.ServicePlanNotFound", text)
        };
        self.plan = Some(plan_code(named).ok_or_else(unknown)?.to_owned());
        Ok(())
    }

    /// Writes the device in a callback.
    pub(super) fn outcome(&self) -> Value {
        let mut outcome = json!({
            "deviceIds": identifiers_json(&self.ids),
            "state": self.state.name(),
        });
        if let (Some(plan), Some(fields)) = (&self.plan, outcome.as_object_mut()) {
            fields.insert("servicePlan".to_owned(), plan.as_str().into());
        }
        outcome
    }
}
