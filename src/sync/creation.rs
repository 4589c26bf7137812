//! What Administrate does not have of ours is created there, if somebody wants it (FR-003).
//!
//! After a run, never during it: one summary, then each entity is decided about, all, chosen ones, or none. What is to be
//! created goes through the outbox, so that nothing is created twice, and is delivered at once. What the tenant's API
//! cannot create is listed, to be created by hand.

use std::io::BufRead;
use std::sync::Arc;

use administrate::Client;
use sqlx::PgPool;

use super::entity::Entity;
use super::matching::Ours;
use super::plan::Trouble;
use super::report::{CreatedThere, Report};
use super::run::Sync;
use crate::bridges::reference::{Kind, store};
use crate::cli::Context;
use crate::console::Console;
use crate::delivery::{Worker, creations, drain};
use crate::error::{Error, Result};
use crate::outbox::{self, State};
use crate::runs;

/// Who decides what is created in Administrate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider {
    /// Everything is (`--create-remote`).
    All,
    /// The person at the terminal is asked.
    Person,
    /// Nothing is: what is unmatched is logged.
    Nobody,
}

/// The records of one entity that could be created.
struct Wish {
    kind: Kind,
    records: Vec<Ours>,
}

/// Creates what is wanted of the unmatched records that `reports` tell, and notes there what became of it.
pub async fn create_unmatched<'a>(
    context: &Context,
    pool: &PgPool,
    sync: &Sync,
    decider: Decider,
    reports: impl IntoIterator<Item = &'a mut Report>,
) {
    let console = &context.console;
    let mut unmatched: Vec<&mut Report> = reports.into_iter().filter(|report| is_unmatched(report)).collect();
    if unmatched.is_empty() {
        return;
    }
    if decider == Decider::Nobody {
        unmatched.iter().for_each(|report| log_skipped(console, report));
        return;
    }
    summarise(console, &unmatched);
    for report in &mut unmatched {
        if let Err(error) = create_of(context, pool, sync, decider, report).await {
            let message = format!("nothing could be created in Administrate: {error}");
            report.trouble(Trouble { external_id: None, message });
        }
    }
}

/// Creates what is wanted of one entity.
async fn create_of(context: &Context, pool: &PgPool, sync: &Sync, decider: Decider, report: &mut Report) -> Result<()> {
    let console = &context.console;
    let Some(kind) = kind_of(report.entity) else {
        by_hand(console, report, "events come from a timetable: see `lectern outbox` and `lectern import`");
        return Ok(());
    };
    let capabilities = sync.client().capabilities().await?;
    if let Some(why) = creations::obstacle(kind, &capabilities, &context.config) {
        by_hand(console, report, why);
        return Ok(());
    }
    let named = report.unmatched_local.iter().filter(|record| !record.name.trim().is_empty());
    let mut records: Vec<Ours> = named.cloned().collect();
    if decider == Decider::Person {
        let names: Vec<&str> = records.iter().map(|record| record.name.as_str()).collect();
        let question = format!("create these {} in Administrate?", report.entity.plural());
        let places = ask(console, &question, &names)?;
        records = places.into_iter().filter_map(|at| records.get(at).cloned()).collect();
    }
    if records.is_empty() {
        return Ok(());
    }
    create(context, pool, sync, Wish { kind, records }, report).await
}

fn is_unmatched(report: &Report) -> bool {
    !report.dry_run && !report.failed() && !report.unmatched_local.is_empty()
}

fn kind_of(entity: Entity) -> Option<Kind> {
    match entity {
        Entity::Locations => Some(Kind::Location),
        Entity::Venues => Some(Kind::Venue),
        Entity::Instructors => Some(Kind::Instructor),
        Entity::CourseTemplates => Some(Kind::CourseTemplate),
        Entity::CustomFields | Entity::PriceLevels | Entity::CourseTemplatePriceLevels | Entity::Events => None,
    }
}

fn log_skipped(console: &Console, report: &Report) {
    let count = report.unmatched_local.len();
    console.say(format_args!("unmatched {}: {count} skipped and logged", report.entity.plural()));
    tracing::info!(count, entity = %report.entity, "records of ours without a match in Administrate were skipped");
}

fn summarise(console: &Console, reports: &[&mut Report]) {
    let counts = reports.iter().map(|report| format!("{} {}", report.unmatched_local.len(), report.entity.plural()));
    console.say(format_args!("Administrate does not have {} of ours", counts.collect::<Vec<_>>().join(", ")));
}

fn by_hand(console: &Console, report: &Report, why: &str) {
    let (count, plural) = (report.unmatched_local.len(), report.entity.plural());
    console.say(format_args!("{count} {plural} cannot be created in Administrate from here: {why}. By hand:"));
    report.unmatched_local.iter().for_each(|record| console.say(format_args!("  {}", record.name)));
}

/// Enqueues, delivers, and notes what became of it.
async fn create(context: &Context, pool: &PgPool, sync: &Sync, wish: Wish, report: &mut Report) -> Result<()> {
    let run = report.run_id;
    let effects = wish.records.iter().filter_map(|record| creations::effect(wish.kind, record.id, &record.name));
    let effects: Vec<_> = effects.collect();
    let mut tx = pool.begin().await?;
    outbox::enqueue(&mut tx, run, &effects).await?;
    tx.commit().await?;
    deliver(context, pool, sync.client(), report).await?;
    let mut db = pool.acquire().await?;
    for record in wish.records {
        if let Some(external_id) = store::external_id(&mut db, wish.kind, record.id).await? {
            report.created_there(CreatedThere { id: record.id, name: record.name, external_id });
        }
    }
    if let Some(run) = run {
        runs::amend(&mut db, run, report.exit(), report).await?;
    }
    let count = report.created_in_administrate.len();
    context.console.say(format_args!("{count} {} created in Administrate", report.entity.plural()));
    Ok(())
}

/// Delivers at once what the run of a report has asked for, and notes there what could not be delivered.
pub(super) async fn deliver(context: &Context, pool: &PgPool, client: &Client, report: &mut Report) -> Result<()> {
    let worker = Arc::new(Worker::new(pool, client.clone(), &context.config).await?);
    let drained = drain(worker.clone(), report.run_id, &context.stop, |_| ()).await;
    if let Some(worker) = Arc::into_inner(worker) {
        worker.close().await?;
    }
    for outcome in drained?.outcomes.iter().filter(|outcome| outcome.state != State::Delivered) {
        let why = outcome.why.as_deref().unwrap_or("it is still to be delivered");
        let message = format!("{} has not reached Administrate: {why}; see `lectern outbox`", outcome.subject);
        report.trouble(Trouble { external_id: None, message });
    }
    Ok(())
}

/// Asks which of a list are meant; gives their places, from 0.
pub(super) fn ask(console: &Console, question: &str, names: &[&str]) -> Result<Vec<usize>> {
    for (at, name) in (1..).zip(names) {
        console.say(format_args!("  {at}. {name}"));
    }
    loop {
        console.say(format_args!("{question} all, none, or their numbers, e.g. 1,3-5 [none]"));
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.map_err(|error| Error::Failed(format!("the answer cannot be read: {error}")))?;
        match chosen(&answer, names.len()) {
            Some(places) => return Ok(places),
            None => console.say("that is neither of these"),
        }
    }
}

/// The places, from 0, that an answer chooses of so many; none where it is no answer. Saying nothing chooses nothing.
fn chosen(answer: &str, count: usize) -> Option<Vec<usize>> {
    let mut places = Vec::new();
    match answer.trim().to_lowercase().as_str() {
        "" | "none" | "n" | "no" => return Some(places),
        "all" | "a" => return Some((0..count).collect()),
        answer => {
            for part in answer.split([',', ' ']).filter(|part| !part.is_empty()) {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
                if first < 1 || last > count || first > last {
                    return None;
                }
                places.extend(first - 1..last);
            }
        }
    }
    places.sort_unstable();
    places.dedup();
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_choose_places() {
        for (answer, expected) in [
            ("", Some(vec![])),
            ("none\n", Some(vec![])),
            ("ALL", Some(vec![0, 1, 2, 3])),
            ("1, 3-4", Some(vec![0, 2, 3])),
            ("2 2", Some(vec![1])),
            ("0", None),
            ("5", None),
            ("3-2", None),
            ("perhaps", None),
        ] {
            assert_eq!(chosen(answer, 4), expected, "{answer}");
        }
    }
}
