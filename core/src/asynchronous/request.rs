//! A request that is followed, and the settings of that.

use std::time::Duration;

use crate::model::{AccountDeviceList, RequestId};

/// An asynchronous request that is to be followed to its outcome.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AsynchronousRequest {
    /// The account that its status is asked of.
    pub account_name: String,
    /// The id that the service gave it.
    pub request_id: RequestId,
    /// The devices that it is about, as it named them. If none are given, it counts as a
    /// request about one device: whatever callback comes is about that.
    pub devices: Vec<AccountDeviceList>,
    /// The pauses and the time limit.
    pub settings: FollowSettings,
}

impl AsynchronousRequest {
    /// A request with this id, of this account, about one device.
    pub fn new(account_name: impl Into<String>, request_id: RequestId) -> Self {
        Self {
            account_name: account_name.into(),
            request_id,
            devices: Vec::new(),
            settings: FollowSettings::default(),
        }
    }

    /// The same, about these devices. A callback about one of them names at least one of
    /// its identifiers.
    #[must_use]
    pub fn with_devices(self, devices: impl Into<Vec<AccountDeviceList>>) -> Self {
        Self {
            devices: devices.into(),
            ..self
        }
    }

    /// The same with these settings.
    #[must_use]
    pub fn with_settings(self, settings: FollowSettings) -> Self {
        Self { settings, ..self }
    }
}

/// The settings by which a request is followed. Start from the default and change what
/// differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowSettings {
    /// The pause before the status is asked for, first of all and then again; doubled each
    /// time. 5 seconds by default (our choice). With [`Duration::MAX`] the status is never
    /// asked for, and callbacks alone count.
    ///
    /// Each pause is somewhere in its upper half, depending on the request's id, so that
    /// requests that were made together are not asked for together.
    pub first_pause: Duration,
    /// The longest pause. One minute by default: a status call counts against a rate limit
    /// that is not published, and so there are about thirty of them.
    pub longest_pause: Duration,
    /// The time after which devices that have not ended are unknown. 20 minutes by default:
    /// a callback that the listener did not take comes three times more, after five minutes
    /// each (documented by Verizon).
    pub timeout: Duration,
}

impl FollowSettings {
    /// The longest pause after this many status calls.
    pub(super) fn pause_after(&self, polls: u32) -> Duration {
        self.first_pause
            .saturating_mul(1 << polls.min(31))
            .min(self.longest_pause.max(self.first_pause))
    }
}

impl Default for FollowSettings {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(60),
            timeout: Duration::from_secs(20 * 60),
        }
    }
}
