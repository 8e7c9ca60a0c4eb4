//! A service with a clock, and the requests of the tests.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use thingspace_core::Timestamp;
use thingspace_simulator::{Call, Delivery, Reply, Simulator};

/// `simulated-key:simulated-secret`
pub(crate) const BASIC: &str = "Basic c2ltdWxhdGVkLWtleTpzaW11bGF0ZWQtc2VjcmV0";
pub(crate) const TOKEN: &str = "/api/ts/v1/oauth2/token";
pub(crate) const REVOKE: &str = "/api/ts/v1/oauth2/revoke";
pub(crate) const LOGIN: &str = "/api/m2m/v1/session/login";
pub(crate) const LOGOUT: &str = "/api/m2m/v1/session/logout";
pub(crate) const RESET: &str = "/api/m2m/v1/session/password/actions/reset";
pub(crate) const ACCOUNT: &str = "/api/m2m/v1/accounts/0000123456-00001";
pub(crate) const DEVICES: &str = "/api/m2m/v1/devices/actions/list";

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);

/// Returns a number of minutes, less a millisecond.
pub(crate) fn just_under(minutes: u64) -> Duration {
    Duration::from_millis(minutes * 60_000 - 1)
}

/// A simulator and its time.
pub(crate) struct Service {
    pub(crate) simulator: Simulator,
    pub(crate) now: Timestamp,
}

/// A received response.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Both tokens of a client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tokens {
    pub(crate) bearer: String,
    pub(crate) session: String,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::with(Simulator::new(42))
    }

    pub(crate) fn with(simulator: Simulator) -> Self {
        Self {
            simulator,
            now: Timestamp::from_millis(1_700_000_000_000),
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    pub(crate) fn reply(&mut self, request: &Request<Bytes>) -> Reply {
        self.simulator.respond(self.now, request)
    }

    /// Sends a request that must get a response.
    pub(crate) fn send(&mut self, request: &Request<Bytes>) -> Received {
        let reply = self.reply(request);
        let response = reply.into_response().expect("a response");
        let (head, body) = response.into_parts();
        Received {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    /// Requests a valid bearer token.
    pub(crate) fn bearer(&mut self) -> String {
        self.send(&bearer_request()).text("access_token")
    }

    pub(crate) fn log_in(&mut self) -> Tokens {
        let bearer = self.bearer();
        let response = self.try_log_in(Simulator::USERNAME, Simulator::PASSWORD);
        Tokens {
            bearer,
            session: response.text("sessionToken"),
        }
    }

    pub(crate) fn try_log_in(&mut self, username: &str, password: &str) -> Received {
        let bearer = self.bearer();
        self.send(&login(
            &bearer,
            &json!({"username": username, "password": password}),
        ))
    }

    pub(crate) fn fail_logins(&mut self, times: usize) {
        for _ in 0..times {
            let response = self.try_log_in(Simulator::USERNAME, "grflbk");
            assert_eq!(response.status, 400);
        }
    }

    pub(crate) fn account(&mut self, tokens: &Tokens) -> Received {
        self.send(&account_request(tokens))
    }

    pub(crate) fn reset(&mut self, tokens: &Tokens, old: &str) -> Received {
        let body = json!({"oldPassword": old});
        self.send(&with_json(tokens.authorize(put(RESET)), &body))
    }

    pub(crate) fn log_out(&mut self, tokens: &Tokens) -> Received {
        self.send(&without_body(tokens.authorize(post(LOGOUT))))
    }

    pub(crate) fn devices(&mut self, tokens: &Tokens, body: &Value) -> Received {
        self.send(&with_json(tokens.authorize(post(DEVICES)), body))
    }
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field].as_str().expect(field).to_owned()
    }

    /// Asserts that this is the API's refusal with this code.
    #[track_caller]
    pub(crate) fn assert_refused(&self, code: &str) {
        assert_eq!(self.status, 400);
        assert_eq!(self.text("errorCode"), format!("UnifiedWebService.{code}"));
        assert!(!self.text("errorMessage").is_empty());
    }

    /// Asserts that this is the gateway's fault with this code.
    #[track_caller]
    pub(crate) fn assert_fault(&self, status: u16, code: &str) {
        assert_eq!(self.status, status);
        let fault = &self.json()["fault"];
        assert_eq!(fault["code"], code);
        assert!(fault["message"].is_string());
        assert!(fault["description"].is_string());
    }

    /// Asserts that this is the OAuth endpoint's error.
    #[track_caller]
    pub(crate) fn assert_oauth(&self, status: u16, error: &str) {
        assert_eq!(self.status, status);
        assert_eq!(self.text("error"), error);
        assert!(!self.text("error_description").is_empty());
    }
}

impl Tokens {
    pub(crate) fn authorize(&self, request: request::Builder) -> request::Builder {
        request
            .header("authorization", format!("Bearer {}", self.bearer))
            .header("vz-m2m-token", &self.session)
    }
}

pub(crate) fn get(path: &str) -> request::Builder {
    Request::get(path)
}

pub(crate) fn post(path: &str) -> request::Builder {
    Request::post(path)
}

pub(crate) fn put(path: &str) -> request::Builder {
    Request::put(path)
}

pub(crate) fn without_body(request: request::Builder) -> Request<Bytes> {
    request
        .header("content-length", 0)
        .body(Bytes::new())
        .expect("a request")
}

pub(crate) fn with_body(request: request::Builder, body: &str) -> Request<Bytes> {
    request
        .header("content-length", body.len())
        .body(Bytes::from(body.to_owned()))
        .expect("a request")
}

pub(crate) fn with_json(request: request::Builder, body: &Value) -> Request<Bytes> {
    let request = request.header("content-type", "application/json");
    with_body(request, &body.to_string())
}

pub(crate) fn with_form(request: request::Builder, form: &str) -> Request<Bytes> {
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    with_body(request, form)
}

pub(crate) fn bearer_request() -> Request<Bytes> {
    let request = post(TOKEN).header("authorization", BASIC);
    with_form(request, "grant_type=client_credentials")
}

pub(crate) fn account_request(tokens: &Tokens) -> Request<Bytes> {
    tokens
        .authorize(get(ACCOUNT))
        .body(Bytes::new())
        .expect("a request")
}

pub(crate) fn login(bearer: &str, body: &Value) -> Request<Bytes> {
    let request = post(LOGIN).header("authorization", format!("Bearer {bearer}"));
    with_json(request, body)
}

pub(crate) fn delete(path: &str) -> request::Builder {
    Request::delete(path)
}

/// Returns the path of a call, with these parameters in place of those in braces.
pub(crate) fn path(call: Call, parameters: &[&str]) -> String {
    let mut parameters = parameters.iter();
    let segments = call.path().split('/').map(|segment| {
        if segment.starts_with('{') {
            let value = parameters.next().expect("a parameter");
            return utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        }
        segment.to_owned()
    });
    format!("/api{}", segments.collect::<Vec<_>>().join("/"))
}

impl Service {
    /// Sends a request for a call. `body` is `null` for none.
    pub(crate) fn call(
        &mut self,
        tokens: &Tokens,
        call: Call,
        parameters: &[&str],
        body: &Value,
    ) -> Received {
        self.call_at(tokens, call, &path(call, parameters), body)
    }

    pub(crate) fn call_at(
        &mut self,
        tokens: &Tokens,
        call: Call,
        path: &str,
        body: &Value,
    ) -> Received {
        let request = match call.method() {
            "GET" => get(path),
            "POST" => post(path),
            "PUT" => put(path),
            _ => delete(path),
        };
        let request = tokens.authorize(request);
        let request = match body {
            Value::Null => without_body(request),
            body => with_json(request, body),
        };
        self.send(&request)
    }

    /// Begins an asynchronous request and returns its id.
    #[track_caller]
    pub(crate) fn begin(&mut self, tokens: &Tokens, call: Call, body: &Value) -> String {
        let response = self.call(tokens, call, &[], body);
        assert_eq!(response.status, 200, "{response:?}");
        response.text("requestId")
    }

    /// Begins an asynchronous request, lets its time pass, and returns its status.
    #[track_caller]
    pub(crate) fn finish(&mut self, tokens: &Tokens, call: Call, body: &Value) -> String {
        let id = self.begin(tokens, call, body);
        self.pass(5 * SECOND);
        self.status(tokens, &id)
    }

    pub(crate) fn status(&mut self, tokens: &Tokens, id: &str) -> String {
        let call = Call::GetCurrentAsynchronousRequestStatus;
        let response = self.call(tokens, call, &[Simulator::ACCOUNT, id], &Value::Null);
        assert_eq!(response.text("requestId"), id);
        response.text("status")
    }

    /// Returns the one device with this identifier, as a list has it.
    pub(crate) fn device(&mut self, tokens: &Tokens, id: &Value) -> Value {
        let page = self.devices(tokens, &json!({"deviceId": id})).json();
        let devices = page["devices"].as_array().expect("devices");
        assert_eq!(devices.len(), 1, "{id}");
        devices[0].clone()
    }

    /// Returns the state of the one device with this identifier.
    pub(crate) fn state(&mut self, tokens: &Tokens, id: &Value) -> String {
        let device = self.device(tokens, id);
        device["carrierInformations"][0]["state"]
            .as_str()
            .expect("a state")
            .to_owned()
    }

    pub(crate) fn register(&mut self, tokens: &Tokens, service: &str) {
        let body = json!({
            "name": service,
            "url": format!("http://localhost:9001/{service}"),
            "username": "slartibartfast",
            "password": "fjords",
        });
        let call = Call::RegisterCallback;
        let response = self.call(tokens, call, &[Simulator::ACCOUNT], &body);
        assert_eq!(response.text("serviceName"), service);
    }

    /// Returns the bodies of the callbacks that are due, each accepted by its listener.
    pub(crate) fn accept_callbacks(&mut self) -> Vec<Value> {
        let due = self.simulator.callbacks_due(self.now);
        let accept = |delivery: Delivery| {
            self.simulator
                .callback_responded(delivery.id, StatusCode::OK);
            serde_json::from_slice(delivery.request.body()).expect("JSON")
        };
        due.into_iter().map(accept).collect()
    }
}

/// Returns the IMEI of a generated device, the first of which is 1.
pub(crate) fn imei(number: u64) -> Value {
    json!({"id": format!("99{:013}", 100_000_000 + number), "kind": "imei"})
}

/// Returns a list with one device.
pub(crate) fn only(id: &Value) -> Value {
    json!([{"deviceIds": [id]}])
}
