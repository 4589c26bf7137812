//! What a command says and does while Administrate does not accept requests.

use std::process::Stdio;
use std::time::Duration;

use administrate_sim::{Action, Fault};

use crate::fixtures::sync::SyncFixture;

#[tokio::test(flavor = "multi_thread")]
async fn wait_for_a_retry_is_shown_once() {
    let fixture = SyncFixture::new().await;
    let limited = Action::Status { status: 429, retry_after: Some(1) };
    fixture.simulator.add_fault(Fault::first("locations", limited));
    fixture.simulator.add_fault(Fault::nth("locations", 2, Action::Status { status: 503, retry_after: Some(1) }));
    let mut program = fixture.program(&["sync", "locations", "--dry-run"]);
    let output = tokio::task::spawn_blocking(move || program.output()).await.expect("joined").expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let waits: Vec<&str> = text.lines().filter(|line| line.starts_with("Administrate ")).collect();
    let expected =
        ["Administrate answers 429: retrying in 1 s (2 of 12)", "Administrate answers 503: retrying in 1 s (2 of 6)"];
    assert_eq!(waits, expected, "{text}");
}

/// As after the clock of the database was set back by a day.
#[tokio::test(flavor = "multi_thread")]
async fn pause_in_the_far_future_is_corrected_and_shown() {
    let fixture = SyncFixture::new().await;
    let pool = &fixture.db.pool;
    let ahead = "INSERT INTO lectern.request_allowance (tokens, refilled_at, paused_until)
                 VALUES (0, now() + interval '1 day', now() + interval '1 day')";
    sqlx::query(ahead).execute(pool).await.expect("stored");
    let mut program = fixture.program(&["sync", "locations", "--dry-run"]);
    let program = program.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it runs");
    let corrected = "SELECT count(*) FROM lectern.request_allowance
                     WHERE paused_until <= now() + interval '331 seconds' AND refilled_at <= clock_timestamp()";
    while fixture.count(corrected).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(program.id().cast_signed()), nix::sys::signal::Signal::SIGKILL)
        .expect("it waits");
    let output = tokio::task::spawn_blocking(move || program.wait_with_output()).await.expect("joined").expect("ended");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("for the next permitted request to Administrate"), "{text}");
}
