//! What holds for every message.

use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};
use thingspace_core::{
    callback::{CallbackRefusal, CarrierService, Listener, NiddService},
    model::{DeviceId, RequestId},
};

use crate::stage::*;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // All digits of such a fraction are read.
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".{0,8}", inner), 0..4)
                .prop_map(|fields| { Value::Object(fields.into_iter().collect::<Map<_, _>>()) }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_is_read_back_as_it_was_written(
        username in ".{0,20}",
        password in ".{1,40}",
        id in "[!-~]{1,40}",
        devices in vec((".{0,20}", ".{0,8}"), 0..4),
        status in ".{0,12}",
        fault in (".{0,20}", ".{0,40}"),
        counts in any::<(i64, i64)>(),
        name in "[A-Z][a-z]{0,8}",
        content in value(),
    ) {
        let listed: Vec<_> = devices.iter().map(|(id, kind)| json!({"id": id, "kind": kind})).collect();
        let body = json!({
            "username": username, "password": password, "requestId": id, "deviceIds": listed,
            "status": status, "callbackCount": counts.0, "maxCallbackThreshold": counts.1,
            "faultResponse": {"faultcode": fault.0, "faultstring": fault.1}, name.clone(): content,
        });
        let listener = Listener::new(credentials(&username, &password));
        let callback = listener.read(&post(body.to_string()), NOW).unwrap();
        let message = &callback.message;
        prop_assert_eq!(&message.request_id, &RequestId::new(&id));
        let expected: Vec<_> = devices.iter().map(|(id, kind)| DeviceId::new(kind.as_str().into(), id)).collect();
        prop_assert_eq!(&message.device_ids, &expected);
        prop_assert_eq!(message.status.as_ref().unwrap().as_str(), status);
        prop_assert_eq!((message.callback_count, message.max_callback_threshold), (Some(counts.0), Some(counts.1)));
        let read = message.fault.as_ref().unwrap();
        prop_assert_eq!(read.fault_code.as_ref(), Some(&fault.0));
        prop_assert_eq!(read.fault_string.as_ref(), Some(&fault.1));

        // Parsers of somebody else's read the rest.
        let content = serde_json::from_str::<Value>(&body.to_string()).unwrap()[&name].clone();
        prop_assert_eq!(message.other.get(&name), Some(&content));
        prop_assert_eq!(&callback.json()[&name], &content);

        // Written again and read again, it is the same.
        let mut again = callback.json().clone();
        again["username"] = json!(username);
        again["password"] = json!(password);
        let again = listener.read(&post(again.to_string()), NOW).unwrap();
        prop_assert_eq!(again, callback);
    }

    #[test]
    fn a_message_is_accepted_if_and_only_if_its_credentials_are_the_registered_ones(
        registered in (".{0,3}", ".{1,3}"),
        sent in (".{0,3}", ".{0,3}"),
    ) {
        let listener = Listener::new(credentials(&registered.0, &registered.1));
        for (username, password) in [&sent, &registered, &(sent.0.clone(), registered.1.clone())] {
            let body = json!({"username": username, "password": password}).to_string();
            let is_right = (username, password) == (&registered.0, &registered.1);
            prop_assert_eq!(listener.read(&post(body), NOW).is_ok(), is_right);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(body in vec(any::<u8>(), 0..200), text in ".{0,200}") {
        for body in [body, text.into_bytes()] {
            let refusal = read(body.clone()).unwrap_err();
            prop_assert!(matches!(refusal, CallbackRefusal::Body(_) | CallbackRefusal::Credentials));
            let anybody = Listener::without_credentials().read(&post(body), NOW);
            prop_assert!(anybody.is_ok() || anybody.unwrap_err().status() == 400);
        }
    }

    #[test]
    fn any_content_is_read_as_that_of_any_service(content in value()) {
        for name in ["deviceResponse", "niddResponse", "faultResponse", "deviceIds", "smsMessage"] {
            let read = accepted(&message(&json!({name: content})));
            let _: CarrierService = read.message.content();
            let _: NiddService = read.message.content();
        }
    }
}
