//! Requests of one device and of several, and their ends.

use std::time::Duration;

use serde_json::json;
use thingspace_core::{
    asynchronous::{
        AsynchronousRequest,
        DeviceResult::{self, Failed, Succeeded, Unknown},
        FollowStep, Following, RequestOutcome,
    },
    model::{DeviceId, RequestId},
};

use crate::stage::{
    ACCOUNT, START, TIMEOUT, callback, device, failed, iccid, imei, request, request_id, status,
    succeeded, until_asked, until_done,
};

fn results(outcome: &RequestOutcome) -> Vec<DeviceResult> {
    outcome.devices.iter().map(|device| device.result).collect()
}

#[test]
fn a_request_succeeds_by_its_status() {
    let mut following = Following::new(request(1), START);
    let mut now = START;
    for _ in 0..3 {
        now = until_asked(&mut following, now);
        following.receive_status(now, Some(status("Pending")));
        assert!(!following.has_ended());
    }
    now = until_asked(&mut following, now);
    following.receive_status(now, Some(status("success")));
    assert_eq!(following.step(now), FollowStep::Done);
    let outcome = following.into_outcome();
    assert_eq!(outcome.request_id, request_id());
    assert!(outcome.is_success());
    assert_eq!(outcome.devices[0].device_ids, device(0).device_ids);
    assert_eq!(outcome.devices[0].message, None);
}

#[test]
fn a_failure_by_its_status_has_no_reason() {
    let mut following = Following::new(request(2), START);
    let now = until_asked(&mut following, START);
    following.receive_status(now, Some(status("Failure")));
    assert_eq!(following.step(now), FollowStep::Done);
    let outcome = following.into_outcome();
    assert_eq!(results(&outcome), [Failed; 2]);
    assert_eq!(outcome.devices[0].fault(), None);
}

#[test]
fn a_callback_that_comes_first_ends_the_request() {
    let mut following = Following::new(request(1), START);
    assert!(matches!(following.step(START), FollowStep::Wait(_)));
    assert!(following.receive(&failed(&[imei(0)])));
    assert_eq!(following.step(START), FollowStep::Done);
    let outcome = following.into_outcome();
    let fault = outcome.devices[0].fault().unwrap();
    assert_eq!(fault.fault_code.as_deref(), Some("INVALID_SKU"));
    assert_eq!(fault.fault_string.as_deref(), Some("The SKU is not valid."));
}

#[test]
fn the_devices_of_one_request_end_one_by_one() {
    let mut following = Following::new(request(4), START);
    assert!(following.receive(&succeeded(&[iccid(2), DeviceId::mdn("5555551212")])));
    assert!(following.receive(&failed(&[imei(0), iccid(0)])));
    let now = until_asked(&mut following, START);
    following.receive_status(now, Some(status("Pending")));
    assert!(following.receive(&succeeded(&[imei(3)])));
    // What is known so far can be looked at.
    assert_eq!(following.outcome().with(Unknown).count(), 1);
    let now = until_asked(&mut following, now);
    following.receive_status(now, Some(status("Success")));
    assert_eq!(following.step(now), FollowStep::Done);
    let outcome = following.into_outcome();
    assert_eq!(results(&outcome), [Failed, Succeeded, Succeeded, Succeeded]);
    assert!(!outcome.is_success());
    let failed: Vec<_> = outcome.with(Failed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].device_ids, device(0).device_ids);
}

#[test]
fn one_callback_may_be_about_several_devices_or_about_all() {
    let mut following = Following::new(request(4), START);
    assert!(following.receive(&failed(&[imei(1), imei(2)])));
    assert_eq!(following.outcome().with(Failed).count(), 2);
    assert!(following.receive(&succeeded(&[])));
    assert_eq!(following.step(START), FollowStep::Done);
    let outcome = following.into_outcome();
    assert_eq!(results(&outcome), [Succeeded, Failed, Failed, Succeeded]);
}

#[test]
fn a_request_that_names_no_device_ends_by_any_callback_of_its_own() {
    let mut following = Following::new(AsynchronousRequest::new(ACCOUNT, request_id()), START);
    assert!(following.receive(&succeeded(&[DeviceId::mdn("5555551212")])));
    assert_eq!(following.step(START), FollowStep::Done);
    let outcome = following.into_outcome();
    assert!(outcome.is_success());
    let device = &outcome.devices[0];
    assert_eq!(device.device_ids, []);
    let message = device.message.as_ref().unwrap();
    assert_eq!(message.device_ids, [DeviceId::mdn("5555551212")]);
}

#[test]
fn the_only_device_may_be_named_by_another_identifier() {
    let mut following = Following::new(request(1), START);
    assert!(following.receive(&succeeded(&[DeviceId::mdn("5555551212")])));
    assert!(following.into_outcome().is_success());
}

#[test]
fn a_device_that_the_request_does_not_name_ends_none_of_its_own() {
    let mut following = Following::new(request(2), START);
    let strangers: Vec<_> = (10..20).map(|number| failed(&[imei(number)])).collect();
    assert!(following.receive(&strangers[0]));
    assert!(!following.receive(&strangers[0]));
    let heard = strangers.iter().filter(|one| following.receive(one));
    // As many as the request has devices, and no more.
    assert_eq!(heard.count(), 1);
    assert!(!following.has_ended());
    assert!(following.receive(&succeeded(&[imei(0)])));
    assert!(following.receive(&succeeded(&[imei(1)])));
    assert_eq!(following.step(START), FollowStep::Done);
    let outcome = following.into_outcome();
    assert_eq!(results(&outcome), [Succeeded, Succeeded, Failed, Failed]);
    assert_eq!(outcome.devices[3].device_ids, [imei(11)]);
}

#[test]
fn callbacks_of_other_requests_doubled_ones_and_late_ones_change_nothing() {
    let mut following = Following::new(request(2), START);
    let other = RequestId::new("another").unwrap();
    assert!(!following.receive(&callback(&other, &[imei(0)], json!({"status": "Success"}))));
    let nobodys = json!({"requestId": null, "status": "Success"});
    assert!(!following.receive(&callback(&request_id(), &[imei(0)], nobodys)));
    assert!(following.receive(&failed(&[imei(0)])));
    // The first word counts.
    assert!(!following.receive(&failed(&[imei(0)])));
    assert!(!following.receive(&succeeded(&[imei(0)])));
    let end = START + TIMEOUT;
    assert_eq!(following.step(end), FollowStep::Done);
    assert!(!following.receive(&succeeded(&[imei(1)])));
    following.receive_status(end, Some(status("Success")));
    // Nor does a clock that was set back open it again.
    assert_eq!(following.step(START), FollowStep::Done);
    assert_eq!(following.outcome().with(Unknown).count(), 1);
    let outcome = following.into_outcome();
    assert_eq!(results(&outcome), [Failed, Unknown]);
}

#[test]
fn what_tells_no_end_counts_as_pending() {
    let mut following = Following::new(request(1), START);
    let mut now = START;
    let mut others = status("Success");
    others.request_id = RequestId::new("another");
    for response in [Some(status("Almost")), Some(status("")), None, Some(others)] {
        now = until_asked(&mut following, now);
        following.receive_status(now, response);
    }
    for told in [
        json!({}),
        json!({"status": "Pending"}),
        json!({"status": "On its way"}),
    ] {
        assert!(!following.receive(&callback(&request_id(), &[imei(0)], told)));
    }
    assert!(!following.has_ended());
    // A fault is a failure, whatever the status is.
    let fault = json!({"faultResponse": {"faultcode": "UNKNOWN_DEVICE"}});
    assert!(following.receive(&callback(&request_id(), &[imei(0)], fault)));
    let outcome = following.into_outcome();
    assert_eq!(results(&outcome), [Failed]);
}

#[test]
fn a_status_call_that_is_dropped_is_made_again() {
    let mut following = Following::new(request(1), START);
    let first = until_asked(&mut following, START);
    let second = until_asked(&mut following, first);
    assert!(second > first);
    following.receive_status(second, Some(status("Success")));
    assert_eq!(following.step(second), FollowStep::Done);
}

#[test]
fn the_pause_begins_when_the_response_is_there() {
    let mut following = Following::new(request(1), START);
    let asked = until_asked(&mut following, START);
    let late = asked + Duration::from_secs(90);
    following.receive_status(late, None);
    let FollowStep::Wait(until) = following.step(late) else {
        panic!("no pause after a call that failed");
    };
    assert!(until.since(late) >= Duration::from_millis(2500));
}

#[test]
fn pauses_grow_up_to_the_longest_until_the_deadline() {
    let mut following = Following::new(request(1), START);
    assert_eq!(following.deadline(), START + TIMEOUT);
    let (end, asked) = until_done(&mut following, START);
    assert_eq!(end, START + TIMEOUT);
    let outcome = following.into_outcome();
    assert_eq!(results(&outcome), [Unknown]);
    let mut longest = 5;
    let mut before = START;
    for (number, &at) in asked.iter().enumerate() {
        let pause = at.since(before);
        // The first two are as long: one before the first call, and one after it.
        if number > 1 {
            longest = (longest * 2).min(60);
        }
        let longest = Duration::from_secs(longest);
        assert!(
            pause >= longest / 2 && pause <= longest,
            "{number}: {pause:?}"
        );
        before = at;
    }
    assert!((20..=44).contains(&asked.len()), "{}", asked.len());
}

#[test]
fn requests_that_were_made_together_are_not_asked_for_together() {
    let first_pause = |number: u32| {
        let id = RequestId::new(&number.to_string()).unwrap();
        let mut following = Following::new(AsynchronousRequest::new(ACCOUNT, id), START);
        match following.step(START) {
            FollowStep::Wait(until) => until.since(START).as_millis(),
            step => panic!("{step:?}"),
        }
    };
    let mut pauses: Vec<_> = (0..1000).map(first_pause).collect();
    assert_eq!(pauses, (0..1000).map(first_pause).collect::<Vec<_>>());
    pauses.sort_unstable();
    pauses.dedup();
    assert!(pauses.len() > 500, "{}", pauses.len());
    assert!(pauses[0] < 2600 && *pauses.last().unwrap() > 4900);
}

#[test]
fn the_settings_may_be_anything() {
    for (first, longest, timeout) in [
        (Duration::ZERO, Duration::ZERO, Duration::from_millis(200)),
        (Duration::ZERO, Duration::MAX, Duration::ZERO),
        (Duration::MAX, Duration::ZERO, TIMEOUT),
        (Duration::from_secs(60), Duration::from_secs(1), TIMEOUT),
        (Duration::MAX, Duration::MAX, Duration::MAX),
    ] {
        let mut request = request(1);
        request.settings.first_pause = first;
        request.settings.longest_pause = longest;
        request.settings.timeout = timeout;
        let mut following = Following::new(request, START);
        let (end, asked) = until_done(&mut following, START);
        assert_eq!(end, START + timeout);
        let expected = match (first, timeout) {
            (Duration::MAX, _) | (_, Duration::ZERO) => 0..=0,
            (Duration::ZERO, _) => 199..=199,
            _ => 19..=40,
        };
        assert!(
            expected.contains(&asked.len()),
            "{first:?}: {}",
            asked.len()
        );
    }
}

#[test]
fn a_device_that_is_named_twice_ends_twice() {
    let devices = [device(1), imei(1).into(), device(2)];
    let request = AsynchronousRequest::new(ACCOUNT, request_id()).with_devices(devices);
    let mut following = Following::new(request, START);
    assert!(following.receive(&succeeded(&[imei(1)])));
    assert!(following.receive(&failed(&[imei(2)])));
    assert_eq!(following.step(START), FollowStep::Done);
    let outcome = following.into_outcome();
    assert_eq!(results(&outcome), [Succeeded, Succeeded, Failed]);
}
