//! A world whose two sides, our database and Administrate, know and link all that a timetable names.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use administrate_sim::tenant::FieldKind;
use administrate_sim::{Options, RunningSimulator, Simulator, Tenant};
use lectern::timetable_import::blocks::{Timetable, VenueCell};

use crate::world::World;

/// Both sides.
pub struct Rehearsed {
    pub world: World,
    pub administrate: RunningSimulator,
}

impl Rehearsed {
    /// Sides that know what `timetable` names; everybody is approved for everything.
    pub async fn new(timetable: &Timetable) -> Rehearsed {
        Self::with(timetable, Options::default()).await
    }

    /// The same with another variant of the API.
    pub async fn with(timetable: &Timetable, options: Options) -> Rehearsed {
        let world = World::new().await;
        let mut tenant = Tenant::new();
        for label in ["Sitting", "Finalisation date", "URL", "Web sale", "OCR Moodle Code"] {
            tenant.add_custom_field(&["Event"], label, FieldKind::default());
        }
        for label in ["Day", "URL"] {
            tenant.add_custom_field(&["Session"], label, FieldKind::default());
        }
        let named = Named::of(timetable);
        for label in [("Event", "Sitting", 1), ("Event", "Finalisation date", 2), ("Event", "URL", 3)] {
            field(&world, label).await;
        }
        for label in
            [("Event", "Web sale", 4), ("Event", "OCR Moodle Code", 5), ("Session", "Day", 6), ("Session", "URL", 7)]
        {
            field(&world, label).await;
        }
        for (location, venues) in &named.places {
            let theirs = tenant.add_location(location, "");
            let ours = insert(&world, "INSERT INTO acted.tutorial_locations (name) VALUES ($1)", location, 0).await;
            link(&world, "locations", "tutorial_location_id", ("Location", theirs), ours).await;
            for venue in venues {
                let theirs = tenant.add_venue(theirs, venue);
                let sql = "INSERT INTO acted.tutorial_venues (name, location_id) VALUES ($1, $2)";
                let ours = insert(&world, sql, venue, ours).await;
                link(&world, "venues", "tutorial_venue_id", ("Venue", theirs), ours).await;
            }
        }
        let mut contacts = Vec::new();
        for name in &named.people {
            let (first, last) = name.split_once(' ').unwrap_or((name, ""));
            let theirs = tenant.add_instructor(first, last);
            let sql = "WITH person AS (INSERT INTO public.auth_user (username, first_name, last_name)
                           VALUES ($1, split_part($1, ' ', 1), split_part($1, ' ', 2)) RETURNING id),
                            staff AS (INSERT INTO acted.staff (user_id) SELECT id FROM person RETURNING id)
                       INSERT INTO acted.tutorial_instructors (staff_id) SELECT id FROM staff";
            let ours = insert(&world, sql, name, 0).await;
            link(&world, "instructors", "tutorial_instructor_id", ("Person", theirs), ours).await;
            contacts.push(theirs);
        }
        for (code, sessions) in &named.templates {
            let theirs = tenant.add_template(code, code, *sessions);
            let sql = "INSERT INTO acted.tutorial_course_templates (code, title) VALUES ($1, $1)";
            let ours = insert(&world, sql, code, 0).await;
            link(&world, "course_templates", "tutorial_course_template_id", ("CourseTemplate", theirs), ours).await;
            contacts.iter().for_each(|contact| tenant.approve(theirs, *contact));
        }
        sell(&world, &named).await;
        let administrate = Simulator::start(options, tenant).await.expect("a simulator");
        Rehearsed { world, administrate }
    }

    /// Settings that point at both sides.
    pub fn config(&self) -> lectern::config::Config {
        self.world.config(&[
            ("ADMINISTRATE_API_URL", &self.administrate.graphql_url()),
            ("ADMINISTRATE_AUTH_URL", &self.administrate.auth_url()),
            ("ADMINISTRATE_CLIENT_ID", "simulated-client"),
            ("ADMINISTRATE_CLIENT_SECRET", "simulated-secret"),
            ("LECTERN_RETRY_BASE_MS", "1"),
        ])
    }

    /// The program, pointed at both sides.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.program(arguments);
        command
            .env("ADMINISTRATE_API_URL", self.administrate.graphql_url())
            .env("ADMINISTRATE_AUTH_URL", self.administrate.auth_url())
            .env("ADMINISTRATE_INSTANCE_URL", self.administrate.instance_url())
            .env("ADMINISTRATE_CLIENT_ID", "simulated-client")
            .env("ADMINISTRATE_CLIENT_SECRET", "simulated-secret")
            .env("LECTERN_RETRY_BASE_MS", "1");
        command
    }

    /// Runs the program off this thread, whose runtime the simulator lives on: its exit code and JSON document.
    pub async fn run(&self, arguments: &[&str]) -> (i32, serde_json::Value) {
        let mut command = self.program(arguments);
        let output = tokio::task::spawn_blocking(move || command.arg("--json").output()).await;
        let output = output.expect("joined").expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("no JSON ({e}): {said}"));
        (output.status.code().unwrap_or(-1), document)
    }

    /// One number out of the database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.world.pool).await.expect(sql)
    }
}

#[derive(Default)]
struct Named {
    places: BTreeMap<String, BTreeSet<String>>,
    people: BTreeSet<String>,
    templates: BTreeMap<String, usize>,
    /// (template code, location, session code)
    sold: BTreeSet<(String, String, String)>,
}

impl Named {
    fn of(timetable: &Timetable) -> Named {
        let mut named = Named::default();
        for block in &timetable.blocks {
            let event = &block.event;
            let place = event.location.clone().unwrap_or_default();
            named.place(&place, &event.venue);
            named.people.extend(event.instructors.iter().cloned());
            for (_, session) in &block.sessions {
                named.place(session.location.as_deref().unwrap_or(&place), &session.venue);
                named.people.extend(session.instructors.iter().cloned());
            }
            let code = event.template.clone().unwrap_or_default();
            let days = named.templates.entry(code.clone()).or_default();
            *days = (*days).max(block.sessions.len());
            let sitting = event.sitting.as_ref().map(|sitting| sitting.mapped.clone()).unwrap_or_default();
            named.sold.insert((code, place, sitting));
        }
        named
    }

    fn place(&mut self, location: &str, venue: &VenueCell) {
        let venues = self.places.entry(location.to_owned()).or_default();
        if let VenueCell::Named(name) = venue {
            venues.insert(name.clone());
        }
    }
}

async fn insert(world: &World, sql: &'static str, name: &str, parent: i64) -> i64 {
    let returning = format!("{sql} RETURNING id");
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(returning)).bind(name);
    let query = if sql.contains("$2") { query.bind(parent) } else { query };
    query.fetch_one(&world.pool).await.expect("an insert")
}

async fn link(world: &World, table: &str, column: &str, (kind, number): (&str, u64), ours: i64) {
    let sql = format!(
        "INSERT INTO adm.{table} (external_id, {column}) VALUES (encode(convert_to($1, 'UTF8'), 'base64'), $2)"
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(format!("{kind}:{number}")).bind(ours);
    query.execute(&world.pool).await.expect("a link");
}

async fn field(world: &World, (entity, label, number): (&str, &str, u64)) {
    sqlx::query(
        "INSERT INTO adm.custom_fields (external_id, label, field_type, entity_type)
         VALUES (encode(convert_to($1, 'UTF8'), 'base64'), $2, 'string', $3)",
    )
    .bind(format!("CustomFieldDefinition:{number}"))
    .bind(label)
    .bind(entity)
    .execute(&world.pool)
    .await
    .expect("a custom field");
}

/// The catalogue: one subject, each (template, location, sitting) a product of its own.
async fn sell(world: &World, named: &Named) {
    for (at, (code, location, session)) in named.sold.iter().enumerate() {
        sqlx::query(
            "WITH subject AS (INSERT INTO acted.catalog_subjects (code) VALUES ('S' || $4) RETURNING id),
                  exam AS (INSERT INTO acted.catalog_exam_sessions (session_code, start_date, end_date)
                           VALUES ($3, now(), now()) RETURNING id),
                  taught AS (INSERT INTO acted.catalog_exam_session_subjects (exam_session_id, subject_id)
                             SELECT exam.id, subject.id FROM exam, subject RETURNING id),
                  product AS (INSERT INTO acted.catalog_products (fullname, shortname, code)
                              VALUES ('Tutorial - ' || $2, $2, 'P' || $4) RETURNING id),
                  variation AS (INSERT INTO acted.catalog_product_variations (variation_type, name, code)
                                VALUES ('Tutorial', $1, $1)
                                ON CONFLICT (code) DO UPDATE SET code = excluded.code RETURNING id),
                  form AS (INSERT INTO acted.catalog_product_product_variations (product_id, product_variation_id)
                           SELECT product.id, variation.id FROM product, variation RETURNING id)
             INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code)
             SELECT taught.id, form.id, 'product ' || $4 FROM taught, form",
        )
        .bind(code)
        .bind(location)
        .bind(session)
        .bind(at.to_string())
        .execute(&world.pool)
        .await
        .expect("a product");
    }
}
