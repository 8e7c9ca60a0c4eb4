//! Labels of devices, by which usage is told apart.

use std::borrow::Cow;

use serde::Serialize;

use super::{
    account_requests::DeviceManagementResult,
    batches::Batched,
    connectivity::{ConnectivityCall, Route},
};
use crate::model::DeviceList;

/// Gives labels to devices: `POST /m2m/v1/devices/actions/usagesegmentationlabels`.
#[doc(alias = "usage_segmentation_label_association")]
#[doc(alias = "AssociateLabelRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UsageSegmentationLabelAssociation {
    /// The account.
    pub account_name: String,
    /// The labels and the devices, at most 2,000 objects.
    pub labels: AccountLabels,
}

impl UsageSegmentationLabelAssociation {
    /// Gives these labels to these devices of an account.
    pub fn new(account_name: impl Into<String>, labels: AccountLabels) -> Self {
        Self {
            account_name: account_name.into(),
            labels,
        }
    }
}

impl ConnectivityCall for UsageSegmentationLabelAssociation {
    type Response = DeviceManagementResult;
    // Once: sent again later, it would bring back labels that were removed meanwhile.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/usagesegmentationlabels");
}

/// The limit is documented for "the array" without a name. It is taken for that of the
/// devices.
impl Batched for UsageSegmentationLabelAssociation {
    type Device = DeviceList;
    const MAX_DEVICES: usize = 2_000;

    fn devices(&mut self) -> Option<&mut Vec<DeviceList>> {
        Some(&mut self.labels.devices)
    }
}

/// Removes labels: `DELETE /m2m/v1/devices/actions/usagesegmentationlabels`.
///
/// Its request names labels only, and no device.
#[doc(alias = "usage_segmentation_label_deletion")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UsageSegmentationLabelDeletion {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
    /// The labels.
    #[serde(skip)]
    pub label_list: LabelsList,
}

impl UsageSegmentationLabelDeletion {
    /// Removes these labels of an account.
    pub fn new(account_name: impl Into<String>, label_list: LabelsList) -> Self {
        Self {
            account_name: account_name.into(),
            label_list,
        }
    }
}

impl ConnectivityCall for UsageSegmentationLabelDeletion {
    type Response = DeviceManagementResult;
    // Once: sent again later, it would remove labels that were given anew meanwhile.
    const ROUTE: Route =
        Route::delete("/m2m/v1/devices/actions/usagesegmentationlabels").without_body();

    /// The list is written in brackets. Its form is not documented: this is that of
    /// Verizon's SDKs.
    fn query(&self) -> Vec<(Cow<'static, str>, &str)> {
        let mut query = vec![("accountName".into(), &*self.account_name)];
        for (number, label) in self.label_list.labels.iter().enumerate() {
            for (field, text) in [("name", &label.name), ("value", &label.value)] {
                let name = format!("LabelList[deviceIds][{number}][{field}]");
                query.push((name.into(), text));
            }
        }
        query
    }
}

/// Devices and the labels that they get.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AccountLabels {
    /// The devices.
    pub devices: Vec<DeviceList>,
    /// The labels. The field's name is singular, and its value an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Vec<DeviceLabels>>,
}

impl AccountLabels {
    /// These devices with these labels.
    pub fn new(devices: impl Into<Vec<DeviceList>>, label: impl Into<Vec<DeviceLabels>>) -> Self {
        Self {
            devices: devices.into(),
            label: Some(label.into()),
        }
    }
}

/// A list of labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LabelsList {
    /// The labels, at most 100. The service calls them `deviceIds`.
    #[doc(alias = "deviceIds")]
    #[serde(rename = "deviceIds")]
    pub labels: Vec<DeviceLabels>,
}

impl LabelsList {
    /// A list of these labels.
    pub fn new(labels: impl Into<Vec<DeviceLabels>>) -> Self {
        Self {
            labels: labels.into(),
        }
    }
}

/// A label: a name with a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeviceLabels {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl DeviceLabels {
    /// A name with a value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}
