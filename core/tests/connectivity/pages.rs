//! Lists in pages, without I/O.

use bytes::Bytes;
use http::Response;
use proptest::prelude::*;
use serde_json::{Value, json};
use thingspace_core::{
    Endpoint, Environment, Timestamp,
    api::{
        Paged, Pages,
        accounts::ListAccountLeads,
        devices::{ListDevicesInformation, ThingspaceDevice},
    },
    model::{DateTime, DeviceId},
};

use crate::stage::ACCOUNT;

fn leads(ids: &[&str], next: Option<&str>) -> Response<Bytes> {
    let leads: Vec<Value> = ids.iter().map(|id| json!({"leadId": id})).collect();
    let body = json!({"hasMoreData": next.is_some(), "leads": leads});
    let mut response = Response::builder();
    if let Some(next) = next {
        let location = format!("/leads/{ACCOUNT}/?next={next}");
        response = response.status(202).header("location", location);
    }
    response.body(body.to_string().into()).unwrap()
}

fn receive(pages: &mut Pages<ListAccountLeads>, page: Response<Bytes>) -> Vec<String> {
    let page = ListAccountLeads::parse(page).unwrap();
    let items = pages.receive(page).into_iter();
    items.filter_map(|lead| lead.lead_id).collect()
}

#[test]
fn a_response_says_what_the_next_request_is() {
    let mut pages = Pages::new(ListAccountLeads::new(ACCOUNT));
    assert_eq!(pages.request().unwrap().cursor(), None);
    assert_eq!(
        receive(&mut pages, leads(&["1", "2"], Some("9007199254740993"))),
        ["1", "2"]
    );
    let next = pages.request().unwrap();
    assert_eq!(next.cursor().as_deref(), Some("9007199254740993"));
    assert_eq!(receive(&mut pages, leads(&["3"], None)), ["3"]);
    assert!(pages.request().is_none());
    assert!(!pages.repeats());
}

#[test]
fn a_page_that_repeats_itself_is_the_last() {
    let mut pages = Pages::new(ListAccountLeads::new(ACCOUNT));
    assert_eq!(
        receive(&mut pages, leads(&["1", "2"], Some("2"))),
        ["1", "2"]
    );
    assert!(receive(&mut pages, leads(&["1", "2"], Some("3"))).is_empty());
    assert!(pages.request().is_none());
    assert!(pages.repeats());
}

#[test]
fn pages_that_lead_back_to_one_before_end() {
    let mut pages = Pages::new(ListAccountLeads::new(ACCOUNT));
    receive(&mut pages, leads(&["1"], Some("a")));
    receive(&mut pages, leads(&["2"], Some("b")));
    assert_eq!(receive(&mut pages, leads(&["3"], Some("a"))), ["3"]);
    assert!(pages.request().is_none());
    assert!(pages.repeats());
}

#[test]
fn a_page_that_failed_is_asked_for_again() {
    let mut pages = Pages::new(ListAccountLeads::new(ACCOUNT));
    receive(&mut pages, leads(&["1"], Some("a")));
    let failed = pages.request().cloned();
    assert_eq!(pages.request(), failed.as_ref());
    // Another process goes on where this one failed.
    let mut elsewhere = Pages::new(failed.unwrap());
    assert_eq!(receive(&mut elsewhere, leads(&["2"], None)), ["2"]);
}

/// A device of the account that is listed in the tests below.
#[derive(Clone, Debug, PartialEq)]
struct Device {
    imei: String,
    /// The second at which it was added.
    added: u64,
    /// The service's own id, if pages have it.
    id: Option<i64>,
}

impl Device {
    fn new(imei: impl Into<String>, added: u64, id: Option<i64>) -> Self {
        Self {
            imei: imei.into(),
            added,
            id,
        }
    }

    fn to_json(&self) -> Value {
        let attributes = self
            .id
            .map(|id| json!({"key": "DeviceId", "value": id.to_string()}));
        json!({
            "createdAt": date(self.added),
            "deviceIds": [{"id": self.imei, "kind": "imei"}],
            "extendedAttributes": attributes.as_slice(),
        })
    }

    fn read(device: &ThingspaceDevice) -> Self {
        let added = device.created_at.as_ref().and_then(DateTime::timestamp);
        let added = added.unwrap().as_millis() / 1000;
        Self::new(&device.device_ids[0].id, added, device.id())
    }
}

fn date(second: u64) -> String {
    DateTime::from(Timestamp::from_millis(second * 1000)).to_string()
}

/// The page that a service with these devices sends, at most `size` of them.
fn list(devices: &[Device], size: usize, request: ListDevicesInformation) -> Response<Bytes> {
    let request = request.build(&Environment::mock()).unwrap();
    let request: Value = serde_json::from_slice(request.body()).unwrap();
    let seen = request["largestDeviceIdSeen"].as_i64();
    let earliest = request["earliest"].as_str().map(str::to_owned);
    let mut left = devices.iter().filter(|device| {
        seen.is_none_or(|seen| device.id > Some(seen))
            && earliest
                .as_ref()
                .is_none_or(|from| date(device.added) >= *from)
    });
    let page: Vec<_> = left.by_ref().take(size).map(Device::to_json).collect();
    let body = json!({"devices": page, "hasMoreData": left.next().is_some()});
    Response::new(body.to_string().into())
}

/// All devices that the pages hold, and true if the list ended on a page that repeats itself.
fn walk(
    list: impl Fn(ListDevicesInformation) -> Response<Bytes>,
    first: ListDevicesInformation,
    most_requests: usize,
) -> (Vec<Device>, bool) {
    let mut pages = Pages::new(first);
    let mut listed = Vec::new();
    let mut requests = 0;
    while let Some(request) = pages.request().cloned() {
        requests += 1;
        assert!(requests <= most_requests, "{request:?}");
        let page = ListDevicesInformation::parse(list(request)).unwrap();
        listed.extend(pages.receive(page).iter().map(Device::read));
    }
    (listed, pages.repeats())
}

fn walk_all(devices: &[Device], size: usize) -> (Vec<Device>, bool) {
    let first = ListDevicesInformation::new(ACCOUNT);
    let list = |request| list(devices, size, request);
    walk(list, first, devices.len() + 2)
}

/// The number of devices up to the end of a page from which time leads no further: all that
/// it holds were added in one second, and there are more.
fn stuck(devices: &[Device], size: usize) -> Option<usize> {
    let mut start = 0;
    for second in devices.chunk_by(|one, next| one.added == next.added) {
        if second.len() >= size && devices.len() > start + size {
            return Some(start + size);
        }
        start += second.len();
    }
    None
}

prop_compose! {
    /// Devices in the order in which they were added, several in a second, some of them the
    /// same one again.
    fn devices_without_id()(seen in prop::collection::vec((0..3u64, 0..3u8), 0..40)) -> Vec<Device> {
        let mut added = 1_600_000_000;
        let device = |(later, imei): (u64, u8)| {
            added += later;
            Device::new(imei.to_string(), added, None)
        };
        seen.into_iter().map(device).collect()
    }
}

prop_compose! {
    /// Devices in the order of their ids, which are too large for a floating point number.
    fn devices_with_id()(seen in prop::collection::vec((0..2u64, 1..3i64), 0..40)) -> Vec<Device> {
        let (mut added, mut id) = (1_600_000_000, 9_007_199_254_740_992);
        let device = |(later, larger): (u64, i64)| {
            added += later;
            id += larger;
            Device::new(id.to_string(), added, Some(id))
        };
        seen.into_iter().map(device).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn devices_with_an_id_are_listed_once_each(
        devices in devices_with_id(),
        size in 1..6usize,
    ) {
        prop_assert_eq!(walk_all(&devices, size), (devices, false));
    }

    /// A service that sends the same device twice is believed: what a page repeats of the
    /// page before it is removed, and no more.
    #[test]
    fn devices_without_an_id_are_listed_once_each_as_far_as_time_leads(
        devices in devices_without_id(),
        size in 1..6usize,
    ) {
        let (listed, repeats) = walk_all(&devices, size);
        match stuck(&devices, size) {
            None => prop_assert_eq!((listed, repeats), (devices, false)),
            Some(end) => {
                prop_assert_eq!(&listed, &devices[..end]);
                prop_assert!(repeats);
            }
        }
    }
}

#[test]
fn the_next_devices_are_asked_for_by_the_largest_id() {
    let first = 9_007_199_254_740_993;
    // The largest is not the last.
    let devices = [(7, first), (8, first + 2), (8, first + 1), (9, first + 3)]
        .map(|(added, id)| Device::new(id.to_string(), added, Some(id)));
    let mut pages = Pages::new(ListDevicesInformation::new(ACCOUNT));
    let page = list(&devices, 3, pages.request().cloned().unwrap());
    pages.receive(ListDevicesInformation::parse(page).unwrap());
    let next = pages.request().unwrap();
    assert_eq!(next.largest_device_id_seen, Some(9_007_199_254_740_995));
    assert_eq!(next.earliest, None);
    assert_eq!(next.cursor().as_deref(), Some("9007199254740995"));
    let page = list(&devices, 3, next.clone());
    let left = pages.receive(ListDevicesInformation::parse(page).unwrap());
    assert_eq!(
        left.iter().map(Device::read).collect::<Vec<_>>(),
        devices[3..]
    );
    assert!(pages.request().is_none());
    assert!(!pages.repeats());
}

#[test]
fn without_ids_the_next_devices_are_asked_for_by_the_time_of_the_last() {
    // "b" is on both pages, "c" is another one of the same second.
    let devices = [("a", 7), ("b", 8), ("c", 8), ("d", 9)]
        .map(|(imei, added)| Device::new(imei, added, None));
    let mut first = ListDevicesInformation::new(ACCOUNT);
    first.group_name = Some("West Coast Devices".to_owned());
    let mut pages = Pages::new(first.clone());
    let page = list(&devices, 2, first.clone());
    pages.receive(ListDevicesInformation::parse(page).unwrap());
    let next = pages.request().cloned().unwrap();
    first.earliest = Some("1970-01-01T00:00:08Z".into());
    assert_eq!(next, first);
    let page = list(&devices, 3, next);
    let added = pages.receive(ListDevicesInformation::parse(page).unwrap());
    assert_eq!(
        added.iter().map(Device::read).collect::<Vec<_>>(),
        devices[2..]
    );
}

#[test]
fn a_device_that_connects_between_two_pages_is_listed_once() {
    let seen = |connected: &[bool], has_more_data: bool| {
        let device = |(number, connected)| {
            let id = DeviceId::imei(format!("{number}"));
            json!({"deviceIds": [id], "createdAt": date(7), "connected": connected})
        };
        let devices: Vec<_> = connected.iter().enumerate().map(device).collect();
        let body = json!({"devices": devices, "hasMoreData": has_more_data});
        ListDevicesInformation::parse(Response::new(body.to_string().into())).unwrap()
    };
    let mut pages = Pages::new(ListDevicesInformation::new(ACCOUNT));
    assert_eq!(pages.receive(seen(&[false, false], true)).len(), 2);
    let added = pages.receive(seen(&[false, true, false], false));
    assert_eq!(added.len(), 1);
    assert_eq!(added[0].device_ids, [DeviceId::imei("2")]);
}

#[test]
fn two_equal_devices_at_the_seam_stay_two() {
    // The first page ends between the two, the second begins with both.
    let devices = [("a", 7), ("b", 7), ("c", 8), ("c", 8), ("d", 9)]
        .map(|(imei, added)| Device::new(imei, added, None));
    assert_eq!(walk_all(&devices, 3), (devices.to_vec(), false));
}

#[test]
fn devices_that_were_added_in_one_second_end_the_list_if_they_fill_a_page() {
    let devices = ["a", "b", "c"].map(|imei| Device::new(imei, 7, None));
    assert_eq!(walk_all(&devices, 2), (devices[..2].to_vec(), true));
    assert_eq!(walk_all(&devices, 3), (devices.to_vec(), false));
}

#[test]
fn a_service_that_ignores_what_was_seen_is_found_out() {
    for id in [None, Some(7)] {
        let devices = [("a", 7), ("b", 8)].map(|(imei, added)| Device::new(imei, added, id));
        let first_page =
            || json!({"devices": devices.each_ref().map(Device::to_json), "hasMoreData": true});
        let first = ListDevicesInformation::new(ACCOUNT);
        let list = |_| Response::new(first_page().to_string().into());
        assert_eq!(walk(list, first, 2), (devices.to_vec(), true));
    }
}

#[test]
fn a_page_from_which_nothing_leads_on_does_not_pass_for_the_last() {
    for devices in [
        json!([]),
        json!([{"accountName": ACCOUNT}]),
        json!([{"createdAt": null}]),
    ] {
        let mut pages = Pages::new(ListDevicesInformation::new(ACCOUNT));
        let page = json!({"devices": devices, "hasMoreData": true}).to_string();
        let page = ListDevicesInformation::parse(Response::new(page.into())).unwrap();
        pages.receive(page);
        assert!(pages.request().is_none(), "{devices}");
        assert!(pages.repeats(), "{devices}");
    }
}
