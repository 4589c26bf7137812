//! How an import gets on, as server-sent events: `progress` whenever something has changed, at last `done` with the
//! document. Read from the database, so that it does not matter which process carries it out.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};

use super::api::{document, find};
use super::{Kind, kept};
use crate::auth::Reader;
use crate::error::Result;
use crate::outbox;
use crate::server::path::PathId;
use crate::server::problem::Problem;
use crate::server::state::ServerState;

/// How often the run is looked at.
const REST: Duration = Duration::from_millis(250);

/// `GET /api/imports/{run}/events`.
pub(super) async fn import(
    _: Reader,
    State(state): State<ServerState>,
    run: PathId,
) -> Result<impl IntoResponse, Problem> {
    let run = find(&state, Kind::Import, run).await?.id;
    Ok(Sse::new(events(state, run)).keep_alive(KeepAlive::default()))
}

fn events(state: ServerState, run: i64) -> impl Stream<Item = Result<Event, Infallible>> {
    // Some(what was told last) while the run goes on.
    stream::unfold(Some(Value::Null), move |told| {
        let state = state.clone();
        async move {
            let told = told?;
            loop {
                match look(&state, run).await {
                    Ok(Seen::Ended(document)) => return Some((Ok(event("done", &document)), None)),
                    Ok(Seen::Going(now)) if now != told => return Some((Ok(event("progress", &now)), Some(now))),
                    Ok(Seen::Going(_)) => {}
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
    Going(Value),
    Ended(Value),
}

async fn look(state: &ServerState, run: i64) -> Result<Seen> {
    let Some(kept) = kept(&state.pool, Kind::Import, run).await? else { return Ok(Seen::Ended(Value::Null)) };
    if kept.finished_at.is_some() {
        return Ok(Seen::Ended(document(&kept, Kind::Import)));
    }
    let delivery = outbox::count_by_state(&state.pool, Some(run)).await?;
    Ok(Seen::Going(json!({ "run_id": run, "state": kept.state(), "delivery": delivery })))
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
