//! The page at `/`: a search box over everything, and what it finds: products, their events, their sessions.
//!
//! Works without a script: a form, links, and rows that open by themselves. It asks nothing of other hosts. Its address
//! takes the parameters of `GET /api/search/unified/`.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::api::SearchState;
use super::compose::SessionUrls;
use super::query::search;
use super::query::{ListFilter, Query};
use super::read_model::ReadModel;
use super::read_model::follow::Follower;
use super::response::{BundleItem, EventItem, Listing, PriceItem, ResultItem, SearchResponse, SessionItem};
use crate::server::problem::{FieldError, Problem};

/// Products on a page.
const PAGE_SIZE: u64 = 20;
/// Events are shown opened while there are no more than this on a page.
const OPEN_UP_TO: usize = 3;
/// Nothing from anywhere else, no script at all.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// The route of the page. `zone`: in which times are shown.
pub fn router(follower: Follower, urls: SessionUrls, zone: TimeZone) -> Router {
    let state = SearchState { follower, urls };
    let home = move |State(state): State<SearchState>, address: super::api::Pairs| {
        let zone = zone.clone();
        async move { home(&state, &zone, address) }
    };
    Router::new().route("/", get(home)).with_state(state)
}

#[derive(Template)]
#[template(path = "search/home.html")]
struct HomePage {
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
    store_products: usize,
    events: usize,
    sessions: usize,
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

fn home(state: &SearchState, zone: &TimeZone, address: super::api::Pairs) -> Result<Response, Problem> {
    let pairs = super::api::pairs(address)?;
    let model = state.follower.current();
    let (status, page) = match Query::from_query_string(&pairs) {
        Ok(query) => (StatusCode::OK, found(&model, query, state.urls, zone)),
        Err(problems) => (StatusCode::BAD_REQUEST, HomePage { problems, ..empty(&model, zone) }),
    };
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page could not be written");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "this is a defect of Lectern; its log says more")
    })?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((status, headers, Html(html)).into_response())
}

fn empty(model: &ReadModel, zone: &TimeZone) -> HomePage {
    let events = || model.store_products.iter().flat_map(|product| &product.events);
    HomePage {
        query: String::new(),
        subjects: Vec::new(),
        only_available: false,
        examples: examples(model),
        problems: Vec::new(),
        summary: String::new(),
        rows: Vec::new(),
        previous: None,
        next: None,
        json_url: "/api/search/unified/".to_owned(),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        version: model.version,
        store_products: model.store_products.len(),
        events: events().count(),
        sessions: events().map(|event| event.sessions.len()).sum(),
    }
}

fn found(model: &ReadModel, mut query: Query, urls: SessionUrls, zone: &TimeZone) -> HomePage {
    query.page_size = PAGE_SIZE;
    let response = search(model, &query, urls);
    let events: usize = response.products.iter().map(event_count).sum();
    let pages = &response.pagination;
    HomePage {
        subjects: choices(model, &query, &response),
        only_available: query.filters.available == Some(true),
        summary: match pages.total_count {
            0 => "Nothing is found. Fewer or other words may help; typos are forgiven.".to_owned(),
            1 => "1 result".to_owned(),
            many => format!("{many} results, page {} of {}", pages.page, pages.total_pages),
        },
        rows: response.products.iter().map(|item| row(item, events <= OPEN_UP_TO, zone)).collect(),
        previous: pages.has_previous.then(|| address("/", &query, pages.page - 1)),
        next: pages.has_next.then(|| address("/", &query, pages.page + 1)),
        json_url: address("/api/search/unified/", &query, pages.page),
        query: query.text,
        ..empty(model, zone)
    }
}

/// What a newcomer may type: taken from the first product that has events.
fn examples(model: &ReadModel) -> Vec<String> {
    let Some(product) = model.store_products.iter().find(|product| !product.events.is_empty()) else {
        return Vec::new();
    };
    let event = &product.events[0];
    let subject = product.row.subject_code.to_lowercase();
    let with_place = event.row.place.location.as_ref().map(|place| format!("{subject} {}", place.to_lowercase()));
    let tutor = event.instructors.first().cloned();
    let all = [with_place, event.row.place.venue.clone(), tutor, Some(event.row.code.clone())];
    all.into_iter().flatten().collect()
}

fn choices(model: &ReadModel, query: &Query, response: &SearchResponse<'_>) -> Vec<SubjectChoice> {
    let mut codes: Vec<&String> = model.store_products.iter().map(|product| &product.row.subject_code).collect();
    codes.dedup();
    let counts = &response.filter_counts.subjects;
    let choice = |code: &String| SubjectChoice {
        code: code.clone(),
        count: counts.get(code).map(|count| count.count),
        is_selected: query.filters.values(ListFilter::Subjects).contains(code),
    };
    codes.into_iter().map(choice).filter(|choice| choice.is_selected || choice.count.is_some()).collect()
}

/// The address of a page of the same query.
fn address(path: &str, query: &Query, page: u64) -> String {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    if !query.text.is_empty() {
        pairs.push(("q", query.text.clone()));
    }
    for filter in ListFilter::ALL {
        pairs.extend(query.filters.values(filter).iter().map(|value| (filter.key(), value.clone())));
    }
    pairs.extend(query.filters.starts_from.map(|day| ("starts_from", day.to_string())));
    pairs.extend(query.filters.starts_to.map(|day| ("starts_to", day.to_string())));
    pairs.extend(query.filters.available.map(|wanted| ("available", wanted.to_string())));
    if page > 1 {
        pairs.push(("page", page.to_string()));
    }
    let encoded: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if encoded.is_empty() { path.to_owned() } else { format!("{path}?{}", encoded.join("&")) }
}

/// Percent-encoding (RFC 3986): unreserved characters stay.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn event_count(item: &ResultItem<'_>) -> usize {
    match item {
        ResultItem::Listing(listing) => {
            listing.variations.iter().flat_map(|variation| &variation.events).flatten().count()
        }
        ResultItem::Bundle(_) => 0,
    }
}

fn row(item: &ResultItem<'_>, is_open: bool, zone: &TimeZone) -> ResultView {
    match item {
        ResultItem::Listing(listing) => listing_row(listing, is_open, zone),
        ResultItem::Bundle(bundle) => bundle_row(bundle),
    }
}

fn listing_row(listing: &Listing<'_>, is_open: bool, zone: &TimeZone) -> ResultView {
    let lines = listing.variations.iter().map(|variation| LineView {
        name: variation.name.to_owned(),
        note: variation.description_short.map(str::to_owned),
        price: price(&variation.prices),
        events: variation.events.iter().flatten().map(|event| event_row(event, zone)).collect(),
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

fn bundle_row(bundle: &BundleItem<'_>) -> ResultView {
    let lines = bundle.components.iter().map(|component| LineView {
        name: component.product.fullname.to_owned(),
        note: Some(component.product_variation.name.to_owned()),
        price: price(&component.prices),
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

fn event_row(event: &EventItem<'_>, zone: &TimeZone) -> EventView {
    EventView {
        code: event.code.to_owned(),
        days: days(event.start_date, event.end_date),
        venue: event.venue.map(str::to_owned),
        places: match event.remain_space {
            _ if event.is_soldout => "sold out".to_owned(),
            1 => "1 place left".to_owned(),
            places => format!("{places} places left"),
        },
        has_places: !event.is_soldout && event.remain_space > 0,
        sessions: event.sessions.iter().map(|session| session_row(session, zone)).collect(),
    }
}

fn session_row(session: &SessionItem<'_>, zone: &TimeZone) -> SessionView {
    let place: Vec<&str> = [session.venue, session.location].into_iter().flatten().collect();
    let web = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
    SessionView {
        title: session.title.to_owned(),
        when: times(&session.start_date, &session.end_date, zone),
        place: place.join(", "),
        url: session.url.filter(web).map(str::to_owned),
    }
}

fn days(from: Date, to: Date) -> String {
    let shown = |day: Date| day.strftime("%-d %b %Y").to_string();
    if from == to { shown(from) } else { format!("{} to {}", shown(from), shown(to)) }
}

/// `Sat 10 Jan 2026, 09:30 to 17:00`; the end with its day where that is another.
fn times(from: &str, to: &str, zone: &TimeZone) -> String {
    let read = |text: &str| text.parse::<Timestamp>().map(|at| at.to_zoned(zone.clone()));
    let (Ok(from), Ok(to)) = (read(from), read(to)) else { return from.to_owned() };
    let end = if from.date() == to.date() { "%H:%M" } else { "%a %-d %b %Y, %H:%M" };
    format!("{} to {}", from.strftime("%a %-d %b %Y, %H:%M"), to.strftime(end))
}

fn price(prices: &[PriceItem<'_>]) -> String {
    let standard = prices.iter().find(|price| price.price_type == "standard").or(prices.first());
    standard.map(|price| format!("{} {}", price.amount, price.currency)).unwrap_or_default()
}
