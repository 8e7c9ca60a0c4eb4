//! Logins, and the lock after five failures.

use serde_json::json;
use thingspace_simulator::{Call, Simulator};

use crate::service::*;

const WRONG: &str = "INPUT_INVALID.Credentials.Invalid";
const LOCKED: &str = "REQUEST_FAILED.User.Locked";

#[test]
fn the_right_password_opens_a_session() {
    let mut service = Service::new();

    let tokens = service.log_in();

    let groups: Vec<_> = tokens.session.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12]);
    let digits = tokens.session.replace('-', "");
    assert!(digits.chars().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(service.simulator.open_sessions(service.now), 1);
    assert_eq!(service.simulator.counts().done(Call::LogIn), 1);
}

#[test]
fn a_wrong_password_is_refused_and_counted() {
    let mut service = Service::new();

    let response = service.try_log_in(Simulator::USERNAME, "grflbk");

    response.assert_refused(WRONG);
    assert_eq!(service.simulator.consecutive_failures(), 1);
    assert_eq!(service.simulator.counts().failed_logins, 1);
    assert_eq!(service.simulator.counts().seen(Call::LogIn), 1);
    assert_eq!(service.simulator.counts().done(Call::LogIn), 0);
}

#[test]
fn a_successful_login_clears_the_count() {
    let mut service = Service::new();

    for _ in 0..3 {
        service.fail_logins(4);
        assert_eq!(service.simulator.consecutive_failures(), 4);
        service.log_in();
        assert_eq!(service.simulator.consecutive_failures(), 0);
    }

    assert!(!service.simulator.is_locked());
    assert_eq!(service.simulator.counts().failed_logins, 12);
}

#[test]
fn five_failures_in_a_row_lock_the_username_for_the_right_password_too() {
    let mut service = Service::new();
    service.fail_logins(4);
    assert!(!service.simulator.is_locked());
    service.fail_logins(1);
    assert!(service.simulator.is_locked());

    service.pass(24 * 60 * MINUTE);
    let right = service.try_log_in(Simulator::USERNAME, Simulator::PASSWORD);

    right.assert_refused(LOCKED);
    assert_eq!(service.simulator.counts().locked_logins, 1);
    assert_eq!(service.simulator.counts().failed_logins, 5);
    assert_eq!(service.simulator.open_sessions(service.now), 0);
}

#[test]
fn only_support_unlocks_the_username() {
    let mut service = Service::new();
    service.fail_logins(5);

    service.simulator.unlock();

    assert!(!service.simulator.is_locked());
    service.fail_logins(4);
    service.log_in();
}

#[test]
fn a_lock_does_not_end_an_open_session() {
    let mut service = Service::new();
    let tokens = service.log_in();

    service.fail_logins(5);

    assert_eq!(service.account(&tokens).status, 200);
}

#[test]
fn another_username_gets_the_same_refusal_and_locks_no_username() {
    let mut service = Service::new();

    for _ in 0..6 {
        let response = service.try_log_in("trillian", Simulator::PASSWORD);
        response.assert_refused(WRONG);
    }

    assert!(!service.simulator.is_locked());
    assert_eq!(service.simulator.counts().failed_logins, 6);
    service.log_in();
}

#[test]
fn a_missing_password_is_a_wrong_one() {
    let mut service = Service::new();
    let bearer = service.bearer();

    for body in [
        json!({"username": "zbeeblebrox"}),
        json!({"username": "zbeeblebrox", "password": null}),
    ] {
        service.send(&login(&bearer, &body)).assert_refused(WRONG);
    }

    assert_eq!(service.simulator.consecutive_failures(), 2);
}

#[test]
fn a_login_without_a_username_is_no_failed_login() {
    let mut service = Service::new();
    let bearer = service.bearer();
    let login = || post(LOGIN).header("authorization", format!("Bearer {bearer}"));

    let blank = service.send(&without_body(login()));
    blank.assert_refused("INPUT_INVALID.RequestUndefined");
    for body in [json!({}), json!([]), json!(7), json!({"username": 7})] {
        let response = service.send(&with_json(login(), &body));
        response.assert_refused("REQUEST_FAILED.UnexpectedError");
    }
    let broken = with_body(login().header("content-type", "application/json"), "{");
    let broken = service.send(&broken);
    broken.assert_refused("REQUEST_FAILED.UnexpectedError");

    assert_eq!(service.simulator.consecutive_failures(), 0);
    assert_eq!(service.simulator.counts().failed_logins, 0);
    assert_eq!(service.simulator.counts().seen(Call::LogIn), 6);
}

#[test]
fn the_codes_of_a_refused_login_can_be_set() {
    let simulator = Simulator::new(1)
        .refusal_code("SessionService.INPUT_INVALID.Password")
        .lock_code("SessionService.REQUEST_ONHOLD.Whatever");
    let mut service = Service::with(simulator);

    let wrong = service.try_log_in(Simulator::USERNAME, "grflbk");
    assert_eq!(
        wrong.text("errorCode"),
        "SessionService.INPUT_INVALID.Password"
    );
    service.fail_logins(4);
    let locked = service.try_log_in(Simulator::USERNAME, "grflbk");
    assert_eq!(
        locked.text("errorCode"),
        "SessionService.REQUEST_ONHOLD.Whatever"
    );
}

#[test]
fn the_account_can_be_set() {
    let simulator = Simulator::new(1)
        .application("key", "secret")
        .user("trillian", "Wh0a1545a84d")
        .account("0000654321-00001");
    let mut service = Service::with(simulator);

    service
        .send(&bearer_request())
        .assert_oauth(401, "invalid_client");
    let basic = "Basic a2V5OnNlY3JldA==";
    let request = post(TOKEN).header("authorization", basic);
    let request = with_form(request, "grant_type=client_credentials");
    let bearer = service.send(&request).text("access_token");
    let body = json!({"username": "trillian", "password": "Wh0a1545a84d"});
    let session = service.send(&login(&bearer, &body)).text("sessionToken");
    let tokens = Tokens { bearer, session };

    let account = get("/api/m2m/v1/accounts/0000654321-00001");
    let account = service.send(&without_body(tokens.authorize(account)));
    assert_eq!(account.text("accountName"), "0000654321-00001");
    service
        .account(&tokens)
        .assert_refused("REQUEST_FAILED.AccountNotFound");
}

#[test]
fn nothing_secret_is_printed() {
    let mut service = Service::new();
    let tokens = service.log_in();
    service.reset(&tokens, Simulator::PASSWORD);
    let reply = service.reply(&bearer_request());

    let printed = format!("{:?} {reply:?}", service.simulator);

    assert!(printed.contains(Simulator::USERNAME));
    for secret in [
        tokens.bearer.as_str(),
        tokens.session.as_str(),
        Simulator::SECRET,
        Simulator::PASSWORD,
        service.simulator.reveal_password(),
    ] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
