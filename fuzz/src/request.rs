//! The parts of requests that callers choose. Each arrives unchanged, in one request to
//! the configured origin, or is refused.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, Uri,
    header::{
        ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use serde_json::{Value, json};
use thingspace_core::{
    AppCredentials, BearerToken, Endpoint, Environment, InvalidResponse, Password, RequestError,
    SessionToken, UserCredentials, WithSession,
    api::{
        LogIn, LogOut, RequestBearerToken, ResetPassword, RevokeBearerToken, session::LogInRequest,
    },
};
use url::{Url, form_urlencoded};

use crate::{text, wire::assert_one_request};

/// The headers that only the HTTP stack may set.
const FRAMING: [http::HeaderName; 7] = [
    HOST,
    CONNECTION,
    CONTENT_LENGTH,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Gives the parts of `data`, which are divided by lines of three hyphens, to all
/// builders. The parts are a base address, two texts, headers and a body. The two texts
/// are user name and password, key and secret, method and target; the first is also a
/// scope, a token and a path. Each part after the base is also a segment of a path.
pub fn request(data: &[u8]) {
    let parts = text::parts(data);
    let part = |number: usize| parts.get(number).copied().unwrap_or_default();
    let (base, one, two) = (as_text(part(0)), as_text(part(1)), as_text(part(2)));
    let at = Target::new(&base);

    user(&at, &one, &two);
    password(&at, &one);
    app(&at, &one, &two);
    scope(&at, &one);
    token(&at, &one);
    path(&at, &one);
    let segments: Vec<_> = parts.iter().skip(1).map(|part| as_text(part)).collect();
    path_of(&at, &segments);
    anywhere(&at, &two);
    plain(&at, (&one, &two), &text::headers(part(3)), part(4));
}

fn as_text(part: &[u8]) -> String {
    String::from_utf8_lossy(part).into_owned()
}

/// The configured origin as two parsers see it, and the tokens for it.
struct Target {
    environment: Environment,
    base: Url,
    app: AppCredentials,
    bearer: BearerToken,
    session: SessionToken,
}

impl Target {
    /// Creates a target at `base`, or at the mock environment if one of the parsers
    /// refuses `base`.
    fn new(base: &str) -> Self {
        let given = base.parse::<Environment>().ok();
        let given = given.filter(|given| Url::parse(&given.to_string()).is_ok());
        let environment = given.unwrap_or_else(Environment::mock);
        let text = environment.to_string();
        assert_eq!(text.parse(), Ok(environment.clone()));
        let base = Url::parse(&text).unwrap();
        assert!(base.scheme() == "https" || is_this_machine(&base));
        assert_eq!((base.username(), base.password()), ("", None));
        assert_eq!((base.query(), base.fragment()), (None, None));
        Self {
            environment,
            base,
            app: AppCredentials::new("key", "secret").unwrap(),
            bearer: BearerToken::new("bearer").unwrap(),
            session: SessionToken::new("session").unwrap(),
        }
    }

    fn tokens(&self) -> (&BearerToken, &SessionToken) {
        (&self.bearer, &self.session)
    }

    /// Asserts that this is a single request to this origin, below this base.
    fn assert_reached_by(&self, request: &Request<Bytes>) -> Url {
        let url = Url::parse(&request.uri().to_string()).unwrap();
        assert_eq!(url.origin(), self.base.origin());
        assert_eq!((url.username(), url.password()), ("", None));
        let prefix = format!("{}/", self.base.path().trim_end_matches('/'));
        assert!(url.path().starts_with(&prefix), "{url}");
        assert_eq!(url.fragment(), None);
        assert_one_request(request);
        for framing in FRAMING {
            let zero = framing == CONTENT_LENGTH && request.body().is_empty();
            let value = request.headers().get(framing);
            assert!(value.is_none_or(|value| zero && value == "0"));
        }
        url
    }

    /// Asserts the same of a call of the session's own, to this path without a query.
    fn assert_called(&self, request: &Request<Bytes>, path: &str) {
        let url = self.assert_reached_by(request);
        assert!(url.path().ends_with(path) && url.query().is_none());
        assert!(request.headers()[AUTHORIZATION].is_sensitive());
        assert_eq!(request.headers()[ACCEPT], "application/json");
    }
}

fn is_this_machine(base: &Url) -> bool {
    match base.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn user(at: &Target, username: &str, password: &str) {
    let Ok(user) = UserCredentials::new(username, password) else {
        let blank = username.is_empty() || password.is_empty();
        assert!(blank || [username, password].concat().contains(char::is_control));
        return;
    };
    let whole = json!({"username": username, "password": password});
    let half = LogInRequest {
        username: Some(username),
        password: None,
    };
    for (log_in, body) in [
        (LogIn::new(&user), whole),
        (LogIn { body: Some(half) }, json!({"username": username})),
        (LogIn::default(), Value::Null),
    ] {
        let request = log_in.request(&at.environment, &at.bearer).unwrap();
        at.assert_called(&request, "/m2m/v1/session/login");
        assert_eq!(json_of(&request), body);
    }
    let hidden = UserCredentials::new("other", "other").unwrap();
    assert_eq!(format!("{user:?}"), format!("{hidden:?}"));
}

fn password(at: &Target, password: &str) {
    let request = LogOut.request(&at.environment, at.tokens()).unwrap();
    at.assert_called(&request, "/m2m/v1/session/logout");
    assert_eq!(json_of(&request), Value::Null);

    let Ok(old) = Password::new(password) else {
        assert!(password.is_empty());
        return;
    };
    let reset = ResetPassword::new(&old);
    let request = reset.request(&at.environment, at.tokens()).unwrap();
    at.assert_called(&request, "/m2m/v1/session/password/actions/reset");
    assert_eq!(json_of(&request), json!({"oldPassword": password}));
}

fn json_of(request: &Request<Bytes>) -> Value {
    let kind = request.headers().get(CONTENT_TYPE);
    if request.body().is_empty() {
        assert!(kind.is_none());
        return Value::Null;
    }
    assert_eq!(kind.unwrap(), "application/json");
    serde_json::from_slice(request.body()).unwrap()
}

fn app(at: &Target, key: &str, secret: &str) {
    let Ok(app) = AppCredentials::new(key, secret) else {
        let blank = key.is_empty() || secret.is_empty();
        let ends_early = key.contains(':');
        assert!(blank || ends_early || [key, secret].concat().contains(char::is_control));
        return;
    };
    let ask = RequestBearerToken::default();
    let request = ask.request(&at.environment, &app).unwrap();
    at.assert_called(&request, "/ts/v1/oauth2/token");
    assert_eq!(
        form_of(&request),
        [("grant_type".into(), "client_credentials".into())]
    );
    let value = request.headers()[AUTHORIZATION].to_str().unwrap();
    let plain = BASE64_STANDARD.decode(value.strip_prefix("Basic ").unwrap());
    assert_eq!(plain.unwrap(), format!("{key}:{secret}").into_bytes());
    assert_eq!(format!("{app:?}"), format!("{:?}", at.app));
}

fn scope(at: &Target, scope: &str) {
    let ask = RequestBearerToken {
        scope: Some(scope.to_owned()),
    };
    let request = ask.request(&at.environment, &at.app).unwrap();
    at.assert_called(&request, "/ts/v1/oauth2/token");
    assert_eq!(
        form_of(&request),
        [
            ("grant_type".into(), "client_credentials".into()),
            ("scope".into(), scope.into()),
        ]
    );
}

fn token(at: &Target, token: &str) {
    let Ok(bearer) = BearerToken::new(token) else {
        assert!(SessionToken::new(token).is_err());
        return;
    };
    let revoke = RevokeBearerToken { token: &bearer };
    let request = revoke.request(&at.environment, &at.app).unwrap();
    at.assert_called(&request, "/ts/v1/oauth2/revoke");
    assert_eq!(
        form_of(&request),
        [
            ("grant_type".into(), "client_credentials".into()),
            ("token".into(), token.into()),
        ]
    );

    let session = SessionToken::new(token).unwrap();
    let request = LogOut
        .request(&at.environment, (&bearer, &session))
        .unwrap();
    at.assert_called(&request, "/m2m/v1/session/logout");
    assert_eq!(request.headers()[AUTHORIZATION], format!("Bearer {token}"));
    assert_eq!(request.headers()["vz-m2m-token"], token);
    assert!(request.headers()["vz-m2m-token"].is_sensitive());
    assert_eq!(
        format!("{bearer:?} {session:?}"),
        format!("{:?} {:?}", at.bearer, at.session)
    );
}

fn form_of(request: &Request<Bytes>) -> Vec<(String, String)> {
    let kind = &request.headers()[CONTENT_TYPE];
    assert_eq!(kind, "application/x-www-form-urlencoded");
    form_urlencoded::parse(request.body())
        .into_owned()
        .collect()
}

/// Asserts that a path stays below the base, or is refused.
fn path(at: &Target, path: &str) {
    let Ok(uri) = at.environment.uri(path) else {
        return;
    };
    let request = Request::get(uri).body(Bytes::new()).unwrap();
    let request = request.request(&at.environment, at.tokens()).unwrap();
    let url = at.assert_reached_by(&request);
    assert_eq!(url.query().is_some(), path.contains('?'));
}

/// Asserts that each segment stays one segment. Only an empty segment, and one that a
/// server might read as a step up, may be refused.
fn path_of(at: &Target, segments: &[String]) {
    let parts: Vec<_> = segments.iter().map(String::as_str).collect();
    let Ok(uri) = at.environment.uri_of(&parts) else {
        let escapes = |part: &str| {
            let mut pieces = part.split(['/', '\\']);
            pieces.any(|piece| matches!(piece.split(';').next(), Some("." | "..")))
        };
        let refused = parts.iter().any(|part| part.is_empty() || escapes(part));
        let base = at.base.path().trim_end_matches('/');
        let repeats_base = parts.first() == Some(&"api") && base.ends_with("/api");
        let too_long = parts.iter().map(|part| part.len()).sum::<usize>() > 20_000;
        assert!(
            parts.is_empty() || refused || repeats_base || too_long,
            "{parts:?}"
        );
        return;
    };
    let request = Request::get(uri).body(Bytes::new()).unwrap();
    let request = request.request(&at.environment, at.tokens()).unwrap();
    let url = at.assert_reached_by(&request);
    assert_eq!(url.query(), None);
    let found: Vec<_> = url.path_segments().unwrap().collect();
    let found = &found[found.len() - parts.len()..];
    let found: Vec<_> = found.iter().map(|found| decoded(found)).collect();
    assert_eq!(found, segments);
}

fn decoded(segment: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
    decoded.unwrap().into_owned()
}

/// A custom endpoint with an arbitrary address, which the core must not trust.
struct Anywhere(Uri);

impl Endpoint for Anywhere {
    type Auth = WithSession;
    type Output = ();

    fn build(self, _: &Environment) -> Result<Request<Bytes>, RequestError> {
        let mut request = Request::default();
        *request.uri_mut() = self.0;
        Ok(request)
    }

    fn read(_: &Response<Bytes>) -> Result<(), InvalidResponse> {
        Ok(())
    }
}

fn anywhere(at: &Target, address: &str) {
    let Ok(uri) = address.parse() else {
        return;
    };
    if let Ok(request) = Anywhere(uri).request(&at.environment, at.tokens()) {
        at.assert_reached_by(&request);
    }
}

/// Asserts that a plain request goes to the origin, below the base, with both tokens
/// and everything that its caller set, except framing headers; or is refused.
fn plain(at: &Target, (method, target): (&str, &str), headers: &HeaderMap, body: &[u8]) {
    let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
    let built = Request::builder().method(method).uri(target);
    let Ok(mut built) = built.body(Bytes::copy_from_slice(body)) else {
        return;
    };
    *built.headers_mut() = headers.clone();
    let Ok(request) = built.clone().request(&at.environment, at.tokens()) else {
        return;
    };
    at.assert_reached_by(&request);
    assert_eq!(request.method(), built.method());
    assert_eq!(request.body(), body);
    assert_eq!(request.uri().query(), built.uri().query());
    assert_eq!(request.headers()[AUTHORIZATION], "Bearer bearer");
    assert_eq!(request.headers()["vz-m2m-token"], "session");

    let others = |headers: &HeaderMap| {
        let mut headers = headers.clone();
        for name in FRAMING {
            headers.remove(name);
        }
        headers.remove(AUTHORIZATION);
        headers.remove("vz-m2m-token");
        let json = HeaderValue::from_static("application/json");
        headers.entry(ACCEPT).or_insert(json.clone());
        if !body.is_empty() {
            headers.entry(CONTENT_TYPE).or_insert(json);
        }
        headers
    };
    assert_eq!(others(request.headers()), others(built.headers()));
}
