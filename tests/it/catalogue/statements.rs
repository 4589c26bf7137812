//! The number of statements of a request does not grow with the rows.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::Catalogue;
use super::examples::examples;

/// The statements of this thread, on which the server of a test runs.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    /// Returns how many statements of a resource were executed since the last call.
    fn take(&self, table: &str) -> usize {
        // Another thread may have been the first to execute the line that reports statements, which disables it.
        tracing::callsite::rebuild_interest_cache();
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        taken
            .iter()
            .filter(|sql| sql.contains(table) && (sql.contains(" AS item") || sql.contains(" AS given")))
            .count()
    }
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut text = Text(String::new());
            event.record(&mut text);
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text.0);
        }
    }
}

/// All fields of an event as text.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!("{value:?} ");
    }
}

#[tokio::test]
async fn number_of_statements_does_not_grow_with_the_rows() {
    let log = Statements::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
    let catalogue = Catalogue::new().await;
    let statements = async |table: &str, method: &str, path: &str, body: &Value| {
        log.take(table);
        let (status, document) = catalogue.json(method, path, body).await;
        assert!(status < 300, "{method} {path}: {document}");
        log.take(table)
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
