//! No redirect is followed, whatever the agent or the request says.

use bytes::Bytes;
use http::Request;
use thingspace_scenarios::{account, nobody_follows};
use thingspace_ureq::ureq::{Agent, config::RedirectAuthHeaders};

use crate::blocking::{Blocking, Stage};

/// An agent that follows redirects, and sends the tokens with them.
fn obedient() -> Agent {
    Agent::config_builder()
        .max_redirects(10)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .http_status_as_error(true)
        .build()
        .into()
}

fn obedient_client(stage: &Stage) -> Blocking {
    Blocking::with_agent(stage.options(), obedient())
}

#[test]
fn law_9_no_redirect_is_followed_by_an_agent_that_follows_them() {
    nobody_follows(obedient_client, account);
}

#[test]
fn law_9_no_redirect_is_followed_because_a_request_says_so() {
    let says_so = || -> Request<Bytes> {
        obedient()
            .configure_request(account().map(|_| ()))
            .max_redirects(5)
            .build()
            .map(|()| Bytes::new())
    };
    nobody_follows(Stage::client, says_so);
    nobody_follows(obedient_client, says_so);
}
