//! An undo that would lose later changes of a user is refused, and names what prevents it.

use serde_json::{Value, json};

use super::{content, counts, import, run, run_json};
use crate::fixtures::test_db::TestDb;

const CATALOGUE: [(&str, &[&[&str]]); 7] = [
    ("Subjects", &[&["Code"], &["CM2"]]),
    ("Exam sessions", &[&["Session code", "Start date", "End date"], &["2027-04", "06/04/2027", "30/04/2027"]]),
    ("Products", &[&["Fullname", "Shortname"], &["Tutorial - London", "London"]]),
    ("Variations", &[&["Name", "Variation type", "Code"], &["Two days", "Tutorial", "CM2_f2f_2"]]),
    (
        "Store products",
        &[
            &["Exam session", "Subject", "Product", "Variation", "Product code"],
            &["2027-04", "CM2", "London", "CM2_f2f_2", "CM2/LON/27A"],
        ],
    ),
    ("Locations", &[&["Name"], &["London"]]),
    ("Instructors", &[&["First name", "Last name"], &["Ada", "Marlow"]]),
];

#[tokio::test(flavor = "multi_thread")]
async fn changed_and_used_rows_refuse_the_undo_by_name() {
    let db = TestDb::new().await;
    let empty = content(&db).await;
    let (exit, document) = import(&db, &CATALOGUE);
    assert_eq!((exit, counts(&document)), (0, [7, 0, 0, 0]), "{document}");
    let run_id = document["run_id"].to_string();
    let steps = [
        ("UPDATE acted.catalog_products SET description = 'x'", "UPDATE acted.catalog_products SET description = NULL"),
        (
            "INSERT INTO acted.prices (product_id, amount) SELECT id, 610 FROM acted.products",
            "DELETE FROM acted.prices",
        ),
        (
            "INSERT INTO acted.tutorial_venues (name, location_id) SELECT 'Quill House', id FROM acted.tutorial_locations",
            "DELETE FROM acted.tutorial_venues",
        ),
        (
            "INSERT INTO lectern.product_mappings (template, store_product_id) SELECT 'OC_CM2', id FROM acted.products",
            "DELETE FROM lectern.product_mappings",
        ),
        ("UPDATE public.auth_user SET email = 'ada@example.org'", "UPDATE public.auth_user SET email = ''"),
    ];
    let named = [
        ("product Tutorial - London", "it was changed since (description)", json!([])),
        ("store product CM2/LON/27A", "other records refer to it by now", json!(["standard"])),
        ("location London", "other records refer to it by now", json!(["Quill House"])),
        ("store product CM2/LON/27A", "other records refer to it by now", json!(["lectern.product_mappings 1"])),
        ("instructor Ada Marlow", "it has been changed or deleted since", json!([])),
    ];
    for ((change, repair), (record, reason, blockers)) in steps.iter().zip(named) {
        sqlx::query(*change).execute(&db.pool).await.expect(change);
        let before = content(&db).await;
        let (exit, undone) = run_json(&db, &["catalogue", "undo", &run_id, "--yes"]);
        let refused = undone["refused"].as_array().expect("a list");
        let found = refused.iter().find(|refused| refused["record"] == record).unwrap_or_else(|| panic!("{undone}"));
        let names: Vec<&Value> =
            found["blockers"].as_array().expect("a list").iter().map(|blocker| &blocker["name"]).collect();
        assert_eq!((exit, &found["reason"], json!(names)), (4, &json!(reason), blockers), "{undone}");
        assert_eq!(content(&db).await, before, "nothing is undone");
        let (exit, stdout, stderr) = run(&db, &["catalogue", "undo", &run_id, "--yes"]);
        assert!(exit == 4 && stderr.contains(&format!("not undone: {record}")), "{stdout} {stderr}");
        sqlx::query(*repair).execute(&db.pool).await.expect(repair);
    }
    let (exit, undone) = run_json(&db, &["catalogue", "undo", &run_id, "--yes"]);
    assert_eq!((exit, content(&db).await), (0, empty), "{undone}");
    let (exit, unknown) = run_json(&db, &["catalogue", "undo", "999", "--yes"]);
    assert_eq!(
        (exit, unknown["error"].as_str()),
        (2, Some("there is no catalogue import 999; the last one is 1 (catalogue.xlsx)"))
    );
}
