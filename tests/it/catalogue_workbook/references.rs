//! Rows name records by code and by name, in the same workbook and in the database; who is meant is never guessed.

use serde_json::json;

use super::{counts, import, problems, run_json};
use crate::fixtures::test_db::TestDb;

#[tokio::test(flavor = "multi_thread")]
async fn records_are_named_by_code_or_name_in_the_workbook_and_in_the_database() {
    let db = TestDb::new().await;
    let places: [(&str, &[&[&str]]); 3] = [
        // A sheet may come before the one that it names, and a group before the one above it.
        ("Venues", &[&["Name", "Location"], &["Quill House", "LON"], &["Moor Room", "leeds"]]),
        ("Groups", &[&["Name", "Code", "Parent"], &["Evenings", "", "tut"], &["Tutorials", "tut", ""]]),
        ("Locations", &[&["Name", "Code"], &["London", "LON"], &["Leeds", ""]]),
    ];
    let (exit, document) = import(&db, &places);
    assert_eq!((exit, counts(&document)), (0, [6, 0, 0, 0]), "{document}");
    let variations: [(&str, &[&[&str]]); 6] = [
        ("Subjects", &[&["Code", "Description"], &["CM2", "Models"], &["SP1", ""]]),
        ("Exam sessions", &[&["Session code", "Start date", "End date"], &["25S", "06/09/2025", "30/09/2025"]]),
        (
            "Products",
            &[&["Fullname", "Shortname", "Code", "Groups"], &["Course Notes", "Notes", "CN", "Evenings / tut"]],
        ),
        ("Variations", &[&["Name", "Type"], &["Standard", "Printed"], &["Standard", "eBook"]]),
        (
            "Store products",
            &[
                &["Exam session", "Subject", "Product", "Variation", "Product code"],
                &["2025-09", "CM2", "CN", "Printed: Standard", "CM2/P"],
                &["2025S", "Models", "Notes", "eBook: Standard", ""],
                &["25S", "SP1", "Course Notes", "Standard", "SP1/?"],
            ],
        ),
        (
            "Prices",
            // A generated code is not known before the import.
            &[&["Product", "Amount"], &["CM2/P", "95"], &["25S / CM2 / CN / eBook: Standard", "80.00"]],
        ),
    ];
    let (exit, document) = import(&db, &variations);
    assert_eq!((exit, counts(&document)), (4, [10, 0, 0, 1]), "{document}");
    assert_eq!(problems(&document), [("Store products!D4".to_owned(), "unknown_reference")]);
    let message = document["problems"][0]["message"].as_str().expect("text");
    assert!(message.contains("Printed: Standard, eBook: Standard"), "{message}");
    let codes: Vec<String> = sqlx::query_scalar("SELECT session_code FROM acted.catalog_exam_sessions")
        .fetch_all(&db.pool)
        .await
        .expect("codes");
    assert_eq!(codes, ["25S"], "one exam session in three spellings");
    let (exit, copied) = run_json(&db, &["catalogue", "copy", "2025S", "2025-09"]);
    let expected = "FROM and TO are the same exam session: name two";
    assert_eq!((exit, copied["error"].as_str()), (2, Some(expected)), "{copied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bundle_names_are_unique_within_their_subject_only() {
    let db = TestDb::new().await;
    let catalogue: [(&str, &[&[&str]]); 7] = [
        ("Subjects", &[&["Code"], &["CM2"], &["SP1"]]),
        ("Exam sessions", &[&["Session code", "Start date", "End date"], &["2027-04", "2027-04-06", "2027-04-30"]]),
        ("Products", &[&["Fullname", "Shortname"], &["Course Notes", "Notes"]]),
        ("Variations", &[&["Name", "Type", "Code"], &["Standard", "Printed", "P"]]),
        (
            "Store products",
            &[
                &["Exam session", "Subject", "Product", "Variation", "Product code"],
                &["2027-04", "CM2", "Notes", "P", "CM2/P"],
                &["2027-04", "SP1", "Notes", "P", "SP1/P"],
            ],
        ),
        (
            "Bundles",
            &[&["Bundle name", "Subject", "Exam session"], &["Pack", "CM2", "2027-04"], &["Pack", "SP1", "27A"]],
        ),
        (
            "Bundle products",
            &[
                &["Bundle", "Product", "Quantity"],
                &["Pack", "CM2/P", "2"],
                &["Pack", "SP1/P", ""],
                &["Pak", "SP1/P", "0"],
            ],
        ),
    ];
    let (exit, document) = import(&db, &catalogue);
    assert_eq!((exit, counts(&document)), (4, [11, 0, 0, 1]), "{document}");
    let place = |cell: &str| format!("Bundle products!{cell}");
    assert_eq!(problems(&document), [(place("A4"), "unknown_reference"), (place("C4"), "invalid_value")]);
    assert_eq!(document["problems"][0]["suggestions"], json!(["Pack"]));
    let (_, again) = import(&db, &catalogue);
    assert_eq!(counts(&again), [0, 0, 11, 1], "{again}");
    let rows: Vec<(String, i32)> = sqlx::query_as(
        "SELECT p.product_code, b.quantity FROM acted.bundle_products AS b JOIN acted.products AS p ON p.id = b.product_id
         ORDER BY 1",
    )
    .fetch_all(&db.pool)
    .await
    .expect("rows");
    assert_eq!(rows, [("CM2/P".to_owned(), 2), ("SP1/P".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_rows_and_equal_names_are_not_guessed() {
    let db = TestDb::new().await;
    sqlx::query("INSERT INTO acted.tutorial_locations (name) VALUES ('London'), ('London'), ('Leeds'), ('LEEDS')")
        .execute(&db.pool)
        .await
        .expect("rows");
    sqlx::query(
        "INSERT INTO public.auth_user (username, first_name, last_name, email) VALUES ('cy', 'Cy', 'Fenn', 'cy@example.org')",
    )
    .execute(&db.pool)
    .await
    .expect("an account");
    let book: [(&str, &[&[&str]]); 4] = [
        ("Subjects", &[&["Code", "Description"], &["CM2", "Models"], &["cm2", "Other"], &["CM2", "Models"]]),
        ("Groups", &[&["Name", "Parent"], &["A", "B"], &["B", "A"]]),
        ("Locations", &[&["Name", "Code"], &["London", "LON"], &["LEEDS", "LDS"]]),
        (
            "Instructors",
            &[
                &["First name", "Last name", "Email"],
                &["Ada", "Marlow", "cy@example.org"],
                &["Cy", "Fenn", "cy@example.org"],
                &["Bo", "Lark", "no address"],
            ],
        ),
    ];
    let (exit, document) = import(&db, &book);
    let place = |text: &str| text.to_owned();
    assert_eq!((exit, counts(&document)), (4, [2, 1, 1, 6]), "{document}");
    assert_eq!(
        problems(&document),
        [
            (place("Subjects!"), "duplicate_in_file"),
            (place("Subjects!"), "duplicate_in_file"),
            (place("Groups!B2"), "invalid_value"),
            (place("Groups!B3"), "invalid_value"),
            (place("Locations!A2"), "not_unique"),
            (place("Instructors!C2"), "not_unique"),
            (place("Instructors!C4"), "invalid_value"),
        ]
    );
    let users: Vec<String> =
        sqlx::query_scalar("SELECT username FROM public.auth_user").fetch_all(&db.pool).await.expect("accounts");
    assert_eq!(users, ["cy"], "the person with the address is not created twice");
}
