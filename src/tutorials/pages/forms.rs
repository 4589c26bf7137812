//! What the forms of events and sessions have in common.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::times::{in_zone, session_times};
use crate::error::Error;
use crate::http::problem::HttpProblem;
use crate::resources::api::{CallerWrite, ResourceState};
use crate::resources::{TableResource, api};
use crate::tutorials::api::resources::events::EVENTS;
use crate::tutorials::api::resources::sessions::SESSIONS;
use crate::tutorials::store::NamedChoice;
use crate::tutorials::zone_of;
use crate::web::document::{list, text};
use crate::web::fields::{CHANGED_MEANWHILE, FieldOption, FormFields};
use crate::web::form::CsrfForm;
use crate::web::problem::PageProblem;
use crate::web::visitor::Visitor;

/// The id of an event in a path.
pub(super) type EventPathId = Result<Path<i64>, PathRejection>;

/// The ids of an event and one of its sessions in a path.
pub(super) type SessionPathIds = Result<Path<(i64, i64)>, PathRejection>;

pub(super) fn unknown_event() -> PageProblem {
    PageProblem::not_found("there is no such event: the timetable shows those that exist")
}

/// How the content of a field becomes a value of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldContent {
    Text,
    Number,
    Flag,
    Ids,
    /// Texts that are separated by semicolons.
    Names,
}

/// Returns a value of a document as a field contains it.
pub(super) fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "true".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(_) => list(value).map(typed).collect::<Vec<_>>().join("; "),
        _ => String::new(),
    }
}

/// Returns the content of a field as a value of a document.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn value_of(content: FieldContent, values: &[String]) -> Result<Value, &'static str> {
    let text = values.first().map(String::as_str).unwrap_or_default();
    Ok(match content {
        FieldContent::Text if text.is_empty() => Value::Null,
        FieldContent::Text => text.into(),
        FieldContent::Number if text.is_empty() => Value::Null,
        FieldContent::Number => text.parse::<i64>().map_err(|_| "Enter a whole number.")?.into(),
        FieldContent::Flag => (!text.is_empty()).into(),
        FieldContent::Ids => values.iter().filter_map(|id| id.parse::<i64>().ok()).collect(),
        FieldContent::Names => text.split(';').map(str::trim).filter(|name| !name.is_empty()).collect(),
    })
}

/// Adds to a body the fields that were changed. `before`: what the form contained when it was opened.
pub(super) fn add_changes(
    form: &mut FormFields,
    before: &FormFields,
    contents: &[(&'static str, FieldContent)],
    body: &mut Map<String, Value>,
) {
    for (name, content) in contents {
        let (mut old, mut new) = (before.values(name).to_vec(), form.values(name).to_vec());
        old.sort();
        new.sort();
        if old == new {
            continue;
        }
        match value_of(*content, form.values(name)) {
            Ok(value) => drop(body.insert((*name).to_owned(), value)),
            Err(error) => form.refuse(name, error),
        }
    }
}

/// Returns what can be chosen. A choice that is no longer active is offered as long as it is chosen. `none`: the label of no
/// choice.
pub(super) fn options(choices: &[NamedChoice], chosen: &[String], none: Option<&str>) -> Vec<FieldOption> {
    let is_shown = |choice: &&NamedChoice| choice.is_active || chosen.contains(&choice.id.to_string());
    let option = |choice: &NamedChoice| FieldOption {
        group: choice.group_name.clone(),
        ..FieldOption::new(choice.id, choice.name.as_str())
    };
    none.map(|label| FieldOption::new("", label))
        .into_iter()
        .chain(choices.iter().filter(is_shown).map(option))
        .collect()
}

/// Adds to a form why its document was refused, and returns the clashes, which are shown above the fields.
pub(super) fn add_refusal<N: AsRef<str>>(
    form: &mut FormFields,
    problem: &HttpProblem,
    zone: &str,
    field_of: impl Fn(&str) -> N,
) -> Vec<String> {
    let clashes = clash_lines(problem, zone);
    match problem.status() {
        StatusCode::PRECONDITION_FAILED => form.problems.push(CHANGED_MEANWHILE.to_owned()),
        _ if clashes.is_empty() => form.take_problem(problem, field_of),
        _ => {}
    }
    clashes
}

/// Returns what clashes, in words, if that is why the operation was refused.
fn clash_lines(problem: &HttpProblem, zone: &str) -> Vec<String> {
    let clash = |clash: &Value| {
        let times = session_times(&text(&clash["start_date"]), &text(&clash["end_date"]), zone);
        format!(
            "{} is booked by “{}” of {}: {}, {}",
            text(&clash["name"]),
            text(&clash["title"]),
            text(&clash["event"]),
            times.day,
            times.hours
        )
    };
    problem.member("clashes").map(|clashes| list(clashes).map(clash).collect()).unwrap_or_default()
}

/// Returns the parameters with which a form writes.
pub(super) fn parameters(form: &CsrfForm) -> Vec<(String, String)> {
    let allowed = form.is_set("allow_clash").then(|| ("allow_clash".to_owned(), "1".to_owned()));
    allowed.into_iter().collect()
}

/// Returns a write to events.
pub(super) fn event_write<'a>(
    state: &'a ResourceState,
    visitor: &'a Visitor,
    parameters: &'a [(String, String)],
) -> CallerWrite<'a> {
    CallerWrite { state, resource: &EVENTS, caller: &visitor.caller, parameters }
}

/// Returns a write to sessions.
pub(super) fn session_write<'a>(
    state: &'a ResourceState,
    visitor: &'a Visitor,
    parameters: &'a [(String, String)],
) -> CallerWrite<'a> {
    CallerWrite { state, resource: &SESSIONS, caller: &visitor.caller, parameters }
}

/// Returns the event of a path as the visitor sees it.
///
/// # Errors
/// 404, or when the database cannot be read.
pub(super) async fn known_event(
    visitor: &Visitor,
    state: &ResourceState,
    id: EventPathId,
) -> Result<Value, PageProblem> {
    let Path(id) = id.map_err(|_| unknown_event())?;
    document(visitor, state, &EVENTS, id).await?.ok_or_else(unknown_event)
}

/// Returns the event and the session of a path as the visitor sees them.
///
/// # Errors
/// 404, or when the database cannot be read.
pub(super) async fn known_session(
    visitor: &Visitor,
    state: &ResourceState,
    ids: SessionPathIds,
) -> Result<(Value, Value), PageProblem> {
    let Path((event, id)) = ids.map_err(|_| unknown_event())?;
    let event = document(visitor, state, &EVENTS, event).await?.ok_or_else(unknown_event)?;
    let session = document(visitor, state, &SESSIONS, id).await?;
    let session = session.filter(|session| session["tutorial_event"] == event["id"]);
    let unknown = || PageProblem::not_found("the event has no such session: its page shows those that exist");
    Ok((event, session.ok_or_else(unknown)?))
}

/// Returns the document of a row as the visitor sees it.
///
/// # Errors
/// When the database cannot be read.
async fn document(
    visitor: &Visitor,
    state: &ResourceState,
    resource: &TableResource,
    id: i64,
) -> Result<Option<Value>, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    Ok(api::documents(&mut db, state, resource, &visitor.caller, &[id]).await?.pop())
}

/// Returns what is unusual about a document, as an addition to a message.
pub(super) fn warnings(document: &Value) -> String {
    list(&document["warnings"]).map(|warning| format!(" Note: {}.", text(&warning["message"]))).collect()
}

/// Returns a stored time as an input for a day with its time contains it.
pub(super) fn local_input(stored: &Value, zone: &str) -> String {
    let at = in_zone(&text(stored), &zone_of(zone));
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::web::fields::FormField;

    #[test]
    fn only_changed_fields_are_written() {
        let contents = [
            ("code", FieldContent::Text),
            ("places", FieldContent::Number),
            ("sale", FieldContent::Flag),
            ("ids", FieldContent::Ids),
            ("names", FieldContent::Names),
        ];
        let form = || FormFields::new(contents.map(|(name, _)| FormField::line(name, name)).to_vec());
        let mut before = form();
        before.set("code", "A");
        before.set_all("ids", vec!["2".into(), "1".into()]);
        let mut changed = before.clone();
        changed.set_all("ids", vec!["1".into(), "2".into()]);
        let mut body = Map::new();
        add_changes(&mut changed, &before, &contents, &mut body);
        assert!(body.is_empty() && !changed.is_wrong());
        changed.set("code", "");
        changed.set("places", "12");
        changed.set("sale", "true");
        changed.set("names", "Ann Lee; Bob Ray ;");
        changed.set_all("ids", vec!["3".into()]);
        add_changes(&mut changed, &before, &contents, &mut body);
        let expected = json!({ "code": null, "places": 12, "sale": true, "ids": [3], "names": ["Ann Lee", "Bob Ray"] });
        assert_eq!(Value::Object(body), expected);
        changed.set("places", "many");
        add_changes(&mut changed, &before, &contents, &mut Map::new());
        assert_eq!(changed.field("places").error, "Enter a whole number.");
    }
}
