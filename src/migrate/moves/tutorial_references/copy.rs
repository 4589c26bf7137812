//! Copies the reference data of Administrate's side to `acted.tutorial_*`, and links both.

use sqlx::PgConnection;

use super::Report;
use super::matching::{Named, Person, Places, Unresolved, user_name, user_of};
use super::store::{self, Linked, LinkedPerson};
use crate::console::counted;
use crate::error::Result;
use crate::names::fold;

/// Copies what has texts of its own in `adm`. `has` tells whether a table has a column.
pub(super) async fn reference_data(
    db: &mut PgConnection,
    has: &impl Fn(&str, &str) -> bool,
    report: &mut Report,
) -> Result<()> {
    if has("course_templates", "code") && has("course_templates", "title") && has("course_templates", "active") {
        templates(db, report).await?;
    }
    if has("locations", "name") && has("locations", "code") && has("locations", "active") {
        locations(db, report).await?;
    }
    if has("venues", "name") && has("venues", "description") {
        venues(db, report).await?;
    }
    if has("instructors", "first_name") && has("instructors", "last_name") && has("instructors", "email") {
        instructors(db, report).await?;
    }
    Ok(())
}

async fn templates(db: &mut PgConnection, report: &mut Report) -> Result<()> {
    let rows = store::templates(db).await?;
    let mut own = store::own_templates(db).await?;
    let (mut links, mut created) = (Vec::new(), 0);
    for row in rows.iter().filter(|row| row.link.is_none() && !row.code.is_empty()) {
        if let Some((id, _)) = own.iter().find(|(_, code)| *code == row.code) {
            links.push((row.id, *id));
            continue;
        }
        if let Some((id, code)) = own.iter().find(|(_, code)| fold(code) == fold(&row.code)) {
            report.problems.push(format!(
                "course templates {code} ({id}) and {} differ only in their letters: they stay two",
                row.code
            ));
        }
        let id = store::add_template(db, row).await?;
        own.push((id, row.code.clone()));
        links.push((row.id, id));
        created += 1;
    }
    store::link(db, "adm.course_templates", "tutorial_course_template_id", &links).await?;
    report.changes.push(summary("course template", created, links.len()));
    Ok(())
}

async fn locations(db: &mut PgConnection, report: &mut Report) -> Result<()> {
    let rows = store::locations(db).await?;
    let own = store::own_locations(db).await?;
    let places = Places::new(own);
    let (mut links, mut created) = (Vec::new(), 0);
    for row in rows.iter().filter(|row| row.link.is_none() && !row.name.trim().is_empty()) {
        let is_alone = rows.iter().filter(|other| fold(&other.name) == fold(&row.name)).count() == 1;
        match places.find(&row.name, None) {
            Ok(id) if is_alone => links.push((row.id, id)),
            Err(Unresolved::Several) => report.problems.push(several("location", row)),
            _ => {
                links.push((row.id, store::add_location(db, row).await?));
                created += 1;
            }
        }
    }
    store::link(db, "adm.locations", "tutorial_location_id", &links).await?;
    report.changes.push(summary("location", created, links.len()));
    Ok(())
}

async fn venues(db: &mut PgConnection, report: &mut Report) -> Result<()> {
    let rows = store::venues(db).await?;
    let own = store::own_venues(db).await?;
    let same = |a: &Named, row: &Linked| fold(&a.name) == fold(&row.name) && a.location == row.location;
    let (mut links, mut created) = (Vec::new(), 0);
    for row in rows.iter().filter(|row| row.link.is_none() && !row.name.trim().is_empty()) {
        let found: Vec<&Named> = own.iter().filter(|venue| same(venue, row)).collect();
        let is_alone =
            rows.iter().filter(|other| fold(&other.name) == fold(&row.name) && other.location == row.location).count()
                == 1;
        match found.as_slice() {
            [one] if is_alone => links.push((row.id, one.id)),
            [_, _, ..] => report.problems.push(several("venue", row)),
            _ => {
                links.push((row.id, store::add_venue(db, row).await?));
                created += 1;
            }
        }
    }
    store::link(db, "adm.venues", "tutorial_venue_id", &links).await?;
    report.changes.push(summary("venue", created, links.len()));
    Ok(())
}

async fn instructors(db: &mut PgConnection, report: &mut Report) -> Result<()> {
    let rows = store::instructors(db).await?;
    let users = store::users(db).await?;
    let mut names = store::user_names(db).await?;
    let (mut links, mut created) = (Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| row.link.is_none()) {
        let person = person(row);
        if person.full_name().is_empty() && person.email.is_empty() {
            report.problems.push(format!("adm.instructors {} has neither a name nor an e-mail: not linked", row.id));
            continue;
        }
        let user = match user_of(&person, &users) {
            Ok(Some(user)) => user,
            found => {
                if found.is_err() {
                    report.problems.push(format!(
                        "several users are called {}: none of them was taken for adm.instructors {}, which got a user of \
                         its own",
                        person.full_name(),
                        row.id
                    ));
                }
                let name = user_name(&person, &names);
                let user = store::add_user(db, row, &name).await?;
                created.push(format!("{} ({name})", person.full_name()));
                names.push(name);
                user
            }
        };
        links.push((row.id, store::instructor_of_user(db, user, row.is_active).await?));
    }
    store::link(db, "adm.instructors", "tutorial_instructor_id", &links).await?;
    report.changes.push(summary("instructor", created.len(), links.len()));
    if !created.is_empty() {
        report.changes.push(format!("users who cannot sign in were created for: {}", created.join(", ")));
    }
    Ok(())
}

fn person(row: &LinkedPerson) -> Person {
    Person {
        id: row.id,
        first_name: row.first_name.clone(),
        last_name: row.last_name.clone(),
        email: row.email.clone(),
    }
}

fn several(what: &str, row: &Linked) -> String {
    format!("several {what}s are called {}: adm.{what}s {} is not linked", row.name, row.id)
}

fn summary(noun: &str, created: usize, linked: usize) -> String {
    format!("{}: {created} created, {linked} linked", counted(linked, noun))
}
