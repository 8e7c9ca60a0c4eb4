//! The service itself: how it is set up, what can be done to it, and what it
//! shows of its insides.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use fastrand::Rng;
use http::{Request, Response};
use thingspace_core::Timestamp;

use crate::account::User;
use crate::bearer::Bearers;
use crate::input::Input;
use crate::session::Sessions;
use crate::{Call, Counts, Fault, Reply};

/// A ThingSpace with one application, one user, one account and some devices.
///
/// It has no clock and does no I/O: [`answer`](Self::answer) takes the request
/// and the time. The same seed, requests and times give the same replies; a
/// clone goes its own way from there. `Debug` shows no password, secret or
/// token.
///
/// The methods that take and return the simulator choose its settings; those
/// that borrow it are what can happen to a service while it runs.
#[derive(Clone)]
pub struct Simulator {
    pub(crate) prefix: String,
    pub(crate) authority: Option<String>,
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) account: String,
    pub(crate) devices: u64,
    pub(crate) refusal_code: String,
    pub(crate) lock_code: String,
    pub(crate) sessions_replace_each_other: bool,
    pub(crate) reset_ends_sessions: bool,
    pub(crate) content_length_required: bool,
    pub(crate) user: User,
    pub(crate) bearers: Bearers,
    pub(crate) sessions: Sessions,
    pub(crate) counts: Counts,
    pub(crate) rng: Rng,
    faults: VecDeque<(Option<Call>, Fault)>,
}

/// The ready account. Username, password and account name are those of
/// Verizon's own examples.
impl Simulator {
    /// The application's key.
    pub const KEY: &str = "simulated-key";
    /// The application's secret.
    pub const SECRET: &str = "simulated-secret";
    /// The user's name.
    pub const USERNAME: &str = "zbeeblebrox";
    /// The user's password until it is reset.
    pub const PASSWORD: &str = "IMgr8";
    /// The account's name.
    pub const ACCOUNT: &str = "0000123456-00001";
}

/// Settings.
impl Simulator {
    /// A service with the ready account and five devices. All of its
    /// randomness, tokens and new passwords, comes from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            prefix: "/api".to_owned(),
            authority: None,
            key: Self::KEY.to_owned(),
            secret: Self::SECRET.to_owned(),
            account: Self::ACCOUNT.to_owned(),
            devices: 5,
            refusal_code: "UnifiedWebService.INPUT_INVALID.Credentials.Invalid".to_owned(),
            lock_code: "UnifiedWebService.REQUEST_FAILED.User.Locked".to_owned(),
            sessions_replace_each_other: true,
            reset_ends_sessions: false,
            content_length_required: true,
            user: User::new(Self::USERNAME.to_owned(), Self::PASSWORD.to_owned()),
            bearers: Bearers::default(),
            sessions: Sessions::default(),
            counts: Counts::default(),
            rng: Rng::with_seed(seed),
            faults: VecDeque::new(),
        }
    }

    /// The application's key and secret, which ask for bearer tokens.
    #[must_use]
    pub fn application(mut self, key: impl Into<String>, secret: impl Into<String>) -> Self {
        self.key = key.into();
        self.secret = secret.into();
        self
    }

    /// The user's name and password, which log in. An apostrophe, a less-than
    /// sign or a backslash in them is refused before they are compared.
    #[must_use]
    pub fn user(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = User::new(username.into(), password.into());
        self
    }

    /// The name of the one account.
    #[must_use]
    pub fn account(mut self, name: impl Into<String>) -> Self {
        self.account = name.into();
        self
    }

    /// How many devices the account has. They are made up as they are asked
    /// for, so a million costs no more than one.
    #[must_use]
    pub fn devices(mut self, count: u64) -> Self {
        self.devices = count;
        self
    }

    /// The path before every call's own; `/api` by default, as at Verizon.
    #[must_use]
    pub fn prefix(mut self, path: impl Into<String>) -> Self {
        self.prefix = path.into();
        self
    }

    /// The service's own host, with its port if it has one. Requests for any
    /// other are answered all the same and counted as
    /// [misdirected](Counts::misdirected). None by default;
    /// `Server` sets its own.
    #[must_use]
    pub fn authority(mut self, host: impl Into<String>) -> Self {
        self.authority = Some(host.into());
        self
    }

    /// Whether a login ends the sessions that earlier ones opened. A field
    /// report says so and nothing documents it; on by default.
    #[must_use]
    pub fn sessions_replace_each_other(mut self, replace: bool) -> Self {
        self.sessions_replace_each_other = replace;
        self
    }

    /// Whether a password reset ends every session. Not documented; off by
    /// default, which is our choice.
    #[must_use]
    pub fn reset_ends_sessions(mut self, end: bool) -> Self {
        self.reset_ends_sessions = end;
        self
    }

    /// Whether a POST or PUT without a body must say `Content-Length: 0`, or
    /// is answered 411, and a length that is told wrong is answered 400. Some
    /// gateways do so (RFC 9110 §8.6); on by default, which is our choice.
    #[must_use]
    pub fn content_length_required(mut self, required: bool) -> Self {
        self.content_length_required = required;
        self
    }

    /// The whole error code of a login, or reset, with the wrong credentials.
    /// Verizon publishes none; by default it is our choice,
    /// `UnifiedWebService.INPUT_INVALID.Credentials.Invalid`.
    #[must_use]
    pub fn refusal_code(mut self, code: impl Into<String>) -> Self {
        self.refusal_code = code.into();
        self
    }

    /// The whole error code of a login with a locked username. Verizon
    /// publishes none; by default it is our choice,
    /// `UnifiedWebService.REQUEST_FAILED.User.Locked`.
    #[must_use]
    pub fn lock_code(mut self, code: impl Into<String>) -> Self {
        self.lock_code = code.into();
        self
    }
}

/// What happens to it.
impl Simulator {
    /// Takes a request at a moment and says what its client gets to see.
    ///
    /// A moment before an earlier one is taken for no time at all; nothing in
    /// a request makes this panic.
    pub fn answer(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        let call = self
            .path(request.uri().path())
            .map_or(Call::Unknown, |path| Call::at(request.method(), path));
        self.counts.see(call);
        if self.is_misdirected(request) {
            self.counts.misdirected += 1;
        }
        let Some(fault) = self.next_fault(call) else {
            return Reply::Answer(self.carry_out(now, call, request));
        };
        let right = if fault.acts() {
            self.carry_out(now, call, request)
        } else {
            Response::default()
        };
        fault.befall(right)
    }

    /// Queues a fault for the next request for `call`. Each fault befalls one
    /// request; several befall as many, in the order of queueing.
    pub fn inject(&mut self, call: Call, fault: Fault) {
        self.faults.push_back((Some(call), fault));
    }

    /// Queues a fault for the next request, whatever it asks for.
    pub fn inject_any(&mut self, fault: Fault) {
        self.faults.push_back((None, fault));
    }

    /// Does what only Verizon's support can: takes the lock off the username
    /// and clears the count of failed logins.
    pub fn unlock(&mut self) {
        self.user.unlock();
    }

    /// Makes the gateway forget its bearer token, as if it had been revoked
    /// elsewhere.
    pub fn forget_bearers(&mut self) {
        self.bearers.forget();
    }

    /// Ends every session, as if a login elsewhere had replaced it.
    pub fn forget_sessions(&mut self) {
        self.sessions.end_all();
    }
}

/// What it shows.
impl Simulator {
    /// What it has seen and done so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Whether the username is locked, after five failed logins in a row.
    pub fn is_locked(&self) -> bool {
        self.user.is_locked()
    }

    /// Failed logins since the last good one or [`unlock`](Self::unlock); at
    /// most five, for a lock judges no more passwords.
    pub fn consecutive_failures(&self) -> u32 {
        self.user.failures()
    }

    /// How many sessions a request could use at this moment.
    pub fn open_sessions(&self, now: Timestamp) -> usize {
        self.sessions.count_open(now)
    }

    /// How many queued faults have befallen nobody yet.
    pub fn faults_left(&self) -> usize {
        self.faults.len()
    }

    /// The password as it is now. A real service tells nobody; this is for a
    /// test that must know whether its client knows.
    pub fn reveal_password(&self) -> &str {
        self.user.password()
    }

    /// A path without the prefix; `None` if it is not under it.
    pub(crate) fn path<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.prefix.as_str())
    }

    fn is_misdirected(&self, request: &Request<Bytes>) -> bool {
        let meant = Input(request).authority().unwrap_or_default();
        self.authority
            .as_ref()
            .is_some_and(|own| !own.eq_ignore_ascii_case(meant))
    }

    fn next_fault(&mut self, call: Call) -> Option<Fault> {
        let next = self
            .faults
            .iter()
            .position(|(on, _)| on.is_none_or(|on| on == call))?;
        self.faults.remove(next).map(|(_, fault)| fault)
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("username", &self.user.username())
            .field("account", &self.account)
            .field("locked", &self.is_locked())
            .field("faults_left", &self.faults_left())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}
