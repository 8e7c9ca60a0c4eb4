//! A connection, and what is said on it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, PushInfo, PushKind, RedisConnectionInfo, Value,
    aio::{MultiplexedConnection, SendError},
    cmd,
};
use rustls::{ClientConfig, pki_types::ServerName};
use thingspace_core::session::Saved;
use thingspace_remote::{BoxError, Changes, Connection, Record, Save, Server};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::{
    fault::Fault,
    script::{MAX_SNAPSHOT, Scripts},
};

/// A server that holds a session.
pub(crate) struct RedisServer {
    pub(crate) name: String,
    pub(crate) host: Host,
    pub(crate) login: RedisConnectionInfo,
    /// The configuration for a host that is reached over TLS.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) session: Arc<Session>,
}

/// The place where a server listens.
#[derive(Clone)]
pub(crate) enum Host {
    Tcp(String, u16),
    Tls(String, u16, ServerName<'static>),
    Unix(PathBuf),
}

/// The session on a server, whichever connection is used.
pub(crate) struct Session {
    key: String,
    channel: String,
    /// The number of replicas that must have a save.
    replicas: u8,
    /// The time that they may take.
    patience: Duration,
    scripts: Scripts,
    /// True if something was saved here that too few replicas may have.
    is_in_doubt: AtomicBool,
}

/// A connection to Redis.
pub(crate) struct Connected {
    connection: MultiplexedConnection,
    session: Arc<Session>,
    /// The task that moves its bytes.
    moving: JoinHandle<()>,
}

impl Session {
    /// The session at this key. A save counts if so many replicas have it in this time.
    pub(crate) fn new(key: String, replicas: u8, patience: Duration) -> Self {
        Self {
            channel: format!("{key}:saved"),
            key,
            replicas,
            patience,
            scripts: Scripts::new(),
            is_in_doubt: AtomicBool::new(false),
        }
    }
}

impl Server for RedisServer {
    type Connection = Connected;

    fn name(&self) -> String {
        self.name.clone()
    }

    async fn connect(&self, changes: Changes) -> Result<Connected, BoxError> {
        match &self.host {
            Host::Tcp(host, port) => {
                let stream = connect(host, *port).await?;
                self.open(stream, changes).await
            }
            Host::Tls(host, port, name) => {
                let config = self.tls.clone();
                let tls = TlsConnector::from(config.ok_or("TLS is not set up")?);
                let stream = connect(host, *port).await?;
                let stream = tls.connect(name.clone(), stream).await?;
                self.open(stream, changes).await
            }
            #[cfg(unix)]
            Host::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await?;
                self.open(stream, changes).await
            }
            #[cfg(not(unix))]
            Host::Unix(_) => Err("this system has no Unix sockets".into()),
        }
    }
}

impl RedisServer {
    /// Logs in, and subscribes to the changes that others make.
    async fn open(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        changes: Changes,
    ) -> Result<Connected, BoxError> {
        let config = AsyncConnectionConfig::new()
            // The store bounds every access.
            .set_response_timeout(None)
            .set_push_sender(move |push| {
                report(&push, &changes);
                Ok::<_, SendError>(())
            });
        let opened = MultiplexedConnection::new_with_config(&self.login, stream, config);
        let (connection, moving) = opened.await.map_err(Fault::from)?;
        let mut connected = Connected {
            connection,
            session: Arc::clone(&self.session),
            moving: tokio::spawn(moving),
        };
        // A user that may not subscribe finds changes by looking.
        let subscribed = connected.connection.subscribe(&self.session.channel);
        let _ = subscribed.await;
        Ok(connected)
    }
}

async fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reports the revision that somebody has published.
fn report(push: &PushInfo, changes: &Changes) {
    if push.kind != PushKind::Message {
        return;
    }
    match push.data.last() {
        Some(Value::BulkString(revision)) => changes.saved(&String::from_utf8_lossy(revision)),
        _ => changes.missed(),
    }
}

impl Connection for Connected {
    async fn load(&mut self) -> Result<Option<Record>, BoxError> {
        let session = Arc::clone(&self.session);
        let foreign = || Fault::ForeignKey(session.key.clone());
        let is_in_doubt = session.is_in_doubt.load(SeqCst);
        let mut script = session.scripts.load.key(&session.key);
        script.arg(u8::from(is_in_doubt));
        let response = script.invoke_async(&mut self.connection).await;
        let record = match response.map_err(Fault::from)? {
            Value::Nil => return Ok(None),
            Value::BulkString(text) if text == b"foreign" => return Err(foreign().into()),
            Value::Array(fields) => record(fields).ok_or_else(foreign)?,
            _ => return Err(Fault::InvalidResponse.into()),
        };
        // A save is taken for saved if it is found here: so it must be where all are.
        if is_in_doubt {
            self.confirm().await?;
        }
        Ok(Some(record))
    }

    async fn save(&mut self, save: &Save) -> Result<Saved, BoxError> {
        let session = Arc::clone(&self.session);
        if save.snapshot.len() > MAX_SNAPSHOT {
            return Err(Fault::TooLarge.into());
        }
        // Until its end is known.
        let was_in_doubt = session.is_in_doubt.swap(session.replicas > 0, SeqCst);
        let mut script = session.scripts.save.key(&session.key);
        script
            .arg(save.seen.as_deref().unwrap_or_default())
            .arg(&save.revision)
            .arg(save.snapshot.as_str())
            .arg(session.replicas)
            .arg(&session.channel);
        let response = script.invoke_async(&mut self.connection).await;
        let Value::BulkString(result) = response.map_err(Fault::from)? else {
            return Err(Fault::InvalidResponse.into());
        };
        if result == b"saved" {
            self.confirm().await?;
            return Ok(Saved::Saved);
        }
        // Nothing was.
        session.is_in_doubt.store(was_in_doubt, SeqCst);
        match &*result {
            b"conflict" => Ok(Saved::Conflict),
            b"lonely" => {
                let wanted = session.replicas;
                Err(Fault::TooFewReplicas { wanted }.into())
            }
            b"foreign" => Err(Fault::ForeignKey(session.key.clone()).into()),
            _ => Err(Fault::InvalidResponse.into()),
        }
    }

    fn is_closed(&self) -> bool {
        self.moving.is_finished()
    }
}

/// Ends the task at once, whatever the server does.
impl Drop for Connected {
    fn drop(&mut self) {
        self.moving.abort();
    }
}

impl Connected {
    /// Waits until the replicas have what was written on this connection.
    async fn confirm(&mut self) -> Result<(), Fault> {
        let wanted = self.session.replicas;
        if wanted == 0 {
            return Ok(());
        }
        let mut wait = cmd("WAIT");
        let patience = u64::try_from(self.session.patience.as_millis()).unwrap_or(u64::MAX);
        // Nothing would be without a bound.
        wait.arg(wanted).arg(patience.max(1));
        let response = wait.query_async(&mut self.connection).await?;
        let Value::Int(confirmed) = response else {
            return Err(Fault::InvalidResponse);
        };
        if confirmed < i64::from(wanted) {
            return Err(Fault::Unconfirmed { wanted, confirmed });
        }
        self.session.is_in_doubt.store(false, SeqCst);
        Ok(())
    }
}

/// Reads the record that the script for loading returns; `None` if it is none.
fn record(fields: Vec<Value>) -> Option<Record> {
    let texts = fields.into_iter().map(|field| match field {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        _ => None,
    });
    let texts: Option<Vec<_>> = texts.collect();
    let [revision, snapshot, saved_at, seconds, micros] = texts?.try_into().ok()?;
    let saved_at = Duration::from_micros(saved_at.parse().ok()?);
    let now = Duration::from_secs(seconds.parse().ok()?);
    let now = now.checked_add(Duration::from_micros(micros.parse().ok()?))?;
    Some(Record {
        revision,
        snapshot: Zeroizing::new(snapshot),
        // A server that took over may have a clock that is behind.
        age: now.saturating_sub(saved_at),
    })
}
