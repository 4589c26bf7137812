//! SQL of the search in lessons: which words are where, so that a page needs no scan.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, QueryBuilder};

use crate::error::Result;

/// The most lessons with a word that are listed by id. Where there are more, the next page is near in any order.
const FEW: i64 = 3000;

/// The least lessons of a table in which words are found by index. In smaller ones, parts of words are found too.
const MANY: f64 = 50_000.0;

/// About how many entries of the index are read. Of more, the index returns a random part.
const READ: i64 = 10_000;

/// Where a word of the search is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordPlaces {
    pattern: String,
    /// Enrolments whose tutor or student has it in their name.
    enrolments: Vec<i64>,
    /// Lessons with it in their topics; none: the topics are read.
    lessons: Option<Vec<i64>>,
    /// Whether many lessons of a large table have it.
    is_frequent: bool,
}

/// Prepares the transaction of a page. With a frequent word the page is near in its order, which estimates do not know.
pub async fn prepare(db: &mut PgConnection, words: &[WordPlaces]) -> Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    // Starting processes and compiling expressions take longer than reading a page.
    let mut sql = "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off".to_owned();
    if words.iter().any(|word| word.is_frequent) {
        let avoided = ["seqscan", "bitmapscan", "sort", "incremental_sort"];
        sql.extend(avoided.map(|name| format!("; SET LOCAL enable_{name} = off")));
    }
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

/// Finds the places of the words of a search. `is_narrow`: other conditions leave few lessons.
pub async fn places(db: &mut PgConnection, words: &[String], is_narrow: bool) -> Result<Vec<WordPlaces>> {
    let is_large = !words.is_empty() && !is_narrow && is_large(db).await?;
    let mut found = Vec::new();
    for word in words {
        let pattern = format!("%{}%", word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        let enrolments = enrolments_of(db, &pattern).await?;
        let lessons = if is_large { lessons_with(db, word).await? } else { None };
        let is_frequent = is_large && lessons.is_none();
        found.push(WordPlaces { pattern, enrolments, lessons, is_frequent });
    }
    Ok(found)
}

/// Reports whether the table is large and has the index of words.
async fn is_large(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisvalid
                        WHERE c.oid = to_regclass('public.sessions') AND c.reltuples >= $1
                          AND i.indexrelid = to_regclass('public.lectern_sessions_words_idx'))",
    )
    .bind(MANY)
    .fetch_one(db)
    .await?)
}

/// Returns the enrolments of people with a text in their name.
async fn enrolments_of(db: &mut PgConnection, pattern: &str) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "WITH people AS MATERIALIZED (
             SELECT id FROM public.users
             WHERE concat_ws(' ', NULLIF(btrim(first_name), ''), NULLIF(btrim(father_name), '')) ILIKE $1)
         SELECT id::bigint FROM public.enrolled_students
         WHERE tutor_id IN (SELECT id FROM public.tutor_profiles
                            WHERE user_id IN (SELECT id FROM people) OR username ILIKE $1)
            OR student_id IN (SELECT id FROM public.student_profiles
                              WHERE user_id IN (SELECT id FROM people) OR username ILIKE $1)",
    )
    .bind(pattern)
    .persistent(false)
    .fetch_all(db)
    .await?)
}

/// Returns the lessons with words that begin with a text in their topics; none if there are many, or if it has no letters.
async fn lessons_with(db: &mut PgConnection, word: &str) -> Result<Option<Vec<i64>>> {
    let words: Option<String> = sqlx::query_scalar(
        "SELECT string_agg(quote_literal(lexeme) || ':*', ' & ') FROM unnest(lectern.lesson_words($1, NULL))",
    )
    .bind(word)
    .fetch_one(&mut *db)
    .await?;
    let Some(words) = words else { return Ok(None) };
    // The bitmap of the index is exact, and ends after few rows; a scan of the table would read its topics.
    let mut transaction = db.begin().await?;
    let settings = format!(
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL gin_fuzzy_search_limit = {READ}"
    );
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut *transaction).await?;
    let found: Vec<i64> = sqlx::query_scalar(
        "SELECT id::bigint FROM public.sessions
         WHERE lectern.lesson_words(topics::text, topics_covered::text) @@ $1::tsquery LIMIT $2",
    )
    .bind(words)
    .bind(FEW)
    .persistent(false)
    .fetch_all(&mut *transaction)
    .await?;
    transaction.rollback().await?;
    Ok(Some(found).filter(|found| i64::try_from(found.len()).is_ok_and(|count| count < FEW)))
}

/// Adds the conditions that all words are in the topics or names of a lesson.
pub fn add_words(query: &mut QueryBuilder<Postgres>, words: &[WordPlaces]) {
    for word in words {
        query.push(" AND (item.course_enrollment_id = ANY (").push_bind(word.enrolments.clone()).push(")");
        match &word.lessons {
            Some(lessons) => {
                query.push(" OR item.id = ANY (").push_bind(lessons.clone()).push(")");
            }
            None => {
                for column in ["topics", "topics_covered"] {
                    query.push(format!(
                        " OR CASE WHEN strpos(item.{column}::text, '\\u') = 0 THEN item.{column}::text
                                  ELSE lectern.lesson_text(item.{column}::text) END ILIKE "
                    ));
                    query.push_bind(word.pattern.clone());
                }
            }
        }
        query.push(")");
    }
}
