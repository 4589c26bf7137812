//! The state of both sides without ids, so that two runs can be compared.

use std::collections::BTreeSet;
use std::fmt::Write;

use administrate_sim::Tenant;
use administrate_sim::tenant::Number;

use crate::fixtures::import::ImportFixture;

/// Describes everything that an import creates locally and in Administrate, and the links between them.
pub async fn describe(fixture: &ImportFixture) -> String {
    let tenant = fixture.simulator.tenant();
    let mut lines = remote_rows(&tenant);
    for line in local_rows(fixture).await {
        let _ = writeln!(lines, "local: {line}");
    }
    for (title, external_id) in links(fixture).await {
        let titles = tenant.events.iter().map(|(number, event)| (*number, event.title.as_str()));
        let titles = titles.chain(tenant.sessions.iter().map(|(number, session)| (*number, session.title.as_str())));
        let matching: Vec<&str> =
            titles.filter(|(number, _)| Tenant::course_id(*number) == external_id).map(|(_, title)| title).collect();
        let _ = writeln!(lines, "link: {title} is {matching:?}");
    }
    lines
}

/// Returns the first lines that differ.
pub fn difference(expected: &str, found: &str) -> String {
    let (expected, found): (BTreeSet<&str>, BTreeSet<&str>) = (expected.lines().collect(), found.lines().collect());
    let missing: Vec<&&str> = expected.difference(&found).take(3).collect();
    let extra: Vec<&&str> = found.difference(&expected).take(3).collect();
    if missing.is_empty() && extra.is_empty() {
        return "something exists twice".into();
    }
    format!("missing {missing:?}, extra {extra:?}")
}

fn remote_rows(tenant: &Tenant) -> String {
    let mut lines = Vec::new();
    for (number, event) in &tenant.events {
        let template = event.template.and_then(|template| tenant.templates.get(template)).map(|row| row.code.clone());
        lines.push(format!(
            "remote: {} {template:?} {:?} {:?} {:?} {:?} {:?} {:?} places {:?} fields {:?} staff {:?}",
            event.title,
            event.state,
            event.location,
            event.classroom_start,
            event.classroom_end,
            event.lms_start,
            event.lms_end,
            event.max_places,
            event.custom_fields,
            staff(tenant, *number)
        ));
        for (number, session) in tenant.sessions_of(*number) {
            lines.push(format!(
                "remote: {} has {} {:?} {:?} to {:?} at {:?} fields {:?} staff {:?}",
                event.title,
                session.title,
                session.state,
                session.start,
                session.end,
                session.venue,
                session.custom_fields,
                staff(tenant, number)
            ));
        }
    }
    lines.sort();
    lines.join("\n") + "\n"
}

fn staff(tenant: &Tenant, course: Number) -> Vec<(String, bool)> {
    let name = |contact| tenant.contacts.get(contact).map(|contact| contact.full_name()).unwrap_or_default();
    let mut staff: Vec<_> =
        tenant.staff_of(course).map(|(_, staff)| (name(staff.contact), staff.is_administrator)).collect();
    staff.sort();
    staff
}

async fn local_rows(fixture: &ImportFixture) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT concat_ws(' ', e.code, e.start_date, e.end_date, e.remain_space, d.max_places, d.sitting, d.cancelled, s.sequence,
                          s.title, s.start_date, s.end_date, u.username)
         FROM acted.tutorial_events AS e
         JOIN lectern.event_details AS d ON d.tutorial_event_id = e.id
         LEFT JOIN acted.tutorial_sessions AS s ON s.tutorial_event_id = e.id
         LEFT JOIN acted.tutorial_session_instructors AS i ON i.tutorialsessions_id = s.id
         LEFT JOIN acted.tutorial_instructors AS t ON t.id = i.tutorialinstructor_id
         LEFT JOIN acted.staff AS f ON f.id = t.staff_id
         LEFT JOIN public.auth_user AS u ON u.id = f.user_id
         ORDER BY 1",
    )
    .fetch_all(&fixture.db.pool)
    .await
    .expect("events")
}

async fn links(fixture: &ImportFixture) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT e.code, a.external_id FROM acted.tutorial_events AS e JOIN adm.events AS a ON a.tutorial_event_id = e.id
         UNION ALL
         SELECT s.title, a.external_id FROM acted.tutorial_sessions AS s
         JOIN adm.sessions AS a ON a.tutorial_session_id = s.id ORDER BY 1, 2",
    )
    .fetch_all(&fixture.db.pool)
    .await
    .expect("links")
}

/// Returns id, title and error of the items with an unknown outcome.
pub async fn unknown(fixture: &ImportFixture) -> Vec<(i64, String, String)> {
    sqlx::query_as("SELECT id, subject, coalesce(last_error, '') FROM lectern.outbox WHERE state = 'unknown'")
        .fetch_all(&fixture.db.pool)
        .await
        .expect("the outbox")
}

/// Stores what a sync would store, for imports that only enqueue.
pub async fn store_synced_records(fixture: &ImportFixture) {
    let tenant = fixture.simulator.tenant();
    let administrator = tenant.contacts.iter().find(|(_, contact)| contact.full_name() == "Opal Finch");
    let (administrator, _) = administrator.expect("she was just added");
    for insert in [
        "INSERT INTO lectern.approved_instructors
         SELECT t.external_id, i.external_id FROM adm.course_templates AS t, adm.instructors AS i WHERE $1 <> ''",
        "INSERT INTO lectern.administrators (external_id, first_name, last_name) VALUES ($1, 'Opal', 'Finch')",
    ] {
        let stored = sqlx::query(insert).bind(Tenant::contact_id(administrator)).execute(&fixture.db.pool).await;
        stored.expect("stored");
    }
}

/// Makes all pending items due.
pub async fn make_pending_due(fixture: &ImportFixture) {
    let pass = "UPDATE lectern.outbox SET next_attempt_at = now() WHERE state = 'pending'";
    sqlx::query(pass).execute(&fixture.db.pool).await.expect("passed");
}

/// Closes every database connection, as a restart of PostgreSQL does.
pub async fn cut_connections(fixture: &ImportFixture) {
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(cut).execute(&fixture.db.pool).await.expect("cut");
}
