//! A small sample tenant, for trying the simulator manually.

use super::{FieldKind, Tenant};

impl Tenant {
    /// Returns a tenant with two locations, three contacts, three templates with approved instructors and prices, and
    /// the custom fields of the importer.
    pub fn sample() -> Self {
        let mut tenant = Self::new();
        let standard = tenant.add_price_level("Standard");
        let retaker = tenant.add_price_level("Retaker");
        let london = tenant.add_location("London", "LON");
        let online = tenant.add_location("Live Online", "LIVE");
        tenant.add_venue(london, "Bridge House");
        tenant.add_venue(online, "Live Online");
        let ada = tenant.add_instructor("Ada", "Marsh");
        let tom = tenant.add_instructor("Tom", "Okafor");
        tenant.add_administrator("Grace", "Lindqvist");
        for (code, title, days) in [
            ("CB1", "Business Finance", 3),
            ("CB2", "Business Economics", 2),
            ("CB1_OC", "Business Finance, Online Classroom", 0),
        ] {
            let template = tenant.add_template(code, title, days);
            tenant.approve(template, ada);
            tenant.approve(template, tom);
            tenant.add_public_price(template, standard, 1, "450.00");
            tenant.add_public_price(template, retaker, 1, "225.00");
        }
        tenant.add_importer_fields();
        tenant
    }

    /// Adds the custom fields that Lectern's importer writes: `Sitting`, `Finalisation date`, `URL`, `Web sale` and
    /// `OCR Moodle Code` of events; `Day` and `URL` of sessions.
    pub fn add_importer_fields(&mut self) {
        for (label, kind) in [
            ("Sitting", FieldKind::String),
            ("Finalisation date", FieldKind::Date),
            ("URL", FieldKind::Url),
            ("Web sale", FieldKind::Boolean),
            ("OCR Moodle Code", FieldKind::String),
        ] {
            self.add_custom_field(&["Event"], label, kind);
        }
        self.add_custom_field(&["Session"], "Day", FieldKind::String);
        self.add_custom_field(&["Session"], "URL", FieldKind::Url);
    }
}
