//! The list of a table: columns, search, filters, order and parts.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use super::address::{PART, TableAddress, is_sortable};
use super::names::{NameBook, distinct, typed_row, words};
use super::shown::{ShownValue, shown_value, word_label};
use super::state::TableState;
use super::table_page::RecordLink;
use crate::http::query::{Pairs, pairs};
use crate::resources::{ResourceField, ValueKind, store};
use crate::web::fields::{FieldOption, FormField};
use crate::web::format::plural;
use crate::web::frame::Frame;
use crate::web::paging::{Address, ListPart};
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffVisitor, Visitor};

/// The first column, if it is the name of the row and no field.
const NAME: &str = "*";

/// The most rows of a table that a choice lists. More are found by typing.
pub(super) const MOST_LISTED: i64 = 100;

#[derive(Template)]
#[template(path = "records/list.html")]
struct ListPage {
    frame: Frame,
    title: &'static str,
    about: &'static str,
    noun: &'static str,
    path: &'static str,
    group_path: &'static str,
    group_title: &'static str,
    links: &'static [RecordLink],
    tabs: Vec<(&'static str, &'static str, bool)>,
    search: String,
    filters: Vec<FormField>,
    hidden_order: String,
    is_filtered: bool,
    columns: Vec<ColumnHead>,
    rows: Vec<ListedRow>,
    total: String,
    part: ListPart,
    previous: Option<String>,
    next: Option<String>,
}

/// The head of a column.
struct ColumnHead {
    label: String,
    /// Empty: rows are not ordered by it.
    path: String,
    direction: &'static str,
    is_number: bool,
}

/// A row of the list.
struct ListedRow {
    path: String,
    /// The text of the link to the row.
    name: String,
    cells: Vec<(String, ShownValue)>,
}

pub(super) async fn show(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<TableState>,
    query: Pairs,
) -> Response {
    match render(&visitor, &state, query).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &TableState, query: Pairs) -> Result<ListPage, PageProblem> {
    let (page, audience) = (state.page, state.audience(visitor));
    let resource = page.resource;
    let address = TableAddress::of(state, &Address::of(query)?);
    let (filters, named) = filter_fields(state, visitor, &address).await?;
    let mut db = state.connection().await?;
    let mut request = address.request(state, audience, &named);
    let (mut count, mut documents) = store::list(&mut db, resource, &request).await?;
    if documents.is_empty() && count > 0 {
        // A part after the last one means the last one.
        request.page = (count - 1) / PART + 1;
        (count, documents) = store::list(&mut db, resource, &request).await?;
    }
    let field_of = |name: &&'static str| resource.shown_field(name).filter(|field| field.audience <= audience);
    let columns: Vec<&'static ResourceField> = page.columns.iter().filter_map(field_of).collect();
    let begins_with_name = page.columns.first() == Some(&NAME);
    let mut names = NameBook::default();
    for document in &documents {
        columns.iter().for_each(|field| names.note_value(field, &document[field.name]));
        document["id"].as_i64().into_iter().for_each(|id| names.note(resource.table, id));
    }
    names.read(&mut db, &state.tables).await?;
    let rows = listed_rows(state, visitor, (&documents, &columns), &names);
    let part = ListPart::of(usize::try_from(count).unwrap_or_default(), PART as usize, Some(request.page));
    let neighbour = |number: Option<usize>| {
        let part = i64::try_from(number?).ok()?;
        Some(TableAddress { part, ..address.clone() }.path())
    };
    Ok(ListPage {
        frame: visitor.frame(page.title, state.group().place),
        title: page.title,
        about: page.about,
        noun: resource.noun,
        path: page.path,
        group_path: state.group().path,
        group_title: state.group().title,
        links: page.list_links,
        tabs: state.group().pages.iter().map(|other| (other.path, other.title, other.path == page.path)).collect(),
        search: address.search.clone(),
        filters,
        hidden_order: address.order.clone(),
        is_filtered: address.is_filtered(),
        columns: begins_with_name
            .then(|| ColumnHead { label: "Name".to_owned(), path: String::new(), direction: "", is_number: false })
            .into_iter()
            .chain(columns.iter().map(|field| column_head(state, visitor, &address, field)))
            .collect(),
        rows,
        total: plural(count, "row"),
        previous: neighbour(part.previous),
        next: neighbour(part.next),
        part,
    })
}

/// Returns the rows with the values of the columns.
fn listed_rows(
    state: &TableState,
    visitor: &Visitor,
    (documents, columns): (&[Value], &[&'static ResourceField]),
    names: &NameBook,
) -> Vec<ListedRow> {
    let (page, table) = (state.page, state.page.resource.table);
    let row = |document: &Value| {
        let id = document["id"].as_i64().unwrap_or_default();
        let value = |field: &&'static ResourceField| {
            (page.label(field.name), shown_value(field, &document[field.name], names, &visitor.clock))
        };
        let mut cells: Vec<(String, ShownValue)> = columns.iter().map(value).collect();
        let has_own = page.columns.first() != Some(&NAME) && !cells.is_empty();
        let own = has_own.then(|| cells.remove(0).1.text).filter(|text| !text.is_empty());
        ListedRow { path: page.item_path(id), name: own.unwrap_or_else(|| names.row(table, id).name), cells }
    };
    documents.iter().map(row).collect()
}

fn column_head(
    state: &TableState,
    visitor: &Visitor,
    address: &TableAddress,
    field: &'static ResourceField,
) -> ColumnHead {
    let label = state.page.label(field.name);
    let is_number = matches!(field.kind, ValueKind::Integer { .. } | ValueKind::Amount);
    if !is_sortable(field) {
        return ColumnHead { label, path: String::new(), direction: "", is_number };
    }
    let current = address.ordered_field(state, state.audience(visitor));
    let default = state.page.resource.order.first().is_some_and(|first| *first == field.name);
    let direction = match current {
        Some((known, is_descending)) if known.name == field.name => {
            if is_descending {
                "descending"
            } else {
                "ascending"
            }
        }
        None if default => "ascending",
        _ => "",
    };
    let order = if direction == "ascending" { format!("-{}", field.name) } else { field.name.to_owned() };
    ColumnHead { label, path: TableAddress { order, part: 1, ..address.clone() }.path(), direction, is_number }
}

/// The ids that the typed names of filters mean; none where no row has the name.
type NamedFilters = Vec<(&'static str, Option<i64>)>;

/// Returns the fields of the filters.
async fn filter_fields(
    state: &TableState,
    visitor: &Visitor,
    address: &TableAddress,
) -> Result<(Vec<FormField>, NamedFilters), PageProblem> {
    let (mut fields, mut named) = (Vec::new(), Vec::new());
    let mut db = state.connection().await?;
    for name in state.page.filters {
        let Some(field) = state.page.resource.shown_field(name) else { continue };
        if field.audience > state.audience(visitor) {
            continue;
        }
        let label = state.page.label(name);
        let any = || vec![FieldOption::new("", "Any")];
        let mut shown = match &field.kind {
            ValueKind::Flag => {
                let options = [FieldOption::new("true", "Yes"), FieldOption::new("false", "No")];
                FormField::select(*name, label, any().into_iter().chain(options).collect())
            }
            ValueKind::Choice(words) => {
                let options = words.iter().map(|word| FieldOption::new(word, word_label(word)));
                FormField::select(*name, label, any().into_iter().chain(options).collect())
            }
            ValueKind::Reference(table) => {
                let Some(target) = state.tables.named(table) else { continue };
                let rows = store::choices(&mut db, target.resource, &[], MOST_LISTED + 1).await?;
                if rows.len() as i64 > MOST_LISTED {
                    let typed = address.filter(name);
                    if !typed.is_empty() {
                        named.push((*name, typed_row(&mut db, target.resource, typed).await?.ok()));
                    }
                    searched(FormField::line(*name, label), target.item_path, rows)
                } else {
                    let options = distinct(rows).into_iter().map(|(id, name)| FieldOption::new(id, name));
                    FormField::select(*name, label, any().into_iter().chain(options).collect())
                }
            }
            ValueKind::Date => FormField::typed(*name, label, "date"),
            _ => FormField::line(*name, label),
        };
        shown.values = vec![address.filter(name).to_owned()];
        fields.push(shown);
    }
    Ok((fields, named))
}

/// Makes a field offer the names of rows while they are typed.
pub(super) fn searched(field: FormField, path: &str, first: Vec<(i64, String)>) -> FormField {
    let suggestions = distinct(first).into_iter().take(20).map(|(_, name)| name).collect();
    let lookup = if path.is_empty() { String::new() } else { format!("{path}/choices") };
    FormField { suggestions, lookup, ..field }
}

/// Responds with the names of the rows that fit what is being typed.
pub(super) async fn choices(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<TableState>,
    query: Pairs,
) -> Response {
    let found = async {
        let typed = pairs(query)?.pop().map(|(_, value)| value).unwrap_or_default();
        let mut db = state.connection().await?;
        Ok::<_, PageProblem>(store::choices(&mut db, state.page.resource, &words(&typed), 20).await?)
    };
    match found.await {
        Ok(rows) => {
            let names = distinct(rows).into_iter().map(|(_, name)| name);
            Html(OfferedNames { names: names.collect() }.render().unwrap_or_default()).into_response()
        }
        Err(problem) => visitor.problem(problem),
    }
}

#[derive(Template)]
#[template(source = "{% for name in names %}<option value=\"{{ name }}\"></option>{% endfor %}", ext = "html")]
struct OfferedNames {
    names: Vec<String>,
}
