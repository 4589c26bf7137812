//! The description of the API, whole: a change of it is a change of what clients are generated from.

use lectern::serve::description::document;
use serde_json::Value;

use super::golden;
use crate::fixtures::test_db::TestDb;

#[tokio::test]
async fn description_of_the_api_is_golden() {
    let db = TestDb::new().await;
    let mut document = document(&db.config(&[]));
    // Examples are made from the schemas.
    remove_examples(&mut document);
    golden("openapi", &document);
}

fn remove_examples(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.contains_key("schema") {
                members.remove("example");
            }
            members.values_mut().for_each(remove_examples);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_examples),
        _ => {}
    }
}
