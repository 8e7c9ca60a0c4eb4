//! The simulator on a loopback port, for any client that speaks HTTP.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use hyper_util::rt::TokioExecutor;
use thingspace_core::Timestamp;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::connection::{self, Builder};
use crate::deliver::deliver_callbacks;
use crate::shared::{Log, Shared};
#[cfg(feature = "tls")]
use crate::tls;
use crate::{Reply, Simulator};

/// A running [`Simulator`] on a thread of its own. It serves HTTP/1.1 and
/// HTTP/2 on `127.0.0.1`.
///
/// Without TLS, a client uses HTTP/2 by prior knowledge (RFC 9113 §3.3).
///
/// It delivers callbacks to listeners on the same machine over plain HTTP/1.1. A listener
/// has ten seconds to respond. Callbacks for other machines, or over TLS, are not sent.
///
/// Its time is the system's clock, [advanced](Self::advance) by the caller. The
/// response to a request body of more than one mebibyte is 413. `drop` closes
/// every connection and frees the port before it returns.
pub struct Server {
    port: u16,
    base: String,
    shared: Arc<Shared>,
    /// The end of this channel stops the thread. Nothing is ever sent.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `simulator` on a free port. Fails if the system has no port or no
    /// thread.
    pub fn start(simulator: Simulator) -> io::Result<Self> {
        Self::start_on(0, simulator)
    }

    /// Serves `simulator` on `port`, which must be free. 0 stands for any free
    /// port.
    pub fn start_on(port: u16, simulator: Simulator) -> io::Result<Self> {
        Self::start_logged(port, simulator, |_, _| {})
    }

    /// Serves `simulator` on `port`, and reports each request and its reply to `log`,
    /// which is called on the server's thread and with nothing locked.
    pub fn start_logged(
        port: u16,
        simulator: Simulator,
        log: impl Fn(&Request<Bytes>, &Reply) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let builder = Builder::new(TokioExecutor::new());
        Self::run(
            port,
            simulator,
            Box::new(log),
            ("http", "127.0.0.1"),
            move |stream, shared| connection::serve(builder.clone(), stream, shared),
        )
    }

    /// Serves `simulator` over TLS on a free port. Fails if the system has no
    /// port or no thread.
    ///
    /// The name in the certificate must be `localhost`. `config` decides all
    /// else, including the version of HTTP: a client that negotiates `h2` (ALPN,
    /// RFC 7301) is served HTTP/2, any other HTTP/1.1. A failed handshake ends
    /// its connection, and no request is counted.
    #[cfg(feature = "tls")]
    pub fn start_tls(simulator: Simulator, config: Arc<rustls::ServerConfig>) -> io::Result<Self> {
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        Self::run(
            0,
            simulator,
            Box::new(|_, _| {}),
            ("https", "localhost"),
            move |stream, shared| tls::serve(acceptor.clone(), stream, shared),
        )
    }

    fn run<F>(
        port: u16,
        mut simulator: Simulator,
        log: Log,
        (scheme, host): (&str, &str),
        serve: impl Fn(TcpStream, Arc<Shared>) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = listen(&runtime, port)?;
        let port = listener.local_addr()?.port();
        let authority = format!("{host}:{port}");
        let base = format!("{scheme}://{authority}{}", simulator.prefix);
        simulator.authority.get_or_insert(authority);
        let shared = Arc::new(Shared::new(simulator, log));
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(accept(listener, Arc::clone(&shared), serve));
        runtime.spawn(deliver_callbacks(Arc::clone(&shared)));
        let thread = thread::Builder::new()
            .name("thingspace-simulator".to_owned())
            // When the runtime is dropped, it drops every connection.
            .spawn(move || drop(runtime.block_on(stopped)))?;
        Ok(Self {
            port,
            base,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Moves the service's clock forward. Callbacks that are due then are delivered.
    pub fn advance(&self, time: Duration) {
        self.shared.advance(time);
    }

    /// Closes every connection as soon as it is idle, and returns when all are
    /// closed. A server does so when it restarts, or after an idle timeout.
    ///
    /// An idle connection is closed at once, even if its client is not running.
    /// A connection with a request in progress is closed after the response, or
    /// when the client gives up: a hung request has no response. Over HTTP/2 the
    /// server sends a GOAWAY (RFC 9113 §6.8). An idle client that does not
    /// confirm it within a tenth of a second is cut off.
    pub fn close_idle(&self) {
        self.shared.close_idle();
    }

    /// Gives access to the simulator. No request is executed meanwhile, so a
    /// request that `act` sends would wait for ever.
    pub fn with<R>(&self, act: impl FnOnce(&mut Simulator) -> R) -> R {
        self.shared.change(act)
    }

    /// Returns the base of its calls: `http://127.0.0.1:PORT/api`, or
    /// `https://localhost:PORT/api` over TLS.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the port on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the service's time.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported there.
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// Opens a listener with room for many connections at once.
fn listen(runtime: &Runtime, port: u16) -> io::Result<TcpListener> {
    let _context = runtime.enter();
    let socket = TcpSocket::new_v4()?;
    // On other systems than Unix, two servers could share a port with it.
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(1024)
}

async fn accept<F>(
    listener: TcpListener,
    shared: Arc<Shared>,
    serve: impl Fn(TcpStream, Arc<Shared>) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A failure costs only speed.
                stream.set_nodelay(true).ok();
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
            // For example too many open files: some will be closed soon.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}
