//! Which tables of lesson sessions a database has, and which of them are refused. Pure.

use super::shape::{self, COMPANIONS};
use crate::migrate::catalog::{Catalog, Relation};
use crate::migrate::moves::recognition::Rows;

/// The tables that become `sessions`, newest first.
pub const SOURCES: [&str; 2] = ["tutor_sessions", "tutoring_sessions"];
/// Indexes and sequences of `public.sessions`.
pub const NAMES: [&str; 7] = [
    "idx_sessions_enrollment",
    "idx_sessions_date",
    "idx_sessions_status",
    "idx_sessions_featured",
    "idx_sessions_recurring",
    "sessions_pkey",
    "sessions_id_seq",
];

/// What was recognised.
#[derive(Debug, Default)]
pub struct Recognised<'a> {
    pub state: LessonState,
    /// The table whose rows become `sessions`.
    pub source: Option<&'a Relation>,
    /// An empty `sessions` that makes room for the new one.
    pub gives_way: Option<&'a Relation>,
    /// An empty table of the other name, which stays.
    pub left: Option<&'a Relation>,
    pub conflicts: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum LessonState {
    /// There is nothing to move; versioned SQL creates what is missing.
    #[default]
    Absent,
    /// `public.sessions` has its present shape.
    Present,
    /// The move creates `public.sessions`.
    Pending,
}

/// Returns the tables whose rows decide what is recognised.
pub fn candidates(catalog: &Catalog) -> Vec<&Relation> {
    let names = SOURCES.into_iter().chain(["sessions"]);
    names.filter_map(|name| catalog.table("public", name)).filter(|table| table.is_table()).collect()
}

/// Recognises the tables. `rows` says which of [`candidates`] have rows.
pub fn recognise<'a>(catalog: &'a Catalog, rows: &Rows) -> Recognised<'a> {
    let mut found = Recognised::default();
    found.conflicts.extend(COMPANIONS.iter().filter_map(|companion| shape::companion_problem(catalog, companion)));
    let is_unused = |table: &Relation| {
        let is_used = !table.referenced_by.is_empty() || !table.dependents.is_empty();
        table.is_table() && rows.get(&table.oid) == Some(&false) && !is_used
    };
    let mut sources: Vec<&Relation> = SOURCES.iter().filter_map(|name| catalog.table("public", name)).collect();
    let sessions = catalog.table("public", "sessions");
    if sources.len() == 2 {
        let unused = sources.iter().rposition(|table| is_unused(table));
        match unused {
            Some(at) => found.left = Some(sources.remove(at)),
            None => found.conflicts.push(both(sources[0], sources[1])),
        }
    }
    let source = sources.first().copied();
    match (sessions, source) {
        (None, None) => {
            if is_name_taken(catalog) {
                found.state = LessonState::Pending;
            }
        }
        (Some(sessions), None) => {
            found.conflicts.extend(shape::sessions_problem(sessions));
            found.state = LessonState::Present;
        }
        (None, Some(source)) => found.state = found.pending(source, catalog),
        (Some(sessions), Some(source)) => match shape::sessions_problem(sessions) {
            Some(problem) => found.conflicts.push(problem),
            None if is_unused(source) => {
                found.state = LessonState::Present;
                found.left = Some(source);
            }
            None if is_unused(sessions) => {
                found.gives_way = Some(sessions);
                found.state = found.pending(source, catalog);
            }
            None => found.conflicts.push(both(source, sessions)),
        },
    }
    found
}

impl<'a> Recognised<'a> {
    fn pending(&mut self, source: &'a Relation, catalog: &Catalog) -> LessonState {
        self.source = Some(source);
        self.conflicts.extend(shape::source_problem(source, catalog));
        LessonState::Pending
    }
}

fn both(first: &Relation, second: &Relation) -> String {
    format!(
        "{} and {} both hold lesson sessions: keep one of them: move the rows of the other into it, then rename or drop \
         the other",
        first.full_name(),
        second.full_name()
    )
}

/// Reports whether another table has an index or sequence with a name of `sessions`.
fn is_name_taken(catalog: &Catalog) -> bool {
    !holders(catalog, None).is_empty()
}

/// An index or sequence that has a name of `public.sessions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub oid: i64,
    pub is_index: bool,
    pub name: String,
    /// Name of its table.
    pub table: String,
    pub table_oid: i64,
}

/// Returns the indexes and sequences that have a name of `public.sessions`, apart from those of one table.
pub fn holders(catalog: &Catalog, except: Option<i64>) -> Vec<Holder> {
    let tables = catalog.tables.iter().filter(|table| table.schema == "public" && Some(table.oid) != except);
    let mut holders = Vec::new();
    for table in tables {
        let holder = |oid, is_index, name: &str| Holder {
            oid,
            is_index,
            name: name.to_owned(),
            table: table.name.clone(),
            table_oid: table.oid,
        };
        let is_taken = |name: &str| NAMES.contains(&name);
        let indexes = table.indexes.iter().filter(|index| is_taken(&index.name));
        holders.extend(indexes.map(|index| holder(index.oid, true, &index.name)));
        let sequences =
            table.sequences.iter().filter(|sequence| sequence.schema == "public" && is_taken(&sequence.name));
        holders.extend(sequences.map(|sequence| holder(sequence.oid, false, &sequence.name)));
    }
    holders
}

impl Holder {
    /// Returns the name after its own table.
    pub fn new_name(&self) -> String {
        let rest = self.name.strip_prefix("idx_sessions_").or_else(|| self.name.strip_prefix("sessions_"));
        let rest = rest.unwrap_or(&self.name);
        let table: String = self.table.chars().take(40).collect();
        if self.is_index && rest != "pkey" { format!("idx_{table}_{rest}") } else { format!("{table}_{rest}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::catalog::{Constraint, InboundKey, Index, RelationColumn};

    fn table(oid: i64, name: &str, columns: &[(&str, &str)]) -> Relation {
        let column = |(name, data_type): &(&str, &str)| RelationColumn {
            name: (*name).to_owned(),
            data_type: (*data_type).to_owned(),
            ..RelationColumn::default()
        };
        let key = Constraint { kind: "p".into(), columns: vec!["id".into()], ..Constraint::default() };
        Relation {
            oid,
            schema: "public".into(),
            name: name.into(),
            kind: "r".into(),
            is_owned: true,
            columns: columns.iter().map(column).collect(),
            constraints: vec![key],
            ..Relation::default()
        }
    }

    fn old(oid: i64, name: &str) -> Relation {
        table(
            oid,
            name,
            &[
                ("id", "integer"),
                ("tutor_id", "integer"),
                ("student_id", "integer"),
                ("session_date", "date"),
                ("start_time", "time without time zone"),
                ("end_time", "time without time zone"),
            ],
        )
    }

    fn with(tables: Vec<Relation>) -> Catalog {
        Catalog { tables, ..Catalog::default() }
    }

    #[test]
    fn older_table_is_pending() {
        for name in SOURCES {
            let catalog = with(vec![old(1, name)]);
            let found = recognise(&catalog, &Rows::from([(1, true)]));
            assert_eq!((found.state, &found.conflicts), (LessonState::Pending, &vec![]), "{name}");
        }
    }

    #[test]
    fn empty_second_table_is_no_conflict() {
        let catalog = with(vec![old(1, SOURCES[0]), old(2, SOURCES[1])]);
        for (first, second, source) in [(true, false, Some(1)), (false, false, Some(1)), (false, true, Some(2))] {
            let found = recognise(&catalog, &Rows::from([(1, first), (2, second)]));
            assert_eq!((found.source.map(|table| table.oid), &found.conflicts), (source, &vec![]));
        }
        let found = recognise(&catalog, &Rows::from([(1, true), (2, true)]));
        assert_eq!(found.conflicts.len(), 1);
        let mut used = catalog.clone();
        used.tables[1].referenced_by.push(InboundKey::default());
        assert_eq!(recognise(&used, &Rows::from([(1, true), (2, false)])).conflicts.len(), 1, "something refers to it");
    }

    #[test]
    fn sessions_of_another_system_are_refused() {
        for (columns, part) in [
            (
                vec![("id", "integer"), ("enrolled_courses_id", "integer"), ("session_date", "date")],
                "enrolled_courses_id",
            ),
            (vec![("id", "text"), ("payload", "text")], "another shape"),
        ] {
            let catalog = with(vec![table(1, "sessions", &columns)]);
            let found = recognise(&catalog, &Rows::from([(1, true)]));
            assert!(found.conflicts.iter().any(|problem| problem.contains(part)), "{:?}", found.conflicts);
        }
        let catalog = with(vec![table(1, "users", &[("id", "uuid"), ("login", "text")])]);
        assert!(recognise(&catalog, &Rows::new()).conflicts[0].contains("public.users"));
    }

    #[test]
    fn name_of_another_tables_index_is_taken() {
        let mut board = table(1, "whiteboard_sessions", &[("id", "integer")]);
        board.indexes.push(Index { oid: 7, name: "idx_sessions_status".into(), ..Index::default() });
        let catalog = with(vec![board]);
        let found = recognise(&catalog, &Rows::new());
        assert_eq!(found.state, LessonState::Pending);
        assert_eq!(holders(&catalog, None)[0].new_name(), "idx_whiteboard_sessions_status");
    }
}
