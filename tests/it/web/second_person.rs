//! Plans that wait for the approval of a second person: of syncs, of creations in Administrate, and of undos.

use std::sync::Arc;

use administrate_sim::{Options, Profile};
use lectern::identity::{Role, csrf_token};
use lectern::jobs::run_queue;
use lectern::sync::job::SyncJobs;
use reqwest::header::COOKIE;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::visitor::{Browser, ended_run, message, text, to};
use crate::fixtures::api::location;
use crate::fixtures::site::Site;
use crate::fixtures::sync::SyncFixture;

/// A site with the worker of its syncs.
pub async fn with_worker(fixture: &SyncFixture, second_person: bool) -> (Site, DropGuard) {
    let mut config = fixture.config();
    config.sync.second_person = second_person;
    let site = Site::serve_with(&fixture.db, &config).await;
    let stop = CancellationToken::new();
    let jobs = SyncJobs { pool: fixture.db.pool.clone(), config: Arc::new(config) };
    tokio::spawn(run_queue(fixture.db.pool.clone(), jobs, stop.clone()));
    (site, stop.drop_guard())
}

/// A site whose syncs need a second person, with its worker.
async fn four_eyes(options: Options) -> (SyncFixture, Site, DropGuard) {
    let fixture = SyncFixture::with_options(options).await;
    let (site, worker) = with_worker(&fixture, true).await;
    (fixture, site, worker)
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_of_a_sync_is_applied_after_a_second_person_approved_it() {
    let (fixture, site, _worker) = four_eyes(Options::default()).await;
    let ann = Browser::sign_in(&fixture.db, &site, "ann", Role::Operator).await;
    let bob = Browser::sign_in(&fixture.db, &site, "bob", Role::Operator).await;
    let api = async |browser: &Browser, path: &str, body: Value| {
        let request = browser.client.post(format!("http://{}{path}", browser.address)).json(&body);
        let request = request.header(COOKIE, format!("lectern_session={}", browser.secret));
        request.header("x-csrftoken", csrf_token(&browser.secret)).send().await.expect("an answer")
    };
    let wait = async |path: &str| loop {
        let response = ann.get(path).await;
        if response.status() != 202 {
            return response.json::<Value>().await.expect("JSON");
        }
    };
    assert_eq!(api(&ann, "/api/syncs", json!({ "entity": "locations" })).await.status(), 409, "a plan is needed");
    let path = location(&api(&ann, "/api/syncs", json!({ "entity": "locations", "dry_run": true })).await);
    let planned = wait(&path).await;
    let run = planned["run_id"].as_i64().expect("a run");
    let records = planned["plan"].as_array().expect("a plan");
    assert!(records.len() >= 2, "{planned}");
    let first = records[0]["external_id"].clone();
    let apply = json!({ "plan": run, "only": [first] });
    assert_eq!(api(&ann, "/api/syncs", apply.clone()).await.status(), 409, "it is not approved");
    assert_eq!(api(&ann, &format!("{path}/approve"), json!(null)).await.status(), 403, "it is her own");
    assert_eq!(api(&bob, &format!("{path}/approve"), json!(null)).await.status(), 200);
    assert_eq!(wait(&path).await["approval"]["approver"], "bob", "the approval is stored with the run");
    assert_eq!(api(&bob, "/api/syncs", apply.clone()).await.status(), 409, "he approved it");
    let applied = wait(&location(&api(&ann, "/api/syncs", apply.clone()).await)).await;
    assert_eq!(applied["counts"]["created"], 1, "{applied}");
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 1, "only the chosen record");
    assert_eq!(api(&ann, "/api/syncs", apply).await.status(), 409, "once");
    for body in
        [json!({ "plan": 99 }), json!({ "plan": run, "dry_run": true }), json!({ "plan": run, "entity": "venues" })]
    {
        assert_eq!(api(&ann, "/api/syncs", body.clone()).await.status(), 422, "{body}");
    }
    let shown = text(ann.get(&format!("/syncs/locations?run={run}")).await).await;
    assert!(shown.contains("Approved") && shown.contains("bob"), "{shown}");
}

/// Lets bob approve a plan of ann, and ann apply it. Neither does both. Returns the page of the run that applied it.
async fn approve_and_apply((ann, bob): (&Browser, &Browser), entity: &str, plan: &str) -> String {
    let (page, fields) = (format!("/syncs/{entity}"), [("plan", plan)]);
    let shown = ann.page(&format!("{page}?run={plan}")).await;
    assert!(shown.contains("another login has to approve it") && !shown.contains("/apply\""), "{shown}");
    for list in ["/today", "/syncs"] {
        let shown = bob.page(list).await;
        assert!(shown.contains(&format!("{page}?run={plan}\"")), "{list} leads to it: {shown}");
    }
    let own = ann.submit(&format!("{page}/approve"), &fields).await;
    assert!(message(&own).contains("another login has to approve it"), "{}", message(&own));
    let early = ann.submit(&format!("{page}/apply"), &fields).await;
    assert!(message(&early).contains("needs the approval"), "{}", message(&early));
    let approved = bob.submit(&format!("{page}/approve"), &fields).await;
    assert!(message(&approved).contains("You approved this plan"), "{}", message(&approved));
    assert!(!bob.page("/syncs").await.contains("Plans that wait for approval"));
    let same = bob.submit(&format!("{page}/apply"), &fields).await;
    assert!(message(&same).contains("another login has to apply it"), "{}", message(&same));
    ended_run(ann, &ann.submit(&format!("{page}/apply"), &fields).await).await
}

/// Returns the number of a run from its address.
fn number(path: &str) -> String {
    path.rsplit("run=").next().expect("a run").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_in_administrate_is_a_plan_that_another_person_approves() {
    let (fixture, site, _worker) = four_eyes(Options { profile: Profile::EXTENDED, ..Options::default() }).await;
    fixture.run(&["sync", "locations"]).await;
    let ann = Browser::sign_in(&fixture.db, &site, "ann", Role::Operator).await;
    let bob = Browser::sign_in(&fixture.db, &site, "bob", Role::Operator).await;
    let local: i64 = fixture.count("SELECT id FROM acted.tutorial_locations WHERE name = 'Edinburgh'").await;
    let remote = || fixture.simulator.tenant().locations.len();
    let (before, local) = (remote(), local.to_string());
    let plan = async || {
        let planned = ann.submit("/syncs/locations/create-remote", &[("local", &local)]).await;
        let path = to(&planned).to_owned();
        (number(&path), ended_run(&ann, &planned).await)
    };
    let (stale, shown) = plan().await;
    assert!(shown.contains("Would be created there") && shown.contains("1 creation planned"), "{shown}");
    let (first, _) = plan().await;
    let lists = bob.page("/syncs").await;
    let (_, waiting) = lists.split_once("Plans that wait for approval").expect("a list");
    let (waiting, _) = waiting.split_once("Latest runs").expect("the next list");
    assert!(
        waiting.contains(&format!("run={first}\"")) && !waiting.contains(&format!("run={stale}\"")),
        "only the latest of equal plans: {waiting}"
    );
    assert_eq!(remote(), before, "a plan creates nothing");
    let created = approve_and_apply((&ann, &bob), "locations", &first).await;
    assert!(created.contains("Created there") && created.contains("Edinburgh"), "{created}");
    assert_eq!(remote(), before + 1);
    let link = "SELECT count(*) FROM adm.locations AS bridge JOIN acted.tutorial_locations AS local
                ON local.id = bridge.tutorial_location_id WHERE local.name = 'Edinburgh'";
    assert_eq!(fixture.count(link).await, 1);
    // The same plan, approved later, would create another one.
    bob.submit("/syncs/locations/approve", &[("plan", &stale)]).await;
    let refused = ended_run(&ann, &ann.submit("/syncs/locations/apply", &[("plan", &stale)]).await).await;
    assert!(refused.contains("is stale and was not applied"), "{refused}");
    assert_eq!(remote(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_of_a_sync_is_a_plan_that_another_person_approves() {
    let (fixture, site, _worker) = four_eyes(Options::default()).await;
    let (_, report) = fixture.run(&["sync", "locations"]).await;
    let run = report["run_id"].to_string();
    let ann = Browser::sign_in(&fixture.db, &site, "ann", Role::Operator).await;
    let bob = Browser::sign_in(&fixture.db, &site, "bob", Role::Operator).await;
    let linked = async || fixture.count("SELECT count(*) FROM adm.locations").await;
    let before = linked().await;
    assert!(before > 0, "{report}");
    let page = ann.page(&format!("/syncs/locations/undo?run={run}")).await;
    assert!(page.contains("Plan the undo") && !page.contains("class=\"danger\""), "{page}");
    let planned = ann.submit("/syncs/locations/undo", &[("run", &run)]).await;
    let plan = number(to(&planned));
    let shown = ended_run(&ann, &planned).await;
    assert!(shown.contains("Would be undone") && shown.contains(&format!("Run {run}, locations")), "{shown}");
    assert_eq!(linked().await, before, "a plan undoes nothing");
    let undone = approve_and_apply((&ann, &bob), "locations", &plan).await;
    assert!(undone.contains("Undone") && !undone.contains("Would be undone"), "{undone}");
    assert_eq!(linked().await, 0);
    let named = "SELECT count(*) FROM lectern.history WHERE table_name = 'adm.locations' AND actor = 'ann' AND action = 'delete'";
    assert_eq!(fixture.count(named).await, before);
    let again = ann.submit("/syncs/locations/apply", &[("plan", &plan)]).await;
    assert!(message(&again).contains("was applied already"), "{}", message(&again));
    // The same over HTTP.
    let post = async |body: Value| {
        let request = site.request_as(&fixture.db, Role::Operator, "POST", "/api/syncs").await;
        request.json(&body).send().await.expect("an answer")
    };
    let number: i64 = run.parse().expect("a number");
    for (body, status) in [
        (json!({ "undo": number }), 409),
        (json!({ "undo": 999, "dry_run": true }), 422),
        (json!({ "undo": number, "only": ["x"], "dry_run": true }), 422),
        (json!({ "undo": number, "entity": "venues", "dry_run": true }), 422),
        (json!({ "entity": "locations", "cascade": true, "dry_run": true }), 422),
        (json!({ "undo": number, "dry_run": true }), 202),
    ] {
        assert_eq!(post(body.clone()).await.status(), status, "{body}");
    }
}
