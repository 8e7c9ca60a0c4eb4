//! Changes of devices that leave their state as it is.

use serde_json::{Value, json};

use super::accounts::has_plan;
use super::ask::{Ask, Served};
use super::device::{DEFAULT_GROUP, Device, Exchange, Identifier, ServiceState, set_pairs};
use super::requests::{CARRIER, unknown};
use super::selection::{Plan, Target, Unnamed, targets};
use super::state::{Connectivity, Failure};
use crate::refusal::Refusal;

/// The most characters of a cost center. Documented by Verizon.
const COST_CENTER_LENGTH: usize = 36;

pub(crate) fn contact(state: &mut Connectivity, ask: &Ask) -> Served {
    let place = ask.at("/primaryPlaceOfUse").cloned();
    state.begin_for_devices(ask, Plan::Selects, move |state, task| {
        state.change(task, |device| {
            device.place_of_use.clone_from(&place);
            Ok(json!({"contactInfoResponse": device.outcome()}))
        })
    })
}

pub(crate) fn custom_fields(state: &mut Connectivity, ask: &Ask) -> Served {
    let new = ask.custom_fields("customFieldsToUpdate");
    state.begin_for_devices(ask, Plan::Selects, move |state, task| {
        state.change(task, |device| {
            set_pairs(&mut device.custom_fields, &new);
            Ok(json!({"customFieldsResponse": device.outcome()}))
        })
    })
}

/// Moves devices to the account in `accountName`, from any other.
pub(crate) fn move_devices(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let from = ask.at("/filter/account").and_then(Value::as_str);
    let from = state.checked_account(from.unwrap_or(state.home()))?;
    let named = targets(ask.list("devices"), "deviceIds");
    let devices = state.targets(ask, named, &from, Plan::IsNew, Unnamed::Refused)?;
    let plan = ask.text("servicePlan").map(str::to_owned);
    state.begin(ask, &account, CARRIER, devices, move |state, task| {
        let mut device = state.fleet.device(&task.device.ids).ok_or_else(unknown)?;
        if let Some(plan) = &plan {
            device.set_plan(plan)?;
        }
        if device.account != task.account {
            DEFAULT_GROUP.clone_into(&mut device.group);
            task.account.clone_into(&mut device.account);
        }
        device.log(task.at, "Device Move");
        let outcome = device.outcome();
        state.fleet.save(device);
        Ok(json!({"moveResponse": outcome}))
    })
}

pub(crate) fn plan(state: &mut Connectivity, ask: &Ask) -> Served {
    let from = ask.text("currentServicePlan").map(str::to_owned);
    let to = ask.owned("servicePlan");
    state.begin_for_devices(ask, Plan::IsNew, move |state, task| {
        state.change(task, |device| {
            if from.as_deref().is_some_and(|from| !has_plan(device, from)) {
                let text = "The device has another service plan.";
                return Err(Failure::new("REQUEST_FAILED.ServicePlan.Invalid", text));
            }
            device.require(&[ServiceState::Active, ServiceState::Suspended])?;
            device.set_plan(&to)?;
            device.log(task.at, "Service Plan Change");
            Ok(json!({"changeServicePlanResponse": device.outcome()}))
        })
    })
}

pub(crate) fn cost_center(state: &mut Connectivity, ask: &Ask) -> Served {
    let new = ask.text("costCenter").map(str::to_owned);
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || " -!#".contains(c);
    if new
        .as_deref()
        .is_some_and(|code| code.len() > COST_CENTER_LENGTH || !code.chars().all(is_allowed))
    {
        return Err(Refusal::UNEXPECTED);
    }
    // Documented: the removal wins.
    let removes = ask.flag("removeCostCenter");
    let place = ask.at("/primaryPlaceOfUse").cloned();
    state.begin_for_devices(ask, Plan::Selects, move |state, task| {
        state.change(task, |device| {
            if removes {
                device.cost_center = None;
            } else if new.is_some() {
                device.cost_center.clone_from(&new);
            }
            if place.is_some() {
                device.place_of_use.clone_from(&place);
            }
            Ok(json!({"costCenterResponse": device.outcome()}))
        })
    })
}

/// Changes identifiers of one device, which has all of `deviceIds`.
pub(crate) fn device_id(state: &mut Connectivity, ask: &Ask) -> Served {
    let device = Target {
        ids: Identifier::read_all(ask.list("deviceIds")),
        address: None,
    };
    let new = Identifier::read_all(ask.list("deviceIdsTo"));
    let option = ask.text("change4gOption").unwrap_or_default();
    let changes_number = option.eq_ignore_ascii_case("ChangeMSISDN");
    // Documented: without new identifiers, only the telephone number can change.
    if device.ids.is_empty() || (new.is_empty() && !changes_number) {
        return Err(Refusal::UNEXPECTED);
    }
    let prefix = ask.text("npaNxx").unwrap_or("908555").to_owned();
    if prefix.len() != 6 || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::UNEXPECTED);
    }
    let plan = ask.text("servicePlan").map(str::to_owned);
    let known = state.fleet.device(&device.ids);
    let account = known.map_or(state.home().to_owned(), |device| device.account);
    state.begin(ask, &account, CARRIER, vec![device], move |state, task| {
        let mut new = new.clone();
        if changes_number && new.is_empty() {
            let number = format!("{prefix}{:04}", state.rng.u16(..10_000));
            new.push(Identifier::new("mdn", number));
        }
        let number = state.known(task)?.number;
        let mut others = new
            .iter()
            .filter_map(|id| state.fleet.find(std::slice::from_ref(id)));
        if others.any(|other| other != number) {
            let text = "Another device has this identifier.";
            return Err(Failure::new("REQUEST_FAILED.DeviceId.InUse", text));
        }
        state.change(task, |device| {
            let from = device.id("imei").map(str::to_owned);
            for id in &new {
                device.set_id(id);
            }
            let to = device.id("imei").filter(|to| from.as_deref() != Some(to));
            if let (Some(from), Some(to)) = (from, to.map(str::to_owned)) {
                let at = task.at;
                device.exchange = Some(Exchange { at, from, to });
            }
            if let Some(plan) = &plan {
                device.set_plan(plan)?;
            }
            Ok(json!({"changeDeviceIdResponse": device.outcome()}))
        })
    })
}

impl Device {
    /// Sets an identifier, in the place of the one of its kind.
    fn set_id(&mut self, new: &Identifier) {
        match self.ids.iter_mut().find(|id| id.has_kind(&new.kind)) {
            Some(id) => id.id.clone_from(&new.id),
            None => self.ids.push(new.clone()),
        }
    }
}
