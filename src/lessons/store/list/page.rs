//! SQL of a page: which lessons are on it, and how many there are on all pages.

use std::time::Instant;

use serde_json::Value;
use sqlx::{Connection, PgConnection, Postgres, QueryBuilder};

use super::conditions::{ListSource, add_conditions};
use super::search::{LessonSearch, WordTest, add_words, prefer_order, prepare};
use super::{LessonCount, LessonFilter, LessonPage, LessonSort, ListedLesson, PlannedLessonRow, SORTS};
use crate::error::Result;
use crate::lessons::rights::LessonScope;

/// How many of the next lessons are tested for frequent words, before the index returns all lessons with them.
const NEAR: i64 = 10_000;

/// The most lessons with frequent words that are counted, as far as estimates know.
const COUNTED: i64 = 20_000;

/// Returns a page. `planned`: lessons of series that are on the pages too.
pub async fn page(
    db: &mut PgConnection,
    scope: &LessonScope,
    filter: &LessonFilter,
    planned: Option<&[PlannedLessonRow]>,
) -> Result<LessonPage> {
    let mut transaction = db.begin().await?;
    prepare(&mut transaction).await?;
    let search = filter.search(&mut transaction, scope).await?;
    let source = match planned {
        Some(_) => ListSource { planned, test: WordTest::Rows, ..ListSource::of(&search) },
        None => ListSource::of(&search),
    };
    let mut lessons = match near(&mut transaction, scope, filter, source).await? {
        Some(lessons) => lessons,
        // The values decide which index is the best one.
        None => {
            let mut query = page_query("", scope, filter, source);
            query.build_query_as().persistent(false).fetch_all(&mut *transaction).await?
        }
    };
    let size = usize::try_from(filter.limit).unwrap_or_default();
    let is_more = lessons.len() > size;
    let count = match filter.count {
        Some(count) => count,
        None if filter.after.is_none() && !is_more => LessonCount::exact(lessons.len()),
        None => counted(&mut transaction, scope, filter, source).await?,
    };
    transaction.rollback().await?;
    lessons.truncate(size);
    let next = lessons.last().filter(|_| is_more).map(|last| (last.keys.clone(), last.id));
    Ok(LessonPage { count, lessons, next })
}

/// Returns how many lessons are on all pages. Counting very many lessons with frequent words would take longer than their page.
async fn counted(
    db: &mut PgConnection,
    scope: &LessonScope,
    filter: &LessonFilter,
    source: ListSource<'_>,
) -> Result<LessonCount> {
    if source.search.is_frequent() && source.planned.is_none() {
        let mut query = QueryBuilder::new("EXPLAIN (FORMAT JSON) SELECT");
        add_conditions(&mut query, scope, filter, source);
        let plan: Value = query.build_query_scalar().persistent(false).fetch_one(&mut *db).await?;
        let lessons = plan[0]["Plan"]["Plan Rows"].as_i64().unwrap_or_default();
        if lessons > COUNTED {
            return Ok(LessonCount { lessons, is_estimate: true });
        }
    }
    let mut query = QueryBuilder::new("SELECT count(*)");
    add_conditions(&mut query, scope, filter, source);
    let lessons = query.build_query_scalar().persistent(false).fetch_one(db).await?;
    Ok(LessonCount { lessons, is_estimate: false })
}

/// Returns the page of a search that finds many lessons, if it is among the next ones in its order. None: it is further away,
/// or the search finds few, so that they are read at once.
async fn near(
    db: &mut PgConnection,
    scope: &LessonScope,
    filter: &LessonFilter,
    source: ListSource<'_>,
) -> Result<Option<Vec<ListedLesson>>> {
    if !source.search.is_frequent() || source.planned.is_some() || !filter.is_in_order_of_an_index() {
        return Ok(None);
    }
    let mut transaction = db.begin().await?;
    prefer_order(&mut transaction).await?;
    let mut query = near_query("", scope, filter, source);
    let lessons: Vec<ListedLesson> = query.build_query_as().persistent(false).fetch_all(&mut *transaction).await?;
    let mut is_complete = i64::try_from(lessons.len()).is_ok_and(|found| found > filter.limit);
    if !is_complete {
        let mut query = QueryBuilder::new(format!("SELECT count(*) < {NEAR} FROM (SELECT"));
        add_near(&mut query, scope, filter);
        query.push(") AS near");
        is_complete = query.build_query_scalar().persistent(false).fetch_one(&mut *transaction).await?;
    }
    transaction.rollback().await?;
    Ok(is_complete.then_some(lessons))
}

/// Returns how PostgreSQL finds the lessons of a page, with the times that it takes.
pub async fn explain(db: &mut PgConnection, scope: &LessonScope, filter: &LessonFilter) -> Result<Vec<String>> {
    const EXPLAIN: &str = "EXPLAIN (ANALYZE, TIMING OFF) ";
    let mut transaction = db.begin().await?;
    prepare(&mut transaction).await?;
    let started = Instant::now();
    let search = filter.search(&mut transaction, scope).await?;
    let source = ListSource::of(&search);
    let of_words = started.elapsed();
    let started = Instant::now();
    counted(&mut transaction, scope, filter, source).await?;
    let of_count = started.elapsed();
    let mut lines: Vec<String> = Vec::new();
    if search.is_frequent() && filter.is_in_order_of_an_index() {
        let mut savepoint = transaction.begin().await?;
        prefer_order(&mut savepoint).await?;
        let mut query = near_query(EXPLAIN, scope, filter, source);
        lines = query.build_query_scalar().persistent(false).fetch_all(&mut *savepoint).await?;
        savepoint.rollback().await?;
    }
    if near(&mut transaction, scope, filter, source).await?.is_none() {
        let mut query = page_query(EXPLAIN, scope, filter, source);
        let more: Vec<String> = query.build_query_scalar().persistent(false).fetch_all(&mut *transaction).await?;
        lines.extend(more);
    }
    transaction.rollback().await?;
    for (what, time) in [("Words", of_words), ("Count", of_count)] {
        lines.push(format!("{what} Time: {:.3} ms", time.as_secs_f64() * 1000.0));
    }
    Ok(lines)
}

/// Returns the query of a page, with one more lesson, which says whether there is a next page.
fn page_query(
    prefix: &str,
    scope: &LessonScope,
    filter: &LessonFilter,
    source: ListSource<'_>,
) -> QueryBuilder<Postgres> {
    let mut query = begin_query(prefix, filter, source);
    let with_names = filter.sorts.iter().any(|sort| sort.name.ends_with("_name"));
    let words_first = source.search.is_frequent() && source.planned.is_none();
    add_conditions(&mut query, scope, filter, ListSource { with_names, words_first, ..source });
    add_start(&mut query, filter);
    add_order(&mut query, filter, filter.limit + 1);
    query
}

/// Returns the query of a page that is looked for among the next lessons.
fn near_query(
    prefix: &str,
    scope: &LessonScope,
    filter: &LessonFilter,
    source: ListSource<'_>,
) -> QueryBuilder<Postgres> {
    let mut query = begin_query(prefix, filter, source);
    query.push(" FROM (SELECT item.*");
    add_near(&mut query, scope, filter);
    query.push(") AS item WHERE true");
    add_words(&mut query, source.search, WordTest::Rows);
    add_order(&mut query, filter, filter.limit + 1);
    query
}

/// Adds the next lessons in their order, with the words or without.
fn add_near(query: &mut QueryBuilder<Postgres>, scope: &LessonScope, filter: &LessonFilter) {
    add_conditions(query, scope, filter, ListSource::of(&LessonSearch::default()));
    add_start(query, filter);
    add_order(query, filter, NEAR);
}

fn begin_query(prefix: &str, filter: &LessonFilter, source: ListSource<'_>) -> QueryBuilder<Postgres> {
    let shown: Vec<String> = keys(filter).iter().map(|(expression, ..)| format!("({expression})::text")).collect();
    let place = match source.planned {
        Some(_) => "CASE WHEN item.of_rule IS NOT NULL THEN item.session_date END::text AS day, item.of_rule::text",
        None => "NULL::text AS day, NULL::text AS of_rule",
    };
    QueryBuilder::new(format!(
        "{prefix}SELECT item.id::bigint AS id, {place}, ARRAY[{}]::text[] AS keys",
        shown.join(", ")
    ))
}

fn add_order(query: &mut QueryBuilder<Postgres>, filter: &LessonFilter, limit: i64) {
    let keys = keys(filter);
    let order = |(expression, _, is_descending): &(&str, &str, bool)| {
        format!("{expression}{}", if *is_descending { " DESC" } else { "" })
    };
    let mut order: Vec<String> = keys.iter().map(order).collect();
    order.push(if is_last_descending(&keys) { "item.id DESC".to_owned() } else { "item.id".to_owned() });
    query.push(format!(" ORDER BY {} LIMIT ", order.join(", "))).push_bind(limit);
}

fn keys(filter: &LessonFilter) -> Vec<(&'static str, &'static str, bool)> {
    filter.sorts.iter().map(|sort| key_of(*sort)).collect()
}

fn key_of(sort: LessonSort) -> (&'static str, &'static str, bool) {
    let known = SORTS.iter().find(|(name, ..)| *name == sort.name).unwrap_or(&SORTS[0]);
    (known.1, known.2, sort.is_descending)
}

fn is_last_descending(keys: &[(&str, &str, bool)]) -> bool {
    keys.last().is_some_and(|(.., is_descending)| *is_descending)
}

/// Adds the condition for the rows after the last one of the page before.
fn add_start(query: &mut QueryBuilder<Postgres>, filter: &LessonFilter) {
    let Some((values, id)) = &filter.after else { return };
    let (keys, id) = (&keys(filter)[..], *id);
    let is_one_way = keys.iter().all(|(.., is_descending)| *is_descending == is_last_descending(keys));
    if is_one_way {
        // A comparison of rows is one range of an index.
        let columns: Vec<&str> = keys.iter().map(|(expression, ..)| *expression).collect();
        let operator = if is_last_descending(keys) { "<" } else { ">" };
        query.push(format!(" AND ({}, item.id) {operator} (", columns.join(", ")));
        for ((_, kind, _), value) in keys.iter().zip(values) {
            query.push_bind(value.clone()).push(format!("::text::{kind}, "));
        }
        query.push_bind(id).push(")");
        return;
    }
    let id_operator = if is_last_descending(keys) { "<" } else { ">" };
    query.push(" AND (false");
    for last in 0..=keys.len() {
        query.push(" OR (true");
        for (place, (expression, kind, is_descending)) in keys.iter().enumerate().take(last + 1) {
            let operator = match (place == last, is_descending) {
                (false, _) => "=",
                (true, true) => "<",
                (true, false) => ">",
            };
            query.push(format!(" AND {expression} {operator} "));
            query.push_bind(values[place].clone()).push(format!("::text::{kind}"));
        }
        if last == keys.len() {
            query.push(format!(" AND item.id {id_operator} ")).push_bind(id);
        }
        query.push(")");
    }
    query.push(")");
    // The same condition on the first key alone lets an index find the beginning.
    if let (Some((expression, kind, is_descending)), Some(value)) = (keys.first(), values.first()) {
        query.push(format!(" AND {expression} {} ", if *is_descending { "<=" } else { ">=" }));
        query.push_bind(value.clone()).push(format!("::text::{kind}"));
    }
}
