//! JSON for an endpoint of one's own: the body of its request, and what its response holds.

use bytes::Bytes;
use http::Response;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    environment::RequestError,
    response::{InvalidResponse, Problem, is_blank, without_mark},
};

/// Writes a value as the JSON body of a request.
///
/// Fails if JSON has no form for it, such as for a map whose keys are no texts.
pub fn json_body(value: &(impl Serialize + ?Sized)) -> Result<Bytes, RequestError> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|_| RequestError::NotJson)
}

/// Reads a value from the JSON body of a response.
///
/// Fails if the body is empty, is not JSON or does not fit. The error says where it is
/// wrong and why, as serde does, and repeats no value.
///
/// ```
/// use thingspace_core::{bytes::Bytes, http::Response, read_json};
///
/// let response = Response::new(Bytes::from_static(b"[7, \"secret\"]"));
/// let error = read_json::<Vec<u32>>(&response).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the body has another shape than documented (line 1, column 12): \
///      invalid type: string, expected u32"
/// );
/// ```
pub fn read_json<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<T, InvalidResponse> {
    let body = without_mark(response.body());
    if is_blank(body) {
        return Err(InvalidResponse::new("the body", Problem::Missing));
    }
    Ok(serde_json::from_slice(body)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Account {
        name: String,
    }

    fn read(body: &'static [u8]) -> Result<Account, String> {
        read_json(&Response::new(Bytes::from_static(body))).map_err(|error| error.to_string())
    }

    #[test]
    fn a_body_is_what_serde_writes() {
        let body = json_body(&[("zaphod", 2)]).unwrap();
        assert_eq!(body, r#"[["zaphod",2]]"#);
        let nobody = BTreeMap::from([((1, 2), 3)]);
        assert_eq!(json_body(&nobody), Err(RequestError::NotJson));
    }

    #[test]
    fn an_account_is_read_whatever_stands_around_it() {
        let account = Account {
            name: "zaphod".to_owned(),
        };
        let read = read(b"\xef\xbb\xbf {\"name\":\"zaphod\",\"heads\":2} ");
        assert_eq!(read, Ok(account));
    }

    #[test]
    fn law_10_an_error_says_where_and_why_and_repeats_no_value() {
        for (body, said) in [
            (b" ".as_slice(), "the body is missing"),
            (b"<hush>", "the body is not JSON (line 1, column 1)"),
            (
                b"{\"name\":\"hush\"",
                "the body is not JSON (line 1, column 14)",
            ),
            (
                b"{\n\"hush\":1}",
                "the body has another shape than documented (line 2, column 9): missing field `name`",
            ),
            (
                b"{\"name\":4815}",
                "the body has another shape than documented (line 1, column 12): invalid type: integer, expected a string",
            ),
        ] {
            assert_eq!(read(body), Err(said.to_owned()));
        }
    }
}
