//! What the gateway and other products say of the tokens, in every form that they have,
//! and calls that take the bearer token alone.

use bytes::Bytes;
use http::{Request, Response, header::WWW_AUTHENTICATE};
use thingspace_core::{
    Credentials, Endpoint, Environment, InvalidResponse, RequestError, api::WithBearer, session,
};
use thingspace_simulator::{Call, Fault};

use crate::{
    Client,
    stage::{Stage, account, devices},
};

/// A 401 with this body.
fn refusal(body: &'static str) -> Fault {
    let response = Response::builder().status(401);
    Fault::Replace(response.body(Bytes::from_static(body.as_bytes())).unwrap())
}

/// The forms in which the gateway refuses a bearer token (from the field: WSO2's own
/// issue tracker), but for its JSON fault, which the simulator has.
fn forms() -> [Fault; 4] {
    let challenge = r#"Bearer realm="ThingSpace", error="invalid_token""#;
    let response = Response::builder().status(401);
    let response = response.header(WWW_AUTHENTICATE, challenge);
    [
        refusal(""),
        refusal(
            r#"<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900901</ams:code></ams:fault>"#,
        ),
        refusal(r#"{"code":"900901","message":"Invalid Credentials","description":"d"}"#),
        Fault::Replace(response.body(Bytes::new()).unwrap()),
    ]
}

pub(crate) fn law_5_a_bearer_refused_in_any_form_costs_a_call_one_bearer<C: Client>() {
    for form in forms() {
        let stage = Stage::<C>::new();
        let client = stage.client();
        client.call(account()).unwrap();
        let case = format!("{form:?}");
        stage.inject(Call::Devices, form);
        client.call(devices()).unwrap();
        let seen = (stage.seen(Call::BearerToken), stage.seen(Call::LogIn));
        assert_eq!(seen, (2, 1), "{case}");
    }
}

pub(crate) fn a_session_counts_as_ended_whatever_401_its_logout_gets<C: Client>() {
    for form in forms() {
        let stage = Stage::<C>::new();
        let client = stage.client();
        client.log_in().unwrap();
        let case = format!("{form:?}");
        stage.inject(Call::LogOut, form);
        client.log_out().unwrap();
        client.session(|session| assert!(session.session_token().is_none(), "{case}"));
        client.log_in().unwrap();
        assert_eq!(stage.seen(Call::LogIn), 2, "{case}");
    }
}

pub(crate) fn law_5_a_dead_session_is_recognised_in_another_products_form<C: Client>() {
    // Documented by Verizon for Device Location.
    let body = r#"{"errorCode":"INVALID_PARAMETER","errorMessage":"UWS verification failure (The Session has expired.)"}"#;
    let dead = Response::builder().status(400);
    let dead = dead.body(Bytes::from_static(body.as_bytes())).unwrap();
    let stage = Stage::<C>::new();
    let client = stage.client();
    client.log_in().unwrap();
    stage.inject(Call::Devices, Fault::Replace(dead));
    client.call(devices()).unwrap();
    assert_eq!(stage.seen(Call::LogIn), 2);
}

/// A call that takes the bearer token alone. The simulator has none, so it is told what to
/// respond.
struct WithoutSession;

impl Endpoint for WithoutSession {
    type Auth = WithBearer;
    type Output = Bytes;

    fn build(self, environment: &Environment) -> Result<Request<Bytes>, RequestError> {
        devices().build(environment)
    }

    fn read(response: &Response<Bytes>) -> Result<Bytes, InvalidResponse> {
        Ok(response.body().clone())
    }
}

pub(crate) fn an_application_alone_makes_calls_that_take_no_session<C: Client>() {
    let stage = Stage::<C>::new();
    let mut options = stage.options();
    options.credentials = Credentials::of_app(options.credentials.app);
    let client = C::build(options).unwrap();
    let done = Response::new(Bytes::from_static(b"{}"));
    stage.inject(Call::Devices, Fault::Replace(done));
    let call = session::Call::to(WithoutSession, &stage.environment()).unwrap();
    client.run(call).unwrap();
    let seen = (stage.seen(Call::BearerToken), stage.seen(Call::Devices));
    assert_eq!(seen, (1, 1));
    assert!(client.call(account()).unwrap_err().is_never_sent());
    assert_eq!(stage.seen(Call::LogIn), 0);
}
