//! The address of the timetable: it says view, day and filters, so that it can be sent to a colleague.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::tutorials::store::{EventChoices, EventOrder, NamedChoice, TimetableFilter};
use crate::web::paging::Address;

/// The characters that are percent-encoded: all but the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How the timetable is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimetableView {
    Month,
    Week,
    Day,
    List,
    Venues,
    Instructors,
}

impl TimetableView {
    pub(super) const ALL: [TimetableView; 6] = [
        TimetableView::Month,
        TimetableView::Week,
        TimetableView::Day,
        TimetableView::List,
        TimetableView::Venues,
        TimetableView::Instructors,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            TimetableView::Month => "month",
            TimetableView::Week => "week",
            TimetableView::Day => "day",
            TimetableView::List => "list",
            TimetableView::Venues => "venues",
            TimetableView::Instructors => "instructors",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            TimetableView::Month => "Month",
            TimetableView::Week => "Week",
            TimetableView::Day => "Day",
            TimetableView::List => "List",
            TimetableView::Venues => "By venue",
            TimetableView::Instructors => "By instructor",
        }
    }
}

/// What the address of the timetable says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ViewAddress {
    pub view: TimetableView,
    /// A day of the month or week, or the first day of the list.
    pub day: Date,
    pub filter: TimetableFilter,
    pub order: EventOrder,
    /// Part of a long list, from 1.
    pub part: Option<i64>,
    pub today: Date,
}

/// A choice of the filters.
pub(super) struct FilterSelect {
    pub name: &'static str,
    pub label: &'static str,
    pub options: Vec<FilterChoice>,
}

pub(super) struct FilterChoice {
    pub id: i64,
    pub label: String,
    pub is_selected: bool,
}

/// A link to another view, day or order.
pub(super) struct ViewLink {
    pub label: &'static str,
    pub path: String,
    pub is_current: bool,
}

impl ViewAddress {
    /// Reads the address. What cannot be read is as if it were absent.
    pub(super) fn of(address: &Address, today: Date) -> ViewAddress {
        let view = TimetableView::ALL
            .into_iter()
            .find(|view| view.name() == address.get("view"))
            .unwrap_or(TimetableView::Month);
        // A month input sends no day.
        let typed = address.get("day");
        let day = if typed.len() == "2026-01".len() { format!("{typed}-01") } else { typed.to_owned() };
        let day = day.parse::<Date>().ok().filter(|day| (1900..=2200).contains(&day.year()));
        ViewAddress {
            view,
            day: day.unwrap_or(today),
            filter: TimetableFilter {
                subject: address.number("subject"),
                exam_session: address.number("exam"),
                location: address.number("location"),
                venue: address.number("venue"),
                instructor: address.number("instructor"),
                code: address.get("code").chars().filter(|letter| *letter != '\0').take(100).collect(),
                with_cancelled: address.get("cancelled") == "1",
            },
            order: match address.get("order") {
                "latest" => EventOrder::LatestStart,
                "code" => EventOrder::Code,
                "places" => EventOrder::RemainingPlaces,
                _ => EventOrder::Start,
            },
            part: address.number("part"),
            today,
        }
    }

    /// Returns the path of this address.
    pub(super) fn path(&self) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        if self.view != TimetableView::Month {
            pairs.push(("view", self.view.name().to_owned()));
        }
        if self.day != self.today {
            pairs.push(("day", self.day.to_string()));
        }
        let filter = &self.filter;
        for (name, id) in [
            ("subject", filter.subject),
            ("exam", filter.exam_session),
            ("location", filter.location),
            ("venue", filter.venue),
            ("instructor", filter.instructor),
            ("part", self.part),
        ] {
            pairs.extend(id.map(|id| (name, id.to_string())));
        }
        if !filter.code.is_empty() {
            pairs.push(("code", filter.code.clone()));
        }
        if filter.with_cancelled {
            pairs.push(("cancelled", "1".to_owned()));
        }
        if let Some(order) = self.order_name() {
            pairs.push(("order", order.to_owned()));
        }
        let encode = |value: &str| utf8_percent_encode(value, RESERVED).to_string();
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if pairs.is_empty() { "/timetable".to_owned() } else { format!("/timetable?{}", pairs.join("&")) }
    }

    pub(super) fn order_name(&self) -> Option<&'static str> {
        match self.order {
            EventOrder::Start => None,
            EventOrder::LatestStart => Some("latest"),
            EventOrder::Code => Some("code"),
            EventOrder::RemainingPlaces => Some("places"),
        }
    }

    /// Returns the same address on another day.
    pub(super) fn on(&self, day: Date) -> ViewAddress {
        ViewAddress { day, part: None, ..self.clone() }
    }

    /// Returns the same days and filters in another view.
    pub(super) fn seen_as(&self, view: TimetableView) -> ViewAddress {
        ViewAddress { view, part: None, order: EventOrder::Start, ..self.clone() }
    }

    pub(super) fn ordered(&self, order: EventOrder) -> ViewAddress {
        ViewAddress { order, part: None, ..self.clone() }
    }

    /// Returns the first and the last day that the view shows.
    pub(super) fn days(&self) -> (Date, Date) {
        match self.view {
            TimetableView::Month => (week_begin(self.day.first_of_month()), week_end(self.day.last_of_month())),
            TimetableView::Day => (self.day, self.day),
            TimetableView::List => (self.day, Date::MAX),
            TimetableView::Week | TimetableView::Venues | TimetableView::Instructors => {
                (week_begin(self.day), week_end(self.day))
            }
        }
    }

    /// Returns a day of the period before and of the one after.
    pub(super) fn neighbours(&self) -> (Date, Date) {
        let step = match self.view {
            TimetableView::Month | TimetableView::List => 1.month(),
            TimetableView::Day => 1.day(),
            TimetableView::Week | TimetableView::Venues | TimetableView::Instructors => 1.week(),
        };
        let base = if self.view == TimetableView::Month { self.day.first_of_month() } else { self.day };
        (base.saturating_sub(step), base.saturating_add(step))
    }

    /// Returns what the view shows, in words.
    pub(super) fn heading(&self) -> String {
        let (first, last) = self.days();
        match self.view {
            TimetableView::Month => self.day.strftime("%B %Y").to_string(),
            TimetableView::Day => self.day.strftime("%A %-d %B %Y").to_string(),
            TimetableView::List => format!("From {}", self.day.strftime("%-d %B %Y")),
            TimetableView::Week | TimetableView::Venues | TimetableView::Instructors => {
                format!("{} to {}", first.strftime("%-d %b"), last.strftime("%-d %b %Y"))
            }
        }
    }

    pub(super) fn view_links(&self) -> Vec<ViewLink> {
        let link = |view: TimetableView| ViewLink {
            label: view.label(),
            path: self.seen_as(view).path(),
            is_current: view == self.view,
        };
        TimetableView::ALL.into_iter().map(link).collect()
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.filter != TimetableFilter::default()
    }

    /// Returns the filters with what can be chosen. A choice that is no longer active is offered as long as it is chosen.
    pub(super) fn selects(&self, choices: &EventChoices) -> Vec<FilterSelect> {
        let filter = &self.filter;
        let select = |name, label, list: &[NamedChoice], chosen: Option<i64>| {
            let is_shown = |choice: &&NamedChoice| choice.is_active || chosen == Some(choice.id);
            let option = |choice: &NamedChoice| FilterChoice {
                id: choice.id,
                label: match choice.group_name.is_empty() {
                    true => choice.name.clone(),
                    false => format!("{} ({})", choice.name, choice.group_name),
                },
                is_selected: chosen == Some(choice.id),
            };
            FilterSelect { name, label, options: list.iter().filter(is_shown).map(option).collect() }
        };
        vec![
            select("subject", "Subject", &choices.subjects, filter.subject),
            select("exam", "Exam session", &choices.exam_sessions, filter.exam_session),
            select("location", "Location", &choices.locations, filter.location),
            select("venue", "Venue", &choices.venues, filter.venue),
            select("instructor", "Instructor", &choices.instructors, filter.instructor),
        ]
    }
}

fn week_begin(day: Date) -> Date {
    let since = i64::from(day.weekday().since(Weekday::Monday));
    day.saturating_sub(since.days())
}

fn week_end(day: Date) -> Date {
    week_begin(day).saturating_add(6.days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> ViewAddress {
        let uri: axum::http::Uri = format!("/timetable?{query}").parse().expect("an address");
        let pairs = axum::extract::Query::try_from_uri(&uri);
        ViewAddress::of(&Address::of(pairs).expect("pairs"), Date::constant(2026, 12, 3))
    }

    #[test]
    fn address_says_view_day_and_filters() {
        for query in [
            "",
            "view=week&day=2027-01-04&location=3&cancelled=1",
            "view=list&venue=2&part=2&code=CM2%20%26&order=code",
            "view=instructors&subject=1&exam=7&instructor=9",
        ] {
            let path = read(query).path();
            let expected = if query.is_empty() { "/timetable".to_owned() } else { format!("/timetable?{query}") };
            assert_eq!(path, expected);
        }
        assert_eq!(read("day=2027-02").day, Date::constant(2027, 2, 1));
        for wrong in ["day=x", "view=year", "day=99999-01-01", "subject=x", "day=0001-01-01"] {
            assert_eq!(read(wrong).path(), "/timetable", "{wrong}");
        }
    }

    #[test]
    fn month_shows_whole_weeks() {
        let days = |query| read(query).days();
        assert_eq!(days("day=2026-12-03"), (Date::constant(2026, 11, 30), Date::constant(2027, 1, 3)));
        assert_eq!(days("view=week&day=2026-12-03"), (Date::constant(2026, 11, 30), Date::constant(2026, 12, 6)));
        assert_eq!(read("day=2027-01-31").neighbours(), (Date::constant(2026, 12, 1), Date::constant(2027, 2, 1)));
    }
}
