//! The shape of all calls of Connectivity Management.
//!
//! A call is a struct: what its request holds. Fields that go into the path or the query
//! are skipped by serde, all others are the body. So a call is its fields, a
//! constructor with the required ones, and a [`Route`]:
//!
//! ```
//! use serde::Serialize;
//! use thingspace_core::{
//!     Endpoint, Environment,
//!     api::{ConnectivityCall, Route, device_groups::ConnectivityManagementSuccessResult},
//! };
//!
//! /// Renames a group of devices, and says nothing else of it.
//! #[derive(Clone, Debug, Serialize)]
//! #[serde(rename_all = "camelCase")]
//! struct RenameGroup {
//!     #[serde(skip)]
//!     account_name: String,
//!     #[serde(skip)]
//!     group_name: String,
//!     new_group_name: String,
//! }
//!
//! impl ConnectivityCall for RenameGroup {
//!     type Response = ConnectivityManagementSuccessResult;
//!     // Once: sent again, it would not find the group under its old name.
//!     const ROUTE: Route = Route::put("/m2m/v1/groups/{aname}/name/{gname}");
//!
//!     fn path(&self) -> Vec<&str> {
//!         vec![&self.account_name, &self.group_name]
//!     }
//! }
//!
//! let request = RenameGroup {
//!     account_name: "0000123456-00001".into(),
//!     group_name: "West Coast Devices".into(),
//!     new_group_name: "West".into(),
//! };
//! let request = request.build(&Environment::mock())?;
//! assert_eq!(
//!     request.uri(),
//!     "https://mock.thingspace.verizon.com/api/m2m/v1/groups/0000123456-00001/name/West%20Coast%20Devices"
//! );
//! assert_eq!(request.body(), r#"{"newGroupName":"West"}"#);
//! # Ok::<(), thingspace_core::RequestError>(())
//! ```

use std::borrow::Cow;

use bytes::Bytes;
use http::{Method, Request, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use super::{
    authorization::WithSession,
    endpoint::{CallOptions, Endpoint},
};
use crate::{
    Environment, RequestError,
    model::{FromJson, read},
    response::InvalidResponse,
};

/// A call of Connectivity Management. Each is an [`Endpoint`].
///
/// What is serialized is the body of the request. A field of the body that is `None` is
/// absent there.
pub trait ConnectivityCall: Serialize {
    /// The body of a response of success.
    type Response: FromJson;

    /// The method and the path, and whether it may be executed twice.
    const ROUTE: Route;

    /// The values in the path, in their order. They are percent-encoded by others.
    fn path(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The names and values of the query. They are percent-encoded by others.
    fn query(&self) -> Vec<(Cow<'static, str>, &str)> {
        Vec::new()
    }
}

/// The method and the path of a call.
#[derive(Clone, Debug)]
pub struct Route {
    method: Method,
    /// As documented: a value in braces stands for one of [`ConnectivityCall::path`].
    path: &'static str,
    has_body: bool,
    idempotent: bool,
}

impl Route {
    /// A GET. It has no body, and may be executed twice.
    pub const fn get(path: &'static str) -> Self {
        Self::new(Method::GET, path).without_body().idempotent()
    }

    /// A POST, which may be executed once.
    pub const fn post(path: &'static str) -> Self {
        Self::new(Method::POST, path)
    }

    /// A PUT, which may be executed once: most of the service's begin an action.
    pub const fn put(path: &'static str) -> Self {
        Self::new(Method::PUT, path)
    }

    /// A DELETE with a body, which may be executed once.
    pub const fn delete(path: &'static str) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// The same without a body.
    #[must_use]
    pub const fn without_body(mut self) -> Self {
        self.has_body = false;
        self
    }

    /// The same, and it may be executed twice. Only then is it retried when its outcome is
    /// unknown.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Returns true if it may be executed twice.
    pub const fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    const fn new(method: Method, path: &'static str) -> Self {
        Self {
            method,
            path,
            has_body: true,
            idempotent: false,
        }
    }

    /// Builds the request with these values in its path and its query.
    fn request(
        self,
        environment: &Environment,
        values: Vec<&str>,
        query: &[(Cow<'static, str>, &str)],
        body: Bytes,
    ) -> Result<Request<Bytes>, RequestError> {
        let mut values = values.into_iter();
        let fill = |segment: &'static str| match segment.strip_prefix('{') {
            Some(_) => values.next().unwrap_or_default(),
            None => segment,
        };
        let segments: Vec<_> = self.path.split('/').skip(1).map(fill).collect();
        let mut request = environment.request(self.method, &segments, body)?;
        if !query.is_empty() {
            let mut uri = request.uri().to_string();
            for (number, (name, value)) in query.iter().enumerate() {
                uri.push(if number == 0 { '?' } else { '&' });
                uri.extend(utf8_percent_encode(name, NON_ALPHANUMERIC));
                uri.push('=');
                uri.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
            }
            *request.uri_mut() = uri.parse().map_err(|_| RequestError::Part("query"))?;
        }
        Ok(request)
    }
}

impl<C: ConnectivityCall> Endpoint for C {
    type Auth = WithSession;
    type Output = C::Response;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        let body = if Self::ROUTE.has_body {
            write(serde_json::to_value(&self))?
        } else {
            Bytes::new()
        };
        Self::ROUTE.request(environment, self.path(), &self.query(), body)
    }

    fn read(response: &Response<Bytes>) -> Result<C::Response, InvalidResponse> {
        read(response.body())
    }

    fn options(&self) -> CallOptions {
        CallOptions {
            idempotent: Self::ROUTE.idempotent,
            ..CallOptions::once()
        }
    }
}

/// Writes a body, without its fields that are `None`.
fn write(body: serde_json::Result<Value>) -> Result<Bytes, RequestError> {
    let mut body = body.map_err(|_| RequestError::Part("body"))?;
    if let Value::Object(fields) = &mut body {
        fields.retain(|_, value| !value.is_null());
    }
    Ok(Bytes::from(body.to_string()))
}
