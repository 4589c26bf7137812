//! The form of a lesson. Its series is shown as days while it is being typed.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::form_fields::{body, field_of, fields, rule};
use super::lesson_page::day_of_series;
use super::lesson_view::{LessonNumber, unknown_lesson};
use crate::error::Error;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::lessons::api::operations::{can_create, change_lesson, create_lesson, find_lesson, preview_days};
use crate::lessons::rights::LessonScope;
use crate::lessons::store::choices::{MOST_ENROLMENTS, enrolments};
use crate::resources::api::ResourceState;
use crate::web::document::text;
use crate::web::fields::{CHANGED_MEANWHILE, FormField, FormFields};
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::format::day_label;
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::{PageProblem, respond};
use crate::web::visitor::{Visitor, redirect};

/// Days that are shown of a series.
const DAYS: usize = 24;

#[derive(Template)]
#[template(path = "lessons/form.html")]
struct LessonFormPage {
    frame: Frame,
    heading: String,
    action: String,
    back: String,
    version: String,
    occurrence: String,
    form: FormFields,
    /// The part of the series that is changed; empty where there is no choice.
    scope: String,
    has_rule: bool,
    days: Vec<String>,
    is_new: bool,
}

#[derive(Template)]
#[template(path = "lessons/days.html")]
struct DaysPart {
    days: Vec<String>,
}

/// The form that is being filled in.
struct OpenLessonForm {
    form: FormFields,
    /// The lesson; null for a new one.
    lesson: Value,
    /// The day of a planned lesson of a series.
    occurrence: String,
    scope: String,
    days: Vec<String>,
}

impl OpenLessonForm {
    fn is_new(&self) -> bool {
        self.lesson.is_null()
    }

    fn has_rule(&self) -> bool {
        has_rule(&self.lesson, &self.occurrence)
    }
}

/// Reports whether a lesson can have a rule: it does not belong to another lesson's series.
fn has_rule(lesson: &Value, occurrence: &str) -> bool {
    occurrence.is_empty() && (lesson["series_id"].is_null() || lesson["is_recurring"] == true)
}

async fn open(
    visitor: &Visitor,
    state: &ResourceState,
    lesson: Value,
    occurrence: &str,
) -> Result<OpenLessonForm, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let scope = LessonScope::of(&mut db, &visitor.caller).await?;
    let tutors = match &scope {
        LessonScope::Own(own) => Some(own.tutors.as_slice()),
        LessonScope::All | LessonScope::Enrolled => None,
    };
    let offered = enrolments(&mut db, tutors, lesson["course_enrollment_id"].as_i64()).await?;
    let is_cut = i64::try_from(offered.len()).is_ok_and(|count| count >= MOST_ENROLMENTS);
    let mut form = fields(&offered, &lesson, has_rule(&lesson, occurrence));
    if !occurrence.is_empty() {
        form.set("session_date", occurrence);
    }
    if let Some(field) = form.fields.first_mut().filter(|_| is_cut) {
        field.hint = format!("Only the first {MOST_ENROLMENTS} are offered");
    }
    let is_of_series = !lesson["series_id"].is_null();
    let default = if occurrence.is_empty() && lesson["is_recurring"] == true { "all" } else { "one" };
    Ok(OpenLessonForm {
        form,
        scope: if is_of_series { default.to_owned() } else { String::new() },
        occurrence: occurrence.to_owned(),
        days: Vec::new(),
        lesson,
    })
}

/// Returns a text that changes when the lesson does.
fn version(lesson: &Value) -> String {
    let mut fields = lesson.clone();
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|name, _| !["user_role", "updated_at", "attendance_marked"].contains(&name.as_str()));
    }
    hex::encode(&Sha256::digest(fields.to_string())[..8])
}

fn render(visitor: &Visitor, status: StatusCode, open: OpenLessonForm) -> Response {
    let id = open.lesson["id"].as_i64();
    let (heading, action) = match id {
        Some(id) => (
            format!("Change the lesson of {}", day_label(&text(&open.lesson["session_date"]))),
            format!("/lessons/{id}"),
        ),
        None => ("New lesson".to_owned(), "/lessons".to_owned()),
    };
    visitor.page_with(
        status,
        &LessonFormPage {
            frame: visitor.frame(heading.as_str(), NavPlace::Lessons),
            heading,
            back: action.clone(),
            action,
            version: if open.is_new() { String::new() } else { version(&open.lesson) },
            has_rule: open.has_rule(),
            is_new: open.is_new(),
            occurrence: open.occurrence,
            form: open.form,
            scope: open.scope,
            days: open.days,
        },
    )
}

fn shown(visitor: &Visitor, opened: Result<OpenLessonForm, PageProblem>) -> Response {
    match opened {
        Ok(open) => render(visitor, StatusCode::OK, open),
        Err(problem) => visitor.problem(problem),
    }
}

/// Shows the form of a new lesson.
pub(super) async fn show_new(visitor: Visitor, State(state): State<ResourceState>) -> Response {
    let opened: Result<OpenLessonForm, PageProblem> = async {
        if !can_create(&state, &visitor.caller).await? {
            let detail = "only tutors and operators plan lessons".to_owned();
            return Err(PageProblem { status: StatusCode::FORBIDDEN, detail });
        }
        let mut open = open(&visitor, &state, Value::Null, "").await?;
        open.form.set("session_date", visitor.clock.today().to_string());
        Ok(open)
    }
    .await;
    shown(&visitor, opened)
}

/// Shows the form of a lesson.
pub(super) async fn show_known(
    visitor: Visitor,
    State(state): State<ResourceState>,
    id: LessonNumber,
    query: Pairs,
) -> Response {
    let opened: Result<OpenLessonForm, PageProblem> = async {
        let occurrence = Address::of(query)?.get("occurrence").to_owned();
        let lesson = known(&visitor, &state, id).await?;
        let mut open = open(&visitor, &state, lesson, &occurrence).await?;
        open.days = days_of(&state, &mut open.form.clone()).await?;
        Ok(open)
    }
    .await;
    shown(&visitor, opened)
}

async fn known(visitor: &Visitor, state: &ResourceState, id: LessonNumber) -> Result<Value, PageProblem> {
    let Path(id) = id.map_err(|_| unknown_lesson())?;
    let (lesson, rights) = find_lesson(state, &visitor.caller, id).await?;
    if !rights.can_change {
        let detail = "only the tutor of the lesson and operators change it".to_owned();
        return Err(PageProblem { status: StatusCode::FORBIDDEN, detail });
    }
    Ok(lesson)
}

/// Returns the days of the series that a form describes; none without a series.
async fn days_of(state: &ResourceState, form: &mut FormFields) -> Result<Vec<String>, HttpProblem> {
    let mut lesson = Value::Object(rule(form));
    if lesson["is_recurring"] != true {
        return Ok(Vec::new());
    }
    lesson["session_date"] = form.value("session_date").into();
    lesson["course_enrollment_id"] = json!(form.value("course_enrollment_id").parse::<i64>().ok());
    let days = preview_days(state, &lesson, DAYS).await?;
    Ok(days.iter().map(day_of_series).collect())
}

/// Returns the days of the series that is being typed, as a part of the page.
pub(super) async fn preview(visitor: Visitor, State(state): State<ResourceState>, query: Pairs) -> Response {
    let found: Result<Vec<String>, PageProblem> = async {
        let pairs = pairs(query)?;
        let mut form = fields(&[], &Value::Null, true);
        for field in &mut form.fields {
            let typed = pairs.iter().filter(|(name, value)| *name == field.name && !value.is_empty());
            field.values = typed.map(|(_, value)| value.clone()).collect();
        }
        Ok(days_of(&state, &mut form).await?)
    }
    .await;
    match found {
        Ok(days) => respond(StatusCode::OK, &DaysPart { days }),
        Err(problem) => visitor.problem(problem),
    }
}

/// Creates a lesson.
pub(super) async fn create(visitor: Visitor, State(state): State<ResourceState>, sent: CsrfForm) -> Response {
    let saved = async {
        let open = open(&visitor, &state, Value::Null, "").await?;
        save(&visitor, &state, open, &sent).await
    };
    respond_to(&visitor, saved.await)
}

/// Changes a lesson, or more of its series.
pub(super) async fn change(
    visitor: Visitor,
    State(state): State<ResourceState>,
    id: LessonNumber,
    sent: CsrfForm,
) -> Response {
    let saved = async {
        let lesson = known(&visitor, &state, id).await?;
        let open = open(&visitor, &state, lesson, sent.get("occurrence")).await?;
        save(&visitor, &state, open, &sent).await
    };
    respond_to(&visitor, saved.await)
}

/// What became of a form.
enum SavedLesson {
    Done(Value),
    Shown(StatusCode, Box<OpenLessonForm>),
}

fn respond_to(visitor: &Visitor, saved: Result<SavedLesson, PageProblem>) -> Response {
    match saved {
        Ok(SavedLesson::Done(lesson)) => {
            let day = day_label(&text(&lesson["session_date"]));
            redirect(&format!("/lessons/{}", lesson["id"]), &Flash::done(format!("The lesson of {day} is saved.")))
        }
        Ok(SavedLesson::Shown(status, open)) => render(visitor, status, *open),
        Err(problem) => visitor.problem(problem),
    }
}

async fn save(
    visitor: &Visitor,
    state: &ResourceState,
    mut open: OpenLessonForm,
    sent: &CsrfForm,
) -> Result<SavedLesson, PageProblem> {
    let before = match open.is_new() {
        // A new lesson gets what the form shows, also where it was not typed.
        true => FormFields::new(
            open.form.fields.iter().map(|field| FormField { values: vec![], ..field.clone() }).collect(),
        ),
        false => open.form.clone(),
    };
    open.form.take(sent);
    open.form.check_required();
    open.days = if open.has_rule() { days_of(state, &mut open.form).await? } else { Vec::new() };
    if !open.scope.is_empty() && ["one", "following", "all"].contains(&sent.get("scope")) {
        open.scope = sent.get("scope").to_owned();
    }
    if sent.is_set("preview") {
        return Ok(SavedLesson::Shown(StatusCode::OK, Box::new(open)));
    }
    let body = body(&mut open.form, &before);
    if !open.is_new() && sent.get("version") != version(&open.lesson) {
        open.form.problems.push(CHANGED_MEANWHILE.to_owned());
        return Ok(SavedLesson::Shown(StatusCode::CONFLICT, Box::new(open)));
    }
    if open.form.is_wrong() {
        return Ok(SavedLesson::Shown(StatusCode::UNPROCESSABLE_ENTITY, Box::new(open)));
    }
    match write(visitor, state, &open, body).await {
        Ok(lesson) => Ok(SavedLesson::Done(lesson)),
        Err(problem) => {
            open.form.take_problem(&problem, field_of);
            Ok(SavedLesson::Shown(problem.status(), Box::new(open)))
        }
    }
}

async fn write(
    visitor: &Visitor,
    state: &ResourceState,
    open: &OpenLessonForm,
    body: Map<String, Value>,
) -> Result<Value, HttpProblem> {
    let Some(id) = open.lesson["id"].as_i64() else {
        return create_lesson(state, &visitor.caller, &Value::Object(body)).await;
    };
    if body.is_empty() {
        return Ok(open.lesson.clone());
    }
    let given = [("scope", &open.scope), ("occurrence", &open.occurrence)];
    let parameters: Vec<(String, String)> = given
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    change_lesson(state, &visitor.caller, id, &parameters, &Value::Object(body)).await
}
