//! Imports and syncs over HTTP: asked for, followed, called off, and taken up again after a restart.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;

use administrate_sim::tenant::EventState;
use administrate_sim::{Action, Fault, When};
use lectern::identity::Role;
use lectern::jobs::run_queue;
use lectern::sync::job::SyncJobs;
use lectern::sync::schedule;
use lectern::timetable_import::job::ImportJobs;
use lectern::timetable_import::layout::Field;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::fixtures::import::Rehearsed;
use crate::fixtures::site::{Site, problem, token};
use crate::import::run::{changed, event, rehearsed, second_day, write};

/// A served site over both sides, an operator's token, and a timetable of two sessions.
pub struct Desk {
    pub sides: Rehearsed,
    pub site: Site,
    pub token: String,
    pub timetable: Vec<u8>,
}

impl Desk {
    pub async fn open() -> Desk {
        let lines = [event("A"), second_day("A", "17:00")];
        let sides = rehearsed(&lines).await;
        let timetable = std::fs::read(write(sides.world.folder(), "t.xlsx", &lines)).expect("readable");
        let site = Site::serve_with(&sides.world, &sides.config()).await;
        let token = token(&sides.world, Role::Operator).await;
        Desk { sides, site, token, timetable }
    }

    /// Carries out what is asked until dropped.
    pub fn worker(&self) -> DropGuard {
        let stop = CancellationToken::new();
        let (pool, config) = (self.sides.world.pool.clone(), Arc::new(self.sides.config()));
        let imports = ImportJobs { pool: pool.clone(), config: config.clone() };
        tokio::spawn(run_queue(pool.clone(), imports, stop.clone()));
        tokio::spawn(run_queue(pool.clone(), SyncJobs { pool, config }, stop.clone()));
        stop.drop_guard()
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.site.request(method, path).bearer_auth(&self.token)
    }

    pub async fn import(&self, fields: &[(&str, &str)]) -> Response {
        upload(self.request("POST", "/api/imports/"), &self.timetable, fields).send().await.expect("an answer")
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request("GET", path)).await
    }

    /// Asks until the run has ended.
    pub async fn ended(&self, path: &str) -> Value {
        loop {
            let (status, document) = self.get(path).await;
            if status != 202 {
                assert_eq!(status, 200, "{document}");
                return document;
            }
        }
    }
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

fn upload(request: RequestBuilder, file: &[u8], fields: &[(&str, &str)]) -> RequestBuilder {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes(),
        );
    }
    let head = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"t.xlsx\"\r\n\r\n";
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--cut--\r\n");
    request.header("content-type", "multipart/form-data; boundary=cut").body(body)
}

pub fn location(response: &Response) -> String {
    assert_eq!(response.status(), 202);
    response.headers()["location"].to_str().expect("a path").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_carried_out_and_followed() {
    let desk = Desk::open().await;
    let _worker = desk.worker();
    let dry = location(&desk.import(&[("dry_run", "true")]).await);
    let planned = desk.ended(&dry).await;
    assert_eq!(
        (&planned["dry_run"], &planned["counts"]["created"], &planned["state"]),
        (&json!(true), &json!(1), &json!("done"))
    );
    assert_eq!((&planned["run_id"], &planned["exit_code"], &planned["file"]), (&json!(1), &json!(0), &json!("t.xlsx")));
    assert_eq!(desk.sides.count("SELECT count(*) FROM acted.tutorial_events").await, 0);

    let run = location(&desk.import(&[]).await);
    let events = desk.request("GET", &format!("{run}/events")).send().await.expect("an answer");
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let events = events.text().await.expect("the stream ends");
    let last = events.split("event: done\ndata: ").nth(1).expect("it is told when it is done");
    let told: Value = serde_json::from_str(last.trim()).expect("JSON");
    let document = desk.ended(&run).await;
    assert_eq!(told, document);
    assert_eq!(
        (&document["counts"]["created"], &document["delivery"]["delivered"]),
        (&json!(1), &json!(1)),
        "{document}"
    );
    assert_eq!(desk.sides.administrate.tenant().events.len(), 1);
    assert!(!desk.sides.world.folder().join("uploads/2").exists(), "the upload is removed");

    let (_, listed) = desk.get("/api/imports/?limit=1").await;
    assert_eq!((&listed["results"][0]["run_id"], &listed["next_cursor"]), (&json!(2), &json!("2")), "{listed}");
    let (_, rest) = desk.get("/api/imports?cursor=2").await;
    assert_eq!((&rest["results"][0]["run_id"], &rest["next_cursor"]), (&json!(1), &Value::Null));
    let done = desk.request("DELETE", &run).send().await.expect("an answer");
    assert_eq!(problem(done).await.0, 409, "it has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_blocks_can_be_fetched() {
    let mut desk = Desk::open().await;
    let _worker = desk.worker();
    let wrong = changed(event("B"), Field::Location, "Lndon");
    desk.timetable = std::fs::read(write(desk.sides.world.folder(), "u.xlsx", &[event("A"), wrong])).expect("a file");
    let run = location(&desk.import(&[]).await);
    let document = desk.ended(&run).await;
    assert_eq!(
        (&document["exit_code"], &document["report"]),
        (&json!(4), &json!(format!("{run}/report"))),
        "{document}"
    );
    let report = desk.request("GET", &format!("{run}/report")).send().await.expect("an answer");
    assert_eq!(report.status(), 200);
    assert!(report.bytes().await.expect("a workbook").starts_with(b"PK"));
    desk.timetable = b"no workbook".to_vec();
    let document = desk.ended(&location(&desk.import(&[]).await)).await;
    assert_eq!((&document["exit_code"], &document["problems"][0]["code"]), (&json!(1), &json!("unreadable_file")));
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_twice_under_one_key_it_runs_once() {
    let desk = Desk::open().await;
    let ask = |key: &'static str, fields: &'static [(&'static str, &'static str)]| {
        let request = desk.request("POST", "/api/imports").header("idempotency-key", key);
        upload(request, &desk.timetable, fields).send()
    };
    let first = location(&ask("k1", &[]).await.expect("an answer"));
    assert_eq!(location(&ask("k1", &[]).await.expect("an answer")), first);
    assert_eq!(problem(ask("k1", &[("dry_run", "true")]).await.expect("an answer")).await.0, 422);
    assert_ne!(location(&ask("k2", &[]).await.expect("an answer")), first);
    assert_eq!(problem(ask("", &[]).await.expect("an answer")).await.0, 400);
    assert_eq!(desk.sides.count("SELECT count(*) FROM lectern.requested_runs").await, 2);
    let folder = std::fs::read_dir(desk.sides.world.folder().join("uploads")).expect("uploads");
    assert_eq!(folder.count(), 2, "nothing else is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_is_refused() {
    let desk = Desk::open().await;
    let form = |body: &'static str| {
        let request = desk.request("POST", "/api/imports");
        request.header("content-type", "multipart/form-data; boundary=cut").body(body).send()
    };
    for (body, expected) in [
        ("", 400),
        ("--cut", 400),
        ("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"t.xlsx\"\r\n\r\nhalf a fi", 400),
        ("--cut\r\nContent-Disposition: form-data; name=\"dry_run\"\r\n\r\ntrue\r\n--cut--\r\n", 400),
        ("--cut\r\nContent-Disposition: form-data; name=\"dry_run\"\r\n\r\nperhaps\r\n--cut--\r\n", 400),
        ("--other\r\n\r\n--other--\r\n", 400),
    ] {
        assert_eq!(problem(form(body).await.expect("an answer")).await.0, expected, "{body}");
    }
    let bare = desk.request("POST", "/api/imports").body("x").send().await.expect("an answer");
    assert_eq!(problem(bare).await.0, 415);
    for path in ["/api/imports/99", "/api/imports/x", "/api/imports/99/events", "/api/imports/1/report", "/api/syncs/1"]
    {
        let response = desk.request("GET", path).send().await.expect("an answer");
        assert_eq!(problem(response).await.0, 404, "{path}");
    }
    assert_eq!(problem(desk.site.request("POST", "/api/imports").send().await.expect("sent")).await.0, 401);
    for (role, method, path, expected) in [
        (Role::Reader, "POST", "/api/imports", 403),
        (Role::Reader, "POST", "/api/imports/1/undo", 403),
        (Role::Reader, "DELETE", "/api/syncs/1", 403),
        (Role::Reader, "GET", "/api/imports/1", 404),
        (Role::Student, "GET", "/api/imports/1", 403),
    ] {
        let request = desk.site.request_as(&desk.sides.world, role, method, path).await;
        assert_eq!(problem(request.send().await.expect("an answer")).await.0, expected, "{method} {path}");
    }
    for (fields, pointer) in [
        (&[("dry_run", "")][..], "/dry_run"),
        (&[("dry_run", "true"), ("dry_run", "false")], "/dry_run"),
        (&[("dryrun", "true")], "/dryrun"),
    ] {
        let (status, told) = problem(desk.import(fields).await).await;
        assert_eq!((status, &told["errors"][0]["pointer"]), (400, &json!(pointer)), "{told}");
    }
    assert_eq!(desk.sides.count("SELECT count(*) FROM lectern.runs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_ends_at_its_limit() {
    let desk = Desk::open().await;
    let mut config = desk.sides.config();
    config.import.max_file_bytes = desk.timetable.len() as u64;
    let site = Site::serve_with(&desk.sides.world, &config).await;
    let ask = |file: &[u8]| upload(site.request("POST", "/api/imports").bearer_auth(&desk.token), file, &[]).send();
    let longer = [desk.timetable.clone(), vec![0]].concat();
    assert_eq!(ask(&desk.timetable).await.expect("an answer").status(), 202);
    assert_eq!(problem(ask(&longer).await.expect("an answer")).await.0, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_off_is_not_carried_out() {
    let desk = Desk::open().await;
    let queued = location(&desk.import(&[]).await);
    assert_eq!(answer(desk.request("DELETE", &queued)).await.1["state"], "cancelling");
    let _worker = desk.worker();
    let document = desk.ended(&queued).await;
    assert_eq!((&document["state"], &document["exit_code"]), (&json!("cancelled"), &json!(4)), "{document}");
    assert_eq!(desk.request("DELETE", &queued).send().await.expect("an answer").status(), 202, "it is what was wanted");

    // Held up in the middle: what is here stays, what is not there yet is left to the outbox.
    desk.sides
        .administrate
        .add_fault(Fault { times: 0, ..Fault::first("event.createBlended", Action::Hang { when: When::Before }) });
    let running = location(&desk.import(&[]).await);
    while desk.sides.administrate.requests().of("event.createBlended") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.get(&running).await.1["state"], "running");
    assert_eq!(desk.request("DELETE", &running).send().await.expect("an answer").status(), 202);
    desk.sides.administrate.clear_faults();
    let document = desk.ended(&running).await;
    assert_eq!((&document["state"], &document["delivery"]["pending"]), (&json!("cancelled"), &json!(1)), "{document}");
    let due = "SELECT count(*) FROM lectern.outbox WHERE next_attempt_at IS NOT NULL AND state = 'pending'";
    assert_eq!(desk.sides.count(due).await, 0, "called off for every worker");
    let (status, told) = answer(desk.request("POST", &format!("{running}/retry"))).await;
    assert_eq!((status, &told["due"], desk.sides.count(due).await), (202, &json!(1), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_is_carried_out() {
    let desk = Desk::open().await;
    let _worker = desk.worker();
    let ask = |body: Value| desk.request("POST", "/api/syncs/").json(&body).send();
    let run = location(&ask(json!({ "entity": "locations", "dry_run": true })).await.expect("an answer"));
    let report = desk.ended(&run).await;
    assert_eq!(
        (&report["entity"], &report["dry_run"], &report["run_id"]),
        (&json!("locations"), &json!(true), &json!(1))
    );
    assert_eq!(report["counts"]["fetched"], 1, "{report}");
    let run = location(&ask(json!({ "entity": "venues" })).await.expect("an answer"));
    let report = desk.ended(&run).await;
    assert_eq!(report["exit_code"], 3, "a dry run does not count as done: {report}");
    let run = location(&ask(json!({ "entity": "locations" })).await.expect("an answer"));
    assert_eq!(desk.ended(&run).await["exit_code"], 0);
    let run = location(&ask(json!({ "entity": "all" })).await.expect("an answer"));
    let summary = desk.ended(&run).await;
    assert_eq!(summary["reports"].as_array().map(Vec::len), Some(7), "{summary}");
    for (body, expected) in [
        (json!({ "entity": "rooms" }), 422),
        (json!({}), 400),
        (json!({ "entity": "all", "dry_run": "yes" }), 400),
        (json!({ "entity": "all", "x": 1 }), 400),
    ] {
        assert_eq!(problem(ask(body.clone()).await.expect("an answer")).await.0, expected, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_command_can_ask_can_be_asked_here() {
    let desk = Desk::open().await;
    let stop = CancellationToken::new();
    let states = || {
        let tenant = desk.sides.administrate.tenant();
        tenant.sessions.values().map(|session| session.state).collect::<Vec<_>>()
    };
    // The wish is kept with the request, and outlives whoever took it.
    let run = location(&desk.import(&[("publish", "true")]).await);
    let _worker = desk.worker();
    let document = desk.ended(&run).await;
    assert_eq!((&document["exit_code"], &document["delivery"]["delivered"]), (&json!(0), &json!(1)), "{document}");
    assert_eq!(states(), [EventState::Published; 2]);

    let (status, told) = answer(desk.request("POST", &format!("{run}/publish"))).await;
    assert_eq!((status, &told["asked"], &told["already"]), (202, &json!([]), &json!(1)), "{told}");
    let (status, told) = answer(desk.request("POST", &format!("{run}/retry"))).await;
    assert_eq!((status, &told["due"]), (202, &json!(0)));

    // Queued, then published afterwards, by the delivery worker of a server.
    let lines = [event("B"), second_day("B", "17:00")];
    let later = std::fs::read(write(desk.sides.world.folder(), "u.xlsx", &lines)).expect("readable");
    let ask = upload(desk.request("POST", "/api/imports"), &later, &[("deliver", "queue")]);
    keep_approvals(&desk).await;
    let queued = location(&ask.send().await.expect("an answer"));
    let document = desk.ended(&queued).await;
    assert_eq!((&document["exit_code"], &document["delivery"]["pending"]), (&json!(4), &json!(1)), "{document}");
    let (status, told) = answer(desk.request("POST", &format!("{queued}/publish"))).await;
    assert_eq!((status, &told["asked"]), (202, &json!(["B"])), "{told}");
    let config = desk.sides.config();
    let client = lectern::gateway::connect(&config, &desk.sides.world.pool, "serve", lectern::gateway::AuditMode::On);
    let delivering = lectern::delivery::worker::run_worker(
        desk.sides.world.pool.clone(),
        client.await.expect("connected"),
        config.clone(),
        stop.clone(),
    );
    let delivering = tokio::spawn(delivering);
    while desk.sides.count("SELECT count(*) FROM lectern.outbox WHERE state <> 'delivered'").await > 0 {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    delivering.await.expect("it ends");
    assert_eq!(states(), [EventState::Published; 4]);
    let (_, document) = desk.get(&queued).await;
    assert_eq!((&document["exit_code"], &document["delivery"]["pending"]), (&json!(4), &json!(0)), "{document}");
    assert_eq!((&document["delivery"]["delivered"], &document["undelivered"]), (&json!(1), &json!([])));

    for (fields, expected) in
        [([("publish", "perhaps"), ("ours", "1")], 400), ([("approve_instructors", "yes"), ("deliver", "queue")], 422)]
    {
        assert_eq!(problem(desk.import(&fields).await).await.0, expected, "{fields:?}");
    }
    for (path, expected) in
        [("/api/imports/99/publish", 404), ("/api/imports/99/retry", 404), ("/api/outbox/retry", 202)]
    {
        let response = desk.request("POST", path).send().await.expect("an answer");
        assert_eq!(response.status(), expected, "{path}");
    }
    let unknown = desk.request("POST", "/api/outbox/retry").json(&json!({ "ids": [999] }));
    assert_eq!(problem(unknown.send().await.expect("an answer")).await.0, 404);
    let reader = desk.site.request_as(&desk.sides.world, Role::Reader, "POST", &format!("{run}/publish")).await;
    assert_eq!(problem(reader.send().await.expect("an answer")).await.0, 403);
}

/// Keeps what a sync would have kept of who may teach what.
async fn keep_approvals(desk: &Desk) {
    let keep = "INSERT INTO lectern.approved_instructors
                SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(keep).execute(&desk.sides.world.pool).await.expect("kept");
}

/// `lectern serve` as a process of its own.
struct Served {
    process: Child,
    address: String,
}

impl Served {
    fn start(sides: &Rehearsed) -> Served {
        let mut command = sides.program(&["serve", "--bind", "127.0.0.1:0"]);
        let mut process = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let said = BufReader::new(process.stderr.take().expect("its words"));
        let line = said.lines().map_while(Result::ok).find(|line| line.starts_with("serving at")).expect("an address");
        let address = line.trim_start_matches("serving at ").trim_end_matches('/').to_owned();
        Served { process, address }
    }

    fn kill(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("ended");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_takes_its_import_up_again() {
    let desk = Desk::open().await;
    desk.sides.administrate.add_fault(Fault::first("event.createBlended", Action::Hang { when: When::After }));
    let client = Client::new();
    let mut served = Served::start(&desk.sides);
    let ask = client.post(format!("{}/api/imports", served.address)).bearer_auth(&desk.token);
    let run = location(&upload(ask, &desk.timetable, &[]).send().await.expect("an answer"));
    while desk.sides.administrate.requests().of("event.createBlended") == 0 {
        tokio::task::yield_now().await;
    }
    served.kill();
    let served = Served::start(&desk.sides);
    let document = loop {
        let ask = client.get(format!("{}{run}", served.address)).bearer_auth(&desk.token);
        let (status, document) = answer(ask).await;
        if status == 200 {
            break document;
        }
    };
    assert_eq!((&document["exit_code"], &document["counts"]["created"]), (&json!(0), &json!(1)), "{document}");
    assert_eq!(document["delivery"]["delivered"], 1);
    assert_eq!(desk.sides.administrate.tenant().events.len(), 1, "once, although nobody heard the answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_processes_one_keeps_the_schedule() {
    let desk = Desk::open().await;
    let pool = &desk.sides.world.pool;
    let due: jiff::Timestamp = "2026-01-10T03:30:00Z".parse().expect("a time");
    let (one, other) = tokio::join!(schedule::enqueue_due(pool, None, due), schedule::enqueue_due(pool, None, due));
    let asked = [one.expect("asked"), other.expect("asked")];
    assert_eq!(asked.iter().flatten().count(), 1);
    let later: jiff::Timestamp = "2026-01-11T03:30:00Z".parse().expect("a time");
    assert_eq!(schedule::enqueue_due(pool, None, later).await.expect("asked"), None, "the last has not ended");
    let _worker = desk.worker();
    let summary = desk.ended("/api/syncs/1").await;
    assert_eq!((&summary["succeeded"], &summary["exit_code"]), (&json!(7), &json!(0)), "{summary}");
    let after: jiff::Timestamp = "2026-01-12T03:30:00Z".parse().expect("a time");
    assert!(schedule::enqueue_due(pool, None, after).await.expect("asked").is_some());
}
