//! Ends a series before one of its days, and begins another one there.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;

use super::{DayRule, LessonFrequency, LessonOccurrence, LessonSeries};

/// How far the next lesson is looked for, in days.
const HORIZON: i64 = 366 * 10;

/// A series cannot begin on a day, because its rule would have other days then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherDays;

impl LessonSeries {
    /// Returns the lesson of a day: the day on which it takes place, or that of the rule.
    pub fn occurrence_of(&self, day: Date, holidays: &BTreeSet<Date>) -> Option<LessonOccurrence> {
        // A holiday may have moved the lesson by some days.
        let end = day.checked_add(366.days()).unwrap_or(Date::MAX);
        let found = self.occurrences(self.first, end, holidays, usize::MAX).unwrap_or_default();
        let on_day = found.iter().find(|one| one.day == day);
        on_day.or_else(|| found.iter().find(|one| one.moved_from == Some(day))).copied()
    }

    /// Returns the lessons after the first one, as far as they are looked for.
    pub fn later_occurrences(&self, holidays: &BTreeSet<Date>) -> Vec<LessonOccurrence> {
        let from = self.first.tomorrow().unwrap_or(Date::MAX);
        let end = self.first.checked_add(HORIZON.days()).unwrap_or(Date::MAX);
        self.occurrences(from, end, holidays, usize::MAX).unwrap_or_default()
    }

    /// Returns what is left of the series if it ends before one of its lessons.
    pub fn before(&self, at: LessonOccurrence) -> LessonSeries {
        let day = at.rule_day();
        let mut left = self.clone();
        let end = day.yesterday().unwrap_or(Date::MIN);
        left.pattern.dates.retain(|date| *date < day);
        left.exceptions.retain(|date| *date < day);
        left.end_rule(end, self.rule() != DayRule::None);
        left
    }

    /// Divides the series before one of its lessons: what is left of it, and the series that begins with the lesson.
    ///
    /// # Errors
    /// When the rule would have other days from there, as a day of the month that is not the lesson's.
    pub fn split(&self, at: LessonOccurrence) -> Result<(LessonSeries, LessonSeries), OtherDays> {
        let (day, of_rule) = (at.day, at.rule_day());
        let mut after = self.clone();
        after.first = day;
        after.pattern.dates.retain(|date| *date > of_rule && *date != day);
        after.exceptions.retain(|date| *date > of_rule);
        if let Some(count) = self.count {
            let earlier = self.rule_days().take_while(|of| *of < of_rule).count();
            let is_of_rule = self.rule_days().find(|of| *of >= of_rule) == Some(of_rule);
            let left = count.saturating_sub(u32::try_from(earlier).unwrap_or(u32::MAX));
            after.count = Some((left + u32::from(!is_of_rule)).max(1));
        }
        match self.rule() {
            DayRule::None => after.end_rule(day, false),
            DayRule::Weeks { interval, .. } => {
                if after.pattern.days.is_empty() {
                    after.pattern.days.push(self.first.weekday());
                }
                if interval > 1 && (monday(day) - monday(self.first)).get_days() / 7 % 2 != 0 {
                    return Err(OtherDays);
                }
            }
            DayRule::DayOfMonth(number) if number != day.day() => return Err(OtherDays),
            DayRule::DayOfMonth(_) | DayRule::Weekdays(_) => {}
        }
        Ok((self.before(at), after))
    }

    /// Ends the rule on a day. Without dates the frequency of a series of dates would be its rule.
    fn end_rule(&mut self, end: Date, has_rule: bool) {
        if has_rule {
            self.until = Some(self.until.map_or(end, |until| until.min(end)));
            self.count = None;
        } else if self.pattern.dates.is_empty() {
            (self.until, self.count) = (Some(end), None);
            self.frequency = LessonFrequency::Weekly;
        }
    }
}

/// Returns the Monday of a week.
fn monday(day: Date) -> Date {
    day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).unwrap_or(Date::MIN)
}
