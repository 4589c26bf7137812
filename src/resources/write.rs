//! Creation, change and deletion of rows in the caller's transaction.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use sqlx::PgConnection;

use super::body::{self, Mode};
use super::problems::Problems;
use super::store;
use super::{CascadeGuard, FieldSource, RowDraft, TableResource, ValueKind};
use crate::error::Error;
use crate::http::etag;
use crate::http::problem::HttpProblem;

/// Why a row is not written.
#[derive(Debug)]
pub(super) enum WriteRefusal {
    /// The request is wrong.
    Request(HttpProblem),
    /// PostgreSQL refused a statement.
    Database(Error),
}

impl From<HttpProblem> for WriteRefusal {
    fn from(problem: HttpProblem) -> Self {
        Self::Request(problem)
    }
}

impl From<Error> for WriteRefusal {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

type WriteResult<T> = Result<T, WriteRefusal>;

/// Creates all rows or none, and returns their documents.
pub(super) async fn create(
    db: &mut PgConnection,
    resource: &TableResource,
    drafts: &mut [RowDraft],
    mut problems: Problems,
) -> WriteResult<Vec<Value>> {
    check_references(db, resource, drafts, &mut problems).await?;
    problems.check()?;
    let mut problems = Problems::default();
    resource.hooks.before(db, drafts, &mut problems).await?;
    problems.check()?;
    let ids = store::insert(db, resource, drafts).await?;
    for (draft, id) in drafts.iter_mut().zip(&ids) {
        draft.id = Some(*id);
    }
    write_lists(db, resource, drafts).await?;
    let mut problems = Problems::default();
    resource.hooks.after(db, drafts, &mut problems).await?;
    problems.check()?;
    Ok(store::read(db, resource, &ids, &[], false).await?)
}

/// Changes a row and returns its document. `attempted` receives the row for the message of a refusal.
pub(super) async fn change(
    db: &mut PgConnection,
    resource: &TableResource,
    id: i64,
    (mode, body): (Mode, &Value),
    headers: &HeaderMap,
    attempted: &mut Vec<RowDraft>,
) -> WriteResult<Value> {
    let current = locked(db, resource, id, headers, false).await?;
    let mut problems = Problems::default();
    let mut draft = body::changed_row(resource, body, mode, &current, &mut problems);
    draft.id = Some(id);
    check_references(db, resource, std::slice::from_ref(&draft), &mut problems).await?;
    problems.check()?;
    let mut drafts = vec![draft];
    let mut problems = Problems::default();
    resource.hooks.before(db, &mut drafts, &mut problems).await?;
    problems.check()?;
    let mut merged = drafts[0].clone();
    merged.values = current.as_object().cloned().unwrap_or_default();
    merged.values.extend(drafts[0].values.clone());
    attempted.push(merged);
    store::update(db, resource, id, &drafts[0].values).await?;
    write_lists(db, resource, &drafts).await?;
    let mut problems = Problems::default();
    resource.hooks.after(db, &drafts, &mut problems).await?;
    problems.check()?;
    store::read(db, resource, &[id], &[], false).await?.pop().ok_or_else(|| unknown_row(resource).into())
}

/// Deletes a row.
///
/// # Errors
/// 409 with the rows that forbid it, or with those that would be deleted with it unless the caller `may_cascade`.
pub(super) async fn remove(
    db: &mut PgConnection,
    resource: &TableResource,
    id: i64,
    headers: &HeaderMap,
    may_cascade: bool,
    guards: &[CascadeGuard],
) -> WriteResult<()> {
    locked(db, resource, id, headers, true).await?;
    let found = store::dependents(db, resource, id, guards).await?;
    if !found.blockers.is_empty() {
        let detail = format!("other records refer to this {}: delete or change them first", resource.noun);
        let problem = HttpProblem::new(StatusCode::CONFLICT, detail);
        return Err(problem.with_member("blockers", Value::Array(found.blockers)).into());
    }
    if !found.cascades.is_empty() && !may_cascade {
        let detail = format!(
            "other records would be deleted with this {}: delete them first, or repeat the request with ?cascade=1 as \
             an admin",
            resource.noun
        );
        let rows = Value::Array(found.cascades);
        let problem = HttpProblem::new(StatusCode::CONFLICT, detail).with_member("blockers", rows.clone());
        return Err(problem.with_member("cascades", rows).into());
    }
    store::delete(db, resource, id).await?;
    Ok(())
}

/// Locks a row, checks the preconditions of the request, and returns the document.
async fn locked(
    db: &mut PgConnection,
    resource: &TableResource,
    id: i64,
    headers: &HeaderMap,
    is_deletion: bool,
) -> WriteResult<Value> {
    if !store::lock(db, resource, id, is_deletion).await? {
        return Err(unknown_row(resource).into());
    }
    let document = store::read(db, resource, &[id], &[], false).await?.pop().ok_or_else(|| unknown_row(resource))?;
    let mut matched = etag::check(headers, &document);
    if matched.is_err() && !resource.includes.is_empty() {
        let includes: Vec<_> = resource.includes.iter().collect();
        if let Some(complete) = store::read(db, resource, &[id], &includes, false).await?.pop() {
            matched = etag::check(headers, &complete);
        }
    }
    matched?;
    Ok(document)
}

pub(super) fn unknown_row(resource: &TableResource) -> HttpProblem {
    HttpProblem::new(StatusCode::NOT_FOUND, format!("there is no such {}", resource.noun))
}

async fn check_references(
    db: &mut PgConnection,
    resource: &TableResource,
    drafts: &[RowDraft],
    problems: &mut Problems,
) -> WriteResult<()> {
    let references = body::references(resource, drafts);
    for place in store::unknown_references(db, &references).await? {
        let (table, id, pointer) = &references[place];
        let noun = table.rsplit('.').next().unwrap_or_default().replace('_', " ");
        problems.violated(pointer.clone(), "unknown_reference", format!("there is no row {id} in {noun}"));
    }
    Ok(())
}

/// Writes the links and parts of rows.
async fn write_lists(db: &mut PgConnection, resource: &TableResource, drafts: &[RowDraft]) -> WriteResult<()> {
    for field in resource.fields {
        let given = drafts.iter().filter_map(|draft| Some((draft.id?, draft.values.get(field.name)?.clone())));
        match (&field.source, &field.kind) {
            (FieldSource::Links(links), _) => {
                let given: Vec<_> = given.collect();
                if !given.is_empty() {
                    store::set_links(db, links, &given).await?;
                }
            }
            (FieldSource::Parts(parts), ValueKind::Items(fields)) => {
                let given: Vec<_> = given.collect();
                if !given.is_empty() {
                    store::set_parts(db, parts, fields, &given).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
