//! Judges statements one after the other. Pure.

use std::collections::HashMap;

use super::alter_table::{self, unknown};
use super::body::{self, CHOSEN_NAME, Inner};
use super::cursor::{ObjectName, TokenCursor};
use super::finding::{Finding, LintReport, LockMode, Risk, StatementEffect};
use super::lexer::{Item, StatementReader, TokenKind, Unreadable, content};
use super::state::{Age, KnownObjects, SqlSession, TakenLock};
use super::{create, data, objects, transaction};

/// Statements without influence on tables, and those that only read.
const READERS: &[&str] = &[
    "select",
    "values",
    "table",
    "show",
    "perform",
    "call",
    "fetch",
    "move",
    "close",
    "declare",
    "deallocate",
    "execute",
    "listen",
    "unlisten",
    "notify",
    "discard",
    "checkpoint",
    "load",
    "analyze",
    "analyse",
    "comment",
    "security label",
    "grant",
    "import foreign schema",
    "copy",
];

/// Judges the statements of one text.
pub struct Judge<'a> {
    pub objects: &'a mut KnownObjects,
    pub session: SqlSession,
    pub report: LintReport,
    /// Functions that the text has created and not called yet: body and line.
    functions: HashMap<String, (String, u32)>,
    depth: u32,
}

/// The deepest nesting of bodies that is judged.
const DEEPEST: u32 = 5;

impl<'a> Judge<'a> {
    pub fn new(objects: &'a mut KnownObjects, session: SqlSession) -> Self {
        Judge { objects, session, report: LintReport::default(), functions: HashMap::new(), depth: 0 }
    }

    /// Judges every statement of a text.
    pub fn text(&mut self, source: &str) -> Result<(), Unreadable> {
        let mut reader = StatementReader::new(source, 1);
        while let Some(item) = reader.next_item()? {
            match item {
                Item::Statement(tokens) => {
                    self.report.statements += 1;
                    let statement = TokenCursor::new(source, &tokens);
                    self.statement(statement, statement.line());
                }
                Item::PsqlCommand { line, text } => self.psql_command(line, text),
            }
        }
        if let Some(open) = self.session.transaction.take().filter(|open| !open.is_implicit) {
            let effect = StatementEffect::mistake("no-commit")
                .because("the transaction is not committed: at the end of the file everything in it is rolled back")
                .instead("COMMIT");
            self.add(effect, open.line, "BEGIN");
        }
        Ok(())
    }

    fn statement(&mut self, statement: TokenCursor<'_>, line: u32) {
        let excerpt = statement.excerpt(160).replace(CHOSEN_NAME, "…");
        if let Some(effects) = transaction::judge(statement, line, &mut self.session, self.objects) {
            effects.into_iter().for_each(|effect| self.add(effect, line, &excerpt));
            return;
        }
        if self.session.transaction.is_some() && transaction::is_impossible_inside(statement) {
            let effect = StatementEffect::mistake("in-transaction")
                .because("it fails inside a transaction")
                .instead("execute it alone: without BEGIN, and not in a DO block or a function");
            self.add(effect, line, &excerpt);
            return;
        }
        for effect in self.effects(statement, line) {
            self.apply(effect, line, &excerpt);
        }
    }

    fn effects(&mut self, statement: TokenCursor<'_>, line: u32) -> Vec<StatementEffect> {
        let mut rest = statement;
        if rest.eat_any(&["alter table", "alter foreign table"]) {
            return alter_table::judge(rest, self.objects, &mut self.session);
        }
        if rest.eat("alter") {
            return objects::judge_alter(rest);
        }
        if rest.eat("create") {
            self.remember_function(rest);
            return create::judge(rest, self.objects);
        }
        if rest.eat("drop") {
            return objects::judge_drop(rest, self.objects);
        }
        if rest.is_any(&["update", "delete", "insert", "merge"]) {
            return vec![data::judge_rows(rest)];
        }
        if rest.is("with") {
            self.calls(rest, line);
            return data::changes_in(rest).into_iter().map(data::judge_rows).collect();
        }
        if rest.eat("explain") {
            let is_executed =
                rest.eat("analyze") || rest.eat_parentheses().is_some_and(|options| options.is("analyze"));
            rest.eat("verbose");
            return if is_executed { self.effects(rest, line) } else { Vec::new() };
        }
        if rest.eat("do") {
            self.do_block(rest, line);
            return Vec::new();
        }
        self.maintenance(rest).unwrap_or_else(|| self.reader(rest, line))
    }

    fn maintenance(&mut self, mut rest: TokenCursor<'_>) -> Option<Vec<StatementEffect>> {
        if rest.eat("truncate") {
            return Some(data::judge_truncate(rest));
        }
        if rest.eat("lock") {
            if self.session.transaction.is_some() {
                return Some(data::judge_lock(rest));
            }
            return Some(vec![
                StatementEffect::mistake("lock-without-transaction")
                    .because("LOCK TABLE fails outside a transaction")
                    .instead("BEGIN before it"),
            ]);
        }
        if rest.eat("vacuum") {
            return Some(vec![data::judge_vacuum(rest)]);
        }
        if rest.eat("cluster") || rest.eat("repack") {
            return Some(vec![data::judge_cluster(rest)]);
        }
        if rest.eat("reindex") {
            return Some(vec![data::judge_reindex(rest)]);
        }
        rest.eat("refresh").then(|| vec![data::judge_refresh(rest)])
    }

    fn reader(&mut self, rest: TokenCursor<'_>, line: u32) -> Vec<StatementEffect> {
        if rest.is("revoke") {
            return vec![
                StatementEffect::note("revoke")
                    .because("programs that use the privilege fail from this moment on")
                    .instead("make sure that no program uses it"),
            ];
        }
        if rest.is("reassign owned") {
            return vec![
                StatementEffect::mistake("reassign-owned")
                    .because("everything that the role owns gets another owner, each object under its own lock")
                    .instead("ALTER … OWNER TO for each object, under a lock_timeout"),
            ];
        }
        if !rest.is_any(READERS) && !rest.is("(") {
            return vec![unknown("a statement", &rest)];
        }
        self.calls(rest, line);
        let target = rest.is("select").then(|| rest.find("into")).flatten().filter(|_| self.depth == 0);
        if let Some(mut target) = target {
            target.skip(1);
            target.eat_any(&["temporary", "temp", "unlogged"]);
            target.eat("table");
            if let Some(name) = target.eat_name() {
                self.objects.insert(&name, Age::New);
            }
        }
        Vec::new()
    }

    fn remember_function(&mut self, mut rest: TokenCursor<'_>) {
        rest.eat("or replace");
        if !rest.eat_any(&["function", "procedure"]) {
            return;
        }
        let Some(name) = rest.eat_name() else { return };
        let is_readable = ["language plpgsql", "language sql"].iter().any(|words| rest.contains(words));
        let Some(mut body) = rest.find("as").filter(|_| is_readable) else { return };
        body.skip(1);
        if let Some(token) = body.tokens.first().filter(|token| token.kind == TokenKind::Text) {
            self.functions.insert(name.name, (content(token.text(rest.source)).into_owned(), token.line));
        }
    }

    /// Judges the functions of the file that a statement calls, each at its first call.
    fn calls(&mut self, statement: TokenCursor<'_>, line: u32) {
        let mut rest = statement;
        while !rest.is_at_end() {
            let Some(name) = rest.eat_name() else {
                rest.skip(1);
                continue;
            };
            let mut arguments = rest;
            let Some(arguments) = arguments.eat_parentheses() else { continue };
            if name.name == "set_config" {
                self.session.set_config(arguments);
            } else if let Some((body, _)) = self.functions.remove(&name.name) {
                self.body(&body, line, Some(line));
            }
        }
    }

    fn do_block(&mut self, rest: TokenCursor<'_>, line: u32) {
        let body = rest.tokens.iter().find(|token| token.kind == TokenKind::Text);
        let language = rest.find("language").map_or("plpgsql", |language| language.text(1));
        let Some(body) = body.filter(|_| language.trim_matches('\'').eq_ignore_ascii_case("plpgsql")) else {
            return self.add(dynamic(), line, &rest.excerpt(160));
        };
        let is_alone = self.session.transaction.is_none();
        if is_alone {
            self.session.begin(line, true);
        }
        self.body(&content(body.text(rest.source)), body.line, None);
        if is_alone {
            self.session.end(self.objects, false);
        }
    }

    /// Judges what a body executes. Its statements have their own lines, or all the given one.
    fn body(&mut self, source: &str, first_line: u32, line: Option<u32>) {
        if self.depth == DEEPEST {
            return self.add(dynamic(), line.unwrap_or(first_line), "");
        }
        self.depth += 1;
        let mut reader = StatementReader::new(source, first_line);
        loop {
            match reader.next_item() {
                Ok(Some(Item::Statement(tokens))) => match body::executed(TokenCursor::new(source, &tokens)) {
                    Some(Inner::Statement(inner)) => self.statement(inner, line.unwrap_or(inner.line())),
                    Some(Inner::Dynamic { line: own, sql }) => self.dynamic(sql.as_deref(), line.unwrap_or(own)),
                    None => {}
                },
                Ok(Some(Item::PsqlCommand { .. })) => {}
                Ok(None) => break,
                Err(error) => {
                    self.add(dynamic(), line.unwrap_or(error.line), "");
                    break;
                }
            }
        }
        self.depth -= 1;
    }

    fn dynamic(&mut self, sql: Option<&str>, line: u32) {
        let source = sql.unwrap_or_default();
        let mut reader = StatementReader::new(source, line);
        let mut is_judged = false;
        while let Ok(Some(item)) = reader.next_item() {
            let Item::Statement(tokens) = item else { continue };
            let statement = TokenCursor::new(source, &tokens);
            is_judged = !statement.is(CHOSEN_NAME);
            if is_judged {
                self.statement(statement, line);
            }
        }
        if !is_judged {
            self.add(dynamic(), line, "EXECUTE …");
        }
    }

    fn psql_command(&mut self, line: u32, text: &str) {
        let command = text.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        let why = match command {
            "i" | "ir" | "include" | "include_relative" => "another file is executed here, which is not judged",
            "gexec" => "the results of the query are executed as statements, which are not judged",
            "!" => "a command of the shell is executed here, which is not judged",
            "c" | "connect" => "from here on another database or user may be meant",
            "if" | "elif" | "else" | "endif" => {
                "whether the next lines are executed depends on a condition; all are judged"
            }
            _ => return,
        };
        let effect = StatementEffect::note("psql-command").because(why).instead("judge what it executes, too");
        self.add(effect, line, &format!("\\{text}"));
    }

    /// Adds what an effect means after the statements before it.
    fn apply(&mut self, mut effect: StatementEffect, line: u32, statement: &str) {
        let age = effect.target.as_ref().map_or(Age::Existing, |target| self.objects.age(target));
        let other = effect.other.take().filter(|(table, _)| self.objects.age(table) == Age::Existing);
        if age == Age::New && !effect.concerns_new {
            if let Some((table, mode)) = other {
                self.take_lock(&table, mode, line, statement);
            }
            return;
        }
        let (target, lock) = (effect.target.clone().filter(|_| age == Age::Existing), effect.lock);
        let context = self.session.transaction.as_mut().and_then(|open| transaction::judge_in(open, &effect));
        if age == Age::PerhapsNew && !effect.concerns_new && effect.risk > Risk::Note {
            effect.risk = Risk::Note;
            effect.why = format!("only if the table existed before this file: {}", effect.why).into();
        }
        self.add(effect, line, statement);
        if let Some(context) = context {
            self.add(context, line, statement);
        }
        if let Some(target) = target {
            if let Some(open) = self.session.transaction.as_mut().filter(|_| lock == LockMode::RowExclusive) {
                open.add_written(&target, line);
            }
            self.take_lock(&target, lock, line, statement);
        }
        if let Some((table, mode)) = other {
            self.take_lock(&table, mode, line, statement);
        }
    }

    fn take_lock(&mut self, table: &ObjectName, mode: LockMode, line: u32, statement: &str) {
        if !mode.blocks_writers() {
            return;
        }
        if let Some(open) = &mut self.session.transaction {
            open.add_lock(TakenLock { table: table.clone(), mode, line });
        }
        if self.session.reports_missing_timeout() {
            let mut effect = StatementEffect::note("no-lock-timeout")
                .on(table)
                .because(
                    "while this waits behind a long query, everybody who comes later waits behind it, and no lock_timeout \
                     limits that",
                )
                .instead("SET lock_timeout = '2s' at the top, and repeat the file when it ends with an error");
            effect.lock = mode;
            self.add(effect, line, statement);
        }
    }

    fn add(&mut self, effect: StatementEffect, line: u32, statement: &str) {
        if effect.risk == Risk::Fine {
            return;
        }
        let is_chosen = |name: &ObjectName| name.to_string().contains(CHOSEN_NAME);
        self.report.add(Finding {
            line,
            severity: effect.risk,
            rule: effect.rule,
            statement: statement.to_owned(),
            object: effect.target.filter(|name| !name.name.is_empty() && !is_chosen(name)).map(|name| name.to_string()),
            lock: effect.lock,
            duration: effect.duration,
            why: effect.why,
            instead: effect.instead,
        });
    }
}

fn dynamic() -> StatementEffect {
    StatementEffect::note("dynamic-sql")
        .because("what is executed here is put together at run time, and cannot be judged")
        .instead("look at what it executes, or write the statements out")
}
