//! The number of statements of a request does not grow with the rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tracing::Subscriber;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::Catalogue;
use super::examples::examples;

/// Counts the statements of this thread, on which the server of a test runs.
#[derive(Clone, Default)]
struct StatementCount(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for StatementCount {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn number_of_statements_does_not_grow_with_the_rows() {
    let count = StatementCount::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(count.clone()));
    let catalogue = Catalogue::new().await;
    let statements = async |method: &str, path: &str, body: &Value| {
        // The catalogue of searches is up to date, so that only this request reads.
        catalogue.site.follower.reload_now().await.expect("loaded");
        let before = count.0.load(Ordering::Relaxed);
        let (status, document) = catalogue.json(method, path, body).await;
        assert!(status < 300, "{method} {path}: {document}");
        count.0.load(Ordering::Relaxed) - before
    };
    for example in examples(&catalogue).await {
        let path = example.path;
        catalogue.create(path, example.body.clone()).await;
        let one = statements("GET", &format!("{path}?page_size=1"), &json!(null)).await;
        assert_eq!(one, statements("GET", &format!("{path}?page_size=200"), &json!(null)).await, "{path}");
        // The statement that looks the token up, and the one of the list.
        assert_eq!(one, 2, "{path}");
    }
    let subjects = |from: u32, to: u32| -> Value { (from..to).map(|n| json!({ "code": format!("N{n}") })).collect() };
    let one = statements("POST", "subjects", &subjects(0, 1)).await;
    assert_eq!(one, statements("POST", "subjects", &subjects(1, 40)).await);
}
