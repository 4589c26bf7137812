//! Streams of events: many followers of one run, their number, and revoked tokens.

use futures_util::future::join_all;
use lectern::identity;
use serde_json::{Value, json};

use crate::fixtures::api::{ApiFixture, location};
use crate::fixtures::site::{Site, problem};

#[tokio::test(flavor = "multi_thread")]
async fn every_follower_of_a_run_receives_its_progress_and_its_end() {
    let fixture = ApiFixture::new().await;
    let run = location(&fixture.post_import(&[]).await);
    let path = format!("{run}/events");
    let mut followers = Vec::new();
    for _ in 0..60 {
        followers.push(fixture.request("GET", &path).send().await.expect("an answer"));
    }
    let _worker = fixture.worker();
    let streams = join_all(followers.into_iter().map(reqwest::Response::text)).await;
    for stream in streams {
        let stream = stream.expect("the stream ends");
        let last = stream.split("event: done\ndata: ").nth(1).expect("the last event");
        let document: Value = serde_json::from_str(last.trim()).expect("JSON");
        assert_eq!((&document["state"], &document["location"]), (&json!("done"), &json!(run)), "{document}");
        assert!(stream.starts_with("event: progress\n"), "{stream}");
    }
    let late = fixture.request("GET", &path).send().await.expect("an answer").text().await.expect("text");
    assert!(late.starts_with("event: done\n"), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_a_token_are_limited_and_end_when_it_is_revoked() {
    let fixture = ApiFixture::new().await;
    let mut config = fixture.import.config();
    config.http.streams_per_token = 2;
    let site = Site::serve_with(&fixture.import.db, &config).await;
    let path = format!("{}/events", location(&fixture.post_import(&[]).await));
    let follow = || site.request("GET", &path).bearer_auth(&fixture.token).send();
    let first = follow().await.expect("an answer");
    let second = follow().await.expect("an answer");
    let (status, document) = problem(follow().await.expect("an answer")).await;
    assert_eq!(status, 429, "{document}");
    drop(second);
    let third = loop {
        // The server notices the closed connection when it sends the next event.
        let response = follow().await.expect("an answer");
        if response.status() == 200 {
            break response;
        }
    };
    identity::revoke(&fixture.import.db.pool, 1).await.expect("revoked");
    for stream in [first, third] {
        let text = stream.text().await.expect("the stream ends");
        assert!(text.contains("event: progress") && !text.contains("event: done"), "{text}");
    }
}
