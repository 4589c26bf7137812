//! What an import leaves behind: its document, its reports, the list of imports, and what it prints.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;

use lectern::timetable_import::layout::{Field as F, LAYOUT};
use serde_json::{Value, json};
use spreadsheet::{Limits, Sheet};

use crate::fixtures::import::ImportFixture;
use crate::fixtures::timetable::{changed, event, fixture_for, second_day, write};

/// Returns a csv timetable of events with a wrong value in every cell that is checked.
fn bad_rows(count: usize) -> String {
    let mut text = LAYOUT.map(|column| column.header).join(",");
    text.push('\n');
    for row in 0..count {
        let _ = writeln!(
            text,
            "nope-{row},E{row},,quantum,Nowhere,Nowhere Hall,Mars,31/02/2026,9h,x,25:99,y,9h,z,9h,many,,Nobody,Nobody,Nobody,0,ftp://x,ftp://x,never,perhaps,1999Q,,,,,,perhaps,,soon"
        );
    }
    text
}

/// Runs the program and returns its exit code, standard output and standard error.
async fn output_of(fixture: &ImportFixture, arguments: &[&str]) -> (i32, String, String) {
    let mut command = fixture.program(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn sheet_of(path: &str) -> Sheet {
    spreadsheet::read_file(path.as_ref(), &Limits::default()).expect("readable")
}

fn texts(sheet: &Sheet, column: u32) -> Vec<String> {
    let cells = sheet.rows.iter().map(|row| row.content(column));
    cells.map(|content| content.map(|content| format!("{content:?}")).unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn document_of_many_problems_is_small_and_the_report_has_all_of_them() {
    let fixture = fixture_for(&[event("A")]).await;
    let file = fixture.db.folder().join("bad.csv");
    std::fs::write(&file, bad_rows(2000)).expect("a file");
    let (exit, document) = fixture.run(&["import", file.to_str().expect("a path")]).await;
    let listed = document["problems"].as_array().expect("problems");
    let total = document["problems_total"].as_u64().expect("a number");
    assert_eq!((exit, listed.len(), &document["counts"]["rejected"]), (4, 1000, &json!(2000)));
    assert!(total > 10_000, "{total}");
    assert!(document.to_string().len() < 1_000_000, "{}", document.to_string().len());
    // The report in the data folder is private and lists all problems.
    let report = document["report"].as_str().expect("a report");
    let mode = std::fs::metadata(report).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let stored: i64 =
        fixture.count("SELECT jsonb_array_length(document -> 'problems')::bigint FROM lectern.runs").await;
    assert_eq!(stored, 1000);
    // The next import runs.
    let sound = write(fixture.db.folder(), "t.xlsx", &[event("A")]);
    assert_eq!(fixture.run(&["import", sound.to_str().expect("a path")]).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn report_shows_problems_and_rows_and_can_be_corrected_and_imported() {
    let sound = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&sound).await;
    let wrong = changed(changed(event("B"), F::Location, "Lndon"), F::ExtraInformation, "\u{a0}=cmd|' /C calc'!A0");
    let wrong = changed(changed(wrong, F::StartDate, "14/07/2026"), F::EndDate, "14/07/2026");
    let later = changed(changed(second_day("B", "17:00"), F::StartDate, "15/07/2026"), F::EndDate, "15/07/2026");
    let file = write(fixture.db.folder(), "t.xlsx", &[sound[0].clone(), sound[1].clone(), wrong, later]);
    let report = fixture.db.folder().join("it's refused.xlsx");
    let report = report.to_str().expect("a path");
    let (exit, _, stderr) = output_of(&fixture, &["import", file.to_str().expect("a path"), "--report", report]).await;
    assert_eq!(exit, 4, "{stderr}");
    assert!(stderr.contains("next: correct the rejected rows and import them: lectern import '"), "{stderr}");
    let sheet = sheet_of(report);
    let (problems, rows) = (texts(&sheet, 0), texts(&sheet, 1));
    assert!(problems[0].contains("Problem") && problems[1].contains("Location: no location is called"), "{problems:?}");
    assert!(problems[2].contains("rejected with its event"), "{problems:?}");
    assert!(rows[1].contains("6.0") && rows[2].contains("7.0"), "{rows:?}");
    let extra = texts(&sheet, 2 + F::ExtraInformation as u32);
    assert!(extra[1].starts_with("Text(\"'") && extra[1].contains("=cmd"), "{extra:?}");
    // A copy stays in the data folder.
    assert!(fixture.db.folder().join("reports/import-1.xlsx").is_file());

    let (exit, document) = fixture.run(&["import", report]).await;
    assert_eq!(
        (exit, &document["problems"][0]["cell"], &document["problems_total"]),
        (4, &json!("G2"), &json!(1)),
        "{document:#}"
    );
    // Correcting the cell is enough; the added columns are neither imported nor reported.
    let again = document["report"].as_str().expect("a report").to_owned();
    assert_eq!(texts(&sheet_of(&again), 2), texts(&sheet, 2));
    let corrected = corrected_csv(&sheet, fixture.db.folder());
    let (exit, document) = fixture.run(&["import", &corrected]).await;
    assert_eq!(
        (exit, &document["problems"], &document["counts"]["created"]),
        (0, &json!([]), &json!(1)),
        "{document:#}"
    );
}

/// Writes the report as csv, with the right location.
fn corrected_csv(sheet: &Sheet, folder: &std::path::Path) -> String {
    let width = sheet.rows[0].cells.last().expect("a header").column;
    let mut text = String::new();
    for row in &sheet.rows {
        let cells = (0..=width).map(|column| match row.content(column) {
            None => String::new(),
            Some(content) => lectern::workbook::values::display(content, false).unwrap_or_default(),
        });
        let quoted: Vec<String> =
            cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\"").replace("Lndon", "London"))).collect();
        text.push_str(&quoted.join(","));
        text.push('\n');
    }
    let path = folder.join("corrected.csv");
    std::fs::write(&path, text).expect("a file");
    path.to_str().expect("a path").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_timetable_explains_itself_and_its_examples_are_not_imported() {
    let fixture = fixture_for(&[event("A"), second_day("A", "17:00")]).await;
    let file = fixture.db.folder().join("new.xlsx");
    let path = file.to_str().expect("a path");
    assert_eq!(output_of(&fixture, &["import", "template", path]).await.0, 0);
    let (exit, _, stderr) = output_of(&fixture, &["import", "template", path]).await;
    assert!(exit != 0 && stderr.contains("--force"), "{exit} {stderr}");
    let sheet = sheet_of(path);
    let titles = texts(&sheet, F::EventTitle as u32);
    assert_eq!(titles.iter().filter(|title| title.contains("EXAMPLE:")).count(), 2, "{titles:?}");
    let (exit, document) = fixture.run(&["import", path]).await;
    assert!(document["remarks"][0]["message"].as_str().is_some_and(|text| text.contains("example")), "{document:#}");
    let found = (exit, &document["counts"]["events"], &document["problems"]);
    assert_eq!(found, (0, &json!(0), &json!([])), "{document:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_are_listed_and_undone_ones_are_marked() {
    let fixture = fixture_for(&[event("A"), event("B")]).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A"), event("B")]);
    let (exit, stdout, _) = output_of(&fixture, &["import", file.to_str().expect("a path")]).await;
    assert!(exit == 0 && stdout.contains("import 1 of t.xlsx: 2 created, 0 updated, 0 rejected"), "{stdout}");
    let (exit, document) = fixture.run(&["import", "list"]).await;
    let listed = &document["imports"][0];
    assert_eq!(
        (exit, &listed["run_id"], &listed["state"], &listed["counts"]["created"]),
        (0, &json!(1), &json!("done"), &json!(2))
    );

    // What cannot be undone is named with the reason, before and after.
    sqlx::query("UPDATE acted.tutorial_events SET remain_space = 9 WHERE code = 'A'")
        .execute(&fixture.db.pool)
        .await
        .expect("sold");
    let (exit, document) = fixture.run(&["import", "undo", "1", "--no-prompt"]).await;
    let refused = &document["refused"][0];
    assert_eq!((exit, &refused["event"]), (4, &json!("A")), "{document:#}");
    assert!(refused["message"].as_str().is_some_and(|message| message.contains("3 places")), "{document:#}");
    sqlx::query("UPDATE acted.tutorial_events SET remain_space = 12").execute(&fixture.db.pool).await.expect("free");
    let fault = administrate_sim::Action::PayloadError { label: None, message: "not today".into() };
    for operation in ["event.update", "events.delete", "event.delete", "course.delete"] {
        fixture.simulator.add_fault(administrate_sim::Fault::always(operation, fault.clone()));
    }
    fixture.expect_undelivered();
    let (exit, document) = fixture.run(&["import", "undo", "1", "--no-prompt"]).await;
    let refused: Vec<&Value> =
        document["refused"].as_array().expect("a list").iter().map(|one| &one["event"]).collect();
    assert_eq!((exit, refused), (4, vec![&json!("A"), &json!("B")]), "{document:#}");
    assert!(
        document["refused"][0]["message"].as_str().is_some_and(|message| message.contains("not today")),
        "{document:#}"
    );
    let (_, stdout, _) = output_of(&fixture, &["import", "list"]).await;
    assert!(stdout.lines().nth(1).is_some_and(|line| line.contains("\tt.xlsx\tpartly undone\t2\t2\t")), "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn places_sold_are_remembered_through_cuts_and_their_undo() {
    let fixture = fixture_for(&[event("A")]).await;
    let remaining = "SELECT remain_space::bigint FROM acted.tutorial_events";
    let mut last = 0;
    for (places, expected) in [("12", 2), ("5", 0), ("3", 0), ("20", 10), ("", 0), ("11", 1), ("4", 0)] {
        let file = write(fixture.db.folder(), "t.xlsx", &[changed(event("A"), F::MaxPlaces, places)]);
        let (exit, document) = fixture.run(&["import", file.to_str().expect("a path")]).await;
        assert!(exit == 0 || exit == 4, "{document:#}");
        last = document["run_id"].as_i64().expect("a run");
        if places == "12" {
            sqlx::query("UPDATE acted.tutorial_events SET remain_space = 2")
                .execute(&fixture.db.pool)
                .await
                .expect("sold");
        }
        assert_eq!(fixture.count(remaining).await, expected, "{places}: {document:#}");
    }
    assert_eq!(fixture.run(&["import", "undo", &last.to_string(), "--no-prompt"]).await.0, 0);
    assert_eq!(fixture.count(remaining).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_catalogue_is_a_prerequisite() {
    let fixture = fixture_for(&[event("A")]).await;
    let file = write(fixture.db.folder(), "t.xlsx", &[event("A")]);
    sqlx::query("TRUNCATE acted.products CASCADE").execute(&fixture.db.pool).await.expect("emptied");
    let (exit, stdout, stderr) = output_of(&fixture, &["import", file.to_str().expect("a path"), "--dry-run"]).await;
    assert!(exit == 3 && stderr.contains("the catalogue is empty"), "{exit} {stdout} {stderr}");
}
