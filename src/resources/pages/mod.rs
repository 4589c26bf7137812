//! Pages of table resources: lists, one page for each row, and forms, made from the descriptions of the resources.
//!
//! A module describes how people see its tables with [`TablePage`]s. Everything is changed by the operations of the API, so
//! that both have the same rules and the same history.

mod address;
mod delete_page;
mod form_values;
mod history_words;
mod index_page;
mod item_rows;
mod list_page;
mod names;
mod record_form;
mod record_page;
mod shown;
mod state;
mod table_page;
mod table_set;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

pub use self::history_words::TableWords;
pub use self::names::NameBook;
pub use self::table_page::{PageField, RecordLink, TablePage};
pub use self::table_set::{NamedTable, TableGroup, TableSet};

use self::state::TableState;

/// Returns the routes of the pages of all tables.
pub fn router(tables: &Arc<TableSet>) -> Router {
    let mut router = Router::new();
    for (place, group) in tables.groups.iter().enumerate() {
        for page in &group.pages {
            let state = TableState { tables: Arc::clone(tables), group: place, page };
            let path = page.path;
            let routes = Router::new()
                .route(path, get(list_page::show).post(record_form::create))
                .route(&format!("{path}/new"), get(record_form::show_new))
                .route(&format!("{path}/choices"), get(list_page::choices))
                .route(&format!("{path}/{{id}}"), get(record_page::show).post(record_form::change))
                .route(&format!("{path}/{{id}}/edit"), get(record_form::show_known))
                .route(&format!("{path}/{{id}}/delete"), get(delete_page::show).post(delete_page::delete));
            router = router.merge(routes.with_state(state));
        }
        router = router.merge(index_page::router(tables, place));
    }
    router
}
