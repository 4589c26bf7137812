//! All tables with pages, and those whose rows are only named.

use super::table_page::TablePage;
use crate::resources::TableResource;
use crate::resources::api::ResourceState;
use crate::web::frame::NavPlace;

/// A table whose rows have names.
#[derive(Debug, Clone, Copy)]
pub struct NamedTable {
    pub resource: &'static TableResource,
    /// What its rows are called.
    pub title: &'static str,
    /// The path before the id of a row; empty: rows have no page.
    pub item_path: &'static str,
}

impl NamedTable {
    /// Returns the path of a row; "" if it has no page.
    pub fn path(&self, id: i64) -> String {
        if self.item_path.is_empty() { String::new() } else { format!("{}/{id}", self.item_path) }
    }
}

/// Tables under one heading.
#[derive(Clone)]
pub struct TableGroup {
    /// Path of the page that lists them.
    pub path: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub place: NavPlace,
    pub pages: Vec<&'static TablePage>,
    pub state: ResourceState,
}

/// All tables that have pages, and those whose rows have names.
pub struct TableSet {
    pub groups: Vec<TableGroup>,
    pub named: Vec<NamedTable>,
}

impl TableSet {
    /// Returns the page of a table.
    pub fn page(&self, table: &str) -> Option<&'static TablePage> {
        self.groups.iter().flat_map(|group| &group.pages).copied().find(|page| page.resource.table == table)
    }

    /// Returns how rows of a table are named.
    pub fn named(&self, table: &str) -> Option<NamedTable> {
        let of_page =
            |page: &'static TablePage| NamedTable { resource: page.resource, title: page.title, item_path: page.path };
        self.page(table).map(of_page).or_else(|| self.named.iter().copied().find(|named| named.resource.table == table))
    }
}
