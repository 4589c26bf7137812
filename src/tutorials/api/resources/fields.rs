//! Fields that several resources have.

use crate::resources::{DefaultValue, FieldSource, ResourceField, ValueKind};

/// The highest number of a column of type integer.
pub(super) const MAX: i64 = i32::MAX as i64;

pub(super) const fn line(name: &'static str, max: usize) -> ResourceField {
    ResourceField::new(name, ValueKind::Line { max })
}

/// A nullable column of the details.
pub(super) const fn detail(name: &'static str, kind: ValueKind) -> ResourceField {
    ResourceField::new(name, kind).from(FieldSource::Detail { column: name, read: None }).or(DefaultValue::Null)
}

/// A read-only text.
pub(super) const fn shown(name: &'static str, expression: &'static str) -> ResourceField {
    line(name, 1000).from(FieldSource::Expression(expression)).read_only()
}

/// What is unusual about a place, without being refused.
pub(super) const WARNINGS: ValueKind = ValueKind::Items(&[text("pointer"), text("code"), text("message")]);

/// A text of a composed value.
pub(super) const fn text(name: &'static str) -> ResourceField {
    line(name, 1000).read_only()
}

/// A read-only value that is neither ordered nor filtered.
pub(super) const fn composed(name: &'static str, kind: ValueKind, expression: &'static str) -> ResourceField {
    ResourceField::new(name, kind).from(FieldSource::Expression(expression)).read_only()
}
