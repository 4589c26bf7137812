//! Who may teach what is queued is asked when it is delivered: the import that queued it asked nobody.

use administrate_sim::Tenant;
use serde_json::json;

use crate::fixtures::import::Rehearsed;
use crate::import::run::{changed, event, rehearsed, write};
use lectern::timetable_import::layout::Field as F;
use lectern::timetable_import::sheet::write::RowValues;

/// Everybody is approved for everything, as the last sync saw it.
async fn approved_once(sides: &Rehearsed) {
    let keep = "INSERT INTO lectern.approved_instructors
                SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i";
    sqlx::query(keep).execute(&sides.world.pool).await.expect("kept");
}

async fn queue(sides: &Rehearsed, lines: &[RowValues]) {
    let file = write(sides.world.folder(), "t.xlsx", lines);
    let (exit, told) = sides.run(&["import", file.to_str().expect("a path"), "--deliver", "queue"]).await;
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
    let sides = rehearsed(&lines).await;
    approved_once(&sides).await;
    queue(&sides, &lines).await;
    let (_, listed) = sides.run(&["outbox"]).await;
    assert_eq!(listed["items"][0]["effect"], "create_event", "{listed}");
    let before = sides.administrate.tenant();
    sides.administrate.edit(nobody_may);
    let (exit, told) = sides.run(&["import", "retry"]).await;
    assert_eq!((exit, &told["delivery"]["failed"]), (4, &json!(2)), "{told}");
    let why = told["undelivered"][0]["error"].as_str().expect("a sentence");
    assert!(why.contains("is not approved for its course template"), "{why}");
    assert_eq!(sides.administrate.tenant().events.len(), 0, "nothing is written of it");
    assert!(sides.administrate.requests().of("courseTemplates") <= 2, "one look serves both");

    sides.administrate.edit(move |tenant| tenant.templates = before.templates);
    let (exit, told) = sides.run(&["import", "retry"]).await;
    assert_eq!((exit, &told["delivery"]["delivered"]), (0, &json!(2)), "{told}");
    // Who teaches it already goes on, whatever has become of the approval.
    sides.administrate.edit(nobody_may);
    queue(&sides, &[changed(event("A"), F::MaxPlaces, "9")]).await;
    assert_eq!(sides.run(&["import", "retry"]).await.0, 0);
}
