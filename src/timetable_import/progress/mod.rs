//! The progress of an import as server-sent events: `progress` after each change, finally `done` with the document.
//!
//! The state is read from the database, so that any process may execute the import.
//!
//! A `progress` event contains the values of the progress bar: `done` of `total` events are delivered, `per_second`, and
//! `seconds_left`. The last two are null until they can be computed.

mod throughput;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use tokio::time::Instant;

use self::throughput::Throughput;
use super::api::current_document;
use super::job::IMPORTS;
use crate::error::Result;
use crate::http::auth::Reader;
use crate::http::problem::HttpProblem;
use crate::http::state::ServerState;
use crate::jobs::api::{RunPath, find};
use crate::jobs::{self, JobState};
use crate::outbox;
use crate::outbox::DeliveryCounts;

/// Interval between two reads of the run.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// `GET /api/imports/{run}/events`.
pub(super) async fn events(
    _: Reader,
    State(state): State<ServerState>,
    run: RunPath,
) -> Result<impl IntoResponse, HttpProblem> {
    let run = find(&state.pool, &IMPORTS, run).await?.id;
    Ok(Sse::new(event_stream(state, run)).keep_alive(KeepAlive::default()))
}

fn event_stream(state: ServerState, run: i64) -> impl Stream<Item = Result<Event, Infallible>> {
    let start = Instant::now();
    // The last sent `progress` and the throughput; `None` after the run has ended.
    stream::unfold(Some((Value::Null, Throughput::default())), move |previous| {
        let state = state.clone();
        async move {
            let (sent, mut throughput) = previous?;
            loop {
                match read_status(&state, run).await {
                    Ok(RunStatus::Ended(document)) => return Some((Ok(event("done", &document)), None)),
                    Ok(RunStatus::Running { state, delivery }) => {
                        let per_second = throughput.record(start.elapsed(), delivery.done());
                        let current = progress(run, state, delivery, per_second);
                        if current != sent {
                            return Some((Ok(event("progress", &current)), Some((current, throughput))));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, run, "the progress of an import cannot be read");
                        return None;
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(POLL_INTERVAL) => {}
                    () = state.stop.cancelled() => return None,
                }
            }
        }
    })
}

enum RunStatus {
    Running { state: JobState, delivery: DeliveryCounts },
    Ended(Value),
}

fn progress(run: i64, state: JobState, delivery: DeliveryCounts, per_second: Option<f64>) -> Value {
    let (total, done) = (delivery.total(), delivery.done());
    json!({
        "run_id": run, "state": state, "delivery": delivery, "total": total, "done": done,
        "per_second": per_second.map(|per_second| (per_second * 10.0).round() / 10.0),
        "seconds_left": per_second.and_then(|per_second| throughput::seconds_left(total - done, per_second)),
    })
}

async fn read_status(state: &ServerState, run: i64) -> Result<RunStatus> {
    let Some(stored) = jobs::find(&state.pool, &IMPORTS, run).await? else { return Ok(RunStatus::Ended(Value::Null)) };
    if stored.finished_at.is_some() {
        return Ok(RunStatus::Ended(current_document(state, &stored).await?));
    }
    let delivery = outbox::count_by_state(&state.pool, Some(run)).await?;
    Ok(RunStatus::Running { state: stored.state(), delivery })
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
