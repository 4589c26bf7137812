//! A person at the terminal chooses some of a list.

use super::Console;
use crate::error::Result;

/// Asks which of a list are meant; gives their places, from 0.
pub(crate) fn choose(console: &Console, question: &str, lines: &[String]) -> Result<Vec<usize>> {
    for (at, line) in (1..).zip(lines) {
        console.say(format_args!("{at:>4}. {line}"));
    }
    loop {
        let answer = console.line(format_args!("{question} all, none, or numbers like 1,3-5 [none]"))?;
        match chosen(&answer, lines.len()) {
            Some(places) => return Ok(places),
            None => {
                console.say(format_args!("\"{answer}\" is neither of these; the numbers go from 1 to {}", lines.len()))
            }
        }
    }
}

/// The places, from 0, that an answer chooses of so many; none where it is no answer. Saying nothing chooses nothing.
fn chosen(answer: &str, count: usize) -> Option<Vec<usize>> {
    let mut places = Vec::new();
    match answer.trim().to_lowercase().as_str() {
        "" | "none" | "n" | "no" => return Some(places),
        "all" | "a" => return Some((0..count).collect()),
        answer => {
            for part in answer.split([',', ' ']).filter(|part| !part.is_empty()) {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
                if first < 1 || last > count || first > last {
                    return None;
                }
                places.extend(first - 1..last);
            }
        }
    }
    places.sort_unstable();
    places.dedup();
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_choose_places() {
        for (answer, expected) in [
            ("", Some(vec![])),
            ("none\n", Some(vec![])),
            ("ALL", Some(vec![0, 1, 2, 3])),
            ("1, 3-4", Some(vec![0, 2, 3])),
            ("2 2", Some(vec![1])),
            ("0", None),
            ("5", None),
            ("3-2", None),
            ("perhaps", None),
        ] {
            assert_eq!(chosen(answer, 4), expected, "{answer}");
        }
    }
}
