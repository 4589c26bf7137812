//! Objects of other programs on a column that goes: named, and nothing is changed.

use serde_json::json;

use super::super::adoption::{difference, in_parallel};
use super::{adopt, migrate, objects, rows, step};
use crate::fixtures::legacy::{Legacy, Naming, Placement, State};

const IN_THE_WAY: [(&str, &str); 4] = [
    ("CREATE VIEW public.towns AS SELECT name FROM adm.locations", "view public.towns uses adm.locations.name"),
    (
        "ALTER TABLE adm.course_templates ADD COLUMN short text GENERATED ALWAYS AS (left(code, 3)) STORED",
        "adm.course_templates.code, which has to go",
    ),
    (
        "CREATE TABLE public.notes (code varchar(50) REFERENCES adm.course_templates (code))",
        "notes uses adm.course_templates.code",
    ),
    (
        "CREATE POLICY towns ON adm.locations USING (name <> 'x')",
        "policy towns on table adm.locations uses adm.locations.name",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn object_on_a_column_that_goes_is_named_and_nothing_is_changed() {
    in_parallel(IN_THE_WAY.to_vec(), async |(sql, expected)| {
        let mut legacy = Legacy::new(State::February4, Placement::Adm, Naming::Plain);
        legacy.more.push_str(sql);
        let living = legacy.build().await;
        let pool = &living.db.pool;
        let before = (objects(pool).await, rows(pool).await);
        let (exit, document, messages) = migrate(&living, &[]);
        assert_eq!((exit, &step(&document)["state"]), (Some(4), &json!("conflict")), "{sql}\n{messages}");
        let problems = step(&document)["problems"].to_string();
        assert!(problems.contains(expected) && messages.contains("which has to go: drop it"), "{expected}\n{problems}");
        assert_eq!(difference(&before.0, &objects(pool).await), "", "{sql}");
        assert_eq!(before.1, rows(pool).await, "{sql}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn view_on_a_view_under_a_former_name_is_in_the_way_too() {
    let living = Legacy::new(State::February4, Placement::Adm, Naming::Plain).build().await;
    adopt(&living, &["--compat-views"]);
    living.execute("CREATE VIEW public.towns AS SELECT name FROM public.locations").await;
    let (exit, document, messages) = migrate(&living, &[]);
    assert_eq!(exit, Some(4), "{messages}");
    assert!(step(&document)["problems"].to_string().contains("view public.towns uses adm.locations"), "{document:#}");
    living.execute("DROP VIEW public.towns").await;
    let (exit, _, messages) = migrate(&living, &[]);
    assert_eq!(exit, Some(4), "unmatched texts: {messages}");
    living.execute("SELECT external_id FROM public.\"adm.locations\"").await;
    for later in ["adopt", "adm-schema"] {
        let (exit, _, messages) = migrate(&living, &["undo", later]);
        assert_eq!(exit, Some(3), "{messages}");
        assert!(messages.contains("lectern migrate undo tutorial-references"), "{messages}");
    }
}
