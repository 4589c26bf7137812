//! `lectern migrate plan --grants`: the owner can migrate, the service can do its work, and nothing else.

use std::process::Output;

use administrate_sim::Options;
use lectern::retention::sweep;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use tokio_util::sync::CancellationToken;

use crate::fixtures::import::ImportFixture;
use crate::fixtures::legacy::{Legacy, Naming, Placement, State};
use crate::fixtures::sync::SyncFixture;
use crate::fixtures::test_db::TestDb;
use crate::fixtures::timetable::{event, write};

/// Two roles that no other test has.
struct Roles {
    owner: String,
    service: String,
}

impl Roles {
    async fn create(db: &TestDb) -> Roles {
        let database: String =
            sqlx::query_scalar("SELECT current_database()").fetch_one(&db.pool).await.expect("a name");
        let roles = Roles { owner: format!("{database}_migrates"), service: format!("{database}_serves") };
        execute(&db.pool, &format!("CREATE ROLE {}; CREATE ROLE {}", roles.owner, roles.service)).await;
        roles
    }

    /// Prints the statements and executes them. Returns what was printed.
    async fn grant(&self, db: &TestDb) -> String {
        let output = plan(db, &format!("{},{}", self.owner, self.service), &[]);
        let (printed, messages) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), messages.as_str()), (Some(0), ""), "{printed}");
        execute(&db.pool, &printed).await;
        printed
    }

    /// Runs `lectern migrate` as the owner.
    fn migrate(&self, db: &TestDb) {
        let output = db.program(&["migrate"]).env("DATABASE_URL", url_as(db, &self.owner)).output().expect("runs");
        // 4: some texts of the living database match no venue.
        assert!(matches!(output.status.code(), Some(0 | 4)), "{}", text(&output.stderr));
    }

    async fn service(&self, db: &TestDb) -> PgPool {
        PgPool::connect(&url_as(db, &self.service)).await.expect("connected")
    }

    async fn drop(self, db: &TestDb) {
        for role in [self.service, self.owner] {
            execute(&db.pool, &format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}")).await;
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn url_as(db: &TestDb, role: &str) -> String {
    format!("{}&options[role]={role}", db.url)
}

fn plan(db: &TestDb, roles: &str, more: &[&str]) -> Output {
    let mut command = db.program(&["migrate", "plan", "--grants", roles]);
    command.args(more).output().expect("runs")
}

async fn execute(pool: &PgPool, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(pool).await;
    done.unwrap_or_else(|error| panic!("{error}\n{sql}"));
}

/// Executes a statement as the service. Returns whether it was refused for want of a privilege.
async fn is_refused(service: &PgPool, sql: &str) -> bool {
    let mut transaction = service.begin().await.expect("begun");
    let refusal = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *transaction).await.err();
    transaction.rollback().await.expect("rolled back");
    let refusal = refusal.and_then(|error| Some(error.as_database_error()?.code()?.into_owned()));
    refusal.as_deref() == Some("42501")
}

/// What the service must not do.
const FORBIDDEN: &[&str] = &[
    "CREATE SCHEMA mine",
    "CREATE TABLE lectern.mine ()",
    "CREATE TABLE acted.mine ()",
    "CREATE TABLE adm.mine ()",
    "CREATE TABLE public.mine ()",
    "CREATE INDEX ON acted.tutorial_events (start_date)",
    "ALTER TABLE acted.tutorial_events ADD mine int",
    "ALTER TABLE lectern.runs DISABLE TRIGGER ALL",
    "DROP TABLE lectern.outbox",
    "TRUNCATE lectern.webhook_inbox",
    "TRUNCATE acted.tutorial_session_instructors",
    "LOCK TABLE acted.filter_configurations IN EXCLUSIVE MODE",
    "SELECT * FROM public.orders",
    "UPDATE lectern.schema_steps SET success = false",
    "DELETE FROM acted.filter_configurations",
    "UPDATE acted.filter_configuration_groups SET is_default = true",
    "UPDATE public.auth_user SET password = 'x', is_superuser = true",
    "DELETE FROM lectern.event_details",
    "CREATE TRIGGER mine AFTER INSERT ON lectern.runs EXECUTE FUNCTION lectern.search_changed()",
];

async fn assert_least(db: &TestDb, service: &PgPool) {
    for sql in FORBIDDEN {
        assert!(is_refused(service, sql).await, "{sql}");
    }
    let role: String = sqlx::query_scalar("SELECT current_user::text").fetch_one(service).await.expect("a name");
    let beyond: Vec<String> = sqlx::query_scalar(
        "SELECT format('%s.%s', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v') AND n.nspname !~ '^(pg_|information_schema)'
           AND has_table_privilege($1, c.oid, 'TRUNCATE, REFERENCES, TRIGGER')",
    )
    .bind(role)
    .fetch_all(&db.pool)
    .await
    .expect("privileges");
    assert_eq!(beyond, [""; 0]);
}

/// The statements come first, as an administrator executes them before the first migration.
#[tokio::test(flavor = "multi_thread")]
async fn owner_migrates_an_empty_database_and_the_service_imports() {
    let db = TestDb::empty().await;
    let roles = Roles::create(&db).await;
    execute(&db.pool, "CREATE TABLE public.orders (id int)").await;
    roles.grant(&db).await;
    roles.migrate(&db);
    let defaults = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config.default.toml");
    let config = lectern::config::Config::load(Some(&defaults), |_| None, &[("data_dir", "/nowhere".into())]);
    let file = write(db.folder(), "t.xlsx", &[event("CB1-01-26A"), event("CB1-02-26A")]);
    let timetable =
        lectern::timetable_import::run::load(&file, &config.expect("settings")).expect("readable").timetable;
    let fixture = ImportFixture::in_database(db, &timetable, Options::default()).await;
    let url = url_as(&fixture.db, &roles.service);
    let run = async |arguments: &[&str]| {
        let mut command = fixture.program(arguments);
        command.env("DATABASE_URL", &url).arg("--json");
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("runs");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("a document")
    };
    let path = file.to_str().expect("a path");
    let imported = run(&["import", path, "--no-prompt"]).await;
    assert_eq!(imported["delivery"]["delivered"], 2, "{imported}");
    run(&["sync", "all", "--no-prompt"]).await;
    run(&["search", "CB1"]).await;
    run(&["outbox"]).await;
    run(&["token", "create", "--name", "t", "--role", "reader"]).await;
    run(&["webhooks", "list"]).await;
    run(&["import", "undo", &imported["run_id"].to_string(), "--no-prompt"]).await;
    let service = roles.service(&fixture.db).await;
    sweep(&service, &fixture.config(), &CancellationToken::new()).await.expect("swept");
    assert_least(&fixture.db, &service).await;
    service.close().await;
    roles.drop(&fixture.db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn service_writes_the_catalogue_over_http() {
    let mut db = TestDb::empty().await;
    let roles = Roles::create(&db).await;
    roles.grant(&db).await;
    roles.migrate(&db);
    let service = roles.service(&db).await;
    let own = std::mem::replace(&mut db.pool, service);
    let mut db = crate::catalogue::write_every_resource(db).await;
    std::mem::replace(&mut db.pool, own).close().await;
    roles.drop(&db).await;
}

/// The database belongs to another role before. Syncs, and the undo of what they created.
#[tokio::test(flavor = "multi_thread")]
async fn service_syncs_and_undoes_in_a_database_that_changed_hands() {
    let fixture = SyncFixture::new().await;
    let roles = Roles::create(&fixture.db).await;
    execute(
        &fixture.db.pool,
        "CREATE TABLE public.orders (id int, \"user\" int REFERENCES public.auth_user, total int)",
    )
    .await;
    let printed = roles.grant(&fixture.db).await;
    assert!(printed.contains("GRANT SELECT (\"user\") ON TABLE public.orders"), "{printed}");
    roles.migrate(&fixture.db);
    let url = url_as(&fixture.db, &roles.service);
    let run = async |arguments: &[&str]| fixture.run_with_env(arguments, &[("DATABASE_URL", &url)]).await;
    let (_, report) = run(&["sync", "all", "--no-prompt"]).await;
    assert_eq!((&report["failed"], &report["not_run"]), (&0.into(), &0.into()), "{report:#}");
    let (_, created) = run(&["sync", "instructors", "--create-local", "--no-prompt"]).await;
    assert!(created["run_id"].is_i64(), "{created:#}");
    let (exit, undone) = run(&["sync", "undo", &created["run_id"].to_string(), "--no-prompt"]).await;
    assert_eq!(exit, 0, "{undone:#}");
    let service = roles.service(&fixture.db).await;
    assert_least(&fixture.db, &service).await;
    // A table of a later version is granted by the migration itself.
    execute(&fixture.db.pool, &format!("REVOKE ALL ON lectern.outbox FROM {}", roles.service)).await;
    roles.migrate(&fixture.db);
    assert!(!is_refused(&service, "DELETE FROM lectern.outbox").await);
    service.close().await;
    roles.drop(&fixture.db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn living_database_is_adopted_by_the_owner_and_its_former_owner_goes_on() {
    let living = Legacy::new(State::February13, Placement::Mixed, Naming::Living).build().await;
    let roles = Roles::create(&living.db).await;
    roles.grant(&living.db).await;
    roles.migrate(&living.db);
    let service = roles.service(&living.db).await;
    for sql in ["UPDATE adm.locations SET legacy_id = 'x'", "DELETE FROM adm.course_template_price_levels"] {
        assert!(!is_refused(&service, sql).await, "{sql}");
    }
    for sql in ["SELECT * FROM lectern.found_before", "SELECT * FROM lectern.receipts", "TRUNCATE adm.locations"] {
        assert!(is_refused(&service, sql).await, "{sql}");
    }
    let former = PgPool::connect(&living.owner_url()).await.expect("connected");
    execute(&former, "INSERT INTO adm.locations (external_id, created_at, updated_at) VALUES ('n', now(), now())")
        .await;
    former.close().await;
    service.close().await;
    roles.drop(&living.db).await;
}

#[tokio::test]
async fn roles_that_do_not_exist_are_named_and_wrong_ones_refused() {
    let db = TestDb::new().await;
    let output = plan(&db, "no \"owner\",no-service", &[]);
    let (printed, messages) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{messages}");
    for expected in ["-- CREATE ROLE \"no \"\"owner\"\"\" LOGIN;", "-- CREATE ROLE \"no-service\" LOGIN;"] {
        assert!(printed.contains(expected), "{printed}");
    }
    assert!(messages.contains("the role no-service does not exist"), "{messages}");
    let output = plan(&db, "no-owner,no-service", &["--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(document["missing_roles"], serde_json::json!(["no-owner", "no-service"]));
    let statements = document["statements"].as_array().expect("statements");
    assert!(statements.iter().all(|sql| sql.as_str().is_some_and(|sql| sql.ends_with(';'))), "{document:#}");
    for wrong in ["one", "one,", "one,one", "one,public", "a,b,c"] {
        assert_eq!(plan(&db, wrong, &[]).status.code(), Some(2), "{wrong}");
    }
}
