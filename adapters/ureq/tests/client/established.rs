//! The kernel's errors of a connection while it is made, and of one that is in use.

use std::{
    fmt,
    io::{self, ErrorKind},
    sync::{Arc, Mutex},
};

use thingspace_scenarios::{BoxedObserver, Client, EventSender, devices};
use thingspace_simulator::Call;
use thingspace_ureq::{
    agent_with_parts,
    core::session::Observer,
    ureq::{
        Error,
        config::Config,
        unversioned::{
            resolver::DefaultResolver,
            transport::{
                Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
            },
        },
    },
};

use crate::blocking::{Blocking, Stage};

/// The kernel's errors of a peer that it can't reach: while it connects, and once it has
/// stopped sending again.
const UNREACHABLE: [ErrorKind; 6] = [
    ErrorKind::ConnectionRefused,
    ErrorKind::HostUnreachable,
    ErrorKind::NetworkUnreachable,
    ErrorKind::NetworkDown,
    ErrorKind::AddrNotAvailable,
    ErrorKind::TimedOut,
];

/// A network between a client and its service that fails on demand.
#[derive(Clone, Debug, Default)]
struct Network {
    /// The error of the next connection that is made.
    next_connection: Arc<Mutex<Option<ErrorKind>>>,
    /// The error in place of the next response on a connection that is in use.
    next_response: Arc<Mutex<Option<ErrorKind>>>,
}

impl Network {
    /// A client over this network.
    fn client(&self, stage: &Stage, observer: impl Observer + 'static) -> Blocking {
        let connector = DefaultConnector::default().chain(self.clone());
        let resolver = DefaultResolver::default();
        let agent = agent_with_parts(Config::default(), connector, resolver);
        let mut options = stage.options();
        options.observer = BoxedObserver::new((stage.impatience(), observer));
        Blocking::with_agent(options, agent)
    }
}

fn take(next: &Mutex<Option<ErrorKind>>) -> Result<(), Error> {
    next.lock()
        .unwrap()
        .take()
        .map_or(Ok(()), |kind| Err(Error::Io(io::Error::from(kind))))
}

impl<In: Transport> Connector<In> for Network {
    type Out = Connection<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        take(&self.next_connection)?;
        let next_response = Arc::clone(&self.next_response);
        Ok(chained.map(|transport| Connection {
            transport,
            next_response,
        }))
    }
}

struct Connection<T> {
    transport: T,
    next_response: Arc<Mutex<Option<ErrorKind>>>,
}

impl<T> fmt::Debug for Connection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl<T: Transport> Transport for Connection<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        // The response came, so the request was executed. The client does not see it.
        let is_there = self.transport.await_input(timeout)?;
        take(&self.next_response)?;
        Ok(is_there)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }
}

#[test]
fn law_6_a_connection_in_use_that_becomes_unreachable_leaves_the_outcome_unknown() {
    for kind in UNREACHABLE {
        let (stage, network) = (Stage::new(), Network::default());
        let client = network.client(&stage, ());
        client.log_in().unwrap();
        *network.next_response.lock().unwrap() = Some(kind);
        let error = client.call(devices()).unwrap_err();
        assert!(error.is_outcome_unknown(), "{kind}: {error}");
        assert_eq!(stage.seen(Call::Devices), 1, "{kind}");
    }
}

#[test]
fn law_2_a_login_whose_connection_becomes_unreachable_counts() {
    for kind in UNREACHABLE {
        let (stage, network) = (Stage::new(), Network::default());
        let (events, reported) = EventSender::new();
        let client = network.client(&stage, events);
        client.log_in().unwrap();
        client.log_out().unwrap();
        *network.next_response.lock().unwrap() = Some(kind);
        client.log_in().unwrap();
        let lost = reported
            .try_iter()
            .any(|event| event.name() == "login_lost");
        assert!(lost, "{kind}");
    }
}

#[test]
fn a_connection_that_is_not_made_has_sent_nothing() {
    for kind in UNREACHABLE {
        let (stage, network) = (Stage::new(), Network::default());
        let client = network.client(&stage, ());
        client.log_in().unwrap();
        stage.server.close_idle();
        *network.next_connection.lock().unwrap() = Some(kind);
        client.call(devices()).unwrap();
        assert_eq!(stage.seen(Call::Devices), 1, "{kind}");
    }
}
