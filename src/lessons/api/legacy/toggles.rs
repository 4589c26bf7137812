//! Sets one flag of a lesson.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::http::json::JsonBody;
use crate::http::problem::{FieldError, HttpProblem};
use crate::identity::Caller;
use crate::lessons::api::members::id_of;
use crate::lessons::api::resources::LESSONS;
use crate::lessons::api::visible::{LessonId, VisibleLesson};
use crate::resources::api::{CallerWrite, ResourceState};

pub const NOTIFICATION: &str = "/api/sessions/{id}/toggle-notification";
pub const ALARM: &str = "/api/sessions/{id}/toggle-alarm";
pub const FEATURED: &str = "/api/sessions/{id}/toggle-featured";

macro_rules! toggle {
    ($name:ident, $path:literal, $id:literal, $field:literal, $summary:literal, $input:literal) => {
        #[doc = $summary]
        ///
        /// Sets the flag that the body contains, for older front ends. PATCH of the lesson does the same.
        #[utoipa::path(
                    patch, path = $path, operation_id = $id, tag = "lessons",
                    params(
                        ("as" = Option<String>, Query, description = "tutor; ignored."),
                        ("shape" = Option<String>, Query, description = "array; ignored."),
                        ("legacy" = Option<String>, Query, description = "1; ignored."),
                    ),
                    request_body = ref($input),
                    responses(
                        (status = 200, description = "The flag.", body = ref("#/components/schemas/LessonFlag")),
                        (status = 404, description = "")
                    )
                )]
        pub async fn $name(
            caller: Caller,
            state: State<ResourceState>,
            id: LessonId,
            JsonBody(body): JsonBody<Value>,
        ) -> Result<Json<Value>, HttpProblem> {
            set(&caller, &state, id, $field, &body).await
        }
    };
}

toggle!(
    toggle_notification,
    "/api/sessions/{id}/toggle-notification",
    "toggleNotification",
    "notification_enabled",
    "Set the notification of a lesson.",
    "#/components/schemas/NotificationFlag"
);
toggle!(
    toggle_alarm,
    "/api/sessions/{id}/toggle-alarm",
    "toggleAlarm",
    "alarm_enabled",
    "Set the alarm of a lesson.",
    "#/components/schemas/AlarmFlag"
);
toggle!(
    toggle_featured,
    "/api/sessions/{id}/toggle-featured",
    "toggleFeatured",
    "is_featured",
    "Set whether a lesson is featured.",
    "#/components/schemas/FeaturedFlag"
);

async fn set(
    caller: &Caller,
    state: &ResourceState,
    id: LessonId,
    field: &str,
    body: &Value,
) -> Result<Json<Value>, HttpProblem> {
    let VisibleLesson { scope, lesson, .. } = VisibleLesson::find(state, caller, id).await?;
    scope.check_change(&lesson, [field].into_iter())?;
    let Some(flag) = body.get(field).filter(|value| value.is_boolean()) else {
        let message = format!("must be true or false, like {{\"{field}\": true}}");
        return Err(HttpProblem::fields(FieldError::new(format!("/{field}"), "missing_value", message)));
    };
    let mut change = Map::from_iter([(field.to_owned(), flag.clone())]);
    if let Some(minutes) = body.get("alarm_before_minutes").filter(|_| field == "alarm_enabled") {
        change.insert("alarm_before_minutes".to_owned(), minutes.clone());
    }
    let write = CallerWrite { state, resource: &LESSONS, caller, parameters: &[] };
    let lesson = write.change(id_of(&lesson), &HeaderMap::new(), false, &Value::Object(change)).await?;
    let mut answer = json!({ "message": "the lesson was changed", "session_id": lesson["id"] });
    answer[field] = lesson[field].clone();
    Ok(Json(answer))
}
