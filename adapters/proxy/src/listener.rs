//! The place where a proxy listens: a loopback port or a unix socket.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

#[cfg(unix)]
pub(crate) use self::unix::Socket;
#[cfg(unix)]
pub use self::unix::SocketAccess;

/// The connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// A place where a proxy listens.
#[derive(Debug)]
pub struct Listener(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(Socket),
}

impl Listener {
    /// Listens on this port of `127.0.0.1`; 0 is any that is free. Every user of this
    /// machine can connect.
    pub fn loopback(port: u16) -> Result<Self, ListenerError> {
        Self::on((Ipv4Addr::LOCALHOST, port).into())
    }

    /// Listens on an address that other machines may reach, without encryption:
    /// whoever reaches it acts as the user of the session. Give the proxy a
    /// [required header](crate::Rules::require_header), a network of its own, or both.
    pub fn open_to_network(address: SocketAddr) -> Result<Self, ListenerError> {
        Self::on(address)
    }

    /// Listens on a unix socket at this path, which takes the place of one that nobody
    /// serves any more. It is removed when the listener is dropped.
    #[cfg(unix)]
    pub fn unix(
        path: impl Into<std::path::PathBuf>,
        access: SocketAccess,
    ) -> Result<Self, ListenerError> {
        Socket::bind(path.into(), access).map(|socket| Self(Kind::Unix(socket)))
    }

    /// The address that it listens on, if it has one.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp(listener) => listener.local_addr().ok(),
            #[cfg(unix)]
            Kind::Unix(_) => None,
        }
    }

    fn on(address: SocketAddr) -> Result<Self, ListenerError> {
        bound(address)
            .map(|it| Self(Kind::Tcp(it)))
            .map_err(|source| ListenerError::Address { address, source })
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On other systems than Unix, two programs could share a port with it.
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Sends without delay. A failure costs only speed.
pub(crate) fn without_delay(stream: &TcpStream) {
    stream.set_nodelay(true).ok();
}

/// The reason why there is no place to listen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenerError {
    /// The address can't be had.
    #[error("no listening on {address}; choose another port, or end the program that has it")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The path of the socket can't be had.
    #[error("no listening on the socket {}; check that its folder exists and may be written", path.display())]
    Socket {
        /// The path.
        path: std::path::PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Somebody listens on the socket.
    #[error("another program listens on the socket {}; end it, or choose another path", path.display())]
    InUse {
        /// The path.
        path: std::path::PathBuf,
    },
    /// The path is that of something else than a socket.
    #[error("{} is no socket, and is left as it is; choose another path", path.display())]
    NoSocket {
        /// The path.
        path: std::path::PathBuf,
    },
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::{self, DirBuilder, Permissions},
        io::{self, ErrorKind},
        os::unix::{
            fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown},
            net::UnixStream,
        },
        path::{Path, PathBuf},
        process,
    };

    use tokio::net::UnixListener;

    use super::ListenerError;

    /// The access to a unix socket.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[must_use]
    pub struct SocketAccess {
        mode: u32,
        group: Option<u32>,
    }

    impl SocketAccess {
        /// Access for its owner alone.
        pub const fn owner() -> Self {
            Self {
                mode: 0o600,
                group: None,
            }
        }

        /// Access by this mode, such as `0o660`. Who may write may connect.
        pub const fn mode(mut self, mode: u32) -> Self {
            self.mode = mode & 0o777;
            self
        }

        /// Access for the group with this id, as the mode says.
        pub const fn group(mut self, id: u32) -> Self {
            self.group = Some(id);
            self
        }
    }

    impl Default for SocketAccess {
        fn default() -> Self {
            Self::owner()
        }
    }

    /// A unix socket, whose file is removed with it.
    #[derive(Debug)]
    pub(crate) struct Socket {
        pub(crate) listener: UnixListener,
        path: PathBuf,
        inode: u64,
    }

    impl Socket {
        pub(crate) fn bind(path: PathBuf, access: SocketAccess) -> Result<Self, ListenerError> {
            match fs::symlink_metadata(&path) {
                Ok(found) if !found.file_type().is_socket() => {
                    return Err(ListenerError::NoSocket { path });
                }
                Ok(_) if UnixStream::connect(&path).is_ok() => {
                    return Err(ListenerError::InUse { path });
                }
                _ => {}
            }
            match bound(&path, access) {
                Ok((listener, inode)) => Ok(Self {
                    listener,
                    path,
                    inode,
                }),
                Err(source) => Err(ListenerError::Socket { path, source }),
            }
        }
    }

    /// Binds in a folder that nobody else may enter, sets the access and moves the
    /// socket to its place: nobody connects who may not, and a socket that nobody serves
    /// any more is replaced at once.
    fn bound(path: &Path, access: SocketAccess) -> io::Result<(UnixListener, u64)> {
        let parent = path.parent().unwrap_or(Path::new("."));
        let folder = parent.join(format!(".{}", process::id()));
        // One that a process with the same id left behind.
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&folder)?;
        let bound = bound_in(&folder, path, access);
        fs::remove_dir_all(&folder)?;
        bound
    }

    fn bound_in(
        folder: &Path,
        path: &Path,
        access: SocketAccess,
    ) -> io::Result<(UnixListener, u64)> {
        let draft = folder.join("s");
        let listener = UnixListener::bind(&draft)?;
        if access.group.is_some() {
            chown(&draft, None, access.group)?;
        }
        fs::set_permissions(&draft, Permissions::from_mode(access.mode))?;
        let inode = fs::symlink_metadata(&draft)?.ino();
        fs::rename(&draft, path)?;
        Ok((listener, inode))
    }

    impl Drop for Socket {
        fn drop(&mut self) {
            // Another one may have taken its place.
            if fs::symlink_metadata(&self.path).is_ok_and(|it| it.ino() == self.inode) {
                fs::remove_file(&self.path).ok();
            }
        }
    }
}
