//! The public search, at `/` and `/search`: a search box with suggestions, facets, and the products, events and sessions
//! found.
//!
//! The page works without scripts and loads nothing from other hosts. Its URL takes the parameters of
//! `GET /api/search/unified/`. Staff without a search begin with the page of today.

mod address;
mod cards;
mod facets;
mod suggestions;

use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;

use self::address::{PageLink, chips, page_url};
use self::cards::{EventCard, PageClock, ProductCard};
use self::facets::FacetGroup;
use super::api::SearchState;
use super::query::explanation::corrected_query;
use super::query::{Filters, FoundPage, Query as SearchQuery};
use super::read_model::ReadModel;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::{Pairs, pairs};
use crate::http::state::ServerState;
use crate::web::format::plural;
use crate::web::frame::{Frame, NavPlace};
use crate::web::problem::{PageProblem, respond};
use crate::web::visitor::Visitor;

/// Products per page.
const PAGE_SIZE: u64 = 20;

/// Events that are shown when nothing was typed.
const NEXT_EVENTS: usize = 12;

/// Returns the routes of the page and of its suggestions.
pub fn router(search: SearchState, server: ServerState) -> Router {
    let site = SearchSite { search, server };
    Router::new()
        .route("/", get(show_home))
        .route("/search", get(show_search))
        .route("/search/suggestions", get(suggest))
        .with_state(site)
}

/// What the pages of search need.
#[derive(Clone)]
struct SearchSite {
    search: SearchState,
    server: ServerState,
}

#[derive(Template)]
#[template(path = "search/home.html")]
struct SearchPage {
    frame: Frame,
    query: String,
    only_available: bool,
    starts_from: String,
    starts_to: String,
    examples: Vec<String>,
    problems: Vec<FieldError>,
    summary: String,
    /// What the text was read as, if it has typing errors.
    corrected: Option<String>,
    chips: Vec<PageLink>,
    facets: Vec<FacetGroup>,
    next_events: Vec<EventCard>,
    cards: Vec<ProductCard>,
    previous: Option<String>,
    next: Option<String>,
    json_url: String,
    version: i64,
    /// How much there is to find: `2 products, 3 events, 5 sessions`.
    totals: String,
}

async fn show_home(State(site): State<SearchSite>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let visitor = Visitor::known(&parts, &site.server).await;
    let is_bare = parts.uri.query().is_none_or(str::is_empty);
    if is_bare && visitor.as_ref().is_some_and(|visitor| !visitor.caller.role.has_subject()) {
        return Redirect::to("/today").into_response();
    }
    show(&site, visitor, parts).await
}

async fn show_search(State(site): State<SearchSite>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let visitor = Visitor::known(&parts, &site.server).await;
    show(&site, visitor, parts).await
}

async fn show(site: &SearchSite, visitor: Option<Visitor>, mut parts: Parts) -> Response {
    let frame = match &visitor {
        Some(visitor) => visitor.frame("Search", NavPlace::Search),
        None => Frame::public("Search", NavPlace::Search),
    };
    let address = Query::<Vec<(String, String)>>::from_request_parts(&mut parts, &()).await;
    match render(site, frame, address) {
        Ok((status, page)) => respond(status, &page),
        Err(problem) => PageProblem::from(problem).into_response(),
    }
}

fn render(site: &SearchSite, frame: Frame, address: Pairs) -> Result<(StatusCode, SearchPage), HttpProblem> {
    let pairs = pairs(address)?;
    let model = site.search.model()?;
    let is_staff = frame.visitor.as_ref().is_some_and(|visitor| visitor.is_staff);
    let clock = PageClock { zone: site.search.zone.clone(), now: Timestamp::now(), urls: site.search.urls, is_staff };
    Ok(match SearchQuery::from_query_string(&pairs) {
        Ok(query) => (StatusCode::OK, results_page(&model, frame, query, &clock)),
        Err(problems) => {
            let problems = problems.first().to_vec();
            (StatusCode::BAD_REQUEST, SearchPage { problems, ..empty_page(&model, frame) })
        }
    })
}

fn empty_page(model: &ReadModel, frame: Frame) -> SearchPage {
    SearchPage {
        frame,
        query: String::new(),
        only_available: false,
        starts_from: String::new(),
        starts_to: String::new(),
        examples: example_queries(model),
        problems: Vec::new(),
        summary: String::new(),
        corrected: None,
        chips: Vec::new(),
        facets: Vec::new(),
        next_events: Vec::new(),
        cards: Vec::new(),
        previous: None,
        next: None,
        json_url: "/api/search/unified/".to_owned(),
        version: model.version,
        totals: totals(model),
    }
}

fn totals(model: &ReadModel) -> String {
    let totals = model.totals();
    let counts = [(totals.store_products, "product"), (totals.events, "event"), (totals.sessions, "session")];
    counts.map(|(count, noun)| plural(i64::try_from(count).unwrap_or(i64::MAX), noun)).join(", ")
}

fn results_page(model: &ReadModel, frame: Frame, mut query: SearchQuery, clock: &PageClock) -> SearchPage {
    query.page_size = PAGE_SIZE;
    let found = FoundPage::new(model, &query);
    let pagination = &found.pagination;
    let is_bare = query.text.is_empty() && query.filters == Filters::default() && query.page == 1;
    let day = |day: Option<jiff::civil::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    SearchPage {
        only_available: query.filters.available == Some(true),
        starts_from: day(query.filters.starts_from),
        starts_to: day(query.filters.starts_to),
        summary: match pagination.total_count {
            0 if model.is_empty() => "The catalogue is empty: there is nothing to find yet. \
                                      Run `lectern demo` to see one with sample data, or fill the provider's catalogue."
                .to_owned(),
            0 => "No results. Try fewer or different words; small typos are allowed.".to_owned(),
            all if pagination.total_pages < 2 => plural(i64::try_from(all).unwrap_or(i64::MAX), "result"),
            all => format!(
                "{}, page {} of {}",
                plural(i64::try_from(all).unwrap_or(i64::MAX), "result"),
                pagination.page,
                pagination.total_pages
            ),
        },
        corrected: found.matches.as_ref().and_then(|matches| corrected_query(matches)),
        chips: chips(&query),
        facets: facets::groups(&found, &query),
        next_events: if is_bare { cards::next_events(model, clock, NEXT_EVENTS) } else { Vec::new() },
        cards: cards::products(&found, clock),
        previous: pagination.has_previous.then(|| page_url("/search", &query, pagination.page - 1)),
        next: pagination.has_next.then(|| page_url("/search", &query, pagination.page + 1)),
        json_url: page_url("/api/search/unified/", &query, pagination.page),
        query: query.text.clone(),
        ..empty_page(model, frame)
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

#[derive(Template)]
#[template(path = "search/suggestions.html")]
struct SuggestionsPart {
    items: Vec<PageLink>,
}

/// Returns what the text that is being typed suggests, as a part of the page.
async fn suggest(State(site): State<SearchSite>, address: Pairs) -> Response {
    match suggested(&site, address) {
        Ok(items) => respond(StatusCode::OK, &SuggestionsPart { items }),
        Err(problem) => PageProblem::from(problem).into_response(),
    }
}

fn suggested(site: &SearchSite, address: Pairs) -> Result<Vec<PageLink>, HttpProblem> {
    let pairs = pairs(address)?;
    let text = pairs.iter().find(|(name, _)| name == "q").map(|(_, text)| text.as_str()).unwrap_or_default();
    let model = site.search.model()?;
    Ok(suggestions::suggest(&model, text))
}
