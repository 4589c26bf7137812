//! SQL of the list of lessons. Pages are found by the values of the last row, so that each costs the same.

mod conditions;
mod search;

use sqlx::{Connection, PgConnection, Postgres, QueryBuilder};

pub use self::conditions::{ListSource, add_conditions};
use self::search::prepare;
pub use self::search::{WordPlaces, places};
use crate::error::Result;
use crate::lessons::rights::{LessonRole, LessonScope};

/// A value by which lessons are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LessonSort {
    pub name: &'static str,
    pub is_descending: bool,
}

/// The names of the values by which lessons can be ordered, the SQL expression of each, and its type.
pub const SORTS: [(&str, &str, &str); 7] = [
    ("session_date", "item.session_date", "date"),
    ("start_time", "item.start_time", "time"),
    ("status", "COALESCE(item.status, '')", "text"),
    (
        "priority_level",
        "CASE item.priority_level WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 WHEN 'urgent' THEN 4 ELSE 0 END",
        "int",
    ),
    ("student_name", STUDENT_NAME, "text"),
    ("tutor_name", TUTOR_NAME, "text"),
    ("created_at", "COALESCE(item.created_at, '-infinity')", "timestamp"),
];

const STUDENT_NAME: &str = "COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(learner.first_name), ''),
    NULLIF(btrim(learner.father_name), '')), ''), student.username, '')";

const TUTOR_NAME: &str = "COALESCE(NULLIF(concat_ws(' ', NULLIF(btrim(teacher.first_name), ''),
    NULLIF(btrim(teacher.father_name), '')), ''), tutor.username, '')";

/// Which lessons a list has, and where its page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LessonFilter {
    pub statuses: Vec<String>,
    pub modes: Vec<String>,
    pub priorities: Vec<String>,
    pub date_from: Option<String>,
    pub date_to: Option<String>,
    pub tutors: Vec<i64>,
    pub students: Vec<i64>,
    pub enrolments: Vec<i64>,
    pub is_featured: Option<bool>,
    pub is_recurring: Option<bool>,
    /// Only lessons with an alarm.
    pub has_alarm: bool,
    /// Words that topics and names contain.
    pub words: Vec<String>,
    /// Only lessons in which the caller has this role.
    pub role: Option<LessonRole>,
    /// Whether planned lessons of series are on the pages: the parameter `expand`.
    pub is_expanded: bool,
    pub sorts: Vec<LessonSort>,
    /// Values of the last row of the page before, in the order of `sorts`, and its id.
    pub after: Option<(Vec<String>, i64)>,
    /// Lessons on all pages, if an earlier page has counted them.
    pub count: Option<i64>,
    pub limit: i64,
}

impl LessonFilter {
    /// Reports whether the list has the lessons of few people only.
    fn is_narrow(&self, scope: &LessonScope) -> bool {
        let is_own = matches!(scope, LessonScope::Own(_));
        is_own || !(self.tutors.is_empty() && self.students.is_empty() && self.enrolments.is_empty())
    }

    /// Finds where the words of the search are.
    pub async fn places(&self, db: &mut PgConnection, scope: &LessonScope) -> Result<Vec<WordPlaces>> {
        places(db, &self.words, self.is_narrow(scope)).await
    }
}

/// A lesson that a series has and that is no row of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLessonRow {
    /// The first lesson of the series.
    pub series: i64,
    pub day: String,
    /// The day of the rule.
    pub of_rule: String,
}

/// A lesson of a page.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedLesson {
    pub id: i64,
    /// The day of a planned lesson, and the day of its rule.
    pub day: Option<String>,
    pub of_rule: Option<String>,
    keys: Vec<String>,
}

/// A page of lessons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonPage {
    /// Lessons on all pages.
    pub count: i64,
    pub lessons: Vec<ListedLesson>,
    /// Where the next page begins.
    pub next: Option<(Vec<String>, i64)>,
}

/// Returns the first lessons of the series that may have lessons on the pages of an expanded list.
pub async fn series_of(db: &mut PgConnection, scope: &LessonScope, filter: &LessonFilter) -> Result<Vec<i64>> {
    let filter = LessonFilter {
        statuses: Vec::new(),
        date_from: None,
        is_recurring: Some(true),
        words: Vec::new(),
        ..filter.clone()
    };
    let mut query = QueryBuilder::new("SELECT item.id::bigint");
    add_conditions(&mut query, scope, &filter, ListSource::default());
    Ok(query.build_query_scalar().fetch_all(db).await?)
}

/// Returns a page. `planned`: lessons of series that are on the pages too.
pub async fn page(
    db: &mut PgConnection,
    scope: &LessonScope,
    filter: &LessonFilter,
    planned: Option<&[PlannedLessonRow]>,
) -> Result<LessonPage> {
    let words = filter.places(db, scope).await?;
    let source = ListSource { with_names: false, planned, words: &words };
    let count = match filter.count {
        Some(count) => count,
        None => {
            let mut counting = QueryBuilder::new("SELECT count(*)");
            add_conditions(&mut counting, scope, filter, source);
            counting.build_query_scalar().persistent(false).fetch_one(&mut *db).await?
        }
    };
    let mut query = page_query("", scope, filter, source);
    let mut transaction = db.begin().await?;
    prepare(&mut transaction, &words).await?;
    // The values decide which index is the best one.
    let mut lessons: Vec<ListedLesson> = query.build_query_as().persistent(false).fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    let size = usize::try_from(filter.limit).unwrap_or_default();
    let is_more = lessons.len() > size;
    lessons.truncate(size);
    let next = lessons.last().filter(|_| is_more).map(|last| (last.keys.clone(), last.id));
    Ok(LessonPage { count, lessons, next })
}

/// Returns how PostgreSQL finds the lessons of a page, with the time that it takes.
pub async fn explain(db: &mut PgConnection, scope: &LessonScope, filter: &LessonFilter) -> Result<Vec<String>> {
    let started = std::time::Instant::now();
    let words = filter.places(db, scope).await?;
    let source = ListSource { words: &words, ..ListSource::default() };
    let of_words = started.elapsed().as_secs_f64() * 1000.0;
    let mut query = page_query("EXPLAIN (ANALYZE, TIMING OFF) ", scope, filter, source);
    let mut transaction = db.begin().await?;
    prepare(&mut transaction, &words).await?;
    let mut lines: Vec<String> = query.build_query_scalar().persistent(false).fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    if !words.is_empty() {
        lines.push(format!("Words Time: {of_words:.3} ms"));
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
    let planned = source.planned;
    let by_name = filter.sorts.iter().any(|sort| sort.name.ends_with("_name"));
    let keys: Vec<(&str, &str, bool)> = filter.sorts.iter().map(|sort| key_of(*sort)).collect();
    let shown: Vec<String> = keys.iter().map(|(expression, ..)| format!("({expression})::text")).collect();
    let place = match planned {
        Some(_) => "CASE WHEN item.of_rule IS NOT NULL THEN item.session_date END::text AS day, item.of_rule::text",
        None => "NULL::text AS day, NULL::text AS of_rule",
    };
    let mut query = QueryBuilder::new(format!(
        "{prefix}SELECT item.id::bigint AS id, {place}, ARRAY[{}]::text[] AS keys",
        shown.join(", ")
    ));
    add_conditions(&mut query, scope, filter, ListSource { with_names: by_name, ..source });
    if let Some((values, id)) = &filter.after {
        add_start(&mut query, &keys, values, *id);
    }
    let order = |(expression, _, is_descending): &(&str, &str, bool)| {
        format!("{expression}{}", if *is_descending { " DESC" } else { "" })
    };
    let mut order: Vec<String> = keys.iter().map(order).collect();
    order.push(if is_last_descending(&keys) { "item.id DESC".to_owned() } else { "item.id".to_owned() });
    query.push(format!(" ORDER BY {} LIMIT ", order.join(", "))).push_bind(filter.limit + 1);
    query
}

fn key_of(sort: LessonSort) -> (&'static str, &'static str, bool) {
    let known = SORTS.iter().find(|(name, ..)| *name == sort.name).unwrap_or(&SORTS[0]);
    (known.1, known.2, sort.is_descending)
}

fn is_last_descending(keys: &[(&str, &str, bool)]) -> bool {
    keys.last().is_some_and(|(.., is_descending)| *is_descending)
}

/// Adds the condition for the rows after the last one of the page before.
fn add_start(query: &mut QueryBuilder<Postgres>, keys: &[(&str, &str, bool)], values: &[String], id: i64) {
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
