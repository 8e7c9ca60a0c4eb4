//! All devices. Those that nobody has changed are generated on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use thingspace_core::Timestamp;

use super::device::{Device, Identifier, ServiceState};

/// The ThingSpace id before the first device's.
const BASE: u64 = 100_000_000;

/// The time at which the first generated device was added: 2020-01-01T00:00:00Z. Each one
/// after it follows a second later, so a list can go on by this time.
const FIRST_ADDED: Timestamp = Timestamp::from_millis(1_577_836_800_000);

/// The devices of all accounts.
#[derive(Clone)]
pub(super) struct Fleet {
    /// The account of the generated devices.
    pub(super) home: String,
    /// The number of generated devices, deleted ones included.
    pub(super) generated: u64,
    /// The devices that were added or changed.
    known: BTreeMap<u64, Device>,
    deleted: BTreeSet<u64>,
    /// The numbers of the known devices by the keys of their identifiers.
    index: BTreeMap<String, u64>,
}

impl Fleet {
    pub(super) fn new(home: &str, generated: u64) -> Self {
        Self {
            home: home.to_owned(),
            generated,
            known: BTreeMap::new(),
            deleted: BTreeSet::new(),
            index: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, number: u64) -> Option<Device> {
        let known = self.known.get(&number).cloned();
        known.or_else(|| self.is_untouched(number).then(|| self.generate(number)))
    }

    /// Returns the number of the device with one of these identifiers.
    pub(super) fn find(&self, ids: &[Identifier]) -> Option<u64> {
        ids.iter().find_map(|id| {
            let known = self.index.get(&id.key()).copied();
            known.or_else(|| generated_number(id).filter(|number| self.is_untouched(*number)))
        })
    }

    pub(super) fn has(&self, id: &Identifier) -> bool {
        self.find(std::slice::from_ref(id)).is_some()
    }

    /// Returns the device with one of these identifiers.
    pub(super) fn device(&self, ids: &[Identifier]) -> Option<Device> {
        self.get(self.find(ids)?)
    }

    /// Returns the number of the next device that is added.
    pub(super) fn next_number(&self) -> u64 {
        let last = self.known.last_key_value().map_or(0, |(number, _)| *number);
        self.last_generated().max(last).saturating_add(1)
    }

    /// Saves a device, in the place of the one with its number if there is one.
    pub(super) fn save(&mut self, device: Device) {
        self.forget(device.number);
        for id in &device.ids {
            self.index.insert(id.key(), device.number);
        }
        self.known.insert(device.number, device);
    }

    pub(super) fn delete(&mut self, number: u64) {
        self.forget(number);
        if number <= self.last_generated() {
            self.deleted.insert(number);
        }
    }

    /// Iterates over the devices whose number is larger than `seen`.
    pub(super) fn after(&self, seen: u64) -> impl Iterator<Item = Device> {
        let first = seen.max(BASE).saturating_add(1);
        let added = seen.max(self.last_generated()).saturating_add(1);
        let generated = (first..=self.last_generated()).filter_map(|number| self.get(number));
        generated.chain(self.known.range(added..).map(|(_, device)| device.clone()))
    }

    /// Iterates over the devices that were added or changed and whose number is larger than
    /// `seen`.
    pub(super) fn known_after(&self, seen: u64) -> impl Iterator<Item = &Device> {
        let known = self.known.range(seen.saturating_add(1)..);
        known.map(|(_, device)| device)
    }

    fn forget(&mut self, number: u64) {
        for id in self.known.remove(&number).iter().flat_map(|d| &d.ids) {
            self.index.remove(&id.key());
        }
    }

    fn last_generated(&self) -> u64 {
        BASE.saturating_add(self.generated)
    }

    fn is_untouched(&self, number: u64) -> bool {
        number > BASE
            && number <= self.last_generated()
            && !self.known.contains_key(&number)
            && !self.deleted.contains(&number)
    }

    fn generate(&self, number: u64) -> Device {
        let ids = vec![
            Identifier::new("imei", imei(number)),
            Identifier::new("iccId", iccid(number)),
            Identifier::new("mdn", mdn(number)),
        ];
        let after = Duration::from_secs(number.saturating_sub(BASE + 1));
        let created = FIRST_ADDED + after;
        let mut device = Device::new(&self.home, ids, created);
        device.number = number;
        device.state = ServiceState::Active;
        device.plan = Some("5MB".to_owned());
        device.activated = Some(created);
        device.log(created, "Activate");
        device
    }
}

fn imei(number: u64) -> String {
    format!("99{number:013}")
}

fn iccid(number: u64) -> String {
    format!("891480{number:014}")
}

/// Returns the telephone number of the generated device with this number.
pub(super) fn mdn(number: u64) -> String {
    format!("5{number:09}")
}

/// Returns the number of the generated device that has this identifier.
fn generated_number(id: &Identifier) -> Option<u64> {
    let (prefix, write): (_, fn(u64) -> String) = match id.kind.to_ascii_lowercase().as_str() {
        "imei" => ("99", imei),
        "iccid" => ("891480", iccid),
        "mdn" => ("5", mdn),
        _ => return None,
    };
    let number = id.id.strip_prefix(prefix)?.parse().ok()?;
    (write(number) == id.id).then_some(number)
}
