//! The pages of webhooks: what Administrate has reported, what could not be applied, and replay.

use administrate::WebhookType;
use askama::Template;
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;

use super::registration::register_all;
use super::{InboxItem, InboxState, delivery_url, store};
use crate::error::Error;
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::web::document::shown;
use crate::web::flash::Flash;
use crate::web::form::CsrfForm;
use crate::web::format::{Clock, ShownTime, plural};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::{Address, ListPart};
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffOperator, StaffVisitor, Visitor, redirect, redirect_after};

/// Deliveries of one part of the list.
const PART: usize = 100;

/// Returns the routes of the pages.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/webhooks", get(show_list))
        .route("/webhooks/register", post(register))
        .route("/webhooks/replay", post(replay))
        .route("/webhooks/{id}", get(show_one))
        .with_state(state)
}

#[derive(Template)]
#[template(path = "webhooks/list.html")]
struct WebhooksPage {
    frame: Frame,
    rows: Vec<WebhookRow>,
    part: ListPart,
    is_all: bool,
    dead: i64,
    registered: Vec<(String, String)>,
    /// The address that Administrate should call; none: it is not known.
    expected: Option<String>,
    /// Whether something is not registered at this address.
    can_register: bool,
    /// Whether the key of the signatures is missing.
    needs_key: bool,
}

/// A delivery of the list.
struct WebhookRow {
    id: i64,
    kind: String,
    entity: String,
    tag: StateTag,
    attempts: i32,
    note: String,
    received: Option<ShownTime>,
    is_dead: bool,
}

impl WebhookRow {
    fn new(item: &InboxItem, clock: &Clock) -> WebhookRow {
        WebhookRow {
            id: item.id,
            kind: item.webhook_type.clone().unwrap_or_else(|| "Registered elsewhere".to_owned()),
            entity: if item.entity_id.is_empty() { "–".to_owned() } else { item.entity_id.clone() },
            tag: match item.state {
                InboxState::Received => StateTag::new("live", "Waiting"),
                InboxState::Applied => StateTag::new("good", "Applied"),
                InboxState::Dead => StateTag::new("bad", "Not applied"),
            },
            attempts: item.attempts,
            note: item.note.clone().unwrap_or_default(),
            received: clock.time(&item.received_at),
            is_dead: item.state == InboxState::Dead,
        }
    }
}

async fn show_list(StaffVisitor(visitor): StaffVisitor, State(state): State<ServerState>, address: Pairs) -> Response {
    match render_list(&visitor, &state, address).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render_list(visitor: &Visitor, state: &ServerState, address: Pairs) -> Result<WebhooksPage, PageProblem> {
    let address = Address::of(address)?;
    let is_all = address.get("state") == "all";
    let total = store::count(&state.pool, is_all).await?;
    let part = ListPart::of(usize::try_from(total).unwrap_or_default(), PART, address.number("part"));
    let items = store::part(&state.pool, is_all, part.rows()).await?;
    let overview = super::overview(&state.pool).await?;
    let expected = delivery_url(&state.config.public_url);
    let is_registered = |kind: &WebhookType| {
        overview.registered.iter().any(|(known, url)| known == kind.name() && Some(url) == expected.as_ref())
    };
    Ok(WebhooksPage {
        frame: visitor.frame("Webhooks", NavPlace::Webhooks),
        rows: items.iter().map(|item| WebhookRow::new(item, &visitor.clock)).collect(),
        part,
        is_all,
        dead: overview.dead,
        can_register: expected.is_some() && !WebhookType::ALL.iter().all(is_registered),
        needs_key: state.config.administrate.webhook_secret.is_empty(),
        registered: overview.registered.iter().map(|(kind, url)| (kind.replace('_', " "), url.clone())).collect(),
        expected,
    })
}

#[derive(Template)]
#[template(path = "webhooks/one.html")]
struct WebhookPage {
    frame: Frame,
    item: WebhookRow,
    /// The delivery's own time, as it was sent.
    triggered: Option<ShownTime>,
    /// The same as it was sent, if it is no time.
    triggered_as: String,
    /// The fields of the delivery, in words.
    fields: Vec<(String, String)>,
}

/// Returns the fields of a delivery: those of objects inside it, too.
fn fields(body: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let document: Value = serde_json::from_str(body).unwrap_or_default();
    collect("", &document, &mut found);
    found
}

fn collect(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path} › {name}") };
                collect(&path, value, found);
            }
        }
        value => found.push((path.to_owned(), shown(value))),
    }
}

async fn show_one(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<ServerState>,
    id: Result<Path<i64>, PathRejection>,
) -> Response {
    let found = async {
        let unknown = || PageProblem::not_found("there is no such delivery: the list shows those that are stored");
        let Path(id) = id.map_err(|_| unknown())?;
        super::one(&state.pool, id).await?.ok_or_else(unknown)
    };
    let found: Result<InboxItem, PageProblem> = found.await;
    match found {
        Ok(item) => visitor.page(&WebhookPage {
            frame: visitor.frame(format!("Webhook {}", item.id), NavPlace::Webhooks),
            triggered: visitor.clock.time(&item.triggered_at),
            triggered_as: item.triggered_at.clone(),
            fields: fields(&item.body),
            item: WebhookRow::new(&item, &visitor.clock),
        }),
        Err(problem) => visitor.problem(problem),
    }
}

/// Asks Administrate to report changes to this server.
async fn register(_: StaffOperator, State(state): State<ServerState>, _form: CsrfForm) -> Response {
    let registered = register_all(&state.pool, &state.config).await;
    redirect_after(
        "/webhooks",
        registered.map(|report| {
            let made = report.registered.len() + report.moved.len();
            format!("Administrate reports changes to {} now: {}.", report.url, plural(made as i64, "registration"))
        }),
    )
}

/// Applies the ticked deliveries, or every one that could not be applied, again.
async fn replay(_: StaffOperator, State(state): State<ServerState>, form: CsrfForm) -> Response {
    let ids: Vec<i64> = form.all("id").into_iter().filter_map(|id| id.parse().ok()).collect();
    if ids.is_empty() && !form.is_set("all") {
        return redirect("/webhooks", &Flash::problem("Tick at least one delivery first."));
    }
    let ids = if form.is_set("all") { Vec::new() } else { ids };
    let replayed: Result<u64, Error> = super::retry_now(&state.pool, &ids).await;
    redirect_after(
        "/webhooks",
        replayed.map(|count| format!("{} applied again now.", plural(i64::try_from(count).unwrap_or(0), "webhook"))),
    )
}
