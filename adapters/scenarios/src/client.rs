//! The client's interface to the scenarios: blocking, and the same for all adapters.

use std::{
    error::Error as StdError,
    fmt::Debug,
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use http::Response;
use thingspace_core::{
    Completion, Credentials, Endpoint, Environment, Error, Password, Session, SessionBuilder,
    SessionToken, Timestamp, WithSession,
    api::Paged,
    asynchronous::{AsynchronousRequest, RequestOutcome},
    session::{
        Call, CallId, CallResult, Event, Exchange, ExchangeResult, NewPassword, Observer, Settings,
        Snapshot, SnapshotError, Store, Wait,
    },
};
use thingspace_driver::{Config, Items, Mailbox, Runtime, blocking};

/// A client that the scenarios can test. Its methods are the adapters' methods of the
/// same names. They block until they are done.
pub trait Client: Clone + Debug + Send + Sync + 'static {
    /// Builds a client over the adapter's default HTTP stack.
    fn build(options: Options) -> Result<Self, SnapshotError>;

    /// Opens a session, unless one is open.
    fn log_in(&self) -> Result<SessionToken, Error>;

    /// Ends the session, if one is open.
    fn log_out(&self) -> Result<Option<SessionToken>, Error>;

    /// Resets the password, and uses the new one.
    fn reset_password(&self) -> Result<Password, Error>;

    /// Resets the password, gives it to `keep`, and uses it. Whatever `keep` does, it does
    /// on a thread where it may block and make calls.
    fn reset_password_with(
        &self,
        keep: impl FnOnce(Password) -> Result<(), BoxError> + Send,
    ) -> Result<Password, Error>;

    /// Resets the password.
    fn request_reset(&self) -> Result<NewPassword, Error>;

    /// Uses a new password.
    fn confirm_reset(&self, new: &NewPassword) -> Result<(), Error>;

    /// Loads what others have saved, and saves what they do not have.
    fn sync(&self) -> Result<(), Error>;

    /// Makes a call that a session authorizes.
    fn call<E: Endpoint<Auth = WithSession>>(
        &self,
        endpoint: E,
    ) -> Result<Response<E::Output>, Error>;

    /// Lists the items of all pages.
    fn items<E: Paged + Send + 'static>(&self, first: E) -> impl Listing<E>;

    /// Follows a request to its outcome.
    fn follow(&self, request: AsynchronousRequest) -> RequestOutcome;

    /// The most requests that [`follow_all`](Self::follow_all) follows at once.
    const FOLLOWED_AT_ONCE: usize = 64;

    /// The pause between two status calls about a request, where as many are followed: so
    /// few calls are made at once that each may have a connection.
    const PAUSE: Duration = Duration::from_millis(100);

    /// Follows requests to their outcomes, which the receiver gets as they come. It follows
    /// them by as many threads as it may, each of which takes one after the other.
    fn follow_all(&self, requests: Vec<AsynchronousRequest>) -> Receiver<RequestOutcome> {
        let (sender, outcomes) = mpsc::channel();
        let requests = Arc::new(Mutex::new(requests.into_iter()));
        for _ in 0..Self::FOLLOWED_AT_ONCE {
            let (client, sender) = (self.clone(), sender.clone());
            let requests = Arc::clone(&requests);
            let next = move || requests.lock().unwrap().next();
            thread::spawn(move || {
                while let Some(request) = next() {
                    // The scenario may be over.
                    sender.send(client.follow(request)).ok();
                }
            });
        }
        outcomes
    }

    /// Returns the place where callbacks are delivered.
    fn mailbox(&self) -> &Mailbox;

    /// Drives a call to its end. It polls or steps on this thread, so that a panic of
    /// an observer of the call's own request ends this thread.
    fn run(&self, call: Call) -> Result<Completion, Error>;

    /// Reads or changes the session.
    fn session<R>(&self, look: impl FnOnce(&mut Session) -> R) -> R;

    /// Returns the time of the client's clock.
    fn now(&self) -> Timestamp;
}

/// The items of a list. Its methods are those of the adapters' types.
pub trait Listing<E: Paged>: Iterator<Item = Result<E::Item, Error>> {
    /// Fetches the page that failed once more.
    fn resume(&mut self);

    /// Returns the request that goes on from here.
    fn request(&self) -> Option<&E>;

    /// Returns true if the list ended on a page that repeats itself.
    fn repeats(&self) -> bool;
}

impl<R: Runtime, E: Paged + Send + 'static> Listing<E> for blocking::Items<R, E> {
    fn resume(&mut self) {
        self.resume();
    }

    fn request(&self) -> Option<&E> {
        self.request()
    }

    fn repeats(&self) -> bool {
        self.repeats()
    }
}

/// The items of an async client, each of which is waited for by this function.
pub struct Waited<R, E: Paged>(Items<R, E>, WaitForItem<R, E>);

/// A function that waits for the next item.
type WaitForItem<R, E> = fn(&mut Items<R, E>) -> Option<Result<<E as Paged>::Item, Error>>;

impl<R, E: Paged> Waited<R, E> {
    /// Waits for each of these items by this function.
    pub fn new(items: Items<R, E>, wait: WaitForItem<R, E>) -> Self {
        Self(items, wait)
    }
}

impl<R: Runtime, E: Paged + Send + 'static> Iterator for Waited<R, E> {
    type Item = Result<E::Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.1(&mut self.0)
    }
}

impl<R: Runtime, E: Paged + Send + 'static> Listing<E> for Waited<R, E> {
    fn resume(&mut self) {
        self.0.resume();
    }

    fn request(&self) -> Option<&E> {
        self.0.request()
    }

    fn repeats(&self) -> bool {
        self.0.repeats()
    }
}

/// Any error.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The options of a client.
pub struct Options {
    /// The credentials.
    pub credentials: Credentials,
    /// The environment to call.
    pub environment: Environment,
    /// The only trusted certificate authority, in DER. `None` for those that the
    /// adapter trusts by default.
    pub root: Option<Vec<u8>>,
    /// The settings of the session.
    pub settings: Settings,
    /// The snapshot to continue the session from. It was taken by the same clock.
    pub snapshot: Option<Snapshot>,
    /// The store that the session is shared by.
    pub store: Option<Arc<dyn Store>>,
    /// The clock.
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// The observer.
    pub observer: BoxedObserver,
}

impl Options {
    /// Returns the configuration of a client with these options. The root, which the
    /// HTTP stack takes, is not part of it, nor the store, which blocks or is awaited.
    pub fn into_config(self) -> Config {
        let mut session = SessionBuilder::new(self.credentials)
            .environment(self.environment)
            .settings(self.settings);
        if let Some(snapshot) = self.snapshot {
            let now = (self.clock)();
            let age = now.since(snapshot.saved_at());
            session = session.snapshot(snapshot, age, now);
        }
        Config::new(session)
            .clock(self.clock)
            .observer(self.observer)
    }
}

/// An observer of any type.
pub struct BoxedObserver(Box<dyn Observer>);

impl BoxedObserver {
    /// Puts an observer into its box.
    pub fn new(observer: impl Observer + 'static) -> Self {
        Self(Box::new(observer))
    }
}

impl Observer for BoxedObserver {
    fn began(&self, call: &Call) {
        self.0.began(call);
    }

    fn ended(&self, call: &Call, result: &CallResult<'_>) {
        self.0.ended(call, result);
    }

    fn event(&self, event: &Event, call: Option<CallId>) {
        self.0.event(event, call);
    }

    fn waiting(&self, wait: &Wait) {
        self.0.waiting(wait);
    }

    fn waited(&self, wait: &Wait, took: Duration) {
        self.0.waited(wait, took);
    }

    fn sending(&self, exchange: &Exchange) {
        self.0.sending(exchange);
    }

    fn received(&self, exchange: &Exchange, result: &ExchangeResult<'_>) {
        self.0.received(exchange, result);
    }
}
