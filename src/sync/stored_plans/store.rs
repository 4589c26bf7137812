//! All SQL on `lectern.sync_plans`.

use sqlx::PgPool;
use sqlx::types::Json;

use super::{PlanApproval, WaitingPlan};
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

/// Returns the plans that would change something and are not approved, the latest first. A plan of which the same was
/// requested again, or that was applied, is left out.
pub(super) async fn waiting(pool: &PgPool) -> Result<Vec<WaitingPlan>> {
    Ok(sqlx::query_as(
        "WITH waiting AS (
             SELECT plan.run_id, plan.planned_by, run.kind, run.subject, run.counts, run.document, request.request
             FROM lectern.sync_plans AS plan
             JOIN lectern.runs AS run ON run.id = plan.run_id
             JOIN lectern.requested_runs AS request ON request.run_id = plan.run_id
             WHERE plan.approved_at IS NULL AND run.exit_code IN (0, 4)
               AND NOT EXISTS (
                   SELECT FROM lectern.requested_runs AS later
                   WHERE later.run_id > plan.run_id
                     AND (later.request = request.request OR later.request ->> 'plan' = plan.run_id::text))
             ORDER BY plan.run_id DESC LIMIT 50),
         counted AS (
             SELECT waiting.*,
                    CASE WHEN waiting.document ? 'undone' THEN jsonb_array_length(waiting.document -> 'undone')
                         ELSE coalesce(jsonb_array_length(waiting.document -> 'created_in_administrate'), 0)
                              + (SELECT coalesce(sum((counts.counts ->> 'created')::bigint
                                     + (counts.counts ->> 'updated')::bigint + (counts.counts ->> 'pruned')::bigint), 0)
                                 FROM (SELECT waiting.counts UNION ALL
                                       SELECT report -> 'counts' FROM jsonb_array_elements(
                                           coalesce(waiting.document -> 'reports', '[]')) AS report) AS counts (counts))
                    END AS changes
             FROM waiting)
         SELECT counted.run_id AS run, counted.subject, counted.kind = 'sync undo' AS is_undo, login.name AS planned_by
         FROM counted LEFT JOIN lectern.logins AS login ON login.id = counted.planned_by
         WHERE counted.changes > 0 ORDER BY counted.run_id DESC",
    )
    .fetch_all(pool)
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
