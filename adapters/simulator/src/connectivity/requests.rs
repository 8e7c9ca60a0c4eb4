//! Asynchronous requests: accepted at once, executed a device at a time, later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use thingspace_core::Timestamp;

use super::ask::{Ask, Served, done};
use super::device::{Device, identifiers_json};
use super::selection::{Plan, Target, Unnamed, targets};
use super::state::{Connectivity, Failure};
use crate::refusal::Refusal;

/// The callback service of most calls. Documented for the contact information and the
/// custom fields, our choice for all calls whose service is not documented.
pub(super) const CARRIER: &str = "CarrierService";

/// Executes a request for one device, and returns the `deviceResponse` of the callback.
type Effect = Arc<dyn Fn(&mut Connectivity, &Task<'_>) -> Result<Value, Failure> + Send + Sync>;

/// The execution of a request for one device.
pub(super) struct Task<'a> {
    pub(super) account: &'a str,
    pub(super) device: &'a Target,
    pub(super) at: Timestamp,
}

/// All requests, ended ones included.
#[derive(Clone)]
pub(super) struct Requests {
    /// The time that a request takes until its first device.
    pub(super) time: Duration,
    /// The time between two devices of a request.
    pub(super) interval: Duration,
    all: Vec<Request>,
    places: BTreeMap<String, usize>,
    /// The next steps of the pending requests, by their time.
    steps: BTreeSet<(Timestamp, usize)>,
}

#[derive(Clone)]
struct Request {
    id: Arc<str>,
    account: Arc<str>,
    service: &'static str,
    devices: Vec<Target>,
    effect: Effect,
    /// The number of devices for which it was executed.
    ended: usize,
    has_failed: bool,
    has_ended: bool,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(5),
            interval: Duration::ZERO,
            all: Vec::new(),
            places: BTreeMap::new(),
            steps: BTreeSet::new(),
        }
    }
}

impl Requests {
    /// Returns the status of an account's request.
    pub(super) fn status(&self, account: &str, id: &str) -> Result<&'static str, Refusal> {
        let request = self.places.get(id).and_then(|place| self.all.get(*place));
        let request = request.filter(|request| *request.account == *account);
        Ok(match request.ok_or(Refusal::NO_REQUEST)? {
            request if !request.has_ended => "Pending",
            request if request.has_failed => "Failure",
            _ => "Success",
        })
    }

    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.steps.first().map(|(at, _)| *at)
    }

    /// Takes a step that is due, and the request that it belongs to.
    fn take_step(&mut self, now: Timestamp) -> Option<(Timestamp, usize)> {
        let step = *self.steps.first().filter(|(at, _)| *at <= now)?;
        self.steps.remove(&step);
        Some(step)
    }
}

impl Connectivity {
    /// Accepts a request, and responds with its id.
    pub(super) fn begin(
        &mut self,
        ask: &Ask,
        account: &str,
        service: &'static str,
        devices: Vec<Target>,
        effect: impl Fn(&mut Self, &Task<'_>) -> Result<Value, Failure> + Send + Sync + 'static,
    ) -> Served {
        let id = self.new_id();
        let place = self.requests.all.len();
        let due = ask.now + self.requests.time;
        self.requests.all.push(Request {
            id: id.as_str().into(),
            account: account.into(),
            service,
            devices,
            effect: Arc::new(effect),
            ended: 0,
            has_failed: false,
            has_ended: false,
        });
        self.requests.places.insert(id.clone(), place);
        self.requests.steps.insert((due, place));
        done(&json!({"requestId": id}))
    }

    /// Accepts a request for the devices in the field `devices`, or those that it selects.
    pub(super) fn begin_for_devices(
        &mut self,
        ask: &Ask,
        plan: Plan,
        effect: impl Fn(&mut Self, &Task<'_>) -> Result<Value, Failure> + Send + Sync + 'static,
    ) -> Served {
        let account = self.account_name(ask)?;
        let named = targets(ask.list("devices"), "deviceIds");
        let devices = self.targets(ask, named, &account, plan, Unnamed::Refused)?;
        self.begin(ask, &account, CARRIER, devices, effect)
    }

    /// Executes everything that is due.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while let Some((at, place)) = self.requests.take_step(now) {
            while self.execute_next(at, place) && self.requests.interval.is_zero() {}
            let interval = self.requests.interval;
            if let Some(request) = self.requests.all.get_mut(place) {
                request.has_ended = request.ended == request.devices.len();
                if !request.has_ended {
                    self.requests.steps.insert((at + interval, place));
                }
            }
        }
    }

    /// Executes a request for its next device. Returns true if another device follows.
    fn execute_next(&mut self, at: Timestamp, place: usize) -> bool {
        let Some(request) = self.requests.all.get_mut(place) else {
            return false;
        };
        let Some(device) = request.devices.get(request.ended).cloned() else {
            return false;
        };
        request.ended += 1;
        let goes_on = request.ended < request.devices.len();
        let (id, service) = (Arc::clone(&request.id), request.service);
        let (account, effect) = (Arc::clone(&request.account), Arc::clone(&request.effect));
        let task = Task {
            account: &account,
            device: &device,
            at,
        };
        let result = match self.failure_of(&device.ids) {
            Some(failure) => Err(failure),
            None => effect(self, &task),
        };
        if let Some(request) = self.requests.all.get_mut(place) {
            request.has_failed |= result.is_err();
        }
        let ids = identifiers_json(&device.ids);
        self.queue_message(&account, service, at, message(&id, &ids, result));
        goes_on
    }

    /// Returns the device of a task, if the account has it.
    pub(super) fn known(&self, task: &Task<'_>) -> Result<Device, Failure> {
        let device = self.fleet.device(&task.device.ids);
        device
            .filter(|device| device.account == task.account)
            .ok_or_else(unknown)
    }

    /// Changes the device of a task, or leaves it as it is if `change` fails.
    pub(super) fn change(
        &mut self,
        task: &Task<'_>,
        change: impl FnOnce(&mut Device) -> Result<Value, Failure>,
    ) -> Result<Value, Failure> {
        let mut device = self.known(task)?;
        let result = change(&mut device)?;
        self.fleet.save(device);
        Ok(result)
    }
}

pub(super) fn unknown() -> Failure {
    Failure::new(
        "REQUEST_FAILED.DeviceNotFound",
        "The account has no such device.",
    )
}

/// Returns the content of a callback about one device.
fn message(id: &str, ids: &Value, result: Result<Value, Failure>) -> Value {
    match result {
        Ok(response) => json!({
            "requestId": id,
            "deviceIds": ids,
            "deviceResponse": response,
            "status": "Success",
        }),
        Err(failure) => json!({
            "requestId": id,
            "deviceIds": ids,
            "faultResponse": {"faultcode": failure.code, "faultstring": failure.text},
            "status": "Failed",
        }),
    }
}
