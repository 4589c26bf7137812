//! Living databases: seven tables that Django's own migration made, one of them of any size.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::Result;
use crate::program::run;
use crate::stage::{Stage, peer_file};

/// The seven tables.
pub const TABLES: [&str; 7] = [
    "course_templates",
    "custom_fields",
    "instructors",
    "locations",
    "pricelevels",
    "venues",
    "course_template_price_levels",
];

/// Rows of the six other tables.
pub const OTHER_ROWS: u32 = 1_000;

/// Creates a database whose tables are called `public."adm.…"`; `locations` has this number of rows.
pub async fn create(stage: &Stage, database: &str, locations: u32) -> Result<()> {
    stage.create_empty(database).await?;
    run(stage.peer(database, None, &[&peer_file("living.py"), "create"])).await?;
    let mut connection = PgConnection::connect(&stage.url(database)).await?;
    let sql = [WITHOUT_INDEXES, FILL, WITH_INDEXES].concat();
    let sql = sql.replace("{locations}", &locations.to_string()).replace("{rows}", &OTHER_ROWS.to_string());
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    // Otherwise the server would do it during the measurement.
    sqlx::raw_sql("VACUUM (ANALYZE)").execute(&mut connection).await?;
    connection.close().await?;
    stage.execute("CHECKPOINT".to_owned()).await
}

/// Calls the tables `public.…`.
pub async fn drop_prefixes(stage: &Stage, database: &str) -> Result<()> {
    let mut connection = PgConnection::connect(&stage.url(database)).await?;
    for table in TABLES {
        let sql = format!("ALTER TABLE \"adm.{table}\" RENAME TO {table}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

/// Rows are inserted much faster before there are indexes.
const WITHOUT_INDEXES: &str = r#"
CREATE TEMPORARY TABLE rules AS
SELECT conname::text AS name, conrelid::regclass::text AS of_table, contype, pg_get_constraintdef(oid) AS definition
FROM pg_constraint
WHERE conrelid = '"adm.locations"'::regclass AND contype IN ('p', 'u') OR confrelid = '"adm.locations"'::regclass;
CREATE TEMPORARY TABLE indexes AS
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index AS i WHERE indrelid = '"adm.locations"'::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid);
DO $$
DECLARE
    o record;
BEGIN
    FOR o IN SELECT * FROM rules ORDER BY contype <> 'f' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', o.of_table, o.name);
    END LOOP;
    FOR o IN SELECT * FROM indexes LOOP
        EXECUTE format('DROP INDEX %s', o.name);
    END LOOP;
END $$;
"#;

const WITH_INDEXES: &str = r#"
SET maintenance_work_mem = '256MB';
DO $$
DECLARE
    o record;
BEGIN
    FOR o IN SELECT * FROM rules ORDER BY contype = 'f' LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', o.of_table, o.name, o.definition);
    END LOOP;
    FOR o IN SELECT * FROM indexes LOOP
        EXECUTE o.definition;
    END LOOP;
END $$;
"#;

const FILL: &str = r#"
INSERT INTO "adm.locations" (external_id, name, code, active, legacy_id, created_at, updated_at)
SELECT 'TG9jYXRpb246' || lpad(n::text, 8, '0'), 'Location ' || n, 'L' || n, true, n::text, now(), now()
FROM generate_series(1, {locations}) AS n;
INSERT INTO "adm.course_templates" (external_id, code, title, custom_fields, active, created_at, updated_at)
SELECT 'Q291cnNl' || n, 'C' || n, 'Course ' || n, '{"a": "b"}', true, now(), now() FROM generate_series(1, {rows}) AS n;
INSERT INTO "adm.custom_fields" (external_id, label, field_type, is_required, entity_type, last_synced)
SELECT 'RmllbGQ6' || n, 'Field ' || n, 'string', false, 'Event', now() FROM generate_series(1, {rows}) AS n;
INSERT INTO "adm.instructors" (external_id, first_name, last_name, is_active, last_synced, created_at, updated_at)
SELECT 'Q29udGFj' || n, 'Ann', 'Example ' || n, true, now(), now(), now() FROM generate_series(1, {rows}) AS n;
INSERT INTO "adm.pricelevels" (external_id, name, last_synced)
SELECT 'UHJpY2U6' || n, 'Level ' || n, now() FROM generate_series(1, {rows}) AS n;
INSERT INTO "adm.venues" (external_id, name, location_id, created_at, updated_at)
SELECT 'VmVudWU6' || n, 'Venue ' || n, 'TG9jYXRpb246' || lpad(n::text, 8, '0'), now(), now()
FROM generate_series(1, {rows}) AS n;
INSERT INTO "adm.course_template_price_levels"
    (course_template_id, price_level_id, external_id, amount, last_synced, created_at, updated_at)
SELECT n, n, 'TGV2ZWw6' || n, 9.99, now(), now(), now() FROM generate_series(1, {rows}) AS n;
"#;
