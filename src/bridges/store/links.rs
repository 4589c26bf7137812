//! The statements on the link of one record.

use sqlx::PgConnection;

use crate::bridges::reference::ReferenceKind;
use crate::error::Result;

/// What Administrate calls our record, where it is linked; of several the oldest link counts.
pub async fn external_id(db: &mut PgConnection, kind: ReferenceKind, ours: i64) -> Result<Option<String>> {
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
    Ok(sqlx::query_scalar(sql).bind(ours).fetch_optional(db).await?)
}

/// Links our record with Administrate's; `within` is Administrate's id of a venue's location, else none.
pub async fn link(
    db: &mut PgConnection,
    kind: ReferenceKind,
    external_id: &str,
    ours: i64,
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
    sqlx::query(sql).bind(external_id).bind(ours).bind(within).execute(db).await?;
    Ok(())
}
