//! Objects of the schema, privileges and transactions: the printed statement removes the deviation.

use std::path::PathBuf;

use lectern::embedded::{ClusterOptions, Embedded};
use sqlx::{Connection, PgConnection, PgPool};

use crate::doctor::{Findings, examine};
use crate::fixtures::test_db::TestDb;

async fn execute(db: &TestDb, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&db.pool).await.expect(sql);
}

async fn doctor(db: &TestDb) -> Findings {
    examine(db.program(&["doctor"])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_statement_removes_the_deviation() {
    const DEVIATIONS: [(&str, &str, &str); 3] = [
        (
            "sequences",
            "INSERT INTO acted.catalog_subjects (id, code) OVERRIDING SYSTEM VALUE VALUES (7, 'CM2')",
            "acted.catalog_subjects_id_seq gives 1 next, but acted.catalog_subjects.id has 7",
        ),
        (
            "indexes",
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'lectern.outbox_run_idx'::regclass",
            "lectern.outbox_run_idx",
        ),
        (
            "constraints",
            "ALTER TABLE adm.locations ADD CONSTRAINT name_length CHECK (length(external_id) < 99) NOT VALID",
            "name_length of adm.locations",
        ),
    ];
    let db = TestDb::new().await;
    execute(&db, &format!("ALTER DATABASE {} SET track_activities = off", database(&db).await)).await;
    for (_, damage, _) in DEVIATIONS {
        execute(&db, damage).await;
    }
    let found = doctor(&db).await;
    let failed = ["track-activities", "sequences", "indexes", "constraints", "administrate"];
    assert_eq!(found.failed(), failed, "{:#}", found.document);
    assert!(found.fix("track-activities").contains("track_activities = on"));
    for (check, _, detail) in DEVIATIONS {
        assert!(found.detail(check).contains(detail), "{}", found.check(check));
        execute(&db, found.fix(check).split(" (where").next().unwrap_or_default()).await;
    }
    assert_eq!(doctor(&db).await.failed(), ["track-activities", "administrate"]);
}

async fn database(db: &TestDb) -> String {
    sqlx::query_scalar("SELECT current_database()::text").fetch_one(&db.pool).await.expect("a name")
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_privileges_are_named_with_their_grants() {
    let db = TestDb::new().await;
    let role = format!("web_{}", database(&db).await);
    execute(&db, &format!("CREATE ROLE {role}")).await;
    let restricted = async || {
        let mut command = db.program(&["doctor"]);
        command.env("DATABASE_URL", format!("{}&options=-c%20role%3D{role}", db.url));
        examine(command).await
    };
    let found = restricted().await;
    assert!(found.fix("grants").contains(&format!("TO \"{role}\"")), "{}", found.check("grants"));
    let script = db.program(&["migrate", "plan", "--grants", &format!("lectern,{role}")]).output().expect("it runs");
    execute(&db, &String::from_utf8(script.stdout).expect("text")).await;
    let found = restricted().await;
    assert_eq!(found.failed(), ["administrate"], "the printed privileges suffice: {:#}", found.document);
    assert!(found.detail("grants").contains("migrating needs the owner"), "{}", found.check("grants"));
    execute(&db, &format!("REVOKE DELETE, UPDATE ON adm.venues, adm.events FROM {role}")).await;
    let found = restricted().await;
    assert!(found.detail("grants").contains("lacks UPDATE, DELETE on 2 tables"), "{}", found.check("grants"));
    let statement = format!("GRANT UPDATE, DELETE ON TABLE adm.events, adm.venues TO \"{role}\"");
    assert!(found.fix("grants").contains(&statement), "{}", found.fix("grants"));
    execute(&db, &statement).await;
    execute(&db, "DELETE FROM lectern.schema_steps WHERE version = 59").await;
    let found = restricted().await;
    assert!(found.detail("grants").contains("steps are pending, and user"), "{}", found.check("grants"));
    assert!(found.fix("grants").contains("run `lectern migrate` with a DATABASE_URL of user lectern"));
    execute(&db, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_transaction_that_has_locked_a_table_is_named() {
    let db = TestDb::new().await;
    let mut shop = PgConnection::connect(&db.url).await.expect("connected");
    let mut transaction = shop.begin().await.expect("begin");
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid() FROM adm.venues RIGHT JOIN (SELECT 1) AS one ON true")
        .fetch_one(&mut *transaction)
        .await
        .expect("a lock");
    assert_eq!(doctor(&db).await.check("idle-transactions")["ok"], true, "not idle for long");
    let found = examine(db.program(&["doctor", "--idle", "0"])).await;
    let detail = found.detail("idle-transactions");
    assert!(detail.contains(&format!("process {pid}")) && detail.contains("adm.venues"), "{detail}");
    assert!(found.fix("idle-transactions").contains(&format!("SELECT pg_terminate_backend({pid})")));
}

#[tokio::test(flavor = "multi_thread")]
async fn backlog_that_no_worker_delivers_is_a_deviation() {
    let db = TestDb::new().await;
    execute(
        &db,
        "INSERT INTO lectern.outbox (effect, subject_kind, subject_id, subject, state, next_attempt_at, created_at)
         SELECT 'create_event', 'event', n, 'CM2-0' || n, state, now() - interval '1 hour', '2026-01-02 03:04:05Z'
         FROM unnest('{pending,failed,unknown}'::text[]) WITH ORDINALITY AS s (state, n);
         INSERT INTO lectern.runs (kind, subject, started_at, finished_at, exit_code)
         VALUES ('sync', 'venues', now(), '2026-01-02 03:04:05Z', 0), ('sync', 'venues', now(), now(), 1)",
    )
    .await;
    let found = doctor(&db).await;
    let detail = "1 pending, the oldest since 2026-01-02T03:04:05Z; 1 failed, 1 unknown";
    assert_eq!(found.detail("outbox"), detail);
    for command in ["lectern outbox retry", "lectern outbox resolve", "lectern outbox run"] {
        assert!(found.fix("outbox").contains(command), "{}", found.fix("outbox"));
    }
    assert!(found.fix("syncs").contains("lectern sync venues"), "{}", found.check("syncs"));
    assert!(found.detail("syncs").contains("2026-01-02T03:04Z: venues"), "{}", found.check("syncs"));
}

const VIEWS: &str = "CREATE VIEW public.locations WITH (security_invoker) AS TABLE adm.locations;
    CREATE VIEW public.\"adm.locations\" WITH (security_invoker) AS TABLE adm.locations;
    CREATE VIEW public.venues WITH (security_invoker) AS TABLE adm.venues;";

#[tokio::test(flavor = "multi_thread")]
async fn statements_on_compatibility_views_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = ClusterOptions { data_dir: folder.path().into(), bin: PathBuf::new(), durable: false };
    let cluster = Embedded::start(&options).await.expect("a cluster");
    let pool = PgPool::connect(&cluster.admin_url_of("lectern")).await.expect("connected");
    let owner = PgPool::connect(&cluster.url()).await.expect("connected");
    lectern::migrate::apply(&owner).await.expect("the schema");
    sqlx::raw_sql(VIEWS).execute(&owner).await.expect("views");
    owner.close().await;
    let detail = async |url: &str| {
        let db = TestDb::empty().await;
        let mut command = db.program(&["doctor"]);
        command.env("DATABASE_URL", url);
        examine(command).await.detail("compat-views").to_owned()
    };
    let missing = detail(&cluster.url()).await;
    assert!(missing.contains("3 compatibility views; pg_stat_statements is not installed"), "{missing}");
    let library = "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'";
    for sql in ["CREATE EXTENSION pg_stat_statements", library] {
        sqlx::raw_sql(sql).execute(&pool).await.expect(sql);
    }
    let unloaded = detail(&cluster.url()).await;
    assert!(unloaded.contains("shared_preload_libraries"), "{unloaded}");
    pool.close().await;
    cluster.stop().await;
    let cluster = Embedded::start(&options).await.expect("started again");
    let unused = detail(&cluster.url()).await;
    assert!(unused.contains("no statement on them") && unused.contains("only statements of user lectern"), "{unused}");
    let admin = PgPool::connect(&cluster.admin_url_of("lectern")).await.expect("connected");
    sqlx::raw_sql("GRANT pg_read_all_stats TO lectern").execute(&admin).await.expect("granted");
    admin.close().await;
    let pool = PgPool::connect(&cluster.url()).await.expect("connected");
    for sql in [
        "SELECT count(*) FROM public.locations",
        "select count(*) from \"public\".\"locations\"",
        "UPDATE public.\"adm.locations\" SET legacy_id = 'x'",
        "SELECT count(*) FROM adm.locations",
        "SELECT count(*) FROM \"adm\".\"venues\"",
    ] {
        sqlx::query(sql).execute(&pool).await.expect(sql);
    }
    let used = detail(&cluster.url()).await;
    assert!(!used.contains("are visible"), "{used}");
    assert!(used.contains("1 statement on public.\"adm.locations\", 2 statements on public.locations"), "{used}");
    pool.close().await;
    cluster.stop().await;
}
