//! Private words: names and comments use the words of the field.

use super::allowed::MOST_PRIVATE_WORDS_PER_1000_LINES;
use super::source::SourceFile;
use super::sources;
use std::collections::BTreeMap;

/// Words that a reader from the field does not expect, with what to write instead.
const WORDS: &[(&str, &str)] = &[
    ("accord", "baseline"),
    ("agreed", "baseline"),
    ("agreement", "baseline"),
    ("alike", "equal, equivalent"),
    ("anew", "again, new"),
    ("asked", "requested, options"),
    ("blow", "fault"),
    ("blows", "faults"),
    ("contested", "ambiguous"),
    ("desk", "fixture"),
    ("discretion", "redaction"),
    ("dispute", "conflict"),
    ("disputes", "conflicts"),
    ("doubt", "error, uncertain; in_doubt for an unknown outcome"),
    ("doubtful", "uncertain, outcome unknown"),
    ("errand", "delivery, step"),
    ("fallen", "cascaded"),
    ("fate", "outcome"),
    ("harmless", "strip_control_chars, escaped"),
    ("held", "locked, stored"),
    ("kept", "stored, recorded, retained"),
    ("ledger", "call log"),
    ("leftover", "extra"),
    ("leftovers", "extra"),
    ("likeness", "signature, match"),
    ("mend", "fix"),
    ("misfit", "invalid, type error"),
    ("newcomer", "new instructor"),
    ("newcomers", "new instructors"),
    ("nobody", "name the actor: no user, no other process"),
    ("nowhere", "not found, unknown id"),
    ("ours", "local"),
    ("rehearse", "dry run"),
    ("said", "returned, reported, values"),
    ("scales", "merge"),
    ("settled", "resolved"),
    ("settlement", "resolution"),
    ("sieve", "filter"),
    ("somebody", "name the actor: a user, another process"),
    ("spare", "extra"),
    ("standing", "status, current"),
    ("stood", "was, existed"),
    ("surplus", "extra"),
    ("surroundings", "environment"),
    ("telling", "reporting, payload"),
    ("tells", "reports, returns"),
    ("theirs", "remote"),
    ("told", "reported, contains, values"),
    ("tortured", "fault injection"),
    ("trouble", "error, issue"),
    ("twin", "duplicate"),
    ("twins", "duplicates"),
    ("unfit", "read error, invalid"),
    ("untold", "not reported"),
    ("unwritten", "write error"),
    ("verdict", "resolution, result"),
    ("wanted", "desired"),
    ("weigh", "merge, compare"),
    ("weighed", "merged, compared"),
    ("whoever", "name the actor: the caller, the user"),
    ("wish", "option, request"),
    ("wishes", "options"),
];

/// Spellings that stay because they are stored, printed or part of the contract: a path that the file's path
/// starts with (empty for every file), the spelling and the reason. A spelling counts only as a whole word.
const EXEMPT: &[(&str, &str, &str)] = &[
    ("", "--ours", "option of the command line"),
    ("", "--theirs", "option of the command line"),
    ("", "ours|theirs", "values of an option"),
    ("", "in_doubt", "term of distributed transactions: the outcome of a sent request is unknown"),
    ("", "InDoubt", "the same as a type or variant"),
    ("", "IN_DOUBT", "the same as a constant"),
    ("", "in-doubt", "the same in prose"),
    ("", "in doubt", "the same in prose"),
    ("", "lectern.agreed", "table"),
    ("src/timetable_import/api.rs", "`ours`", "field of the upload form"),
];

/// Private words of one file: the word and its line.
fn private_words(file: &SourceFile) -> Vec<(&'static str, usize)> {
    let mut found = Vec::new();
    for word in &file.words {
        let mut listed: Vec<&'static str> = split(&word.text).filter_map(|part| listed_word(&part)).collect();
        if !listed.is_empty() {
            listed =
                split(&without_exempt(&word.text, &file.path, EXEMPT)).filter_map(|part| listed_word(&part)).collect();
        }
        found.extend(listed.into_iter().map(|private| (private, word.line)));
    }
    found
}

fn listed_word(word: &str) -> Option<&'static str> {
    WORDS.binary_search_by_key(&word, |(private, _)| private).ok().map(|at| WORDS[at].0)
}

fn without_exempt(text: &str, path: &str, exempt: &[(&str, &str, &str)]) -> String {
    let mut text = text.to_owned();
    for (_, spelling, _) in exempt.iter().filter(|(prefix, _, _)| path.starts_with(prefix)) {
        let mut from = 0;
        while let Some(at) = text[from..].find(spelling).map(|at| from + at) {
            let end = at + spelling.len();
            let is_inside = |side: Option<char>| side.is_some_and(char::is_alphanumeric);
            if is_inside(text[..at].chars().next_back()) || is_inside(text[end..].chars().next()) {
                from = end;
            } else {
                text.replace_range(at..end, " ");
                from = at + 1;
            }
        }
    }
    text
}

/// Splits snake_case, CamelCase and prose into words of lower case.
fn split(text: &str) -> impl Iterator<Item = String> {
    let mut words: Vec<String> = Vec::new();
    let letters: Vec<char> = text.chars().collect();
    let mut word = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_lower = at > 0 && letters[at - 1].is_lowercase();
        let before_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let starts = letter.is_uppercase() && (after_lower || before_lower);
        if starts || !letter.is_alphabetic() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphabetic() {
            word.extend(letter.to_lowercase());
        }
    }
    words.push(word);
    words.into_iter().filter(|word| !word.is_empty())
}

fn per_1000_lines(files: &[SourceFile]) -> f64 {
    let found: usize = files.iter().map(|file| private_words(file).len()).sum();
    let lines: usize = files.iter().map(|file| file.lines).sum();
    found as f64 * 1000.0 / lines as f64
}

/// Describes the files and words with most occurrences.
fn worst(files: &[SourceFile]) -> String {
    let mut in_files: Vec<(usize, String)> = Vec::new();
    let mut in_total: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files {
        let found = private_words(file);
        let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (word, line) in &found {
            *in_total.entry(word).or_default() += 1;
            lines.entry(word).or_default().push(line.to_string());
        }
        let places = lines.iter().map(|(word, lines)| format!("{word} {}", lines.join(",")));
        in_files
            .push((found.len(), format!("  {} {}: {}", found.len(), file.path, places.collect::<Vec<_>>().join("; "))));
    }
    in_files.sort_by(|one, other| other.cmp(one));
    let mut words: Vec<(&str, usize)> = in_total.into_iter().collect();
    words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let advice = |word: &str| WORDS.iter().find(|(private, _)| *private == word).map_or("", |(_, advice)| advice);
    let words = words.iter().map(|(word, count)| format!("  {count} {word}: write {}", advice(word)));
    let files = in_files.into_iter().filter(|(count, _)| *count > 0).take(25).map(|(_, file)| file);
    files.chain(words).collect::<Vec<_>>().join("\n")
}

#[test]
fn names_and_comments_use_the_words_of_the_field() {
    let found = per_1000_lines(sources());
    println!("{found:.2} private words per 1,000 lines");
    assert!(
        found <= MOST_PRIVATE_WORDS_PER_1000_LINES,
        "{found:.2} private words per 1,000 lines, at most {MOST_PRIVATE_WORDS_PER_1000_LINES}: use the words of the \
         field. Files (word and lines), then words with their replacement:\n{}",
        worst(sources()),
    );
}

#[test]
fn words_are_sorted() {
    assert!(WORDS.is_sorted(), "the search for a word needs WORDS in alphabetical order");
}

#[test]
fn private_word_is_found_in_names_and_comments() {
    let found = |text: &str| {
        let file = SourceFile::parse("src/a.rs", text);
        private_words(&file).into_iter().map(|(word, line)| format!("{word} {line}")).collect::<Vec<_>>()
    };
    assert_eq!(found("\nstruct KeptRow { told_at: u8 }"), ["kept 2", "told 2"]);
    assert_eq!(found("\n/// Is kept.\n///\n/// See [`TOLD`], HTTPKept.\nfn f() {}"), ["kept 2", "told 4", "kept 4"]);
    assert_eq!(found("fn f() {} // twin\n/* one\n blow */"), ["twin 1", "blow 3"]);
    assert_eq!(found("//! Ours.\nfn f() { format!(\"told {}\", theirs) }"), ["ours 1", "theirs 2"]);
    assert_eq!(found("const A: &str = \"kept // told\"; const B: &str = r#\"kept\"#; // end kept"), ["kept 1"]);
    assert_eq!(found("const Ä: char = 'ä'; // ä\n// kept"), ["kept 2"]);
    assert_eq!(found("// keeper, untoldness, householder, asking"), [""; 0]);
}

#[test]
fn exempt_spelling_is_not_counted() {
    let found = |text: &str| private_words(&SourceFile::parse("src/a.rs", text)).len();
    assert_eq!(found("// choose --ours or `ours|theirs`, still in doubt\nfn mark_in_doubt(a: InDoubt) {}"), 0);
    assert_eq!(found("// no doubt\nfn certain_doubt() {}"), 2);
    assert_eq!(found("// the row of theirs"), 1);
    let exempt = [("src/outbox/", "asked", "column")];
    assert_eq!(without_exempt("// asked, asked_now", "src/outbox/store.rs", &exempt), "//  ,  _now");
    assert_eq!(without_exempt("// asked", "src/sync/store.rs", &exempt), "// asked");
}

#[test]
fn measure_counts_by_lines() {
    let files = super::files_of(&[("src/a.rs", "// kept\n\n"), ("src/b.rs", "\n\n")]);
    assert!((per_1000_lines(&files) - 250.0).abs() < 0.001);
    assert!(worst(&files).starts_with("  1 src/a.rs: kept 1\n  1 kept: write"), "{}", worst(&files));
}
