//! The bearer token: one at a time, valid for an hour. While it is valid, a new
//! request gets the same token. Documented by Verizon.

use std::time::Duration;

use fastrand::Rng;
use thingspace_core::Timestamp;

/// The application's bearer token, if it has ever asked for one.
#[derive(Clone, Default)]
pub(crate) struct Bearers {
    latest: Option<Bearer>,
}

#[derive(Clone)]
struct Bearer {
    token: String,
    issued: Timestamp,
}

/// The token in a response of the token endpoint.
pub(crate) struct Issue {
    pub(crate) token: String,
    pub(crate) left: Duration,
    pub(crate) is_new: bool,
}

impl Bearers {
    const LIFETIME: Duration = Duration::from_secs(60 * 60);

    /// Returns the valid token and the rest of its hour, or a new token.
    pub(crate) fn issue(&mut self, now: Timestamp, rng: &mut Rng) -> Issue {
        if let Some(bearer) = self.live(now) {
            return Issue {
                token: bearer.token.clone(),
                left: Self::LIFETIME.saturating_sub(now.since(bearer.issued)),
                is_new: false,
            };
        }
        let token = format!("{:032x}", rng.u128(..));
        self.latest = Some(Bearer {
            token: token.clone(),
            issued: now,
        });
        Issue {
            token,
            left: Self::LIFETIME,
            is_new: true,
        }
    }

    /// Revokes `token`. Returns false if it was not valid.
    pub(crate) fn revoke(&mut self, now: Timestamp, token: &str) -> bool {
        let accepted = self.accept(now, token);
        if accepted {
            self.latest = None;
        }
        accepted
    }

    pub(crate) fn forget(&mut self) {
        self.latest = None;
    }

    pub(crate) fn accept(&self, now: Timestamp, token: &str) -> bool {
        self.live(now).is_some_and(|bearer| bearer.token == token)
    }

    fn live(&self, now: Timestamp) -> Option<&Bearer> {
        self.latest
            .as_ref()
            .filter(|bearer| now.since(bearer.issued) < Self::LIFETIME)
    }
}
