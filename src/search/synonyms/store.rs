//! All SQL on `lectern.search_synonyms`.

use sqlx::PgConnection;

use crate::error::Result;

/// Returns all words with their synonyms.
pub async fn all(db: &mut PgConnection) -> Result<Vec<(String, Vec<String>)>> {
    Ok(sqlx::query_as("SELECT word, synonyms FROM lectern.search_synonyms ORDER BY word").fetch_all(db).await?)
}

/// Sets the synonyms of a word.
pub async fn set(db: &mut PgConnection, word: &str, synonyms: &[String]) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.search_synonyms (word, synonyms) VALUES ($1, $2)
         ON CONFLICT (word) DO UPDATE SET synonyms = excluded.synonyms",
    )
    .bind(word)
    .bind(synonyms)
    .execute(db)
    .await?;
    Ok(())
}

/// Removes the synonyms of a word, and returns whether there were any.
pub async fn remove(db: &mut PgConnection, word: &str) -> Result<bool> {
    let removed = sqlx::query("DELETE FROM lectern.search_synonyms WHERE word = $1").bind(word).execute(db).await?;
    Ok(removed.rows_affected() > 0)
}
