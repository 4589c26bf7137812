//! A provider with reference data on both sides, for the tests of `lectern sync`.

use std::collections::BTreeMap;
use std::process::Command;

use administrate_sim::tenant::{Contact, FieldKind};
use administrate_sim::{Options, RunningSimulator, Simulator, Tenant};
use serde_json::Value;

use crate::world::World;

/// A provider with something of every kind, on both sides.
pub struct Story {
    pub world: World,
    pub simulator: RunningSimulator,
}

impl Story {
    pub async fn begin() -> Story {
        Story::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Story {
        let world = World::new().await;
        sqlx::raw_sql(OURS).execute(&world.pool).await.expect("our side");
        let simulator = Simulator::start(options, theirs()).await.expect("the simulator starts");
        Story { world, simulator }
    }

    /// Runs the program; its exit code and its JSON document.
    pub async fn lectern(&self, arguments: &[&str]) -> (i32, Value) {
        self.lectern_with(arguments, &[]).await
    }

    /// The program, pointed at both sides.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.program(arguments);
        command.env("LECTERN_RETRY_BASE_MS", "1");
        command.env("ADMINISTRATE_API_URL", self.simulator.graphql_url());
        command.env("ADMINISTRATE_AUTH_URL", self.simulator.auth_url());
        command.env("ADMINISTRATE_CLIENT_ID", self.simulator.client_id());
        command.env("ADMINISTRATE_CLIENT_SECRET", self.simulator.client_secret());
        command
    }

    /// Likewise, with more environment variables.
    pub async fn lectern_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, Value) {
        let mut command = self.program(arguments);
        command.arg("--json").envs(variables.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
        (output.status.code().unwrap_or(-1), document)
    }

    /// Every row that a sync may write, with the transaction that wrote it.
    pub async fn rows(&self) -> BTreeMap<String, Vec<String>> {
        let mut rows = BTreeMap::new();
        for table in TABLES {
            let sql = format!("SELECT xmin::text || ' ' || t::text FROM {table} t ORDER BY 1");
            let found = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&self.world.pool).await.expect(table);
            rows.insert(table.to_owned(), found);
        }
        rows
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
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
    tenant.add_custom_field(&["CourseTemplate", "Event"], "Door code", FieldKind::String);
    tenant
}
