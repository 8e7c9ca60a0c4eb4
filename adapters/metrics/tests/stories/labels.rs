//! Names and labels: all are documented, there are few, and none holds a secret.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderName, Request};
use metrics::Unit;
use thingspace_metrics::Metrics;
use thingspace_scenarios::{MINUTE, account, devices};
use thingspace_simulator::{Call, Fault, Simulator};
use thingspace_ureq::{Client, core::Session};

use crate::story::Story;

/// Everything that may happen to a client, and its secrets.
fn everything(story: &Story) -> BTreeSet<String> {
    let mut secrets =
        BTreeSet::from([Simulator::SECRET, Simulator::PASSWORD, "not-the-one"].map(String::from));
    let wrong = story.client_of(story.stage.options_with("not-the-one"));
    wrong.log_in().unwrap_err();
    story.record(&wrong);

    let client = story.sharing(story.register.clone());
    story.register.set_down(true);
    client.log_in().unwrap_err();
    story.register.set_down(false);
    story.stage.pass(MINUTE);
    story.register.overtake();
    let mut learn = |client: &Client| {
        story.record(client);
        client.session(|session| {
            let bearer = session
                .bearer_token()
                .map(|token| token.expose().to_owned());
            let token = session
                .session_token()
                .map(|token| token.expose().to_owned());
            let password = session
                .credentials()
                .password()
                .unwrap()
                .expose()
                .to_owned();
            secrets.extend(bearer.into_iter().chain(token).chain([password]));
        });
    };
    client.call(account()).unwrap();
    learn(&client);
    for fault in [Fault::Drop, Fault::CutShort, Fault::Garbage, Fault::Endless] {
        story.stage.inject(Call::Account, fault);
        let _ = client.call(account());
    }
    story.stage.server.with(Simulator::forget_bearers);
    client.call(devices()).unwrap();
    learn(&client);
    story.stage.server.with(Simulator::forget_sessions);
    client.call(devices()).unwrap();
    learn(&client);
    let odd = Request::builder()
        .method("ICCID-8931440300000000001")
        .uri("/m2m/v1/devices/8931440300000000001?iccid=8931440300000000001")
        .header(HeaderName::from_static("x-id"), "8931440300000000001");
    client.call(odd.body(Bytes::new()).unwrap()).unwrap_err();
    client.reset_password().unwrap();
    learn(&client);
    story.stage.inject(Call::ResetPassword, Fault::CutShort);
    client.reset_password().unwrap_err();
    client.session(Session::unblock);
    client.log_out().unwrap();
    learn(&client);
    secrets
}

#[test]
fn law_10_no_label_holds_a_secret_or_has_values_without_end() {
    let story = Story::new();
    let secrets = everything(&story);
    story.assert_counted("thingspace.logouts", 1);
    let described = story.described();
    for (key, (_, description)) in &described {
        let shown = format!("{key} {description:?}");
        for secret in &secrets {
            // The message must not show it, either.
            assert!(!shown.contains(secret), "a secret shows in {}", key.len());
        }
        for inside in [
            Simulator::KEY,
            Simulator::USERNAME,
            Simulator::ACCOUNT,
            "8931440300000000001",
            "m2m",
            "INPUT_INVALID",
            "127.0.0.1",
        ] {
            assert!(!shown.contains(inside), "{shown}");
        }
    }
    for (label, value) in story.labels() {
        let is_known = match &*label {
            "outcome" => matches!(&*value, "succeeded" | "refused" | "lost"),
            "reason" | "event" | "operation" | "thingspace.purpose" => is_word(&value),
            "http.request.method" => ["GET", "POST", "PUT", "DELETE", "_OTHER"].contains(&&*value),
            "http.response.status_code" => is_status(&value),
            "error.type" => is_status(&value) || is_word(&value),
            _ => false,
        };
        assert!(is_known, "{label}: {value}");
    }
    // A second day like this adds none.
    let keys = story.keys();
    let another = Story::new();
    everything(&another);
    another.assert_counted("thingspace.logouts", 1);
    let more: BTreeSet<_> = another.keys();
    let new: Vec<_> = more
        .difference(&keys)
        .filter(|key| !key.contains("wait"))
        .collect();
    assert_eq!(new, Vec::<&String>::new());
}

fn is_word(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn is_status(value: &str) -> bool {
    value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn every_metric_has_a_unit_a_description_and_a_line_in_the_readme() {
    let story = Story::new();
    everything(&story);
    story.assert_counted("thingspace.logouts", 1);
    let readme = include_str!("../../README.md");
    let mut names = BTreeSet::new();
    for (key, (unit, description)) in story.described() {
        let name = key.split('{').next().unwrap().to_owned();
        assert!(description.is_some(), "{name}");
        let line = readme
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}`")));
        let line = line.unwrap_or_else(|| panic!("{name} is not in the README"));
        let is_time = unit == Some(Unit::Seconds);
        assert!(is_time || unit == Some(Unit::Count), "{name}");
        assert_eq!(is_time, line.contains("| s |"), "{name}");
        for label in key.split(['{', ',']).skip(1) {
            let label = label.split('=').next().unwrap();
            assert!(line.contains(&format!("`{label}`")), "{label} of {name}");
        }
        names.insert(name);
    }
    let documented = readme
        .lines()
        .filter(|line| line.starts_with("| `thingspace.") || line.starts_with("| `http."));
    assert_eq!(names.len(), documented.count());
}

#[test]
fn the_alerts_of_the_readme_are_on_metrics_that_there_are() {
    let readme = include_str!("../../README.md");
    let documented: BTreeSet<_> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(|name| name.replace('.', "_"))
        .collect();
    let alerts = readme.lines().filter(|line| line.contains("expr:"));
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let used: Vec<_> = alerts
        .flat_map(|line| line.split(|c| !is_part(c)))
        .filter(|word| word.starts_with("thingspace_"))
        .map(|word| word.strip_suffix("_total").unwrap_or(word))
        .collect();
    assert_eq!(used.len(), 3);
    for metric in used {
        assert!(documented.contains(metric), "{metric}");
    }
}

#[test]
fn sessions_of_one_program_are_told_apart_by_their_names() {
    let story = Story::of(Metrics::named("fleet"));
    let client = story.client();
    client.call(account()).unwrap();
    story.record(&client);
    story.assert_counted(
        r#"thingspace.logins{outcome="succeeded",thingspace.session="fleet"}"#,
        1,
    );
    for key in story.keys() {
        assert!(key.contains(r#"thingspace.session="fleet""#), "{key}");
    }
}
