//! From a rule to days.

use std::collections::{BTreeSet, VecDeque};

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
        let mut planned = PlannedDays::new(self, self.rule_days());
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
struct PlannedDays<R> {
    rule: R,
    added: VecDeque<Date>,
    /// Days that were looked at and not yet returned.
    ahead: VecDeque<Date>,
    next_of_rule: Option<Date>,
}

impl<R: Iterator<Item = Date>> PlannedDays<R> {
    /// Creates the days of a series, from those of its rule.
    fn new(series: &LessonSeries, mut rule: R) -> PlannedDays<R> {
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
///
/// A month is a set of bits: the rules repeat after whole weeks, so that a month is a shifted part of one repeated word.
struct RuleDays {
    rule: RepeatedDays,
    /// The months of the rule, January in the lowest bit.
    months: u16,
    /// The first day of the month whose days are left. None: there are no further ones.
    month: Option<Date>,
    /// The days of the month that are left, the first one in the lowest bit.
    days: u32,
}

/// The days of every month, before the first day and the months are looked at.
enum RepeatedDays {
    None,
    Weeks {
        /// Days from Monday of the first week: bit n is set if the rule has the n-th one.
        days: u64,
        /// After how many days they repeat.
        period: u32,
        /// How many days of the period are over when the month begins.
        phase: u32,
    },
    DayOfMonth(i8),
}

impl RuleDays {
    fn new(series: &LessonSeries) -> RuleDays {
        let first = series.first;
        let month = first.first_of_month();
        let rule = RepeatedDays::new(&series.rule(), first);
        let months = series.pattern.months.iter().fold(0, |months, month| months | 1 << (month - 1));
        let mut days =
            RuleDays { rule, months: if months == 0 { u16::MAX } else { months }, month: Some(month), days: 0 };
        let first = 1_u32 << (first.day() - 1);
        // The first lesson takes place whatever the rule says, and nothing is earlier.
        days.days = days.days_of(month) & !(first - 1) | first;
        days
    }

    /// Returns the days of a month.
    fn days_of(&self, month: Date) -> u32 {
        if self.months & 1 << (month.month() - 1) == 0 {
            return 0;
        }
        let all = u32::MAX >> (32 - length(month));
        match &self.rule {
            RepeatedDays::None => 0,
            RepeatedDays::Weeks { days, phase, .. } => low_half(days >> phase) & all,
            RepeatedDays::DayOfMonth(day) => 1 << (day - 1) & all,
        }
    }

    /// Goes to the next month.
    fn advance(&mut self) -> Option<()> {
        let month = self.month.take()?;
        match &mut self.rule {
            RepeatedDays::None => return None,
            RepeatedDays::Weeks { period, phase, .. } => *phase = (*phase + length(month)) % *period,
            RepeatedDays::DayOfMonth(_) => {}
        }
        let next = month_after(month)?;
        self.days = self.days_of(next);
        self.month = Some(next);
        Some(())
    }
}

impl RepeatedDays {
    fn new(rule: &DayRule, first: Date) -> RepeatedDays {
        let (offsets, weeks) = match rule {
            DayRule::None => return RepeatedDays::None,
            DayRule::DayOfMonth(day) => return RepeatedDays::DayOfMonth(*day),
            DayRule::Weeks { interval, offsets } => (offsets.clone(), *interval),
            DayRule::Weekdays(days) => (days.iter().map(|day| day.to_monday_zero_offset()).collect(), 1),
        };
        let period = 7 * weeks;
        let once = offsets.iter().fold(0_u64, |days, offset| days | 1 << offset);
        let days = (0..u64::BITS).step_by(period as usize).fold(0, |days, start| days | once << start);
        // Days from the month's beginning to the first day, from which the days since Monday are over.
        let to_first = first.day() - 1;
        let since_monday = first.weekday().to_monday_zero_offset();
        let phase = (i64::from(since_monday) - i64::from(to_first)).rem_euclid(i64::from(period));
        RepeatedDays::Weeks { days, period, phase: phase as u32 }
    }
}

impl Iterator for RuleDays {
    type Item = Date;

    fn next(&mut self) -> Option<Date> {
        while self.days == 0 {
            self.advance()?;
        }
        let day = self.days.trailing_zeros() + 1;
        // Without its lowest bit.
        self.days &= self.days - 1;
        let month = self.month?;
        Date::new(month.year(), month.month(), day as i8).ok()
    }
}

/// Returns how many days a month has.
fn length(month: Date) -> u32 {
    month.days_in_month().unsigned_abs().into()
}

fn low_half(word: u64) -> u32 {
    (word & u64::from(u32::MAX)) as u32
}

/// Returns the first day of the next month.
fn month_after(month: Date) -> Option<Date> {
    let (year, number) = if month.month() == 12 { (month.year() + 1, 1) } else { (month.year(), month.month() + 1) };
    Date::new(year, number, 1).ok()
}
