//! Objects of other programs on a column that goes: named, and nothing is changed.

use serde_json::json;

use super::super::adoption::difference;
use super::{adopt, migrate, objects, rows, step};
use crate::fixtures::legacy::{Legacy, Naming, Placement, State};

/// How an object is made, how a problem names it, and how it goes.
const IN_THE_WAY: [(&str, &str, &str); 4] = [
    (
        "CREATE VIEW public.towns AS SELECT name FROM adm.locations;",
        "view public.towns uses adm.locations.name",
        "DROP VIEW public.towns;",
    ),
    (
        "ALTER TABLE adm.course_templates ADD COLUMN short text GENERATED ALWAYS AS (left(code, 3)) STORED;",
        "default value for column short of table adm.course_templates uses adm.course_templates.code",
        "ALTER TABLE adm.course_templates DROP COLUMN short;",
    ),
    (
        "CREATE TABLE public.notes (code varchar(50) REFERENCES adm.course_templates (code));",
        "notes uses adm.course_templates.code",
        "DROP TABLE public.notes;",
    ),
    (
        "CREATE POLICY towns ON adm.locations USING (name <> 'x');",
        "policy towns on table adm.locations uses adm.locations.name",
        "DROP POLICY towns ON adm.locations;",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn object_on_a_column_that_goes_is_named_and_nothing_is_changed() {
    let mut legacy = Legacy::new(State::February4, Placement::Adm, Naming::Plain);
    legacy.more.extend(IN_THE_WAY.map(|(made, _, _)| made));
    let living = legacy.build().await;
    let pool = &living.db.pool;
    let before = (objects(pool).await, rows(pool).await);
    let (exit, document, messages) = migrate(&living, &[]);
    assert_eq!((exit, &step(&document)["state"]), (Some(4), &json!("conflict")), "{messages}");
    assert!(messages.contains("which has to go: drop it"), "{messages}");
    let problems = step(&document)["problems"].to_string();
    for (_, expected, _) in IN_THE_WAY {
        assert!(problems.contains(expected), "{expected}\n{problems}");
    }
    assert_eq!(difference(&before.0, &objects(pool).await), "");
    assert_eq!(before.1, rows(pool).await);

    // A view on a view under a former name is in the way too.
    living.execute(&IN_THE_WAY.map(|(_, _, gone)| gone).concat()).await;
    adopt(&living, &["--compat-views"]);
    living.execute("CREATE VIEW public.towns AS SELECT name FROM public.locations").await;
    let (exit, document, messages) = migrate(&living, &[]);
    assert_eq!(exit, Some(4), "{messages}");
    assert!(step(&document)["problems"].to_string().contains("view public.towns uses adm.locations"), "{document:#}");
    living.execute("DROP VIEW public.towns").await;
    let (exit, _, messages) = migrate(&living, &[]);
    assert_eq!(exit, Some(4), "unmatched texts: {messages}");
    living.execute("SELECT external_id FROM public.\"adm.locations\"").await;
    for earlier in ["adopt", "adm-schema"] {
        let (exit, _, messages) = migrate(&living, &["undo", earlier]);
        assert_eq!(exit, Some(3), "{messages}");
        assert!(messages.contains("lectern migrate undo tutorial-references"), "{messages}");
    }
}
