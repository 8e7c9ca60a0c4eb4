//! A request that is given up before anything was sent was certainly not sent.

use std::{
    convert::Infallible,
    net::TcpListener,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_lite::future::block_on;
use http::{Request, Response};
use http_body_util::Full;
use thingspace_hyper::{
    Builder, Config,
    core::{ErrorKind, SessionBuilder, Timestamp},
};
use thingspace_scenarios::{account, credentials, settings};
use thingspace_simulator::Simulator;
use tokio::time::Instant;
use tower_service::Service;

use crate::memory::Memory;

/// The kernel accepts the connection, and nothing is ever sent on it.
#[tokio::test(start_paused = true)]
async fn a_handshake_without_a_response_is_no_request_that_was_lost() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://{}/api", silent.local_addr().unwrap());
    let start = Instant::now();
    let session = SessionBuilder::new(credentials(Simulator::PASSWORD))
        .environment(base.parse().unwrap())
        .settings(settings());
    let config = Config::new(session).clock(move || Timestamp::default() + start.elapsed());
    let client = Builder::new(config).build().unwrap();
    let error = client.log_in().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NeverSent(_)), "{error}");
    assert!(start.elapsed() < settings().attempt_timeout * settings().max_attempts.get());
}

/// A stack that is never ready, such as one whose limit is reached.
#[derive(Clone)]
struct Busy;

impl Service<Request<Full<Bytes>>> for Busy {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Pending<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Pending
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        std::future::pending()
    }
}

#[test]
fn a_stack_that_is_never_ready_has_sent_nothing() {
    let memory = Memory::new();
    let client = memory.client_over(Busy);
    let error = block_on(client.call(account())).unwrap_err();
    assert!(error.is_never_sent(), "{error}");
    assert!(!error.transport().unwrap().may_have_left(), "{error}");
}
