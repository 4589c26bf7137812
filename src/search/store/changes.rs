//! The log of changes: which offers were touched since a snapshot.
//!
//! A position is a snapshot of PostgreSQL, not the number of a row: a transaction that commits late is read although
//! later numbers were read before it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, PgPool};

use crate::error::Result;
use crate::search::read_model::touched::Touched;

/// Changed records above which everything is read again.
const MANY_RECORDS: usize = 20_000;

/// Changes that stay in the log at least, so that clients can resume.
pub const LOGGED_CHANGES: i64 = 10_000;

/// How far the log was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(String);

impl Position {
    /// Returns the position that a text names.
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the position as text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// What a look at the log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing new up to this position.
    Unchanged(Position),
    /// Something new.
    Changed,
    /// Changes that were not read are deleted.
    Lost,
}

/// What changed since a position.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The position of this read.
    pub position: Position,
    /// The version of the catalogue at this position.
    pub version: i64,
    /// The offers that may differ.
    pub touched: Touched,
    /// Ids of the events among what changed.
    pub events: BTreeSet<i64>,
    /// Whether the ids are those of all changes; otherwise anything may have changed.
    pub is_complete: bool,
}

/// A sleeping reader has this lock; writers notify as long as there is one.
const SLEEPERS: (i32, i32) = (0x4C_43_53_53, 1);

/// Prepares a connection for statements that read a few rows by their ids.
///
/// The server plans each of them once, because to plan them again takes longer than to run them. It does not know then how
/// large the tables become, which may be empty yet: the plans use indexes in any case.
pub async fn prepare_for_few_rows(db: &mut PgConnection) -> Result<()> {
    let settings = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";
    sqlx::raw_sql(settings).execute(db).await?;
    Ok(())
}

/// Returns the current position.
pub async fn position(db: &mut PgConnection) -> Result<Position> {
    Ok(Position(sqlx::query_scalar("SELECT pg_current_snapshot()::text").fetch_one(db).await?))
}

/// Looks for changes after a position, with one statement. Numbers of transactions that the server has not reached come
/// from a backup of another one: they are no changes, and are counted once, by [`version`](super::version).
pub async fn look(db: &mut PgConnection, position: &Position) -> Result<Look> {
    let (now, is_changed, is_lost): (String, bool, bool) = sqlx::query_as(
        "SELECT pg_current_snapshot()::text,
                EXISTS (SELECT FROM lectern.search_changes
                        WHERE transaction >= pg_snapshot_xmin($1::pg_snapshot)
                          AND transaction < pg_snapshot_xmax(pg_current_snapshot())
                          AND NOT pg_visible_in_snapshot(transaction, $1::pg_snapshot)),
                deleted_through >= pg_snapshot_xmin($1::pg_snapshot)
         FROM lectern.catalogue_version",
    )
    .bind(&position.0)
    .fetch_one(db)
    .await?;
    Ok(match (is_lost, is_changed) {
        (true, _) => Look::Lost,
        (false, true) => Look::Changed,
        (false, false) => Look::Unchanged(Position(now)),
    })
}

/// Reads what changed after a position, whose version is known, on a connection that has one snapshot.
pub async fn read(db: &mut PgConnection, position: &Position, version: i64) -> Result<Changes> {
    // One row without a change if there is none.
    let rows: Vec<(String, Option<String>, Option<Vec<i64>>)> = sqlx::query_as(
        "SELECT pg_current_snapshot()::text, what, ids
         FROM (SELECT) AS always
         LEFT JOIN lectern.search_changes ON transaction >= pg_snapshot_xmin($1::pg_snapshot)
                                             AND transaction < pg_snapshot_xmax(pg_current_snapshot())
                                             AND NOT pg_visible_in_snapshot(transaction, $1::pg_snapshot)",
    )
    .bind(&position.0)
    .fetch_all(&mut *db)
    .await?;
    let now = rows.first().map(|(now, ..)| Position(now.clone())).ok_or(sqlx::Error::RowNotFound)?;
    let named: Vec<_> = rows.into_iter().filter_map(|(_, what, ids)| what.zip(ids)).collect();
    let version = version + i64::try_from(named.len()).unwrap_or(i64::MAX);
    changes(db, now, version, named).await
}

/// Reads what the last changes were, on a connection that has one snapshot. None if the log does not contain that many.
pub async fn read_last(db: &mut PgConnection, count: i64) -> Result<Option<Changes>> {
    // Transactions that ended at about the same time may have been counted in another order, so those of the second before
    // are read too.
    let named: Vec<(String, Vec<i64>)> = sqlx::query_as(
        "WITH last AS (SELECT at FROM lectern.search_changes ORDER BY at DESC LIMIT $1),
              first AS (SELECT min(at) - interval '1 second' AS at FROM last HAVING count(*) = $1)
         SELECT change.what, change.ids FROM lectern.search_changes AS change, first WHERE change.at >= first.at",
    )
    .bind(count)
    .fetch_all(&mut *db)
    .await?;
    if named.is_empty() {
        return Ok(None);
    }
    let (position, version) = (position(db).await?, super::version(db).await?);
    changes(db, position, version, named).await.map(Some)
}

async fn changes(
    db: &mut PgConnection,
    position: Position,
    version: i64,
    named: Vec<(String, Vec<i64>)>,
) -> Result<Changes> {
    let mut records = ChangedRecords::default();
    for (what, ids) in named {
        records.0.entry(what).or_default().extend(ids);
    }
    let is_complete = !records.has_any(&["everything"]) && records.count() <= MANY_RECORDS;
    let (mut touched, events) = match is_complete {
        true => resolve(db, &records).await?,
        false => (Touched { everything: true, ..Touched::default() }, BTreeSet::new()),
    };
    // Which variation is recommended with which is known to all offers. It changes with the variations, and rarely.
    touched.everything |= records.has_any(&["product_variation"]);
    Ok(Changes { position, version, touched, events, is_complete })
}

/// Ids of changed records by kind.
#[derive(Debug, Default)]
struct ChangedRecords(BTreeMap<String, BTreeSet<i64>>);

impl ChangedRecords {
    fn ids(&self, what: &str) -> Vec<i64> {
        self.0.get(what).into_iter().flatten().copied().collect()
    }

    fn count(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    fn has_any(&self, kinds: &[&str]) -> bool {
        kinds.iter().any(|kind| self.0.contains_key(*kind))
    }
}

/// Finds the offers and events that show the records. A reference that was changed is in the log with both its records, so
/// looking at the present rows is enough.
async fn resolve(db: &mut PgConnection, records: &ChangedRecords) -> Result<(Touched, BTreeSet<i64>)> {
    let mut events: BTreeSet<i64> = records.ids("event").into_iter().collect();
    events.extend(events_of(db, records).await?);
    let mut products: BTreeSet<i64> = records.ids("store_product").into_iter().collect();
    products.extend(products_of(db, records).await?);
    let changed: Vec<i64> = products.iter().copied().collect();
    // What recommends them, and the bundles with them, show their codes and prices, but not their events.
    products.extend(recommending(db, &changed).await?);
    let bundles = bundles_of(db, records, &changed).await?;
    if !events.is_empty() {
        let ids: Vec<i64> = events.iter().copied().collect();
        let sold = sqlx::query_scalar("SELECT product_id FROM acted.tutorial_events WHERE id = ANY ($1)").bind(ids);
        products.extend(sold.fetch_all(&mut *db).await? as Vec<i64>);
    }
    Ok((Touched { store_products: products, bundles, everything: false }, events))
}

/// Returns the events that show changed sessions, places or people.
async fn events_of(db: &mut PgConnection, records: &ChangedRecords) -> Result<Vec<i64>> {
    let people = people(db, records).await?;
    if people.is_empty() && !records.has_any(&["session", "venue", "location"]) {
        return Ok(Vec::new());
    }
    let events = sqlx::query_scalar(
        "SELECT tutorial_event_id FROM acted.tutorial_sessions WHERE id = ANY ($1)
         UNION SELECT id FROM acted.tutorial_events WHERE venue_id = ANY ($2)
         UNION SELECT tutorial_event_id FROM acted.tutorial_sessions WHERE venue_id = ANY ($2)
         UNION SELECT id FROM acted.tutorial_events WHERE location_id = ANY ($3)
         UNION SELECT tutorial_event_id FROM acted.tutorial_sessions WHERE location_id = ANY ($3)
         UNION SELECT session.tutorial_event_id FROM acted.tutorial_session_instructors link
               JOIN acted.tutorial_sessions session ON session.id = link.tutorialsessions_id
               WHERE link.tutorialinstructor_id = ANY ($4)
         UNION SELECT tutorial_event_id FROM lectern.event_staff
               WHERE cardinality($4) > 0 AND tutorial_instructor_id = ANY ($4)",
    );
    let events = events.bind(records.ids("session")).bind(records.ids("venue")).bind(records.ids("location"));
    Ok(events.bind(people).fetch_all(db).await?)
}

/// Returns the changed instructors, and those of changed staff and users.
async fn people(db: &mut PgConnection, records: &ChangedRecords) -> Result<Vec<i64>> {
    if !records.has_any(&["staff", "user"]) {
        return Ok(records.ids("instructor"));
    }
    let people = sqlx::query_scalar(
        "SELECT unnest($1::bigint[])
         UNION SELECT id FROM acted.tutorial_instructors WHERE staff_id = ANY ($2)
         UNION SELECT instructor.id FROM acted.staff JOIN acted.tutorial_instructors instructor ON instructor.staff_id = staff.id
               WHERE staff.user_id = ANY ($3)",
    );
    let people = people.bind(records.ids("instructor")).bind(records.ids("staff")).bind(records.ids("user"));
    Ok(people.fetch_all(db).await?)
}

/// Returns the store products of changed subjects, exam sessions, products and variations.
async fn products_of(db: &mut PgConnection, records: &ChangedRecords) -> Result<Vec<i64>> {
    const KINDS: [&str; 6] = ["sitting", "subject", "exam_session", "product", "variation", "product_variation"];
    if !records.has_any(&KINDS) {
        return Ok(Vec::new());
    }
    let mut products = sqlx::query_scalar(
        "SELECT id FROM acted.products WHERE exam_session_subject_id = ANY ($1)
         UNION SELECT sold.id FROM acted.products sold
               JOIN acted.catalog_exam_session_subjects sitting ON sitting.id = sold.exam_session_subject_id
               WHERE sitting.subject_id = ANY ($2) OR sitting.exam_session_id = ANY ($3)
         UNION SELECT sold.id FROM acted.products sold
               JOIN acted.catalog_product_product_variations form ON form.id = sold.product_product_variation_id
               WHERE form.product_id = ANY ($4) OR form.product_variation_id = ANY ($5)
         UNION SELECT id FROM acted.products WHERE product_product_variation_id = ANY ($6)",
    );
    for kind in KINDS {
        products = products.bind(records.ids(kind));
    }
    Ok(products.fetch_all(db).await?)
}

/// Returns the store products that recommend one of these.
async fn recommending(db: &mut PgConnection, products: &[i64]) -> Result<Vec<i64>> {
    if products.is_empty() {
        return Ok(Vec::new());
    }
    let others = sqlx::query_scalar(
        "SELECT other.id FROM acted.products sold
         JOIN acted.product_productvariation_recommendations recommendation
           ON recommendation.recommended_product_product_variation_id = sold.product_product_variation_id
         JOIN acted.products other ON other.exam_session_subject_id = sold.exam_session_subject_id
              AND other.product_product_variation_id = recommendation.product_product_variation_id
         WHERE sold.id = ANY ($1)",
    );
    Ok(others.bind(products).fetch_all(db).await?)
}

async fn bundles_of(db: &mut PgConnection, records: &ChangedRecords, products: &[i64]) -> Result<BTreeSet<i64>> {
    let mut bundles: BTreeSet<i64> = records.ids("bundle").into_iter().collect();
    if products.is_empty() && !records.has_any(&["bundle_template", "sitting", "subject", "exam_session"]) {
        return Ok(bundles);
    }
    let others = sqlx::query_scalar(
        "SELECT bundle_id FROM acted.bundle_products WHERE product_id = ANY ($1)
         UNION SELECT id FROM acted.bundles WHERE bundle_template_id = ANY ($2) OR exam_session_subject_id = ANY ($3)
         UNION SELECT bundle.id FROM acted.bundles bundle
               JOIN acted.catalog_exam_session_subjects sitting ON sitting.id = bundle.exam_session_subject_id
               WHERE sitting.subject_id = ANY ($4) OR sitting.exam_session_id = ANY ($5)",
    );
    let others = others.bind(products).bind(records.ids("bundle_template")).bind(records.ids("sitting"));
    let others: Vec<i64> = others.bind(records.ids("subject")).bind(records.ids("exam_session")).fetch_all(db).await?;
    bundles.extend(others);
    Ok(bundles)
}

/// Reports whether transactions that had begun before a position are still in progress.
pub async fn has_writers_before(db: &mut PgConnection, position: &Position) -> Result<bool> {
    let is_running =
        sqlx::query_scalar("SELECT pg_snapshot_xmin(pg_current_snapshot()) < pg_snapshot_xmax($1::pg_snapshot)");
    Ok(is_running.bind(&position.0).fetch_one(db).await?)
}

/// Makes writers notify, as long as the connection of the executor is open.
pub async fn sleep<'c>(db: impl sqlx::PgExecutor<'c>) -> Result<()> {
    sqlx::query("SELECT pg_advisory_lock_shared($1, $2)").bind(SLEEPERS.0).bind(SLEEPERS.1).execute(db).await?;
    Ok(())
}

/// Ends [`sleep`].
pub async fn wake<'c>(db: impl sqlx::PgExecutor<'c>) -> Result<()> {
    sqlx::query("SELECT pg_advisory_unlock_shared($1, $2)").bind(SLEEPERS.0).bind(SLEEPERS.1).execute(db).await?;
    Ok(())
}

/// Notifies the readers that sleep.
pub async fn notify(db: &mut PgConnection) -> Result<()> {
    // Others do not wait for the disk then: there is nothing to lose.
    sqlx::query("SELECT set_config('synchronous_commit', 'off', false), pg_notify($1, '')")
        .bind(super::CHANNEL)
        .execute(db)
        .await?;
    Ok(())
}

/// Reports whether the database is a standby, which refuses LISTEN.
pub async fn is_standby(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(db).await?)
}

/// What says that tables were changed without the log.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Unlogged {
    /// The state of the triggers. Another one means that they may have been switched off meanwhile.
    pub triggers: Option<String>,
    /// Whether changes of a table are not logged now.
    pub is_unlogged: bool,
    /// The rows that were written to the tables, as the server counts them.
    pub written: Option<i64>,
}

/// Returns what says that tables were changed without the log.
pub async fn unlogged(db: &mut PgConnection) -> Result<Unlogged> {
    Ok(sqlx::query_as(
        "WITH watched AS (
             SELECT tgrelid, tgenabled, trigger.xmin::text AS written_by FROM pg_trigger AS trigger
             JOIN pg_proc ON pg_proc.oid = tgfoid
             WHERE proname = 'search_changed' AND pronamespace = to_regnamespace('lectern'))
         SELECT string_agg(concat_ws(' ', tgrelid, tgenabled, written_by), ',' ORDER BY tgrelid, written_by) AS triggers,
                coalesce(bool_or(tgenabled <> 'A'), true)
                    OR EXISTS (SELECT FROM pg_subscription_rel JOIN watched ON tgrelid = srrelid) AS is_unlogged,
                (SELECT sum(pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid)
                            + pg_stat_get_tuples_deleted(oid))::bigint
                 FROM (SELECT DISTINCT tgrelid AS oid FROM watched) AS tables) AS written
         FROM watched",
    )
    .fetch_one(db)
    .await?)
}

/// Logs that anything may have changed.
pub async fn log_everything(db: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT lectern.everything_changed()").execute(db).await?;
    Ok(())
}

/// Deletes old rows of the log. Those of the last minutes stay, because every process reads them, and those with which
/// clients resume. Returns the number of deleted rows.
pub async fn purge(pool: &PgPool) -> Result<i64> {
    // Numbers of transactions that the server has not reached come from a backup of another one.
    let deleted = sqlx::query_scalar(
        "WITH bounds AS (
             SELECT pg_snapshot_xmin(pg_current_snapshot()) AS oldest, pg_snapshot_xmax(pg_current_snapshot()) AS next,
                    (SELECT min(transaction) FROM (SELECT transaction FROM lectern.search_changes
                                                   ORDER BY transaction DESC LIMIT $1) AS newest) AS first_needed),
         deleted AS (
             DELETE FROM lectern.search_changes USING bounds
             WHERE transaction >= next
                OR transaction < least(oldest, first_needed) AND at < clock_timestamp() - interval '15 minutes'
             RETURNING transaction, next),
         remembered AS (
             UPDATE lectern.catalogue_version
             SET folded = folded + (SELECT count(*) FROM deleted),
                 deleted_through = CASE WHEN deleted_through >= bounds.next THEN '0' ELSE greatest(
                     deleted_through, (SELECT max(transaction) FROM deleted WHERE transaction < next)) END
             FROM bounds WHERE EXISTS (SELECT FROM deleted) OR deleted_through >= bounds.next)
         SELECT count(*) FROM deleted",
    );
    Ok(deleted.bind(LOGGED_CHANGES).fetch_one(pool).await?)
}
