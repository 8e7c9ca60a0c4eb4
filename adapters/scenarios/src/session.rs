//! The life of a session: it opens when it is needed, stays open, is replaced when it
//! ends, and is closed on request.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use thingspace_core::{
    Endpoint, Environment, InvalidResponse, RequestError, WithSession, session::Snapshot,
};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::{
    Client,
    stage::{IDLE, MINUTE, Stage, account, credentials, devices},
};

pub(crate) fn a_session_opens_on_the_first_call_and_is_reused<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    for _ in 0..3 {
        let response = client.call(account()).unwrap();
        assert_eq!(response.status(), 200);
        let information: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(information["accountName"], Simulator::ACCOUNT);
    }
    assert_eq!(stage.seen(Call::BearerToken), 1);
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.done(Call::Account), 3);
    assert_eq!(stage.seen_in_all(), 5);
    stage
        .server
        .with(|service| assert_eq!(service.counts().misdirected, 0));
}

pub(crate) fn logging_in_while_a_session_is_open_sends_nothing<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let token = client.log_in().unwrap();
    assert_eq!(client.log_in().unwrap(), token);
    client.call(account()).unwrap();
    assert_eq!(client.log_in().unwrap(), token);
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.seen_in_all(), 3);
}

pub(crate) fn an_idle_session_is_replaced_before_anything_is_refused<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.call(account()).unwrap();
    stage.pass(IDLE);
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.done(Call::Account), 2);
    assert_eq!(stage.seen(Call::Account), 2);
}

pub(crate) fn law_5_an_unexpectedly_expired_session_costs_a_call_one_replay<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.call(account()).unwrap();
    // The client's clock stands still.
    stage.server.advance(IDLE);
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.done(Call::Account), 2);
    assert_eq!(stage.seen(Call::Account), 3);
}

pub(crate) fn law_5_a_session_that_was_ended_elsewhere_costs_a_call_one_replay<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.call(devices()).unwrap();
    stage.server.with(Simulator::forget_sessions);
    client.call(devices()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.done(Call::Devices), 2);
    assert_eq!(stage.seen(Call::Devices), 3);
}

pub(crate) fn a_busy_session_outlives_its_bearer_tokens_and_nothing_is_refused<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    // One of the calls is half a minute before the end of an hour.
    for _ in 0..22 {
        client.call(account()).unwrap();
        stage.pass(MINUTE * 17 / 2);
    }
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.done(Call::Account), 22);
    assert_eq!(stage.seen(Call::Account), 22);
    stage
        .server
        .with(|service| assert_eq!(service.counts().bearers_issued, 3));
}

pub(crate) fn law_5_a_bearer_that_was_revoked_costs_a_call_one_replay<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.call(account()).unwrap();
    stage.server.with(Simulator::forget_bearers);
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::BearerToken), 2);
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.done(Call::Account), 2);
    assert_eq!(stage.seen(Call::Account), 3);
}

pub(crate) fn logging_out_ends_the_session_at_the_service<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let token = client.log_in().unwrap();
    assert_eq!(client.log_out().unwrap(), Some(token));
    let now = stage.server.now();
    stage
        .server
        .with(|service| assert_eq!(service.open_sessions(now), 0));
    assert_eq!(stage.done(Call::LogOut), 1);

    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 2);
    assert_eq!(stage.seen(Call::Account), 1);
}

pub(crate) fn logging_out_without_a_session_sends_nothing<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    assert_eq!(client.log_out().unwrap(), None);
    assert_eq!(stage.seen_in_all(), 0);

    client.log_in().unwrap();
    assert!(client.log_out().unwrap().is_some());
    assert_eq!(client.log_out().unwrap(), None);
    assert_eq!(stage.seen(Call::LogOut), 1);
}

pub(crate) fn the_login_after_a_reset_uses_the_new_password<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let password = client.reset_password().unwrap();
    stage
        .server
        .with(|service| assert_eq!(service.reveal_password(), password.expose()));
    client.session(|session| assert_eq!(session.credentials().password().unwrap(), &password));

    client.log_out().unwrap();
    client.log_in().unwrap();
    assert_eq!(stage.done(Call::LogIn), 2);
    assert_eq!(stage.failed_logins(), 0);
}

pub(crate) fn a_response_keeps_its_status_and_headers<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let accepted = Response::builder()
        .status(StatusCode::ACCEPTED)
        .header("x-request-id", "42")
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    stage.inject(Call::Devices, Fault::Replace(accepted));
    let response = client.call(devices()).unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(response.headers()["x-request-id"], "42");
}

pub(crate) fn a_refusal_keeps_its_status_headers_and_code<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let unknown = Request::get("/m2m/v1/accounts/nobodys").body(Bytes::new());
    let error = client.call(unknown.unwrap()).unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    assert!(error.code().unwrap().is("REQUEST_FAILED.AccountNotFound"));
    let headers = error.response().unwrap().headers();
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(stage.seen(Call::Account), 1);
}

/// A page of devices, starting after the device `seen`.
struct Page {
    seen: Option<u64>,
}

struct Devices {
    ids: Vec<u64>,
    more: bool,
}

impl Endpoint for Page {
    type Auth = WithSession;
    type Output = Devices;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        let wanted = json!({"maxNumberOfDevices": 2, "largestDeviceIdSeen": self.seen});
        Request::post(environment.uri("/m2m/v1/devices/actions/list")?)
            .body(Bytes::from(wanted.to_string()))
            .map_err(|_| RequestError::Part("address"))
    }

    fn read(response: &Response<Bytes>) -> Result<Devices, InvalidResponse> {
        let page: Value = serde_json::from_slice(response.body())?;
        let id = |device: &Value| {
            device["extendedAttributes"][0]["value"]
                .as_str()?
                .parse()
                .ok()
        };
        Ok(Devices {
            ids: page["devices"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(id)
                .collect(),
            more: page["hasMoreData"] == true,
        })
    }
}

pub(crate) fn a_custom_endpoint_fetches_all_pages<C: Client>() {
    let stage = Stage::<C>::of(Simulator::new(42).devices(5));
    let client = stage.client();
    let mut ids = Vec::new();
    loop {
        let seen = ids.last().copied();
        let page = client.call(Page { seen }).unwrap().into_body();
        ids.extend(page.ids);
        if !page.more {
            break;
        }
    }
    assert_eq!(ids, [1, 2, 3, 4, 5].map(|number| 100_000_000 + number));
    assert_eq!(stage.done(Call::Devices), 3);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

pub(crate) fn law_11_a_session_continues_from_a_snapshot<C: Client>() {
    let stage = Stage::<C>::new();
    let first = stage.client();
    let token = first.log_in().unwrap();
    let saved =
        serde_json::to_string(&first.session(|session| session.snapshot(first.now()))).unwrap();
    drop(first);

    let snapshot: Snapshot = serde_json::from_str(&saved).unwrap();
    let second = stage.builder().snapshot(snapshot).build().unwrap();
    second.call(account()).unwrap();
    assert_eq!(second.log_in().unwrap(), token);
    assert_eq!(stage.seen(Call::BearerToken), 1);
    assert_eq!(stage.seen(Call::LogIn), 1);
    assert_eq!(stage.done(Call::Account), 1);
}

pub(crate) fn a_session_that_expired_while_it_was_stored_is_replaced<C: Client>() {
    let stage = Stage::<C>::new();
    let first = stage.client();
    first.log_in().unwrap();
    let snapshot = first.session(|session| session.snapshot(first.now()));
    stage.pass(Duration::from_secs(2 * 60 * 60));

    let second = stage.builder().snapshot(snapshot).build().unwrap();
    second.call(account()).unwrap();
    assert_eq!(stage.done(Call::BearerToken), 2);
    assert_eq!(stage.done(Call::LogIn), 2);
    assert_eq!(stage.seen(Call::Account), 1);
}

pub(crate) fn other_credentials_of_the_same_user_keep_the_session<C: Client>() {
    let stage = Stage::<C>::new();
    let client = stage.client();
    let token = client.log_in().unwrap();
    client
        .session(|session| session.set_credentials(credentials("for later")))
        .unwrap();
    assert_eq!(client.log_in().unwrap(), token);
    client.call(account()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 1);
}
