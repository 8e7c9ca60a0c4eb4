//! Sessions: GUIDs that live while they are used, and die of 20 minutes
//! without use. Documented by Verizon.

use std::time::Duration;

use fastrand::Rng;
use thingspace_core::Timestamp;

use crate::refusal::Refusal;

/// The sessions that were opened and not ended, idle ones among them.
#[derive(Clone, Default)]
pub(crate) struct Sessions {
    open: Vec<Session>,
}

#[derive(Clone)]
struct Session {
    token: String,
    used: Timestamp,
}

impl Sessions {
    const IDLE_LIMIT: Duration = Duration::from_secs(20 * 60);

    /// Opens a session and returns its token.
    pub(crate) fn open(&mut self, now: Timestamp, rng: &mut Rng) -> String {
        let token = guid(rng);
        self.open.push(Session {
            token: token.clone(),
            used: now,
        });
        token
    }

    /// Accepts a request's session token, or says what is wrong with it.
    ///
    /// A token that is no GUID, that another login replaced, that was logged
    /// out or that never was, is not known here: all are invalid.
    pub(crate) fn check(&self, now: Timestamp, token: Option<&str>) -> Result<(), Refusal> {
        let token = token.ok_or(Refusal::TOKEN_MISSING)?;
        let session = self.open.iter().find(|session| session.token == token);
        let session = session.ok_or(Refusal::TOKEN_INVALID)?;
        if session.is_idle(now) {
            return Err(Refusal::TOKEN_EXPIRED);
        }
        Ok(())
    }

    /// Starts a session's idle time anew, unless the session has ended. A
    /// clock that was set back does not age it.
    pub(crate) fn refresh(&mut self, now: Timestamp, token: &str) {
        if let Some(session) = self.open.iter_mut().find(|s| s.token == token) {
            session.used = session.used.max(now);
        }
    }

    pub(crate) fn end(&mut self, token: &str) {
        self.open.retain(|session| session.token != token);
    }

    pub(crate) fn end_all(&mut self) {
        self.open.clear();
    }

    pub(crate) fn count_open(&self, now: Timestamp) -> usize {
        self.open.iter().filter(|s| !s.is_idle(now)).count()
    }
}

impl Session {
    fn is_idle(&self, now: Timestamp) -> bool {
        now.since(self.used) >= Sessions::IDLE_LIMIT
    }
}

/// A random GUID (RFC 9562, version 4).
fn guid(rng: &mut Rng) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        rng.u32(..),
        rng.u16(..),
        rng.u16(..0x1000),
        rng.u16(0x8000..0xc000),
        rng.u64(..0x1_0000_0000_0000),
    )
}
