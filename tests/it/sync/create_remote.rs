//! `--create-remote`: records that Administrate lacks, where its API can create them.

use administrate_sim::{Action, Fault, Options, Profile, When};
use serde_json::json;

use crate::fixtures::sync::SyncFixture;

const ACCOUNT: (&str, &str) = ("ADMINISTRATE_ACCOUNT_ID", "T3JnYW5pc2F0aW9uOjE=");

async fn extended() -> SyncFixture {
    SyncFixture::with_options(Options { profile: Profile::EXTENDED, ..Options::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn unmatched_local_records_are_created_remotely_once() {
    let fixture = extended().await;
    fixture.simulator.edit(|tenant| tenant.contacts.retain(|contact| contact.first_name.as_deref() != Some("Mary")));
    let before = fixture.simulator.tenant();
    let (exit, summary) = fixture.run_with_env(&["sync", "all", "--create-remote"], &[ACCOUNT]).await;
    assert_eq!(exit, 4, "ambiguous records and a venue without location stay: {summary:#}");
    let created = |at: usize| &summary["reports"][at]["created_in_administrate"];
    assert_eq!(created(2)[0]["name"], "Edinburgh");
    assert_eq!(created(3)[0]["name"], "Quill House", "within the location that has just been created");
    let attic = &summary["reports"][3]["not_created_in_administrate"][0];
    assert!(attic["reason"].as_str().is_some_and(|why| why.contains("is not linked")), "{attic:#}");
    assert_eq!(created(4)[0]["name"], "Mary Ann Lee", "{:#}", summary["reports"][4]);
    assert_eq!(created(5)[0]["name"], "SA1");
    let after = fixture.simulator.tenant();
    assert_eq!(after.locations.len(), before.locations.len() + 1);
    assert_eq!(after.templates.len(), before.templates.len() + 1);
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.outbox WHERE state = 'delivered'").await, 4);
    for entity in ["locations", "venues", "instructors", "course-templates"] {
        let (_, planned) = fixture.run(&["sync", entity, "--dry-run"]).await;
        assert_eq!(planned["plan"], json!([]), "nothing is left to be written of what was created");
    }
    let (_, again) = fixture.run_with_env(&["sync", "locations", "--create-remote"], &[ACCOUNT]).await;
    assert_eq!(again["created_in_administrate"], json!([]));
    assert_eq!(again["unmatched_local"], json!([]), "found by its name: {again:#}");
    assert_eq!(fixture.simulator.tenant().locations.len(), after.locations.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn local_records_with_equal_names_are_not_created() {
    let fixture = extended().await;
    let add = "INSERT INTO acted.tutorial_locations (name) VALUES ('Hull'), ('HULL ')";
    sqlx::query(add).execute(&fixture.db.pool).await.expect("two of one name");
    let (exit, report) = fixture.run(&["sync", "locations", "--create-remote"]).await;
    assert_eq!((exit, &report["created_in_administrate"][0]["name"]), (4, &json!("Edinburgh")), "{report:#}");
    let left = report["not_created_in_administrate"].as_array().expect("a list");
    assert_eq!(left.len(), 2, "{report:#}");
    assert!(left[0]["reason"].as_str().is_some_and(|why| why.contains("several local records")), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_record_is_not_created_remotely_without_request() {
    let fixture = extended().await;
    fixture.run(&["sync", "all"]).await;
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn record_that_the_api_cannot_create_is_listed() {
    let fixture = SyncFixture::new().await;
    let (exit, summary) = fixture.run(&["sync", "all", "--create-remote"]).await;
    for report in summary["reports"].as_array().expect("the seven") {
        assert_eq!(report["created_in_administrate"], json!([]), "{report:#}");
    }
    assert_eq!(summary["reports"][2]["unmatched_local"][0]["name"], "Edinburgh");
    for (at, reason) in [
        (2, "its API has no location.create"),
        (3, "its API has no venue.create"),
        (4, "ADMINISTRATE_ACCOUNT_ID"),
        (5, "its API has no courseTemplate.create"),
    ] {
        let report = &summary["reports"][at];
        let unmatched = report["unmatched_local"].as_array().map(Vec::len);
        let not_created = report["not_created_in_administrate"].as_array().expect("a list");
        assert_eq!(Some(not_created.len()), unmatched, "each of them is reported: {report:#}");
        assert!(
            not_created.iter().all(|one| one["reason"].as_str().is_some_and(|why| why.contains(reason))),
            "{report:#}"
        );
    }
    assert_eq!(exit, 4);
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.outbox").await, 0);
    let (exit, report) = fixture.run(&["sync", "venues"]).await;
    assert_eq!((exit, &report["not_created_in_administrate"]), (0, &json!([])), "nothing was requested: {report:#}");
    let (exit, report) = fixture.run(&["sync", "venues", "--create-remote"]).await;
    let run = report["run_id"].to_string();
    let (_, stored) = fixture.run(&["sync", "show", &run]).await;
    assert_eq!((exit, &stored["exit_code"]), (4, &json!(4)), "requested and not done");
    assert_eq!(stored["document"]["not_created_in_administrate"], report["not_created_in_administrate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_creation_is_listed_with_its_prerequisites() {
    let fixture = SyncFixture::new().await;
    fixture.simulator.edit(|tenant| tenant.contacts.retain(|contact| contact.first_name.as_deref() != Some("Mary")));
    sqlx::raw_sql(
        "UPDATE acted.tutorial_locations SET code = 'EDI' WHERE name = 'Edinburgh';
         UPDATE public.auth_user SET email = 'lee@example.org' WHERE username = 'b';",
    )
    .execute(&fixture.db.pool)
    .await
    .expect("details");
    let mut command = fixture.program(&["sync", "all", "--create-remote", "--no-prompt"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    for line in [
        "  its API has no location.create\n",
        "  Edinburgh, code EDI\n",
        "  Quill House, at Edinburgh\n",
        "  Attic, location unknown\n",
        "a contact marked as instructor, lee@example.org\n",
        "  SA1, \"Health\"\n",
    ] {
        assert!(stderr.contains(line), "{line} {stderr}");
    }
    assert!(!stderr.contains("(no name), a contact"), "a contact without a name cannot be created: {stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_without_instructor_role_is_not_reported_as_created() {
    let profile = Profile::EXTENDED.without_contact_roles();
    let fixture = SyncFixture::with_options(Options { profile, ..Options::default() }).await;
    fixture.simulator.edit(|tenant| tenant.contacts.retain(|contact| contact.first_name.as_deref() != Some("Mary")));
    let (exit, report) = fixture.run_with_env(&["sync", "instructors", "--create-remote"], &[ACCOUNT]).await;
    let not_created = |report: &serde_json::Value| {
        let not_created = report["not_created_in_administrate"].as_array().expect("a list").clone();
        let of = |one: &serde_json::Value| (one["name"].clone(), one["reason"].as_str().unwrap_or_default().to_owned());
        not_created.iter().map(of).find(|(name, _)| name == "Mary Ann Lee").expect("her entry").1
    };
    assert_eq!((exit, &report["created_in_administrate"]), (4, &json!([])), "{report:#}");
    assert!(not_created(&report).contains("mark it as one"), "{report:#}");
    let people = fixture.simulator.tenant().contacts.len();
    let (exit, again) = fixture.run_with_env(&["sync", "instructors", "--create-remote"], &[ACCOUNT]).await;
    assert!(exit == 4 && not_created(&again).contains("is not an instructor in Administrate"), "{again:#}");
    assert_eq!(fixture.simulator.tenant().contacts.len(), people, "she is created once");
    fixture.simulator.edit(|tenant| {
        let mary = tenant.contacts.iter().find(|(_, one)| one.first_name.as_deref() == Some("Mary Ann"));
        let number = mary.expect("her contact").0;
        tenant.contacts.get_mut(number).expect("her contact").is_instructor = true;
    });
    let (_, fixed) = fixture.run(&["sync", "instructors"]).await;
    assert!(!fixed["unmatched_local"].to_string().contains("Mary"), "{fixed:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn record_linked_to_a_missing_remote_is_not_reported_as_created() {
    let fixture = extended().await;
    let created = fixture.run(&["sync", "locations", "--create-remote"]).await.1;
    assert_eq!(created["created_in_administrate"][0]["name"], "Edinburgh");
    fixture.simulator.edit(|tenant| tenant.locations.retain(|location| location.name != "Edinburgh"));
    let (exit, report) = fixture.run(&["sync", "locations", "--create-remote"]).await;
    assert_eq!((exit, &report["created_in_administrate"]), (4, &json!([])), "{report:#}");
    let not_created = &report["not_created_in_administrate"][0];
    assert!(not_created["reason"].as_str().is_some_and(|why| why.contains("no longer has")), "{report:#}");
    let again = ["sync", "locations", "--create-remote", "--prune", "--prune-limit", "50"];
    let (_, report) = fixture.run(&again).await;
    assert_eq!(report["created_in_administrate"][0]["name"], "Edinburgh", "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_doubt_creation_is_searched_for() {
    let fixture = extended().await;
    fixture.simulator.add_fault(Fault::first("location.create", Action::Reset { when: When::After }));
    let before = fixture.simulator.tenant().locations.len();
    let (_, report) = fixture.run(&["sync", "locations", "--create-remote"]).await;
    assert_eq!(report["created_in_administrate"][0]["name"], "Edinburgh", "{report:#}");
    assert_eq!(fixture.simulator.tenant().locations.len(), before + 1);
    fixture.simulator.edit(|tenant| tenant.locations.retain(|location| location.name != "Edinburgh"));
}
