use serde_json::json;
use thingspace_core::{
    Endpoint, Environment, Password,
    api::callbacks::{
        DeregisterCallback, ListRegisteredCallbacks, MAX_CALLBACK_PASSWORD_LENGTH, PasswordTooLong,
        RegisterCallback,
    },
    model::CallbackService,
};

use crate::stage::{ACCOUNT, Case, check, parse};

const LISTENER: &str = "https://yourwebsite.example:9001/callbacks";

#[test]
fn list_registered_callbacks() {
    check(|texts| {
        let call = ListRegisteredCallbacks::new(texts.account());
        Case::new(call, "GET", &["callbacks", &texts.account()])
    })
    .may_be_retried()
    .returns(
        &json!([
            {"accountName": ACCOUNT, "password": "", "serviceName": "CarrierService",
             "url": LISTENER, "username": ""},
            {"accountName": ACCOUNT, "password": "hush", "serviceName": "NiddService",
             "url": LISTENER, "username": "thingspace"},
        ]),
        |callbacks| {
            let [open, closed] = &callbacks[..] else {
                panic!("{callbacks:?}");
            };
            assert_eq!(open.account_name.as_deref(), Some(ACCOUNT));
            assert_eq!(open.service_name, Some(CallbackService::CARRIER_SERVICE));
            assert_eq!(open.url.as_deref(), Some(LISTENER));
            assert_eq!((&open.username, &open.password), (&None, &None));
            assert_eq!(closed.username.as_deref(), Some("thingspace"));
            assert_eq!(closed.password, Password::new("hush").ok());
            for callback in callbacks.iter() {
                assert_eq!(callback.other.iter().count(), 0);
            }
        },
    );
}

#[test]
fn a_listed_password_is_never_shown() {
    for password in [
        json!("hush8515"),
        json!(8515),
        json!(["hush8515"]),
        json!({"hush": 8515}),
        json!("hush8515\u{fffd}"),
    ] {
        let listed = json!([{"password": password, "url": LISTENER}]);
        let callbacks = parse::<ListRegisteredCallbacks>(&listed).unwrap();
        let shown = format!("{callbacks:?}");
        assert!(!shown.contains("8515"), "{shown}");
        assert_eq!(callbacks[0].url.as_deref(), Some(LISTENER));
    }
}

#[test]
fn a_listed_password_that_can_not_be_right_is_told_and_kept() {
    // A number could be written in another way, and a character that could not be read
    // stands for one that nobody knows.
    for password in [json!(1.50), json!(["hush"]), json!("hush\u{fffd}")] {
        let listed = json!([{"password": password}]);
        let callbacks = parse::<ListRegisteredCallbacks>(&listed).unwrap();
        assert_eq!(callbacks[0].password, None);
        assert_eq!(callbacks[0].other.unfit(), ["password"]);
        assert_eq!(callbacks[0].other.get("password"), Some(&password));
    }
}

#[test]
fn register_callback() {
    check(|texts| {
        let service = CallbackService::from(texts.text("CarrierService"));
        let mut call = RegisterCallback::new(texts.account(), service, texts.text(LISTENER))
            .with_password(Password::new(texts.text("hush")).unwrap())
            .unwrap();
        call.username = Some(texts.text("thingspace"));
        Case::new(call, "POST", &["callbacks", &texts.account()]).body(json!({
            "name": texts.text("CarrierService"),
            "url": texts.text(LISTENER),
            "username": texts.text("thingspace"),
            "password": texts.text("hush"),
        }))
    })
    .sent_once()
    .returns(
        &json!({"accountName": ACCOUNT, "serviceName": "CarrierService"}),
        |result| {
            assert_eq!(result.account_name.as_deref(), Some(ACCOUNT));
            assert_eq!(result.service_name, Some(CallbackService::CARRIER_SERVICE));
        },
    );
}

#[test]
fn a_callback_is_registered_without_a_user_name_and_a_password() {
    check(|texts| {
        let service = CallbackService::DEVICE_USAGE;
        let call = RegisterCallback::new(texts.account(), service, texts.text(LISTENER));
        Case::new(call, "POST", &["callbacks", &texts.account()])
            .body(json!({"name": "DeviceUsage", "url": texts.text(LISTENER)}))
    });
}

#[test]
fn a_password_has_at_most_40_characters_of_any_length() {
    let register = |password: String| {
        RegisterCallback::new(ACCOUNT, CallbackService::CARRIER_SERVICE, LISTENER)
            .with_password(Password::new(password).unwrap())
    };
    for character in ["x", "ß", "\u{1f600}"] {
        let call = register(character.repeat(MAX_CALLBACK_PASSWORD_LENGTH)).unwrap();
        let request = call.clone().build(&Environment::mock()).unwrap();
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["password"], call.password().unwrap().expose());
        let too_long = character.repeat(MAX_CALLBACK_PASSWORD_LENGTH + 1);
        assert_eq!(register(too_long), Err(PasswordTooLong));
    }
    assert_eq!(
        PasswordTooLong.to_string(),
        "the password is too long for a callback; give one of at most 40 characters"
    );
}

#[test]
fn the_password_of_a_registration_is_not_shown() {
    let call = RegisterCallback::new(ACCOUNT, CallbackService::CARRIER_SERVICE, LISTENER)
        .with_password(Password::new("hush").unwrap());
    assert!(!format!("{call:?}").contains("hush"));
}

#[test]
fn deregister_callback() {
    check(|texts| {
        let service = CallbackService::from(texts.text("CarrierService"));
        let call = DeregisterCallback::new(texts.account(), service);
        let name = texts.text("CarrierService");
        Case::new(
            call,
            "DELETE",
            &["callbacks", &texts.account(), "name", &name],
        )
    })
    .sent_once()
    .returns(
        &json!({"accountName": ACCOUNT, "serviceName": "CarrierService"}),
        |result| assert_eq!(result.service_name, Some(CallbackService::CARRIER_SERVICE)),
    );
}
