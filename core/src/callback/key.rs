//! Keys by which a message is recognised that is sent again.

use std::{fmt, hash::Hasher};

use serde_json::{Map, Number, Value};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::model::RequestId;

/// A key by which a message is recognised that is sent again: the request's id, and a
/// digest of the body.
///
/// The messages about all devices of a request have its id, so the id alone is no key. The
/// digest leaves out the credentials and `callbackCount`, in which the same message may
/// differ. It does not depend on the order of fields and on blanks, and is the same in
/// every build and process: as text, it may be a key of a database.
///
/// It is no protection against a sender who knows the password, and who can make up two
/// messages with one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallbackKey {
    request_id: Option<RequestId>,
    digest: u128,
}

impl CallbackKey {
    /// The key of a body without its credentials.
    pub(super) fn of(request_id: Option<&RequestId>, body: &Map<String, Value>) -> Self {
        let mut hasher = SipHasher13::new();
        let mut fields: Vec<_> = body.iter().collect();
        fields.retain(|(name, _)| name.as_str() != "callbackCount");
        feed_object(&mut hasher, fields);
        Self {
            request_id: request_id.cloned(),
            digest: hasher.finish128().as_u128(),
        }
    }

    /// The request's id, if the message has one.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    /// The digest of the body, which the request's id is part of.
    pub fn digest(&self) -> u128 {
        self.digest
    }
}

/// Writes the request's id, if there is one, a slash and the digest: 32 hexadecimal digits.
impl fmt::Display for CallbackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.request_id.as_ref().map_or("", RequestId::as_str);
        write!(f, "{id}/{:032x}", self.digest)
    }
}

/// Feeds a value so that no other one is fed in the same way.
fn feed(hasher: &mut SipHasher13, value: &Value) {
    match value {
        Value::Null => hasher.write_u8(0),
        Value::Bool(value) => hasher.write(&[1, u8::from(*value)]),
        Value::Number(number) => {
            hasher.write_u8(2);
            feed_text(hasher, &number_text(number));
        }
        Value::String(text) => {
            hasher.write_u8(3);
            feed_text(hasher, text);
        }
        Value::Array(items) => {
            hasher.write_u8(4);
            feed_length(hasher, items.len());
            for item in items {
                feed(hasher, item);
            }
        }
        Value::Object(fields) => feed_object(hasher, fields.iter().collect()),
    }
}

/// A number as text, whether or not a feature of `serde_json` keeps how it was written.
fn number_text(number: &Number) -> String {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(number), _, _) => number.to_string(),
        (_, Some(number), _) => number.to_string(),
        (_, _, Some(number)) => format!("{number:?}"),
        (None, None, None) => number.to_string(),
    }
}

fn feed_object(hasher: &mut SipHasher13, mut fields: Vec<(&String, &Value)>) {
    // A feature of serde_json keeps the order in which they were written.
    fields.sort_unstable_by_key(|(name, _)| *name);
    hasher.write_u8(5);
    feed_length(hasher, fields.len());
    for (name, value) in fields {
        feed_text(hasher, name);
        feed(hasher, value);
    }
}

fn feed_text(hasher: &mut SipHasher13, text: &str) {
    feed_length(hasher, text.len());
    hasher.write(text.as_bytes());
}

/// Feeds a length in the same way on every machine.
fn feed_length(hasher: &mut SipHasher13, length: usize) {
    hasher.write(&u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
}
