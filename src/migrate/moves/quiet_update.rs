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
             -- For each row, before it, and enabled as usual.
             triggers := array(SELECT tgname::text FROM pg_trigger WHERE tgrelid = '{name}'::regclass AND NOT tgisinternal
                               AND tgtype & 3 = 3 AND tgenabled = 'O');
             FOREACH one IN ARRAY triggers LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', '{name}', one); END LOOP;
             {statements};
             SET CONSTRAINTS ALL IMMEDIATE;
             SET CONSTRAINTS ALL DEFERRED;
             FOREACH one IN ARRAY triggers LOOP EXECUTE format('ALTER TABLE %s ENABLE TRIGGER %I', '{name}', one); END LOOP;
         END $quietly$"
    )
}
