//! SQL of the search in lessons: which lessons have the words, so that a page needs no scan.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, QueryBuilder};

use crate::error::Result;

/// The most lessons with a word that are listed by id. Where there are more, the next page is near in any order.
const FEW: usize = 8000;

/// The most enrolments of people with a name whose lessons are listed.
const FEW_ENROLMENTS: usize = 1000;

/// The least lessons of a table in which words are found by index. In smaller ones, parts of words are found too.
const MANY: f32 = 50_000.0;

/// The part of all lessons up to which it is worth asking the index for those with a word.
///
/// Estimates for beginnings of words are never below half a percent.
const RARE: f32 = 0.03;

/// The lessons that a search finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LessonSearch {
    /// The lessons with all rare words; none: the words are frequent, or not looked up.
    pub lessons: Option<Vec<i64>>,
    /// The other words.
    words: Vec<SearchWord>,
}

/// A word for which rows are tested.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SearchWord {
    text: String,
    /// Enrolments whose tutor or student has it in their name.
    enrolments: Vec<i64>,
    topics: TopicTest,
}

/// What topics must have.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TopicTest {
    /// The text, anywhere.
    Part,
    /// Words that begin like those of a query of the index. `word`: the longest of them.
    Beginnings { query: String, word: String },
    /// Nothing: the text has no letters.
    Never,
}

/// How rows are tested for words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WordTest {
    /// One after the other, at little cost for each.
    #[default]
    Rows,
    /// With the index of words.
    Index,
}

impl LessonSearch {
    /// Reports whether many lessons have every word.
    pub fn is_frequent(&self) -> bool {
        let is_looked_up = |word: &SearchWord| word.topics != TopicTest::Part;
        self.lessons.is_none() && !self.words.is_empty() && self.words.iter().all(is_looked_up)
    }

    fn restrict_to(&mut self, found: Vec<i64>) {
        self.lessons = Some(match self.lessons.take() {
            None => found,
            Some(lessons) => lessons.into_iter().filter(|id| found.binary_search(id).is_ok()).collect(),
        });
    }
}

/// Prepares a transaction that reads a page. Starting processes and compiling expressions take longer than reading it, and a
/// list of places without enough memory forgets rows, whose words would be read again.
pub async fn prepare(db: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off; SET LOCAL work_mem = '32MB'")
        .execute(db)
        .await?;
    Ok(())
}

/// Prepares a transaction that reads rows in the order of an index. Estimates do not know that the page is near.
pub async fn prefer_order(db: &mut PgConnection) -> Result<()> {
    let avoided = ["seqscan", "bitmapscan", "sort", "incremental_sort"];
    let settings = avoided.map(|name| format!("SET LOCAL enable_{name} = off")).join("; ");
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(db).await?;
    Ok(())
}

/// Finds the lessons of a search. `is_narrow`: other conditions leave few lessons.
pub async fn search(db: &mut PgConnection, words: &[String], is_narrow: bool) -> Result<LessonSearch> {
    let mut search = LessonSearch::default();
    let indexed = if words.is_empty() || is_narrow { None } else { indexed_rows(db).await? };
    for word in words {
        let enrolments = enrolments_of(db, word).await?;
        let Some(rows) = indexed else {
            search.words.push(SearchWord { text: word.clone(), enrolments, topics: TopicTest::Part });
            continue;
        };
        let topics = beginnings(db, word).await?;
        if topics == TopicTest::Never && words.len() > 1 {
            continue;
        }
        match lessons_with(db, &topics, &enrolments, rows).await? {
            Some(found) => search.restrict_to(found),
            None => search.words.push(SearchWord { text: word.clone(), enrolments, topics }),
        }
    }
    Ok(search)
}

/// Returns about how many rows the table has, if it is large and has the index of words.
async fn indexed_rows(db: &mut PgConnection) -> Result<Option<f32>> {
    Ok(sqlx::query_scalar(
        "SELECT c.reltuples FROM pg_class AS c JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisvalid
         WHERE c.oid = to_regclass('public.sessions') AND c.reltuples >= $1
           AND i.indexrelid = to_regclass('public.lectern_sessions_words_idx')",
    )
    .bind(MANY)
    .fetch_optional(db)
    .await?)
}

/// Returns a pattern for texts with another text in them.
fn pattern(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// Returns the operator that compares with a pattern. The case of ASCII letters alone is found in far less time.
fn like(text: &str) -> &'static str {
    if text.is_ascii() { r#"COLLATE "C" ILIKE"# } else { "ILIKE" }
}

/// Returns the enrolments of people with a text in their name.
async fn enrolments_of(db: &mut PgConnection, word: &str) -> Result<Vec<i64>> {
    let like = like(word);
    let sql = format!(
        "WITH people AS MATERIALIZED (
             SELECT id FROM public.users
             WHERE concat_ws(' ', NULLIF(btrim(first_name), ''), NULLIF(btrim(father_name), '')) {like} $1)
         SELECT id::bigint FROM public.enrolled_students
         WHERE tutor_id IN (SELECT id FROM public.tutor_profiles
                            WHERE user_id IN (SELECT id FROM people) OR username {like} $1)
            OR student_id IN (SELECT id FROM public.student_profiles
                              WHERE user_id IN (SELECT id FROM people) OR username {like} $1)"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(pattern(word)).persistent(false).fetch_all(db).await?)
}

/// Returns what the index must have for a text.
async fn beginnings(db: &mut PgConnection, text: &str) -> Result<TopicTest> {
    let (query, word): (Option<String>, Option<String>) = sqlx::query_as(
        "SELECT string_agg(quote_literal(lexeme) || ':*', ' & '), (array_agg(lexeme ORDER BY length(lexeme) DESC))[1]
         FROM unnest(lectern.lesson_words($1, NULL))",
    )
    // Escapes are those of topics.
    .bind(text.replace('\\', " "))
    .fetch_one(db)
    .await?;
    Ok(match query.zip(word) {
        Some((query, word)) => TopicTest::Beginnings { query, word },
        None => TopicTest::Never,
    })
}

/// Returns the lessons with a word in their topics, or of enrolments, in the order of their ids; none if there are many.
async fn lessons_with(
    db: &mut PgConnection,
    topics: &TopicTest,
    enrolments: &[i64],
    rows: f32,
) -> Result<Option<Vec<i64>>> {
    let most = i64::try_from(FEW + 1).unwrap_or_default();
    let mut found: Vec<i64> = Vec::new();
    if enrolments.len() > FEW_ENROLMENTS {
        return Ok(None);
    }
    if let TopicTest::Beginnings { query, .. } = topics {
        if estimate(db, query).await? > (f64::from(rows) * f64::from(RARE)).max(FEW as f64 * 4.0) {
            return Ok(None);
        }
        found = lessons_by_index(db, query, most).await?;
    }
    if !enrolments.is_empty() && found.len() <= FEW {
        let of_people: Vec<i64> =
            sqlx::query_scalar("SELECT id::bigint FROM public.sessions WHERE course_enrollment_id = ANY ($1) LIMIT $2")
                .bind(enrolments)
                .bind(most)
                .persistent(false)
                .fetch_all(db)
                .await?;
        found.extend(of_people);
    }
    found.sort_unstable();
    found.dedup();
    Ok(Some(found).filter(|found| found.len() <= FEW))
}

/// Returns about how many lessons have words that begin like those of a query.
async fn estimate(db: &mut PgConnection, query: &str) -> Result<f64> {
    let plan: Value = sqlx::query_scalar(
        "EXPLAIN (FORMAT JSON) SELECT FROM public.sessions
         WHERE lectern.lesson_words(topics::text, topics_covered::text) @@ $1::tsquery",
    )
    .bind(query)
    .persistent(false)
    .fetch_one(db)
    .await?;
    Ok(plan[0]["Plan"]["Plan Rows"].as_f64().unwrap_or_default())
}

/// Returns lessons with words that begin like those of a query.
async fn lessons_by_index(db: &mut PgConnection, query: &str, most: i64) -> Result<Vec<i64>> {
    // A scan of the table would read its topics, however the statistics are.
    let mut transaction = db.begin().await?;
    sqlx::raw_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        .execute(&mut *transaction)
        .await?;
    let found = sqlx::query_scalar(
        "SELECT id::bigint FROM public.sessions
         WHERE lectern.lesson_words(topics::text, topics_covered::text) @@ $1::tsquery LIMIT $2",
    )
    .bind(query)
    .bind(most)
    .persistent(false)
    .fetch_all(&mut *transaction)
    .await?;
    transaction.rollback().await?;
    Ok(found)
}

/// Adds the conditions that the words for which rows are tested are in the topics or names of a lesson.
pub fn add_words(query: &mut QueryBuilder<Postgres>, search: &LessonSearch, test: WordTest) {
    for word in &search.words {
        query.push(" AND (false");
        if !word.enrolments.is_empty() {
            query.push(" OR item.course_enrollment_id = ANY (").push_bind(word.enrolments.clone()).push(")");
        }
        match &word.topics {
            TopicTest::Never => {}
            TopicTest::Part => {
                query.push(" OR ");
                add_part(query, &word.text);
            }
            TopicTest::Beginnings { query: words, word } => {
                query.push(" OR (");
                if test == WordTest::Rows {
                    // Most rows do not contain the text, which is found in less time.
                    add_part(query, word);
                    query.push(" AND ");
                }
                query.push("lectern.lesson_words(item.topics::text, item.topics_covered::text) @@ ");
                query.push_bind(words.clone()).push("::tsquery)");
            }
        }
        query.push(")");
    }
}

/// Adds the condition that topics have a text in them.
fn add_part(query: &mut QueryBuilder<Postgres>, text: &str) {
    query.push("(false");
    for column in ["topics", "topics_covered"] {
        query.push(format!(
            " OR (CASE WHEN strpos(item.{column}::text, '\\u') = 0 THEN item.{column}::text
                       ELSE lectern.lesson_text(item.{column}::text) END) {} ",
            like(text)
        ));
        query.push_bind(pattern(text));
    }
    query.push(")");
}
