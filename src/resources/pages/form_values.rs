//! Values of a document as fields of a form contain them, and back.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::list_page::{MOST_LISTED, searched};
use super::names::{distinct, typed_row};
use super::shown::{whole_day, word_label};
use super::table_set::TableSet;
use crate::error::Result;
use crate::resources::{DefaultValue, FieldUsage, ResourceField, TableResource, ValueKind, store};
use crate::web::document::{list, text};
use crate::web::fields::{FieldLook, FieldOption, FormField};
use crate::web::typed_time::read_date_time;

/// A field of a resource in a form.
#[derive(Debug, Clone)]
pub(super) struct BoundField {
    pub field: &'static ResourceField,
    /// The name of the field in the form.
    pub name: String,
    /// The resource whose rows are referred to by name.
    target: Option<&'static TableResource>,
    /// Whether a row is chosen from a list of all rows, so that its id is sent.
    is_listed: bool,
}

impl BoundField {
    /// Returns the same field under another name.
    pub(super) fn called(&self, name: String) -> BoundField {
        BoundField { name, ..self.clone() }
    }
}

/// What a form needs beside the document.
pub(super) struct FormContext<'a> {
    pub db: &'a mut PgConnection,
    pub tables: &'a TableSet,
    pub zone: &'a jiff::tz::TimeZone,
}

/// Returns a field of a form with the content of a value.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn bind(
    context: &mut FormContext<'_>,
    field: &'static ResourceField,
    (name, label, hint): (String, String, String),
    value: &Value,
) -> Result<(BoundField, FormField)> {
    let mut bound = BoundField { field, name: name.clone(), target: None, is_listed: false };
    let is_required = matches!(field.usage, FieldUsage::Required | FieldUsage::RequiredOr(_));
    let words = |words: &[&str]| words.iter().map(|word| FieldOption::new(word, word_label(word))).collect::<Vec<_>>();
    let shown = match &field.kind {
        ValueKind::Flag => FormField::check(name, label),
        ValueKind::Integer { .. } => FormField::typed(name, label, "number"),
        ValueKind::Date => FormField::typed(name, label, "date"),
        ValueKind::ClockTime => FormField::typed(name, label, "time"),
        ValueKind::Time => FormField::typed(name, label, "datetime-local"),
        ValueKind::Instant { is_end } if value.is_null() || whole_day(&text(value), *is_end).is_some() => {
            FormField::typed(name, label, "date")
        }
        ValueKind::Instant { .. } => FormField::typed(name, label, "datetime-local"),
        ValueKind::Email => FormField::typed(name, label, "email"),
        ValueKind::Url { .. } => FormField::typed(name, label, "url"),
        ValueKind::Note | ValueKind::Names | ValueKind::Texts => {
            FormField { look: FieldLook::Note, ..FormField::line(name, label) }
        }
        ValueKind::Choice(known) => {
            let none = matches!(field.usage, FieldUsage::Optional(DefaultValue::Null | DefaultValue::Generated));
            let none =
                (none || is_required).then(|| FieldOption::new("", if is_required { "Choose one" } else { "None" }));
            FormField::select(name, label, none.into_iter().chain(words(known)).collect())
        }
        ValueKind::Choices(known) => FormField::boxes(name, label, words(known)),
        ValueKind::Reference(table) | ValueKind::Ids(table) => {
            reference(context, &mut bound, table, FormField::line(name, label), is_required).await?
        }
        _ => FormField::line(name, label),
    };
    let values = contents(context, &bound, value).await?;
    Ok((
        bound,
        FormField {
            is_required,
            hint: if shown.hint.is_empty() { hint } else { join(&hint, &shown.hint) },
            values,
            ..shown
        },
    ))
}

fn join(one: &str, other: &str) -> String {
    if one.is_empty() { other.to_owned() } else { format!("{one}. {other}") }
}

/// Returns the field that refers to rows: a choice of all rows, or a line in which names are typed.
async fn reference(
    context: &mut FormContext<'_>,
    bound: &mut BoundField,
    table: &str,
    line: FormField,
    is_required: bool,
) -> Result<FormField> {
    let is_several = matches!(bound.field.kind, ValueKind::Ids(_));
    let Some(target) = context.tables.named(table) else {
        return Ok(FormField { look: FieldLook::Typed("number"), ..line });
    };
    bound.target = Some(target.resource);
    let rows = store::choices(context.db, target.resource, &[], MOST_LISTED + 1).await?;
    bound.is_listed = rows.len() as i64 <= MOST_LISTED;
    let options = |rows| distinct(rows).into_iter().map(|(id, name)| FieldOption::new(id, name));
    Ok(match (bound.is_listed, is_several) {
        (true, true) => FormField { look: FieldLook::Boxes, options: options(rows).collect(), ..line },
        (true, false) => {
            let none = FieldOption::new("", if is_required { "Choose one" } else { "None" });
            FormField { look: FieldLook::Select, options: std::iter::once(none).chain(options(rows)).collect(), ..line }
        }
        (false, true) => FormField { look: FieldLook::Note, ..line.hinted("One name a line") },
        (false, false) => searched(line, target.item_path, rows).hinted("Type a part of the name"),
    })
}

/// Returns what the field contains for a value.
async fn contents(context: &mut FormContext<'_>, bound: &BoundField, value: &Value) -> Result<Vec<String>> {
    let lines = |value: &Value| list(value).map(plain).collect::<Vec<_>>();
    let one = match &bound.field.kind {
        ValueKind::Ids(_) if bound.is_listed => return Ok(lines(value)),
        ValueKind::Choices(_) => return Ok(lines(value)),
        ValueKind::Ids(_) => {
            let ids: Vec<i64> = list(value).filter_map(Value::as_i64).collect();
            names_of(context, bound, &ids).await?.join("\n")
        }
        ValueKind::Reference(_) if bound.target.is_some() && !bound.is_listed => {
            let ids: Vec<i64> = value.as_i64().into_iter().collect();
            names_of(context, bound, &ids).await?.join("")
        }
        ValueKind::Names | ValueKind::Texts => lines(value).join("\n"),
        ValueKind::Flag => {
            if value == &Value::Bool(true) {
                "true".to_owned()
            } else {
                String::new()
            }
        }
        ValueKind::ClockTime => text(value).chars().take(5).collect(),
        ValueKind::Instant { is_end } => match whole_day(&text(value), *is_end) {
            Some(day) => day.to_string(),
            None => local(&text(value), context.zone),
        },
        ValueKind::Time => local(&text(value), context.zone),
        _ => plain(value),
    };
    Ok(if one.is_empty() { Vec::new() } else { vec![one] })
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn local(stored: &str, zone: &jiff::tz::TimeZone) -> String {
    let at = stored.parse::<jiff::Timestamp>().ok().map(|at| at.to_zoned(zone.clone()));
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M").to_string()).unwrap_or_default()
}

/// Returns the names of rows as they are typed: with their number where another row has the name too.
async fn names_of(context: &mut FormContext<'_>, bound: &BoundField, ids: &[i64]) -> Result<Vec<String>> {
    let Some(target) = bound.target else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for (id, name) in store::names(context.db, target, ids).await? {
        let is_unique = typed_row(context.db, target, &name).await?.is_ok();
        names.push(if is_unique { name } else { format!("{name} #{id}") });
    }
    Ok(names)
}

/// Returns the value of a document that was typed, or what is wrong with it in words.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn read(
    context: &mut FormContext<'_>,
    bound: &BoundField,
    values: &[String],
) -> Result<std::result::Result<Value, String>> {
    let typed = values.first().map(String::as_str).unwrap_or_default();
    let lines = || typed.lines().map(str::trim).filter(|line| !line.is_empty());
    let value = match &bound.field.kind {
        ValueKind::Flag => (!typed.is_empty()).into(),
        ValueKind::Choices(_) => json!(values),
        ValueKind::Ids(_) if bound.is_listed => values.iter().filter_map(|id| id.parse::<i64>().ok()).collect(),
        ValueKind::Ids(_) => {
            let mut ids = Vec::new();
            for name in lines() {
                match row(context, bound, name).await? {
                    Ok(id) => ids.push(id),
                    Err(error) => return Ok(Err(error)),
                }
            }
            json!(ids)
        }
        ValueKind::Names | ValueKind::Texts => lines().collect(),
        _ if typed.is_empty() => match &bound.field.usage {
            FieldUsage::Optional(DefaultValue::Text(_))
                if !matches!(bound.field.kind, ValueKind::Choice(_) | ValueKind::Currency) =>
            {
                "".into()
            }
            FieldUsage::Optional(default) => default.json(),
            _ => Value::Null,
        },
        ValueKind::Integer { .. } => match typed.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => return Ok(Err("Enter a whole number.".to_owned())),
        },
        ValueKind::Reference(_) => match row(context, bound, typed).await? {
            Ok(id) => id.into(),
            Err(error) => return Ok(Err(error)),
        },
        ValueKind::Instant { .. } | ValueKind::Time if typed.len() > 10 => match read_date_time(typed, context.zone) {
            Ok(time) => time.into(),
            Err(error) => return Ok(Err(error)),
        },
        _ => typed.into(),
    };
    Ok(Ok(value))
}

/// Returns the id of the row that a field names.
async fn row(
    context: &mut FormContext<'_>,
    bound: &BoundField,
    typed: &str,
) -> Result<std::result::Result<i64, String>> {
    match bound.target {
        Some(target) if !bound.is_listed => typed_row(context.db, target, typed).await,
        _ => Ok(typed.parse::<i64>().map_err(|_| "Choose one.".to_owned())),
    }
}
