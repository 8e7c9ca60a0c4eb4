//! A service, a session and a clock, and a driver between them.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Environment, Error, Password, Session,
    SessionBuilder, Step, Timestamp, TransportError, UserCredentials,
    session::{Settings, Snapshot, Transmit},
};
use thingspace_simulator::{Reply, Simulator};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);

pub(crate) type Received = Result<Response<Bytes>, TransportError>;

pub(crate) struct World {
    pub(crate) service: Simulator,
    pub(crate) session: Session,
    pub(crate) now: Timestamp,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Simulator::new(7))
    }

    pub(crate) fn with(service: Simulator) -> Self {
        Self {
            service: service.authority("mock.thingspace.verizon.com"),
            session: session(Simulator::PASSWORD, 7),
            now: Timestamp::from_millis(1_700_000_000_000),
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// Makes a call that may be executed twice.
    pub(crate) fn read(&mut self) -> Result<Response<Bytes>, Error> {
        self.run(account())?.into_response()
    }

    /// Resets the password and confirms the new one.
    pub(crate) fn change_password(&mut self) -> Result<Password, Error> {
        let new = self.run(Call::reset_password())?.into_new_password()?;
        self.session.confirm(&new).unwrap();
        Ok(new.into_password())
    }

    /// Drives a call to its end, however long that takes.
    pub(crate) fn run(&mut self, call: Call) -> Result<Completion, Error> {
        let Self {
            service,
            session,
            now,
        } = self;
        run(service, session, now, call)
    }

    /// Makes the next request of a call, and drops the call before the result
    /// comes.
    pub(crate) fn send_and_drop(&mut self, mut call: Call) -> (Transmit, Received) {
        let Step::Send(transmit) = call.step(&mut self.session, self.now) else {
            panic!("the call sends nothing");
        };
        let result = exchange(&mut self.service, &mut self.now, &transmit);
        (transmit, result)
    }
}

/// The driver loop, with a service in the place of the network and a clock that
/// jumps.
pub(crate) fn run(
    service: &mut Simulator,
    session: &mut Session,
    now: &mut Timestamp,
    mut call: Call,
) -> Result<Completion, Error> {
    loop {
        match call.step(session, *now) {
            Step::Send(transmit) => {
                let attempt = transmit.attempt;
                let result = exchange(service, now, &transmit);
                match attempt.operation() {
                    Some(operation) => session.receive(*now, operation, result),
                    None => call.receive(session, *now, attempt, result),
                }
            }
            Step::Wait(wait) => {
                assert!(wait.until > *now, "a wait for nothing");
                *now = wait.until;
            }
            Step::Done(result) => return result,
        }
    }
}

/// Makes one request over a network that is as good or bad as the service's reply.
fn exchange(service: &mut Simulator, now: &mut Timestamp, transmit: &Transmit) -> Received {
    let reply = service.respond(*now, &transmit.request);
    let (from, result) = result_of(reply, *now, transmit.deadline, transmit.read_limit);
    *now = from;
    result
}

/// The result that a reply is for a driver, and the time at which it comes.
pub(crate) fn result_of(
    reply: Reply,
    now: Timestamp,
    deadline: Timestamp,
    read_limit: usize,
) -> (Timestamp, Received) {
    let result = match reply {
        Reply::Response(response) | Reply::Last(response) => Ok(response),
        Reply::Late(delay, response) if now + delay < deadline => {
            return (now + delay, Ok(response));
        }
        Reply::Stalled(response) => {
            let error = TransportError::broken_off(half(response), "timed out");
            return (deadline, Err(error));
        }
        Reply::Late(..) | Reply::Hung => {
            return (deadline, Err(TransportError::unknown("timed out")));
        }
        Reply::Endless(response) => {
            let endless = response.body().iter().copied().cycle();
            let body = endless.take(read_limit).collect::<Vec<_>>();
            Ok(response.map(|_| body.into()))
        }
        Reply::Refused => Err(TransportError::not_sent("refused")),
        Reply::CutShort(response) | Reply::RefusedMidway(response) => {
            Err(TransportError::broken_off(half(response), "cut off"))
        }
        Reply::Dropped => Err(TransportError::unknown("cut off")),
    };
    (now, result)
}

/// A response of which half of the body came.
fn half(response: Response<Bytes>) -> Response<Bytes> {
    response.map(|body| body.slice(..body.len() / 2))
}

pub(crate) fn session(password: &str, seed: u64) -> Session {
    builder(password, seed).build().unwrap()
}

/// A session that goes on from a snapshot that was taken just now.
pub(crate) fn restored(saved: Snapshot, now: Timestamp, password: &str, seed: u64) -> Session {
    let builder = builder(password, seed);
    builder
        .snapshot(saved, Duration::ZERO, now)
        .build()
        .unwrap()
}

/// A session that many processes share.
pub(crate) fn shared(password: &str, seed: u64, poll_interval: Duration) -> Session {
    let builder = builder(password, seed).shared(poll_interval);
    builder.build().unwrap()
}

fn builder(password: &str, seed: u64) -> SessionBuilder {
    let mut settings = Settings::default();
    settings.max_body = 64 * 1024;
    SessionBuilder::new(credentials(password))
        .environment(Environment::mock())
        .settings(settings)
        .seed(seed)
}

pub(crate) fn credentials(password: &str) -> Credentials {
    Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET).unwrap(),
        UserCredentials::new(Simulator::USERNAME, password).unwrap(),
    )
}

/// A call that may be executed twice.
pub(crate) fn account() -> Call {
    let path = format!("/m2m/v1/accounts/{}", Simulator::ACCOUNT);
    call(Request::get(path).body(Bytes::new()).unwrap())
}

/// A call that may be executed twice, but whose endpoint does not say so.
pub(crate) fn devices() -> Call {
    let body = Bytes::from_static(b"{}");
    let request = Request::post("/m2m/v1/devices/actions/list").body(body);
    call(request.unwrap())
}

fn call(request: Request<Bytes>) -> Call {
    Call::to(request, &Environment::mock()).unwrap()
}
