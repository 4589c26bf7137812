//! Options of imports: local creation of instructors, approvals, and custom fields.

use administrate_sim::tenant::FieldKind;
use administrate_sim::{Action, Fault, When};
use lectern::timetable_import::layout::Field as F;
use lectern::timetable_import::sheet::write::RowValues;
use serde_json::{Value, json};

use crate::fixtures::timetable::{changed, event, fixture_for, second_day, write};

/// Returns an event of two days with another instructor.
fn taught_by(name: &str) -> [RowValues; 2] {
    [changed(changed(event("A"), F::SessionInstructor, name), F::Instructor, name), second_day("A", "17:00")]
}

fn problem_cells(document: &Value) -> Vec<(&Value, &Value)> {
    let problems = document["problems"].as_array().expect("problems").iter();
    problems.map(|problem| (&problem["code"], &problem["cell"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_local_instructor_is_created_on_request() {
    let fixture = fixture_for(&[event("A"), second_day("A", "17:00")]).await;
    fixture.simulator.edit(|tenant| {
        tenant.add_instructor("Nia", "van Quill");
        tenant.add_instructor("Two", "Alike");
        tenant.add_instructor("Two", "Alike");
    });
    let file = write(fixture.db.folder(), "t.xlsx", &taught_by("nia  VAN quill"));
    let file = file.to_str().expect("a path");
    let unknown = json!("unknown_instructor");
    let (exit, plain) = fixture.run(&["import", file]).await;
    assert_eq!((exit, problem_cells(&plain)), (4, vec![(&unknown, &"R4".into()), (&unknown, &"S4".into())]), "{plain}");

    let create = ["import", file, "--create-missing", "instructors"];
    let (exit, rejected) = fixture.run(&create).await;
    let not_approved = json!("not_approved_instructor");
    assert_eq!(
        (exit, problem_cells(&rejected)),
        (4, vec![(&not_approved, &"R4".into()), (&not_approved, &"S4".into())]),
        "{rejected}"
    );
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_instructors").await, 1);

    let both = ["import", file, "--create-missing", "instructors", "--approve-instructors"];
    let (exit, dry) = fixture.run(&[&both[..], &["--dry-run"]].concat()).await;
    assert_eq!((exit, &dry["counts"]["created"]), (0, &1.into()), "{dry}");
    assert_eq!(dry["plan"]["newcomers"][0]["last_name"], "van Quill");
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_instructors").await, 1);

    let (exit, done) = fixture.run(&both).await;
    assert_eq!((exit, &done["delivery"]["delivered"]), (0, &1.into()), "{done}");
    let linked =
        "SELECT count(*) FROM adm.instructors b JOIN acted.tutorial_instructors i ON i.id = b.tutorial_instructor_id
                  JOIN acted.staff s ON s.id = i.staff_id JOIN public.auth_user u ON u.id = s.user_id
                  JOIN acted.tutorial_session_instructors t ON t.tutorialinstructor_id = i.id
                  WHERE u.first_name = 'Nia' AND u.last_name = 'van Quill'";
    assert_eq!(fixture.count(linked).await, 2);

    let (exit, again) = fixture.run(&["import", file]).await;
    assert_eq!((exit, &again["counts"]["unchanged"]), (0, &1.into()), "{again}");

    for (name, message) in [("Two Alike", "2 instructors of"), ("Nobody Anywhere", "no instructor is called")] {
        let file = write(fixture.db.folder(), "other.xlsx", &taught_by(name));
        let (exit, document) = fixture.run(&["import", file.to_str().expect("a path"), create[2], create[3]]).await;
        assert_eq!((exit, problem_cells(&document)[0].0), (4, &unknown), "{document}");
        assert!(document["problems"][0]["message"].as_str().is_some_and(|text| text.contains(message)), "{document}");
    }
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_instructors").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_field_options_are_synced_and_validated() {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    fixture.simulator.edit(|tenant| {
        let sitting = tenant.custom_fields.iter().find(|(_, field)| field.label == "Sitting").map(|(number, _)| number);
        let sitting = sitting.and_then(|number| tenant.custom_fields.get_mut(number)).expect("defined");
        sitting.kind = FieldKind::Choice;
        sitting.options = vec!["2027A".to_owned(), "2027S".to_owned()];
    });
    assert_eq!(fixture.run(&["sync", "custom-fields"]).await.0, 0);
    let (exit, again) = fixture.run(&["sync", "custom-fields"]).await;
    assert_eq!((exit, &again["counts"]["updated"]), (0, &0.into()), "{again}");
    let file = write(fixture.db.folder(), "t.xlsx", &lines);
    let (exit, document) = fixture.run(&["import", file.to_str().expect("a path"), "--dry-run"]).await;
    assert_eq!((exit, problem_cells(&document)), (4, vec![(&json!("invalid_value"), &"Z4".into())]), "{document}");
    assert_eq!(document["problems"][0]["suggestions"], json!(["2027A", "2027S"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_approval_rejects_only_its_events() {
    let taught = |title: &str, template: &str, name: &str| {
        let line = changed(changed(event(title), F::SessionInstructor, name), F::Instructor, name);
        [changed(line, F::Template, template), second_day(title, "17:00")]
    };
    let lines = [
        taught("A", "CB1_f2f_2", "Ada Marlow"),
        taught("B", "CB1_f2f_2", "Bo Reed"),
        taught("C", "CM2_f2f_2", "Ada Marlow"),
    ];
    let fixture = fixture_for(&lines.concat()).await;
    fixture.simulator.edit(|tenant| {
        for template in 1..=2 {
            tenant.templates.get_mut(template).expect("known").approved_instructors.clear();
        }
    });
    let file = write(fixture.db.folder(), "t.xlsx", &lines.concat());
    let import = ["import", file.to_str().expect("a path"), "--approve-instructors"];
    // The first request fails for both instructors of the first template, the second for Ada alone.
    let simulator = &fixture.simulator;
    let refusal = Action::PayloadError { label: None, message: "not allowed".to_owned() };
    simulator.add_fault(Fault { times: 2, ..Fault::first("courseTemplate.update", refusal) });
    let (exit, document) = fixture.run(&import).await;
    let not_approved = json!("not_approved_instructor");
    // Warnings follow: all events use one venue at one time.
    let (cells, found) = ([json!("R4"), json!("S4")], problem_cells(&document));
    assert_eq!((exit, &found[..2]), (4, &[(&not_approved, &cells[0]), (&not_approved, &cells[1])][..]), "{document}");
    let problem = &document["problems"][0];
    assert_eq!(problem["event"], "A");
    let sentence = problem["message"].as_str().expect("a sentence");
    for part in ["Ada Marlow", "CB1_f2f_2", "not allowed"] {
        assert!(sentence.contains(part), "{sentence}");
    }
    assert_eq!((&document["counts"]["created"], &document["delivery"]["delivered"]), (&2.into(), &2.into()));

    // The response of the approval is lost; the import reads it back.
    simulator.clear_faults();
    simulator.add_fault(Fault::first("courseTemplate.update", Action::Reset { when: When::After }));
    let (exit, document) = fixture.run(&import).await;
    assert_eq!((exit, &document["delivery"]["delivered"]), (0, &1.into()), "{document}");
}
