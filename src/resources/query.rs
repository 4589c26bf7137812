//! The parameters of a list: page, ordering, filters and parts to include.

use serde_json::{Map, Value};

use super::filter::MAX_FILTER_CHARS;
use super::problems::Problems;
use super::value::MAX_INTEGER;
use super::{Audience, DefaultValue, FieldUsage, Include, ResourceField, TableResource, ValueKind};
use crate::config::Config;
use crate::http::auth::AuthError;
use crate::http::problem::HttpProblem;

/// The rows of a page if the request does not say.
const PAGE_SIZE: i64 = 50;

/// The most rows of a page.
const MAX_PAGE_SIZE: i64 = 200;

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
    pub audience: Audience,
    /// Words that a row has to contain.
    pub search: Vec<String>,
    /// Whether the rows have the fields of pages.
    pub is_for_page: bool,
}

impl ListRequest {
    /// Creates a request for the first page of all rows.
    pub(super) fn new(audience: Audience) -> ListRequest {
        ListRequest {
            page: 1,
            page_size: PAGE_SIZE,
            ordering: Vec::new(),
            filters: Map::new(),
            includes: Vec::new(),
            audience,
            search: Vec::new(),
            is_for_page: false,
        }
    }
}

/// Returns the names of the parameters of a list.
pub(super) fn list_parameters(resource: &TableResource) -> Vec<&'static str> {
    let fields = resource.fields.iter().filter(|field| field.kind.is_scalar());
    let common = COMMON.into_iter().filter(|name| *name != "include" || !resource.includes.is_empty());
    let filters = resource.filters.iter().map(|filter| filter.name);
    let mut names: Vec<&'static str> = common.chain(filters).collect();
    for field in fields {
        if !names.contains(&field.name) {
            names.push(field.name);
        }
    }
    names
}

/// Returns a field by which the reader may order and filter.
///
/// # Errors
/// 401 or 403 when others see the field.
fn scalar_field(
    resource: &TableResource,
    name: &str,
    audience: Audience,
) -> Result<Option<&'static ResourceField>, AuthError> {
    let field = resource.field(name).filter(|field| field.kind.is_scalar());
    match field {
        Some(field) if field.audience > audience && audience == Audience::Public => Err(AuthError::Unknown),
        Some(field) if field.audience > audience => Err(AuthError::Forbidden(
            "the role of this token does not see this field: use the token of an operator or admin",
        )),
        field => Ok(field),
    }
}

/// Reads the parameters of a list.
///
/// # Errors
/// 400 with every invalid parameter.
pub(super) fn parse(
    resource: &TableResource,
    config: &Config,
    pairs: &[(String, String)],
    audience: Audience,
) -> Result<ListRequest, ListRefusal> {
    let mut problems = Problems::default();
    let mut request = ListRequest::new(audience);
    for (name, value) in pairs {
        match name.as_str() {
            "page" => number(value, MAX_INTEGER, &mut request.page, "/page", &mut problems),
            "page_size" => number(value, MAX_PAGE_SIZE, &mut request.page_size, "/page_size", &mut problems),
            "ordering" => self::ordering(resource, value, &mut request, &mut problems)?,
            "include" => include(resource, value, &mut request.includes, &mut problems),
            name => {
                let parsed = match resource.filters.iter().find(|filter| filter.name == name) {
                    Some(filter) => filter.parse(config, value).map_err(|expected| {
                        problems.malformed(format!("/{name}"), "invalid_value", format!("must be {expected}"));
                    }),
                    None => {
                        let field = scalar_field(resource, name, audience)?;
                        field.and_then(|field| filter_value(field, value, &mut problems)).map(|one| vec![one]).ok_or(())
                    }
                };
                let accepted = request.filters.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let (Some(accepted), Ok(parsed)) = (accepted.as_array_mut(), parsed) {
                    accepted.extend(parsed);
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

/// Why a list is refused.
#[derive(Debug)]
pub(super) enum ListRefusal {
    Parameters(HttpProblem),
    Reader(AuthError),
}

impl From<HttpProblem> for ListRefusal {
    fn from(problem: HttpProblem) -> Self {
        Self::Parameters(problem)
    }
}

impl From<AuthError> for ListRefusal {
    fn from(error: AuthError) -> Self {
        Self::Reader(error)
    }
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
    request: &mut ListRequest,
    problems: &mut Problems,
) -> Result<(), AuthError> {
    for name in value.split(',').map(str::trim) {
        let plain = name.strip_prefix('-').unwrap_or(name);
        match scalar_field(resource, plain, request.audience)? {
            Some(field) => request.ordering.push((field, plain != name)),
            None => {
                let known = resource.fields.iter().filter(|field| field.kind.is_scalar());
                let known = known.filter(|field| field.audience <= request.audience);
                let known: Vec<&str> = known.map(|field| field.name).collect();
                let message = format!("rows cannot be ordered by it: use {}, with - for descending", known.join(", "));
                problems.malformed("/ordering", "invalid_value", message);
            }
        }
    }
    Ok(())
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
pub(super) fn filter_value(field: &ResourceField, text: &str, problems: &mut Problems) -> Option<Value> {
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
        ValueKind::Date => match text.parse::<jiff::civil::Date>() {
            Ok(date) if date.year() > 0 && text.len() == 10 => return Some(text.into()),
            _ => "a day like 2026-04-01",
        },
        ValueKind::Instant { .. } | ValueKind::Time => match text.parse::<jiff::Timestamp>() {
            Ok(instant) if instant.to_zoned(jiff::tz::TimeZone::UTC).year() > 0 => {
                return Some(instant.to_string().into());
            }
            _ => "a time with its offset, like 2026-04-01T09:00:00Z",
        },
        ValueKind::ClockTime => match jiff::civil::Time::strptime("%H:%M", text.get(..5).unwrap_or_default()) {
            Ok(_) if text.len() == 5 || (text.len() == 8 && text.parse::<jiff::civil::Time>().is_ok()) => {
                return Some(text.into());
            }
            _ => "a time of the day like 17:00",
        },
        ValueKind::Currency if text.len() <= 8 => return Some(text.to_ascii_uppercase().into()),
        _ if text.contains('\0') => "a text without the character U+0000",
        _ if text.chars().count() > MAX_FILTER_CHARS => "a shorter text",
        _ => return Some(text.into()),
    };
    problems.malformed(at, "invalid_value", format!("must be {expected}"));
    None
}
