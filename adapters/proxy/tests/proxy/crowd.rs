//! Many clients at once.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use thingspace_proxy::{Proxy, Rules, Server, thingspace_hyper::Builder};
use thingspace_scenarios::{IDLE, MINUTE};
use thingspace_simulator::{Call, Fault, Simulator};
use tokio::{io::AsyncWriteExt, task::JoinSet};
use tower::ServiceExt;

use crate::stage::*;

const CROWD: usize = 1200;

#[tokio::test(flavor = "multi_thread")]
async fn law_1_more_than_a_thousand_calls_on_a_session_that_has_ended_make_one_login() {
    // Each call has four ends of connections in this process.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let stage = Stage::new();
    let server = Server::new(Proxy::new(client(&stage), Rules::new()));
    let proxy = Running::of(server.max_connections(2 * CROWD));
    proxy.get(ACCOUNT).await.expect_response(200);
    for refused in [false, true] {
        if refused {
            stage.server.with(Simulator::forget_sessions);
        } else {
            stage.pass(IDLE);
        }
        let before = stage.seen(Call::LogIn);
        let mut streams = Vec::new();
        for _ in 0..CROWD {
            streams.push(proxy.connect().await);
        }
        let mut crowd = JoinSet::new();
        let request =
            format!("GET {ACCOUNT} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        for mut stream in streams {
            stream.write_all(request.as_bytes()).await.unwrap();
            crowd.spawn(Reply::read(stream));
        }
        while let Some(reply) = crowd.join_next().await {
            reply.unwrap().expect_response(200);
        }
        assert_eq!(stage.seen(Call::LogIn) - before, 1);
        assert_eq!(stage.failed_logins(), 0);
    }
}

#[tokio::test]
async fn law_1_ten_thousand_calls_in_flight_on_a_session_that_has_ended_make_one_login() {
    let stage = Stage::new();
    let first = client(&stage);
    first.log_in().await.unwrap();
    stage.pass(IDLE);
    let mut options = stage.options();
    options.snapshot = Some(first.session(|session| session.snapshot(first.now())));
    // However slow the machine, no deadline passes.
    options.settings.attempt_timeout = MINUTE * 60;
    // All of them use one connection to the service.
    let stack: legacy::Client<HttpConnector, Full<Bytes>> =
        legacy::Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
    let client = Builder::new(options.into_config())
        .stack(stack, TokioTimer::new(), TokioExecutor::new())
        .build()
        .unwrap();
    let proxy = Proxy::new(client, Rules::new());
    // All of them have asked before there is a session.
    stage.inject(Call::LogIn, Fault::Delay(Duration::from_secs(2)));
    let mut crowd = JoinSet::new();
    for _ in 0..10_000 {
        let request = Request::get(ACCOUNT).header("host", "localhost");
        let request = request.body(Full::<Bytes>::default()).unwrap();
        crowd.spawn(proxy.clone().oneshot(request));
    }
    while let Some(response) = crowd.join_next().await {
        let response = response.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!body.is_empty());
    }
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (2, 0));
    assert_eq!(stage.done(Call::Account), 10_000);
}
