//! Asynchronous requests: followed to their outcome, without I/O.
//!
//! Most actions on devices respond with a `requestId` at once. Their outcome comes in two
//! ways: a status that is asked for, and callbacks to a listener of the caller's. The
//! [`Following`] of a request takes both, whichever comes first, and ends each of its
//! devices once.
//!
//! | documented by Verizon | our choice |
//! | --- | --- |
//! | The status is `Pending`, `Success` or `Failure`, and meant for requests about one device. | It is asked for whatever the number of devices is, with growing pauses. `Success` and `Failure` end all devices that have not ended before; any other text counts as pending. |
//! | A callback names the devices that it is about. A failure has the status `Failed` and a `faultResponse`. | A message that names no device is about all of the request's. One with a fault and no known status is a failure. |
//! | A callback that the listener did not take comes again after 5, 10 and 15 minutes. | A request is followed for 20 minutes. |
//!
//! ```
//! use thingspace_core::{
//!     Timestamp,
//!     api::account_requests::AsynchronousRequestResult,
//!     asynchronous::{AsynchronousRequest, FollowStep, Following},
//!     model::{RequestId, RequestStatus},
//! };
//!
//! let request_id = RequestId::new("595f5c44-c31c-4552-8670-020a1545a84d").ok_or("no id")?;
//! let request = AsynchronousRequest::new("0000123456-00001", request_id);
//! let mut now = Timestamp::from_millis(1_700_000_000_000);
//! let mut following = Following::new(request, now);
//! loop {
//!     match following.step(now) {
//!         FollowStep::Ask(call) => {
//!             // Send the call, and say what its response is: `None` if there was none.
//!             assert_eq!(call.account_name, "0000123456-00001");
//!             let mut response = AsynchronousRequestResult::default();
//!             response.status = Some(RequestStatus::SUCCESS);
//!             following.receive_status(now, Some(response));
//!         }
//!         // Wait, or until a callback comes: then give it to `receive`.
//!         FollowStep::Wait(until) => now = until,
//!         FollowStep::Done => break,
//!     }
//! }
//! assert!(following.into_outcome().is_success());
//! # Ok::<(), &str>(())
//! ```

mod following;
mod outcome;
mod request;

pub use self::{
    following::{FollowStep, Following},
    outcome::{DeviceOutcome, DeviceResult, RequestOutcome},
    request::{AsynchronousRequest, FollowSettings},
};
