//! Groups of devices. Each device is in one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ask::{Ask, Served, done};
use super::device::{DEFAULT_GROUP, Device, identifiers_json};
use super::pages;
use super::selection::{Target, targets_by_id};
use super::state::Connectivity;
use crate::refusal::Refusal;

const DEFAULT_DESCRIPTION: &str = "Devices that are in no other group";

/// The groups of an account beside the default group: their descriptions by their names.
pub(super) type Groups = BTreeMap<String, String>;

pub(crate) fn create(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_name(ask)?;
    let name = ask.owned("groupName");
    state.check_new_group(&account, &name)?;
    let devices = state.all_known(&account, ask.list("devicesToAdd"))?;
    let groups = &mut state.account_mut(&account)?.groups;
    groups.insert(name.clone(), ask.owned("groupDescription"));
    state.put_into(&name, devices);
    done(&json!({"success": true}))
}

pub(crate) fn list(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_in_path(ask)?;
    let groups = state.account(&account)?.groups.iter();
    let all = std::iter::once((DEFAULT_GROUP, DEFAULT_DESCRIPTION))
        .chain(groups.map(|(name, description)| (name.as_str(), description.as_str())));
    let groups: Value = all
        .map(|(name, description)| {
            json!({
                "name": name,
                "description": description,
                "isDefaultGroup": name == DEFAULT_GROUP,
                "extendedAttributes": [],
            })
        })
        .collect();
    done(&groups)
}

pub(crate) fn information(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_in_path(ask)?;
    let name = ask.parameter(1);
    let description = state.check_group(&account, name)?.to_owned();
    let (devices, next) = state.group_page(&account, name, pages::place(ask)?);
    let devices: Vec<_> = devices
        .iter()
        .map(|device| json!({"deviceIds": identifiers_json(&device.ids)}))
        .collect();
    let body = json!({
        "name": name,
        "description": description,
        "devices": devices,
        "hasMoreData": next.is_some(),
    });
    // With a slash before the query, as documented.
    let (account, name) = (pages::encoded(&account), pages::encoded(name));
    pages::respond(&body, &format!("/groups/{account}/name/{name}/"), next)
}

pub(crate) fn update(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_in_path(ask)?;
    let old = ask.parameter(1);
    let description = state.check_own_group(&account, old)?.to_owned();
    let new = ask.text("newGroupName").unwrap_or(old);
    if new != old {
        state.check_new_group(&account, new)?;
    }
    let added = state.all_known(&account, ask.list("devicesToAdd"))?;
    let removed = state.all_known(&account, ask.list("devicesToRemove"))?;
    if removed.iter().any(|device| device.group != old) {
        return Err(Refusal::NO_DEVICE);
    }
    let description = ask
        .text("newGroupDescription")
        .map_or(description, str::to_owned);
    let groups = &mut state.account_mut(&account)?.groups;
    groups.remove(old);
    groups.insert(new.to_owned(), description);
    if new != old {
        let members = state.members(&account, old);
        state.put_into(new, members);
    }
    state.put_into(DEFAULT_GROUP, removed);
    state.put_into(new, added);
    done(&json!({"success": true}))
}

/// Deletes a group. Its devices are in the default group then.
pub(crate) fn delete(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_in_path(ask)?;
    let name = ask.parameter(1);
    state.check_own_group(&account, name)?;
    state.account_mut(&account)?.groups.remove(name);
    let members = state.members(&account, name);
    state.put_into(DEFAULT_GROUP, members);
    done(&json!({"success": true}))
}

impl Connectivity {
    /// Returns the description of a group, or refuses a group that is not there.
    pub(super) fn check_group(&self, account: &str, name: &str) -> Result<&str, Refusal> {
        if name == DEFAULT_GROUP {
            return Ok(DEFAULT_DESCRIPTION);
        }
        let description = self.account(account)?.groups.get(name);
        description.map(String::as_str).ok_or(Refusal::NO_GROUP)
    }

    /// Refuses the default group as well, which can't be changed.
    fn check_own_group(&self, account: &str, name: &str) -> Result<&str, Refusal> {
        if name == DEFAULT_GROUP {
            return Err(Refusal::DEFAULT_GROUP);
        }
        self.check_group(account, name)
    }

    /// Refuses a name without content, or one that another group has.
    fn check_new_group(&self, account: &str, name: &str) -> Result<(), Refusal> {
        if name.is_empty() {
            return Err(Refusal::UNEXPECTED);
        }
        match self.check_group(account, name) {
            Ok(_) => Err(Refusal::GROUP_EXISTS),
            Err(_) => Ok(()),
        }
    }

    /// Returns the devices with these identifiers. All must exist.
    fn all_known(&self, account: &str, ids: &[Value]) -> Result<Vec<Device>, Refusal> {
        let device = |target: Target| {
            let device = self.fleet.device(&target.ids);
            let device = device.filter(|device| device.account == account);
            device.ok_or(Refusal::NO_DEVICE)
        };
        targets_by_id(ids).into_iter().map(device).collect()
    }

    /// Puts devices into a group. They leave the one that they were in.
    fn put_into(&mut self, group: &str, devices: Vec<Device>) {
        for mut device in devices {
            group.clone_into(&mut device.group);
            self.fleet.save(device);
        }
    }

    /// Returns all devices of a group that is not the default group.
    fn members(&self, account: &str, group: &str) -> Vec<Device> {
        let known = self.fleet.known_after(0);
        known
            .filter(|device| device.account == account && device.group == group)
            .cloned()
            .collect()
    }

    /// Returns the devices of a group whose number is larger than `seen`, up to the size of a
    /// page, and the number after which the next page begins.
    fn group_page(&self, account: &str, group: &str, seen: u64) -> (Vec<Device>, Option<u64>) {
        let is_member = |device: &Device| device.account == account && device.group == group;
        let limit = self.page_size.saturating_add(1);
        let mut page: Vec<_> = if group == DEFAULT_GROUP {
            let all = self.fleet.after(seen).filter(is_member);
            all.take(limit).collect()
        } else {
            let known = self
                .fleet
                .known_after(seen)
                .filter(|device| is_member(device));
            known.take(limit).cloned().collect()
        };
        if page.len() < limit {
            return (page, None);
        }
        page.pop();
        let last = page.last().map(|device| device.number);
        (page, last)
    }
}
