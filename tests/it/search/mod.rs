//! Search over HTTP on a real database.

mod changes;
mod freshness;
mod judged;
mod legacy;
mod log;
mod paging;
mod plans;
mod read_model;
mod resume;
mod shop;
mod standby;
mod synonyms;
mod unified;

use lectern::tutorials::create_events;

use crate::fixtures::provider::Provider;
use crate::fixtures::test_db::TestDb;

async fn create_event(db: &TestDb, provider: &Provider, code: &str) {
    let mut tx = db.pool.begin().await.expect("begin");
    create_events(&mut tx, None, &[provider.event(code)], false).await.expect("created");
    tx.commit().await.expect("commit");
}
