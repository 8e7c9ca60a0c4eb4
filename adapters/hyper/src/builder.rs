//! The builder of a client.

use std::sync::Arc;

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
    pub(crate) service: S,
    pub(crate) timer: Arc<dyn Timer + Send + Sync>,
    pub(crate) executor: Arc<dyn Executor<Operating> + Send + Sync>,
}

impl<S> Builder<S> {
    pub(crate) const fn new(config: Config, stack: S) -> Self {
        Self { config, stack }
    }

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
                service,
                timer: Arc::new(timer),
                executor: Arc::new(executor),
            },
        }
    }
}

impl<S> Builder<S> {
    /// Shares the session with every process that uses this store: its tokens,
    /// its login guard, and the one operation that is in progress.
    ///
    /// A call with an open session neither loads nor saves. A store that fails stops
    /// logins, logouts and resets, and nothing else. The budget of failed logins is the
    /// store's: programs of one user name are to share one.
    pub fn store(self, store: impl AsyncStore + 'static) -> Self {
        Self {
            config: self.config.store(store),
            ..self
        }
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
    use std::sync::Arc;

    use hyper_util::rt::{TokioExecutor, TokioTimer};
    use thingspace_driver::core::session::SnapshotError;

    use super::{Builder, Own};
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

        /// Builds the client, on tokio. Nothing is sent until it is asked for
        /// something.
        ///
        /// Fails if the snapshot is of another environment, application or user, or
        /// damaged.
        pub fn build(self) -> Result<Client<Pooled>, SnapshotError> {
            Client::new(self.config, |attempt_timeout| Own {
                service: pooled::new(self.stack.tls, attempt_timeout),
                timer: Arc::new(TokioTimer::new()),
                executor: Arc::new(TokioExecutor::new()),
            })
        }
    }
}
