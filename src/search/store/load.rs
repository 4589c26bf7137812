//! Loads the rows of the read model: all of them, or those of what was touched.

use foldhash::HashMap;
use std::sync::Arc;

use sqlx::{PgConnection, PgPool};

use super::changes::Position;
use super::rows::{SharedTexts, StoredRow, read_rows};
use super::statements::{self, RowKind};
use crate::error::Result;
use crate::search::read_model::rows::{
    BundleRow, CatalogueRows, ComponentRow, FormRow, InstructorRecord, Place, PriceRecord, SittingRow, StoreProductRow,
    SynonymRow, TutorialEventRow, TutorialSessionRow,
};
use crate::search::read_model::touched::Touched;

/// Loads all rows that search uses, in one snapshot, whose position is returned with them.
pub async fn load(pool: &PgPool) -> Result<(Position, CatalogueRows)> {
    let mut first = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let position = super::changes::position(&mut first).await?;
    // A second connection reads the other half at the same time. Where it cannot, one reads all.
    let second = match second_reader(pool, &mut first).await {
        Ok(second) => second,
        Err(error) => {
            tracing::debug!(%error, "the catalogue is read on one connection");
            None
        }
    };
    let rows = match second {
        None => load_all(&mut first).await?,
        Some(mut second) => {
            let (events, mut rows) =
                tokio::try_join!(Box::pin(load_events(&mut second, None)), Box::pin(load_offers(&mut first, None)))?;
            second.rollback().await?;
            rows.events = events.events;
            rows.sessions = events.sessions;
            rows.instructors = events.instructors;
            with_shared(&mut first, rows).await?
        }
    };
    first.commit().await?;
    Ok((position, rows))
}

/// Begins a transaction on another connection that sees the same snapshot. None where no connection is free.
async fn second_reader(
    pool: &PgPool,
    first: &mut PgConnection,
) -> Result<Option<sqlx::Transaction<'static, sqlx::Postgres>>> {
    let export = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_export_snapshot() END";
    let snapshot: Option<String> = sqlx::query_scalar(export).fetch_one(first).await?;
    let second = pool.try_begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let (Some(snapshot), Some(mut second)) = (snapshot, second) else { return Ok(None) };
    let statement = format!("SET TRANSACTION SNAPSHOT '{snapshot}'");
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *second).await?;
    Ok(Some(second))
}

/// Loads the rows of what was touched, without the version, on a connection that has one snapshot.
pub async fn load_touched(db: &mut PgConnection, touched: &Touched) -> Result<CatalogueRows> {
    if touched.everything {
        return load_all(db).await;
    }
    let mut rows = CatalogueRows::default();
    if !touched.store_products.is_empty() {
        let ids: Vec<i64> = touched.store_products.iter().copied().collect();
        rows = load_offers_and_events(db, &ids).await?;
    }
    if !touched.bundles.is_empty() {
        let ids: Vec<i64> = touched.bundles.iter().copied().collect();
        (rows.bundles, rows.components) = load_bundles(db, Some(&ids)).await?;
    }
    show_archived_places(db, &mut rows).await?;
    Ok(rows)
}

async fn load_offers_and_events(db: &mut PgConnection, ids: &[i64]) -> Result<CatalogueRows> {
    let mut rows = load_events(db, Some(ids)).await?;
    let mut texts = SharedTexts::default();
    rows.store_products = load_store_products(db, Some(ids), &mut texts).await?;
    rows.prices = read_rows(db, RowKind::Prices, Some(ids), &mut texts, read_price).await?;
    Ok(rows)
}

async fn load_all(db: &mut PgConnection) -> Result<CatalogueRows> {
    let events = load_events(db, None).await?;
    let offers = load_offers(db, None).await?;
    let rows =
        CatalogueRows { events: events.events, sessions: events.sessions, instructors: events.instructors, ..offers };
    with_shared(db, rows).await
}

async fn load_offers(db: &mut PgConnection, ids: Option<&[i64]>) -> Result<CatalogueRows> {
    let mut texts = SharedTexts::default();
    let (bundles, components) = load_bundles(db, ids).await?;
    Ok(CatalogueRows {
        store_products: load_store_products(db, ids, &mut texts).await?,
        prices: read_rows(db, RowKind::Prices, ids, &mut texts, read_price).await?,
        bundles,
        components,
        ..CatalogueRows::default()
    })
}

async fn load_bundles(db: &mut PgConnection, ids: Option<&[i64]>) -> Result<(Vec<BundleRow>, Vec<ComponentRow>)> {
    let mut texts = SharedTexts::default();
    let bundles = read_rows(db, RowKind::Bundles, ids, &mut texts, read_bundle).await?;
    let components = read_rows(db, RowKind::Components, ids, &mut texts, read_component).await?;
    Ok((bundles, components))
}

async fn load_events(db: &mut PgConnection, ids: Option<&[i64]>) -> Result<CatalogueRows> {
    let mut texts = SharedTexts::default();
    Ok(CatalogueRows {
        events: read_rows(db, RowKind::Events, ids, &mut texts, read_event).await?,
        sessions: read_rows(db, RowKind::Sessions, ids, &mut texts, read_session).await?,
        instructors: read_rows(db, RowKind::Instructors, ids, &mut texts, read_instructor).await?,
        ..CatalogueRows::default()
    })
}

/// Loads what all items share, and the version, on a connection that has one snapshot.
pub async fn load_shared(db: &mut PgConnection) -> Result<CatalogueRows> {
    with_shared(db, CatalogueRows::default()).await
}

/// Adds what all items share, and the version.
async fn with_shared(db: &mut PgConnection, rows: CatalogueRows) -> Result<CatalogueRows> {
    let mut rows = CatalogueRows {
        version: super::version(&mut *db).await?,
        recommendations: sqlx::query_as(statements::RECOMMENDATIONS).fetch_all(&mut *db).await?,
        categories: sqlx::query_as(statements::CATEGORIES).fetch_all(&mut *db).await?,
        memberships: sqlx::query_as(statements::MEMBERSHIPS).fetch_all(&mut *db).await?,
        facet_entries: sqlx::query_as(statements::FACET_ENTRIES).fetch_all(&mut *db).await?,
        filters: sqlx::query_as(statements::FILTERS).fetch_all(&mut *db).await?,
        synonyms: load_synonyms(db).await?,
        ..rows
    };
    show_archived_places(db, &mut rows).await?;
    Ok(rows)
}

/// Loads words that mean the same. A database before this table has none.
async fn load_synonyms(db: &mut PgConnection) -> Result<Vec<SynonymRow>> {
    let exists = "SELECT to_regclass('lectern.search_synonyms') IS NOT NULL";
    if !sqlx::query_scalar::<_, bool>(exists).fetch_one(&mut *db).await? {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as("SELECT word, synonyms FROM lectern.search_synonyms").fetch_all(db).await?)
}

/// Reads store products with what they refer to. One that refers to a row that is not there is left out.
async fn load_store_products(
    db: &mut PgConnection,
    ids: Option<&[i64]>,
    texts: &mut SharedTexts,
) -> Result<Vec<StoreProductRow>> {
    let sittings = read_rows(db, RowKind::Sittings, ids, texts, read_sitting).await?;
    let forms = read_rows(db, RowKind::Forms, ids, texts, read_form).await?;
    let sittings: HashMap<i64, Arc<SittingRow>> = sittings.into_iter().map(|row| (row.id, Arc::new(row))).collect();
    let forms: HashMap<i64, Arc<FormRow>> = forms.into_iter().map(|row| (row.id, Arc::new(row))).collect();
    let read = |row: &mut StoredRow<'_>| {
        let (id, product_code) = (row.id()?, row.own_text()?);
        let (sitting, form) = (sittings.get(&row.id()?), forms.get(&row.id()?));
        Ok(sitting.zip(form).map(|(sitting, form)| {
            let (sitting, form) = (sitting.clone(), form.clone());
            StoreProductRow { id, product_code, sitting, form }
        }))
    };
    let products = read_rows(db, RowKind::StoreProducts, ids, texts, read).await?;
    Ok(products.into_iter().flatten().collect())
}

fn read_sitting(row: &mut StoredRow<'_>) -> Result<SittingRow> {
    Ok(SittingRow {
        id: row.id()?,
        subject_id: row.id()?,
        subject_code: row.text()?,
        subject_description: row.optional_text()?,
        exam_session_id: row.id()?,
        exam_session_code: row.text()?,
    })
}

fn read_form(row: &mut StoredRow<'_>) -> Result<FormRow> {
    Ok(FormRow {
        id: row.id()?,
        catalog_product_id: row.id()?,
        fullname: row.text()?,
        shortname: row.text()?,
        description: row.optional_text()?,
        catalog_code: row.text()?,
        buy_both: row.flag()?,
        variation_id: row.id()?,
        variation_type: row.text()?,
        variation_name: row.text()?,
        variation_description: row.optional_text()?,
        variation_description_short: row.optional_text()?,
    })
}

fn read_price(row: &mut StoredRow<'_>) -> Result<PriceRecord> {
    let (id, store_product_id, price_type) = (row.id()?, row.id()?, row.text()?);
    // An amount that is no number or has too many digits is shown as zero rather than hiding the product.
    let amount = row.text()?.parse().unwrap_or_default();
    Ok(PriceRecord { id, store_product_id, price_type, amount, currency: row.text()? })
}

fn read_event(row: &mut StoredRow<'_>) -> Result<TutorialEventRow> {
    Ok(TutorialEventRow {
        id: row.id()?,
        store_product_id: row.id()?,
        code: row.own_text()?,
        is_soldout: row.flag()?,
        finalisation_date: row.optional_day()?,
        remain_space: row.number()?,
        start_date: row.day()?,
        end_date: row.day()?,
        place: read_place(row)?,
        is_unlimited: row.flag()?,
        time_zone: row.optional_text()?,
    })
}

fn read_place(row: &mut StoredRow<'_>) -> Result<Place> {
    Ok(Place { location: row.optional_text()?, location_code: row.optional_text()?, venue: row.optional_text()? })
}

fn read_session(row: &mut StoredRow<'_>) -> Result<TutorialSessionRow> {
    Ok(TutorialSessionRow {
        id: row.id()?,
        event_id: row.id()?,
        title: row.text()?,
        start: row.time()?,
        end: row.time()?,
        sequence: row.number()?,
        url: row.optional_own_text()?,
        place: read_place(row)?,
    })
}

fn read_instructor(row: &mut StoredRow<'_>) -> Result<InstructorRecord> {
    Ok(InstructorRecord { event_id: row.id()?, name: row.text()? })
}

fn read_bundle(row: &mut StoredRow<'_>) -> Result<BundleRow> {
    Ok(BundleRow {
        id: row.id()?,
        name: row.text()?,
        description: row.optional_text()?,
        subject_id: row.id()?,
        subject_code: row.text()?,
        exam_session_id: row.id()?,
        exam_session_code: row.text()?,
    })
}

fn read_component(row: &mut StoredRow<'_>) -> Result<ComponentRow> {
    Ok(ComponentRow {
        bundle_id: row.id()?,
        store_product_id: row.id()?,
        default_price_type: row.text()?,
        quantity: row.number()?,
        sort_order: row.number()?,
    })
}

/// Shows the locations and venues that an adopted database had as texts until a user chooses a location or venue.
async fn show_archived_places(db: &mut PgConnection, rows: &mut CatalogueRows) -> Result<()> {
    if rows.events.is_empty() {
        return Ok(());
    }
    // Only an adopted database has an archive.
    let exists: bool = sqlx::query_scalar(
        "SELECT CASE WHEN to_regclass('lectern.archive') IS NULL THEN false
                     ELSE has_table_privilege('lectern.archive', 'SELECT') END",
    )
    .fetch_one(&mut *db)
    .await?;
    if !exists {
        return Ok(());
    }
    let archived: Vec<(String, i64, String, String)> = sqlx::query_as(
        "SELECT source, source_id, field, value #>> '{}' FROM lectern.archive
         WHERE step = 'tutorial-references' AND source IN ('acted.tutorial_events', 'acted.tutorial_sessions')
           AND field IN ('venue', 'location') AND reason <> 'the column was removed' AND value IS NOT NULL",
    )
    .fetch_all(db)
    .await?;
    let texts: HashMap<(String, i64, String), String> =
        archived.into_iter().map(|(table, id, column, text)| ((table, id, column), text)).collect();
    if texts.is_empty() {
        return Ok(());
    }
    let text = |table: &str, id: i64, column: &str| {
        texts.get(&(table.to_owned(), id, column.to_owned())).map(|text| text.as_str().into())
    };
    let events = rows.events.iter_mut().map(|event| ("acted.tutorial_events", event.id, &mut event.place));
    let sessions = rows.sessions.iter_mut().map(|session| ("acted.tutorial_sessions", session.id, &mut session.place));
    for (table, id, place) in events.chain(sessions) {
        place.location = place.location.take().or_else(|| text(table, id, "location"));
        place.venue = place.venue.take().or_else(|| text(table, id, "venue"));
    }
    Ok(())
}
