//! The shapes that older front ends read and send.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use crate::error::Result;
use crate::lessons::store::families;

/// Adds to lessons what older front ends read.
pub async fn add_members(db: &mut PgConnection, lessons: &mut [Value]) -> Result<()> {
    let students: Vec<i64> = lessons.iter().filter_map(|lesson| lesson["student_id"].as_i64()).collect();
    let tutors: Vec<i64> = lessons.iter().filter_map(|lesson| lesson["tutor_id"].as_i64()).collect();
    let parents = families::first_parents(db, &students).await?;
    let pictures = families::pictures(db, &tutors).await?;
    for lesson in lessons {
        let parent = parents.iter().find(|(student, _)| lesson["student_id"] == *student).map(|(_, parent)| *parent);
        let picture = pictures.iter().find(|(tutor, _)| lesson["tutor_id"] == *tutor).map(|(_, picture)| picture);
        let courses: Vec<&Value> = Some(&lesson["course_name"]).filter(|name| !name.is_null()).into_iter().collect();
        let more = json!({
            "enrolled_courses_id": lesson["course_enrollment_id"], "course_names": courses,
            "package_name": lesson["course_name"], "child_name": lesson["student_name"], "parent_id": parent,
            "tutor_profile_picture": picture,
        });
        if let (Some(lesson), Value::Object(more)) = (lesson.as_object_mut(), more) {
            lesson.extend(more);
        }
    }
    Ok(())
}

/// Returns a body in the names of today. `is_change`: a null leaves a value as it is.
pub fn body(given: &Value, is_change: bool) -> Value {
    let Some(given) = given.as_object() else { return given.clone() };
    let given = given.iter().filter(|(_, value)| !is_change || !value.is_null());
    let renamed = given.map(|(name, value)| {
        let name = if name == "enrolled_courses_id" { "course_enrollment_id" } else { name };
        (name.to_owned(), value.clone())
    });
    Value::Object(renamed.collect::<Map<_, _>>())
}

/// Returns what older front ends read after a write.
pub fn written(lesson: &Value, message: &str) -> Value {
    json!({
        "success": true, "message": message, "session_id": lesson["id"],
        "enrolled_courses_id": lesson["course_enrollment_id"], "session_date": lesson["session_date"],
        "duration": lesson["duration"], "status": lesson["status"],
    })
}
