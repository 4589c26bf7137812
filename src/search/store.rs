//! All SQL of search: loads the rows of the read model in one snapshot, and the catalogue version.

use std::collections::HashMap;

use jiff_sqlx::Date;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, PgPool, Row};

use super::read_model::rows::{CatalogueRows, Place, TutorialEventRow};
use super::read_model::touched::Touched;
use crate::error::Result;

/// The NOTIFY channel for changes of the catalogue.
pub const CHANNEL: &str = "lectern_catalogue";

/// Number of counted transactions above which they are compacted into the sum.
const COMPACT_ABOVE: i64 = 1000;

/// Loads all rows that search uses, in one snapshot.
pub async fn load(pool: &PgPool) -> Result<CatalogueRows> {
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let rows = load_all(&mut tx).await?;
    tx.commit().await?;
    Ok(rows)
}

async fn load_all(db: &mut PgConnection) -> Result<CatalogueRows> {
    let mut rows = CatalogueRows {
        version: version(&mut *db).await?,
        store_products: sqlx::query_as(STORE_PRODUCTS).fetch_all(&mut *db).await?,
        prices: sqlx::query_as(PRICES).fetch_all(&mut *db).await?,
        recommendations: sqlx::query_as(RECOMMENDATIONS).fetch_all(&mut *db).await?,
        categories: sqlx::query_as(CATEGORIES).fetch_all(&mut *db).await?,
        memberships: sqlx::query_as(MEMBERSHIPS).fetch_all(&mut *db).await?,
        facet_entries: sqlx::query_as(FACET_ENTRIES).fetch_all(&mut *db).await?,
        filters: sqlx::query_as(FILTERS).fetch_all(&mut *db).await?,
        bundles: sqlx::query_as(BUNDLES).fetch_all(&mut *db).await?,
        components: sqlx::query_as(COMPONENTS).fetch_all(&mut *db).await?,
        events: sqlx::query_as(EVENTS).fetch_all(&mut *db).await?,
        sessions: sqlx::query_as(SESSIONS).fetch_all(&mut *db).await?,
        instructors: sqlx::query_as(INSTRUCTORS).fetch_all(&mut *db).await?,
    };
    let texts = archived_places(db).await?;
    show_archived_places(&mut rows, &texts);
    Ok(rows)
}

/// Loads the rows of what was touched, on a connection that has one snapshot.
pub async fn load_touched(db: &mut PgConnection, _touched: &Touched) -> Result<CatalogueRows> {
    load_all(db).await
}

/// Locations and venues that an adopted database had as texts, and that no reference replaces: by table, row and column.
type ArchivedPlaces = HashMap<(String, i64, String), String>;

async fn archived_places(db: &mut PgConnection) -> Result<ArchivedPlaces> {
    // Only an adopted database has an archive.
    let exists: bool = sqlx::query_scalar(
        "SELECT CASE WHEN to_regclass('lectern.archive') IS NULL THEN false
                     ELSE has_table_privilege('lectern.archive', 'SELECT') END",
    )
    .fetch_one(&mut *db)
    .await?;
    if !exists {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, i64, String, String)> = sqlx::query_as(
        "SELECT source, source_id, field, value #>> '{}' FROM lectern.archive
         WHERE step = 'tutorial-references' AND source IN ('acted.tutorial_events', 'acted.tutorial_sessions')
           AND field IN ('venue', 'location') AND reason <> 'the column was removed' AND value IS NOT NULL",
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(table, id, column, text)| ((table, id, column), text)).collect())
}

/// Shows the texts until a user chooses a location or venue.
fn show_archived_places(rows: &mut CatalogueRows, texts: &ArchivedPlaces) {
    if texts.is_empty() {
        return;
    }
    let text = |table: &str, id: i64, column: &str| texts.get(&(table.to_owned(), id, column.to_owned())).cloned();
    let events = rows.events.iter_mut().map(|event| ("acted.tutorial_events", event.id, &mut event.place));
    let sessions = rows.sessions.iter_mut().map(|session| ("acted.tutorial_sessions", session.id, &mut session.place));
    for (table, id, place) in events.chain(sessions) {
        place.location = place.location.take().or_else(|| text(table, id, "location"));
        place.venue = place.venue.take().or_else(|| text(table, id, "venue"));
    }
}

/// Returns the current catalogue version: the number of committed transactions that changed the catalogue.
pub async fn version(db: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "SELECT folded + (SELECT count(*) FROM lectern.catalogue_changes) FROM lectern.catalogue_version",
    )
    .fetch_one(db)
    .await?)
}

/// Compacts counted transactions into the sum, without changing the version.
///
/// Runs only when there are many, or always with `all`. A follower compacts all when it starts, because transaction ids
/// repeat in a restored database.
pub async fn compact_versions(pool: &PgPool, all: bool) -> Result<()> {
    sqlx::query(
        "WITH deleted AS (
             DELETE FROM lectern.catalogue_changes
             WHERE (SELECT count(*) FROM lectern.catalogue_changes) > $1
             RETURNING 1)
         UPDATE lectern.catalogue_version SET folded = folded + (SELECT count(*) FROM deleted)
         WHERE EXISTS (SELECT FROM deleted)",
    )
    .bind(if all { 0 } else { COMPACT_ABOVE })
    .execute(pool)
    .await?;
    Ok(())
}

impl FromRow<'_, PgRow> for TutorialEventRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            store_product_id: row.try_get("store_product_id")?,
            code: row.try_get("code")?,
            place: Place::from_row(row)?,
            is_soldout: row.try_get("is_soldout")?,
            finalisation_date: row.try_get::<Option<Date>, _>("finalisation_date")?.map(Date::to_jiff),
            remain_space: row.try_get("remain_space")?,
            start_date: row.try_get::<Date, _>("start_date")?.to_jiff(),
            end_date: row.try_get::<Date, _>("end_date")?.to_jiff(),
        })
    }
}

const STORE_PRODUCTS: &str = "
    SELECT store_product.id, store_product.product_code, store_product.exam_session_subject_id AS sitting_id,
           subject.id AS subject_id, subject.code AS subject_code, subject.description AS subject_description,
           exam.id AS exam_session_id, exam.session_code AS exam_session_code,
           ppv.id AS product_variation_id, product.id AS catalog_product_id, product.fullname, product.shortname,
           product.description, product.code AS catalog_code, product.buy_both,
           variation.id AS variation_id, variation.variation_type, variation.name AS variation_name,
           variation.description AS variation_description,
           variation.description_short AS variation_description_short
    FROM acted.products store_product
    JOIN acted.catalog_exam_session_subjects sitting ON sitting.id = store_product.exam_session_subject_id
    JOIN acted.catalog_subjects subject ON subject.id = sitting.subject_id
    JOIN acted.catalog_exam_sessions exam ON exam.id = sitting.exam_session_id
    JOIN acted.catalog_product_product_variations ppv ON ppv.id = store_product.product_product_variation_id
    JOIN acted.catalog_products product ON product.id = ppv.product_id
    JOIN acted.catalog_product_variations variation ON variation.id = ppv.product_variation_id
    WHERE store_product.is_active";

const PRICES: &str = "
    SELECT price.id, price.product_id AS store_product_id, price.price_type, price.amount, price.currency
    FROM acted.prices price
    JOIN acted.products store_product ON store_product.id = price.product_id AND store_product.is_active";

const RECOMMENDATIONS: &str = "
    SELECT product_product_variation_id AS product_variation_id,
           recommended_product_product_variation_id AS recommended_id
    FROM acted.product_productvariation_recommendations";

const CATEGORIES: &str = "
    SELECT id, name, parent_id, code, description, is_active FROM acted.filter_groups ORDER BY display_order, id";

const MEMBERSHIPS: &str = "
    SELECT product_id AS catalog_product_id, product_group_id AS category_id
    FROM acted.filter_product_product_groups ORDER BY id";

const FACET_ENTRIES: &str = "
    SELECT configuration.filter_key, entry.filter_group_id AS category_id
    FROM acted.filter_configuration_groups entry
    JOIN acted.filter_configurations configuration
      ON configuration.id = entry.filter_configuration_id AND configuration.is_active
    JOIN acted.filter_groups category ON category.id = entry.filter_group_id AND category.is_active";

const FILTERS: &str = "
    SELECT filter.name, filter.display_label, filter.description, filter.filter_type, filter.filter_key,
           filter.display_order, filter.is_collapsible, filter.is_expanded_by_default, filter.is_required,
           filter.allow_multiple, filter.ui_config::jsonb, filter.validation_rules::jsonb, filter.dependency_rules::jsonb,
           COALESCE((SELECT jsonb_agg(jsonb_build_object('id', category.id, 'name', category.name, 'code', category.code,
                         'display_order', entry.display_order, 'is_default', entry.is_default)
                         ORDER BY entry.display_order, category.display_order, category.id)
                     FROM acted.filter_configuration_groups entry
                     JOIN acted.filter_groups category ON category.id = entry.filter_group_id AND category.is_active
                     WHERE entry.filter_configuration_id = filter.id), '[]') AS groups
    FROM acted.filter_configurations filter WHERE filter.is_active ORDER BY filter.display_order, filter.name";

const BUNDLES: &str = "
    SELECT bundle.id, COALESCE(NULLIF(bundle.override_name, ''), template.bundle_name) AS name,
           COALESCE(NULLIF(bundle.override_description, ''), template.bundle_description) AS description,
           subject.id AS subject_id, subject.code AS subject_code,
           exam.id AS exam_session_id, exam.session_code AS exam_session_code
    FROM acted.bundles bundle
    JOIN acted.catalog_product_bundles template ON template.id = bundle.bundle_template_id
    JOIN acted.catalog_exam_session_subjects sitting ON sitting.id = bundle.exam_session_subject_id
    JOIN acted.catalog_subjects subject ON subject.id = sitting.subject_id
    JOIN acted.catalog_exam_sessions exam ON exam.id = sitting.exam_session_id
    WHERE bundle.is_active";

const COMPONENTS: &str = "
    SELECT bundle_id, product_id AS store_product_id, default_price_type, quantity, sort_order
    FROM acted.bundle_products WHERE is_active ORDER BY id";

const EVENTS: &str = "
    SELECT event.id, event.product_id AS store_product_id, event.code, event.is_soldout, event.finalisation_date,
           event.remain_space, event.start_date, event.end_date,
           location.name AS location, location.code AS location_code, venue.name AS venue
    FROM acted.tutorial_events event
    JOIN acted.products store_product ON store_product.id = event.product_id AND store_product.is_active
    LEFT JOIN acted.tutorial_locations location ON location.id = event.location_id
    LEFT JOIN acted.tutorial_venues venue ON venue.id = event.venue_id
    WHERE NOT EXISTS (SELECT FROM lectern.event_details details
                      WHERE details.tutorial_event_id = event.id AND details.cancelled)";

const SESSIONS: &str = "
    SELECT session.id, session.tutorial_event_id AS event_id, session.title, session.start_date AS start,
           session.end_date AS \"end\", session.sequence, session.url,
           location.name AS location, location.code AS location_code, venue.name AS venue
    FROM acted.tutorial_sessions session
    LEFT JOIN acted.tutorial_locations location ON location.id = session.location_id
    LEFT JOIN acted.tutorial_venues venue ON venue.id = session.venue_id";

const INSTRUCTORS: &str = "
    WITH assigned AS (
        SELECT session.tutorial_event_id AS event_id, link.tutorialinstructor_id AS instructor_id
        FROM acted.tutorial_session_instructors link
        JOIN acted.tutorial_sessions session ON session.id = link.tutorialsessions_id
        UNION
        SELECT tutorial_event_id, tutorial_instructor_id
        FROM lectern.event_staff WHERE role = 'instructor' AND tutorial_instructor_id IS NOT NULL)
    SELECT assigned.event_id,
           COALESCE(NULLIF(trim(person.first_name || ' ' || person.last_name), ''), person.username,
                    'Instructor #' || instructor.id) AS name
    FROM assigned
    JOIN acted.tutorial_instructors instructor ON instructor.id = assigned.instructor_id
    LEFT JOIN acted.staff staff ON staff.id = instructor.staff_id
    LEFT JOIN public.auth_user person ON person.id = staff.user_id";
