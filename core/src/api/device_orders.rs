//! Orders of devices: new devices that are made known to Verizon.

use serde::Serialize;

use super::{
    account_requests::DeviceManagementResult,
    connectivity::{ConnectivityCall, Route},
};
use crate::model::{DeviceList, RequestId, UploadType};

/// Makes new devices known to Verizon: `POST /m2m/v1/devices/actions/upload`.
#[doc(alias = "device_upload")]
#[doc(alias = "DeviceUploadRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeviceUpload {
    /// The account.
    pub account_name: String,
    /// The devices.
    pub devices: Vec<DeviceList>,
    /// An address for e-mail.
    pub email_address: String,
    /// The stock keeping unit of the devices.
    pub device_sku: String,
    /// The identifiers by which the devices are named.
    pub upload_type: UploadType,
}

impl DeviceUpload {
    /// Makes these devices known.
    pub fn new(
        account_name: impl Into<String>,
        devices: impl Into<Vec<DeviceList>>,
        email_address: impl Into<String>,
        device_sku: impl Into<String>,
        upload_type: UploadType,
    ) -> Self {
        Self {
            account_name: account_name.into(),
            devices: devices.into(),
            email_address: email_address.into(),
            device_sku: device_sku.into(),
            upload_type,
        }
    }
}

impl ConnectivityCall for DeviceUpload {
    type Response = DeviceManagementResult;
    // Once: each begins an upload of its own.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/upload");
}

/// Makes new devices known to Verizon and activates them:
/// `POST /m2m/v1/devices/actions/uploadactivate`.
///
/// Version 1.7 of Verizon's SDKs calls it "Activation Order Status", which is what
/// [`DeviceUploadStatus`] does. The name here is that of the newer SDKs.
#[doc(alias = "upload_activate_device")]
#[doc(alias = "activation_order_status")]
#[doc(alias = "UploadsActivatesDeviceRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UploadActivateDevice {
    /// The account.
    pub account_name: String,
    /// The devices.
    pub devices: Vec<DeviceList>,
    /// An address for e-mail.
    pub email_address: String,
    /// The stock keeping unit of the devices.
    pub device_sku: String,
    /// The identifiers by which the devices are named.
    pub upload_type: UploadType,
    /// The service plan.
    pub service_plan: String,
    /// The postal code from which the telephone numbers come.
    pub mdn_zip_code: String,
    /// The pool of addresses.
    pub carrier_ip_pool_name: Option<String>,
}

impl UploadActivateDevice {
    /// Makes the devices of this upload known, and activates them with a service plan and
    /// telephone numbers of a place.
    pub fn new(
        upload: DeviceUpload,
        service_plan: impl Into<String>,
        mdn_zip_code: impl Into<String>,
    ) -> Self {
        Self {
            account_name: upload.account_name,
            devices: upload.devices,
            email_address: upload.email_address,
            device_sku: upload.device_sku,
            upload_type: upload.upload_type,
            service_plan: service_plan.into(),
            mdn_zip_code: mdn_zip_code.into(),
            carrier_ip_pool_name: None,
        }
    }
}

impl ConnectivityCall for UploadActivateDevice {
    type Response = DeviceManagementResult;
    // Once: it activates, and each begins an order of its own.
    const ROUTE: Route = Route::post("/m2m/v1/devices/actions/uploadactivate");
}

/// Asks how far an order of devices is: `POST /m2m/v1/devices/requests/status`.
///
/// Version 1.7 of Verizon's SDKs calls it "Upload Device Identifier", which is what
/// [`UploadActivateDevice`] does. The name here is that of the newer SDKs.
#[doc(alias = "device_upload_status")]
#[doc(alias = "upload_device_identifier")]
#[doc(alias = "CheckOrderStatusRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeviceUploadStatus {
    /// The account.
    pub account_name: String,
    /// The devices.
    pub devices: Vec<DeviceList>,
    /// The request that placed the order.
    pub order_request_id: Option<RequestId>,
}

impl DeviceUploadStatus {
    /// Asks for the order of these devices.
    pub fn new(account_name: impl Into<String>, devices: impl Into<Vec<DeviceList>>) -> Self {
        Self {
            account_name: account_name.into(),
            devices: devices.into(),
            order_request_id: None,
        }
    }
}

impl ConnectivityCall for DeviceUploadStatus {
    type Response = DeviceManagementResult;
    // Twice is as good as once: it only reads. At worst its outcome is sent twice.
    const ROUTE: Route = Route::post("/m2m/v1/devices/requests/status").idempotent();
}
