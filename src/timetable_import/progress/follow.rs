//! Reads the progress of a run once for all of its followers.
//!
//! The state is read from the database, so that any process may execute the import.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRef;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::Instant;

use super::throughput::{self, Throughput};
use crate::error::Result;
use crate::http::state::ServerState;
use crate::jobs::{self, JobState};
use crate::outbox;
use crate::outbox::DeliveryCounts;
use crate::timetable_import::api::current_document;
use crate::timetable_import::job::IMPORTS;

/// Interval between two reads of the run.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Pause after the run could not be read.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// The largest document that a `done` event contains with its problems, in bytes.
const MAX_EVENT_BYTES: usize = 16 * 1024;

/// One event, as every follower receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FollowerEvent {
    pub name: &'static str,
    /// JSON.
    pub data: Arc<str>,
    pub is_last: bool,
}

/// The last event of a run; none before the first.
type EventReceiver = watch::Receiver<Option<FollowerEvent>>;

/// The runs that have followers. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::timetable_import) struct Followers {
    pub state: ServerState,
    runs: Arc<Mutex<HashMap<i64, watch::Sender<Option<FollowerEvent>>>>>,
}

impl FromRef<Followers> for PgPool {
    fn from_ref(followers: &Followers) -> Self {
        followers.state.pool.clone()
    }
}

impl Followers {
    /// Creates a register without followers.
    pub fn new(state: ServerState) -> Followers {
        Followers { state, runs: Arc::default() }
    }

    /// Returns the events of a run from now on. The first follower of a run starts reading it.
    pub(super) fn follow(&self, run: i64) -> EventReceiver {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = runs.get(&run) {
            let mut receiver = sender.subscribe();
            if receiver.borrow().is_some() {
                // The last event is new for this follower.
                receiver.mark_changed();
            }
            return receiver;
        }
        let (sender, receiver) = watch::channel(None);
        runs.insert(run, sender.clone());
        tokio::spawn(self.clone().publish(run, sender));
        receiver
    }

    /// Publishes the progress of a run until it has ended or has no followers.
    async fn publish(self, run: i64, sender: watch::Sender<Option<FollowerEvent>>) {
        let (start, mut throughput) = (Instant::now(), Throughput::default());
        let mut is_readable = true;
        while !self.remove_abandoned(run, &sender) {
            let pause = match read_status(&self.state, run).await {
                Ok(RunStatus::Ended(document)) => {
                    // Later followers read the run again.
                    self.remove(run);
                    let data = done(run, document);
                    sender.send_replace(Some(FollowerEvent { name: "done", data, is_last: true }));
                    return;
                }
                Ok(RunStatus::Running { state, delivery }) => {
                    is_readable = true;
                    let per_second = throughput.record(start.elapsed(), delivery.done());
                    let data: Arc<str> = progress(run, state, delivery, per_second).to_string().into();
                    let event = Some(FollowerEvent { name: "progress", data, is_last: false });
                    sender.send_if_modified(|last| {
                        let is_new = *last != event;
                        if is_new {
                            *last = event;
                        }
                        is_new
                    });
                    POLL_INTERVAL
                }
                Err(error) => {
                    if std::mem::take(&mut is_readable) {
                        tracing::warn!(%error, run, "the progress of an import cannot be read");
                    }
                    OUTAGE_PAUSE
                }
            };
            if self.state.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    fn remove(&self, run: i64) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
    }

    /// Removes a run that has no followers; returns whether it had none.
    fn remove_abandoned(&self, run: i64, sender: &watch::Sender<Option<FollowerEvent>>) -> bool {
        // Locked, so that no follower arrives in between.
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let is_abandoned = sender.receiver_count() == 0;
        if is_abandoned {
            runs.remove(&run);
        }
        is_abandoned
    }
}

enum RunStatus {
    Running { state: JobState, delivery: DeliveryCounts },
    Ended(Value),
}

async fn read_status(state: &ServerState, run: i64) -> Result<RunStatus> {
    let Some(stored) = jobs::find(&state.pool, &IMPORTS, run).await? else { return Ok(RunStatus::Ended(Value::Null)) };
    if stored.finished_at.is_some() {
        return Ok(RunStatus::Ended(current_document(state, &stored).await?));
    }
    let delivery = outbox::count_by_state(&state.pool, Some(run)).await?;
    Ok(RunStatus::Running { state: stored.state(), delivery })
}

fn progress(run: i64, state: JobState, delivery: DeliveryCounts, per_second: Option<f64>) -> Value {
    let (total, done) = (delivery.total(), delivery.done());
    json!({
        "run_id": run, "state": state, "delivery": delivery, "total": total, "done": done,
        "per_second": per_second.map(|per_second| (per_second * 10.0).round() / 10.0),
        "seconds_left": per_second.and_then(|per_second| throughput::seconds_left(total - done, per_second)),
    })
}

/// Returns the data of the last event. It is sent to every follower at once, so it must be short.
fn done(run: i64, mut document: Value) -> Arc<str> {
    if !document.is_object() {
        document = json!({ "run_id": run });
    }
    document["location"] = format!("{}/{run}", IMPORTS.path).into();
    let whole = document.to_string();
    if whole.len() <= MAX_EVENT_BYTES {
        return whole.into();
    }
    let mut short = json!({});
    for name in [
        "run_id",
        "file",
        "dry_run",
        "undone_run",
        "state",
        "exit_code",
        "counts",
        "delivery",
        "report",
        "error",
        "started_at",
        "finished_at",
        "location",
    ] {
        if !document[name].is_null() {
            short[name] = document[name].take();
        }
    }
    short["is_complete"] = false.into();
    short.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_event_is_short_and_names_the_document() {
        let small = done(7, json!({ "run_id": 7, "problems": [{ "code": "missing_value" }] }));
        let small: Value = serde_json::from_str(&small).expect("JSON");
        assert_eq!(
            (&small["problems"][0]["code"], &small["location"]),
            (&json!("missing_value"), &json!("/api/imports/7"))
        );
        let problems = vec![json!({ "message": "x".repeat(200) }); 1000];
        let large = done(7, json!({ "run_id": 7, "exit_code": 4, "counts": { "rejected": 9 }, "problems": problems }));
        assert!(large.len() < 500, "{large}");
        let large: Value = serde_json::from_str(&large).expect("JSON");
        assert_eq!(
            (&large["exit_code"], &large["counts"]["rejected"], &large["location"]),
            (&json!(4), &json!(9), &json!("/api/imports/7"))
        );
        assert_eq!(&*done(7, Value::Null), r#"{"location":"/api/imports/7","run_id":7}"#);
    }
}
