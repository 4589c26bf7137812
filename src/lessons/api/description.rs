//! Describes the routes of lessons, and names their parameters.

use axum::http::Method;
use serde_json::{Value, json};

use super::alarms::ALARMS;
use super::attendance::ATTENDANCE;
use super::legacy::counts::{COUNTS, DASHBOARD, SUMMARY};
use super::legacy::{self, toggles};
use super::materialisation::MATERIALISATION;
use super::occurrences::OCCURRENCES;
use super::resources::{LESSONS, RESOURCES};
use super::stats::STATS;
use super::suggestion::SUGGESTION;
use super::{ONE, list, schemas, scope};
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::resources::api;

#[derive(utoipa::OpenApi)]
#[openapi(paths(
    super::show_list,
    super::occurrences::show_occurrences,
    super::materialisation::materialise,
    super::alarms::show_alarms,
    super::attendance::set_attendance,
    super::attendance::show_attendance,
    super::suggestion::show_suggestion,
    super::stats::show_stats,
    super::legacy::counts::show_summary,
    super::legacy::counts::show_counts,
    super::legacy::counts::show_dashboard,
    super::legacy::toggles::toggle_notification,
    super::legacy::toggles::toggle_alarm,
    super::legacy::toggles::toggle_featured
))]
struct LessonRoutes;

/// Describes the routes.
pub fn description() -> ApiPart {
    let mut part = crate::resources::description::describe(&RESOURCES, false);
    part.extend(crate::resources::description::describe(&[&LESSONS], false));
    // After the table: the list of lessons has other parameters and another form.
    part.extend(ApiPart::of(&<LessonRoutes as utoipa::OpenApi>::openapi()));
    // Both methods do the same.
    if let Some(operations) = part.paths.get_mut(ATTENDANCE).and_then(Value::as_object_mut)
        && let Some(mut put) = operations.get("post").cloned()
    {
        put["operationId"] = "putAttendance".into();
        operations.insert("put".to_owned(), put);
    }
    let older = ["as", "shape", "legacy"].map(|name| query(name, "Of older front ends.", json!({ "type": "string" })));
    for (path, method) in [
        (LESSONS.path, "post"),
        (ONE, "get"),
        (ONE, "put"),
        (ONE, "patch"),
        (ONE, "delete"),
        (ATTENDANCE, "get"),
        (ATTENDANCE, "post"),
        (ATTENDANCE, "put"),
        (SUGGESTION, "get"),
    ] {
        add_parameters(&mut part, path, method, &older);
    }
    let of_series = [
        query(
            "scope",
            "Which lessons of a series: one, this and the following ones, or all. None: one of an occurrence, else all.",
            json!({ "type": "string", "enum": ["one", "following", "all"] }),
        ),
        query("occurrence", "The day of a lesson of the series.", json!({ "type": "string", "format": "date" })),
    ];
    add_parameters(&mut part, ONE, "patch", &of_series);
    add_parameters(&mut part, ONE, "delete", &of_series);
    schemas::add(legacy::describe(part))
}

fn query(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
}

fn add_parameters(part: &mut ApiPart, path: &str, method: &str, more: &[Value]) {
    let Some(operation) = part.paths.get_mut(path).and_then(|operations| operations.get_mut(method)) else { return };
    if operation["parameters"].is_null() {
        operation["parameters"] = json!([]);
    }
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.extend(more.iter().cloned());
    }
}

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    let older = legacy::PARAMETERS.to_vec();
    let of_list = [&list::FILTERS[..], &list::PAGING, &["status_filter", "shape", "legacy"]].concat();
    let of_series = [&scope::PARAMETERS[..], &older].concat();
    let mut known = api::parameters(&RESOURCES);
    let own: Vec<RouteParameters> = vec![
        (Method::GET, LESSONS.path, of_list),
        (Method::POST, LESSONS.path, older.clone()),
        (Method::GET, ONE, older.clone()),
        (Method::PUT, ONE, older.clone()),
        (Method::PATCH, ONE, of_series.clone()),
        (Method::DELETE, ONE, [&["cascade"], &of_series[..]].concat()),
        (Method::POST, MATERIALISATION, vec![]),
        (Method::GET, OCCURRENCES, vec!["from", "to"]),
        (Method::GET, ALARMS, vec!["until"]),
        (Method::GET, STATS, list::FILTERS.to_vec()),
        (Method::GET, SUMMARY, older.clone()),
        (Method::GET, COUNTS, older.clone()),
        (Method::GET, DASHBOARD, older.clone()),
        (Method::PATCH, toggles::NOTIFICATION, older.clone()),
        (Method::PATCH, toggles::ALARM, older.clone()),
        (Method::PATCH, toggles::FEATURED, older.clone()),
        (Method::GET, ATTENDANCE, older.clone()),
        (Method::POST, ATTENDANCE, older.clone()),
        (Method::PUT, ATTENDANCE, older.clone()),
        (Method::GET, SUGGESTION, older),
    ];
    for path in &legacy::PATHS {
        for method in path.methods {
            let target = own.iter().find(|(of, known, _)| of == method && *known == path.target);
            known.extend(target.map(|(method, _, names)| (method.clone(), path.path, names.clone())));
        }
    }
    known.extend(own);
    known
}
