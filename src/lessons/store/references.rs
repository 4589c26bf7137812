//! SQL on what lessons refer to.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;

/// Returns the tutors of enrolments, by id of the enrolment. Unknown ones are absent.
pub async fn tutors_of(db: &mut PgConnection, enrolments: &[i64]) -> Result<Vec<(i64, i64)>> {
    Ok(sqlx::query_as("SELECT id::bigint, tutor_id::bigint FROM public.enrolled_students WHERE id = ANY ($1)")
        .bind(enrolments)
        .fetch_all(db)
        .await?)
}

/// Reports whether a row does not exist. Tables that the database does not have are not checked.
///
/// `table`: one of the tables to which lessons refer, with its schema.
pub async fn is_missing(db: &mut PgConnection, table: &'static str, id: i64) -> Result<bool> {
    if !has_table(db, table).await? {
        return Ok(false);
    }
    let sql = format!("SELECT NOT EXISTS (SELECT FROM {table} WHERE id = $1)");
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_one(db).await?)
}

/// A profile of a lesson, with its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LessonPerson {
    pub profile: i64,
    pub user: Option<i64>,
}

/// The people of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonPeople {
    pub tutor: LessonPerson,
    pub student: LessonPerson,
    pub parents: Vec<LessonPerson>,
}

type PeopleRow = (i64, Option<i64>, i64, Option<i64>, Vec<i64>, Vec<Option<i64>>);

/// Returns the people of an enrolment; none if it does not exist.
pub async fn people_of(db: &mut PgConnection, enrolment: i64) -> Result<Option<LessonPeople>> {
    let row: Option<PeopleRow> = sqlx::query_as(
        "SELECT enrolment.tutor_id::bigint, tutor.user_id::bigint, enrolment.student_id::bigint, student.user_id::bigint,
                ARRAY(SELECT id::bigint FROM public.parent_profiles
                      WHERE id = ANY (lectern.parents_of(enrolment.student_id)) ORDER BY id),
                ARRAY(SELECT user_id::bigint FROM public.parent_profiles
                      WHERE id = ANY (lectern.parents_of(enrolment.student_id)) ORDER BY id)
         FROM public.enrolled_students AS enrolment
         LEFT JOIN public.tutor_profiles AS tutor ON tutor.id = enrolment.tutor_id
         LEFT JOIN public.student_profiles AS student ON student.id = enrolment.student_id
         WHERE enrolment.id = $1",
    )
    .bind(enrolment)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(tutor, tutor_user, student, student_user, parents, parent_users)| LessonPeople {
        tutor: LessonPerson { profile: tutor, user: tutor_user },
        student: LessonPerson { profile: student, user: student_user },
        parents: parents.into_iter().zip(parent_users).map(|(profile, user)| LessonPerson { profile, user }).collect(),
    }))
}

/// A review, which another program has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Values by name of column.
    pub values: Value,
    /// The tables to which columns refer, by name of column.
    pub tables: BTreeMap<String, String>,
}

/// Returns a review; none if it does not exist. `table`: one with reviews, which exists.
pub async fn review(db: &mut PgConnection, table: &'static str, id: i64) -> Result<Option<Review>> {
    let sql = format!("SELECT lectern.document_of(row_to_json(found)) FROM {table} AS found WHERE found.id = $1");
    let values: Option<Value> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *db).await?;
    let Some(values) = values else { return Ok(None) };
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT attname::text, relname::text FROM pg_constraint
         JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] JOIN pg_class ON pg_class.oid = confrelid
         WHERE contype = 'f' AND conrelid = to_regclass($1) AND cardinality(conkey) = 1",
    )
    .bind(table)
    .fetch_all(db)
    .await?;
    Ok(Some(Review { values, tables: tables.into_iter().collect() }))
}

/// Reports whether the database has a table.
pub async fn has_table(db: &mut PgConnection, table: &'static str) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(table).fetch_one(db).await?)
}

/// Returns the user of a profile. `table`: one of the tables of profiles.
pub async fn user_of(db: &mut PgConnection, table: &'static str, profile: i64) -> Result<Option<i64>> {
    let sql = format!("SELECT user_id::bigint FROM {table} WHERE id = $1");
    let user: Option<Option<i64>> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(profile).fetch_optional(db).await?;
    Ok(user.flatten())
}
