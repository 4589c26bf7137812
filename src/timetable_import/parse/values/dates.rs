//! Dates written as text.

use jiff::civil::Date;

use super::ClockTime;

/// The order of day and month in the text dates of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// DD/MM/YYYY, as the timetable's layout says.
    #[default]
    DayFirst,
    /// A cell proves MM/DD/YYYY.
    MonthFirst,
}

/// The numbers of a written date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenDate {
    year: i16,
    /// The first of the other two numbers.
    first: i8,
    second: i8,
    is_year_first: bool,
}

impl WrittenDate {
    /// Returns the date, with the day first unless the year is.
    pub fn date(self) -> Option<Date> {
        let (month, day) = if self.is_year_first { (self.first, self.second) } else { (self.second, self.first) };
        Date::new(self.year, month, day).ok()
    }

    /// Reports whether the date can only be MM/DD/YYYY.
    pub fn proves_month_first(self) -> bool {
        let is_month = |number: i8| (1..=12).contains(&number);
        !self.is_year_first && is_month(self.first) && self.second > 12 && self.second <= 31
    }

    /// Reports whether the date would be another one in a file of MM/DD/YYYY.
    pub fn depends_on_order(self) -> bool {
        !self.is_year_first && self.first != self.second
    }
}

/// Parses three numbers with one separator, of which the first or the last is a year of four digits.
pub fn parse(text: &str) -> Option<WrittenDate> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time.trim())),
        None => (text, None),
    };
    if time.is_some_and(|time| ClockTime::parse(time).is_none()) {
        return None;
    }
    let separator = ['/', '-', '.'].into_iter().find(|separator| date.contains(*separator))?;
    let parts: Vec<&str> = date.split(separator).collect();
    let &[one, two, three] = parts.as_slice() else { return None };
    let is_number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_year_first = one.len() == 4;
    let (year, first, second) = if is_year_first { (one, two, three) } else { (three, one, two) };
    if !(is_number(year, 4..=4) && is_number(first, 1..=2) && is_number(second, 1..=2)) {
        return None;
    }
    Some(WrittenDate {
        year: year.parse().ok()?,
        first: first.parse().ok()?,
        second: second.parse().ok()?,
        is_year_first,
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
            assert_eq!((date.proves_month_first(), date.depends_on_order()), (proves, depends), "{text}");
        }
    }
}
