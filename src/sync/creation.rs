//! What Administrate does not have of ours is created there, if somebody wants it (FR-003).
//!
//! After a run, never during it: one summary, then each entity is decided about, all, chosen ones, or none. What is to be
//! created goes through the outbox, so that nothing is created twice, and is delivered at once. What the tenant's API
//! cannot create is listed, to be created by hand.

use std::sync::Arc;

use administrate::Client;
use sqlx::PgPool;

use super::entity::Entity;
use super::matching::Ours;
use super::findings::Trouble;
use super::report::{CreatedThere, Report};
use super::run::Sync;
use super::table::shown;
use crate::bridges::reference::{Kind, store};
use crate::cli::Context;
use crate::console::Console;
use crate::delivery::{Worker, creations, drain};
use crate::error::Result;
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
        let told = report.errors.len();
        if let Err(error) = create_of(context, pool, sync, decider, report).await {
            let message = format!("nothing could be created in Administrate: {error}");
            report.trouble(Trouble { external_id: None, message });
        }
        report.errors.iter().skip(told).for_each(|trouble| console.say(format_args!("  {}", trouble.message)));
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
        let lines: Vec<String> = records.iter().map(with_suggestions).collect();
        console.say(format_args!("{}:", capitalised(report.entity.plural())));
        let places = choose(console, "create which in Administrate?", &lines)?;
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
    console.say(format_args!("{} unmatched, skipped and logged", report.entity.counted(count)));
    tracing::info!(count, entity = %report.entity, "records of ours without a match in Administrate were skipped");
}

fn summarise(console: &Console, reports: &[&mut Report]) {
    console.say("Administrate does not have all of ours. It lacks");
    let lacks = |report: &&mut Report| report.entity.counted(report.unmatched_local.len());
    reports.iter().for_each(|report| console.say(format_args!("  {}", lacks(report))));
}

fn by_hand(console: &Console, report: &Report, why: &str) {
    console.say(format_args!("{} cannot be created from here:", capitalised(report.entity.plural())));
    console.say(format_args!("  {why}"));
    console.say("to be created in Administrate by hand:");
    report.unmatched_local.iter().for_each(|record| console.say(format_args!("  {}", with_suggestions(record))));
}

/// A record that may stand there under another name is told with that name.
fn with_suggestions(record: &Ours) -> String {
    let name = shown(&record.name);
    match record.suggestions.as_slice() {
        [] => name.to_owned(),
        names => format!("{name} (is it theirs called {}?)", names.join(" or ")),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
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
    context.console.say(format_args!("{} created in Administrate", report.entity.counted(count)));
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
pub(super) fn choose(console: &Console, question: &str, lines: &[String]) -> Result<Vec<usize>> {
    for (at, line) in (1..).zip(lines) {
        console.say(format_args!("{at:>4}. {line}"));
    }
    loop {
        let answer = console.line(format_args!("{question} all, none, or numbers like 1,3-5 [none]"))?;
        match chosen(&answer, lines.len()) {
            Some(places) => return Ok(places),
            None => {
                console.say(format_args!("\"{answer}\" is neither of these; the numbers go from 1 to {}", lines.len()))
            }
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
