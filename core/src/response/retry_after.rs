//! The `Retry-After` header (RFC 9110 §10.2.3).

use std::time::Duration;

use http::{HeaderMap, header};

use crate::Timestamp;

/// Reads the time that `Retry-After` names: seconds, or an HTTP date.
///
/// A date is measured against the response's own `Date` where it has one, so
/// that a wrong clock on this side does no harm.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(now + Duration::from_secs(seconds));
    }
    let until = Timestamp::from(httpdate::parse_http_date(value).ok()?);
    let server_now = headers
        .get(header::DATE)
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok())
        .map_or(now, Timestamp::from);
    Some(now + until.since(server_now))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::response::Refusal;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::from_millis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
        let after = |pairs: &[(&str, &str)]| {
            let mut response = http::Response::builder().status(429);
            for (name, value) in pairs {
                response = response.header(*name, *value);
            }
            Refusal::read(response.body(Bytes::new()).unwrap()).retry_after(now)
        };
        let seconds = |n| Some(now + Duration::from_secs(n));
        assert_eq!(after(&[("retry-after", "7")]), seconds(7));
        assert_eq!(after(&[("retry-after", " 0 ")]), seconds(0));
        let date = ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT");
        assert_eq!(after(&[date]), seconds(60));
        assert_eq!(
            after(&[date, ("date", "Sun, 06 Nov 1994 08:50:07 GMT")]),
            seconds(30)
        );
        assert_eq!(
            after(&[date, ("date", "Sun, 06 Nov 1994 09:00:00 GMT")]),
            seconds(0)
        );
        let endless = "9".repeat(30);
        assert_eq!(after(&[("retry-after", &endless)]), Some(Timestamp::MAX));
        for nonsense in ["", "-1", "soon", "1.5"] {
            assert_eq!(after(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }
}
