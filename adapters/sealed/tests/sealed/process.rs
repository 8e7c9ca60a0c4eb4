//! Processes that share a session, and the service that they call.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Environment, Error, Session, SessionBuilder,
    SharedStep, UserCredentials,
    session::{Snapshot, Store, Transmit},
};

use crate::{INTERVAL, Register};

pub(crate) const APP_KEY: &str = "an-application-key";
pub(crate) const USERNAME: &str = "zbeeblebrox";
pub(crate) const BEARER: &str = "cf1b2f6e-bearer-8f0e-4c61a2b7d9e3";
pub(crate) const TOKEN: &str = "bcce3ea6-fe4f-4952-bacf-eadd80718e83";

/// The time after which an unused session is not used any more.
pub(crate) const IDLE: Duration = Duration::from_secs(20 * 60);

/// A ThingSpace with these tokens, which counts the logins.
pub(crate) struct Service {
    bearer: String,
    token: String,
    pub(crate) logins: u32,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::with_tokens(BEARER, TOKEN)
    }

    pub(crate) fn with_tokens(bearer: &str, token: &str) -> Self {
        Self {
            bearer: bearer.to_owned(),
            token: token.to_owned(),
            logins: 0,
        }
    }

    fn respond(&mut self, transmit: &Transmit) -> Response<Bytes> {
        let body = match transmit.request.uri().path() {
            "/api/ts/v1/oauth2/token" => {
                format!(r#"{{"access_token":"{}","expires_in":3600}}"#, self.bearer)
            }
            "/api/m2m/v1/session/login" => {
                self.logins += 1;
                format!(r#"{{"sessionToken":"{}"}}"#, self.token)
            }
            _ => "{}".to_owned(),
        };
        Response::new(body.into())
    }
}

/// A process that has a session in common with others.
pub(crate) struct Process {
    session: Session,
    /// The one that knows the time.
    register: Register,
}

impl Process {
    pub(crate) fn new(seed: u64, register: &Register) -> Self {
        let app = AppCredentials::new(APP_KEY, "secret").unwrap();
        let user = UserCredentials::new(USERNAME, "IMgr8").unwrap();
        let session = SessionBuilder::new(Credentials::new(app, user))
            .environment(Environment::mock())
            .shared(INTERVAL)
            .seed(seed)
            .build()
            .unwrap();
        Self {
            session,
            register: register.clone(),
        }
    }

    /// Calls for an account.
    pub(crate) fn call(&mut self, store: &dyn Store, service: &mut Service) -> Result<(), Error> {
        let request = Request::get("/m2m/v1/accounts/0000123456-00001");
        let request = request.body(Bytes::new()).unwrap();
        let call = Call::to(request, &Environment::mock()).unwrap();
        self.drive(call, store, service).map(drop)
    }

    /// Brings the session and the store to know the same.
    pub(crate) fn sync(&mut self, store: &dyn Store) -> Result<(), Error> {
        // What fails is not retried in a time that stands still.
        let call = Call::sync().with_deadline(self.register.now() + INTERVAL);
        self.drive(call, store, &mut Service::new()).map(drop)
    }

    fn drive(
        &mut self,
        mut call: Call,
        store: &dyn Store,
        service: &mut Service,
    ) -> Result<Completion, Error> {
        let Self { session, register } = self;
        loop {
            let now = register.now();
            match call.step_shared(session, now) {
                SharedStep::Send(transmit) => {
                    let response = service.respond(&transmit);
                    call.receive(session, now, transmit.attempt, Ok(response));
                }
                SharedStep::Load => call.loaded(session, now, store.load()),
                SharedStep::Save { seen, snapshot } => {
                    call.saved(session, now, store.save(seen, &snapshot));
                }
                SharedStep::Done(result) => return result,
                SharedStep::Wait(wait) => panic!("{wait:?}"),
            }
        }
    }
}

/// The snapshot of an open session of a process of its own.
pub(crate) fn opened_session(seed: u64) -> Snapshot {
    session_of(seed, &mut Service::new())
}

/// The snapshot of a session that was opened at this service.
pub(crate) fn session_of(seed: u64, service: &mut Service) -> Snapshot {
    let register = Register::new();
    let mut process = Process::new(seed, &register);
    process.call(&register, service).unwrap();
    process.sync(&register).unwrap();
    register.saved().unwrap()
}
