//! The store of a session that many processes share.
//!
//! A store is a register with compare-and-swap that knows the age of what it holds: a
//! save replaces only a revision that its process has seen. So if two processes want to
//! log in, one of them saves its operation, and the other one finds it there. The machine
//! never calls a store: it asks its driver with
//! [`SharedStep::Load`](super::SharedStep::Load) and
//! [`SharedStep::Save`](super::SharedStep::Save).

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
    time::Duration,
};

use super::snapshot::{Revision, Snapshot};
use crate::transport::StoreError;

/// The place where many processes save the session that they share: a file, a row of
/// a database, a key of a register. It holds live tokens.
///
/// A store is a register with compare-and-swap that knows the age of what it holds. A save
/// replaces only a revision that its process has seen. So if two processes want to log in,
/// one of them saves its operation, and the other one finds it there.
///
/// The budget of failed logins belongs to the store. If one user name has two stores, they
/// share the five failed logins that the platform allows, and neither knows of the other.
///
/// Both methods may block, and are called with nothing locked. Bound the time that they
/// take: a store that does not respond is taken for down.
///
/// Ready-made stores are in the crates
/// [`thingspace-file`](https://docs.rs/thingspace-file),
/// [`thingspace-postgres`](https://docs.rs/thingspace-postgres) and
/// [`thingspace-redis`](https://docs.rs/thingspace-redis). The words are in the
/// [glossary](crate::guide::glossary#one-session-for-many-processes).
///
/// # Who saves when
///
/// Two processes need a login at the same time:
///
/// ```text
///  process A                  store                  process B
///      │── load ─────────────▶│◀──────────────── load ──│
///      │◀─ nothing ───────────│─────────────── nothing ▶│
///      │── save: A logs in ──▶│                         │
///      │◀─ saved ─────────────│◀───── save: B logs in ──│
///      │                      │────────────── conflict ▶│
///      │══ login ══▶ service  │◀──────────────── load ──│
///      │                      │─ A logs in, for 35 s ──▶│
///      │                      │                         │ waits
///      │◀═ session token      │                         │
///      │   uses it at once    │                         │
///      │── save: session ────▶│── changed ─────────────▶│
///      │◀─ saved ─────────────│◀──────────────── load ──│
///      │                      │─────────────── session ▶│
///      │                      │                         │
///      ┊ calls with an open session neither load nor save ┊
/// ```
///
/// - A token fetch, login, logout or reset is saved before it is sent. A process that gets a
///   [`Conflict`](Saved::Conflict) loads and looks again.
/// - A process that finds an operation in the store waits for it. It looks again when the
///   [watcher](Store::watch) is called, and at the
///   [poll interval](Store::poll_interval). It waits no longer than the operation's lease.
/// - The result of a response is used at once, and saved after that.
/// - The lease of an operation outlasts its deadline by five seconds. When it ends without
///   a result, a login counts as lost.
/// - A store that fails stops logins, logouts and resets. An open session goes on without it.
///
/// # The driver's loop
///
/// The driver of a shared session is one loop of five arms. Here it has a store in memory:
///
/// ```
/// use std::{
///     sync::Mutex,
///     time::{Duration, Instant},
/// };
///
/// use bytes::Bytes;
/// use thingspace_core::{
///     AppCredentials, Call, Completion, Credentials, Environment, Error, Session,
///     SessionBuilder, SharedStep, StoreError, Timestamp, TransportError, UserCredentials,
///     session::{Loaded, Revision, Saved, Snapshot, Store, Transmit},
/// };
///
/// /// A register in memory that knows how old its content is. In a database it is a row,
/// /// with the time of its saving by the database's clock.
/// #[derive(Default)]
/// struct Register(Mutex<Option<(Snapshot, Instant)>>);
///
/// impl Store for Register {
///     fn load(&self) -> Result<Option<Loaded>, StoreError> {
///         let content = self.0.lock().unwrap();
///         Ok(content.as_ref().map(|(snapshot, saved_at)| Loaded {
///             snapshot: snapshot.clone(),
///             age: saved_at.elapsed(),
///         }))
///     }
///
///     fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
///         let mut content = self.0.lock().unwrap();
///         if content.as_ref().map(|(had, _)| had.revision()) != seen {
///             return Ok(Saved::Conflict);
///         }
///         *content = Some((snapshot.clone(), Instant::now()));
///         Ok(Saved::Saved)
///     }
/// }
///
/// /// One of the processes. Nothing is locked while the store or the network is busy.
/// struct Process<'a> {
///     session: Mutex<Session>,
///     store: &'a dyn Store,
///     /// Your HTTP stack.
///     send: &'a dyn Fn(Transmit) -> Result<http::Response<Bytes>, TransportError>,
/// }
///
/// impl Process<'_> {
///     fn drive(&self, mut call: Call) -> Result<Completion, Error> {
///         loop {
///             let step = call.step_shared(&mut self.session.lock().unwrap(), now());
///             match step {
///                 SharedStep::Send(transmit) => {
///                     let (attempt, result) = (transmit.attempt, (self.send)(transmit));
///                     call.receive(&mut self.session.lock().unwrap(), now(), attempt, result);
///                     self.save_news();
///                 }
///                 // Or until another call has changed the session.
///                 SharedStep::Wait(wait) => std::thread::sleep(wait.until.since(now())),
///                 SharedStep::Load => {
///                     let loaded = self.store.load();
///                     call.loaded(&mut self.session.lock().unwrap(), now(), loaded);
///                 }
///                 SharedStep::Save { seen, snapshot } => {
///                     let saved = self.store.save(seen, &snapshot);
///                     call.saved(&mut self.session.lock().unwrap(), now(), saved);
///                 }
///                 SharedStep::Done(result) => return result,
///             }
///         }
///     }
///
///     /// Saves what a response has brought, since others wait for it. Do the same after
///     /// `confirm`, `unblock` and `set_credentials`; on a thread of its own if you can.
///     fn save_news(&self) {
///         let is_unsaved = self.session.lock().unwrap().is_unsaved(now());
///         if is_unsaved {
///             // The next call that needs the store reports its failure.
///             let _ = self.drive(Call::sync());
///         }
///     }
/// }
///
/// # fn now() -> Timestamp { std::time::SystemTime::now().into() }
/// # let logins = std::cell::Cell::new(0);
/// # let send = |transmit: Transmit| {
/// #     let body = match transmit.request.uri().path() {
/// #         "/api/ts/v1/oauth2/token" => r#"{"access_token":"cf1b","expires_in":3600}"#,
/// #         "/api/m2m/v1/session/login" => {
/// #             logins.set(logins.get() + 1);
/// #             r#"{"sessionToken":"bcce3ea6-fe4f-4952-bacf-eadd80718e83"}"#
/// #         }
/// #         _ => "{}",
/// #     };
/// #     Ok(http::Response::new(Bytes::from(body)))
/// # };
/// let store = Register::default();
/// for seed in [42, 43] { // a different random one in each process
///     let app = AppCredentials::new("key", "secret")?;
///     let user = UserCredentials::new("zbeeblebrox", "IMgr8")?;
///     let session = SessionBuilder::new(Credentials::new(app, user))
///         .environment(Environment::mock())
///         .seed(seed)
///         .shared(store.poll_interval())
///         .build()?;
///     let process = Process { session: session.into(), store: &store, send: &send };
///     let request = http::Request::get("/m2m/v1/accounts/0000123456-00001").body(Bytes::new())?;
///     let call = Call::to(request, &Environment::mock())?;
///     process.drive(call)?.into_response()?;
/// }
/// # assert_eq!(logins.get(), 1);
/// // The second process has used the session that the first one opened.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A driver that awaits is the same loop, with `store.load().await` and
/// `store.save(seen, &snapshot).await`; see [`AsyncStore`].
pub trait Store: Send + Sync {
    /// Loads what is saved; `None` if nothing is.
    ///
    /// Fails if there is something that can't be read or understood. It must not count as
    /// nothing: that would forget failed logins.
    fn load(&self) -> Result<Option<Loaded>, StoreError>;

    /// Saves `snapshot` if the revision in the store is `seen` (`None`: if the store holds
    /// nothing). To compare and to save is one step, which no other process can interrupt.
    ///
    /// After [`Saved::Saved`], the snapshot survives the end of the process and of the
    /// machine. After an error, it may be saved or not.
    #[doc(alias = "compare-and-swap")]
    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError>;

    /// The interval at which a call that waits looks for changes by other processes. A
    /// tenth of a second by default.
    fn poll_interval(&self) -> Duration {
        POLL_INTERVAL
    }

    /// Calls `watcher` from now on whenever another process may have saved, until the
    /// watcher is dropped. The calls that wait then look at once. The watcher neither blocks
    /// nor panics.
    ///
    /// By default this does nothing. A store need not report every change: a change that is
    /// not reported is found at the [interval](Self::poll_interval).
    #[doc(alias = "notify")]
    #[doc(alias = "subscribe")]
    fn watch(&self, watcher: Watcher) {
        drop(watcher);
    }
}

/// A function that a [store](Store::watch) calls whenever another process may have saved.
/// Once it is dropped, it is not called any more.
pub type Watcher = Weak<dyn Fn() + Send + Sync>;

/// A future of an [`AsyncStore`].
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A [`Store`] that is awaited.
///
/// The same rules hold for it. The driver's loop is the same too, with
/// `store.load().await` and `store.save(seen, &snapshot).await`.
pub trait AsyncStore: Send + Sync {
    /// Loads what is saved, as [`Store::load`] does.
    fn load(&self) -> StoreFuture<'_, Option<Loaded>>;

    /// Saves `snapshot` in place of the one of revision `seen`, as [`Store::save`]
    /// does.
    fn save<'a>(&'a self, seen: Option<Revision>, snapshot: &'a Snapshot)
    -> StoreFuture<'a, Saved>;

    /// The interval at which a call that waits looks for changes by other processes. A
    /// tenth of a second by default.
    fn poll_interval(&self) -> Duration {
        POLL_INTERVAL
    }

    /// Calls `watcher` from now on whenever another process may have saved, as
    /// [`Store::watch`] does.
    fn watch(&self, watcher: Watcher) {
        drop(watcher);
    }
}

/// A store that many sessions of a process use.
impl<S: AsyncStore + ?Sized> AsyncStore for Arc<S> {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        (**self).load()
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        (**self).save(seen, snapshot)
    }

    fn poll_interval(&self) -> Duration {
        (**self).poll_interval()
    }

    fn watch(&self, watcher: Watcher) {
        (**self).watch(watcher);
    }
}

/// An adapter that makes an [`AsyncStore`] of a blocking store. Its futures block until
/// they are ready, so it is for drivers that block.
#[derive(Clone, Debug)]
pub struct Blocking<S>(pub S);

impl<S: Store> AsyncStore for Blocking<S> {
    fn load(&self) -> StoreFuture<'_, Option<Loaded>> {
        Box::pin(async { self.0.load() })
    }

    fn save<'a>(
        &'a self,
        seen: Option<Revision>,
        snapshot: &'a Snapshot,
    ) -> StoreFuture<'a, Saved> {
        Box::pin(async move { self.0.save(seen, snapshot) })
    }

    fn poll_interval(&self) -> Duration {
        self.0.poll_interval()
    }

    fn watch(&self, watcher: Watcher) {
        self.0.watch(watcher);
    }
}

/// The default interval at which a call that waits looks at its store.
pub const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A store that many sessions of a process use.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        (**self).load()
    }

    fn save(&self, seen: Option<Revision>, snapshot: &Snapshot) -> Result<Saved, StoreError> {
        (**self).save(seen, snapshot)
    }

    fn poll_interval(&self) -> Duration {
        (**self).poll_interval()
    }

    fn watch(&self, watcher: Watcher) {
        (**self).watch(watcher);
    }
}

/// A snapshot that a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The time since it was saved, by the store's own clock. Two moments of one clock can
    /// be compared; the clocks of two machines can't.
    pub age: Duration,
}

/// The result of saving a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is saved.
    Saved,
    /// Another process was faster. The snapshot is not saved, and the store holds another
    /// revision than the one that was seen.
    Conflict,
}
