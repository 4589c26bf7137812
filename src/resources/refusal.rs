//! Refusals of PostgreSQL as problems that name the rule and the field, also for rules that Lectern does not know.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgDatabaseError;

use super::body::field_of_column;
use super::problems::Problems;
use super::store;
use super::{RowDraft, TableResource};
use crate::error::{Error, Result};
use crate::http::problem::HttpProblem;

/// The code of an exception that a trigger raises.
const RAISED: &str = "P0001";

/// The rule that refused a change.
struct BrokenRule {
    code: String,
    table: String,
    constraint: String,
    column: Option<String>,
}

impl BrokenRule {
    fn of(error: &Error) -> Option<BrokenRule> {
        let Error::Database(sqlx::Error::Database(refusal)) = error else { return None };
        let refusal = refusal.try_downcast_ref::<PgDatabaseError>()?;
        let table = format!("{}.{}", refusal.schema().unwrap_or_default(), refusal.table().unwrap_or_default());
        Some(BrokenRule {
            code: refusal.code().to_owned(),
            table: if refusal.table().is_some() { table } else { String::new() },
            constraint: refusal.constraint().unwrap_or_default().to_owned(),
            column: refusal.column().map(str::to_owned),
        })
    }
}

/// Returns the response to a refused write. `drafts`: the rows of the request with all their values.
pub(super) async fn explain(pool: &PgPool, resource: &TableResource, drafts: &[RowDraft], error: Error) -> HttpProblem {
    let Some(rule) = BrokenRule::of(&error) else { return error.into() };
    if rule.code == RAISED {
        return HttpProblem::new(StatusCode::CONFLICT, error.to_string());
    }
    match problem_of(pool, resource, drafts, &rule).await {
        Ok(Some(problem)) => {
            tracing::debug!(%error, rule = rule.constraint, "the database refused a change");
            problem
        }
        Ok(None) => error.into(),
        Err(error) => error.into(),
    }
}

async fn problem_of(
    pool: &PgPool,
    resource: &TableResource,
    drafts: &[RowDraft],
    rule: &BrokenRule,
) -> Result<Option<HttpProblem>> {
    let fields = fields_of(pool, resource, rule).await?;
    let mut problems = Problems::default();
    match rule.code.as_str() {
        "23505" => unique(pool, resource, drafts, rule, &fields, &mut problems).await?,
        "23514" => {
            let message = format!("violates the rule {} of {}", rule.constraint, rule.table);
            // Of a start and an end, the end is at fault.
            let last = resource.fields.iter().rev().map(|field| field.name).find(|name| fields.contains(name));
            add_violation(drafts, last, "invalid_value", &message, &mut problems);
        }
        "23502" => {
            let column = rule.column.clone().unwrap_or_default();
            let field = field_of_column(resource, &column).filter(|_| rule.table == resource.table);
            let message = match field {
                Some(_) => "must not be null".to_owned(),
                None => format!(
                    "the column {column} of {} needs a value that the API does not write: give the column a default, or \
                     refer to a row that exists (a person's is user_id)",
                    rule.table
                ),
            };
            add_violation(drafts, field, "invalid_value", &message, &mut problems);
        }
        // Foreign keys, restrictions and exclusions, also deferred ones.
        code if code.starts_with("23") => return Ok(Some(conflict(rule, &fields))),
        code if code.starts_with("22") => {
            let message = "the database cannot store a value of this request: it is too long or out of range";
            add_violation(drafts, None, "invalid_value", message, &mut problems);
        }
        _ => return Ok(None),
    }
    Ok(problems.check().err())
}

/// Returns the fields of a rule on the table of the resource.
async fn fields_of(pool: &PgPool, resource: &TableResource, rule: &BrokenRule) -> Result<Vec<&'static str>> {
    if rule.table != resource.table || rule.constraint.is_empty() {
        return Ok(Vec::new());
    }
    let mut connection = pool.acquire().await?;
    let columns = store::columns_of_constraint(&mut connection, &rule.table, &rule.constraint).await?;
    Ok(columns.iter().filter_map(|column| field_of_column(resource, column)).collect())
}

fn add_violation(
    drafts: &[RowDraft],
    field: Option<&'static str>,
    code: &'static str,
    message: &str,
    problems: &mut Problems,
) {
    // PostgreSQL does not say which row of a list it was.
    let pointer = match (drafts, field) {
        ([draft], Some(field)) => draft.pointer_of(field),
        _ => String::new(),
    };
    let message = match field {
        Some(field) if pointer.is_empty() => format!("{field} of a row {message}"),
        _ => message.to_owned(),
    };
    problems.violated(pointer, code, message);
}

fn conflict(rule: &BrokenRule, fields: &[&str]) -> HttpProblem {
    let detail = match (rule.code.as_str(), rule.table.as_str(), fields) {
        ("23503" | "23001", table, []) if !table.is_empty() => format!(
            "the rule {} of {table} refuses the change: other records refer to this one, or a record that it refers to \
             does not exist",
            rule.constraint
        ),
        (_, "", _) => format!("the rule {} of the database refuses the change", rule.constraint),
        (_, table, []) => format!("the rule {} of {table} refuses the change", rule.constraint),
        (_, table, fields) => {
            format!("the rule {} of {table} refuses the change of {}", rule.constraint, fields.join(", "))
        }
    };
    let mut problem = HttpProblem::new(StatusCode::CONFLICT, detail);
    if matches!(rule.code.as_str(), "23503" | "23001") {
        problem = problem.with_member("blockers", Value::Array(Vec::new()));
    }
    problem
}

/// Finds the rows whose values are not unique, in the request itself and in the table.
async fn unique(
    pool: &PgPool,
    resource: &TableResource,
    drafts: &[RowDraft],
    rule: &BrokenRule,
    fields: &[&'static str],
    problems: &mut Problems,
) -> Result<()> {
    let Some(last) = fields.last() else {
        problems.taken("", format!("the rule {} of {} refuses equal values", rule.constraint, rule.table));
        return Ok(());
    };
    let message = format!("another {} has this {} already", resource.noun, fields.join(" and "));
    let mut connection = pool.acquire().await?;
    let mut places: BTreeSet<usize> =
        store::rows_with_equal_values(&mut connection, resource, fields, drafts).await?.into_iter().collect();
    let mut seen = BTreeSet::new();
    for (place, draft) in drafts.iter().enumerate() {
        let key: Vec<String> =
            fields.iter().map(|field| draft.values.get(*field).unwrap_or(&Value::Null).to_string()).collect();
        if !seen.insert(key) {
            places.insert(place);
        }
    }
    for draft in places.iter().filter_map(|place| drafts.get(*place)) {
        problems.taken(draft.pointer_of(last), message.clone());
    }
    if places.is_empty() {
        let pointer =
            drafts.first().filter(|_| drafts.len() == 1).map_or_else(String::new, |draft| draft.pointer_of(last));
        problems.taken(pointer, message);
    }
    Ok(())
}
