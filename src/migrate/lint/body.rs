//! Finds the SQL statements inside the body of a function or a `DO` block. Pure.

use super::cursor::TokenCursor;
use super::lexer::{TokenKind, content};

/// The name that stands for one that a program puts together.
pub const CHOSEN_NAME: &str = "_name_";

/// A statement inside a body.
#[derive(Debug)]
pub enum Inner<'a> {
    Statement(TokenCursor<'a>),
    /// The text of `EXECUTE`; none if it does not begin with a constant.
    Dynamic {
        line: u32,
        sql: Option<String>,
    },
}

/// Statements that are judged; everything else in a body is the language's own.
const STATEMENTS: &[&str] = &[
    "alter", "create", "drop", "update", "delete", "insert", "merge", "truncate", "lock", "refresh", "vacuum",
    "cluster", "reindex", "with", "select", "set", "reset", "call", "commit", "rollback", "comment", "perform",
];

/// Returns what a piece of a body executes, between two semicolons.
pub fn executed(mut rest: TokenCursor<'_>) -> Option<Inner<'_>> {
    loop {
        if rest.eat_any(&["begin", "loop", "else", "declare", "exception"]) {
        } else if rest.is_any(&["if", "elsif", "elseif", "when"]) {
            rest = rest.find("then")?;
            rest.skip(1);
        } else if rest.is_any(&["for", "foreach", "while"]) {
            rest = rest.find("loop")?;
            rest.skip(1);
        } else if rest.eat("< <") {
            rest.skip(3);
        } else {
            break;
        }
    }
    if rest.is("execute") {
        let line = rest.line();
        rest.skip(1);
        return Some(Inner::Dynamic { line, sql: dynamic(rest) });
    }
    if rest.is("return query") {
        rest.skip(2);
    }
    rest.is_any(STATEMENTS).then_some(Inner::Statement(rest))
}

/// Returns the SQL that an expression puts together, with a name in place of what is not constant.
fn dynamic(mut rest: TokenCursor<'_>) -> Option<String> {
    while rest.is("(") {
        rest = rest.eat_parentheses()?;
    }
    if rest.eat("format") {
        rest = rest.eat_parentheses()?;
        let template = rest.tokens.first().filter(|token| token.kind == TokenKind::Text)?;
        return Some(filled(&content(template.text(rest.source))));
    }
    rest.tokens.first().filter(|token| token.kind == TokenKind::Text)?;
    let mut sql = String::new();
    while !rest.is_at_end() && !rest.is_any(&["using", "into"]) {
        match rest.tokens.first() {
            Some(token) if token.kind == TokenKind::Text => sql.push_str(&content(token.text(rest.source))),
            Some(token) if token.kind == TokenKind::Word && !sql.ends_with(CHOSEN_NAME) => sql.push_str(CHOSEN_NAME),
            _ => {}
        }
        rest.skip_group();
    }
    Some(sql)
}

/// Fills the places of a template of `format()`.
fn filled(template: &str) -> String {
    let mut sql = String::with_capacity(template.len());
    let mut characters = template.chars();
    while let Some(c) = characters.next() {
        if c != '%' {
            sql.push(c);
            continue;
        }
        match characters.find(|c| c.is_ascii_alphabetic() || *c == '%') {
            Some('%') => sql.push('%'),
            Some('L') => sql.push_str("''"),
            _ => sql.push_str(CHOSEN_NAME),
        }
    }
    sql
}
