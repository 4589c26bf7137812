//! Prompts for a selection from a numbered list.

use super::Console;
use crate::error::Result;

/// Prints a numbered list and prompts until the answer is valid. Returns the chosen indices, from 0.
pub(crate) fn choose(console: &Console, question: &str, lines: &[String]) -> Result<Vec<usize>> {
    for (at, line) in (1..).zip(lines) {
        console.notify(format_args!("{at:>4}. {line}"));
    }
    loop {
        let answer = console.prompt_line(format_args!("{question} all, none, or numbers like 1,3-5 [none]"))?;
        match parse_selection(&answer, lines.len()) {
            Some(indices) => return Ok(indices),
            None => console.notify(format_args!(
                "\"{answer}\" is not understood: enter all, none, or numbers from 1 to {}",
                lines.len()
            )),
        }
    }
}

/// Parses an answer into indices below `count`. Returns none for an invalid answer; an empty one selects nothing.
fn parse_selection(answer: &str, count: usize) -> Option<Vec<usize>> {
    let mut indices = Vec::new();
    match answer.trim().to_lowercase().as_str() {
        "" | "none" | "n" | "no" => return Some(indices),
        "all" | "a" => return Some((0..count).collect()),
        answer => {
            for part in answer.split([',', ' ']).filter(|part| !part.is_empty()) {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
                if first < 1 || last > count || first > last {
                    return None;
                }
                indices.extend(first - 1..last);
            }
        }
    }
    indices.sort_unstable();
    indices.dedup();
    Some(indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_is_parsed_into_indices() {
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
            assert_eq!(parse_selection(answer, 4), expected, "{answer}");
        }
    }
}
