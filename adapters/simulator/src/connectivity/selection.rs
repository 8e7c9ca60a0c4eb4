//! The devices that a request is for: named one by one, or selected by what they have.

use serde_json::Value;

use super::accounts::has_plan;
use super::ask::{Ask, list};
use super::device::{DEFAULT_GROUP, Device, Identifier, read_pairs};
use super::state::Connectivity;
use crate::refusal::Refusal;

/// The most devices of one request. Documented by Verizon for several calls.
const MOST: usize = 10_000;

/// A device as a request names it. It need not exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    pub(super) ids: Vec<Identifier>,
    pub(super) address: Option<String>,
}

/// A rule for requests that name no devices and no property of devices.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unnamed {
    /// It is about no device, which is refused.
    Refused,
    /// It reads all devices of the account.
    WholeAccount,
}

/// The property of devices that a field selects by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// The field `servicePlan` selects devices.
    Selects,
    /// The field `servicePlan` is the new plan.
    IsNew,
}

/// The properties that selected devices have.
struct Properties<'a> {
    account: &'a str,
    group: Option<&'a str>,
    plan: Option<&'a str>,
    custom_fields: Vec<(String, String)>,
}

/// Reads elements that have a list of identifiers each, in the field `key`.
pub(super) fn targets(elements: &[Value], key: &str) -> Vec<Target> {
    let target = |element: &Value| Target {
        ids: Identifier::read_all(list(element, key)),
        address: element
            .get("ipAddress")
            .and_then(Value::as_str)
            .map(str::to_owned),
    };
    elements.iter().map(target).collect()
}

/// Reads identifiers of one device each.
pub(super) fn targets_by_id(ids: &[Value]) -> Vec<Target> {
    let target = |id| Target {
        ids: vec![id],
        address: None,
    };
    Identifier::read_all(ids).into_iter().map(target).collect()
}

impl Connectivity {
    /// Returns the named devices if there are any, and otherwise the ones that the request
    /// selects by group, plan and custom fields, in its own fields or in `filter`.
    pub(super) fn targets(
        &self,
        ask: &Ask,
        named: Vec<Target>,
        account: &str,
        plan: Plan,
        unnamed: Unnamed,
    ) -> Result<Vec<Target>, Refusal> {
        if !named.is_empty() {
            return if named.len() > MOST {
                Err(Refusal::TOO_MANY)
            } else {
                Ok(named)
            };
        }
        let filter = ask.at("/filter").unwrap_or(&Value::Null);
        let filtered = |field| filter.get(field).and_then(Value::as_str);
        let plan_field = ask.text("servicePlan").filter(|_| plan == Plan::Selects);
        let custom_fields = match list(filter, "customFields") {
            [] => ask.list("customFields"),
            fields => fields,
        };
        let properties = Properties {
            account,
            group: filtered("groupName").or(ask.text("groupName")),
            plan: filtered("servicePlan").or(plan_field),
            custom_fields: read_pairs("key", custom_fields),
        };
        if properties.are_none() && unnamed == Unnamed::Refused {
            return Err(Refusal::NO_DEVICES);
        }
        self.select(&properties)
    }

    fn select(&self, properties: &Properties<'_>) -> Result<Vec<Target>, Refusal> {
        if let Some(group) = properties.group {
            self.check_group(properties.account, group)?;
        }
        let target = |device: Device| Target {
            ids: device.ids,
            address: None,
        };
        // A device that nobody has changed is in the default group.
        let is_changed = properties.group.is_some_and(|group| group != DEFAULT_GROUP);
        let selected: Vec<_> = if is_changed || !properties.custom_fields.is_empty() {
            let known = self.fleet.known_after(0);
            let selected = known.filter(|device| properties.fit(device)).cloned();
            selected.take(MOST + 1).map(target).collect()
        } else {
            let selected = self.fleet.after(0).filter(|device| properties.fit(device));
            selected.take(MOST + 1).map(target).collect()
        };
        if selected.len() > MOST {
            return Err(Refusal::TOO_MANY);
        }
        Ok(selected)
    }
}

impl Properties<'_> {
    fn are_none(&self) -> bool {
        self.group.is_none() && self.plan.is_none() && self.custom_fields.is_empty()
    }

    fn fit(&self, device: &Device) -> bool {
        device.account == self.account
            && self.group.is_none_or(|group| device.group == group)
            && self.plan.is_none_or(|plan| has_plan(device, plan))
            && has_custom_fields(device, &self.custom_fields)
    }
}

pub(super) fn has_custom_fields(device: &Device, fields: &[(String, String)]) -> bool {
    fields
        .iter()
        .all(|field| device.custom_fields.contains(field))
}
