//! One request over ureq, and its outcome when it fails.

use std::{
    io::{self, Read},
    mem,
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, Version, uri::Scheme};
use thingspace_core::{TransportError, session::Transmit};
use ureq::{
    Agent, AsSendBody, Body, Error, Proxy, Timeout,
    config::{Config, ConfigBuilder},
    typestate::AgentScope,
    unversioned::{
        resolver::{DefaultResolver, Resolver},
        transport::{Connector, DefaultConnector},
    },
};

use crate::{connecting::Connecting, names::Names};

/// The largest announced length of a body for which memory is reserved at once (our
/// choice).
const MOST_ROOM: u64 = 64 * 1024;

/// The longest timeout that ureq is given: it adds the timeout to the time of day,
/// which must not overflow (our choice).
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The time by which two timeouts may differ and count as equal (our choice). A request is
/// sent a moment after its deadline was set, and one that is configured for itself costs
/// more: 1,600 instructions.
const TICK: Duration = Duration::from_millis(10);

/// Returns an agent with this configuration: for [`Builder::agent`](crate::Builder::agent).
///
/// See [`agent_with_parts`].
pub fn agent(config: Config) -> Agent {
    agent_with_parts(
        config,
        DefaultConnector::default(),
        DefaultResolver::default(),
    )
}

/// Returns an agent with this configuration, connector and resolver: for
/// [`Builder::agent`](crate::Builder::agent).
///
/// It tells a request that was never sent from one that may have been: whatever fails in
/// its resolver or connector was never sent. It remembers the addresses of the service for
/// a few seconds, and its connections resume their TLS sessions though every request is
/// configured for itself.
///
/// ```
/// use thingspace_ureq::{
///     agent_with_parts,
///     ureq::{
///         config::Config,
///         unversioned::{
///             resolver::DefaultResolver,
///             transport::{Connector, RustlsConnector, TcpConnector},
///         },
///     },
/// };
///
/// let connector = ().chain(TcpConnector::default()).chain(RustlsConnector::default());
/// let agent = agent_with_parts(Config::default(), connector, DefaultResolver::default());
/// # let _ = agent;
/// ```
pub fn agent_with_parts(
    config: Config,
    connector: impl Connector,
    resolver: impl Resolver,
) -> Agent {
    let connector = Connecting::new(connector, &config);
    Agent::with_parts(config, connector, Names::new(resolver))
}

/// Returns an agent that is configured by the rules, so that [`send`] need not configure
/// each request. The rest is configured by the function given.
pub(crate) fn ready_made(
    attempt_timeout: Duration,
    configure: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>,
) -> Agent {
    let timeouts = Timeouts::new(attempt_timeout);
    let config = Agent::config_builder()
        .timeout_global(Some(timeouts.global))
        .timeout_resolve(Some(timeouts.resolve))
        .timeout_connect(Some(timeouts.connect));
    let config = configure(config)
        .max_redirects(0)
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .build();
    agent(config)
}

/// Sends a request and reads its response, up to the limit of the core.
///
/// The request is taken out of the transmit only where it is sent: it is large to
/// move.
pub(crate) fn send(
    agent: &Agent,
    transmit: &mut Transmit,
    timeout: Duration,
) -> Result<Response<Bytes>, TransportError> {
    let timeouts = Timeouts::new(timeout);
    let (mut parts, body) = mem::take(&mut transmit.request).into_parts();
    parts.version = Version::HTTP_11;
    // They may hold the configuration of a request of another agent.
    parts.extensions.clear();
    let expects_body = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
    let response = if body.is_empty() && !expects_body {
        run(agent, Request::from_parts(parts, ()), timeouts)
    } else {
        run(agent, Request::from_parts(parts, &*body), timeouts)
    };
    let (parts, body) = response.map_err(classify)?.into_parts();
    let mut bytes = Vec::new();
    let read = read(body, transmit.read_limit, &mut bytes);
    let response = Response::from_parts(parts, bytes.into());
    match read {
        Ok(()) => Ok(response),
        Err(error) => Err(TransportError::broken_off(response, error)),
    }
}

/// The timeouts of one request and of its first steps. Those have less time, so that a
/// network without responses is noticed before anything was sent.
#[derive(Clone, Copy)]
struct Timeouts {
    global: Duration,
    resolve: Duration,
    connect: Duration,
}

impl Timeouts {
    fn new(timeout: Duration) -> Self {
        let global = timeout.min(LONGEST_TIMEOUT);
        Self {
            global,
            resolve: global / 3,
            connect: global / 3,
        }
    }

    /// Returns true if the agent's own are as short as these, but for a tick.
    fn are_kept_by(self, agent: &Agent) -> bool {
        let own = agent.config().timeouts();
        let is_kept = |ours: Duration, own: Option<Duration>| {
            own.is_some_and(|own| own.saturating_sub(ours) <= TICK)
        };
        is_kept(self.global, own.global)
            && is_kept(self.resolve, own.resolve)
            && is_kept(self.connect, own.connect)
    }

    /// Returns the shorter ones of these and the agent's own.
    fn within(self, agent: &Agent) -> Self {
        let own = agent.config().timeouts();
        let shorter = |ours: Duration, own: Option<Duration>| own.map_or(ours, |own| own.min(ours));
        Self {
            global: shorter(self.global, own.global),
            resolve: shorter(self.resolve, own.resolve),
            connect: shorter(self.connect, own.connect),
        }
    }
}

/// Runs a request by our rules, however the agent is configured.
fn run<B: AsSendBody>(
    agent: &Agent,
    request: Request<B>,
    timeouts: Timeouts,
) -> Result<Response<Body>, Error> {
    let config = agent.config();
    // Unencrypted requests stay on this machine, or go to a host beside it, so they do not use
    // a proxy that the environment names.
    let is_unencrypted = request.uri().scheme() == Some(&Scheme::HTTP);
    let escapes = is_unencrypted && config.proxy().is_some_and(Proxy::is_from_env);
    let has_the_rules = !escapes
        && config.max_redirects() == 0
        && !config.http_status_as_error()
        && config.allow_non_standard_methods()
        && timeouts.are_kept_by(agent);
    if has_the_rules {
        return agent.run(request);
    }
    let timeouts = timeouts.within(agent);
    let request = agent
        .configure_request(request)
        .max_redirects(0)
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .timeout_global(Some(timeouts.global))
        .timeout_resolve(Some(timeouts.resolve))
        .timeout_connect(Some(timeouts.connect));
    let request = if escapes {
        request.proxy(None)
    } else {
        request
    };
    agent.run(request.build())
}

/// Reads a body up to a limit. A shorter one is read to its end: then the connection
/// can be used again. If it breaks off, `bytes` are those that came.
fn read(body: Body, limit: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    let room = body.content_length().unwrap_or_default().min(MOST_ROOM);
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    bytes.reserve(usize::try_from(room.min(limit)).unwrap_or_default());
    body.into_reader().take(limit).read_to_end(bytes)?;
    Ok(())
}

/// Classifies an error: the request certainly did not leave, or it may have. An error
/// that is neither marked nor listed means that it may have.
fn classify(error: Error) -> TransportError {
    if let Error::Other(source) = &error {
        if let Some(marked) = source.downcast_ref::<TransportError>() {
            return marked.clone();
        }
    }
    if is_before_sending(&error) {
        TransportError::not_sent(error)
    } else {
        TransportError::unknown(error)
    }
}

/// Returns true if ureq has this error only from the steps before anything is sent,
/// whichever connector it has.
fn is_before_sending(error: &Error) -> bool {
    match error {
        Error::BadUri(_)
        | Error::RequireHttpsOnly(_)
        | Error::HostNotFound
        | Error::InvalidProxyUrl
        | Error::ConnectProxyFailed(_)
        | Error::ConnectionFailed
        | Error::TlsRequired
        | Error::Tls(_)
        | Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
        #[cfg(feature = "rustls")]
        Error::Rustls(_) => true,
        #[cfg(feature = "rustls")]
        Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => is_of_handshake(error),
        Error::Io(error) => is_failed_lookup(error),
        _ => false,
    }
}

/// Returns true if a TLS handshake failed by what the client does not accept. An alert
/// of the service does not say that: in TLS 1.3 it may come after the request.
#[cfg(feature = "rustls")]
fn is_of_handshake(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(
        inner,
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::PeerIncompatible(_))
    )
}

/// Returns true if a name could not be resolved, for which the standard library has no
/// kind.
fn is_failed_lookup(error: &io::Error) -> bool {
    error.raw_os_error().is_none()
        && error
            .to_string()
            .starts_with("failed to lookup address information")
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::connecting::never_sent;

    #[test]
    fn a_timeout_that_is_a_tick_shorter_needs_no_configuration_of_its_own() {
        let ms = Duration::from_millis;
        let agent = ready_made(ms(30_000), |config| config);
        let is_kept = |timeout| Timeouts::new(timeout).are_kept_by(&agent);
        assert!(is_kept(ms(30_000)) && is_kept(ms(29_999)) && is_kept(ms(30_001)));
        assert!(!is_kept(ms(29_900)) && !is_kept(ms(1)));
        let longer = ready_made(ms(30_000), |config| config.timeout_global(None));
        assert!(!Timeouts::new(ms(30_000)).are_kept_by(&longer));
        let shorter = Some(ms(1000));
        let shorter = ready_made(ms(30_000), |config| config.timeout_connect(shorter));
        assert!(Timeouts::new(ms(30_000)).are_kept_by(&shorter));
    }

    fn io_error(kind: ErrorKind) -> Error {
        Error::Io(kind.into())
    }

    #[test]
    fn an_error_that_can_only_come_before_sending_means_that_nothing_was_sent() {
        let lookup = io::Error::other("failed to lookup address information: no such name");
        for error in [
            Error::BadUri(String::new()),
            Error::RequireHttpsOnly(String::new()),
            Error::HostNotFound,
            Error::InvalidProxyUrl,
            Error::ConnectProxyFailed(String::new()),
            Error::ConnectionFailed,
            Error::TlsRequired,
            Error::Tls("no connection"),
            Error::Timeout(Timeout::Resolve),
            Error::Timeout(Timeout::Connect),
            Error::Io(lookup),
            never_sent(io_error(ErrorKind::ConnectionRefused)),
            never_sent(never_sent(io_error(ErrorKind::ConnectionReset))),
            never_sent(Error::Timeout(Timeout::Global)),
        ] {
            let message = error.to_string();
            assert!(!classify(error).may_have_left(), "{message}");
        }
    }

    #[test]
    fn any_other_error_leaves_the_outcome_unknown() {
        for error in [
            Error::StatusCode(500),
            Error::RedirectFailed,
            Error::TooManyRedirects,
            Error::BodyExceedsLimit(1),
            Error::BodyStalled,
            Error::LargeResponseHeader(1, 1),
            Error::Timeout(Timeout::Global),
            Error::Timeout(Timeout::PerCall),
            Error::Timeout(Timeout::SendRequest),
            Error::Timeout(Timeout::SendBody),
            Error::Timeout(Timeout::RecvResponse),
            Error::Timeout(Timeout::RecvBody),
            Error::Other(Box::new(io::Error::other("else"))),
            Error::Other(TransportError::unknown("else").into()),
            io_error(ErrorKind::ConnectionRefused),
            io_error(ErrorKind::HostUnreachable),
            io_error(ErrorKind::NetworkUnreachable),
            io_error(ErrorKind::NetworkDown),
            io_error(ErrorKind::AddrNotAvailable),
            io_error(ErrorKind::ConnectionReset),
            io_error(ErrorKind::ConnectionAborted),
            io_error(ErrorKind::BrokenPipe),
            io_error(ErrorKind::UnexpectedEof),
            io_error(ErrorKind::TimedOut),
            io_error(ErrorKind::InvalidData),
            io_error(ErrorKind::Other),
        ] {
            let message = error.to_string();
            assert!(classify(error).may_have_left(), "{message}");
        }
    }

    #[cfg(feature = "rustls")]
    #[test]
    fn a_certificate_is_refused_before_sending_and_an_alert_may_come_after() {
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let refused = io::Error::new(ErrorKind::InvalidData, refused);
        assert!(!classify(Error::Io(refused)).may_have_left());
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let alert = io::Error::new(ErrorKind::InvalidData, alert);
        assert!(classify(Error::Io(alert)).may_have_left());
    }
}
