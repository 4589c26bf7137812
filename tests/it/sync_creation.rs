//! What Administrate does not have is created there, where that is wanted and its API can.

use administrate_sim::{Action, Fault, Options, Profile, When};
use serde_json::json;

use crate::sync_story::Story;

const ACCOUNT: (&str, &str) = ("ADMINISTRATE_ACCOUNT_ID", "T3JnYW5pc2F0aW9uOjE=");

async fn extended() -> Story {
    Story::with(Options { profile: Profile::EXTENDED, ..Options::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_unmatched_is_created_once() {
    let story = extended().await;
    story.simulator.edit(|tenant| tenant.contacts.retain(|contact| contact.first_name.as_deref() != Some("Mary")));
    let before = story.simulator.tenant();
    let (exit, summary) = story.lectern_with(&["sync", "all", "--create-remote"], &[ACCOUNT]).await;
    assert_eq!(exit, 4, "ambiguous records and a venue without location stay: {summary:#}");
    let created = |at: usize| &summary["reports"][at]["created_in_administrate"];
    assert_eq!(created(2)[0]["name"], "Edinburgh");
    assert_eq!(created(3)[0]["name"], "Quill House", "within the location that has just been created");
    assert_eq!(created(4)[0]["name"], "Mary Ann Lee", "{:#}", summary["reports"][4]);
    assert_eq!(created(5)[0]["name"], "SA1");
    let after = story.simulator.tenant();
    assert_eq!(after.locations.len(), before.locations.len() + 1);
    assert_eq!(after.templates.len(), before.templates.len() + 1);
    assert_eq!(story.count("SELECT count(*) FROM lectern.outbox WHERE state = 'delivered'").await, 4);
    let (_, again) = story.lectern_with(&["sync", "locations", "--create-remote"], &[ACCOUNT]).await;
    assert_eq!(again["created_in_administrate"], json!([]));
    assert_eq!(again["unmatched_local"], json!([]), "found by its name: {again:#}");
    assert_eq!(story.simulator.tenant().locations.len(), after.locations.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_created_unasked() {
    let story = extended().await;
    story.lectern(&["sync", "all"]).await;
    assert_eq!(story.count("SELECT count(*) FROM lectern.outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_cannot_create_is_left_to_a_person() {
    let story = Story::begin().await;
    let (_, summary) = story.lectern(&["sync", "all", "--create-remote"]).await;
    for report in summary["reports"].as_array().expect("the seven") {
        assert_eq!(report["created_in_administrate"], json!([]), "{report:#}");
    }
    assert_eq!(summary["reports"][2]["unmatched_local"][0]["name"], "Edinburgh");
    assert_eq!(story.count("SELECT count(*) FROM lectern.outbox").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_in_doubt_is_looked_for() {
    let story = extended().await;
    story.simulator.fault(Fault::first("location.create", Action::Reset { when: When::After }));
    let before = story.simulator.tenant().locations.len();
    let (_, report) = story.lectern(&["sync", "locations", "--create-remote"]).await;
    assert_eq!(report["created_in_administrate"][0]["name"], "Edinburgh", "{report:#}");
    assert_eq!(story.simulator.tenant().locations.len(), before + 1);
    story.simulator.edit(|tenant| tenant.locations.retain(|location| location.name != "Edinburgh"));
}
