//! How an import gets on, as server-sent events: `progress` whenever something has changed, at last `done` with the
//! document. Read from the database, so that it does not matter which process carries it out.
//!
//! A `progress` says what the bar of a terminal says: of `total` events so many are `done`, so many a second, and in how
//! many seconds the rest is. The last two are null as long as nobody can know.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::{Run, document_now, find};
use super::throughput;
use super::throughput::Pace;
use super::{Kind, State as RunState, kept};
use crate::error::Result;
use crate::http::auth::Reader;
use crate::http::problem::Problem;
use crate::http::state::ServerState;
use crate::outbox;
use crate::outbox::Counts;

/// How often the run is looked at.
const REST: Duration = Duration::from_millis(250);

/// `GET /api/imports/{run}/events`.
pub(crate) async fn import(
    _: Reader,
    State(state): State<ServerState>,
    run: Run,
) -> Result<impl IntoResponse, Problem> {
    let run = find(&state, Kind::Import, run).await?.id;
    Ok(Sse::new(events(state, run)).keep_alive(KeepAlive::default()))
}

fn events(state: ServerState, run: i64) -> impl Stream<Item = Result<Event, Infallible>> {
    let began = Instant::now();
    // Some(what was told last, and how fast it went) while the run goes on.
    stream::unfold(Some((Value::Null, Pace::default())), move |before| {
        let state = state.clone();
        async move {
            let (told, mut pace) = before?;
            loop {
                match look(&state, run).await {
                    Ok(Seen::Ended(document)) => return Some((Ok(event("done", &document)), None)),
                    Ok(Seen::Going { state, delivery }) => {
                        let now = progress(run, state, delivery, pace.note(began.elapsed(), delivery.done()));
                        if now != told {
                            return Some((Ok(event("progress", &now)), Some((now, pace))));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, run, "the progress of an import could not be read");
                        return None;
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(REST) => {}
                    () = state.stop.cancelled() => return None,
                }
            }
        }
    })
}

enum Seen {
    Going { state: RunState, delivery: Counts },
    Ended(Value),
}

fn progress(run: i64, state: RunState, delivery: Counts, per_second: Option<f64>) -> Value {
    let (total, done) = (delivery.total(), delivery.done());
    json!({
        "run_id": run, "state": state, "delivery": delivery, "total": total, "done": done,
        "per_second": per_second.map(|pace| (pace * 10.0).round() / 10.0),
        "seconds_left": per_second.and_then(|pace| throughput::seconds_left(total - done, pace)),
    })
}

async fn look(state: &ServerState, run: i64) -> Result<Seen> {
    let Some(kept) = kept(&state.pool, Kind::Import, run).await? else { return Ok(Seen::Ended(Value::Null)) };
    if kept.finished_at.is_some() {
        return Ok(Seen::Ended(document_now(state, &kept, Kind::Import).await?));
    }
    let delivery = outbox::count_by_state(&state.pool, Some(run)).await?;
    Ok(Seen::Going { state: kept.state(), delivery })
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
