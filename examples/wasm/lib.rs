//! A session in WebAssembly, in a module that imports nothing: no clock, no
//! socket, no thread. The host passes the time as a number, and a simulated
//! ThingSpace in memory responds. `run.mjs` beside this file drives it in Node:
//!
//! ```text
//! rustup target add wasm32-unknown-unknown
//! cargo build -p thingspace-example-wasm --release --target wasm32-unknown-unknown
//! node examples/wasm/run.mjs target/wasm32-unknown-unknown/release/thingspace_example_wasm.wasm
//! ```

use std::{
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use thingspace_core::{
    AppCredentials, Call, Credentials, Environment, Session, Step, Timestamp, TransportError,
    UserCredentials,
};
use thingspace_simulator::Simulator;

/// The state of the module. The host offers no other place for it.
static WORLD: Mutex<World> = Mutex::new(World {
    story: None,
    report: String::new(),
});

struct World {
    story: Option<Story>,
    /// The report on the last step, in words.
    report: String,
}

/// Executes the next step at `now`, in milliseconds since 1970. Returns the time of
/// the next call, 0 if all is done, or -1 after an error.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_step(now: u64) -> i64 {
    let mut world = world();
    match world.step(Timestamp::from_millis(now)) {
        Ok(Some(when)) => i64::try_from(when.as_millis()).unwrap_or(i64::MAX),
        Ok(None) => 0,
        Err(error) => {
            world.report = format!("Error: {error}");
            -1
        }
    }
}

/// Returns the address of the report on the last step, in UTF-8.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_report() -> *const u8 {
    world().report.as_ptr()
}

/// Returns the length of the report in bytes.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_report_length() -> usize {
    world().report.len()
}

fn world() -> MutexGuard<'static, World> {
    WORLD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    fn step(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Box<dyn Error>> {
        let story = match &mut self.story {
            Some(story) => story,
            none => none.insert(Story::new()?),
        };
        story.step(now, &mut self.report)
    }
}

/// Two calls. The session expires between them, since it is idle for too long.
struct Story {
    service: Simulator,
    session: Session,
    call: Call,
    calls_left: u32,
}

impl Story {
    const IDLE: Duration = Duration::from_secs(21 * 60);
    const ROUND_TRIP: Duration = Duration::from_millis(80);

    fn new() -> Result<Self, Box<dyn Error>> {
        let credentials = Credentials::new(
            AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
            UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
        );
        // The source of the backoffs' jitter, and of the names of logins. Let the host pass
        // a random one, so that no two processes have the same.
        let seed = 42;
        Ok(Self {
            service: Simulator::new(seed),
            session: Session::new(Environment::mock(), credentials, seed),
            call: call()?,
            calls_left: 2,
        })
    }

    /// Executes one turn of the driver loop.
    fn step(
        &mut self,
        now: Timestamp,
        report: &mut String,
    ) -> Result<Option<Timestamp>, Box<dyn Error>> {
        match self.call.step(&mut self.session, now) {
            Step::Send(transmit) => {
                let request = &transmit.request;
                let reply = self.service.respond(now, request).into_response();
                let result = reply.ok_or_else(|| TransportError::unknown("no response"));
                let status = result
                    .as_ref()
                    .map_or(0, |response| response.status().as_u16());
                *report = format!("{} {}: {status}", request.method(), request.uri().path());
                let now = now + Self::ROUND_TRIP;
                self.call
                    .receive(&mut self.session, now, transmit.attempt, result);
                Ok(Some(now))
            }
            Step::Wait(wait) => {
                *report = format!("Waiting: {}.", wait.reason);
                Ok(Some(wait.until))
            }
            Step::Done(result) => {
                let response = result?.into_response()?;
                *report = format!("The call is done: {} bytes.", response.body().len());
                self.calls_left -= 1;
                if self.calls_left == 0 {
                    return Ok(None);
                }
                self.call = call()?;
                Ok(Some(now + Self::IDLE))
            }
        }
    }
}

fn call() -> Result<Call, Box<dyn Error>> {
    let account = Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
    Ok(Call::to(account, &Environment::mock())?)
}
