//! Nothing that can be printed or saved shows the credentials of a listener.

use std::fmt::{Debug, Display, Write};

use serde_json::{Value, json};
use thingspace_core::{
    callback::{CallbackMessage, Listener, NiddService, ROTATION_OVERLAP},
    model::FromJson,
};

use crate::stage::*;

/// No words that anybody else would print.
const OLD: &str = "Rb5%mT8/cYs+dN3u";
const NEW: &str = "Fw6%gL1/zKx+oH9e";
const NAME: &str = "Xq7%hJ2/vWz+kP4y";
const GUESS: &str = "Ja4%pV7/iQk+tB2w";

/// The number of bytes of a secret in a row that are too many to show.
const PIECE: usize = 6;

#[derive(Default)]
struct Shown(String);

impl Shown {
    fn debug(&mut self, it: &impl Debug) {
        write!(self.0, "{it:?}\n{it:#?}\n").unwrap();
    }

    fn display(&mut self, it: &impl Display) {
        writeln!(self.0, "{it}").unwrap();
    }

    #[track_caller]
    fn holds_no_secret(&self) {
        for secret in [OLD, NEW, NAME, GUESS] {
            for piece in secret.as_bytes().windows(PIECE) {
                let piece = std::str::from_utf8(piece).unwrap();
                assert!(!self.0.contains(piece), "{piece} in {}", self.0);
            }
        }
    }
}

/// Bodies with these credentials, as ThingSpace sends them and as it does not.
fn bodies(username: &str, password: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    for body in all() {
        let mut body = body;
        for (name, value) in [
            (json!(username), json!(password)),
            (json!([username]), json!({password: password})),
            (json!({"a": username}), json!([[password]])),
            (json!(password), json!(username)),
        ] {
            body["username"] = name;
            body["password"] = value;
            let text = body.to_string();
            bodies.push(text.replacen('{', &format!(r#"{{"password":"{GUESS}","#), 1));
            bodies.push(text.replace('}', ""));
            bodies.push(text);
        }
    }
    bodies.push(Value::from(password).to_string());
    bodies.push(format!("<password>{password}</password>"));
    bodies.push(format!("{password}{username}"));
    bodies
}

#[test]
fn law_10_neither_an_acceptance_nor_a_refusal_shows_a_credential() {
    let mut rotating = Listener::new(credentials(NAME, OLD));
    rotating.rotate(credentials(NAME, NEW), NOW + ROTATION_OVERLAP);
    let (mut accepted, mut refused) = (0, 0);
    for listener in [rotating, Listener::without_credentials(), listener()] {
        for password in [OLD, NEW, GUESS] {
            for body in bodies(NAME, password) {
                let mut shown = Shown::default();
                shown.debug(&listener);
                match listener.read(&post(body), NOW) {
                    Ok(callback) => {
                        accepted += 1;
                        shown.debug(&callback);
                        shown.debug(&callback.message);
                        shown.debug(&callback.message.content::<NiddService>());
                        shown.debug(&callback.response());
                        shown.debug(&callback.key);
                        shown.display(&callback.key);
                        shown.display(callback.json());
                        let other = callback.message.other.iter();
                        shown.debug(&other.collect::<Vec<_>>());
                    }
                    Err(refusal) => {
                        refused += 1;
                        shown.debug(&refusal);
                        shown.display(&refusal);
                        shown.debug(&refusal.response());
                    }
                }
                shown.holds_no_secret();
            }
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted} {refused}");
}

#[test]
fn law_10_a_message_that_is_read_without_a_listener_has_no_credentials_either() {
    for (name, password) in [
        (json!(NAME), json!(NEW)),
        (json!([NAME]), json!({NEW: NEW})),
    ] {
        let body = message(&json!({"username": name, "password": password}));
        let message = CallbackMessage::from_json(body).unwrap();
        assert_eq!(message.other.iter().count(), 0);
        assert_eq!(message.other.unfit(), [""; 0]);
    }
}

#[test]
fn law_10_credentials_show_nothing() {
    let mut shown = Shown::default();
    shown.debug(&credentials(NAME, NEW));
    shown.holds_no_secret();
    assert!(shown.0.starts_with("ListenerCredentials(…)"));
}

#[test]
fn law_10_a_message_shows_the_names_of_what_is_not_documented_and_no_values() {
    let callback = accepted(&message(
        &json!({"new": GUESS, "deviceResponse": {"a": GUESS}}),
    ));
    let mut shown = Shown::default();
    shown.debug(&callback);
    shown.holds_no_secret();
    assert!(shown.0.contains("deviceResponse"));
}
