//! Faults of the service's, as the clients of the proxy see them.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, StatusCode};
use thingspace_proxy::{
    Proxy, Rules, Server,
    core::{AppCredentials, Credentials, UserCredentials},
    thingspace_hyper::{Builder, OnThread},
};
use thingspace_scenarios::{BoxedObserver, IDLE, Options, settings_with_short_timeouts};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::stage::*;

/// What a client sees of a fault.
#[derive(Clone, Copy, Debug)]
enum Seen {
    /// A response of the service's with this status.
    Response(u16),
    /// An error of the proxy's, and its outcome.
    Error(u16, &'static str, &'static str),
}

use Seen::{Error, Response};

/// Every fault of the simulator, and what a call sees of it that may not be retried.
fn faults() -> Vec<(Fault, Seen)> {
    let lost = Error(502, "no_response", "unknown");
    let broken_off = Error(502, "broken_off", "unknown");
    let late = Error(504, "no_response_in_time", "unknown");
    let retry_after = |when| Fault::Throttled {
        retry_after: Some(HeaderValue::from_static(when)),
    };
    let teapot = http::Response::builder().status(418).body("short".into());
    let status = |status| Fault::Status(StatusCode::from_u16(status).unwrap());
    vec![
        (Fault::Drop, lost),
        (Fault::Drop.after_acting(), lost),
        (Fault::RefusedStream, lost),
        (Fault::Hang, late),
        (Fault::Hang.after_acting(), late),
        (Fault::Stall, late),
        (Fault::CutShort, broken_off),
        (Fault::RefusedMidway, broken_off),
        // What is in a response of success is the client's matter.
        (Fault::Garbage, Response(200)),
        (Fault::Empty, Response(200)),
        (Fault::Endless, Error(502, "invalid_response", "unknown")),
        (Fault::Html(StatusCode::BAD_GATEWAY), Response(502)),
        (status(408), Response(408)),
        (status(503), Response(503)),
        (status(503).after_acting(), Response(503)),
        (status(409), Response(409)),
        (
            Fault::Redirect(HeaderValue::from_static("/elsewhere")),
            Response(307),
        ),
        (Fault::Delay(Duration::from_millis(20)), Response(200)),
        (Fault::GoAway, Response(200)),
        (Fault::Throttled { retry_after: None }, Response(200)),
        (retry_after("0"), Response(200)),
        (retry_after("3600"), Response(429)),
        (Fault::Replace(teapot.unwrap()), Response(418)),
    ]
}

/// Runs a proxy on a session that is open.
async fn open(stage: &Stage) -> Running {
    let mut options = stage.options();
    options.settings = settings_with_short_timeouts();
    let client = Builder::new(options.into_config()).build().unwrap();
    let proxy = Running::of(Server::new(Proxy::new(client, Rules::new())));
    proxy.get(ACCOUNT).await.expect_response(200);
    proxy
}

#[tokio::test(flavor = "multi_thread")]
async fn law_6_a_call_that_may_not_be_retried_sees_each_fault_and_is_executed_once_at_most() {
    for (fault, seen) in faults() {
        println!("{fault:?}");
        let stage = Stage::new();
        let proxy = open(&stage).await;
        stage.inject(Call::Devices, fault);
        let reply = proxy.post(DEVICES).await;
        let reply = match seen {
            Response(status) => reply.expect_response(status),
            Error(status, kind, outcome) => reply.expect_error(status, kind, outcome),
        };
        if reply.status == 307 {
            assert_eq!(reply.headers["location"], "/elsewhere");
        }
        if reply.status == 429 {
            assert_eq!(reply.headers["retry-after"], "3600");
        }
        assert!(stage.done(Call::Devices) <= 1);
        assert_eq!(stage.seen(Call::LogIn), 1);
        proxy.post(DEVICES).await.expect_response(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_survives_every_fault_that_may_pass() {
    for (fault, seen) in faults() {
        println!("{fault:?}");
        let stage = Stage::new();
        let proxy = open(&stage).await;
        stage.inject(Call::Account, fault);
        let reply = proxy.get(ACCOUNT).await;
        let status = match seen {
            Response(status @ (307 | 409 | 418 | 429)) => status,
            Error(_, "invalid_response", _) => {
                reply.expect_error(502, "invalid_response", "unknown");
                continue;
            }
            _ => 200,
        };
        reply.expect_response(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn law_2_a_fault_of_the_login_or_the_token_fetch_harms_no_later_call() {
    for call in [Call::LogIn, Call::BearerToken] {
        for (fault, _) in faults() {
            println!("{call:?} {fault:?}");
            let stage = Stage::new();
            let mut options = stage.options();
            options.settings = settings_with_short_timeouts();
            options.observer = BoxedObserver::new(stage.impatience());
            let client = Builder::new(options.into_config()).build().unwrap();
            let proxy = Running::of(Server::new(Proxy::new(client, Rules::new())));
            stage.inject(call, fault);
            let reply = proxy.post(DEVICES).await;
            if reply.status != 200 {
                // Whatever failed, it was not the call itself, which was never sent.
                let mark = reply.headers.get("thingspace-proxy-error");
                let kind = mark.unwrap().to_str().unwrap().to_owned();
                let status = reply.status;
                let reply = reply.expect_error(status, &kind, "never_sent");
                assert!(reply.json()["error"]["failed"].is_string(), "{reply:?}");
                assert_eq!(stage.seen(Call::Devices), 0);
            }
            stage.pass(IDLE);
            proxy.post(DEVICES).await.expect_response(200);
            assert!(!stage.is_locked() && stage.failed_logins() == 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_out_of_reach_was_never_sent_anything() {
    let mut options = Stage::new().options();
    options.environment = "http://127.0.0.1:1/api".parse().unwrap();
    let client = Builder::new(options.into_config()).build().unwrap();
    let proxy = Running::of(Server::new(Proxy::new(client, Rules::new())));
    let reply = proxy.get(ACCOUNT).await;
    let reply = reply.expect_error(502, "unreachable", "never_sent");
    assert_eq!(reply.json()["error"]["failed"], "token_fetch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_costs_one_login_and_says_what_to_do() {
    let stage = Stage::new();
    let client = Builder::new(stage.options_with("wrong").into_config());
    let proxy = Proxy::new(client.build().unwrap(), Rules::new());
    let proxy = Running::of(Server::new(proxy));
    proxy.get("/readyz").await.expect_response(200);
    let reply = proxy.get(ACCOUNT).await;
    let reply = reply.expect_error(503, "wrong_credentials", "never_sent");
    let error = &reply.json()["error"];
    assert_eq!(error["failed"], "login");
    assert!(error["login_guard"]["blocked"].is_string());
    for _ in 0..3 {
        let reply = proxy.post(DEVICES).await;
        let reply = reply.expect_error(503, "blocked", "never_sent");
        assert!(reply.json()["error"]["login_guard"]["last_failure"].is_string());
    }
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (1, 1));
    let reply = proxy.get("/readyz").await;
    let reply = reply.expect_error(503, "blocked", "never_sent");
    let message = &reply.json()["error"]["message"];
    assert!(
        message.as_str().unwrap().contains("credentials are wrong"),
        "{message}"
    );
    proxy.get("/livez").await.expect_response(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_session_goes_on_while_the_guard_is_blocked() {
    let stage = Stage::new();
    let client = client(&stage);
    let proxy = Running::of(Server::new(Proxy::new(client.clone(), Rules::new())));
    proxy.get(ACCOUNT).await.expect_response(200);
    let new = client.request_reset().await.unwrap();
    proxy
        .get("/readyz")
        .await
        .expect_error(503, "blocked", "never_sent");
    proxy.get(ACCOUNT).await.expect_response(200);
    client.confirm_reset(&new).await.unwrap();
    proxy.get("/readyz").await.expect_response(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_too_long_is_reported_with_its_end() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    for _ in 0..3 {
        stage.inject(
            Call::BearerToken,
            Fault::Throttled {
                retry_after: Some(HeaderValue::from_static("500")),
            },
        );
    }
    let reply = proxy.get(ACCOUNT).await;
    let reply = reply.expect_error(503, "throttled", "never_sent");
    let seconds: u64 = reply.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((480..=510).contains(&seconds), "{seconds}");
    let reply = proxy.get(ACCOUNT).await;
    let reply = reply.expect_error(503, "backing_off", "never_sent");
    assert!(reply.headers.contains_key("retry-after"));
    let at = reply.json()["error"]["retry_at"].clone();
    assert!(at.as_str().unwrap().ends_with('Z'), "{at}");
}

#[tokio::test(flavor = "multi_thread")]
async fn law_5_stale_tokens_cost_a_call_one_replay() {
    let stage = Stage::new();
    let proxy = open(&stage).await;
    stage.server.with(Simulator::forget_sessions);
    proxy.post(DEVICES).await.expect_response(200);
    assert_eq!(
        (stage.seen(Call::Devices), stage.done(Call::Devices)),
        (2, 1)
    );
    stage.pass(IDLE);
    proxy.post(DEVICES).await.expect_response(200);
    assert_eq!((stage.seen(Call::LogIn), stage.failed_logins()), (3, 0));
}

/// Runs a proxy whose client has other options.
fn with(stage: &Stage, change: impl FnOnce(&mut Options)) -> Running {
    let mut options = stage.options();
    change(&mut options);
    let store = options.store.take();
    let mut builder = Builder::new(options.into_config());
    if let Some(store) = store {
        builder = builder.store(OnThread::new(store).unwrap());
    }
    Running::of(Server::new(Proxy::new(
        builder.build().unwrap(),
        Rules::new(),
    )))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_wrong_or_has_no_user_is_an_error_of_its_own() {
    let stage = Stage::new();
    let app = |secret| AppCredentials::new(Simulator::KEY, secret).unwrap();
    let proxy = with(&stage, |options| {
        let user = UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD).unwrap();
        options.credentials = Credentials::new(app("wrong"), user);
    });
    let reply = proxy.get(ACCOUNT).await;
    reply.expect_error(503, "app_refused", "never_sent");
    let proxy = with(&stage, |options| {
        options.credentials = Credentials::of_app(app(Simulator::SECRET));
    });
    let reply = proxy.get(ACCOUNT).await;
    reply.expect_error(503, "no_user", "never_sent");
    assert_eq!(stage.seen(Call::LogIn), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_without_a_reason_says_when_the_next_one_is_made() {
    let stage = Stage::new();
    let proxy = with(&stage, |options| {
        options.settings.longest_wait = Duration::from_secs(1);
    });
    let refusal = http::Response::builder().status(403);
    let body = r#"{"errorCode":"Other.Thing","errorMessage":"no"}"#.into();
    stage.inject(Call::LogIn, Fault::Replace(refusal.body(body).unwrap()));
    let reply = proxy.get(ACCOUNT).await;
    let reply = reply.expect_error(503, "login_refused", "never_sent");
    let error = &reply.json()["error"];
    assert_eq!(
        (&error["status"], &error["code"]),
        (&403.into(), &"Other.Thing".into())
    );
    let after: u64 = reply.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=31).contains(&after), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_stops_logins_alone() {
    let stage = Stage::new();
    let register = stage.register();
    let proxy = with(&stage, |options| {
        options.store = Some(Arc::new(register.clone()));
    });
    register.set_down(true);
    let reply = proxy.get(ACCOUNT).await;
    reply.expect_error(503, "store", "never_sent");
    register.set_down(false);
    stage.pass(Duration::from_secs(5));
    proxy.get(ACCOUNT).await.expect_response(200);
    register.set_down(true);
    proxy.get(ACCOUNT).await.expect_response(200);
    assert_eq!(stage.seen(Call::LogIn), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_for_whole_calls_ends_them() {
    let stage = Stage::new();
    let proxy = with(&stage, |options| {
        options.settings.call_timeout = Some(Duration::from_secs(1));
    });
    stage.inject(Call::LogIn, Fault::Hang);
    let reply = proxy.get(ACCOUNT).await;
    reply.expect_error(504, "timed_out", "never_sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_die_again_and_again_cool_down() {
    let stage = Stage::new();
    let proxy = with(&stage, |options| {
        options.settings.longest_wait = Duration::from_secs(1);
    });
    let mut replies = Vec::new();
    for _ in 0..6 {
        let reply = proxy.get(ACCOUNT).await;
        if reply.status != 200 {
            replies.push(reply);
            break;
        }
        stage.server.with(Simulator::forget_sessions);
    }
    let reply = replies.pop().unwrap();
    let reply = reply.expect_error(503, "cooling_down", "never_sent");
    assert!(reply.headers.contains_key("retry-after"));
}
