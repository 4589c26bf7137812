//! Approvals of queued events, which are checked at delivery and not when the import enqueues them.

use administrate_sim::Tenant;
use serde_json::json;

use crate::fixtures::import::ImportFixture;
use crate::fixtures::timetable::{changed, event, fixture_for, write};
use lectern::timetable_import::layout::Field as F;
use lectern::timetable_import::sheet::write::RowValues;

/// Stores approvals of every instructor for every template, as a sync does.
async fn store_approvals(fixture: &ImportFixture) {
    let approve = "INSERT INTO lectern.approved_instructors
                SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(approve).execute(&fixture.db.pool).await.expect("stored");
}

async fn queue(fixture: &ImportFixture, lines: &[RowValues]) {
    let file = write(fixture.db.folder(), "t.xlsx", lines);
    let (exit, document) = fixture.run(&["import", file.to_str().expect("a path"), "--deliver", "queue"]).await;
    assert_eq!((exit, &document["delivery"]["pending"]), (4, &json!(lines.len())), "{document}");
}

fn remove_approvals(tenant: &mut Tenant) {
    let numbers: Vec<_> = tenant.templates.iter().map(|(number, _)| number).collect();
    for number in numbers {
        tenant.templates.get_mut(number).expect("a template").approved_instructors.clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_event_with_revoked_approval_is_rejected_until_approved() {
    let lines = [event("A"), changed(event("B"), F::StartTime, "08:00")];
    let fixture = fixture_for(&lines).await;
    store_approvals(&fixture).await;
    queue(&fixture, &lines).await;
    let (_, listed) = fixture.run(&["outbox"]).await;
    assert_eq!(listed["items"][0]["effect"], "create_event", "{listed}");
    let before = fixture.simulator.tenant();
    fixture.simulator.edit(remove_approvals);
    let (exit, document) = fixture.run(&["import", "retry"]).await;
    assert_eq!((exit, &document["delivery"]["failed"]), (4, &json!(2)), "{document}");
    let why = document["undelivered"][0]["error"].as_str().expect("a sentence");
    assert!(why.contains("is not approved for its course template"), "{why}");
    assert_eq!(fixture.simulator.tenant().events.len(), 0, "nothing is written of it");
    assert!(fixture.simulator.requests().of("courseTemplates") <= 2, "one look serves both");

    fixture.simulator.edit(move |tenant| tenant.templates = before.templates);
    let (exit, document) = fixture.run(&["import", "retry"]).await;
    assert_eq!((exit, &document["delivery"]["delivered"]), (0, &json!(2)), "{document}");
    // Current instructors of a delivered event stay, whatever their approval.
    fixture.simulator.edit(remove_approvals);
    queue(&fixture, &[changed(event("A"), F::MaxPlaces, "9")]).await;
    assert_eq!(fixture.run(&["import", "retry"]).await.0, 0);
}
