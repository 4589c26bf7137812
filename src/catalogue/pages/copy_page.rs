//! The copy of an exam session: what it would do is shown first.

use askama::Template;
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::catalogue::copy::{CopyRequest, copy};
use crate::catalogue::store::{self, CopyCount};
use crate::error::Error;
use crate::resources::api::ResourceState;
use crate::web::fields::{FieldOption, FormField, FormFields};
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::format::thousands;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffOperator, Visitor, redirect};

#[derive(Template)]
#[template(path = "catalogue/copy.html")]
struct CopyPage {
    frame: Frame,
    code: String,
    path: String,
    form: FormFields,
    /// What a copy would do; none before it was requested.
    preview: Option<CopyPreview>,
}

/// What a copy would do.
struct CopyPreview {
    from: String,
    rows: Vec<(String, String, String)>,
    /// Whether anything would be created.
    is_needed: bool,
    /// What the form has chosen, for the second step.
    chosen: Vec<(String, String)>,
}

/// The exam sessions and subjects of the form.
struct CopyChoices {
    to: i64,
    code: String,
    others: Vec<(i64, String)>,
    subjects: Vec<(i64, String)>,
}

/// The id of an exam session in a path.
type ExamPathId = Result<Path<i64>, PathRejection>;

/// Returns the routes of the page.
pub fn router(state: &ResourceState) -> Router {
    Router::new().route("/reference/exam-sessions/{id}/copy", get(show).post(act)).with_state(state.clone())
}

async fn choices(state: &ResourceState, id: ExamPathId) -> Result<CopyChoices, PageProblem> {
    let unknown = || PageProblem::not_found("there is no such exam session: its list shows those that exist");
    let Path(to) = id.map_err(|_| unknown())?;
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let known = store::exam_sessions(&mut db).await?;
    let code = known.iter().find(|(id, _)| *id == to).map(|(_, code)| code.clone()).ok_or_else(unknown)?;
    let others = known.into_iter().filter(|(id, _)| *id != to).collect();
    Ok(CopyChoices { to, code, others, subjects: store::subjects(&mut db).await? })
}

fn form(choices: &CopyChoices) -> FormFields {
    let option = |(id, name): &(i64, String)| FieldOption::new(id, name.as_str());
    let none = FieldOption::new("", "Choose one");
    let others = std::iter::once(none).chain(choices.others.iter().map(option)).collect();
    FormFields::new(vec![
        FormField::select("from", "Copy from", others).required(),
        FormField::boxes("subjects", "Only these subjects", choices.subjects.iter().map(option).collect())
            .hinted("None ticked: all"),
    ])
}

async fn show(StaffOperator(visitor): StaffOperator, State(state): State<ResourceState>, id: ExamPathId) -> Response {
    match choices(&state, id).await {
        Ok(choices) => {
            let mut form = form(&choices);
            // Usually the one before.
            let latest = choices.others.first().map(|(id, _)| id.to_string()).unwrap_or_default();
            form.set("from", latest);
            render(&visitor, StatusCode::OK, &choices, form, None)
        }
        Err(problem) => visitor.problem(problem),
    }
}

fn render(
    visitor: &Visitor,
    status: StatusCode,
    choices: &CopyChoices,
    form: FormFields,
    preview: Option<CopyPreview>,
) -> Response {
    let page = CopyPage {
        frame: visitor.frame(format!("Copy to {}", choices.code), NavPlace::Reference),
        code: choices.code.clone(),
        path: format!("/reference/exam-sessions/{}", choices.to),
        form,
        preview,
    };
    visitor.page_with(status, &page)
}

/// Shows what a copy would do, or copies.
async fn act(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ResourceState>,
    id: ExamPathId,
    sent: CsrfForm,
) -> Response {
    let done = async {
        let choices = choices(&state, id).await?;
        let mut form = form(&choices);
        form.take(&sent);
        form.check_required();
        let from = form.value("from").parse::<i64>().ok();
        let from = from.filter(|from| choices.others.iter().any(|(id, _)| id == from));
        if from.is_none() {
            form.refuse("from", "Choose one.");
        }
        let Some(from) = from.filter(|_| !form.is_wrong()) else {
            return Ok(render(&visitor, StatusCode::UNPROCESSABLE_ENTITY, &choices, form, None));
        };
        let subjects: Vec<i64> = form.values("subjects").iter().filter_map(|id| id.parse().ok()).collect();
        let is_dry_run = !sent.is_set("copy");
        let subjects = (!subjects.is_empty()).then_some(subjects);
        let request = CopyRequest { from, to: choices.to, subjects, is_dry_run };
        let mut transaction = state.begin(&visitor.caller).await?;
        let counts = copy(&mut transaction, &request).await?;
        if is_dry_run {
            transaction.rollback().await.map_err(Error::from)?;
            let preview = preview(&choices, &form, from, &counts);
            return Ok(render(&visitor, StatusCode::OK, &choices, form, Some(preview)));
        }
        state.commit(transaction).await?;
        let created: i64 = counts.iter().map(|count| count.created).sum();
        let text = format!("{} rows are copied to {}.", thousands(created), choices.code);
        Ok(redirect(&format!("/reference/exam-sessions/{}", choices.to), &Flash::done(text)))
    };
    done.await.unwrap_or_else(|problem: PageProblem| visitor.problem(problem))
}

fn preview(choices: &CopyChoices, form: &FormFields, from: i64, counts: &[CopyCount]) -> CopyPreview {
    let name = choices.others.iter().find(|(id, _)| *id == from).map(|(_, code)| code.clone());
    let row = |count: &CopyCount| (count.kind.replace('_', " "), thousands(count.created), thousands(count.unchanged));
    let subjects = form.values("subjects").iter().map(|id| ("subjects".to_owned(), id.clone()));
    CopyPreview {
        from: name.unwrap_or_default(),
        rows: counts.iter().map(row).collect(),
        is_needed: counts.iter().any(|count| count.created > 0),
        chosen: std::iter::once(("from".to_owned(), from.to_string())).chain(subjects).collect(),
    }
}
