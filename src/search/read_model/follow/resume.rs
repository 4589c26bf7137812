//! The rows that are stored in the data folder: a process that starts reads them and applies what has changed since.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::link::bounded;
use super::{FEW, FollowState, Follower, MANY, READ_TIMEOUT, compute};
use crate::error::Result;
use crate::search::read_model::ReadModel;
use crate::search::read_model::rows::CatalogueRows;
use crate::search::read_model::saved::{self, FILE_NAME, RowsOrigin, SavedCatalogue};
use crate::search::store;
use crate::search::store::changes::{self, Changes, Position};
use crate::search::store::origin;

/// The least time between two writes of the file.
const STORE_INTERVAL: Duration = Duration::from_secs(180);
/// The time after which a write that failed is tried again. It doubles each time, up to the interval.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

fn folder_of(data_folder: &Path) -> PathBuf {
    data_folder.join("search")
}

impl Follower {
    /// Makes the model from the rows in the data folder. False if they cannot be used.
    pub(super) async fn resume(&self, state: &mut FollowState) -> bool {
        let Some(data_folder) = &self.folder else { return false };
        match self.read_stored(state, folder_of(data_folder).join(FILE_NAME)).await {
            Ok(is_used) => is_used,
            Err(error) => {
                tracing::warn!(%error, "the stored catalogue cannot be used: everything is read from the database");
                state.link.close();
                false
            }
        }
    }

    async fn read_stored(&self, state: &mut FollowState, path: PathBuf) -> Result<bool> {
        let Some(saved) = compute(move || saved::read(&path)).await?? else { return Ok(false) };
        let SavedCatalogue { origin, rows, vocabulary } = saved;
        let link = state.link.open().await?;
        let limit = (rows.store_products.len() / MANY).max(FEW);
        let Some(since) = bounded(READ_TIMEOUT, read_since(link, &origin, rows.version, limit)).await? else {
            return Ok(false);
        };
        let SinceStored { changes, shared, touched_rows } = since;
        let (version, Changes { position, touched, .. }) = (shared.version, changes);
        let is_current = touched.is_empty();
        let make = move || {
            let model = ReadModel::build_with(with_shared(rows, shared), vocabulary);
            model.apply(touched_rows, &touched, version)
        };
        self.replace(compute(make).await?);
        self.recent.reset(version);
        state.position = Some(position);
        state.stored_version = is_current.then_some(version);
        Ok(true)
    }

    /// Writes the rows if they differ from those that are stored. False if they cannot be stored yet.
    async fn store_rows(&self, data_folder: &Path) -> Result<bool> {
        let (model, position) = {
            let state = self.state.lock().await;
            let model = self.current();
            let Some(position) = state.position.clone() else { return Ok(false) };
            if state.stored_version == Some(model.version) {
                return Ok(true);
            }
            (model, position)
        };
        let mark = bounded(READ_TIMEOUT, async {
            let mut connection = self.pool.acquire().await?;
            origin::flush(&mut connection).await?;
            origin::database_mark(&mut connection).await
        });
        let Some(database) = mark.await? else { return Ok(false) };
        let origin = RowsOrigin { database, position: position.text().to_owned() };
        let (data_folder, version) = (data_folder.to_owned(), model.version);
        let write = move || {
            crate::files::data_folder(&data_folder)?;
            // Without a second segment the words are written, too.
            let merged = (model.parts().len() > 1).then(|| model.merged());
            saved::write(&folder_of(&data_folder).join(FILE_NAME), merged.as_ref().unwrap_or(&model), &origin)
        };
        compute(write).await??;
        self.state.lock().await.stored_version = Some(version);
        Ok(true)
    }
}

/// What has changed since the rows were stored.
struct SinceStored {
    changes: Changes,
    /// What all items share.
    shared: CatalogueRows,
    touched_rows: CatalogueRows,
}

/// Reads what has changed, in one snapshot. None if everything has to be read: the rows are those of another database, or
/// too much has changed.
async fn read_since(
    db: &mut PgConnection,
    stored: &RowsOrigin,
    version: i64,
    limit: usize,
) -> Result<Option<SinceStored>> {
    let mut tx = db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let position = Position::from_text(&stored.position);
    let is_same = origin::database_mark(&mut tx).await?.as_ref() == Some(&stored.database);
    if !is_same || !origin::is_resumable(&mut tx, &position).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let changes = changes::read(&mut tx, &position, version).await?;
    if changes.touched.everything || changes.touched.store_products.len() > limit {
        tx.rollback().await?;
        return Ok(None);
    }
    let shared = store::load_shared(&mut tx).await?;
    let touched_rows = store::load_touched(&mut tx, &changes.touched).await?;
    tx.commit().await?;
    Ok(Some(SinceStored { changes, shared, touched_rows }))
}

fn with_shared(stored: CatalogueRows, shared: CatalogueRows) -> CatalogueRows {
    let CatalogueRows { store_products, prices, bundles, components, events, sessions, instructors, .. } = stored;
    CatalogueRows { store_products, prices, bundles, components, events, sessions, instructors, ..shared }
}

/// Stores the rows of the model in the data folder: at once when they are loaded, and later from time to time.
pub async fn store_forever(follower: &Follower) {
    let Some(data_folder) = &follower.folder else { return };
    let mut models = follower.changes();
    let mut retry = RETRY_INTERVAL;
    loop {
        let is_stored = follower.store_rows(data_folder).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the catalogue is not stored in the data folder");
            false
        });
        if !is_stored {
            tokio::time::sleep(retry).await;
            retry = (retry * 2).min(STORE_INTERVAL);
            continue;
        }
        retry = RETRY_INTERVAL;
        tokio::time::sleep(STORE_INTERVAL).await;
        if models.changed().await.is_err() {
            return;
        }
    }
}
