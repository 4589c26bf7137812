//! From a rule to days.

use std::collections::{BTreeSet, VecDeque};

use jiff::ToSpan;
use jiff::civil::Date;

use super::{DayRule, HolidayRule, LessonOccurrence, LessonSeries};

/// A series has more occurrences in a range than the caller accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyOccurrences;

impl LessonSeries {
    /// Returns the days of the rule in ascending order: the first day, then the others, without added days.
    pub fn rule_days(&self) -> impl Iterator<Item = Date> + use<> {
        let days = RuleDays::new(self);
        let until = self.until;
        let count = self.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
        let first = self.first;
        // The first lesson takes place even if the rule ends before it.
        days.take_while(move |day| *day == first || until.is_none_or(|until| *day <= until)).take(count.max(1))
    }

    /// Returns the lessons from a day to another one, both included, in ascending order.
    ///
    /// # Errors
    /// When there are more than `limit`.
    pub fn occurrences(
        &self,
        from: Date,
        to: Date,
        holidays: &BTreeSet<Date>,
        limit: usize,
    ) -> Result<Vec<LessonOccurrence>, TooManyOccurrences> {
        let mut planned = PlannedDays::new(self);
        let is_moving = self.holidays == HolidayRule::Shift;
        let (mut found, mut moved) = (Vec::new(), BTreeSet::new());
        while let Some(day) = planned.next_until(to) {
            if self.exceptions.contains(&day) {
                continue;
            }
            let mut occurrence = LessonOccurrence { day, moved_from: None };
            if self.holidays != HolidayRule::Ignore && holidays.contains(&day) {
                let free = if is_moving { planned.free_day_after(day, holidays, &moved) } else { None };
                let Some(free) = free else { continue };
                moved.insert(free);
                if self.exceptions.contains(&free) {
                    continue;
                }
                occurrence = LessonOccurrence { day: free, moved_from: Some(day) };
            }
            if (from..=to).contains(&occurrence.day) {
                found.push(occurrence);
                if found.len() > limit {
                    return Err(TooManyOccurrences);
                }
            }
        }
        if !moved.is_empty() {
            found.sort_unstable();
        }
        Ok(found)
    }
}

/// The days of a series before exceptions and holidays, with a view of the next ones.
struct PlannedDays {
    rule: Box<dyn Iterator<Item = Date>>,
    added: VecDeque<Date>,
    /// Days that were looked at and not yet returned.
    ahead: VecDeque<Date>,
    next_of_rule: Option<Date>,
}

impl PlannedDays {
    fn new(series: &LessonSeries) -> PlannedDays {
        let mut rule: Box<dyn Iterator<Item = Date>> = Box::new(series.rule_days());
        let mut added: Vec<Date> = series.pattern.dates.iter().copied().filter(|day| *day > series.first).collect();
        added.sort_unstable();
        added.dedup();
        let next_of_rule = rule.next();
        PlannedDays { rule, added: added.into(), ahead: VecDeque::new(), next_of_rule }
    }

    /// Generates the next day of the rule or of the added ones, each day once.
    fn generate(&mut self, to: Date) -> Option<Date> {
        let day = match (self.next_of_rule, self.added.front().copied()) {
            (Some(of_rule), Some(added)) => of_rule.min(added),
            (Some(day), None) | (None, Some(day)) => day,
            (None, None) => return None,
        };
        if day > to {
            return None;
        }
        if self.next_of_rule == Some(day) {
            self.next_of_rule = self.rule.next();
        }
        if self.added.front() == Some(&day) {
            self.added.pop_front();
        }
        Some(day)
    }

    fn next_until(&mut self, to: Date) -> Option<Date> {
        match self.ahead.front() {
            Some(day) if *day <= to => self.ahead.pop_front(),
            Some(_) => None,
            None => self.generate(to),
        }
    }

    /// Returns the next day that is neither a holiday, nor one of the series, nor one to which another lesson has moved.
    fn free_day_after(&mut self, day: Date, holidays: &BTreeSet<Date>, moved: &BTreeSet<Date>) -> Option<Date> {
        let mut free = day.tomorrow().ok()?;
        loop {
            while let Some(next) = self.generate(free) {
                self.ahead.push_back(next);
            }
            if !holidays.contains(&free) && !moved.contains(&free) && self.ahead.binary_search(&free).is_err() {
                return Some(free);
            }
            free = free.tomorrow().ok()?;
        }
    }
}

/// The days of a rule without end. They stop at the last day that a date can have.
struct RuleDays {
    rule: DayRule,
    months: Vec<i8>,
    first: Date,
    /// Monday of the current week, or first day of the current month. None: there are no further ones.
    period: Option<Date>,
    ready: VecDeque<Date>,
}

impl RuleDays {
    fn new(series: &LessonSeries) -> RuleDays {
        let first = series.first;
        let rule = series.rule();
        let period = match rule {
            DayRule::None => None,
            DayRule::Weeks { .. } => first.checked_sub(i64::from(first.weekday().to_monday_zero_offset()).days()).ok(),
            DayRule::Weekdays(_) | DayRule::DayOfMonth(_) => Some(first.first_of_month()),
        };
        RuleDays { rule, months: series.pattern.months.clone(), first, period, ready: VecDeque::from([first]) }
    }

    /// Adds the days of the current period, and goes to the next one.
    fn fill(&mut self, period: Date) {
        let (first, months) = (self.first, &self.months);
        let is_later_day = |day: &Date| *day > first && (months.is_empty() || months.contains(&day.month()));
        match &self.rule {
            DayRule::None => self.period = None,
            DayRule::Weeks { interval, offsets } => {
                let days = offsets.iter().filter_map(|offset| days_after(period, i32::from(*offset)));
                self.ready.extend(days.filter(is_later_day));
                self.period = i32::try_from(7 * interval).ok().and_then(|days| days_after(period, days));
            }
            DayRule::Weekdays(weekdays) => {
                if months.is_empty() || months.contains(&period.month()) {
                    let of_first = period.weekday().to_monday_zero_offset();
                    let is_meant = |day: &i8| {
                        let offset = (of_first + day - 1) % 7;
                        weekdays.iter().any(|weekday| weekday.to_monday_zero_offset() == offset)
                    };
                    let days = (1..=period.days_in_month()).filter(is_meant).filter_map(|day| day_of(period, day));
                    self.ready.extend(days.filter(is_later_day));
                }
                self.period = month_after(period);
            }
            DayRule::DayOfMonth(number) => {
                self.ready.extend(day_of(period, *number).filter(is_later_day));
                self.period = month_after(period);
            }
        }
    }
}

// A span of any units would be added in a general and slower way.

/// Returns the day after some days. None: dates end before it.
fn days_after(date: Date, days: i32) -> Option<Date> {
    let (mut month, mut day) = (date.first_of_month(), i32::from(date.day()) + days);
    while day > i32::from(month.days_in_month()) {
        day -= i32::from(month.days_in_month());
        month = month_after(month)?;
    }
    day_of(month, i8::try_from(day).ok()?)
}

/// Returns the first day of the next month.
fn month_after(month: Date) -> Option<Date> {
    let (year, number) = if month.month() == 12 { (month.year() + 1, 1) } else { (month.year(), month.month() + 1) };
    Date::new(year, number, 1).ok()
}

/// Returns a day of a month, if the month has it.
fn day_of(month: Date, day: i8) -> Option<Date> {
    Date::new(month.year(), month.month(), day).ok()
}

impl Iterator for RuleDays {
    type Item = Date;

    fn next(&mut self) -> Option<Date> {
        loop {
            if let Some(day) = self.ready.pop_front() {
                return Some(day);
            }
            self.fill(self.period?);
        }
    }
}
