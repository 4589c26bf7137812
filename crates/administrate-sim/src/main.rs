//! `administrate-sim`: the simulator as a program of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use administrate_sim::{Fault, Options, Profile, RunningSimulator, Simulator, Tenant};
use clap::Parser;

/// Simulate Administrate's GraphQL API
///
/// Prints the ADMINISTRATE_* lines that point other programs to it, then serves until Ctrl-C.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Listen on this port of 127.0.0.1; 0 selects a free one
    #[arg(long, default_value_t = 8090)]
    port: u16,
    /// Serve this API variant: classic, current or extended
    ///
    /// classic: taxType, lists in payloads. current: taxTypeId, objects in payloads. extended: taxTypeId, lists, and
    /// the mutations that create locations, venues and templates.
    #[arg(long, default_value_t = Profile::default())]
    profile: Profile,
    /// Start with the tenant in this JSON file instead of a sample
    ///
    /// GET /control/state returns a tenant under "tenant".
    #[arg(long, value_name = "FILE")]
    tenant: Option<PathBuf>,
    /// Store the state in this file; an existing file wins over --tenant
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Replay this recording instead of serving a tenant
    ///
    /// `lectern sync … --record DIR` makes a recording.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tenant", "state"])]
    replay: Option<PathBuf>,
    /// Add a fault as JSON; may be repeated
    #[arg(long, value_name = "JSON", value_parser = parse_fault)]
    fault: Vec<Fault>,
    /// Delay every request by this many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// Expire access tokens after this many seconds
    #[arg(long, value_name = "S", default_value_t = 3600)]
    token_lifetime: u64,
    /// Refuse introspection
    #[arg(long)]
    no_introspection: bool,
}

const EXAMPLES: &str = r#"Examples:
  administrate-sim --port 8090
  administrate-sim --profile current --state /tmp/simulator.json
  administrate-sim --fault '{"on":"event.createBlended","skip":2,"action":{"do":"reset","when":"after"}}'
  administrate-sim --fault '{"on":"*","every":10,"times":0,"action":{"do":"status","status":429,"retry_after":1}}'

Faults. "on": an operation (locations, event.createBlended, token) or "*"
  "skip": matching calls to let pass first; "every": fault each k-th call
  "times": number of faults, 0 for no limit
  "action": {"do": …} with one of
    status {status, retry_after}   reset {when: before|after}
    hang {when: before|after}   late   empty_errors   error {message}
    payload_error {label, message}   object_and_error {message}
    null_node {index}   truncated_page {keep}   wrong_total {by}
    duplicate_row   expire_tokens

While it runs, from loopback:
  POST /control/faults     adds one fault or a list
  DELETE /control/faults   removes all faults
  GET /control/state       returns tenant, requests, mutations, faults
  POST /control/reset      restores the initial tenant"#;

fn parse_fault(text: &str) -> Result<Fault, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("administrate-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let seed = match &arguments.tenant {
        Some(path) => {
            let tenant_error = |reason: String| format!("cannot read the tenant {}: {reason}", path.display());
            let text = fs::read_to_string(path).map_err(|error| tenant_error(error.to_string()))?;
            serde_json::from_str(&text).map_err(|error| tenant_error(error.to_string()))?
        }
        None => Tenant::sample(),
    };
    let profile =
        if arguments.no_introspection { arguments.profile.without_introspection() } else { arguments.profile };
    let options = Options {
        bind: SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port)),
        profile,
        state: arguments.state,
        replay: arguments.replay,
        latency: Duration::from_millis(arguments.latency),
        token_lifetime: Duration::from_secs(arguments.token_lifetime),
        ..Options::default()
    };
    let simulator = Simulator::start(options, seed).await.map_err(|error| error.to_string())?;
    for fault in arguments.fault {
        simulator.add_fault(fault);
    }
    println!("{}", export_lines(&simulator));
    tokio::signal::ctrl_c().await.map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    simulator.stop().await;
    Ok(())
}

/// Returns the lines to paste into a shell.
fn export_lines(simulator: &RunningSimulator) -> String {
    [
        ("API_URL", simulator.graphql_url()),
        ("AUTH_URL", simulator.auth_url()),
        ("INSTANCE_URL", simulator.instance_url()),
        ("CLIENT_ID", simulator.client_id().to_owned()),
        ("CLIENT_SECRET", simulator.client_secret().to_owned()),
    ]
    .map(|(name, value)| format!("export ADMINISTRATE_{name}={value}"))
    .join("\n")
}
