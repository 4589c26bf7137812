//! Creation, change and deletion of rows in the caller's transaction.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use sqlx::PgConnection;

use super::body::{self, Mode};
use super::problems::Problems;
use super::store;
use super::{Audience, CascadeGuard, Deletion, FieldSource, Include, RowDraft, TableResource, ValueKind, WriteRequest};
use crate::config::Config;
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
    /// PostgreSQL refused rows of another resource that are created with the row.
    Included { error: Error, child: &'static TableResource, rows: Vec<RowDraft> },
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

/// Creates all rows or none with their included ones, and returns their documents.
pub(super) async fn create(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &WriteRequest<'_>,
    drafts: &mut [RowDraft],
    mut problems: Problems,
) -> WriteResult<Vec<Value>> {
    check_references(db, resource, drafts, &mut problems).await?;
    problems.check()?;
    create_rows(db, resource, request, drafts).await?;
    let ids: Vec<i64> = drafts.iter().filter_map(|draft| draft.id).collect();
    let has_children = |name: &str| drafts.iter().any(|draft| draft.children.iter().any(|(known, _)| *known == name));
    let includes: Vec<&Include> = resource.includes.iter().filter(|include| has_children(include.name)).collect();
    documents(db, resource, request, &ids, &includes).await
}

/// Inserts rows, then the rows of other resources that are created with them.
async fn create_rows(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &WriteRequest<'_>,
    drafts: &mut [RowDraft],
) -> WriteResult<()> {
    insert_rows(db, resource, request, drafts).await?;
    check_rows(db, resource, request, drafts).await?;
    for include in resource.includes {
        let Some((child, own)) = body::child_of(resource, include.name) else { continue };
        let mut rows = Vec::new();
        for draft in drafts.iter_mut() {
            let owner = Value::from(draft.id);
            for (_, children) in draft.children.iter_mut().filter(|(name, _)| *name == include.name) {
                rows.extend(children.drain(..).map(|mut row| {
                    row.values.insert(own.to_owned(), owner.clone());
                    row
                }));
            }
        }
        if rows.is_empty() {
            continue;
        }
        match insert_rows(db, child, request, &mut rows).await {
            Ok(()) => check_rows(db, child, request, &rows).await?,
            // The drafts explain a refusal of the database.
            Err(WriteRefusal::Database(error)) => return Err(WriteRefusal::Included { error, child, rows }),
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(())
}

async fn insert_rows(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &WriteRequest<'_>,
    drafts: &mut [RowDraft],
) -> WriteResult<()> {
    let mut problems = Problems::default();
    resource.hooks.before(db, request, drafts, &mut problems).await?;
    problems.check()?;
    let ids = store::insert(db, resource, drafts).await?;
    for (draft, id) in drafts.iter_mut().zip(&ids) {
        draft.id = Some(*id);
    }
    write_lists(db, resource, drafts).await
}

async fn check_rows(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &WriteRequest<'_>,
    drafts: &[RowDraft],
) -> WriteResult<()> {
    let mut problems = Problems::default();
    resource.hooks.after(db, request, drafts, &mut problems).await?;
    Ok(problems.check()?)
}

/// Changes a row and returns its document. `attempted` receives the row for the message of a refusal.
pub(super) async fn change(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &WriteRequest<'_>,
    id: i64,
    (mode, body): (Mode, &Value),
    headers: &HeaderMap,
    attempted: &mut Vec<RowDraft>,
) -> WriteResult<Value> {
    let current = locked(db, resource, request, id, headers, false).await?;
    let mut problems = Problems::default();
    let mut draft = body::changed_row(resource, body, mode, &current, &mut problems);
    draft.id = Some(id);
    let given: Vec<&Include> = resource.includes.iter().filter(|include| draft.given.contains(include.name)).collect();
    if !given.is_empty() {
        let complete = document(db, resource, request, id, &given).await?;
        body::check_included_rows(resource, body, &complete, &mut problems);
    }
    check_references(db, resource, std::slice::from_ref(&draft), &mut problems).await?;
    problems.check()?;
    let mut drafts = vec![draft];
    let mut problems = Problems::default();
    resource.hooks.before(db, request, &mut drafts, &mut problems).await?;
    problems.check()?;
    let mut merged = drafts[0].clone();
    merged.values = current.as_object().cloned().unwrap_or_default();
    merged.values.extend(drafts[0].values.clone());
    attempted.push(merged);
    store::update(db, resource, id, &drafts[0].values).await?;
    write_lists(db, resource, &drafts).await?;
    check_rows(db, resource, request, &drafts).await?;
    document(db, resource, request, id, &[]).await
}

/// What a deletion did.
#[derive(Debug)]
pub(super) enum RowRemoval {
    Now,
    /// The document of a row that is deleted later.
    Later(Value),
}

/// Deletes a row.
///
/// # Errors
/// 409 with the rows that forbid it, or with those that would be deleted with it unless the caller `may_cascade`.
pub(super) async fn remove(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &WriteRequest<'_>,
    id: i64,
    headers: &HeaderMap,
    may_cascade: bool,
    guards: &[CascadeGuard],
) -> WriteResult<RowRemoval> {
    let current = locked(db, resource, request, id, headers, true).await?;
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
    let mut problems = Problems::default();
    let deletion = resource.hooks.before_deletion(db, request, &current, &mut problems).await?;
    problems.check()?;
    match deletion {
        Deletion::Now => {
            store::delete(db, resource, id).await?;
            Ok(RowRemoval::Now)
        }
        Deletion::Later => Ok(RowRemoval::Later(document(db, resource, request, id, &[]).await?)),
    }
}

/// Returns the documents that a writer sees.
async fn documents(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &WriteRequest<'_>,
    ids: &[i64],
    includes: &[&Include],
) -> WriteResult<Vec<Value>> {
    let mut documents = store::read(db, resource, ids, includes, request.audience).await?;
    complete(resource, request.config, request.audience, &mut documents);
    Ok(documents)
}

async fn document(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &WriteRequest<'_>,
    id: i64,
    includes: &[&Include],
) -> WriteResult<Value> {
    let found = documents(db, resource, request, &[id], includes).await?.pop();
    found.ok_or_else(|| unknown_row(resource).into())
}

/// Completes documents with what only the settings know.
pub(super) fn complete(resource: &TableResource, config: Option<&Config>, audience: Audience, documents: &mut [Value]) {
    if let (Some(complete), Some(config)) = (resource.complete, config) {
        documents.iter_mut().for_each(|document| complete(config, audience, document));
    }
}

/// Locks a row, checks the preconditions of the request, and returns the document.
async fn locked(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &WriteRequest<'_>,
    id: i64,
    headers: &HeaderMap,
    is_deletion: bool,
) -> WriteResult<Value> {
    if !store::lock(db, resource, id, is_deletion).await? {
        return Err(unknown_row(resource).into());
    }
    let current = document(db, resource, request, id, &[]).await?;
    if etag::check(headers, &current).is_err() && !matches_other_view(db, resource, request, id, headers).await? {
        etag::check(headers, &current)?;
    }
    Ok(current)
}

/// Reports whether the precondition holds for the document as others see it, or with its included parts.
async fn matches_other_view(
    db: &mut PgConnection,
    resource: &TableResource,
    request: &WriteRequest<'_>,
    id: i64,
    headers: &HeaderMap,
) -> WriteResult<bool> {
    let all: Vec<&Include> = resource.includes.iter().collect();
    for audience in Audience::ALL {
        for includes in [&[][..], &all] {
            let mut documents = store::read(db, resource, &[id], includes, audience).await?;
            complete(resource, request.config, audience, &mut documents);
            if documents.iter().any(|document| etag::check(headers, document).is_ok()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
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

/// Writes the details, links and parts of rows.
async fn write_lists(db: &mut PgConnection, resource: &TableResource, drafts: &[RowDraft]) -> WriteResult<()> {
    if let Some(details) = &resource.details {
        store::set_details(db, resource, details, drafts).await?;
    }
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
