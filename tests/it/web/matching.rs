//! What a person decides about the records of a sync, as plain forms: ignore and its way back, creations on either side, some
//! changes of a plan, conflicts.

use administrate_sim::{Options, Profile};
use lectern::identity::Role;
use serde_json::{Value, json};

use super::second_person::with_worker;
use super::visitor::{Browser, ended_run, message, to};
use crate::fixtures::site::Site;
use crate::fixtures::sync::SyncFixture;
use crate::sync::conflicts::conflicting;

/// Returns the names of the records that a dry run finds without a counterpart.
async fn unmatched(fixture: &SyncFixture) -> Vec<String> {
    let (_, report) = fixture.run(&["sync", "locations", "--dry-run"]).await;
    let lists = ["unmatched_local", "unmatched_remote"].map(|key| report[key].as_array().cloned().unwrap_or_default());
    lists.concat().iter().map(|record| record["name"].as_str().expect("a name").to_owned()).collect()
}

/// Returns what a form of a page sends in its field `name`, from the first form after `before` on.
fn value<'a>(page: &'a str, before: &str, name: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before}: {page}"));
    let (_, rest) = rest.split_once(&format!("name=\"{name}\" value=\"")).expect("a field");
    rest.split('"').next().expect("a value")
}

#[tokio::test(flavor = "multi_thread")]
async fn ignored_record_is_listed_and_matched_again() {
    let fixture = SyncFixture::new().await;
    let (_, report) = fixture.run(&["sync", "locations"]).await;
    assert_eq!(unmatched(&fixture).await, ["Edinburgh", "Manchester"], "{report:#}");
    let site = Site::serve_with(&fixture.db, &fixture.config()).await;
    let ann = Browser::sign_in(&fixture.db, &site, "ann", Role::Operator).await;
    let (external, local) =
        (report["unmatched_remote"][0]["external_id"].clone(), report["unmatched_local"][0]["id"].to_string());
    let external = external.as_str().expect("an id");
    let page = ann.page("/syncs/locations").await;
    assert!(page.contains("Ignore<span") && !page.contains("id=\"ignored\""), "{page}");
    for fields in [[("local", local.as_str()), ("name", "")], [("external", external), ("name", "Manchester")]] {
        let ignored = ann.submit("/syncs/locations/ignore", &fields).await;
        assert!(message(&ignored).contains("is ignored from now on"), "{}", message(&ignored));
    }
    assert_eq!(unmatched(&fixture).await, [""; 0]);
    let page = ann.page("/syncs/locations").await;
    let (before, list) = page.split_once("id=\"ignored\"").unwrap_or_else(|| panic!("{page}"));
    assert!(list.contains("Edinburgh") && list.contains("Manchester"), "both are listed by name: {list}");
    assert!(
        !before.contains("Edinburgh") && !before.contains("Manchester"),
        "and are not listed as unmatched: {before}"
    );
    let (_, listed) = fixture.run(&["sync", "ignored"]).await;
    let expected = json!([
        { "entity": "locations", "id": local.parse::<i64>().expect("an id"), "external_id": null, "name": "Edinburgh" },
        { "entity": "locations", "id": null, "external_id": external, "name": null },
    ]);
    assert_eq!(listed["ignored"], expected);
    let api = site.request_as(&fixture.db, Role::Reader, "GET", "/api/syncs/ignored?entity=locations").await;
    assert_eq!(api.send().await.expect("an answer").json::<Value>().await.expect("JSON")["results"], expected);

    let reader = Browser::sign_in(&fixture.db, &site, "rita", Role::Reader).await;
    assert!(!reader.page("/syncs/locations").await.contains("Stop ignoring"));
    assert_eq!(reader.submit("/syncs/locations/unignore", &[("local", &local)]).await.status(), 403);
    let stop = async || ann.submit("/syncs/locations/unignore", &[("local", &local)]).await;
    let stopped = stop().await;
    assert!(message(&stopped).contains("Edinburgh is no longer ignored"), "{}", message(&stopped));
    assert!(message(&stop().await).contains("not ignored any more"));
    assert_eq!(unmatched(&fixture).await, ["Edinburgh"]);
    let decide = async |body: Value| {
        let request = site.request_as(&fixture.db, Role::Operator, "POST", "/api/syncs/decisions").await;
        request.json(&body).send().await.expect("an answer").status().as_u16()
    };
    let body = json!({ "entity": "locations", "decision": "unignore", "external_id": external });
    assert_eq!((decide(body.clone()).await, decide(body).await), (200, 422));
    assert_eq!(unmatched(&fixture).await, ["Edinburgh", "Manchester"]);
    assert_eq!(decide(json!({ "entity": "locations", "decision": "ignore", "local": "edinburgh" })).await, 200);
    for wrong in [
        json!({ "entity": "rooms", "decision": "ignore", "local": "x" }),
        json!({ "entity": "locations", "decision": "forget", "local": "x" }),
        json!({ "entity": "locations", "decision": "link", "local": "Edinburgh" }),
    ] {
        assert_eq!(decide(wrong.clone()).await, 422, "{wrong}");
    }
    assert_eq!(fixture.run(&["sync", "unignore", "locations", "Edinburgh", "-"]).await.0, 0);
    assert_eq!(unmatched(&fixture).await, ["Edinburgh", "Manchester"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_created_on_either_side_from_the_page() {
    let fixture = SyncFixture::with_options(Options { profile: Profile::EXTENDED, ..Options::default() }).await;
    fixture.run(&["sync", "locations"]).await;
    let (site, _worker) = with_worker(&fixture, false).await;
    let ann = Browser::sign_in(&fixture.db, &site, "ann", Role::Operator).await;
    let page = ann.page("/syncs/locations").await;
    let local = value(&page, "/create-remote\"", "local").to_owned();
    let external = value(&page, "/create-local\"", "external").to_owned();
    let linked = "SELECT count(*) FROM adm.locations AS bridge JOIN acted.tutorial_locations AS local
                  ON local.id = bridge.tutorial_location_id WHERE local.name IN ('Edinburgh', 'York')";
    let before = fixture.simulator.tenant().locations.len();
    let there = ended_run(&ann, &ann.submit("/syncs/locations/create-remote", &[("local", &local)]).await).await;
    assert!(there.contains("Created there") && there.contains("Edinburgh"), "{there}");
    assert_eq!((fixture.simulator.tenant().locations.len(), fixture.count(linked).await), (before + 1, 1));
    // Its name is that of an inactive local record.
    let refused = ended_run(&ann, &ann.submit("/syncs/locations/create-local", &[("external", &external)]).await).await;
    assert!(refused.contains("Not created here") && refused.contains("make it active"), "{refused}");
    fixture.simulator.edit(|tenant| _ = tenant.add_location("York", "YOR"));
    let plan = ended_run(&ann, &ann.submit("/syncs/locations/plan", &[]).await).await;
    let york = value(&plan, "<b class=\"what\">York</b>", "external").to_owned();
    let here = ended_run(&ann, &ann.submit("/syncs/locations/create-local", &[("external", &york)]).await).await;
    assert!(here.contains("Created here") && here.contains("York"), "{here}");
    assert_eq!(fixture.count(linked).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ticked_changes_of_a_plan_are_applied_alone_and_links_are_named() {
    let fixture = SyncFixture::new().await;
    let (site, _worker) = with_worker(&fixture, false).await;
    let ann = Browser::sign_in(&fixture.db, &site, "ann", Role::Operator).await;
    let planned = ann.submit("/syncs/locations/plan", &[]).await;
    let run = to(&planned).rsplit('=').next().expect("a run").to_owned();
    let plan = ended_run(&ann, &planned).await;
    let london: i64 = fixture.count("SELECT id FROM acted.tutorial_locations WHERE name = 'london'").await;
    let named = format!("<span class=\"new\">london <span class=\"soft\">({london})</span></span>");
    assert!(plan.contains(&named), "a link is shown by name: {plan}");
    let none = ann.submit("/syncs/locations/apply", &[("plan", &run), ("chosen", "1")]).await;
    assert!(message(&none).contains("Tick at least one change"), "{}", message(&none));
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 0);
    let rows = plan.matches("name=\"only\"").count();
    let only = value(&plan, "id=\"changes\"", "only").to_owned();
    let fields = [("plan", run.as_str()), ("chosen", "1"), ("only", only.as_str())];
    ended_run(&ann, &ann.submit("/syncs/locations/apply", &fields).await).await;
    assert!(rows > 1, "{plan}");
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT external_id FROM adm.locations").fetch_all(&fixture.db.pool).await.expect("rows");
    assert_eq!(stored, [only]);
    // A venue has the id of its location in Administrate.
    fixture.run(&["sync", "locations"]).await;
    let venues = ended_run(&ann, &ann.submit("/syncs/venues/plan", &[]).await).await;
    assert!(venues.contains("location: ") && venues.contains("london <span class=\"soft\">(TG9"), "{venues}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conflict_is_decided_for_either_side_on_the_page() {
    let fixture = conflicting().await;
    let (exit, report) = fixture.sync(&[]).await;
    assert_eq!(exit, 4, "{report:#}");
    let fixture = fixture.base;
    let site = Site::serve_with(&fixture.db, &fixture.config()).await;
    let ann = Browser::sign_in(&fixture.db, &site, "ann", Role::Operator).await;
    let page = ann.page("/syncs/events").await;
    let (_, rows) = page.split_once("id=\"conflicts\"").unwrap_or_else(|| panic!("{page}"));
    assert!(rows.contains("On both sides") && rows.contains("Ours") && rows.contains("Theirs"), "{rows}");
    let undecided = [("event", "CM2-01"), ("field", "day 1: title"), ("shown", "")];
    assert!(message(&ann.submit("/syncs/events/decide", &undecided).await).contains("Choose one of the two"));
    let shown = |key: &str| report[key][0].to_string();
    let title = "SELECT count(*) FROM acted.tutorial_sessions WHERE title = 'Theirs'";
    for (key, wins, reported) in
        [("conflicts", "remote", "is taken over"), ("differences", "local", "is sent to Administrate")]
    {
        let (field, shown) = (report[key][0]["field"].as_str().expect("a field"), shown(key));
        let fields = [("event", "CM2-01"), ("field", field), ("shown", &shown), ("wins", wins)];
        let decided = ann.submit("/syncs/events/decide", &fields).await;
        assert!(message(&decided).contains(reported), "{}", message(&decided));
    }
    assert_eq!(fixture.count(title).await, 1, "the value of Administrate is taken over");
    assert_eq!(fixture.run(&["outbox", "run"]).await.0, 0);
    let tenant = fixture.simulator.tenant();
    let (_, event) = tenant.events_titled("CM2-01").next().expect("delivered");
    assert_eq!(event.max_places, Some(12), "the value of Lectern is sent");
    let named = "SELECT count(*) FROM lectern.history WHERE actor = 'ann'";
    assert!(fixture.count(named).await > 0, "the history names the person");
}
