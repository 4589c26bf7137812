//! SQL of the list of lessons. Pages are found by the values of the last row, so that each costs the same.

mod conditions;
mod page;
mod search;

use sqlx::{PgConnection, QueryBuilder};

pub use self::conditions::{ListSource, add_conditions};
pub use self::page::{explain, page};
pub use self::search::LessonSearch;
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
    pub count: Option<LessonCount>,
    pub limit: i64,
}

impl LessonFilter {
    /// Reports whether the list has the lessons of few people only.
    fn is_narrow(&self, scope: &LessonScope) -> bool {
        let is_own = matches!(scope, LessonScope::Own(_));
        is_own || !(self.tutors.is_empty() && self.students.is_empty() && self.enrolments.is_empty())
    }

    /// Finds the lessons of the search.
    pub async fn search(&self, db: &mut PgConnection, scope: &LessonScope) -> Result<LessonSearch> {
        search::search(db, &self.words, self.is_narrow(scope)).await
    }

    /// Reports whether an index has lessons in the order of the pages.
    fn is_in_order_of_an_index(&self) -> bool {
        let names: Vec<&str> = self.sorts.iter().map(|sort| sort.name).collect();
        names == ["session_date", "start_time"] && self.sorts[0].is_descending == self.sorts[1].is_descending
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

/// How many lessons are on all pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LessonCount {
    pub lessons: i64,
    pub is_estimate: bool,
}

impl LessonCount {
    fn exact(lessons: usize) -> LessonCount {
        LessonCount { lessons: i64::try_from(lessons).unwrap_or(i64::MAX), is_estimate: false }
    }
}

/// A page of lessons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonPage {
    pub count: LessonCount,
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
    add_conditions(&mut query, scope, &filter, ListSource::of(&LessonSearch::default()));
    Ok(query.build_query_scalar().fetch_all(db).await?)
}
