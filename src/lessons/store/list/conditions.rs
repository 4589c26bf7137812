//! The rows of a list and the conditions on them.

use sqlx::{Postgres, QueryBuilder};

use super::search::{WordPlaces, add_words};
use super::{LessonFilter, PlannedLessonRow};
use crate::lessons::rights::{LessonRole, LessonScope, OwnProfiles};

/// What a list needs beside its filter.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListSource<'a> {
    /// Whether names of people are joined.
    pub with_names: bool,
    /// Planned lessons that are on the pages too.
    pub planned: Option<&'a [PlannedLessonRow]>,
    /// Where the words of the search are.
    pub words: &'a [WordPlaces],
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

/// Adds the rows of a list, and the conditions of its filter.
pub fn add_conditions(
    query: &mut QueryBuilder<Postgres>,
    scope: &LessonScope,
    filter: &LessonFilter,
    source: ListSource<'_>,
) {
    add_source(query, source.planned);
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
    add_words(query, source.words);
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
