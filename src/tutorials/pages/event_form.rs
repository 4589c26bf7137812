//! The form of an event.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use super::custom_fields;
use super::forms::{
    EventPathId, FieldContent, add_changes, add_refusal, event_write, known_event, local_input, options, parameters,
    typed, warnings,
};
use crate::error::Error;
use crate::http::etag::if_match;
use crate::http::problem::HttpProblem;
use crate::resources::api::ResourceState;
use crate::tutorials::store::{self, EventChoices, NamedChoice};
use crate::tutorials::zone_of;
use crate::web::document::{list, text, version};
use crate::web::fields::{CHANGED_MEANWHILE, FieldOption, FormField, FormFields};
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::typed_time::read_date_time;
use crate::web::visitor::{StaffOperator, Visitor, redirect};

/// The fields whose content is the value of the document, and how it is written.
const CONTENTS: [(&str, FieldContent); 17] = [
    ("code", FieldContent::Text),
    ("course_template_id", FieldContent::Number),
    ("location_id", FieldContent::Number),
    ("venue_id", FieldContent::Number),
    ("start_date", FieldContent::Text),
    ("end_date", FieldContent::Text),
    ("finalisation_date", FieldContent::Text),
    ("max_places", FieldContent::Number),
    ("remain_space", FieldContent::Number),
    ("is_soldout", FieldContent::Flag),
    ("web_sale", FieldContent::Flag),
    ("learning_mode", FieldContent::Text),
    ("time_zone", FieldContent::Text),
    ("sitting", FieldContent::Text),
    ("event_url", FieldContent::Text),
    ("instructor_ids", FieldContent::Ids),
    ("administrators", FieldContent::Names),
];

/// The field of the product: its code is typed, its id is stored.
const PRODUCT: &str = "product_id";

/// The times of the learning platform, which are typed in the zone of the event.
const LMS_TIMES: [&str; 2] = ["lms_start", "lms_end"];

const LOCAL_ONLY: &str = "local_only";

#[derive(Template)]
#[template(path = "timetable/event_form.html")]
struct EventFormPage {
    frame: Frame,
    heading: String,
    /// Where the form is sent, and where it leads without being sent.
    action: String,
    back: String,
    version: String,
    form: FormFields,
    clashes: Vec<String>,
    submit: &'static str,
}

/// The form that is being filled in.
struct OpenEventForm {
    form: FormFields,
    /// The event; none for a new one.
    event: Option<Value>,
    clashes: Vec<String>,
}

/// Returns the fields of the form with the values of an event, or empty ones.
fn fields(choices: &EventChoices, products: Vec<String>, event: &Value, default_zone: &str) -> FormFields {
    let chosen = |name: &str| vec![typed(&event[name])];
    let select = |name, label, choices: &[NamedChoice], none| {
        FormField::select(name, label, options(choices, &chosen(name), Some(none)))
    };
    let teachers: Vec<String> = list(&event["instructor_ids"]).map(typed).collect();
    let modes =
        [("", "As the course template says"), ("blended", "Blended"), ("classroom", "Classroom"), ("lms", "LMS")];
    let mut product = FormField::line(PRODUCT, "Store product").required().hinted("Its code, such as CM2/LON/2026-04");
    product.suggestions = products;
    let zone = typed(&event["time_zone"]);
    let zone = if zone.is_empty() { default_zone.to_owned() } else { zone };
    let mut all = vec![
        FormField::line("code", "Code")
            .required()
            .hinted("The title of the event in Administrate, at most 100 characters"),
        product,
        select("course_template_id", "Course template", &choices.templates, "None"),
        select("location_id", "Location", &choices.locations, "None yet"),
        select("venue_id", "Venue", &choices.venues, "None yet"),
        FormField::typed("start_date", "First day", "date").required(),
        FormField::typed("end_date", "Last day", "date").required(),
        FormField::typed("finalisation_date", "Finalisation", "date")
            .hinted("The day on which you decide whether it runs"),
        FormField::typed("max_places", "Places in all", "number").hinted("Empty: no limit"),
        FormField::typed("remain_space", "Places left", "number").hinted("Empty: all that are not sold"),
        FormField::check("is_soldout", "Sold out"),
        FormField::check("web_sale", "On sale in the web shop of Administrate"),
        FormField::select(
            "learning_mode",
            "Learning mode",
            modes.map(|(value, label)| FieldOption::new(value, label)).to_vec(),
        ),
        FormField::line("time_zone", "Time zone")
            .required()
            .hinted("All times of the event and its sessions are in it"),
        FormField::typed("lms_start", "Learning platform opens", "datetime-local"),
        FormField::typed("lms_end", "Learning platform closes", "datetime-local"),
        FormField::line("sitting", "Sitting").hinted("As Administrate shows it, such as 2026A"),
        FormField::typed("event_url", "Address of the event", "url"),
        FormField::boxes("instructor_ids", "Instructors", options(&choices.instructors, &teachers, None)),
        FormField::line("administrators", "Administrators")
            .hinted("Names of contacts in Administrate, with ; between them"),
    ];
    if event["administrate"]["external_id"].is_null() {
        all.push(FormField::check(LOCAL_ONLY, "Keep it here: do not send it to Administrate"));
    }
    let mut form = FormFields::new(all);
    for (name, content) in CONTENTS {
        match content {
            FieldContent::Ids => form.set_all(name, teachers.clone()),
            _ => form.set(name, typed(&event[name])),
        }
    }
    form.set("time_zone", zone.as_str());
    form.set(PRODUCT, text(&event["store_product_code"]));
    form.set(LOCAL_ONLY, typed(&event[LOCAL_ONLY]));
    LMS_TIMES.into_iter().for_each(|name| form.set(name, local_input(&event[name], &zone)));
    form
}

/// Returns the names of the fields whose change by another user is noticed.
fn watched() -> Vec<&'static str> {
    let names = CONTENTS.iter().map(|(name, _)| *name);
    names.chain(LMS_TIMES).chain([PRODUCT, LOCAL_ONLY, "custom_fields"]).collect()
}

/// Returns the field of the form that shows a field of the document.
fn field_of(pointer: &str) -> &'static str {
    let name = pointer.split('/').next().unwrap_or_default();
    watched().into_iter().find(|known| *known == name).unwrap_or_default()
}

async fn open(state: &ResourceState, event: Option<Value>) -> Result<OpenEventForm, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let choices = store::event_choices(&mut db).await?;
    let products = store::tutorial_product_codes(&mut db).await?;
    let null = Value::Null;
    let config = &state.server.config;
    let mut form = fields(&choices, products, event.as_ref().unwrap_or(&null), &config.time_zone);
    form.fields.extend(custom_fields::fields(&mut db, config, event.as_ref().unwrap_or(&null)).await?);
    Ok(OpenEventForm { form, event, clashes: Vec::new() })
}

fn render(visitor: &Visitor, status: StatusCode, open: OpenEventForm) -> Response {
    let known = open.event.as_ref().map(|event| (event["id"].to_string(), text(&event["code"])));
    let (heading, action, submit) = match &known {
        Some((id, code)) => (format!("Change {code}"), format!("/events/{id}"), "Save"),
        None => ("New event".to_owned(), "/events".to_owned(), "Create the event"),
    };
    visitor.page_with(
        status,
        &EventFormPage {
            frame: visitor.frame(heading.as_str(), NavPlace::Timetable),
            heading,
            back: if known.is_some() { action.clone() } else { "/timetable".to_owned() },
            action,
            version: open.event.as_ref().map(|event| version(event, &watched())).unwrap_or_default(),
            form: open.form,
            clashes: open.clashes,
            submit,
        },
    )
}

/// Shows the form of a new event.
pub(super) async fn show_new(StaffOperator(visitor): StaffOperator, State(state): State<ResourceState>) -> Response {
    match open(&state, None).await {
        Ok(open) => render(&visitor, StatusCode::OK, open),
        Err(problem) => visitor.problem(problem),
    }
}

/// Shows the form of an event.
pub(super) async fn show_known(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    id: EventPathId,
) -> Response {
    let opened = async { open(&state, Some(known_event(&visitor, &state, id).await?)).await };
    match opened.await {
        Ok(open) => render(&visitor, StatusCode::OK, open),
        Err(problem) => visitor.problem(problem),
    }
}

/// Creates an event.
pub(super) async fn create(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    form: CsrfForm,
) -> Response {
    match save(&visitor, &state, None, &form).await {
        Ok(SavedEvent::Done(event)) => {
            let text = format!("{} is created. Add its sessions.{}", text(&event["code"]), warnings(&event));
            redirect(&format!("/events/{}", event["id"]), &Flash::done(text))
        }
        Ok(SavedEvent::Refused(status, open)) => render(&visitor, status, *open),
        Err(problem) => visitor.problem(problem),
    }
}

/// Changes an event.
pub(super) async fn change(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    id: EventPathId,
    form: CsrfForm,
) -> Response {
    let saved = async {
        let event = known_event(&visitor, &state, id).await?;
        save(&visitor, &state, Some(event), &form).await
    };
    match saved.await {
        Ok(SavedEvent::Done(event)) => {
            let text = format!("{} is saved.{}", text(&event["code"]), warnings(&event));
            redirect(&format!("/events/{}", event["id"]), &Flash::done(text))
        }
        Ok(SavedEvent::Refused(status, open)) => render(&visitor, status, *open),
        Err(problem) => visitor.problem(problem),
    }
}

/// What became of a form.
enum SavedEvent {
    Done(Value),
    Refused(StatusCode, Box<OpenEventForm>),
}

async fn save(
    visitor: &Visitor,
    state: &ResourceState,
    event: Option<Value>,
    sent: &CsrfForm,
) -> Result<SavedEvent, PageProblem> {
    let mut open = open(state, event).await?;
    let before = match open.event {
        Some(_) => open.form.clone(),
        None => FormFields::new(
            open.form.fields.iter().map(|field| FormField { values: vec![], ..field.clone() }).collect(),
        ),
    };
    open.form.take(sent);
    open.form.check_required();
    let body = body(state, &mut open.form, &before).await?;
    if open.event.as_ref().is_some_and(|event| sent.get("version") != version(event, &watched())) {
        open.form.problems.push(CHANGED_MEANWHILE.to_owned());
        return Ok(SavedEvent::Refused(StatusCode::CONFLICT, Box::new(open)));
    }
    if open.form.is_wrong() {
        return Ok(SavedEvent::Refused(StatusCode::UNPROCESSABLE_ENTITY, Box::new(open)));
    }
    let parameters = parameters(sent);
    let write = event_write(state, visitor, &parameters);
    let written = match &open.event {
        Some(event) if body.is_empty() => return Ok(SavedEvent::Done(event.clone())),
        Some(event) => {
            let id = event["id"].as_i64().unwrap_or_default();
            write.change(id, &if_match(event), false, &Value::Object(body)).await
        }
        None => write.create_documents(&Value::Object(body)).await.map(|mut all| all.pop().unwrap_or_default()),
    };
    match written {
        Ok(event) => Ok(SavedEvent::Done(event)),
        Err(problem) => Ok(refused(open, &problem)),
    }
}

fn refused(mut open: OpenEventForm, problem: &HttpProblem) -> SavedEvent {
    let zone = open.form.value("time_zone").to_owned();
    let known = open.form.clone();
    let field_of = |place: &str| custom_fields::field_of(&known, place).unwrap_or_else(|| field_of(place).to_owned());
    open.clashes = add_refusal(&mut open.form, problem, &zone, field_of);
    SavedEvent::Refused(problem.status(), Box::new(open))
}

/// Returns the changed fields of the document.
async fn body(
    state: &ResourceState,
    form: &mut FormFields,
    before: &FormFields,
) -> Result<Map<String, Value>, PageProblem> {
    let mut body = Map::new();
    add_changes(form, before, &CONTENTS, &mut body);
    add_changes(form, before, &[(LOCAL_ONLY, FieldContent::Flag)], &mut body);
    let custom = custom_fields::changed(form, before);
    if !custom.is_empty() {
        body.insert("custom_fields".to_owned(), custom.into());
    }
    let code = form.value(PRODUCT).to_owned();
    if !code.is_empty() && code != before.value(PRODUCT) {
        let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
        match store::product_of_code(&mut db, &code).await? {
            Some(id) => drop(body.insert(PRODUCT.to_owned(), id.into())),
            None => form.refuse(PRODUCT, "No store product has this code. Choose one of the list."),
        }
    }
    let zone = zone_of(form.value("time_zone"));
    for name in LMS_TIMES {
        let typed = form.value(name).to_owned();
        if typed == before.value(name) {
            continue;
        }
        match typed.is_empty() {
            true => drop(body.insert(name.to_owned(), Value::Null)),
            false => match read_date_time(&typed, &zone) {
                Ok(time) => drop(body.insert(name.to_owned(), time.into())),
                Err(error) => form.refuse(name, error),
            },
        }
    }
    Ok(body)
}
