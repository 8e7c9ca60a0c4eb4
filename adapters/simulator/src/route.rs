//! A call by its method and path, with the fields of its request and the function that
//! executes it.

use percent_encoding::percent_decode_str;

use crate::call::Call;
use crate::connectivity::Handler;
use crate::connectivity::schema::{Body, Field};
use crate::refusal::Errors;

/// A call: where it is, what it takes, and what executes it.
pub(crate) struct Route {
    pub(crate) call: Call,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) body: Body,
    pub(crate) errors: Errors,
    /// `None` for the calls of the session and of the OAuth endpoint.
    pub(crate) handler: Option<Handler>,
}

impl Route {
    /// Returns the decoded parameters in a path, in their order.
    pub(crate) fn parameters(&self, path: &str) -> Vec<String> {
        let pairs = self.path.split('/').zip(path.split('/'));
        pairs
            .filter(|(template, _)| is_parameter(template))
            .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// Returns true if a path is of this route.
    pub(crate) fn has(&self, path: &str) -> bool {
        let (mut templates, mut segments) = (self.path.split('/'), path.split('/'));
        loop {
            match (templates.next(), segments.next()) {
                (None, None) => return true,
                (Some(template), Some(segment)) => {
                    let fits = if is_parameter(template) {
                        !segment.is_empty()
                    } else {
                        template == segment
                    };
                    if !fits {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }

    pub(crate) const fn new(call: Call, method: &'static str, path: &'static str) -> Self {
        Self {
            call,
            method,
            path,
            body: Body::None,
            errors: Errors::Named,
            handler: None,
        }
    }

    pub(crate) const fn get(call: Call, path: &'static str, handler: Handler) -> Self {
        Self::new(call, "GET", path).executed_by(handler)
    }

    pub(crate) const fn delete(call: Call, path: &'static str, handler: Handler) -> Self {
        Self::new(call, "DELETE", path).executed_by(handler)
    }

    pub(crate) const fn post(
        call: Call,
        path: &'static str,
        body: &'static [Field],
        handler: Handler,
    ) -> Self {
        let mut route = Self::new(call, "POST", path).executed_by(handler);
        route.body = Body::Required(body);
        route
    }

    pub(crate) const fn put(
        call: Call,
        path: &'static str,
        body: &'static [Field],
        handler: Handler,
    ) -> Self {
        let mut route = Self::new(call, "PUT", path).executed_by(handler);
        route.body = Body::Required(body);
        route
    }

    pub(crate) const fn executed_by(mut self, handler: Handler) -> Self {
        self.handler = Some(handler);
        self
    }

    pub(crate) const fn optional(mut self, body: &'static [Field]) -> Self {
        self.body = Body::Optional(body);
        self
    }

    pub(crate) const fn numbered(mut self) -> Self {
        self.errors = Errors::Numbered;
        self
    }
}

fn is_parameter(template: &str) -> bool {
    template.starts_with('{')
}
