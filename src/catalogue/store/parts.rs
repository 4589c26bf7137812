//! What documents of the catalogue contain beyond the columns of their table.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;

/// A table of links between two records, which Lectern creates where they are missing.
#[derive(Clone, Copy, Debug)]
pub enum LinkKind {
    /// Exam session and subject.
    ExamSessionSubject,
    /// Product and variation.
    ProductVariation,
}

impl LinkKind {
    fn table(self) -> (&'static str, &'static str, &'static str) {
        match self {
            LinkKind::ExamSessionSubject => ("acted.catalog_exam_session_subjects", "exam_session_id", "subject_id"),
            LinkKind::ProductVariation => {
                ("acted.catalog_product_product_variations", "product_id", "product_variation_id")
            }
        }
    }
}

/// Creates the missing links between pairs of records, and returns the id of each pair's link.
pub async fn add_links(db: &mut PgConnection, kind: LinkKind, pairs: &[(i64, i64)]) -> Result<Vec<i64>> {
    let (table, first, second) = kind.table();
    let (firsts, seconds): (Vec<i64>, Vec<i64>) = pairs.iter().copied().unzip();
    let insert = format!(
        "INSERT INTO {table} ({first}, {second})
         SELECT DISTINCT a, b FROM UNNEST($1::bigint[], $2::bigint[]) AS given (a, b)
         WHERE NOT EXISTS (SELECT FROM {table} AS known WHERE known.{first} = a AND known.{second} = b)
         ON CONFLICT DO NOTHING"
    );
    sqlx::query(AssertSqlSafe(insert)).bind(&firsts).bind(&seconds).execute(&mut *db).await?;
    let select = format!(
        "SELECT (SELECT min(id)::bigint FROM {table} AS known WHERE known.{first} = a AND known.{second} = b)
         FROM UNNEST($1::bigint[], $2::bigint[]) WITH ORDINALITY AS given (a, b, place) ORDER BY place"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(select)).bind(&firsts).bind(&seconds).fetch_all(db).await?)
}

/// Returns a text that no product code equals, for a row whose code is generated afterwards.
pub async fn placeholder(db: &mut PgConnection) -> Result<String> {
    Ok(sqlx::query_scalar("SELECT gen_random_uuid()::text").fetch_one(db).await?)
}

/// Generates the codes of store products from their subject, variation, product and exam session.
///
/// `CB1/PC/2026-04` for printed, eBook and marking, `CB1/TLONCB1_f2f_3/2026-04-472` for others. The id is also added where
/// the code is taken. The middle of a long code is cut.
pub async fn generate_codes(db: &mut PgConnection, ids: &[i64]) -> Result<()> {
    sqlx::query(
        "WITH described AS (
             SELECT store_product.id, subject.code || '/' AS head, '/' || exam.session_code AS tail,
                    lower(variation.variation_type) IN ('ebook', 'printed', 'marking') AS is_plain,
                    CASE WHEN lower(variation.variation_type) IN ('ebook', 'printed', 'marking')
                         THEN COALESCE(variation.code, '') || product.code
                         ELSE upper(left(variation.variation_type, 1)) || product.code || COALESCE(variation.code, '')
                    END AS middle
             FROM acted.products AS store_product
             JOIN acted.catalog_exam_session_subjects AS sitting ON sitting.id = store_product.exam_session_subject_id
             JOIN acted.catalog_subjects AS subject ON subject.id = sitting.subject_id
             JOIN acted.catalog_exam_sessions AS exam ON exam.id = sitting.exam_session_id
             JOIN acted.catalog_product_product_variations AS pair
                 ON pair.id = store_product.product_product_variation_id
             JOIN acted.catalog_products AS product ON product.id = pair.product_id
             JOIN acted.catalog_product_variations AS variation ON variation.id = pair.product_variation_id
             WHERE store_product.id = ANY ($1)),
         plain AS (
             SELECT *, left(head || left(middle, greatest(0, 64 - length(head || tail))) || tail, 64) AS code
             FROM described),
         named AS (
             SELECT *, NOT is_plain OR row_number() OVER (PARTITION BY code ORDER BY id) > 1
                       OR EXISTS (SELECT FROM acted.products AS other
                                  WHERE other.product_code = plain.code AND other.id <> ALL ($1)) AS needs_id
             FROM plain)
         UPDATE acted.products AS store_product
         SET product_code = CASE WHEN needs_id
             THEN left(head || left(middle, greatest(0, 63 - length(head || tail || store_product.id))) || tail,
                       63 - length(store_product.id::text)) || '-' || store_product.id
             ELSE code END
         FROM named WHERE named.id = store_product.id",
    )
    .bind(ids)
    .execute(db)
    .await?;
    Ok(())
}

/// Stores which product variation is recommended with each of these, or none.
pub async fn set_recommendations(db: &mut PgConnection, given: &[(i64, Option<i64>)]) -> Result<()> {
    let (viewed, recommended): (Vec<i64>, Vec<Option<i64>>) = given.iter().copied().unzip();
    sqlx::query(
        "WITH given AS (SELECT * FROM UNNEST($1::bigint[], $2::bigint[]) AS given (viewed, recommended)),
              gone AS (
             DELETE FROM acted.product_productvariation_recommendations AS known USING given
             WHERE known.product_product_variation_id = viewed AND recommended IS NULL),
              changed AS (
             UPDATE acted.product_productvariation_recommendations AS known
             SET recommended_product_product_variation_id = recommended FROM given
             WHERE known.product_product_variation_id = viewed
               AND known.recommended_product_product_variation_id <> recommended)
         INSERT INTO acted.product_productvariation_recommendations
             (product_product_variation_id, recommended_product_product_variation_id)
         SELECT viewed, recommended FROM given
         WHERE recommended IS NOT NULL AND NOT EXISTS (
             SELECT FROM acted.product_productvariation_recommendations AS known
             WHERE known.product_product_variation_id = viewed)",
    )
    .bind(viewed)
    .bind(recommended)
    .execute(db)
    .await?;
    Ok(())
}

/// Returns those of these product variations that recommend one by which they are recommended themselves.
pub async fn mutual_recommendations(db: &mut PgConnection, ids: &[i64]) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT there.product_product_variation_id::bigint
         FROM acted.product_productvariation_recommendations AS there
         JOIN acted.product_productvariation_recommendations AS back
             ON back.product_product_variation_id = there.recommended_product_product_variation_id
            AND back.recommended_product_product_variation_id = there.product_product_variation_id
         WHERE there.product_product_variation_id = ANY ($1)",
    )
    .bind(ids)
    .fetch_all(db)
    .await?)
}

/// Returns those of these groups that are below themselves.
pub async fn groups_in_circles(db: &mut PgConnection, ids: &[i64]) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "WITH RECURSIVE above (start, id) AS (
             SELECT id::bigint, parent_id::bigint FROM acted.filter_groups WHERE id = ANY ($1)
             UNION
             SELECT start, parent_id::bigint FROM above JOIN acted.filter_groups AS known ON known.id = above.id)
         SELECT DISTINCT start FROM above WHERE start = id",
    )
    .bind(ids)
    .fetch_all(db)
    .await?)
}

/// Stores in which filters groups are listed. `known` are all keys that a document contains, `given` those of each group.
pub async fn set_filter_keys(db: &mut PgConnection, known: &[&str], given: &[(i64, Value)]) -> Result<()> {
    let rows: Vec<Value> = given.iter().map(|(id, keys)| json!({ "id": id, "keys": keys })).collect();
    let rows = Value::Array(rows);
    sqlx::query(
        "INSERT INTO acted.filter_configurations (name, display_label, filter_type, filter_key, display_order)
         SELECT DISTINCT key, initcap(replace(key, '_', ' ')), 'filter_group', key, array_position($2, key) - 1
         FROM jsonb_to_recordset($1) AS given (id bigint, keys jsonb), jsonb_array_elements_text(keys) AS key
         WHERE NOT EXISTS (SELECT FROM acted.filter_configurations AS known WHERE known.filter_key = key)
         ON CONFLICT DO NOTHING",
    )
    .bind(&rows)
    .bind(known)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "WITH owners AS (SELECT id, keys FROM jsonb_to_recordset($1) AS given (id bigint, keys jsonb)),
              entries AS (SELECT id AS owner, key FROM owners, jsonb_array_elements_text(keys) AS key),
              gone AS (
             DELETE FROM acted.filter_configuration_groups AS entry USING owners, acted.filter_configurations AS filter
             WHERE entry.filter_group_id = owners.id AND filter.id = entry.filter_configuration_id
               AND filter.filter_key = ANY ($2) AND NOT keys ? filter.filter_key)
         INSERT INTO acted.filter_configuration_groups (filter_configuration_id, filter_group_id, display_order)
         SELECT filter.id, owner, (SELECT COALESCE(max(other.display_order), 0) + 1
                                   FROM acted.filter_configuration_groups AS other
                                   WHERE other.filter_configuration_id = filter.id)
         FROM entries
         JOIN LATERAL (SELECT id FROM acted.filter_configurations AS known WHERE known.filter_key = key
                       ORDER BY is_active DESC, id LIMIT 1) AS filter ON true
         WHERE NOT EXISTS (SELECT FROM acted.filter_configuration_groups AS entry
                           JOIN acted.filter_configurations AS listed ON listed.id = entry.filter_configuration_id
                           WHERE entry.filter_group_id = owner AND listed.filter_key = key)
         ORDER BY owner",
    )
    .bind(&rows)
    .bind(known)
    .execute(db)
    .await?;
    Ok(())
}
