//! The rows of a list and the conditions on them.

use sqlx::{Postgres, QueryBuilder};

use super::search::{LessonSearch, WordTest, add_words};
use super::{LessonFilter, PlannedLessonRow};
use crate::lessons::rights::{LessonRole, LessonScope, OwnProfiles};

/// What a list needs beside its filter.
#[derive(Clone, Copy, Debug)]
pub struct ListSource<'a> {
    /// Whether names of people are joined.
    pub with_names: bool,
    /// Planned lessons that are on the pages too.
    pub planned: Option<&'a [PlannedLessonRow]>,
    /// What the words of the search have found.
    pub search: &'a LessonSearch,
    pub test: WordTest,
    /// Whether the words are found before anything else.
    pub words_first: bool,
}

impl<'a> ListSource<'a> {
    /// Returns all rows in which a search finds something.
    pub fn of(search: &'a LessonSearch) -> ListSource<'a> {
        let test = if search.is_frequent() { WordTest::Index } else { WordTest::Rows };
        ListSource { with_names: false, planned: None, search, test, words_first: false }
    }
}

/// The columns that conditions and orders use.
const USED: &str = "id, course_enrollment_id, topics, topics_covered, session_date, start_time, status, session_mode,
    priority_level, is_featured, is_recurring, created_at";

/// Adds the rows and planned lessons of a list.
fn add_source(query: &mut QueryBuilder<Postgres>, source: ListSource<'_>) {
    let Some(planned) = source.planned else {
        return add_rows(query, source);
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

/// Adds the rows of a list without planned lessons.
///
/// The lessons of a search are read before others: OFFSET keeps PostgreSQL from reading in the order of the page until it has met
/// enough of them, which is the whole table where they are at its end.
fn add_rows(query: &mut QueryBuilder<Postgres>, source: ListSource<'_>) {
    if let Some(lessons) = &source.search.lessons {
        query.push(" FROM (SELECT * FROM public.sessions WHERE id = ANY (").push_bind(lessons.clone());
        query.push(") OFFSET 0) AS item");
    } else if source.words_first {
        query.push(" FROM (SELECT item.* FROM public.sessions AS item WHERE true");
        add_words(query, source.search, source.test);
        query.push(" OFFSET 0) AS item");
    } else {
        query.push(" FROM public.sessions AS item");
    }
}

/// Adds the rows of a list, and the conditions of its filter.
pub fn add_conditions(
    query: &mut QueryBuilder<Postgres>,
    scope: &LessonScope,
    filter: &LessonFilter,
    source: ListSource<'_>,
) {
    add_source(query, source);
    query.push(" LEFT JOIN public.enrolled_students AS enrolment ON enrolment.id = item.course_enrollment_id");
    if source.with_names {
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
    if let (Some(_), Some(lessons)) = (source.planned, &source.search.lessons) {
        query.push(" AND item.id = ANY (").push_bind(lessons.clone()).push(")");
    }
    if !source.words_first {
        add_words(query, source.search, source.test);
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
        match words.as_slice() {
            [] => {}
            // One value keeps the order of an index.
            [word] => _ = query.push(format!(" AND item.{column} = ")).push_bind(word.clone()),
            _ => _ = query.push(format!(" AND item.{column} = ANY (")).push_bind(words.clone()).push(")"),
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
            let is = if flag { "" } else { " IS NOT TRUE" };
            query.push(format!(" AND item.{column}{is}"));
        }
    }
}
