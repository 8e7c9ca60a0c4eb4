//! Callbacks: the listeners to which the service sends outcomes and events.
//!
//! An account has one listener for each service. What the listener receives is read by
//! [`callback`](crate::callback).

use serde::{Serialize, Serializer};
use serde_json::Value;
use thiserror::Error;

use super::connectivity::{ConnectivityCall, Route};
use crate::{
    Password,
    model::{CallbackService, Fields, FromJson, List, Model, Other},
    response::UNREADABLE,
};

/// The longest password of a callback, in characters. Documented by Verizon.
pub const MAX_CALLBACK_PASSWORD_LENGTH: usize = 40;

/// Lists the listeners of an account: `GET /m2m/v1/callbacks/{aname}`.
#[doc(alias = "list_registered_callbacks")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ListRegisteredCallbacks {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
}

impl ListRegisteredCallbacks {
    /// Lists those of this account.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self {
            account_name: account_name.into(),
        }
    }
}

impl ConnectivityCall for ListRegisteredCallbacks {
    type Response = List<ConnectivityManagementCallback>;
    const ROUTE: Route = Route::get("/m2m/v1/callbacks/{aname}");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name]
    }
}

/// Registers a listener: `POST /m2m/v1/callbacks/{aname}`.
///
/// It replaces the one that is registered for the service. Messages with the former
/// password were seen for up to 14 minutes after that.
///
/// ```
/// use thingspace_core::{Password, api::callbacks::RegisterCallback, model::CallbackService};
///
/// let service = CallbackService::CARRIER_SERVICE;
/// let mut call = RegisterCallback::new("0000123456-00001", service, "https://example.com/vz")
///     .with_password(Password::new("up to 40 characters")?)?;
/// call.username = Some("thingspace".into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "register_callback")]
#[doc(alias = "RegisterCallbackRequest")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RegisterCallback {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
    /// The service.
    pub name: CallbackService,
    /// The address of the listener: `https`, with a certificate that a public authority
    /// signed. Its port is one of 80, 443, 9001 to 9006, 50551 to 50559 and 28200 to
    /// 28220. None of this is checked here.
    pub url: String,
    /// The user name that the messages carry.
    pub username: Option<String>,
    password: Option<Exposed>,
}

impl RegisterCallback {
    /// Registers the listener at this address, for messages without a user name and a
    /// password.
    pub fn new(
        account_name: impl Into<String>,
        name: CallbackService,
        url: impl Into<String>,
    ) -> Self {
        Self {
            account_name: account_name.into(),
            name,
            url: url.into(),
            username: None,
            password: None,
        }
    }

    /// Sets the password that the messages carry, in the clear.
    ///
    /// Fails if it has more than [`MAX_CALLBACK_PASSWORD_LENGTH`] characters.
    pub fn with_password(self, password: Password) -> Result<Self, PasswordTooLong> {
        if password.expose().chars().count() > MAX_CALLBACK_PASSWORD_LENGTH {
            return Err(PasswordTooLong);
        }
        Ok(Self {
            password: Some(Exposed(password)),
            ..self
        })
    }

    /// The password that the messages carry.
    pub fn password(&self) -> Option<&Password> {
        self.password.as_ref().map(|Exposed(password)| password)
    }
}

impl ConnectivityCall for RegisterCallback {
    type Response = CallbackActionResult;
    // Once: sent again, it could replace a listener that was registered since.
    const ROUTE: Route = Route::post("/m2m/v1/callbacks/{aname}");

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name]
    }
}

/// Removes the listener of a service: `DELETE /m2m/v1/callbacks/{aname}/name/{sname}`.
#[doc(alias = "deregister_callback")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeregisterCallback {
    /// The account.
    #[serde(skip)]
    pub account_name: String,
    /// The service.
    #[serde(skip)]
    pub service_name: CallbackService,
}

impl DeregisterCallback {
    /// Removes the listener that the account has for this service.
    pub fn new(account_name: impl Into<String>, service_name: CallbackService) -> Self {
        Self {
            account_name: account_name.into(),
            service_name,
        }
    }
}

impl ConnectivityCall for DeregisterCallback {
    type Response = CallbackActionResult;
    // Once: sent again, it could remove a listener that was registered since.
    const ROUTE: Route = Route::delete("/m2m/v1/callbacks/{aname}/name/{sname}").without_body();

    fn path(&self) -> Vec<&str> {
        vec![&self.account_name, self.service_name.as_str()]
    }
}

/// A password that is written as it goes over the wire.
#[derive(Clone, Debug, PartialEq)]
struct Exposed(Password);

impl Serialize for Exposed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

/// The error for a password with more than [`MAX_CALLBACK_PASSWORD_LENGTH`] characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the password is too long for a callback; \
     give one of at most {MAX_CALLBACK_PASSWORD_LENGTH} characters"
)]
pub struct PasswordTooLong;

/// The response to a [`RegisterCallback`] or a [`DeregisterCallback`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CallbackActionResult {
    /// The account.
    pub account_name: Option<String>,
    /// The service.
    pub service_name: Option<CallbackService>,
    /// Fields that are not documented or do not fit.
    pub other: Other,
}

impl Model for CallbackActionResult {
    fn read(fields: &mut Fields) -> Self {
        Self {
            account_name: fields.take("accountName"),
            service_name: fields.take("serviceName"),
            other: fields.other(),
        }
    }
}

/// A listener that is registered.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ConnectivityManagementCallback {
    /// The account.
    pub account_name: Option<String>,
    /// The password that the messages carry. The service sends an empty text for none.
    pub password: Option<Password>,
    /// The service.
    pub service_name: Option<CallbackService>,
    /// The address.
    pub url: Option<String>,
    /// The user name that the messages carry. The service sends an empty text for none.
    pub username: Option<String>,
    /// Fields that are not documented or do not fit. A password that can't be right is
    /// among them.
    pub other: Other,
}

impl Model for ConnectivityManagementCallback {
    fn read(fields: &mut Fields) -> Self {
        let password = fields.take("password");
        let username: Option<String> = fields.take("username");
        Self {
            account_name: fields.take("accountName"),
            password: password.and_then(|ListedPassword(password)| password),
            service_name: fields.take("serviceName"),
            url: fields.take("url"),
            username: username.filter(|name| !name.is_empty()),
            other: fields.other(),
        }
    }
}

/// The password of a listed callback; an empty text is none.
struct ListedPassword(Option<Password>);

/// Takes texts only: a number may be written in another way than the password.
impl FromJson for ListedPassword {
    fn from_json(json: Value) -> Result<Self, Value> {
        match json {
            // The right one has another character there, and nobody knows which.
            Value::String(text) if !text.contains(UNREADABLE) => Ok(Self(Password::new(text).ok())),
            other => Err(other),
        }
    }
}
