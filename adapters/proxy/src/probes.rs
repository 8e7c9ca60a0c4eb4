//! The probes of an operator: is it alive, is it ready, what does it count.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderValue, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde_json::{Value, json};
use thingspace_hyper::{Client, Stack, Streamed};
use tokio::time::timeout;

use crate::problem::Problem;

/// The longest look at the store for a probe: its sender waits for a second or few.
const LOOK_AT_STORE: Duration = Duration::from_secs(1);

/// A probe, by its path.
#[derive(Clone, Copy)]
pub(crate) enum Probe {
    Live,
    Ready,
    Metrics,
}

impl Probe {
    /// The probe at a path, if that is one.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/livez" => Some(Self::Live),
            "/readyz" => Some(Self::Ready),
            "/metrics" => Some(Self::Metrics),
            _ => None,
        }
    }
}

pub(crate) fn live() -> Response<Streamed> {
    json_response(&json!({ "live": true }))
}

/// Returns success if calls that need a login can be served, and else the reason.
pub(crate) async fn ready<S: Stack>(client: &Client<S>) -> Result<Response<Streamed>, Problem> {
    let guard = || client.session(|session| session.login_guard());
    if guard().blocked.is_some() {
        // Another process may have unblocked it. A proxy that is not ready gets no call
        // that would look.
        let _ = timeout(LOOK_AT_STORE, client.sync()).await;
    }
    let guard = guard();
    if guard.blocked.is_some() {
        return Err(Problem::blocked(&guard));
    }
    Ok(json_response(&json!({ "ready": true })))
}

/// The page of metrics, as Prometheus reads it.
pub(crate) fn metrics(rendered: String) -> Response<Streamed> {
    page("text/plain; version=0.0.4; charset=utf-8", rendered)
}

fn json_response(value: &Value) -> Response<Streamed> {
    page("application/json", value.to_string())
}

fn page(kind: &'static str, text: String) -> Response<Streamed> {
    let mut response = Response::new(Streamed::from(Bytes::from(text)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
