//! Changes lessons of a series.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::division;
use super::target::{LessonTarget, SeriesPlace};
use crate::http::problem::HttpProblem;
use crate::lessons::store::occurrences;
use crate::resources::api::{CallerTransaction, CallerWrite};
use crate::resources::problems::Problems;

/// Fields of a series, which one of its lessons does not have.
const RULE: [&str; 4] = ["is_recurring", "session_frequency", "recurring_pattern", "recurrence"];

/// Changes the lessons that a request means. Returns the document of the first one.
pub async fn change(
    write: CallerWrite<'_>,
    target: &LessonTarget,
    headers: &HeaderMap,
    body: &Value,
) -> Result<Value, HttpProblem> {
    let mut transaction = write.begin().await?;
    let changed = match target {
        LessonTarget::Lesson(id) => transaction.change(*id, headers, body).await?,
        LessonTarget::One(place) => change_one(&mut transaction, place, body).await?,
        LessonTarget::Following(place) => {
            occurrences::lock(transaction.db(), place.head_id()).await?;
            let made = occurrences::made(transaction.db(), place.head_id()).await?;
            let (id, before) = division::begin(transaction.db(), place, &made).await?;
            division::end(transaction.db(), place.head_id(), &before).await?;
            transaction.change(id, &HeaderMap::new(), body).await?
        }
    };
    transaction.commit().await?;
    Ok(changed)
}

async fn change_one(
    transaction: &mut CallerTransaction<'_>,
    place: &SeriesPlace,
    body: &Value,
) -> Result<Value, HttpProblem> {
    let body = without_rule(body, &place.head)?;
    occurrences::lock(transaction.db(), place.head_id()).await?;
    if place.is_first() && is_of_one(&body) {
        return transaction.change(place.head_id(), &HeaderMap::new(), &body).await;
    }
    if place.is_first() {
        division::separate_first(transaction.db(), place).await?;
        return transaction.change(place.head_id(), &HeaderMap::new(), &body).await;
    }
    let made = occurrences::made(transaction.db(), place.head_id()).await?;
    let known = made.iter().find(|lesson| lesson.day == place.occurrence.rule_day()).map(|lesson| lesson.id);
    let id = match known {
        Some(id) => id,
        None => {
            let made = occurrences::make(transaction.db(), place.head_id(), &[place.occurrence]).await?;
            made.first().map(|(id, _)| *id).unwrap_or_default()
        }
    };
    transaction.change(id, &HeaderMap::new(), &body).await
}

/// Reports whether a body says only what the lessons of a series do not have in common.
fn is_of_one(body: &Value) -> bool {
    let is_shared = |name: &str| occurrences::SHARED.contains(&name) || name == "session_date";
    let members = body.as_object();
    body["status"] != "cancelled" && members.is_some_and(|members| !members.keys().any(|name| is_shared(name)))
}

/// Leaves out what a body repeats of the rule of the series.
fn without_rule(body: &Value, head: &Value) -> Result<Value, HttpProblem> {
    let (mut body, mut problems) = (body.clone(), Problems::default());
    if let Some(members) = body.as_object_mut() {
        for field in RULE {
            if members.remove(field).is_some_and(|value| value != head[field]) {
                let message = "belongs to the series: change it with scope=following or scope=all";
                problems.violated(format!("/{field}"), "conflicting_value", message);
            }
        }
    }
    problems.check().map_err(|problem| problem.as_status(StatusCode::UNPROCESSABLE_ENTITY))?;
    Ok(body)
}
