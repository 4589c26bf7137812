//! SQL of the list of lessons. Pages are found by the values of the last row, so that each costs the same.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::error::Result;
use crate::lessons::rights::{LessonRole, LessonScope, OwnProfiles};

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
    pub limit: i64,
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
    add_conditions(&mut query, scope, &filter, (false, None));
    Ok(query.build_query_scalar().fetch_all(db).await?)
}

/// Returns a page. `planned`: lessons of series that are on the pages too.
pub async fn page(
    db: &mut PgConnection,
    scope: &LessonScope,
    filter: &LessonFilter,
    planned: Option<&[PlannedLessonRow]>,
) -> Result<LessonPage> {
    let mut counting = QueryBuilder::new("SELECT count(*)");
    add_conditions(&mut counting, scope, filter, (!filter.words.is_empty(), planned));
    let count: i64 = counting.build_query_scalar().fetch_one(&mut *db).await?;

    let by_name = filter.sorts.iter().any(|sort| sort.name.ends_with("_name"));
    let keys: Vec<(&str, &str, bool)> = filter.sorts.iter().map(|sort| key_of(*sort)).collect();
    let shown: Vec<String> = keys.iter().map(|(expression, ..)| format!("({expression})::text")).collect();
    let place = match planned {
        Some(_) => "CASE WHEN item.of_rule IS NOT NULL THEN item.session_date END::text AS day, item.of_rule::text",
        None => "NULL::text AS day, NULL::text AS of_rule",
    };
    let mut query = QueryBuilder::new(format!(
        "SELECT item.id::bigint AS id, {place}, ARRAY[{}]::text[] AS keys",
        shown.join(", ")
    ));
    add_conditions(&mut query, scope, filter, (by_name || !filter.words.is_empty(), planned));
    if let Some((values, id)) = &filter.after {
        add_start(&mut query, &keys, values, *id);
    }
    let order = |(expression, _, is_descending): &(&str, &str, bool)| {
        format!("{expression}{}", if *is_descending { " DESC" } else { "" })
    };
    let mut order: Vec<String> = keys.iter().map(order).collect();
    order.push(if is_last_descending(&keys) { "item.id DESC".to_owned() } else { "item.id".to_owned() });
    query.push(format!(" ORDER BY {} LIMIT ", order.join(", "))).push_bind(filter.limit + 1);
    let mut lessons: Vec<ListedLesson> = query.build_query_as().fetch_all(db).await?;
    let size = usize::try_from(filter.limit).unwrap_or_default();
    let is_more = lessons.len() > size;
    lessons.truncate(size);
    let next = lessons.last().filter(|_| is_more).map(|last| (last.keys.clone(), last.id));
    Ok(LessonPage { count, lessons, next })
}

/// A lesson with an alarm.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AlarmRow {
    pub session_id: i64,
    pub day: String,
    /// The day of the rule, of a lesson of a series.
    pub occurrence: Option<String>,
    pub start_time: String,
    pub minutes: i64,
}

/// Returns the scheduled lessons of a list.
pub async fn alarms(db: &mut PgConnection, scope: &LessonScope, filter: &LessonFilter) -> Result<Vec<AlarmRow>> {
    let mut query = QueryBuilder::new(
        "SELECT item.id::bigint AS session_id, item.session_date::text AS day,
                COALESCE((SELECT link.day FROM lectern.lesson_occurrences AS link WHERE link.session_id = item.id),
                         CASE WHEN item.is_recurring THEN item.session_date END)::text AS occurrence,
                item.start_time::text, COALESCE(item.alarm_before_minutes, 15)::bigint AS minutes",
    );
    add_conditions(&mut query, scope, filter, (false, None));
    query.push(" AND COALESCE(item.status, 'scheduled') = 'scheduled'");
    Ok(query.build_query_as().fetch_all(db).await?)
}

/// Lessons of one status.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StatusTotals {
    pub status: String,
    pub lessons: i64,
    pub minutes: i64,
    /// Lessons by the attendance of the student, as far as a user has set it.
    pub present: i64,
    pub late: i64,
    pub absent: i64,
}

/// Returns the totals of the lessons of a list, by status.
pub async fn totals(db: &mut PgConnection, scope: &LessonScope, filter: &LessonFilter) -> Result<Vec<StatusTotals>> {
    let marked = |status: &str| {
        format!(
            "count(*) FILTER (WHERE item.student_attendance_status = '{status}'
                AND lectern.is_attendance_marked(item.id, 'student', item.student_attendance_status)) AS {status}"
        )
    };
    let mut query = QueryBuilder::new(format!(
        "SELECT COALESCE(item.status, 'scheduled') AS status, count(*) AS lessons,
                COALESCE(sum(COALESCE(item.duration, EXTRACT(epoch FROM item.end_time - item.start_time) / 60)), 0)::bigint
                    AS minutes, {}, {}, {}",
        marked("present"),
        marked("late"),
        marked("absent"),
    ));
    add_conditions(&mut query, scope, filter, (!filter.words.is_empty(), None));
    query.push(" GROUP BY 1 ORDER BY 1");
    Ok(query.build_query_as().fetch_all(db).await?)
}

fn key_of(sort: LessonSort) -> (&'static str, &'static str, bool) {
    let known = SORTS.iter().find(|(name, ..)| *name == sort.name).unwrap_or(&SORTS[0]);
    (known.1, known.2, sort.is_descending)
}

fn is_last_descending(keys: &[(&str, &str, bool)]) -> bool {
    keys.last().is_some_and(|(.., is_descending)| *is_descending)
}

/// The columns that conditions and orders use.
const USED: &str = "id, course_enrollment_id, topics, topics_covered, session_date, start_time, status, session_mode,
    priority_level, is_featured, is_recurring, created_at";

/// Adds the rows and planned lessons of a list.
fn add_source(query: &mut QueryBuilder<Postgres>, planned: Option<&[PlannedLessonRow]>) {
    let Some(planned) = planned else {
        query.push(" FROM public.sessions AS item");
        return;
    };
    query.push(format!(
        " FROM (SELECT {USED}, NULL::date AS of_rule FROM public.sessions UNION ALL
             SELECT head.id, head.course_enrollment_id, head.topics, '[]'::json, planned.day::date, head.start_time,
                    CASE WHEN head.status = 'cancelled' THEN 'cancelled' ELSE 'scheduled' END, head.session_mode,
                    head.priority_level, head.is_featured, false, head.created_at, planned.of_rule::date
             FROM unnest("
    ));
    query.push_bind(planned.iter().map(|row| row.series).collect::<Vec<_>>()).push("::bigint[], ");
    query.push_bind(planned.iter().map(|row| row.day.clone()).collect::<Vec<_>>()).push("::text[], ");
    query.push_bind(planned.iter().map(|row| row.of_rule.clone()).collect::<Vec<_>>());
    query.push(
        "::text[]) AS planned (series, day, of_rule) JOIN public.sessions AS head ON head.id = planned.series) AS item",
    );
}

fn add_conditions(
    query: &mut QueryBuilder<Postgres>,
    scope: &LessonScope,
    filter: &LessonFilter,
    (with_names, planned): (bool, Option<&[PlannedLessonRow]>),
) {
    add_source(query, planned);
    query.push(" LEFT JOIN public.enrolled_students AS enrolment ON enrolment.id = item.course_enrollment_id");
    if with_names {
        query.push(
            " LEFT JOIN public.tutor_profiles AS tutor ON tutor.id = enrolment.tutor_id
             LEFT JOIN public.users AS teacher ON teacher.id = tutor.user_id
             LEFT JOIN public.student_profiles AS student ON student.id = enrolment.student_id
             LEFT JOIN public.users AS learner ON learner.id = student.user_id",
        );
    }
    query.push(" WHERE true");
    add_scope(query, scope, filter.role);
    add_values(query, filter);
    for word in &filter.words {
        let pattern = format!("%{}%", word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        query.push(" AND (item.topics::text ILIKE ").push_bind(pattern.clone());
        query.push(" OR item.topics_covered::text ILIKE ").push_bind(pattern.clone());
        query.push(format!(" OR {STUDENT_NAME} ILIKE ")).push_bind(pattern.clone());
        query.push(format!(" OR {TUTOR_NAME} ILIKE ")).push_bind(pattern).push(")");
    }
}

fn add_scope(query: &mut QueryBuilder<Postgres>, scope: &LessonScope, role: Option<LessonRole>) {
    let own = match scope {
        LessonScope::All => return,
        LessonScope::Enrolled => {
            query.push(" AND item.course_enrollment_id IS NOT NULL");
            return;
        }
        LessonScope::Own(own) => own,
    };
    let OwnProfiles { tutors, students, children } = own;
    query.push(" AND (false");
    for (of, column, ids) in [
        (LessonRole::Tutor, "tutor_id", tutors),
        (LessonRole::Student, "student_id", students),
        (LessonRole::Parent, "student_id", children),
    ] {
        if role.is_none_or(|role| role == of) && !ids.is_empty() {
            query.push(format!(" OR enrolment.{column} = ANY (")).push_bind(ids.clone()).push(")");
        }
    }
    query.push(")");
}

fn add_values(query: &mut QueryBuilder<Postgres>, filter: &LessonFilter) {
    for (column, words) in
        [("status", &filter.statuses), ("session_mode", &filter.modes), ("priority_level", &filter.priorities)]
    {
        if !words.is_empty() {
            query.push(format!(" AND item.{column} = ANY (")).push_bind(words.clone()).push(")");
        }
    }
    for (column, ids) in [
        ("enrolment.tutor_id", &filter.tutors),
        ("enrolment.student_id", &filter.students),
        ("item.course_enrollment_id", &filter.enrolments),
    ] {
        if !ids.is_empty() {
            query.push(format!(" AND {column} = ANY (")).push_bind(ids.clone()).push(")");
        }
    }
    for (operator, day) in [(">=", &filter.date_from), ("<=", &filter.date_to)] {
        if let Some(day) = day {
            query.push(format!(" AND item.session_date {operator} ")).push_bind(day.clone()).push("::text::date");
        }
    }
    if filter.has_alarm {
        query.push(" AND COALESCE(item.alarm_enabled, false)");
    }
    for (column, flag) in [("is_featured", filter.is_featured), ("is_recurring", filter.is_recurring)] {
        if let Some(flag) = flag {
            let not = if flag { "" } else { "NOT " };
            query.push(format!(" AND {not}COALESCE(item.{column}, false)"));
        }
    }
}

/// Adds the condition for the rows after the last one of the page before.
fn add_start(query: &mut QueryBuilder<Postgres>, keys: &[(&str, &str, bool)], values: &[String], id: i64) {
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
