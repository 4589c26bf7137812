//! All SQL of catalogue workbooks. Rows are read and written as documents of resources.

use sqlx::PgConnection;

use crate::error::Result;

/// An account.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Account {
    pub username: String,
    /// First and last name.
    pub name: String,
    pub email: String,
    pub is_staff: bool,
}

/// Returns all accounts.
pub async fn accounts(db: &mut PgConnection) -> Result<Vec<Account>> {
    Ok(sqlx::query_as(
        "SELECT username, btrim(concat_ws(' ', btrim(first_name), btrim(last_name))) AS name, btrim(email) AS email,
                EXISTS (SELECT FROM acted.staff WHERE staff.user_id = person.id) AS is_staff
         FROM public.auth_user AS person ORDER BY id",
    )
    .fetch_all(db)
    .await?)
}

/// Begins a part of the transaction that can be taken back alone.
pub async fn begin_part(db: &mut PgConnection) -> Result<()> {
    sqlx::query("SAVEPOINT catalogue_row").execute(db).await?;
    Ok(())
}

/// Ends the part. `is_successful`: what it wrote is stored.
pub async fn end_part(db: &mut PgConnection, is_successful: bool) -> Result<()> {
    if !is_successful {
        sqlx::query("ROLLBACK TO SAVEPOINT catalogue_row").execute(&mut *db).await?;
    }
    sqlx::query("RELEASE SAVEPOINT catalogue_row").execute(db).await?;
    Ok(())
}
