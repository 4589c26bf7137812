//! All SQL on `lectern.sync_plans`.

use sqlx::PgPool;
use sqlx::types::Json;

use super::PlanApproval;
use crate::error::Result;
use crate::sync::plan::plan_file::PlanFile;

/// Stores the plan of a dry run, requested by the login of the token that requested the run.
pub async fn save(pool: &PgPool, run: i64, plan: &PlanFile) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.sync_plans (run_id, plan, planned_by)
         SELECT $1, $2, (SELECT token.login_id FROM lectern.requested_runs AS request
                         JOIN lectern.tokens AS token ON token.id = request.token_id WHERE request.run_id = $1)
         ON CONFLICT (run_id) DO UPDATE SET plan = excluded.plan",
    )
    .bind(run)
    .bind(Json(plan))
    .execute(pool)
    .await?;
    Ok(())
}

/// Returns the plan of a dry run.
pub async fn load(pool: &PgPool, run: i64) -> Result<Option<PlanFile>> {
    let plan: Option<Json<PlanFile>> = sqlx::query_scalar("SELECT plan FROM lectern.sync_plans WHERE run_id = $1")
        .bind(run)
        .fetch_optional(pool)
        .await?;
    Ok(plan.map(|Json(plan)| plan))
}

/// Returns the approval of a plan; none if the run has no plan.
pub async fn approval(pool: &PgPool, run: i64) -> Result<Option<PlanApproval>> {
    Ok(sqlx::query_as(
        "SELECT planned_by, approved_by, approver,
                to_char(approved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS approved_at
         FROM lectern.sync_plans WHERE run_id = $1",
    )
    .bind(run)
    .fetch_optional(pool)
    .await?)
}

/// Stores who approved a plan. The first approval stays.
pub(super) async fn approve(pool: &PgPool, run: i64, login: i64, name: &str) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.sync_plans SET approved_by = $2, approver = $3, approved_at = now()
         WHERE run_id = $1 AND approved_at IS NULL",
    )
    .bind(run)
    .bind(login)
    .bind(name)
    .execute(pool)
    .await?;
    Ok(())
}
