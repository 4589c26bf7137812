//! The settings on a page: what each is, where it comes from and what it means. Secrets are never shown.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::effective::{EffectiveSetting, explanation, table_explanation};
use crate::http::state::ServerState;
use crate::web::frame::{Frame, NavPlace};
use crate::web::visitor::StaffAdmin;

#[derive(Template)]
#[template(path = "settings/list.html")]
struct SettingsPage {
    frame: Frame,
    groups: Vec<SettingGroup>,
}

/// The settings of one table of the file.
struct SettingGroup {
    title: String,
    about: String,
    rows: Vec<SettingRow>,
}

struct SettingRow {
    name: String,
    value: String,
    source: String,
    is_default: bool,
    /// The default, where the value is another one.
    default: String,
    variable: &'static str,
    about: String,
}

/// Returns the route of the page.
pub fn router(state: &ServerState) -> Router {
    Router::new().route("/settings", get(show)).with_state(state.clone())
}

async fn show(StaffAdmin(visitor): StaffAdmin, State(state): State<ServerState>) -> Response {
    let mut groups: Vec<SettingGroup> = Vec::new();
    for setting in state.settings.iter() {
        let table = setting.name.rsplit_once('.').map_or("", |(table, _)| table);
        let title = if table.is_empty() { "General".to_owned() } else { format!("[{table}]") };
        match groups.last_mut().filter(|group| group.title == title) {
            Some(group) => group.rows.push(row(setting)),
            None => groups.push(SettingGroup { title, about: table_explanation(table), rows: vec![row(setting)] }),
        }
    }
    visitor.page(&SettingsPage { frame: visitor.frame("Settings", NavPlace::Settings), groups })
}

fn row(setting: &EffectiveSetting) -> SettingRow {
    let is_default = setting.source == "default";
    let default = setting.default.as_ref().filter(|default| !is_default && **default != setting.value);
    SettingRow {
        name: setting.name.clone(),
        value: shown(&setting.value),
        source: setting.source.clone(),
        is_default,
        default: default.map(shown).unwrap_or_default(),
        variable: setting.variable.unwrap_or_default(),
        about: explanation(&setting.name),
    }
}

/// Returns a value as the settings file writes it; text without quotes.
fn shown(value: &toml::Value) -> String {
    match value.as_str() {
        Some("") => "empty".to_owned(),
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}
