//! Matching of local and remote records: links, reports and rows written.

use administrate_sim::tenant::{Price, PriceOwner, Region};
use administrate_sim::{Options, Profile};
use serde_json::{Value, json};

use crate::fixtures::sync::SyncFixture;

#[tokio::test(flavor = "multi_thread")]
async fn sync_all_runs_in_order_and_its_repetition_writes_nothing() {
    let fixture = SyncFixture::new().await;
    let (exit, summary) = fixture.run(&["sync", "all", "--no-prompt"]).await;
    assert_eq!(exit, 4, "ambiguous records need attention: {summary:#}");
    assert_eq!((&summary["succeeded"], &summary["failed"], &summary["not_run"]), (&json!(7), &json!(0), &json!(0)));
    let order: Vec<_> =
        summary["reports"].as_array().expect("reports").iter().map(|report| &report["entity"]).collect();
    let names = lectern::sync::Entity::ALL.map(lectern::sync::Entity::name);
    assert_eq!(order, names);
    let before = fixture.rows().await;
    let (exit, again) = fixture.run(&["sync_all", "--no-prompt"]).await;
    assert_eq!(exit, 4);
    for report in again["reports"].as_array().expect("reports") {
        for count in ["created", "updated", "pruned", "errors"] {
            assert_eq!(report["counts"][count], 0, "{report:#}");
        }
    }
    let mut after = fixture.rows().await;
    let log = after.insert("adm.api_audit_log".into(), before["adm.api_audit_log"].clone());
    assert_eq!(after, before, "a second run writes no row");
    assert!(log.is_some_and(|log| log.len() > before["adm.api_audit_log"].len()), "but the log of its calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_and_remote_records_are_matched_or_reported() {
    let fixture = SyncFixture::new().await;
    let (_, summary) = fixture.run(&["sync", "all"]).await;
    let report = |at: usize| &summary["reports"][at];
    let names = |list: &Value| -> Vec<String> {
        let records = list.as_array().expect("a list").iter();
        records.map(|record| record["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let locations = report(2);
    assert_eq!(names(&locations["unmatched_local"]), ["Edinburgh"]);
    assert_eq!(names(&locations["unmatched_remote"]), ["Manchester"], "the local one is inactive");
    assert_eq!(locations["ambiguous"][0]["key"], "cork");
    assert_eq!(locations["counts"]["created"], 3);
    let venues = report(3);
    assert_eq!(names(&venues["unmatched_local"]), ["Attic", "Quill House"]);
    assert_eq!(names(&venues["unmatched_remote"]), ["Bridge House"]);
    let instructors = report(4);
    assert_eq!(names(&instructors["unmatched_local"]), [""], "an instructor without a staff row");
    assert_eq!(names(&instructors["unmatched_remote"]), ["", "Ada Marsh", "Tom Okafor"]);
    let templates = report(5);
    assert_eq!(names(&templates["unmatched_local"]), ["SA1"]);
    assert_eq!(templates["ambiguous"][0]["remote"].as_array().map(Vec::len), Some(2));
    let prices = report(6);
    assert_eq!(prices["ambiguous"].as_array().map(Vec::len), Some(1), "two prices in GBP for one level");
    assert_eq!(prices["counts"]["created"], 5);
    let linked = "SELECT count(*) FROM adm.venues v JOIN adm.locations l ON l.external_id = v.location_id
                  WHERE v.tutorial_venue_id = 1 AND l.tutorial_location_id = 1";
    assert_eq!(fixture.count(linked).await, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.instructors WHERE tutorial_instructor_id IN (1, 2)").await, 2);
    let blended = "SELECT count(*) FROM adm.course_templates WHERE event_learning_mode = 'BLENDED'";
    assert_eq!(fixture.count(blended).await, 5);
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.approved_instructors").await, 7);
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.administrators").await, 1);
    let shared = "SELECT count(*) FROM adm.custom_fields WHERE label = 'Door code'";
    assert_eq!(fixture.count(shared).await, 2, "one key, two kinds of record");
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_writes_nothing_and_builds_on_earlier_plans() {
    let fixture = SyncFixture::new().await;
    let before = fixture.rows().await;
    let (exit, rehearsed) = fixture.run(&["sync", "all", "--dry-run"]).await;
    assert_eq!((exit, fixture.rows().await), (4, before));
    assert_eq!(fixture.count("SELECT count(*) FROM lectern.runs").await, 0);
    let (_, carried_out) = fixture.run(&["sync", "all"]).await;
    for (planned, done) in std::iter::zip(
        rehearsed["reports"].as_array().expect("reports"),
        carried_out["reports"].as_array().expect("reports"),
    ) {
        assert_eq!(planned["counts"], done["counts"], "{}", done["entity"]);
        assert_eq!(planned["ambiguous"], done["ambiguous"]);
        assert_eq!((&planned["run_id"], &planned["dry_run"]), (&Value::Null, &json!(true)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_without_its_prerequisite_names_it() {
    let fixture = SyncFixture::new().await;
    for (entity, first) in [
        ("venues", "lectern sync locations"),
        ("course-templates", "lectern sync custom-fields"),
        ("course_template_price_levels", "lectern sync course-templates"),
    ] {
        let (exit, report) = fixture.run(&["sync", entity]).await;
        assert_eq!(exit, 3, "{entity}");
        let message = report["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(first), "{message}");
    }
    assert_eq!(fixture.run(&["sync", "locations"]).await.0, 4, "Cork is ambiguous, and yet it counts");
    assert_eq!(fixture.run(&["sync", "venues"]).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_supports_each_api_profile() {
    for profile in Profile::ALL.into_iter().chain([Profile::CLASSIC.without_introspection()]) {
        let fixture = SyncFixture::with_options(Options { profile, ..Options::default() }).await;
        let (exit, summary) = fixture.run(&["sync", "all"]).await;
        assert_eq!((exit, &summary["succeeded"]), (4, &json!(7)), "{profile}: {summary:#}");
        assert_eq!(fixture.simulator.requests().refused, 0, "{profile}: the API never rejects a document");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_price_of_several_is_stored() {
    let fixture = SyncFixture::new().await;
    fixture.simulator.edit(|tenant| {
        tenant.prices.retain(|_| false);
        let euro = tenant.add_currency("EUR", "Euro", "€");
        let ireland = tenant.regions.add(Region { code: "IE".into(), name: "Ireland".into(), tax_rate: "23".into() });
        let price = |currency, region, amount: &str| Price {
            owner: PriceOwner::Template(1),
            level: 1,
            currency,
            region: Some(region),
            amount: amount.into(),
        };
        [price(1, 1, "450.00"), price(euro, ireland, "520.00")].into_iter().for_each(|one| _ = tenant.prices.add(one));
    });
    let (_, summary) = fixture.run(&["sync", "all"]).await;
    let report = &summary["reports"][6];
    assert_eq!((&report["counts"]["created"], &report["counts"]["skipped"]), (&json!(1), &json!(1)), "{report:#}");
    let stored = "SELECT count(*) FROM adm.course_template_price_levels WHERE amount = 450.00";
    assert_eq!(fixture.count(stored).await, 1);
    fixture.simulator.edit(|tenant| {
        let first = tenant.prices.numbers().next();
        tenant.prices.get_mut(first.expect("a price")).expect("it").amount = "455".into();
    });
    let (_, report) = fixture.run(&["sync", "course-template-price-levels"]).await;
    assert_eq!(report["counts"]["updated"], 1);
}
