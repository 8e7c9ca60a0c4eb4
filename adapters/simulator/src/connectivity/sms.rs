//! Text messages: sent to devices, and received from them.

use serde_json::{Value, json};
use thingspace_core::Timestamp;

use super::ask::{Ask, Served, done};
use super::date;
use super::device::{Identifier, ServiceState, identifiers_json};
use super::pages;
use super::selection::{Plan, Unnamed, targets_by_id};
use super::state::Connectivity;
use crate::refusal::Refusal;

/// The callback service. Documented for messages from devices, our choice for the others.
const SERVICE: &str = "EnhancedConnectivityService";

/// The messages of an account.
#[derive(Clone, Default)]
pub(super) struct Messages {
    /// All messages, oldest first.
    history: Vec<Sms>,
    /// The places in the history of those from devices that no callback has reported yet.
    queued: Vec<usize>,
}

#[derive(Clone)]
struct Sms {
    ids: Vec<Identifier>,
    text: String,
    at: Timestamp,
}

pub(crate) fn send(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let text = ask.owned("smsMessage");
    if !fits(&text, ask.text("dataEncoding").unwrap_or("7-bit")) {
        return Err(Refusal::UNEXPECTED);
    }
    let named = targets_by_id(ask.list("deviceIds"));
    let devices = state.targets(ask, named, &account, Plan::Selects, Unnamed::Refused)?;
    state.begin(ask, &account, SERVICE, devices, move |state, task| {
        let device = state.known(task)?;
        device.require(&[ServiceState::Active])?;
        if let Some(account) = state.accounts.get_mut(task.account) {
            account.messages.history.push(Sms {
                ids: device.ids,
                text: text.clone(),
                at: task.at,
            });
        }
        Ok(json!({"smsResponse": {"status": "Delivered"}}))
    })
}

/// Returns true if a text has at most the documented length.
fn fits(text: &str, encoding: &str) -> bool {
    match encoding {
        "7-bit" => text.chars().count() <= 160,
        "8-bit-ASCII" | "8-bit-UTF-8" | "8-bit-DATA" => text.len() <= 140,
        _ => false,
    }
}

pub(crate) fn history(state: &mut Connectivity, ask: &Ask) -> Served {
    let name = state.account_in_path(ask)?;
    let history = &state.account(&name)?.messages.history;
    let (page, next) = pages::cut(history, pages::place(ask)?, state.page_size);
    let messages: Vec<_> = page.iter().map(Sms::json).collect();
    let body = json!({"hasMoreData": next.is_some(), "messages": messages});
    pages::respond(
        &body,
        &format!("/sms/{}/history", pages::encoded(&name)),
        next,
    )
}

/// Delivers the queued messages, if there is a listener for them.
pub(crate) fn start(state: &mut Connectivity, ask: &Ask) -> Served {
    let name = state.account_in_path(ask)?;
    if state.has_listener(&name, SERVICE) {
        let messages = &mut state.account_mut(&name)?.messages;
        let places = std::mem::take(&mut messages.queued);
        let queued = places
            .into_iter()
            .filter_map(|place| messages.history.get(place));
        for sms in queued.cloned().collect::<Vec<_>>() {
            let content = json!({
                "requestId": state.new_id(),
                "deviceIds": identifiers_json(&sms.ids),
                "deviceResponse": {"smsDeliveryResponse": sms.json()},
                "status": "Success",
            });
            state.queue_message(&name, SERVICE, ask.now, content);
        }
    }
    done(&json!({"success": true}))
}

impl Connectivity {
    /// Receives a message from the device with this identifier, of any kind. Returns false
    /// if there is none.
    pub(crate) fn receive_sms(&mut self, now: Timestamp, id: &str, text: &str) -> bool {
        let kinds = ["mdn", "imei", "iccid", "msisdn", "meid", "esn", "eid"];
        let ids = kinds.map(|kind| Identifier::new(kind, id.to_owned()));
        let Some(device) = self.fleet.device(&ids) else {
            return false;
        };
        let Some(account) = self.accounts.get_mut(&device.account) else {
            return false;
        };
        let messages = &mut account.messages;
        messages.queued.push(messages.history.len());
        messages.history.push(Sms {
            ids: device.ids,
            text: text.to_owned(),
            at: now,
        });
        true
    }
}

impl Sms {
    fn json(&self) -> Value {
        json!({
            "deviceIds": identifiers_json(&self.ids),
            "message": self.text,
            "timestamp": date::written(self.at),
        })
    }
}
