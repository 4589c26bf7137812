//! Copies the reference data of Administrate's side to `acted.tutorial_*`, and links both.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;

use super::matching::{Decision, KnownPerson, decide, user_name, users_of};
use super::report::{RowReport, listed};
use super::store::{self, Linked, LinkedPerson};
use crate::console::counted;
use crate::error::Result;
use crate::names::fold;

/// Copies what has texts of its own in `adm`. `has` reports whether a table has a column.
pub async fn reference_data(
    db: &mut PgConnection,
    has: &impl Fn(&str, &str) -> bool,
    report: &mut RowReport,
) -> Result<()> {
    if has("course_templates", "code") {
        templates(db, has, report).await?;
    }
    if has("locations", "name") {
        locations(db, has, report).await?;
    }
    if has("venues", "name") {
        venues(db, has, report).await?;
    }
    if ["first_name", "last_name", "email"].iter().any(|column| has("instructors", column)) {
        instructors(db, has, report).await?;
    }
    Ok(())
}

/// Codes are compared exactly: those that differ only in case are two course templates.
async fn templates(db: &mut PgConnection, has: &impl Fn(&str, &str) -> bool, report: &mut RowReport) -> Result<()> {
    let rows = unlinked(store::templates(db, has).await?, |row| &row.code, "course_templates", "code", report);
    let own = store::own_templates(db).await?;
    let mut taken: HashSet<i64> = own.iter().filter(|own| own.is_linked).map(|own| own.id).collect();
    let mut by_code: HashMap<String, i64> = own.iter().map(|own| (own.name.clone(), own.id)).collect();
    let mut by_fold: HashMap<String, Vec<String>> = HashMap::new();
    for own in &own {
        by_fold.entry(fold(&own.name)).or_default().push(own.name.clone());
    }
    let is_new = |row: &&Linked| !by_code.contains_key(&row.code);
    let mut new: Vec<&Linked> = rows.iter().filter(is_new).collect();
    // The first row of a code counts.
    let mut codes = HashSet::new();
    new.retain(|row| codes.insert(row.code.clone()));
    for (row, id) in new.iter().zip(store::add_templates(db, &new).await?) {
        by_code.insert(row.code.clone(), id);
        by_fold.entry(fold(&row.code)).or_default().push(row.code.clone());
    }
    let (mut links, created) = (Vec::new(), new.len());
    for row in &rows {
        match by_code.get(&row.code) {
            Some(id) if taken.insert(*id) => links.push((row.id, *id)),
            _ => report.problems.push(format!(
                "adm.course_templates: row {} has the code \"{}\" of another row: it is not linked, its texts stay in \
                 lectern.archive",
                row.id, row.code
            )),
        }
    }
    let mut equal: Vec<&Vec<String>> = by_fold.values().filter(|codes| codes.len() > 1).collect();
    equal.sort();
    report.notes.extend(equal.into_iter().map(|codes| {
        format!("course templates \"{}\" differ only in case or spaces: they stay apart", codes.join("\", \""))
    }));
    store::link(db, "adm.course_templates", "tutorial_course_template_id", &links).await?;
    report.changes.push(summary("course template", created, links.len()));
    Ok(())
}

async fn locations(db: &mut PgConnection, has: &impl Fn(&str, &str) -> bool, report: &mut RowReport) -> Result<()> {
    let rows = unlinked(store::locations(db, has).await?, |row| &row.name, "locations", "name", report);
    let own = store::own_locations(db).await?;
    let free = own.iter().filter(|own| !own.is_linked).map(|own| (own.id, fold(&own.name)));
    let keys: Vec<String> = rows.iter().map(|row| fold(&row.name)).collect();
    let decisions = decide(&keys, &free.collect::<Vec<_>>());
    let (mut links, new) = sorted_out(&rows, &decisions, "location", report);
    links.extend(new.iter().map(|row| row.id).zip(store::add_locations(db, &new).await?));
    store::link(db, "adm.locations", "tutorial_location_id", &links).await?;
    report.changes.push(summary("location", new.len(), links.len()));
    Ok(())
}

/// Venues are compared by name and location.
async fn venues(db: &mut PgConnection, has: &impl Fn(&str, &str) -> bool, report: &mut RowReport) -> Result<()> {
    let rows = unlinked(store::venues(db, has).await?, |row| &row.name, "venues", "name", report);
    let own = store::own_venues(db).await?;
    // The third part keeps a venue apart whose location is not known locally.
    let free = own.iter().filter(|own| !own.is_linked).map(|own| (own.id, (fold(&own.name), own.location, false)));
    let key = |row: &Linked| (fold(&row.name), row.location, row.is_placed && row.location.is_none());
    let decisions = decide(&rows.iter().map(key).collect::<Vec<_>>(), &free.collect::<Vec<_>>());
    let (mut links, new) = sorted_out(&rows, &decisions, "venue", report);
    links.extend(new.iter().map(|row| row.id).zip(store::add_venues(db, &new).await?));
    store::link(db, "adm.venues", "tutorial_venue_id", &links).await?;
    report.changes.push(summary("venue", new.len(), links.len()));
    Ok(())
}

/// Returns links with existing records, and the rows to create; reports the others.
fn sorted_out<'a>(
    rows: &'a [Linked],
    decisions: &[Decision],
    what: &str,
    report: &mut RowReport,
) -> (Vec<(i64, i64)>, Vec<&'a Linked>) {
    let (mut links, mut new) = (Vec::new(), Vec::new());
    for (row, decision) in rows.iter().zip(decisions) {
        match decision {
            Decision::Link(id) => links.push((row.id, *id)),
            Decision::Create => new.push(row),
            Decision::Undecided => report.problems.push(undecided(what, row)),
        }
    }
    (links, new)
}

/// Returns the rows to link; reports those whose key is blank.
fn unlinked(
    rows: Vec<Linked>,
    key: impl Fn(&Linked) -> &String,
    table: &str,
    column: &str,
    report: &mut RowReport,
) -> Vec<Linked> {
    let rows = rows.into_iter().filter(|row| row.link.is_none());
    let (named, blank): (Vec<Linked>, Vec<Linked>) = rows.partition(|row| !fold(key(row)).is_empty());
    if !blank.is_empty() {
        let ids: Vec<i64> = blank.iter().map(|row| row.id).collect();
        report.notes.push(format!("adm.{table}: rows {} have no {column}: they are not linked", listed(&ids)));
    }
    named
}

fn undecided(what: &str, row: &Linked) -> String {
    format!(
        "adm.{what}s: row {} is called \"{}\", and so are several {what}s or rows: it is not linked, its texts stay in \
         lectern.archive",
        row.id, row.name
    )
}

async fn instructors(db: &mut PgConnection, has: &impl Fn(&str, &str) -> bool, report: &mut RowReport) -> Result<()> {
    let rows = store::instructors(db, has).await?.into_iter().filter(|row| row.link.is_none());
    let (rows, blank): (Vec<LinkedPerson>, Vec<LinkedPerson>) =
        rows.partition(|row| !fold(&person(row).full_name()).is_empty() || !fold(&row.email).is_empty());
    if !blank.is_empty() {
        let ids: Vec<i64> = blank.iter().map(|row| row.id).collect();
        let ids = listed(&ids);
        report.notes.push(format!("adm.instructors: rows {ids} have neither name nor e-mail: they are not linked"));
    }
    let mut names: HashSet<String> = store::user_names(db).await?.into_iter().map(|name| name.to_lowercase()).collect();
    let people: Vec<KnownPerson> = rows.iter().map(person).collect();
    let found = users_of(&people, &store::users(db).await?);
    let (mut known, mut new) = (Vec::new(), Vec::new());
    for ((row, person), found) in rows.iter().zip(&people).zip(found) {
        if let Ok(Some(user)) = found {
            known.push((row, user));
            continue;
        }
        let name = user_name(person, &mut names);
        if found.is_err() {
            report.notes.push(format!(
                "adm.instructors: row {} ({}) and several users or rows have one name or e-mail: it got a user of its own, \
                 {name}",
                row.id,
                shown(person)
            ));
        }
        new.push((row, name));
    }
    let users = store::add_users(db, &new).await?;
    known.extend(new.iter().map(|(row, _)| *row).zip(users));
    let links = store::instructors_of_users(db, &known).await?;
    store::link(db, "adm.instructors", "tutorial_instructor_id", &links).await?;
    report.changes.push(summary("instructor", new.len(), links.len()));
    if !new.is_empty() {
        let created: Vec<String> = new.iter().map(|(row, name)| format!("{} ({name})", shown(&person(row)))).collect();
        report.changes.push(format!("users who cannot sign in were created for {}", created.join(", ")));
    }
    Ok(())
}

fn shown(person: &KnownPerson) -> String {
    let name = person.full_name();
    if name.is_empty() { person.email.clone() } else { name }
}

fn person(row: &LinkedPerson) -> KnownPerson {
    KnownPerson {
        id: row.id,
        first_name: row.first_name.clone(),
        last_name: row.last_name.clone(),
        email: row.email.clone(),
        is_linked: false,
    }
}

fn summary(noun: &str, created: usize, linked: usize) -> String {
    format!("{} linked, {created} of them created in acted", counted(linked, noun))
}
