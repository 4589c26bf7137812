//! Splits SQL into tokens and statements, as psql reads a file. Pure.

use std::borrow::Cow;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword or an unquoted name.
    Word,
    /// A quoted name.
    QuotedName,
    /// A string constant in any notation.
    Text,
    Number,
    /// One character of an operator or punctuation.
    Symbol,
}

/// A token, as a part of the source.
#[derive(Debug, Clone, Copy)]
pub struct SqlToken {
    pub kind: TokenKind,
    pub line: u32,
    pub start: u32,
    pub end: u32,
}

impl SqlToken {
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        source.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A statement, or a command of psql.
#[derive(Debug)]
pub enum Item<'a> {
    Statement(Vec<SqlToken>),
    /// A command of psql with its arguments, without the backslash.
    PsqlCommand {
        line: u32,
        text: &'a str,
    },
}

/// Why a text cannot be split into statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub line: u32,
    pub message: String,
}

/// Reads the statements of a text one by one.
#[derive(Debug)]
pub struct StatementReader<'a> {
    source: &'a str,
    at: usize,
    line: u32,
    /// Set while the rows of a `COPY … FROM stdin` follow.
    has_rows: bool,
}

const UNCLOSED: &str = "begins here and does not end: close it";

impl<'a> StatementReader<'a> {
    /// `line` is the number of the first line.
    pub fn new(source: &'a str, line: u32) -> Self {
        StatementReader { source, at: 0, line, has_rows: false }
    }

    /// Returns the next statement or command; none at the end.
    pub fn next_item(&mut self) -> Result<Option<Item<'a>>, Unreadable> {
        if std::mem::take(&mut self.has_rows) {
            self.skip_rows();
        }
        let mut tokens: Vec<SqlToken> = Vec::new();
        let (mut depth, mut blocks) = (0_u32, 0_u32);
        loop {
            self.skip_blanks()?;
            let Some(first) = self.peek(0) else { break };
            if first == '\\' {
                if tokens.is_empty() {
                    return Ok(Some(self.psql_command()));
                }
                // The command ends the statement, as `\gexec` does, and comes next.
                break;
            }
            let token = self.token(first)?;
            let text = token.text(self.source);
            match text {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                ";" if depth == 0 && blocks == 0 => {
                    if tokens.is_empty() {
                        continue;
                    }
                    break;
                }
                _ => {}
            }
            tokens.push(token);
            if token.kind == TokenKind::Word {
                blocks = self.blocks(blocks, &tokens);
            }
        }
        if tokens.is_empty() {
            return Ok(None);
        }
        let is_word = |token: &SqlToken, word: &str| token.text(self.source).eq_ignore_ascii_case(word);
        self.has_rows = is_word(&tokens[0], "copy")
            && tokens.windows(2).any(|pair| is_word(&pair[0], "from") && is_word(&pair[1], "stdin"));
        Ok(Some(Item::Statement(tokens)))
    }

    /// Counts the open blocks of a function body that is written without quotes.
    fn blocks(&self, open: u32, tokens: &[SqlToken]) -> u32 {
        let is = |at: usize, word: &str| {
            tokens.get(at).is_some_and(|token| token.text(self.source).eq_ignore_ascii_case(word))
        };
        let last = tokens.len() - 1;
        let begins = is(last, "atomic") && last > 0 && is(last - 1, "begin") && is(0, "create");
        let is_inner = open > 0 && is(last, "case") && !is(last - 1, "end");
        if begins || is_inner {
            open + 1
        } else if open > 0 && is(last, "end") {
            open - 1
        } else {
            open
        }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn peek(&self, offset: usize) -> Option<char> {
        self.rest().chars().nth(offset)
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.source.as_bytes()[self.at..self.at + bytes];
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u32;
        self.at += bytes;
    }

    /// Skips white space and comments.
    fn skip_blanks(&mut self) -> Result<(), Unreadable> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
            if blank > 0 {
                self.advance(blank);
            } else if rest.starts_with("--") {
                self.advance(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                self.skip_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), Unreadable> {
        let (line, bytes) = (self.line, self.rest().as_bytes());
        let (mut depth, mut at) = (0, 0);
        while at < bytes.len() {
            match (bytes[at], bytes.get(at + 1)) {
                (b'/', Some(b'*')) => {
                    depth += 1;
                    at += 1;
                }
                (b'*', Some(b'/')) => {
                    depth -= 1;
                    at += 1;
                }
                _ => {}
            }
            at += 1;
            if depth == 0 {
                self.advance(at);
                return Ok(());
            }
        }
        Err(Unreadable { line, message: format!("a comment {UNCLOSED} with */") })
    }

    fn token(&mut self, first: char) -> Result<SqlToken, Unreadable> {
        let rest = self.rest();
        let (kind, length) = match first {
            '\'' => (TokenKind::Text, self.quoted(0, '\'', false)?),
            '"' => (TokenKind::QuotedName, self.quoted(0, '"', false)?),
            '$' => match dollar_tag(rest) {
                Some(tag) => (TokenKind::Text, self.dollar_quoted(tag)?),
                None => (TokenKind::Symbol, 1),
            },
            '0'..='9' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'));
                (TokenKind::Number, end.unwrap_or(rest.len()))
            }
            _ if is_name_start(first) => self.word_or_prefixed(first)?,
            _ => (TokenKind::Symbol, first.len_utf8()),
        };
        let (start, line) = (self.at as u32, self.line);
        self.advance(length);
        Ok(SqlToken { kind, line, start, end: self.at as u32 })
    }

    /// Reads a word, or a quoted text with a prefix such as `E'…'`.
    fn word_or_prefixed(&self, first: char) -> Result<(TokenKind, usize), Unreadable> {
        let rest = self.rest();
        let after = self.peek(1);
        match (first.to_ascii_lowercase(), after) {
            ('e', Some('\'')) => return Ok((TokenKind::Text, self.quoted(1, '\'', true)?)),
            ('b' | 'x' | 'n', Some('\'')) => return Ok((TokenKind::Text, self.quoted(1, '\'', false)?)),
            ('u', Some('&')) => match self.peek(2) {
                Some('\'') => return Ok((TokenKind::Text, self.quoted(2, '\'', false)?)),
                Some('"') => return Ok((TokenKind::QuotedName, self.quoted(2, '"', false)?)),
                _ => {}
            },
            _ => {}
        }
        let end = rest.find(|c: char| !(is_name_start(c) || c.is_ascii_digit() || c == '$'));
        Ok((TokenKind::Word, end.unwrap_or(rest.len())))
    }

    /// Returns the length of a quoted text whose first quote follows a prefix.
    fn quoted(&self, prefix: usize, quote: char, has_escapes: bool) -> Result<usize, Unreadable> {
        let bytes = self.rest().as_bytes();
        let mut at = prefix + 1;
        while at < bytes.len() {
            let byte = bytes[at];
            if has_escapes && byte == b'\\' {
                at += 2;
            } else if byte == quote as u8 {
                if bytes.get(at + 1) != Some(&byte) {
                    return Ok(at + 1);
                }
                at += 2;
            } else {
                at += 1;
            }
        }
        let what = if quote == '"' { "a quoted name" } else { "a text" };
        Err(Unreadable { line: self.line, message: format!("{what} {UNCLOSED} with {quote}") })
    }

    fn dollar_quoted(&self, tag: &str) -> Result<usize, Unreadable> {
        let rest = self.rest();
        match rest[tag.len()..].find(tag) {
            Some(at) => Ok(tag.len() + at + tag.len()),
            None => Err(Unreadable { line: self.line, message: format!("a text {UNCLOSED} with {tag}") }),
        }
    }

    fn psql_command(&mut self) -> Item<'a> {
        let line = self.line;
        let rest = self.rest();
        let length = rest.find('\n').unwrap_or(rest.len());
        self.advance(length);
        Item::PsqlCommand { line, text: rest[1..length].trim() }
    }

    /// Skips the rest of the line and the rows after it, up to a line `\.`.
    fn skip_rows(&mut self) {
        loop {
            let rest = self.rest();
            let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
            self.advance(length);
            if length == 0 || rest[..length].trim_end() == "\\." {
                return;
            }
        }
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || !c.is_ascii()
}

/// Returns the tag with which a dollar-quoted text begins, such as `$body$`.
fn dollar_tag(rest: &str) -> Option<&str> {
    let length = rest[1..].find('$')? + 1;
    let name = &rest[1..length];
    let is_name = name.chars().all(|c| is_name_start(c) || c.is_ascii_digit());
    (is_name && !name.starts_with(|c: char| c.is_ascii_digit())).then(|| &rest[..=length])
}

/// Returns the content of a string constant, and how many line ends come before it inside the token.
pub fn content(token: &str) -> Cow<'_, str> {
    if let Some(tag) = token.starts_with('$').then(|| dollar_tag(token)).flatten() {
        return Cow::Borrowed(&token[tag.len()..token.len() - tag.len()]);
    }
    let Some(open) = token.find('\'') else { return Cow::Borrowed(token) };
    let inner = &token[open + 1..token.len().max(open + 2) - 1];
    let has_escapes = token.starts_with(['e', 'E']);
    match (inner.contains("''"), has_escapes && inner.contains('\\')) {
        (false, false) => Cow::Borrowed(inner),
        (_, false) => Cow::Owned(inner.replace("''", "'")),
        (_, true) => Cow::Owned(unescape(inner)),
    }
}

fn unescape(text: &str) -> String {
    let mut characters = text.chars().peekable();
    let mut plain = String::with_capacity(text.len());
    while let Some(c) = characters.next() {
        match c {
            '\'' => {
                characters.next_if_eq(&'\'');
                plain.push('\'');
            }
            '\\' => match characters.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => {}
            },
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns each statement as its tokens joined by a space, with the line of the first.
    fn statements(source: &str) -> Result<Vec<String>, Unreadable> {
        let mut reader = StatementReader::new(source, 1);
        let mut found = Vec::new();
        while let Some(item) = reader.next_item()? {
            found.push(match item {
                Item::Statement(tokens) => {
                    let words: Vec<&str> = tokens.iter().map(|token| token.text(source)).collect();
                    format!("{}: {}", tokens[0].line, words.join(" "))
                }
                Item::PsqlCommand { line, text } => format!("{line}: \\{text}"),
            });
        }
        Ok(found)
    }

    #[test]
    fn statements_are_split_as_psql_splits_them() {
        for (source, expected) in [
            ("", vec![]),
            (" ;; -- a; b\n/* c; /* d; */ e; */ ;", vec![]),
            ("a;\n\nb", vec!["1: a", "3: b"]),
            ("-- first\n  a 'x;''y' ;b", vec!["2: a 'x;''y'", "2: b"]),
            ("a E'x\\';' ; b", vec!["1: a E'x\\';'", "1: b"]),
            ("a 'x\\' ; b", vec!["1: a 'x\\'", "1: b"]),
            ("a \"x;\"\"y\"; b", vec!["1: a \"x;\"\"y\"", "1: b"]),
            ("do $a$ x; $$ y; $b$ $a$; b$c$d ; e", vec!["1: do $a$ x; $$ y; $b$ $a$", "1: b$c$d", "1: e"]),
            ("a $1; b", vec!["1: a $ 1", "1: b"]),
            ("create rule r do (a; b); c", vec!["1: create rule r do ( a ; b )", "1: c"]),
            (
                "create function f() begin atomic select case when a then b end; c; end; d",
                vec!["1: create function f ( ) begin atomic select case when a then b end ; c ; end", "1: d"],
            ),
            ("begin; a; end; b", vec!["1: begin", "1: a", "1: end", "1: b"]),
            ("\\set x ';'\na \\gexec\nb;", vec!["1: \\set x ';'", "2: a", "2: \\gexec", "3: b"]),
            ("copy t from stdin;\n1;2\n'\n\\.\na;", vec!["1: copy t from stdin", "5: a"]),
            ("a -- \u{e4}\r\n;\r\n\u{e4}b;", vec!["1: a", "3: \u{e4}b"]),
            ("\u{feff}a;", vec!["1: a"]),
        ] {
            assert_eq!(statements(source).expect(source), expected, "{source}");
        }
    }

    #[test]
    fn what_does_not_end_is_reported_with_its_line() {
        for (source, line, closing) in
            [("a;\n'b;\n", 2, "'"), ("\n\n\"b", 3, "\""), ("/* /* */", 1, "*/"), ("a\n$x$ $y$", 2, "$x$")]
        {
            let error = statements(source).expect_err(source);
            assert_eq!(error.line, line, "{source}");
            assert!(error.message.ends_with(closing), "{}", error.message);
        }
    }

    #[test]
    fn content_of_a_text_is_unquoted() {
        for (token, expected) in
            [("'a''b'", "a'b"), ("E'a\\'b\\n'", "a'b\n"), ("$$a$$", "a"), ("$x$a'b$x$", "a'b"), ("''", "")]
        {
            assert_eq!(content(token), expected);
        }
    }
}
