//! The simulator on a loopback port, for any client that speaks HTTP.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use thingspace_core::Timestamp;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::Simulator;
use crate::connection::serve;

/// A running [`Simulator`]: HTTP/1.1 on `127.0.0.1`, on a thread of its own.
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
    pub fn start_on(port: u16, mut simulator: Simulator) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = listen(&runtime, port)?;
        let port = listener.local_addr()?.port();
        let authority = format!("127.0.0.1:{port}");
        let base = format!("http://{authority}{}", simulator.prefix);
        simulator.authority.get_or_insert(authority);
        let shared = Arc::new(Shared {
            simulator: Mutex::new(simulator),
            ahead: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(accept(listener, Arc::clone(&shared)));
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

    /// Looks at the simulator or does something to it, while no request is
    /// answered. A request sent from inside would wait for ever.
    pub fn with<R>(&self, act: impl FnOnce(&mut Simulator) -> R) -> R {
        self.shared.with(act)
    }

    /// Where its calls are: `http://127.0.0.1:PORT/api`.
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

    fn ahead(&self) -> MutexGuard<'_, Duration> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
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

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
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
