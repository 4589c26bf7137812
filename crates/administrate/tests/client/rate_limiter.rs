//! The rate limiter of a single process.

use std::time::Duration;

use administrate::{RateLimiter, TokenBucket};

use crate::environment::ScriptedEnvironment;

#[tokio::test]
async fn bucket_allows_a_burst_then_refills_evenly() {
    let env = ScriptedEnvironment::new(vec![]);
    let bucket = TokenBucket::new(env.clone(), 10, Duration::from_secs(10));
    for _ in 0..10 {
        bucket.acquire(&|_| {}).await.expect("a permit");
    }
    assert!(env.waits().is_empty());
    bucket.acquire(&|_| {}).await.expect("a permit");
    assert_eq!(env.waits(), [1000]);
    env.advance(Duration::from_secs(3600));
    for _ in 0..10 {
        bucket.acquire(&|_| {}).await.expect("a permit");
    }
    assert_eq!(env.waits().len(), 1, "exactly the capacity of the bucket was refilled");
}

#[tokio::test]
async fn pause_delays_every_caller() {
    let env = ScriptedEnvironment::new(vec![]);
    let bucket = TokenBucket::new(env.clone(), 10, Duration::from_secs(10));
    bucket.pause(Duration::from_secs(7)).await.expect("paused");
    bucket.pause(Duration::from_secs(2)).await.expect("a shorter pause, without effect");
    bucket.acquire(&|_| {}).await.expect("a permit");
    assert_eq!(env.waits(), [7000]);
}

#[tokio::test]
async fn wall_clock_set_back_delays_nothing() {
    let env = ScriptedEnvironment::new(vec![]);
    let bucket = TokenBucket::new(env.clone(), 1, Duration::from_secs(10));
    bucket.acquire(&|_| {}).await.expect("a permit");
    bucket.pause(Duration::from_secs(7)).await.expect("paused");
    env.set_back(Duration::from_secs(86_400));
    bucket.acquire(&|_| {}).await.expect("a permit");
    assert_eq!(env.waits().iter().sum::<u128>(), 10_000);
}
