//! Applies the rows of a workbook in the transaction of the caller, and plans thereby what an import does.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use sqlx::{PgConnection, PgPool};

use super::instructors::KnownPeople;
use super::known::{KnownRecords, NamedIds, name_key};
use super::order::ordered;
use super::plan::{CataloguePlan, PlannedRow};
use super::read::{GivenRow, WorkbookRows};
use super::refused::cell_problem;
use super::sheets::{CellKind, SHEETS, SheetKind};
use super::stored::STORED;
use crate::error::Result;
use crate::resources::rows;
use crate::workbook::problems::{Code, ImportProblem, Issue, cell_order};

/// The kinds that rows name.
const NAMED: [SheetKind; 8] = [
    SheetKind::Subjects,
    SheetKind::ExamSessions,
    SheetKind::Groups,
    SheetKind::Products,
    SheetKind::Variations,
    SheetKind::StoreProducts,
    SheetKind::BundleTemplates,
    SheetKind::Locations,
];

/// What is written, or why it is not.
pub(super) type RowResult<T> = std::result::Result<T, Vec<ImportProblem>>;

/// A row that described a record: its number and its values.
pub(super) type Described = (u32, Value);

/// Writes rows one after the other.
pub(super) struct Applier<'a> {
    pub db: &'a mut PgConnection,
    pub pool: &'a PgPool,
    pub letters: &'a BTreeMap<String, String>,
    pub known: KnownRecords,
    pub people: KnownPeople,
    pub plan: CataloguePlan,
    /// The rows that describe a record, by kind and id.
    pub described: HashMap<(SheetKind, i64), Described>,
    /// The rows that describe a product of a bundle, by both ids.
    pub components: HashMap<(i64, i64), Described>,
    /// Names of rejected rows, with their place.
    rejected: HashMap<(SheetKind, String), String>,
}

/// Writes all rows of a workbook that have no problem.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn apply(
    db: &mut PgConnection,
    pool: &PgPool,
    letters: &BTreeMap<String, String>,
    given: &WorkbookRows,
) -> Result<CataloguePlan> {
    let known = KnownRecords::load(db, letters).await?;
    let people = KnownPeople::load(db).await?;
    let plan = CataloguePlan { problems: given.problems.clone(), examples: given.examples, ..CataloguePlan::default() };
    let mut applier = Applier {
        db,
        pool,
        letters,
        known,
        people,
        plan,
        described: HashMap::new(),
        components: HashMap::new(),
        rejected: HashMap::new(),
    };
    let order = ordered(&given.rows);
    for row in order.rows {
        let outcome = match order.circular.contains(&row.number) && row.layout.kind == SheetKind::Groups {
            true => Err(vec![row.problem(
                Some("parent_id"),
                Issue::new(Code::InvalidValue, "the groups above this one lead back to it; correct one of them"),
            )]),
            false => applier.write(row).await?,
        };
        match outcome {
            Ok(planned) => applier.plan.rows.push(planned),
            Err(problems) => applier.reject(row, problems),
        }
    }
    applier.plan.names = NAMED.iter().map(|kind| (*kind, applier.known.names(*kind))).collect();
    let mut plan = applier.plan;
    let place = |name: &str| SHEETS.iter().position(|layout| layout.name == name);
    let sheet_place =
        |name: &str| given.sheets.iter().find(|read| read.sheet.name == name).and_then(|read| place(read.layout.name));
    plan.rows.sort_by_key(|planned| (place(planned.sheet), planned.row));
    plan.problems.sort_by_key(|problem| {
        let sheet = problem.sheet.as_deref();
        (sheet.map(|name| sheet_place(name).unwrap_or(usize::MAX)), problem.row, cell_order(problem.cell.as_deref()))
    });
    Ok(plan)
}

impl Applier<'_> {
    fn reject(&mut self, row: &GivenRow, problems: Vec<ImportProblem>) {
        self.plan.rejected.push((row.layout.kind, row.number));
        self.plan.problems.extend(problems);
        let kind = if row.layout.kind == SheetKind::Bundles { SheetKind::BundleTemplates } else { row.layout.kind };
        let names = STORED.iter().find(|(stored, ..)| *stored == kind).map_or(&[][..], |(.., names)| names);
        for name in names.iter().filter_map(|field| row.text(field)) {
            let place = format!("row {} of \"{}\"", row.number, row.layout.name);
            self.rejected.entry((kind, name_key(kind, name, self.letters))).or_insert(place);
        }
    }

    async fn write(&mut self, row: &GivenRow) -> Result<RowResult<PlannedRow>> {
        let (document, mut problems) = self.document(row);
        problems.extend(self.invalid_values(row, &document));
        problems.extend(self.unsuitable_value(row, &document));
        if !problems.is_empty() || !row.broken.is_empty() {
            return Ok(Err(problems));
        }
        match row.layout.kind {
            SheetKind::StoreProducts | SheetKind::Bundles => self.write_whole(row, document).await,
            SheetKind::BundleProducts => self.write_bundle_product(row, document).await,
            SheetKind::Instructors => self.write_instructor(row, document).await,
            kind => self.store(row, kind, document).await,
        }
    }

    /// Replaces names by ids, and returns the problems of names.
    fn document(&mut self, row: &GivenRow) -> (Map<String, Value>, Vec<ImportProblem>) {
        let (mut document, mut problems) = (Map::new(), Vec::new());
        for given in &row.values {
            let field = given.column.field;
            let value = match (given.column.kind, &given.value) {
                // Looked up when its subject is known: names of bundles are unique within a subject.
                (CellKind::Name(SheetKind::BundleTemplates), name) => Ok(name.clone()),
                (CellKind::Name(kind), Value::String(name)) => self.id_of(kind, name).map(Value::from),
                (CellKind::Names(kind), Value::Array(names)) => {
                    let names = names.iter().filter_map(Value::as_str);
                    let ids: std::result::Result<Vec<i64>, Issue> = names.map(|name| self.id_of(kind, name)).collect();
                    ids.map(Value::from)
                }
                (_, value) => Ok(value.clone()),
            };
            match value {
                Ok(value) => drop(document.insert(field.to_owned(), value)),
                Err(issue) => problems.push(row.problem(Some(field), issue)),
            }
        }
        (document, problems)
    }

    /// Returns the problems of values that no row of this kind may have, whatever the other cells contain.
    fn invalid_values(&self, row: &GivenRow, document: &Map<String, Value>) -> Vec<ImportProblem> {
        let kind = match row.layout.kind {
            SheetKind::Bundles => SheetKind::BundleTemplates,
            SheetKind::BundleProducts => SheetKind::Bundles,
            kind => kind,
        };
        let Some(resource) = self.known.resource(kind) else { return Vec::new() };
        let document = Value::Object(document.clone());
        let document = match row.layout.kind {
            SheetKind::BundleProducts => serde_json::json!({ "components": [document] }),
            _ => document,
        };
        rows::check(resource, &document).iter().map(|error| cell_problem(row, error)).collect()
    }

    /// Returns the problem of a value that depends on other records.
    fn unsuitable_value(&mut self, row: &GivenRow, document: &Map<String, Value>) -> Option<ImportProblem> {
        let (field, issue) = match row.layout.kind {
            SheetKind::BundleProducts => {
                let product = document.get("product_id").and_then(Value::as_i64)?;
                ("bundle_template_id", self.bundle_of(product, row.text("bundle_template_id")?).err()?)
            }
            SheetKind::Instructors => ("email", self.email_problem(row.text("email")?, &row.title())?),
            _ => return None,
        };
        Some(row.problem(Some(field), issue))
    }

    pub(super) fn id_of(&mut self, kind: SheetKind, name: &str) -> std::result::Result<i64, Issue> {
        match self.known.named(kind, name) {
            NamedIds::One(id) => Ok(id),
            NamedIds::Several(ids) => Err(self.several(kind, name, &ids)),
            NamedIds::None => Err(self.unknown(kind, name)),
        }
    }

    pub(super) fn several(&self, kind: SheetKind, name: &str, ids: &[i64]) -> Issue {
        let noun = noun_of(kind);
        let shown: Vec<String> = ids.iter().filter_map(|id| self.known.shown(kind, *id)).collect();
        let advice = match kind {
            SheetKind::Variations => "write the code, or type and name as listed here",
            SheetKind::Products => "write the full name or the code",
            _ => "give them different names first",
        };
        let message = format!("several {noun}s are called \"{name}\": {}; {advice}", shown.join(", "));
        Issue::new(Code::UnknownReference, message)
    }

    pub(super) fn unknown(&mut self, kind: SheetKind, name: &str) -> Issue {
        let noun = noun_of(kind);
        let message = match self.rejected.get(&(kind, name_key(kind, name, self.letters))) {
            Some(place) => {
                return Issue::new(
                    Code::UnknownReference,
                    format!("the {noun} \"{name}\" has problems in {place}; correct them there"),
                );
            }
            None => format!("no {noun} is called \"{name}\"; correct the name, or add a row for it"),
        };
        Issue::new(Code::UnknownReference, message).with_suggestions(self.known.similar(kind, name))
    }
}

/// Returns the word for one record of a kind.
pub(super) fn noun_of(kind: SheetKind) -> &'static str {
    let kind = if kind == SheetKind::BundleTemplates { SheetKind::Bundles } else { kind };
    SHEETS.iter().find(|sheet| sheet.kind == kind).map_or("record", |sheet| sheet.noun)
}
