//! The session machine, compared with a naive model of its laws.

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

/// Reads `data` as a schedule of acts, three bytes each, and runs it: calls that begin,
/// are driven, lost and dropped, operations that are abandoned, any response of a
/// service, restarts, other credentials, new passwords that are confirmed, and a clock
/// that may be set back. After each act the machine and the
/// model must agree. At the end an honest service must end every call.
pub fn machine(data: &[u8]) {
    let mut acts = Act::read_all(data);
    acts.truncate(LONGEST);
    world::run(&acts);
}

/// The largest number of acts in a schedule. It is enough to reach every state.
const LONGEST: usize = 200;
