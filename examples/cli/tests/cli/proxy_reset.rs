//! A reset through `proxy`: refused, or as safe as `reset-password`'s.

use std::time::Duration;

use nix::sys::signal::Signal;
use thingspace_simulator::{Call, Fault, Simulator};

use crate::{proxy::*, stage::*};

const TO_FILE: [&str; 2] = ["--allow-reset-to", "password"];

fn failed_logins(stage: &Stage) -> u64 {
    stage.server.with(|service| service.counts().failed_logins)
}

/// Asserts that the proxy makes a login with the password that it has.
#[track_caller]
fn logs_in(stage: &Stage, proxy: &Proxy) {
    stage.server.with(Simulator::forget_sessions);
    let (status, body) = proxy.get(CALL);
    assert_eq!(status, 200, "{body}");
}

#[test]
fn it_is_refused_by_default() {
    let stage = Stage::new();
    let proxy = Proxy::start(&stage, &[]);
    let (status, body) = proxy.reset();
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("reset_refused"), "{body}");
    proxy.stop().succeeds();
    assert_eq!(stage.seen_in_all(), 0);
}

#[test]
fn law_8_the_new_password_is_on_the_disk_for_the_proxy_and_for_the_next_one() {
    let stage = Stage::new();
    let old = stage.password();
    let proxy = Proxy::start(&stage, &TO_FILE);
    let (status, body) = proxy.reset();
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains(r#""newPassword":"thingspace-proxy""#),
        "{body}"
    );
    let new = stage.password();
    assert_ne!(old, new);
    assert_eq!(stage.read("password").unwrap(), format!("{new}\n"));
    assert_eq!(stage.read("password.old").unwrap(), format!("{old}\n"));
    assert_eq!(mode(&stage.at("password")), 0o600);
    assert_eq!(stage.status()["reset"]["new_password"], "saved");

    logs_in(&stage, &proxy);
    // It reads the same one again.
    proxy.signal(Signal::SIGHUP);
    let ran = proxy.stop().succeeds();
    let report = &logged(&ran, "reset")[0];
    assert_eq!(report["place"], stage.at("password").to_str().unwrap());
    assert_eq!(report["state_saved"], true);

    let proxy = Proxy::start(&stage, &TO_FILE);
    logs_in(&stage, &proxy);
    assert_eq!(proxy.reset().0, 200);
    stage.password();
    proxy.stop().succeeds();
    assert_eq!(
        (stage.seen(Call::ResetPassword), failed_logins(&stage)),
        (2, 0)
    );
}

#[test]
fn its_record_is_beside_the_store_that_is_named() {
    let stage = Stage::new();
    let store = stage.at("shared/session.json");
    let args = ["proxy", "--store", store.to_str().unwrap()];
    let mut command = stage.program();
    command.args(args).args(TO_FILE);
    let proxy = Proxy::of(&stage, &mut command);
    assert_eq!(proxy.reset().0, 200);
    let new = stage.password();
    assert_eq!(stage.read("password").unwrap().trim(), new);
    assert!(stage.at("shared/session.json.reset").exists());
    logs_in(&stage, &proxy);
    proxy.stop().succeeds();
    assert_eq!(failed_logins(&stage), 0);
}

#[test]
fn a_program_is_given_the_new_password() {
    let stage = Stage::open();
    let command = ["--allow-reset-command", "sh", "-c", "cat > vault"];
    let proxy = Proxy::start(&stage, &command);
    assert_eq!(proxy.reset().0, 200);
    assert_eq!(stage.read("vault").unwrap(), stage.password());
    logs_in(&stage, &proxy);
    proxy.stop().succeeds();
    assert_eq!(failed_logins(&stage), 0);
}

#[test]
fn a_place_that_can_not_be_written_sends_nothing() {
    let stage = Stage::open();
    stage.write("precious", "something else");
    for (to, reason) in [
        ("missing/password", "could not be made"),
        ("precious", "holds something else"),
    ] {
        let proxy = Proxy::start(&stage, &["--allow-reset-to", to]);
        let (status, body) = proxy.reset();
        assert_eq!(status, 503, "{body}");
        assert!(body.contains("reset_not_prepared"), "{body}");
        assert!(!body.contains(to), "{body}");
        let ran = proxy.stop().succeeds();
        let failed = logged(&ran, "not_reset")[0]["error"].to_string();
        assert!(failed.contains(reason), "{failed}");
    }
    assert_eq!(stage.seen(Call::ResetPassword), 0);
    assert!(stage.status()["reset"].is_null());
}

#[test]
fn a_reset_that_is_refused_leaves_everything_as_it_was() {
    let stage = Stage::open();
    let refused = Fault::Status(http::StatusCode::FORBIDDEN);
    stage.inject(Call::ResetPassword, refused);
    let proxy = Proxy::start(&stage, &TO_FILE);
    let (status, body) = proxy.reset();
    assert_eq!(status, 503, "{body}");
    assert_eq!(stage.read("password").unwrap(), stage.password());
    for left in ["password.new", "password.old"] {
        assert!(!stage.at(left).exists(), "{left}");
    }
    assert!(stage.status()["reset"].is_null());
    assert_eq!(proxy.reset().0, 200);
    stage.password();
    proxy.stop().succeeds();
}

#[test]
fn law_8_a_lost_response_blocks_logins_and_says_what_to_do() {
    let stage = Stage::open();
    let old = stage.password();
    stage.inject(Call::ResetPassword, Fault::Drop.after_acting());
    let proxy = Proxy::start(&stage, &TO_FILE);
    let (status, body) = proxy.reset();
    assert_eq!(status, 502, "{body}");
    assert!(body.contains(r#""outcome":"unknown""#), "{body}");
    stage.password();
    assert_eq!(stage.read("password").unwrap(), old);
    assert_eq!(stage.status()["reset"]["new_password"], "none");
    assert_eq!(proxy.get("/readyz").0, 503);
    // The open session goes on.
    assert_eq!(proxy.get(CALL).0, 200);
    let ran = proxy.stop().succeeds();
    let failed = logged(&ran, "not_reset")[0]["error"].to_string();
    assert!(failed.contains("left no new password"), "{failed}");
    assert_eq!(stage.seen(Call::ResetPassword), 1);
}

#[test]
fn law_8_a_response_that_broke_off_is_saved() {
    let stage = Stage::open();
    stage.inject(Call::ResetPassword, Fault::CutShort);
    let proxy = Proxy::start(&stage, &TO_FILE);
    assert_eq!(proxy.reset().0, 502);
    let part = stage.read("state/session.json.response").unwrap();
    let whole = format!(r#"{{"newPassword":"{}"}}"#, stage.password());
    assert!(!part.is_empty() && whole.starts_with(&part), "{part}");
    assert_eq!(proxy.reset().0, 503);
    proxy.stop().succeeds();
    assert_eq!(stage.seen(Call::ResetPassword), 1);
}

#[test]
fn law_8_neither_a_client_that_leaves_nor_the_end_of_the_proxy_cuts_a_reset_off() {
    let stage = Stage::open();
    let proxy = Proxy::start(&stage, &[&TO_FILE[..], &["--drain", "0"]].concat());
    stage.inject(
        Call::ResetPassword,
        Fault::Delay(Duration::from_secs(1)).after_acting(),
    );
    let mut leaving = proxy.connect();
    ask_for_reset(&mut leaving);
    wait_for(|| stage.seen(Call::ResetPassword) == 1);
    drop(leaving);
    let ran = proxy.stop();
    assert!(matches!(ran.code, Some(0 | 5)), "{ran:?}");
    assert_eq!(stage.read("password").unwrap().trim(), stage.password());
    assert_eq!(logged(&ran, "reset").len(), 1);
    let proxy = Proxy::start(&stage, &[]);
    logs_in(&stage, &proxy);
    proxy.stop().succeeds();
    assert_eq!(failed_logins(&stage), 0);
}

#[test]
fn law_8_a_proxy_that_is_killed_during_a_reset_leaves_what_the_command_does() {
    for executed in [false, true] {
        let stage = Stage::open();
        let fault = if executed {
            Fault::Hang.after_acting()
        } else {
            Fault::Hang
        };
        stage.inject(Call::ResetPassword, fault);
        let proxy = Proxy::start(&stage, &TO_FILE);
        let mut asked = proxy.connect();
        ask_for_reset(&mut asked);
        wait_for(|| stage.seen(Call::ResetPassword) == 1);
        proxy.kill();
        stage.pass(MINUTE);
        let status = stage.status();
        assert_eq!(status["login_guard"]["blocked"], "password_in_doubt");
        assert_eq!(status["reset"]["new_password"], "none");

        // The next one goes on with the open session, and makes no login.
        let proxy = Proxy::start(&stage, &TO_FILE);
        assert_eq!(proxy.get("/readyz").0, 503);
        stage.server.with(Simulator::forget_sessions);
        assert_eq!(proxy.get(CALL).0, 503);
        assert_eq!(stage.seen(Call::LogIn), 1);
        stage.run(&["unblock", "--yes"]).succeeds();
        wait_for(|| proxy.get("/readyz").0 == 200);
        let (status, body) = proxy.get(CALL);
        assert_eq!(status, if executed { 503 } else { 200 }, "{body}");
        assert_eq!(failed_logins(&stage), u64::from(executed));
        proxy.stop().succeeds();
    }
}

#[test]
fn law_8_a_proxy_that_is_killed_between_the_halves_leaves_the_new_password() {
    let stage = Stage::open();
    // It kills who started it, before it has taken anything.
    let command = ["--allow-reset-command", "sh", "-c", "kill -9 $PPID"];
    let proxy = Proxy::start(&stage, &command);
    let mut asked = proxy.connect();
    ask_for_reset(&mut asked);
    proxy.end().was_killed();
    stage.pass(MINUTE);
    let status = stage.status();
    assert_eq!(status["login_guard"]["blocked"], "awaiting_confirmation");
    assert_eq!(status["reset"]["new_password"], "being_handed_over");
    let saved = stage.read("state/session.json.password").unwrap();
    assert_eq!(saved.trim(), stage.password());

    stage.write("password", saved.trim());
    let proxy = Proxy::start(&stage, &[]);
    stage.server.with(Simulator::forget_sessions);
    assert_eq!(proxy.get(CALL).0, 503);
    stage.run(&["unblock", "--yes"]).succeeds();
    wait_for(|| proxy.get("/readyz").0 == 200);
    assert_eq!(proxy.get(CALL).0, 200);
    proxy.stop().succeeds();
    assert_eq!(failed_logins(&stage), 0);
}

#[test]
fn a_login_with_the_new_password_settles_the_reset() {
    let stage = Stage::open();
    stage
        .run(&["reset-password", "--to", "password"])
        .succeeds();
    stage.password();
    let proxy = Proxy::start(&stage, &[]);
    // The open session is no proof.
    assert_eq!(proxy.get(CALL).0, 200);
    assert!(stage.at("password.old").exists());
    logs_in(&stage, &proxy);
    wait_for(|| !stage.at("password.old").exists());
    assert!(stage.status()["reset"].is_null());
    proxy.stop().succeeds();
    assert_eq!(failed_logins(&stage), 0);
}

#[test]
fn a_login_of_its_own_reset_settles_that_one_only_when_it_comes_after_it() {
    let stage = Stage::new();
    let proxy = Proxy::start(&stage, &TO_FILE);
    // This one logs in first, with the old password.
    assert_eq!(proxy.reset().0, 200);
    assert_eq!(proxy.get(CALL).0, 200);
    assert!(stage.at("password.old").exists());
    logs_in(&stage, &proxy);
    wait_for(|| !stage.at("password.old").exists());
    proxy.stop().succeeds();
    assert!(stage.status()["reset"].is_null());
}

#[test]
fn law_8_a_proxy_with_the_password_from_before_a_reset_does_not_start() {
    let stage = Stage::open();
    stage.run(&["reset-password", "--to", "other"]).succeeds();
    stage
        .run(&["proxy"])
        .ends_with(3)
        .reports("the password given is the one from before the reset")
        .reports("other");
    assert_eq!(stage.seen(Call::LogIn), 1);
}
