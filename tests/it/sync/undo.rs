//! `lectern sync undo`: runs that later runs depend on, undos of undos, and the prompt.

use serde_json::Value;

use crate::fixtures::sync::SyncFixture;
use crate::fixtures::terminal::Terminal;
use crate::sync::events::EventSyncFixture;

/// Every row that a sync writes, without ids that depend on the order of writing.
const CONTENTS: &str = "SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
     SELECT 'level ' || external_id FROM adm.pricelevels
     UNION ALL SELECT 'field ' || entity_type || external_id FROM adm.custom_fields
     UNION ALL SELECT 'location ' || external_id || coalesce(tutorial_location_id::text, '') FROM adm.locations
     UNION ALL SELECT 'venue ' || external_id || coalesce(location_id, '') FROM adm.venues
     UNION ALL SELECT 'instructor ' || external_id FROM adm.instructors
     UNION ALL SELECT 'template ' || external_id FROM adm.course_templates
     UNION ALL SELECT 'approval ' || template_external_id || contact_external_id FROM lectern.approved_instructors
     UNION ALL SELECT 'price ' || p.external_id || t.external_id || l.external_id || amount
         FROM adm.course_template_price_levels p JOIN adm.course_templates t ON t.id = course_template_id
         JOIN adm.pricelevels l ON l.id = price_level_id
     UNION ALL SELECT 'event ' || e.external_id || coalesce(e.title, '') || coalesce(l.external_id, '')
             || coalesce(v.external_id, '') || coalesce(t.external_id, '')
         FROM adm.events e LEFT JOIN adm.locations l ON l.id = e.location_id LEFT JOIN adm.venues v ON v.id = e.venue_id
         LEFT JOIN adm.course_templates t ON t.id = e.course_template_id) AS lines (line)";

async fn contents(fixture: &SyncFixture) -> Option<String> {
    sqlx::query_scalar(CONTENTS).fetch_one(&fixture.db.pool).await.expect("rows")
}

async fn undo(fixture: &SyncFixture, run: i64, more: &[&str]) -> (i32, Value) {
    fixture.run(&[&["sync", "undo", &run.to_string(), "--no-prompt"], more].concat()).await
}

/// Synchronises everything and returns the run of each entity.
async fn runs(fixture: &SyncFixture) -> impl Fn(&str) -> i64 + use<> {
    let (_, summary) = fixture.run(&["sync", "all"]).await;
    let reports = summary["reports"].clone();
    move |entity| {
        let report = reports.as_array().expect("reports").iter().find(|report| report["entity"] == entity);
        report.and_then(|report| report["run_id"].as_i64()).expect("a run")
    }
}

fn pairs(list: &Value) -> Vec<(i64, String)> {
    let pair = |run: &Value| (run["run"].as_i64().expect("a run"), run["entity"].as_str().expect("it").to_owned());
    list.as_array().expect("a list").iter().map(pair).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn run_with_dependent_rows_is_undone_only_together_with_their_runs() {
    let fixture = SyncFixture::new().await;
    let run = runs(&fixture).await;
    for (entity, dependent) in [
        ("locations", "venues"),
        ("price-levels", "course-template-price-levels"),
        ("course-templates", "course-template-price-levels"),
    ] {
        let (before, entity_run, later) = (contents(&fixture).await, run(entity), run(dependent));
        for more in [&[][..], &["--dry-run"]] {
            let (exit, refused) = undo(&fixture, entity_run, more).await;
            assert_eq!((exit, pairs(&refused["blocked_by"])), (4, vec![(later, dependent.to_owned())]), "{refused:#}");
            assert!(refused["blocked_by"][0]["rows"].as_u64() > Some(0), "{refused:#}");
            let message = refused["errors"][0]["message"].as_str().unwrap_or_default();
            assert!(message.contains(&format!("lectern sync undo {entity_run} --cascade")), "{message}");
        }
        assert_eq!(contents(&fixture).await, before, "{entity}");
        let (exit, planned) = undo(&fixture, entity_run, &["--cascade", "--dry-run"]).await;
        let expected = vec![(later, dependent.to_owned()), (entity_run, entity.to_owned())];
        assert_eq!((exit, pairs(&planned["undone"])), (0, expected.clone()), "{planned:#}");
        assert_eq!(contents(&fixture).await, before, "{entity}");
        let (exit, done) = undo(&fixture, entity_run, &["--cascade"]).await;
        assert_eq!((exit, pairs(&done["undone"])), (0, expected), "{done:#}");
        assert_ne!(contents(&fixture).await, before, "{entity}");
        assert_eq!(undo(&fixture, entity_run, &["--cascade"]).await.0, 4, "it is undone already");

        // The undo of the dependent rows rests on the other undo: their targets do not exist now.
        let undo_run = |at: usize| done["undone"][at]["run_id"].as_i64().expect("a run");
        let (exit, refused) = undo(&fixture, undo_run(0), &[]).await;
        assert_eq!((exit, pairs(&refused["blocked_by"])), (4, vec![(undo_run(1), entity.to_owned())]), "{refused:#}");
        let (exit, redone) = undo(&fixture, undo_run(0), &["--cascade"]).await;
        assert_eq!((exit, contents(&fixture).await), (0, before), "{redone:#}");
        let (exit, again) = undo(&fixture, entity_run, &[]).await;
        assert_eq!((exit, pairs(&again["blocked_by"])), (4, vec![(later, dependent.to_owned())]), "{again:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_rows_that_depend_on_reference_data() {
    let fixture = EventSyncFixture::new().await;
    let (_, listed) = fixture.base.run(&["sync", "runs"]).await;
    let run = |entity: &str| {
        let runs = listed["runs"].as_array().expect("runs").iter();
        runs.filter(|run| run["subject"] == entity).find_map(|run| run["id"].as_i64()).expect("a run")
    };
    let (_, synced) = fixture.sync(&[]).await;
    let events = synced["run_id"].as_i64().expect("a run");
    let before = contents(&fixture.base).await;
    let (exit, refused) = undo(&fixture.base, run("locations"), &[]).await;
    let blocking = vec![(events, "events".to_owned()), (run("venues"), "venues".to_owned())];
    assert_eq!((exit, pairs(&refused["blocked_by"])), (4, blocking), "{refused:#}");
    assert_eq!(contents(&fixture.base).await, before);
    let (exit, done) = undo(&fixture.base, run("locations"), &["--cascade"]).await;
    assert_eq!((exit, done["undone"].as_array().map(Vec::len)), (0, Some(3)), "{done:#}");
    let first = done["undone"][0]["run_id"].as_i64().expect("a run");
    assert_eq!(undo(&fixture.base, first, &["--cascade"]).await.0, 0);
    assert_eq!(contents(&fixture.base).await, before);

    // What no run wrote stands in the way of an undo, and nothing is changed.
    let sold = "UPDATE acted.tutorial_events SET remain_space = 3 WHERE code = 'CM2-01'";
    sqlx::query(sold).execute(&fixture.base.db.pool).await.expect("places were sold");
    let (exit, refused) = undo(&fixture.base, run("locations"), &["--cascade"]).await;
    let sentence = refused["error"].as_str().unwrap_or_default();
    assert!(exit == 4 && sentence.contains("CM2-01") && sentence.contains("sold"), "{refused:#}");
    assert_eq!(contents(&fixture.base).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_of_a_prune_can_be_undone() {
    let fixture = SyncFixture::new().await;
    fixture.run(&["sync", "all"]).await;
    fixture.simulator.edit(|tenant| {
        tenant.templates.remove(1);
        tenant.locations.remove(1);
    });
    for entity in ["course-templates", "locations"] {
        let before = contents(&fixture).await;
        let (_, pruned) = fixture.run(&["sync", entity, "--prune", "--prune-limit", "100"]).await;
        let after = contents(&fixture).await;
        assert_ne!(after, before);
        let (mut run, mut expected) =
            (pruned["run_id"].as_i64().expect("a run"), [&before, &after].into_iter().cycle());
        for _ in 0..3 {
            let (exit, undone) = undo(&fixture, run, &[]).await;
            assert_eq!((exit, Some(&contents(&fixture).await)), (0, expected.next()), "{entity}: {undone:#}");
            run = undone["run_id"].as_i64().expect("a run");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_that_wrote_nothing_says_so() {
    let fixture = SyncFixture::new().await;
    let (_, first) = fixture.run(&["sync", "price-levels"]).await;
    let (_, unchanged) = fixture.run(&["sync", "price-levels"]).await;
    let (exit, nothing) = undo(&fixture, unchanged["run_id"].as_i64().expect("a run"), &[]).await;
    assert!(exit == 0 && nothing["nothing"].to_string().contains("changed nothing"), "{nothing:#}");
    assert_eq!(fixture.run(&["sync", "undo", &first["run_id"].to_string()]).await.0, 2, "there is no terminal");
    let (_, undone) = undo(&fixture, first["run_id"].as_i64().expect("a run"), &[]).await;
    let (_, listed) = fixture.run(&["sync", "runs"]).await;
    assert_eq!(listed["runs"][0]["kind"], "sync undo", "{listed:#}");
    let (exit, shown) = fixture.run(&["sync", "show", &undone["run_id"].to_string()]).await;
    assert_eq!((exit, &shown["journal"]["undoes"]), (0, &first["run_id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_shows_what_it_would_do_and_asks() {
    let fixture = SyncFixture::new().await;
    let run = runs(&fixture).await("locations");
    let before = contents(&fixture).await;
    for (answer, expected) in [("n", "nothing was undone"), ("y", "undone; to restore what was undone:")] {
        assert_eq!(contents(&fixture).await, before);
        let command = fixture.program(&["sync", "undo", &run.to_string(), "--cascade"]);
        let ended = tokio::task::spawn_blocking(move || {
            let mut terminal = Terminal::start(command);
            let shown = terminal.read_until("undo these runs? [y/N]: ");
            assert!(shown.contains("venues: ") && shown.contains("rows to delete"), "{shown}");
            terminal.type_line(answer);
            terminal.wait()
        });
        let (exit, shown) = ended.await.expect("joined");
        assert!(exit == 0 && shown.contains(expected), "{exit}: {shown}");
    }
    assert_ne!(contents(&fixture).await, before);
}
