//! What survives in a state file.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use administrate_sim::{Options, Profile, Simulator, Tenant};
use serde_json::json;
use tempfile::tempdir;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::client::{Client, http};

const CREATE: &str = "mutation($title: String!) { event { createClassroom(input: { courseTemplateId: \"Q291cnNlVGVtcGxhdGU6MQ==\", \
                      eventType: public, timeZoneName: \"Europe/London\", title: $title }) { event { id } errors { message } } } }";

fn kept_in(path: &Path) -> Options {
    Options { state: Some(path.to_owned()), ..Options::default() }
}

async fn create(client: &Client, title: &str) {
    let reply = client.send(CREATE, json!({ "title": title })).await;
    assert!(reply.data("/event/createClassroom/event/id").is_string(), "{}", reply.body);
}

#[tokio::test]
async fn a_second_start_finds_what_the_first_one_had() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("administrate.json");
    let client = Client::start(kept_in(&file), Tenant::sample()).await;
    create(&client, "First").await;
    let before = client.simulator.tenant();
    client.simulator.stop().await;
    // What the file holds wins over the seed.
    let client = Client::start(kept_in(&file), Tenant::new()).await;
    assert_eq!(client.simulator.tenant(), before);
    create(&client, "Second").await;
    let before = client.simulator.tenant();
    client.simulator.stop().await;
    let client = Client::start(kept_in(&file), Tenant::new()).await;
    assert_eq!(client.simulator.tenant(), before);
    assert_eq!((before.events.len(), before.sessions.len()), (2, 6));
}

#[tokio::test]
async fn refused_mutations_are_not_kept_and_a_torn_line_is_left_out() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("administrate.json");
    let client = Client::start(kept_in(&file), Tenant::sample()).await;
    create(&client, "First").await;
    client.send(CREATE, json!({ "title": " " })).await;
    client.simulator.stop().await;
    let journal = folder.path().join("administrate.json.1.journal");
    let text = fs::read_to_string(&journal).expect("a journal");
    assert_eq!(text.lines().count(), 1);
    fs::write(&journal, format!("{text}{}", &text[..text.len() / 2])).expect("written");
    let client = Client::start(kept_in(&file), Tenant::new()).await;
    assert_eq!(client.simulator.tenant().events.len(), 1);
    assert!(!journal.exists(), "the next generation has begun");
}

#[tokio::test]
async fn a_state_file_has_one_user_and_must_be_readable() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("administrate.json");
    let client = Client::start(kept_in(&file), Tenant::sample()).await;
    let second = Simulator::start(kept_in(&file), Tenant::new()).await.expect_err("in use");
    assert!(second.to_string().contains("in use by another process"), "{second}");
    client.simulator.stop().await;
    fs::write(&file, "{").expect("written");
    let broken = Simulator::start(kept_in(&file), Tenant::new()).await.expect_err("broken");
    assert!(broken.to_string().contains("move it away"), "{broken}");
    let nowhere =
        Simulator::start(kept_in(&folder.path().join("no/such.json")), Tenant::new()).await.expect_err("no folder");
    assert!(nowhere.to_string().contains("folder exists"), "{nowhere}");
}

#[tokio::test]
async fn a_taken_port_is_told() {
    let client = Client::sample().await;
    let options = Options { bind: client.simulator.address(), ..Options::default() };
    let taken = Simulator::start(options, Tenant::new()).await.expect_err("taken");
    assert!(taken.to_string().contains("name another port"), "{taken}");
}

#[tokio::test]
async fn a_reset_reaches_the_file() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("administrate.json");
    let client = Client::start(kept_in(&file), Tenant::sample()).await;
    create(&client, "First").await;
    let reset = client.http.post(format!("{}/control/reset", client.simulator.instance_url())).send().await;
    assert_eq!(reset.expect("a response").status().as_u16(), 204);
    create(&client, "Second").await;
    client.simulator.stop().await;
    let tenant = Client::start(kept_in(&file), Tenant::new()).await.simulator.tenant();
    assert_eq!(tenant.events.values().map(|event| event.title.as_str()).collect::<Vec<_>>(), ["Second"]);
}

/// The binary, killed without warning right after an answer.
#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("administrate.json");
    let mut child = tokio::process::Command::from(Command::new(env!("CARGO_BIN_EXE_administrate-sim")))
        .args(["--port", "0", "--profile", "current", "--state"])
        .arg(&file)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut exported = std::collections::BTreeMap::new();
    while exported.len() < 5 {
        let line = lines.next_line().await.expect("readable").expect("five lines");
        let (name, value) = line.trim_start_matches("export ").split_once('=').expect("NAME=value");
        exported.insert(name.to_owned(), value.to_owned());
    }
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", exported["ADMINISTRATE_CLIENT_ID"].as_str()),
        ("client_secret", exported["ADMINISTRATE_CLIENT_SECRET"].as_str()),
    ];
    let http = http();
    let token =
        http.post(format!("{}/token", exported["ADMINISTRATE_AUTH_URL"])).form(&form).send().await.expect("a response");
    let token: serde_json::Value = token.json().await.expect("JSON");
    for n in 0..20 {
        let body = json!({ "query": CREATE, "variables": { "title": format!("Event {n}") } });
        let request = http
            .post(&exported["ADMINISTRATE_API_URL"])
            .bearer_auth(token["access_token"].as_str().unwrap_or_default());
        assert_eq!(request.json(&body).send().await.expect("a response").status().as_u16(), 200);
    }
    child.kill().await.expect("killed");
    let options = Options { profile: Profile::CURRENT, ..kept_in(&file) };
    let client = Client::start(options, Tenant::new()).await;
    assert_eq!(client.simulator.tenant().events.len(), 20);
}
