//! The contenders: each HTTP stack alone, with addresses and tokens made
//! beforehand, and thingspace on top of it.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Request, Uri,
    header::{ACCEPT, AUTHORIZATION},
};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use reqwest::{IntoUrl, Url};
use thingspace_core::{AppCredentials, Credentials, SessionBuilder, UserCredentials};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

/// A program that makes a number of calls of a service.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// The one that it is compared with.
    pub(crate) floor: &'static str,
    pub(crate) run: fn(base: &str, calls: u32),
}

pub(crate) const CONTENDERS: &[Contender] = &[
    Contender {
        name: UREQ_FLOOR,
        floor: UREQ_FLOOR,
        run: |base, calls| raw_ureq(&ureq::Agent::new_with_defaults(), base, calls),
    },
    // With any timeout ureq looks the host up on a thread of its own, for every call.
    Contender {
        name: UREQ_TIMED,
        floor: UREQ_FLOOR,
        run: |base, calls| raw_ureq(&timed(), base, calls),
    },
    Contender {
        name: UREQ,
        floor: UREQ_FLOOR,
        run: |base, calls| thingspace_over_ureq(&ready_made(base), &account(base), calls),
    },
    Contender {
        name: UREQ_PATH,
        floor: UREQ_FLOOR,
        run: |base, calls| thingspace_over_ureq(&ready_made(base), &account(""), calls),
    },
    Contender {
        name: UREQ_OWN,
        floor: UREQ_FLOOR,
        run: |base, calls| thingspace_over_ureq(&with_own_agent(base), &account(base), calls),
    },
    Contender {
        name: FLOOR,
        floor: FLOOR,
        run: raw_hyper,
    },
    Contender {
        name: "hyper-util, timed",
        floor: FLOOR,
        run: timed_hyper,
    },
    Contender {
        name: HYPER,
        floor: FLOOR,
        run: |base, calls| thingspace_over_hyper(base, &account(base), calls),
    },
    Contender {
        name: HYPER_PATH,
        floor: FLOOR,
        run: |base, calls| thingspace_over_hyper(base, &account(""), calls),
    },
    Contender {
        name: REQWEST,
        floor: FLOOR,
        run: |base, calls| raw_reqwest(|address| address.parse::<Url>().unwrap(), base, calls),
    },
    // As its documentation shows it; it reads the address anew for every call.
    Contender {
        name: REQWEST_TEXT,
        floor: FLOOR,
        run: |base, calls| raw_reqwest(str::to_owned, base, calls),
    },
];

/// The floor of every contender that has no other.
pub(crate) const FLOOR: &str = "hyper-util";
pub(crate) const HYPER: &str = "thingspace-hyper";
pub(crate) const HYPER_PATH: &str = "thingspace-hyper, path";
pub(crate) const UREQ_FLOOR: &str = "ureq";
pub(crate) const UREQ_TIMED: &str = "ureq, timed";
pub(crate) const UREQ: &str = "thingspace-ureq";
pub(crate) const UREQ_PATH: &str = "thingspace-ureq, path";
pub(crate) const UREQ_OWN: &str = "thingspace-ureq, agent of one's own";
pub(crate) const REQWEST: &str = "reqwest";
pub(crate) const REQWEST_TEXT: &str = "reqwest, address as text";

/// The timeout of a request, the same as that of thingspace.
const TIMEOUT: Duration = Duration::from_secs(30);
const PATH: &str = "/m2m/v1/accounts/0000123456-00001";
const VZ_M2M_TOKEN: HeaderName = HeaderName::from_static("vz-m2m-token");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The header values that are made once by whoever calls by hand.
struct Tokens {
    bearer: HeaderValue,
    session: HeaderValue,
}

impl Tokens {
    fn new() -> Self {
        let sensitive = |text: &str| {
            let text = Bytes::copy_from_slice(text.as_bytes());
            let mut value = HeaderValue::from_maybe_shared(text).unwrap();
            value.set_sensitive(true);
            value
        };
        Self {
            bearer: sensitive("Bearer cf1b1d3a-8a0f-3c46-9d36-5e6cbe7dbe2b"),
            session: sensitive("bcce3ea6-fe4f-4952-bacf-eadd80718e83"),
        }
    }

    fn request<B>(&self, uri: &Uri, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.uri_mut() = uri.clone();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, JSON);
        headers.insert(AUTHORIZATION, self.bearer.clone());
        headers.insert(VZ_M2M_TOKEN, self.session.clone());
        request
    }
}

fn timed() -> ureq::Agent {
    let config = ureq::Agent::config_builder();
    config.timeout_global(Some(TIMEOUT)).build().into()
}

fn raw_ureq(agent: &ureq::Agent, base: &str, calls: u32) {
    let (uri, tokens) = (uri(base), Tokens::new());
    for _ in 0..calls {
        let mut response = agent.run(tokens.request(&uri, ())).unwrap();
        assert!(response.status().is_success());
        assert!(!response.body_mut().read_to_vec().unwrap().is_empty());
    }
}

fn ready_made(base: &str) -> thingspace_ureq::Client {
    let builder = thingspace_ureq::Builder::new(session(base));
    builder.build().unwrap()
}

fn with_own_agent(base: &str) -> thingspace_ureq::Client {
    let agent = thingspace_ureq::agent(ureq::Agent::config_builder().build());
    let builder = thingspace_ureq::Builder::new(session(base)).agent(agent);
    builder.build().unwrap()
}

fn thingspace_over_ureq(client: &thingspace_ureq::Client, account: &Request<Bytes>, calls: u32) {
    for _ in 0..calls {
        let response = client.call(account.clone()).unwrap();
        assert!(response.status().is_success());
        assert!(!response.body().is_empty());
    }
}

fn raw_hyper(base: &str, calls: u32) {
    let (uri, tokens) = (uri(base), Tokens::new());
    let client = pooled();
    runtime().block_on(async {
        for _ in 0..calls {
            exchange(&client, tokens.request(&uri, Full::default())).await;
        }
    });
}

fn timed_hyper(base: &str, calls: u32) {
    let (uri, tokens) = (uri(base), Tokens::new());
    let client = pooled();
    runtime().block_on(async {
        for _ in 0..calls {
            let exchange = exchange(&client, tokens.request(&uri, Full::default()));
            timeout(TIMEOUT, exchange).await.unwrap();
        }
    });
}

type Pooled = Client<HttpConnector, Full<Bytes>>;

fn pooled() -> Pooled {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

async fn exchange(client: &Pooled, request: Request<Full<Bytes>>) {
    let response = client.request(request).await.unwrap();
    assert!(response.status().is_success());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(!body.is_empty());
}

fn thingspace_over_hyper(base: &str, account: &Request<Bytes>, calls: u32) {
    let client = thingspace_hyper::Builder::new(session(base))
        .build()
        .unwrap();
    runtime().block_on(async {
        for _ in 0..calls {
            let response = client.call(account.clone()).await.unwrap();
            assert!(response.status().is_success());
            assert!(!response.body().is_empty());
        }
    });
}

fn raw_reqwest<A: IntoUrl + Clone>(address: impl Fn(&str) -> A, base: &str, calls: u32) {
    let (address, tokens) = (address(&format!("{base}{PATH}")), Tokens::new());
    let client = reqwest::Client::new();
    runtime().block_on(async {
        for _ in 0..calls {
            let request = client
                .get(address.clone())
                .header(ACCEPT, JSON)
                .header(AUTHORIZATION, tokens.bearer.clone())
                .header(VZ_M2M_TOKEN, tokens.session.clone());
            let response = request.send().await.unwrap();
            assert!(response.status().is_success());
            assert!(!response.bytes().await.unwrap().is_empty());
        }
    });
}

fn uri(base: &str) -> Uri {
    format!("{base}{PATH}").parse().unwrap()
}

fn account(base: &str) -> Request<Bytes> {
    Request::get(uri(base)).body(Bytes::new()).unwrap()
}

fn session(base: &str) -> SessionBuilder {
    let app = AppCredentials::new("key", "secret").unwrap();
    let user = UserCredentials::new("zbeeblebrox", "IMgr8").unwrap();
    SessionBuilder::new(Credentials::new(app, user)).environment(base.parse().unwrap())
}

/// Everything on one thread: what passes between threads is noise here.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
