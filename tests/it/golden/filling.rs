//! Fills both sides through the program: a first sync and a later one, decisions, imports delivered, queued and
//! requested over HTTP, webhooks, tokens and a saved plan. The documents printed on the way are golden files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::data;
use super::served::Served;
use super::sides::{Record, Sides};

/// The fields of the import that is requested over HTTP.
pub const REQUESTED: [(&str, &str); 3] = [("publish", "true"), ("ours", "true"), ("deliver", "wait")];

/// Settings that decide the conflicts of the saved plan of events.
pub const DECIDED: &str =
    "[delivery]\nparallel = 1\n[sync.conflicts]\nmax_places = \"theirs\"\nsession_title = \"ours\"\n";

/// What the test of another program version has to know about what was filled in.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Filled {
    /// The secret of an admin's token.
    pub token: String,
    /// Runs of the second `sync all` that changed something, in the order of the entities.
    pub second_sync: Vec<i64>,
    /// Runs in which conflicts were decided.
    pub decided: Vec<i64>,
    /// The import that was delivered.
    pub delivered: i64,
    /// The import that changed the same events.
    pub changed: i64,
    /// The import that was queued.
    pub queued: i64,
    /// What was requested over HTTP and not carried out: an import, its undo as a dry run, a sync.
    pub requested: [i64; 3],
}

/// Fills both sides; with `compares`, every document is compared with its golden file.
pub async fn fill(sides: &Sides, compares: bool) -> Filled {
    let mut record = Record::default();
    let mut filled = Filled::default();
    let golden = |record: &mut Record, name: &str| match compares {
        true => record.golden(name),
        false => *record = Record::default(),
    };
    first_sync(sides, &mut record).await;
    golden(&mut record, "sync_first");
    decisions(sides, &mut record).await;
    golden(&mut record, "sync_decisions");
    filled.second_sync = second_sync(sides, &mut record).await;
    golden(&mut record, "sync_second");
    [filled.delivered, filled.changed, filled.queued] = imports(sides, &mut record).await;
    golden(&mut record, "import");
    over_http(sides, &mut record, &mut filled).await;
    golden(&mut record, "over_http");
    filled.decided = conflicts(sides, &mut record).await;
    golden(&mut record, "sync_conflicts");
    saved_plan(sides, &mut record).await;
    golden(&mut record, "sync_plan");
    listings(sides, &mut record).await;
    golden(&mut record, "listings");
    filled
}

async fn first_sync(sides: &Sides, record: &mut Record) {
    record.run(sides, &["migrate", "status"]).await;
    record.run(sides, &["sync", "venues"]).await;
    record.run(sides, &["sync", "all", "--dry-run"]).await;
    record.run(sides, &["sync", "locations", "--dry-run"]).await;
    record.run(sides, &["sync", "all", "--skip-errors"]).await;
}

async fn decisions(sides: &Sides, record: &mut Record) {
    record.run(sides, &["sync", "link", "locations", "3", "TG9jYXRpb246Mw=="]).await;
    record.run(sides, &["sync", "unlink", "venues", "Castle Room", "VmVudWU6Mw=="]).await;
    record.run(sides, &["sync", "ignore", "locations", "Edinburgh", "-"]).await;
    record.run(sides, &["sync", "ignore", "instructors", "-", "UGVyc29uOjQ="]).await;
    record.run(sides, &["sync", "link", "locations", "99", "TG9jYXRpb246Mw=="]).await;
}

/// Something has changed of every entity, on either side.
async fn second_sync(sides: &Sides, record: &mut Record) -> Vec<i64> {
    sides.add("venues", json!({ "name": "Castle Room", "location": 4 }));
    sides.set("/price_levels/rows/1/name", json!("Full price"));
    sides.set("/prices/rows/1/amount", json!("475.50"));
    sides.set("/templates/rows/1/approved_instructors", json!([1, 2, 4]));
    sides.set("/contacts/rows/3/last_name", json!("Lindqvist-Berg"));
    sides.set("/custom_fields/rows/8/options", json!(["red", "blue", "green"]));
    sides
        .execute("INSERT INTO public.auth_user (username, first_name, last_name) VALUES ('tom', 'Tom', 'Okafor')")
        .await;
    let summary = record.run(sides, &["sync", "all"]).await;
    let reports = summary["reports"].as_array().expect("reports").iter();
    let mut runs = Vec::new();
    for run in reports.filter_map(|report| report["run_id"].as_i64()) {
        let shown = record.run(sides, &["sync", "show", &run.to_string()]).await;
        if shown["journal"].is_object() {
            runs.push(run);
        }
    }
    let created = record.run(sides, &["sync", "locations", "--create-local", "--only", "TG9jYXRpb246NA=="]).await;
    runs.push(run_id(&created));
    runs
}

async fn imports(sides: &Sides, record: &mut Record) -> [i64; 3] {
    for file in
        ["timetable.csv", "changed.csv", "queued.csv", "requested.csv", "rejected.csv", "headless.csv", "doubtful.csv"]
    {
        std::fs::copy(data(file), sides.db.folder().join(file)).expect("a timetable");
    }
    record.run(sides, &["import", "timetable.csv", "--dry-run"]).await;
    let delivered = record.run(sides, &["import", "timetable.csv"]).await;
    record.run(sides, &["import", "timetable.csv"]).await;
    record.run(sides, &["import", "headless.csv", "doubtful.csv"]).await;
    record.run(sides, &["import", "missing.xlsx"]).await;
    write(sides, "small.toml", "[import]\nmax_rows = 2\n");
    record.run(sides, &["import", "timetable.csv", "--dry-run", "--config", "small.toml"]).await;
    write(sides, "labels.toml", "[administrate.labels]\nweb_sale = \"No such label\"\n");
    record.run(sides, &["import", "queued.csv", "--dry-run", "--config", "labels.toml"]).await;
    record.run(sides, &["import", "rejected.csv", "--dry-run"]).await;
    record.run(sides, &["import", "rejected.csv", "--report", "rejected.xlsx"]).await;
    let changed = record.run(sides, &["import", "changed.csv", "--publish"]).await;
    let queue = ["import", "queued.csv", "--deliver", "queue", "--publish", "--delete-drafts", "--ours"];
    let queued = record.run(sides, &queue).await;
    sides.lose("event.createBlended");
    // It is tried once: the next try is due after more time than a command waits.
    write(sides, "patient.toml", "retry_base_ms = 3600000\n[delivery]\nparallel = 1\n");
    record.run(sides, &["import", "doubtful.csv", "--config", "patient.toml"]).await;
    sides.lose_nothing();
    record.run(sides, &["import", "show"]).await;
    record.run(sides, &["import", "show", &delivered["run_id"].to_string()]).await;
    record.run(sides, &["import", "show", "999"]).await;
    record.run(sides, &["import", "template", "empty.xlsx"]).await;
    [delivered, changed, queued].map(|document| run_id(&document))
}

/// One value of GOOD-01 changed in Administrate alone, one on both sides.
async fn conflicts(sides: &Sides, record: &mut Record) -> Vec<i64> {
    record.run(sides, &["sync", "events"]).await;
    let [event, session] = event_and_session(sides, "GOOD-01");
    sides.set(&format!("/events/{event}/max_places"), json!(20));
    sides.set(&format!("/sessions/{session}/title"), json!("Theirs"));
    let [event, _] = event_and_session(sides, "MORE-01");
    sides.set(&format!("/events/{event}/max_places"), json!(20));
    sides.execute("UPDATE acted.tutorial_sessions SET title = 'Ours' WHERE title = 'GOOD-01-1'").await;
    record.run(sides, &["sync", "events", "--dry-run"]).await;
    record.run(sides, &["sync", "events"]).await;
    record.run(sides, &["import", "rejected.csv", "--dry-run"]).await;
    record.run(sides, &["sync", "decide", "events", "MORE-01", "max places", "ours"]).await;
    let title = record.run(sides, &["sync", "decide", "events", "GOOD-01", "day-1-title", "theirs"]).await;
    let places = record.run(sides, &["sync", "decide", "events", "good-01", "max places", "theirs"]).await;
    let synced = record.run(sides, &["sync", "events"]).await;
    [title, places, synced].iter().map(run_id).collect()
}

/// Administrate's numbers of an event and its first session.
fn event_and_session(sides: &Sides, title: &str) -> [String; 2] {
    let state = sides.administrate();
    let first = |table: &str, field: &str, value: &Value| {
        let rows = state[table].as_object().expect(table);
        rows.iter().find(|(_, row)| row[field] == *value).expect(title).0.clone()
    };
    let event = first("events", "title", &json!(title));
    let session = first("sessions", "event", &json!(event.parse::<u64>().expect("a number")));
    [event, session]
}

async fn over_http(sides: &Sides, record: &mut Record, filled: &mut Filled) {
    let made = record.run(sides, &["token", "create", "--name", "golden", "--role", "admin"]).await;
    filled.token = made["token"].as_str().expect("a secret").to_owned();
    sides.execute("INSERT INTO public.tutor_profiles (id) VALUES (7)").await;
    record.run(sides, &["token", "create", "--name", "a tutor", "--role", "tutor", "--subject", "7"]).await;
    record.run(sides, &["token", "create", "--name", "ends", "--role", "reader", "--expires-in", "30"]).await;
    record.run(sides, &["token", "revoke", "3"]).await;
    record.run(sides, &["token", "list"]).await;
    record.run(sides, &["webhooks", "register"]).await;
    record.run(sides, &["webhooks", "register"]).await;

    let served = Served::start(sides, &["--no-worker"]).await;
    let token = &filled.token;
    let [busy, _] = event_and_session(sides, "BUSY-01");
    let busy = STANDARD.encode(format!("Course:{busy}"));
    let node = |id: &str, left: i64| json!({ "id": id, "title": "BUSY-01", "lifecycleState": "published", "isSoldOut": false, "maxPlaces": 12, "remainingPlaces": left });
    assert_eq!(served.webhook("2031-05-14T10:00:00Z", &node(&busy, 9)).await, 202);
    assert_eq!(served.webhook("2031-05-14T10:00:00Z", &node("Q291cnNlOjk5", 5)).await, 202);
    record.run(sides, &["webhooks", "list"]).await;
    record.run(sides, &["webhooks", "replay", "1", "2"]).await;
    record.run(sides, &["webhooks", "show", "1"]).await;
    assert_eq!(served.webhook("2031-05-14T11:00:00Z", &node(&busy, 4)).await, 202);
    record.run(sides, &["webhooks", "list", "--all"]).await;

    let import = served.import(token, "requested.csv", &REQUESTED, "key 1").await;
    let import = run_id(&record.add(sides, "POST /api/imports", import));
    let again = served.import(token, "requested.csv", &REQUESTED, "key 1").await;
    record.add(sides, "POST /api/imports, again under its key", again);
    let undo =
        served.post(token, &format!("/api/imports/{}/undo", filled.delivered), &json!({ "dry_run": true })).await;
    let undo = run_id(&record.add(sides, "POST /api/imports/{run}/undo", undo));
    let sync = json!({ "entity": "price-levels", "only": ["UHJpY2VMZXZlbDox"] });
    let sync = served.post(token, "/api/syncs", &sync).await;
    let sync = run_id(&record.add(sides, "POST /api/syncs", sync));
    for (path, name) in [
        (format!("/api/imports/{import}"), "GET /api/imports/{run}, queued"),
        (format!("/api/imports/{}", filled.delivered), "GET /api/imports/{run}, done"),
        (format!("/api/syncs/{sync}"), "GET /api/syncs/{run}, queued"),
        ("/api/imports?limit=3".to_owned(), "GET /api/imports"),
        ("/api/syncs?limit=3".to_owned(), "GET /api/syncs"),
        ("/api/outbox?all=true".to_owned(), "GET /api/outbox"),
        ("/api/search/unified?q=cm2".to_owned(), "GET /api/search/unified"),
        ("/api/search/default-data".to_owned(), "GET /api/search/default-data"),
        ("/api/search/fuzzy?q=londn".to_owned(), "GET /api/search/fuzzy"),
        ("/api/search/advanced-fuzzy?q=cm2".to_owned(), "GET /api/search/advanced-fuzzy"),
        ("/livez".to_owned(), "GET /livez"),
        ("/readyz".to_owned(), "GET /readyz"),
    ] {
        let answer = served.get(token, &path).await;
        record.add(sides, name, answer);
    }
    filled.requested = [import, undo, sync];
}

/// Changes that are planned, saved in a file and not applied.
async fn saved_plan(sides: &Sides, record: &mut Record) {
    sides.execute("INSERT INTO acted.tutorial_venues (name, location_id) VALUES ('Bridge House', 1)").await;
    sides.set("/price_levels/rows/2/description", json!("For a second attempt"));
    sides.set("/prices/rows/3/amount", json!("101.00"));
    sides.set("/templates/rows/2/approved_instructors", json!([2, 4]));
    let [event, session] = event_and_session(sides, "MORE-01");
    sides.set(&format!("/events/{event}/max_places"), json!(21));
    sides.set(&format!("/events/{event}/booked_places"), json!(3));
    sides.set(&format!("/sessions/{session}/title"), json!("Theirs again"));
    sides.execute("UPDATE acted.tutorial_sessions SET title = 'Ours again' WHERE title = 'MORE-01-1'").await;
    write(sides, "decided.toml", DECIDED);
    for (what, file) in [("all", "plan.json"), ("events", "plan-events.json")] {
        record.run(sides, &["sync", what, "--plan-out", file, "--config", "decided.toml"]).await;
        let plan: Value = read_json(sides, file);
        record.add(sides, file, (0, plan));
    }
}

async fn listings(sides: &Sides, record: &mut Record) {
    record.run(sides, &["sync", "runs", "--limit", "100"]).await;
    record.run(sides, &["outbox"]).await;
    record.run(sides, &["outbox", "list", "--all"]).await;
    record.run(sides, &["search", "cm2", "london"]).await;
    record.run(sides, &["search", "no such thing"]).await;
}

fn write(sides: &Sides, file: &str, text: &str) {
    std::fs::write(sides.db.folder().join(file), text).expect(file);
}

fn read_json(sides: &Sides, file: &str) -> Value {
    let text = std::fs::read(sides.db.folder().join(file)).expect(file);
    serde_json::from_slice(&text).expect(file)
}

fn run_id(document: &Value) -> i64 {
    document["run_id"].as_i64().unwrap_or_else(|| panic!("no run: {document:#}"))
}
