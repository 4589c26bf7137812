//! Databases of any state, and databases that cannot be reached.

use crate::doctor::examine;
use crate::fixtures::legacy::{Legacy, Naming, Placement, State};
use crate::fixtures::sync::SyncFixture;
use crate::fixtures::terminal::{Terminal, widest};
use crate::fixtures::test_db::TestDb;
use crate::migrate::adoption::last_sql_step;

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_order_ends_with_0_and_changes_nothing() {
    let fixture = SyncFixture::new().await;
    assert_ne!(fixture.run(&["sync", "all", "--no-prompt"]).await.0, 1);
    let audit = "SELECT count(*) FROM adm.api_audit_log";
    let before = (fixture.rows().await, fixture.count(audit).await);
    let found = examine(fixture.program(&["doctor"])).await;
    assert_eq!((found.failed(), found.not_checked()), (vec![], vec![]), "{:#}", found.document);
    assert!(found.detail("syncs").contains(": custom-fields, price-levels, locations"), "{}", found.check("syncs"));
    assert!(found.detail("syncs").contains("never: events"));
    assert!(found.detail("administrate-query").contains("price level"));
    assert!(found.detail("clock").contains(" s, Administrate "));
    assert!(found.detail("request-allowance").contains("of 6000 requests"));
    assert!(found.detail("server-version").starts_with("PostgreSQL 1"));
    assert!(found.detail("compat-views").contains("pg_stat_statements is not installed"));
    assert_eq!((fixture.rows().await, fixture.count(audit).await), before, "nothing is changed");
    // At a terminal of 80 columns no line is broken by the terminal.
    let mut command = fixture.program(&["doctor", "--no-color"]);
    command.env("TERM", "xterm");
    let (exit, output) = Terminal::start(command).wait();
    assert_eq!(exit, found.exit, "{output}");
    assert!(widest(&output) <= 80 && output.contains("  ✓ schema              "), "{output}");
    // A program reads a line for each check.
    let output = fixture.program(&["doctor"]).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("\nencoding\tok\tUTF8\t-\n") && !text.contains('\u{1b}'), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_any_state_is_examined() {
    for (sql, schema, fix) in [
        ("", "not applied (first catalogue)", "run `lectern migrate`"),
        ("CREATE SCHEMA acted; CREATE TABLE acted.products (id int)", "stand in the way", "`lectern migrate plan`"),
        (
            "CREATE SCHEMA lectern; CREATE TABLE lectern.schema_steps AS
                 SELECT 9000::bigint AS version, 'x'::text AS description, true AS success, ''::bytea AS checksum",
            "a newer program has migrated",
            "use the newer program",
        ),
    ] {
        let db = TestDb::empty().await;
        sqlx::raw_sql(sql).execute(&db.pool).await.expect(sql);
        let found = examine(db.program(&["doctor"])).await;
        assert!(found.detail("schema").contains(schema), "{}", found.check("schema"));
        assert!(found.fix("schema").contains(fix), "{}", found.check("schema"));
        assert!(found.check("sequences")["ok"] == true && found.check("encoding")["ok"] == true, "{}", found.document);
        assert!(found.not_checked().contains(&"outbox"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bridge_tables_before_their_move_are_named() {
    let db = TestDb::new().await;
    sqlx::raw_sql(
        "ALTER TABLE adm.locations SET SCHEMA public; ALTER TABLE public.locations RENAME TO \"adm.locations\";
         ALTER TABLE adm.venues SET SCHEMA public; ALTER TABLE adm.custom_fields RENAME TO customfields",
    )
    .execute(&db.pool)
    .await
    .expect("former places");
    let found = examine(db.program(&["doctor"])).await;
    let detail = found.detail("placement");
    for place in ["public.\"adm.locations\"", "public.venues", "adm.customfields"] {
        assert!(detail.contains(place), "{place}: {detail}");
    }
    assert!(found.fix("placement").contains("`lectern migrate`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn living_database_is_examined_in_each_state_of_its_adoption() {
    let living = Legacy::new(State::February6, Placement::Dotted, Naming::Django).build().await;
    let program = |arguments: &[&str]| {
        let mut command = living.db.program(arguments);
        command.env("DATABASE_URL", living.owner_url());
        command
    };
    let found = examine(program(&["doctor"])).await;
    assert!(found.fix("schema").contains("`lectern migrate`"), "{}", found.check("schema"));
    assert!(
        found.detail("placement").contains("adm.locations is public.\"adm.locations\""),
        "{}",
        found.check("placement")
    );
    for (arguments, failed) in [
        (&["migrate", "apply", "--to", "adm-schema", "--compat-views"][..], &["schema", "administrate"][..]),
        (&["migrate", "--to", &last_sql_step()], &["administrate"]),
        (&["migrate", "undo", "adm-schema"], &["schema", "placement", "administrate"]),
    ] {
        let output = program(arguments).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let found = examine(program(&["doctor"])).await;
        assert_eq!(found.failed(), failed, "{arguments:?}: {:#}", found.document);
        let has_views = !found.detail("compat-views").contains("there are no compatibility views");
        assert_eq!(has_views, !arguments.contains(&"undo"), "{}", found.check("compat-views"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_database_fails_one_check_and_the_others_are_made() {
    let fixture = SyncFixture::new().await;
    for (url, detail, fix) in [
        ("postgres://a:s3cr3tpw@127.0.0.1:1/acted", "127.0.0.1:1, database acted: connection refused", "DATABASE_URL"),
        (
            "postgres://a:s3cr3tpw@127.0.0.1:notaport/acted",
            "DATABASE_URL is not a PostgreSQL address",
            "write postgres://",
        ),
        (&fixture.db.url.replace("/test_", "/none_"), "does not exist", "create it, or correct DATABASE_URL"),
    ] {
        let mut command = fixture.program(&["doctor", "--debug"]);
        command.env("DATABASE_URL", url);
        let found = examine(command).await;
        assert_eq!(found.failed(), ["database"], "{:#}", found.document);
        assert!(found.detail("database").contains(detail), "{}", found.check("database"));
        assert!(found.fix("database").contains(fix), "{}", found.check("database"));
        assert!(found.check("administrate-login")["ok"] == true && found.not_checked().contains(&"schema"));
        let printed = format!("{}{}", found.document, found.stderr);
        assert!(!printed.contains("s3cr3tpw") && !printed.contains(fixture.simulator.client_secret()), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_database_is_started_but_not_created() {
    let db = TestDb::empty().await;
    let data = db.folder().join("data");
    let mut command = db.program(&["doctor"]);
    command.env_remove("DATABASE_URL").env("LECTERN_DATA_DIR", &data);
    let found = examine(command).await;
    assert!(found.fix("database").contains("run `lectern migrate` to create"), "{}", found.check("database"));
    assert!(!data.exists(), "an examination creates nothing");
    let mut private = TestDb::private().await;
    private.stop_private().await;
    let found = examine(private.program(&["doctor"])).await;
    let failed = found.failed();
    assert_eq!(failed, ["administrate"], "only Administrate is not configured: {:#}", found.document);
    assert!(found.detail("database").contains("the private database"), "{}", found.check("database"));
}
