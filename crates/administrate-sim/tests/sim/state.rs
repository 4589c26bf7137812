//! State files: restarts, locks, invalid files and kills.

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

fn stored_in(path: &Path) -> Options {
    Options { state: Some(path.to_owned()), ..Options::default() }
}

async fn create(client: &Client, title: &str) {
    let reply = client.send(CREATE, json!({ "title": title })).await;
    assert!(reply.data("/event/createClassroom/event/id").is_string(), "{}", reply.body);
}

#[tokio::test]
async fn second_start_with_a_state_file_restores_the_tenant() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("administrate.json");
    let client = Client::start(stored_in(&file), Tenant::sample()).await;
    create(&client, "First").await;
    let before = client.simulator.tenant();
    client.simulator.stop().await;
    // The tenant of the file wins over the seed.
    let client = Client::start(stored_in(&file), Tenant::new()).await;
    assert_eq!(client.simulator.tenant(), before);
    create(&client, "Second").await;
    let before = client.simulator.tenant();
    client.simulator.stop().await;
    let client = Client::start(stored_in(&file), Tenant::new()).await;
    assert_eq!(client.simulator.tenant(), before);
    assert_eq!((before.events.len(), before.sessions.len()), (2, 6));
}

#[tokio::test]
async fn refused_mutations_and_an_incomplete_last_line_are_not_restored() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("administrate.json");
    let client = Client::start(stored_in(&file), Tenant::sample()).await;
    create(&client, "First").await;
    client.send(CREATE, json!({ "title": " " })).await;
    client.simulator.stop().await;
    let journal = folder.path().join("administrate.json.1.journal");
    let text = fs::read_to_string(&journal).expect("a journal");
    assert_eq!(text.lines().count(), 1);
    fs::write(&journal, format!("{text}{}", &text[..text.len() / 2])).expect("written");
    let client = Client::start(stored_in(&file), Tenant::new()).await;
    assert_eq!(client.simulator.tenant().events.len(), 1);
    assert!(!journal.exists(), "the start opened the next generation");
}

#[tokio::test]
async fn state_file_in_use_or_invalid_or_without_a_folder_is_an_error() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("administrate.json");
    let client = Client::start(stored_in(&file), Tenant::sample()).await;
    let second = Simulator::start(stored_in(&file), Tenant::new()).await.expect_err("in use");
    assert!(second.to_string().contains("in use by another process"), "{second}");
    client.simulator.stop().await;
    fs::write(&file, "{").expect("written");
    let invalid = Simulator::start(stored_in(&file), Tenant::new()).await.expect_err("invalid");
    assert!(invalid.to_string().contains("move it away"), "{invalid}");
    let missing_folder =
        Simulator::start(stored_in(&folder.path().join("no/such.json")), Tenant::new()).await.expect_err("no folder");
    assert!(missing_folder.to_string().contains("folder exists"), "{missing_folder}");
}

#[tokio::test]
async fn start_on_a_port_in_use_is_an_error() {
    let client = Client::sample().await;
    let options = Options { bind: client.simulator.address(), ..Options::default() };
    let taken = Simulator::start(options, Tenant::new()).await.expect_err("taken");
    assert!(taken.to_string().contains("name another port"), "{taken}");
}

#[tokio::test]
async fn reset_removes_the_mutations_from_the_state_file() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("administrate.json");
    let client = Client::start(stored_in(&file), Tenant::sample()).await;
    create(&client, "First").await;
    let reset = client.http.post(format!("{}/control/reset", client.simulator.instance_url())).send().await;
    assert_eq!(reset.expect("a response").status().as_u16(), 204);
    create(&client, "Second").await;
    client.simulator.stop().await;
    let tenant = Client::start(stored_in(&file), Tenant::new()).await.simulator.tenant();
    assert_eq!(tenant.events.values().map(|event| event.title.as_str()).collect::<Vec<_>>(), ["Second"]);
}

/// Kills the binary right after a response.
#[tokio::test]
async fn acknowledged_mutations_survive_a_kill() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("administrate.json");
    let mut child = tokio::process::Command::from(Command::new(env!("CARGO_BIN_EXE_administrate-sim")))
        .args(["--port", "0", "--profile", "current", "--state"])
        .arg(&file)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().expect("the piped output")).lines();
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
    let options = Options { profile: Profile::CURRENT, ..stored_in(&file) };
    let client = Client::start(options, Tenant::new()).await;
    assert_eq!(client.simulator.tenant().events.len(), 20);
}
