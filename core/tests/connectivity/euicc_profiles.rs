use serde_json::json;
use thingspace_core::{
    api::{
        ConnectivityCall,
        account_requests::DeviceManagementResult,
        euicc_profiles::{
            DeleteLocalProfile, DisableLocalProfile, DownloadLocalProfileToDisable,
            DownloadLocalProfileToEnable, EnableLocalProfile,
        },
    },
    model::{DeviceId, DeviceIdKind, DeviceList, RequestId},
};

use crate::stage::{Case, check};

const REQUEST: &str = "d1f08526-5443-4054-9a29-4456490ea9f8";
const EID: &str = "89033023422130000000000199055797";
const SMSR: &str = "1.3.6.1.4.1.31746.1.500.200.101.5";

/// Checks one of the calls, which differ in the last segment of their path only.
fn check_action<C>(action: &str, call: impl Fn(String, Vec<DeviceList>, String) -> C)
where
    C: ConnectivityCall<Response = DeviceManagementResult> + Clone,
{
    check(|texts| {
        let eid = DeviceId::new(DeviceIdKind::EID, texts.text(EID));
        let devices = vec![DeviceList::new([eid])];
        let call = call(texts.account(), devices, texts.text(SMSR));
        Case::new(call, "POST", &["devices", "profile", "actions", action]).body(json!({
            "accountName": texts.account(),
            "devices": [{"deviceIds": [{"id": texts.text(EID), "kind": "eid"}]}],
            "smsrOid": texts.text(SMSR),
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn download_local_profile_to_enable() {
    check_action("download_enable", |account, devices, smsr| {
        DownloadLocalProfileToEnable::new(account, devices, smsr)
    });
}

#[test]
fn download_local_profile_to_disable() {
    check_action("download_disable", |account, devices, smsr| {
        DownloadLocalProfileToDisable::new(account, devices, smsr)
    });
}

#[test]
fn enable_local_profile() {
    check_action("enable", |account, devices, smsr| {
        EnableLocalProfile::new(account, devices, smsr)
    });
}

#[test]
fn disable_local_profile() {
    check_action("disable", |account, devices, smsr| {
        DisableLocalProfile::new(account, devices, smsr)
    });
}

#[test]
fn delete_local_profile() {
    check_action("delete", |account, devices, smsr| {
        DeleteLocalProfile::new(account, devices, smsr)
    });
}
