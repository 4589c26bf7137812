//! One Rust file as the rules see it: its paths, items, functions and words, read from its tokens.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::ops::Range;

/// The facts of one Rust file that the rules are checked against.
pub struct SourceFile {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    pub lines: usize,
    pub paths: Vec<PathUse>,
    pub items: Vec<Item>,
    pub functions: Vec<Function>,
    /// Names of `mod name;` declarations below `#[cfg(test)]`.
    pub test_modules: Vec<String>,
    pub words: Vec<Word>,
    /// Lines on which a method such as `execute` receives a string literal.
    pub raw_statements: Vec<usize>,
    /// The whole file is test code, by its name or by the declaration of its module.
    pub is_test: bool,
}

/// A path such as `crate::outbox::enqueue`, imported or written inline.
#[derive(Debug)]
pub struct PathUse {
    pub segments: Vec<String>,
    pub line: usize,
    /// Set for a leaf of a `use` tree.
    pub import: Option<Import>,
    /// Inline modules around the path, from the outside in.
    pub inside: Vec<String>,
    pub is_test: bool,
}

/// What a leaf of a `use` tree adds to its module.
#[derive(Debug, PartialEq)]
pub enum Import {
    Name(String),
    Glob,
    /// An import inside a function: no other module sees the name.
    Local,
}

/// An item of a module: a type, function, trait, constant, inline module or macro.
pub struct Item {
    pub name: String,
    pub keyword: String,
    pub inside: Vec<String>,
}

/// A function from its `fn` to its closing brace.
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
    pub is_test: bool,
}

/// An identifier or a word of a comment.
pub struct Word {
    pub text: String,
    pub line: usize,
}

impl SourceFile {
    /// Reads a file. `path` is relative to the root of the repository.
    pub fn parse(path: &str, text: &str) -> Self {
        let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: not Rust: {error}"));
        let mut file = SourceFile {
            path: path.to_owned(),
            lines: text.lines().count(),
            paths: Vec::new(),
            items: Vec::new(),
            functions: Vec::new(),
            test_modules: Vec::new(),
            words: Vec::new(),
            raw_statements: Vec::new(),
            is_test: is_test_path(path),
        };
        file.words = words(&stream, text);
        let scope = Scope { is_module: true, inside: Vec::new(), is_test: false };
        file.walk(&stream.into_iter().collect::<Vec<_>>(), &scope);
        file
    }

    /// Reports whether the file is called `name.rs` or lies below a folder `name`.
    pub fn is_called(&self, name: &str) -> bool {
        self.path.strip_suffix(".rs").unwrap_or(&self.path).split('/').any(|part| part == name)
    }

    /// Reports whether the file is an interface: `cli.rs`, `api.rs`, `pages.rs` or below such a folder.
    pub fn is_interface(&self) -> bool {
        ["cli", "api", "pages"].iter().any(|name| self.is_called(name))
    }
}

fn is_test_path(path: &str) -> bool {
    let mut parts = path.split('/').rev();
    let name = parts.next().unwrap_or_default();
    name == "tests.rs" || name == "testing.rs" || parts.any(|folder| folder == "tests" || folder == "testing")
}

/// The module, block and kind of code around a list of tokens.
#[derive(Clone)]
struct Scope {
    is_module: bool,
    inside: Vec<String>,
    is_test: bool,
}

impl Scope {
    fn of_module(&self, name: &str, is_test: bool) -> Self {
        let inside = self.inside.iter().cloned().chain([name.to_owned()]).collect();
        Scope { is_module: true, inside, is_test: self.is_test || is_test }
    }

    fn of_block(&self, is_test: bool) -> Self {
        Scope { is_module: false, inside: self.inside.clone(), is_test: self.is_test || is_test }
    }
}

const ITEM_KEYWORDS: &[&str] = &["struct", "enum", "trait", "type", "const", "static", "fn"];

/// Methods of sqlx that run a statement given as text.
const STATEMENT_METHODS: &[&str] = &["execute", "execute_many", "fetch", "fetch_all", "fetch_one", "fetch_optional"];

impl SourceFile {
    fn walk(&mut self, tokens: &[TokenTree], scope: &Scope) {
        let mut at = 0;
        // Whether the item at hand carries `#[cfg(test)]`.
        let mut is_test = false;
        let mut module = None;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(ident) if *ident == "mod" && scope.is_module => {
                    module = name_at(tokens, at + 1);
                    self.add_module(tokens, at, is_test, scope);
                }
                TokenTree::Ident(ident) if *ident == "use" && !is_punct(tokens.get(at + 1), '<') => {
                    at =
                        self.add_imports(tokens, at + 1, &Scope { is_test: scope.is_test || is_test, ..scope.clone() });
                    is_test = false;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    let keyword = ident.to_string();
                    self.add_item(tokens, at, &keyword, is_test, scope);
                    if let Some(end) = self.add_path(tokens, at, scope.is_test || is_test, scope) {
                        at = end;
                        continue;
                    }
                }
                TokenTree::Group(group) => {
                    is_test |= is_cfg_test(tokens, at, group);
                    self.add_statement(tokens, at, group);
                    let is_block = group.delimiter() == Delimiter::Brace;
                    let inner = match module.take().filter(|_| is_block) {
                        Some(name) => scope.of_module(&name, is_test),
                        None => scope.of_block(is_test),
                    };
                    self.walk(&group.stream().into_iter().collect::<Vec<_>>(), &inner);
                    is_test &= !is_block;
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => (is_test, module) = (false, None),
                _ => {}
            }
            at += 1;
        }
    }

    fn add_module(&mut self, tokens: &[TokenTree], at: usize, is_test: bool, scope: &Scope) {
        let Some(name) = name_at(tokens, at + 1) else { return };
        let is_inline = matches!(tokens.get(at + 2), Some(TokenTree::Group(_)));
        if is_inline {
            self.items.push(Item { name, keyword: "mod".to_owned(), inside: scope.inside.clone() });
        } else if is_test {
            self.test_modules.push(name);
        }
    }

    fn add_item(&mut self, tokens: &[TokenTree], at: usize, keyword: &str, is_test: bool, scope: &Scope) {
        let named = match keyword {
            "macro_rules" => name_at(tokens, at + 2),
            _ if ITEM_KEYWORDS.contains(&keyword) => name_at(tokens, at + 1),
            _ => None,
        };
        let Some(name) = named.filter(|name| !ITEM_KEYWORDS.contains(&name.as_str())) else { return };
        if keyword == "fn"
            && let Some(body) = body_after(tokens, at)
        {
            let line = tokens[at].span().start().line;
            let lines = body.span_close().end().line + 1 - line;
            self.functions.push(Function { name: name.clone(), line, lines, is_test: scope.is_test || is_test });
        }
        if scope.is_module {
            self.items.push(Item { name, keyword: keyword.to_owned(), inside: scope.inside.clone() });
        }
    }

    /// Records an inline path that starts at `at` and returns the position after it.
    fn add_path(&mut self, tokens: &[TokenTree], at: usize, is_test: bool, scope: &Scope) -> Option<usize> {
        if at >= 2 && is_double_colon(tokens, at - 2) {
            return None;
        }
        let mut segments = vec![name_at(tokens, at)?];
        let mut end = at + 1;
        while is_double_colon(tokens, end)
            && let Some(name) = name_at(tokens, end + 2)
        {
            segments.push(name);
            end += 3;
        }
        if segments.len() < 2 {
            return None;
        }
        let line = tokens[at].span().start().line;
        self.paths.push(PathUse { segments, line, import: None, inside: scope.inside.clone(), is_test });
        Some(end)
    }

    /// Records the leaves of a `use` tree and returns the position after its semicolon.
    fn add_imports(&mut self, tokens: &[TokenTree], start: usize, scope: &Scope) -> usize {
        let length = tokens[start..].iter().position(|token| is_punct(Some(token), ';'));
        let end = length.map_or(tokens.len(), |length| start + length);
        let mut leaves = Vec::new();
        add_leaves(&tokens[start..end], &[], &mut leaves);
        for (segments, line, import) in leaves {
            let import = if scope.is_module { import } else { Import::Local };
            let inside = scope.inside.clone();
            self.paths.push(PathUse { segments, line, import: Some(import), inside, is_test: scope.is_test });
        }
        end + 1
    }

    fn add_statement(&mut self, tokens: &[TokenTree], at: usize, group: &Group) {
        let method = at.checked_sub(1).and_then(|before| name_at(tokens, before));
        let is_method = at >= 2 && is_punct(tokens.get(at - 2), '.');
        let argument = group.stream().into_iter().find(|token| !is_punct(Some(token), '&'));
        let is_text = matches!(argument, Some(TokenTree::Literal(literal)) if literal.to_string().contains('"'));
        if is_method && is_text && method.is_some_and(|name| STATEMENT_METHODS.contains(&name.as_str())) {
            self.raw_statements.push(group.span_open().start().line);
        }
    }
}

type Leaf = (Vec<String>, usize, Import);

fn add_leaves(tokens: &[TokenTree], prefix: &[String], leaves: &mut Vec<Leaf>) {
    for branch in tokens.split(|token| is_punct(Some(token), ',')) {
        add_branch(branch, prefix, leaves);
    }
}

fn add_branch(tokens: &[TokenTree], prefix: &[String], leaves: &mut Vec<Leaf>) {
    let mut segments = prefix.to_vec();
    let mut alias = None;
    let Some(line) = tokens.first().map(|token| token.span().start().line) else { return };
    let mut tokens = tokens.iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if *ident == "as" => alias = tokens.next().map(ToString::to_string),
            TokenTree::Ident(ident) => segments.push(plain(&ident.to_string())),
            TokenTree::Group(group) => {
                return add_leaves(&group.stream().into_iter().collect::<Vec<_>>(), &segments, leaves);
            }
            TokenTree::Punct(punct) if punct.as_char() == '*' => return leaves.push((segments, line, Import::Glob)),
            _ => {}
        }
    }
    if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
        segments.pop();
    }
    let name = alias.or_else(|| segments.last().cloned()).unwrap_or_default();
    leaves.push((segments, line, Import::Name(name)));
}

fn plain(ident: &str) -> String {
    ident.strip_prefix("r#").unwrap_or(ident).to_owned()
}

fn name_at(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(ident)) => Some(plain(&ident.to_string())),
        _ => None,
    }
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn is_double_colon(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn body_after(tokens: &[TokenTree], at: usize) -> Option<&Group> {
    for token in &tokens[at..] {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return Some(group),
            token if is_punct(Some(token), ';') => return None,
            _ => {}
        }
    }
    None
}

fn is_cfg_test(tokens: &[TokenTree], at: usize, group: &Group) -> bool {
    at > 0
        && is_punct(tokens.get(at - 1), '#')
        && group.delimiter() == Delimiter::Bracket
        && group.stream().into_iter().next().is_some_and(|first| first.to_string() == "cfg")
        && group.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// Returns the identifiers and the words of the comments; text in literals is left out.
fn words(stream: &TokenStream, text: &str) -> Vec<Word> {
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    let mut words = Vec::new();
    let mut end = 0;
    let mut line = LineCounter { text, at: 0, line: 1 };
    for (range, is_ident) in tokens {
        // The several tokens of one doc comment have the same place.
        if range.start < end {
            continue;
        }
        add_words(&text[end..range.start], line.at(end), &mut words);
        if is_ident {
            words.push(Word { text: plain(&text[range.clone()]), line: line.at(range.start) });
        } else if is_comment(&text[range.clone()]) {
            add_words(&text[range.clone()], line.at(range.start), &mut words);
        }
        end = range.end;
    }
    add_words(&text[end..], line.at(end), &mut words);
    words
}

fn is_comment(text: &str) -> bool {
    text.starts_with("//") || text.starts_with("/*")
}

fn add_words(comment: &str, first_line: usize, words: &mut Vec<Word>) {
    for (offset, line) in comment.split('\n').enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        words.push(Word { text: line.to_owned(), line: first_line + offset });
    }
}

fn flatten(stream: &TokenStream, tokens: &mut Vec<(Range<usize>, bool)>) {
    for token in stream.clone() {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = (group.span_open().byte_range(), group.span_close().byte_range());
                tokens.push((open, false));
                flatten(&group.stream(), tokens);
                tokens.push((close, false));
            }
            TokenTree::Ident(ident) => tokens.push((ident.span().byte_range(), true)),
            other => tokens.push((other.span().byte_range(), false)),
        }
    }
}

/// Counts lines on the way through a text.
struct LineCounter<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl LineCounter<'_> {
    fn at(&mut self, to: usize) -> usize {
        self.line += self.text[self.at..to].bytes().filter(|byte| *byte == b'\n').count();
        self.at = to;
        self.line
    }
}
