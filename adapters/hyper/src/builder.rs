//! How a client is put together.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::SystemTime,
};

use hyper::rt::Timer;
use thingspace_core::{
    Credentials, Environment, Session, Timestamp,
    session::{Observer, RestoreError, Settings, Snapshot},
};
use thingspace_tracing::Tracing;

use crate::{Client, Stack, client::Parts};

/// Puts a [`Client`] together. Everything but the credentials has a default; on
/// another runtime than tokio, [`stack`](Self::stack) has to be given too.
#[must_use]
pub struct Builder<S> {
    credentials: Credentials,
    environment: Environment,
    settings: Settings,
    snapshot: Option<Snapshot>,
    seed: u64,
    stack: S,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    observer: Box<dyn Observer>,
}

/// A stack of the caller's own, and what tells it that time has passed.
pub struct Own<S> {
    service: S,
    timer: Arc<dyn Timer + Send + Sync>,
}

impl<S> Builder<S> {
    pub(crate) fn new(credentials: Credentials, stack: S) -> Self {
        Self {
            credentials,
            environment: Environment::production(),
            settings: Settings::default(),
            snapshot: None,
            seed: RandomState::new().hash_one(()),
            stack,
            clock: Box::new(|| SystemTime::now().into()),
            observer: Box::new(Tracing),
        }
    }

    /// Where ThingSpace is; production by default.
    pub fn environment(self, environment: Environment) -> Self {
        Self {
            environment,
            ..self
        }
    }

    /// What the session goes by.
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Goes on with the session that a snapshot was taken of.
    pub fn restore(self, snapshot: Snapshot) -> Self {
        Self {
            snapshot: Some(snapshot),
            ..self
        }
    }

    /// Where the jitter of pauses comes from; random by default.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sends with this service, and waits with this timer: for a runtime, a
    /// connector or middleware of one's own.
    ///
    /// The service must not follow redirects, and every status is an answer.
    /// Middleware that sends a request twice would undo what this library is
    /// for.
    pub fn stack<T: Stack>(
        self,
        service: T,
        timer: impl Timer + Send + Sync + 'static,
    ) -> Builder<Own<T>> {
        Builder {
            credentials: self.credentials,
            environment: self.environment,
            settings: self.settings,
            snapshot: self.snapshot,
            seed: self.seed,
            stack: Own {
                service,
                timer: Arc::new(timer),
            },
            clock: self.clock,
            observer: self.observer,
        }
    }

    /// Tells the time from this clock; from the system's by default.
    pub fn clock(self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            clock: Box::new(clock),
            ..self
        }
    }

    /// Tells this of everything that happens to the session, and of every
    /// request before it is sent and after it was answered or failed: beside
    /// `tracing`, which is told anyway.
    pub fn observer(self, observer: impl Observer + 'static) -> Self {
        Self {
            observer: Box::new((Tracing, observer)),
            ..self
        }
    }
}

impl<S: Stack> Builder<Own<S>> {
    /// The client. Nothing is sent until it is asked for something.
    ///
    /// Fails if the snapshot to restore is of another environment, application
    /// or user.
    pub fn build(self) -> Result<Client<S>, RestoreError> {
        let session = match self.snapshot {
            Some(snapshot) => Session::restore(snapshot, self.environment, self.credentials)?,
            None => Session::new(self.environment, self.credentials, self.seed),
        };
        Ok(Client::new(Parts {
            session: session.with_settings(self.settings),
            stack: self.stack.service,
            timer: self.stack.timer,
            clock: self.clock,
            observer: self.observer,
        }))
    }
}

#[cfg(feature = "tokio")]
pub use ready::Ready;

#[cfg(feature = "tokio")]
mod ready {
    use hyper_util::rt::TokioTimer;
    use thingspace_core::session::RestoreError;

    use super::Builder;
    use crate::{Client, Pooled, pooled};

    /// The ready-made stack: hyper-util's pooled client on tokio, with TLS.
    #[derive(Default)]
    pub struct Ready {
        tls: Option<rustls::ClientConfig>,
    }

    impl Builder<Ready> {
        /// Trusts what this configuration trusts: for roots or a client
        /// certificate of one's own. Its ALPN protocols are replaced.
        pub fn tls(mut self, config: rustls::ClientConfig) -> Self {
            self.stack.tls = Some(config);
            self
        }

        /// The client, on tokio. Nothing is sent until it is asked for
        /// something.
        ///
        /// Fails if the snapshot to restore is of another environment,
        /// application or user.
        pub fn build(mut self) -> Result<Client<Pooled>, RestoreError> {
            let pooled = pooled::new(self.stack.tls.take(), self.settings.attempt_timeout);
            self.stack(pooled, TokioTimer::new()).build()
        }
    }
}
