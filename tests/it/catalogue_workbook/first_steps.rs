//! The page about the first timetable: its commands and its cells, from an empty database to a search.

use std::path::Path;

use administrate_sim::tenant::FieldKind;
use administrate_sim::{Options, RunningSimulator, Simulator, Tenant};

use crate::fixtures::test_db::TestDb;
use crate::fixtures::workbook::add_row;

const PAGE: &str = include_str!("../../../docs/first-timetable.md");

/// What the page says, in its order.
enum PageLine {
    Command(String),
    /// A row of a sheet: values by header.
    Row(String, Vec<(String, String)>),
}

/// Returns the commands of the code blocks and the rows of the tables.
fn lines() -> Vec<PageLine> {
    let mut lines = Vec::new();
    let (mut in_code, mut fields) = (false, Vec::new());
    for line in PAGE.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            if !fields.is_empty() {
                lines.push(PageLine::Row("Import".to_owned(), std::mem::take(&mut fields)));
            }
        } else if in_code {
            lines.push(PageLine::Command(line.to_owned()));
        } else if let Some(row) = line.strip_prefix("| ").filter(|row| row.contains('`')) {
            let (name, values) = row.split_once(" | ").expect("two columns");
            let parts: Vec<&str> = values.trim_end_matches(" |").split('`').collect();
            match parts[0] {
                "" => fields.push((name.to_owned(), parts[1].to_owned())),
                _ => {
                    let header = |text: &str| text.trim_matches([',', ' ']).to_owned();
                    let pairs = parts.chunks(2).filter(|pair| pair.len() == 2);
                    lines.push(PageLine::Row(
                        name.to_owned(),
                        pairs.map(|pair| (header(pair[0]), pair[1].to_owned())).collect(),
                    ));
                }
            }
        }
    }
    lines
}

async fn administrate() -> RunningSimulator {
    let mut tenant = Tenant::new();
    tenant.add_location("London", "LON");
    let instructor = tenant.add_instructor("Ada", "Marlow");
    let template = tenant.add_template("CB1_f2f_2", "CB1 in one day", 1);
    tenant.approve(template, instructor);
    for label in ["Sitting", "Finalisation date", "URL", "Web sale", "OCR Moodle Code"] {
        tenant.add_custom_field(&["Event"], label, FieldKind::String);
    }
    for label in ["Day", "URL"] {
        tenant.add_custom_field(&["Session"], label, FieldKind::String);
    }
    Simulator::start(Options::default(), tenant).await.expect("a simulator")
}

async fn run(db: &TestDb, simulator: &RunningSimulator, arguments: &[&str]) -> (i32, String) {
    let mut command = db.program(arguments);
    command
        .env("ADMINISTRATE_API_URL", simulator.graphql_url())
        .env("ADMINISTRATE_AUTH_URL", simulator.auth_url())
        .env("ADMINISTRATE_INSTANCE_URL", simulator.instance_url())
        .env("ADMINISTRATE_CLIENT_ID", simulator.client_id())
        .env("ADMINISTRATE_CLIENT_SECRET", simulator.client_secret());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("it runs");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().unwrap_or(-1), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn page_leads_from_nothing_to_a_found_event() {
    let db = TestDb::empty().await.require_delivery();
    let simulator = administrate().await;
    let lines = lines();
    let commands: Vec<&String> = lines
        .iter()
        .filter_map(|line| match line {
            PageLine::Command(command) => Some(command),
            PageLine::Row(..) => None,
        })
        .collect();
    assert_eq!(commands.len(), 9, "{commands:?}");
    let (mut file, mut done, mut output) = (String::new(), 0, String::new());
    for line in &lines {
        match line {
            PageLine::Command(command) => {
                assert!(done == 0 || output.contains(command.as_str()), "nothing names `{command}`: {output}");
                let arguments: Vec<&str> = command.split(' ').skip(1).collect();
                let (exit, text) = run(&db, &simulator, &arguments).await;
                assert_eq!(exit, 0, "{command}: {text}");
                if let Some(name) = arguments.iter().find(|argument| argument.ends_with(".xlsx")) {
                    (*name).clone_into(&mut file);
                }
                (output, done) = (text, done + 1);
            }
            PageLine::Row(sheet, values) => add_row(&Path::new(db.folder()).join(&file), sheet, values),
        }
    }
    assert!(output.contains("CB1-01-27A") && output.contains("Tutorial in London"), "{output}");
}
