//! Who may teach what is queued is asked when it is delivered: the import that queued it asked nobody.

use administrate_sim::Tenant;
use serde_json::json;

use crate::fixtures::import::ImportFixture;
use crate::fixtures::timetable::{changed, event, fixture_for, write};
use lectern::timetable_import::layout::Field as F;
use lectern::timetable_import::sheet::write::RowValues;

/// Everybody is approved for everything, as the last sync saw it.
async fn approved_once(fixture: &ImportFixture) {
    let keep = "INSERT INTO lectern.approved_instructors
                SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(keep).execute(&fixture.db.pool).await.expect("kept");
}

async fn queue(fixture: &ImportFixture, lines: &[RowValues]) {
    let file = write(fixture.db.folder(), "t.xlsx", lines);
    let (exit, told) = fixture.run(&["import", file.to_str().expect("a path"), "--deliver", "queue"]).await;
    assert_eq!((exit, &told["delivery"]["pending"]), (4, &json!(lines.len())), "{told}");
}

fn nobody_may(tenant: &mut Tenant) {
    let numbers: Vec<_> = tenant.templates.iter().map(|(number, _)| number).collect();
    for number in numbers {
        tenant.templates.get_mut(number).expect("a template").approved_instructors.clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_approval_meanwhile_keeps_the_event_out_until_it_is_given() {
    let lines = [event("A"), changed(event("B"), F::StartTime, "08:00")];
    let fixture = fixture_for(&lines).await;
    approved_once(&fixture).await;
    queue(&fixture, &lines).await;
    let (_, listed) = fixture.run(&["outbox"]).await;
    assert_eq!(listed["items"][0]["effect"], "create_event", "{listed}");
    let before = fixture.simulator.tenant();
    fixture.simulator.edit(nobody_may);
    let (exit, told) = fixture.run(&["import", "retry"]).await;
    assert_eq!((exit, &told["delivery"]["failed"]), (4, &json!(2)), "{told}");
    let why = told["undelivered"][0]["error"].as_str().expect("a sentence");
    assert!(why.contains("is not approved for its course template"), "{why}");
    assert_eq!(fixture.simulator.tenant().events.len(), 0, "nothing is written of it");
    assert!(fixture.simulator.requests().of("courseTemplates") <= 2, "one look serves both");

    fixture.simulator.edit(move |tenant| tenant.templates = before.templates);
    let (exit, told) = fixture.run(&["import", "retry"]).await;
    assert_eq!((exit, &told["delivery"]["delivered"]), (0, &json!(2)), "{told}");
    // Who teaches it already goes on, whatever has become of the approval.
    fixture.simulator.edit(nobody_may);
    queue(&fixture, &[changed(event("A"), F::MaxPlaces, "9")]).await;
    assert_eq!(fixture.run(&["import", "retry"]).await.0, 0);
}
