//! The user, and the count of failed logins that locks the username.

use fastrand::Rng;

/// A username, its password, and the number of failed logins in a row.
#[derive(Clone)]
pub(crate) struct User {
    username: String,
    password: String,
    failures: u32,
}

/// The result of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Wrong,
    Locked,
}

impl User {
    /// The number of failed logins in a row that locks the username.
    /// Documented by Verizon.
    const MAX_FAILURES: u32 = 5;

    pub(crate) fn new(username: String, password: String) -> Self {
        Self {
            username,
            password,
            failures: 0,
        }
    }

    /// Checks the credentials of a login and counts a failure.
    ///
    /// Only failures with the user's own name count. Another name is refused
    /// too, but locks no username.
    pub(crate) fn log_in(&mut self, username: &str, password: &str) -> Verdict {
        if username != self.username {
            return Verdict::Wrong;
        }
        if self.is_locked() {
            return Verdict::Locked;
        }
        if !self.knows(password) {
            self.failures += 1;
            return Verdict::Wrong;
        }
        self.failures = 0;
        Verdict::Accepted
    }

    /// Gives the user a new random password and returns it. It has letters
    /// and digits, as in Verizon's example.
    pub(crate) fn reset_password(&mut self, rng: &mut Rng) -> &str {
        self.password = (0..12).map(|_| rng.alphanumeric()).collect();
        &self.password
    }

    pub(crate) fn unlock(&mut self) {
        self.failures = 0;
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.failures >= Self::MAX_FAILURES
    }

    pub(crate) fn knows(&self, password: &str) -> bool {
        password == self.password
    }

    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}
