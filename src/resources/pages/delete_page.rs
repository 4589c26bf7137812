//! The deletion of a row: what goes with it, or why it is refused, is shown before.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::record_page::{ReferringTable, by_table, referring_tables};
use super::state::{RowPathId, TableState};
use crate::http::etag::if_match;
use crate::identity::Role;
use crate::resources::{ValueKind, store};
use crate::web::document::version;
use crate::web::fields::sentence;
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::frame::Frame;
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffOperator, Visitor, redirect};

#[derive(Template)]
#[template(path = "records/delete.html")]
struct DeletePage {
    frame: Frame,
    title: &'static str,
    noun: &'static str,
    list_path: &'static str,
    path: String,
    name: String,
    version: String,
    /// Why it was not deleted; empty before the first try.
    problem: String,
    /// Rows that forbid the deletion.
    blockers: Vec<ReferringTable>,
    /// Rows that are deleted with it.
    cascades: Vec<ReferringTable>,
    /// Rows that lose their reference to it.
    clearing: Vec<ReferringTable>,
    /// What belongs to it and is deleted with it.
    parts: Vec<String>,
    is_admin: bool,
}

/// Shows what a deletion would do.
pub(super) async fn show(
    StaffOperator(visitor): StaffOperator,
    State(state): State<TableState>,
    id: RowPathId,
) -> Response {
    let shown = async {
        let (id, document) = state.document(&visitor, id).await?;
        render(&visitor, &state, StatusCode::OK, (id, &document), String::new()).await
    };
    shown.await.unwrap_or_else(|problem| visitor.problem(problem))
}

async fn render(
    visitor: &Visitor,
    state: &TableState,
    status: StatusCode,
    (id, document): (i64, &Value),
    problem: String,
) -> Result<Response, PageProblem> {
    let page = state.page;
    let name = state.name_of(id).await?;
    let mut db = state.connection().await?;
    let found = store::dependents(&mut db, page.resource, id, state.resources().guards).await?;
    let clearing = store::clearing(&mut db, page.resource, id).await?;
    let parts = page.resource.fields.iter().filter(|field| matches!(field.kind, ValueKind::Items(_)));
    let parts = parts.filter(|field| document[field.name].as_array().is_some_and(|items| !items.is_empty()));
    let shown = DeletePage {
        frame: visitor.frame(format!("Delete {name}"), state.group().place),
        title: page.title,
        noun: page.resource.noun,
        list_path: page.path,
        path: page.item_path(id),
        name,
        version: document_version(document),
        problem,
        blockers: referring_tables(&mut db, &state.tables, by_table(found.blockers)).await?,
        cascades: referring_tables(&mut db, &state.tables, by_table(found.cascades)).await?,
        clearing: referring_tables(&mut db, &state.tables, by_table(clearing)).await?,
        parts: parts.map(|field| page.label(field.name).to_lowercase()).collect(),
        is_admin: visitor.caller.role == Role::Admin,
    };
    Ok(visitor.page_with(status, &shown))
}

fn document_version(document: &Value) -> String {
    let names: Vec<&str> = document.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    version(document, &names)
}

/// Deletes a row.
pub(super) async fn delete(
    StaffOperator(visitor): StaffOperator,
    State(state): State<TableState>,
    id: RowPathId,
    form: CsrfForm,
) -> Response {
    let deleted = async {
        let (id, document) = state.document(&visitor, id).await?;
        if form.get("version") != document_version(&document) {
            let problem = "Another user has changed this since you opened the page. Look at it again.".to_owned();
            return render(&visitor, &state, StatusCode::CONFLICT, (id, &document), problem).await;
        }
        let name = state.name_of(id).await?;
        let cascade = form.is_set("cascade").then(|| ("cascade".to_owned(), "1".to_owned()));
        let parameters: Vec<(String, String)> = cascade.into_iter().collect();
        match state.write(&visitor, &parameters).remove(id, &if_match(&document)).await {
            Ok(()) => Ok(redirect(state.page.path, &Flash::done(format!("{name} is deleted.")))),
            Err(problem) => {
                let status = problem.status();
                // The rows that refer to it are listed: the page says what to do about them.
                let reason = match problem.member("cascades").is_some() {
                    true => "Other records would be deleted with it. Nothing was deleted.".to_owned(),
                    false => sentence(&PageProblem::from(problem).detail),
                };
                render(&visitor, &state, status, (id, &document), reason).await
            }
        }
    };
    deleted.await.unwrap_or_else(|problem: PageProblem| visitor.problem(problem))
}
