//! Test: what the own migrations do to tables that are in use.

use std::collections::BTreeSet;

use super::{Execution, Linter};

/// What is accepted: the reason, then migration, severity, rule and table of each.
const ACCEPTED: &[(&str, &[&str])] = &[
    (
        "the tables of a provider have some thousand rows, of which an index is built within milliseconds",
        &[
            "catalogue: note create-index acted.bundle_products",
            "catalogue: note create-index acted.catalog_exam_session_subjects",
            "catalogue: note create-index acted.catalog_product_product_variations",
            "catalogue: note create-index acted.product_productvariation_recommendations",
            "catalogue: note create-index acted.products",
            "tutorials: note create-index acted.tutorial_events",
            "tutorials: note create-index acted.tutorial_session_instructors",
            "tutorials: note create-index acted.tutorial_sessions",
            "tutorials: note create-index acted.tutorial_venues",
            "bridges: note create-index adm.api_audit_log",
            "bridges: note create-index adm.custom_fields",
        ],
    ),
    (
        "a trigger needs its lock for an instant, and all waits are limited",
        &[
            "catalogue: note create-trigger",
            "catalogue: note drop-trigger",
            "catalogue changes: note create-trigger",
            "catalogue changes: note create-trigger public.auth_user",
            "row comparison: note drop-trigger",
            "events of the api: note create-trigger lectern.event_details",
            "search changes: note create-trigger",
            "search changes: note drop-trigger",
            "search changes: unsafe several-exclusive-locks",
            "search changes counted once: blocks lock-table",
            "history: note create-trigger",
            "history: note drop-trigger",
        ],
    ),
    (
        "only the triggers that the same migration replaces have used it",
        &[
            "search changes: unsafe drop-object lectern.catalogue_changed",
            "search changes counted once: unsafe drop-object lectern.catalogue_changes",
        ],
    ),
    (
        "the same migration creates the table: it is empty",
        &[
            "lessons: blocks create-index",
            "lessons: blocks foreign-key",
            "lessons: blocks unique-constraint",
            "lessons: note create-index public.enrolled_students",
        ],
    ),
    (
        "the table is empty: a table with rows gets its indexes while others write",
        &["lesson indexes: blocks create-index public.sessions"],
    ),
    (
        "only this program uses tables of the schema lectern, it does not run beside a migration, and old rows are deleted",
        &[
            "events of the api: blocks check-constraint lectern.event_details",
            "events of the api: blocks create-index lectern.event_details",
            "delivery wishes: unsafe several-exclusive-locks lectern.import_rows",
            "requested runs: blocks create-index lectern.runs",
            "places sold beyond maximum: blocks check-constraint lectern.event_details",
            "retention: blocks create-index lectern.idempotency_keys",
            "lesson series: blocks check-constraint lectern.lesson_series",
            "history speed: blocks create-index lectern.history",
            "history speed: blocks drop-index lectern.history_row_idx",
            "run attempts: rewrites generated-column lectern.runs",
            "run attempts: unsafe several-exclusive-locks lectern.runs",
            "webhook order: blocks create-index lectern.webhook_inbox",
            "history speed: blocks create-index lectern.history",
            "history speed: blocks drop-index lectern.history_row_idx",
            "logins: blocks create-index lectern.tokens",
            "search changes counted once: blocks create-index lectern.search_changes",
            "search changes counted once: blocks long-work-under-lock lectern.search_changes",
            "search changes counted once: unsafe drop-column lectern.search_changes",
            "search changes counted once: unsafe several-exclusive-locks lectern.catalogue_changes",
        ],
    ),
];

/// Each migration is judged as it runs in a database that has the earlier ones.
#[test]
fn own_migrations_disturb_no_one_apart_from_the_listed() {
    let migrations = crate::migrate::versioned::migrator();
    let texts = crate::migrate::versioned::texts();
    let mut found = BTreeSet::new();
    for (at, migration) in migrations.iter().enumerate() {
        let mut linter = Linter::after(texts[..at].iter().map(String::as_str));
        let report =
            linter.judge(&texts[at], Execution { in_transaction: true, has_lock_timeout: true }).expect("readable");
        for finding in report.findings {
            let object = finding.object.unwrap_or_default();
            let severity = serde_json::to_value(finding.severity).expect("a text");
            let severity = severity.as_str().expect("a text");
            let entry = format!("{}: {severity} {} {object}", migration.description, finding.rule);
            found.insert(entry.trim_end().to_owned());
        }
    }
    let accepted: BTreeSet<String> =
        ACCEPTED.iter().flat_map(|(_, entries)| entries.iter()).map(|entry| (*entry).to_owned()).collect();
    let new: Vec<_> = found.difference(&accepted).collect();
    assert!(new.is_empty(), "write the migration so that it disturbs no one, or list it with a reason: {new:#?}");
    let gone: Vec<_> = accepted.difference(&found).collect();
    assert!(gone.is_empty(), "remove from the list: {gone:#?}");
}
