//! `lectern import`: what a workbook becomes, here and in Administrate.

use std::path::{Path, PathBuf};

use jiff::civil::date;
use lectern::timetable_import::layout::Field as F;
use lectern::timetable_import::run;
use lectern::timetable_import::sheet::write;
use lectern::timetable_import::sheet::write::RowValues;

use crate::fixtures::import::Rehearsed;
use crate::fixtures::test_db::World;

pub fn event(title: &str) -> RowValues {
    vec![
        (F::Template, "CB1_f2f_2".into()),
        (F::EventTitle, title.into()),
        (F::SessionTitle, format!("{title}-1").into()),
        (F::LearningMode, "Blended".into()),
        (F::Location, "London".into()),
        (F::Venue, "King's Cross".into()),
        (F::TimeZone, "Europe - London".into()),
        (F::StartDate, date(2026, 6, 13).into()),
        (F::StartTime, "09:30".into()),
        (F::EndDate, date(2026, 6, 13).into()),
        (F::EndTime, "17:00".into()),
        (F::LmsStartDate, "22/04/2026".into()),
        (F::LmsStartTime, "16:00".into()),
        (F::LmsEndDate, "10/09/2026".into()),
        (F::LmsEndTime, "00:00".into()),
        (F::MaxPlaces, 12.into()),
        (F::SessionInstructor, "Ada Marlow".into()),
        (F::Instructor, "Ada Marlow".into()),
        (F::Day, 1.into()),
        (F::Sitting, "2026A".into()),
    ]
}

pub fn second_day(title: &str, until: &str) -> RowValues {
    vec![
        (F::SessionTitle, format!("{title}-2").into()),
        (F::TimeZone, "Europe - London".into()),
        (F::StartDate, date(2026, 6, 20).into()),
        (F::StartTime, "09:30".into()),
        (F::EndDate, date(2026, 6, 20).into()),
        (F::EndTime, until.into()),
        (F::Day, 2.into()),
    ]
}

pub fn changed(mut line: RowValues, field: F, text: &str) -> RowValues {
    line.retain(|(known, _)| *known != field);
    line.push((field, text.into()));
    line
}

pub fn write(folder: &Path, name: &str, lines: &[RowValues]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, write::timetable(lines).expect("a workbook")).expect("a file");
    path
}

pub async fn rehearsed(lines: &[RowValues]) -> Rehearsed {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), "known.xlsx", lines);
    rehearsed_for(&file).await
}

async fn rehearsed_for(file: &Path) -> Rehearsed {
    let defaults = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.default.toml");
    let config = lectern::config::Config::load(Some(&defaults), |_| None, &[("data_dir", "/nowhere".into())]);
    let loaded = run::load(file, &config.expect("settings")).expect("readable");
    Rehearsed::new(&loaded.timetable).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timetable_arrives_on_both_sides_once() {
    let sides = rehearsed(&[event("A"), second_day("A", "17:00")]).await;
    let file = write(sides.world.folder(), "t.xlsx", &[event("A"), second_day("A", "17:00")]);
    let file = file.to_str().expect("a path");

    let (exit, told) = sides.run(&["import", file, "--dry-run"]).await;
    assert_eq!((exit, &told["run_id"], &told["counts"]["created"]), (0, &serde_json::Value::Null, &1.into()), "{told}");
    assert_eq!(sides.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    assert_eq!(sides.count("SELECT count(*) FROM lectern.runs").await, 0);
    assert_eq!(sides.count("SELECT count(*) FROM adm.api_audit_log").await, 0);

    let (exit, told) = sides.run(&["import", file]).await;
    assert_eq!((exit, &told["counts"]["created"], &told["delivery"]["delivered"]), (0, &1.into(), &1.into()), "{told}");
    assert_eq!(told["counts"]["sessions"], 2);
    assert_eq!(told["problems"], serde_json::json!([]));
    assert_eq!(sides.count("SELECT count(*) FROM adm.events WHERE external_id IS NOT NULL").await, 1);
    assert_eq!(sides.count("SELECT count(*) FROM adm.sessions WHERE tutorial_session_id IS NOT NULL").await, 2);
    let tenant = sides.administrate.tenant();
    assert_eq!((tenant.events.len(), tenant.sessions.len()), (1, 2));
    assert_eq!(sides.count("SELECT count(*) FROM acted.tutorial_session_instructors").await, 2);

    let (exit, told) = sides.run(&["import", file]).await;
    assert_eq!(
        (exit, &told["counts"]["unchanged"], &told["delivery"]["delivered"]),
        (0, &1.into(), &0.into()),
        "{told}"
    );

    let edited =
        write(sides.world.folder(), "t2.xlsx", &[changed(event("A"), F::MaxPlaces, "15"), second_day("A", "16:00")]);
    let (exit, told) = sides.run(&["import", edited.to_str().expect("a path")]).await;
    assert_eq!((exit, &told["counts"]["updated"], &told["delivery"]["delivered"]), (0, &1.into(), &1.into()), "{told}");
    assert_eq!(sides.count("SELECT remain_space::bigint FROM acted.tutorial_events").await, 15);
    assert_eq!(sides.administrate.tenant().events.len(), 1);
    let (exit, told) = sides.run(&["import", "show"]).await;
    assert_eq!((exit, &told["events"][0]["outcome"]), (0, &"changed".into()), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_blocks_come_back_in_a_workbook_that_can_be_corrected() {
    let sound = [event("A"), second_day("A", "17:00")];
    let sides = rehearsed(&sound).await;
    let wrong = changed(changed(event("B"), F::Location, "Lndon"), F::StartDate, "14/07/2026");
    let wrong = changed(wrong, F::EndDate, "14/07/2026");
    let later = changed(changed(second_day("B", "17:00"), F::StartDate, "15/07/2026"), F::EndDate, "15/07/2026");
    let file = write(sides.world.folder(), "t.xlsx", &[sound[0].clone(), sound[1].clone(), wrong, later]);
    let report = sides.world.folder().join("refused.xlsx");
    let report = report.to_str().expect("a path");
    let (exit, told) = sides.run(&["import", file.to_str().expect("a path"), "--report", report]).await;
    assert_eq!((exit, &told["counts"]["created"], &told["counts"]["rejected"]), (4, &1.into(), &1.into()), "{told}");
    let problem = &told["problems"][0];
    assert_eq!(
        (&problem["cell"], &problem["code"], &problem["row"]),
        (&"E6".into(), &"unknown_location".into(), &6.into())
    );
    assert_eq!((&problem["suggestions"][0], &told["report"]), (&"London".into(), &report.into()));
    assert_eq!(sides.count("SELECT count(*) FROM acted.tutorial_sessions").await, 2);

    let (exit, told) = sides.run(&["import", report]).await;
    assert_eq!((exit, &told["counts"]["events"], &told["problems"][0]["cell"]), (4, &1.into(), &"E2".into()), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_events_are_delivered_when_administrate_is_back() {
    let lines = [event("A"), second_day("A", "17:00")];
    let sides = rehearsed(&lines).await;
    let approve = "INSERT INTO lectern.approved_instructors
                   SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(approve).execute(&sides.world.pool).await.expect("approvals");
    let file = write(sides.world.folder(), "t.xlsx", &lines);
    let (exit, told) = sides.run(&["import", file.to_str().expect("a path"), "--deliver", "queue"]).await;
    assert_eq!((exit, &told["counts"]["created"], &told["delivery"]["pending"]), (4, &1.into(), &1.into()), "{told}");
    assert_eq!(sides.administrate.tenant().events.len(), 0);
    let (_, shown) = sides.run(&["import", "show"]).await;
    assert_eq!((&shown["events"][0]["delivery"], &shown["delivery"]["pending"]), (&"pending".into(), &1.into()));
    let (exit, told) = sides.run(&["import", "retry"]).await;
    assert_eq!((exit, &told["delivery"]["delivered"]), (0, &1.into()), "{told}");
    let (_, shown) = sides.run(&["import", "show"]).await;
    assert_eq!((&shown["events"][0]["delivery"], &shown["delivery"]["delivered"]), (&"delivered".into(), &1.into()));
    assert_eq!(shown["import"]["delivery"]["pending"], 1, "what was told then stays as it was told");
    assert_eq!(sides.administrate.tenant().events.len(), 1);
    assert_eq!(sides.run(&["import", "retry"]).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_with_its_exit_code() {
    let world = World::new().await;
    let file = write(world.folder(), "t.xlsx", &[event("A")]);
    let broken = world.folder().join("broken.xlsx");
    std::fs::write(&broken, b"PK\x03\x04 no zip").expect("a file");
    let headless = world.folder().join("headless.csv");
    std::fs::write(&headless, "Course template code;Event title\nA;B\n").expect("a file");
    for (file, exit, code) in
        [(&file, 3, None), (&broken, 1, Some("unreadable_file")), (&headless, 1, Some("missing_header"))]
    {
        let output = world.program(&["import", file.to_str().expect("a path"), "--json"]).output().expect("runs");
        assert_eq!(output.status.code(), Some(exit), "{}", String::from_utf8_lossy(&output.stderr));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(told["problems"][0]["code"].as_str(), code, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_stands_in_administrate_is_taken_over_or_refused() {
    let lines = [event("A"), second_day("A", "17:00")];
    let sides = rehearsed(&lines).await;
    let file = write(sides.world.folder(), "t.xlsx", &lines);
    let file = file.to_str().expect("a path");
    assert_eq!(sides.run(&["import", file]).await.0, 0);
    for forget in ["DELETE FROM adm.sessions", "DELETE FROM adm.events", "DELETE FROM acted.tutorial_events"] {
        sqlx::query(forget).execute(&sides.world.pool).await.expect("forgotten");
    }
    let moved = changed(changed(event("A"), F::StartDate, "14/06/2026"), F::EndDate, "14/06/2026");
    let other = write(sides.world.folder(), "other.xlsx", &[moved, second_day("A", "17:00")]);
    let (exit, told) = sides.run(&["import", other.to_str().expect("a path")]).await;
    assert_eq!((exit, &told["problems"][0]["code"]), (4, &"conflicting_event".into()), "{told}");
    assert_eq!(told["counts"]["rejected"], 1);

    let (exit, told) = sides.run(&["import", file]).await;
    assert_eq!((exit, &told["counts"]["created"], &told["delivery"]["delivered"]), (0, &1.into(), &1.into()), "{told}");
    assert_eq!(
        (&told["problems"][0]["code"], &told["problems"][0]["severity"]),
        (&"duplicate_event".into(), &"warning".into())
    );
    assert_eq!(sides.administrate.tenant().events.len(), 1);
    assert_eq!(sides.count("SELECT count(*) FROM adm.sessions WHERE tutorial_session_id IS NOT NULL").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_written_is_known_before_anything_is_done() {
    let lines = [event("A"), second_day("A", "17:00")];
    let sides = rehearsed(&lines).await;
    let file = write(sides.world.folder(), "t.xlsx", &lines);
    let file = file.to_str().expect("a path");
    let (exit, told) = sides.run(&["import", file, "--report", "/proc/nope/x.xlsx"]).await;
    assert_eq!((exit, told["error"].is_string()), (1, true), "{told}");
    assert_eq!(sides.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    // What nobody asked for and cannot be kept ends no import.
    std::fs::write(sides.world.folder().join("reports"), "in the way").expect("a file");
    let refused =
        write(sides.world.folder(), "r.xlsx", &[&lines[..], &[changed(event("B"), F::Location, "?")]].concat());
    let (exit, told) = sides.run(&["import", refused.to_str().expect("a path")]).await;
    assert_eq!((exit, &told["delivery"]["delivered"], told["report"].is_null()), (4, &1.into(), true), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn instructors_are_approved_only_when_that_is_asked() {
    let lines = [event("A"), second_day("A", "17:00")];
    let sides = rehearsed(&lines).await;
    sides.administrate.edit(|tenant| {
        if let Some(template) = tenant.templates.get_mut(1) {
            template.approved_instructors.clear();
        }
    });
    let file = write(sides.world.folder(), "t.xlsx", &lines);
    let file = file.to_str().expect("a path");
    let (exit, told) = sides.run(&["import", file]).await;
    assert_eq!((exit, &told["problems"][0]["code"]), (4, &"not_approved_instructor".into()), "{told}");
    let (exit, told) = sides.run(&["import", file, "--approve-instructors", "--dry-run"]).await;
    assert_eq!((exit, &told["counts"]["created"]), (0, &1.into()), "{told}");
    assert!(sides.administrate.tenant().templates.get(1).is_some_and(|t| t.approved_instructors.is_empty()));
    let (exit, told) = sides.run(&["import", file, "--approve-instructors"]).await;
    assert_eq!((exit, &told["delivery"]["delivered"]), (0, &1.into()), "{told}");
    assert_eq!(sides.administrate.tenant().templates.get(1).map(|t| t.approved_instructors.len()), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_administrate_nothing_is_validated_and_nothing_written() {
    let lines = [event("A"), second_day("A", "17:00")];
    let sides = rehearsed(&lines).await;
    let file = write(sides.world.folder(), "t.xlsx", &lines);
    let mut command = sides.program(&["import", file.to_str().expect("a path"), "--json"]);
    // Nothing listens on the discard port of loopback.
    command
        .env("ADMINISTRATE_API_URL", "http://127.0.0.1:9/graphql")
        .env("ADMINISTRATE_AUTH_URL", "http://127.0.0.1:9/oauth");
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("runs");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(sides.count("SELECT count(*) FROM acted.tutorial_events").await, 0);
    assert_eq!(sides.count("SELECT count(*) FROM lectern.runs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_workbook_offers_what_is_known() {
    let sides = rehearsed(&[event("A")]).await;
    let file = sides.world.folder().join("empty.xlsx");
    let file = file.to_str().expect("a path");
    assert_eq!(sides.run(&["import", "template", file]).await.0, 0);
    let (exit, told) = sides.run(&["import", file, "--dry-run"]).await;
    assert_eq!((exit, &told["counts"]["events"], &told["problems"]), (0, &0.into(), &serde_json::json!([])), "{told}");
}

/// The real provider's workbook, names replaced. It stays outside the repository.
#[tokio::test(flavor = "multi_thread")]
async fn the_sample_arrives_whole_on_both_sides() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/timetable-sample.xlsx");
    let path = std::env::var_os("LECTERN_SAMPLE").map_or(path, Into::into);
    if !path.exists() {
        eprintln!("{} is absent: nothing is tested with it", path.display());
        return;
    }
    let sides = rehearsed_for(&path).await;
    let file = path.to_str().expect("a path");
    let (exit, told) = sides.run(&["import", file]).await;
    assert_eq!(
        (exit, &told["delivery"]["delivered"], &told["counts"]["sessions"]),
        (0, &41.into(), &156.into()),
        "{told}"
    );
    let (exit, told) = sides.run(&["import", file]).await;
    assert_eq!((exit, &told["counts"]["unchanged"]), (0, &41.into()), "{told}");
}
