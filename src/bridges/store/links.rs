//! SQL on the link of one record.

use sqlx::PgConnection;

use crate::bridges::reference::ReferenceKind;
use crate::error::Result;

/// Returns the external id of a local record; of several links the oldest counts.
pub async fn external_id(db: &mut PgConnection, kind: ReferenceKind, local_id: i64) -> Result<Option<String>> {
    let sql = match kind {
        ReferenceKind::Location => {
            "SELECT external_id FROM adm.locations WHERE tutorial_location_id = $1 ORDER BY id LIMIT 1"
        }
        ReferenceKind::Venue => "SELECT external_id FROM adm.venues WHERE tutorial_venue_id = $1 ORDER BY id LIMIT 1",
        ReferenceKind::Instructor => {
            "SELECT external_id FROM adm.instructors WHERE tutorial_instructor_id = $1 ORDER BY id LIMIT 1"
        }
        ReferenceKind::CourseTemplate => {
            "SELECT external_id FROM adm.course_templates WHERE tutorial_course_template_id = $1 ORDER BY id LIMIT 1"
        }
    };
    Ok(sqlx::query_scalar(sql).bind(local_id).fetch_optional(db).await?)
}

/// Links a local record. `within` is the external id of a venue's location, `None` for other records.
pub async fn link(
    db: &mut PgConnection,
    kind: ReferenceKind,
    external_id: &str,
    local_id: i64,
    within: Option<&str>,
) -> Result<()> {
    let sql = match kind {
        ReferenceKind::Location => {
            "INSERT INTO adm.locations (external_id, tutorial_location_id) SELECT $1, $2 WHERE $3::text IS NULL
             ON CONFLICT (external_id) DO UPDATE SET tutorial_location_id = excluded.tutorial_location_id"
        }
        ReferenceKind::Venue => {
            "INSERT INTO adm.venues (external_id, tutorial_venue_id, location_id) VALUES ($1, $2, $3)
             ON CONFLICT (external_id) DO UPDATE SET tutorial_venue_id = excluded.tutorial_venue_id"
        }
        ReferenceKind::Instructor => {
            "INSERT INTO adm.instructors (external_id, tutorial_instructor_id) SELECT $1, $2 WHERE $3::text IS NULL
             ON CONFLICT (external_id) DO UPDATE SET tutorial_instructor_id = excluded.tutorial_instructor_id"
        }
        ReferenceKind::CourseTemplate => {
            "INSERT INTO adm.course_templates (external_id, tutorial_course_template_id)
             SELECT $1, $2 WHERE $3::text IS NULL
             ON CONFLICT (external_id) DO UPDATE SET tutorial_course_template_id = excluded.tutorial_course_template_id"
        }
    };
    sqlx::query(sql).bind(external_id).bind(local_id).bind(within).execute(db).await?;
    Ok(())
}
