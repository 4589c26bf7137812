//! Filling a tenant: one call per record. Each call returns the assigned number.

use super::{
    Contact, Currency, CustomField, Event, FieldKind, Learner, Location, NamedRecord, Number, Price, PriceLevel,
    PriceOwner, Region, Session, Staff, Template, TemplateSession, Tenant, Venue,
};

impl Tenant {
    /// Returns a tenant with a currency (GBP), a region (GB, 20 %), a tax type and an account, each with number 1.
    pub fn new() -> Self {
        let mut tenant = Self::default();
        tenant.add_currency("GBP", "Pound sterling", "£");
        tenant.regions.add(Region {
            code: "GB".to_owned(),
            name: "United Kingdom".to_owned(),
            tax_rate: "20.00".to_owned(),
        });
        tenant.tax_types.add(NamedRecord { name: "Standard".to_owned() });
        tenant.accounts.add(NamedRecord { name: "The provider".to_owned() });
        tenant
    }

    /// Adds an active currency.
    pub fn add_currency(&mut self, code: &str, name: &str, symbol: &str) -> Number {
        self.currencies.add(Currency {
            code: code.to_owned(),
            name: name.to_owned(),
            symbol: symbol.to_owned(),
            is_active: true,
        })
    }

    /// Adds a price level without description.
    pub fn add_price_level(&mut self, name: &str) -> Number {
        self.price_levels.add(PriceLevel { name: name.to_owned(), description: None })
    }

    /// Adds a location in region 1.
    pub fn add_location(&mut self, name: &str, code: &str) -> Number {
        self.locations.add(Location { name: name.to_owned(), code: Some(code.to_owned()), region: Some(1) })
    }

    /// Adds a venue of a location.
    pub fn add_venue(&mut self, location: Number, name: &str) -> Number {
        self.venues.add(Venue { name: name.to_owned(), description: None, location: Some(location) })
    }

    /// Adds a contact who may teach.
    pub fn add_instructor(&mut self, first_name: &str, last_name: &str) -> Number {
        self.contacts.add(Contact { is_instructor: true, is_staff: true, ..named_contact(first_name, last_name) })
    }

    /// Adds a contact who may administer events.
    pub fn add_administrator(&mut self, first_name: &str, last_name: &str) -> Number {
        self.contacts.add(Contact { is_admin: true, is_staff: true, ..named_contact(first_name, last_name) })
    }

    /// Adds a contact.
    pub fn add_contact(&mut self, contact: Contact) -> Number {
        self.contacts.add(contact)
    }

    /// Adds a custom field of one or more entity types (`Event`, `Session`, `CourseTemplate`, …).
    pub fn add_custom_field(&mut self, entity_types: &[&str], label: &str, kind: FieldKind) -> Number {
        self.custom_fields.add(CustomField {
            entity_types: entity_types.iter().map(|name| (*name).to_owned()).collect(),
            label: label.to_owned(),
            kind,
            ..CustomField::default()
        })
    }

    /// Adds a published blended template with `days` sessions.
    pub fn add_template(&mut self, code: &str, title: &str, days: usize) -> Number {
        self.templates.add(Template {
            code: code.to_owned(),
            title: title.to_owned(),
            sessions: TemplateSession::days(days),
            ..Template::default()
        })
    }

    /// Approves an instructor for a template. Unknown templates are ignored.
    pub fn approve(&mut self, template: Number, contact: Number) {
        if let Some(template) = self.templates.get_mut(template) {
            template.approved_instructors.insert(contact);
        }
    }

    /// Adds a public price in region 1; `amount` is a decimal string.
    pub fn add_public_price(&mut self, template: Number, level: Number, currency: Number, amount: &str) -> Number {
        self.prices.add(Price {
            owner: PriceOwner::Template(template),
            level,
            currency,
            region: Some(1),
            amount: amount.to_owned(),
        })
    }

    /// Adds an event without sessions.
    pub fn add_event(&mut self, event: Event) -> Number {
        let number = self.next_course();
        self.events.insert(number, event);
        number
    }

    /// Adds a session.
    pub fn add_session(&mut self, session: Session) -> Number {
        let number = self.next_course();
        self.sessions.insert(number, session);
        number
    }

    /// Adds a staff member to an event or a session. The first of each staff type is primary.
    pub fn add_staff(&mut self, course: Number, contact: Number, is_administrator: bool) -> Number {
        let is_primary = !self.staff_of(course).any(|(_, other)| other.is_administrator == is_administrator);
        self.staff.add(Staff { course, contact, is_administrator, is_primary, notes: None })
    }

    /// Adds a learner to an event and books one place.
    pub fn add_learner(&mut self, event: Number, contact: Number) -> Number {
        if let Some(event) = self.events.get_mut(&event) {
            event.booked_places += 1;
        }
        self.learners.add(Learner { event, contact, attended: Default::default() })
    }

    fn next_course(&mut self) -> Number {
        let highest = |last: Option<&Number>| last.copied().unwrap_or(0);
        let events = highest(self.events.keys().next_back());
        let sessions = highest(self.sessions.keys().next_back());
        self.last_course = self.last_course.max(events).max(sessions) + 1;
        self.last_course
    }
}

fn named_contact(first_name: &str, last_name: &str) -> Contact {
    Contact {
        first_name: Some(first_name.to_owned()),
        last_name: Some(last_name.to_owned()),
        account: Some(1),
        ..Contact::default()
    }
}
