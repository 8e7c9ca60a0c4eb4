//! The headers that pass through the proxy, and those that do not.

use http::{
    HeaderMap, HeaderName,
    header::{
        ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

use thingspace_core::api::CREDENTIAL_HEADERS;

use crate::problem::ERROR_HEADER;

/// The headers that are about one connection (RFC 9110 §7.6.1).
static HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The headers of a client that go no further, beside its own credentials, which are not
/// those of the session: what is about its request to the proxy; and a wish for a
/// compressed response, in which the session could not read that it is over.
static OF_CLIENT: [HeaderName; 5] = [ACCEPT_ENCODING, CONTENT_LENGTH, COOKIE, EXPECT, HOST];

/// The headers that some servers take for another method or path than the request has:
/// the rules would have seen the wrong one.
static OVERRIDES: [HeaderName; 5] = [
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

/// Takes off a request what goes no further.
pub(crate) fn clean_request(headers: &mut HeaderMap, required: Option<&HeaderName>) {
    remove_hop_by_hop(headers);
    let others = OF_CLIENT.iter().chain(&OVERRIDES).chain(required);
    for name in CREDENTIAL_HEADERS.iter().chain(others) {
        headers.remove(name);
    }
}

/// Takes off a response what is about the proxy's own connection, and the mark of the
/// proxy's own errors.
pub(crate) fn clean_response(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    headers.remove(ERROR_HEADER);
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}
