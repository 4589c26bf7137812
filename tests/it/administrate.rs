//! Administrate's side of a test: our strict simulator behind a real socket, with the provider of `provider.rs` in it.

use administrate_sim::tenant::{FieldKind, Number};
use administrate_sim::{Options, RunningSimulator, Simulator, Tenant};
use lectern::config::Config;
use lectern::gateway::{AuditMode, connect};

use crate::provider::Provider;
use crate::world::World;

/// A running simulator and the numbers of what stands in it.
pub struct Administrate {
    pub simulator: RunningSimulator,
    pub template: Number,
    pub location: Number,
    pub venue: Number,
    pub instructor: Number,
    pub administrator: Number,
}

impl Administrate {
    /// The provider's template, which makes so many sessions, its location, venue and people.
    pub async fn start(options: Options, days: usize) -> Administrate {
        let mut tenant = Tenant::new();
        let location = tenant.add_location("London", "LON");
        let venue = tenant.add_venue(location, "Quill House");
        let instructor = tenant.add_instructor("Ada", "Marlow");
        let administrator = tenant.add_administrator("Opal", "Finch");
        let template = tenant.add_template("CM2_f2f_2", "CM2 in two days", days);
        tenant.approve(template, instructor);
        for label in ["Sitting", "Finalisation date", "URL", "Web sale", "OCR Moodle Code"] {
            tenant.add_custom_field(&["Event"], label, FieldKind::String);
        }
        for label in ["Day", "URL"] {
            tenant.add_custom_field(&["Session"], label, FieldKind::String);
        }
        let simulator = Simulator::start(options, tenant).await.expect("the simulator starts");
        Administrate { simulator, template, location, venue, instructor, administrator }
    }

    /// Settings of this world that name this Administrate; retries hardly wait.
    pub fn config(&self, world: &World) -> Config {
        world.config(&[
            ("ADMINISTRATE_API_URL", &self.simulator.graphql_url()),
            ("ADMINISTRATE_AUTH_URL", &self.simulator.auth_url()),
            ("ADMINISTRATE_CLIENT_ID", self.simulator.client_id()),
            ("ADMINISTRATE_CLIENT_SECRET", self.simulator.client_secret()),
            ("LECTERN_RETRY_BASE_MS", "1"),
            ("LECTERN_HTTP_TIMEOUT_MS", "2000"),
        ])
    }

    /// A client of it.
    pub async fn client(&self, world: &World) -> administrate::Client {
        connect(&self.config(world), &world.pool, "test", AuditMode::On).await.expect("connected")
    }

    /// Links the provider's rows with this Administrate's, as the syncs do.
    pub async fn link(&self, world: &World, provider: &Provider) {
        let rows = [
            ("adm.locations", "tutorial_location_id", Tenant::location_id(self.location), provider.location),
            ("adm.venues", "tutorial_venue_id", self.venue_id(), provider.venue),
            ("adm.instructors", "tutorial_instructor_id", Tenant::contact_id(self.instructor), provider.instructor),
            (
                "adm.course_templates",
                "tutorial_course_template_id",
                Tenant::template_id(self.template),
                provider.template,
            ),
        ];
        for (table, column, theirs, ours) in rows {
            let sql = format!("INSERT INTO {table} (external_id, {column}) VALUES ($1, $2)");
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(theirs).bind(ours).execute(&world.pool).await.expect(table);
        }
        let client = self.client(world).await;
        for (kind, name) in [
            (administrate::SupportsCustomField::Event, "Event"),
            (administrate::SupportsCustomField::Session, "Session"),
        ] {
            for field in client.custom_fields(kind).await.expect("custom fields").expect("told") {
                sqlx::query(
                    "INSERT INTO adm.custom_fields (external_id, label, field_type, entity_type) VALUES ($1, $2, 's', $3)",
                )
                .bind(field.key.as_str())
                .bind(&field.label)
                .bind(name)
                .execute(&world.pool)
                .await
                .expect("a custom field");
            }
        }
    }

    fn venue_id(&self) -> String {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(format!("Venue:{}", self.venue))
    }
}
