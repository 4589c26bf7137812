//! Adding the missing rows of a catalogue.
//!
//! Each function inserts any number of rows with a fixed number of statements, and leaves existing rows unchanged.

use jiff_sqlx::ToSqlx;
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::catalogue::{
    Bundle, ExamSession, Facet, Group, NewStoreProduct, Product, Recommendation, Subject, Variation,
};
use crate::error::Result;

/// Returns one field of every row, as an array for UNNEST.
fn texts<'a, T>(rows: &'a [T], field: impl Fn(&'a T) -> &'a str) -> Vec<&'a str> {
    rows.iter().map(field).collect()
}

/// Inserts missing subjects, identified by code.
pub async fn add_subjects(db: &mut PgConnection, rows: &[Subject]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.catalog_subjects (code, description)
         SELECT * FROM UNNEST($1::text[], $2::text[]) ON CONFLICT (code) DO NOTHING",
    )
    .bind(texts(rows, |row| &row.code))
    .bind(texts(rows, |row| &row.description))
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts missing exam sessions, identified by code. Their days are whole days in UTC.
pub async fn add_exam_sessions(db: &mut PgConnection, rows: &[ExamSession]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.catalog_exam_sessions (session_code, start_date, end_date)
         SELECT code, starts::timestamp AT TIME ZONE 'UTC', (ends + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 second'
         FROM UNNEST($1::text[], $2::date[], $3::date[]) AS given (code, starts, ends)
         WHERE NOT EXISTS (SELECT FROM acted.catalog_exam_sessions AS existing WHERE existing.session_code = code)",
    )
    .bind(texts(rows, |row| &row.code))
    .bind(rows.iter().map(|row| row.starts.to_sqlx()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.ends.to_sqlx()).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts missing filter groups, identified by key. A parent may be part of the same call.
pub async fn add_groups(db: &mut PgConnection, rows: &[Group]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.filter_groups (name, code, display_order)
         SELECT name, code, place FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS given (name, code, place)
         ON CONFLICT (code) DO NOTHING",
    )
    .bind(texts(rows, |row| &row.name))
    .bind(texts(rows, |row| &row.code))
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "UPDATE acted.filter_groups AS child SET parent_id = parent.id
         FROM UNNEST($1::text[], $2::text[]) AS given (code, parent_code)
         JOIN acted.filter_groups AS parent ON parent.code = parent_code
         WHERE child.code = given.code AND child.parent_id IS NULL",
    )
    .bind(texts(rows, |row| &row.code))
    .bind(rows.iter().map(|row| row.parent.as_deref()).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts missing filters with their groups, identified by key.
pub async fn add_facets(db: &mut PgConnection, rows: &[Facet]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.filter_configurations (name, display_label, filter_type, filter_key, display_order)
         SELECT key, label, 'filter_group', key, place
         FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS given (key, label, place) ON CONFLICT (name) DO NOTHING",
    )
    .bind(texts(rows, |row| &row.key))
    .bind(texts(rows, |row| &row.label))
    .execute(&mut *db)
    .await?;
    let entries: Vec<(&str, &str)> =
        rows.iter().flat_map(|row| row.groups.iter().map(|group| (row.key.as_str(), group.as_str()))).collect();
    sqlx::query(
        "INSERT INTO acted.filter_configuration_groups (filter_configuration_id, filter_group_id, display_order)
         SELECT filter.id, filter_group.id, place
         FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS given (key, code, place)
         JOIN acted.filter_configurations AS filter ON filter.name = key
         JOIN acted.filter_groups AS filter_group ON filter_group.code = given.code
         ON CONFLICT (filter_configuration_id, filter_group_id) DO NOTHING",
    )
    .bind(texts(&entries, |(key, _)| key))
    .bind(texts(&entries, |(_, group)| group))
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts missing products with their group, identified by full name.
pub async fn add_products(db: &mut PgConnection, rows: &[Product]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.catalog_products (fullname, shortname, code, description, buy_both)
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[])
             AS given (fullname, shortname, code, description, buy_both)
         WHERE NOT EXISTS (SELECT FROM acted.catalog_products AS existing WHERE existing.fullname = given.fullname)",
    )
    .bind(texts(rows, |row| &row.fullname))
    .bind(texts(rows, |row| &row.shortname))
    .bind(texts(rows, |row| &row.code))
    .bind(texts(rows, |row| &row.description))
    .bind(rows.iter().map(|row| row.buy_both).collect::<Vec<_>>())
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO acted.filter_product_product_groups (product_id, product_group_id)
         SELECT product.id, filter_group.id FROM UNNEST($1::text[], $2::text[]) AS given (fullname, code)
         JOIN acted.catalog_products AS product ON product.fullname = given.fullname
         JOIN acted.filter_groups AS filter_group ON filter_group.code = given.code
         ON CONFLICT (product_id, product_group_id) DO NOTHING",
    )
    .bind(texts(rows, |row| &row.fullname))
    .bind(texts(rows, |row| &row.group))
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts missing variations, identified by kind and name.
pub async fn add_variations(db: &mut PgConnection, rows: &[Variation]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.catalog_product_variations (variation_type, name, code, description, description_short)
         SELECT kind, name, code, description, description
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[]) AS given (kind, name, code, description)
         ON CONFLICT (variation_type, name) DO NOTHING",
    )
    .bind(texts(rows, |row| &row.kind))
    .bind(texts(rows, |row| &row.name))
    .bind(texts(rows, |row| &row.code))
    .bind(texts(rows, |row| &row.description))
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts missing store products with their sittings, product variations and prices, identified by code.
pub async fn add_store_products(db: &mut PgConnection, rows: &[NewStoreProduct]) -> Result<()> {
    add_exam_session_subjects(db, rows).await?;
    let pairs: Vec<(&str, &str)> = rows.iter().map(|row| (row.product.as_str(), row.variation.as_str())).collect();
    add_product_variations(db, &pairs).await?;
    sqlx::query(
        "INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code)
         SELECT sitting.id, pair.id, given.code
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
             AS given (code, exam_session, subject, product, variation)
         JOIN acted.catalog_exam_sessions AS exam ON exam.session_code = exam_session
         JOIN acted.catalog_subjects AS subject ON subject.code = given.subject
         JOIN acted.catalog_exam_session_subjects AS sitting
             ON sitting.exam_session_id = exam.id AND sitting.subject_id = subject.id
         JOIN acted.catalog_products AS product ON product.fullname = given.product
         JOIN acted.catalog_product_variations AS variation ON variation.code = given.variation
         JOIN acted.catalog_product_product_variations AS pair
             ON pair.product_id = product.id AND pair.product_variation_id = variation.id
         ON CONFLICT DO NOTHING",
    )
    .bind(texts(rows, |row| &row.code))
    .bind(texts(rows, |row| &row.exam_session))
    .bind(texts(rows, |row| &row.subject))
    .bind(texts(rows, |row| &row.product))
    .bind(texts(rows, |row| &row.variation))
    .execute(&mut *db)
    .await?;
    add_prices(db, rows).await
}

async fn add_exam_session_subjects(db: &mut PgConnection, rows: &[NewStoreProduct]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.catalog_exam_session_subjects (exam_session_id, subject_id)
         SELECT DISTINCT exam.id, subject.id FROM UNNEST($1::text[], $2::text[]) AS given (exam_session, code)
         JOIN acted.catalog_exam_sessions AS exam ON exam.session_code = exam_session
         JOIN acted.catalog_subjects AS subject ON subject.code = given.code
         ON CONFLICT (exam_session_id, subject_id) DO NOTHING",
    )
    .bind(texts(rows, |row| &row.exam_session))
    .bind(texts(rows, |row| &row.subject))
    .execute(db)
    .await?;
    Ok(())
}

async fn add_product_variations(db: &mut PgConnection, pairs: &[(&str, &str)]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.catalog_product_product_variations (product_id, product_variation_id)
         SELECT DISTINCT product.id, variation.id FROM UNNEST($1::text[], $2::text[]) AS given (product, code)
         JOIN acted.catalog_products AS product ON product.fullname = given.product
         JOIN acted.catalog_product_variations AS variation ON variation.code = given.code
         ON CONFLICT (product_id, product_variation_id) DO NOTHING",
    )
    .bind(texts(pairs, |(product, _)| product))
    .bind(texts(pairs, |(_, variation)| variation))
    .execute(db)
    .await?;
    Ok(())
}

async fn add_prices(db: &mut PgConnection, rows: &[NewStoreProduct]) -> Result<()> {
    let prices: Vec<(&NewStoreProduct, &str, Decimal)> = rows
        .iter()
        .flat_map(|row| row.prices.iter().map(move |(kind, amount)| (row, kind.as_str(), *amount)))
        .collect();
    sqlx::query(
        "INSERT INTO acted.prices (product_id, price_type, amount, currency)
         SELECT store_product.id, kind, amount, currency
         FROM UNNEST($1::text[], $2::text[], $3::numeric[], $4::text[]) AS given (code, kind, amount, currency)
         JOIN acted.products AS store_product ON store_product.product_code = code
         ON CONFLICT (product_id, price_type) DO NOTHING",
    )
    .bind(texts(&prices, |(row, ..)| &row.code))
    .bind(texts(&prices, |(_, kind, _)| kind))
    .bind(prices.iter().map(|(.., amount)| *amount).collect::<Vec<_>>())
    .bind(texts(&prices, |(row, ..)| &row.currency))
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts missing recommendations, at most one per product variation.
pub async fn add_recommendations(db: &mut PgConnection, rows: &[Recommendation]) -> Result<()> {
    sqlx::query(
        "WITH pairs AS (
             SELECT pair.id, product.fullname, variation.code
             FROM acted.catalog_product_product_variations AS pair
             JOIN acted.catalog_products AS product ON product.id = pair.product_id
             JOIN acted.catalog_product_variations AS variation ON variation.id = pair.product_variation_id)
         INSERT INTO acted.product_productvariation_recommendations
             (product_product_variation_id, recommended_product_product_variation_id)
         SELECT viewed.id, recommended.id
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[])
             AS given (product, variation, recommended_product, recommended_variation)
         JOIN pairs AS viewed ON viewed.fullname = product AND viewed.code = variation
         JOIN pairs AS recommended
             ON recommended.fullname = recommended_product AND recommended.code = recommended_variation
         ON CONFLICT (product_product_variation_id) DO NOTHING",
    )
    .bind(texts(rows, |row| &row.of.0))
    .bind(texts(rows, |row| &row.of.1))
    .bind(texts(rows, |row| &row.recommended.0))
    .bind(texts(rows, |row| &row.recommended.1))
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts missing bundles: templates by subject and name, and bundles of an exam session with their products.
pub async fn add_bundles(db: &mut PgConnection, rows: &[Bundle]) -> Result<()> {
    add_bundle_templates(db, rows).await?;
    sqlx::query(
        "INSERT INTO acted.bundles (bundle_template_id, exam_session_subject_id)
         SELECT template.id, sitting.id
         FROM UNNEST($1::text[], $2::text[], $3::text[]) AS given (name, subject, exam_session)
         JOIN acted.catalog_subjects AS subject ON subject.code = given.subject
         JOIN acted.catalog_exam_sessions AS exam ON exam.session_code = given.exam_session
         JOIN acted.catalog_exam_session_subjects AS sitting
             ON sitting.exam_session_id = exam.id AND sitting.subject_id = subject.id
         JOIN acted.catalog_product_bundles AS template
             ON template.subject_id = subject.id AND template.bundle_name = given.name
         ON CONFLICT (bundle_template_id, exam_session_subject_id) DO NOTHING",
    )
    .bind(texts(rows, |row| &row.name))
    .bind(texts(rows, |row| &row.subject))
    .bind(texts(rows, |row| &row.exam_session))
    .execute(&mut *db)
    .await?;
    let parts = bundle_parts(rows);
    sqlx::query(
        "INSERT INTO acted.bundle_products (bundle_id, product_id, sort_order)
         SELECT bundle.id, store_product.id, place
         FROM UNNEST($1::text[], $2::text[], $3::int[]) AS given (name, code, place)
         JOIN acted.products AS store_product ON store_product.product_code = given.code
         JOIN acted.bundles AS bundle ON bundle.exam_session_subject_id = store_product.exam_session_subject_id
         JOIN acted.catalog_product_bundles AS template
             ON template.id = bundle.bundle_template_id AND template.bundle_name = given.name
         ON CONFLICT (bundle_id, product_id) DO NOTHING",
    )
    .bind(texts(&parts, |part| part.bundle))
    .bind(texts(&parts, |part| part.store_product))
    .bind(parts.iter().map(|part| part.place).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}

/// One store product in one bundle.
struct BundlePart<'a> {
    bundle: &'a str,
    subject: &'a str,
    store_product: &'a str,
    place: i32,
}

fn bundle_parts(rows: &[Bundle]) -> Vec<BundlePart<'_>> {
    let mut parts = Vec::new();
    for Bundle { name, subject, store_products, .. } in rows {
        parts.extend(store_products.iter().zip(0..).map(|(store_product, place)| BundlePart {
            bundle: name,
            subject,
            store_product,
            place,
        }));
    }
    parts
}

async fn add_bundle_templates(db: &mut PgConnection, rows: &[Bundle]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.catalog_product_bundles (bundle_name, subject_id, bundle_description)
         SELECT DISTINCT ON (name, subject.id) name, subject.id, given.description
         FROM UNNEST($1::text[], $2::text[], $3::text[]) AS given (name, code, description)
         JOIN acted.catalog_subjects AS subject ON subject.code = given.code
         ON CONFLICT (subject_id, bundle_name) DO NOTHING",
    )
    .bind(texts(rows, |row| &row.name))
    .bind(texts(rows, |row| &row.subject))
    .bind(texts(rows, |row| &row.description))
    .execute(&mut *db)
    .await?;
    let parts = bundle_parts(rows);
    sqlx::query(
        "INSERT INTO acted.catalog_product_bundle_products (bundle_id, product_product_variation_id, sort_order)
         SELECT template.id, store_product.product_product_variation_id, place
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::int[]) AS given (name, subject, code, place)
         JOIN acted.catalog_subjects AS subject ON subject.code = given.subject
         JOIN acted.catalog_product_bundles AS template
             ON template.subject_id = subject.id AND template.bundle_name = given.name
         JOIN acted.products AS store_product ON store_product.product_code = given.code
         ON CONFLICT (bundle_id, product_product_variation_id) DO NOTHING",
    )
    .bind(texts(&parts, |part| part.bundle))
    .bind(texts(&parts, |part| part.subject))
    .bind(texts(&parts, |part| part.store_product))
    .bind(parts.iter().map(|part| part.place).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}
