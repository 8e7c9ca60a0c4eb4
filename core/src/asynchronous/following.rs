//! The machine that follows one request.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use siphasher::sip::SipHasher13;

use super::{
    outcome::{DeviceOutcome, DeviceResult, RequestOutcome},
    request::{AsynchronousRequest, FollowSettings},
};
use crate::{
    Timestamp,
    api::account_requests::{AsynchronousRequestResult, GetCurrentAsynchronousRequestStatus},
    callback::CallbackMessage,
    model::{DeviceId, RequestId, RequestStatus},
};

/// The shortest pause between two status calls, whatever the settings say: time must pass
/// (our choice).
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// An asynchronous request that is being followed to its outcome.
///
/// Take a [step](Self::step) and do what it says, until it says that it is done. In between,
/// give it callbacks as they come. The outcome is there once: it is what is left of this.
#[derive(Clone, Debug)]
pub struct Following {
    call: GetCurrentAsynchronousRequestStatus,
    settings: FollowSettings,
    deadline: Timestamp,
    /// The time from which on the status is asked for.
    next_poll: Timestamp,
    polls: u32,
    jitter: fastrand::Rng,
    outcome: RequestOutcome,
    /// The places of the devices in the outcome, by each of their identifiers.
    places: HashMap<DeviceId, Vec<usize>>,
    /// The number of devices that the request is about: the first ones of the outcome.
    named: usize,
    /// The number of those among them that have not ended.
    pending: usize,
    is_closed: bool,
}

/// The next thing to do for a request that is being followed.
#[derive(Clone, Debug, PartialEq)]
pub enum FollowStep {
    /// Make this call and give its response to [`Following::receive_status`], or none if it
    /// failed; then take the next step.
    Ask(GetCurrentAsynchronousRequestStatus),
    /// Wait until this time, or for a callback; then take the next step.
    Wait(Timestamp),
    /// Take the [outcome](Following::into_outcome): it does not change any more.
    Done,
}

impl Following {
    /// Follows a request from this time on.
    pub fn new(request: AsynchronousRequest, now: Timestamp) -> Self {
        let AsynchronousRequest {
            account_name,
            request_id,
            devices,
            settings,
        } = request;
        let mut devices: Vec<_> = devices
            .into_iter()
            .map(|device| DeviceOutcome::pending(device.device_ids))
            .collect();
        if devices.is_empty() {
            devices.push(DeviceOutcome::pending(Vec::new()));
        }
        let mut places: HashMap<_, Vec<_>> = HashMap::new();
        for (place, device) in devices.iter().enumerate() {
            for id in &device.device_ids {
                places.entry(id.clone()).or_default().push(place);
            }
        }
        // The same in all processes, so that a test can foresee it.
        let mut hasher = SipHasher13::new();
        request_id.hash(&mut hasher);
        let mut following = Self {
            call: GetCurrentAsynchronousRequestStatus::new(account_name, request_id.clone()),
            deadline: now + settings.timeout,
            next_poll: now,
            polls: 0,
            jitter: fastrand::Rng::with_seed(hasher.finish()),
            named: devices.len(),
            pending: devices.len(),
            outcome: RequestOutcome {
                request_id,
                devices,
            },
            places,
            settings,
            is_closed: false,
        };
        following.pause(now);
        following
    }

    /// Returns the next thing to do at this time.
    pub fn step(&mut self, now: Timestamp) -> FollowStep {
        if self.is_closed || self.has_ended() || now >= self.deadline {
            self.is_closed = true;
            return FollowStep::Done;
        }
        if now < self.next_poll {
            return FollowStep::Wait(self.next_poll.min(self.deadline));
        }
        self.polls = self.polls.saturating_add(1);
        // Should nobody say what became of the call, it is made again after the pause.
        self.pause(now);
        FollowStep::Ask(self.call.clone())
    }

    /// Takes the response to a status call; `None` if it failed, which is no outcome of the
    /// request. The next pause begins at this time.
    pub fn receive_status(&mut self, now: Timestamp, status: Option<AsynchronousRequestResult>) {
        self.pause(now);
        let Some(AsynchronousRequestResult {
            request_id, status, ..
        }) = status
        else {
            return;
        };
        if request_id.is_none_or(|id| id == self.outcome.request_id) {
            if let Some(result) = status.as_ref().and_then(result_of) {
                self.end_all(result, None);
            }
        }
    }

    /// Takes a callback. Returns true if it brought something new: of another request, of a
    /// device that has ended, or after the [end](FollowStep::Done), it changes nothing.
    pub fn receive(&mut self, message: &Arc<CallbackMessage>) -> bool {
        if self.is_closed || message.request_id.as_ref() != Some(&self.outcome.request_id) {
            return false;
        }
        let told = message.status.as_ref().and_then(result_of);
        let result = match (told, &message.fault) {
            (Some(result), _) => result,
            (None, Some(_)) => DeviceResult::Failed,
            (None, None) => return false,
        };
        // The only device may well be named by another identifier than in the request.
        if self.named == 1 || message.device_ids.is_empty() {
            return self.end_all(result, Some(message));
        }
        let mut places: Vec<_> = message
            .device_ids
            .iter()
            .filter_map(|id| self.places.get(id))
            .flatten()
            .copied()
            .collect();
        if places.is_empty() {
            return self.end_unnamed(result, message);
        }
        // Its identifiers may be several of one device.
        places.retain(|&place| self.end(place, result, Some(message)));
        !places.is_empty()
    }

    /// Returns true if all devices of the request have ended.
    pub const fn has_ended(&self) -> bool {
        self.pending == 0
    }

    /// The time after which nothing is awaited any more.
    pub const fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// The request.
    pub const fn request_id(&self) -> &RequestId {
        &self.outcome.request_id
    }

    /// The outcome as far as it is known.
    pub const fn outcome(&self) -> &RequestOutcome {
        &self.outcome
    }

    /// Returns the outcome. Devices that have not ended are unknown.
    pub fn into_outcome(self) -> RequestOutcome {
        self.outcome
    }

    /// Lets a pause begin, which depends on the number of status calls so far.
    fn pause(&mut self, now: Timestamp) {
        let full = self.settings.pause_after(self.polls.saturating_sub(1));
        let half = full / 2;
        let rest = u64::try_from(full.saturating_sub(half).as_millis()).unwrap_or(u64::MAX);
        let rest = Duration::from_millis(self.jitter.u64(0..=rest));
        self.next_poll = now + half.saturating_add(rest).max(SHORTEST_PAUSE);
    }

    /// Ends all devices of the request that have not ended. Returns true if there were any.
    fn end_all(&mut self, result: DeviceResult, message: Option<&Arc<CallbackMessage>>) -> bool {
        let ended = (0..self.named).filter(|&place| self.end(place, result, message));
        ended.count() > 0
    }

    /// Ends a device, unless it has ended. Returns true if it had not.
    fn end(
        &mut self,
        place: usize,
        result: DeviceResult,
        message: Option<&Arc<CallbackMessage>>,
    ) -> bool {
        match self.outcome.devices.get_mut(place) {
            Some(device) if device.result == DeviceResult::Unknown && !self.is_closed => {
                device.result = result;
                device.message = message.cloned();
                self.pending = self.pending.saturating_sub(1);
                true
            }
            _ => false,
        }
    }

    /// Adds a device that the request does not name, or not by these identifiers. There are
    /// no more of them than the request has devices: whatever is sent, memory is bounded.
    fn end_unnamed(&mut self, result: DeviceResult, message: &Arc<CallbackMessage>) -> bool {
        let place = self.outcome.devices.len();
        if place - self.named >= self.named {
            return false;
        }
        for id in &message.device_ids {
            self.places.entry(id.clone()).or_default().push(place);
        }
        self.outcome.devices.push(DeviceOutcome {
            result,
            message: Some(Arc::clone(message)),
            ..DeviceOutcome::pending(message.device_ids.clone())
        });
        true
    }
}

/// The result that a status tells. Requests have `Failure`, and callbacks have `Failed`.
fn result_of(status: &RequestStatus) -> Option<DeviceResult> {
    if *status == RequestStatus::SUCCESS {
        Some(DeviceResult::Succeeded)
    } else if *status == RequestStatus::FAILURE || status.as_str().eq_ignore_ascii_case("Failed") {
        Some(DeviceResult::Failed)
    } else {
        None
    }
}
