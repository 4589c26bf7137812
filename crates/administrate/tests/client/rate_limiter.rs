//! The allowance of a single process.

use std::time::Duration;

use administrate::{Allowance, TokenBucket};

use crate::environment::World;

#[tokio::test]
async fn a_burst_goes_out_at_once_and_then_permits_grow_back_evenly() {
    let world = World::new(vec![]);
    let bucket = TokenBucket::new(world.clone(), 10, Duration::from_secs(10));
    for _ in 0..10 {
        bucket.take().await.expect("a permit");
    }
    assert!(world.waits().is_empty());
    bucket.take().await.expect("a permit");
    assert_eq!(world.waits(), [1000]);
    world.pass(Duration::from_secs(3600));
    for _ in 0..10 {
        bucket.take().await.expect("a permit");
    }
    assert_eq!(world.waits().len(), 1, "no more than the bucket holds was saved up, and no less");
}

#[tokio::test]
async fn a_pause_holds_everybody_back() {
    let world = World::new(vec![]);
    let bucket = TokenBucket::new(world.clone(), 10, Duration::from_secs(10));
    bucket.pause(Duration::from_secs(7)).await.expect("noted");
    bucket.pause(Duration::from_secs(2)).await.expect("shorter, so without effect");
    bucket.take().await.expect("a permit");
    assert_eq!(world.waits(), [7000]);
}
