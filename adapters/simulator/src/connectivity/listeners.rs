//! The listeners of callbacks: one for each service and account.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Uri;
use serde_json::{Value, json};
use thingspace_core::Timestamp;

use super::ask::{Ask, Served, done};
use super::state::Connectivity;
use crate::refusal::Refusal;

/// The most characters of a password. Documented by Verizon.
const PASSWORD_LENGTH: usize = 40;

/// The listeners of an account, by the name of their service.
pub(super) type Listeners = BTreeMap<String, Listener>;

/// A registered listener.
#[derive(Clone)]
pub(super) struct Listener {
    pub(super) url: String,
    username: String,
    password: String,
    /// The credentials of the registration before, and the time until which they are used.
    former: Option<(String, String, Timestamp)>,
}

impl Listener {
    /// Returns the username and the password for a message at this time.
    pub(super) fn credentials(&self, now: Timestamp) -> (&str, &str) {
        match &self.former {
            Some((username, password, until)) if now < *until => (username, password),
            _ => (&self.username, &self.password),
        }
    }
}

impl Connectivity {
    pub(super) fn has_listener(&self, account: &str, service: &str) -> bool {
        self.listener(account, service).is_some()
    }

    pub(super) fn listener(&self, account: &str, service: &str) -> Option<&Listener> {
        self.accounts.get(account)?.listeners.get(service)
    }

    pub(crate) fn set_rotation_delay(&mut self, delay: Duration) {
        self.rotation_delay = delay;
    }
}

pub(crate) fn list(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_in_path(ask)?;
    let listeners: Value = state
        .account(&account)?
        .listeners
        .iter()
        .map(|(service, listener)| {
            json!({
                "accountName": account,
                "serviceName": service,
                "url": listener.url,
                "username": listener.username,
                "password": listener.password,
            })
        })
        .collect();
    done(&listeners)
}

pub(crate) fn register(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_in_path(ask)?;
    let (service, url) = (ask.owned("name"), ask.owned("url"));
    let password = ask.owned("password");
    if service.is_empty() || !is_address(&url) || password.chars().count() > PASSWORD_LENGTH {
        return Err(Refusal::UNEXPECTED);
    }
    let until = ask.now + state.rotation_delay;
    let listeners = &mut state.account_mut(&account)?.listeners;
    let former = listeners.remove(&service);
    let listener = Listener {
        url,
        username: ask.owned("username"),
        password,
        former: former.map(|former| (former.username, former.password, until)),
    };
    listeners.insert(service.clone(), listener);
    done(&json!({"accountName": account, "serviceName": service}))
}

pub(crate) fn deregister(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_in_path(ask)?;
    let service = ask.parameter(1);
    let removed = state.account_mut(&account)?.listeners.remove(service);
    removed.ok_or(Refusal::NO_CALLBACK)?;
    done(&json!({"accountName": account, "serviceName": service}))
}

/// Returns true if a URL is one of HTTP with a host.
fn is_address(url: &str) -> bool {
    url.parse().is_ok_and(|url: Uri| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some()
    })
}
