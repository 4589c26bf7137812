//! Failed syncs: unchanged rows, error messages and exit codes.

use administrate_sim::{Action, Fault, Tenant};
use lectern::sync::{Entity, SyncOptions, SyncRun, run::ProgressEvent};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::fixtures::sync::SyncFixture;

#[tokio::test(flavor = "multi_thread")]
async fn failed_entity_stops_the_run_unless_errors_are_skipped() {
    let fixture = SyncFixture::new().await;
    fixture.simulator.add_fault(Fault::always("locations", Action::Error { message: "no".into() }));
    let (exit, summary) = fixture.run(&["sync", "all"]).await;
    assert_eq!(exit, 1);
    assert_eq!((&summary["succeeded"], &summary["failed"], &summary["not_run"]), (&json!(2), &json!(1), &json!(4)));
    assert_eq!(summary["reports"][3], json!({"entity": "venues", "not_run": true}));
    let (exit, summary) = fixture.run(&["sync", "all", "--skip-errors"]).await;
    assert_eq!(exit, 1);
    assert_eq!((&summary["succeeded"], &summary["failed"], &summary["not_run"]), (&json!(5), &json!(2), &json!(0)));
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 0);
    assert_eq!(
        fixture.count("SELECT count(*) FROM lectern.runs WHERE subject = 'locations' AND exit_code = 1").await,
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_fetch_writes_nothing() {
    for action in [Action::TruncatedPage { keep: 1 }, Action::WrongTotal { by: 1 }, Action::DuplicateRow] {
        let fixture = SyncFixture::new().await;
        fixture.simulator.add_fault(Fault::always("locations", action.clone()));
        let (exit, report) = fixture.run(&["sync", "locations"]).await;
        assert_eq!((exit, &report["counts"]["errors"]), (1, &json!(1)), "{action:?}: {report:#}");
        assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 0);
        fixture.simulator.clear_faults();
        fixture.simulator.add_fault(Fault::first("locations", action));
        assert_eq!(fixture.run(&["sync", "locations"]).await.0, 4, "once is retried");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failure_of_one_custom_field_kind_prunes_no_rows_of_it() {
    let fixture = SyncFixture::new().await;
    assert_eq!(fixture.run(&["sync", "custom-fields"]).await.0, 0);
    let before = fixture.count("SELECT count(*) FROM adm.custom_fields").await;
    fixture.simulator.edit(|tenant| tenant.custom_fields.retain(|_| false));
    fixture.simulator.add_fault(Fault::first("customFieldTemplate", Action::Error { message: "no".into() }));
    let (exit, report) = fixture.run(&["sync", "custom-fields", "--prune", "--prune-limit", "100"]).await;
    assert_eq!((exit, &report["counts"]["errors"]), (4, &json!(1)), "{report:#}");
    let pruned = report["counts"]["pruned"].as_i64().unwrap_or_default();
    assert_eq!(fixture.count("SELECT count(*) FROM adm.custom_fields").await, before - pruned);
}

#[tokio::test(flavor = "multi_thread")]
async fn permanent_rate_limit_stops_the_requests() {
    let fixture = SyncFixture::new().await;
    let limited = |retry_after| Fault::always("*", Action::Status { status: 429, retry_after });
    let only_data = Fault::always("customFieldTemplate", Action::Status { status: 429, retry_after: None });
    // Nineteen kinds are requested concurrently and share one wait.
    for (fault, most) in [(only_data, 1 + 1 + 19 + 11), (limited(None), 12), (limited(Some(86_400)), 1)] {
        fixture.simulator.add_fault(fault.clone());
        let (exit, report) = fixture.run(&["sync", "custom-fields"]).await;
        let requests = report["requests"].as_u64().expect("a count");
        assert!(requests <= most, "{fault:?}: {requests} requests");
        let message = report["errors"][0]["message"].as_str().expect("a sentence");
        assert!(exit == 1 && message.contains("rate limit"), "{report:#}");
        fixture.simulator.clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_responses_stop_the_requests() {
    let fixture = SyncFixture::new().await;
    // Status 200 has a body that is not GraphQL.
    for status in [200, 502] {
        for operation in ["customFieldTemplate", "priceLevels", "locations", "venues", "contacts", "courseTemplates"] {
            fixture.simulator.add_fault(Fault::always(operation, Action::Status { status, retry_after: None }));
        }
        let (exit, summary) = fixture.run(&["sync", "all", "--skip-errors"]).await;
        let reports = summary["reports"].as_array().expect("reports");
        let requests: u64 = reports.iter().filter_map(|report| report["requests"].as_u64()).sum();
        assert!(exit == 1 && requests <= 1 + 1 + 19 + 20 + 6, "{status}: {requests} requests");
        let message = reports[2]["errors"][0]["message"].as_str().expect("a sentence");
        assert!(message.contains("Administrate has failed") && message.contains("Try again later"), "{message}");
        fixture.simulator.clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_sync_of_one_entity_is_rejected() {
    let fixture = SyncFixture::new().await;
    let mut other = fixture.db.pool.acquire().await.expect("a connection");
    let lock = sqlx::postgres::PgAdvisoryLock::new("lectern sync locations");
    let lock = lock.acquire(&mut *other).await.expect("the lock");
    let (exit, report) = fixture.run(&["sync", "locations"]).await;
    assert_eq!((exit, &report["run_id"]), (1, &Value::Null), "{report:#}");
    lock.release_now().await.expect("released");
    assert_eq!(fixture.run(&["sync", "locations"]).await.0, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_settings_and_rejected_login_have_different_exit_codes() {
    let fixture = SyncFixture::new().await;
    let mut command = fixture.db.program(&["sync", "all", "--json"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ADMINISTRATE_API_URL"));
    fixture.simulator.add_fault(Fault::always("token", Action::Status { status: 401, retry_after: None }));
    let (exit, summary) = fixture.run(&["sync", "all"]).await;
    assert_eq!((exit, &summary["failed"]), (1, &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn unstorable_record_is_an_error_of_that_record() {
    let fixture = SyncFixture::new().await;
    fixture.simulator.edit(|tenant| {
        tenant.add_location("Cor\0k", "C");
        tenant.add_location("Norwich", &"N".repeat(51));
        tenant.add_location("Bristol", "B");
        tenant.add_template(&"T".repeat(60), "Long", 1);
        tenant.add_template("FITS", "Short", 1);
    });
    let tenant = fixture.simulator.tenant();
    let norwich = tenant.locations.iter().find(|(_, one)| one.name == "Norwich").expect("Norwich").0;
    let norwich = Tenant::location_id(norwich);
    let error_messages = |report: &Value| {
        let message = |error: &Value| error["message"].as_str().unwrap_or_default().to_owned();
        report["errors"].as_array().expect("a list").iter().map(message).collect::<Vec<String>>()
    };
    let (exit, report) = fixture.run(&["sync", "locations"]).await;
    assert_eq!((exit, error_messages(&report).len()), (4, 1), "{report:#}");
    assert!(error_messages(&report)[0].contains("NUL"), "{report:#}");
    let not_created_reason =
        |report: &Value| report["not_created_local"][0]["reason"].as_str().unwrap_or_default().to_owned();
    let (exit, report) = fixture.run(&["sync", "locations", "--create-local", "--only", &norwich]).await;
    assert_eq!((exit, error_messages(&report).len()), (4, 1), "{report:#}");
    assert!(not_created_reason(&report).contains("code is 51 characters"), "{report:#}");
    fixture.run(&["sync", "locations", "--create-local"]).await;
    let created = "SELECT count(*) FROM acted.tutorial_locations WHERE name IN ('Bristol', 'Norwich')";
    assert_eq!(fixture.count(created).await, 1);
    for entity in ["custom-fields", "price-levels", "venues", "instructors"] {
        fixture.run(&["sync", entity]).await;
    }
    let (exit, report) = fixture.run(&["sync", "course-templates", "--create-local"]).await;
    assert_eq!((exit, error_messages(&report).len()), (4, 0), "{report:#}");
    assert!(not_created_reason(&report).contains("code is 60 characters"), "{report:#}");
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_course_templates WHERE code = 'FITS'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_text_is_an_error_of_its_record_alone() {
    let fixture = SyncFixture::new().await;
    fixture.run(&["sync", "all"]).await;
    let before = fixture.rows().await;
    let half = "\u{fffd}";
    fixture.simulator.edit(|tenant| {
        tenant.custom_fields.get_mut(1).expect("a field").label.push_str(half);
        tenant.price_levels.get_mut(1).expect("a level").name.push_str(half);
        tenant.locations.get_mut(1).expect("London").code = Some(format!("LON{half}"));
        let quill = tenant.venues.iter().find(|(_, venue)| venue.name == "QUILL HOUSE").expect("a venue").0;
        tenant.venues.get_mut(quill).expect("it").name.push_str(half);
        let ada = tenant.contacts.iter().find(|(_, one)| one.last_name.as_deref() == Some("Marlow")).expect("Ada").0;
        tenant.contacts.get_mut(ada).expect("her").last_name = Some(format!("Marlow{half}"));
        tenant.templates.get_mut(1).expect("a template").title = format!("T{half}");
        tenant.add_location("Hull", "HUL");
    });
    let (exit, summary) = fixture.run(&["sync", "all", "--prune", "--prune-limit", "100"]).await;
    assert_eq!((exit, &summary["succeeded"]), (4, &json!(7)), "{summary:#}");
    for at in 0..6 {
        let report = &summary["reports"][at];
        let errors: Vec<&str> =
            report["errors"].as_array().expect("a list").iter().filter_map(|error| error["message"].as_str()).collect();
        assert!(
            !errors.is_empty() && errors.iter().all(|message| message.contains("half of a character")),
            "{report:#}"
        );
        assert_eq!(report["counts"]["pruned"], 0, "{report:#}");
        let created = report["created_local"].to_string() + &report["unmatched_local"].to_string();
        assert!(!created.contains(half) && !created.contains("Marlow") && !created.contains("london"), "{report:#}");
    }
    let after = fixture.rows().await;
    for (table, rows) in before.iter().filter(|(table, _)| *table != "adm.api_audit_log") {
        for row in rows {
            assert!(after[table].contains(row), "{table}: a stored row stays: {row}");
        }
    }
    let (_, report) = fixture.run(&["sync", "locations", "--create-local"]).await;
    assert_eq!(report["created_local"][0]["name"], "Hull", "the others are synchronised: {report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_stopped_by_a_signal_needs_attention() {
    let fixture = SyncFixture::new().await;
    let simulator = &fixture.simulator;
    let config = fixture.db.config(&[
        ("ADMINISTRATE_API_URL", &simulator.graphql_url()),
        ("ADMINISTRATE_AUTH_URL", &simulator.auth_url()),
        ("ADMINISTRATE_CLIENT_ID", simulator.client_id()),
        ("ADMINISTRATE_CLIENT_SECRET", simulator.client_secret()),
    ]);
    let stop = CancellationToken::new();
    let signal = stop.clone();
    let sync =
        SyncRun::open(&fixture.db.pool, &config, "sync all", SyncOptions::default(), stop).await.expect("opened");
    let summary = sync.on_progress(move |progress| {
        if matches!(progress, ProgressEvent::Starts(Entity::Venues)) {
            signal.cancel();
        }
    });
    let summary = { summary }.sync_all().await;
    assert_eq!((summary.succeeded, summary.failed, summary.not_run, summary.exit() as i32), (3, 0, 4, 4));
    assert_eq!(serde_json::to_value(&summary.reports[3]).ok(), Some(json!({"entity": "venues", "not_run": true})));
    assert_eq!(fixture.run(&["sync", "events"]).await.0, 3, "nothing builds upon what was stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_error_is_reported_on_stderr() {
    let fixture = SyncFixture::new().await;
    let refused = Fault::always("token", Action::Status { status: 401, retry_after: None });
    for (command, faults, exit, message) in [
        (vec!["sync", "venues"], vec![], 3, "lectern: venues depend on locations, which"),
        (vec!["sync", "locations"], vec![refused.clone()], 1, "lectern: Administrate refused the login"),
        (vec!["sync", "all"], vec![refused], 1, "lectern: custom fields: Administrate refused the login"),
    ] {
        faults.into_iter().for_each(|fault| fixture.simulator.add_fault(fault));
        for json in [&["--json"][..], &[]] {
            let mut command = fixture.program(&[&command[..], json].concat());
            let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(exit), "{stderr}");
            assert_eq!(stderr.matches(message).count(), 1, "{stderr}");
            let document: Result<Value, _> = serde_json::from_slice(&output.stdout);
            assert_eq!(document.is_ok(), !json.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_error_message_is_stored_redacted() {
    let fixture = SyncFixture::new().await;
    fixture.simulator.edit(|tenant| _ = tenant.add_location("Cor\0k", "C"));
    let secret = fixture.simulator.client_secret().to_owned();
    let message = format!("denied for jane.smith@example.org, who says {secret}");
    fixture.simulator.add_fault(Fault::always("priceLevels", Action::Error { message }));
    let mut command = fixture.program(&["sync", "all", "--json", "--skip-errors"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
    let stored: Vec<String> = sqlx::query_scalar(
        "SELECT t::text FROM adm.api_audit_log AS t UNION ALL SELECT document::text FROM lectern.runs",
    )
    .fetch_all(&fixture.db.pool)
    .await
    .expect("stored");
    let message = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    assert!(message.contains("denied for …"), "{message}");
    for text in stored.iter().chain([&message]) {
        assert!(!text.contains(&secret) && !text.contains("jane.smith"), "{text}");
    }
    let logged = "SELECT count(*) FROM adm.api_audit_log
                  WHERE operation = 'locations' AND entity_type = 'locations' AND records_processed = 4";
    assert_eq!(fixture.count(logged).await, 1, "also an answer that holds a NUL");
}
