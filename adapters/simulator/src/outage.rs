//! Outages: faults that last.

use crate::{Call, Fault};

/// A part of the service, as far as an [outage](crate::Simulator::begin_outage)
/// reaches.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The gateway and the API: every request.
    Everything,
    /// The API: every request to a path under `/m2m`. The OAuth endpoint goes on.
    Api,
    /// One call.
    One(Call),
}

/// An outage that has begun.
#[derive(Clone)]
pub(crate) struct Outage {
    pub(crate) part: Part,
    pub(crate) fault: Fault,
}

impl Outage {
    /// Returns true if the outage reaches this request. `path` is without the
    /// prefix of the base.
    pub(crate) fn reaches(&self, call: Call, path: Option<&str>) -> bool {
        match self.part {
            Part::Everything => true,
            Part::Api => path.is_some_and(|path| path.starts_with("/m2m/")),
            Part::One(one) => one == call,
        }
    }
}
