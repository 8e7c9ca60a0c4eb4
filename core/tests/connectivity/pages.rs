//! Lists in pages, without I/O.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use thingspace_core::{
    Endpoint,
    api::{Paged, Pages, accounts::ListAccountLeads},
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
