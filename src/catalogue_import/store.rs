//! All SQL of catalogue workbooks. Rows are read and written as documents of resources.

use sqlx::PgConnection;

use crate::error::Result;

/// Expressions on `item`, a row of `acted.tutorial_instructors`.
pub const FIRST_NAME: &str = "(SELECT btrim(known.first_name) FROM public.auth_user AS known \
                              JOIN acted.staff ON staff.user_id = known.id WHERE staff.id = item.staff_id)";
pub const LAST_NAME: &str = "(SELECT btrim(known.last_name) FROM public.auth_user AS known \
                             JOIN acted.staff ON staff.user_id = known.id WHERE staff.id = item.staff_id)";
pub const EMAIL: &str = "(SELECT known.email FROM public.auth_user AS known \
                         JOIN acted.staff ON staff.user_id = known.id WHERE staff.id = item.staff_id)";

/// Changes first name, last name and e-mail address of an instructor's account. None: the value stays.
pub async fn update_account(db: &mut PgConnection, instructor: i64, values: [Option<&str>; 3]) -> Result<()> {
    let [first_name, last_name, email] = values;
    sqlx::query(
        "UPDATE public.auth_user AS person
         SET first_name = COALESCE($2, first_name), last_name = COALESCE($3, last_name), email = COALESCE($4, email)
         FROM acted.tutorial_instructors AS instructor JOIN acted.staff ON staff.id = instructor.staff_id
         WHERE instructor.id = $1 AND person.id = staff.user_id",
    )
    .bind(instructor)
    .bind(first_name)
    .bind(last_name)
    .bind(email)
    .execute(db)
    .await?;
    Ok(())
}

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
