//! The simulated service: its settings, its requests and events, and a view of
//! its state.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use http::{Request, Response, StatusCode};
use thingspace_core::Timestamp;

use crate::account::User;
use crate::bearer::Bearers;
use crate::connectivity::Connectivity;
use crate::input::Input;
use crate::outage::{Outage, Part};
use crate::session::Sessions;
use crate::{Call, CallbackFault, Counts, Delivery, Fault, Reply};

/// A ThingSpace with one application, one user, an account and its devices.
///
/// It has no clock and does no I/O: [`respond`](Self::respond) takes the
/// request and the time. The same seed, requests and times give the same
/// replies. A clone is independent of the original. `Debug` shows no password,
/// secret or token.
///
/// Methods that take and return the simulator change its settings. Methods that
/// borrow it are events of a running service.
#[doc(alias = "fake")]
#[doc(alias = "mock")]
#[derive(Clone)]
pub struct Simulator {
    pub(crate) prefix: String,
    pub(crate) authority: Option<String>,
    pub(crate) key: String,
    pub(crate) secret: String,
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
    pub(crate) connectivity: Connectivity,
    faults: VecDeque<(Option<Call>, Fault)>,
    outages: Vec<Outage>,
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
    /// Creates a service with the ready account and five devices. Its random
    /// values (tokens and new passwords) are derived from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            prefix: "/api".to_owned(),
            authority: None,
            key: Self::KEY.to_owned(),
            secret: Self::SECRET.to_owned(),
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
            // Of its own, so that the tokens are those without any request to it.
            connectivity: Connectivity::new(Self::ACCOUNT, 5, Rng::with_seed(!seed)),
            faults: VecDeque::new(),
            outages: Vec::new(),
        }
    }

    /// Sets the application's key and secret, for bearer tokens.
    #[must_use]
    pub fn application(mut self, key: impl Into<String>, secret: impl Into<String>) -> Self {
        self.key = key.into();
        self.secret = secret.into();
        self
    }

    /// Sets the user's name and password, for logins. An apostrophe, a less-than
    /// sign or a backslash in them is refused before they are compared.
    #[must_use]
    pub fn user(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = User::new(username.into(), password.into());
        self
    }

    /// Sets the name of the account.
    #[must_use]
    pub fn account(mut self, name: impl Into<String>) -> Self {
        self.connectivity.rename_home(name.into());
        self
    }

    /// Sets the number of the account's devices. Devices are generated when they
    /// are listed, so a million costs no more than one.
    #[must_use]
    pub fn devices(mut self, count: u64) -> Self {
        self.connectivity.generate_devices(count);
        self
    }

    /// Adds another account of the same user. It has no devices, until some are added to it
    /// or moved there.
    #[must_use]
    pub fn other_account(mut self, name: impl Into<String>) -> Self {
        self.connectivity.add_account(name.into());
        self
    }

    /// Sets the most items on a page of leads, of a group or of text messages: those that
    /// are continued by `next`. By default it is 100, as documented for text messages. 0 is
    /// the same as 1.
    #[must_use]
    pub fn page_size(mut self, items: usize) -> Self {
        self.connectivity.page_size = items.max(1);
        self
    }

    /// Sets the time that an asynchronous request takes. By default it is five seconds.
    #[must_use]
    pub fn request_time(mut self, time: Duration) -> Self {
        self.connectivity.set_request_time(time);
        self
    }

    /// Sets the time between two devices of one asynchronous request. By default there is
    /// none: a request ends for all of its devices at once.
    #[must_use]
    pub fn device_interval(mut self, interval: Duration) -> Self {
        self.connectivity.set_device_interval(interval);
        self
    }

    /// Sets the time for which callbacks have the credentials of the registration before.
    /// From 9 to 14 minutes were reported from the field. By default there is none.
    #[must_use]
    pub fn rotation_delay(mut self, delay: Duration) -> Self {
        self.connectivity.set_rotation_delay(delay);
        self
    }

    /// Makes the way to the listeners unreliable. Of the callbacks, `percent` are lost and as
    /// many are doubled, at random. Each is late by a random time of at most `delay`, so
    /// they arrive in another order.
    #[must_use]
    pub fn unreliable_callbacks(mut self, percent: u8, delay: Duration) -> Self {
        self.connectivity.set_unreliable_callbacks(percent, delay);
        self
    }

    /// Sets the path before the path of every call. By default it is `/api`, as
    /// at Verizon.
    #[must_use]
    pub fn prefix(mut self, path: impl Into<String>) -> Self {
        self.prefix = path.into();
        self
    }

    /// Sets the service's own host, with its port if it has one. Requests for
    /// another host are executed too, and counted as
    /// [misdirected](Counts::misdirected). By default there is none; `Server`
    /// sets its own.
    #[must_use]
    pub fn authority(mut self, host: impl Into<String>) -> Self {
        self.authority = Some(host.into());
        self
    }

    /// If true, a login ends the sessions of earlier logins. On by default:
    /// reported from the field, not documented.
    #[must_use]
    pub fn sessions_replace_each_other(mut self, replace: bool) -> Self {
        self.sessions_replace_each_other = replace;
        self
    }

    /// If true, a password reset ends every session. Off by default: not
    /// documented, our choice.
    #[must_use]
    pub fn reset_ends_sessions(mut self, end: bool) -> Self {
        self.reset_ends_sessions = end;
        self
    }

    /// If true, a POST or PUT without a body and without `Content-Length: 0` is
    /// refused with 411, and a wrong length with 400. Some gateways do so
    /// (RFC 9110 §8.6). On by default: our choice.
    #[must_use]
    pub fn content_length_required(mut self, required: bool) -> Self {
        self.content_length_required = required;
        self
    }

    /// Sets the whole error code of a login or reset with wrong credentials.
    /// Verizon publishes none. The default is our choice:
    /// `UnifiedWebService.INPUT_INVALID.Credentials.Invalid`.
    #[must_use]
    pub fn refusal_code(mut self, code: impl Into<String>) -> Self {
        self.refusal_code = code.into();
        self
    }

    /// Sets the whole error code of a login with a locked username. Verizon
    /// publishes none. The default is our choice:
    /// `UnifiedWebService.REQUEST_FAILED.User.Locked`.
    #[must_use]
    pub fn lock_code(mut self, code: impl Into<String>) -> Self {
        self.lock_code = code.into();
        self
    }
}

/// Requests and events.
impl Simulator {
    /// Receives a request at the time `now` and returns the reply that its
    /// client sees.
    ///
    /// If `now` is before the time of an earlier request, no time has passed.
    /// No request makes this panic.
    pub fn respond(&mut self, now: Timestamp, request: &Request<Bytes>) -> Reply {
        let path = self.path(request.uri().path());
        let call = path.map_or(Call::Unknown, |path| Call::at(request.method(), path));
        let mut outages = self.outages.iter().rev();
        let outage = outages
            .find(|outage| outage.reaches(call, path))
            .map(|outage| outage.fault.clone());
        self.counts.see(call);
        if self.is_misdirected(request) {
            self.counts.misdirected += 1;
        }
        let Some(fault) = self.next_fault(call).or(outage) else {
            return Reply::Response(self.execute(now, call, request));
        };
        let normal = if fault.executes() {
            self.execute(now, call, request)
        } else {
            Response::default()
        };
        fault.apply(normal)
    }

    /// Queues a fault for the next request for `call`. Each fault applies to one
    /// request. Faults apply in the order in which they were queued.
    pub fn inject(&mut self, call: Call, fault: Fault) {
        self.faults.push_back((Some(call), fault));
    }

    /// Queues a fault for the next request of any kind.
    pub fn inject_any(&mut self, fault: Fault) {
        self.faults.push_back((None, fault));
    }

    /// Applies this fault to every request for a part of the service from now on,
    /// until the outages end. The latest outage that reaches a request decides.
    /// Faults that were queued for a request come first.
    pub fn begin_outage(&mut self, part: Part, fault: Fault) {
        self.outages.push(Outage { part, fault });
    }

    /// Ends every outage.
    pub fn end_outages(&mut self) {
        self.outages.clear();
    }

    /// Makes every asynchronous request fail as far as it is about a device with this
    /// identifier, of any kind. The callback has this code and text. Requests in progress
    /// are included.
    pub fn fail_device(
        &mut self,
        id: impl Into<String>,
        code: impl Into<String>,
        text: impl Into<String>,
    ) {
        let connectivity = &mut self.connectivity;
        connectivity.fail_device(id.into(), code.into(), text.into());
    }

    /// Ends the effect of [`fail_device`](Self::fail_device).
    pub fn mend_device(&mut self, id: &str) {
        self.connectivity.mend_device(id);
    }

    /// Receives a text message from the device with this identifier, of any kind. It is in
    /// the history at once, and in a callback after the next
    /// [`StartQueuedSmsDelivery`](Call::StartQueuedSmsDelivery). Returns false if there is
    /// no such device.
    pub fn receive_sms(&mut self, now: Timestamp, id: &str, text: &str) -> bool {
        self.connectivity.receive_sms(now, id, text)
    }

    /// Returns the callbacks to send at the time `now`. Whoever sends them reports each
    /// response with [`callback_responded`](Self::callback_responded).
    ///
    /// A callback that is not accepted is returned again after five minutes, three times.
    pub fn callbacks_due(&mut self, now: Timestamp) -> Vec<Delivery> {
        self.connectivity.callbacks_due(now, &mut self.counts)
    }

    /// Takes the status of a listener's response to the [delivery](Delivery) with this id. A
    /// listener that does not respond need not be reported.
    pub fn callback_responded(&mut self, id: u64, status: StatusCode) {
        let connectivity = &mut self.connectivity;
        connectivity.callback_responded(id, status, &mut self.counts);
    }

    /// Queues a fault for the next callback that has a listener. Each fault applies to one
    /// message, in the order in which messages become due.
    pub fn inject_callback(&mut self, fault: CallbackFault) {
        self.connectivity.inject_callback(fault);
    }

    /// Unlocks the username and clears the count of failed logins. At Verizon
    /// only the support can do this.
    pub fn unlock(&mut self) {
        self.user.unlock();
    }

    /// Makes the gateway forget its bearer token, as if somebody else had
    /// revoked it.
    pub fn forget_bearers(&mut self) {
        self.bearers.forget();
    }

    /// Ends every session, as if a login of somebody else had replaced it.
    pub fn forget_sessions(&mut self) {
        self.sessions.end_all();
    }
}

/// State.
impl Simulator {
    /// Returns the counts of requests and their effects so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns true if the username is locked, after five failed logins in a
    /// row.
    pub fn is_locked(&self) -> bool {
        self.user.is_locked()
    }

    /// Returns the number of failed logins since the last successful login or
    /// [`unlock`](Self::unlock). It is five at most, because a locked username's
    /// passwords are not checked.
    pub fn consecutive_failures(&self) -> u32 {
        self.user.failures()
    }

    /// Returns the number of sessions that a request could use at this time.
    pub fn open_sessions(&self, now: Timestamp) -> usize {
        self.sessions.count_open(now)
    }

    /// Returns the number of queued faults that have not been applied yet.
    pub fn faults_left(&self) -> usize {
        self.faults.len()
    }

    /// Returns the earliest time at which a request goes on or a callback is due. `None` if
    /// nothing is in progress.
    pub fn next_event(&self) -> Option<Timestamp> {
        self.connectivity.next_event()
    }

    /// Returns the current password. A real service never reveals it. With it a
    /// test checks that its client has the right one.
    pub fn reveal_password(&self) -> &str {
        self.user.password()
    }

    /// Returns a path without the prefix, or `None` if it does not start with it.
    pub(crate) fn path<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.prefix.as_str())
    }

    fn is_misdirected(&self, request: &Request<Bytes>) -> bool {
        let addressed = Input(request).authority().unwrap_or_default();
        self.authority
            .as_ref()
            .is_some_and(|own| !own.eq_ignore_ascii_case(addressed))
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
            .field("account", &self.connectivity.home())
            .field("locked", &self.is_locked())
            .field("faults_left", &self.faults_left())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}
