//! The page of one item: what was sent, what came back, and the decision where the outcome is unknown.

use administrate::Id;
use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::super::api::decide_item;
use super::super::resolve::OutboxResolution;
use super::list::{tag, words};
use crate::http::state::ServerState;
use crate::outbox::{self, DeliveryState, OutboxItem};
use crate::web::document::{list, shown};
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::format::ShownTime;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffOperator, StaffVisitor, Visitor, redirect};

#[derive(Template)]
#[template(path = "outbox/item.html")]
struct OutboxItemPage {
    frame: Frame,
    id: i64,
    subject: String,
    effect: String,
    tag: StateTag,
    attempts: i32,
    error: String,
    next: Option<ShownTime>,
    steps: String,
    /// What each creation with an unknown outcome was sent with.
    sent: Vec<String>,
    needs_decision: bool,
    can_retry: bool,
    /// What was typed into the form, and what was wrong with it.
    typed: String,
    problem: Option<String>,
}

/// Returns what a creation was sent with, in words.
fn sent_with(key: &Value) -> String {
    let labels = [
        ("title", "title"),
        ("template", "course template"),
        ("classroom", "in the classroom from"),
        ("lms", "online from"),
        ("time_zone", "zone"),
    ];
    let given = labels.iter().filter(|(name, _)| !key[*name].is_null());
    given.map(|(name, label)| format!("{label} {}", shown(&key[*name]))).collect::<Vec<_>>().join(", ")
}

type ItemPath = Result<Path<i64>, PathRejection>;

async fn find(state: &ServerState, id: ItemPath) -> Result<OutboxItem, PageProblem> {
    let unknown = || PageProblem::not_found("the outbox has no such item: the list shows those that are stored");
    let Path(id) = id.map_err(|_| unknown())?;
    outbox::one(&state.pool, id).await?.ok_or_else(unknown)
}

fn page(visitor: &Visitor, item: &OutboxItem, typed: &str, problem: Option<String>) -> OutboxItemPage {
    let steps = item.steps().unwrap_or_default();
    let steps: Vec<String> = steps.iter().map(|step| step.as_str().replace('_', " ")).collect();
    OutboxItemPage {
        frame: visitor.frame(format!("{}: {}", item.subject, words(&item.effect)), NavPlace::Outbox),
        id: item.id,
        subject: item.subject.clone(),
        effect: words(&item.effect),
        tag: tag(item.state),
        attempts: item.attempts,
        error: item.last_error.clone().unwrap_or_default(),
        next: visitor.clock.time_of(item.next_attempt_at.as_ref()),
        steps: steps.join(", "),
        sent: list(&item.creation_keys).map(sent_with).collect(),
        needs_decision: item.state == DeliveryState::Unknown,
        can_retry: matches!(item.state, DeliveryState::Pending | DeliveryState::Failed),
        typed: typed.to_owned(),
        problem,
    }
}

pub(super) async fn show(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<ServerState>,
    id: ItemPath,
) -> Response {
    match find(&state, id).await {
        Ok(item) => visitor.page(&page(&visitor, &item, "", None)),
        Err(problem) => visitor.problem(problem),
    }
}

/// Decides about an item whose outcome is unknown.
pub(super) async fn resolve(
    StaffOperator(visitor): StaffOperator,
    State(state): State<ServerState>,
    id: ItemPath,
    form: CsrfForm,
) -> Response {
    let item = match find(&state, id).await {
        Ok(item) => item,
        Err(problem) => return visitor.problem(problem),
    };
    let typed = form.get("delivered").to_owned();
    let decision = match (form.is_set("recreate"), typed.is_empty()) {
        (true, _) => OutboxResolution::Recreate,
        (false, false) => OutboxResolution::Delivered(Id::new(typed.as_str())),
        (false, true) => {
            let problem = Some("Enter the id that Administrate shows.".to_owned());
            return visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&visitor, &item, "", problem));
        }
    };
    match decide_item(&state, item.id, &decision).await {
        Ok(()) => redirect("/outbox", &Flash::done(format!("{} is delivered next.", item.subject))),
        Err(problem) => {
            let problem = PageProblem::from(problem);
            visitor.page_with(problem.status, &page(&visitor, &item, &typed, Some(problem.detail)))
        }
    }
}
