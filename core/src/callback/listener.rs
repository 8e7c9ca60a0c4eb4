//! What receives the callbacks of one registration.

use std::{fmt, iter, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::ALLOW};
use serde::Deserialize;
use serde_json::{Map, Value};
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    key::CallbackKey,
    message::{CallbackMessage, remove_credentials},
};
use crate::{
    CredentialsError, InvalidResponse, Password, Timestamp,
    model::FromJson,
    response::{Field, Problem, json, value},
};

/// The most bytes of a callback's body, unless [`Listener::max_body`] says otherwise (our
/// choice): many times what a message about some devices takes.
pub const MAX_CALLBACK_BODY: usize = 4 * 1024 * 1024;

/// A good time for which the old password is accepted after a new registration (our
/// choice): messages had it for up to 14 minutes in the field, and a message is sent
/// again for 15.
pub const ROTATION_OVERLAP: Duration = Duration::from_secs(30 * 60);

/// The user name and password with which a listener was registered.
///
/// They are not those of a session: ThingSpace sends them in the clear to the address that
/// was registered, and lists them to every user of the account.
#[derive(Clone)]
pub struct ListenerCredentials {
    username: String,
    password: Password,
}

impl ListenerCredentials {
    /// Takes a user name, which is empty if none was registered, and a password.
    ///
    /// Fails if the password is empty. It has at most 40 characters, as documented.
    pub fn new(
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, CredentialsError> {
        Ok(Self {
            username: username.into(),
            password: Password::new(password)?,
        })
    }

    /// Compares both, whether or not the first is right.
    fn are(&self, username: &str, password: &str) -> Choice {
        same(&self.username, username) & same(self.password.expose(), password)
    }
}

/// Compares two texts in a time that depends on the length of the first alone.
fn same(registered: &str, sent: &str) -> Choice {
    let pairs = iter::zip(registered.bytes(), sent.bytes().chain(iter::repeat(0)));
    let same_length = registered.len().ct_eq(&sent.len());
    pairs.fold(same_length, |same, (registered, sent)| {
        same & registered.ct_eq(&sent)
    })
}

impl fmt::Debug for ListenerCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListenerCredentials(…)")
    }
}

/// A listener as it was registered: it tells its callbacks from other requests, and reads
/// them.
///
/// It does no I/O: whatever serves HTTP passes it each request that came to the registered
/// address, and sends the response that it gives.
#[derive(Clone, Debug)]
#[doc(alias = "webhook")]
pub struct Listener {
    /// `None` accepts everybody.
    current: Option<ListenerCredentials>,
    /// Those before, and the moment until which they are accepted.
    previous: Option<(Option<ListenerCredentials>, Timestamp)>,
    max_body: usize,
}

impl Listener {
    /// A listener that was registered with these credentials.
    pub const fn new(credentials: ListenerCredentials) -> Self {
        Self {
            current: Some(credentials),
            previous: None,
            max_body: MAX_CALLBACK_BODY,
        }
    }

    /// A listener that was registered without credentials. It accepts a message from
    /// everybody who finds the address.
    pub const fn without_credentials() -> Self {
        Self {
            current: None,
            previous: None,
            max_body: MAX_CALLBACK_BODY,
        }
    }

    /// Sets the most bytes of a body, in place of [`MAX_CALLBACK_BODY`].
    #[must_use]
    pub fn max_body(self, bytes: usize) -> Self {
        Self {
            max_body: bytes,
            ..self
        }
    }

    /// The most bytes of a body. Read no more of a request, and refuse a longer one with
    /// [`CallbackRefusal::TooLarge`].
    pub const fn read_limit(&self) -> usize {
        self.max_body
    }

    /// Takes new credentials, and accepts those before until this moment:
    /// [`ROTATION_OVERLAP`] from now is a good one.
    ///
    /// Call it before the new registration: afterwards messages come with either. Those of
    /// one rotation before are accepted no more.
    pub fn rotate(&mut self, credentials: ListenerCredentials, until: Timestamp) {
        let previous = self.current.replace(credentials);
        self.previous = Some((previous, until));
    }

    /// Reads a request that came to the listener's address. Its content type does not
    /// matter.
    ///
    /// A body is not read as a message before its credentials are found to be right. They
    /// are compared in a time that shows nothing of them but the length of what was
    /// registered.
    ///
    /// The body stays yours. It holds the password: to save a message whole, save
    /// [`Callback::json`].
    pub fn read(
        &self,
        request: &Request<Bytes>,
        now: Timestamp,
    ) -> Result<Callback, CallbackRefusal> {
        if request.method() != Method::POST {
            return Err(CallbackRefusal::Method);
        }
        let body = request.body();
        if body.len() > self.max_body {
            return Err(CallbackRefusal::TooLarge);
        }
        let Sent { username, password } = json(body)?;
        if !self.knows(&secret(username), &secret(password), now) {
            return Err(CallbackRefusal::Credentials);
        }
        match value(body)? {
            Value::Object(body) => Ok(Callback::new(body)),
            _ => Err(InvalidResponse::new("the body", Problem::Kind).into()),
        }
    }

    /// Compares with all that are accepted, whether or not the first of them are sent.
    fn knows(&self, username: &str, password: &str, now: Timestamp) -> bool {
        let previous = self.previous.iter();
        let previous = previous.filter(|(_, until)| now < *until);
        let accepted = iter::once(&self.current).chain(previous.map(|(previous, _)| previous));
        let is_known = accepted.map(|registered| match registered {
            Some(credentials) => credentials.are(username, password),
            None => Choice::from(1),
        });
        is_known
            .fold(Choice::from(0), |known, is| known | is)
            .into()
    }
}

/// The credentials in a body.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow, default)]
    username: Field<'a>,
    #[serde(borrow, default)]
    password: Field<'a>,
}

/// The text of a field, wiped when dropped. One that holds no text is as good as empty.
fn secret(field: Field<'_>) -> Zeroizing<String> {
    Zeroizing::new(field.text().unwrap_or_default().into_owned())
}

/// A message that was accepted. Its `Debug` shows no credentials, since it has none.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Callback {
    /// The message.
    pub message: CallbackMessage,
    /// The key by which it is recognised if it is sent again.
    pub key: CallbackKey,
    json: Body,
}

impl Callback {
    fn new(mut body: Map<String, Value>) -> Self {
        remove_credentials(&mut body);
        let json = Value::Object(body.clone());
        // An object fits every model.
        let message = CallbackMessage::from_json(json).unwrap_or_default();
        Self {
            key: CallbackKey::of(message.request_id.as_ref(), &body),
            message,
            json: Body(Value::Object(body)),
        }
    }

    /// The whole body without its credentials, as JSON: for saving it.
    pub const fn json(&self) -> &Value {
        &self.json.0
    }

    /// The whole body without its credentials, given away.
    pub fn into_json(self) -> Value {
        self.json.0
    }

    /// The response to the message, a 200.
    ///
    /// Send it only once the message is yours, which means saved: ThingSpace then forgets
    /// it. If it can't be saved, send that of [`CallbackRefusal::NotSaved`].
    pub fn response(&self) -> Response<Bytes> {
        Response::new(Bytes::new())
    }
}

/// A body whose `Debug` shows the names of its fields alone.
#[derive(Clone, PartialEq)]
struct Body(Value);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.0.as_object();
        f.debug_set()
            .entries(fields.into_iter().flat_map(Map::keys))
            .finish()
    }
}

/// The reason why a request is refused. Shows nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallbackRefusal {
    /// It is no POST.
    #[error("it is no POST")]
    Method,
    /// Its body is longer than the listener reads.
    #[error("its body is longer than the listener reads")]
    TooLarge,
    /// Its body is no JSON object, or too deep: more than about a hundred values within
    /// each other.
    #[error("{0}")]
    Body(#[from] InvalidResponse),
    /// Its user name or its password is wrong or absent; which one is not said.
    #[error("its credentials are not those of the listener")]
    Credentials,
    /// It is a message that could not be saved. Never returned by [`Listener::read`]: it is
    /// for you to say.
    #[error("it could not be saved")]
    NotSaved,
}

impl CallbackRefusal {
    /// The status of the response. Whatever it is, ThingSpace sends a message again that it
    /// takes for refused.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::Credentials => StatusCode::UNAUTHORIZED,
            Self::NotSaved => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The response, which has no body.
    pub fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = self.status();
        if *self == Self::Method {
            let methods = HeaderValue::from_static("POST");
            response.headers_mut().insert(ALLOW, methods);
        }
        response
    }
}
