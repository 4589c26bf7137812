//! The stream of changes over HTTP.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::http::problem::HttpProblem;
use crate::search::read_model::follow::Follower;
use crate::search::read_model::follow::recent::Missed;

/// Streams that may be open at the same time.
const MAX_STREAMS: usize = 1_000;

/// Versions after which a client cannot resume.
const MAX_MISSED: i64 = 10_000;

#[derive(Clone, Debug)]
struct ChangesState {
    follower: Follower,
    stop: CancellationToken,
    permits: Arc<Semaphore>,
}

/// The parameters that the route knows.
pub fn parameters() -> Vec<RouteParameters> {
    vec![(Method::GET, "/api/changes", Vec::new())]
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(follow_changes))]
struct ChangeRoutes;

/// Describes the route.
pub fn description() -> ApiPart {
    ApiPart::of(&<ChangeRoutes as utoipa::OpenApi>::openapi())
}

/// Returns the route. Streams end when `stop` is cancelled.
pub fn router(follower: Follower, stop: CancellationToken) -> Router {
    let state = ChangesState { follower, stop, permits: Arc::new(Semaphore::new(MAX_STREAMS)) };
    Router::new().route("/api/changes", get(follow_changes)).with_state(state)
}

/// Follow the changes of the catalogue.
///
/// A stream of server-sent events. `catalogue` has the version of the catalogue, and the ids of the tutorial events and
/// store products that may have changed. The id of an event is its version; a client that sends the last one as
/// `Last-Event-ID` receives what it has missed. `reset` means that anything may have changed.
#[utoipa::path(
    get, path = "/api/changes", operation_id = "followChanges", tag = "search", security(()),
    params(("Last-Event-ID" = Option<i64>, Header, description = "The version after which to begin; now if not given.")),
    responses(
        (status = 200, description = "The stream.", body = String, content_type = "text/event-stream"),
        (status = 429, description = "")
    )
)]
async fn follow_changes(
    State(state): State<ChangesState>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, HttpProblem> {
    if !state.follower.is_loaded() {
        let detail = "the catalogue is not loaded yet: try again in a few seconds";
        return Err(HttpProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    let Ok(permit) = state.permits.clone().try_acquire_owned() else {
        let detail = format!("{MAX_STREAMS} clients follow the changes: try again later");
        return Err(HttpProblem::new(StatusCode::TOO_MANY_REQUESTS, detail));
    };
    // Before the position is chosen, so that no change is between them.
    let versions = state.follower.recent().versions();
    let mut client = ChangesClient {
        sent: state.follower.recent().version(),
        events: VecDeque::new(),
        versions,
        state,
        _permit: permit,
    };
    if let Some(last) = headers.get("last-event-id") {
        let last = last.to_str().ok().and_then(|last| last.trim().parse().ok());
        client.resume(last).await;
    }
    Ok(Sse::new(client.stream()).keep_alive(KeepAlive::default()))
}

struct ChangesClient {
    state: ChangesState,
    versions: watch::Receiver<i64>,
    /// The version up to which the client knows the changes, with those in `events`.
    sent: i64,
    events: VecDeque<Event>,
    _permit: OwnedSemaphorePermit,
}

impl ChangesClient {
    /// Prepares what the client has missed since a version; none: it sent something else.
    async fn resume(&mut self, last: Option<i64>) {
        let Some(last) = last else { return self.reset() };
        // The client may know another process that has read a change already.
        if last > self.sent
            && let Ok(version) = self.state.follower.reload_now().await
        {
            self.sent = version;
        }
        if let Missed::Changes(_) = self.state.follower.recent().after(last) {
            self.sent = last;
            return self.add_missed();
        }
        let missed = self.sent - last;
        if !(0..=MAX_MISSED).contains(&missed) {
            return self.reset();
        }
        match self.state.follower.last_changes(missed).await {
            Ok(Some(changes)) if changes.is_complete => {
                self.sent = changes.version;
                let (events, products) = (changes.events, changes.touched.store_products);
                self.add("catalogue", &json!({ "version": self.sent, "events": events, "products": products }));
            }
            Ok(_) => self.reset(),
            Err(error) => {
                tracing::warn!(%error, "the changes that a client has missed cannot be read");
                self.reset();
            }
        }
    }

    /// Prepares what has changed since the last event.
    fn add_missed(&mut self) {
        match self.state.follower.recent().after(self.sent) {
            Missed::Changes(changes) => {
                for change in changes {
                    self.sent = change.version;
                    let (version, events, products) = (change.version, &change.events, &change.products);
                    self.add("catalogue", &json!({ "version": version, "events": events, "products": products }));
                }
            }
            Missed::Unknown => self.reset(),
        }
    }

    fn reset(&mut self) {
        self.sent = self.state.follower.recent().version();
        self.add("reset", &json!({ "version": self.sent }));
    }

    fn add(&mut self, name: &str, data: &Value) {
        self.events.push_back(Event::default().id(self.sent.to_string()).event(name).data(data.to_string()));
    }

    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut client| async move {
            let stop = client.state.stop.clone();
            loop {
                if let Some(event) = client.events.pop_front() {
                    return Some((Ok(event), client));
                }
                tokio::select! {
                    changed = client.versions.changed() => changed.ok()?,
                    () = stop.cancelled() => return None,
                }
                if client.state.follower.recent().version() != client.sent {
                    client.add_missed();
                }
            }
        })
    }
}
