//! How far an installation came: what it has, and which command comes next.

use sqlx::PgConnection;

use crate::error::Result;

/// What an installation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct FirstSteps {
    /// Store products and course templates.
    pub has_catalogue: bool,
    /// Course templates and locations that are linked with Administrate.
    pub is_synced: bool,
    pub has_events: bool,
}

/// Returns what the installation has.
pub async fn first_steps(db: &mut PgConnection) -> Result<FirstSteps> {
    Ok(sqlx::query_as(
        "SELECT EXISTS (SELECT FROM acted.products)
                AND EXISTS (SELECT FROM acted.tutorial_course_templates) AS has_catalogue,
            EXISTS (SELECT FROM adm.course_templates WHERE tutorial_course_template_id IS NOT NULL)
                AND EXISTS (SELECT FROM adm.locations WHERE tutorial_location_id IS NOT NULL) AS is_synced,
            EXISTS (SELECT FROM acted.tutorial_events) AS has_events",
    )
    .fetch_one(db)
    .await?)
}

impl FirstSteps {
    /// Returns the next command; None when the installation has all.
    pub fn next(self) -> Option<&'static str> {
        match self {
            Self { has_catalogue: false, .. } => Some("lectern catalogue template catalogue.xlsx"),
            Self { is_synced: false, .. } => Some("lectern sync all --create-local"),
            Self { has_events: false, .. } => Some("lectern import template timetable.xlsx"),
            _ => None,
        }
    }
}
