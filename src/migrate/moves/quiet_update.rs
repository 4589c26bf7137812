//! Fills columns without the triggers that change a row, such as one for `updated_at`: no value changes but the intended ones.

/// Returns a statement that executes others on a table while the triggers before its rows are disabled. The table must be
/// locked exclusively. Deferred constraints are checked, so that the table can be changed again.
pub(super) fn quietly(table: &str, statements: &[String]) -> String {
    let name = table.replace('\'', "''");
    let statements = statements.join(";\n             ");
    format!(
        "DO $quietly$ DECLARE
             triggers text[];
             one text;
         BEGIN
             -- For each row, before it, and enabled. Each with the verb that enables it again.
             triggers := array(SELECT CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END || format(' TRIGGER %I', tgname)
                               FROM pg_trigger WHERE tgrelid = '{name}'::regclass AND NOT tgisinternal
                               AND tgtype & 3 = 3 AND tgenabled IN ('O', 'A'));
             FOREACH one IN ARRAY triggers LOOP
                 EXECUTE 'ALTER TABLE {name} ' || regexp_replace(one, '^ENABLE( ALWAYS)?', 'DISABLE');
             END LOOP;
             {statements};
             SET CONSTRAINTS ALL IMMEDIATE;
             SET CONSTRAINTS ALL DEFERRED;
             FOREACH one IN ARRAY triggers LOOP EXECUTE 'ALTER TABLE {name} ' || one; END LOOP;
         END $quietly$"
    )
}
