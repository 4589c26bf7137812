//! What the handlers of the pages of one table share.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRef, Path};
use serde_json::Value;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

use super::names::NameBook;
use super::table_page::TablePage;
use super::table_set::{TableGroup, TableSet};
use crate::error::Error;
use crate::http::state::ServerState;
use crate::resources::api::{CallerWrite, ResourceState, documents};
use crate::resources::{Audience, ResourceField};
use crate::web::problem::PageProblem;
use crate::web::visitor::Visitor;

/// The state of the pages of one table.
#[derive(Clone)]
pub(super) struct TableState {
    pub tables: Arc<TableSet>,
    /// Place of its group.
    pub group: usize,
    pub page: &'static TablePage,
}

impl TableState {
    pub(super) fn group(&self) -> &TableGroup {
        &self.tables.groups[self.group]
    }

    pub(super) fn resources(&self) -> &ResourceState {
        &self.group().state
    }

    pub(super) async fn connection(&self) -> Result<PoolConnection<Postgres>, PageProblem> {
        Ok(self.resources().server.pool.acquire().await.map_err(Error::from)?)
    }

    /// Returns the document of a row as the visitor sees it.
    pub(super) async fn document(&self, visitor: &Visitor, id: RowPathId) -> Result<(i64, Value), PageProblem> {
        let Path(id) = id.map_err(|_| self.page.unknown_row())?;
        let mut db = self.connection().await?;
        let found = documents(&mut db, self.resources(), self.page.resource, &visitor.caller, &[id]).await?;
        found.into_iter().next().map(|document| (id, document)).ok_or_else(|| self.page.unknown_row())
    }

    /// Returns the name of a row.
    pub(super) async fn name_of(&self, id: i64) -> Result<String, PageProblem> {
        let mut names = NameBook::default();
        names.note(self.page.resource.table, id);
        names.read(&mut *self.connection().await?, &self.tables).await?;
        Ok(names.row(self.page.resource.table, id).name)
    }

    pub(super) fn write<'a>(&'a self, visitor: &'a Visitor, parameters: &'a [(String, String)]) -> CallerWrite<'a> {
        CallerWrite { state: self.resources(), resource: self.page.resource, caller: &visitor.caller, parameters }
    }

    pub(super) fn audience(&self, visitor: &Visitor) -> Audience {
        Audience::from(visitor.caller.role)
    }

    /// Returns the fields that a reader sees, without those that the page leaves out.
    pub(super) fn shown_fields(&self, visitor: &Visitor) -> impl Iterator<Item = &'static ResourceField> {
        let (audience, page) = (self.audience(visitor), self.page);
        let all = page.resource.fields.iter().chain(page.resource.page_fields);
        all.filter(move |field| field.audience <= audience && !page.hidden.contains(&field.name))
    }
}

impl FromRef<TableState> for ServerState {
    fn from_ref(state: &TableState) -> Self {
        state.resources().server.clone()
    }
}

impl FromRef<TableState> for PgPool {
    fn from_ref(state: &TableState) -> Self {
        state.resources().server.pool.clone()
    }
}

/// The id of a row in a path.
pub(super) type RowPathId = Result<Path<i64>, PathRejection>;
