//! Applies the move: the rows are copied in one transaction, or in batches while others write.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::enrolments::{create_enrolments, enrol_later};
use super::findings::findings;
use super::indexes::create_indexes;
use super::options::{LessonOptions, NAME};
use super::pace::Pace;
use super::plan::{row_problems, structure_problems};
use super::recognition::{LessonState, Recognised};
use super::situation::Situation;
use super::store::{self, CopyPhase, Journal};
use super::{receipt, swap};
use crate::error::{Error, Result};
use crate::migrate::attempts::Attempts;
use crate::migrate::catalog::{Relation, quote};
use crate::migrate::moves::locks::EXCLUSIVE;
use crate::migrate::moves::receipt::{MoveReceipt, new_key};
use crate::migrate::moves::store as moves_store;
use crate::migrate::moves::survey::refuse;

/// Notes that are dealt with under the lock.
const FEW: i64 = 200;
/// Moves the rows to `public.sessions`. Returns what was done.
pub async fn lesson_sessions(attempts: &Attempts<'_>, options: &LessonOptions) -> Result<MoveReceipt> {
    let started = Instant::now();
    let progress = attempts.transaction(async |db| store::progress(db).await).await?;
    let phase = progress.map(|progress| progress.phase);
    if phase == Some(CopyPhase::Done) {
        return attempts.transaction(async |db| enrol_later(db, options).await).await;
    }
    if phase.is_none() && attempts.transaction(create_indexes).await? {
        return attempts.transaction(async |db| receipt::receipt(db, started.elapsed()).await).await;
    }
    if phase != Some(CopyPhase::Swapped) {
        let is_moved = if options.offline {
            attempts.transaction(async |db| offline(db, options).await).await?
        } else {
            online(attempts, options).await?
        };
        if !is_moved {
            return Ok(MoveReceipt { name: NAME.to_owned(), ..MoveReceipt::default() });
        }
        attempts.has_changed.store(true, Ordering::Relaxed);
    }
    validate_keys(attempts).await?;
    attempts.transaction(record_the_rest).await?;
    attempts.transaction(finish).await?;
    attempts.transaction(async |db| receipt::receipt(db, started.elapsed()).await).await
}

/// Checks everything that could refuse the move, before anything is changed.
async fn check(db: &mut PgConnection, situation: &Situation, options: &LessonOptions) -> Result<()> {
    refuse(&situation.conflicts(db).await?)?;
    let problem = situation.enrolment_problem().filter(|_| options.create_enrolments);
    refuse(&problem.into_iter().collect::<Vec<_>>())
}

async fn offline(db: &mut PgConnection, options: &LessonOptions) -> Result<bool> {
    let situation = Situation::read(db).await?;
    let found = situation.recognised();
    if found.state != LessonState::Pending && found.conflicts.is_empty() {
        return Ok(false);
    }
    check(db, &situation, options).await?;
    moves_store::prepare_records(db, &new_key()?).await?;
    let keys = inbound_keys(db, &found).await?;
    let (since, is_watched) = (Instant::now(), store::progress(db).await?.is_some());
    swap::lock(db, &found, &keys, is_watched, EXCLUSIVE).await?;
    let source = found.source.map(Relation::sql_name);
    store::discard(db, source.as_deref()).await?;
    let mut journal = Journal::default();
    if let Some(progress) = store::progress(db).await? {
        (journal.enrolments, journal.needs_package) = (progress.journal.enrolments, progress.journal.needs_package);
    }
    store::end(db).await?;
    create_enrolments(db, &situation, found.source, options, &mut journal).await?;
    store::create_functions(db).await?;
    let started = Instant::now();
    store::create_copy(db, false).await?;
    if let Some(source) = found.source {
        store::copy_all(db, &situation.mapping(source)).await?;
    }
    store::finish_copy(db).await?;
    journal.copied_seconds = started.elapsed().as_secs_f64();
    if let Some(source) = found.source {
        prove(db, &situation, source, &mut journal).await?;
    }
    swap::swap(db, &situation, &found, &keys, &mut journal, since).await?;
    store::begin(db, found.source.map(|source| source.oid), &journal).await?;
    store::save(db, CopyPhase::Swapped, &journal).await?;
    Ok(true)
}

async fn inbound_keys(db: &mut PgConnection, found: &Recognised<'_>) -> Result<Vec<store::InboundForeignKey>> {
    match found.source {
        Some(source) => store::inbound_keys(db, source.oid).await,
        None => Ok(Vec::new()),
    }
}

/// Proves that the copy has the rows of the older table.
async fn prove(db: &mut PgConnection, situation: &Situation, source: &Relation, journal: &mut Journal) -> Result<()> {
    let started = Instant::now();
    let (expected, copied) = store::verify_copy(db, &situation.mapping(source)).await?;
    moves_store::content_settings(db).await?;
    let columns: Vec<String> = source.columns.iter().map(|column| column.name.clone()).collect();
    journal.before = Some(moves_store::content(db, &source.sql_name(), &columns).await?);
    journal.before_filenode = source.filenode;
    if expected != copied {
        return Err(Error::Failed(format!(
            "nothing was changed: the copy of {} has {} rows with the hash {}, but {} with the hash {} were expected",
            source.full_name(),
            copied.rows,
            copied.hash,
            expected.rows,
            expected.hash
        )));
    }
    (journal.expected, journal.copied) = (Some(expected), Some(copied));
    journal.verified_seconds = started.elapsed().as_secs_f64();
    Ok(())
}

/// Copies in batches while others write. Every batch is a transaction of its own, so that a later run goes on after it.
async fn online(attempts: &Attempts<'_>, options: &LessonOptions) -> Result<bool> {
    if !attempts.transaction(async |db| begin_online(db, options).await).await? {
        return Ok(false);
    }
    let situation = attempts.transaction(async |db| enrol_online(db, options).await).await?;
    if situation.recognised().source.is_none() {
        return attempts.transaction(async |db| offline(db, options).await).await;
    }
    let mut pace = Pace::new(options);
    loop {
        let (rows, seen) = (pace.rows(Instant::now()), pace.newest());
        let copy = async |db: &mut PgConnection| next_batch(db, &situation, rows, seen).await;
        let (batch, newest) = again(async || attempts.transaction_of_series(&copy).await).await?;
        pace.see(newest, Instant::now());
        if batch.is_none() {
            break;
        }
        wait(attempts, options.pause).await?;
    }
    catch_up(attempts, &situation, &mut pace).await?;
    attempts.transaction(finish_online).await?;
    catch_up(attempts, &situation, &mut pace).await?;
    let proof = attempts.transaction(async |db| prove_online(db, &situation).await).await?;
    loop {
        // The proof takes long, and others have written meanwhile: little may be left for the time under the lock.
        catch_up(attempts, &situation, &mut pace).await?;
        if again(async || attempts.transaction(async |db| swap_online(db, proof.clone()).await).await).await? {
            return Ok(true);
        }
    }
}

/// Runs a transaction again when an enrolment that it had read was deleted before it referred to it.
async fn again<T>(work: impl AsyncFn() -> Result<T>) -> Result<T> {
    for _ in 0..20 {
        match work().await {
            Err(Error::Database(error)) if is_missing_reference(&error) => {}
            ended => return ended,
        }
    }
    work().await
}

fn is_missing_reference(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refusal| refusal.code().as_deref() == Some("23503"))
}

/// Creates what the copy needs, under a lock that others wait for: everything else is done before or after. Returns whether
/// there is something to move.
async fn begin_online(db: &mut PgConnection, options: &LessonOptions) -> Result<bool> {
    let situation = Situation::read(db).await?;
    let found = situation.recognised();
    if found.state != LessonState::Pending && found.conflicts.is_empty() {
        return Ok(false);
    }
    check(db, &situation, options).await?;
    moves_store::prepare_records(db, &new_key()?).await?;
    let Some(source) = found.source else { return Ok(true) };
    let progress = store::progress(db).await?;
    if progress.as_ref().is_some_and(|it| it.source == Some(source.oid) && is_copy_there(&situation)) {
        return Ok(true);
    }
    let mode = if progress.is_some() { EXCLUSIVE } else { "SHARE ROW EXCLUSIVE" };
    swap::lock(db, &found, &[], true, mode).await?;
    store::discard(db, Some(&source.sql_name())).await?;
    store::end(db).await?;
    store::create_copy(db, true).await?;
    store::watch(db, &source.sql_name()).await?;
    let mut journal = Journal::default();
    if let Some(progress) = progress {
        (journal.enrolments, journal.needs_package) = (progress.journal.enrolments, progress.journal.needs_package);
    }
    store::begin(db, Some(source.oid), &journal).await?;
    Ok(true)
}

async fn enrol_online(db: &mut PgConnection, options: &LessonOptions) -> Result<Situation> {
    let situation = Situation::read(db).await?;
    let source = situation.recognised().source;
    if let (Some(_), Some(mut progress)) = (source, store::progress(db).await?) {
        create_enrolments(db, &situation, source, options, &mut progress.journal).await?;
        store::save(db, CopyPhase::Copying, &progress.journal).await?;
    }
    Ok(situation)
}

fn is_copy_there(situation: &Situation) -> bool {
    situation.catalog.table("lectern", "sessions").is_some()
}

async fn wait(attempts: &Attempts<'_>, pause: Duration) -> Result<()> {
    attempts.stop.run_until_cancelled(tokio::time::sleep(pause)).await.ok_or(Error::Cancelled)
}

/// Copies the next rows. Returns them, none if there are no more, and the newest write of others. `seen` is the newest of
/// the writes that were seen before.
async fn next_batch(
    db: &mut PgConnection,
    situation: &Situation,
    rows: i64,
    seen: i64,
) -> Result<(Option<store::Batch>, i64)> {
    let (Some(progress), Some(source)) = (store::progress(db).await?, situation.recognised().source) else {
        return Ok((None, 0));
    };
    store::create_functions(db).await?;
    store::prepare_batch(db).await?;
    let batch = store::copy_batch(db, &situation.mapping(source), progress.last_id, rows).await?;
    if let Some(batch) = batch {
        store::forget_uncopied(db, seen, batch.last_id).await?;
    }
    Ok((batch, store::noted(db).await?.newest))
}

/// Deals with what was written, until little is left for the time under the lock: little at once while others write.
async fn catch_up(attempts: &Attempts<'_>, situation: &Situation, pace: &mut Pace) -> Result<()> {
    pace.begin_notes();
    loop {
        let notes = pace.notes(Instant::now());
        let work = async |db: &mut PgConnection| catch_up_in(db, situation, notes).await;
        let noted = again(async || attempts.transaction_of_series(&work).await).await?;
        let now = Instant::now();
        pace.see(noted.newest, now);
        pace.see_left(noted.left);
        if noted.left < FEW {
            return Ok(());
        }
        wait(attempts, pace.pause_between_notes(now)).await?;
    }
}

async fn catch_up_in(db: &mut PgConnection, situation: &Situation, notes: i64) -> Result<store::Noted> {
    let Some(source) = situation.recognised().source else { return Ok(store::Noted::default()) };
    store::create_functions(db).await?;
    store::prepare_batch(db).await?;
    store::catch_up(db, &situation.mapping(source), notes).await?;
    store::noted(db).await
}

async fn finish_online(db: &mut PgConnection) -> Result<()> {
    store::leave_room(db).await?;
    store::finish_copy(db).await
}

async fn prove_online(db: &mut PgConnection, situation: &Situation) -> Result<Journal> {
    let one_snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned();
    moves_store::execute(db, &[one_snapshot]).await?;
    store::leave_room(db).await?;
    let mut journal = store::progress(db).await?.map(|progress| progress.journal).unwrap_or_default();
    let Some(source) = situation.recognised().source else { return Ok(journal) };
    store::create_functions(db).await?;
    prove(db, situation, source, &mut journal).await?;
    Ok(journal)
}

async fn swap_online(db: &mut PgConnection, mut journal: Journal) -> Result<bool> {
    let situation = Situation::read(db).await?;
    let found = situation.recognised();
    refuse(&situation.conflicts(db).await?)?;
    let Some(source) = found.source else { return Ok(false) };
    store::create_functions(db).await?;
    let (keys, since) = (inbound_keys(db, &found).await?, Instant::now());
    swap::lock(db, &found, &keys, true, EXCLUSIVE).await?;
    if store::outstanding(db, FEW * 10).await? >= FEW * 10 {
        return Ok(false);
    }
    let mapping = situation.mapping(source);
    while store::catch_up(db, &mapping, FEW).await? > 0 {}
    store::discard_triggers(db, &source.sql_name()).await?;
    swap::swap(db, &situation, &found, &keys, &mut journal, since).await?;
    store::save(db, CopyPhase::Swapped, &journal).await?;
    Ok(true)
}

/// Checks the existing rows of foreign keys that were pointed to `public.sessions`; readers and writers go on.
async fn validate_keys(attempts: &Attempts<'_>) -> Result<()> {
    let progress = attempts.transaction(async |db| store::progress(db).await).await?;
    for (table, name) in progress.map(|progress| progress.journal.unvalidated).unwrap_or_default() {
        let sql = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", quote(&name));
        attempts.patiently(async |db| moves_store::execute(db, std::slice::from_ref(&sql)).await).await?;
    }
    Ok(())
}

/// Puts what `sessions` cannot hold into other tables, and says what a person should know.
async fn record_the_rest(db: &mut PgConnection) -> Result<()> {
    let Some(mut progress) = store::progress(db).await?.filter(|progress| !progress.journal.is_recorded) else {
        return Ok(());
    };
    let situation = Situation::read(db).await?;
    let source = progress.source.and_then(|oid| moves_store::table_of(&situation.catalog, oid));
    let journal = &mut progress.journal;
    if let Some(archive) = source {
        let mapping = situation.mapping(archive);
        let former = format!("public.{}", journal.name);
        journal.totals = Some(store::archive_totals(db, &archive.sql_name()).await?);
        journal.problems = structure_problems(archive, &mapping.not_carried_over());
        let (problems, found) = row_problems(db, &situation, archive, &former).await?;
        journal.problems.extend(problems);
        let findings = findings(&mapping);
        store::archive_rows(db, &mapping, &findings, &found, &former).await?;
        store::keep_attendance(db, &mapping).await?;
        // The parts of a series are no known parts of a pattern.
        if found.iter().any(|found| findings.get(found.finding).is_some_and(|row| row.field == "recurring_pattern")) {
            store::keep_series(db, &mapping).await?;
        }
        if let Some(reviews) = mapping.reviews {
            store::take_reviews(db, reviews).await?;
        }
    }
    journal.is_recorded = true;
    store::save(db, CopyPhase::Swapped, journal).await
}

/// Lets triggers note when lessons and enrolments are changed. This needs locks, for which no work is lost that took long.
async fn finish(db: &mut PgConnection) -> Result<()> {
    let Some(progress) = store::progress(db).await? else { return Ok(()) };
    store::watch_history(db).await?;
    store::save(db, CopyPhase::Done, &progress.journal).await
}
