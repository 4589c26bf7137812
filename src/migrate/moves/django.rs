//! Which migrations of the reference system's Django program must be marked as applied (`--fake`), because Lectern has done
//! what they do. Pure: the effects are looked up in the catalogue.

use crate::migrate::catalog::Catalog;

/// A migration whose effect a database shows.
struct DjangoMigration {
    migration: &'static str,
    does: &'static str,
    /// Whether the effect is there, in the catalogue with every table in its place.
    is_present: fn(&Catalog) -> bool,
}

fn has_table(catalog: &Catalog, schema: &str, table: &str) -> bool {
    catalog.table(schema, table).is_some_and(|table| table.is_table())
}

fn has_column(catalog: &Catalog, schema: &str, table: &str, column: &str) -> bool {
    catalog.table(schema, table).is_some_and(|table| table.column(column).is_some())
}

/// The migrations of February 2026, in their order.
const EFFECTS: &[DjangoMigration] = &[
    DjangoMigration {
        migration: "administrate 0004",
        does: "stores the roles of custom fields as JSON",
        is_present: |catalog| {
            let roles = catalog.table("adm", "custom_fields").and_then(|table| table.column("roles"));
            roles.is_some_and(|roles| roles.data_type == "jsonb")
        },
    },
    DjangoMigration {
        migration: "administrate 0005",
        does: "adds the links with acted.tutorial_*",
        is_present: |catalog| has_column(catalog, "adm", "locations", "tutorial_location_id"),
    },
    DjangoMigration {
        migration: "administrate 0007",
        does: "creates adm.events and adm.sessions",
        is_present: |catalog| has_table(catalog, "adm", "events"),
    },
    DjangoMigration {
        migration: "administrate: the migration that",
        does: "creates adm.api_audit_log",
        is_present: |catalog| has_table(catalog, "adm", "api_audit_log"),
    },
    DjangoMigration {
        migration: "tutorials: the migration that",
        does: "creates acted.tutorial_sessions",
        is_present: |catalog| has_table(catalog, "acted", "tutorial_sessions"),
    },
    DjangoMigration {
        migration: "tutorials: the migration that",
        does: "creates acted.tutorial_locations, _venues, _instructors and _course_templates",
        is_present: |catalog| has_table(catalog, "acted", "tutorial_locations"),
    },
    DjangoMigration {
        migration: "administrate 0006",
        does: "copies the texts of adm to acted.tutorial_*, and removes them there",
        is_present: |catalog| !has_column(catalog, "adm", "locations", "name"),
    },
    DjangoMigration {
        migration: "tutorials 0007",
        does: "turns the venue of events into a reference, and names their product product_id",
        is_present: |catalog| !has_column(catalog, "acted", "tutorial_events", "venue"),
    },
    DjangoMigration {
        migration: "tutorials 0010",
        does: "gives instructors to sessions alone",
        is_present: |catalog| {
            let has = |table, column| has_column(catalog, "acted", table, column);
            !has("tutorial_events", "instructor_id")
                && !has("tutorial_sessions", "instructor_id")
                && !has_table(catalog, "acted", "tutorial_event_instructors")
        },
    },
    DjangoMigration {
        migration: "tutorials 0013 (of 20 April)",
        does: "removes venue and location of sessions",
        is_present: |catalog| !has_column(catalog, "acted", "tutorial_sessions", "venue"),
    },
];

/// Returns a line for each migration that Django would still apply. `moved` has every table in its place.
pub fn to_be_faked(catalog: &Catalog, moved: &Catalog) -> Vec<String> {
    let mut lines = Vec::new();
    if !has_table(catalog, "adm", "locations") && has_table(moved, "adm", "locations") {
        lines.push("administrate 0003 moves the seven tables to schema adm".to_owned());
    }
    let pending = EFFECTS.iter().filter(|effect| !(effect.is_present)(moved));
    lines.extend(pending.map(|effect| format!("{} {}", effect.migration, effect.does)));
    lines
}
