//! The models of Connectivity Management: what its requests and responses are made of.
//!
//! Models of requests are written by serde. Models of responses are read field by
//! field, since nothing that the service sends may make a whole page unreadable: a
//! field that is unknown, or whose value does not fit, stays as it came in [`Other`].
//! Values that the service may add to at any time are a [`Term`]; times are a
//! [`DateTime`]. The facts are those of Verizon's generated SDKs.

mod date_time;
mod device;
mod fields;
mod json;
mod place;
mod request_id;
mod term;
mod terms;

pub(crate) use self::json::read;

pub use self::{
    date_time::DateTime,
    device::{AccountDeviceList, CustomFields, DeviceId, DeviceList},
    fields::{Fields, Model, Other},
    json::{FromJson, List},
    place::{Address, CustomerName, PlaceOfUse},
    request_id::RequestId,
    term::Term,
    terms::{
        CallbackService, CarrierState, Change4gOption, DataEncoding, DeviceIdKind,
        ProvisioningEventType, PublicIpRestriction, ReachabilityRequestType, ReasonCode,
        RequestStatus, UploadType,
    },
};
