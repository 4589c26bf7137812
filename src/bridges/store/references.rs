//! All SQL on the bridge rows of reference data.
//!
//! Each `put_*` writes whole rows as one JSON document: existing rows are updated, new ones inserted. Callers pass changed
//! rows only, because every write updates `last_synced` and `updated_at`.

use sqlx::PgConnection;
use sqlx::types::Json;

pub use super::links::{external_id, link};
use crate::bridges::reference::{
    AdministratorRow, ApprovalRow, CourseTemplateRow, CustomFieldRow, InstructorRow, LocationRow, PriceLevelRow,
    PriceRow, VenueRow,
};
use crate::error::Result;

/// Returns every custom field.
pub async fn custom_fields(db: &mut PgConnection) -> Result<Vec<CustomFieldRow>> {
    Ok(sqlx::query_as(
        "SELECT entity_type, external_id, label, field_type, description, is_required,
             coalesce(roles, 'null') AS roles, coalesce(o.options, 'null') AS options
         FROM adm.custom_fields LEFT JOIN lectern.custom_field_options AS o USING (entity_type, external_id) ORDER BY id",
    )
    .fetch_all(db)
    .await?)
}

/// Writes custom fields.
pub async fn put_custom_fields(db: &mut PgConnection, rows: &[&CustomFieldRow]) -> Result<()> {
    // (entity_type, external_id) has no unique constraint, so ON CONFLICT cannot be used.
    sqlx::query(
        "WITH desired AS (
             SELECT * FROM jsonb_to_recordset($1) AS w (entity_type text, external_id text, label text, field_type text,
                 description text, is_required boolean, roles jsonb)
         ), changed AS (
             UPDATE adm.custom_fields f
             SET label = w.label, field_type = w.field_type, description = w.description, is_required = w.is_required,
                 roles = w.roles, last_synced = now()
             FROM desired w WHERE f.entity_type = w.entity_type AND f.external_id = w.external_id
             RETURNING f.entity_type, f.external_id
         )
         INSERT INTO adm.custom_fields (entity_type, external_id, label, field_type, description, is_required, roles)
         SELECT entity_type, external_id, label, field_type, description, is_required, roles FROM desired w
         WHERE NOT EXISTS (
             SELECT FROM changed c WHERE c.entity_type = w.entity_type AND c.external_id = w.external_id)",
    )
    .bind(Json(rows))
    .execute(&mut *db)
    .await?;
    put_custom_field_options(db, rows).await
}

/// Writes the options of custom fields, and deletes those that are null.
pub async fn put_custom_field_options(db: &mut PgConnection, rows: &[&CustomFieldRow]) -> Result<()> {
    sqlx::query(
        "WITH desired AS (
             SELECT DISTINCT ON (entity_type, external_id) entity_type, external_id, options
             FROM jsonb_to_recordset($1) AS w (entity_type text, external_id text, options jsonb)
         ), unknown AS (
             DELETE FROM lectern.custom_field_options AS o USING desired AS w
             WHERE o.entity_type = w.entity_type AND o.external_id = w.external_id AND w.options IS NULL
         )
         INSERT INTO lectern.custom_field_options (entity_type, external_id, options)
         SELECT entity_type, external_id, options FROM desired WHERE options IS NOT NULL
         ON CONFLICT (entity_type, external_id) DO UPDATE SET options = excluded.options",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes custom fields.
pub async fn remove_custom_fields(db: &mut PgConnection, rows: &[CustomFieldRow]) -> Result<()> {
    sqlx::query(
        "DELETE FROM adm.custom_fields f
         USING jsonb_to_recordset($1) AS w (entity_type text, external_id text)
         WHERE f.entity_type = w.entity_type AND f.external_id = w.external_id",
    )
    .bind(Json(rows))
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "DELETE FROM lectern.custom_field_options o
         USING jsonb_to_recordset($1) AS w (entity_type text, external_id text)
         WHERE o.entity_type = w.entity_type AND o.external_id = w.external_id",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Returns every price level.
pub async fn price_levels(db: &mut PgConnection) -> Result<Vec<PriceLevelRow>> {
    Ok(sqlx::query_as("SELECT external_id, name, description FROM adm.pricelevels ORDER BY id").fetch_all(db).await?)
}

/// Writes price levels.
pub async fn put_price_levels(db: &mut PgConnection, rows: &[&PriceLevelRow]) -> Result<()> {
    sqlx::query(
        "INSERT INTO adm.pricelevels (external_id, name, description)
         SELECT external_id, name, description
         FROM jsonb_to_recordset($1) AS w (external_id text, name text, description text)
         ON CONFLICT (external_id) DO UPDATE
         SET name = excluded.name, description = excluded.description, last_synced = now()",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes price levels with their prices.
pub async fn remove_price_levels(db: &mut PgConnection, external_ids: &[String]) -> Result<()> {
    sqlx::query("DELETE FROM adm.pricelevels WHERE external_id = ANY ($1)").bind(external_ids).execute(db).await?;
    Ok(())
}

/// Returns every location.
pub async fn locations(db: &mut PgConnection) -> Result<Vec<LocationRow>> {
    Ok(sqlx::query_as("SELECT external_id, legacy_id, tutorial_location_id::bigint FROM adm.locations ORDER BY id")
        .fetch_all(db)
        .await?)
}

/// Writes locations.
pub async fn put_locations(db: &mut PgConnection, rows: &[&LocationRow]) -> Result<()> {
    sqlx::query(
        "INSERT INTO adm.locations (external_id, legacy_id, tutorial_location_id)
         SELECT external_id, legacy_id, tutorial_location_id
         FROM jsonb_to_recordset($1) AS w (external_id text, legacy_id text, tutorial_location_id bigint)
         ON CONFLICT (external_id) DO UPDATE
         SET legacy_id = excluded.legacy_id, tutorial_location_id = excluded.tutorial_location_id",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes locations. Rows that refer to them stay: the foreign keys of adopted databases would delete those too.
pub async fn remove_locations(db: &mut PgConnection, external_ids: &[String]) -> Result<()> {
    sqlx::query(
        "UPDATE adm.events SET location_id = NULL
         WHERE location_id IN (SELECT id FROM adm.locations WHERE external_id = ANY ($1))",
    )
    .bind(external_ids)
    .execute(&mut *db)
    .await?;
    sqlx::query("UPDATE adm.venues SET location_id = NULL WHERE location_id = ANY ($1)")
        .bind(external_ids)
        .execute(&mut *db)
        .await?;
    sqlx::query("DELETE FROM adm.locations WHERE external_id = ANY ($1)").bind(external_ids).execute(db).await?;
    Ok(())
}

/// Returns every venue.
pub async fn venues(db: &mut PgConnection) -> Result<Vec<VenueRow>> {
    Ok(sqlx::query_as("SELECT external_id, location_id, tutorial_venue_id::bigint FROM adm.venues ORDER BY id")
        .fetch_all(db)
        .await?)
}

/// Writes venues.
pub async fn put_venues(db: &mut PgConnection, rows: &[&VenueRow]) -> Result<()> {
    sqlx::query(
        "INSERT INTO adm.venues (external_id, location_id, tutorial_venue_id)
         SELECT external_id, location_id, tutorial_venue_id
         FROM jsonb_to_recordset($1) AS w (external_id text, location_id text, tutorial_venue_id bigint)
         ON CONFLICT (external_id) DO UPDATE
         SET location_id = excluded.location_id, tutorial_venue_id = excluded.tutorial_venue_id",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes venues. Rows that refer to them stay.
pub async fn remove_venues(db: &mut PgConnection, external_ids: &[String]) -> Result<()> {
    sqlx::query(
        "UPDATE adm.events SET venue_id = NULL
         WHERE venue_id IN (SELECT id FROM adm.venues WHERE external_id = ANY ($1))",
    )
    .bind(external_ids)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM adm.venues WHERE external_id = ANY ($1)").bind(external_ids).execute(db).await?;
    Ok(())
}

/// Returns every instructor.
pub async fn instructors(db: &mut PgConnection) -> Result<Vec<InstructorRow>> {
    Ok(sqlx::query_as(
        "SELECT external_id, legacy_id, is_active, tutorial_instructor_id::bigint FROM adm.instructors ORDER BY id",
    )
    .fetch_all(db)
    .await?)
}

/// Writes instructors.
pub async fn put_instructors(db: &mut PgConnection, rows: &[&InstructorRow]) -> Result<()> {
    sqlx::query(
        "INSERT INTO adm.instructors (external_id, legacy_id, is_active, tutorial_instructor_id)
         SELECT external_id, legacy_id, is_active, tutorial_instructor_id
         FROM jsonb_to_recordset($1)
             AS w (external_id text, legacy_id text, is_active boolean, tutorial_instructor_id bigint)
         ON CONFLICT (external_id) DO UPDATE
         SET legacy_id = excluded.legacy_id, is_active = excluded.is_active,
             tutorial_instructor_id = excluded.tutorial_instructor_id, last_synced = now()",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes instructors. Rows that refer to them stay.
pub async fn remove_instructors(db: &mut PgConnection, external_ids: &[String]) -> Result<()> {
    sqlx::query(
        "UPDATE adm.events SET primary_instructor_id = NULL
         WHERE primary_instructor_id IN (SELECT id FROM adm.instructors WHERE external_id = ANY ($1))",
    )
    .bind(external_ids)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "UPDATE adm.sessions SET session_instructor_id = NULL
         WHERE session_instructor_id IN (SELECT id FROM adm.instructors WHERE external_id = ANY ($1))",
    )
    .bind(external_ids)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM adm.instructors WHERE external_id = ANY ($1)").bind(external_ids).execute(db).await?;
    Ok(())
}

/// Returns every course template.
pub async fn course_templates(db: &mut PgConnection) -> Result<Vec<CourseTemplateRow>> {
    Ok(sqlx::query_as(
        "SELECT external_id, event_learning_mode, coalesce(nullif(custom_fields, 'null'), '{}') AS custom_fields,
             tutorial_course_template_id::bigint
         FROM adm.course_templates ORDER BY id",
    )
    .fetch_all(db)
    .await?)
}

/// Writes course templates.
pub async fn put_course_templates(db: &mut PgConnection, rows: &[&CourseTemplateRow]) -> Result<()> {
    sqlx::query(
        "INSERT INTO adm.course_templates
             (external_id, event_learning_mode, custom_fields, tutorial_course_template_id)
         SELECT external_id, event_learning_mode, custom_fields, tutorial_course_template_id
         FROM jsonb_to_recordset($1) AS w (external_id text, event_learning_mode text, custom_fields jsonb,
             tutorial_course_template_id bigint)
         ON CONFLICT (external_id) DO UPDATE
         SET event_learning_mode = excluded.event_learning_mode, custom_fields = excluded.custom_fields,
             tutorial_course_template_id = excluded.tutorial_course_template_id",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes course templates with their prices and approvals. Rows of events that refer to them stay.
pub async fn remove_course_templates(db: &mut PgConnection, external_ids: &[String]) -> Result<()> {
    sqlx::query(
        "UPDATE adm.events SET course_template_id = NULL
         WHERE course_template_id IN (SELECT id FROM adm.course_templates WHERE external_id = ANY ($1))",
    )
    .bind(external_ids)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM lectern.approved_instructors WHERE template_external_id = ANY ($1)")
        .bind(external_ids)
        .execute(&mut *db)
        .await?;
    sqlx::query("DELETE FROM adm.course_templates WHERE external_id = ANY ($1)").bind(external_ids).execute(db).await?;
    Ok(())
}

/// Returns every price.
pub async fn prices(db: &mut PgConnection) -> Result<Vec<PriceRow>> {
    Ok(sqlx::query_as(
        "SELECT p.external_id, t.external_id AS course_template, l.external_id AS price_level, p.amount
         FROM adm.course_template_price_levels p
         JOIN adm.course_templates t ON t.id = p.course_template_id
         JOIN adm.pricelevels l ON l.id = p.price_level_id ORDER BY p.id",
    )
    .fetch_all(db)
    .await?)
}

/// Writes prices. The caller first removes rows whose id, template or level changes.
pub async fn put_prices(db: &mut PgConnection, rows: &[&PriceRow]) -> Result<()> {
    sqlx::query(
        "INSERT INTO adm.course_template_price_levels (external_id, course_template_id, price_level_id, amount)
         SELECT w.external_id, t.id, l.id, w.amount
         FROM jsonb_to_recordset($1)
             AS w (external_id text, course_template text, price_level text, amount numeric(10, 2))
         JOIN adm.course_templates t ON t.external_id = w.course_template
         JOIN adm.pricelevels l ON l.external_id = w.price_level
         ON CONFLICT (external_id) DO UPDATE SET amount = excluded.amount, last_synced = now()",
    )
    .bind(Json(rows))
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes prices.
pub async fn remove_prices(db: &mut PgConnection, external_ids: &[String]) -> Result<()> {
    sqlx::query("DELETE FROM adm.course_template_price_levels WHERE external_id = ANY ($1)")
        .bind(external_ids)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the approvals of instructors for course templates.
pub async fn approvals(db: &mut PgConnection) -> Result<Vec<ApprovalRow>> {
    Ok(sqlx::query_as("SELECT template_external_id, contact_external_id FROM lectern.approved_instructors")
        .fetch_all(db)
        .await?)
}

/// Removes approvals, then adds others.
pub async fn change_approvals(db: &mut PgConnection, removed: &[ApprovalRow], added: &[ApprovalRow]) -> Result<()> {
    sqlx::query(
        "DELETE FROM lectern.approved_instructors a
         USING jsonb_to_recordset($1) AS w (template_external_id text, contact_external_id text)
         WHERE a.template_external_id = w.template_external_id AND a.contact_external_id = w.contact_external_id",
    )
    .bind(Json(removed))
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO lectern.approved_instructors (template_external_id, contact_external_id)
         SELECT template_external_id, contact_external_id
         FROM jsonb_to_recordset($1) AS w (template_external_id text, contact_external_id text)
         ON CONFLICT DO NOTHING",
    )
    .bind(Json(added))
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the contacts that may administer events.
pub async fn administrators(db: &mut PgConnection) -> Result<Vec<AdministratorRow>> {
    Ok(sqlx::query_as("SELECT external_id, first_name, last_name FROM lectern.administrators").fetch_all(db).await?)
}

/// Removes administrators, then adds others. A renamed administrator is in both lists.
pub async fn change_administrators(
    db: &mut PgConnection,
    removed: &[AdministratorRow],
    added: &[AdministratorRow],
) -> Result<()> {
    let removed: Vec<&str> = removed.iter().map(|contact| contact.external_id.as_str()).collect();
    sqlx::query("DELETE FROM lectern.administrators WHERE external_id = ANY ($1)")
        .bind(removed)
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "INSERT INTO lectern.administrators (external_id, first_name, last_name)
         SELECT external_id, first_name, last_name
         FROM jsonb_to_recordset($1) AS w (external_id text, first_name text, last_name text)
         ON CONFLICT (external_id) DO UPDATE SET first_name = excluded.first_name, last_name = excluded.last_name",
    )
    .bind(Json(added))
    .execute(db)
    .await?;
    Ok(())
}
