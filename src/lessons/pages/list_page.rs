//! The list of lessons: four cards, search, the role in which one has them, and a table that can be sorted.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::lesson_view::{LessonRow, hours, percentage};
use crate::http::query::Pairs;
use crate::identity::Role;
use crate::lessons::api::operations::{can_create, lesson_stats, list_lessons};
use crate::lessons::api::resources::STATUSES;
use crate::lessons::store::list::LessonCount;
use crate::resources::api::ResourceState;
use crate::web::document::number;
use crate::web::format::{plural, thousands};
use crate::web::frame::{Frame, NavPlace};
use crate::web::paging::Address;
use crate::web::problem::PageProblem;
use crate::web::visitor::Visitor;

/// The characters that are percent-encoded: all but the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Lessons of one part.
const PART: &str = "50";

/// The values by which the table is sorted: name of the column, of the value, and whether the first click is descending.
const COLUMNS: [(&str, &str, bool); 5] = [
    ("Day", "session_date", true),
    ("Student", "student_name", false),
    ("Tutor", "tutor_name", false),
    ("Status", "status", false),
    ("Priority", "priority_level", true),
];

#[derive(Template)]
#[template(path = "lessons/list.html")]
struct LessonsPage {
    frame: Frame,
    cards: Vec<(&'static str, String)>,
    periods: Vec<TabLink>,
    roles: Vec<TabLink>,
    hidden: Vec<(&'static str, String)>,
    query: String,
    statuses: Vec<(&'static str, bool)>,
    columns: Vec<SortLink>,
    rows: Vec<LessonRow>,
    total: String,
    next: Option<String>,
    is_first: bool,
    first: String,
    is_filtered: bool,
    can_create: bool,
    is_parent: bool,
    zone: String,
}

struct TabLink {
    label: &'static str,
    path: String,
    is_current: bool,
}

struct SortLink {
    label: &'static str,
    path: String,
    /// For `aria-sort`: empty if the table is not sorted by it.
    direction: &'static str,
}

/// What the address of the list says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ListAddress {
    /// `today`, `week` or nothing.
    when: String,
    /// `tutor`, `student`, `parent` or nothing.
    role: String,
    query: String,
    status: String,
    sort: String,
    cursor: String,
}

impl ListAddress {
    fn of(address: &Address) -> ListAddress {
        let known = |name: &str, values: &[&str]| {
            let given = address.get(name);
            if values.contains(&given) { given.to_owned() } else { String::new() }
        };
        let sort = address.get("sort");
        let is_sort = COLUMNS.iter().any(|(_, name, _)| *name == sort.trim_start_matches('-'));
        ListAddress {
            when: known("when", &["today", "week"]),
            role: known("as", &["tutor", "student", "parent"]),
            query: address.get("q").chars().filter(|letter| *letter != '\0').take(200).collect(),
            status: known("status", STATUSES),
            sort: if is_sort { sort.to_owned() } else { String::new() },
            cursor: address.get("cursor").to_owned(),
        }
    }

    fn path(&self) -> String {
        let pairs = [
            ("when", &self.when),
            ("as", &self.role),
            ("q", &self.query),
            ("status", &self.status),
            ("sort", &self.sort),
            ("cursor", &self.cursor),
        ];
        let encode = |value: &str| utf8_percent_encode(value, RESERVED).to_string();
        let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if pairs.is_empty() { "/lessons".to_owned() } else { format!("/lessons?{}", pairs.join("&")) }
    }

    /// Returns the days of the period; none for all.
    fn days(&self, today: Date) -> Option<(Date, Date)> {
        match self.when.as_str() {
            "today" => Some((today, today)),
            "week" => {
                let monday = today.saturating_sub(i64::from(today.weekday().since(Weekday::Monday)).days());
                Some((monday, monday.saturating_add(6.days())))
            }
            _ => None,
        }
    }

    /// Returns the parameters of the API that choose the lessons.
    fn filters(&self, today: Date) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                pairs.push((name.to_owned(), value.to_owned()));
            }
        };
        add("as", &self.role);
        add("q", &self.query);
        add("status", &self.status);
        if let Some((from, to)) = self.days(today) {
            add("date_from", &from.to_string());
            add("date_to", &to.to_string());
        }
        pairs
    }

    /// Returns the parameters of the list.
    fn parameters(&self, today: Date) -> Vec<(String, String)> {
        let mut pairs = self.filters(today);
        let mut add = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        add("limit", PART);
        if !self.when.is_empty() {
            add("expand", "occurrences");
        }
        match (self.sort.as_str(), self.when.is_empty()) {
            ("", true) => {}
            ("", false) => add("sort", "session_date,start_time"),
            ("session_date", _) => add("sort", "session_date,start_time"),
            ("-session_date", _) => add("sort", "-session_date,-start_time"),
            (other, _) => add("sort", &format!("{other},session_date,start_time")),
        }
        if !self.cursor.is_empty() {
            add("cursor", &self.cursor);
        }
        pairs
    }
}

pub(super) async fn show(visitor: Visitor, State(state): State<ResourceState>, query: Pairs) -> Response {
    match render(&visitor, &state, query).await {
        Ok(page) => visitor.page(&page),
        Err(problem) => visitor.problem(problem),
    }
}

async fn render(visitor: &Visitor, state: &ResourceState, query: Pairs) -> Result<LessonsPage, PageProblem> {
    let address = ListAddress::of(&Address::of(query)?);
    let zone = state.server.config.zone();
    let now = jiff::Timestamp::now().to_zoned(zone.clone());
    let (today, caller) = (visitor.clock.today(), &visitor.caller);
    let stats = lesson_stats(state, caller, &address.filters(today)).await?;
    let found = list_lessons(state, caller, &address.parameters(today)).await?;
    let now = (now.date(), now.time());
    let can_write = visitor.can_write();
    let first = ListAddress { cursor: String::new(), ..address.clone() };
    let tab = |label, path: ListAddress, is_current| TabLink { label, path: path.path(), is_current };
    let periods = [("All", ""), ("This week", "week"), ("Today", "today")];
    let roles = [("All", ""), ("As tutor", "tutor"), ("As student", "student"), ("As parent", "parent")];
    Ok(LessonsPage {
        frame: visitor.frame("Lessons", NavPlace::Lessons),
        cards: vec![
            ("Lessons", thousands(number(&stats["total"]))),
            ("Scheduled", thousands(number(&stats["by_status"]["scheduled"]))),
            ("Hours taught", hours(&stats["hours"]["completed"])),
            ("Attendance", percentage(&stats["attendance_rate"])),
        ],
        periods: periods
            .map(|(label, when)| {
                tab(
                    label,
                    ListAddress { when: when.to_owned(), sort: String::new(), ..first.clone() },
                    address.when == when,
                )
            })
            .into_iter()
            .collect(),
        roles: match caller.role.has_subject() {
            true => roles
                .map(|(label, role)| {
                    tab(label, ListAddress { role: role.to_owned(), ..first.clone() }, address.role == role)
                })
                .into_iter()
                .collect(),
            false => Vec::new(),
        },
        hidden: [("when", &address.when), ("as", &address.role), ("sort", &address.sort)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.clone()))
            .collect(),
        statuses: STATUSES.iter().map(|status| (*status, address.status == *status)).collect(),
        columns: COLUMNS.iter().map(|column| sort_link(&first, column)).collect(),
        rows: found.lessons.iter().map(|lesson| LessonRow::new(lesson, can_write, now)).collect(),
        total: total(found.count),
        next: found.next.map(|cursor| ListAddress { cursor, ..address.clone() }.path()),
        is_first: address.cursor.is_empty(),
        first: first.path(),
        is_filtered: !address.query.is_empty() || !address.status.is_empty(),
        can_create: can_create(state, caller).await?,
        is_parent: caller.role == Role::Parent,
        query: address.query,
        zone: state.server.config.time_zone.clone(),
    })
}

fn total(count: LessonCount) -> String {
    let lessons = plural(count.lessons, "lesson");
    if count.is_estimate { format!("about {lessons}") } else { lessons }
}

fn sort_link(address: &ListAddress, (label, name, is_descending): &(&'static str, &'static str, bool)) -> SortLink {
    let direction = match address.sort.strip_prefix('-').unwrap_or(&address.sort) == *name {
        false => "",
        true if address.sort.starts_with('-') => "descending",
        true => "ascending",
    };
    let next = match direction {
        "ascending" => format!("-{name}"),
        "descending" => (*name).to_owned(),
        _ if *is_descending => format!("-{name}"),
        _ => (*name).to_owned(),
    };
    SortLink { label, path: ListAddress { sort: next, ..address.clone() }.path(), direction }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_chooses_period_and_order() {
        let today = Date::constant(2026, 12, 3);
        let week = ListAddress { when: "week".into(), ..ListAddress::default() };
        assert_eq!(week.days(today), Some((Date::constant(2026, 11, 30), Date::constant(2026, 12, 6))));
        assert_eq!(week.path(), "/lessons?when=week");
        let sort = |sort: &str| {
            let parameters = ListAddress { sort: sort.into(), ..ListAddress::default() }.parameters(today);
            parameters.into_iter().find(|(name, _)| name == "sort").map(|(_, value)| value)
        };
        assert_eq!(sort(""), None);
        assert_eq!(sort("student_name").as_deref(), Some("student_name,session_date,start_time"));
        let link = |current: &str| {
            let address = ListAddress { sort: current.into(), ..ListAddress::default() };
            sort_link(&address, &COLUMNS[0]).path
        };
        assert_eq!(link(""), "/lessons?sort=-session_date");
        assert_eq!(link("-session_date"), "/lessons?sort=session_date");
        assert_eq!(link("session_date"), "/lessons?sort=-session_date");
    }
}
