//! Device groups: devices that are named and listed together.

use std::borrow::Cow;

use http::Response;
use serde::Serialize;

use super::{
    connectivity::{ConnectivityCall, Route},
    paging::{Paged, next_in_location},
};
use crate::model::{AccountDeviceList, CustomFields, DeviceId, Fields, List, Model, Other};

/// Creates a group: `POST /m2m/v1/groups`.
#[doc(alias = "create_device_group")]
#[doc(alias = "CreateDeviceGroupRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateDeviceGroup {
    /// The account.
    pub account_name: String,
    /// The name, which no other group of the account has.
    pub group_name: String,
    /// The description.
    pub group_description: String,
    /// The devices that are in it from the start.
    pub devices_to_add: Option<Vec<DeviceId>>,
}

impl CreateDeviceGroup {
    /// Creates an empty group, without a description.
    pub fn new(account_name: impl Into<String>, group_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
            group_name: group_name.into(),
            group_description: String::new(),
            devices_to_add: None,
        }
    }
}

impl ConnectivityCall for CreateDeviceGroup {
    type Response = ConnectivityManagementSuccessResult;
    // Once: a second one would be refused, since the name is taken.
    const ROUTE: Route = Route::post("/m2m/v1/groups");
}

/// Lists the groups of an account: `GET /m2m/v1/groups/{aname}`.
#[doc(alias = "list_device_groups")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ListDeviceGroups {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
}

impl ListDeviceGroups {
    /// Lists the groups of this account.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
        }
    }
}

impl ConnectivityCall for ListDeviceGroups {
    type Response = List<DeviceGroup>;
    const ROUTE: Route = Route::get("/m2m/v1/groups/{aname}");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name]
    }
}

/// Asks for a group and its devices, a page at a time:
/// `GET /m2m/v1/groups/{aname}/name/{gname}`.
#[doc(alias = "get_device_group_information")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GetDeviceGroupInformation {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
    /// The group.
    #[serde(skip)]
    pub group_name: String,
    /// The page, by what the page before it said; the first one without.
    #[serde(skip)]
    pub next: Option<String>,
}

impl GetDeviceGroupInformation {
    /// Asks for this group.
    pub fn new(account_name: impl Into<String>, group_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
            group_name: group_name.into(),
            next: None,
        }
    }
}

impl ConnectivityCall for GetDeviceGroupInformation {
    type Response = DeviceGroupDevicesData;
    const ROUTE: Route = Route::get("/m2m/v1/groups/{aname}/name/{gname}");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name, &self.group_name]
    }

    fn query(&self) -> Vec<(Cow<'static, str>, &str)> {
        let next = self.next.iter();
        next.map(|next| ("next".into(), &**next)).collect()
    }
}

impl Paged for GetDeviceGroupInformation {
    type Item = AccountDeviceList;

    fn items(page: DeviceGroupDevicesData) -> Vec<AccountDeviceList> {
        page.devices
    }

    fn cursor(&self) -> Option<String> {
        self.next.clone()
    }

    fn next(&self, page: &Response<DeviceGroupDevicesData>) -> Option<Self> {
        let next = next_in_location(page, page.body().has_more_data)?;
        Some(Self {
            next: Some(next),
            ..self.clone()
        })
    }
}

/// Changes a group: `PUT /m2m/v1/groups/{aname}/name/{gname}`.
#[doc(alias = "update_device_group")]
#[doc(alias = "DeviceGroupUpdateRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdateDeviceGroup {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
    /// The group, by the name that it has now.
    #[serde(skip)]
    pub group_name: String,
    /// The devices that come in. They leave the groups in which they were.
    pub devices_to_add: Option<Vec<DeviceId>>,
    /// The devices that go out, into the default group.
    pub devices_to_remove: Option<Vec<DeviceId>>,
    /// The new description.
    pub new_group_description: Option<String>,
    /// The new name.
    pub new_group_name: Option<String>,
}

impl UpdateDeviceGroup {
    /// Changes nothing of this group yet.
    pub fn new(account_name: impl Into<String>, group_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
            group_name: group_name.into(),
            devices_to_add: None,
            devices_to_remove: None,
            new_group_description: None,
            new_group_name: None,
        }
    }
}

impl ConnectivityCall for UpdateDeviceGroup {
    type Response = ConnectivityManagementSuccessResult;
    // Once: sent again after a new name, it would not find the group.
    const ROUTE: Route = Route::put("/m2m/v1/groups/{aname}/name/{gname}");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name, &self.group_name]
    }
}

/// Deletes a group: `DELETE /m2m/v1/groups/{aname}/name/{gname}`.
#[doc(alias = "delete_device_group")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeleteDeviceGroup {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
    /// The group. It is not documented which group its devices are in then.
    #[serde(skip)]
    pub group_name: String,
}

impl DeleteDeviceGroup {
    /// Deletes this group.
    pub fn new(account_name: impl Into<String>, group_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
            group_name: group_name.into(),
        }
    }
}

impl ConnectivityCall for DeleteDeviceGroup {
    type Response = ConnectivityManagementSuccessResult;
    // Once: sent again, it would report that there is no such group.
    const ROUTE: Route = Route::delete("/m2m/v1/groups/{aname}/name/{gname}").without_body();

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name, &self.group_name]
    }
}

/// A group, without its devices.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceGroup {
    /// The description.
    pub description: Option<String>,
    /// More values.
    pub extended_attributes: Vec<CustomFields>,
    /// True for the group of devices that are in no other.
    pub is_default_group: Option<bool>,
    /// The name.
    pub name: Option<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for DeviceGroup {
    fn read(fields: &mut Fields) -> Self {
        Self {
            description: fields.take("description"),
            extended_attributes: fields.list("extendedAttributes"),
            is_default_group: fields.take("isDefaultGroup"),
            name: fields.take("name"),
            other: fields.other(),
        }
    }
}

/// A group with one page of its devices.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceGroupDevicesData {
    /// The description.
    pub description: Option<String>,
    /// The devices.
    pub devices: Vec<AccountDeviceList>,
    /// True if another page follows; the status is 202 then.
    pub has_more_data: Option<bool>,
    /// The name.
    pub name: Option<String>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for DeviceGroupDevicesData {
    fn read(fields: &mut Fields) -> Self {
        Self {
            description: fields.take("description"),
            devices: fields.list("devices"),
            has_more_data: fields.take("hasMoreData"),
            name: fields.take("name"),
            other: fields.other(),
        }
    }
}

/// The response to a call that is executed at once and returns nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ConnectivityManagementSuccessResult {
    /// True if it succeeded.
    pub success: Option<bool>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for ConnectivityManagementSuccessResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            success: fields.take("success"),
            other: fields.other(),
        }
    }
}
