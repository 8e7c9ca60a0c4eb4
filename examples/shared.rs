//! A session that many processes share, driven by hand: the loop of five arms, over a
//! store of your own.
//!
//! ```text
//! cargo run --example shared
//! ```
//!
//! The clients take a store as it is. This is for a stack of your own.

use std::{
    error::Error,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{Request, Response};
use thingspace_core::{
    AppCredentials, Call, Completion, Credentials, Environment, Session, SessionBuilder,
    SharedStep, StoreError, Timestamp, TransportError, UserCredentials,
    session::{Loaded, Revision, Saved, Snapshot, Store, Transmit},
};
use thingspace_simulator::{Call as Kind, Simulator};

/// The time that a request takes to the service and back.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// A store in memory: a register with compare-and-swap that knows how old its content
/// is. In a database it is a row, with the time of its saving by the database's clock.
#[derive(Default)]
struct Register(Mutex<Option<(Snapshot, Instant)>>);

impl Store for Register {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        let saved = locked(&self.0);
        Ok(saved.as_ref().map(|(snapshot, saved_at)| Loaded {
            snapshot: snapshot.clone(),
            age: saved_at.elapsed(),
        }))
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        let mut saved = locked(&self.0);
        if saved.as_ref().map(|(snapshot, _)| snapshot.revision()) != seen {
            return Ok(Saved::Conflict);
        }
        *saved = Some((snapshot.clone(), Instant::now()));
        Ok(Saved::Saved)
    }
}

/// One of the processes: a session of its own, the store and the network.
struct Process<'a> {
    session: Session,
    store: &'a Register,
    service: &'a Mutex<Simulator>,
}

impl Process<'_> {
    fn call(&mut self, request: Request<Bytes>) -> Result<Response<Bytes>, thingspace_core::Error> {
        let call = Call::to(request, self.session.environment())?;
        self.drive(call)?.into_response()
    }

    /// Drives a call to its end. Nothing is locked while the store or the network is
    /// busy.
    fn drive(&mut self, mut call: Call) -> Result<Completion, thingspace_core::Error> {
        loop {
            match call.step_shared(&mut self.session, now()) {
                SharedStep::Send(transmit) => {
                    let result = self.send(&transmit);
                    call.receive(&mut self.session, now(), transmit.attempt, result);
                    self.save_news();
                }
                SharedStep::Wait(wait) => thread::sleep(wait.until.since(now())),
                SharedStep::Load => {
                    let loaded = self.store.load();
                    call.loaded(&mut self.session, now(), loaded);
                }
                SharedStep::Save { seen, snapshot } => {
                    let saved = self.store.save(seen, &snapshot);
                    call.saved(&mut self.session, now(), saved);
                }
                SharedStep::Done(result) => return result,
            }
        }
    }

    /// Saves what a response has brought: other processes wait for it. Do the same
    /// after `confirm`, `unblock` and `set_credentials`.
    fn save_news(&mut self) {
        if self.session.is_unsaved(now()) {
            let deadline = now() + self.session.settings().attempt_timeout;
            // What can't be saved now is saved with the next operation.
            let _ = self.drive(Call::sync().with_deadline(deadline));
        }
    }

    /// Sends a request: here to a simulated ThingSpace in memory.
    fn send(&self, transmit: &Transmit) -> Result<Response<Bytes>, TransportError> {
        thread::sleep(ROUND_TRIP);
        let reply = locked(self.service).respond(now(), &transmit.request);
        let response = reply.into_response();
        response.ok_or_else(|| TransportError::unknown("no response"))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (store, service) = (Register::default(), Mutex::new(Simulator::new(42)));
    let builder = SessionBuilder::new(Credentials::new(
        AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
        UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
    ))
    .environment(Environment::mock())
    .shared(store.poll_interval());
    let process = || {
        // A different seed in each process, so that no two give one name to two logins.
        let seed = RandomState::new().hash_one(());
        let session = builder.clone().seed(seed).build();
        session.map(|session| Process {
            session,
            store: &store,
            service: &service,
        })
    };

    // Three processes that begin at once, each on a thread of its own here.
    let [mut first, mut second, mut third] = [process()?, process()?, process()?];
    let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let threads = [&mut first, &mut second, &mut third].map(|process| {
            let account = account.clone();
            scope.spawn(move || process.call(account))
        });
        for thread in threads {
            let response = thread.join().map_err(|_| "a thread panicked")??;
            println!("The account: {} bytes.", response.body().len());
        }
        Ok(())
    })?;
    let logins = locked(&service).counts().done(Kind::LogIn);
    println!("Three processes shared {logins} login.");

    second.drive(Call::log_out())?;
    println!("Logged out.");
    Ok(())
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
