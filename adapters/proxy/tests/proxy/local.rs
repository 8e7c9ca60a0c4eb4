//! What SDKs do by themselves, and never reaches ThingSpace.

use std::sync::{Arc, Mutex};

use thingspace_proxy::{Proxy, ResetError, Rules, Server, core::Password};
use thingspace_simulator::{Call, Fault, Simulator};

use crate::stage::*;

const RESET: &str = "/api/m2m/v1/session/password/actions/reset";

#[tokio::test(flavor = "multi_thread")]
async fn tokens_logins_and_logouts_are_served_without_the_service() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    for path in ["/api/ts/v1/oauth2/token", "/api/ts/v1/"] {
        let headers = "authorization: Basic ZHVtbXk6ZHVtbXk=\r\n";
        let reply = proxy.send("POST", path, headers, "grant_type=client_credentials");
        let token = reply.await.expect_response(200).json();
        assert_eq!(token["access_token"], "thingspace-proxy");
        assert_eq!(token["token_type"], "Bearer");
        assert_eq!(token["expires_in"], 3600);
    }
    let body = r#"{"username":"dummy","password":"dummy"}"#;
    let reply = proxy.send("POST", "/api/m2m/v1/session/login", "", body);
    let session = reply.await.expect_response(200).json();
    assert_eq!(session["sessionToken"], "thingspace-proxy");
    let reply = proxy.post("/api/m2m/v1/session/logout").await;
    assert_eq!(reply.expect_response(200).json(), session);
    proxy
        .post("/api/ts/v1/oauth2/revoke")
        .await
        .expect_response(200);
    assert_eq!(stage.seen_in_all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_ends_the_session_of_nobody() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    proxy.get(ACCOUNT).await.expect_response(200);
    proxy
        .post("/api/m2m/v1/session/logout")
        .await
        .expect_response(200);
    proxy.get(ACCOUNT).await.expect_response(200);
    assert_eq!((stage.seen(Call::LogIn), stage.seen(Call::LogOut)), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_own_calls_never_pass_however_they_are_written() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    for path in [
        "/api/m2m/v1/session",
        "/api/M2M/v2/Session/login",
        "/api/m2m/v1/%73ession/other",
        "/api/m2m/v1/session%20/login",
    ] {
        let reply = proxy.post(path).await;
        reply.expect_error(403, "session_call", "never_sent");
    }
    let reply = proxy.get("/api/m2m/v1/session/login").await;
    reply.expect_error(405, "method", "never_sent");
    assert_eq!(stage.seen_in_all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_refused_by_default() {
    let stage = Stage::new();
    let proxy = Running::new(&stage, Rules::new());
    let reply = proxy
        .send("PUT", RESET, "", r#"{"oldPassword":"dummy"}"#)
        .await;
    reply.expect_error(403, "reset_refused", "never_sent");
    assert_eq!(stage.seen_in_all(), 0);
}

/// A proxy whose keeper keeps passwords in memory, if it does.
fn with_keeper(stage: &Stage, keeps: bool) -> (Running, Arc<Mutex<Vec<String>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeper = Arc::clone(&kept);
    let proxy = Proxy::new(client(stage), Rules::new()).reset_with(move |client| {
        let keeper = Arc::clone(&keeper);
        Box::pin(async move {
            let keep = |new: Password| async move {
                keeper.lock().unwrap().push(new.expose().to_owned());
                if keeps {
                    Ok(())
                } else {
                    Err("the vault is sealed")
                }
            };
            client.reset_password_with(keep).await?;
            Ok(())
        })
    });
    (Running::of(Server::new(proxy)), kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_goes_to_the_keeper_and_the_client_does_not_get_the_password() {
    let stage = Stage::new();
    let (proxy, kept) = with_keeper(&stage, true);
    let reply = proxy
        .send("PUT", RESET, "", "{}")
        .await
        .expect_response(200);
    assert_eq!(reply.json()["newPassword"], "thingspace-proxy");
    let kept = kept.lock().unwrap().clone();
    let is_kept = |service: &mut Simulator| service.reveal_password() == kept[0];
    assert!(stage.server.with(is_kept));
    // It is the one that the next login uses.
    stage.server.with(Simulator::forget_sessions);
    proxy.get(ACCOUNT).await.expect_response(200);
    assert_eq!(
        (stage.seen(Call::ResetPassword), stage.failed_logins()),
        (1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_could_not_be_kept_is_not_shown_and_blocks_logins() {
    let stage = Stage::new();
    let (proxy, kept) = with_keeper(&stage, false);
    let reply = proxy.send("PUT", RESET, "", "{}").await;
    let reply = reply.expect_error(503, "not_confirmed", "unknown");
    assert!(!reply.body.contains(&kept.lock().unwrap()[0]));
    assert_eq!(stage.seen(Call::ResetPassword), 1);
    proxy
        .get("/readyz")
        .await
        .expect_error(503, "blocked", "never_sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_that_nobody_can_save_is_not_sent() {
    let stage = Stage::new();
    let proxy = Proxy::new(client(&stage), Rules::new()).reset_with(|_| {
        let why = ResetError::NotPrepared("/secret/place is full".into());
        Box::pin(async { Err(why) })
    });
    let proxy = Running::of(Server::new(proxy));
    let reply = proxy.send("PUT", RESET, "", "{}").await;
    let reply = reply.expect_error(503, "reset_not_prepared", "never_sent");
    assert!(!reply.body.contains("/secret/place"));
    assert_eq!(stage.seen_in_all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_reset_repeats_nothing_of_what_the_service_said() {
    let stage = Stage::new();
    let (proxy, _) = with_keeper(&stage, true);
    let body = format!(
        r#"{{"errorCode":"x","errorMessage":"{}"}}"#,
        Simulator::PASSWORD
    );
    let refusal = http::Response::builder()
        .status(400)
        .body(body.into())
        .unwrap();
    stage.inject(Call::ResetPassword, Fault::Replace(refusal));
    let reply = proxy.send("PUT", RESET, "", "{}").await;
    reply.expect_error(503, "refused", "refused");
}
