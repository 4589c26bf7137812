//! Reads a search text: its words, codes and dates.

use super::fields::DAY_OF_ANY_YEAR;
use super::{codes_of, words};

/// Maximum number of query words. The rest is ignored.
const MAX_QUERY_WORDS: usize = 16;

/// Maximum number of characters read from a search text, so that a huge text costs no more than a long sentence.
const MAX_QUERY_CHARS: usize = 1000;

/// Words that are ignored when the query contains other words.
const STOP_WORDS: [&str; 12] = ["a", "an", "and", "at", "for", "from", "in", "of", "on", "the", "to", "with"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// One part of a search text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryToken {
    /// A word.
    Word(String),
    /// A code without its separators, and its words.
    Code(String, Vec<String>),
    /// A day or month in digits, `20270304` or `202703`, and the words for it.
    Date(String, Vec<String>),
}

impl QueryToken {
    /// Returns its words.
    pub fn words(&self) -> &[String] {
        match self {
            Self::Word(word) => std::slice::from_ref(word),
            Self::Code(_, words) | Self::Date(_, words) => words,
        }
    }
}

/// Reads a search text. Stop words are read only when there are no other words.
pub fn read(text: &str) -> Vec<QueryToken> {
    let text = text.char_indices().nth(MAX_QUERY_CHARS).map_or(text, |(end, _)| &text[..end]);
    let mut tokens: Vec<QueryToken> = Vec::new();
    for chunk in text.split_whitespace() {
        match codes_of(chunk).next() {
            Some(code) => tokens.push(match day_in_digits(chunk) {
                Some(day) => QueryToken::Date(day, words(chunk)),
                None => QueryToken::Code(code, words(chunk)),
            }),
            None => tokens.extend(words(chunk).into_iter().map(QueryToken::Word)),
        }
    }
    let mut read: Vec<QueryToken> = Vec::new();
    for token in with_dates(tokens) {
        // The last word may be incomplete, so a repeated word keeps its last position.
        read.retain(|other| *other != token);
        read.push(token);
    }
    let is_stop = |token: &QueryToken| matches!(token, QueryToken::Word(word) if STOP_WORDS.contains(&word.as_str()));
    if read.iter().any(|token| !is_stop(token)) {
        read.retain(|token| !is_stop(token));
    }
    read.truncate(MAX_QUERY_WORDS);
    read
}

/// Reads a day that is written with separators and can mean one day only, `04.03.2027` or `2027/3/4`.
fn day_in_digits(chunk: &str) -> Option<String> {
    let parts: Vec<u32> = chunk.split(['-', '/', '.']).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts[..] {
        [year, month, day] if year > 999 => in_digits(year, month, day),
        // Days of this provider are written before months; `13/25/2027` is no day.
        [day, month, year] if year > 999 => in_digits(year, month, day),
        _ => None,
    }
}

fn in_digits(year: u32, month: u32, day: u32) -> Option<String> {
    let is_date = (1000..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_date.then(|| format!("{year:04}{month:02}{day:02}"))
}

/// Joins the words of a date: `4 march 2027`, `march 4th 2027`, `mar 2027`, `4 march`.
fn with_dates(tokens: Vec<QueryToken>) -> Vec<QueryToken> {
    let word = |index: usize| match tokens.get(index) {
        Some(QueryToken::Word(word)) => word.as_str(),
        _ => "",
    };
    let year = |text: &str| text.parse().ok().filter(|year| (1000..=9999).contains(year) && text.len() == 4);
    let mut joined = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let (first, second, third) = (word(index), word(index + 1), word(index + 2));
        let day_first = || in_digits(year(third)?, month(second)?, day(first)?);
        let month_first = || in_digits(year(third)?, month(first)?, day(second)?);
        let month_only = || Some(format!("{:04}{:02}", year(second)?, month(first)?));
        let of_any_year = || {
            let (month, day) = month(second).zip(day(first)).or_else(|| month(first).zip(day(second)))?;
            Some(format!("{DAY_OF_ANY_YEAR}{month:02}{day:02}"))
        };
        let whole = day_first().or_else(month_first).map(|date| (date, 3));
        let found = whole.or_else(|| Some((month_only().or_else(of_any_year)?, 2)));
        match found {
            Some((date, count)) => {
                let words = tokens[index..index + count].iter().flat_map(|token| token.words().to_vec()).collect();
                joined.push(QueryToken::Date(date, words));
                index += count;
            }
            None => {
                joined.push(tokens[index].clone());
                index += 1;
            }
        }
    }
    joined
}

fn day(word: &str) -> Option<u32> {
    let digits = word.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let is_day = matches!(&word[digits.len()..], "" | "st" | "nd" | "rd" | "th");
    digits.parse().ok().filter(|day| is_day && (1..=31).contains(day))
}

fn month(word: &str) -> Option<u32> {
    let is_name = |name: &&str| **name == *word || (word.len() >= 3 && word.len() <= 4 && name.starts_with(word));
    MONTHS.iter().position(is_name).map(|index| index as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_text_is_read_as_words_codes_and_dates() {
        let word = |text: &str| QueryToken::Word(text.to_owned());
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let code = |text: &str, words: &[&str]| QueryToken::Code(text.to_owned(), list(words));
        let date = |text: &str, words: &[&str]| QueryToken::Date(text.to_owned(), list(words));
        for (text, expected) in [
            ("tutorials in London", vec![word("tutorials"), word("london")]),
            ("the", vec![word("the")]),
            ("mock cs2 mock", vec![word("cs2"), word("mock")]),
            ("CB1-01-25S x", vec![code("cb10125s", &["cb1", "01", "25s"]), word("x")]),
            ("2027-03-04", vec![date("20270304", &["2027", "03", "04"])]),
            ("04.03.2027", vec![date("20270304", &["04", "03", "2027"])]),
            ("cm2 4 March 2027", vec![word("cm2"), date("20270304", &["4", "march", "2027"])]),
            ("sept 2nd 2027", vec![date("20270902", &["sept", "2nd", "2027"])]),
            ("march 4th", vec![date("d0304", &["march", "4th"])]),
            ("march 2027", vec![date("202703", &["march", "2027"])]),
            ("march tutorial", vec![word("march"), word("tutorial")]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
