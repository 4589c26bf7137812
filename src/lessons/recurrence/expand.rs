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
        let days_of_month = || (1..=period.days_in_month()).filter_map(|day| period.with().day(day).build().ok());
        match &self.rule {
            DayRule::None => self.period = None,
            DayRule::Weeks { interval, offsets } => {
                let days = offsets.iter().filter_map(|offset| period.checked_add(i64::from(*offset).days()).ok());
                self.ready.extend(days.filter(is_later_day));
                self.period = period.checked_add((7 * interval).days()).ok();
            }
            DayRule::Weekdays(weekdays) => {
                if months.is_empty() || months.contains(&period.month()) {
                    self.ready
                        .extend(days_of_month().filter(|day| weekdays.contains(&day.weekday())).filter(is_later_day));
                }
                self.period = period.checked_add(1.month()).ok();
            }
            DayRule::DayOfMonth(number) => {
                let day = period.with().day(*number).build().ok();
                self.ready.extend(day.filter(is_later_day));
                self.period = period.checked_add(1.month()).ok();
            }
        }
    }
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
