//! The proof that a request was never sent: its error came from connecting.
//!
//! An error of ureq does not say where it comes from. "No route to host" may come from
//! connecting, and as well from a connection that has carried the request: the kernel
//! reports it there once it has stopped sending again. So the two steps before anything
//! is sent, the lookup of the name and the connection, mark their errors.

#[cfg(feature = "rustls")]
use std::hash::{DefaultHasher, Hash, Hasher};

use thingspace_core::TransportError;
use ureq::{
    Error,
    config::Config,
    unversioned::transport::{ConnectionDetails, Connector},
};

/// A connector that marks its errors: whatever fails while connecting, TLS and a proxy's
/// tunnel among it, the request was never sent.
///
/// It also has TLS sessions resumed. ureq's connector sets TLS up anew for a request that
/// is configured for itself, although the configuration of TLS is the agent's: unless an
/// earlier request had no configuration. Here every request is configured for itself if
/// the agent is the caller's.
#[derive(Debug)]
pub(crate) struct Connecting<C> {
    connector: C,
    /// The hash of the agent's configuration of TLS.
    tls: u64,
}

impl<C> Connecting<C> {
    /// The connector of an agent with this configuration.
    pub(crate) fn new(connector: C, config: &Config) -> Self {
        let tls = hash_of_tls(config);
        Self { connector, tls }
    }

    /// Returns true if TLS is configured as it is for the agent. ureq compares by the hash,
    /// too.
    fn has_tls_of_agent(&self, config: &Config) -> bool {
        cfg!(feature = "rustls") && hash_of_tls(config) == self.tls
    }
}

impl<C: Connector> Connector for Connecting<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        if details.request_level && self.has_tls_of_agent(details.config) {
            let of_agent = ConnectionDetails {
                uri: details.uri,
                addrs: details.addrs.clone(),
                config: details.config,
                request_level: false,
                resolver: details.resolver,
                now: details.now,
                timeout: details.timeout,
                current_time: details.current_time.clone(),
                run_connector: details.run_connector.clone(),
                register_shutdown: details.register_shutdown.clone(),
            };
            return self
                .connector
                .connect(&of_agent, chained)
                .map_err(never_sent);
        }
        self.connector.connect(details, chained).map_err(never_sent)
    }
}

#[cfg(feature = "rustls")]
fn hash_of_tls(config: &Config) -> u64 {
    let mut hasher = DefaultHasher::new();
    config.tls_config().hash(&mut hasher);
    hasher.finish()
}

#[cfg(not(feature = "rustls"))]
const fn hash_of_tls(_: &Config) -> u64 {
    0
}

/// Marks an error as one of a request that was never sent.
pub(crate) fn never_sent(error: Error) -> Error {
    match error {
        // A proxy is connected to by a connector within the connector.
        Error::Other(source) if source.is::<TransportError>() => Error::Other(source),
        error => Error::Other(TransportError::not_sent(error).into()),
    }
}
