//! The page at `/`: what the tenant contains and what was written last, for people who try Lectern.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header;
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use jiff::civil::DateTime;
use serde_json::Value;

use super::ServerContext;
use super::control::loopback_only;
use crate::ids;
use crate::log::Mutation;
use crate::tenant::{Event, EventState, Number, Session, Tenant};

/// Events on one page.
const PAGE_SIZE: usize = 100;
/// Mutations in the list of what was written last.
const LATEST: usize = 15;

/// The page has no script and loads nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Router<Arc<ServerContext>> {
    Router::new().route("/", get(show)).layer(middleware::from_fn(loopback_only))
}

async fn show(State(context): State<Arc<ServerContext>>, Query(form): Query<BTreeMap<String, String>>) -> Response {
    let words = form.get("q").map(|words| words.trim()).unwrap_or_default();
    let page = form.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let html = {
        let state = context.state();
        render(&state.tenant, &state.mutations, words, page)
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(html)).into_response()
}

fn render(tenant: &Tenant, mutations: &[Mutation], words: &str, page: usize) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Simulator of Administrate</title>\
         <style>{}</style></head><body><h1>Simulator of Administrate</h1>\
         <p class=\"dim\">It stands in for the training management system. This is what has been written to it. \
         Reload the page to see the present state.</p>",
        include_str!("page.css")
    );
    counts(&mut html, tenant);
    latest(&mut html, tenant, mutations);
    events(&mut html, tenant, words, page);
    html.push_str("</body></html>\n");
    html
}

fn counts(html: &mut String, tenant: &Tenant) {
    let in_state = |state| tenant.events.values().filter(|event| event.state == state).count();
    html.push_str("<ul class=\"counts\">");
    for (count, what) in [
        (tenant.events.len(), "events"),
        (in_state(EventState::Draft), "drafts"),
        (in_state(EventState::Published), "published"),
        (in_state(EventState::Cancelled), "cancelled"),
        (tenant.sessions.len(), "sessions"),
        (tenant.templates.len(), "course templates"),
        (tenant.locations.len(), "locations"),
        (tenant.venues.len(), "venues"),
        (tenant.contacts.len(), "contacts"),
    ] {
        // Writing into a String cannot fail.
        let _ = write!(html, "<li><b>{count}</b>{what}</li>");
    }
    html.push_str("</ul>");
}

/// Adds the latest mutations since the start, the last one first.
fn latest(html: &mut String, tenant: &Tenant, mutations: &[Mutation]) {
    html.push_str("<h2>Written last</h2>");
    if mutations.is_empty() {
        html.push_str("<p class=\"dim\">Nothing since the simulator started.</p>");
        return;
    }
    let _ = write!(html, "<p class=\"dim\">{} writes since the simulator started.</p><table>", mutations.len());
    html.push_str("<tr><th>Time (UTC)</th><th>Operation</th><th>Record</th><th></th></tr>");
    for mutation in mutations.iter().rev().take(LATEST) {
        let result = if mutation.changed { "" } else { "<span class=\"state refused\">refused or unchanged</span>" };
        let _ = write!(
            html,
            "<tr><td class=\"time\">{}</td><td>{}</td><td>{}</td><td>{result}</td></tr>",
            mutation.at.strftime("%H:%M:%S"),
            escape(&mutation.operation),
            escape(&subject(tenant, &mutation.arguments)),
        );
    }
    html.push_str("</table>");
}

/// Returns what a mutation concerns: the title of the event or session in its arguments, else a name in its input.
fn subject(tenant: &Tenant, arguments: &Value) -> String {
    let texts = texts(arguments);
    let title = |text: &str| {
        let number = ids::decode("Course", text)?;
        let session = tenant.sessions.get(&number);
        let event = tenant.events.get(&session.map_or(number, |session| session.event))?;
        Some(match session {
            Some(session) => format!("{}: {}", event.title, session.title),
            None => event.title.clone(),
        })
    };
    let named = |desired: &str| texts.iter().find(|(key, _)| *key == desired).map(|(_, text)| (*text).to_owned());
    texts
        .iter()
        .find_map(|(_, text)| title(text))
        .or_else(|| named("title"))
        .or_else(|| named("name"))
        .unwrap_or_default()
}

/// Returns all texts of a value with their keys.
fn texts(value: &Value) -> Vec<(&str, &str)> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, field)| match field {
                Value::String(text) => vec![(key.as_str(), text.as_str())],
                Value::Array(items) => items
                    .iter()
                    .flat_map(|item| item.as_str().map_or_else(|| texts(item), |text| vec![(key.as_str(), text)]))
                    .collect(),
                other => texts(other),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Adds one page of the events whose title or template contains all words, in the order of their start.
fn events(html: &mut String, tenant: &Tenant, words: &str, page: usize) {
    let desired: Vec<String> = words.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let mut found: Vec<(Number, &Event)> = tenant
        .events
        .iter()
        .map(|(number, event)| (*number, event))
        .filter(|(_, event)| {
            let text = format!("{} {} {}", event.title, template(tenant, event), place(tenant, event)).to_lowercase();
            desired.iter().all(|word| text.contains(word))
        })
        .collect();
    found.sort_by_key(|(number, event)| (event.start(), *number));
    let pages = found.len().div_ceil(PAGE_SIZE).max(1);
    let page = page.clamp(1, pages);
    let _ = write!(
        html,
        "<h2>Events</h2><form><input type=\"search\" name=\"q\" aria-label=\"Words\" value=\"{}\" \
         placeholder=\"title, course template or place\"><button>Find</button></form>",
        escape(words)
    );
    if found.is_empty() {
        html.push_str(match tenant.events.is_empty() {
            true => "<p class=\"dim\">There are no events yet: an import creates them.</p>",
            false => "<p class=\"dim\">No event has these words.</p>",
        });
        return;
    }
    html.push_str(
        "<table><tr><th>Event and sessions</th><th>Template</th><th>Place</th><th>Starts</th>\
         <th class=\"number\">Places</th><th>State</th></tr>",
    );
    for (number, event) in found.iter().skip((page - 1) * PAGE_SIZE).take(PAGE_SIZE) {
        event_row(html, tenant, *number, event);
    }
    html.push_str("</table>");
    page_links(html, words, page, pages);
}

fn event_row(html: &mut String, tenant: &Tenant, number: Number, event: &Event) {
    let mut sessions: Vec<&Session> = tenant.sessions_of(number).map(|(_, session)| session).collect();
    sessions.sort_by_key(|session| session.start);
    let title = escape(&event.title);
    let cell = if sessions.is_empty() {
        title
    } else {
        let items: String = sessions.iter().map(|session| session_item(session)).collect();
        format!("<details><summary>{title} ({})</summary><ol>{items}</ol></details>", sessions.len())
    };
    let state = state_name(event.state);
    let _ = write!(
        html,
        "<tr><td>{cell}</td><td>{}</td><td>{}</td><td class=\"time\">{}</td><td class=\"number\">{}</td>\
         <td><span class=\"state {state}\">{state}</span></td></tr>",
        escape(template(tenant, event)),
        escape(&place(tenant, event)),
        time(event.start()),
        event.max_places.map(|places| places.to_string()).unwrap_or_default(),
    );
}

fn session_item(session: &Session) -> String {
    let state = match session.state {
        EventState::Cancelled => ", cancelled",
        EventState::Draft | EventState::Published => "",
    };
    format!("<li>{}, {}{state}</li>", escape(&session.title), time(session.start))
}

fn page_links(html: &mut String, words: &str, page: usize, pages: usize) {
    let link = |number: usize, text: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("q", words)
            .append_pair("page", &number.to_string())
            .finish();
        format!("<a href=\"/?{}\">{text}</a>", escape(&query))
    };
    html.push_str("<nav>");
    if page > 1 {
        html.push_str(&link(page - 1, "Previous"));
    }
    let _ = write!(html, "<span class=\"dim\">Page {page} of {pages}</span>");
    if page < pages {
        html.push_str(&link(page + 1, "Next"));
    }
    html.push_str("</nav>");
}

fn template<'t>(tenant: &'t Tenant, event: &Event) -> &'t str {
    event.template.and_then(|number| tenant.templates.get(number)).map_or("", |template| template.code.as_str())
}

/// Returns location and venue.
fn place(tenant: &Tenant, event: &Event) -> String {
    let location = event.location.and_then(|number| tenant.locations.get(number)).map(|place| place.name.as_str());
    let venue = event.venue.and_then(|number| tenant.venues.get(number)).map(|venue| venue.name.as_str());
    let parts: Vec<&str> = location.into_iter().chain(venue.filter(|venue| Some(*venue) != location)).collect();
    parts.join(", ")
}

fn state_name(state: EventState) -> &'static str {
    match state {
        EventState::Draft => "draft",
        EventState::Published => "published",
        EventState::Cancelled => "cancelled",
    }
}

fn time(time: Option<DateTime>) -> String {
    time.map(|time| time.strftime("%a %d %b %Y %H:%M").to_string()).unwrap_or_default()
}

/// Escapes a text for the content of an element or a quoted attribute.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_escapes_names_and_shows_events_with_their_sessions() {
        let mut tenant = Tenant::sample();
        let title = "<script>alert(1)</script> & \"B\"";
        let event = tenant.add_event(Event { title: title.to_owned(), ..Event::default() });
        tenant.sessions.insert(event + 1, Session { event, title: "Day 1".to_owned(), ..Session::default() });
        let mutation = Mutation {
            operation: "session.update".to_owned(),
            arguments: serde_json::json!({ "sessionId": Tenant::course_id(event + 1), "input": { "title": "x" } }),
            at: jiff::Timestamp::UNIX_EPOCH,
            changed: true,
        };
        let html = render(&tenant, &[mutation], "", 1);
        let escaped = "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;B&quot;";
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains(&format!("<summary>{escaped} (1)</summary><ol><li>Day 1, </li></ol>")), "{html}");
        assert!(html.contains(&format!("<td>{escaped}: Day 1</td>")), "{html}");
        let attack = render(&tenant, &[], "\"><img src=x>", 9);
        assert!(
            attack.contains("value=\"&quot;&gt;&lt;img src=x&gt;\"") && attack.contains("No event has"),
            "{attack}"
        );
    }
}
