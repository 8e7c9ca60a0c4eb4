//! The proxy as a tower service.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Buf;
use http::{Method, Request, Response};
use http_body::Body;
use thingspace_core::{Error, api::OwnCall};
use thingspace_hyper::{Client, Stack, Streamed};
use tower_service::Service;

use crate::{
    forward::{BoxError, forward, read},
    local,
    path::ApiPath,
    probes::{self, Probe},
    problem::Problem,
    rules::Rules,
};

/// A proxy that makes the calls of its clients on the session of a
/// [`Client`](thingspace_hyper::Client).
///
/// A tower service: put any middleware around it, and serve it with a
/// [`Server`](crate::Server) or with your own. A long response is given on while it
/// arrives. A response to a call that failed has its
/// [`Error`](thingspace_core::Error) among the extensions, for logs and the like. It runs
/// on tokio. Cheap to clone.
#[doc(alias = "reverse proxy")]
#[doc(alias = "sidecar")]
pub struct Proxy<S>(Arc<Inner<S>>);

struct Inner<S> {
    client: Client<S>,
    rules: Rules,
    reset: Option<Reset<S>>,
    metrics: Option<Render>,
}

type Reset<S> = Arc<dyn Fn(Client<S>) -> Resetting + Send + Sync>;
type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// The future of a reset, by the program that runs the proxy.
pub type Resetting = Pin<Box<dyn Future<Output = Result<(), ResetError>> + Send>>;

/// The error of a reset.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The reset was not sent, because nobody could save the new password.
    #[error("no reset was sent, because the new password could not be saved")]
    NotPrepared(#[source] BoxError),
    /// The reset failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl<S: Stack> Proxy<S> {
    /// A proxy on the session of this client, with these rules. It resets no password
    /// and has no metrics.
    pub fn new(client: Client<S>, rules: Rules) -> Self {
        Self(Arc::new(Inner {
            client,
            rules,
            reset: None,
            metrics: None,
        }))
    }

    /// Resets the password for clients that ask for it, by this function, which is to
    /// save the new one before it is confirmed: a client that asked for it does not get
    /// it, and its disconnection does not end the reset.
    ///
    /// ```no_run
    /// # use thingspace_proxy::{Proxy, core::Password, thingspace_hyper::Pooled};
    /// # async fn save(new: Password) -> Result<(), std::io::Error> { Ok(()) }
    /// # fn example(proxy: Proxy<Pooled>) -> Proxy<Pooled> {
    /// proxy.reset_with(|client| {
    ///     Box::pin(async move {
    ///         client.reset_password_with(save).await?;
    ///         Ok(())
    ///     })
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn reset_with(
        self,
        reset: impl Fn(Client<S>) -> Resetting + Send + Sync + 'static,
    ) -> Self {
        let mut inner = self.taken();
        inner.reset = Some(Arc::new(reset));
        Self(Arc::new(inner))
    }

    /// Gives what `render` returns as the page `/metrics`: text as Prometheus reads it.
    #[must_use]
    pub fn metrics(self, render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        let mut inner = self.taken();
        inner.metrics = Some(Arc::new(render));
        Self(Arc::new(inner))
    }

    /// The client whose session it uses.
    pub fn client(&self) -> &Client<S> {
        &self.0.client
    }

    fn taken(self) -> Inner<S> {
        Arc::try_unwrap(self.0).unwrap_or_else(|shared| Inner {
            client: shared.client.clone(),
            rules: shared.rules.clone(),
            reset: shared.reset.clone(),
            metrics: shared.metrics.clone(),
        })
    }

    /// Responds to a request.
    async fn respond<B>(self, request: Request<B>) -> Response<Streamed>
    where
        B: Body<Data: Buf, Error: Into<BoxError>>,
    {
        match self.handle(request).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(self.0.client.now()),
        }
    }

    async fn handle<B>(&self, request: Request<B>) -> Result<Response<Streamed>, Problem>
    where
        B: Body<Data: Buf, Error: Into<BoxError>>,
    {
        let Inner { client, rules, .. } = &*self.0;
        let (head, body) = request.into_parts();
        rules.check_sender(&head)?;
        if let Some(probe) = Probe::at(head.uri.path()) {
            if !matches!(head.method, Method::GET | Method::HEAD) {
                return Err(Problem::wrong_method());
            }
            return match probe {
                Probe::Live => Ok(probes::live()),
                Probe::Ready => probes::ready(client).await,
                Probe::Metrics => {
                    rules.check_required(&head.headers)?;
                    let render = self.0.metrics.as_ref();
                    let render = render.ok_or_else(Problem::no_such_path)?;
                    Ok(probes::metrics(render()))
                }
            };
        }
        rules.check_required(&head.headers)?;
        if matches!(head.method, Method::CONNECT | Method::TRACE) {
            return Err(Problem::wrong_method());
        }
        let path = ApiPath::new(head.uri.path())?;
        let own = local::at(&path, &head.method)?;
        if own.is_none() || own == Some(OwnCall::ResetPassword) {
            rules.check_call(&head.method, &path)?;
        }
        let body = read(body, rules).await?;
        match own {
            None => forward(client, rules, head, body).await,
            Some(OwnCall::ResetPassword) => self.reset_password().await,
            Some(own) => Ok(local::response(own)),
        }
    }

    /// Resets the password, if the program knows how.
    async fn reset_password(&self) -> Result<Response<Streamed>, Problem> {
        let reset = self.0.reset.clone();
        let reset = reset.ok_or_else(Problem::reset_refused)?;
        let client = self.0.client.clone();
        // A client that disconnects must not end it between its halves.
        let resetting = tokio::spawn(async move { reset(client).await });
        match resetting.await {
            Ok(Ok(())) => Ok(local::response(OwnCall::ResetPassword)),
            // Nothing of what the service said: that may repeat a password.
            Ok(Err(ResetError::Failed(error))) => Err(Problem::of_call(error, false)),
            // Nor why it is not possible: that is the operator's matter.
            Ok(Err(ResetError::NotPrepared(_))) => Err(Problem::reset_not_prepared()),
            Err(_) => Err(Problem::reset_panicked()),
        }
    }
}

impl<S, B> Service<Request<B>> for Proxy<S>
where
    S: Stack,
    B: Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Streamed>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let proxy = self.clone();
        Box::pin(async move { Ok(proxy.respond(request).await) })
    }
}

impl<S> Clone for Proxy<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Proxy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("client", &self.0.client)
            .field("rules", &self.0.rules)
            .finish_non_exhaustive()
    }
}
