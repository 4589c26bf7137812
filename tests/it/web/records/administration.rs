//! Audit, settings and migrations.

use lectern::config::effective::effective;
use lectern::identity::Role;

use super::{Archive, contents, send, unescaped, with};
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;
use crate::web::visitor::Browser;

#[tokio::test]
async fn audit_says_who_changed_what_and_is_filtered() {
    let archive = Archive::open().await;
    let ann = Browser::sign_in(&archive.db, &archive.site, "ann", Role::Operator).await;
    let rita = Browser::sign_in(&archive.db, &archive.site, "rita", Role::Reader).await;
    let location = archive.typed("{location}");
    let path = format!("/reference/locations/{location}");
    let opened = contents(&ann.page(&format!("{path}/edit")).await);
    assert_eq!(send(&ann, &path, &with(&opened, "name", "Greater London")).await.status(), 303);
    let changed = "<span class=\"old\">London</span> <span class=\"new\">Greater London</span>";
    let day = jiff::Timestamp::now().in_tz("Europe/London").expect("a zone").date();
    let next = day.tomorrow().expect("a day");
    for (filter, is_shown) in [
        (String::new(), true),
        ("?actor=ann".to_owned(), true),
        ("?actor=bob".to_owned(), false),
        ("?table=acted.tutorial_locations".to_owned(), true),
        ("?table=acted.tutorial_venues".to_owned(), false),
        (format!("?table=acted.tutorial_locations&row={location}"), true),
        ("?row=999".to_owned(), false),
        (format!("?from={day}&until={day}"), true),
        (format!("?from={next}"), false),
        (format!("?until={}", day.yesterday().expect("a day")), false),
        ("?from=yesterday&before=x&actor=%00ann".to_owned(), true),
    ] {
        let shown = rita.page(&format!("/audit{filter}")).await;
        assert_eq!(shown.contains(changed), is_shown, "{filter}: {shown}");
        assert!(
            !is_shown || shown.contains(&format!("<a href=\"{path}\">Location Greater London changed</a>")),
            "{filter}"
        );
    }
    assert_eq!(ann.submit("/reference/staff", &[("first_name", "Ivo"), ("last_name", "Marsh")]).await.status(), 303);
    let (own, others) = (ann.page("/audit").await, rita.page("/audit").await);
    assert!(own.contains("Staff Ivo Marsh added") || own.contains("Member of staff Ivo Marsh added"), "{own}");
    assert!(own.contains("<li>Account: ") && !others.contains("<li>Account: "), "accounts are for operators");
    assert_eq!(rita.get("/history").await.status(), 308);
    let many = "INSERT INTO acted.tutorial_locations (name) SELECT 'Town ' || n FROM generate_series(1, 60) AS n";
    sqlx::raw_sql(many).execute(&archive.db.pool).await.expect("locations");
    let first = rita.page("/audit?table=acted.tutorial_locations").await;
    assert!(first.contains("Town 60") && !first.contains("Town 1 "), "{first}");
    let earlier = first.split("Earlier").next().and_then(|rest| rest.rsplit("href=\"").next()).expect("a link");
    let earlier = unescaped(earlier.split('"').next().expect("an address"));
    assert!(rita.page(&earlier).await.contains("Town 1 "), "{earlier}");
}

#[tokio::test]
async fn settings_are_for_admins_without_secrets_and_migrations_say_what_is_applied() {
    let db = TestDb::new().await;
    let file = db.folder().join("lectern.toml");
    std::fs::write(&file, "[import]\nmax_rows = 7\n").expect("written");
    let variable = |name: &str| match name {
        "ADMINISTRATE_CLIENT_SECRET" => Some("s3cret-value".to_owned()),
        "LECTERN_DATA_DIR" => Some("/somewhere".to_owned()),
        _ => None,
    };
    let settings = effective(Some(&file), variable, &[]).expect("valid settings");
    let site = Site::serve_with_settings(&db, &settings).await;
    let ann = Browser::sign_in(&db, &site, "ann", Role::Operator).await;
    let alma = Browser::sign_in(&db, &site, "alma", Role::Admin).await;
    assert_eq!(ann.get("/settings").await.status(), 403);
    assert!(!ann.page("/today").await.contains("href=\"/settings\""));
    let shown = alma.page("/settings").await;
    assert!(shown.contains("href=\"/settings\"") && !shown.contains("s3cret"), "{shown}");
    for (name, value, source, about) in [
        ("import.max_rows", "7", "lectern.toml", "default: 100000"),
        (
            "administrate.client_secret",
            "set",
            "environment variable ADMINISTRATE_CLIENT_SECRET",
            "Variable: ADMINISTRATE_CLIENT_SECRET",
        ),
        ("administrate.webhook_secret", "not set", "default", ""),
        ("data_dir", "/somewhere", "environment variable LECTERN_DATA_DIR", "cluster, reports, uploads"),
        ("bind", "127.0.0.1:8080", "default", "address of `lectern serve`"),
    ] {
        let row = shown.split("<tr>").find(|row| row.contains(&format!("<code>{name}</code>"))).expect(name);
        assert!(
            row.contains(&format!("<b>{value}</b>")) && row.contains(source) && row.contains(about),
            "{name}: {row}"
        );
    }
    assert_eq!(shown.matches("Limits of workbooks, timetables and catalogues alike").count(), 1, "once for the table");
    let migrations = ann.page("/migrations?details=1").await;
    assert!(migrations.contains("Every step is applied") && migrations.contains("lectern migrate verify"));
    let forget = "UPDATE lectern.schema_steps SET success = false
                  WHERE version = (SELECT max(version) FROM lectern.schema_steps)";
    sqlx::raw_sql(forget).execute(&db.pool).await.expect("forgotten");
    let pending = ann.page("/migrations").await;
    assert!(pending.contains("One step is not applied") && pending.contains("lectern migrate plan"), "{pending}");
}
