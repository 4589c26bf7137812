//! A dry run shows what the run does, with every option that creates or deletes.

use administrate_sim::tenant::PriceOwner;
use administrate_sim::{Options, Profile, Simulator};
use serde_json::{Value, json};

use crate::fixtures::sync::SyncFixture;
use crate::fixtures::test_db::TestDb;

const ACCOUNT: (&str, &str) = ("ADMINISTRATE_ACCOUNT_ID", "T3JnYW5pc2F0aW9uOjE=");

/// Returns a fixture whose tenant has prices of every template; locally empty on request.
async fn fixture(is_empty: bool) -> SyncFixture {
    let options = Options { profile: Profile::EXTENDED, ..Options::default() };
    let fixture = SyncFixture::with_options(options.clone()).await;
    fixture.simulator.edit(|tenant| {
        let bath = tenant.add_location("Bath  Spa", "BTH");
        tenant.add_venue(bath, "Pump Room");
        tenant.add_template("SP5", "Investment", 2);
    });
    if !is_empty {
        return fixture;
    }
    let simulator = Simulator::start(options, fixture.simulator.tenant()).await.expect("the simulator starts");
    SyncFixture { db: TestDb::new().await, simulator }
}

/// Returns the reports of a document without what only one of both has: run, plan, requests, ids of new records.
fn comparable(document: &Value) -> Vec<Value> {
    let reports = document["reports"].as_array().cloned().unwrap_or_else(|| vec![document.clone()]);
    let comparable = |mut report: Value| {
        let fields = report.as_object_mut().expect("a report");
        ["run_id", "dry_run", "plan", "requests"].iter().for_each(|name| _ = fields.remove(*name));
        let created = fields.get_mut("created_in_administrate").and_then(Value::as_array_mut);
        created.into_iter().flatten().for_each(|created| created["external_id"] = Value::Null);
        report
    };
    reports.into_iter().map(comparable).collect()
}

fn is_written(report: &Value) -> bool {
    ["created", "updated", "pruned"].iter().any(|count| report["counts"][count] != json!(0))
}

/// Runs a sync dry and then in earnest, and compares the reports, the exit codes and the changed rows.
async fn assert_dry_run_is_true(fixture: &SyncFixture, arguments: &[&str]) -> Value {
    let before = fixture.rows().await;
    let (planned_exit, planned) = fixture.run_with_env(&[arguments, &["--dry-run"]].concat(), &[ACCOUNT]).await;
    assert_eq!(fixture.rows().await, before, "{arguments:?}: a dry run writes nothing");
    let (exit, done) = fixture.run_with_env(arguments, &[ACCOUNT]).await;
    for (planned, done) in std::iter::zip(comparable(&planned), comparable(&done)) {
        assert_eq!(planned, done, "{arguments:?}: {}", done["entity"]);
    }
    assert_eq!(planned_exit, exit, "{arguments:?}: {done:#}");
    let plans = planned["reports"].as_array().cloned().unwrap_or_else(|| vec![planned.clone()]);
    let runs = done["reports"].as_array().cloned().unwrap_or_else(|| vec![done.clone()]);
    for (planned, done) in std::iter::zip(&plans, &runs).filter(|(_, done)| is_written(done)) {
        let (_, stored) = fixture.run(&["sync", "show", &done["run_id"].to_string()]).await;
        let name = |change: &Value| change["name"].as_str().unwrap_or_default().to_owned();
        let list = |changes: &Value| changes.as_array().into_iter().flatten().map(name).collect::<Vec<_>>();
        assert_eq!(list(&planned["plan"]), list(&stored["journal"]["changes"]), "{arguments:?}: {stored:#}");
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_that_creates_shows_what_the_run_does() {
    for is_empty in [true, false] {
        let fixture = fixture(is_empty).await;
        let arguments = ["sync", "all", "--create-local", "--create-remote"];
        let done = assert_dry_run_is_true(&fixture, &arguments).await;
        let created = |at: usize| done["reports"][at]["created_local"].to_string();
        assert!(created(3).contains("Pump Room"), "a venue of a location that the run creates: {}", created(3));
        assert!(created(5).contains("SP5"));
        assert_dry_run_is_true(&fixture, &arguments).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_of_each_entity_shows_what_the_run_does() {
    let fixture = fixture(false).await;
    for entity in lectern::sync::Entity::ALL.map(lectern::sync::Entity::name) {
        for options in [&["--create-remote"][..], &["--create-local", "--create-remote", "--prune"]] {
            assert_dry_run_is_true(&fixture, &[&["sync", entity], options].concat()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_that_prunes_shows_what_the_run_does() {
    let fixture = fixture(false).await;
    fixture.run(&["sync", "all", "--create-local"]).await;
    fixture.simulator.edit(|tenant| {
        tenant.locations.remove(1);
        tenant.templates.remove(1);
        tenant.price_levels.remove(1);
        tenant.prices.retain(|price| price.owner != PriceOwner::Template(1) && price.level != 1);
        tenant.add_location("London", "LON");
    });
    let limited = assert_dry_run_is_true(&fixture, &["sync", "all", "--prune", "--prune-limit", "10"]).await;
    assert!(limited["reports"][2].to_string().contains("would be pruned"), "{limited:#}");
    let options = ["--prune", "--prune-limit", "100", "--create-local", "--create-remote"];
    let done = assert_dry_run_is_true(&fixture, &[&["sync", "all"], &options[..]].concat()).await;
    let pruned = |at: usize| done["reports"][at]["counts"]["pruned"].as_u64();
    assert_eq!((pruned(1), pruned(2), pruned(5)), (Some(1), Some(1), Some(1)), "{done:#}");
}
