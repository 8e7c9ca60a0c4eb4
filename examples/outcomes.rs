//! What the core is told of a request that failed: tests of the examples' own stacks.

use std::net::{TcpListener, TcpStream};

use bytes::Bytes;
use http::{HeaderValue, Response};
use thingspace_core::{
    AppCredentials, Call, Credentials, Session, Step, TransportError, UserCredentials,
};
use thingspace_simulator::{Fault, Server, Simulator};

use crate::{now, send};

/// Sends the first request of a login.
fn send_to(base: &str) -> Result<Response<Bytes>, TransportError> {
    let app = AppCredentials::new(Simulator::KEY, Simulator::SECRET).unwrap();
    let user = UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD).unwrap();
    let mut session = Session::new(base.parse().unwrap(), Credentials::new(app, user), 42);
    match Call::log_in().step(&mut session, now()) {
        Step::Send(transmit) => send(&transmit),
        other => panic!("{other:?}"),
    }
}

fn send_into(fault: Fault) -> Result<Response<Bytes>, TransportError> {
    let server = Server::start(Simulator::new(42)).unwrap();
    server.with(|service| service.inject_any(fault));
    send_to(server.base())
}

#[test]
fn a_request_without_a_connection_was_never_sent() {
    // An address that accepts no connection, and that nobody else gets: the near end of
    // one that is open.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let nowhere = near.local_addr().unwrap();
    let error = send_to(&format!("http://{nowhere}/api")).unwrap_err();
    assert!(!error.may_have_left(), "{error:?}");
}

#[test]
fn a_request_without_a_response_may_have_been_executed() {
    let error = send_into(Fault::Drop).unwrap_err();
    assert!(error.may_have_left() && error.part().is_none(), "{error:?}");
}

#[test]
fn a_response_that_breaks_off_is_handed_on_as_far_as_it_came() {
    let error = send_into(Fault::CutShort).unwrap_err();
    assert!(error.may_have_left(), "{error:?}");
    let part = error.part().unwrap();
    assert_eq!(part.status(), 200);
    assert!(part.body().starts_with(b"{"));
}

#[test]
fn a_response_without_an_end_is_read_up_to_the_limit() {
    let response = send_into(Fault::Endless).unwrap();
    assert!(response.body().len() > 1024 * 1024);
}

#[test]
fn a_redirect_is_not_followed() {
    let place = HeaderValue::from_static("http://127.0.0.1:1/");
    let response = send_into(Fault::Redirect(place)).unwrap();
    assert_eq!(response.status(), 307);
}
