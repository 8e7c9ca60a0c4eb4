//! Callbacks: the messages that ThingSpace sends to a listener of yours, read without I/O.
//!
//! The outcome of most actions on devices comes as a POST to an address that was
//! registered for a service. So do messages of devices, and news of changes that were
//! made elsewhere. The body is JSON. It holds the user name and the password that were
//! registered, in the clear, and nothing else shows who sent it.
//!
//! A [`Listener`] checks the request and reads the message, or says how to refuse it.
//! The body does not name its service: you know it from the address. So give each
//! service an address of its own, and read its content with [`CallbackMessage::content`].
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use thingspace_core::{
//!     Timestamp,
//!     callback::{
//!         Callback, CallbackRefusal, CarrierService, Duplicates, Listener, ListenerCredentials,
//!     },
//! };
//!
//! # fn save(_: &Callback) -> std::io::Result<()> { Ok(()) }
//! fn respond(
//!     listener: &Listener,
//!     known: &mut Duplicates,
//!     request: &Request<Bytes>,
//!     now: Timestamp,
//! ) -> Response<Bytes> {
//!     let callback = match listener.read(request, now) {
//!         Ok(callback) => callback,
//!         Err(refusal) => return refusal.response(),
//!     };
//!     if !known.is_known(&callback.key, now) {
//!         // Once it has the 2xx, ThingSpace forgets the message: save it before.
//!         if save(&callback).is_err() {
//!             return CallbackRefusal::NotSaved.response();
//!         }
//!         known.record(&callback.key, now);
//!     }
//!     callback.response()
//! }
//!
//! let listener = Listener::new(ListenerCredentials::new("listener", "drowssap")?);
//! let mut known = Duplicates::new(10_000, Duration::from_secs(60 * 60));
//! let request = Request::post("/carrier").body(Bytes::from_static(
//!     br#"{"username":"listener","password":"drowssap","requestId":"d1f08526-5443-4054",
//!         "deviceIds":[{"id":"990000473475989","kind":"imei"}],"status":"Success",
//!         "deviceResponse":{"activateResponse":{"state":"Active","servicePlan":"M2M_4G"}}}"#,
//! ))?;
//! let now = Timestamp::from_millis(1_700_000_000_000);
//! assert_eq!(respond(&listener, &mut known, &request, now).status(), 200);
//!
//! let message = listener.read(&request, now)?.message;
//! let activated = message.content::<CarrierService>().device_response.unwrap().activate.unwrap();
//! assert_eq!(activated.service_plan.as_deref(), Some("M2M_4G"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is known of callbacks
//!
//! Documented: a message that got no 2xx is sent again three times, five minutes apart,
//! and then archived for 30 days. One listener is registered for each service and
//! account. The password has at most 40 characters. Listener ports are 80, 443, 9001 to
//! 9006, 50551 to 50559 and 28200 to 28220, and the certificate must be signed by a
//! public authority.
//!
//! Reported from the field: a refused message came again after a second, and messages had
//! the old password for 9 to 14 minutes after a new registration ([`Listener::rotate`]).
//!
//! Not known: if a message that is sent again is the same but for its count
//! ([`CallbackKey`] takes it to be), and the content of some services (see each).

mod content;
mod duplicates;
mod fault;
mod key;
mod listener;
mod message;
mod nidd;

pub use self::{
    content::{
        ActivateResponse, AlertService, CallbackContent, CarrierResponse, CarrierService,
        ChangeIdentifierResponse, DevicePrlInformation, DeviceService, DeviceSuspensionStatus,
        DeviceUsage, DiagnosticsService, EnhancedConnectivityService, ExternalProvisioningChanges,
        PrlInformationResponse, PrlResponse, SmsDeliveryResponse, SmsResponse, SuspendResponse,
        UsageResponse, UsageResponses,
    },
    duplicates::Duplicates,
    fault::FaultResponse,
    key::CallbackKey,
    listener::{
        Callback, CallbackRefusal, Listener, ListenerCredentials, MAX_CALLBACK_BODY,
        ROTATION_OVERLAP,
    },
    message::CallbackMessage,
    nidd::{NiddMessage, NiddReport, NiddResponse, NiddService},
};
