//! The page that takes a workbook, and the imports of catalogues so far.

use askama::Template;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::stored_file::StoredWorkbook;
use super::view::PATH;
use crate::catalogue_import::template as workbook_template;
use crate::error::Error;
use crate::http::auth::credentials;
use crate::http::problem::HttpProblem;
use crate::resources::api::ResourceState;
use crate::runs::{self, Run, RunKind};
use crate::timetable_import::upload::{self, HeaderLimit};
use crate::web::document::count;
use crate::web::format::ShownTime;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffOperator, StaffVisitor, Visitor};
use crate::workbook::file::unwritable;

/// Imports on the page.
const RUNS: i64 = 50;

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

#[derive(Template)]
#[template(path = "catalogue/upload.html")]
struct UploadPage {
    frame: Frame,
    megabytes: u64,
    problem: Option<String>,
    runs: Vec<RunRow>,
}

struct RunRow {
    path: String,
    file: String,
    at: Option<ShownTime>,
    tag: StateTag,
    counts: [String; 4],
}

async fn render(
    visitor: &Visitor,
    state: &ResourceState,
    status: StatusCode,
    problem: Option<String>,
) -> Result<Response, PageProblem> {
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let undos = runs::latest(&mut db, RunKind::CatalogueUndo, i64::from(i32::MAX)).await?;
    let row = |run: Run| {
        let counts = run.counts.clone().unwrap_or_default();
        let is_undone = undos.iter().any(|undo| undo.subject == run.id.to_string());
        RunRow {
            path: format!("{PATH}/{}", run.id),
            at: visitor.clock.time(&run.started_at),
            tag: match is_undone {
                true => StateTag::new("", "Undone"),
                false => StateTag::of_exit(run.exit_code, false),
            },
            counts: ["created", "updated", "unchanged", "rejected"].map(|name| count(&counts[name])),
            file: run.subject,
        }
    };
    let found = runs::latest(&mut db, RunKind::CatalogueImport, RUNS).await?;
    let page = UploadPage {
        frame: visitor.frame("Catalogue workbook", NavPlace::Reference),
        megabytes: state.server.config.import.max_file_bytes >> 20,
        problem,
        runs: found.into_iter().map(row).collect(),
    };
    Ok(visitor.page_with(status, &page))
}

pub(super) async fn show(StaffVisitor(visitor): StaffVisitor, State(state): State<ResourceState>) -> Response {
    render(&visitor, &state, StatusCode::OK, None).await.unwrap_or_else(|problem| visitor.problem(problem))
}

/// Stores a workbook, and leads to what its import would do.
pub(super) async fn receive(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    request: Request,
) -> Response {
    // A program sends no token of a form, but neither can another site make it send one.
    let token = credentials(request.headers()).is_ok_and(|sent| sent.is_cookie);
    let token = token.then(|| visitor.frame("", NavPlace::Reference).csrf().to_owned());
    let stored = async {
        let limit = HeaderLimit::default();
        let form = Multipart::from_request(request.map(|body| limit.apply(body)), &state).await;
        let form = form.map_err(|_| {
            HttpProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the workbook as a file of the form")
        })?;
        let config = &state.server.config;
        let received = upload::receive(form, &limit, (None, token.as_deref()), config).await?;
        Ok::<_, HttpProblem>(StoredWorkbook::keep(config, received.staged)?)
    };
    match stored.await {
        Ok(key) => Redirect::to(&format!("{PATH}/files/{key}")).into_response(),
        Err(problem) => {
            let (status, mut detail) = (problem.status(), PageProblem::from(problem).detail);
            if detail.contains("the part named file is missing") {
                detail = "Choose a workbook first: none was sent.".to_owned();
            }
            render(&visitor, &state, status, Some(detail)).await.unwrap_or_else(|problem| visitor.problem(problem))
        }
    }
}

/// Responds with an empty workbook to fill.
pub(super) async fn template(StaffVisitor(visitor): StaffVisitor) -> Response {
    match workbook_template::empty().map_err(unwritable) {
        Ok(bytes) => workbook(bytes, "catalogue.xlsx"),
        Err(error) => visitor.problem(error),
    }
}

/// Responds with a workbook.
pub(super) fn workbook(bytes: Vec<u8>, name: &str) -> Response {
    let attachment = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, WORKBOOK.to_owned()), (header::CONTENT_DISPOSITION, attachment)], bytes).into_response()
}
