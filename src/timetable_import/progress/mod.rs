//! The progress of an import as server-sent events: `progress` after each change, finally `done` with its result.
//!
//! A `progress` event contains the values of the progress bar: `done` of `total` events are delivered, `per_second`, and
//! `seconds_left`. The last two are null until they can be computed. A `done` event contains the document of the run,
//! without its problems if they are many, and `location`, where the whole document is.

mod follow;
mod throughput;

use std::convert::Infallible;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};

use self::follow::FollowerEvent;
pub(super) use self::follow::Followers;
use super::job::IMPORTS;
use crate::http::auth::Reader;
use crate::http::problem::HttpProblem;
use crate::http::streams::StreamPermit;
use crate::jobs::api::{RunPath, find};

/// Follow an import.
///
/// A stream of server-sent events: `progress` with the document of the run, and `done` when it has ended.
#[utoipa::path(
    get, path = "/api/imports/{run}/events", operation_id = "followImport", tag = "imports",
    responses(
        (status = 200, description = "The stream.", body = String, content_type = "text/event-stream"),
        (status = 429, description = "")
    )
)]
pub(super) async fn events(
    Reader(caller): Reader,
    State(followers): State<Followers>,
    run: RunPath,
) -> Result<impl IntoResponse, HttpProblem> {
    let run = find(&followers.state.pool, &IMPORTS, run).await?.id;
    let permit = followers.state.streams.admit(&caller)?;
    Ok(Sse::new(event_stream(followers, run, permit)).keep_alive(KeepAlive::default()))
}

fn event_stream(followers: Followers, run: i64, permit: StreamPermit) -> impl Stream<Item = Result<Event, Infallible>> {
    let receiver = followers.follow(run);
    let stop = followers.state.stop.clone();
    // None after the last event.
    stream::unfold(Some((receiver, permit)), move |open| {
        let stop = stop.clone();
        async move {
            let (mut receiver, permit) = open?;
            tokio::select! {
                changed = receiver.changed() => changed.ok()?,
                () = stop.cancelled() => return None,
                () = permit.ended() => return None,
            };
            let FollowerEvent { name, data, is_last } = receiver.borrow_and_update().clone()?;
            let event = Event::default().event(name).data(&*data);
            Some((Ok(event), (!is_last).then_some((receiver, permit))))
        }
    })
}
