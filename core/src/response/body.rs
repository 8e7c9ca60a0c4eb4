//! A response that is carried along and not shown.

use std::fmt;

use bytes::Bytes;

/// A whole response as it came. Its `Debug` shows the status and the length, and
/// neither headers nor body.
#[derive(Clone)]
pub struct Unread(Box<http::Response<Bytes>>);

impl Unread {
    pub(crate) fn new(response: http::Response<Bytes>) -> Self {
        Self(Box::new(response))
    }

    /// The response.
    pub const fn response(&self) -> &http::Response<Bytes> {
        &self.0
    }

    /// The response, given away.
    pub fn into_response(self) -> http::Response<Bytes> {
        *self.0
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(response) = self;
        write!(
            f,
            "{} with {} bytes",
            response.status(),
            response.body().len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_10_debug_shows_the_status_and_the_length_alone() {
        let response = http::Response::builder()
            .status(502)
            .header("set-cookie", "hush")
            .body(Bytes::from_static(b"hush!"))
            .unwrap();
        assert_eq!(
            format!("{:?}", Unread::new(response)),
            "502 Bad Gateway with 5 bytes"
        );
    }
}
