//! A device, and the ways in which it is written.

use serde_json::{Value, json};
use thingspace_core::Timestamp;

use super::date;

/// The group of devices that are in no other. Documented as an example.
pub(super) const DEFAULT_GROUP: &str = "Unassigned Devices";

/// An identifier as a request has it.
#[derive(Clone, Debug)]
pub(super) struct Identifier {
    pub(super) id: String,
    pub(super) kind: String,
}

impl Identifier {
    pub(super) fn new(kind: &str, id: String) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
        }
    }

    /// Reads an identifier. One without an id or a kind is none.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let text = |field| value.get(field).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            id: text("id")?,
            kind: text("kind")?,
        })
    }

    pub(super) fn read_all(values: &[Value]) -> Vec<Self> {
        values.iter().filter_map(Self::read).collect()
    }

    /// Returns true if the kinds are the same. Their case does not matter.
    pub(super) fn has_kind(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }

    /// Returns a key by which identifiers are compared.
    pub(super) fn key(&self) -> String {
        format!("{}:{}", self.kind.to_ascii_lowercase(), self.id)
    }

    pub(super) fn json(&self) -> Value {
        json!({"id": self.id, "kind": self.kind})
    }
}

pub(super) fn identifiers_json(ids: &[Identifier]) -> Value {
    ids.iter().map(Identifier::json).collect()
}

/// The state of a device's service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServiceState {
    Preactive,
    Active,
    Suspended,
    Deactive,
}

impl ServiceState {
    /// Reads a state in any of its documented spellings.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().replace('-', "").as_str() {
            "preactive" => Some(Self::Preactive),
            "active" | "activate" => Some(Self::Active),
            "suspend" | "suspended" => Some(Self::Suspended),
            "deactive" | "deactivate" | "deactivated" => Some(Self::Deactive),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Preactive => "preactive",
            Self::Active => "active",
            Self::Suspended => "suspend",
            Self::Deactive => "deactive",
        }
    }
}

/// A device of an account.
#[derive(Clone, Debug)]
pub(super) struct Device {
    /// The ThingSpace id. Devices are in the order of these.
    pub(super) number: u64,
    pub(super) account: String,
    pub(super) ids: Vec<Identifier>,
    pub(super) state: ServiceState,
    /// The code of the service plan.
    pub(super) plan: Option<String>,
    pub(super) group: String,
    pub(super) custom_fields: Vec<(String, String)>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) cost_center: Option<String>,
    pub(super) place_of_use: Option<Value>,
    pub(super) sku: Option<String>,
    pub(super) address: Option<String>,
    pub(super) created: Timestamp,
    pub(super) activated: Option<Timestamp>,
    /// True if the local profile is enabled, `None` without one.
    pub(super) profile: Option<bool>,
    pub(super) is_fallback: bool,
    pub(super) history: Vec<Event>,
    /// The exchange of its radio for another.
    pub(super) exchange: Option<Exchange>,
}

/// A change of a device's service.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) name: &'static str,
}

/// An exchange of a device's radio: the IMEI before and after it.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) at: Timestamp,
    pub(super) from: String,
    pub(super) to: String,
}

impl Device {
    /// Creates a device that is known to the account and not in service.
    pub(super) fn new(account: &str, ids: Vec<Identifier>, created: Timestamp) -> Self {
        Self {
            number: 0,
            account: account.to_owned(),
            ids,
            state: ServiceState::Preactive,
            plan: None,
            group: DEFAULT_GROUP.to_owned(),
            custom_fields: Vec::new(),
            labels: Vec::new(),
            cost_center: None,
            place_of_use: None,
            sku: None,
            address: None,
            created,
            activated: None,
            profile: None,
            is_fallback: false,
            history: Vec::new(),
            exchange: None,
        }
    }

    pub(super) fn log(&mut self, at: Timestamp, name: &'static str) {
        self.history.push(Event { at, name });
    }

    /// Returns the identifier of this kind.
    pub(super) fn id(&self, kind: &str) -> Option<&str> {
        let found = self.ids.iter().find(|id| id.has_kind(kind));
        found.map(|id| id.id.as_str())
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state == ServiceState::Active && self.number % 2 == 1
    }

    /// Writes the device as a list does. `is_single` adds the attributes that only a list of
    /// one device has.
    ///
    /// The ThingSpace id is the extended attribute `DeviceId`: reported from the field.
    pub(super) fn json(&self, is_single: bool) -> Value {
        let mut attributes = vec![("DeviceId", self.number.to_string())];
        if is_single {
            let optional = [
                ("CostCenterCode", &self.cost_center),
                ("SkuNumber", &self.sku),
            ];
            for (name, value) in optional {
                attributes.extend(value.clone().map(|value| (name, value)));
            }
            if let Some(is_enabled) = self.profile {
                let status = if is_enabled { "Enabled" } else { "Disabled" };
                attributes.push(("ProfileStatus", status.to_owned()));
            }
            if self.is_fallback {
                attributes.push(("FallbackAttribute", "true".to_owned()));
            }
            attributes.extend(self.contact());
        }
        let mut device = json!({
            "accountName": self.account,
            "carrierInformations": [self.carrier()],
            "connected": self.is_connected(),
            "createdAt": date::written(self.created),
            "deviceIds": identifiers_json(&self.ids),
            "extendedAttributes": pairs("key", &attributes),
            "groupNames": [self.group],
        });
        let optional = [
            (
                "customFields",
                (!self.custom_fields.is_empty()).then(|| pairs("key", &self.custom_fields)),
            ),
            ("ipAddress", self.address.clone().map(Value::String)),
            (
                "lastActivationDate",
                self.activated.map(|at| date::written(at).into()),
            ),
        ];
        if let Some(fields) = device.as_object_mut() {
            for (name, value) in optional {
                fields.extend(value.map(|value| (name.to_owned(), value)));
            }
        }
        device
    }

    fn carrier(&self) -> Value {
        let mut carrier = json!({"carrierName": "Verizon Wireless", "state": self.state.name()});
        if let (Some(plan), Some(fields)) = (&self.plan, carrier.as_object_mut()) {
            fields.insert("servicePlan".to_owned(), plan.as_str().into());
        }
        carrier
    }

    /// Returns the place of use as attributes.
    fn contact(&self) -> impl Iterator<Item = (&'static str, String)> {
        let place = self.place_of_use.as_ref();
        [
            ("PrimaryPlaceOfUseFirstName", "/customerName/firstName"),
            ("PrimaryPlaceOfUseLastName", "/customerName/lastName"),
            ("PrimaryPlaceOfUseCity", "/address/city"),
            ("PrimaryPlaceOfUseZipCode", "/address/zip"),
        ]
        .into_iter()
        .filter_map(move |(name, pointer)| {
            let value = place?.pointer(pointer)?.as_str()?;
            Some((name, value.to_owned()))
        })
    }
}

/// Writes pairs as objects with `name`, which is `key` or `name`, and `value`.
pub(super) fn pairs<N: AsRef<str>>(name: &str, pairs: &[(N, String)]) -> Value {
    let object = |(key, value): &(N, String)| json!({name: key.as_ref(), "value": value});
    pairs.iter().map(object).collect()
}

/// Reads pairs from objects with `name`, which is `key` or `name`, and `value`.
pub(super) fn read_pairs(name: &str, values: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value, field| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let pair = |value| Some((text(value, name)?, text(value, "value").unwrap_or_default()));
    values.iter().filter_map(pair).collect()
}

/// Sets values by their names, in place of earlier ones.
pub(super) fn set_pairs(pairs: &mut Vec<(String, String)>, new: &[(String, String)]) {
    for (name, value) in new {
        match pairs.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.clone_from(value),
            None => pairs.push((name.clone(), value.clone())),
        }
    }
}
