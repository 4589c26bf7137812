//! The tables under one heading, with the number of their rows.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::get;

use super::table_page::TablePage;
use super::table_set::{TableGroup, TableSet};
use crate::error::Error;
use crate::http::state::ServerState;
use crate::resources::{TableResource, store};
use crate::web::format::thousands;
use crate::web::frame::Frame;
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffVisitor, Visitor};

/// The state of the page of a group.
#[derive(Clone)]
struct GroupState {
    tables: Arc<TableSet>,
    group: usize,
}

impl GroupState {
    fn group(&self) -> &TableGroup {
        &self.tables.groups[self.group]
    }
}

impl FromRef<GroupState> for ServerState {
    fn from_ref(state: &GroupState) -> Self {
        state.group().state.server.clone()
    }
}

#[derive(Template)]
#[template(path = "records/index.html")]
struct GroupPage {
    frame: Frame,
    title: &'static str,
    about: &'static str,
    rows: Vec<TableRow>,
}

struct TableRow {
    path: &'static str,
    title: &'static str,
    about: &'static str,
    count: String,
}

/// Returns the route of the page of a group.
pub(super) fn router(tables: &Arc<TableSet>, group: usize) -> Router {
    let state = GroupState { tables: Arc::clone(tables), group };
    Router::new().route(state.group().path, get(show)).with_state(state.clone())
}

async fn show(StaffVisitor(visitor): StaffVisitor, State(state): State<GroupState>) -> Response {
    match render(&visitor, state.group()).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, group: &TableGroup) -> Result<GroupPage, PageProblem> {
    let mut db = group.state.server.pool.acquire().await.map_err(Error::from)?;
    let resources: Vec<&TableResource> = group.pages.iter().map(|page| page.resource).collect();
    let counts = store::counts(&mut db, &resources).await?;
    let row = |(page, count): (&&TablePage, i64)| TableRow {
        path: page.path,
        title: page.title,
        about: page.about,
        count: thousands(count),
    };
    Ok(GroupPage {
        frame: visitor.frame(group.title, group.place),
        title: group.title,
        about: group.about,
        rows: group.pages.iter().zip(counts).map(row).collect(),
    })
}
