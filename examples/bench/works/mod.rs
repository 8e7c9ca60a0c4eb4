//! The works that are measured, each done by hand and by the library.
//!
//! By hand is the floor: the code that somebody who knows the protocol and the
//! crates would write for this one call and nothing else, with every address and
//! every header value made beforehand. It puts the same bytes on the wire; `micro`
//! checks that.

pub(crate) mod by_hand;
mod by_oauth2;
pub(crate) mod by_thingspace;

use std::{fmt, hint::black_box};

use bytes::Bytes;
use http::Response;

/// All works: those that are compared stand together, the floor first.
pub(crate) const WORKS: &[Work] = &[
    Work::new(LOG_IN, HAND, by_hand::log_in),
    Work::new(LOG_IN, OURS, by_thingspace::log_in),
    Work::new(LOG_IN_RESPONSE, HAND, by_hand::log_in_response),
    Work::new(LOG_IN_RESPONSE, OURS, by_thingspace::log_in_response),
    Work::new(LOG_OUT, HAND, by_hand::log_out),
    Work::new(LOG_OUT, OURS, by_thingspace::log_out),
    Work::new(LOG_OUT_RESPONSE, HAND, by_hand::log_out_response),
    Work::new(LOG_OUT_RESPONSE, OURS, by_thingspace::log_out_response),
    Work::new(RESET, HAND, by_hand::reset),
    Work::new(RESET, OURS, by_thingspace::reset),
    Work::new(RESET_RESPONSE, HAND, by_hand::reset_response),
    Work::new(RESET_RESPONSE, OURS, by_thingspace::reset_response),
    Work::new(BEARER, HAND, by_hand::bearer),
    Work::new(BEARER, OURS, by_thingspace::bearer),
    Work::new(BEARER, OAUTH2, by_oauth2::bearer),
    Work::new(TOKENS, HAND, by_hand::authorize),
    Work::new(TOKENS, OURS, by_thingspace::authorize),
    Work::new(CALL, HAND, by_hand::call),
    Work::new(CALL, HAND_NAMED, by_hand::call_with_user_agent),
    Work::new(CALL, ENDPOINT, by_thingspace::endpoint_alone),
    Work::new(CALL, ENDPOINT_COPIED, by_thingspace::endpoint_and_copy),
    Work::new(
        CALL,
        ENDPOINT_COPIED_FULL,
        by_thingspace::endpoint_at_full_address_and_copy,
    ),
    Work::new(
        CALL,
        ENDPOINT_COPIED_NAMED,
        by_thingspace::endpoint_with_user_agent_and_copy,
    ),
    Work::new(CALL, OURS, by_thingspace::call),
    Work::new(CALL, OURS_FULL, by_thingspace::call_at_full_address),
    Work::new(CALL, OURS_NAMED, by_thingspace::call_with_user_agent),
    Work::new(CALL, OURS_TEXT, by_thingspace::call_from_text),
    Work::new(
        CALL,
        OURS_FULL_TEXT,
        by_thingspace::call_from_text_of_full_address,
    ),
    Work::new(CALL, OURS_OTHERS, by_thingspace::call_to_others),
    Work::new(CALL, OURS_LATE, by_thingspace::call_after_many),
    Work::new(CALL, OURS_UNSEEN, by_thingspace::call_with_events),
    Work::new(CALL, OURS_BESIDE, by_thingspace::call_beside_many),
];

pub(crate) const HAND: &str = "by hand";
pub(crate) const HAND_NAMED: &str = "by hand, with a user agent";
pub(crate) const OURS: &str = "thingspace";
pub(crate) const OURS_FULL: &str = "thingspace, at a full address";
pub(crate) const OURS_NAMED: &str = "thingspace, at a full address, the caller's user agent";
pub(crate) const OURS_TEXT: &str = "thingspace, from the text of a path each time";
pub(crate) const OURS_FULL_TEXT: &str = "thingspace, from the text of a full address each time";
pub(crate) const OURS_OTHERS: &str = "thingspace, to another path each time";
pub(crate) const OURS_LATE: &str = "thingspace, after 100,000 calls";
pub(crate) const OURS_UNSEEN: &str = "thingspace, no event drained";
pub(crate) const OURS_BESIDE: &str = "thingspace, beside 1,000 in flight";
pub(crate) const ENDPOINT: &str = "its endpoint alone";
pub(crate) const ENDPOINT_COPIED: &str = "its endpoint alone, and a copy of the request";
pub(crate) const ENDPOINT_COPIED_FULL: &str =
    "its endpoint alone, and a copy of the request, at a full address";
pub(crate) const ENDPOINT_COPIED_NAMED: &str =
    "its endpoint alone, and a copy of the request, at a full address, the caller's user agent";
pub(crate) const OAUTH2: &str = "oauth2";

pub(crate) const LOG_IN: &str = "log in: request";
pub(crate) const LOG_IN_RESPONSE: &str = "log in: response";
pub(crate) const LOG_OUT: &str = "log out: request";
pub(crate) const LOG_OUT_RESPONSE: &str = "log out: response";
pub(crate) const RESET: &str = "reset: request";
pub(crate) const RESET_RESPONSE: &str = "reset: response";
pub(crate) const BEARER: &str = "bearer: request and response";
pub(crate) const TOKENS: &str = "two tokens on a request";
pub(crate) const CALL: &str = "a call with an open session";

/// A work, and who does it.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) by: &'static str,
    prepare: fn() -> Doing,
}

/// A function that does a work once and drops all that it made.
pub(crate) type Doing = Box<dyn FnMut()>;

impl Work {
    const fn new(name: &'static str, by: &'static str, prepare: fn() -> Doing) -> Self {
        Self { name, by, prepare }
    }

    /// Makes everything that is made once and for all, and does the work a few
    /// times: from then on, each time takes the same.
    pub(crate) fn prepare(&self) -> Doing {
        let mut doing = (self.prepare)();
        for _ in 0..3 {
            doing();
        }
        doing
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.name, self.by)
    }
}

fn doing<T>(mut work: impl FnMut() -> T + 'static) -> Doing {
    Box::new(move || {
        black_box(work());
    })
}

const KEY: &str = "7ae3a5f2-9d4c-4f0e-b1c7";
const SECRET: &str = "0d8a1f6e-52b3-4c8f-a4d0";
const USERNAME: &str = "zbeeblebrox";
const PASSWORD: &str = "IMgr8-42-heart-of-gold";
const BEARER_TOKEN: &str = "cf1b1d3a-8a0f-3c46-9d36-5e6cbe7dbe2b";
const SESSION_TOKEN: &str = "bcce3ea6-fe4f-4952-bacf-eadd80718e83";

const SESSION_RESPONSE: &str = r#"{"sessionToken":"bcce3ea6-fe4f-4952-bacf-eadd80718e83"}"#;
const PASSWORD_RESPONSE: &str = r#"{"newPassword":"Wh0a1545a84d-gold-of-heart"}"#;
const BEARER_RESPONSE: &str = r#"{"access_token":"cf1b1d3a-8a0f-3c46-9d36-5e6cbe7dbe2b","scope":"default","token_type":"Bearer","expires_in":3600}"#;
const CALL_RESPONSE: &str = r#"{"accountName":"0000123456-00001"}"#;

/// A response that is always the same. Its body is shared, as a piece of a
/// connection's buffer is.
struct Canned(Bytes);

impl Canned {
    fn new(body: &str) -> Self {
        let body = Bytes::copy_from_slice(body.as_bytes());
        // The first copy begins to count copies.
        drop(body.clone());
        Self(body)
    }

    fn response(&self) -> Response<Bytes> {
        Response::new(self.0.clone())
    }
}
