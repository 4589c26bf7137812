//! Writes the record of one row, and the links that it needs.

use serde_json::{Map, Value, json};

use super::apply::{Applier, Described, RowResult};
use super::known::NamedIds;
use super::plan::{JournalEntry, PlannedRow, RowOutcome, shown};
use super::read::GivenRow;
use super::refused::problems_of;
use super::sheets::{CellKind, SheetKind};
use super::store;
use crate::error::Result;
use crate::resources::rows;
use crate::workbook::plan::ValueChange;
use crate::workbook::problems::{Code, ImportProblem, Issue};

/// Fields of a bundle that each exam session has for itself.
const BUNDLE_FIELDS: [&str; 2] = ["is_active", "display_order"];

impl Applier<'_> {
    /// Creates a record or changes it. Returns what happened.
    pub(super) async fn store(
        &mut self,
        row: &GivenRow,
        kind: SheetKind,
        document: Map<String, Value>,
    ) -> Result<RowResult<PlannedRow>> {
        let document = Value::Object(document);
        let id = match self.identified(row, kind, &document) {
            Ok(id) => id,
            Err(problems) => return Ok(Err(problems)),
        };
        if let Some(repeat) = id.and_then(|id| self.described.get(&(kind, id)).cloned()) {
            return Ok(self.repeated(row, &repeat, &document));
        }
        self.store_at(row, kind, id, document).await
    }

    /// Returns the id of the record that a document describes; None for a new one.
    fn identified(&self, row: &GivenRow, kind: SheetKind, document: &Value) -> RowResult<Option<i64>> {
        match self.known.find(kind, document) {
            NamedIds::None => Ok(None),
            NamedIds::One(id) => Ok(Some(id)),
            NamedIds::Several(ids) => {
                let shown: Vec<String> = ids.iter().map(|id| format!("id {id}")).collect();
                let message = format!(
                    "{} {}s have this name ({}), and it is not clear which one is meant; give them different names or \
                     codes first",
                    ids.len(),
                    row.layout.noun,
                    shown.join(", ")
                );
                let first = row.layout.columns.first().map(|column| column.field);
                Err(vec![row.problem(first, Issue::new(Code::NotUnique, message))])
            }
        }
    }

    /// Returns what happens to a row about a record that an earlier row describes already.
    pub(super) fn repeated(
        &mut self,
        row: &GivenRow,
        (earlier, values): &Described,
        document: &Value,
    ) -> RowResult<PlannedRow> {
        let noun = row.layout.noun;
        if values == document {
            let message = format!("row {earlier} says the same of this {noun}; one of them is enough");
            self.plan.problems.push(row.problem(None, Issue::new(Code::DuplicateInFile, message)));
            return Ok(PlannedRow::unchanged(row));
        }
        let message = format!("row {earlier} describes this {noun} already, with other values; delete one of them");
        Err(vec![row.problem(None, Issue::new(Code::DuplicateInFile, message).as_error())])
    }

    /// Writes a record. `id`: None creates it.
    pub(super) async fn store_at(
        &mut self,
        row: &GivenRow,
        kind: SheetKind,
        id: Option<i64>,
        document: Value,
    ) -> Result<RowResult<PlannedRow>> {
        let Some(resource) = self.known.resource(kind) else { return Ok(Err(Vec::new())) };
        let before = id.and_then(|id| self.known.document(kind, id)).cloned();
        let written = self.without_other_spelling(kind, before.as_ref(), &document);
        let differs = |before: &Value| written.iter().any(|(field, value)| before[field.as_str()] != *value);
        let after = match &before {
            Some(before) if !differs(before) => before.clone(),
            _ => match rows::write(self.db, self.pool, resource, id, &Value::Object(written.clone())).await? {
                Ok(after) => after,
                Err(refused) => return Ok(Err(problems_of(row, &refused))),
            },
        };
        let mut planned = PlannedRow::unchanged(row);
        for field in written.keys() {
            let old = before.as_ref().map_or(&Value::Null, |before| &before[field]);
            if *old != after[field] {
                planned.changes.push(ValueChange {
                    field: row.header_of(field),
                    old: self.shown_value(row, field, old),
                    new: self.shown_value(row, field, &after[field]),
                });
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
            self.described.insert((kind, id), (row.number, document));
        }
        self.known.insert(kind, after);
        Ok(Ok(planned))
    }

    /// Returns the values to write. The code of an exam session stays as it is spelt: `26A` is `2026-04`.
    fn without_other_spelling(&self, kind: SheetKind, before: Option<&Value>, document: &Value) -> Map<String, Value> {
        let mut written = document.as_object().cloned().unwrap_or_default();
        if kind == SheetKind::ExamSessions && before.is_some() {
            written.remove("session_code");
        }
        written
    }

    /// Returns a value as users write it, with names in place of ids. None: nothing.
    fn shown_value(&self, row: &GivenRow, field: &str, value: &Value) -> Option<String> {
        let column = row.layout.columns.iter().find(|column| column.field == field);
        let kind = column.map(|column| column.kind);
        let name = |kind, value: &Value| {
            let shown = value.as_i64().and_then(|id| self.known.shown(kind, id));
            shown.map_or_else(|| value.clone(), Value::from)
        };
        match (kind, value) {
            (Some(CellKind::Name(kind)), value) => shown(&name(kind, value)),
            (Some(CellKind::Names(kind)), Value::Array(ids)) => shown(&ids.iter().map(|id| name(kind, id)).collect()),
            (Some(CellKind::Date), Value::String(text)) => Some(text.chars().take(10).collect()),
            _ => shown(value),
        }
    }

    /// Writes a row that needs several records: all of them, or none.
    pub(super) async fn write_whole(
        &mut self,
        row: &GivenRow,
        document: Map<String, Value>,
    ) -> Result<RowResult<PlannedRow>> {
        store::begin_part(self.db).await?;
        let written = self.plan.journal.rows.len();
        let outcome = match row.layout.kind {
            SheetKind::Bundles => self.write_bundle(row, document).await?,
            _ => self.write_store_product(row, document).await?,
        };
        store::end_part(self.db, outcome.is_ok()).await?;
        if outcome.is_err() {
            for entry in self.plan.journal.rows.split_off(written) {
                self.known.take_back(entry);
            }
        }
        Ok(outcome)
    }

    /// Returns the id of a link between two records, which is created where it is missing.
    async fn link(
        &mut self,
        row: &GivenRow,
        kind: SheetKind,
        pair: [(&str, Option<&Value>); 2],
    ) -> Result<RowResult<Value>> {
        let link: Map<String, Value> =
            pair.iter().map(|(field, id)| ((*field).to_owned(), id.cloned().unwrap_or_default())).collect();
        let link = Value::Object(link);
        if let NamedIds::One(id) = self.known.find(kind, &link) {
            return Ok(Ok(id.into()));
        }
        let stored = self.store_at(row, kind, None, link.clone()).await?;
        Ok(stored.map(|_| match self.known.find(kind, &link) {
            NamedIds::One(id) => id.into(),
            _ => Value::Null,
        }))
    }

    async fn write_store_product(
        &mut self,
        row: &GivenRow,
        mut given: Map<String, Value>,
    ) -> Result<RowResult<PlannedRow>> {
        let [exam, subject, product, variation] =
            ["exam_session_id", "subject_id", "product_id", "variation_id"].map(|field| given.remove(field));
        let taught = [("exam_session_id", exam.as_ref()), ("subject_id", subject.as_ref())];
        let taught = match self.link(row, SheetKind::ExamSessionSubjects, taught).await? {
            Ok(taught) => taught,
            Err(problems) => return Ok(Err(problems)),
        };
        let pair = [("product_id", product.as_ref()), ("product_variation_id", variation.as_ref())];
        let pair = match self.link(row, SheetKind::ProductVariations, pair).await? {
            Ok(pair) => pair,
            Err(problems) => return Ok(Err(problems)),
        };
        given.insert("exam_session_subject_id".into(), taught);
        given.insert("product_product_variation_id".into(), pair);
        self.store(row, SheetKind::StoreProducts, given).await
    }

    /// Writes a bundle, and that an exam session sells it if the row names one.
    async fn write_bundle(&mut self, row: &GivenRow, mut given: Map<String, Value>) -> Result<RowResult<PlannedRow>> {
        let Some(exam) = given.remove("exam_session_id") else {
            return self.store(row, SheetKind::BundleTemplates, given).await;
        };
        let mut sold: Map<String, Value> =
            BUNDLE_FIELDS.iter().filter_map(|field| Some(((*field).to_owned(), given.remove(*field)?))).collect();
        let subject = given.get("subject_id").cloned();
        let template = Value::Object(given);
        let id = match self.identified(row, SheetKind::BundleTemplates, &template) {
            Ok(id) => id,
            Err(problems) => return Ok(Err(problems)),
        };
        if let Some(problem) = id.and_then(|id| self.contradiction(row, id, &template)) {
            return Ok(Err(vec![problem]));
        }
        let mut planned = match self.store_at(row, SheetKind::BundleTemplates, id, template.clone()).await? {
            Ok(planned) => planned,
            Err(problems) => return Ok(Err(problems)),
        };
        let taught = [("exam_session_id", Some(&exam)), ("subject_id", subject.as_ref())];
        let taught = match self.link(row, SheetKind::ExamSessionSubjects, taught).await? {
            Ok(taught) => taught,
            Err(problems) => return Ok(Err(problems)),
        };
        let template = match self.known.find(SheetKind::BundleTemplates, &template) {
            NamedIds::One(id) => id,
            _ => return Ok(Err(Vec::new())),
        };
        sold.insert("bundle_template_id".into(), template.into());
        sold.insert("exam_session_subject_id".into(), taught);
        Ok(self.store(row, SheetKind::Bundles, sold).await?.map(|sold| {
            if sold.outcome == RowOutcome::Created || planned.outcome == RowOutcome::Unchanged {
                planned.outcome = sold.outcome;
            }
            planned.changes.extend(sold.changes);
            planned
        }))
    }

    /// Returns the problem of a row that says something else of a bundle than the row of another exam session.
    fn contradiction(&self, row: &GivenRow, template: i64, given: &Value) -> Option<ImportProblem> {
        let (earlier, values) = self.described.get(&(SheetKind::BundleTemplates, template))?;
        let given = given.as_object()?.iter();
        let (field, _) =
            given.clone().find(|(field, value)| values.get(field).is_some_and(|earlier| earlier != *value))?;
        let message =
            format!("row {earlier} says something else of this bundle; a bundle has one value for all exam sessions");
        Some(row.problem(Some(field), Issue::new(Code::ConflictingValue, message).as_error()))
    }

    /// Adds a store product to the bundle that its exam session sells, or changes it there.
    pub(super) async fn write_bundle_product(
        &mut self,
        row: &GivenRow,
        mut given: Map<String, Value>,
    ) -> Result<RowResult<PlannedRow>> {
        let name = given.remove("bundle_template_id").unwrap_or_default();
        let product = given.get("product_id").and_then(Value::as_i64).unwrap_or_default();
        let id = match self.bundle_of(product, name.as_str().unwrap_or_default()) {
            Ok(id) => id,
            Err(issue) => return Ok(Err(vec![row.problem(Some("bundle_template_id"), issue)])),
        };
        let document = Value::Object(given.clone());
        if let Some(repeat) = self.components.get(&(id, product)).cloned() {
            return Ok(self.repeated(row, &repeat, &document));
        }
        let bundle = self.known.document(SheetKind::Bundles, id);
        let mut components = bundle.and_then(|bundle| bundle["components"].as_array().cloned()).unwrap_or_default();
        let component = components.iter_mut().find(|component| component["product_id"] == product);
        let before = component.as_deref().cloned();
        match component.and_then(Value::as_object_mut) {
            Some(component) => component.extend(given.clone()),
            None => components.push(Value::Object(given.clone())),
        }
        let stored = self.store_at(row, SheetKind::Bundles, Some(id), json!({ "components": components })).await?;
        if let Err(problems) = stored {
            return Ok(Err(problems));
        }
        self.components.insert((id, product), (row.number, document));
        let mut planned = PlannedRow::unchanged(row);
        let Some(before) = before else {
            planned.outcome = RowOutcome::Created;
            return Ok(Ok(planned));
        };
        for (field, value) in given.iter().filter(|(field, value)| before[field.as_str()] != **value) {
            let (old, new) = (shown(&before[field]), shown(value));
            planned.changes.push(ValueChange { field: row.header_of(field), old, new });
            planned.outcome = RowOutcome::Updated;
        }
        Ok(Ok(planned))
    }

    /// Finds the bundle with a name that the exam session of a store product sells.
    pub(super) fn bundle_of(&mut self, product: i64, name: &str) -> std::result::Result<i64, Issue> {
        let taught = self.known.document(SheetKind::StoreProducts, product);
        let taught = taught.map(|product| product["exam_session_subject_id"].clone()).unwrap_or_default();
        let subject = taught.as_i64().and_then(|id| self.known.document(SheetKind::ExamSessionSubjects, id));
        let subject = subject.map(|taught| taught["subject_id"].clone()).unwrap_or_default();
        let template =
            self.known.find(SheetKind::BundleTemplates, &json!({ "bundle_name": name, "subject_id": subject }));
        let template = match template {
            NamedIds::One(id) => id,
            _ if matches!(self.known.named(SheetKind::BundleTemplates, name), NamedIds::None) => {
                return Err(self.unknown(SheetKind::BundleTemplates, name));
            }
            _ => {
                let message =
                    format!("the bundle \"{name}\" is one of another subject than the product; correct one of them");
                return Err(Issue::new(Code::UnknownReference, message));
            }
        };
        match self
            .known
            .find(SheetKind::Bundles, &json!({ "bundle_template_id": template, "exam_session_subject_id": taught }))
        {
            NamedIds::One(id) => Ok(id),
            _ => {
                let message = format!(
                    "the exam session of the product does not sell the bundle \"{name}\"; add a row to \"Bundles\" with \
                     this exam session"
                );
                Err(Issue::new(Code::UnknownReference, message))
            }
        }
    }
}
