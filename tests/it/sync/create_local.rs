//! `--create-local`: local records from unmatched remote ones, and their undo.

use serde_json::{Value, json};

use crate::fixtures::sync::SyncFixture;

/// Returns the names in a list of a report.
fn names(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().filter_map(|record| record["name"].as_str()).collect()
}

async fn with_towns() -> SyncFixture {
    let fixture = SyncFixture::new().await;
    fixture.simulator.edit(|tenant| {
        tenant.add_location("  Bath\u{a0} Spa ", " BTH ");
        tenant.add_location("Bristol", "BRS");
    });
    fixture
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_names_are_stored_trimmed() {
    let fixture = with_towns().await;
    let (_, report) = fixture.run(&["sync", "locations", "--create-local"]).await;
    assert_eq!(report["created_local"].as_array().map(Vec::len), Some(2), "{report:#}");
    let tidy = "SELECT count(*) FROM acted.tutorial_locations WHERE (name, code) = ('Bath Spa', 'BTH')";
    assert_eq!(fixture.count(tidy).await, 1);
    let (_, again) = fixture.run(&["sync", "locations", "--create-local"]).await;
    assert_eq!((&again["created_local"], &again["counts"]["updated"]), (&json!([]), &json!(0)), "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_removes_locally_created_records() {
    let fixture = with_towns().await;
    let (_, report) = fixture.run(&["sync", "locations", "--create-local"]).await;
    let run = report["run_id"].to_string();
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_locations").await, 7);
    let (_, stored) = fixture.run(&["sync", "show", &run]).await;
    assert_eq!(stored["journal"]["made"].as_array().map(Vec::len), Some(2), "{stored:#}");
    let (exit, planned) = fixture.run(&["sync", "undo", &run, "--dry-run"]).await;
    assert_eq!((exit, names(&planned["removed_local"])), (0, vec!["Bath Spa", "Bristol"]), "{planned:#}");
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_locations").await, 7, "a dry run writes nothing");
    let (exit, done) = fixture.run(&["sync", "undo", &run, "--no-prompt"]).await;
    assert_eq!((exit, &done["removed_local"]), (0, &planned["removed_local"]));
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_locations").await, 5);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_retains_created_records_in_use_and_reports_them() {
    let fixture = with_towns().await;
    fixture.simulator.edit(|tenant| _ = tenant.add_location("Wells", "WLS"));
    let (_, report) = fixture.run(&["sync", "locations", "--create-local"]).await;
    let run = report["run_id"].to_string();
    sqlx::raw_sql(
        "INSERT INTO acted.tutorial_venues (name, location_id)
             SELECT 'Dock House', id FROM acted.tutorial_locations WHERE name = 'Bristol';
         UPDATE acted.tutorial_locations SET code = 'OURS' WHERE name = 'Wells';",
    )
    .execute(&fixture.db.pool)
    .await
    .expect("they are used");
    for arguments in [vec!["sync", "undo", &run, "--dry-run"], vec!["sync", "undo", &run, "--no-prompt"]] {
        let (exit, report) = fixture.run(&arguments).await;
        assert_eq!((exit, names(&report["removed_local"])), (4, vec!["Bath Spa"]), "{report:#}");
        assert_eq!(names(&report["kept_local"]), ["Bristol", "Wells"]);
        let reason = |at: usize| report["kept_local"][at]["reason"].as_str().unwrap_or_default().to_owned();
        assert!(reason(0).contains("venues refer to it") && reason(1).contains("changed"), "{report:#}");
    }
    let stay = "SELECT count(*) FROM acted.tutorial_locations JOIN adm.locations ON tutorial_location_id = tutorial_locations.id
                WHERE name IN ('Bristol', 'Wells')";
    assert_eq!(fixture.count(stay).await, 2, "both, with their links");
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_removes_a_created_instructor_with_account_and_staff_row() {
    let fixture = SyncFixture::new().await;
    let people = "SELECT (SELECT count(*) FROM public.auth_user) + (SELECT count(*) FROM acted.staff)
                       + (SELECT count(*) FROM acted.tutorial_instructors)";
    let before = fixture.count(people).await;
    let (exit, report) = fixture.run(&["sync", "instructors", "--create-local"]).await;
    assert_eq!(names(&report["created_local"]), ["Ada Marsh", "Tom Okafor"], "{report:#}");
    let left = &report["not_created_local"][0];
    assert_eq!((exit, &left["reason"]), (4, &json!("it has no name")), "requested and not done: {report:#}");
    assert_eq!(fixture.count(people).await, before + 6);
    sqlx::raw_sql("UPDATE public.auth_user SET last_login = now() WHERE last_name = 'Okafor'")
        .execute(&fixture.db.pool)
        .await
        .expect("he has signed in");
    let (exit, undone) = fixture.run(&["sync", "undo", &report["run_id"].to_string(), "--no-prompt"]).await;
    assert_eq!((exit, names(&undone["removed_local"])), (4, vec!["Ada Marsh", "Tom Okafor"]), "{undone:#}");
    assert_eq!(names(&undone["kept_local"]), ["the account of Tom Okafor"]);
    assert_eq!(fixture.count(people).await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_remote_record_is_reported_and_not_created_locally() {
    let fixture = SyncFixture::new().await;
    let before = fixture.count("SELECT count(*) FROM acted.tutorial_locations").await;
    fixture.simulator.edit(|tenant| {
        tenant.add_location("Ann", "A");
        tenant.add_location("ANN", "B");
    });
    let (exit, report) = fixture.run(&["sync", "locations", "--create-local"]).await;
    assert_eq!((exit, &report["created_local"]), (4, &json!([])));
    let reason = |name: &str| {
        let left = report["not_created_local"].as_array().expect("a list").iter().find(|left| left["name"] == name);
        left.and_then(|left| left["reason"].as_str()).unwrap_or_default().to_owned()
    };
    assert!(reason("Ann").contains("2 records in Administrate") && reason("ANN").contains("2 records"), "{report:#}");
    assert!(reason("Manchester").contains("inactive"), "{report:#}");
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_locations").await, before);
    fixture.simulator.edit(|tenant| {
        let manchester = tenant.locations.iter().find(|(_, one)| one.name == "Manchester").expect("there").0;
        tenant.add_venue(manchester, "Mill");
        tenant.add_venue(1, "Loft");
    });
    let (exit, report) = fixture.run(&["sync", "venues", "--create-local"]).await;
    assert_eq!((exit, names(&report["created_local"])), (4, vec!["Bridge House", "Loft"]), "{report:#}");
    assert_eq!(report["not_created_local"][0]["reason"], "its location is not linked to a local location");
}

#[tokio::test(flavor = "multi_thread")]
async fn venue_is_created_only_at_its_linked_location() {
    let fixture = SyncFixture::new().await;
    sqlx::raw_sql("INSERT INTO acted.tutorial_locations (name, is_active) VALUES ('london', false)")
        .execute(&fixture.db.pool)
        .await
        .expect("a location of the same name that is not used any more");
    fixture.run(&["sync", "locations"]).await;
    let (_, report) = fixture.run(&["sync", "venues", "--create-local"]).await;
    assert_eq!(names(&report["created_local"]), ["Bridge House"]);
    let made = "SELECT count(*) FROM acted.tutorial_venues WHERE name = 'Bridge House'";
    assert_eq!(fixture.count(made).await, 1);
}
