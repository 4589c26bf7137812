//! How people see a table, as plain data.

use crate::resources::TableResource;
use crate::web::fields::sentence;
use crate::web::problem::PageProblem;

/// How people see a table.
#[derive(Debug)]
pub struct TablePage {
    pub resource: &'static TableResource,
    /// Path of its list.
    pub path: &'static str,
    /// What its rows are called: "Exam sessions".
    pub title: &'static str,
    /// What a row is, in one sentence.
    pub about: &'static str,
    /// Names of the fields that the list shows. The first one leads to the row; `*` is its name.
    pub columns: &'static [&'static str],
    /// Names of the fields by which the list is filtered.
    pub filters: &'static [&'static str],
    /// Fields whose label does not follow from their name, or that need an explanation.
    pub fields: &'static [PageField],
    /// Names of fields that the page of a row and its form leave out.
    pub hidden: &'static [&'static str],
    /// Further actions on the list, and on a row.
    pub list_links: &'static [RecordLink],
    pub row_links: &'static [RecordLink],
}

impl TablePage {
    /// A page without properties, to which a description adds its own.
    pub const BASE: TablePage = TablePage {
        resource: &TableResource::BASE,
        path: "",
        title: "",
        about: "",
        columns: &[],
        filters: &[],
        fields: &[],
        hidden: &[],
        list_links: &[],
        row_links: &[],
    };

    /// Returns the label of a field.
    pub(super) fn label(&self, name: &str) -> String {
        match self.fields.iter().find(|field| field.name == name) {
            Some(field) => field.label.to_owned(),
            None => label_of(name),
        }
    }

    pub(super) fn hint(&self, name: &str) -> &'static str {
        self.fields.iter().find(|field| field.name == name).map(|field| field.hint).unwrap_or_default()
    }

    /// Returns the path of a row.
    pub(super) fn item_path(&self, id: i64) -> String {
        format!("{}/{id}", self.path)
    }

    pub(super) fn unknown_row(&self) -> PageProblem {
        PageProblem::not_found(format!("there is no such {}: its list shows those that exist", self.resource.noun))
    }
}

/// Returns a label that follows from the name of a field.
pub(super) fn label_of(name: &str) -> String {
    let words = name.strip_suffix("_ids").or(name.strip_suffix("_id")).or(name.strip_prefix("is_")).unwrap_or(name);
    sentence(&words.replace('_', " ")).trim_end_matches('.').to_owned()
}

/// How people call a field.
#[derive(Debug)]
pub struct PageField {
    pub name: &'static str,
    pub label: &'static str,
    /// What it means or how it is written; empty: its label says it.
    pub hint: &'static str,
}

impl PageField {
    pub const fn new(name: &'static str, label: &'static str, hint: &'static str) -> PageField {
        PageField { name, label, hint }
    }
}

/// A link to a further action of a page.
#[derive(Debug)]
pub struct RecordLink {
    pub label: &'static str,
    /// Its path; `{id}` is the row.
    pub path: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_follows_from_the_name_of_a_field() {
        let labels = ["exam_session_id", "group_ids", "is_active", "price_type", "url"].map(label_of);
        assert_eq!(labels, ["Exam session", "Group", "Active", "Price type", "Url"]);
    }
}
