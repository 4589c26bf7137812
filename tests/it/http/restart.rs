//! Jobs and schedules across restarts and several server processes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use administrate_sim::{Action, Fault, When};
use lectern::sync::schedule;
use reqwest::Client;
use serde_json::json;

use crate::fixtures::api::{ApiFixture, answer, location, upload};
use crate::fixtures::import::ImportFixture;

/// `lectern serve` as a separate process.
pub(super) struct ServerProcess {
    process: Child,
    pub(super) address: String,
}

impl ServerProcess {
    pub(super) fn start(fixture: &ImportFixture) -> ServerProcess {
        let mut command = fixture.program(&["serve", "--bind", "127.0.0.1:0"]);
        let mut process = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let stderr = BufReader::new(process.stderr.take().expect("its words"));
        let line =
            stderr.lines().map_while(Result::ok).find(|line| line.starts_with("serving at")).expect("an address");
        let address = line.trim_start_matches("serving at ").trim_end_matches('/').to_owned();
        ServerProcess { process, address }
    }

    pub(super) fn kill(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("ended");
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn import_of_a_killed_server_is_resumed_after_restart() {
    let fixture = ApiFixture::new().await;
    fixture.import.simulator.add_fault(Fault::first("event.createBlended", Action::Hang { when: When::After }));
    let client = Client::new();
    let mut server = ServerProcess::start(&fixture.import);
    let request = client.post(format!("{}/api/imports", server.address)).bearer_auth(&fixture.token);
    let run = location(&upload(request, &fixture.timetable, &[]).send().await.expect("an answer"));
    while fixture.import.simulator.requests().of("event.createBlended") == 0 {
        tokio::task::yield_now().await;
    }
    server.kill();
    let server = ServerProcess::start(&fixture.import);
    let document = loop {
        let request = client.get(format!("{}{run}", server.address)).bearer_auth(&fixture.token);
        let (status, document) = answer(request).await;
        if status == 200 {
            break document;
        }
    };
    assert_eq!((&document["exit_code"], &document["counts"]["created"]), (&json!(0), &json!(1)), "{document}");
    assert_eq!(document["delivery"]["delivered"], 1);
    assert_eq!(fixture.import.simulator.tenant().events.len(), 1, "created once, although the response was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_sync_is_enqueued_by_one_of_several_processes() {
    let fixture = ApiFixture::new().await;
    let pool = &fixture.import.db.pool;
    let due: jiff::Timestamp = "2026-01-10T03:30:00Z".parse().expect("a time");
    let (one, other) = tokio::join!(schedule::enqueue_due(pool, None, due), schedule::enqueue_due(pool, None, due));
    let enqueued = [one.expect("requested"), other.expect("asked")];
    assert_eq!(enqueued.iter().flatten().count(), 1);
    let later: jiff::Timestamp = "2026-01-11T03:30:00Z".parse().expect("a time");
    assert_eq!(schedule::enqueue_due(pool, None, later).await.expect("requested"), None, "the last has not ended");
    let _worker = fixture.worker();
    let summary = fixture.wait_for_end("/api/syncs/1").await;
    assert_eq!((&summary["succeeded"], &summary["exit_code"]), (&json!(7), &json!(0)), "{summary}");
    let after: jiff::Timestamp = "2026-01-12T03:30:00Z".parse().expect("a time");
    assert!(schedule::enqueue_due(pool, None, after).await.expect("requested").is_some());
}
