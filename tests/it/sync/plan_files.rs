//! Saved plans: what they may be applied to, and what a refusal says.

use administrate_sim::Tenant;
use serde_json::Value;

use crate::fixtures::sync::SyncFixture;

/// Runs the program and returns its exit code and what it printed on stderr.
async fn refused(fixture: &SyncFixture, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = fixture.program(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_is_applied_only_to_what_it_was_made_of() {
    let fixture = SyncFixture::new().await;
    let other = SyncFixture::new().await;
    let folder = fixture.db.folder();
    let path = folder.join("plan.json").to_string_lossy().into_owned();
    fixture.run(&["sync", "locations", "--plan-out", &path]).await;
    let before = fixture.rows().await;
    for (target, both) in [("venues", "locations, not of venues"), ("all", "locations, not of all")] {
        let (exit, message) = refused(&fixture, &["sync", target, "--plan", &path]).await;
        assert!(exit == Some(2) && message.contains(both), "{message}");
        assert!(message.contains("lectern sync locations --plan"), "{message}");
    }
    let (exit, message) = refused(&other, &["sync", "locations", "--plan", &path]).await;
    assert!(exit == Some(2) && message.contains("for the Administrate at"), "{message}");
    let mut elsewhere = other.program(&["sync", "locations", "--plan", &path]);
    elsewhere.env("ADMINISTRATE_API_URL", fixture.simulator.graphql_url());
    let output = tokio::task::spawn_blocking(move || elsewhere.output()).await.expect("joined").expect("it runs");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && message.contains("for the database test_"), "{message}");
    let saved = std::fs::read_to_string(&path).expect("the plan");
    for (contents, reason) in [
        (saved[..saved.len() / 2].to_owned(), "damaged"),
        (saved.replace("\"lectern_sync_plans\": 2", "\"lectern_sync_plans\": 3"), "another version of Lectern"),
        (saved.replace("\"made_of\"", "\"of\""), "damaged"),
        ("{}".to_owned(), "no plan of a sync"),
        ("\0\u{fffd}".to_owned(), "damaged"),
    ] {
        std::fs::write(&path, contents).expect("written");
        let (exit, message) = refused(&fixture, &["sync", "locations", "--plan", &path]).await;
        assert!(exit == Some(2) && message.contains(reason) && message.contains("--plan-out"), "{reason}: {message}");
    }
    assert_eq!(fixture.rows().await, before, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusal_of_a_stale_plan_says_what_changed() {
    let fixture = SyncFixture::new().await;
    fixture.run(&["sync", "locations"]).await;
    let legacy = |tenant: &mut Tenant, id: &str| {
        tenant.locations.get_mut(1).expect("London").code = Some(id.to_owned());
    };
    fixture.simulator.edit(|tenant| {
        legacy(tenant, "L2");
        tenant.add_location("Hull", "HUL");
    });
    let (_, planned) = fixture.run(&["sync", "locations", "--plan-out", "plan.json"]).await;
    assert_eq!(planned["counts"]["created"], 1, "{planned:#}");
    sqlx::raw_sql(
        "UPDATE adm.locations SET legacy_id = 'changed here' WHERE tutorial_location_id = 1;
         INSERT INTO acted.tutorial_locations (name) VALUES ('Hull');",
    )
    .execute(&fixture.db.pool)
    .await
    .expect("changes here");
    fixture.simulator.edit(|tenant| (0..20).for_each(|n| _ = tenant.add_location(&format!("Town {n:02}"), "T")));
    let (exit, report) = fixture.run(&["sync", "locations", "--plan", "plan.json"]).await;
    let messages: Vec<&str> =
        report["errors"].as_array().expect("a list").iter().filter_map(|error| error["message"].as_str()).collect();
    assert_eq!(exit, 4, "{report:#}");
    assert!(messages[0].contains("stale") && messages.len() == 12, "a limited list: {messages:#?}");
    assert!(messages[11].starts_with("… and "), "{messages:#?}");
    let all = messages.join("\n");
    assert!(all.contains("Hull: linked with: planned none, now the local record "), "{all}");
    assert!(all.contains("London: not in the plan, now to be updated: legacy id changed here → "), "{all}");
    assert!(all.contains(": not in the plan, now to be created"), "{all}");
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 3, "nothing was written");
    let stored: Value = fixture.run(&["sync", "show", &report["run_id"].to_string()]).await.1;
    assert_eq!(stored["document"]["errors"], report["errors"]);
}
