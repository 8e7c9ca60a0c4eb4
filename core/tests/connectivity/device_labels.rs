use serde_json::json;
use thingspace_core::{
    Endpoint, Environment,
    api::{
        Batched,
        device_labels::{
            AccountLabels, DeviceLabels, LabelsList, UsageSegmentationLabelAssociation,
            UsageSegmentationLabelDeletion,
        },
    },
    model::{DeviceId, DeviceList, RequestId},
};

use crate::stage::{ACCOUNT, Case, check};

const REQUEST: &str = "ec682a8b-e288-4806-934d-24e7a59ed889";
const PATH: [&str; 3] = ["devices", "actions", "usagesegmentationlabels"];

#[test]
fn usage_segmentation_label_association() {
    check(|texts| {
        let device = DeviceList::new([DeviceId::imei(texts.text("990013907835573"))]);
        let label = DeviceLabels::new(texts.text("Department"), texts.text("Sales"));
        let labels = AccountLabels::new([device], [label]);
        let call = UsageSegmentationLabelAssociation::new(texts.account(), labels);
        Case::new(call, "POST", &PATH).body(json!({
            "accountName": texts.account(),
            "labels": {
                "devices": [
                    {"deviceIds": [{"id": texts.text("990013907835573"), "kind": "imei"}]}
                ],
                "label": [{"name": texts.text("Department"), "value": texts.text("Sales")}],
            },
        }))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn a_label_for_many_devices_takes_several_requests() {
    let devices: Vec<_> = (0..4_001)
        .map(|number| DeviceList::new([DeviceId::mdn(format!("{number:010}"))]))
        .collect();
    let labels = AccountLabels::new(devices.clone(), [DeviceLabels::new("Department", "Sales")]);
    let calls = UsageSegmentationLabelAssociation::new(ACCOUNT, labels.clone()).batches();
    let sizes = calls.iter().map(|call| call.labels.devices.len());
    assert_eq!(sizes.collect::<Vec<_>>(), [2_000, 2_000, 1]);
    assert!(calls.iter().all(|call| call.labels.label == labels.label));
    let again = calls.into_iter().flat_map(|call| call.labels.devices);
    assert_eq!(again.collect::<Vec<_>>(), devices);
}

#[test]
fn usage_segmentation_label_deletion() {
    check(|texts| {
        let labels = [
            DeviceLabels::new(texts.text("Department"), texts.text("Sales")),
            DeviceLabels::new(texts.text("Region"), texts.text("West & North")),
        ];
        let call = UsageSegmentationLabelDeletion::new(texts.account(), LabelsList::new(labels));
        Case::new(call, "DELETE", &PATH)
            .query("accountName", texts.account())
            .query("LabelList[deviceIds][0][name]", texts.text("Department"))
            .query("LabelList[deviceIds][0][value]", texts.text("Sales"))
            .query("LabelList[deviceIds][1][name]", texts.text("Region"))
            .query("LabelList[deviceIds][1][value]", texts.text("West & North"))
    })
    .sent_once()
    .returns(&json!({"requestId": REQUEST}), |result| {
        assert_eq!(result.request_id, RequestId::new(REQUEST));
    });
}

#[test]
fn the_brackets_of_a_query_are_encoded() {
    let labels = LabelsList::new([DeviceLabels::new("Department", "Sales")]);
    let request = UsageSegmentationLabelDeletion::new(ACCOUNT, labels)
        .build(&Environment::mock())
        .unwrap();
    assert_eq!(
        request.uri().query(),
        Some(
            "accountName=0000123456%2D00001\
             &LabelList%5BdeviceIds%5D%5B0%5D%5Bname%5D=Department\
             &LabelList%5BdeviceIds%5D%5B0%5D%5Bvalue%5D=Sales"
        )
    );
}
