//! The form of a session.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::forms::{
    EventPathId, FieldContent, SessionPathIds, add_changes, add_refusal, known_event, known_session, options,
    parameters, session_write, typed, warnings,
};
use super::times::{TimeFault, in_zone, read_time};
use crate::error::Error;
use crate::http::etag::if_match;
use crate::http::problem::HttpProblem;
use crate::resources::api::ResourceState;
use crate::tutorials::api::sessions_of_event;
use crate::tutorials::store::{self, EventChoices};
use crate::tutorials::zone_of;
use crate::web::document::{list, text, version};
use crate::web::fields::{CHANGED_MEANWHILE, FormField, FormFields};
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffOperator, Visitor, redirect};

/// The fields whose content is the value of the document.
const CONTENTS: [(&str, FieldContent); 5] = [
    ("title", FieldContent::Text),
    ("location_id", FieldContent::Number),
    ("venue_id", FieldContent::Number),
    ("url", FieldContent::Text),
    ("instructor_ids", FieldContent::Ids),
];

/// The fields whose change by another user is noticed.
const WATCHED: [&str; 7] = ["title", "location_id", "venue_id", "url", "instructor_ids", "start_date", "end_date"];

#[derive(Template)]
#[template(path = "timetable/session_form.html")]
struct SessionFormPage {
    frame: Frame,
    heading: String,
    event: String,
    code: String,
    zone: String,
    action: String,
    version: String,
    form: FormFields,
    clashes: Vec<String>,
    is_new: bool,
}

/// The form that is being filled in.
struct OpenSessionForm {
    form: FormFields,
    event: Value,
    /// The session; none for a new one.
    session: Option<Value>,
    clashes: Vec<String>,
}

/// Returns the fields of the form with the values of a session, or empty ones.
fn fields(choices: &EventChoices, event: &Value, session: &Value) -> FormFields {
    let chosen = |name: &str| vec![typed(&session[name])];
    let teachers: Vec<String> = list(&session["instructor_ids"]).map(typed).collect();
    let place = |name: &str| match event[name].as_str() {
        Some(place) => format!("As the event: {place}"),
        None => "As the event".to_owned(),
    };
    let mut form = FormFields::new(vec![
        FormField::line("title", "Title").required().hinted("Such as Day 1, at most 255 characters"),
        FormField::typed("start_day", "Day", "date").required(),
        FormField::typed("start_time", "Begins", "time").required(),
        FormField::typed("end_time", "Ends", "time").required(),
        FormField::typed("end_day", "Last day", "date").hinted("Only if it ends on another day"),
        FormField::select(
            "location_id",
            "Location",
            options(&choices.locations, &chosen("location_id"), Some(&place("location"))),
        ),
        FormField::select("venue_id", "Venue", options(&choices.venues, &chosen("venue_id"), Some(&place("venue")))),
        FormField::boxes("instructor_ids", "Instructors", options(&choices.instructors, &teachers, None)),
        FormField::typed("url", "Address to join online", "url"),
    ]);
    for (name, content) in CONTENTS {
        match content {
            FieldContent::Ids => form.set_all(name, teachers.clone()),
            _ => form.set(name, typed(&session[name])),
        }
    }
    let zone = zone_of(&text(&event["time_zone"]));
    let at = |name: &str| in_zone(&text(&session[name]), &zone);
    if let (Some(start), Some(end)) = (at("start_date"), at("end_date")) {
        form.set("start_day", start.date().to_string());
        form.set("start_time", start.strftime("%H:%M").to_string());
        form.set("end_time", end.strftime("%H:%M").to_string());
        let is_other_day = start.date() != end.date();
        form.set("end_day", if is_other_day { end.date().to_string() } else { String::new() });
    }
    form
}

/// Returns the field of the form that shows a field of the document.
fn field_of(pointer: &str) -> &'static str {
    let name = pointer.split('/').next().unwrap_or_default();
    match name {
        "start_date" => "start_time",
        "end_date" => "end_time",
        name => CONTENTS.into_iter().map(|(known, _)| known).find(|known| *known == name).unwrap_or_default(),
    }
}

async fn open(state: &ResourceState, event: Value, session: Option<Value>) -> Result<OpenSessionForm, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let choices = store::event_choices(&mut db).await?;
    let null = Value::Null;
    let form = fields(&choices, &event, session.as_ref().unwrap_or(&null));
    Ok(OpenSessionForm { form, event, session, clashes: Vec::new() })
}

fn render(visitor: &Visitor, status: StatusCode, open: OpenSessionForm) -> Response {
    let event = format!("/events/{}", open.event["id"]);
    let code = text(&open.event["code"]);
    let (heading, action) = match &open.session {
        Some(session) => {
            (format!("Change {} of {code}", text(&session["title"])), format!("{event}/sessions/{}", session["id"]))
        }
        None => (format!("New session of {code}"), format!("{event}/sessions")),
    };
    visitor.page_with(
        status,
        &SessionFormPage {
            frame: visitor.frame(heading.as_str(), NavPlace::Timetable),
            heading,
            event,
            code,
            zone: text(&open.event["time_zone"]),
            action,
            version: open.session.as_ref().map(|session| version(session, &WATCHED)).unwrap_or_default(),
            form: open.form,
            clashes: open.clashes,
            is_new: open.session.is_none(),
        },
    )
}

/// Shows the form of a new session. It begins with the hours and people of the last one.
pub(super) async fn show_new(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    id: EventPathId,
) -> Response {
    let opened: Result<OpenSessionForm, PageProblem> = async {
        let event = known_event(&visitor, &state, id).await?;
        let last = last_session(&visitor, &state, &event).await?;
        let first_day = text(&event["start_date"]);
        let mut open = open(&state, event, None).await?;
        propose(&mut open, last.as_ref(), &first_day);
        Ok(open)
    }
    .await;
    match opened {
        Ok(open) => render(&visitor, StatusCode::OK, open),
        Err(problem) => visitor.problem(problem),
    }
}

async fn last_session(visitor: &Visitor, state: &ResourceState, event: &Value) -> Result<Option<Value>, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let id = event["id"].as_i64().unwrap_or_default();
    Ok(sessions_of_event(&mut db, state, &visitor.caller, id).await?.pop())
}

/// Fills in what the new session probably has in common with the last one.
fn propose(open: &mut OpenSessionForm, last: Option<&Value>, first_day: &str) {
    let Some(last) = last else {
        open.form.set("start_day", first_day);
        open.form.set("title", "Day 1");
        open.form.set_all("instructor_ids", list(&open.event["instructor_ids"]).map(typed).collect());
        return;
    };
    let zone = zone_of(&text(&open.event["time_zone"]));
    let at = |name: &str| in_zone(&text(&last[name]), &zone);
    if let (Some(start), Some(end)) = (at("start_date"), at("end_date")) {
        let next: Date = start.date().tomorrow().unwrap_or(start.date());
        open.form.set("start_day", next.to_string());
        open.form.set("start_time", start.strftime("%H:%M").to_string());
        open.form.set("end_time", end.strftime("%H:%M").to_string());
    }
    let sequence = last["sequence"].as_i64().unwrap_or_default();
    open.form.set("title", format!("Day {}", sequence + 1));
    for name in ["location_id", "venue_id"] {
        open.form.set(name, typed(&last[name]));
    }
    open.form.set_all("instructor_ids", list(&last["instructor_ids"]).map(typed).collect());
}

/// Shows the form of a session.
pub(super) async fn show_known(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    ids: SessionPathIds,
) -> Response {
    let opened = async {
        let (event, session) = known_session(&visitor, &state, ids).await?;
        open(&state, event, Some(session)).await
    };
    match opened.await {
        Ok(open) => render(&visitor, StatusCode::OK, open),
        Err(problem) => visitor.problem(problem),
    }
}

/// Adds a session to an event.
pub(super) async fn create(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    id: EventPathId,
    form: CsrfForm,
) -> Response {
    let saved = async {
        let event = known_event(&visitor, &state, id).await?;
        save(&visitor, &state, open(&state, event, None).await?, &form).await
    };
    respond(&visitor, saved.await, form.is_set("again"))
}

/// Changes a session.
pub(super) async fn change(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    ids: SessionPathIds,
    form: CsrfForm,
) -> Response {
    let saved = async {
        let (event, session) = known_session(&visitor, &state, ids).await?;
        save(&visitor, &state, open(&state, event, Some(session)).await?, &form).await
    };
    respond(&visitor, saved.await, false)
}

/// What became of a form.
enum SavedSession {
    Done(Value),
    Refused(StatusCode, Box<OpenSessionForm>),
}

fn respond(visitor: &Visitor, saved: Result<SavedSession, PageProblem>, is_again: bool) -> Response {
    match saved {
        Ok(SavedSession::Done(session)) => {
            let event = &session["tutorial_event"];
            let path = if is_again { format!("/events/{event}/sessions/new") } else { format!("/events/{event}") };
            redirect(&path, &Flash::done(format!("“{}” is saved.{}", text(&session["title"]), warnings(&session))))
        }
        Ok(SavedSession::Refused(status, open)) => render(visitor, status, *open),
        Err(problem) => visitor.problem(problem),
    }
}

async fn save(
    visitor: &Visitor,
    state: &ResourceState,
    mut open: OpenSessionForm,
    sent: &CsrfForm,
) -> Result<SavedSession, PageProblem> {
    let before = open.form.clone();
    open.form.take(sent);
    open.form.check_required();
    let mut body = Map::new();
    add_changes(&mut open.form, &before, &CONTENTS, &mut body);
    add_times(&mut open, &before, &mut body);
    if open.session.as_ref().is_some_and(|session| sent.get("version") != version(session, &WATCHED)) {
        open.form.problems.push(CHANGED_MEANWHILE.to_owned());
        return Ok(SavedSession::Refused(StatusCode::CONFLICT, Box::new(open)));
    }
    if open.form.is_wrong() {
        return Ok(SavedSession::Refused(StatusCode::UNPROCESSABLE_ENTITY, Box::new(open)));
    }
    let parameters = parameters(sent);
    let write = session_write(state, visitor, &parameters);
    let written = match &open.session {
        Some(session) if body.is_empty() => return Ok(SavedSession::Done(session.clone())),
        Some(session) => {
            let id = session["id"].as_i64().unwrap_or_default();
            write.change(id, &if_match(session), false, &Value::Object(body)).await
        }
        None => {
            body.insert("tutorial_event".to_owned(), open.event["id"].clone());
            write.create_documents(&Value::Object(body)).await.map(|mut all| all.pop().unwrap_or_default())
        }
    };
    match written {
        Ok(session) => Ok(SavedSession::Done(session)),
        Err(problem) => Ok(refused(open, &problem)),
    }
}

fn refused(mut open: OpenSessionForm, problem: &HttpProblem) -> SavedSession {
    open.clashes = add_refusal(&mut open.form, problem, &text(&open.event["time_zone"]), field_of);
    SavedSession::Refused(problem.status(), Box::new(open))
}

/// Adds begin and end where they are typed differently: an unchanged time is stored as it is.
fn add_times(open: &mut OpenSessionForm, before: &FormFields, body: &mut Map<String, Value>) {
    let zone = zone_of(&text(&open.event["time_zone"]));
    let times = |form: &FormFields| {
        let value = |name: &str| form.value(name).to_owned();
        let start = (value("start_day"), value("start_time"));
        let end_day = if value("end_day").is_empty() { start.0.clone() } else { value("end_day") };
        [("start_date", start), ("end_date", (end_day, value("end_time")))]
    };
    for ((name, (day, time)), (_, stored)) in times(&open.form).into_iter().zip(times(before)) {
        if (&day, &time) == (&stored.0, &stored.1) || day.is_empty() || time.is_empty() {
            continue;
        }
        let (day_field, time_field) =
            if name == "start_date" { ("start_day", "start_time") } else { ("end_day", "end_time") };
        match read_time(&day, &time, &zone) {
            Ok(time) => drop(body.insert(name.to_owned(), json!(time))),
            Err(TimeFault::Day(error)) => open.form.refuse(day_field, error),
            Err(TimeFault::Time(error)) => open.form.refuse(time_field, error),
        }
    }
}
