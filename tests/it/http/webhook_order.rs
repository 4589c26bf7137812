//! Order and repetition of webhooks, old ones, large ones, and deliveries that fail or wait among others.

use std::io::{Read, Write};
use std::net::TcpStream;

use jiff::Timestamp;
use lectern::webhooks::purge;
use serde_json::json;
use sqlx::Connection;

use super::webhooks::{EVENT, WebhookFixture, execute, node, sign};
use crate::fixtures::site::problem;

#[tokio::test]
async fn old_webhooks_are_purged_except_the_latest() {
    let fixture = WebhookFixture::new().await;
    for (at, left) in [("2026-05-14T10:00:00Z", 9), ("2026-05-14T10:01:00Z", 8), ("2026-05-14T10:02:00Z", 7)] {
        assert_eq!(fixture.deliver_webhook(at, &node(left, at)).await, 202);
    }
    assert_eq!(fixture.apply_received().await, 3);
    assert_eq!(purge(&fixture.db.pool, 30, 365, 1000).await.expect("nothing is old"), 0);
    execute(&fixture.db, "UPDATE lectern.webhook_inbox SET received_at = now() - interval '31 days'").await;
    assert_eq!(purge(&fixture.db.pool, 30, 365, 1000).await.expect("forgotten"), 2);
    assert_eq!(
        fixture.deliver_webhook("2026-05-14T10:02:01Z", &node(7, "again")).await,
        200,
        "the latest is known by its content"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_without_a_time_is_ordered_by_arrival() {
    let fixture = WebhookFixture::new().await;
    let node =
        |left: i64| json!({ "id": EVENT, "title": "A", "isSoldOut": false, "maxPlaces": 12, "remainingPlaces": left });
    assert_eq!(fixture.deliver_webhook("yesterday", &node(9)).await, 202, "it is signed, and would not be sent again");
    assert_eq!(fixture.deliver_webhook("", &node(8)).await, 202);
    assert_eq!(fixture.apply_received().await, 2);
    assert_eq!(fixture.event().await.1, 8, "the later one holds");
    let (_, listed) = fixture.lectern(&["webhooks", "list", "--all"]).await;
    let first = listed["items"][0]["id"].to_string();
    assert_eq!(fixture.lectern(&["webhooks", "replay", &first]).await.0, 0);
    fixture.apply_received().await;
    assert_eq!(fixture.event().await.1, 8, "replaying an older one changes nothing");
    let soon = Timestamp::now().as_second() + 60;
    assert_eq!(fixture.deliver_webhook(&soon.to_string(), &node(5)).await, 202, "seconds since 1970 are a time");
    assert_eq!(fixture.deliver_webhook("2020-01-01T00:00:00", &node(6)).await, 202, "and so is one without an offset");
    fixture.apply_received().await;
    assert_eq!(fixture.event().await.1, 5, "the one of 2020 is overtaken");
}

#[tokio::test]
async fn time_ahead_or_out_of_range_silences_nothing() {
    let fixture = WebhookFixture::new().await;
    assert_eq!(fixture.deliver_webhook("2036-01-01T00:00:00Z", &node(9, "1")).await, 202);
    fixture.apply_received().await;
    let times = ["-004800-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1e300", "nan", "-1", "+009999-12-30T00:00:00Z"];
    for (left, at) in (10..).zip(times) {
        assert_eq!(fixture.deliver_webhook(at, &node(left, at)).await, 202, "{at}");
    }
    fixture.apply_received().await;
    let later = Timestamp::now().as_second() + 600;
    execute(&fixture.db, "UPDATE lectern.webhook_inbox SET received_at = received_at - interval '10 minutes', triggered = triggered - interval '10 minutes'").await;
    assert_eq!(fixture.deliver_webhook(&later.to_string(), &node(3, "last")).await, 202);
    fixture.apply_received().await;
    assert_eq!(fixture.event().await.1, 3, "the one of 2036 counts as received then");
}

#[tokio::test]
async fn headers_are_checked_before_the_body_and_large_bodies_are_refused() {
    let fixture = WebhookFixture::new().await;
    let address = fixture.site.address.trim_start_matches("http://").to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("connected");
        let head = "POST /webhooks/administrate HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("sent");
        let mut start = [0; 12];
        stream.read_exact(&mut start).expect("an answer without the body");
        String::from_utf8_lossy(&start).into_owned()
    });
    assert_eq!(answer.await.expect("joined"), "HTTP/1.1 401");
    let large = json!({ "metadata": {}, "payload": { "id": EVENT, "title": "x".repeat(256 * 1024) } }).to_string();
    assert_eq!(problem(fixture.send(&large).await).await.0, 413);
    let longest = json!({ "metadata": {}, "payload": { "id": EVENT, "title": "x".repeat(250 * 1024) } }).to_string();
    assert_eq!(fixture.send(&longest).await.status(), 202);
    let short =
        fixture.site.request("POST", "/webhooks/administrate").header("x-administrate-signature", &sign("x")[..8]);
    let short = short.header("x-administrate-signature-timestamp", Timestamp::now().as_second().to_string());
    assert_eq!(problem(short.body("x").send().await.expect("an answer")).await.0, 401);
}

#[tokio::test]
async fn failing_and_waiting_webhooks_leave_the_others_of_their_batch_alone() {
    let fixture = WebhookFixture::new().await;
    execute(&fixture.db, "ALTER TABLE acted.tutorial_events ADD CONSTRAINT never CHECK (remain_space <> 7)").await;
    for (at, left) in [("2026-05-14T10:00:00Z", 9), ("2026-05-14T10:01:00Z", 7), ("2026-05-14T10:02:00Z", 6)] {
        assert_eq!(fixture.deliver_webhook(at, &node(left, at)).await, 202);
    }
    fixture.apply_received().await;
    assert_eq!(fixture.event().await.1, 6);
    let states = async || -> Vec<(String, i32)> {
        let sql = "SELECT state, attempts FROM lectern.webhook_inbox ORDER BY id";
        sqlx::query_as(sql).fetch_all(&fixture.db.pool).await.expect("states")
    };
    let now = states().await;
    assert_eq!([now[0].0.as_str(), now[2].0.as_str()], ["applied", "applied"]);
    assert!(now[1].1 >= 1, "{now:?}");

    let mut connection = fixture.db.pool.acquire().await.expect("a connection");
    let mut other = connection.begin().await.expect("begin");
    sqlx::query("SELECT FROM acted.tutorial_events FOR UPDATE").execute(&mut *other).await.expect("locked");
    assert_eq!(fixture.deliver_webhook("2026-05-14T10:03:00Z", &node(5, "4")).await, 202);
    fixture.apply_received().await;
    assert_eq!(states().await[3], ("received".to_owned(), 0), "a locked event is no failed attempt");
    other.rollback().await.expect("released");
    execute(&fixture.db, "UPDATE lectern.webhook_inbox SET next_attempt_at = now() WHERE state = 'received'").await;
    fixture.apply_received().await;
    assert_eq!(fixture.event().await.1, 5);
}
