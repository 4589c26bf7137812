//! The documents of `--json`, and what the database holds after them.

use serde_json::json;

use super::filling::fill;
use super::sides::{Record, Sides};
use super::tables::tables;
use super::{data, golden};
use crate::fixtures::test_db::TestDb;

#[tokio::test(flavor = "multi_thread")]
async fn documents_and_stored_rows_are_golden() {
    let sides = Sides::new().await;
    fill(&sides, true).await;
    golden("tables", &tables(&sides).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_migrate_are_golden() {
    let sides = Sides::with(TestDb::empty().await, "administrate.json").await;
    let mut record = Record::default();
    for arguments in [&["plan"][..], &["apply"], &["status"], &["plan"]] {
        record.run(&sides, &[&["migrate"], arguments].concat()).await;
    }
    record.run(&sides, &["import", "missing.xlsx"]).await;
    record.golden("migrate");
}

#[tokio::test(flavor = "multi_thread")]
async fn document_of_demo_is_golden() {
    let sides = Sides::with(TestDb::empty().await, "administrate.json").await;
    let workbook = data("timetable.csv");
    let workbook = workbook.to_str().expect("a path");
    let arguments = ["demo", "--once", "--workbook", workbook, "--data-dir", "demo"];
    let (exit, document) = sides.run(&arguments).await;
    golden("demo", &json!({ "exit": exit, "document": sides.redact(&document) }));
}
