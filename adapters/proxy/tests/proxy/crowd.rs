//! Many clients at once.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use thingspace_proxy::{Proxy, Rules, Server};
use thingspace_scenarios::IDLE;
use thingspace_simulator::{Call, Simulator};
use tokio::{io::AsyncWriteExt, task::JoinSet};

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
