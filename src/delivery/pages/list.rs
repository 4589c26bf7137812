//! The list of undelivered items.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::outbox::{self, DeliveryState, OutboxItem};
use crate::web::format::{Clock, ShownTime, thousands};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::{Address, ListPart};
use crate::web::problem::PageProblem;
use crate::web::run::StateTag;
use crate::web::visitor::{StaffVisitor, Visitor};

/// Items of one part of the list.
const PART: usize = 100;

#[derive(Template)]
#[template(path = "outbox/list.html")]
struct OutboxPage {
    frame: Frame,
    filters: Vec<StateFilter>,
    /// The chosen filter, for the addresses of other parts.
    chosen: &'static str,
    rows: Vec<OutboxRow>,
    part: ListPart,
    failed: i64,
}

/// A link that shows the items of one state.
struct StateFilter {
    key: &'static str,
    label: &'static str,
    count: String,
    is_chosen: bool,
}

/// An item of the list.
struct OutboxRow {
    id: i64,
    subject: String,
    effect: String,
    tag: StateTag,
    attempts: i32,
    error: String,
    next: Option<ShownTime>,
    can_retry: bool,
    needs_decision: bool,
}

/// Returns the state of an item in a word.
pub(super) fn tag(state: DeliveryState) -> StateTag {
    match state {
        DeliveryState::Pending => StateTag::new("live", "Waiting"),
        DeliveryState::Delivered => StateTag::new("good", "Delivered"),
        DeliveryState::Failed => StateTag::new("bad", "Failed"),
        DeliveryState::Unknown => StateTag::new("warn", "Outcome unknown"),
    }
}

/// Returns an effect in words: `create event`.
pub(super) fn words(effect: &str) -> String {
    effect.replace('_', " ")
}

impl OutboxRow {
    fn new(item: &OutboxItem, clock: &Clock) -> OutboxRow {
        OutboxRow {
            id: item.id,
            subject: item.subject.clone(),
            effect: words(&item.effect),
            tag: tag(item.state),
            attempts: item.attempts,
            error: item.last_error.clone().unwrap_or_default(),
            next: clock.time_of(item.next_attempt_at.as_ref()),
            can_retry: matches!(item.state, DeliveryState::Pending | DeliveryState::Failed),
            needs_decision: item.state == DeliveryState::Unknown,
        }
    }
}

pub(super) async fn show(
    StaffVisitor(visitor): StaffVisitor,
    State(state): State<ServerState>,
    address: Pairs,
) -> Response {
    match render(&visitor, &state, address).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &ServerState, address: Pairs) -> Result<OutboxPage, PageProblem> {
    let address = Address::of(address)?;
    let chosen = ["failed", "unknown", "pending", "all"].into_iter().find(|key| *key == address.get("state"));
    let chosen = chosen.unwrap_or("open");
    let backlog = outbox::backlog(&state.pool).await?;
    let open = backlog.pending + backlog.failed + backlog.unknown;
    let total = match chosen {
        "failed" => backlog.failed,
        "unknown" => backlog.unknown,
        "pending" => backlog.pending,
        "all" => outbox::count(&state.pool).await?,
        _ => open,
    };
    let part = ListPart::of(usize::try_from(total).unwrap_or_default(), PART, address.number("part"));
    let items = match chosen {
        "all" => outbox::part(&state.pool, part.rows()).await?,
        "open" => outbox::open_part(&state.pool, None, part.rows()).await?,
        state_name => outbox::open_part(&state.pool, Some(state_name), part.rows()).await?,
    };
    let filter = |key: &'static str, label: &'static str, count: Option<i64>| StateFilter {
        key,
        label,
        count: count.map(thousands).unwrap_or_default(),
        is_chosen: key == chosen,
    };
    let filters = vec![
        filter("open", "Not delivered", Some(open)),
        filter("failed", "Failed", Some(backlog.failed)),
        filter("unknown", "Outcome unknown", Some(backlog.unknown)),
        filter("pending", "Waiting", Some(backlog.pending)),
        filter("all", "All", None),
    ];
    Ok(OutboxPage {
        frame: visitor.frame("Outbox", NavPlace::Outbox),
        filters,
        chosen,
        rows: items.iter().map(|item| OutboxRow::new(item, &visitor.clock)).collect(),
        part,
        failed: backlog.failed,
    })
}
