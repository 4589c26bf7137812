//! The order in which the rows of groups are imported: a group comes after the group above it.

use std::collections::{HashMap, HashSet};

use super::read::GivenRow;
use super::sheets::SheetKind;
use crate::names::fold;

/// The rows in the order of their import.
pub struct OrderedRows<'a> {
    pub rows: Vec<&'a GivenRow>,
    /// The numbers of the rows of groups that are above themselves.
    pub circular: HashSet<u32>,
}

/// Whether the order of a row is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Unknown,
    Begun,
    Ended,
}

/// Orders rows. Only rows of groups change their places.
pub fn ordered<'a>(rows: &'a [GivenRow]) -> OrderedRows<'a> {
    let groups: Vec<&GivenRow> = rows.iter().filter(|row| row.layout.kind == SheetKind::Groups).collect();
    let mut places: HashMap<String, usize> = HashMap::new();
    for field in ["code", "name"] {
        for (at, row) in groups.iter().enumerate() {
            if let Some(name) = row.text(field) {
                places.entry(fold(name)).or_insert(at);
            }
        }
    }
    let mut visits = vec![Visit::Unknown; groups.len()];
    let (mut in_order, mut circular) = (Vec::with_capacity(groups.len()), HashSet::new());
    for start in 0..groups.len() {
        let mut path = Vec::new();
        let mut next = Some(start).filter(|at| visits[*at] == Visit::Unknown);
        while let Some(at) = next {
            visits[at] = Visit::Begun;
            path.push(at);
            let parent = groups[at].text("parent_id").and_then(|name| places.get(&fold(name)).copied());
            if let Some(parent) = parent.filter(|parent| visits[*parent] == Visit::Begun) {
                let circle = path.iter().skip_while(|on_path| **on_path != parent);
                circular.extend(circle.map(|on_path| groups[*on_path].number));
            }
            next = parent.filter(|parent| visits[*parent] == Visit::Unknown);
        }
        for at in path.into_iter().rev() {
            visits[at] = Visit::Ended;
            in_order.push(groups[at]);
        }
    }
    let mut in_order = in_order.into_iter();
    let place = |row: &'a GivenRow| match row.layout.kind {
        SheetKind::Groups => in_order.next().unwrap_or(row),
        _ => row,
    };
    OrderedRows { rows: rows.iter().map(place).collect(), circular }
}
