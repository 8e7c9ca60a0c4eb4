//! Account requests: what became of an asynchronous request.

use serde::Serialize;

use super::connectivity::{ConnectivityCall, Route};
use crate::model::{Fields, Model, Other, RequestId, RequestStatus};

/// Asks for the status of an asynchronous request:
/// `GET /m2m/v1/accounts/{aname}/requests/{requestId}/status`.
///
/// It is meant for requests about one device. The response is one status for the whole
/// request.
#[doc(alias = "get_current_asynchronous_request_status")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GetCurrentAsynchronousRequestStatus {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
    /// The request.
    #[serde(skip)]
    pub request_id: RequestId,
}

impl GetCurrentAsynchronousRequestStatus {
    /// Asks for the status of this request.
    pub fn new(account_name: impl Into<String>, request_id: RequestId) -> Self {
        Self {
            account_name: account_name.into(),
            request_id,
        }
    }
}

impl ConnectivityCall for GetCurrentAsynchronousRequestStatus {
    type Response = AsynchronousRequestResult;
    const ROUTE: Route = Route::get("/m2m/v1/accounts/{aname}/requests/{requestId}/status");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name, self.request_id.as_str()]
    }
}

/// The response to a [`GetCurrentAsynchronousRequestStatus`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AsynchronousRequestResult {
    /// The request.
    pub request_id: Option<RequestId>,
    /// Its status.
    pub status: Option<RequestStatus>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for AsynchronousRequestResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            request_id: fields.take("requestId"),
            status: fields.take("status"),
            other: fields.other(),
        }
    }
}

/// The response to a call whose outcome comes later.
///
/// The outcome is sent to the listener that is registered for the call's service, and
/// [`GetCurrentAsynchronousRequestStatus`] asks for it.
#[doc(alias = "RequestResponse")]
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeviceManagementResult {
    /// The request. `None` if the service gave no id: then its outcome can't be followed.
    pub request_id: Option<RequestId>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for DeviceManagementResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            request_id: fields.take("requestId"),
            other: fields.other(),
        }
    }
}
