//! The audit: who changed what and when, with the values before and after.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::store::{HistoryFilter, actors, latest};
use crate::error::Error;
use crate::http::query::Pairs;
use crate::http::state::ServerState;
use crate::resources::Audience;
use crate::resources::pages::{TableSet, TableWords};
use crate::web::changes::{ShownChange, shown_change};
use crate::web::fields::{FieldOption, FormField};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::visitor::{StaffVisitor, Visitor};

/// Changes of one part.
const PART: usize = 50;

/// Tables whose rows are parts of events, with their table.
const OF_EVENTS: [&str; 6] = [
    "acted.tutorial_events",
    "lectern.event_details",
    "lectern.event_staff",
    "acted.tutorial_sessions",
    "lectern.session_details",
    "acted.tutorial_session_instructors",
];

/// The state of the page.
#[derive(Clone)]
struct AuditState {
    server: ServerState,
    tables: Arc<TableSet>,
}

impl FromRef<AuditState> for ServerState {
    fn from_ref(state: &AuditState) -> Self {
        state.server.clone()
    }
}

#[derive(Template)]
#[template(path = "history/audit.html")]
struct AuditPage {
    frame: Frame,
    filters: Vec<FormField>,
    is_filtered: bool,
    changes: Vec<ShownChange>,
    /// The address of the latest changes; none if they are shown.
    latest: Option<String>,
    earlier: Option<String>,
    zone: String,
}

/// Returns the routes of the page.
pub fn router(server: &ServerState, tables: &Arc<TableSet>) -> Router {
    let state = AuditState { server: server.clone(), tables: Arc::clone(tables) };
    Router::new().route("/audit", get(show)).route("/history", get(lead_to_audit)).with_state(state)
}

async fn lead_to_audit() -> Response {
    Redirect::permanent("/audit").into_response()
}

async fn show(StaffVisitor(visitor): StaffVisitor, State(state): State<AuditState>, query: Pairs) -> Response {
    match render(&visitor, &state, query).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

/// What the address chooses. What means nothing is ignored.
struct AuditAddress {
    filter: HistoryFilter,
    table: String,
    days: [String; 2],
    before: Option<i64>,
}

impl AuditAddress {
    fn of(address: &Address, zone: &jiff::tz::TimeZone) -> AuditAddress {
        let day = |name: &str| address.get(name).parse::<Date>().ok().filter(|day| day.year() > 0);
        let start = |day: Date| day.to_zoned(zone.clone()).ok().map(|at| at.timestamp());
        let (from, until) = (day("from"), day("until"));
        let table = address.get("table").to_owned();
        let tables = match table.as_str() {
            "" => Vec::new(),
            "acted.tutorial_events" => OF_EVENTS.map(str::to_owned).to_vec(),
            table => vec![table.to_owned()],
        };
        let text = |name: &str| address.get(name).chars().filter(|letter| *letter != '\0').take(200).collect();
        let next: Option<Timestamp> = until.and_then(|day| day.checked_add(1.day()).ok()).and_then(start);
        AuditAddress {
            filter: HistoryFilter {
                actor: text("actor"),
                tables,
                row: text("row"),
                from: from.and_then(start),
                until: next,
            },
            table,
            days: [from, until].map(|day| day.map(|day| day.to_string()).unwrap_or_default()),
            before: address.number("before"),
        }
    }

    fn path(&self, before: Option<i64>) -> String {
        let before = before.map(|id| id.to_string()).unwrap_or_default();
        let [from, until] = &self.days;
        let pairs = [
            ("actor", &self.filter.actor),
            ("table", &self.table),
            ("row", &self.filter.row),
            ("from", from),
            ("until", until),
            ("before", &before),
        ];
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if pairs.is_empty() { "/audit".to_owned() } else { format!("/audit?{}", pairs.join("&")) }
    }
}

async fn render(visitor: &Visitor, state: &AuditState, query: Pairs) -> Result<AuditPage, PageProblem> {
    let address = AuditAddress::of(&Address::of(query)?, &state.server.config.zone());
    let mut db = state.server.pool.acquire().await.map_err(Error::from)?;
    let limit = i64::try_from(PART + 1).unwrap_or_default();
    let mut found = latest(&mut db, &address.filter, address.before, limit).await?;
    let has_more = found.len() > PART;
    found.truncate(PART);
    let last = found.last().and_then(|change| change["id"].as_i64()).filter(|_| has_more);
    let audience = Audience::from(visitor.caller.role);
    let words = TableWords::read(&mut db, &state.tables, (audience, &visitor.clock), &found).await?;
    let filters = filters(&address, &state.tables, actors(&mut db).await?);
    Ok(AuditPage {
        frame: visitor.frame("Audit", NavPlace::Audit),
        is_filtered: filters.iter().any(|field| !field.value().is_empty()),
        filters,
        changes: found.iter().map(|stored| shown_change(stored, &words, &visitor.clock)).collect(),
        latest: address.before.map(|_| address.path(None)),
        earlier: last.map(|id| address.path(Some(id))),
        zone: state.server.config.time_zone.clone(),
    })
}

fn filters(address: &AuditAddress, tables: &TableSet, actors: Vec<String>) -> Vec<FormField> {
    let mut options = vec![FieldOption::new("", "Any"), FieldOption::new(OF_EVENTS[0], "Events and sessions")];
    let pages = tables.groups.iter().flat_map(|group| &group.pages);
    options.extend(pages.map(|page| FieldOption::new(page.resource.table, page.title)));
    let mut fields = [
        FormField { suggestions: actors, ..FormField::line("actor", "Who") },
        FormField::select("table", "Table", options),
        FormField::line("row", "Number of the record"),
        FormField::typed("from", "From", "date"),
        FormField::typed("until", "Until", "date"),
    ];
    let [from, until] = &address.days;
    let values = [&address.filter.actor, &address.table, &address.filter.row, from, until];
    for (field, value) in fields.iter_mut().zip(values) {
        field.values = vec![value.clone()];
    }
    fields.to_vec()
}
