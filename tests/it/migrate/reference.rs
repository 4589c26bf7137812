//! The document that describes a fresh database, on which adoption rests.

use std::path::Path;

use serde_json::Value;

use crate::fixtures::test_db::TestDb;

/// Writes the document anew where `LECTERN_WRITE_REFERENCE` is set.
#[tokio::test]
async fn reference_is_the_shape_of_a_fresh_database() {
    let db = TestDb::new().await;
    let found = lectern::migrate::shape(&db.pool).await.expect("readable");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/migrate/moves/reference.json");
    let text = one_line_per_item(&found);
    if std::env::var_os("LECTERN_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let stored = std::fs::read_to_string(&path).expect("the document");
    assert!(
        stored == text,
        "the schema has changed: run this test with LECTERN_WRITE_REFERENCE=1 and look at the difference"
    );
}

/// Writes columns, constraints and indexes on a line each, so that differences can be read.
fn one_line_per_item(document: &Value) -> String {
    let mut text = String::from("{\"catalog\": {\"schemas\": [], \"user\": \"\", \"tables\": [\n");
    let tables = document["catalog"]["tables"].as_array().expect("tables");
    for (at, table) in tables.iter().enumerate() {
        text += &format!("{{\"schema\": {}, \"name\": {}, \"kind\": {}", table["schema"], table["name"], table["kind"]);
        for key in ["columns", "constraints", "indexes", "sequences"] {
            let items: Vec<String> =
                table[key].as_array().into_iter().flatten().map(|item| format!("    {item}")).collect();
            text += &format!(",\n  \"{key}\": [\n{}]", items.join(",\n"));
        }
        text += if at + 1 < tables.len() { "},\n" } else { "}\n" };
    }
    let added: Vec<String> =
        document["added"].as_array().expect("added").iter().map(|item| format!("  {item}")).collect();
    text + &format!("]}},\n\"added\": [\n{}\n]}}\n", added.join(",\n"))
}
