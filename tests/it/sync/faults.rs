//! The fault table: each entity's sync under each fault, and the rows after it.
//!
//! `cargo test --test it sync::faults -- --nocapture` prints it.

use std::collections::BTreeMap;

use administrate_sim::{Action, Fault, When};
use lectern::gateway::{AuditMode, connect};
use lectern::sync::{Report, SyncRun};
use tokio_util::sync::CancellationToken;

use crate::fixtures::sync::SyncFixture;

/// Each entity with the operation that fetches it.
const ENTITIES: [(&str, &str); 8] = [
    ("custom-fields", "customFieldTemplate"),
    ("price-levels", "priceLevels"),
    ("locations", "locations"),
    ("venues", "venues"),
    ("instructors", "contacts"),
    ("course-templates", "courseTemplates"),
    ("course-template-price-levels", "courseTemplates"),
    ("events", "events"),
];

/// The result of a fault: the sync passes, or the entity fails and writes nothing. When one kind of custom fields
/// fails, the sync of custom fields is reported as done with errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Passes,
    Fails,
}

struct Case {
    name: &'static str,
    fault: fn(&str) -> Fault,
    expected: fn(&str) -> Expected,
}

fn passes(_: &str) -> Expected {
    Expected::Passes
}

fn fails(_: &str) -> Expected {
    Expected::Fails
}

/// Custom fields are lists without pages: faults of a page do not affect them.
fn fails_where_paged(entity: &str) -> Expected {
    if entity == "custom-fields" { Expected::Passes } else { Expected::Fails }
}

const CASES: [Case; 20] = [
    Case { name: "429, Retry-After, once", fault: |on| Fault::first(on, status(429, Some(0))), expected: passes },
    Case { name: "429, once", fault: |on| Fault::first(on, status(429, None)), expected: passes },
    Case { name: "429, always", fault: |on| Fault::always(on, status(429, None)), expected: fails },
    Case { name: "500, once", fault: |on| Fault::first(on, status(500, None)), expected: passes },
    Case { name: "500, always", fault: |on| Fault::always(on, status(500, None)), expected: fails },
    Case { name: "503, once", fault: |on| Fault::first(on, status(503, None)), expected: passes },
    Case { name: "503, always", fault: |on| Fault::always(on, status(503, None)), expected: fails },
    Case { name: "reset, once", fault: |on| Fault::first(on, Action::Reset { when: When::Before }), expected: passes },
    Case {
        name: "reset, always",
        fault: |on| Fault::always(on, Action::Reset { when: When::Before }),
        expected: fails,
    },
    Case { name: "timeout, once", fault: |on| Fault::first(on, Action::Hang { when: When::Before }), expected: passes },
    Case { name: "token expired, once", fault: |on| Fault::first(on, Action::ExpireTokens), expected: passes },
    Case { name: "token expired, always", fault: |on| Fault::always(on, Action::ExpireTokens), expected: fails },
    Case { name: "empty errors", fault: |on| Fault::always(on, Action::EmptyErrors), expected: passes },
    Case { name: "error", fault: |on| Fault::always(on, Action::Error { message: "no".into() }), expected: fails },
    Case { name: "wrong total, once", fault: |on| Fault::first(on, Action::WrongTotal { by: 1 }), expected: passes },
    Case {
        name: "wrong total",
        fault: |on| Fault::always(on, Action::WrongTotal { by: 1 }),
        expected: fails_where_paged,
    },
    Case {
        name: "truncated page",
        fault: |on| Fault::always(on, Action::TruncatedPage { keep: 1 }),
        expected: fails_where_paged,
    },
    Case { name: "duplicate row", fault: |on| Fault::always(on, Action::DuplicateRow), expected: fails_where_paged },
    Case { name: "null node, once", fault: |on| Fault::first(on, Action::NullNode { index: 0 }), expected: passes },
    Case {
        name: "null node",
        fault: |on| Fault::always(on, Action::NullNode { index: 0 }),
        expected: fails_where_paged,
    },
];

fn status(status: u16, retry_after: Option<u32>) -> Action {
    Action::Status { status, retry_after }
}

/// One row of the table.
struct Outcome {
    case: &'static str,
    entity: &'static str,
    exit: i32,
    counts: String,
    requests: u64,
    error: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_during_each_entity_sync_has_the_expected_outcome() {
    let mut table = Vec::new();
    let fixture = SyncFixture::new().await;
    prepare(&fixture).await;
    assert!(fixture.run(&["sync", "all"]).await.0 != 1, "prerequisites are met");
    for case in &CASES {
        for (entity, operation) in ENTITIES {
            remove_synced_rows(&fixture, entity).await;
            let local = local_rows(&fixture).await;
            let before = linked_rows(&fixture).await;
            fixture.simulator.add_fault((case.fault)(operation));
            let report = sync(&fixture, entity).await;
            fixture.simulator.clear_faults();
            let exit = report.exit() as i32;
            table.push(outcome(case.name, entity, &report));
            assert_eq!(local_rows(&fixture).await, local, "{} on {entity} touched acted.*", case.name);
            match (case.expected)(entity) {
                Expected::Fails => {
                    assert_eq!(exit, 1, "{} on {entity}: {report:#?}", case.name);
                    assert_eq!(linked_rows(&fixture).await, before, "{} on {entity} wrote", case.name);
                }
                Expected::Passes => assert_ne!(exit, 1, "{} on {entity}: {report:#?}", case.name),
            }
        }
    }
    print(&table);
    assert_eq!(table.len(), CASES.len() * ENTITIES.len());
}

/// Creates two records of each kind, so that pages can be cut and rows repeated, and an event on both sides.
async fn prepare(fixture: &SyncFixture) {
    fixture.simulator.edit(|tenant| {
        tenant.add_price_level("Second");
        tenant.add_venue(1, "Second");
        tenant.add_event(administrate_sim::tenant::Event { title: "E-1".into(), ..Default::default() });
        tenant.add_event(administrate_sim::tenant::Event { title: "Stranger".into(), ..Default::default() });
    });
    let provider = crate::fixtures::provider::Provider::insert(&fixture.db).await;
    let mut connection = fixture.db.pool.acquire().await.expect("a connection");
    lectern::tutorials::store::insert_events(&mut connection, &[provider.event("E-1")]).await.expect("an event");
}

/// Changes the entity's rows, so that a passing sync has something to write.
async fn remove_synced_rows(fixture: &SyncFixture, entity: &str) {
    let sql = match entity {
        "custom-fields" => "UPDATE adm.custom_fields SET label = 'Old'",
        "price-levels" => "UPDATE adm.pricelevels SET name = 'Old'",
        "locations" => "UPDATE adm.locations SET legacy_id = 'Old'",
        "venues" => "UPDATE adm.venues SET location_id = NULL",
        "instructors" => "UPDATE adm.instructors SET legacy_id = 'Old'",
        "course-templates" => "UPDATE adm.course_templates SET event_learning_mode = 'OLD'",
        "course-template-price-levels" => "UPDATE adm.course_template_price_levels SET amount = 1",
        _ => "UPDATE adm.events SET title = 'Old'",
    };
    sqlx::query(sql).execute(&fixture.db.pool).await.expect(sql);
}

async fn local_rows(fixture: &SyncFixture) -> Vec<String> {
    let tables = ["tutorial_locations", "tutorial_venues", "tutorial_instructors", "tutorial_course_templates"];
    let tables = tables.into_iter().chain(["tutorial_events", "tutorial_sessions"]);
    let mut rows = Vec::new();
    for table in tables {
        let sql = format!("SELECT xmin::text || ' ' || t::text FROM acted.{table} t ORDER BY 1");
        let found: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&fixture.db.pool).await.expect(table);
        rows.extend(found);
    }
    rows
}

/// Returns the bridge rows, without the audit log, which records failures too.
async fn linked_rows(fixture: &SyncFixture) -> BTreeMap<String, Vec<String>> {
    let mut rows = fixture.rows().await;
    rows.remove("adm.api_audit_log");
    let events = "SELECT xmin::text || ' ' || e::text FROM adm.events e ORDER BY 1";
    rows.insert("adm.events".into(), sqlx::query_scalar(events).fetch_all(&fixture.db.pool).await.expect("events"));
    rows
}

/// Runs a sync with a new login and a short timeout.
async fn sync(fixture: &SyncFixture, entity: &str) -> Report {
    let simulator = &fixture.simulator;
    let config = fixture.db.config(&[
        ("ADMINISTRATE_API_URL", &simulator.graphql_url()),
        ("ADMINISTRATE_AUTH_URL", &simulator.auth_url()),
        ("ADMINISTRATE_CLIENT_ID", simulator.client_id()),
        ("ADMINISTRATE_CLIENT_SECRET", simulator.client_secret()),
        ("LECTERN_RETRY_BASE_MS", "1"),
        ("LECTERN_HTTP_TIMEOUT_MS", "1000"),
    ]);
    let client = connect(&config, &fixture.db.pool, "faults", AuditMode::Off).await.expect("connected");
    let stop = CancellationToken::new();
    let mut sync = SyncRun::new(fixture.db.pool.clone(), client, &config, lectern::sync::SyncOptions::default(), stop);
    sync.sync_entity(entity.parse().expect("an entity")).await
}

fn outcome(case: &'static str, entity: &'static str, report: &Report) -> Outcome {
    let counts = &report.counts;
    let written = counts.created + counts.updated;
    Outcome {
        case,
        entity,
        exit: report.exit() as i32,
        counts: format!("{written} of {} written, {} errors", counts.fetched, counts.errors),
        requests: report.requests,
        error: report.errors.first().map(|error| error.message.chars().take(90).collect()).unwrap_or_default(),
    }
}

fn print(table: &[Outcome]) {
    println!("| fault | entity | exit | rows | requests | error |\n|---|---|---|---|---|---|");
    for row in table {
        let Outcome { case, entity, exit, counts, requests, error } = row;
        println!("| {case} | {entity} | {exit} | {counts} | {requests} | {error} |");
    }
}
