//! A service, a session and a clock, and a driver between them.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    AppCredentials, Credentials, Environment, Error, Session, Step, Timestamp, TransportError,
    UserCredentials,
    session::{Call, Settings, Snapshot, Task, Transmit},
};
use thingspace_simulator::{Reply, Simulator};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);

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

    /// Does a piece of work that may be done twice.
    pub(crate) fn read(&mut self) -> Result<Response<Bytes>, Error> {
        self.run(account())
    }

    /// Sees a call through, as long as that takes.
    pub(crate) fn run<T: Task>(&mut self, task: T) -> Result<T::Output, Error> {
        let Self {
            service,
            session,
            now,
        } = self;
        run(service, session, now, task)
    }
}

/// The driver loop, with a service in the place of the network and a clock that
/// jumps.
pub(crate) fn run<T: Task>(
    service: &mut Simulator,
    session: &mut Session,
    now: &mut Timestamp,
    task: T,
) -> Result<T::Output, Error> {
    let mut call = Call::new(task);
    loop {
        match call.step(session, *now) {
            Step::Send(transmit) => {
                let attempt = transmit.attempt;
                let result = exchange(service, now, &transmit);
                call.receive(session, *now, attempt, result);
            }
            Step::Wait(wait) => {
                assert!(wait.until > *now, "a wait for nothing");
                *now = wait.until;
            }
            Step::Done(result) => return result,
        }
    }
}

/// One request over a network that is as good or bad as the service's reply.
fn exchange(
    service: &mut Simulator,
    now: &mut Timestamp,
    transmit: &Transmit,
) -> Result<Response<Bytes>, TransportError> {
    match service.respond(*now, &transmit.request) {
        Reply::Response(answer) | Reply::Last(answer) => Ok(answer),
        Reply::Late(delay, answer) if *now + delay < transmit.deadline => {
            *now = *now + delay;
            Ok(answer)
        }
        Reply::Late(..) | Reply::Hung => {
            *now = transmit.deadline;
            Err(TransportError::unknown("timed out"))
        }
        Reply::Endless(answer) => {
            let read = transmit.read_limit;
            let endless = answer.body().iter().copied().cycle();
            let body = endless.take(read).collect::<Vec<_>>();
            Ok(answer.map(|_| body.into()))
        }
        Reply::Refused => Err(TransportError::not_sent("refused")),
        Reply::CutShort(_) | Reply::Dropped => Err(TransportError::unknown("cut off")),
    }
}

pub(crate) fn session(password: &str, seed: u64) -> Session {
    Session::new(Environment::mock(), credentials(password), seed).with_settings(settings())
}

pub(crate) fn restored(kept: Snapshot, password: &str) -> Session {
    let session = Session::restore(kept, Environment::mock(), credentials(password));
    session.unwrap().with_settings(settings())
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.max_body = 64 * 1024;
    settings
}

pub(crate) fn credentials(password: &str) -> Credentials {
    Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET).unwrap(),
        UserCredentials::new(Simulator::USERNAME, password).unwrap(),
    )
}

/// Work that may be done twice.
pub(crate) fn account() -> Request<Bytes> {
    let path = format!("/m2m/v1/accounts/{}", Simulator::ACCOUNT);
    Request::get(path).body(Bytes::new()).unwrap()
}

/// Work that nobody has said may be done twice.
pub(crate) fn devices() -> Request<Bytes> {
    let body = Bytes::from_static(b"{}");
    Request::post("/m2m/v1/devices/actions/list")
        .body(body)
        .unwrap()
}
