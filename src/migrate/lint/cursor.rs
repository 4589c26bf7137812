//! A position in the tokens of a statement. Pure.

use std::fmt;

use super::lexer::{SqlToken, TokenKind};

/// A name with its schema, as the statement writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ObjectName {
    pub schema: Option<String>,
    pub name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(out, "{}.", quoted(schema))?;
        }
        write!(out, "{}", quoted(&self.name))
    }
}

/// Quotes a name if it needs quotes.
pub fn quoted(name: &str) -> String {
    let is_plain = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c == '_' || c.is_ascii_digit() || c.is_ascii_lowercase());
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A position in the tokens of a statement.
#[derive(Debug, Clone, Copy)]
pub struct TokenCursor<'a> {
    pub source: &'a str,
    pub tokens: &'a [SqlToken],
}

impl<'a> TokenCursor<'a> {
    pub fn new(source: &'a str, tokens: &'a [SqlToken]) -> Self {
        TokenCursor { source, tokens }
    }

    pub fn is_at_end(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The text of a token, counted from the position; empty behind the end.
    pub fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text(self.source))
    }

    pub fn kind(&self) -> Option<TokenKind> {
        self.tokens.first().map(|token| token.kind)
    }

    /// Reports whether the tokens at the position are these words or symbols.
    pub fn is(&self, words: &str) -> bool {
        for (at, word) in words.split(' ').enumerate() {
            let Some(token) = self.tokens.get(at) else { return false };
            let is_quoted = matches!(token.kind, TokenKind::QuotedName | TokenKind::Text);
            if is_quoted || !token.text(self.source).eq_ignore_ascii_case(word) {
                return false;
            }
        }
        true
    }

    pub fn is_any(&self, choices: &[&str]) -> bool {
        choices.iter().any(|words| self.is(words))
    }

    /// Moves behind these words if they are at the position.
    pub fn eat(&mut self, words: &str) -> bool {
        let found = self.is(words);
        if found {
            self.skip(words.split(' ').count());
        }
        found
    }

    /// Moves behind the first of the choices that is at the position.
    pub fn eat_any(&mut self, choices: &[&str]) -> bool {
        choices.iter().any(|words| self.eat(words))
    }

    pub fn skip(&mut self, tokens: usize) {
        self.tokens = self.tokens.get(tokens..).unwrap_or_default();
    }

    /// Moves behind one token, or behind the bracket that it opens.
    pub fn skip_group(&mut self) {
        self.skip(self.group_length());
    }

    /// Returns the tokens inside the parentheses at the position and moves behind them.
    pub fn eat_parentheses(&mut self) -> Option<TokenCursor<'a>> {
        if !self.is("(") {
            return None;
        }
        let length = self.group_length();
        let inside = self.tokens.get(1..length.max(2) - 1).unwrap_or_default();
        self.skip(length);
        Some(TokenCursor { source: self.source, tokens: inside })
    }

    fn group_length(&self) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate() {
            if token.kind == TokenKind::Symbol {
                match token.text(self.source) {
                    "(" | "[" => depth += 1,
                    ")" | "]" => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            if depth == 0 {
                return at + 1;
            }
        }
        self.tokens.len()
    }

    /// Returns the position at which these words stand outside parentheses.
    pub fn find(&self, words: &str) -> Option<TokenCursor<'a>> {
        let mut rest = *self;
        while !rest.is_at_end() {
            if rest.is(words) {
                return Some(rest);
            }
            rest.skip_group();
        }
        None
    }

    pub fn contains(&self, words: &str) -> bool {
        self.find(words).is_some()
    }

    /// Returns the tokens before another position of the same statement.
    pub fn until(&self, end: &TokenCursor<'a>) -> TokenCursor<'a> {
        let length = self.tokens.len().saturating_sub(end.tokens.len());
        TokenCursor { source: self.source, tokens: &self.tokens[..length] }
    }

    /// Splits at the commas outside parentheses.
    pub fn split_commas(&self) -> Vec<TokenCursor<'a>> {
        let (mut parts, mut start, mut rest) = (Vec::new(), *self, *self);
        while !rest.is_at_end() {
            if rest.is(",") {
                parts.push(start.until(&rest));
                rest.skip(1);
                start = rest;
            } else {
                rest.skip_group();
            }
        }
        parts.push(start);
        parts
    }

    /// Returns one part of a name and moves behind it.
    pub fn eat_identifier(&mut self) -> Option<String> {
        let token = self.tokens.first()?;
        let text = token.text(self.source);
        let name = match token.kind {
            TokenKind::Word => text.to_lowercase(),
            TokenKind::QuotedName => {
                let inner = text.split_once('"')?.1;
                inner.strip_suffix('"').unwrap_or(inner).replace("\"\"", "\"")
            }
            _ => return None,
        };
        self.skip(1);
        Some(name)
    }

    /// Returns a name with or without schema and moves behind it.
    pub fn eat_name(&mut self) -> Option<ObjectName> {
        let mut schema = None;
        let mut name = self.eat_identifier()?;
        while self.is(".") {
            let mut behind = *self;
            behind.skip(1);
            let Some(next) = behind.eat_identifier() else { break };
            *self = behind;
            schema = Some(std::mem::replace(&mut name, next));
        }
        Some(ObjectName { schema, name })
    }

    /// Returns the line of the token at the position; 0 behind the end.
    pub fn line(&self) -> u32 {
        self.tokens.first().map_or(0, |token| token.line)
    }

    /// Returns the source from the first to the last token, on one line and shortened.
    pub fn excerpt(&self, longest: usize) -> String {
        let (Some(first), Some(last)) = (self.tokens.first(), self.tokens.last()) else { return String::new() };
        let source = self.source.get(first.start as usize..last.end as usize).unwrap_or_default();
        let mut text = String::new();
        for word in source.split_whitespace() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.extend(word.chars().take(longest));
            if text.chars().count() > longest {
                return text.chars().take(longest).chain(['…']).collect();
            }
        }
        text
    }
}
