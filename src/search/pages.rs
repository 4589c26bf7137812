//! The page at `/`: a search box, and the products, events and sessions found.
//!
//! The page works without scripts and loads nothing from other hosts. Its URL takes the parameters of
//! `GET /api/search/unified/`. Staff without a search begin with the page of today.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::api::SearchState;
use super::compose::SessionUrls;
use super::query::search;
use super::query::{ListFilter, Query as SearchQuery};
use super::read_model::ReadModel;
use super::response::{BundleItem, EventItem, Listing, PriceItem, ResultItem, SearchResponse, SessionItem};
use crate::http::page::page;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::state::ServerState;
use crate::web::format::plural;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::PageProblem;
use crate::web::visitor::Visitor;

/// Products per page.
const PAGE_SIZE: u64 = 20;
/// Maximum number of events on a page whose sessions are shown without a click.
const MAX_OPEN_EVENTS: usize = 3;

/// Returns the route of the page.
pub fn router(state: SearchState, server: ServerState) -> Router {
    let home = move |State(state): State<SearchState>, request: Request| {
        let server = server.clone();
        async move { show_home(&state, &server, request).await }
    };
    Router::new().route("/", get(home)).with_state(state)
}

async fn show_home(state: &SearchState, server: &ServerState, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let visitor = Visitor::known(&parts, server).await;
    let is_bare = parts.uri.query().is_none_or(str::is_empty);
    if is_bare && visitor.as_ref().is_some_and(|visitor| !visitor.caller.role.has_subject()) {
        return Redirect::to("/today").into_response();
    }
    let frame = match &visitor {
        Some(visitor) => visitor.frame("Search", NavPlace::Search),
        None => Frame::public("Search", NavPlace::Search),
    };
    let query_string = Query::<Vec<(String, String)>>::from_request_parts(&mut parts, &()).await;
    let page = render_home(state, frame, &state.zone, query_string);
    page.unwrap_or_else(|problem| PageProblem::from(problem).into_response())
}

#[derive(Template)]
#[template(path = "search/home.html")]
struct HomePage {
    frame: Frame,
    query: String,
    subjects: Vec<SubjectChoice>,
    only_available: bool,
    examples: Vec<String>,
    problems: Vec<FieldError>,
    summary: String,
    rows: Vec<ResultView>,
    previous: Option<String>,
    next: Option<String>,
    json_url: String,
    zone: String,
    version: i64,
    /// How much there is to find: `2 products, 3 events, 5 sessions`.
    totals: String,
}

struct SubjectChoice {
    code: String,
    count: Option<usize>,
    is_selected: bool,
}

struct ResultView {
    subject: String,
    exam: String,
    name: String,
    text: Option<String>,
    lines: Vec<LineView>,
    is_open: bool,
}

struct LineView {
    name: String,
    note: Option<String>,
    price: String,
    events: Vec<EventView>,
}

struct EventView {
    code: String,
    days: String,
    venue: Option<String>,
    places: String,
    has_places: bool,
    sessions: Vec<SessionView>,
}

struct SessionView {
    title: String,
    when: String,
    place: String,
    url: Option<String>,
}

fn render_home(
    state: &SearchState,
    frame: Frame,
    zone: &TimeZone,
    query_string: crate::http::query::Pairs,
) -> Result<Response, HttpProblem> {
    let pairs = crate::http::query::pairs(query_string)?;
    let model = state.model()?;
    let (status, found) = match SearchQuery::from_query_string(&pairs) {
        Ok(query) => (StatusCode::OK, results_page(&model, frame, query, state.urls, zone)),
        Err(problems) => {
            let problems = problems.first().to_vec();
            (StatusCode::BAD_REQUEST, HomePage { problems, ..empty_page(&model, frame, zone) })
        }
    };
    let html = found.render().map_err(|error| {
        tracing::error!(%error, "cannot render the search page");
        HttpProblem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error: see the server log")
    })?;
    Ok(page(status, html))
}

fn empty_page(model: &ReadModel, frame: Frame, zone: &TimeZone) -> HomePage {
    HomePage {
        frame,
        query: String::new(),
        subjects: Vec::new(),
        only_available: false,
        examples: example_queries(model),
        problems: Vec::new(),
        summary: String::new(),
        rows: Vec::new(),
        previous: None,
        next: None,
        json_url: "/api/search/unified/".to_owned(),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        version: model.version,
        totals: totals(model),
    }
}

fn totals(model: &ReadModel) -> String {
    let totals = model.totals();
    let counts = [(totals.store_products, "product"), (totals.events, "event"), (totals.sessions, "session")];
    counts.map(|(count, noun)| plural(i64::try_from(count).unwrap_or(i64::MAX), noun)).join(", ")
}

fn results_page(
    model: &ReadModel,
    frame: Frame,
    mut query: SearchQuery,
    urls: SessionUrls,
    zone: &TimeZone,
) -> HomePage {
    query.page_size = PAGE_SIZE;
    let response = search(model, &query, urls);
    let events: usize = response.products.iter().map(event_count).sum();
    let pagination = &response.pagination;
    HomePage {
        subjects: subject_choices(model, &query, &response),
        only_available: query.filters.available == Some(true),
        summary: match pagination.total_count {
            0 if model.is_empty() => "The catalogue is empty: there is nothing to find yet. \
                                      Run `lectern demo` to see one with sample data, or fill the provider's catalogue."
                .to_owned(),
            0 => "No results. Try fewer or different words; small typos are allowed.".to_owned(),
            1 => "1 result".to_owned(),
            many => format!("{many} results, page {} of {}", pagination.page, pagination.total_pages),
        },
        rows: response.products.iter().map(|item| result_view(item, events <= MAX_OPEN_EVENTS, zone)).collect(),
        previous: pagination.has_previous.then(|| page_url("/", &query, pagination.page - 1)),
        next: pagination.has_next.then(|| page_url("/", &query, pagination.page + 1)),
        json_url: page_url("/api/search/unified/", &query, pagination.page),
        query: query.text,
        ..empty_page(model, frame, zone)
    }
}

/// Returns example queries, taken from the first product with events.
fn example_queries(model: &ReadModel) -> Vec<String> {
    let Some(product) = model.store_products().find(|product| !product.events.is_empty()) else {
        return Vec::new();
    };
    let event = &product.events[0];
    let subject = product.row.sitting.subject_code.to_lowercase();
    let with_place = event.row.place.location.as_ref().map(|place| format!("{subject} {}", place.to_lowercase()));
    let tutor = event.instructors.first().cloned();
    let others = [event.row.place.venue.clone(), tutor, Some(event.row.code.clone())];
    let others = others.into_iter().flatten().map(|text| text.to_string());
    with_place.into_iter().chain(others).collect()
}

fn subject_choices(model: &ReadModel, query: &SearchQuery, response: &SearchResponse<'_>) -> Vec<SubjectChoice> {
    let subjects = model.parts().iter().flat_map(|part| &part.segment.columns.subjects);
    let codes: BTreeSet<&str> = subjects.map(|run| &*run.facet.key).collect();
    let counts = &response.filter_counts.subjects;
    let choice = |code: &str| SubjectChoice {
        code: code.to_owned(),
        count: counts.get(code).map(|count| count.count),
        is_selected: query.filters.values(ListFilter::Subjects).iter().any(|value| value == code),
    };
    codes.into_iter().map(choice).filter(|choice| choice.is_selected || choice.count.is_some()).collect()
}

/// Returns the URL of another page of the same query.
fn page_url(path: &str, query: &SearchQuery, page: u64) -> String {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    if !query.text.is_empty() {
        pairs.push(("q", query.text.clone()));
    }
    for filter in ListFilter::ALL {
        pairs.extend(query.filters.values(filter).iter().map(|value| (filter.key(), value.clone())));
    }
    pairs.extend(query.filters.starts_from.map(|day| ("starts_from", day.to_string())));
    pairs.extend(query.filters.starts_to.map(|day| ("starts_to", day.to_string())));
    pairs.extend(query.filters.available.map(|value| ("available", value.to_string())));
    if page > 1 {
        pairs.push(("page", page.to_string()));
    }
    let encoded: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", percent_encode(value))).collect();
    if encoded.is_empty() { path.to_owned() } else { format!("{path}?{}", encoded.join("&")) }
}

/// The characters that are percent-encoded: all but the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn percent_encode(value: &str) -> String {
    utf8_percent_encode(value, RESERVED).to_string()
}

fn event_count(item: &ResultItem<'_>) -> usize {
    match item {
        ResultItem::Listing(listing) => {
            listing.variations.iter().flat_map(|variation| &variation.events).flatten().count()
        }
        ResultItem::Bundle(_) => 0,
    }
}

fn result_view(item: &ResultItem<'_>, is_open: bool, zone: &TimeZone) -> ResultView {
    match item {
        ResultItem::Listing(listing) => listing_view(listing, is_open, zone),
        ResultItem::Bundle(bundle) => bundle_view(bundle),
    }
}

fn listing_view(listing: &Listing<'_>, is_open: bool, zone: &TimeZone) -> ResultView {
    let lines = listing.variations.iter().map(|variation| LineView {
        name: variation.name.to_owned(),
        note: variation.description_short.map(str::to_owned),
        price: price_label(&variation.prices),
        events: variation.events.iter().flatten().map(|event| event_view(event, zone)).collect(),
    });
    ResultView {
        subject: listing.subject_code.to_owned(),
        exam: listing.exam_session_code.to_owned(),
        name: listing.product_name.to_owned(),
        text: listing.product_description.map(str::to_owned),
        lines: lines.collect(),
        is_open,
    }
}

fn bundle_view(bundle: &BundleItem<'_>) -> ResultView {
    let lines = bundle.components.iter().map(|component| LineView {
        name: component.product.fullname.to_owned(),
        note: Some(component.product_variation.name.to_owned()),
        price: price_label(&component.prices),
        events: Vec::new(),
    });
    ResultView {
        subject: bundle.subject_code.to_owned(),
        exam: bundle.exam_session_code.to_owned(),
        name: format!("{} (bundle)", bundle.name),
        text: bundle.description.map(str::to_owned),
        lines: lines.collect(),
        is_open: false,
    }
}

fn event_view(event: &EventItem<'_>, zone: &TimeZone) -> EventView {
    EventView {
        code: event.code.to_owned(),
        days: format_days(event.start_date, event.end_date),
        venue: event.venue.map(str::to_owned),
        places: match event.remain_space {
            _ if event.is_soldout => "sold out".to_owned(),
            1 => "1 place left".to_owned(),
            places => format!("{places} places left"),
        },
        has_places: !event.is_soldout && event.remain_space > 0,
        sessions: event.sessions.iter().map(|session| session_view(session, zone)).collect(),
    }
}

fn session_view(session: &SessionItem<'_>, zone: &TimeZone) -> SessionView {
    let place: Vec<&str> = [session.venue, session.location].into_iter().flatten().collect();
    let is_web_url = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
    SessionView {
        title: session.title.to_owned(),
        when: format_times(&session.start_date, &session.end_date, zone),
        place: place.join(", "),
        url: session.url.filter(is_web_url).map(str::to_owned),
    }
}

fn format_days(from: Date, to: Date) -> String {
    let format = |day: Date| day.strftime("%-d %b %Y").to_string();
    if from == to { format(from) } else { format!("{} to {}", format(from), format(to)) }
}

/// Formats a period as `Sat 10 Jan 2026, 09:30 to 17:00`. The end includes its day when that differs.
fn format_times(from: &str, to: &str, zone: &TimeZone) -> String {
    let parse = |text: &str| text.parse::<Timestamp>().map(|time| time.to_zoned(zone.clone()));
    let (Ok(from), Ok(to)) = (parse(from), parse(to)) else { return from.to_owned() };
    let end = if from.date() == to.date() { "%H:%M" } else { "%a %-d %b %Y, %H:%M" };
    format!("{} to {}", from.strftime("%a %-d %b %Y, %H:%M"), to.strftime(end))
}

fn price_label(prices: &[PriceItem<'_>]) -> String {
    let standard = prices.iter().find(|price| price.price_type == "standard").or(prices.first());
    standard.map(|price| format!("{} {}", price.amount, price.currency)).unwrap_or_default()
}
