//! Administrate: settings, login, allowance, clock, webhooks, and the workers of `lectern serve`.

use administrate_sim::{Action, Fault};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::doctor::examine;
use crate::fixtures::sync::SyncFixture;

#[tokio::test(flavor = "multi_thread")]
async fn refused_unreachable_and_incomplete_access_have_their_own_messages() {
    let fixture = SyncFixture::new().await;
    for (variable, value, check, detail, fix) in [
        (
            "ADMINISTRATE_CLIENT_SECRET",
            "wr0ng-s3cret",
            "administrate-login",
            "refused at ",
            "ADMINISTRATE_CLIENT_SECRET",
        ),
        (
            "ADMINISTRATE_AUTH_URL",
            "http://127.0.0.1:1",
            "administrate-login",
            "unreachable at ",
            "ADMINISTRATE_AUTH_URL",
        ),
        (
            "ADMINISTRATE_API_URL",
            "http://127.0.0.1:1/x",
            "administrate-query",
            "unreachable at ",
            "ADMINISTRATE_API_URL",
        ),
        ("ADMINISTRATE_CLIENT_ID", "", "administrate", "ADMINISTRATE_CLIENT_ID is not set", "[administrate]"),
        ("ADMINISTRATE_API_URL", "http://example.org", "settings", "not encrypted", "write https://"),
    ] {
        let mut command = fixture.program(&["doctor", "--debug"]);
        command.env(variable, value);
        let found = examine(command).await;
        assert_eq!(found.failed().first(), Some(&check), "{variable}: {:#}", found.document);
        assert!(found.detail(check).contains(detail), "{}", found.check(check));
        assert!(found.fix(check).contains(fix), "{}", found.check(check));
        assert_eq!(found.check("schema")["ok"], true, "the other checks are made");
        let printed = format!("{}{}", found.document, found.stderr);
        assert!(!printed.contains("wr0ng-s3cret") && !printed.contains(fixture.simulator.client_secret()), "{printed}");
    }
    fixture.simulator.add_fault(Fault::always("priceLevels", Action::Status { status: 503, retry_after: None }));
    let found = examine(fixture.program(&["doctor"])).await;
    assert_eq!(found.failed(), ["administrate-query"], "{:#}", found.document);
    assert!(found.detail("administrate-query").contains("503"), "{}", found.check("administrate-query"));
    let pause = "INSERT INTO lectern.request_allowance (tokens, paused_until) VALUES (9, now() + interval '2 minutes')";
    sqlx::raw_sql(pause).execute(&fixture.db.pool).await.expect("paused");
    let requests = fixture.simulator.requests();
    let found = examine(fixture.program(&["doctor"])).await;
    assert_eq!(found.failed(), ["request-allowance"], "{:#}", found.document);
    assert!(found.detail("request-allowance").contains("429"), "{}", found.check("request-allowance"));
    assert_eq!(found.not_checked(), ["administrate-login", "administrate-query"]);
    assert_eq!(fixture.simulator.requests(), requests, "a pause holds for this command too");
}

/// Answers every request with a refusal whose `Date` is wrong.
async fn server_of_the_past(listener: TcpListener) {
    let response = "HTTP/1.1 401 Unauthorized\r\nDate: Sun, 01 Feb 2015 10:00:00 GMT\r\nContent-Length: 0\r\n\
                    Connection: close\r\n\r\n";
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(response.as_bytes()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_of_administrate_is_compared_also_if_it_refuses_the_login() {
    let fixture = SyncFixture::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its port"));
    tokio::spawn(server_of_the_past(listener));
    let mut command = fixture.program(&["doctor"]);
    command.env("ADMINISTRATE_AUTH_URL", url);
    let found = examine(command).await;
    assert_eq!(found.failed(), ["clock", "administrate-login"], "{:#}", found.document);
    let detail = found.detail("clock");
    assert!(detail.contains("behind this machine: 2015-02-01T10:00:00Z and 20"), "{detail}");
    assert!(detail.starts_with("database ±0 s, Administrate is "), "{detail}");
    assert!(found.fix("clock").contains("timedatectl set-ntp true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_need_a_secret_and_the_address_of_this_server() {
    let fixture = SyncFixture::new().await;
    let public = ("LECTERN_PUBLIC_URL", "https://lectern.example.org");
    let secret = ("ADMINISTRATE_WEBHOOK_SECRET", "wh-s3cret");
    let (exit, registered) = fixture.run_with_env(&["webhooks", "register"], &[public]).await;
    assert_eq!(exit, 0, "{registered}");
    for (variables, fix) in [
        (vec![public], Some("ADMINISTRATE_WEBHOOK_SECRET")),
        (vec![public, secret], None),
        (vec![secret, (public.0, "https://new.example.org")], Some("lectern webhooks register")),
    ] {
        let mut command = fixture.program(&["doctor"]);
        command.envs(variables.iter().copied());
        let found = examine(command).await;
        assert_eq!(found.check("webhooks")["ok"], fix.is_none(), "{}", found.check("webhooks"));
        assert!(fix.is_none_or(|fix| found.fix("webhooks").contains(fix)), "{}", found.check("webhooks"));
        assert!(!found.document.to_string().contains("wh-s3cret"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_a_running_server_are_shown() {
    let fixture = SyncFixture::new().await;
    let server = crate::fixtures::site::Site::serve(&fixture.db).await;
    for (bind, expected) in [(server.address.as_str(), "`lectern serve` at"), ("127.0.0.1:1", "no `lectern serve`")] {
        let mut command = fixture.program(&["doctor"]);
        command.env("LECTERN_BIND", bind);
        let found = examine(command).await;
        assert_eq!(found.check("worker")["ok"], json!(true));
        assert!(found.detail("worker").contains(expected), "{}", found.check("worker"));
    }
}
