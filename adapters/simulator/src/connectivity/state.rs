//! The state of Connectivity Management.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;
use thingspace_core::Timestamp;

use super::ask::Ask;
use super::device::{Device, Identifier};
use super::diagnostics::Monitor;
use super::fleet::Fleet;
use super::groups::Groups;
use super::listeners::Listeners;
use super::outbox::Outbox;
use super::requests::Requests;
use super::sms::Messages;
use crate::refusal::Refusal;
use crate::session::guid;

/// All accounts, their devices, and what is in progress.
#[derive(Clone)]
pub(crate) struct Connectivity {
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) fleet: Fleet,
    pub(super) requests: Requests,
    pub(super) outbox: Outbox,
    /// The monitors of devices' reachability, by their ids.
    pub(super) monitors: BTreeMap<String, Monitor>,
    /// The reasons for which requests about a device fail, by its identifier.
    pub(super) failing: BTreeMap<String, Failure>,
    /// The most items on a page that is continued by `next`.
    pub(crate) page_size: usize,
    /// The time for which messages have the credentials of the registration before.
    pub(super) rotation_delay: Duration,
    pub(super) rng: Rng,
}

/// What an account has beside its devices.
#[derive(Clone, Default)]
pub(super) struct Account {
    pub(super) groups: Groups,
    pub(super) listeners: Listeners,
    pub(super) messages: Messages,
}

/// The reason for which a request about a device fails.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) code: String,
    pub(super) text: String,
}

impl Failure {
    /// Creates a failure with one of our own codes. Verizon publishes none for callbacks.
    pub(super) fn new(code: &str, text: &str) -> Self {
        Self {
            code: format!("UnifiedWebService.{code}"),
            text: text.to_owned(),
        }
    }
}

impl Connectivity {
    pub(crate) fn new(account: &str, devices: u64, rng: Rng) -> Self {
        Self {
            accounts: BTreeMap::from([(account.to_owned(), Account::default())]),
            fleet: Fleet::new(account, devices),
            requests: Requests::default(),
            outbox: Outbox::default(),
            monitors: BTreeMap::new(),
            failing: BTreeMap::new(),
            page_size: 100,
            rotation_delay: Duration::ZERO,
            rng,
        }
    }

    /// Returns the name of the account that has the generated devices.
    pub(crate) fn home(&self) -> &str {
        &self.fleet.home
    }

    pub(crate) fn rename_home(&mut self, name: String) {
        let account = self.accounts.remove(&self.fleet.home).unwrap_or_default();
        self.accounts.insert(name.clone(), account);
        self.fleet.home = name;
    }

    pub(crate) fn add_account(&mut self, name: String) {
        self.accounts.entry(name).or_default();
    }

    pub(crate) fn generate_devices(&mut self, count: u64) {
        self.fleet.generated = count;
    }

    pub(crate) fn set_request_time(&mut self, time: Duration) {
        self.requests.time = time;
    }

    pub(crate) fn set_device_interval(&mut self, interval: Duration) {
        self.requests.interval = interval;
    }

    pub(crate) fn fail_device(&mut self, id: String, code: String, text: String) {
        self.failing.insert(id, Failure { code, text });
    }

    pub(crate) fn mend_device(&mut self, id: &str) {
        self.failing.remove(id);
    }

    /// Reads the account in the field `accountName` or in the filter, which must exist.
    /// Without either it is the account of the generated devices.
    pub(super) fn account_name(&self, ask: &Ask) -> Result<String, Refusal> {
        let filtered = ask.at("/filter/account").and_then(Value::as_str);
        let name = ask.text("accountName").or(filtered);
        self.checked_account(name.unwrap_or(self.home()))
    }

    /// Reads the account in the path, which must exist.
    pub(super) fn account_in_path(&self, ask: &Ask) -> Result<String, Refusal> {
        self.checked_account(ask.parameter(0))
    }

    pub(super) fn checked_account(&self, name: &str) -> Result<String, Refusal> {
        if self.accounts.contains_key(name) {
            Ok(name.to_owned())
        } else {
            Err(Refusal::NO_ACCOUNT)
        }
    }

    pub(super) fn account(&self, name: &str) -> Result<&Account, Refusal> {
        self.accounts.get(name).ok_or(Refusal::NO_ACCOUNT)
    }

    pub(super) fn account_mut(&mut self, name: &str) -> Result<&mut Account, Refusal> {
        self.accounts.get_mut(name).ok_or(Refusal::NO_ACCOUNT)
    }

    /// Returns the device in the field `deviceId`, or refuses the request.
    pub(super) fn one_device(&self, ask: &Ask) -> Result<Device, Refusal> {
        let ids = ask.device_id().ok_or(Refusal::UNEXPECTED)?;
        self.fleet.device(&ids).ok_or(Refusal::NO_DEVICE)
    }

    /// Returns the reason for which a request about this device is to fail.
    pub(super) fn failure_of(&self, ids: &[Identifier]) -> Option<Failure> {
        if self.failing.is_empty() {
            return None;
        }
        let all = self.fleet.device(ids).map(|device| device.ids);
        let mut ids = ids.iter().chain(all.iter().flatten());
        ids.find_map(|id| self.failing.get(&id.id)).cloned()
    }

    pub(super) fn new_id(&mut self) -> String {
        guid(&mut self.rng)
    }

    /// Returns the earliest time at which something happens by itself.
    pub(crate) fn next_event(&self) -> Option<Timestamp> {
        let times = [self.requests.next_end(), self.outbox.next_due()];
        times.into_iter().flatten().min()
    }
}
