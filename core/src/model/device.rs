//! What requests and responses about devices share.

use std::hash::{Hash, Hasher};

use serde::Serialize;

use super::{
    fields::{Fields, Model, Other},
    terms::DeviceIdKind,
};

/// An identifier of a device.
///
/// Two are equal if id and kind are: the kind in any case, the id as it is.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct DeviceId {
    /// The identifier.
    pub id: String,
    /// Its kind.
    pub kind: DeviceIdKind,
    /// Fields that are not documented.
    #[serde(skip)]
    pub other: Other,
}

impl DeviceId {
    /// An identifier of this kind.
    pub fn new(kind: DeviceIdKind, id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind,
            other: Other::default(),
        }
    }

    /// The identifier of a device's radio.
    pub fn imei(id: impl Into<String>) -> Self {
        Self::new(DeviceIdKind::IMEI, id)
    }

    /// The identifier of a SIM card.
    pub fn iccid(id: impl Into<String>) -> Self {
        Self::new(DeviceIdKind::ICCID, id)
    }

    /// The telephone number of a device.
    pub fn mdn(id: impl Into<String>) -> Self {
        Self::new(DeviceIdKind::MDN, id)
    }
}

impl PartialEq for DeviceId {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.kind == other.kind
    }
}

impl Eq for DeviceId {}

impl Hash for DeviceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
        self.kind.hash(state);
    }
}

impl Model for DeviceId {
    fn read(fields: &mut Fields) -> Self {
        Self {
            id: fields.required("id"),
            kind: fields.required("kind"),
            other: fields.other(),
        }
    }
}

/// One device, by all its identifiers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountDeviceList {
    /// Its identifiers, such as the IMEI and the ICCID.
    pub device_ids: Vec<DeviceId>,
    /// Its address. The documented pattern rejects most addresses, so any text is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// Fields that are not documented.
    #[serde(skip)]
    pub other: Other,
}

impl AccountDeviceList {
    /// The device with these identifiers.
    pub fn new(device_ids: impl Into<Vec<DeviceId>>) -> Self {
        Self {
            device_ids: device_ids.into(),
            ..Self::default()
        }
    }
}

impl From<DeviceId> for AccountDeviceList {
    fn from(id: DeviceId) -> Self {
        Self::new([id])
    }
}

impl Model for AccountDeviceList {
    fn read(fields: &mut Fields) -> Self {
        Self {
            device_ids: fields.list("deviceIds"),
            ip_address: fields.take("ipAddress"),
            other: fields.other(),
        }
    }
}

/// Identifiers of devices, at most 100.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeviceList {
    /// The identifiers.
    pub device_ids: Vec<DeviceId>,
}

impl DeviceList {
    /// The devices with these identifiers.
    pub fn new(device_ids: impl Into<Vec<DeviceId>>) -> Self {
        Self {
            device_ids: device_ids.into(),
        }
    }
}

/// A named value: a custom field of a device, or one of a response's extended attributes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CustomFields {
    /// The name.
    pub key: String,
    /// The value. It is text, also where it is a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Fields that are not documented.
    #[serde(skip)]
    pub other: Other,
}

impl CustomFields {
    /// A value with its name.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: Some(value.into()),
            other: Other::default(),
        }
    }
}

impl Model for CustomFields {
    fn read(fields: &mut Fields) -> Self {
        Self {
            key: fields.required("key"),
            value: fields.take("value"),
            other: fields.other(),
        }
    }
}
