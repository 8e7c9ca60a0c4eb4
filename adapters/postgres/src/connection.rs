//! A connection: the statements, and the notifications.

use std::{future::poll_fn, time::Duration};

use thingspace_core::session::Saved;
use thingspace_remote::{BoxError, Changes, Connection, Record, Save, Server};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};
use tokio_postgres::{
    AsyncMessage, Client, NoTls, Notification,
    config::SslMode,
    types::{ToSql, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

use crate::Postgres;

/// What a connection needs to be: what is saved is on the disk, one statement sees what
/// the other has done, and it hears what others save. A time limit of the server's own
/// ends a statement of which nobody waits for the end any more.
const SETTINGS: &str = "\
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local');
LISTEN thingspace_session;";

const LOAD: &str = "\
SELECT revision, snapshot,
    GREATEST(extract(epoch FROM clock_timestamp() - saved_at), 0)::float8
FROM thingspace_session WHERE name = $1";

const REPLACE: &str = "\
WITH saved AS (
    UPDATE thingspace_session
    SET revision = $2, snapshot = $3, saved_at = clock_timestamp()
    WHERE name = $1 AND revision = $4
    RETURNING pg_notify('thingspace_session', $2 || ' ' || $1)
) SELECT count(*) FROM saved";

const CREATE: &str = "\
WITH saved AS (
    INSERT INTO thingspace_session (name, revision, snapshot, saved_at)
    VALUES ($1, $2, $3, clock_timestamp())
    ON CONFLICT DO NOTHING
    RETURNING pg_notify('thingspace_session', $2 || ' ' || $1)
) SELECT count(*) FROM saved";

const HAS: &str = "\
SELECT count(*) FROM thingspace_session WHERE name = $1 AND revision = $2";

const HAS_TABLE: &str = "SELECT count(to_regclass('thingspace_session'))";

/// A connection to PostgreSQL.
pub struct Connected {
    client: Client,
    name: String,
    /// The task that moves its bytes.
    moving: JoinHandle<()>,
}

impl Server for Postgres {
    type Connection = Connected;

    fn name(&self) -> String {
        self.shown()
    }

    async fn connect(&self, changes: Changes) -> Result<Connected, BoxError> {
        let name = self.name.clone();
        let (client, moving) = match &self.tls {
            Some(tls) if self.config.get_ssl_mode() != SslMode::Disable => {
                let tls = MakeRustlsConnect::new(tls.clone());
                let (client, connection) = self.config.connect(tls).await?;
                (client, tokio::spawn(moved(connection, name, changes)))
            }
            _ => {
                let (client, connection) = self.config.connect(NoTls).await?;
                (client, tokio::spawn(moved(connection, name, changes)))
            }
        };
        let connected = Connected {
            client,
            name: self.name.clone(),
            moving,
        };
        let limit = self.limits.access.as_millis();
        let limited = format!("SET statement_timeout = {limit};\n{SETTINGS}");
        connected.client.batch_execute(&limited).await?;
        if self.creates_table {
            connected.create_table().await?;
        }
        Ok(connected)
    }
}

/// Moves the bytes of a connection until it ends, and reports what others save.
async fn moved<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
    name: String,
    changes: Changes,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notification) = message {
            report(&notification, &name, &changes);
        }
    }
}

/// Reports a save of the session of this name.
fn report(notification: &Notification, name: &str, changes: &Changes) {
    if let Some((revision, named)) = notification.payload().split_once(' ') {
        if named == name {
            changes.saved(revision);
        }
    }
}

impl Connected {
    /// Makes the table, unless it is there.
    async fn create_table(&self) -> Result<(), BoxError> {
        if self.is_any(HAS_TABLE, &[]).await? {
            return Ok(());
        }
        let Err(error) = self.client.batch_execute(Postgres::TABLE).await else {
            return Ok(());
        };
        // Somebody else may have made it at the same moment. Which error that is depends on
        // how far the server had come.
        if self.is_any(HAS_TABLE, &[]).await.unwrap_or(false) {
            return Ok(());
        }
        Err(error.into())
    }

    /// Returns true if a statement that counts rows counts any.
    async fn is_any(&self, statement: &str, values: &[&str]) -> Result<bool, BoxError> {
        let values: Vec<_> = values
            .iter()
            .map(|value| (value as &(dyn ToSql + Sync), Type::TEXT))
            .collect();
        let rows = self.client.query_typed(statement, &values).await?;
        let count: i64 = rows.first().ok_or("nothing was counted")?.try_get(0)?;
        Ok(count > 0)
    }
}

impl Connection for Connected {
    async fn load(&mut self) -> Result<Option<Record>, BoxError> {
        let rows = self
            .client
            .query_typed(LOAD, &[(&self.name, Type::TEXT)])
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let age = Duration::try_from_secs_f64(row.try_get(2)?)?;
        Ok(Some(Record {
            revision: row.try_get(0)?,
            snapshot: Zeroizing::new(row.try_get(1)?),
            age,
        }))
    }

    async fn save(&mut self, save: &Save) -> Result<Saved, BoxError> {
        let mut values = vec![&*self.name, &*save.revision, &**save.snapshot];
        let statement = if let Some(seen) = &save.seen {
            values.push(seen);
            REPLACE
        } else {
            CREATE
        };
        if self.is_any(statement, &values).await?
            // This very save may have been sent before.
            || self.is_any(HAS, &[&self.name, &save.revision]).await?
        {
            Ok(Saved::Saved)
        } else {
            Ok(Saved::Conflict)
        }
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// Ends the task at once, whatever the server does.
impl Drop for Connected {
    fn drop(&mut self) {
        self.moving.abort();
    }
}
