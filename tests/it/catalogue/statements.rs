//! The number of statements of a request does not grow with the rows.

use serde_json::{Value, json};

use super::Catalogue;
use super::examples::examples;
use crate::fixtures::statements::Statements;

/// Returns how many statements of a resource were executed since the last call.
fn take(log: &Statements, table: &str) -> usize {
    let is_of_resource = |sql: &&String| sql.contains(table) && (sql.contains(" AS item") || sql.contains(" AS given"));
    log.take().iter().filter(is_of_resource).count()
}

#[tokio::test]
async fn number_of_statements_does_not_grow_with_the_rows() {
    let (log, _guard) = Statements::record();
    let catalogue = Catalogue::new().await;
    let statements = async |table: &str, method: &str, path: &str, body: &Value| {
        take(&log, table);
        let (status, document) = catalogue.json(method, path, body).await;
        assert!(status < 300, "{method} {path}: {document}");
        take(&log, table)
    };
    for example in examples(&catalogue).await {
        let (path, table) = (example.path, example.table);
        catalogue.create(path, example.body.clone()).await;
        for size in [1, 200] {
            let path = format!("{path}?page_size={size}");
            assert_eq!(statements(table, "GET", &path, &json!(null)).await, 1, "{path}");
        }
    }
    let subjects = |from: u32, to: u32| -> Value { (from..to).map(|n| json!({ "code": format!("N{n}") })).collect() };
    for list in [subjects(0, 1), subjects(1, 40)] {
        // The insertion, and the statement that reads the documents.
        assert_eq!(statements("acted.catalog_subjects", "POST", "subjects", &list).await, 2);
    }
    let products = async |count: usize| {
        let groups: Vec<Value> = (0..count).map(|n| json!({ "name": format!("{count} {n}") })).collect();
        let (_, groups) = catalogue.json("POST", "groups", &groups.into()).await;
        let ids: Vec<&Value> = groups.as_array().expect("a list").iter().map(|group| &group["id"]).collect();
        let product = |n| json!({ "fullname": format!("{n}"), "shortname": "x", "group_ids": ids });
        let list: Value = (0..count).map(product).collect();
        statements("acted.", "POST", "products", &list).await
    };
    assert_eq!(products(1).await, products(20).await);
}
