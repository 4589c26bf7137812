//! Applies the rows of a workbook in the transaction of the caller, and plans thereby what an import does.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use sqlx::{PgConnection, PgPool};

use super::known::{Found, KnownRecords, name_key};
use super::plan::{CataloguePlan, JournalEntry, PlannedRow, RowOutcome, ValueChange};
use super::read::{CatalogueRows, GivenRow, header_of};
use super::refused::problems_of;
use super::sheets::{CellKind, Kind, STORED};
use crate::error::Result;
use crate::names::fold;
use crate::resources::rows;
use crate::timetable_import::problems::{Code, ImportProblem, Issue};
use crate::tutorials::reference::store as people;
use crate::tutorials::reference::{Instructor, Named};

/// Why a row is not written.
type RowResult<T> = std::result::Result<T, Vec<ImportProblem>>;

/// Writes rows one after the other.
struct Applier<'a> {
    db: &'a mut PgConnection,
    pool: &'a PgPool,
    letters: &'a BTreeMap<String, String>,
    known: KnownRecords,
    instructors: Vec<Named>,
    plan: CataloguePlan,
    /// The rows that describe a record, by kind and id.
    described: HashMap<(Kind, i64), u32>,
    /// Names of rejected rows, with their place.
    rejected: HashMap<(Kind, String), String>,
}

/// Writes all rows of a workbook that have no problem.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn apply(
    db: &mut PgConnection,
    pool: &PgPool,
    letters: &BTreeMap<String, String>,
    given: &CatalogueRows,
) -> Result<CataloguePlan> {
    let known = KnownRecords::load(db, letters).await?;
    let instructors = people::instructors(db).await?;
    let plan = CataloguePlan { problems: given.problems.clone(), examples: given.examples, ..CataloguePlan::default() };
    let (described, rejected) = (HashMap::new(), HashMap::new());
    let mut applier = Applier { db, pool, letters, known, instructors, plan, described, rejected };
    given.rejected.iter().for_each(|row| applier.reject(row, Vec::new()));
    let mut waiting: Vec<&GivenRow> = Vec::new();
    for row in &given.rows {
        if applier.waits(row, &given.rows) { waiting.push(row) } else { applier.apply(row).await? }
    }
    // Groups below groups of later rows: level by level.
    while !waiting.is_empty() {
        let all: Vec<GivenRow> = waiting.iter().map(|row| (*row).clone()).collect();
        let (ready, rest): (Vec<&GivenRow>, Vec<&GivenRow>) =
            waiting.into_iter().partition(|row| !applier.waits(row, &all));
        // What is left are groups below each other: the database says so.
        let (now, later) = if ready.is_empty() { (rest, Vec::new()) } else { (ready, rest) };
        for row in now {
            applier.apply(row).await?;
        }
        waiting = later;
    }
    let mut plan = applier.plan;
    let order =
        |name: &str| super::sheets::SHEETS.iter().position(|sheet| sheet.name.eq_ignore_ascii_case(name.trim()));
    plan.rows.sort_by_key(|planned| (order(&planned.sheet), planned.row));
    plan.problems.sort_by_key(|problem| {
        let cell = problem.cell.as_ref().map(|cell| (cell.len(), cell.clone()));
        (problem.sheet.as_deref().and_then(order), problem.row, cell)
    });
    Ok(plan)
}

impl Applier<'_> {
    /// Reports whether a row names a group that a row of the same sheet is still to create.
    fn waits(&self, row: &GivenRow, all: &[GivenRow]) -> bool {
        let Some(parent) = text_of(row, "parent_id").filter(|_| row.layout.kind == Kind::Groups) else { return false };
        let is_it = |other: &&GivenRow| {
            other.number != row.number
                && other.layout.kind == Kind::Groups
                && ["name", "code"]
                    .iter()
                    .any(|field| text_of(other, field).is_some_and(|name| fold(name) == fold(parent)))
        };
        matches!(self.known.named(Kind::Groups, parent), Found::None(_))
            && !self.rejected.contains_key(&(Kind::Groups, fold(parent)))
            && all.iter().any(|other| is_it(&other))
    }

    async fn apply(&mut self, row: &GivenRow) -> Result<()> {
        if let Err(problems) = self.write(row).await? {
            self.reject(row, problems);
        }
        Ok(())
    }

    fn reject(&mut self, row: &GivenRow, problems: Vec<ImportProblem>) {
        self.plan.rejected += 1;
        self.plan.problems.extend(problems);
        let kind = if row.layout.kind == Kind::Bundles { Kind::BundleTemplates } else { row.layout.kind };
        let names = STORED.iter().find(|(stored, ..)| *stored == kind).map_or(&[][..], |(.., names)| names);
        for name in names.iter().filter_map(|field| text_of(row, field)) {
            let place = format!("row {} of \"{}\"", row.number, row.sheet);
            self.rejected.entry((kind, name_key(kind, name, self.letters))).or_insert(place);
        }
    }

    async fn write(&mut self, row: &GivenRow) -> Result<RowResult<()>> {
        if row.layout.kind == Kind::Instructors {
            return self.write_instructor(row).await;
        }
        let document = match self.document(row) {
            Ok(document) => document,
            Err(problems) => return Ok(Err(problems)),
        };
        match row.layout.kind {
            Kind::StoreProducts => self.write_store_product(row, document).await,
            Kind::Bundles => self.write_bundle(row, document).await,
            Kind::BundleProducts => self.write_bundle_product(row, document).await,
            kind => Ok(self.store(row, kind, document).await?.map(|planned| self.add(planned))),
        }
    }

    /// Replaces names by ids.
    fn document(&self, row: &GivenRow) -> RowResult<Map<String, Value>> {
        let (mut document, mut problems) = (Map::new(), Vec::new());
        for given in &row.values {
            let field = given.column.field;
            let value = match (given.column.kind, &given.value) {
                (CellKind::Name(kind), Value::String(name)) => self.id_of(kind, name).map(Value::from),
                (CellKind::Names(kind), Value::Array(names)) => {
                    let ids: std::result::Result<Vec<i64>, Issue> =
                        names.iter().filter_map(Value::as_str).map(|name| self.id_of(kind, name)).collect();
                    ids.map(Value::from)
                }
                (_, value) => Ok(value.clone()),
            };
            match value {
                Ok(value) => drop(document.insert(field.to_owned(), value)),
                Err(issue) => problems.push(row.problem(Some(field), issue)),
            }
        }
        if problems.is_empty() { Ok(document) } else { Err(problems) }
    }

    fn id_of(&self, kind: Kind, name: &str) -> std::result::Result<i64, Issue> {
        let noun = noun_of(kind);
        match self.known.named(kind, name) {
            Found::One(id) => Ok(id),
            Found::Several(names) => {
                let names = names.join(", ");
                let message = format!("several {noun}s are called \"{name}\": {names}; give them different names");
                Err(Issue::new(Code::UnknownReference, message))
            }
            Found::None(similar) => {
                let message = match self.rejected.get(&(kind, name_key(kind, name, self.letters))) {
                    Some(place) => format!("the {noun} \"{name}\" has problems in {place}; correct them there"),
                    None => format!("no {noun} is called \"{name}\"; correct the name, or add a row for it"),
                };
                Err(Issue::new(Code::UnknownReference, message).with_suggestions(similar))
            }
        }
    }

    /// Creates a row or changes it. Returns what happened.
    async fn store(
        &mut self,
        row: &GivenRow,
        kind: Kind,
        document: Map<String, Value>,
    ) -> Result<RowResult<PlannedRow>> {
        let document = Value::Object(document);
        let id = self.known.find(kind, &document);
        if let Some(other) = id.and_then(|id| self.described.get(&(kind, id))) {
            let message = format!("row {other} describes this {} already; delete one of them", row.layout.noun);
            let issue = Issue::new(Code::DuplicateInFile, message).as_error();
            return Ok(Err(vec![row.problem(None, issue)]));
        }
        self.store_at(row, kind, id, document).await
    }

    async fn store_at(
        &mut self,
        row: &GivenRow,
        kind: Kind,
        id: Option<i64>,
        document: Value,
    ) -> Result<RowResult<PlannedRow>> {
        let Some(resource) = self.known.resource(kind) else { return Ok(Err(Vec::new())) };
        let before = id.and_then(|id| self.known.document(kind, id)).cloned();
        let mut planned = PlannedRow {
            sheet: row.sheet.clone(),
            row: row.number,
            name: row.title(),
            outcome: RowOutcome::Unchanged,
            changes: Vec::new(),
        };
        let given = document.as_object().into_iter().flatten();
        let differs = |before: &Value| given.clone().any(|(field, value)| before[field.as_str()] != *value);
        let after = match &before {
            Some(before) if !differs(before) => before.clone(),
            _ => match rows::write(self.db, self.pool, resource, id, &document).await? {
                Ok(after) => after,
                Err(refused) => return Ok(Err(problems_of(row, &refused))),
            },
        };
        for field in document.as_object().into_iter().flatten().map(|(field, _)| field.as_str()) {
            let old = before.as_ref().map_or(&Value::Null, |before| &before[field]);
            if *old != after[field] && (before.is_some() || !after[field].is_null()) {
                let change = ValueChange {
                    field: header_of(row, field),
                    old: self.named_value(row, field, old),
                    new: self.named_value(row, field, &after[field]),
                };
                planned.changes.push(change);
            }
        }
        planned.outcome = match (&before, planned.changes.is_empty()) {
            (None, _) => RowOutcome::Created,
            (Some(_), true) => RowOutcome::Unchanged,
            (Some(_), false) => RowOutcome::Updated,
        };
        if let Some(id) = after["id"].as_i64() {
            if planned.outcome != RowOutcome::Unchanged {
                let table = resource.table.to_owned();
                self.plan.journal.rows.push(JournalEntry { table, id, before, after: after.clone() });
            }
            self.described.insert((kind, id), row.number);
        }
        self.known.insert(kind, after);
        Ok(Ok(planned))
    }

    /// Returns a value with names in place of ids.
    fn named_value(&self, row: &GivenRow, field: &str, value: &Value) -> Value {
        let column = row.layout.columns.iter().find(|column| column.field == field);
        let name = |kind, value: &Value| {
            let shown = value.as_i64().and_then(|id| self.known.shown(kind, id));
            shown.map_or_else(|| value.clone(), Value::from)
        };
        match (column.map(|column| column.kind), value) {
            (Some(CellKind::Name(kind)), value) => name(kind, value),
            (Some(CellKind::Names(kind)), Value::Array(ids)) => ids.iter().map(|id| name(kind, id)).collect(),
            _ => value.clone(),
        }
    }

    fn add(&mut self, planned: PlannedRow) {
        self.plan.rows.push(planned);
    }

    /// Returns the id of a link between two records, which is created where it is missing.
    async fn link(
        &mut self,
        row: &GivenRow,
        kind: Kind,
        pair: [(&str, Option<&Value>); 2],
    ) -> Result<RowResult<Value>> {
        let link: Map<String, Value> =
            pair.iter().map(|(field, id)| ((*field).to_owned(), id.cloned().unwrap_or_default())).collect();
        let link = Value::Object(link);
        if let Some(id) = self.known.find(kind, &link) {
            return Ok(Ok(id.into()));
        }
        let stored = self.store_at(row, kind, None, link.clone()).await?;
        Ok(stored.map(|_| self.known.find(kind, &link).map_or(Value::Null, Value::from)))
    }

    async fn write_store_product(&mut self, row: &GivenRow, mut given: Map<String, Value>) -> Result<RowResult<()>> {
        let [exam, subject, product, variation] =
            ["exam_session_id", "subject_id", "product_id", "variation_id"].map(|field| given.remove(field));
        let taught = [("exam_session_id", exam.as_ref()), ("subject_id", subject.as_ref())];
        let taught = match self.link(row, Kind::ExamSessionSubjects, taught).await? {
            Ok(taught) => taught,
            Err(problems) => return Ok(Err(problems)),
        };
        let pair = [("product_id", product.as_ref()), ("product_variation_id", variation.as_ref())];
        let pair = match self.link(row, Kind::ProductVariations, pair).await? {
            Ok(pair) => pair,
            Err(problems) => return Ok(Err(problems)),
        };
        given.insert("exam_session_subject_id".into(), taught);
        given.insert("product_product_variation_id".into(), pair);
        Ok(self.store(row, Kind::StoreProducts, given).await?.map(|planned| self.add(planned)))
    }

    async fn write_bundle(&mut self, row: &GivenRow, mut given: Map<String, Value>) -> Result<RowResult<()>> {
        let exam = given.remove("exam_session_id");
        let subject = given.get("subject_id").cloned();
        let template = Value::Object(given);
        let id = self.known.find(Kind::BundleTemplates, &template);
        let mut planned = match self.store_at(row, Kind::BundleTemplates, id, template.clone()).await? {
            Ok(planned) => planned,
            Err(problems) => return Ok(Err(problems)),
        };
        if let Some(exam) = exam {
            let taught = [("exam_session_id", Some(&exam)), ("subject_id", subject.as_ref())];
            let taught = match self.link(row, Kind::ExamSessionSubjects, taught).await? {
                Ok(taught) => taught,
                Err(problems) => return Ok(Err(problems)),
            };
            let template = self.known.find(Kind::BundleTemplates, &template);
            let mut bundle = Map::new();
            bundle.insert("bundle_template_id".into(), template.map_or(Value::Null, Value::from));
            bundle.insert("exam_session_subject_id".into(), taught);
            match self.store(row, Kind::Bundles, bundle).await? {
                Ok(sold) if planned.outcome == RowOutcome::Unchanged => planned.outcome = sold.outcome,
                Ok(_) => {}
                Err(problems) => return Ok(Err(problems)),
            }
        }
        self.add(planned);
        Ok(Ok(()))
    }

    /// Adds a store product to the bundle that its exam session sells, or changes it there.
    async fn write_bundle_product(&mut self, row: &GivenRow, mut given: Map<String, Value>) -> Result<RowResult<()>> {
        let product = given.get("product_id").and_then(Value::as_i64);
        let taught = product.and_then(|id| self.known.document(Kind::StoreProducts, id));
        let taught = taught.map(|product| product["exam_session_subject_id"].clone()).unwrap_or_default();
        let template = given.remove("bundle_template_id").unwrap_or_default();
        let bundle = json!({ "bundle_template_id": template, "exam_session_subject_id": taught });
        let id = self.known.find(Kind::Bundles, &bundle);
        let Some(bundle) = id.and_then(|id| self.known.document(Kind::Bundles, id)) else {
            let message = "no bundle of this name is sold with this product; add a row to \"Bundles\" with its subject and \
                           exam session";
            let issue = Issue::new(Code::UnknownReference, message);
            return Ok(Err(vec![row.problem(Some("bundle_template_id"), issue)]));
        };
        let mut components: Vec<Value> = bundle["components"].as_array().cloned().unwrap_or_default();
        let is_it = |component: &&mut Value| component["product_id"].as_i64() == product;
        let is_new = match components.iter_mut().find(is_it).and_then(Value::as_object_mut) {
            Some(component) => {
                component.extend(given);
                false
            }
            None => {
                components.push(Value::Object(given));
                true
            }
        };
        let stored = self.store_at(row, Kind::Bundles, id, json!({ "components": components })).await?;
        Ok(stored.map(|mut planned| {
            if is_new {
                planned.outcome = RowOutcome::Created;
                planned.changes.clear();
            }
            self.add(planned);
        }))
    }

    async fn write_instructor(&mut self, row: &GivenRow) -> Result<RowResult<()>> {
        let text = |field| text_of(row, field).unwrap_or_default().trim().to_owned();
        let (first_name, last_name, email) = (text("first_name"), text("last_name"), text("email"));
        let name = format!("{first_name} {last_name}").trim().to_owned();
        if let Some(field) = ["first_name", "last_name"].into_iter().find(|field| text(field).chars().count() > 150) {
            let issue = Issue::new(Code::InvalidValue, "a name has at most 150 characters");
            return Ok(Err(vec![row.problem(Some(field), issue)]));
        }
        let mut planned = PlannedRow {
            sheet: row.sheet.clone(),
            row: row.number,
            name: name.clone(),
            outcome: RowOutcome::Unchanged,
            changes: Vec::new(),
        };
        if !self.instructors.iter().any(|known| fold(&known.name) == fold(&name)) {
            let username: String = format!("instructor-{}", fold(&name).replace(' ', ".")).chars().take(150).collect();
            let person = Instructor { username, first_name, last_name, email };
            let created = people::add_instructors(self.db, &[person]).await?;
            self.instructors.push(Named { id: 0, name });
            planned.outcome = RowOutcome::Created;
            self.plan.journal.people.extend(created);
        }
        self.plan.rows.push(planned);
        Ok(Ok(()))
    }
}

fn text_of<'a>(row: &'a GivenRow, field: &str) -> Option<&'a str> {
    row.values.iter().find(|given| given.column.field == field).and_then(|given| given.value.as_str())
}

fn noun_of(kind: Kind) -> &'static str {
    let kind = if kind == Kind::BundleTemplates { Kind::Bundles } else { kind };
    super::sheets::SHEETS.iter().find(|sheet| sheet.kind == kind).map_or("record", |sheet| sheet.noun)
}
