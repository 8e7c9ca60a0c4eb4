//! The proof that a request was never sent: its error came from connecting.
//!
//! An error of ureq does not say where it comes from. "No route to host" may come from
//! connecting, and as well from a connection that has carried the request: the kernel
//! reports it there once it has stopped sending again. So the two steps before anything
//! is sent, the lookup of the name and the connection, mark their errors.

use thingspace_core::TransportError;
use ureq::{
    Error,
    unversioned::transport::{ConnectionDetails, Connector},
};

/// A connector that marks its errors: whatever fails while connecting, TLS and a proxy's
/// tunnel among it, the request was never sent.
///
/// To be put around the last connector of a chain. The agents of this crate have it, see
/// [`agent`](crate::agent); one with a connector of your own should:
///
/// ```
/// use thingspace_ureq::{
///     Connecting,
///     ureq::{
///         Agent,
///         config::Config,
///         unversioned::{
///             resolver::DefaultResolver,
///             transport::{Connector, RustlsConnector, TcpConnector},
///         },
///     },
/// };
///
/// let connector = ().chain(TcpConnector::default()).chain(RustlsConnector::default());
/// let agent = Agent::with_parts(
///     Config::default(),
///     Connecting(connector),
///     DefaultResolver::default(),
/// );
/// # let _ = agent;
/// ```
#[derive(Debug)]
pub struct Connecting<C>(pub C);

impl<C: Connector> Connector for Connecting<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        self.0.connect(details, chained).map_err(never_sent)
    }
}

/// Marks an error as one of a request that was never sent.
pub(crate) fn never_sent(error: Error) -> Error {
    match error {
        // A proxy is connected to by a connector within the connector.
        Error::Other(source) if source.is::<TransportError>() => Error::Other(source),
        error => Error::Other(TransportError::not_sent(error).into()),
    }
}
