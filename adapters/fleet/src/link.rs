//! A network between a client and a server.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{port, process::bind_again};

/// A network between clients and a server that can fail: whoever connects to its
/// [address](Self::address) reaches the server, as long as it works. It works at first.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    network: Arc<Network>,
    /// Accepts connections; none while the link is cut.
    listener: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Network {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    target: SocketAddr,
    delay: Duration,
    is_stalled: bool,
    is_cut: bool,
    connections: Vec<Arc<Connection>>,
}

/// A connection of a client.
#[derive(Debug)]
struct Connection {
    client: TcpStream,
    is_over: AtomicBool,
    server: Mutex<Option<TcpStream>>,
}

/// Bytes on their way; none at the end of a stream.
struct Parcel {
    due: Instant,
    bytes: Vec<u8>,
}

impl Link {
    /// A link to the server at this address.
    pub fn to(target: SocketAddr) -> Self {
        let network = Network {
            state: Mutex::new(State {
                target,
                delay: Duration::ZERO,
                is_stalled: false,
                is_cut: true,
                connections: Vec::new(),
            }),
            changed: Condvar::new(),
        };
        let this = Self {
            address: port::free(),
            network: Arc::new(network),
            listener: Mutex::new(None),
        };
        this.mend();
        this
    }

    /// The address that clients connect to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drops every connection, and refuses new ones.
    pub fn cut(&self) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(listener) = listener.take() else {
            return;
        };
        self.network.change(|state| state.is_cut = true);
        // It notices with the next connection, which is this one.
        let _ = TcpStream::connect(self.address);
        let _ = listener.join();
        let connections = self.network.change(|state| {
            state.is_stalled = false;
            std::mem::take(&mut state.connections)
        });
        for connection in connections {
            connection.end();
        }
        self.network.changed.notify_all();
    }

    /// Holds everything back: nothing goes through, nothing is closed, and new
    /// connections are accepted and lead nowhere.
    pub fn stall(&self) {
        self.network.change(|state| state.is_stalled = true);
    }

    /// Lets everything through again, what was held back first.
    pub fn mend(&self) {
        self.network.change(|state| {
            state.is_stalled = false;
            state.is_cut = false;
        });
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.is_none() {
            let (socket, network) = (bind_again(self.address), Arc::clone(&self.network));
            *listener = Some(thread::spawn(move || network.accept(&socket)));
        }
    }

    /// Leads new connections to another server, as the stable address of a database does
    /// after a failover. Connections that exist stay where they are.
    pub fn point_at(&self, target: SocketAddr) {
        self.network.change(|state| state.target = target);
    }

    /// Takes this much time for each way. That a connection is made takes none.
    pub fn delay(&self, delay: Duration) {
        self.network.change(|state| state.delay = delay);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Network {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_all();
        result
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            let mut state = self.state();
            if state.is_cut {
                return;
            }
            let Ok(client) = client else { continue };
            let connection = Arc::new(Connection {
                client,
                is_over: AtomicBool::new(false),
                server: Mutex::new(None),
            });
            state.connections.retain(|one| !one.is_over());
            state.connections.push(Arc::clone(&connection));
            let network = Arc::clone(self);
            thread::spawn(move || network.connect(&connection));
        }
    }

    /// Leads a connection to the server.
    fn connect(self: Arc<Self>, connection: &Arc<Connection>) {
        if self.wait_for(connection, None).is_none() {
            return;
        }
        let target = self.state().target;
        let Ok(server) = TcpStream::connect(target) else {
            return connection.end();
        };
        let ends = (connection.client.try_clone(), server.try_clone());
        *connection.server() = server.try_clone().ok();
        let (Ok(client), Ok(server)) = ends else {
            return connection.end();
        };
        if connection.is_over() {
            // It was cut meanwhile.
            return connection.end();
        }
        self.pump(connection, &client, &server);
        self.pump(connection, &server, &client);
    }

    /// Carries bytes one way, on two threads: one takes them, one delivers them.
    fn pump(self: &Arc<Self>, connection: &Arc<Connection>, from: &TcpStream, to: &TcpStream) {
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
            return connection.end();
        };
        let _ = to.set_nodelay(true);
        let (send, receive) = channel();
        let (network, owner) = (Arc::clone(self), Arc::clone(connection));
        thread::spawn(move || network.take(&owner, from, &send));
        let (network, owner) = (Arc::clone(self), Arc::clone(connection));
        thread::spawn(move || network.deliver(&owner, to, &receive));
    }

    fn take(&self, connection: &Connection, mut from: TcpStream, parcels: &Sender<Parcel>) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let Ok(count) = from.read(&mut buffer) else {
                return connection.end();
            };
            let bytes = buffer[..count].to_vec();
            let due = Instant::now() + self.state().delay;
            if parcels.send(Parcel { due, bytes }).is_err() || count == 0 {
                return;
            }
        }
    }

    fn deliver(&self, connection: &Connection, mut to: TcpStream, parcels: &Receiver<Parcel>) {
        for Parcel { due, bytes } in parcels {
            if self.wait_for(connection, Some(due)).is_none() {
                return;
            }
            if bytes.is_empty() {
                let _ = to.shutdown(Shutdown::Write);
            } else if to.write_all(&bytes).is_err() {
                return connection.end();
            }
        }
    }

    /// Waits until something may go through; `None` if the connection is over.
    fn wait_for(&self, connection: &Connection, due: Option<Instant>) -> Option<()> {
        let mut state = self.state();
        loop {
            if connection.is_over() {
                return None;
            }
            let left = due.map(|due| due.saturating_duration_since(Instant::now()));
            let left = left.unwrap_or_default();
            state = if state.is_stalled {
                let woken = self.changed.wait(state);
                woken.unwrap_or_else(PoisonError::into_inner)
            } else if !left.is_zero() {
                let woken = self.changed.wait_timeout(state, left);
                woken.unwrap_or_else(PoisonError::into_inner).0
            } else {
                return Some(());
            };
        }
    }
}

impl Connection {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    fn server(&self) -> MutexGuard<'_, Option<TcpStream>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = self.client.shutdown(Shutdown::Both);
        if let Some(server) = &*self.server() {
            let _ = server.shutdown(Shutdown::Both);
        }
    }
}
