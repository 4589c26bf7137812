//! Dates written as text.

use std::borrow::Cow;

use jiff::civil::Date;

use super::ClockTime;
use super::clock::split_date;

/// The order of day and month in the text dates of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// DD/MM/YYYY, as the timetable's layout says.
    #[default]
    DayFirst,
    /// The cell in this row and column proves MM/DD/YYYY.
    MonthFirst(u32, u32),
}

/// The numbers of a written date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenDate {
    year: i16,
    /// The first of the other two numbers.
    first: i8,
    second: i8,
    is_year_first: bool,
    /// Whether the time after the date is a fraction of a second before midnight.
    is_next_day: bool,
}

impl WrittenDate {
    /// Returns the date, with the day first unless the year is.
    pub fn date(self) -> Option<Date> {
        let (month, day) = if self.is_year_first { (self.first, self.second) } else { (self.second, self.first) };
        let date = Date::new(self.year, month, day).ok()?;
        if self.is_next_day { date.tomorrow().ok() } else { Some(date) }
    }

    /// Reports whether the date can only be MM/DD/YYYY.
    fn is_month_first(self) -> bool {
        let is_month = |number: i8| (1..=12).contains(&number);
        !self.is_year_first && is_month(self.first) && self.second > 12 && self.second <= 31
    }

    /// Reports whether the date would be another one in a file of MM/DD/YYYY.
    pub fn depends_on_order(self) -> bool {
        !self.is_year_first && self.first != self.second
    }
}

/// Reports whether a text is a date that can only be MM/DD/YYYY, also with a year of two digits.
pub fn proves_month_first(text: &str) -> bool {
    parse_with_year(text, 2).or_else(|| parse(text)).is_some_and(WrittenDate::is_month_first)
}

/// Parses three numbers with one separator, of which the first or the last is a year of four digits.
pub fn parse(text: &str) -> Option<WrittenDate> {
    parse_with_year(text, 4)
}

fn parse_with_year(text: &str, digits_of_year: usize) -> Option<WrittenDate> {
    // "1. 2. 2027", and "2027. 02. 01." with a full stop at its end.
    let text = if text.contains(". ") { Cow::Owned(text.replace(". ", ".")) } else { Cow::Borrowed(text) };
    let (date, time) = split_date(&text);
    let date = match date.split_at_checked("2027-02-01".len()) {
        Some((date, zone)) if zone == "Z" || zone.starts_with(['+', '-']) && zone.contains(':') => date,
        _ => date.strip_suffix('.').unwrap_or(date),
    };
    let is_next_day = match time {
        "" => false,
        time => ClockTime::parse(time)?.is_rounded_up(time),
    };
    let separator = ['/', '-', '.'].into_iter().find(|separator| date.contains(*separator))?;
    let parts: Vec<&str> = date.split(separator).collect();
    let &[one, two, three] = parts.as_slice() else { return None };
    let is_number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_year_first = one.len() == 4;
    let (year, first, second) = if is_year_first { (one, two, three) } else { (three, one, two) };
    if !(is_number(year, digits_of_year..=digits_of_year) && is_number(first, 1..=2) && is_number(second, 1..=2)) {
        return None;
    }
    Some(WrittenDate {
        year: year.parse().ok()?,
        first: first.parse().ok()?,
        second: second.parse().ok()?,
        is_year_first,
        is_next_day,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_can_mean_one_thing_are_parsed() {
        for (text, expected) in [
            ("01/02/2027", Some("2027-02-01")),
            ("1/2/2027", Some("2027-02-01")),
            ("01-02-2027", Some("2027-02-01")),
            ("01.02.2027", Some("2027-02-01")),
            ("2027-02-01", Some("2027-02-01")),
            ("2027/02/01", Some("2027-02-01")),
            ("2027.02.01", Some("2027-02-01")),
            ("2027-02-01 00:00:00", Some("2027-02-01")),
            ("2027-02-01T09:30:00.000Z", Some("2027-02-01")),
            ("2027-02-01T09:30:00+01:00", Some("2027-02-01")),
            ("01/02/2027 09:30", Some("2027-02-01")),
            ("01/02/2027, 09:30:00", Some("2027-02-01")),
            ("01/02/2027 9:30 AM", Some("2027-02-01")),
            ("1. 2. 2027", Some("2027-02-01")),
            ("01.02.2027.", Some("2027-02-01")),
            ("2027. 02. 01.", Some("2027-02-01")),
            ("2027-02-01Z", Some("2027-02-01")),
            ("2027-02-01+01:00", Some("2027-02-01")),
            ("2027-02-01-05:00", Some("2027-02-01")),
            ("2027-02-01 00:00:00 UTC", Some("2027-02-01")),
            ("2027-01-31T23:59:59.999999896", Some("2027-02-01")),
            ("2027-01-31T23:59:59", Some("2027-01-31")),
            ("2027-01-31T24:00:00", Some("2027-01-31")),
            ("13/13/2027", None),
            ("01/02/27", None),
            ("01/02-2027", None),
            ("2027-02-01 soon", None),
            ("01/02/2027/1", None),
            ("2027", None),
        ] {
            let date = parse(text).and_then(WrittenDate::date);
            assert_eq!(date.map(|date| date.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn date_of_two_digits_proves_the_order() {
        for (text, expected) in [("06/30/27", true), ("30/06/27", false), ("06/12/27", false), ("06/30/127", false)] {
            assert_eq!(proves_month_first(text), expected, "{text}");
        }
    }

    #[test]
    fn order_of_day_and_month_is_proved_by_a_day_beyond_twelve() {
        for (text, proves, depends) in [
            ("06/30/2027", true, true),
            ("06/12/2027", false, true),
            ("30/06/2027", false, true),
            ("06/06/2027", false, false),
            ("2027-06-30", false, false),
            ("13/13/2027", false, false),
        ] {
            let date = parse(text).expect("a date");
            assert_eq!((proves_month_first(text), date.depends_on_order()), (proves, depends), "{text}");
        }
    }
}
