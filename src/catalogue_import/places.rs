//! The tables of places, people and course templates as documents.

use futures_util::future::BoxFuture;
use serde_json::Value;
use sqlx::PgConnection;

use super::store;
use crate::error::Result;
use crate::resources::problems::Problems;
use crate::resources::{
    DefaultValue, FieldSource, ResourceField, ResourceHooks, RowDraft, TableResource, ValueKind, WriteRequest,
};

const fn line(name: &'static str, max: usize) -> ResourceField {
    ResourceField::new(name, ValueKind::Line { max })
}

pub static LOCATIONS: TableResource = TableResource {
    noun: "location",
    table: "acted.tutorial_locations",
    fields: &[
        ResourceField::id(),
        line("name", 255),
        line("code", 50).or(DefaultValue::Text("")),
        ResourceField::flag("is_active", true),
    ],
    ..TableResource::BASE
};

pub static VENUES: TableResource = TableResource {
    noun: "venue",
    table: "acted.tutorial_venues",
    fields: &[
        ResourceField::id(),
        line("name", 255),
        ResourceField::reference("location_id", "acted.tutorial_locations"),
        ResourceField::new("description", ValueKind::Note).or(DefaultValue::Text("")),
    ],
    ..TableResource::BASE
};

pub static COURSE_TEMPLATES: TableResource = TableResource {
    noun: "course template",
    table: "acted.tutorial_course_templates",
    fields: &[
        ResourceField::id(),
        line("code", 50),
        line("title", 255),
        ResourceField::new("description", ValueKind::Note).or(DefaultValue::Text("")),
        ResourceField::flag("is_active", true),
    ],
    ..TableResource::BASE
};

/// Instructors with the names and the e-mail address of their accounts.
pub static INSTRUCTORS: TableResource = TableResource {
    noun: "instructor",
    table: "acted.tutorial_instructors",
    fields: &[
        ResourceField::id(),
        account("first_name", 150, store::FIRST_NAME),
        account("last_name", 150, store::LAST_NAME),
        account("email", 254, store::EMAIL),
        ResourceField::flag("is_active", true),
    ],
    hooks: &InstructorHooks,
    ..TableResource::BASE
};

const fn account(name: &'static str, max: usize, expression: &'static str) -> ResourceField {
    line(name, max).from(FieldSource::Expression(expression)).or(DefaultValue::Text(""))
}

/// Writes the names and the e-mail address of instructors to their accounts.
struct InstructorHooks;

impl ResourceHooks for InstructorHooks {
    fn after<'a>(
        &'a self,
        db: &'a mut PgConnection,
        _: &'a WriteRequest<'a>,
        drafts: &'a [RowDraft],
        _: &'a mut Problems,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for draft in drafts {
                let value = |field: &str| draft.values.get(field).and_then(Value::as_str);
                let values = [value("first_name"), value("last_name"), value("email")];
                if let Some(id) = draft.id.filter(|_| values.iter().any(Option::is_some)) {
                    store::update_account(db, id, values).await?;
                }
            }
            Ok(())
        })
    }
}
