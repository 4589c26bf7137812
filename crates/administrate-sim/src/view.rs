//! A request's view of the tenant, as GraphQL objects.
//!
//! An object holds an [`Entity`], never a copy of the row. Each field is read when it is resolved, so in a document
//! with several mutations every payload shows the tenant as it was right after its own mutation. `reads` defines the
//! fields.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use apollo_compiler::Schema;
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::faults::PayloadFault;
use crate::log::Mutation;
use crate::mutations;
use crate::reads;
use crate::schema::arguments;
use crate::tenant::{Number, Tenant};

/// The tenant and the settings that one request is executed with.
pub(crate) struct View<'v> {
    pub(crate) tenant: RefCell<&'v mut Tenant>,
    pub(crate) now: Timestamp,
    pub(crate) schema: &'v Schema,
    pub(crate) variables: &'v JsonMap,
    /// Errors that a fault puts into the payload of the request's first mutation.
    pub(crate) payload_fault: Cell<Option<PayloadFault>>,
    /// Mutations of this request, in order.
    pub(crate) mutations: RefCell<Vec<Mutation>>,
}

/// A GraphQL object that is backed by a row. The number is the row's number in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entity {
    Query,
    Mutation,
    /// A group of mutations: its type name and its field under `mutation`.
    MutationGroup(&'static str, &'static str),
    Account(Number),
    Category(Number),
    Contact(Number),
    Currency(Number),
    CustomField(Number),
    Event(Number),
    EventStaff(Number),
    Learner(Number),
    Location(Number),
    Price(Number),
    PriceLevel(Number),
    Region(Number),
    Session(Number),
    SessionStaff(Number),
    /// 1 for instructor, 2 for administrator.
    StaffRole(Number),
    TaxType(Number),
    Template(Number),
    Venue(Number),
    Webhook(Number),
    /// Index in `reads::WEBHOOK_TYPES`.
    WebhookType(usize),
}

impl Entity {
    /// Returns the name of its GraphQL type.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Mutation => "Mutation",
            Self::MutationGroup(type_name, _) => type_name,
            Self::Account(_) => "Account",
            Self::Category(_) => "LearningCategory",
            Self::Contact(_) => "Contact",
            Self::Currency(_) => "Currency",
            Self::CustomField(_) => "CustomFieldDefinition",
            Self::Event(_) => "Event",
            Self::EventStaff(_) => "EventStaff",
            Self::Learner(_) => "Learner",
            Self::Location(_) => "Location",
            Self::Price(_) => "CoursePrice",
            Self::PriceLevel(_) => "PriceLevel",
            Self::Region(_) => "Region",
            Self::Session(_) => "Session",
            Self::SessionStaff(_) => "SessionStaff",
            Self::StaffRole(_) => "StaffRole",
            Self::TaxType(_) => "TaxType",
            Self::Template(_) => "CourseTemplate",
            Self::Venue(_) => "Venue",
            Self::Webhook(_) => "Webhook",
            Self::WebhookType(_) => "WebhookType",
        }
    }
}

/// The value of a resolved field.
#[derive(Clone, Debug)]
pub(crate) enum Output {
    /// A scalar, an enum value, a list of them, or null.
    Leaf(Value),
    One(Entity),
    Many(Vec<Entity>),
    Record(Rc<Record>),
    Records(Vec<Rc<Record>>),
}

impl Output {
    pub(crate) const NULL: Self = Self::Leaf(Value::Null);

    pub(crate) fn leaf(value: impl Into<Value>) -> Self {
        Self::Leaf(value.into())
    }

    /// Returns the row of another table, or null without a number.
    pub(crate) fn link(number: Option<Number>, entity: impl Fn(Number) -> Entity) -> Self {
        number.map_or(Self::NULL, |number| Self::One(entity(number)))
    }

    pub(crate) fn record(type_name: impl Into<String>, fields: Vec<(&'static str, Output)>) -> Self {
        Self::Record(Record::new(type_name, fields))
    }
}

/// An object with precomputed fields: an edge, `pageInfo`, a payload. Missing fields are null.
#[derive(Debug)]
pub(crate) struct Record {
    type_name: String,
    fields: Vec<(&'static str, Output)>,
}

impl Record {
    pub(crate) fn new(type_name: impl Into<String>, fields: Vec<(&'static str, Output)>) -> Rc<Self> {
        Rc::new(Self { type_name: type_name.into(), fields })
    }
}

/// A selected field with its coerced arguments.
pub(crate) struct FieldSelection<'a> {
    pub(crate) field: &'a str,
    pub(crate) arguments: Map<String, Value>,
    /// Type of the field without list and non-null.
    pub(crate) type_name: &'a str,
    pub(crate) is_list: bool,
}

/// Fails the field: the error appears in the top-level `errors` of the response.
pub(crate) fn field_error<T>(message: impl Into<String>) -> Result<T, FieldError> {
    Err(FieldError { message: message.into() })
}

/// A GraphQL object as apollo-compiler resolves it.
pub(crate) struct Object<'o, 'v> {
    pub(crate) view: &'o View<'v>,
    pub(crate) data: ObjectData,
}

pub(crate) enum ObjectData {
    Entity(Entity),
    Record(Rc<Record>),
}

impl ObjectValue for Object<'_, '_> {
    fn type_name(&self) -> &str {
        match &self.data {
            ObjectData::Entity(entity) => entity.type_name(),
            ObjectData::Record(record) => &record.type_name,
        }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let selection = self.selection(info);
        let output = match &self.data {
            ObjectData::Entity(Entity::MutationGroup(_, group)) => Some(mutations::run(self.view, group, &selection)?),
            ObjectData::Entity(entity) => reads::field(self.view, *entity, &selection)?,
            ObjectData::Record(record) => {
                let field = record.fields.iter().find(|(name, _)| *name == selection.field);
                Some(field.map_or(Output::NULL, |(_, output)| output.clone()))
            }
        };
        match output {
            Some(output) => Ok(self.resolve_output(output, selection.is_list)),
            None => Err(self.unknown_field_error(info)),
        }
    }
}

impl Object<'_, '_> {
    fn selection<'a>(&self, info: &'a ResolveInfo<'a>) -> FieldSelection<'a> {
        let ty = &info.field_definition().ty;
        FieldSelection {
            field: info.field_name(),
            arguments: arguments::coerce_arguments(self.view.schema, self.view.variables, info.field_selections()[0]),
            type_name: ty.inner_named_type(),
            is_list: ty.is_list(),
        }
    }

    /// Converts an output. Where the profile has one object instead of a list, only the first is returned.
    fn resolve_output<'a>(&'a self, output: Output, is_list: bool) -> ResolvedValue<'a> {
        let object = |data| ResolvedValue::object(Object { view: self.view, data });
        match output {
            Output::Leaf(Value::Array(values)) => ResolvedValue::list(values.into_iter().map(ResolvedValue::leaf)),
            Output::Leaf(value) => ResolvedValue::leaf(value),
            Output::One(entity) => object(ObjectData::Entity(entity)),
            Output::Record(record) => object(ObjectData::Record(record)),
            Output::Many(entities) if is_list => {
                ResolvedValue::list(entities.into_iter().map(move |entity| object(ObjectData::Entity(entity))))
            }
            Output::Records(records) if is_list => {
                ResolvedValue::list(records.into_iter().map(move |record| object(ObjectData::Record(record))))
            }
            Output::Many(entities) => {
                entities.first().map_or(ResolvedValue::null(), |first| object(ObjectData::Entity(*first)))
            }
            Output::Records(records) => {
                records.first().map_or(ResolvedValue::null(), |first| object(ObjectData::Record(Rc::clone(first))))
            }
        }
    }
}
