//! Values of events that a body leaves out.

use serde_json::Value;
use sqlx::PgConnection;

use super::store::events as store;
use crate::error::Result;
use crate::names::fold;
use crate::resources::{RowDraft, WriteRequest};
use crate::timetable_import::blocks::is_lms_code;

/// Fills in the time zone of the settings, all places, and the learning mode of the course template.
pub(super) async fn fill(db: &mut PgConnection, request: &WriteRequest<'_>, drafts: &mut [RowDraft]) -> Result<()> {
    let needs_mode =
        |draft: &RowDraft| draft.value("learning_mode").is_null() && draft.value("course_template_id").is_i64();
    let templates: Vec<i64> = drafts
        .iter()
        .filter(|draft| needs_mode(draft))
        .filter_map(|draft| draft.value("course_template_id").as_i64())
        .collect();
    let modes = if templates.is_empty() { Default::default() } else { store::template_modes(db, &templates).await? };
    let zone = request.config.map_or("Europe/London", |config| config.time_zone.as_str());
    for draft in drafts {
        if draft.values.get("time_zone").is_some_and(Value::is_null) {
            draft.values.insert("time_zone".to_owned(), zone.into());
        }
        if draft.values.get("remain_space").is_some_and(Value::is_null) {
            let places = draft.value("max_places").as_i64().unwrap_or_default();
            draft.values.insert("remain_space".to_owned(), places.into());
        }
        let template = draft.value("course_template_id").as_i64().filter(|_| needs_mode(draft));
        if let Some((code, mode)) = template.and_then(|template| modes.get(&template)) {
            let mode = learning_mode(code, mode.as_deref());
            draft.values.insert("learning_mode".to_owned(), mode.into());
        }
    }
    Ok(())
}

/// Returns the learning mode of the events of a course template.
fn learning_mode(code: &str, mode: Option<&str>) -> &'static str {
    let mode = fold(mode.unwrap_or_default());
    match () {
        () if is_lms_code(code) || mode.contains("lms") => "lms",
        () if mode.contains("classroom") => "classroom",
        () => "blended",
    }
}
