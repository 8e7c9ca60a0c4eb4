//! The builder of a client.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::rt::{Executor, Timer};
use thingspace_driver::{
    Config, Operating,
    core::session::{AsyncStore, SnapshotError},
};

use crate::{Client, Stack};

/// A builder of a [`Client`]. Everything but the credentials has a default; on
/// another runtime than tokio, [`stack`](Self::stack) has to be given too.
#[must_use]
pub struct Builder<S> {
    config: Config,
    stack: S,
}

/// A stack of the caller's own, with the timer and the executor of its runtime.
pub struct Own<S> {
    /// Locked only to be cloned: it need not be `Sync`.
    pub(crate) service: Mutex<S>,
    pub(crate) timer: Arc<dyn Timer + Send + Sync>,
    pub(crate) executor: Arc<dyn Executor<Operating> + Send + Sync>,
}

impl<S: Stack> Own<S> {
    /// A clone of the stack, for one request.
    pub(crate) fn stack(&self) -> S {
        // A clone that panicked has changed nothing.
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        service.clone()
    }
}

impl<S> Builder<S> {
    /// Sends with this service, waits with this timer and runs operations on this
    /// executor: for a runtime, a connector or middleware of one's own.
    ///
    /// The service must not follow redirects, and every status is a response.
    /// Middleware that sends a request twice would undo what this library is
    /// for. The executor runs token fetches, logins, logouts and resets, which go
    /// on if the call that needs them is dropped.
    pub fn stack<T: Stack>(
        self,
        service: T,
        timer: impl Timer + Send + Sync + 'static,
        executor: impl Executor<Operating> + Send + Sync + 'static,
    ) -> Builder<Own<T>> {
        Builder {
            config: self.config,
            stack: Own {
                service: Mutex::new(service),
                timer: Arc::new(timer),
                executor: Arc::new(executor),
            },
        }
    }
}

impl<S> Builder<S> {
    /// Shares the session with every process that uses this store, which is awaited: see
    /// [`Config::store`].
    pub fn store(self, store: impl AsyncStore + 'static) -> Self {
        Self {
            config: self.config.store(store),
            ..self
        }
    }
}

#[cfg(not(feature = "tokio"))]
impl Builder<()> {
    /// A builder of a client with these credentials, or with this
    /// [`SessionBuilder`](thingspace_driver::core::SessionBuilder) or [`Config`]:
    /// on a [stack](Self::stack) that has to be given.
    pub fn new(config: impl Into<Config>) -> Self {
        let (config, stack) = (config.into(), ());
        Self { config, stack }
    }
}

impl<S: Stack> Builder<Own<S>> {
    /// Builds the client. Nothing is sent until it is asked for something.
    ///
    /// Fails if the snapshot is of another environment, application or user, or
    /// damaged.
    pub fn build(self) -> Result<Client<S>, SnapshotError> {
        Client::new(self.config, |_| self.stack)
    }
}

#[cfg(feature = "tokio")]
pub use ready::Ready;

#[cfg(feature = "tokio")]
mod ready {
    use std::sync::{Arc, Mutex};

    use hyper_util::rt::{TokioExecutor, TokioTimer};
    use thingspace_driver::{Config, core::session::SnapshotError};

    use super::{Builder, Own};
    use crate::{Client, Pooled, connector::connector, pooled};

    /// The ready-made stack: a pool of hyper's connections on tokio, with TLS.
    #[derive(Default)]
    pub struct Ready {
        tls: Option<rustls::ClientConfig>,
    }

    impl Builder<Ready> {
        /// A builder of a client with these credentials, or with this
        /// [`SessionBuilder`](thingspace_driver::core::SessionBuilder) or [`Config`]:
        /// on tokio unless it is given another [stack](Self::stack).
        pub fn new(config: impl Into<Config>) -> Self {
            Self {
                config: config.into(),
                stack: Ready::default(),
            }
        }

        /// Trusts what this configuration trusts: for roots or a client
        /// certificate of one's own. Its ALPN protocols are replaced.
        pub fn tls(mut self, config: rustls::ClientConfig) -> Self {
            self.stack.tls = Some(config);
            self
        }

        /// Builds the client, on tokio. Nothing is sent until it is asked for
        /// something.
        ///
        /// Fails if the snapshot is of another environment, application or user, or
        /// damaged.
        pub fn build(self) -> Result<Client<Pooled>, SnapshotError> {
            Client::new(self.config, |attempt_timeout| Own {
                service: Mutex::new(pooled::pool(connector(self.stack.tls, attempt_timeout))),
                timer: Arc::new(TokioTimer::new()),
                executor: Arc::new(TokioExecutor::new()),
            })
        }
    }
}
