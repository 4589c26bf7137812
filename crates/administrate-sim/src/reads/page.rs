//! Connections: filtered, ordered, cut into pages (facts §1.5).

use std::cmp::Ordering;

use apollo_compiler::resolvers::FieldError;
use serde::Deserialize;
use serde_json::Value;

use crate::ids;
use crate::reads;
use crate::reads::filter::{self, Attribute, Filter};
use crate::tenant::{Number, Tenant};
use crate::view::{Ask, Entity, Part, Record, World, refuse};

/// Rows a page has when `first` is not given.
const USUAL: usize = 50;
/// Rows a page has at most, whatever `first` says; nobody is told.
const MOST: usize = 100;

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

/// The page of `rows` that a field's arguments ask for.
pub(crate) fn connection(world: &World<'_>, rows: Vec<Entity>, ask: &Ask<'_>) -> Result<Part, FieldError> {
    let asked: PageArguments = serde_json::from_value(Value::Object(ask.arguments.clone()))
        .map_err(|error| FieldError { message: format!("{}: {error}", ask.field) })?;
    let tenant = world.tenant.borrow();
    let filters: Vec<Filter> = asked.filters.into_iter().flatten().flatten().collect();
    let orders: Vec<Order> = asked.order_by.into_iter().chain(asked.order).flatten().flatten().collect();
    let mut rows = filtered(&tenant, rows, &filters)?;
    sort(&tenant, &mut rows, &orders)?;
    let from = start(asked.offset, asked.after.as_deref())?;
    let size = match asked.first {
        None => USUAL,
        Some(first) => usize::try_from(first).map_err(|_| negative("first"))?.min(MOST),
    };
    let name = ask.type_name.strip_suffix("Connection").unwrap_or(ask.type_name);
    let nodes = rows.iter().skip(from).take(size).copied().map(Part::One).collect();
    Ok(page(name, nodes, from, rows.len()))
}

/// A connection that shows all its nodes at once.
pub(crate) fn whole(name: &str, nodes: Vec<Part>) -> Part {
    let total = nodes.len();
    page(name, nodes, 0, total)
}

fn page(name: &str, nodes: Vec<Part>, from: usize, total: usize) -> Part {
    let cursor = |index: usize| Part::leaf(ids::encode("Cursor", index as Number));
    let shown = nodes.len();
    let ends = |index: usize| {
        if shown == 0 { Part::NULL } else { cursor(index) }
    };
    let info = Part::record(
        "PageInfo",
        vec![
            ("hasNextPage", Part::leaf(from + shown < total)),
            ("hasPreviousPage", Part::leaf(from > 0)),
            ("startCursor", ends(from)),
            ("endCursor", ends((from + shown).saturating_sub(1))),
            ("totalRecords", Part::leaf(total)),
        ],
    );
    let edge = |(at, node): (usize, Part)| {
        Record::new(format!("{name}Edge"), vec![("cursor", cursor(from + at)), ("node", node)])
    };
    let edges = nodes.into_iter().enumerate().map(edge).collect();
    Part::record(format!("{name}Connection"), vec![("edges", Part::Records(edges)), ("pageInfo", info)])
}

/// `after` names the row before the page; `offset` counts from there, or from the beginning.
fn start(offset: Option<i64>, after: Option<&str>) -> Result<usize, FieldError> {
    let offset = usize::try_from(offset.unwrap_or(0)).map_err(|_| negative("offset"))?;
    match after {
        None => Ok(offset),
        Some(cursor) => match ids::decode("Cursor", cursor).and_then(|index| usize::try_from(index).ok()) {
            Some(index) => Ok(index.saturating_add(1).saturating_add(offset)),
            None => refuse(format!("\"{cursor}\" is no cursor")),
        },
    }
}

fn negative(argument: &str) -> FieldError {
    FieldError { message: format!("\"{argument}\" cannot be negative") }
}

fn filtered(tenant: &Tenant, rows: Vec<Entity>, filters: &[Filter]) -> Result<Vec<Entity>, FieldError> {
    for filter in filters {
        filter.check()?;
    }
    let mut kept = Vec::with_capacity(rows.len());
    'rows: for row in rows {
        for filter in filters {
            if !filter.admits(&known(tenant, row, &filter.field)?)? {
                continue 'rows;
            }
        }
        kept.push(row);
    }
    Ok(kept)
}

fn known(tenant: &Tenant, row: Entity, field: &str) -> Result<Attribute, FieldError> {
    match reads::attribute(tenant, row, field) {
        Some(attribute) => Ok(attribute),
        None => refuse(format!("the simulator cannot filter or order {} by \"{field}\"", row.type_name())),
    }
}

/// Orders rows; equal ones, and all of them without orders, stand by number.
fn sort(tenant: &Tenant, rows: &mut Vec<Entity>, orders: &[Order]) -> Result<(), FieldError> {
    let mut keyed = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        let keys: Result<Vec<Attribute>, FieldError> =
            orders.iter().map(|order| known(tenant, *row, &order.field)).collect();
        keyed.push((keys?, *row));
    }
    keyed.sort_by(|(left, left_row), (right, right_row)| {
        let compared = orders.iter().zip(left.iter().zip(right)).map(|(order, (left, right))| {
            let ordering = filter::compare(left, right);
            if order.direction == "desc" { ordering.reverse() } else { ordering }
        });
        let first_difference = compared.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal);
        first_difference.then_with(|| reads::position(*left_row).cmp(&reads::position(*right_row)))
    });
    *rows = keyed.into_iter().map(|(_, row)| row).collect();
    Ok(())
}
