//! Deletes lessons of a series.

use axum::http::HeaderMap;

use super::division;
use super::target::{LessonTarget, SeriesPlace};
use crate::http::problem::HttpProblem;
use crate::lessons::api::series::to_store;
use crate::lessons::store::{occurrences, series as series_store};
use crate::resources::api::{CallerTransaction, CallerWrite};

/// Deletes the lessons that a request means. A completed one among them refuses all.
pub async fn remove(write: CallerWrite<'_>, target: &LessonTarget, headers: &HeaderMap) -> Result<(), HttpProblem> {
    let mut transaction = write.begin().await?;
    match target {
        LessonTarget::Lesson(id) => {
            occurrences::lock(transaction.db(), *id).await?;
            for lesson in occurrences::made(transaction.db(), *id).await? {
                transaction.remove(lesson.id, &HeaderMap::new()).await?;
            }
            transaction.remove(*id, headers).await?;
        }
        LessonTarget::One(place) => remove_one(&mut transaction, place).await?,
        LessonTarget::Following(place) => remove_following(&mut transaction, place).await?,
    }
    transaction.commit().await
}

async fn remove_one(transaction: &mut CallerTransaction<'_>, place: &SeriesPlace) -> Result<(), HttpProblem> {
    let (head, day) = (place.head_id(), place.occurrence.rule_day());
    occurrences::lock(transaction.db(), head).await?;
    if place.is_first() {
        division::separate_first(transaction.db(), place).await?;
        return transaction.remove(head, &HeaderMap::new()).await;
    }
    let mut series = place.series.clone();
    series.exceptions.insert(day);
    series_store::set(transaction.db(), &to_store(head, &series)).await?;
    let made = occurrences::made(transaction.db(), head).await?;
    match made.iter().find(|lesson| lesson.day == day) {
        Some(lesson) => transaction.remove(lesson.id, &HeaderMap::new()).await,
        None => Ok(()),
    }
}

async fn remove_following(transaction: &mut CallerTransaction<'_>, place: &SeriesPlace) -> Result<(), HttpProblem> {
    let (head, day) = (place.head_id(), place.occurrence.rule_day());
    occurrences::lock(transaction.db(), head).await?;
    let before = place.series.before(place.occurrence);
    for lesson in occurrences::made(transaction.db(), head).await?.iter().filter(|lesson| lesson.day >= day) {
        transaction.remove(lesson.id, &HeaderMap::new()).await?;
    }
    division::end(transaction.db(), head, &before).await
}
