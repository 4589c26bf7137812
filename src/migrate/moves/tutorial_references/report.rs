//! What the move says about rows.

use super::matching::Unresolved;
use super::store::{TextUse, Unsettled};
use crate::console::counted;

/// What was done, what needs a person, and what else was not carried over.
#[derive(Debug, Default)]
pub struct RowReport {
    pub changes: Vec<String>,
    pub problems: Vec<String>,
    pub notes: Vec<String>,
}

/// Ids that a sentence names; the archive has all of them.
const SHOWN_IDS: usize = 10;

pub fn listed(ids: &[i64]) -> String {
    let shown: Vec<String> = ids.iter().take(SHOWN_IDS).map(i64::to_string).collect();
    let more = if ids.len() > SHOWN_IDS { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Says that a text stands for no reference.
pub fn unresolved(source: &str, field: &str, text: &TextUse, why: Unresolved) -> String {
    sentence(source, field, &text.text, &text.ids, &why.reason(field))
}

/// Says it later, while no user has chosen a reference.
pub fn unsettled(text: &Unsettled) -> String {
    sentence(&text.source, &text.field, &text.text, &text.ids, &text.reason)
}

fn sentence(source: &str, field: &str, text: &str, ids: &[i64], reason: &str) -> String {
    format!(
        "{source}: {field} \"{text}\" of {} ({}): {reason}: it stays in lectern.archive, and is shown as text until \
         {field}_id is set",
        counted(ids.len(), "row"),
        listed(ids)
    )
}
