//! Accounts, their leads and service plans, and the status of requests.

use serde_json::{Value, json};

use super::ask::{Ask, Served, done};
use super::device::{Device, pairs};
use super::pages;
use super::state::Connectivity;

/// The service plans: a code, a name, and kilobytes a month.
const PLANS: [(&str, &str, u64); 3] = [
    ("5MB", "5MB", 5120),
    ("m2m4G", "M2M 4G", 1_048_576),
    ("LTESmartphone", "LTE Smartphone", 5_242_880),
];

/// The states of leads. The first two are Verizon's examples.
const LEADS: [&str; 3] = ["Qualified", "Closed", "Closed-Won"];

/// Returns the code of a plan that is named by its code or its name.
pub(super) fn plan_code(named: &str) -> Option<&'static str> {
    let found = PLANS
        .iter()
        .find(|(code, name, _)| [code, name].contains(&&named));
    found.map(|(code, ..)| *code)
}

/// Returns true if a device has the plan that is named by its code or its name.
pub(super) fn has_plan(device: &Device, named: &str) -> bool {
    device.plan.as_deref() == Some(plan_code(named).unwrap_or(named))
}

pub(crate) fn information(state: &mut Connectivity, ask: &Ask) -> Served {
    let name = state.account_in_path(ask)?;
    let (number, _) = name.split_once('-').unwrap_or((&name, ""));
    done(&json!({
        "accountName": name,
        "accountNumber": number,
        "organizationName": "Heart of Gold",
        "isProvisioningAllowed": true,
        "carriers": ["Verizon Wireless"],
        "features": ["Dynamic IP"],
        "iPPools": [
            {"poolName": "Default", "poolType": "Dynamic IP", "isDefaultPool": true},
            {"poolName": "Deep Thought", "poolType": "Static IP", "isDefaultPool": false},
        ],
        "servicePlans": plans(),
    }))
}

pub(crate) fn states_and_services(state: &mut Connectivity, ask: &Ask) -> Served {
    state.account_in_path(ask)?;
    let plans: Value = PLANS.iter().map(|(code, ..)| *code).collect();
    let states = ["preactive", "active", "suspend", "deactive"];
    let states: Value = (1_u32..)
        .zip(states)
        .map(|(place, name)| {
            json!({"name": name, "workflowSequenceNumber": f64::from(place), "servicePlans": plans})
        })
        .collect();
    done(&json!({"engagement": [{
        "engagementId": "42",
        "chargingGroup": "Default",
        "services": [{
            "name": "Connectivity",
            "description": "The service of a device",
            "states": states,
        }],
    }]}))
}

pub(crate) fn leads(state: &mut Connectivity, ask: &Ask) -> Served {
    let name = state.account_in_path(ask)?;
    let leads: Vec<_> = (1..)
        .zip(LEADS)
        .map(|(id, state)| lead(id, state))
        .collect();
    let (page, next) = pages::cut(&leads, pages::place(ask)?, state.page_size);
    let body = json!({"hasMoreData": next.is_some(), "leads": page});
    pages::respond(&body, &format!("/leads/{}", pages::encoded(&name)), next)
}

fn lead(id: u32, state: &str) -> Value {
    json!({"leadId": format!("L{id:05}"), "leadState": state, "address": {
        "addressLine1": format!("{id} Main Street"),
        "city": "Islington",
        "state": "NJ",
        "zip": "07701",
        "country": "USA",
    }})
}

pub(crate) fn service_plans(state: &mut Connectivity, ask: &Ask) -> Served {
    state.account_in_path(ask)?;
    done(&plans())
}

fn plans() -> Value {
    let plan = |(code, name, size): &(&str, &str, u64)| {
        json!({
            "carrierServicePlanCode": code,
            "code": code,
            "extendedAttributes": pairs("key", &[("Billing", "Monthly".to_owned())]),
            "name": name,
            "sizeKb": size,
        })
    };
    PLANS.iter().map(plan).collect()
}

pub(crate) fn request_status(state: &mut Connectivity, ask: &Ask) -> Served {
    let account = state.account_in_path(ask)?;
    let id = ask.parameter(1);
    let status = state.requests.status(&account, id)?;
    done(&json!({"requestId": id, "status": status}))
}
