//! What a program that is not `lectern migrate` does on each table. Pure.

/// Each table with the privileges that the service needs. A test compares the list with the statements of the program.
///
/// Tables of schema `lectern` that are not listed are only for `lectern migrate`: one of them contains the key that signs
/// receipts.
pub const SERVICE: &[(&str, &str)] = &[
    ("acted.bundle_products", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.bundles", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.catalog_exam_session_subjects", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.catalog_exam_sessions", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.catalog_product_bundle_products", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.catalog_product_bundles", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.catalog_product_product_variations", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.catalog_product_variations", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.catalog_products", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.catalog_subjects", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.filter_configuration_groups", "SELECT, INSERT, DELETE"),
    ("acted.filter_configurations", "SELECT, INSERT"),
    ("acted.filter_groups", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.filter_product_product_groups", "SELECT, INSERT, DELETE"),
    ("acted.prices", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.product_productvariation_recommendations", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.products", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.staff", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.tutorial_course_templates", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.tutorial_events", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.tutorial_instructors", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.tutorial_locations", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.tutorial_session_instructors", "SELECT, INSERT, DELETE"),
    ("acted.tutorial_sessions", "SELECT, INSERT, UPDATE, DELETE"),
    ("acted.tutorial_venues", "SELECT, INSERT, UPDATE, DELETE"),
    ("adm.api_audit_log", "SELECT, INSERT, UPDATE, DELETE"),
    ("adm.course_template_price_levels", "SELECT, INSERT, UPDATE, DELETE"),
    ("adm.course_templates", "SELECT, INSERT, UPDATE, DELETE"),
    ("adm.custom_fields", "SELECT, INSERT, UPDATE, DELETE"),
    ("adm.events", "SELECT, INSERT, UPDATE, DELETE"),
    ("adm.instructors", "SELECT, INSERT, UPDATE, DELETE"),
    ("adm.locations", "SELECT, INSERT, UPDATE, DELETE"),
    ("adm.pricelevels", "SELECT, INSERT, UPDATE, DELETE"),
    ("adm.sessions", "SELECT, INSERT, UPDATE, DELETE"),
    ("adm.venues", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.administrators", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.adoption", "SELECT"),
    ("lectern.agreed", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.approved_instructors", "SELECT, INSERT, DELETE"),
    ("lectern.archive", "SELECT"),
    ("lectern.catalogue_version", "SELECT, UPDATE"),
    ("lectern.custom_field_options", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.event_details", "SELECT, INSERT, UPDATE"),
    ("lectern.event_staff", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.found_spellings", "SELECT, INSERT, UPDATE"),
    ("lectern.history", "SELECT, DELETE"),
    ("lectern.idempotency_keys", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.idempotent_requests", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.import_corrections", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.import_rows", "SELECT, INSERT, UPDATE"),
    ("lectern.holidays", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.lesson_attendance", "SELECT, INSERT"),
    ("lectern.lesson_occurrences", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.lesson_series", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.moves", "SELECT"),
    ("lectern.profile_details", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.lesson_copy", "SELECT"),
    ("lectern.outbox", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.request_allowance", "SELECT, INSERT, UPDATE"),
    ("lectern.product_mappings", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.requested_runs", "SELECT, INSERT, UPDATE"),
    ("lectern.runs", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.search_changes", "SELECT, DELETE"),
    ("lectern.schedule", "SELECT, INSERT, UPDATE"),
    ("lectern.schema_compatibility", "SELECT"),
    ("lectern.schema_steps", "SELECT"),
    ("lectern.search_synonyms", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.session_details", "SELECT, INSERT, UPDATE"),
    ("lectern.sync_decisions", "SELECT, INSERT, DELETE"),
    ("lectern.sync_plans", "SELECT, INSERT, UPDATE"),
    ("lectern.login_attempts", "SELECT, INSERT, DELETE"),
    ("lectern.login_links", "SELECT, INSERT, DELETE"),
    ("lectern.logins", "SELECT, INSERT, UPDATE"),
    ("lectern.tokens", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.webhook_inbox", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.webhook_registrations", "SELECT, INSERT, UPDATE, DELETE"),
    ("lectern.withdrawn_sessions", "SELECT, INSERT, DELETE"),
    // A row can only be locked by a role that may update a column of it.
    (
        "public.auth_user",
        "SELECT, INSERT, UPDATE (date_joined), UPDATE (email), UPDATE (first_name), UPDATE (last_name), DELETE",
    ),
    ("public.enrolled_students", "SELECT, INSERT, UPDATE, DELETE"),
    ("public.parent_profiles", "SELECT, INSERT, UPDATE, DELETE"),
    ("public.sessions", "SELECT, INSERT, UPDATE, DELETE"),
    ("public.student_profiles", "SELECT, INSERT, UPDATE, DELETE"),
    ("public.student_reviews", "SELECT"),
    ("public.tutor_packages", "SELECT"),
    ("public.tutor_profiles", "SELECT, INSERT, UPDATE, DELETE"),
    ("public.tutor_reviews", "SELECT"),
    // Its hashes of passwords are verified when its people sign in, and never written.
    (
        "public.users",
        "SELECT (is_active), SELECT (password_hash), SELECT (email), SELECT (father_name), SELECT (first_name), SELECT (id), SELECT (last_name), SELECT (phone), \
         INSERT (active_role), INSERT (email), INSERT (father_name), INSERT (first_name), INSERT (last_name), \
         INSERT (phone), INSERT (roles), UPDATE (email), UPDATE (father_name), UPDATE (first_name), UPDATE (last_name), \
         UPDATE (phone)",
    ),
    ("public.whiteboard_sessions", "SELECT"),
];

/// Tables whose rows the undo of a sync deletes, if no row of any other table refers to them.
pub const UNDONE: &[&str] = &[
    "acted.staff",
    "acted.tutorial_course_templates",
    "acted.tutorial_instructors",
    "acted.tutorial_locations",
    "acted.tutorial_venues",
    "public.auth_user",
];

/// Returns the name of a known table, which a table of Administrate's side may not have yet.
pub fn known_name(schema: &str, name: &str) -> Option<String> {
    let is_former = schema == "public" || (schema == "adm" && name.starts_with("adm."));
    let plain = match name.strip_prefix("adm.").unwrap_or(name) {
        "customfields" => "custom_fields",
        other => other,
    };
    if is_former && crate::migrate::moves::PLACED_TABLES.contains(&plain) {
        return Some(format!("adm.{plain}"));
    }
    let own = format!("{schema}.{name}");
    let is_known = schema == "lectern" || SERVICE.iter().any(|(table, _)| *table == own);
    (is_known || crate::migrate::moves::is_reference_table(schema, name)).then_some(own)
}

/// Returns the privileges of the service on a known table; none where it needs none.
pub fn of_service(known: &str) -> Option<&'static str> {
    SERVICE.iter().find(|(table, _)| *table == known).map(|(_, privileges)| *privileges)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// Code that runs as the owner of the database: folder and reason.
    const AS_OWNER: &[(&str, &str)] = &[
        ("src/migrate/", "changes the schema"),
        ("src/demo/", "fills a database of its own"),
        ("src/embedded/", "the private PostgreSQL belongs to its user"),
    ];

    type Needs = BTreeMap<String, BTreeSet<&'static str>>;

    fn files(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                files(&entry, found);
            } else {
                let root = Path::new(env!("CARGO_MANIFEST_DIR"));
                let name = entry.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&entry).expect("text");
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.push((name, code.collect::<Vec<_>>().join("\n")));
            }
        }
    }

    /// Adds what the statements of a file do on tables that they name with their schema.
    fn add_needs(text: &str, needs: &mut Needs) {
        let words: Vec<&str> =
            text.split(|c: char| c.is_whitespace() || "()\"\\,;`".contains(c)).filter(|w| !w.is_empty()).collect();
        let (mut inserted, mut deleted): (Option<String>, String) = (None, String::new());
        for (at, word) in words.iter().enumerate() {
            let before = |distance: usize| at.checked_sub(distance).map_or("", |at| words[at]);
            let is_lock = before(1) == "FOR" && *word == "UPDATE" && words.get(at + 1) != Some(&"OF");
            if is_lock && !deleted.is_empty() {
                // Rows are locked where they are deleted in batches. Others are locked by resources, which update them.
                needs.entry(deleted.clone()).or_default().insert("UPDATE");
            }
            if before(1) == "DO" && *word == "UPDATE" {
                if let Some(table) = &inserted {
                    needs.entry(table.clone()).or_default().extend(["UPDATE", "SELECT"]);
                }
                continue;
            }
            let is_table = ["acted.", "adm.", "lectern.", "public."].iter().any(|schema| word.starts_with(schema))
                && word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.')
                && word.matches('.').count() == 1;
            if !is_table {
                continue;
            }
            let privileges: &[&'static str] = match (before(2), before(1)) {
                ("INSERT", "INTO") => &["INSERT"],
                ("DELETE", "FROM") => &["DELETE", "SELECT"],
                (_, "UPDATE") => &["UPDATE", "SELECT"],
                (_, "FROM" | "JOIN") => &["SELECT"],
                _ => continue,
            };
            if privileges == ["INSERT"] {
                inserted = Some((*word).to_owned());
            }
            if before(2) == "DELETE" {
                (*word).clone_into(&mut deleted);
            }
            needs.entry((*word).to_owned()).or_default().extend(privileges);
        }
    }

    /// Passwords are never written, and those of people are not read.
    fn without_passwords(needs: &mut Needs) {
        if let Some(accounts) = needs.get_mut("public.auth_user").filter(|needs| needs.contains("UPDATE")) {
            accounts.remove("UPDATE");
            accounts.extend(["UPDATE (email)", "UPDATE (first_name)", "UPDATE (last_name)"]);
        }
        if let Some(people) = needs.get_mut("public.users") {
            assert_eq!(std::mem::take(people), BTreeSet::from(["SELECT", "INSERT", "UPDATE"]));
            let columns = of_service("public.users").unwrap_or_default().split(", ");
            let is_written = |column: &str| !column.starts_with("SELECT");
            people.extend(
                columns.filter(|column| column.ends_with(')') && !(is_written(column) && column.contains("password"))),
            );
        }
    }

    #[test]
    fn service_has_what_the_program_needs_and_nothing_else() {
        let mut sources = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
        let mut needs = Needs::new();
        for (name, text) in &sources {
            if AS_OWNER.iter().all(|(folder, _)| !name.starts_with(folder)) && !name.contains("/tests") {
                add_needs(text, &mut needs);
            }
        }
        // Statements that name their table at run time, or lock rows.
        let more = [
            ("lectern.schema_compatibility", &["SELECT"][..]),
            ("lectern.schema_steps", &["SELECT"]),
            ("lectern.moves", &["SELECT"]),
            ("lectern.lesson_copy", &["SELECT"]),
            // A function of the schema reads it.
            ("lectern.lesson_attendance", &["SELECT"]),
            ("public.student_reviews", &["SELECT"]),
            ("public.tutor_packages", &["SELECT"]),
            ("public.tutor_reviews", &["SELECT"]),
            ("public.whiteboard_sessions", &["SELECT"]),
        ];
        for (table, privileges) in more {
            needs.entry(table.to_owned()).or_default().extend(privileges);
        }
        let mappings = &crate::timetable_import::mapping::api::PRODUCT_MAPPINGS;
        let synonyms = &crate::search::synonyms::api::SYNONYMS;
        let tutorials = &crate::tutorials::api::resources::RESOURCES;
        let people = &crate::people::resources::RESOURCES;
        let lessons = &crate::lessons::api::resources::RESOURCES;
        let alone = [&mappings, &synonyms, &&crate::lessons::api::resources::LESSONS];
        let resources = crate::catalogue::resources::RESOURCES.iter().chain(tutorials).chain(people).chain(lessons);
        for resource in resources.chain(alone) {
            for (table, privileges) in resource.needed_privileges() {
                needs.entry(table.to_owned()).or_default().extend(privileges);
            }
        }
        for table in UNDONE {
            let lock = if *table == "public.auth_user" { "UPDATE (date_joined)" } else { "UPDATE" };
            needs.entry((*table).to_owned()).or_default().extend(["SELECT", "DELETE", lock]);
        }
        without_passwords(&mut needs);
        let mut wrong = Vec::new();
        for (table, privileges) in SERVICE {
            let given: BTreeSet<&str> = privileges.split(", ").collect();
            let needed = needs.remove(*table).unwrap_or_default();
            if given != needed {
                wrong.push(format!("{table}: given {given:?}, needed by the statements of the program {needed:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(needs.is_empty(), "add to SERVICE: {needs:?}");
    }

    #[test]
    fn former_names_are_known() {
        for (schema, name, expected) in [
            ("public", "locations", Some("adm.locations")),
            ("public", "adm.locations", Some("adm.locations")),
            ("adm", "adm.customfields", Some("adm.custom_fields")),
            ("adm", "locations", Some("adm.locations")),
            ("public", "auth_user", Some("public.auth_user")),
            ("lectern", "found_before", Some("lectern.found_before")),
            ("acted", "catalog_product_bundle_products", Some("acted.catalog_product_bundle_products")),
            ("acted", "orders", None),
            ("public", "events", None),
        ] {
            assert_eq!(known_name(schema, name).as_deref(), expected, "{schema}.{name}");
        }
    }
}
