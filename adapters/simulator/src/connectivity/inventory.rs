//! The list of devices, and what is added to it and deleted from it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde_json::{Value, json};
use thingspace_core::Timestamp;

use super::accounts::has_plan;
use super::ask::{Ask, Served, done, list as list_in};
use super::date;
use super::device::{Device, Identifier, ServiceState, identifiers_json, read_pairs, set_pairs};
use super::selection::{Target, has_custom_fields, targets};
use super::state::Connectivity;
use crate::refusal::Refusal;

/// The most devices on a page. Documented by Verizon.
const PAGE: u64 = 2000;

/// Lists devices in the order of their ThingSpace ids, which is that of their creation.
///
/// To get the next page, a client sends the last id of a page as `largestDeviceIdSeen`, or
/// moves `earliest` to the time at which its last device was added.
pub(crate) fn list(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let filter = Filter::read(ask, account)?;
    let most = ask.number("maxNumberOfDevices")?.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&most) {
        return Err(Refusal::UNEXPECTED);
    }
    let most = usize::try_from(most).map_err(|_| Refusal::UNEXPECTED)?;
    let seen = ask.number("largestDeviceIdSeen")?.unwrap_or(0);
    let id = ask.device_id();
    let mut devices: Vec<_> = if let Some(id) = &id {
        let device = state.fleet.device(id).into_iter();
        device
            .filter(|device| device.number > seen && filter.fits(device))
            .collect()
    } else {
        let devices = state.fleet.after(seen).filter(|device| filter.fits(device));
        devices.take(most.saturating_add(1)).collect()
    };
    let has_more = devices.len() > most;
    devices.truncate(most);
    let devices: Vec<_> = devices
        .iter()
        .map(|device| device.json(id.is_some()))
        .collect();
    done(&json!({"hasMoreData": has_more, "devices": devices}))
}

/// The properties of the devices that are listed.
struct Filter<'a> {
    account: String,
    state: Option<ServiceState>,
    group: Option<&'a str>,
    plan: Option<&'a str>,
    custom_fields: Vec<(String, String)>,
    added: RangeInclusive<Timestamp>,
    searches: Vec<Search<'a>>,
}

/// Parts of an identifier.
struct Search<'a> {
    kind: &'a str,
    contains: &'a str,
    starts_with: &'a str,
    ends_with: &'a str,
}

impl<'a> Filter<'a> {
    fn read(ask: &'a Ask, account: String) -> Result<Self, Refusal> {
        let state = ask.text("currentState").map(ServiceState::read);
        let (earliest, latest) = ask.window()?;
        let searches = ask.at("/filter").unwrap_or(&Value::Null);
        Ok(Self {
            account,
            state: state
                .map(|state| state.ok_or(Refusal::UNEXPECTED))
                .transpose()?,
            group: ask.text("groupName"),
            plan: ask.text("servicePlan"),
            custom_fields: read_pairs("key", ask.list("customFields")),
            added: earliest..=latest,
            searches: list_in(searches, "deviceIdentifierFilters")
                .iter()
                .map(Search::read)
                .collect(),
        })
    }

    fn fits(&self, device: &Device) -> bool {
        device.account == self.account
            && self.state.is_none_or(|state| device.state == state)
            && self.group.is_none_or(|group| device.group == group)
            && self.plan.is_none_or(|plan| has_plan(device, plan))
            && has_custom_fields(device, &self.custom_fields)
            && self.added.contains(&device.created)
            && self.searches.iter().all(|search| search.fits(device))
    }
}

impl<'a> Search<'a> {
    fn read(value: &'a Value) -> Self {
        let text = |field| value.get(field).and_then(Value::as_str).unwrap_or_default();
        Self {
            kind: text("kind"),
            contains: text("contains"),
            starts_with: text("startswith"),
            ends_with: text("endswith"),
        }
    }

    fn fits(&self, device: &Device) -> bool {
        device.id(self.kind).is_some_and(|id| {
            id.contains(self.contains)
                && id.starts_with(self.starts_with)
                && id.ends_with(self.ends_with)
        })
    }
}

/// Adds devices that are not in service yet. Those that are known already are reported.
pub(crate) fn add(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    // Documented: no other state is valid.
    if ask.text("state").and_then(ServiceState::read) != Some(ServiceState::Preactive) {
        return Err(Refusal::UNEXPECTED);
    }
    let group = ask.text("groupName");
    if let Some(group) = group {
        state.check_group(&account, group)?;
    }
    let custom_fields = ask.custom_fields("customFields");
    let results: Value = targets(ask.list("devicesToAdd"), "deviceIds")
        .into_iter()
        .map(|Target { ids, address }| {
            let can_be_added = state.can_be_added(&ids);
            if can_be_added {
                let mut device = state.new_device(&account, &ids, ask.now);
                set_pairs(&mut device.custom_fields, &custom_fields);
                device.address = address;
                device.sku = ask.text("skuNumber").map(str::to_owned);
                if let Some(group) = group {
                    group.clone_into(&mut device.group);
                }
                device.log(ask.now, "Add");
                state.fleet.save(device);
            }
            let response = if can_be_added { "Success" } else { "Failed" };
            json!({"deviceIds": identifiers_json(&ids), "response": response})
        })
        .collect();
    done(&results)
}

/// Deletes devices that are deactivated. The others are reported.
pub(crate) fn delete(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let results: Value = targets(ask.list("devicesToDelete"), "deviceIds")
        .into_iter()
        .map(|Target { ids, .. }| {
            let result = state.delete_device(&account, &ids);
            // Documented: an object for one identifier, an array for several.
            let ids = match ids.as_slice() {
                [id] => id.json(),
                ids => identifiers_json(ids),
            };
            match result {
                Ok(()) => json!({"deviceIds": ids, "status": "Success"}),
                Err(message) => {
                    json!({"deviceIds": ids, "status": "Failed", "message": message})
                }
            }
        })
        .collect();
    done(&results)
}

/// Lists the devices whose radio was exchanged for another in a window of time.
pub(crate) fn mismatches(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let date = |pointer| ask.at(pointer).and_then(Value::as_str).and_then(date::read);
    let earliest = date("/filter/earliest").ok_or(Refusal::UNEXPECTED)?;
    let latest = date("/filter/latest").ok_or(Refusal::UNEXPECTED)?;
    let group = ask.text("groupName");
    let named = targets(ask.list("devices"), "deviceIds");
    let numbers: BTreeSet<_> = named
        .iter()
        .filter_map(|target| state.fleet.find(&target.ids))
        .collect();
    let devices: Value = state
        .fleet
        .known_after(0)
        .filter(|device| device.account == account)
        .filter(|device| named.is_empty() || numbers.contains(&device.number))
        .filter(|device| group.is_none_or(|group| device.group == group))
        .filter_map(|device| mismatch(device, earliest..=latest))
        .collect();
    done(&json!({"devices": devices}))
}

fn mismatch(device: &Device, window: RangeInclusive<Timestamp>) -> Option<Value> {
    let exchange = device.exchange.as_ref()?;
    window.contains(&exchange.at).then(|| {
        json!({
            "accountName": device.account,
            "mdn": device.id("mdn").unwrap_or_default(),
            "activationDate": date::written(device.activated.unwrap_or(device.created)),
            "iccid": device.id("iccid").unwrap_or_default(),
            "preImei": exchange.from,
            "postImei": exchange.to,
            "simOtaDate": date::written(exchange.at),
        })
    })
}

impl Connectivity {
    /// Deletes a device, or returns the reason why it can't be deleted.
    fn delete_device(&mut self, account: &str, ids: &[Identifier]) -> Result<(), &'static str> {
        let device = self.fleet.device(ids);
        let device = device.filter(|device| device.account == account);
        let device = device.ok_or("The account has no such device.")?;
        if device.state != ServiceState::Deactive {
            return Err("The device is not deactivated.");
        }
        self.fleet.delete(device.number);
        Ok(())
    }
}
