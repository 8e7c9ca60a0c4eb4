//! Labels of devices, by which their usage is divided.

use serde_json::{Value, json};

use super::ask::{Ask, Served, list};
use super::device::{Device, pairs, read_pairs, set_pairs};
use super::requests::CARRIER;
use super::selection::{Target, targets};
use super::state::Connectivity;
use crate::refusal::Refusal;

/// The most labels of a removal. Documented by Verizon.
const MOST: usize = 100;

pub(crate) fn associate(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let labels = ask.at("/labels").unwrap_or(&Value::Null);
    let devices = targets(list(labels, "devices"), "deviceIds");
    if devices.is_empty() {
        return Err(Refusal::NO_DEVICES);
    }
    let new = read_pairs("name", list(labels, "label"));
    state.begin(ask, &account, CARRIER, devices, move |state, task| {
        state.change(task, |device| {
            set_pairs(&mut device.labels, &new);
            Ok(json!({"labelResponse": {"labels": pairs("name", &device.labels)}}))
        })
    })
}

/// Removes labels from all devices of an account. They stand in the query, as
/// `LabelList[deviceIds][0][name]` and so on.
pub(crate) fn remove(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = ask.queried("accountName").ok_or(Refusal::UNEXPECTED)?;
    let account = state.checked_account(account)?;
    let labels = in_query(ask)?;
    state.begin(
        ask,
        &account,
        CARRIER,
        vec![Target::default()],
        move |state, task| {
            let labeled: Vec<_> = state
                .fleet
                .known_after(0)
                .filter(|device| device.account == task.account)
                .filter(|device| device.labels.iter().any(|label| labels.contains(label)))
                .cloned()
                .collect();
            let count = labeled.len();
            for mut device in labeled {
                device.labels.retain(|label| !labels.contains(label));
                state.fleet.save(device);
            }
            Ok(json!({"labelResponse": {"devicesChanged": count}}))
        },
    )
}

/// Reads the labels in a query. At least one is required, and each has a name and a value.
fn in_query(ask: &Ask) -> Result<Vec<(String, String)>, Refusal> {
    let text = |place: usize, field: &str| {
        let key = format!("LabelList[deviceIds][{place}][{field}]");
        ask.queried(&key).map(str::to_owned)
    };
    let labels: Vec<_> = (0..=MOST)
        .map_while(|place| Some((text(place, "name")?, text(place, "value")?)))
        .collect();
    let count = ask
        .query()
        .iter()
        .filter(|(key, _)| key.starts_with("LabelList"))
        .count();
    match labels.len() {
        0 => Err(Refusal::UNEXPECTED),
        length if length > MOST => Err(Refusal::TOO_MANY),
        length if length * 2 != count => Err(Refusal::UNEXPECTED),
        _ => Ok(labels),
    }
}

impl Connectivity {
    /// Returns the devices with a label, which is an object with a name and a value.
    pub(super) fn labeled(&self, label: &Value) -> Vec<Device> {
        let label = read_pairs("name", std::slice::from_ref(label));
        let known = self.fleet.known_after(0);
        known
            .filter(|device| label.iter().any(|label| device.labels.contains(label)))
            .cloned()
            .collect()
    }
}
