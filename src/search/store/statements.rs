//! What is read for the read model. Columns are cast to the types that the reader expects, because an older database may
//! have narrower ones.

/// The parts of the catalogue that are read as rows.
#[derive(Clone, Copy, Debug)]
pub enum RowKind {
    /// Subjects in exam sessions.
    Sittings,
    /// Catalogue products in variations.
    Forms,
    /// Store products.
    StoreProducts,
    /// Their prices.
    Prices,
    /// Their events.
    Events,
    /// The sessions of the events.
    Sessions,
    /// The instructors of events and sessions.
    Instructors,
    /// Bundles.
    Bundles,
    /// Components of bundles.
    Components,
}

impl RowKind {
    /// Returns the statement for all rows.
    pub fn select_all(self) -> String {
        self.select("true")
    }

    /// Returns the statement for the rows of store products or bundles, whose ids are its parameter.
    pub fn select_of_ids(self) -> String {
        self.select(match self {
            Self::Sittings => "sitting.id IN (SELECT exam_session_subject_id FROM acted.products WHERE id = ANY ($1))",
            Self::Forms => "ppv.id IN (SELECT product_product_variation_id FROM acted.products WHERE id = ANY ($1))",
            Self::StoreProducts => "store_product.id = ANY ($1)",
            // Their own column: by that of the store product, the server may read the whole table.
            Self::Prices => "price.product_id = ANY ($1)",
            Self::Events | Self::Sessions | Self::Instructors => "event.product_id = ANY ($1)",
            Self::Bundles => "bundle.id = ANY ($1)",
            Self::Components => "component.bundle_id = ANY ($1)",
        })
    }

    fn select(self, touched: &str) -> String {
        let select = match self {
            Self::Sittings => SITTINGS,
            Self::Forms => FORMS,
            Self::StoreProducts => STORE_PRODUCTS,
            Self::Prices => PRICES,
            Self::Events => EVENTS,
            Self::Sessions => SESSIONS,
            Self::Instructors => INSTRUCTORS,
            Self::Bundles => BUNDLES,
            Self::Components => COMPONENTS,
        };
        select.replace("{name}", INSTRUCTOR_NAME).replace("{touched}", touched)
    }
}

// What many store products share is read once and joined in memory.
const SITTINGS: &str = "
    SELECT sitting.id::bigint, subject.id::bigint, subject.code::text, subject.description::text,
           exam.id::bigint, exam.session_code::text
    FROM acted.catalog_exam_session_subjects sitting
    JOIN acted.catalog_subjects subject ON subject.id = sitting.subject_id
    JOIN acted.catalog_exam_sessions exam ON exam.id = sitting.exam_session_id
    WHERE {touched}";

const FORMS: &str = "
    SELECT ppv.id::bigint, product.id::bigint, product.fullname::text, product.shortname::text,
           product.description::text, product.code::text, product.buy_both,
           variation.id::bigint, variation.variation_type::text, variation.name::text,
           variation.description::text, variation.description_short::text
    FROM acted.catalog_product_product_variations ppv
    JOIN acted.catalog_products product ON product.id = ppv.product_id
    JOIN acted.catalog_product_variations variation ON variation.id = ppv.product_variation_id
    WHERE {touched}";

const STORE_PRODUCTS: &str = "
    SELECT store_product.id::bigint, store_product.product_code::text, store_product.exam_session_subject_id::bigint,
           store_product.product_product_variation_id::bigint
    FROM acted.products store_product
    WHERE store_product.is_active AND {touched}";

const PRICES: &str = "
    SELECT price.id::bigint, price.product_id::bigint, price.price_type::text, price.amount::text, price.currency::text
    FROM acted.prices price
    JOIN acted.products store_product ON store_product.id = price.product_id
    WHERE store_product.is_active AND {touched}";

const EVENTS: &str = "
    SELECT event.id::bigint, event.product_id::bigint, event.code::text, event.is_soldout, event.finalisation_date::date,
           event.remain_space::integer, event.start_date::date, event.end_date::date,
           location.name::text, location.code::text, venue.name::text,
           coalesce(details.tutorial_event_id IS NOT NULL AND details.max_places IS NULL, false), details.time_zone
    FROM acted.tutorial_events event
    JOIN acted.products store_product ON store_product.id = event.product_id
    LEFT JOIN acted.tutorial_locations location ON location.id = event.location_id
    LEFT JOIN acted.tutorial_venues venue ON venue.id = event.venue_id
    LEFT JOIN lectern.event_details details ON details.tutorial_event_id = event.id
    WHERE store_product.is_active AND details.cancelled IS NOT TRUE AND {touched}";

const SESSIONS: &str = "
    SELECT session.id::bigint, session.tutorial_event_id::bigint, session.title::text, session.start_date::timestamptz,
           session.end_date::timestamptz, session.sequence::integer, session.url::text,
           location.name::text, location.code::text, venue.name::text
    FROM acted.tutorial_sessions session
    JOIN acted.tutorial_events event ON event.id = session.tutorial_event_id
    LEFT JOIN acted.tutorial_locations location ON location.id = session.location_id
    LEFT JOIN acted.tutorial_venues venue ON venue.id = session.venue_id
    WHERE {touched}";

// Each half has the condition: applied to the union of both, it would be applied to all rows one by one.
const INSTRUCTORS: &str = "
    SELECT session.tutorial_event_id::bigint, {name}
    FROM acted.tutorial_events event
    JOIN acted.tutorial_sessions session ON session.tutorial_event_id = event.id
    JOIN acted.tutorial_session_instructors link ON link.tutorialsessions_id = session.id
    JOIN acted.tutorial_instructors instructor ON instructor.id = link.tutorialinstructor_id
    LEFT JOIN acted.staff staff ON staff.id = instructor.staff_id
    LEFT JOIN public.auth_user person ON person.id = staff.user_id
    WHERE {touched}
    UNION ALL
    SELECT assigned.tutorial_event_id::bigint, {name}
    FROM acted.tutorial_events event
    JOIN lectern.event_staff assigned ON assigned.tutorial_event_id = event.id AND assigned.role = 'instructor'
    JOIN acted.tutorial_instructors instructor ON instructor.id = assigned.tutorial_instructor_id
    LEFT JOIN acted.staff staff ON staff.id = instructor.staff_id
    LEFT JOIN public.auth_user person ON person.id = staff.user_id
    WHERE {touched}";

/// The name of an instructor.
const INSTRUCTOR_NAME: &str = "
           COALESCE(NULLIF(trim(person.first_name || ' ' || person.last_name), ''), person.username,
                    'Instructor #' || instructor.id)::text";

const BUNDLES: &str = "
    SELECT bundle.id::bigint, COALESCE(NULLIF(bundle.override_name, ''), template.bundle_name)::text,
           COALESCE(NULLIF(bundle.override_description, ''), template.bundle_description)::text,
           subject.id::bigint, subject.code::text, exam.id::bigint, exam.session_code::text
    FROM acted.bundles bundle
    JOIN acted.catalog_product_bundles template ON template.id = bundle.bundle_template_id
    JOIN acted.catalog_exam_session_subjects sitting ON sitting.id = bundle.exam_session_subject_id
    JOIN acted.catalog_subjects subject ON subject.id = sitting.subject_id
    JOIN acted.catalog_exam_sessions exam ON exam.id = sitting.exam_session_id
    WHERE bundle.is_active AND {touched}";

const COMPONENTS: &str = "
    SELECT component.bundle_id::bigint, component.product_id::bigint, component.default_price_type::text,
           component.quantity::integer, component.sort_order::integer
    FROM acted.bundle_products component WHERE component.is_active AND {touched}";

/// Read with their types.
pub const RECOMMENDATIONS: &str = "
    SELECT product_product_variation_id AS product_variation_id,
           recommended_product_product_variation_id AS recommended_id
    FROM acted.product_productvariation_recommendations";

/// Read with their types.
pub const CATEGORIES: &str = "
    SELECT id, name, parent_id, code, description, is_active FROM acted.filter_groups ORDER BY display_order, id";

/// Read with their types.
pub const MEMBERSHIPS: &str = "
    SELECT product_id AS catalog_product_id, product_group_id AS category_id
    FROM acted.filter_product_product_groups ORDER BY id";

/// Read with their types.
pub const FACET_ENTRIES: &str = "
    SELECT configuration.filter_key, entry.filter_group_id AS category_id
    FROM acted.filter_configuration_groups entry
    JOIN acted.filter_configurations configuration
      ON configuration.id = entry.filter_configuration_id AND configuration.is_active
    JOIN acted.filter_groups category ON category.id = entry.filter_group_id AND category.is_active";

/// Read with their types.
pub const FILTERS: &str = "
    SELECT filter.name, filter.display_label, filter.description, filter.filter_type, filter.filter_key,
           filter.display_order, filter.is_collapsible, filter.is_expanded_by_default, filter.is_required,
           filter.allow_multiple, filter.ui_config::jsonb, filter.validation_rules::jsonb, filter.dependency_rules::jsonb,
           COALESCE((SELECT jsonb_agg(jsonb_build_object('id', category.id, 'name', category.name, 'code', category.code,
                         'display_order', entry.display_order, 'is_default', entry.is_default)
                         ORDER BY entry.display_order, category.display_order, category.id)
                     FROM acted.filter_configuration_groups entry
                     JOIN acted.filter_groups category ON category.id = entry.filter_group_id AND category.is_active
                     WHERE entry.filter_configuration_id = filter.id), '[]') AS groups
    FROM acted.filter_configurations filter WHERE filter.is_active ORDER BY filter.display_order, filter.name";
