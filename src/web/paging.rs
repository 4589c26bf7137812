//! Long lists in parts. The address says which part, so that it can be sent to a colleague.

use crate::http::query::{Pairs, pairs};

use super::problem::PageProblem;

/// The parameters of a page's address. Unknown ones are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address(Vec<(String, String)>);

impl Address {
    /// Reads the query string of a page.
    ///
    /// # Errors
    /// 400 when it cannot be parsed.
    pub fn of(query: Pairs) -> Result<Address, PageProblem> {
        Ok(Address(pairs(query)?))
    }

    /// Returns a parameter without white space around it; "" if it is absent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim()).unwrap_or_default()
    }

    /// Returns a parameter that is a number; none if it is absent or something else.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name).parse().ok()
    }
}

/// One part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPart {
    /// Position of its first item, from 0.
    pub from: usize,
    /// Position after its last item.
    pub to: usize,
    pub total: usize,
    /// Number of the part before; none for the first.
    pub previous: Option<usize>,
    /// Number of the next part; none for the last.
    pub next: Option<usize>,
}

impl ListPart {
    /// Returns part `number`, from 1, of a list. A number beyond the list means its last part.
    pub fn of(total: usize, size: usize, number: Option<i64>) -> ListPart {
        let last = total.div_ceil(size).max(1);
        let number = number.and_then(|number| usize::try_from(number).ok()).unwrap_or(1).clamp(1, last);
        ListPart {
            from: (number - 1) * size,
            to: total.min(number * size),
            total,
            previous: (number > 1).then(|| number - 1),
            next: (number < last).then_some(number + 1),
        }
    }

    /// Returns how many rows come before the part, and how many it has at most.
    pub fn rows(&self) -> (i64, i64) {
        let count = |number| i64::try_from(number).unwrap_or(i64::MAX);
        (count(self.from), count(self.to - self.from))
    }

    /// Reports whether the list has other parts.
    pub fn is_needed(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_list() {
        let part = |total, number| {
            let ListPart { from, to, previous, next, .. } = ListPart::of(total, 50, number);
            (from, to, previous, next)
        };
        assert_eq!(part(0, None), (0, 0, None, None));
        assert_eq!(part(50, Some(1)), (0, 50, None, None));
        assert_eq!(part(120, None), (0, 50, None, Some(2)));
        assert_eq!(part(120, Some(3)), (100, 120, Some(2), None));
        assert_eq!(part(120, Some(9)), (100, 120, Some(2), None));
        assert_eq!(part(120, Some(-1)), (0, 50, None, Some(2)));
    }
}
