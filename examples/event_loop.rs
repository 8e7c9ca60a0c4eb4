//! Sessions in an event loop of your own: a hundred users and a whole day on one
//! thread, without async and without a real clock.
//!
//! ```text
//! cargo run --example event_loop
//! ```

use std::{collections::BTreeMap, error::Error, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Session, Step, Timestamp, TransportError,
    UserCredentials,
    session::{Attempt, Transmit},
};
use thingspace_simulator::{Call as Kind, Fault, Simulator};

const USERS: usize = 100;
const CALLS_EACH: usize = 49;
/// The time between two calls. A session expires after twenty idle minutes.
const BETWEEN_CALLS: Duration = Duration::from_secs(30 * 60);
/// The time from a request to its response.
const ROUND_TRIP: Duration = Duration::from_millis(80);

/// A user with one call at a time.
struct User {
    service: Simulator,
    session: Session,
    call: Call,
    calls_done: usize,
}

/// The next event of a user.
enum Next {
    Step,
    Response(Attempt, Box<Result<Response<Bytes>, TransportError>>),
}

fn main() -> Result<(), Box<dyn Error>> {
    let start = Timestamp::from_millis(1_700_000_000_000);
    // The loop's own timer: the next event of each user. Each user has one entry.
    let mut timer = BTreeMap::new();
    for number in 0..USERS {
        timer.insert((start, number), (User::new(number)?, Next::Step));
    }

    let (mut calls, mut requests, mut logins) = (0, 0, 0);
    let mut end = start;
    while let Some(((now, number), (mut user, next))) = timer.pop_first() {
        end = now;
        let (when, next) = match next {
            Next::Step => match user.call.step(&mut user.session, now) {
                Step::Send(transmit) => user.send(now, &transmit),
                Step::Wait(wait) => (wait.until, Next::Step),
                Step::Done(result) => {
                    result?;
                    user.calls_done += 1;
                    if user.calls_done == CALLS_EACH {
                        let counts = user.service.counts();
                        calls += user.calls_done;
                        requests += counts.seen_in_all();
                        logins += counts.done(Kind::LogIn);
                        continue;
                    }
                    user.call = call()?;
                    (now + BETWEEN_CALLS, Next::Step)
                }
            },
            Next::Response(attempt, result) => {
                user.call.receive(&mut user.session, now, attempt, *result);
                (now, Next::Step)
            }
        };
        timer.insert((when, number), (user, next));
    }

    let hours = end.since(start).as_secs() / 3600;
    println!("{USERS} users made {calls} calls, and one thread drove them all.");
    println!("That took {requests} requests; {logins} of them were logins.");
    println!("{hours} hours went by in simulated time.");
    Ok(())
}

impl User {
    /// Creates a user with a session, and a service that may fail.
    fn new(number: usize) -> Result<Self, Box<dyn Error>> {
        let seed = u64::try_from(number)?;
        let mut service = Simulator::new(seed);
        match number % 10 {
            // One user in ten is throttled at the first login …
            3 => {
                let retry_after = Some(HeaderValue::from_static("20"));
                service.inject(Kind::LogIn, Fault::Throttled { retry_after });
            }
            // … and another one gets no response to the first call.
            7 => service.inject(Kind::Account, Fault::Hang),
            _ => {}
        }
        let credentials = Credentials::new(
            AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
            UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
        );
        Ok(Self {
            service,
            session: Session::new(Environment::mock(), credentials, seed),
            call: call()?,
            calls_done: 0,
        })
    }

    /// Simulates the network. Returns the result of a request, and when it arrives.
    fn send(&mut self, now: Timestamp, transmit: &Transmit) -> (Timestamp, Next) {
        let reply = self.service.respond(now, &transmit.request);
        let (when, result) = match reply.into_response() {
            Some(response) => (now + ROUND_TRIP, Ok(response)),
            None => (
                transmit.deadline,
                Err(TransportError::unknown("no response")),
            ),
        };
        (when, Next::Response(transmit.attempt, Box::new(result)))
    }
}

fn call() -> Result<Call, Box<dyn Error>> {
    let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    Ok(Call::to(account, &Environment::mock())?)
}
