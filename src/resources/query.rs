//! The parameters of a list: page, ordering, filters and parts to include.

use serde_json::{Map, Value};

use super::problems::Problems;
use super::value::MAX_INTEGER;
use super::{DefaultValue, FieldUsage, Include, ResourceField, TableResource, ValueKind};
use crate::http::problem::HttpProblem;

/// The rows of a page if the request does not say.
const PAGE_SIZE: i64 = 50;

/// The most rows of a page.
const MAX_PAGE_SIZE: i64 = 200;

/// The longest value of a filter, in characters.
const MAX_FILTER_CHARS: usize = 1000;

/// Names of the parameters that every list knows.
const COMMON: [&str; 4] = ["page", "page_size", "ordering", "include"];

/// Which rows a list contains, in which order.
#[derive(Debug)]
pub(super) struct ListRequest {
    pub page: i64,
    pub page_size: i64,
    /// Fields, each with whether it is descending.
    pub ordering: Vec<(&'static ResourceField, bool)>,
    /// Accepted values by name of field.
    pub filters: Map<String, Value>,
    pub includes: Vec<&'static Include>,
}

impl ListRequest {
    /// Returns the fields that filter.
    pub fn filtered<'a>(&'a self, resource: &TableResource) -> impl Iterator<Item = &'static ResourceField> + 'a {
        resource.fields.iter().filter(|field| self.filters.contains_key(field.name))
    }
}

/// Returns the names of the parameters of a list.
pub(super) fn list_parameters(resource: &TableResource) -> Vec<&'static str> {
    let fields = resource.fields.iter().filter(|field| field.kind.is_scalar());
    let common = COMMON.into_iter().filter(|name| *name != "include" || !resource.includes.is_empty());
    common.chain(fields.map(|field| field.name)).collect()
}

/// Reads the parameters of a list.
///
/// # Errors
/// 400 with every invalid parameter.
pub(super) fn parse(resource: &TableResource, pairs: &[(String, String)]) -> Result<ListRequest, HttpProblem> {
    let mut problems = Problems::default();
    let mut request =
        ListRequest { page: 1, page_size: PAGE_SIZE, ordering: Vec::new(), filters: Map::new(), includes: Vec::new() };
    for (name, value) in pairs {
        match name.as_str() {
            "page" => number(value, MAX_INTEGER, &mut request.page, "/page", &mut problems),
            "page_size" => number(value, MAX_PAGE_SIZE, &mut request.page_size, "/page_size", &mut problems),
            "ordering" => ordering(resource, value, &mut request.ordering, &mut problems),
            "include" => include(resource, value, &mut request.includes, &mut problems),
            name => {
                let field = resource.field(name).filter(|field| field.kind.is_scalar());
                let parsed = field.and_then(|field| filter_value(field, value, &mut problems));
                let accepted = request.filters.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let (Some(accepted), Some(parsed)) = (accepted.as_array_mut(), parsed) {
                    accepted.push(parsed);
                }
            }
        }
    }
    problems.check()?;
    let default = resource.order.iter().filter_map(|name| Some((resource.field(name)?, false)));
    if request.ordering.is_empty() {
        request.ordering.extend(default);
    }
    Ok(request)
}

/// Reads the parts to include in one document.
///
/// # Errors
/// 400 with every unknown part.
pub(super) fn parse_includes(
    resource: &TableResource,
    pairs: &[(String, String)],
) -> Result<Vec<&'static Include>, HttpProblem> {
    let (mut problems, mut includes) = (Problems::default(), Vec::new());
    let named = pairs.iter().filter(|(name, _)| name == "include");
    named.for_each(|(_, value)| include(resource, value, &mut includes, &mut problems));
    problems.check()?;
    Ok(includes)
}

fn number(value: &str, max: i64, target: &mut i64, at: &str, problems: &mut Problems) {
    match value.parse::<i64>() {
        Ok(number) if (1..=max).contains(&number) && value.bytes().all(|byte| byte.is_ascii_digit()) => {
            *target = number;
        }
        _ => problems.malformed(at, "invalid_value", format!("must be an integer from 1 to {max}")),
    }
}

fn ordering(
    resource: &TableResource,
    value: &str,
    fields: &mut Vec<(&'static ResourceField, bool)>,
    problems: &mut Problems,
) {
    for name in value.split(',').map(str::trim) {
        let plain = name.strip_prefix('-').unwrap_or(name);
        match resource.field(plain).filter(|field| field.kind.is_scalar()) {
            Some(field) => fields.push((field, plain != name)),
            None => {
                let known: Vec<&str> =
                    resource.fields.iter().filter(|field| field.kind.is_scalar()).map(|field| field.name).collect();
                let message = format!("rows cannot be ordered by it: use {}, with - for descending", known.join(", "));
                problems.malformed("/ordering", "invalid_value", message);
            }
        }
    }
}

fn include(resource: &TableResource, value: &str, includes: &mut Vec<&'static Include>, problems: &mut Problems) {
    for name in value.split(',').map(str::trim) {
        match resource.includes.iter().find(|include| include.name == name) {
            Some(include) if includes.iter().any(|known| known.name == include.name) => {}
            Some(include) => includes.push(include),
            None => {
                let known: Vec<&str> = resource.includes.iter().map(|include| include.name).collect();
                problems.malformed("/include", "invalid_value", format!("unknown part: use {}", known.join(", ")));
            }
        }
    }
}

/// Returns a value to compare with. An empty one means null where a field can be null.
fn filter_value(field: &ResourceField, text: &str, problems: &mut Problems) -> Option<Value> {
    let at = format!("/{}", field.name);
    let is_nullable = matches!(field.usage, FieldUsage::Optional(DefaultValue::Null));
    if text.is_empty() && is_nullable {
        return Some(Value::Null);
    }
    let expected = match &field.kind {
        ValueKind::Flag => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => return Some(true.into()),
            "false" | "0" => return Some(false.into()),
            _ => "true or false",
        },
        ValueKind::Integer { .. } | ValueKind::Reference(_) => match text.parse::<i64>() {
            Ok(number) => return Some(number.into()),
            Err(_) => "an integer",
        },
        ValueKind::Amount => match text.parse::<rust_decimal::Decimal>() {
            Ok(amount) => return Some(amount.to_string().into()),
            Err(_) => "an amount like 610.00",
        },
        ValueKind::Instant { .. } => match text.parse::<jiff::Timestamp>() {
            Ok(instant) if instant.to_zoned(jiff::tz::TimeZone::UTC).year() > 0 => {
                return Some(instant.to_string().into());
            }
            _ => "a time with its offset, like 2026-04-01T09:00:00Z",
        },
        ValueKind::Currency if text.len() <= 8 => return Some(text.to_ascii_uppercase().into()),
        _ if text.contains('\0') => "a text without the character U+0000",
        _ if text.chars().count() > MAX_FILTER_CHARS => "a shorter text",
        _ => return Some(text.into()),
    };
    problems.malformed(at, "invalid_value", format!("must be {expected}"));
    None
}
