//! What a person chooses about a sync: pruning, single records, decisions, saved plans, taking back, taking over.

use administrate_sim::Tenant;
use serde_json::json;

use crate::fixtures::sync::Story;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_unless_asked_and_never_much() {
    let story = Story::begin().await;
    story.simulator.edit(|tenant| {
        (0..8).for_each(|n| _ = tenant.add_location(&format!("Town {n}"), "T"));
    });
    let town = |tenant: &mut Tenant, n: u64| tenant.locations.remove(n).map(|location| location.name);
    story.lectern(&["sync", "locations"]).await;
    story.simulator.edit(|tenant| town(tenant, 5));
    let (_, report) = story.lectern(&["sync", "locations"]).await;
    assert_eq!((&report["counts"]["pruned"], report["gone"].as_array().map(Vec::len)), (&json!(0), Some(1)));
    let (_, report) = story.lectern(&["sync", "locations", "--prune"]).await;
    assert_eq!(report["counts"]["pruned"], 1);
    story.simulator.edit(|tenant| (6..9).for_each(|n| _ = town(tenant, n)));
    let (exit, report) = story.lectern(&["sync", "locations", "--prune"]).await;
    assert_eq!((exit, &report["counts"]["pruned"]), (4, &json!(0)), "{report:#}");
    assert_eq!(story.count("SELECT count(*) FROM adm.locations").await, 10);
    let (_, report) = story.lectern(&["sync", "locations", "--prune", "--prune-limit", "50"]).await;
    assert_eq!(report["counts"]["pruned"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_chosen_records_are_applied() {
    let story = Story::begin().await;
    let london = Tenant::location_id(1);
    let (exit, report) = story.lectern(&["sync", "locations", "--only", &london]).await;
    assert_eq!((exit, &report["counts"]["created"], &report["counts"]["fetched"]), (4, &json!(1), &json!(3)));
    assert_eq!(story.count("SELECT count(*) FROM adm.locations WHERE tutorial_location_id = 1").await, 1);
    let (exit, report) = story.lectern(&["sync", "locations", "--only", "nobody"]).await;
    assert_eq!((exit, &report["errors"][0]["external_id"]), (4, &json!("nobody")));
    for arguments in [["--only", ""], ["--only", "a,,b"], ["--skip-errors", "--dry-run"]] {
        let arguments = [&["sync", "locations"][..], &arguments].concat();
        assert_eq!(story.lectern(&arguments).await.0, 2, "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_settles_what_is_ambiguous_once() {
    let story = Story::begin().await;
    let (_, report) = story.lectern(&["sync", "locations"]).await;
    let cork = report["ambiguous"][0]["remote"][0]["external_id"].as_str().expect("Cork").to_owned();
    assert_eq!(story.lectern(&["sync", "link", "locations", "cork", &cork]).await.0, 2, "which of ours?");
    assert_eq!(story.lectern(&["sync", "link", "locations", "3", "nobody"]).await.0, 2);
    assert_eq!(story.lectern(&["sync", "link", "locations", "3", &cork]).await.0, 0);
    let linked =
        "SELECT coalesce(sum(tutorial_location_id), 0)::bigint FROM adm.locations WHERE tutorial_location_id > 2";
    assert_eq!(story.count(linked).await, 3, "at once");
    let (exit, report) = story.lectern(&["sync", "locations"]).await;
    assert_eq!((exit, &report["counts"]["unchanged"], &report["ambiguous"]), (0, &json!(3), &json!([])));
    assert_eq!(story.lectern(&["sync", "ignore", "locations", "Edinburgh", "-"]).await.0, 0);
    assert_eq!(story.lectern(&["sync", "unlink", "locations", "3", &cork]).await.0, 0);
    assert_eq!(story.count(linked).await, 0);
    let (exit, report) = story.lectern(&["sync", "locations"]).await;
    assert_eq!((exit, &report["unmatched_local"]), (0, &json!([{"id": 3, "name": "Cork"}])), "{report:#}");
    assert_eq!(story.count(linked).await, 4, "theirs is now the other one of ours");
    let (_, kept) = story.lectern(&["sync", "runs"]).await;
    let runs = kept["runs"].as_array().expect("runs");
    let exits: Vec<_> = runs.iter().filter_map(|run| run["exit_code"].as_i64()).collect();
    assert_eq!(exits, [0, 0, 4]);
    assert_eq!(runs[0]["counts"]["updated"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_applied_exactly_or_refused() {
    let story = Story::begin().await;
    let before = story.rows().await;
    let (exit, planned) = story.lectern(&["sync", "all", "--plan-out", "plan.json"]).await;
    assert_eq!((exit, &planned["reports"][2]["dry_run"], story.rows().await), (4, &json!(true), before));
    let (exit, applied) = story.lectern(&["sync", "all", "--plan", "plan.json"]).await;
    assert_eq!((exit, &applied["succeeded"]), (4, &json!(7)));
    for (planned, applied) in
        std::iter::zip(planned["reports"].as_array().expect("reports"), applied["reports"].as_array().expect("reports"))
    {
        assert_eq!(planned["counts"], applied["counts"]);
    }
    story.lectern(&["sync", "locations", "--plan-out", "plan.json"]).await;
    story.simulator.edit(|tenant| tenant.add_location("Leeds", "LDS"));
    let (exit, refused) = story.lectern(&["sync", "locations", "--plan", "plan.json"]).await;
    let message = refused["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(exit == 4 && message.contains("stale"), "{refused:#}");
    assert_eq!(story.count("SELECT count(*) FROM adm.locations").await, 3);
    assert_eq!(story.lectern(&["sync", "locations", "--plan", "nowhere.json"]).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_taken_back_unless_its_rows_have_changed() {
    let story = Story::begin().await;
    let contents = "SELECT coalesce(string_agg(external_id || coalesce(legacy_id, '-'), ',' ORDER BY external_id), '')
                    FROM adm.locations";
    let rows = async || -> String { sqlx::query_scalar(contents).fetch_one(&story.world.pool).await.expect("rows") };
    let (_, first) = story.lectern(&["sync", "locations"]).await;
    let left = rows().await;
    story.simulator.edit(|tenant| {
        tenant.locations.remove(1);
        (0..3).for_each(|n| _ = tenant.add_location(&format!("Town {n}"), "T"));
    });
    let (_, second) = story.lectern(&["sync", "locations", "--prune", "--prune-limit", "50"]).await;
    assert_eq!((&second["counts"]["created"], &second["counts"]["pruned"]), (&json!(3), &json!(1)));
    let (first, second) = (first["run_id"].to_string(), second["run_id"].to_string());
    let (exit, refused) = story.lectern(&["sync", "undo", &first]).await;
    assert_eq!(exit, 4, "London is gone since: {refused:#}");
    let (exit, told) = story.lectern(&["sync", "undo", &second, "--dry-run"]).await;
    assert_eq!((exit, &told["counts"]["pruned"]), (0, &json!(3)));
    assert_eq!(story.lectern(&["sync", "undo", &second]).await.0, 0);
    assert_eq!(rows().await, left);
    assert_eq!(story.lectern(&["sync", "undo", &first]).await.0, 0);
    assert_eq!(rows().await, "");
    assert_eq!(story.lectern(&["sync", "undo", "999"]).await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn unmatched_records_are_taken_over_only_on_request() {
    let story = Story::begin().await;
    let (_, report) = story.lectern(&["sync", "locations", "--create-local", "--dry-run"]).await;
    assert_eq!(report["created_local"], json!([]), "ours of the name Manchester is inactive: {report:#}");
    story.simulator.edit(|tenant| _ = tenant.add_location("Bath", "BTH"));
    let (_, report) = story.lectern(&["sync", "locations", "--create-local", "--dry-run"]).await;
    assert_eq!(report["created_local"][0]["name"], "Bath");
    assert_eq!(story.count("SELECT count(*) FROM acted.tutorial_locations").await, 5);
    let (_, summary) = story.lectern(&["sync", "all", "--create-local"]).await;
    let left = |at: usize| summary["reports"][at]["unmatched_remote"].clone();
    assert_eq!(left(2)[0]["name"], "Manchester", "ours of this name is inactive: no second one is made");
    assert_eq!((left(3), left(5)), (json!([]), json!([])));
    assert_eq!(left(4).as_array().map(Vec::len), Some(1), "somebody without a name");
    assert_eq!(story.count("SELECT count(*) FROM acted.tutorial_course_templates").await, 6);
    assert_eq!(story.count("SELECT count(*) FROM acted.tutorial_venues WHERE name = 'Bridge House'").await, 1);
    let linked = "SELECT count(*) FROM adm.instructors WHERE tutorial_instructor_id IS NOT NULL";
    assert_eq!(story.count(linked).await, 4);
    let (_, again) = story.lectern(&["sync", "all", "--create-local"]).await;
    assert!((2..6).all(|at| again["reports"][at]["created_local"] == json!([])), "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_mean_nothing_are_refused() {
    let story = Story::begin().await;
    for arguments in [
        &["sync", "locations", "--skip-errors"][..],
        &["sync", "locations", "--create-local", "--only", ""],
        &["sync", "all", "--only", " , "],
    ] {
        assert_eq!(story.lectern(arguments).await.0, 2, "{arguments:?}");
    }
    assert_eq!(story.count("SELECT count(*) FROM adm.locations").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_has_to_be_known_to_one_entity_alone() {
    let story = Story::begin().await;
    let london = Tenant::location_id(1);
    let (_, summary) = story.lectern(&["sync", "all", "--only", &london]).await;
    let errors = |summary: &serde_json::Value| {
        let reports = summary["reports"].as_array().expect("reports").clone();
        reports.iter().map(|report| report["errors"].as_array().map_or(0, Vec::len)).sum::<usize>()
    };
    assert_eq!(errors(&summary), 0, "{summary:#}");
    assert_eq!(story.count("SELECT count(*) FROM adm.locations").await, 1);
    assert_eq!(story.count("SELECT count(*) FROM adm.pricelevels").await, 0);
    let (exit, summary) = story.lectern(&["sync", "all", "--only", "nobody"]).await;
    assert_eq!((exit, errors(&summary)), (4, 1), "{summary:#}");
    for report in summary["reports"].as_array().expect("reports") {
        let count = |name: &str| report["counts"][name].as_u64().expect("a count");
        let told = ["created", "updated", "unchanged", "skipped"].iter().map(|name| count(name)).sum::<u64>();
        assert_eq!(count("fetched"), told, "each record is counted once: {report:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fell_with_a_pruned_row_comes_back_with_it() {
    let story = Story::begin().await;
    story.lectern(&["sync", "all"]).await;
    let all = "SELECT (SELECT count(*) FROM adm.course_template_price_levels) * 1000000
                    + (SELECT count(*) FROM lectern.approved_instructors) * 1000
                    + (SELECT count(*) FROM adm.venues WHERE location_id IS NOT NULL)";
    let before = story.count(all).await;
    story.simulator.edit(|tenant| {
        tenant.locations.remove(1);
        tenant.templates.remove(1);
    });
    for entity in ["locations", "course-templates"] {
        let prune = ["sync", entity, "--prune", "--prune-limit", "100"];
        let (_, told) = story.lectern(&[&prune[..], &["--dry-run"]].concat()).await;
        let (_, pruned) = story.lectern(&prune).await;
        assert_eq!((&pruned["counts"]["pruned"], &pruned["pruned_along"]), (&json!(1), &told["pruned_along"]));
        assert!(pruned["pruned_along"].is_object(), "what goes with it is told: {pruned:#}");
        let (exit, undone) = story.lectern(&["sync", "undo", &pruned["run_id"].to_string()]).await;
        assert_eq!((exit, story.count(all).await), (0, before), "{undone:#}");
    }
}
