//! The simulator on a loopback port, for any client that speaks HTTP.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use hyper_util::rt::TokioExecutor;
use thingspace_core::Timestamp;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::Simulator;
use crate::connection::{self, Builder};
use crate::line::{Line, Lines};
#[cfg(feature = "tls")]
use crate::tls;

/// A running [`Simulator`]: HTTP/1.1 and HTTP/2 on `127.0.0.1`, on a thread of
/// its own.
///
/// Without TLS, a client that speaks HTTP/2 has to know beforehand that it may
/// (RFC 9113 §3.3).
///
/// Its time is the system's clock plus what it was [advanced](Self::advance).
/// A request body of more than one mebibyte is answered 413. Dropped, it
/// closes every connection and frees its port before `drop` returns.
pub struct Server {
    port: u16,
    base: String,
    shared: Arc<Shared>,
    /// Nothing is ever sent: the thread waits for its end.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `simulator` on a free port. Fails if the system gives no port or
    /// no thread.
    pub fn start(simulator: Simulator) -> io::Result<Self> {
        Self::start_on(0, simulator)
    }

    /// Serves `simulator` on `port`, which must be free; 0 is any that is.
    pub fn start_on(port: u16, simulator: Simulator) -> io::Result<Self> {
        let builder = Builder::new(TokioExecutor::new());
        Self::run(
            port,
            simulator,
            ("http", "127.0.0.1"),
            move |stream, shared| connection::serve(builder.clone(), stream, shared),
        )
    }

    /// Serves `simulator` over TLS on a free port. Fails if the system gives no
    /// port or no thread.
    ///
    /// The name in the certificate is to be `localhost`. `config` chooses the
    /// rest, down to the version of HTTP: clients that agree with it on `h2`
    /// (ALPN, RFC 7301) are served HTTP/2, all others HTTP/1.1. A handshake
    /// that fails ends its connection, and no request is counted.
    #[cfg(feature = "tls")]
    pub fn start_tls(simulator: Simulator, config: Arc<rustls::ServerConfig>) -> io::Result<Self> {
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        Self::run(
            0,
            simulator,
            ("https", "localhost"),
            move |stream, shared| tls::serve(acceptor.clone(), stream, shared),
        )
    }

    fn run<F>(
        port: u16,
        mut simulator: Simulator,
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
        let shared = Arc::new(Shared {
            simulator: Mutex::new(simulator),
            ahead: Mutex::default(),
            lines: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(accept(listener, Arc::clone(&shared), serve));
        let thread = thread::Builder::new()
            .name("thingspace-simulator".to_owned())
            // Dropping the runtime afterwards drops every connection.
            .spawn(move || drop(runtime.block_on(stopped)))?;
        Ok(Self {
            port,
            base,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Moves the service's clock forward.
    pub fn advance(&self, time: Duration) {
        let mut ahead = self.shared.ahead();
        *ahead = ahead.saturating_add(time);
    }

    /// Closes every connection once it is idle, as a server does that restarts
    /// or has waited for long enough, and returns when they are closed.
    ///
    /// An idle one is closed whether or not its client is running; one with a
    /// request under way, which may be a hung one, when that has been answered
    /// or given up. Over HTTP/2 the client is told by a GOAWAY (RFC 9113 §6.8),
    /// and one that does not confirm it within a tenth of a second is cut off.
    pub fn close_idle(&self) {
        let lines = mem::take(&mut *self.shared.lines());
        lines.close();
    }

    /// Looks at the simulator or does something to it, while no request is
    /// answered. A request sent from inside would wait for ever.
    pub fn with<R>(&self, act: impl FnOnce(&mut Simulator) -> R) -> R {
        self.shared.with(act)
    }

    /// Where its calls are: `http://127.0.0.1:PORT/api`, or
    /// `https://localhost:PORT/api` over TLS.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What time it is for the service.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there has been reported over there.
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

/// What the connections and the owner of the server have in common.
pub(crate) struct Shared {
    simulator: Mutex<Simulator>,
    /// How far the service's clock is before the system's.
    ahead: Mutex<Duration>,
    lines: Mutex<Lines>,
}

impl Shared {
    /// A test that panicked inside `with` must not take the others down.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Simulator) -> R) -> R {
        let mut simulator = self
            .simulator
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        act(&mut simulator)
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now()) + *self.ahead()
    }

    pub(crate) fn open_line(&self) -> Line {
        self.lines().open()
    }

    fn ahead(&self) -> MutexGuard<'_, Duration> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener with room for a crowd that comes at once.
fn listen(runtime: &Runtime, port: u16) -> io::Result<TcpListener> {
    let _context = runtime.enter();
    let socket = TcpSocket::new_v4()?;
    // Elsewhere than on Unix this would let two servers share a port.
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
                // Only speed is lost without it.
                stream.set_nodelay(true).ok();
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
            // Too many open files, say: some will be closed in a while.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}
