//! Every builder, with anything that a caller might put in: what comes out
//! reads back as exactly that, in a parser of somebody else's.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::Request;
use proptest::{collection::vec, prelude::*};
use serde_json::Value;
use thingspace_core::{
    AppCredentials, BearerToken, Endpoint, Environment, Password, SessionToken, UserCredentials,
    api::{LogIn, RequestBearerToken, ResetPassword, RevokeBearerToken},
};

fn environment() -> impl Strategy<Value = Environment> {
    prop::sample::select(vec![
        "https://thingspace.verizon.com/api",
        "https://ts.example",
        "https://ts.example:8443/a/b/",
        "http://[::1]:80/api",
    ])
    .prop_map(|base| base.parse().unwrap())
}

/// The request stays where it belongs, and is one request.
fn assert_stays(request: &Request<Bytes>, environment: &Environment) {
    let url = url::Url::parse(&request.uri().to_string()).unwrap();
    let base = url::Url::parse(&environment.to_string()).unwrap();
    assert_eq!(url.origin(), base.origin());
    let prefix = base.path().trim_end_matches('/');
    assert!(url.path().starts_with(&format!("{prefix}/")), "{url}");
    for (_, value) in request.headers() {
        assert!(
            !value
                .as_bytes()
                .iter()
                .any(|byte| matches!(byte, b'\r' | b'\n' | 0))
        );
    }
    for framing in ["host", "transfer-encoding", "connection", "upgrade"] {
        assert!(!request.headers().contains_key(framing));
    }
}

fn tokens() -> (BearerToken, SessionToken) {
    (
        BearerToken::new("b").unwrap(),
        SessionToken::new("s").unwrap(),
    )
}

proptest! {
    #[test]
    fn any_user_name_and_password_arrive_as_they_are_or_are_refused(
        username in ".*",
        password in ".*",
        environment in environment(),
    ) {
        let Ok(user) = UserCredentials::new(&*username, &*password) else {
            let blank = username.is_empty() || password.is_empty();
            prop_assert!(blank || (username + &password).contains(char::is_control));
            return Ok(());
        };
        let request = LogIn::new(&user).request(&environment, &tokens().0).unwrap();
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        prop_assert_eq!(&body["username"], &Value::from(username));
        prop_assert_eq!(&body["password"], &Value::from(password));
        prop_assert_eq!(body.as_object().unwrap().len(), 2);
        assert_stays(&request, &environment);
    }

    #[test]
    fn any_old_password_arrives_as_it_is(password in any::<String>(), environment in environment()) {
        prop_assume!(!password.is_empty());
        let old = Password::new(&*password).unwrap();
        let (bearer, session) = tokens();
        let request = ResetPassword::new(&old).request(&environment, (&bearer, &session)).unwrap();
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        prop_assert_eq!(body, serde_json::json!({"oldPassword": password}));
        assert_stays(&request, &environment);
    }

    #[test]
    fn any_key_and_secret_arrive_as_they_are_or_are_refused(
        key in any::<String>(),
        secret in any::<String>(),
    ) {
        let Ok(app) = AppCredentials::new(&*key, &*secret) else {
            let blank = key.is_empty() || secret.is_empty();
            let illegal = key.contains(':') || (key + &secret).contains(char::is_control);
            prop_assert!(blank || illegal);
            return Ok(());
        };
        let authorization = app.authorization();
        let basic = authorization.to_str().unwrap().strip_prefix("Basic ").unwrap();
        let plain = BASE64_STANDARD.decode(basic).unwrap();
        prop_assert_eq!(plain, format!("{key}:{secret}").into_bytes());
    }

    #[test]
    fn any_scope_arrives_as_it_is(scope in any::<String>(), environment in environment()) {
        let app = AppCredentials::new("key", "secret").unwrap();
        let endpoint = RequestBearerToken { scope: Some(scope.clone()) };
        let request = endpoint.request(&environment, &app).unwrap();
        let form: Vec<_> = url::form_urlencoded::parse(request.body()).collect();
        prop_assert_eq!(form.len(), 2);
        prop_assert_eq!((&*form[0].0, &*form[0].1), ("grant_type", "client_credentials"));
        prop_assert_eq!((&*form[1].0, &*form[1].1), ("scope", &*scope));
        assert_stays(&request, &environment);
    }

    #[test]
    fn any_token_is_revoked_as_it_is(token in "[!-~]{1,200}", environment in environment()) {
        let app = AppCredentials::new("key", "secret").unwrap();
        let token = BearerToken::new(&token).unwrap();
        let request = RevokeBearerToken { token: &token }.request(&environment, &app).unwrap();
        let form: Vec<_> = url::form_urlencoded::parse(request.body()).collect();
        prop_assert_eq!((&*form[1].0, &*form[1].1), ("token", token.expose()));
    }

    #[test]
    fn any_path_segment_stays_one_segment_or_is_refused(
        segments in vec(any::<String>(), 1..5),
        environment in environment(),
    ) {
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let Ok(uri) = environment.uri_of(&parts) else {
            // Only what a server might take for a way up, or for nothing, is refused.
            let unsafe_part = |part: &str| {
                part.is_empty() || part.split(['/', '\\']).any(|part| part.starts_with('.'))
            };
            prop_assert!(parts.iter().any(|part| unsafe_part(part)), "{:?}", parts);
            return Ok(());
        };
        let request = Request::get(uri).body(Bytes::new()).unwrap();
        let (bearer, session) = tokens();
        let request = request.request(&environment, (&bearer, &session)).unwrap();
        assert_stays(&request, &environment);
        let url = url::Url::parse(&request.uri().to_string()).unwrap();
        prop_assert_eq!(url.query(), None);
        prop_assert_eq!(url.fragment(), None);
        let found: Vec<_> = url.path_segments().unwrap().collect();
        let found = &found[found.len() - parts.len()..];
        for (part, found) in parts.iter().zip(found) {
            let decoded = percent_encoding::percent_decode_str(found).decode_utf8().unwrap();
            prop_assert_eq!(*part, &*decoded);
        }
    }

    #[test]
    fn law_9_a_plain_request_goes_to_the_origin_or_nowhere(
        target in prop_oneof![
            "[!-~]{1,60}",
            "https?://[!-~]{1,40}",
            "https://ts\\.example[!-~]{0,30}",
            "//?[!-~]{0,30}",
        ],
        environment in environment(),
    ) {
        let Ok(request) = Request::get(target).body(Bytes::new()) else {
            return Ok(());
        };
        let (bearer, session) = tokens();
        if let Ok(request) = request.request(&environment, (&bearer, &session)) {
            assert_stays(&request, &environment);
        }
    }
}
