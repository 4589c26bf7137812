//! What pages offer to choose from: names of reference data with their ids.

use sqlx::PgConnection;

use crate::error::Result;

/// Most store products that a page offers.
const MOST_PRODUCTS: i64 = 500;

/// A record to choose.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NamedChoice {
    pub id: i64,
    pub name: String,
    /// What it belongs to, such as the location of a venue; empty: nothing.
    pub group_name: String,
    pub is_active: bool,
}

/// The records that events and sessions refer to.
#[derive(Debug, Clone, Default)]
pub struct EventChoices {
    pub subjects: Vec<NamedChoice>,
    pub exam_sessions: Vec<NamedChoice>,
    pub templates: Vec<NamedChoice>,
    pub locations: Vec<NamedChoice>,
    pub venues: Vec<NamedChoice>,
    pub instructors: Vec<NamedChoice>,
}

/// Returns all choices but store products, in the order in which people look for them.
pub async fn event_choices(db: &mut PgConnection) -> Result<EventChoices> {
    let rows: Vec<(String, i64, String, String, bool)> = sqlx::query_as(
        "SELECT kind, id, name, group_name, is_active FROM (
             SELECT 'subject' AS kind, id::bigint, code::text AS name, '' AS group_name, active AS is_active
             FROM acted.catalog_subjects
             UNION ALL
             SELECT 'exam', id::bigint, session_code::text, '', true FROM acted.catalog_exam_sessions
             UNION ALL
             SELECT 'template', id::bigint, code::text, '', is_active FROM acted.tutorial_course_templates
             UNION ALL
             SELECT 'location', id::bigint, name::text, '', is_active FROM acted.tutorial_locations
             UNION ALL
             SELECT 'venue', venue.id::bigint, venue.name::text, COALESCE(location.name::text, ''), true
             FROM acted.tutorial_venues AS venue
             LEFT JOIN acted.tutorial_locations AS location ON location.id = venue.location_id
             UNION ALL
             SELECT 'instructor', teacher.id::bigint, COALESCE(NULLIF(concat_ws(' ',
                    NULLIF(btrim(person.first_name), ''), NULLIF(btrim(person.last_name), '')), ''),
                    'Instructor #' || teacher.id), '', teacher.is_active
             FROM acted.tutorial_instructors AS teacher
             LEFT JOIN acted.staff AS member ON member.id = teacher.staff_id
             LEFT JOIN public.auth_user AS person ON person.id = member.user_id) AS choice
         ORDER BY kind, group_name, CASE WHEN kind = 'exam' THEN '' ELSE lower(name) END, name DESC, id",
    )
    .fetch_all(db)
    .await?;
    let mut choices = EventChoices::default();
    for (kind, id, name, group_name, is_active) in rows {
        let list = match kind.as_str() {
            "subject" => &mut choices.subjects,
            "exam" => &mut choices.exam_sessions,
            "template" => &mut choices.templates,
            "location" => &mut choices.locations,
            "venue" => &mut choices.venues,
            _ => &mut choices.instructors,
        };
        list.push(NamedChoice { id, name, group_name, is_active });
    }
    Ok(choices)
}

/// Returns codes of active store products that sell tutorials, the latest exam session first.
pub async fn tutorial_product_codes(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT sold.product_code::text FROM acted.products AS sold
         JOIN acted.catalog_product_product_variations AS offer ON offer.id = sold.product_product_variation_id
         JOIN acted.catalog_product_variations AS variation ON variation.id = offer.product_variation_id
         JOIN acted.catalog_exam_session_subjects AS taught ON taught.id = sold.exam_session_subject_id
         JOIN acted.catalog_exam_sessions AS exam ON exam.id = taught.exam_session_id
         WHERE sold.is_active AND lower(variation.variation_type) = 'tutorial'
         ORDER BY exam.session_code DESC, sold.product_code LIMIT $1",
    )
    .bind(MOST_PRODUCTS)
    .fetch_all(db)
    .await?)
}

/// Returns the id of a store product by its code, ignoring letter case. None: there is no such product, or several.
pub async fn product_of_code(db: &mut PgConnection, code: &str) -> Result<Option<i64>> {
    let found: Vec<i64> =
        sqlx::query_scalar("SELECT id::bigint FROM acted.products WHERE lower(product_code) = lower($1) LIMIT 2")
            .bind(code)
            .fetch_all(db)
            .await?;
    Ok(if let [one] = found.as_slice() { Some(*one) } else { None })
}
