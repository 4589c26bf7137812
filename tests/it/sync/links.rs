//! Links and namesakes: what exists stays linked, and what a decision keeps apart is created on neither side.

use administrate_sim::{Options, Profile};
use serde_json::{Value, json};

use crate::fixtures::sync::SyncFixture;

const ACCOUNT: (&str, &str) = ("ADMINISTRATE_ACCOUNT_ID", "T3JnYW5pc2F0aW9uOjE=");

/// The entities that have a local side, with their report's place in `sync all`.
const LINKED: [(&str, usize); 4] = [("locations", 2), ("venues", 3), ("instructors", 4), ("course-templates", 5)];

const LINKS: &str = "
    SELECT string_agg(link, ' ' ORDER BY link) FROM (
        SELECT 'l ' || external_id || tutorial_location_id AS link FROM adm.locations
        UNION ALL SELECT 'v ' || external_id || tutorial_venue_id FROM adm.venues
        UNION ALL SELECT 'i ' || external_id || tutorial_instructor_id FROM adm.instructors
        UNION ALL SELECT 't ' || external_id || tutorial_course_template_id FROM adm.course_templates) AS links";

/// Returns a fixture with one more linked template and no ambiguous record; all entities are synchronised.
async fn linked() -> SyncFixture {
    let options = Options { profile: Profile::EXTENDED, ..Options::default() };
    let fixture = SyncFixture::with_options(options).await;
    sqlx::raw_sql(
        "INSERT INTO acted.tutorial_course_templates (code, title) VALUES ('SP9', 'Risk');
         DELETE FROM acted.tutorial_locations WHERE name = 'CORK';",
    )
    .execute(&fixture.db.pool)
    .await
    .expect("local rows");
    fixture.simulator.edit(|tenant| {
        tenant.templates.retain(|template| template.title != "Models again");
        tenant.prices.retain(|_| false);
        tenant.add_template("SP9", "Risk", 1);
    });
    let (exit, summary) = fixture.run(&["sync", "all"]).await;
    assert_eq!(exit, 0, "{summary:#}");
    fixture
}

async fn links(fixture: &SyncFixture) -> String {
    sqlx::query_scalar(LINKS).fetch_one(&fixture.db.pool).await.expect("links")
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_link_survives_a_namesake_and_the_report_says_how_to_link_it() {
    let fixture = linked().await;
    let before = links(&fixture).await;
    let rooms = before.matches("v ").count();
    assert!(rooms >= 1 && before.contains("t ") && before.contains("i "), "{before}");
    sqlx::raw_sql(
        "INSERT INTO acted.tutorial_locations (id, name) OVERRIDING SYSTEM VALUE VALUES (90, 'LONDON ');
         INSERT INTO acted.tutorial_venues (id, name, location_id) OVERRIDING SYSTEM VALUE VALUES (90, 'quill HOUSE', 1);
         INSERT INTO public.auth_user (username, first_name, last_name) VALUES ('d', 'ada', 'MARLOW');
         INSERT INTO acted.staff (user_id) SELECT id FROM public.auth_user WHERE username = 'd';
         INSERT INTO acted.tutorial_instructors (id, staff_id) OVERRIDING SYSTEM VALUE SELECT 90, max(id) FROM acted.staff;
         INSERT INTO acted.tutorial_course_templates (id, code, title) OVERRIDING SYSTEM VALUE VALUES (90, 'sp9', 'Risk');",
    )
    .execute(&fixture.db.pool)
    .await
    .expect("local namesakes");
    let (exit, summary) =
        fixture.run_with_env(&["sync", "all", "--create-remote", "--report", "r.xlsx"], &[ACCOUNT]).await;
    assert_eq!((exit, links(&fixture).await.contains(&before)), (4, false), "created records are linked as well");
    for link in before.split(' ').filter(|word| word.len() > 1) {
        assert!(links(&fixture).await.contains(link), "{link}");
    }
    for (entity, at) in LINKED {
        let report = &summary["reports"][at];
        let [ambiguity] = report["ambiguous"].as_array().expect("a list").as_slice() else { panic!("{report:#}") };
        let local: Vec<&Value> = ambiguity["local"].as_array().expect("a list").iter().map(|one| &one["id"]).collect();
        assert_eq!(local, [&json!(90)], "only the namesake: {ambiguity:#}");
        let external_id = ambiguity["remote"][0]["external_id"].as_str().expect("an id");
        assert_eq!(ambiguity["commands"][0], format!("lectern sync link {entity} 90 {external_id}"));
        let sorry =
            [&report["unmatched_local"], &report["created_in_administrate"], &report["not_created_in_administrate"]];
        assert!(sorry.iter().all(|list| !list.to_string().contains("\"id\":90,")), "nobody creates it: {report:#}");
    }
    let command = fixture.program(&["sync", "locations", "--no-prompt"]);
    let output = tokio::task::spawn_blocking(move || { command }.output()).await.expect("joined").expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("london: 1 more in Lectern; the existing link stays\n"), "{text}");
    assert!(text.contains("link LONDON with London instead:"), "{text}");
    let command = summary["reports"][2]["ambiguous"][0]["commands"][0].as_str().expect("a command").to_owned();
    let arguments: Vec<&str> = command.split(' ').skip(1).collect();
    assert_eq!(fixture.run(&arguments).await.0, 0);
    let (_, report) = fixture.run(&["sync", "locations"]).await;
    assert_eq!(report["ambiguous"], json!([]), "{report:#}");
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations WHERE tutorial_location_id = 90").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_link_survives_remote_namesakes_and_changed_names() {
    let fixture = linked().await;
    let before = links(&fixture).await;
    let rooms = fixture.count("SELECT count(*) FROM acted.tutorial_venues").await;
    fixture.simulator.edit(|tenant| {
        tenant.add_location(" london", "LO2");
        tenant.add_venue(1, "Quill\u{a0}House");
        tenant.add_instructor("ADA", "marlow");
        tenant.add_template("sp9", "Risk", 1);
    });
    sqlx::raw_sql("UPDATE acted.tutorial_venues SET name = 'Attic' WHERE name = 'Quill house'")
        .execute(&fixture.db.pool)
        .await
        .expect("the local name becomes a namesake of another");
    let (exit, summary) = fixture.run(&["sync", "all", "--create-local"]).await;
    assert_eq!(exit, 4);
    for (entity, at) in LINKED {
        let report = &summary["reports"][at];
        let [ambiguity] = report["ambiguous"].as_array().expect("a list").as_slice() else { panic!("{report:#}") };
        assert_eq!(ambiguity["remote"].as_array().map(Vec::len), Some(1), "only the namesake: {ambiguity:#}");
        let command = ambiguity["commands"][0].as_str().expect("a command");
        assert!(command.starts_with(&format!("lectern sync link {entity} ")), "{command}");
        let created = report["created_local"].to_string().to_lowercase();
        assert!(["london", "quill", "marlow", "sp9"].iter().all(|name| !created.contains(name)), "{created}");
    }
    for link in before.split(' ').filter(|word| word.len() > 1) {
        assert!(links(&fixture).await.contains(link), "{link}");
    }
    assert_eq!(fixture.count("SELECT count(*) FROM acted.tutorial_venues").await, rooms + 1, "Bridge House");
    let (_, report) = fixture.run(&["sync", "locations", "--plan-out", "plan.json"]).await;
    assert_eq!(report["plan"], json!([]), "a second run has nothing to write: {report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn separated_records_are_created_on_neither_side() {
    let fixture = linked().await;
    let names = async |sql: &'static str| fixture.count(sql).await;
    let local =
        "SELECT (SELECT count(*) FROM acted.tutorial_locations) + (SELECT count(*) FROM acted.tutorial_instructors)";
    let london = administrate_sim::Tenant::location_id(1);
    let ada: String = sqlx::query_scalar("SELECT external_id FROM adm.instructors WHERE tutorial_instructor_id = 1")
        .fetch_one(&fixture.db.pool)
        .await
        .expect("Ada's link");
    let (_, _) = fixture.run_with_env(&["sync", "all", "--create-local", "--create-remote"], &[ACCOUNT]).await;
    let (before, remote) = (names(local).await, fixture.simulator.tenant());
    assert_eq!(fixture.run(&["sync", "unlink", "locations", "London", &london]).await.0, 0);
    assert_eq!(fixture.run(&["sync", "ignore", "instructors", "1", "-"]).await.0, 0);
    for entity in ["all", "locations", "instructors"] {
        let command = ["sync", entity, "--create-local", "--create-remote"];
        let (_, document) = fixture.run_with_env(&[&command[..], &["--dry-run"]].concat(), &[ACCOUNT]).await;
        assert!(!document.to_string().contains("created by this run"), "{document:#}");
        fixture.run_with_env(&command, &[ACCOUNT]).await;
        let after = fixture.simulator.tenant();
        assert_eq!(names(local).await, before, "{entity}");
        assert_eq!((after.locations.len(), after.contacts.len()), (remote.locations.len(), remote.contacts.len()));
    }
    for (entity, command) in [
        ("locations", format!("lectern sync link locations 1 {london}")),
        ("instructors", format!("lectern sync link instructors 1 {ada}")),
    ] {
        let (_, report) = fixture.run(&["sync", entity]).await;
        assert_eq!(report["separated"][0]["command"], command, "{report:#}");
        let arguments: Vec<&str> = command.split(' ').skip(1).collect();
        assert_eq!(fixture.run(&arguments).await.0, 0);
        let (_, report) = fixture.run(&["sync", entity]).await;
        assert_eq!(report.get("separated"), None, "{report:#}");
    }
    assert_eq!(fixture.count("SELECT count(*) FROM adm.locations WHERE tutorial_location_id = 1").await, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM adm.instructors WHERE tutorial_instructor_id = 1").await, 1);
}
