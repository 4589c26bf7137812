//! Options of a sync: pruning, single records, match overrides, saved plans, undo and local creation.

use administrate_sim::Tenant;
use serde_json::json;

use crate::fixtures::sync::SyncFixture;

#[tokio::test(flavor = "multi_thread")]
async fn missing_remote_record_is_pruned_only_on_request_and_within_the_limit() {
    let fixture = SyncFixture::new().await;
    fixture.simulator.edit(|tenant| {
        (0..8).for_each(|n| _ = tenant.add_location(&format!("Town {n}"), "T"));
    });
    let town = |tenant: &mut Tenant, n: u64| tenant.locations.remove(n).map(|location| location.name);
    fixture.run(&["sync", "locations"]).await;
    fixture.simulator.edit(|tenant| town(tenant, 5));
    let (_, report) = fixture.run(&["sync", "locations"]).await;
    assert_eq!((&report["counts"]["pruned"], report["gone"].as_array().map(Vec::len)), (&json!(0), Some(1)));
    let (_, report) = fixture.run(&["sync", "locations", "--prune"]).await;
    assert_eq!(report["counts"]["pruned"], 1);
    fixture.simulator.edit(|tenant| (6..9).for_each(|n| _ = town(tenant, n)));
    let (exit, report) = fixture.run(&["sync", "locations", "--prune"]).await;
    assert_eq!((exit, &report["counts"]["pruned"]), (4, &json!(0)), "{report:#}");
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 10);
    let (_, report) = fixture.run(&["sync", "locations", "--prune", "--prune-limit", "50"]).await;
    assert_eq!(report["counts"]["pruned"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_with_only_option_applies_the_listed_records() {
    let fixture = SyncFixture::new().await;
    let london = Tenant::location_id(1);
    let (exit, report) = fixture.run(&["sync", "locations", "--only", &london]).await;
    assert_eq!((exit, &report["counts"]["created"], &report["counts"]["fetched"]), (4, &json!(1), &json!(3)));
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations WHERE tutorial_location_id = 1").await, 1);
    let (exit, report) = fixture.run(&["sync", "locations", "--only", "nobody"]).await;
    assert_eq!((exit, &report["errors"][0]["external_id"]), (4, &json!("nobody")));
    for arguments in [["--only", ""], ["--only", "a,,b"], ["--skip-errors", "--dry-run"]] {
        let arguments = [&["sync", "locations"][..], &arguments].concat();
        assert_eq!(fixture.run(&arguments).await.0, 2, "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn match_override_resolves_an_ambiguous_record() {
    let fixture = SyncFixture::new().await;
    let (_, report) = fixture.run(&["sync", "locations"]).await;
    let cork = report["ambiguous"][0]["remote"][0]["external_id"].as_str().expect("Cork").to_owned();
    assert_eq!(
        fixture.run(&["sync", "link", "locations", "cork", &cork]).await.0,
        2,
        "two local locations have this name"
    );
    assert_eq!(fixture.run(&["sync", "link", "locations", "3", "nobody"]).await.0, 2);
    assert_eq!(fixture.run(&["sync", "link", "locations", "3", &cork]).await.0, 0);
    let linked =
        "SELECT coalesce(sum(tutorial_location_id), 0)::bigint FROM adm.locations WHERE tutorial_location_id > 2";
    assert_eq!(fixture.count(linked).await, 3, "at once");
    let (exit, report) = fixture.run(&["sync", "locations"]).await;
    assert_eq!((exit, &report["counts"]["unchanged"], &report["ambiguous"]), (0, &json!(3), &json!([])));
    assert_eq!(fixture.run(&["sync", "ignore", "locations", "Edinburgh", "-"]).await.0, 0);
    assert_eq!(fixture.run(&["sync", "unlink", "locations", "3", &cork]).await.0, 0);
    assert_eq!(fixture.count(linked).await, 0);
    let (exit, report) = fixture.run(&["sync", "locations"]).await;
    assert_eq!((exit, &report["unmatched_local"]), (0, &json!([{"id": 3, "name": "Cork"}])), "{report:#}");
    assert_eq!(fixture.count(linked).await, 4, "linked to the other local location");
    let (_, listed) = fixture.run(&["sync", "runs"]).await;
    let runs = listed["runs"].as_array().expect("runs");
    let exits: Vec<_> = runs.iter().filter_map(|run| run["exit_code"].as_i64()).collect();
    assert_eq!(exits, [0, 0, 4]);
    assert_eq!(runs[0]["counts"]["updated"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_plan_is_applied_exactly_or_rejected_as_stale() {
    let fixture = SyncFixture::new().await;
    let before = fixture.rows().await;
    let (exit, planned) = fixture.run(&["sync", "all", "--plan-out", "plan.json"]).await;
    assert_eq!((exit, &planned["reports"][2]["dry_run"], fixture.rows().await), (4, &json!(true), before));
    let (exit, applied) = fixture.run(&["sync", "all", "--plan", "plan.json"]).await;
    assert_eq!((exit, &applied["succeeded"]), (4, &json!(7)));
    for (planned, applied) in
        std::iter::zip(planned["reports"].as_array().expect("reports"), applied["reports"].as_array().expect("reports"))
    {
        assert_eq!(planned["counts"], applied["counts"]);
    }
    fixture.run(&["sync", "locations", "--plan-out", "locations.json"]).await;
    fixture.simulator.edit(|tenant| tenant.add_location("Leeds", "LDS"));
    let (exit, rejected) = fixture.run(&["sync", "locations", "--plan", "locations.json"]).await;
    let message = rejected["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(exit == 4 && message.contains("stale"), "{rejected:#}");
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 3);
    assert_eq!(fixture.run(&["sync", "locations", "--plan", "nowhere.json"]).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_reverts_a_run_unless_its_rows_changed() {
    let fixture = SyncFixture::new().await;
    let contents = "SELECT coalesce(string_agg(external_id || coalesce(legacy_id, '-'), ',' ORDER BY external_id), '')
                    FROM adm.locations";
    let rows = async || -> String { sqlx::query_scalar(contents).fetch_one(&fixture.db.pool).await.expect("rows") };
    let (_, first) = fixture.run(&["sync", "locations"]).await;
    let left = rows().await;
    fixture.simulator.edit(|tenant| {
        tenant.locations.remove(1);
        (0..3).for_each(|n| _ = tenant.add_location(&format!("Town {n}"), "T"));
    });
    let (_, second) = fixture.run(&["sync", "locations", "--prune", "--prune-limit", "50"]).await;
    assert_eq!((&second["counts"]["created"], &second["counts"]["pruned"]), (&json!(3), &json!(1)));
    let (first, second) = (first["run_id"].to_string(), second["run_id"].to_string());
    let (exit, rejected) = fixture.run(&["sync", "undo", &first, "--no-prompt"]).await;
    assert_eq!(exit, 4, "London was deleted later: {rejected:#}");
    let (exit, planned) = fixture.run(&["sync", "undo", &second, "--dry-run"]).await;
    assert_eq!((exit, &planned["counts"]["pruned"]), (0, &json!(3)));
    assert_eq!(fixture.run(&["sync", "undo", &second, "--no-prompt"]).await.0, 0);
    assert_eq!(rows().await, left);
    assert_eq!(fixture.run(&["sync", "undo", &first, "--no-prompt"]).await.0, 0);
    assert_eq!(rows().await, "");
    assert_eq!(fixture.run(&["sync", "undo", "999", "--no-prompt"]).await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn unmatched_remote_record_is_created_locally_only_on_request() {
    let fixture = SyncFixture::new().await;
    let (_, report) = fixture.run(&["sync", "locations", "--create-local", "--dry-run"]).await;
    assert_eq!(report["created_local"], json!([]), "the local Manchester is inactive: {report:#}");
    fixture.simulator.edit(|tenant| _ = tenant.add_location("Bath", "BTH"));
    let (_, report) = fixture.run(&["sync", "locations", "--create-local", "--dry-run"]).await;
    assert_eq!(report["created_local"][0]["name"], "Bath");
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_locations").await, 5);
    let (_, summary) = fixture.run(&["sync", "all", "--create-local"]).await;
    let left = |at: usize| summary["reports"][at]["unmatched_remote"].clone();
    assert_eq!(left(2)[0]["name"], "Manchester", "the local one is inactive: no second one is created");
    assert_eq!((left(3), left(5)), (json!([]), json!([])));
    assert_eq!(left(4).as_array().map(Vec::len), Some(1), "a contact without a name");
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_course_templates").await, 6);
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_venues WHERE name = 'Bridge House'").await, 1);
    let linked = "SELECT count(*) FROM adm.instructors WHERE tutorial_instructor_id IS NOT NULL";
    assert_eq!(fixture.count(linked).await, 4);
    let (_, again) = fixture.run(&["sync", "all", "--create-local"]).await;
    assert!((2..6).all(|at| again["reports"][at]["created_local"] == json!([])), "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn option_without_effect_is_rejected() {
    let fixture = SyncFixture::new().await;
    for arguments in [
        &["sync", "locations", "--skip-errors"][..],
        &["sync", "locations", "--create-local", "--only", ""],
        &["sync", "all", "--only", " , "],
    ] {
        assert_eq!(fixture.run(arguments).await.0, 2, "{arguments:?}");
    }
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn id_for_sync_all_must_be_known_to_one_entity() {
    let fixture = SyncFixture::new().await;
    let london = Tenant::location_id(1);
    let (_, summary) = fixture.run(&["sync", "all", "--only", &london]).await;
    let errors = |summary: &serde_json::Value| {
        let reports = summary["reports"].as_array().expect("reports").clone();
        reports.iter().map(|report| report["errors"].as_array().map_or(0, Vec::len)).sum::<usize>()
    };
    assert_eq!(errors(&summary), 0, "{summary:#}");
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations").await, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.pricelevels").await, 0);
    let (exit, summary) = fixture.run(&["sync", "all", "--only", "nobody"]).await;
    assert_eq!((exit, errors(&summary)), (4, 1), "{summary:#}");
    for report in summary["reports"].as_array().expect("reports") {
        let count = |name: &str| report["counts"][name].as_u64().expect("a count");
        let planned = ["created", "updated", "unchanged", "skipped"].iter().map(|name| count(name)).sum::<u64>();
        assert_eq!(count("fetched"), planned, "each record is counted once: {report:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_of_a_prune_restores_cascaded_rows() {
    let fixture = SyncFixture::new().await;
    fixture.run(&["sync", "all"]).await;
    let all = "SELECT (SELECT count(*) FROM adm.course_template_price_levels) * 1000000
                    + (SELECT count(*) FROM lectern.approved_instructors) * 1000
                    + (SELECT count(*) FROM adm.venues WHERE location_id IS NOT NULL)";
    let before = fixture.count(all).await;
    fixture.simulator.edit(|tenant| {
        tenant.locations.remove(1);
        tenant.templates.remove(1);
    });
    for entity in ["locations", "course-templates"] {
        let prune = ["sync", entity, "--prune", "--prune-limit", "100"];
        let (_, planned) = fixture.run(&[&prune[..], &["--dry-run"]].concat()).await;
        let (_, pruned) = fixture.run(&prune).await;
        assert_eq!((&pruned["counts"]["pruned"], &pruned["pruned_along"]), (&json!(1), &planned["pruned_along"]));
        assert!(pruned["pruned_along"].is_object(), "cascaded rows are reported: {pruned:#}");
        let (exit, undone) = fixture.run(&["sync", "undo", &pruned["run_id"].to_string(), "--no-prompt"]).await;
        assert_eq!((exit, fixture.count(all).await), (0, before), "{undone:#}");
    }
}
