//! `lectern sync` against the simulator: who is matched, what is told, what is written, and how it ends.

use std::collections::BTreeMap;

use administrate_sim::tenant::{Contact, Price, Priced, Region};
use administrate_sim::{Action, Fault, Options, Profile, Running, Simulator, Tenant};
use serde_json::{Value, json};

use crate::world::World;

/// A provider with something of every kind, on both sides.
struct Story {
    world: World,
    simulator: Running,
}

impl Story {
    async fn begin() -> Story {
        Story::with(Options::default()).await
    }

    async fn with(options: Options) -> Story {
        let world = World::new().await;
        sqlx::raw_sql(OURS).execute(&world.pool).await.expect("our side");
        let simulator = Simulator::start(options, theirs()).await.expect("the simulator starts");
        Story { world, simulator }
    }

    /// Runs the program; its exit code and its JSON document.
    async fn lectern(&self, arguments: &[&str]) -> (i32, Value) {
        let mut command = self.world.program(arguments);
        command.arg("--json").env("LECTERN_RETRY_BASE_MS", "1");
        command.env("ADMINISTRATE_API_URL", self.simulator.graphql_url());
        command.env("ADMINISTRATE_AUTH_URL", self.simulator.auth_url());
        command.env("ADMINISTRATE_CLIENT_ID", self.simulator.client_id());
        command.env("ADMINISTRATE_CLIENT_SECRET", self.simulator.client_secret());
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
        (output.status.code().unwrap_or(-1), document)
    }

    /// Every row that a sync may write, with the transaction that wrote it.
    async fn rows(&self) -> BTreeMap<String, Vec<String>> {
        let mut rows = BTreeMap::new();
        for table in TABLES {
            let sql = format!("SELECT xmin::text || ' ' || t::text FROM {table} t ORDER BY 1");
            let found = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&self.world.pool).await.expect(table);
            rows.insert(table.to_owned(), found);
        }
        rows
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.world.pool).await.expect(sql)
    }
}

const TABLES: [&str; 10] = [
    "adm.custom_fields",
    "adm.pricelevels",
    "adm.locations",
    "adm.venues",
    "adm.instructors",
    "adm.course_templates",
    "adm.course_template_price_levels",
    "lectern.approved_instructors",
    "lectern.administrators",
    "adm.api_audit_log",
];

const OURS: &str = "
    INSERT INTO acted.tutorial_locations (name, is_active)
        VALUES ('london', true), ('Edinburgh', true), ('Cork', true), ('CORK', true), ('Manchester', false);
    INSERT INTO acted.tutorial_venues (name, location_id) VALUES ('Quill house', 1), ('Quill House', 2), ('Attic', NULL);
    INSERT INTO public.auth_user (username, first_name, last_name)
        VALUES ('a', 'ADA', 'Marlow'), ('b', 'Mary Ann', 'Lee'), ('c', 'Gone', 'Away');
    INSERT INTO acted.staff (user_id) SELECT id FROM public.auth_user ORDER BY id;
    INSERT INTO acted.tutorial_instructors (staff_id, is_active) VALUES (1, true), (2, true), (3, false), (NULL, true);
    INSERT INTO acted.tutorial_course_templates (code, title, is_active)
        VALUES ('cm2', 'Models', true), ('SA1', 'Health', true), ('CB3', 'Old', false);";

fn theirs() -> Tenant {
    let mut tenant = Tenant::sample();
    tenant.locations.retain(|location| location.name == "London");
    tenant.venues.retain(|venue| venue.name == "Bridge House");
    tenant.add_location("Manchester", "MAN");
    tenant.add_location("Cork", "COR");
    tenant.add_venue(1, "QUILL HOUSE");
    tenant.add_instructor("Ada", "Marlow");
    tenant.add_instructor("Mary", "Ann Lee");
    tenant.add_contact(Contact { is_instructor: true, ..Contact::default() });
    let template = tenant.add_template("CM2", "Models", 2);
    tenant.approve(template, 4);
    tenant.add_template("CM2", "Models again", 2);
    tenant.add_public_price(1, 1, 1, "9.99");
    tenant.add_custom_field(&["CourseTemplate", "Event"], "Door code", administrate_sim::tenant::FieldKind::String);
    tenant
}

#[tokio::test(flavor = "multi_thread")]
async fn all_seven_in_order_then_nothing_to_write() {
    let story = Story::begin().await;
    let (exit, summary) = story.lectern(&["sync", "all", "--no-prompt"]).await;
    assert_eq!(exit, 4, "ambiguous records need a person: {summary:#}");
    assert_eq!((&summary["succeeded"], &summary["failed"], &summary["not_run"]), (&json!(7), &json!(0), &json!(0)));
    let order: Vec<_> =
        summary["reports"].as_array().expect("reports").iter().map(|report| &report["entity"]).collect();
    let names = lectern::sync::Entity::ALL.map(lectern::sync::Entity::name);
    assert_eq!(order, names);
    let before = story.rows().await;
    let (exit, again) = story.lectern(&["sync_all", "--no-prompt"]).await;
    assert_eq!(exit, 4);
    for report in again["reports"].as_array().expect("reports") {
        for count in ["created", "updated", "pruned", "errors"] {
            assert_eq!(report["counts"][count], 0, "{report:#}");
        }
    }
    let mut after = story.rows().await;
    let log = after.insert("adm.api_audit_log".into(), before["adm.api_audit_log"].clone());
    assert_eq!(after, before, "a second run writes no row");
    assert!(log.is_some_and(|log| log.len() > before["adm.api_audit_log"].len()), "but the log of its calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_found_or_told() {
    let story = Story::begin().await;
    let (_, summary) = story.lectern(&["sync", "all"]).await;
    let report = |at: usize| &summary["reports"][at];
    let names = |list: &Value| -> Vec<String> {
        let records = list.as_array().expect("a list").iter();
        records.map(|record| record["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let locations = report(2);
    assert_eq!(names(&locations["unmatched_local"]), ["Edinburgh"]);
    assert_eq!(names(&locations["unmatched_remote"]), ["Manchester"], "ours is inactive");
    assert_eq!(locations["ambiguous"][0]["key"], "cork");
    assert_eq!(locations["counts"]["created"], 3);
    let venues = report(3);
    assert_eq!(names(&venues["unmatched_local"]), ["Attic", "Quill House"]);
    assert_eq!(names(&venues["unmatched_remote"]), ["Bridge House"]);
    let instructors = report(4);
    assert_eq!(names(&instructors["unmatched_local"]), [""], "somebody without staff");
    assert_eq!(names(&instructors["unmatched_remote"]), ["", "Ada Marsh", "Tom Okafor"]);
    let templates = report(5);
    assert_eq!(names(&templates["unmatched_local"]), ["SA1"]);
    assert_eq!(templates["ambiguous"][0]["remote"].as_array().map(Vec::len), Some(2));
    let prices = report(6);
    assert_eq!(prices["ambiguous"].as_array().map(Vec::len), Some(1), "two prices in GBP for one level");
    assert_eq!(prices["counts"]["created"], 5);
    let linked = "SELECT count(*) FROM adm.venues v JOIN adm.locations l ON l.external_id = v.location_id
                  WHERE v.tutorial_venue_id = 1 AND l.tutorial_location_id = 1";
    assert_eq!(story.count(linked).await, 1);
    assert_eq!(story.count("SELECT count(*) FROM adm.instructors WHERE tutorial_instructor_id IN (1, 2)").await, 2);
    let blended = "SELECT count(*) FROM adm.course_templates WHERE event_learning_mode = 'BLENDED'";
    assert_eq!(story.count(blended).await, 5);
    assert_eq!(story.count("SELECT count(*) FROM lectern.approved_instructors").await, 7);
    assert_eq!(story.count("SELECT count(*) FROM lectern.administrators").await, 1);
    let shared = "SELECT count(*) FROM adm.custom_fields WHERE label = 'Door code'";
    assert_eq!(story.count(shared).await, 2, "one key, two kinds of record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing_and_plans_as_if_earlier_plans_were_applied() {
    let story = Story::begin().await;
    let before = story.rows().await;
    let (exit, rehearsed) = story.lectern(&["sync", "all", "--dry-run"]).await;
    assert_eq!((exit, story.rows().await), (4, before));
    assert_eq!(story.count("SELECT count(*) FROM lectern.runs").await, 0);
    let (_, carried_out) = story.lectern(&["sync", "all"]).await;
    for (planned, done) in std::iter::zip(
        rehearsed["reports"].as_array().expect("reports"),
        carried_out["reports"].as_array().expect("reports"),
    ) {
        assert_eq!(planned["counts"], done["counts"], "{}", done["entity"]);
        assert_eq!(planned["ambiguous"], done["ambiguous"]);
        assert_eq!((&planned["run_id"], &planned["dry_run"]), (&Value::Null, &json!(true)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_be_run_first_is_named() {
    let story = Story::begin().await;
    for (entity, first) in [
        ("venues", "lectern sync locations"),
        ("course-templates", "lectern sync custom-fields"),
        ("course_template_price_levels", "lectern sync course-templates"),
    ] {
        let (exit, report) = story.lectern(&["sync", entity]).await;
        assert_eq!(exit, 3, "{entity}");
        let message = report["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(first), "{message}");
    }
    assert_eq!(story.lectern(&["sync", "locations"]).await.0, 4, "Cork is ambiguous, and yet it counts");
    assert_eq!(story.lectern(&["sync", "venues"]).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_profile_of_the_api_is_understood() {
    for profile in Profile::ALL.into_iter().chain([Profile::CLASSIC.without_introspection()]) {
        let story = Story::with(Options { profile, ..Options::default() }).await;
        let (exit, summary) = story.lectern(&["sync", "all"]).await;
        assert_eq!((exit, &summary["succeeded"]), (4, &json!(7)), "{profile}: {summary:#}");
        assert_eq!(story.simulator.requests().refused, 0, "{profile}: the API never rejects a document");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_stops_the_run_unless_errors_are_skipped() {
    let story = Story::begin().await;
    story.simulator.fault(Fault::always("locations", Action::Error { message: "no".into() }));
    let (exit, summary) = story.lectern(&["sync", "all"]).await;
    assert_eq!(exit, 1);
    assert_eq!((&summary["succeeded"], &summary["failed"], &summary["not_run"]), (&json!(2), &json!(1), &json!(4)));
    assert_eq!(summary["reports"][3], json!({"entity": "venues", "not_run": true}));
    let (exit, summary) = story.lectern(&["sync", "all", "--skip-errors"]).await;
    assert_eq!(exit, 1);
    assert_eq!((&summary["succeeded"], &summary["failed"], &summary["not_run"]), (&json!(5), &json!(2), &json!(0)));
    assert_eq!(story.count("SELECT count(*) FROM adm.locations").await, 0);
    assert_eq!(story.count("SELECT count(*) FROM lectern.runs WHERE subject = 'locations' AND exit_code = 1").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_is_not_whole_writes_nothing() {
    for action in [Action::TruncatedPage { keep: 1 }, Action::WrongTotal { by: 1 }, Action::DuplicateRow] {
        let story = Story::begin().await;
        story.simulator.fault(Fault::always("locations", action.clone()));
        let (exit, report) = story.lectern(&["sync", "locations"]).await;
        assert_eq!((exit, &report["counts"]["errors"]), (1, &json!(1)), "{action:?}: {report:#}");
        assert_eq!(story.count("SELECT count(*) FROM adm.locations").await, 0);
        story.simulator.clear_faults();
        story.simulator.fault(Fault::first("locations", action));
        assert_eq!(story.lectern(&["sync", "locations"]).await.0, 4, "once is retried");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_kind_of_custom_fields_may_fail() {
    let story = Story::begin().await;
    assert_eq!(story.lectern(&["sync", "custom-fields"]).await.0, 0);
    let before = story.count("SELECT count(*) FROM adm.custom_fields").await;
    story.simulator.edit(|tenant| tenant.custom_fields.retain(|_| false));
    story.simulator.fault(Fault::first("customFieldTemplate", Action::Error { message: "no".into() }));
    let (exit, report) = story.lectern(&["sync", "custom-fields", "--prune", "--prune-limit", "100"]).await;
    assert_eq!((exit, &report["counts"]["errors"]), (4, &json!(1)), "{report:#}");
    let pruned = report["counts"]["pruned"].as_i64().unwrap_or_default();
    assert_eq!(story.count("SELECT count(*) FROM adm.custom_fields").await, before - pruned);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_unless_asked_and_never_much() {
    let story = Story::begin().await;
    story.simulator.edit(|tenant| {
        (0..8).for_each(|n| _ = tenant.add_location(&format!("Town {n}"), "T"));
    });
    let town = |tenant: &mut Tenant, n: u64| tenant.locations.remove(n).map(|location| location.name);
    story.lectern(&["sync", "locations"]).await;
    story.simulator.edit(|tenant| town(tenant, 5));
    let (_, report) = story.lectern(&["sync", "locations"]).await;
    assert_eq!((&report["counts"]["pruned"], report["gone"].as_array().map(Vec::len)), (&json!(0), Some(1)));
    let (_, report) = story.lectern(&["sync", "locations", "--prune"]).await;
    assert_eq!(report["counts"]["pruned"], 1);
    story.simulator.edit(|tenant| (6..9).for_each(|n| _ = town(tenant, n)));
    let (exit, report) = story.lectern(&["sync", "locations", "--prune"]).await;
    assert_eq!((exit, &report["counts"]["pruned"]), (4, &json!(0)), "{report:#}");
    assert_eq!(story.count("SELECT count(*) FROM adm.locations").await, 10);
    let (_, report) = story.lectern(&["sync", "locations", "--prune", "--prune-limit", "50"]).await;
    assert_eq!(report["counts"]["pruned"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_chosen_records_are_applied() {
    let story = Story::begin().await;
    let london = Tenant::location_id(1);
    let (exit, report) = story.lectern(&["sync", "locations", "--only", &london]).await;
    assert_eq!((exit, &report["counts"]["created"], &report["counts"]["fetched"]), (4, &json!(1), &json!(3)));
    assert_eq!(story.count("SELECT count(*) FROM adm.locations WHERE tutorial_location_id = 1").await, 1);
    let (exit, report) = story.lectern(&["sync", "locations", "--only", "nobody"]).await;
    assert_eq!((exit, &report["errors"][0]["external_id"]), (4, &json!("nobody")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_prices_the_configured_one_is_kept() {
    let story = Story::begin().await;
    story.simulator.edit(|tenant| {
        tenant.prices.retain(|_| false);
        let euro = tenant.add_currency("EUR", "Euro", "€");
        let ireland = tenant.regions.add(Region { code: "IE".into(), name: "Ireland".into(), tax_rate: "23".into() });
        let price = |currency, region, amount: &str| Price {
            of: Priced::Template(1),
            level: 1,
            currency,
            region: Some(region),
            amount: amount.into(),
        };
        [price(1, 1, "450.00"), price(euro, ireland, "520.00")].into_iter().for_each(|one| _ = tenant.prices.add(one));
    });
    let (_, summary) = story.lectern(&["sync", "all"]).await;
    let report = &summary["reports"][6];
    assert_eq!((&report["counts"]["created"], &report["counts"]["skipped"]), (&json!(1), &json!(1)), "{report:#}");
    let kept = "SELECT count(*) FROM adm.course_template_price_levels WHERE amount = 450.00";
    assert_eq!(story.count(kept).await, 1);
    story.simulator.edit(|tenant| {
        let first = tenant.prices.numbers().next();
        tenant.prices.get_mut(first.expect("a price")).expect("it").amount = "455".into();
    });
    let (_, report) = story.lectern(&["sync", "course-template-price-levels"]).await;
    assert_eq!(report["counts"]["updated"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_syncs_of_one_entity_never_run_at_once() {
    let story = Story::begin().await;
    let mut other = story.world.pool.acquire().await.expect("a connection");
    let lock = sqlx::postgres::PgAdvisoryLock::new("lectern sync locations");
    let held = lock.acquire(&mut *other).await.expect("the lock");
    let (exit, report) = story.lectern(&["sync", "locations"]).await;
    assert_eq!((exit, &report["run_id"]), (1, &Value::Null), "{report:#}");
    held.release_now().await.expect("released");
    assert_eq!(story.lectern(&["sync", "locations"]).await.0, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_settings_and_a_refused_login_are_told_apart() {
    let story = Story::begin().await;
    let mut command = story.world.program(&["sync", "all", "--json"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ADMINISTRATE_API_URL"));
    story.simulator.fault(Fault::always("token", Action::Status { status: 401, retry_after: None }));
    let (exit, summary) = story.lectern(&["sync", "all"]).await;
    assert_eq!((exit, &summary["failed"]), (1, &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_settles_what_is_ambiguous_once() {
    let story = Story::begin().await;
    let (_, report) = story.lectern(&["sync", "locations"]).await;
    let cork = report["ambiguous"][0]["remote"][0]["external_id"].as_str().expect("Cork").to_owned();
    assert_eq!(story.lectern(&["sync", "link", "locations", "cork", &cork]).await.0, 2, "which of ours?");
    assert_eq!(story.lectern(&["sync", "link", "locations", "3", "nobody"]).await.0, 2);
    assert_eq!(story.lectern(&["sync", "link", "locations", "3", &cork]).await.0, 0);
    let linked =
        "SELECT coalesce(sum(tutorial_location_id), 0)::bigint FROM adm.locations WHERE tutorial_location_id > 2";
    assert_eq!(story.count(linked).await, 3, "at once");
    let (exit, report) = story.lectern(&["sync", "locations"]).await;
    assert_eq!((exit, &report["counts"]["unchanged"], &report["ambiguous"]), (0, &json!(3), &json!([])));
    assert_eq!(story.lectern(&["sync", "ignore", "locations", "Edinburgh", "-"]).await.0, 0);
    assert_eq!(story.lectern(&["sync", "unlink", "locations", "3", &cork]).await.0, 0);
    assert_eq!(story.count(linked).await, 0);
    let (exit, report) = story.lectern(&["sync", "locations"]).await;
    assert_eq!((exit, &report["unmatched_local"]), (0, &json!([{"id": 3, "name": "Cork"}])), "{report:#}");
    assert_eq!(story.count(linked).await, 4, "theirs is now the other one of ours");
    let (_, kept) = story.lectern(&["sync", "runs"]).await;
    let runs = kept["runs"].as_array().expect("runs");
    let exits: Vec<_> = runs.iter().filter_map(|run| run["exit_code"].as_i64()).collect();
    assert_eq!(exits, [0, 0, 4]);
    assert_eq!(runs[0]["counts"]["updated"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_applied_exactly_or_refused() {
    let story = Story::begin().await;
    let before = story.rows().await;
    let (exit, planned) = story.lectern(&["sync", "all", "--plan-out", "plan.json"]).await;
    assert_eq!((exit, &planned["reports"][2]["dry_run"], story.rows().await), (4, &json!(true), before));
    let (exit, applied) = story.lectern(&["sync", "all", "--plan", "plan.json"]).await;
    assert_eq!((exit, &applied["succeeded"]), (4, &json!(7)));
    for (planned, applied) in
        std::iter::zip(planned["reports"].as_array().expect("reports"), applied["reports"].as_array().expect("reports"))
    {
        assert_eq!(planned["counts"], applied["counts"]);
    }
    story.lectern(&["sync", "locations", "--plan-out", "plan.json"]).await;
    story.simulator.edit(|tenant| tenant.add_location("Leeds", "LDS"));
    let (exit, refused) = story.lectern(&["sync", "locations", "--plan", "plan.json"]).await;
    let message = refused["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(exit == 4 && message.contains("stale"), "{refused:#}");
    assert_eq!(story.count("SELECT count(*) FROM adm.locations").await, 3);
    assert_eq!(story.lectern(&["sync", "locations", "--plan", "nowhere.json"]).await.0, 1);
}
