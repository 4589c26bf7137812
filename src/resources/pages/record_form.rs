//! The form of a row: made from the fields of its resource, written by the operation of the API.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use super::form_values::{BoundField, FormContext, bind, read};
use super::item_rows::{self, ItemTable};
use super::state::{RowPathId, TableState};
use crate::http::etag::if_match;
use crate::http::problem::HttpProblem;
use crate::resources::{Audience, DefaultValue, FieldUsage, ResourceField, TableResource, ValueKind};
use crate::web::document::version;
use crate::web::fields::{CHANGED_MEANWHILE, FormField, FormFields, sentence};
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::frame::Frame;
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffOperator, Visitor, redirect};

#[derive(Template)]
#[template(path = "records/form.html")]
struct RecordFormPage {
    frame: Frame,
    title: &'static str,
    list_path: &'static str,
    heading: String,
    action: String,
    back: String,
    version: String,
    form: FormFields,
    /// The fields outside tables.
    fields: Vec<FormField>,
    tables: Vec<ItemTable>,
    submit: &'static str,
}

/// The form that is being filled in.
struct OpenRecord {
    form: FormFields,
    bound: Vec<BoundField>,
    tables: Vec<ItemTable>,
    /// The row; none for a new one.
    document: Option<Value>,
}

/// Returns the fields that a form of a resource has. A new row may need inputs in place of some.
fn written(state: &TableState, is_new: bool) -> Vec<&'static ResourceField> {
    let resource: &'static TableResource = state.page.resource;
    let mut fields: Vec<&'static ResourceField> = Vec::new();
    let is_shown = |field: &&ResourceField| {
        let is_written = !matches!(field.usage, FieldUsage::ReadOnly) && field.audience <= Audience::Operator;
        is_written && !matches!(field.kind, ValueKind::Labels | ValueKind::Record(_))
    };
    for field in resource.fields.iter().filter(is_shown).filter(|field| !state.page.hidden.contains(&field.name)) {
        match field.usage {
            FieldUsage::RequiredOr(inputs) if is_new => {
                fields.extend(resource.inputs.iter().filter(|input| inputs.contains(&input.name)));
            }
            _ => fields.push(field),
        }
    }
    fields
}

/// Returns the value of a field in a new row.
fn default_of(field: &ResourceField) -> Value {
    match field.usage {
        FieldUsage::Optional(DefaultValue::EmptyList) => Value::Null,
        FieldUsage::Optional(default) => default.json(),
        _ => Value::Null,
    }
}

/// Opens the form. `sent`: what was typed.
async fn open(state: &TableState, document: Option<Value>, sent: Option<&CsrfForm>) -> Result<OpenRecord, PageProblem> {
    let zone = state.resources().server.config.zone();
    let mut db = state.connection().await?;
    let mut context = FormContext { db: &mut db, tables: &state.tables, zone: &zone };
    let (mut fields, mut bound, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    for field in written(state, document.is_none()) {
        let (label, hint) = (state.page.label(field.name), state.page.hint(field.name));
        let value = document.as_ref().map_or_else(|| default_of(field), |document| document[field.name].clone());
        if let ValueKind::Items(parts) = &field.kind {
            let (table, cells) = item_rows::open(&mut context, state.page, field.name, parts, &value, sent).await?;
            for (cell, shown) in cells {
                bound.push(cell);
                fields.push(shown);
            }
            tables.push(ItemTable { label, hint, ..table });
            continue;
        }
        let (one, shown) = bind(&mut context, field, (field.name.to_owned(), label, hint.to_owned()), &value).await?;
        bound.push(one);
        fields.push(shown);
    }
    Ok(OpenRecord { form: FormFields::new(fields), bound, tables, document })
}

fn watched(state: &TableState) -> Vec<&'static str> {
    written(state, false).iter().map(|field| field.name).collect()
}

async fn render(
    visitor: &Visitor,
    state: &TableState,
    status: StatusCode,
    open: OpenRecord,
) -> Result<Response, PageProblem> {
    let page = state.page;
    let (heading, action, submit) = match &open.document {
        Some(document) => {
            let id = document["id"].as_i64().unwrap_or_default();
            (format!("Change {}", state.name_of(id).await?), page.item_path(id), "Save")
        }
        None => (format!("New {}", page.resource.noun), page.path.to_owned(), "Create"),
    };
    let in_tables = |field: &&FormField| open.tables.iter().any(|table| table.contains(&field.name));
    let fields = open.form.fields.iter().filter(|field| !in_tables(field)).cloned().collect();
    Ok(visitor.page_with(
        status,
        &RecordFormPage {
            frame: visitor.frame(heading.as_str(), state.group().place),
            title: page.title,
            list_path: page.path,
            heading,
            back: action.clone(),
            action,
            version: open.document.as_ref().map(|document| version(document, &watched(state))).unwrap_or_default(),
            fields,
            tables: open.tables,
            form: open.form,
            submit,
        },
    ))
}

/// Shows the form of a new row.
pub(super) async fn show_new(StaffOperator(visitor): StaffOperator, State(state): State<TableState>) -> Response {
    let shown = async { render(&visitor, &state, StatusCode::OK, open(&state, None, None).await?).await };
    shown.await.unwrap_or_else(|problem| visitor.problem(problem))
}

/// Shows the form of a row.
pub(super) async fn show_known(
    StaffOperator(visitor): StaffOperator,
    State(state): State<TableState>,
    id: RowPathId,
) -> Response {
    let shown = async {
        let (_, document) = state.document(&visitor, id).await?;
        render(&visitor, &state, StatusCode::OK, open(&state, Some(document), None).await?).await
    };
    shown.await.unwrap_or_else(|problem| visitor.problem(problem))
}

/// Creates a row.
pub(super) async fn create(
    StaffOperator(visitor): StaffOperator,
    State(state): State<TableState>,
    form: CsrfForm,
) -> Response {
    finish(&visitor, &state, save(&visitor, &state, None, &form).await, "created").await
}

/// Changes a row.
pub(super) async fn change(
    StaffOperator(visitor): StaffOperator,
    State(state): State<TableState>,
    id: RowPathId,
    form: CsrfForm,
) -> Response {
    let saved = async {
        let (_, document) = state.document(&visitor, id).await?;
        save(&visitor, &state, Some(document), &form).await
    };
    finish(&visitor, &state, saved.await, "saved").await
}

/// What became of a form.
enum SavedRecord {
    Done(Value),
    /// The form is shown again.
    Open(StatusCode, Box<OpenRecord>),
}

async fn finish(
    visitor: &Visitor,
    state: &TableState,
    saved: Result<SavedRecord, PageProblem>,
    done: &str,
) -> Response {
    let answered = async {
        Ok(match saved? {
            SavedRecord::Done(document) => {
                let id = document["id"].as_i64().unwrap_or_default();
                let name = state.name_of(id).await?;
                redirect(&state.page.item_path(id), &Flash::done(format!("{name} is {done}.")))
            }
            SavedRecord::Open(status, open) => render(visitor, state, status, *open).await?,
        })
    };
    answered.await.unwrap_or_else(|problem: PageProblem| visitor.problem(problem))
}

async fn save(
    visitor: &Visitor,
    state: &TableState,
    document: Option<Value>,
    sent: &CsrfForm,
) -> Result<SavedRecord, PageProblem> {
    let before = open(state, document.clone(), None).await?.form;
    let mut open = open(state, document, Some(sent)).await?;
    open.form.take(sent);
    if sent.is_set("more") {
        return Ok(SavedRecord::Open(StatusCode::OK, Box::new(open)));
    }
    item_rows::set_required(&open.tables, &mut open.form);
    open.form.check_required();
    let body = body(state, &mut open, &before).await?;
    let known = open.document.as_ref();
    if known.is_some_and(|document| sent.get("version") != version(document, &watched(state))) {
        open.form.problems.push(CHANGED_MEANWHILE.to_owned());
        return Ok(SavedRecord::Open(StatusCode::CONFLICT, Box::new(open)));
    }
    if open.form.is_wrong() {
        return Ok(SavedRecord::Open(StatusCode::UNPROCESSABLE_ENTITY, Box::new(open)));
    }
    let write = state.write(visitor, &[]);
    let written = match known {
        Some(document) if body.is_empty() => return Ok(SavedRecord::Done(document.clone())),
        Some(document) => {
            let id = document["id"].as_i64().unwrap_or_default();
            write.change(id, &if_match(document), false, &Value::Object(body)).await
        }
        None => write.create_documents(&Value::Object(body)).await.map(|mut all| all.pop().unwrap_or_default()),
    };
    match written {
        Ok(document) => Ok(SavedRecord::Done(document)),
        Err(problem) => {
            add_refusal(state, &mut open, &problem);
            Ok(SavedRecord::Open(problem.status(), Box::new(open)))
        }
    }
}

/// Returns the fields of the document that the form gives: all of a new row, the changed ones of another.
async fn body(
    state: &TableState,
    open: &mut OpenRecord,
    before: &FormFields,
) -> Result<Map<String, Value>, PageProblem> {
    let zone = state.resources().server.config.zone();
    let mut db = state.connection().await?;
    let mut context = FormContext { db: &mut db, tables: &state.tables, zone: &zone };
    let is_new = open.document.is_none();
    let mut body = Map::new();
    for bound in open.bound.iter().filter(|bound| open.tables.iter().all(|table| !table.contains(&bound.name))) {
        let typed = open.form.values(&bound.name).to_vec();
        let is_empty = typed.is_empty() && !matches!(bound.field.kind, ValueKind::Flag);
        let is_same = typed == before.values(&bound.name);
        // A new row gets the default of what is left out.
        if open.form.field(&bound.name).is_wrong() || (is_new && is_empty) || (!is_new && is_same) {
            continue;
        }
        match read(&mut context, bound, &typed).await? {
            Ok(value) => drop(body.insert(bound.name.clone(), value)),
            Err(error) => open.form.refuse(&bound.name, error),
        }
    }
    for table in &open.tables {
        let old: Vec<(String, Vec<String>)> = item_rows::contents(table, before);
        if !is_new && item_rows::contents(table, &open.form) == old {
            continue;
        }
        let items = item_rows::read_items(&mut context, table, &open.bound, &mut open.form).await?;
        if !(is_new && items.is_empty()) {
            body.insert(table.name.to_owned(), items.into());
        }
    }
    Ok(body)
}

/// Says in the form why its document was refused.
fn add_refusal(state: &TableState, open: &mut OpenRecord, problem: &HttpProblem) {
    let (form, tables) = (&mut open.form, &open.tables);
    if problem.status() == StatusCode::PRECONDITION_FAILED {
        form.problems.push(CHANGED_MEANWHILE.to_owned());
        return;
    }
    let resource = state.page.resource;
    let known = |name: &str| resource.fields.iter().chain(resource.inputs).any(|field| field.name == name);
    let in_words = |message: &str| {
        let word = |word: &str| {
            let name = word.trim_end_matches([':', ',', ';', '.', ')']);
            match known(name) && name.contains('_') {
                true => format!("“{}”{}", state.page.label(name), &word[name.len()..]),
                false => word.to_owned(),
            }
        };
        sentence(&message.split(' ').map(word).collect::<Vec<_>>().join(" "))
    };
    for error in problem.errors() {
        let place = error.pointer.trim_start_matches('/').replace('/', "-");
        let is_field = |name: &str| form.fields.iter().any(|field| field.name == name);
        let place = tables.iter().find_map(|table| item_rows::cell_of(table, form, &place)).unwrap_or(place);
        let first = place.split('-').next().unwrap_or_default().to_owned();
        let name = if is_field(&place) || !is_field(&first) { place } else { first };
        form.refuse(&name, in_words(&error.message));
    }
    if problem.errors().is_empty() {
        form.problems.push(in_words(problem.detail()));
    }
}
