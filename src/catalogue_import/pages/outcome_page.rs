//! What an import has done, and its undo.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::stored_file::StoredWorkbook;
use super::view::{ImportView, PATH};
use crate::catalogue_import::operation::undo_in;
use crate::catalogue_import::undo::{CatalogueUndo, undone_by};
use crate::error::Error;
use crate::http::query::Pairs;
use crate::resources::api::ResourceState;
use crate::runs::{self, RunKind};
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::format::plural;
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffOperator, StaffVisitor, Visitor, redirect};

/// The number of a run in a path.
type ImportPathId = Result<Path<i64>, PathRejection>;

#[derive(Template)]
#[template(path = "catalogue/outcome.html")]
struct CatalogueOutcomePage {
    frame: Frame,
    file: String,
    path: String,
    view: ImportView,
    undone_by: Option<i64>,
    /// The path of the rejected rows; none when the workbook is not stored any more.
    report: Option<String>,
}

#[derive(Template)]
#[template(path = "catalogue/undo.html")]
struct CatalogueUndoPage {
    frame: Frame,
    file: String,
    path: String,
    removed: String,
    restored: String,
    refused: Vec<String>,
    undone_by: Option<i64>,
}

/// A stored import.
struct KnownImport {
    run: i64,
    file: String,
    document: Value,
    undone_by: Option<i64>,
}

async fn find(state: &ResourceState, run: ImportPathId) -> Result<KnownImport, PageProblem> {
    let unknown =
        || PageProblem::not_found("there is no such import of a catalogue: the list shows those that are stored");
    let Path(run) = run.map_err(|_| unknown())?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let found = runs::find(&mut db, RunKind::CatalogueImport, run).await?.ok_or_else(unknown)?;
    let undone_by = undone_by(&mut db, run).await?;
    Ok(KnownImport { run, file: found.run.subject, document: found.document.unwrap_or_default(), undone_by })
}

pub(super) async fn show(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<ResourceState>,
    run: ImportPathId,
    query: Pairs,
) -> Response {
    let shown = async {
        let address = Address::of(query)?;
        let known = find(&state, run).await?;
        let stored = StoredWorkbook::find(&state.server.config, address.get("file"));
        let view = ImportView::of(&known.document);
        let report = stored.ok().filter(|_| view.is_rejected && visitor.can_write());
        let page = CatalogueOutcomePage {
            frame: visitor.frame(known.file.as_str(), NavPlace::Reference),
            path: format!("{PATH}/{}", known.run),
            report: report.map(|stored| format!("{PATH}/files/{}/report", stored.key)),
            view,
            undone_by: known.undone_by,
            file: known.file,
        };
        Ok(visitor.page(&page))
    };
    shown.await.unwrap_or_else(|problem: PageProblem| visitor.problem(problem))
}

fn render_undo(visitor: &Visitor, status: StatusCode, known: KnownImport, undone: &CatalogueUndo) -> Response {
    let number = |count: usize| i64::try_from(count).unwrap_or_default();
    let page = CatalogueUndoPage {
        frame: visitor.frame(format!("Undo {}", known.file), NavPlace::Reference),
        path: format!("{PATH}/{}", known.run),
        removed: plural(number(undone.removed), "record"),
        restored: plural(number(undone.restored), "record"),
        refused: undone.refused.iter().map(ToString::to_string).collect(),
        undone_by: undone.earlier,
        file: known.file,
    };
    visitor.page_with(status, &page)
}

/// Shows what an undo would do.
pub(super) async fn show_undo(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    run: ImportPathId,
) -> Response {
    let shown = async {
        let known = find(&state, run).await?;
        let transaction = state.begin(&visitor.caller).await?;
        let (undone, _) = undo_in(transaction, &state.server.pool, known.run, true).await?;
        Ok(render_undo(&visitor, StatusCode::OK, known, &undone))
    };
    shown.await.unwrap_or_else(|problem: PageProblem| visitor.problem(problem))
}

/// Undoes an import.
pub(super) async fn undo(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    run: ImportPathId,
    _: CsrfForm,
) -> Response {
    let done = async {
        let known = find(&state, run).await?;
        let transaction = state.begin(&visitor.caller).await?;
        let (undone, by) = undo_in(transaction, &state.server.pool, known.run, false).await?;
        if by.is_none() {
            return Ok(render_undo(&visitor, StatusCode::CONFLICT, known, &undone));
        }
        (state.refresh)().await;
        let text = format!("The import of {} is undone.", known.file);
        Ok(redirect(&format!("{PATH}/{}", known.run), &Flash::done(text)))
    };
    done.await.unwrap_or_else(|problem: PageProblem| visitor.problem(problem))
}
