//! What a person decides on pages of syncs and webhooks, and who is named for it.

use lectern::identity::Role;

use super::visitor::{Browser, message, to};
use crate::fixtures::site::Site;
use crate::fixtures::sync::SyncFixture;

#[tokio::test(flavor = "multi_thread")]
async fn run_is_undone_with_the_later_runs_that_the_page_has_shown() {
    let fixture = SyncFixture::new().await;
    let (_, summary) = fixture.run(&["sync", "all"]).await;
    let report = summary["reports"].as_array().expect("reports").iter().find(|report| report["entity"] == "locations");
    let run = report.and_then(|report| report["run_id"].as_i64()).expect("a run").to_string();
    let site = Site::serve_with(&fixture.db, &fixture.config()).await;
    let ann = Browser::sign_in(&fixture.db, &site, "ann", Role::Operator).await;
    let linked = async || fixture.count("SELECT count(*) FROM adm.locations").await;
    let before = linked().await;

    let page = ann.page(&format!("/syncs/locations?run={run}")).await;
    assert!(page.contains(&format!("/syncs/locations/undo?run={run}")), "{page}");
    let alone = ann.page(&format!("/syncs/locations/undo?run={run}")).await;
    assert!(alone.contains("Later runs depend on it") && alone.contains("venues"), "{alone}");
    assert!(!alone.contains("class=\"danger\""), "there is nothing to confirm");
    let refused = ann.submit("/syncs/locations/undo", &[("run", &run)]).await;
    assert!(message(&refused).contains("Nothing was undone"));
    let together = ann.page(&format!("/syncs/locations/undo?run={run}&with=later")).await;
    assert!(together.contains("class=\"danger\"") && together.contains("Undo these 2 runs"), "{together}");
    assert_eq!(linked().await, before, "nothing is written before the form is sent");

    let reader = Browser::sign_in(&fixture.db, &site, "rita", Role::Reader).await;
    let fields = [("run", run.as_str()), ("later", "1")];
    assert_eq!(reader.submit("/syncs/locations/undo", &fields).await.status(), 403);
    let undone = ann.submit("/syncs/locations/undo", &fields).await;
    assert_eq!(to(&undone), format!("/syncs/locations?run={run}"));
    assert!(message(&undone).contains("2 runs undone"), "{}", message(&undone));
    assert_eq!(linked().await, 0);
    let named = "SELECT count(*) FROM lectern.history WHERE table_name = 'adm.locations' AND actor = 'ann' AND action = 'delete'";
    assert_eq!(fixture.count(named).await, before);
    let again = ann.page(&format!("/syncs/locations/undo?run={run}")).await;
    assert!(again.contains("is undone already"), "{again}");
    for path in ["/syncs/locations/undo?run=999", "/syncs/locations/undo", "/syncs/all/undo?run=1"] {
        assert_eq!(ann.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pair_of_similar_records_is_suggested_and_its_link_names_the_person() {
    let fixture = SyncFixture::new().await;
    let rename = "UPDATE acted.tutorial_locations SET name = 'Manchestr' WHERE name = 'Edinburgh'";
    sqlx::query(rename).execute(&fixture.db.pool).await.expect("renamed");
    fixture.run(&["sync", "locations"]).await;
    let site = Site::serve_with(&fixture.db, &fixture.config()).await;
    let ann = Browser::sign_in(&fixture.db, &site, "ann", Role::Operator).await;
    let page = ann.page("/syncs/locations").await;
    let (_, pairs) = page.split_once("Suggested pairs").unwrap_or_else(|| panic!("{page}"));
    let value = |name: &str| {
        let (_, field) = pairs.split_once(&format!("name=\"{name}\" value=\"")).expect("a field");
        field.split('"').next().expect("a value").to_owned()
    };
    let (local, external) = (value("local"), value("external"));
    let linked = ann.submit("/syncs/locations/link", &[("local", &local), ("external", &external)]).await;
    assert!(message(&linked).contains("Manchestr is linked now"), "{}", message(&linked));
    let link = "SELECT count(*) FROM adm.locations AS bridge JOIN acted.tutorial_locations AS local
                ON local.id = bridge.tutorial_location_id WHERE local.name = 'Manchestr'";
    assert_eq!(fixture.count(link).await, 1);
    let named = "SELECT count(*) FROM lectern.history WHERE table_name = 'adm.locations' AND actor = 'ann' AND action = 'update'";
    assert_eq!(fixture.count(named).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_registered_on_their_page() {
    let fixture = SyncFixture::new().await;
    let unnamed = Site::serve_with(&fixture.db, &fixture.config()).await;
    let ann = Browser::sign_in(&fixture.db, &unnamed, "ann", Role::Operator).await;
    let page = ann.page("/webhooks").await;
    assert!(page.contains("LECTERN_PUBLIC_URL") && !page.contains("action=\"/webhooks/register\""), "{page}");
    let refused = ann.submit("/webhooks/register", &[]).await;
    assert!(message(&refused).contains("set LECTERN_PUBLIC_URL"), "{}", message(&refused));

    let mut config = fixture.config();
    config.public_url = "https://lectern.example.org/".to_owned();
    let site = Site::serve_with(&fixture.db, &config).await;
    let ann = Browser { address: site.address.clone(), ..ann };
    assert!(ann.page("/webhooks").await.contains("action=\"/webhooks/register\""));
    let registered = ann.submit("/webhooks/register", &[]).await;
    assert_eq!(to(&registered), "/webhooks");
    assert!(message(&registered).contains("4 registrations"), "{}", message(&registered));
    assert_eq!(fixture.simulator.tenant().webhooks.len(), 4);
    let page = ann.page("/webhooks").await;
    assert!(page.contains("https://lectern.example.org/webhooks/administrate"), "{page}");
    assert!(!page.contains("action=\"/webhooks/register\""), "everything is registered");
}
