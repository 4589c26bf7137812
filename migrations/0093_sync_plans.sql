-- Plans of syncs that were made over HTTP, so that exactly what was shown is applied, and who approved them.
-- older binaries: yes

CREATE TABLE lectern.sync_plans (
    run_id bigint PRIMARY KEY REFERENCES lectern.runs ON DELETE CASCADE,
    plan jsonb NOT NULL,
    planned_by bigint REFERENCES lectern.logins ON DELETE SET NULL,
    approved_by bigint REFERENCES lectern.logins ON DELETE SET NULL,
    approver text,
    approved_at timestamptz,
    CONSTRAINT sync_plans_approval CHECK ((approver IS NULL) = (approved_at IS NULL))
);
COMMENT ON TABLE lectern.sync_plans IS 'The plans of dry runs, to be applied exactly as they are or not at all.';
COMMENT ON COLUMN lectern.sync_plans.run_id IS 'The dry run that made the plan.';
COMMENT ON COLUMN lectern.sync_plans.plan IS 'The plan as `lectern sync --plan-out` writes it.';
COMMENT ON COLUMN lectern.sync_plans.planned_by IS 'The login that requested the plan; null: a token, the schedule, or a deleted login.';
COMMENT ON COLUMN lectern.sync_plans.approved_by IS 'The login that approved the plan; null: none yet, or a deleted login.';
COMMENT ON COLUMN lectern.sync_plans.approver IS 'Name of that login when it approved; null: not approved.';
COMMENT ON COLUMN lectern.sync_plans.approved_at IS 'When the plan was approved; null: it is not.';
