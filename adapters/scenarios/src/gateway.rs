//! What the gateway and other products say of the tokens, in every form that they have,
//! and calls that take the bearer token alone.

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    Credentials, Endpoint, Environment, InvalidResponse, RequestError, api::WithBearer, session,
};
use thingspace_simulator::{Call, Fault, Form};

use crate::{
    Client,
    stage::{Stage, account, devices},
};

/// The forms of a 401 that the gateway has, but for its JSON fault.
const FORMS: [Form; 4] = [
    Form::GatewayXml,
    Form::GatewayJson,
    Form::GatewayChallenge,
    Form::Unnamed,
];

pub(crate) fn law_5_a_bearer_refused_in_any_form_costs_a_call_one_bearer<C: Client>() {
    for form in FORMS {
        let stage = Stage::<C>::new();
        let client = stage.client();
        client.call(account()).unwrap();
        stage.inject(Call::Devices, Fault::TokensRefused(form));
        client.call(devices()).unwrap();
        let seen = (stage.seen(Call::BearerToken), stage.seen(Call::LogIn));
        assert_eq!(seen, (2, 1), "{form:?}");
    }
}

pub(crate) fn a_session_counts_as_ended_whatever_401_its_logout_gets<C: Client>() {
    for form in FORMS {
        let stage = Stage::<C>::new();
        let client = stage.client();
        client.log_in().unwrap();
        stage.inject(Call::LogOut, Fault::TokensRefused(form));
        client.log_out().unwrap();
        client.session(|session| assert!(session.session_token().is_none(), "{form:?}"));
        client.log_in().unwrap();
        assert_eq!(stage.seen(Call::LogIn), 2, "{form:?}");
    }
}

pub(crate) fn law_5_a_dead_session_is_recognised_in_another_products_form<C: Client>() {
    for form in [Form::DeviceLocation, Form::CloudConnector] {
        let stage = Stage::<C>::new();
        let client = stage.client();
        client.log_in().unwrap();
        stage.inject(Call::Devices, Fault::TokensRefused(form));
        client.call(devices()).unwrap();
        assert_eq!(stage.seen(Call::LogIn), 2, "{form:?}");
    }
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
