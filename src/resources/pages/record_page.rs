//! The page of a row: its values, what refers to it, and its history.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::history_words::TableWords;
use super::names::{NameBook, NamedRow};
use super::shown::{ShownValue, shown_value};
use super::state::{RowPathId, TableState};
use super::table_page::label_of;
use super::table_set::TableSet;
use crate::error::Result as DatabaseResult;
use crate::history;
use crate::http::query::Pairs;
use crate::resources::store::Referrers;
use crate::resources::{ResourceField, ValueKind, store};
use crate::web::changes::{ShownChange, shown_change};
use crate::web::document::{list, text};
use crate::web::frame::Frame;
use crate::web::paging::{Address, ListPart};
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffVisitor, Visitor};

/// Changes of one part of the history.
const CHANGES: i64 = 20;

/// The most rows of one table that are named.
const MOST_REFERRERS: usize = 20;

#[derive(Template)]
#[template(path = "records/record.html")]
struct RecordPage {
    frame: Frame,
    title: &'static str,
    noun: &'static str,
    list_path: &'static str,
    path: String,
    name: String,
    links: Vec<(&'static str, String)>,
    facts: Vec<(String, ShownValue)>,
    tables: Vec<PartsTable>,
    referrers: Vec<ReferringTable>,
    changes: Vec<ShownChange>,
    part: ListPart,
}

/// The parts of the row.
struct PartsTable {
    label: String,
    columns: Vec<(String, bool)>,
    rows: Vec<Vec<(String, ShownValue)>>,
}

/// Rows of one table that refer to a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReferringTable {
    pub title: String,
    pub rows: Vec<NamedRow>,
    /// How many there are beside those that are listed; empty: none.
    pub more: String,
}

pub(super) async fn show(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<TableState>,
    id: RowPathId,
    query: Pairs,
) -> Response {
    match render(&visitor, &state, id, query).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &TableState, id: RowPathId, query: Pairs) -> Result<RecordPage, PageProblem> {
    let address = Address::of(query)?;
    let (id, mut document) = state.document(visitor, id).await?;
    let (page, audience) = (state.page, state.audience(visitor));
    let name = state.name_of(id).await?;
    let mut db = state.connection().await?;
    let more = store::page_fields(&mut db, page.resource, id, audience).await?;
    document.as_object_mut().into_iter().for_each(|fields| fields.extend(more.clone()));
    let mut names = NameBook::default();
    state.shown_fields(visitor).for_each(|field| names.note_value(field, &document[field.name]));
    names.read(&mut db, &state.tables).await?;
    let found = store::referrers(&mut db, page.resource, id, MOST_REFERRERS).await?;
    let referrers = referring_tables(&mut db, &state.tables, found).await?;
    let number = address.number("part").unwrap_or(1).clamp(1, 100_000);
    let key = id.to_string();
    let (total, entries) =
        history::page_of_row(&mut db, page.resource.table, &key, CHANGES, (number - 1) * CHANGES).await?;
    let words = TableWords::read(&mut db, &state.tables, (audience, &visitor.clock), &entries).await?;
    let fact = |field: &'static ResourceField| {
        let shown = shown_value(field, &document[field.name], &names, &visitor.clock);
        (!shown.is_empty()).then(|| (page.label(field.name), shown))
    };
    let is_fact = |field: &&'static ResourceField| field.name != "id" && !is_parts(field);
    let parts = state.shown_fields(visitor).filter_map(|field| match &field.kind {
        ValueKind::Items(fields) => Some(parts_table(state, visitor, field, fields, &document[field.name], &names)),
        _ => None,
    });
    Ok(RecordPage {
        frame: visitor.frame(name.as_str(), state.group().place),
        title: page.title,
        noun: page.resource.noun,
        list_path: page.path,
        path: page.item_path(id),
        name,
        links: page.row_links.iter().map(|link| (link.label, link.path.replace("{id}", &id.to_string()))).collect(),
        facts: state.shown_fields(visitor).filter(is_fact).filter_map(fact).collect(),
        tables: parts.collect(),
        referrers,
        changes: entries.iter().map(|stored| shown_change(stored, &words, &visitor.clock)).collect(),
        part: ListPart::of(usize::try_from(total).unwrap_or_default(), CHANGES as usize, Some(number)),
    })
}

fn is_parts(field: &ResourceField) -> bool {
    matches!(field.kind, ValueKind::Items(_))
}

fn parts_table(
    state: &TableState,
    visitor: &Visitor,
    field: &ResourceField,
    fields: &'static [ResourceField],
    value: &Value,
    names: &NameBook,
) -> PartsTable {
    let is_number = |field: &ResourceField| matches!(field.kind, ValueKind::Integer { .. } | ValueKind::Amount);
    let cell = |field: &ResourceField, item: &Value| {
        (state.page.label(field.name), shown_value(field, &item[field.name], names, &visitor.clock))
    };
    PartsTable {
        label: state.page.label(field.name),
        columns: fields.iter().map(|field| (state.page.label(field.name), is_number(field))).collect(),
        rows: list(value).map(|item| fields.iter().map(|field| cell(field, item)).collect()).collect(),
    }
}

/// Returns rows of other tables by their table.
pub(super) fn by_table(rows: Vec<Value>) -> Vec<Referrers> {
    let mut found: Vec<Referrers> = Vec::new();
    for row in rows {
        let table = text(&row["table"]);
        match found.iter_mut().find(|known| known.table == table) {
            Some(known) => {
                known.count += 1;
                known.rows.push(row);
            }
            None => found.push(Referrers { table, count: 1, rows: vec![row] }),
        }
    }
    found
}

/// Returns rows of other tables with their names. A row without a name is only counted.
pub(super) async fn referring_tables(
    db: &mut sqlx::PgConnection,
    tables: &TableSet,
    found: Vec<Referrers>,
) -> DatabaseResult<Vec<ReferringTable>> {
    let mut names = NameBook::default();
    for referrers in &found {
        if let Some(named) = tables.named(&referrers.table) {
            let ids = referrers.rows.iter().take(MOST_REFERRERS).filter_map(|row| row["id"].as_i64());
            ids.for_each(|id| names.note(named.resource.table, id));
        }
    }
    names.read(db, tables).await?;
    let table = |referrers: Referrers| {
        let named = tables.named(&referrers.table);
        let row = |row: &Value| match (named, row["id"].as_i64()) {
            (Some(named), Some(id)) => Some(names.row(named.resource.table, id)),
            _ => {
                let name = text(&row["name"]);
                // An address is personal.
                let is_name = !name.starts_with(&referrers.table) && !name.contains('@');
                is_name.then_some(NamedRow { name, path: String::new() })
            }
        };
        let mut rows: Vec<NamedRow> = referrers.rows.iter().take(MOST_REFERRERS).filter_map(row).collect();
        rows.sort();
        rows.dedup();
        let more = usize::try_from(referrers.count).unwrap_or_default().saturating_sub(rows.len());
        let title = named.map_or_else(|| table_title(&referrers.table), |named| named.title.to_owned());
        ReferringTable { title, rows, more: more_label(more, referrers.rows.len()) }
    };
    Ok(found.into_iter().map(table).collect())
}

/// The most rows of a table that the search for dependent rows returns.
const MOST_FOUND: usize = 100;

fn more_label(more: usize, found: usize) -> String {
    match more {
        0 => String::new(),
        more if found >= MOST_FOUND => format!("{more} or more others"),
        more => format!("{more} more"),
    }
}

/// Returns the name of a table without pages as people read it.
fn table_title(table: &str) -> String {
    label_of(table.rsplit('.').next().unwrap_or_default())
}
