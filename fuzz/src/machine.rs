//! The session machine beside the naive model of its laws.

use self::world::Act;

#[path = "../../core/tests/machine/model.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::struct_excessive_bools,
    reason = "the core's tests use all of it"
)]
mod model;
#[allow(
    dead_code,
    unreachable_pub,
    clippy::struct_excessive_bools,
    reason = "the core's tests use all of it"
)]
#[path = "../../core/tests/machine/world.rs"]
mod world;

/// Reads `data` as a schedule, three bytes to an act, and runs it: calls that are
/// wanted, carried, lost and given up, whatever a service may say, restarts, other
/// credentials, and a clock that may be set back. After every act the machine and
/// the model agree, and at the end an honest service ends every call.
pub fn machine(data: &[u8]) {
    let mut acts = Act::read_all(data);
    acts.truncate(LONGEST);
    world::run(&acts);
}

/// How many acts make a schedule: enough for everything to have happened.
const LONGEST: usize = 200;
