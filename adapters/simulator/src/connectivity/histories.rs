//! What a device did: its usage, connections and changes. Usage and connections are made
//! up from the device's number and the day.

use std::time::Duration;

use serde_json::{Value, json};
use thingspace_core::Timestamp;

use super::ask::{Ask, Served, done};
use super::date;
use super::device::{Device, pairs};
use super::state::Connectivity;
use crate::refusal::Refusal;

/// The most records of a response. Documented by Verizon for connections.
const MOST: usize = 500;

const DAY: Duration = Duration::from_secs(86_400);

/// Lists the usage of a device, or of all devices with a label, a record for each day.
pub(crate) fn usage(state: &mut Connectivity, ask: &Ask) -> Served {
    let devices = if ask.has("deviceId") {
        vec![state.one_device(ask)?]
    } else {
        let label = ask.at("/label").filter(|label| !label.is_null());
        state.labeled(label.ok_or(Refusal::NO_DEVICES)?)
    };
    let (earliest, latest) = ask.window()?;
    let plan = devices.first().and_then(|device| device.plan.as_deref());
    let (days, has_more) = page(days(earliest, latest, Duration::ZERO), MOST);
    let records = days.into_iter().filter(|_| !devices.is_empty()).map(|day| {
        let bytes: u64 = devices.iter().map(|device| bytes_on(device, day)).sum();
        json!({
            "bytesUsed": bytes,
            "extendedAttributes": pairs("key", &[("MoSms", "0".to_owned())]),
            "servicePlan": plan.unwrap_or_default(),
            "smsUsed": 0,
            "source": "Raw Usage",
            "timestamp": date::written(day),
        })
    });
    let records: Vec<_> = records.collect();
    done(&json!({"hasMoreData": has_more && !records.is_empty(), "usageHistory": records}))
}

/// Lists the connections of a device: each day from six to seven in the morning.
pub(crate) fn connections(state: &mut Connectivity, ask: &Ask) -> Served {
    let device = state.one_device(ask)?;
    let (earliest, latest) = ask.window()?;
    let six = Duration::from_secs(6 * 3600);
    let seven = Duration::from_secs(7 * 3600);
    let mut starts = days(earliest, latest, six).map(|at| (at, true)).peekable();
    let mut stops = days(earliest, latest, seven)
        .map(|at| (at, false))
        .peekable();
    let events = std::iter::from_fn(|| match (starts.peek(), stops.peek()) {
        (Some(start), Some(stop)) if start.0 <= stop.0 => starts.next(),
        (Some(_), None) => starts.next(),
        _ => stops.next(),
    });
    let (events, has_more) = page(events, MOST);
    let events: Vec<_> = events
        .into_iter()
        .map(|(at, is_start)| connection(&device, at, is_start))
        .collect();
    done(&json!({"connectionHistory": events, "hasMoreData": has_more}))
}

fn connection(device: &Device, at: Timestamp, is_start: bool) -> Value {
    let bytes = if is_start { 0 } else { bytes_on(device, at) };
    let event = if is_start { "Start" } else { "Stop" };
    let attributes = [
        ("BytesUsed", bytes.to_string()),
        ("Event", event.to_owned()),
        ("Msisdn", device.id("mdn").unwrap_or_default().to_owned()),
    ];
    json!({
        "connectionEventAttributes": pairs("key", &attributes),
        "extendedAttributes": [],
        "occurredAt": date::written(at),
    })
}

/// Lists the changes of a device's service. The page stands in an array, as documented.
pub(crate) fn provisioning(state: &mut Connectivity, ask: &Ask) -> Served {
    let device = state.one_device(ask)?;
    let (earliest, latest) = ask.window()?;
    let events = device.history.iter();
    let (events, has_more) = page(
        events.filter(|event| (earliest..=latest).contains(&event.at)),
        MOST,
    );
    let mdn = device.id("mdn").unwrap_or_default();
    let events: Vec<_> = events
        .into_iter()
        .map(|event| {
            json!({
                "occurredAt": date::written(event.at),
                "status": "Success",
                "eventBy": "Web Services",
                "eventType": event.name,
                "mdn": mdn,
                "msisdn": mdn,
                "servicePlan": device.plan.as_deref().unwrap_or_default(),
                "extendedAttributes": [],
            })
        })
        .collect();
    done(&json!([{"hasMoreData": has_more, "provisioningHistory": events}]))
}

/// Returns a made-up number of bytes that a device used on the day of this moment.
pub(super) fn bytes_on(device: &Device, moment: Timestamp) -> u64 {
    let day = moment.as_millis() / 86_400_000;
    let mixed = device.number.wrapping_mul(2_654_435_761) ^ day.wrapping_mul(40_503);
    mixed % 1_000_000
}

/// Returns the bytes that a device used in a window of time.
pub(super) fn bytes_between(device: &Device, earliest: Timestamp, latest: Timestamp) -> u64 {
    let days = days(earliest, latest, Duration::ZERO).take(366);
    days.map(|day| bytes_on(device, day)).sum()
}

/// Iterates over the moments in a window that are this long after a midnight.
fn days(
    earliest: Timestamp,
    latest: Timestamp,
    after_midnight: Duration,
) -> impl Iterator<Item = Timestamp> {
    let days = earliest.as_millis() / 86_400_000;
    let midnight = Timestamp::from_millis(days * 86_400_000);
    let first = Some(midnight + after_midnight);
    std::iter::successors(first, |at| Some(*at + DAY).filter(|next| next > at))
        .skip_while(move |at| *at < earliest)
        .take_while(move |at| *at <= latest)
}

/// Takes at most this many items, and returns true if there are more.
fn page<T>(mut items: impl Iterator<Item = T>, most: usize) -> (Vec<T>, bool) {
    let page: Vec<_> = items.by_ref().take(most).collect();
    (page, items.next().is_some())
}
