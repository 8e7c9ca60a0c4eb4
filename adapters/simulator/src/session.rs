//! Sessions: GUIDs that expire after 20 minutes without use. Documented by
//! Verizon.

use std::time::Duration;

use fastrand::Rng;
use thingspace_core::Timestamp;

use crate::refusal::Refusal;

/// The sessions that were opened and not ended, including expired ones.
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

    /// Accepts a request's session token, or returns the reason why it is
    /// refused.
    ///
    /// Only tokens of open sessions are known here. A token is invalid if it
    /// is no GUID, if another login replaced it, if it was logged out, or if
    /// it never existed.
    pub(crate) fn check(&self, now: Timestamp, token: Option<&str>) -> Result<(), Refusal> {
        let token = token.ok_or(Refusal::TOKEN_MISSING)?;
        let session = self.open.iter().find(|session| session.token == token);
        let session = session.ok_or(Refusal::TOKEN_INVALID)?;
        if session.is_idle(now) {
            return Err(Refusal::TOKEN_EXPIRED);
        }
        Ok(())
    }

    /// Restarts a session's idle time, unless the session has ended.
    ///
    /// If the clock was set back, the session does not grow older.
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
pub(crate) fn guid(rng: &mut Rng) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        rng.u32(..),
        rng.u16(..),
        rng.u16(..0x1000),
        rng.u16(0x8000..0xc000),
        rng.u64(..0x1_0000_0000_0000),
    )
}
