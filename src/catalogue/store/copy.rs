//! SQL that rolls an exam session forward.

use sqlx::{AssertSqlSafe, PgConnection};

use super::generate_codes;
use crate::error::Result;

/// The rows of an exam session ($1) for some subjects ($3, null for all), each with the equivalent row of another exam
/// session ($2).
const PAIRS: &str = "
    WITH sittings AS (
        SELECT source.id, source.subject_id, source.is_active, target.id AS target_id
        FROM acted.catalog_exam_session_subjects AS source
        LEFT JOIN acted.catalog_exam_session_subjects AS target
            ON target.exam_session_id = $2 AND target.subject_id = source.subject_id
        WHERE source.exam_session_id = $1 AND ($3::bigint[] IS NULL OR source.subject_id = ANY ($3))),
    store_products AS (
        SELECT source.id, source.product_product_variation_id, source.is_active, sittings.target_id AS sitting_id,
               target.id AS target_id
        FROM acted.products AS source
        JOIN sittings ON sittings.id = source.exam_session_subject_id
        LEFT JOIN acted.products AS target
            ON target.exam_session_subject_id = sittings.target_id
           AND target.product_product_variation_id = source.product_product_variation_id),
    price_rows AS (
        SELECT source.id, source.price_type, source.amount, source.currency, store_products.target_id AS product_id,
               target.id AS target_id
        FROM acted.prices AS source
        JOIN store_products ON store_products.id = source.product_id
        LEFT JOIN acted.prices AS target
            ON target.product_id = store_products.target_id AND target.price_type = source.price_type),
    bundle_rows AS (
        SELECT source.id, source.bundle_template_id, source.is_active, source.override_name,
               source.override_description, source.display_order, sittings.target_id AS sitting_id,
               target.id AS target_id
        FROM acted.bundles AS source
        JOIN sittings ON sittings.id = source.exam_session_subject_id
        LEFT JOIN acted.bundles AS target
            ON target.exam_session_subject_id = sittings.target_id
           AND target.bundle_template_id = source.bundle_template_id),
    components AS (
        SELECT source.id, source.default_price_type, source.quantity, source.sort_order, source.is_active,
               bundle_rows.target_id AS bundle_id, store_products.target_id AS product_id, target.id AS target_id
        FROM acted.bundle_products AS source
        JOIN bundle_rows ON bundle_rows.id = source.bundle_id
        JOIN store_products ON store_products.id = source.product_id
        LEFT JOIN acted.bundle_products AS target
            ON target.bundle_id = bundle_rows.target_id AND target.product_id = store_products.target_id)";

/// How many rows of one kind a copy creates, and how many the target has already.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CopyCount {
    pub kind: String,
    pub created: i64,
    pub unchanged: i64,
}

/// Counts what a copy creates. Groups belong to products, which all exam sessions share, so that none is created.
pub async fn copy_counts(
    db: &mut PgConnection,
    from: i64,
    to: i64,
    subjects: Option<&[i64]>,
) -> Result<Vec<CopyCount>> {
    let count = |kind: &str, rows: &str| {
        format!(
            "SELECT '{kind}' AS kind, count(*) FILTER (WHERE target_id IS NULL) AS created, count(target_id) AS unchanged FROM {rows}"
        )
    };
    let sql = format!(
        "{PAIRS} {} UNION ALL {} UNION ALL {} UNION ALL {} UNION ALL {} UNION ALL
         SELECT 'groups', 0, count(DISTINCT link.product_group_id)
         FROM store_products
         JOIN acted.catalog_product_product_variations AS pair ON pair.id = product_product_variation_id
         JOIN acted.filter_product_product_groups AS link ON link.product_id = pair.product_id",
        count("subjects", "sittings"),
        count("store_products", "store_products"),
        count("prices", "price_rows"),
        count("bundles", "bundle_rows"),
        count("bundle_products", "components"),
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(from).bind(to).bind(subjects).fetch_all(db).await?)
}

/// Inserts what the target lacks.
pub async fn copy_rows(db: &mut PgConnection, from: i64, to: i64, subjects: Option<&[i64]>) -> Result<()> {
    let inserts = [
        "INSERT INTO acted.catalog_exam_session_subjects (exam_session_id, subject_id, is_active)
         SELECT $2, subject_id, is_active FROM sittings WHERE target_id IS NULL ORDER BY id RETURNING id::bigint",
        "INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code, is_active)
         SELECT sitting_id, product_product_variation_id, gen_random_uuid()::text, is_active
         FROM store_products WHERE target_id IS NULL ORDER BY id RETURNING id::bigint",
        "INSERT INTO acted.prices (product_id, price_type, amount, currency)
         SELECT product_id, price_type, amount, currency FROM price_rows WHERE target_id IS NULL ORDER BY id
         RETURNING id::bigint",
        "INSERT INTO acted.bundles (bundle_template_id, exam_session_subject_id, is_active, override_name,
                                    override_description, display_order)
         SELECT bundle_template_id, sitting_id, is_active, override_name, override_description, display_order
         FROM bundle_rows WHERE target_id IS NULL ORDER BY id RETURNING id::bigint",
        "INSERT INTO acted.bundle_products (bundle_id, product_id, default_price_type, quantity, sort_order, is_active)
         SELECT bundle_id, product_id, default_price_type, quantity, sort_order, is_active
         FROM components WHERE target_id IS NULL ORDER BY id RETURNING id::bigint",
    ];
    for insert in inserts {
        let sql = format!("{PAIRS} {insert}");
        let ids: Vec<i64> =
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(from).bind(to).bind(subjects).fetch_all(&mut *db).await?;
        if insert.starts_with("INSERT INTO acted.products ") {
            generate_codes(db, &ids).await?;
        }
    }
    Ok(())
}

/// Locks an exam session, so that copies to it wait for each other. Returns whether it exists.
pub async fn lock_exam_session(db: &mut PgConnection, id: i64) -> Result<bool> {
    let found: Option<i32> = sqlx::query_scalar("SELECT 1 FROM acted.catalog_exam_sessions WHERE id = $1 FOR UPDATE")
        .bind(id)
        .fetch_optional(db)
        .await?;
    Ok(found.is_some())
}

/// Returns id and code of all exam sessions, the newest first.
pub async fn exam_sessions(db: &mut PgConnection) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as(
        "SELECT id::bigint, session_code FROM acted.catalog_exam_sessions ORDER BY start_date DESC, id DESC",
    )
    .fetch_all(db)
    .await?)
}

/// Returns id and code of all subjects.
pub async fn subjects(db: &mut PgConnection) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as("SELECT id::bigint, code FROM acted.catalog_subjects ORDER BY code").fetch_all(db).await?)
}
