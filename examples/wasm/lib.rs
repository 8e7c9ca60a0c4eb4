//! A session in WebAssembly, in a module that imports nothing: no clock, no
//! socket, no thread. Time comes in as a number, and a ThingSpace in memory
//! answers. `run.mjs` beside this file drives it in Node:
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

/// All that there is. The host gives it no other place.
static WORLD: Mutex<World> = Mutex::new(World {
    story: None,
    told: String::new(),
});

struct World {
    story: Option<Story>,
    /// What happened last, in words.
    told: String,
}

/// Does the next thing at `now`, in milliseconds since 1970, and says when to
/// call again: 0 if all is done, -1 if it went wrong.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_step(now: u64) -> i64 {
    let mut world = world();
    match world.step(Timestamp::from_millis(now)) {
        Ok(Some(when)) => i64::try_from(when.as_millis()).unwrap_or(i64::MAX),
        Ok(None) => 0,
        Err(error) => {
            world.told = format!("It went wrong: {error}");
            -1
        }
    }
}

/// Where in memory it is written what the last step did, in UTF-8.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_told() -> *const u8 {
    world().told.as_ptr()
}

/// How many bytes of it there are.
#[expect(unsafe_code, reason = "nothing else has this name")]
#[unsafe(no_mangle)]
pub extern "C" fn thingspace_told_length() -> usize {
    world().told.len()
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
        story.step(now, &mut self.told)
    }
}

/// Two calls, with so long a pause between that the session dies of it.
struct Story {
    service: Simulator,
    session: Session,
    call: Call<Request<Bytes>>,
    calls_left: u32,
}

impl Story {
    const PAUSE: Duration = Duration::from_secs(21 * 60);
    const ROUND_TRIP: Duration = Duration::from_millis(80);

    fn new() -> Result<Self, Box<dyn Error>> {
        let credentials = Credentials::new(
            AppCredentials::new(Simulator::KEY, Simulator::SECRET)?,
            UserCredentials::new(Simulator::USERNAME, Simulator::PASSWORD)?,
        );
        // For the jitter of pauses: a different one in each process, so that many that
        // failed together do not come back together.
        let seed = 42;
        Ok(Self {
            service: Simulator::new(seed),
            session: Session::new(Environment::mock(), credentials, seed),
            call: Call::new(request()?),
            calls_left: 2,
        })
    }

    /// One turn of the driver loop.
    fn step(
        &mut self,
        now: Timestamp,
        told: &mut String,
    ) -> Result<Option<Timestamp>, Box<dyn Error>> {
        match self.call.step(&mut self.session, now) {
            Step::Send(transmit) => {
                let request = &transmit.request;
                let reply = self.service.respond(now, request).into_response();
                let result = reply.ok_or_else(|| TransportError::unknown("no answer"));
                let status = result.as_ref().map_or(0, |answer| answer.status().as_u16());
                *told = format!("{} {}: {status}", request.method(), request.uri().path());
                let now = now + Self::ROUND_TRIP;
                self.call
                    .receive(&mut self.session, now, transmit.attempt, result);
                Ok(Some(now))
            }
            Step::Wait(wait) => {
                *told = format!("Waiting: {:?}", wait.reason);
                Ok(Some(wait.until))
            }
            Step::Done(answer) => {
                *told = format!("The call is done: {} bytes.", answer?.body().len());
                self.calls_left -= 1;
                if self.calls_left == 0 {
                    return Ok(None);
                }
                self.call = Call::new(request()?);
                Ok(Some(now + Self::PAUSE))
            }
        }
    }
}

fn request() -> http::Result<Request<Bytes>> {
    Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())
}
