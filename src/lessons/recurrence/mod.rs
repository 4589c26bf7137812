//! The days of a series of lessons. Pure: from a rule to days, and between rules and iCalendar text (RFC 5545).
//!
//! The first lesson is always an occurrence, whatever the rule says, and nothing is earlier. An end (`until`, `count`) ends
//! the rule; the first lesson is counted, added days are neither counted nor cut off. Exceptions remove days and do not
//! lengthen the series.

mod expand;
pub mod pattern;
pub mod rrule;
mod split;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};

pub use expand::TooManyOccurrences;
pub use pattern::LessonPattern;
pub use split::OtherDays;

/// How often lessons repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonFrequency {
    OneTime,
    Weekly,
    BiWeekly,
    Monthly,
}

impl LessonFrequency {
    /// The words in which it is stored.
    pub const WORDS: [&'static str; 4] = ["one-time", "weekly", "bi-weekly", "monthly"];

    /// Returns the frequency of a word, regardless of case.
    pub fn of(word: &str) -> Option<LessonFrequency> {
        const ALL: [LessonFrequency; 4] =
            [LessonFrequency::OneTime, LessonFrequency::Weekly, LessonFrequency::BiWeekly, LessonFrequency::Monthly];
        ALL.into_iter().find(|frequency| frequency.word().eq_ignore_ascii_case(word.trim()))
    }

    /// Returns the word in which it is stored.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// What happens to a lesson on a holiday.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HolidayRule {
    /// It does not take place.
    Skip,
    /// It takes place on the next day that is neither a holiday nor another day of the series.
    Shift,
    /// It takes place.
    #[default]
    Ignore,
}

impl HolidayRule {
    /// The words in which it is stored.
    pub const WORDS: [&'static str; 3] = ["skip", "shift", "ignore"];

    /// Returns the rule of a word, regardless of case.
    pub fn of(word: &str) -> Option<HolidayRule> {
        [Self::Skip, Self::Shift, Self::Ignore].into_iter().find(|rule| rule.word().eq_ignore_ascii_case(word.trim()))
    }

    /// Returns the word in which it is stored.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// Which lessons a series has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonSeries {
    /// The day of the first lesson.
    pub first: Date,
    pub frequency: LessonFrequency,
    pub pattern: LessonPattern,
    /// The last day of the rule.
    pub until: Option<Date>,
    /// How many lessons the rule has, the first one included.
    pub count: Option<u32>,
    /// Days without a lesson, as the rule has them or after a holiday moved them.
    pub exceptions: BTreeSet<Date>,
    pub holidays: HolidayRule,
}

/// One lesson of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LessonOccurrence {
    pub day: Date,
    /// The day of the rule, from which a holiday has moved it.
    pub moved_from: Option<Date>,
}

impl LessonOccurrence {
    /// Returns the day of the rule.
    pub fn rule_day(&self) -> Date {
        self.moved_from.unwrap_or(self.day)
    }
}

/// A rule whose days can be generated.
#[derive(Clone, Debug, PartialEq, Eq)]
enum DayRule {
    /// Only the first lesson and the added days.
    None,
    /// Days of every n-th week; offsets from Monday, ascending.
    Weeks { interval: u32, offsets: Vec<i8> },
    /// Each of these weekdays of a month.
    Weekdays(Vec<Weekday>),
    /// A day of each month that has it.
    DayOfMonth(i8),
}

impl LessonSeries {
    /// Creates a series without end, exceptions and holidays.
    pub fn new(first: Date, frequency: LessonFrequency, pattern: LessonPattern) -> LessonSeries {
        LessonSeries {
            first,
            frequency,
            pattern,
            until: None,
            count: None,
            exceptions: BTreeSet::new(),
            holidays: HolidayRule::Ignore,
        }
    }

    /// Reports whether the series has no last lesson.
    pub fn is_endless(&self) -> bool {
        self.until.is_none() && self.count.is_none() && self.rule() != DayRule::None
    }

    fn rule(&self) -> DayRule {
        let LessonPattern { days, months, dates } = &self.pattern;
        let is_replaced = days.is_empty() && months.is_empty() && !dates.is_empty();
        let interval = match self.frequency {
            LessonFrequency::OneTime => return DayRule::None,
            _ if is_replaced => return DayRule::None,
            LessonFrequency::Monthly if days.is_empty() => return DayRule::DayOfMonth(self.first.day()),
            LessonFrequency::Monthly => return DayRule::Weekdays(days.clone()),
            LessonFrequency::Weekly => 1,
            LessonFrequency::BiWeekly => 2,
        };
        let mut offsets: Vec<i8> = days.iter().map(|day| day.to_monday_zero_offset()).collect();
        if offsets.is_empty() {
            offsets.push(self.first.weekday().to_monday_zero_offset());
        }
        offsets.sort_unstable();
        offsets.dedup();
        DayRule::Weeks { interval, offsets }
    }

    /// Reports whether the first day is one of the rule, not only of the series.
    fn is_first_of_rule(&self) -> bool {
        let is_day = match self.rule() {
            DayRule::None => false,
            DayRule::Weeks { offsets, .. } => offsets.contains(&self.first.weekday().to_monday_zero_offset()),
            DayRule::Weekdays(days) => days.contains(&self.first.weekday()),
            DayRule::DayOfMonth(_) => true,
        };
        is_day && self.pattern.allows_month(self.first)
    }
}
