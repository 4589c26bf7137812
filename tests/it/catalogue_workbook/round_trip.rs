//! A workbook that is filled in, imported twice, changed, searched and undone.

use serde_json::{Value, json};

use super::{changes, content, counts, import, problems, run, run_json};
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;
use crate::fixtures::workbook::replace_text;

#[tokio::test(flavor = "multi_thread")]
async fn examples_of_the_template_are_imported_once_and_undone() {
    let db = TestDb::new().await;
    let file = db.folder().join("catalogue.xlsx");
    assert_eq!(run(&db, &["catalogue", "template", "catalogue.xlsx"]).0, 0);
    assert_eq!(run(&db, &["catalogue", "template", "catalogue.xlsx"]).0, 2, "an existing file stays");
    let empty = content(&db).await;
    let (exit, document) = run_json(&db, &["catalogue", "import", "catalogue.xlsx"]);
    assert_eq!((exit, counts(&document), &document["examples_skipped"]), (0, [0; 4], &json!(13)), "{document}");

    replace_text(&file, "EXAMPLE: ", "");
    let (exit, planned) = run_json(&db, &["catalogue", "import", "catalogue.xlsx", "--dry-run"]);
    assert_eq!((exit, counts(&planned), &planned["run_id"]), (0, [13, 0, 0, 0], &json!(null)), "{planned}");
    assert_eq!(content(&db).await, empty, "a dry run writes nothing");
    let site = Site::serve(&db).await;
    assert_eq!(site.search(&json!({})).await["pagination"]["total_count"], 0);
    let (exit, first) = run_json(&db, &["catalogue", "import", "catalogue.xlsx"]);
    assert_eq!((exit, counts(&first), problems(&first)), (0, [13, 0, 0, 0], vec![]), "{first}");
    let imported = content(&db).await;
    let (exit, second) = run_json(&db, &["catalogue", "import", "catalogue.xlsx"]);
    assert_eq!((exit, counts(&second), &second["run_id"]), (0, [0, 0, 13, 0], &json!(null)), "{second}");
    assert_eq!(content(&db).await, imported, "an unchanged import writes nothing");
    // The running server sees the rows of the other process.
    while site.search(&json!({ "searchQuery": "CB1" })).await["pagination"]["total_count"] != 2 {
        tokio::task::yield_now().await;
    }

    let run_id = first["run_id"].to_string();
    let (exit, undone) = run_json(&db, &["catalogue", "undo", &run_id, "--dry-run"]);
    assert_eq!((exit, content(&db).await), (0, imported.clone()), "{undone}");
    let (exit, undone) = run_json(&db, &["catalogue", "undo", &run_id, "--yes"]);
    assert_eq!((exit, &undone["counts"]["refused"]), (0, &json!(0)), "{undone}");
    assert_eq!(content(&db).await, empty);
    let (exit, again) = run_json(&db, &["catalogue", "undo", &run_id, "--yes"]);
    assert_eq!((exit, &again["undone_by"], &again["run_id"]), (0, &undone["run_id"], &json!(null)), "{again}");
    let (exit, third) = run_json(&db, &["catalogue", "import", "catalogue.xlsx"]);
    assert_eq!((exit, counts(&third)), (0, [13, 0, 0, 0]), "{third}");
}

/// Every kind of record is found by what identifies it, and changed where a cell has another value.
#[tokio::test(flavor = "multi_thread")]
async fn changed_cells_become_updates_with_old_and_new_values() {
    let db = TestDb::new().await;
    let (exit, first) = import_book(&db, &book("Models", "610.00", "06/04/2027", "Y"));
    assert_eq!((exit, counts(&first)), (0, [13, 0, 0, 0]), "{first}");
    let before = content(&db).await;
    let (exit, second) = import_book(&db, &book("Mathematical models", "LON", "07/04/2027", "N"));
    assert_eq!((exit, counts(&second)), (0, [0, 9, 4, 0]), "{second}");
    let expected = json!([
        { "row": "CM2", "changes": [["Description", "Models", "Mathematical models"]] },
        { "row": "2027-04", "changes": [["Start date", "2027-04-06", "2027-04-07"]] },
        { "row": "Tutorial", "changes": [["Is active", "Y", "N"]] },
        { "row": "27A / cm2 / London / CM2_f2f_2", "changes": [["Is active", "Y", "N"]] },
        { "row": "Pack", "changes": [["Is active", "Y", "N"]] },
        { "row": "London", "changes": [["Code", "610.00", "LON"]] },
        { "row": "Quill House", "changes": [["Description", "Models", "Mathematical models"]] },
        { "row": "Ada Marlow", "changes": [["Is active", "Y", "N"]] },
        { "row": "CM2_f2f_2", "changes": [["Title", "Models", "Mathematical models"]] },
    ]);
    assert_eq!(changes(&second), expected);
    let (exit, undone) = run_json(&db, &["catalogue", "undo", &second["run_id"].to_string(), "--yes"]);
    assert_eq!((exit, &undone["counts"]["restored"]), (0, &json!(9)), "{undone}");
    assert_eq!(content(&db).await, before);
}

/// Sheets with the rows of a small provider.
type Book = Vec<(&'static str, Vec<Vec<&'static str>>)>;

fn book(description: &'static str, amount: &'static str, day: &'static str, active: &'static str) -> Book {
    vec![
        ("Subjects", vec![vec!["Code", "Description"], vec!["CM2", description]]),
        ("Exam sessions", vec![vec!["Session code", "Start date", "End date"], vec!["2027-04", day, "30/04/2027"]]),
        ("Groups", vec![vec!["Name", "Display order"], vec!["Tutorials", "1"], vec!["Materials", "2"]]),
        (
            "Products",
            vec![
                vec!["Full name", "Short name", "Groups", "Is active"],
                vec!["Tutorial", "London", "Tutorials", active],
            ],
        ),
        ("Variations", vec![vec!["Name", "Type", "Code"], vec!["Two days", "tutorial", "CM2_f2f_2"]]),
        (
            "Store products",
            vec![
                vec!["Exam session", "Subject", "Product", "Variation", "Is active"],
                vec!["27A", "cm2", "London", "CM2_f2f_2", active],
            ],
        ),
        (
            "Bundles",
            vec![vec!["Bundle name", "Subject", "Exam session", "Is active"], vec!["Pack", "CM2", "2027A", active]],
        ),
        ("Locations", vec![vec!["Name", "Code"], vec!["London", amount]]),
        ("Venues", vec![vec!["Name", "Location", "Description"], vec!["Quill House", "London", description]]),
        (
            "Instructors",
            vec![
                vec!["First name", "Last name", "Email", "Is active"],
                vec!["Ada", "Marlow", "ada@example.org", active],
                vec!["Bo", "", "", ""],
            ],
        ),
        ("Course templates", vec![vec!["Code", "Title"], vec!["CM2_f2f_2", description]]),
    ]
}

fn import_book(db: &TestDb, book: &Book) -> (i32, Value) {
    let rows: Vec<(&str, Vec<&[&str]>)> =
        book.iter().map(|(name, rows)| (*name, rows.iter().map(Vec::as_slice).collect())).collect();
    let sheets: Vec<(&str, &[&[&str]])> = rows.iter().map(|(name, rows)| (*name, rows.as_slice())).collect();
    import(db, &sheets)
}
