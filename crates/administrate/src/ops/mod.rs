//! The operations of the API, one file per kind of record: types, documents and how responses are parsed.

pub(crate) mod contacts;
pub(crate) mod course_templates;
pub(crate) mod custom_fields;
pub(crate) mod event_reads;
pub(crate) mod event_writes;
pub(crate) mod locations;
pub(crate) mod price_levels;
pub(crate) mod sessions;
pub(crate) mod staff;
pub(crate) mod venues;
pub(crate) mod webhooks;

/// One operation of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its name in the call log and in errors.
    pub name: &'static str,
    /// Whether it is meant to change something in Administrate.
    pub is_mutation: bool,
}

const fn read(name: &'static str) -> Operation {
    Operation { name, is_mutation: false }
}

const fn write(name: &'static str) -> Operation {
    Operation { name, is_mutation: true }
}

/// Every operation of this crate, so that a test can prove that each was sent.
pub const OPERATIONS: &[Operation] = &[
    read("login"),
    read("introspection"),
    read("customFieldTemplate"),
    read("priceLevels"),
    read("locations"),
    read("venues"),
    read("contacts"),
    read("courseTemplates"),
    read("courseTemplates.publicPrices"),
    read("courseTemplates.approvedInstructors"),
    read("events"),
    read("events.sessions"),
    read("events.staff"),
    read("node.event"),
    write("event.createBlended"),
    write("event.createLMS"),
    write("event.createClassroom"),
    write("event.update"),
    write("event.delete"),
    write("event.addStaff"),
    write("event.addStaffBulk"),
    write("event.removeStaff"),
    write("session.update"),
    write("session.addStaff"),
    write("session.removeStaff"),
    write("session.delete"),
    write("courseTemplate.update"),
    write("contact.create"),
    write("location.create"),
    write("venue.create"),
    write("courseTemplate.create"),
    write("webhooks.create"),
    write("webhooks.update"),
];
