//! Whatever comes, in whatever order: each device ends once, by the first word about it, and
//! the request ends by its deadline.

use std::{sync::Arc, time::Duration};

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};
use thingspace_core::{
    asynchronous::{DeviceResult, FollowStep, Following},
    callback::CallbackMessage,
    model::{DeviceId, RequestId},
};

use crate::stage::{START, TIMEOUT, callback, iccid, imei, request, request_id, status};

/// Something that happens while a request is followed.
#[derive(Clone, Debug)]
enum Event {
    /// Time passes, in milliseconds.
    Pass(u64),
    /// A callback comes.
    Callback {
        is_ours: bool,
        devices: Vec<(u32, bool)>,
        told: Option<bool>,
    },
    /// The last callback comes again.
    Again,
    /// The next status call has this response.
    Status(Option<&'static str>),
}

const RESPONSES: [&str; 5] = ["Pending", "Success", "Failure", "Failed", "Else"];

fn event() -> impl Strategy<Value = Event> {
    let devices = vec((0_u32..6, any::<bool>()), 0..3);
    let callback = (
        prop::bool::weighted(0.8),
        devices,
        option::of(any::<bool>()),
    );
    prop_oneof![
        3 => (0_u64..200_000).prop_map(Event::Pass),
        4 => callback.prop_map(|(is_ours, devices, told)| Event::Callback { is_ours, devices, told }),
        1 => Just(Event::Again),
        1 => option::of(select(&RESPONSES[..])).prop_map(Event::Status),
    ]
}

fn message(is_ours: bool, devices: &[(u32, bool)], told: Option<bool>) -> Arc<CallbackMessage> {
    let id = if is_ours {
        request_id()
    } else {
        RequestId::new("another").unwrap()
    };
    let ids: Vec<DeviceId> = devices
        .iter()
        .map(|&(number, by_imei)| if by_imei { imei(number) } else { iccid(number) })
        .collect();
    let told: Value = match told {
        Some(true) => json!({"status": "Success"}),
        Some(false) => json!({"status": "Failed", "faultResponse": {"faultcode": "1"}}),
        None => json!({"status": "Pending"}),
    };
    callback(&id, &ids, told)
}

/// What the devices of a request are known to have come to, by the simplest means.
struct Model(Vec<DeviceResult>);

impl Model {
    fn end(&mut self, which: impl Fn(usize) -> bool, success: bool) {
        for (number, result) in self.0.iter_mut().enumerate() {
            if which(number) && *result == DeviceResult::Unknown {
                *result = if success {
                    DeviceResult::Succeeded
                } else {
                    DeviceResult::Failed
                };
            }
        }
    }

    fn callback(&mut self, message: &CallbackMessage) {
        let success = match message.status.as_ref().unwrap().as_str() {
            "Success" => true,
            "Failed" => false,
            _ => return,
        };
        if message.request_id.as_ref() != Some(&request_id()) {
            return;
        }
        let ids = &message.device_ids;
        let is_alone = self.0.len() == 1;
        let is_about = |number: usize| {
            let number = u32::try_from(number).unwrap();
            ids.is_empty()
                || is_alone
                || ids.contains(&imei(number))
                || ids.contains(&iccid(number))
        };
        self.end(is_about, success);
    }

    fn status(&mut self, status: Option<&str>) {
        match status {
            Some("Success") => self.end(|_| true, true),
            Some("Failure" | "Failed") => self.end(|_| true, false),
            _ => {}
        }
    }

    fn has_ended(&self) -> bool {
        !self.0.contains(&DeviceResult::Unknown)
    }
}

proptest! {
    #[test]
    fn each_device_ends_once_and_the_request_by_its_deadline(
        devices in 1_u32..5,
        events in vec(event(), 0..60),
        first_pause in 1_u64..10_000,
    ) {
        let mut request = request(devices);
        request.settings.first_pause = Duration::from_millis(first_pause);
        let mut following = Following::new(request, START);
        let mut model = Model(vec![DeviceResult::Unknown; usize::try_from(devices).unwrap()]);
        let deadline = START + TIMEOUT;
        let mut now = START;
        let mut target = START;
        let mut polls = 0_u32;
        let mut last = None;
        let mut response = Some("Pending");
        // Then nothing more comes.
        let silence = std::iter::repeat_n(Event::Pass(60_000), 21);
        let mut is_done = false;
        for event in events.into_iter().chain(silence) {
            // Whatever is to be done until then is done.
            loop {
                match following.step(now) {
                    FollowStep::Ask(_) => {
                        polls += 1;
                        prop_assert!(now < deadline);
                        model.status(response);
                        following.receive_status(now, response.map(status));
                        response = Some("Pending");
                    }
                    FollowStep::Wait(until) => {
                        prop_assert!(!model.has_ended());
                        prop_assert!(until > now && until <= deadline);
                        if until > target {
                            now = target;
                            break;
                        }
                        now = until;
                    }
                    FollowStep::Done => {
                        prop_assert!(is_done || model.has_ended() || now == deadline);
                        is_done = true;
                        now = target;
                        break;
                    }
                }
            }
            let before = following.outcome().clone();
            match event {
                Event::Pass(millis) => target = now + Duration::from_millis(millis),
                Event::Callback { is_ours, devices, told } => {
                    last = Some(message(is_ours, &devices, told));
                }
                Event::Again => {}
                Event::Status(next) => {
                    response = next;
                    continue;
                }
            }
            if let Some(message) = &last {
                if !is_done {
                    model.callback(message);
                }
                let is_new = following.receive(message);
                prop_assert_eq!(is_new, *following.outcome() != before);
                prop_assert!(!(is_new && is_done), "after the end");
            }
            // What has ended stays as it is.
            for (before, after) in before.devices.iter().zip(&following.outcome().devices) {
                prop_assert!(before.result == DeviceResult::Unknown || before == after);
            }
        }
        prop_assert_eq!(following.step(now), FollowStep::Done);
        // The pauses are 30 seconds at least, but for as many as they double.
        prop_assert!(polls <= 40 + 17, "{}", polls);
        let outcome = following.into_outcome();
        let results: Vec<_> = outcome.devices.iter().map(|device| device.result).collect();
        prop_assert_eq!(&results[..model.0.len()], &model.0[..]);
        prop_assert!(results.len() <= 2 * model.0.len());
    }
}
