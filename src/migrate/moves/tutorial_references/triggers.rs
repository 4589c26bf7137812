//! Triggers that would change more rows than the move does.

use sqlx::PgConnection;

use super::store::{self, EnabledTrigger};
use crate::error::Result;
use crate::migrate::catalog::{Catalog, Relation, quote};
use crate::migrate::moves::store as records;

/// The trigger of the move `adopt` that keeps the former and the present column of the product equal.
pub const KEEP_PRODUCT: &str = "lectern_keep_product_id";

/// Stops the triggers that would change more of the rows.
pub async fn stop_triggers(
    db: &mut PgConnection,
    catalog: &Catalog,
    tables: &[&Relation],
) -> Result<Vec<EnabledTrigger>> {
    let oids: Vec<i64> = tables.iter().map(|table| table.oid).collect();
    let mut triggers = store::enabled_triggers(db, &oids).await?;
    // Search learns from them that rows have changed.
    triggers.retain(|trigger| !trigger.name.starts_with("lectern_search_"));
    records::execute(db, &switched(&triggers, catalog, |_| "DISABLE")).await?;
    Ok(triggers)
}

pub fn switched(
    triggers: &[EnabledTrigger],
    catalog: &Catalog,
    verb: impl Fn(&EnabledTrigger) -> &'static str,
) -> Vec<String> {
    let switch = |trigger: &EnabledTrigger| {
        let table = records::table_of(catalog, trigger.table_oid)?;
        Some(format!("ALTER TABLE {} {} TRIGGER {}", table.sql_name(), verb(trigger), quote(&trigger.name)))
    };
    triggers.iter().filter_map(switch).collect()
}

pub fn started_again(trigger: &EnabledTrigger) -> &'static str {
    if trigger.is_always { "ENABLE ALWAYS" } else { "ENABLE" }
}
