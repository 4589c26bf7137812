//! The description of the API, whole: a change of it is a change of what clients are generated from.

use lectern::serve::description::document;

use super::golden;
use crate::fixtures::test_db::TestDb;

#[tokio::test]
async fn description_of_the_api_is_golden() {
    let db = TestDb::new().await;
    golden("openapi", &document(&db.config(&[])));
}
