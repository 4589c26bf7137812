//! What the import of a stored workbook would do, and its confirmation.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::stored_file::StoredWorkbook;
use super::upload_page::workbook;
use super::view::{ImportView, PATH};
use crate::catalogue_import::operation::{CatalogueImport, import_in};
use crate::catalogue_import::plan::CataloguePlan;
use crate::catalogue_import::read::WorkbookRows;
use crate::catalogue_import::report as rejected_rows;
use crate::error::Error;
use crate::resources::api::ResourceState;
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffOperator, Visitor, redirect};
use crate::workbook::file::unwritable;

#[derive(Template)]
#[template(path = "catalogue/plan.html")]
struct CataloguePlanPage {
    frame: Frame,
    file: String,
    path: String,
    /// Identifies what is shown.
    digest: String,
    view: ImportView,
    /// Why the file cannot be imported at all.
    unreadable: Option<String>,
}

/// A workbook with what its import would do.
struct TriedImport {
    stored: StoredWorkbook,
    given: WorkbookRows,
    plan: CataloguePlan,
}

impl TriedImport {
    fn document(&self) -> Value {
        self.plan.document(&self.stored.name(), None, true, None)
    }
}

fn request<'a>(state: &'a ResourceState, file: &'a str, is_trial: bool) -> CatalogueImport<'a> {
    CatalogueImport { file, sittings: &state.server.config.sittings, is_trial }
}

/// Imports and takes everything back. A file that cannot be read is the reason in words.
async fn tried(
    visitor: &Visitor,
    state: &ResourceState,
    stored: StoredWorkbook,
) -> Result<Result<TriedImport, String>, PageProblem> {
    let given = match stored.rows(&state.server.config).await {
        Ok(given) => given,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut transaction = state.begin(&visitor.caller).await?;
    let file = stored.name();
    let (plan, _) = import_in(&mut transaction, &state.server.pool, &request(state, &file, true), &given).await?;
    transaction.rollback().await.map_err(Error::from)?;
    Ok(Ok(TriedImport { stored, given, plan }))
}

/// Returns a text that changes when the plan does.
fn digest(document: &Value) -> String {
    let shown = [&document["counts"], &document["plan"], &document["problems"]];
    hex::encode(&Sha256::digest(serde_json::to_vec(&shown).unwrap_or_default())[..8])
}

pub(super) async fn show(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    Path(key): Path<String>,
) -> Response {
    let shown = async {
        let stored = StoredWorkbook::find(&state.server.config, &key)?;
        let file = stored.name();
        let tried = tried(&visitor, &state, stored).await?;
        let (document, unreadable) = match tried {
            Ok(tried) => (tried.document(), None),
            Err(reason) => (Value::Null, Some(reason)),
        };
        let page = CataloguePlanPage {
            frame: visitor.frame(file.as_str(), NavPlace::Reference),
            file,
            path: format!("{PATH}/files/{key}"),
            digest: digest(&document),
            view: ImportView::of(&document),
            unreadable,
        };
        Ok(visitor.page(&page))
    };
    shown.await.unwrap_or_else(|problem: PageProblem| visitor.problem(problem))
}

/// Imports the workbook as it was shown.
pub(super) async fn apply(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    Path(key): Path<String>,
    form: CsrfForm,
) -> Response {
    let done = async {
        let back = format!("{PATH}/files/{key}");
        let stored = StoredWorkbook::find(&state.server.config, &key)?;
        let file = stored.name();
        let given = match stored.rows(&state.server.config).await {
            Ok(given) => given,
            Err(reason) => return Ok(redirect(&back, &Flash::problem(reason))),
        };
        let mut transaction = state.begin(&visitor.caller).await?;
        let (plan, run) =
            import_in(&mut transaction, &state.server.pool, &request(&state, &file, false), &given).await?;
        if digest(&plan.document(&file, None, true, None)) != form.get("digest") {
            transaction.rollback().await.map_err(Error::from)?;
            let text = "the catalogue has changed since the plan was shown: look at it again, then import";
            return Ok(redirect(&back, &Flash::problem(text)));
        }
        if !plan.has_changes() {
            transaction.rollback().await.map_err(Error::from)?;
            return Ok(redirect(&back, &Flash::done("There is nothing to write.")));
        }
        state.commit(transaction).await?;
        let run = run.unwrap_or_default();
        Ok(redirect(&format!("{PATH}/{run}?file={}", stored.key), &Flash::done(format!("{file} is imported."))))
    };
    done.await.unwrap_or_else(|problem: PageProblem| visitor.problem(problem))
}

/// Responds with the rejected rows as a workbook.
pub(super) async fn report(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    Path(key): Path<String>,
) -> Response {
    let made = async {
        let stored = StoredWorkbook::find(&state.server.config, &key)?;
        let invalid = |detail: String| PageProblem { status: StatusCode::UNPROCESSABLE_ENTITY, detail };
        let tried = tried(&visitor, &state, stored).await?.map_err(invalid)?;
        let bytes = rejected_rows::workbook(&tried.given, &tried.plan).map_err(unwritable)?;
        bytes.ok_or_else(|| PageProblem::not_found("no row is rejected: there is nothing to correct"))
    };
    match made.await {
        Ok(bytes) => workbook(bytes, "rejected-rows.xlsx"),
        Err(problem) => visitor.problem(problem),
    }
}
