//! Makes enrolments for tutors and students that have lesson sessions but no enrolment.

use sqlx::PgConnection;

use super::options::{LessonOptions, NAME};
use super::situation::Situation;
use super::store::{self, CopyPhase, Journal};
use crate::console::counted;
use crate::error::Result;
use crate::migrate::catalog::Relation;
use crate::migrate::moves::receipt::MoveReceipt;
use crate::migrate::moves::store as moves_store;
use crate::migrate::moves::survey::refuse;

/// Makes the enrolments if they are required, before the rows are copied.
pub async fn create_enrolments(
    db: &mut PgConnection,
    situation: &Situation,
    source: Option<&Relation>,
    options: &LessonOptions,
    journal: &mut Journal,
) -> Result<()> {
    let Some(source) = source.filter(|_| options.create_enrolments) else { return Ok(()) };
    let table = situation.catalog.table("public", "enrolled_students");
    let package = table.and_then(|table| table.column("package_id"));
    if package.is_some_and(|column| !column.is_optional()) {
        let sql = "ALTER TABLE public.enrolled_students ALTER COLUMN package_id DROP NOT NULL".to_owned();
        moves_store::execute(db, &[sql]).await?;
        journal.needs_package = true;
    }
    let made = store::create_enrolments(db, &source.sql_name()).await?;
    if !made.is_empty() {
        journal.changes.push(format!("make {}", counted(made.len(), "enrolment")));
    }
    journal.enrolments.extend(made);
    Ok(())
}

/// Makes the enrolments after the move, and gives them to the lessons that have none.
pub async fn enrol_later(db: &mut PgConnection, options: &LessonOptions) -> Result<MoveReceipt> {
    let mut receipt = MoveReceipt { name: NAME.to_owned(), ..MoveReceipt::default() };
    let Some(mut progress) = store::progress(db).await?.filter(|_| options.create_enrolments) else {
        return Ok(receipt);
    };
    let situation = Situation::read(db).await?;
    let Some(archive) = progress.source.and_then(|oid| moves_store::table_of(&situation.catalog, oid)) else {
        return Ok(receipt);
    };
    refuse(&situation.enrolment_problem().into_iter().collect::<Vec<_>>())?;
    create_enrolments(db, &situation, Some(archive), options, &mut progress.journal).await?;
    let lessons = store::enrol(db, &archive.sql_name()).await?;
    if lessons > 0 {
        let lessons = counted(usize::try_from(lessons).unwrap_or(usize::MAX), "lesson");
        receipt.changes.push(format!("give {lessons} an enrolment"));
        progress.journal.changes.extend(receipt.changes.clone());
        store::save(db, CopyPhase::Done, &progress.journal).await?;
    }
    Ok(receipt)
}
