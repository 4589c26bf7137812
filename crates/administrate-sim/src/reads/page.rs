//! Connections: filtering, ordering and paging of rows.

use std::cmp::Ordering;

use apollo_compiler::resolvers::FieldError;
use serde::Deserialize;
use serde_json::Value;

use crate::ids;
use crate::reads;
use crate::reads::filter::{self, Attribute, Filter};
use crate::tenant::{Number, Tenant};
use crate::view::{Entity, FieldSelection, Output, Record, View, field_error};

/// Rows of a page without `first`.
const DEFAULT_SIZE: usize = 50;
/// Maximum rows of a page. A larger `first` is reduced to it without an error.
const MAX_SIZE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageArguments {
    filters: Option<Vec<Option<Filter>>>,
    first: Option<i64>,
    offset: Option<i64>,
    after: Option<String>,
    order_by: Option<Vec<Option<Order>>>,
    order: Option<Vec<Option<Order>>>,
}

#[derive(Deserialize)]
struct Order {
    field: String,
    direction: String,
}

/// Returns the page of `rows` that the field's arguments select.
pub(crate) fn select_page(
    view: &View<'_>,
    rows: Vec<Entity>,
    selection: &FieldSelection<'_>,
) -> Result<Output, FieldError> {
    let arguments: PageArguments = serde_json::from_value(Value::Object(selection.arguments.clone()))
        .map_err(|error| FieldError { message: format!("{}: {error}", selection.field) })?;
    let tenant = view.tenant.borrow();
    let filters: Vec<Filter> = arguments.filters.into_iter().flatten().flatten().collect();
    let orders: Vec<Order> = arguments.order_by.into_iter().chain(arguments.order).flatten().flatten().collect();
    let mut rows = filter_rows(&tenant, rows, &filters)?;
    sort_rows(&tenant, &mut rows, &orders)?;
    let start = start_index(arguments.offset, arguments.after.as_deref())?;
    let size = match arguments.first {
        None => DEFAULT_SIZE,
        Some(first) => usize::try_from(first).map_err(|_| negative_error("first"))?.min(MAX_SIZE),
    };
    let name = selection.type_name.strip_suffix("Connection").unwrap_or(selection.type_name);
    let nodes = rows.iter().skip(start).take(size).copied().map(Output::One).collect();
    Ok(connection(name, nodes, start, rows.len()))
}

/// Returns a connection with all its nodes on one page.
pub(crate) fn complete_page(name: &str, nodes: Vec<Output>) -> Output {
    let total = nodes.len();
    connection(name, nodes, 0, total)
}

fn connection(name: &str, nodes: Vec<Output>, start: usize, total: usize) -> Output {
    let cursor = |index: usize| Output::leaf(ids::encode("Cursor", index as Number));
    let count = nodes.len();
    let boundary_cursor = |index: usize| {
        if count == 0 { Output::NULL } else { cursor(index) }
    };
    let info = Output::record(
        "PageInfo",
        vec![
            ("hasNextPage", Output::leaf(start + count < total)),
            ("hasPreviousPage", Output::leaf(start > 0)),
            ("startCursor", boundary_cursor(start)),
            ("endCursor", boundary_cursor((start + count).saturating_sub(1))),
            ("totalRecords", Output::leaf(total)),
        ],
    );
    let edge = |(index, node): (usize, Output)| {
        Record::new(format!("{name}Edge"), vec![("cursor", cursor(start + index)), ("node", node)])
    };
    let edges = nodes.into_iter().enumerate().map(edge).collect();
    Output::record(format!("{name}Connection"), vec![("edges", Output::Records(edges)), ("pageInfo", info)])
}

/// Returns the index of the first row. `after` is the cursor of the row before the page; `offset` counts from there, or
/// from the first row.
fn start_index(offset: Option<i64>, after: Option<&str>) -> Result<usize, FieldError> {
    let offset = usize::try_from(offset.unwrap_or(0)).map_err(|_| negative_error("offset"))?;
    match after {
        None => Ok(offset),
        Some(cursor) => match ids::decode("Cursor", cursor).and_then(|index| usize::try_from(index).ok()) {
            Some(index) => Ok(index.saturating_add(1).saturating_add(offset)),
            None => field_error(format!("\"{cursor}\" is not a cursor")),
        },
    }
}

fn negative_error(argument: &str) -> FieldError {
    FieldError { message: format!("\"{argument}\" cannot be negative") }
}

fn filter_rows(tenant: &Tenant, rows: Vec<Entity>, filters: &[Filter]) -> Result<Vec<Entity>, FieldError> {
    for filter in filters {
        filter.check()?;
    }
    let mut matching = Vec::with_capacity(rows.len());
    'rows: for row in rows {
        for filter in filters {
            if !filter.matches(&attribute_of(tenant, row, &filter.field)?)? {
                continue 'rows;
            }
        }
        matching.push(row);
    }
    Ok(matching)
}

fn attribute_of(tenant: &Tenant, row: Entity, field: &str) -> Result<Attribute, FieldError> {
    match reads::attribute(tenant, row, field) {
        Some(attribute) => Ok(attribute),
        None => field_error(format!("the simulator cannot filter or order {} by \"{field}\"", row.type_name())),
    }
}

/// Sorts rows by the orders, then by number.
fn sort_rows(tenant: &Tenant, rows: &mut Vec<Entity>, orders: &[Order]) -> Result<(), FieldError> {
    let mut keyed = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        let keys: Result<Vec<Attribute>, FieldError> =
            orders.iter().map(|order| attribute_of(tenant, *row, &order.field)).collect();
        keyed.push((keys?, *row));
    }
    keyed.sort_by(|(left, left_row), (right, right_row)| {
        let compared = orders.iter().zip(left.iter().zip(right)).map(|(order, (left, right))| {
            let ordering = filter::compare(left, right);
            if order.direction == "desc" { ordering.reverse() } else { ordering }
        });
        let first_difference = compared.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal);
        first_difference.then_with(|| reads::sort_number(*left_row).cmp(&reads::sort_number(*right_row)))
    });
    *rows = keyed.into_iter().map(|(_, row)| row).collect();
    Ok(())
}
