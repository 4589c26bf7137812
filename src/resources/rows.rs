//! Rows of resources for other callers than the API: read as documents, and written by the same rules.

use axum::http::HeaderMap;
use serde_json::Value;
use sqlx::{Connection, PgConnection, PgPool};

use super::body::{self, Mode};
use super::problems::Problems;
use super::write::{self, WriteRefusal};
use super::{Audience, CascadeGuard, TableResource, WriteRequest, refusal, store};
use crate::error::{Error, Result};
use crate::http::problem::{FieldError, HttpProblem};

/// Returns the documents of all rows in the order of their ids.
///
/// # Errors
/// When the database cannot be read.
pub async fn all(db: &mut PgConnection, resource: &TableResource) -> Result<Vec<Value>> {
    let ids = store::ids(db, resource).await?;
    store::read(db, resource, &ids, &[], Audience::Operator).await
}

/// Returns the document of a row.
///
/// # Errors
/// When the database cannot be read.
pub async fn one(db: &mut PgConnection, resource: &TableResource, id: i64) -> Result<Option<Value>> {
    Ok(store::read(db, resource, &[id], &[], Audience::Operator).await?.pop())
}

/// Returns the problems of given values that follow from the description of the resource alone. What is missing, and what
/// the resource does not know, is no problem.
pub fn check(resource: &TableResource, document: &Value) -> Vec<FieldError> {
    let mut problems = Problems::default();
    body::new_rows(resource, document, &mut problems);
    let errors = problems.check().err().map(|refused| refused.errors().to_vec()).unwrap_or_default();
    errors.into_iter().filter(|error| !["missing_value", "unknown_field"].contains(&error.code)).collect()
}

/// Creates a row, or changes the given fields of the row with an id. Returns its document, or why it is refused.
///
/// A refused row leaves the transaction of the caller usable. `pool`: explains refusals of the database.
///
/// # Errors
/// When the database cannot be reached.
pub async fn write(
    db: &mut PgConnection,
    pool: &PgPool,
    resource: &TableResource,
    id: Option<i64>,
    document: &Value,
) -> Result<Result<Value, HttpProblem>> {
    let mut savepoint = db.begin().await?;
    let mut drafts = Vec::new();
    let written = match id {
        None => {
            let mut problems = Problems::default();
            (drafts, _) = body::new_rows(resource, document, &mut problems);
            let created =
                write::create(&mut savepoint, resource, &WriteRequest::OF_PROGRAM, &mut drafts, problems).await;
            created.map(|mut documents| documents.pop().unwrap_or_default())
        }
        Some(id) => {
            let body = (Mode::Change, document);
            let request = &WriteRequest::OF_PROGRAM;
            write::change(&mut savepoint, resource, request, id, body, &HeaderMap::new(), &mut drafts).await
        }
    };
    match written {
        Ok(document) => {
            savepoint.commit().await?;
            Ok(Ok(document))
        }
        Err(refused) => {
            savepoint.rollback().await?;
            Ok(Err(explained(pool, resource, &drafts, refused).await?))
        }
    }
}

/// Returns the rows whose reference to a row would be set to null by its deletion, as `{"table", "id", "name"}`. Links with
/// Administrate do not count.
///
/// # Errors
/// When the database cannot be read.
pub async fn clearing(db: &mut PgConnection, resource: &TableResource, id: i64) -> Result<Vec<Value>> {
    store::clearing(db, resource, id).await
}

/// Deletes a row that no other row refers to. Returns why it is refused otherwise.
///
/// # Errors
/// When the database cannot be reached.
pub async fn remove(
    db: &mut PgConnection,
    pool: &PgPool,
    resource: &TableResource,
    id: i64,
    guards: &[CascadeGuard],
) -> Result<Result<(), HttpProblem>> {
    let mut savepoint = db.begin().await?;
    let request = &WriteRequest::OF_PROGRAM;
    match write::remove(&mut savepoint, resource, request, id, &HeaderMap::new(), false, guards).await {
        Ok(_) => {
            savepoint.commit().await?;
            Ok(Ok(()))
        }
        Err(refused) => {
            savepoint.rollback().await?;
            Ok(Err(explained(pool, resource, &[], refused).await?))
        }
    }
}

async fn explained(
    pool: &PgPool,
    resource: &TableResource,
    drafts: &[super::RowDraft],
    refused: WriteRefusal,
) -> Result<HttpProblem> {
    match refused {
        WriteRefusal::Request(problem) => Ok(problem),
        WriteRefusal::Database(error @ Error::Database(sqlx::Error::Database(_))) => {
            Ok(refusal::explain(pool, resource, drafts, error).await)
        }
        WriteRefusal::Included { error, child, rows } => Ok(refusal::explain(pool, child, &rows, error).await),
        WriteRefusal::Database(error) => Err(error),
    }
}
