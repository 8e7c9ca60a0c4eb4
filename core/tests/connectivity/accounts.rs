use serde_json::json;
use thingspace_core::api::accounts::{
    GetAccountInformation, ListAccountLeads, ListAccountStatesAndServices,
};

use crate::stage::{ACCOUNT, Case, check, parse};

#[test]
fn get_account_information() {
    check(|texts| {
        let call = GetAccountInformation::new(texts.account());
        Case::new(call, "GET", &["accounts", &texts.account()])
    })
    .may_be_retried()
    .returns(
        &json!({
            "accountName": ACCOUNT,
            "accountNumber": "0000123456-00001",
            "organizationName": "Heart of Gold",
            "isProvisioningAllowed": true,
            "carriers": ["Verizon Wireless"],
            "features": ["Dynamic IP"],
            "iPPools": [{"poolName": "Default", "poolType": "Dynamic IP", "isDefaultPool": true}],
            "servicePlans": [{"name": "5MB", "code": "5MBCode", "sizeKb": 5120,
                "carrierServicePlanCode": "1",
                "extendedAttributes": [{"key": "k", "value": "v"}]}],
        }),
        |account| {
            assert_eq!(account.account_name.as_deref(), Some(ACCOUNT));
            assert_eq!(account.is_provisioning_allowed, Some(true));
            assert_eq!(account.carriers, ["Verizon Wireless"]);
            assert_eq!(account.ip_pools[0].pool_type.as_deref(), Some("Dynamic IP"));
            assert_eq!(account.service_plans[0].size_kb, Some(5120));
            assert_eq!(account.other.iter().count(), 0);
        },
    );
}

#[test]
fn the_pools_of_an_account_are_found_under_either_spelling() {
    for name in ["iPPools", "ipPools"] {
        let account = parse::<GetAccountInformation>(&json!({name: [{"poolName": "Default"}]}));
        let pools = account.unwrap().ip_pools;
        assert_eq!(pools[0].pool_name.as_deref(), Some("Default"), "{name}");
    }
}

#[test]
fn list_account_states_and_services() {
    check(|texts| {
        let call = ListAccountStatesAndServices::new(texts.account());
        Case::new(call, "GET", &["accounts", &texts.account(), "statesandservices"])
    })
    .may_be_retried()
    .returns(
        &json!({"engagement": [{
            "engagementId": "1", "chargingGroup": "g",
            "services": [{"name": "s", "description": "d",
                "states": [{"name": "active", "workflowSequenceNumber": 1, "servicePlans": ["5MB"]}]}],
        }]}),
        |result| {
            let service = &result.engagement[0].services[0];
            assert_eq!(service.name.as_deref(), Some("s"));
            let number = service.states[0].workflow_sequence_number.as_ref();
            assert_eq!(number.and_then(serde_json::Number::as_u64), Some(1));
        },
    );
}

#[test]
fn list_account_leads() {
    check(|texts| {
        let call = ListAccountLeads::new(texts.account());
        Case::new(call, "GET", &["leads", &texts.account()])
    })
    .may_be_retried()
    .returns(
        &json!({"hasMoreData": false, "leads": [{
            "address": {"addressLine1": "1 Main", "city": "Islington", "state": "CA",
                "zip": "94107", "country": "US"},
            "leadId": "7", "leadState": "Qualified",
        }]}),
        |page| {
            assert_eq!(page.has_more_data, Some(false));
            let address = page.leads[0].address.as_ref().unwrap();
            assert_eq!(address.address_line_1, "1 Main");
        },
    );
}

#[test]
fn the_next_leads_are_asked_for_by_the_query() {
    check(|texts| {
        let mut call = ListAccountLeads::new(texts.account());
        call.next = Some(texts.text("9223372036854775807"));
        Case::new(call, "GET", &["leads", &texts.account()])
            .query("next", texts.text("9223372036854775807"))
    });
}
