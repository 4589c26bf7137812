//! The connections of a follower. They are its own, so that a wait that is given up blocks no connection of the pool.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

use crate::error::{Error, Result};
use crate::search::read_model::rows::CatalogueRows;
use crate::search::read_model::touched::Touched;
use crate::search::store;
use crate::search::store::changes::{self, Changes, Position};

/// The longest time until the database accepts a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection for looks and reads.
#[derive(Debug)]
pub struct Link {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

impl Link {
    pub fn new(pool: &PgPool) -> Link {
        Link { options: (*pool.connect_options()).clone(), connection: None }
    }

    /// Returns the connection, which is opened if it is not.
    pub async fn open(&mut self) -> Result<&mut PgConnection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => bounded(CONNECT_TIMEOUT, connect(&self.options)).await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Gives the connection up without waiting for the server.
    pub fn close(&mut self) {
        self.connection = None;
    }

    /// Opens a connection that receives notifications, with a pool of its own.
    pub async fn listener(&self) -> Result<PgListener> {
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CONNECT_TIMEOUT);
        let pool = pool.connect_lazy_with(self.options.clone());
        bounded(CONNECT_TIMEOUT, async {
            let mut listener = PgListener::connect_with(&pool).await?;
            // A lost connection would lose the lock of the sleeper, too.
            listener.eager_reconnect(false);
            listener.listen(store::CHANNEL).await?;
            Ok(listener)
        })
        .await
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection> {
    let mut connection = PgConnection::connect_with(options).await?;
    changes::prepare_for_few_rows(&mut connection).await?;
    Ok(connection)
}

/// Waits for the database at most this long.
pub async fn bounded<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let timeout = |_| Error::Database(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    tokio::time::timeout(limit, work).await.map_err(timeout)?
}

/// Reads what was touched after a position with this version, in one snapshot. None if everything has to be read: the log says so, or more
/// than `limit` store products were touched.
pub async fn read_touched(
    db: &mut PgConnection,
    position: &Position,
    version: i64,
    limit: usize,
) -> Result<Option<(Changes, CatalogueRows)>> {
    read(db, (position, version), Touched::default(), limit).await
}

/// Reads what was touched after a position, and before it by `more`.
pub async fn read_unmerged(
    db: &mut PgConnection,
    position: &Position,
    version: i64,
    more: Touched,
) -> Result<Option<(Changes, CatalogueRows)>> {
    read(db, (position, version), more, usize::MAX).await
}

async fn read(
    db: &mut PgConnection,
    (position, version): (&Position, i64),
    more: Touched,
    limit: usize,
) -> Result<Option<(Changes, CatalogueRows)>> {
    let mut tx = db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let mut changes = changes::read(&mut tx, position, version).await?;
    changes.touched.extend(more);
    if changes.touched.everything || changes.touched.store_products.len() > limit {
        tx.rollback().await?;
        return Ok(None);
    }
    let rows = store::load_touched(&mut tx, &changes.touched).await?;
    tx.commit().await?;
    Ok(Some((changes, rows)))
}
