//! The sheets of a catalogue workbook, described as plain data.

use crate::catalogue::resources::RESOURCES;
use crate::resources::{DefaultValue, ResourceField, TableResource, ValueKind};

/// What the rows of a sheet, or the links between them, are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Subjects,
    ExamSessions,
    Groups,
    Products,
    Variations,
    ExamSessionSubjects,
    ProductVariations,
    StoreProducts,
    Prices,
    BundleTemplates,
    Bundles,
    BundleProducts,
    Locations,
    Venues,
    Instructors,
    CourseTemplates,
}

/// How a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    Text,
    Flag,
    Number,
    Date,
    Choice(&'static [&'static str]),
    /// Words of a list, separated by `/`, `;` or `,`.
    Words(&'static [&'static str]),
    /// Name of a record of another sheet.
    Name(Kind),
    /// Names of records of another sheet, separated by `/`, `;` or `,`.
    Names(Kind),
}

/// A column of a sheet.
#[derive(Debug)]
pub struct SheetColumn {
    /// The name of the field in words.
    pub header: &'static str,
    /// The field of the document.
    pub field: &'static str,
    pub kind: CellKind,
    pub is_required: bool,
    /// What to write.
    pub meaning: &'static str,
    /// The value of the example row.
    pub example: &'static str,
}

/// A sheet of the workbook.
#[derive(Debug)]
pub struct SheetLayout {
    pub name: &'static str,
    pub kind: Kind,
    /// The word for one row.
    pub noun: &'static str,
    pub columns: &'static [SheetColumn],
}

const fn column(
    header: &'static str,
    field: &'static str,
    kind: CellKind,
    meaning: &'static str,
    example: &'static str,
) -> SheetColumn {
    SheetColumn { header, field, kind, is_required: false, meaning, example }
}

const fn required(
    header: &'static str,
    field: &'static str,
    kind: CellKind,
    meaning: &'static str,
    example: &'static str,
) -> SheetColumn {
    SheetColumn { header, field, kind, is_required: true, meaning, example }
}

const fn is_active(field: &'static str) -> SheetColumn {
    column("Is active", field, CellKind::Flag, "Y or N. Blank: Y for a new row.", "Y")
}

const DISPLAY_ORDER: SheetColumn =
    column("Display order", "display_order", CellKind::Number, "Whole number; lower ones come first.", "0");

/// What the example rows begin with. Rows that begin with it are never imported.
pub const EXAMPLE: &str = "EXAMPLE:";

const VARIATION_TYPES: &[&str] = &["eBook", "Hub", "Printed", "Marking", "Tutorial"];
const PRICE_TYPES: &[&str] = &["standard", "retaker", "reduced", "additional"];
const FILTER_KEYS: &[&str] = &["categories", "product_types", "modes_of_delivery"];

/// The sheets in the order of their import: a sheet names records of earlier ones.
pub static SHEETS: [SheetLayout; 13] = [
    SheetLayout {
        name: "Subjects",
        kind: Kind::Subjects,
        noun: "subject",
        columns: &[
            required("Code", "code", CellKind::Text, "Up to 10 characters, each code once.", "EXAMPLE: CB1"),
            column("Description", "description", CellKind::Text, "Name of the subject.", "Business Finance"),
            column("Active", "active", CellKind::Flag, "Y or N. Blank: Y for a new row.", "Y"),
        ],
    },
    SheetLayout {
        name: "Exam sessions",
        kind: Kind::ExamSessions,
        noun: "exam session",
        columns: &[
            required("Session code", "session_code", CellKind::Text, "Such as 2027-04.", "EXAMPLE: 2027-04"),
            required("Start date", "start_date", CellKind::Date, "First day of the exams, DD/MM/YYYY.", "06/04/2027"),
            required("End date", "end_date", CellKind::Date, "Last day of the exams, DD/MM/YYYY.", "30/04/2027"),
        ],
    },
    SheetLayout {
        name: "Groups",
        kind: Kind::Groups,
        noun: "group",
        columns: &[
            required("Name", "name", CellKind::Text, "Name in filters, up to 100 characters.", "EXAMPLE: Tutorial"),
            column("Code", "code", CellKind::Text, "Unique key, if there is one.", "tutorial"),
            column("Parent", "parent_id", CellKind::Name(Kind::Groups), "Name or code of the group above.", ""),
            column("Description", "description", CellKind::Text, "Free text.", ""),
            is_active("is_active"),
            DISPLAY_ORDER,
            column(
                "Filter keys",
                "filter_keys",
                CellKind::Words(FILTER_KEYS),
                "Filters that list the group: categories, product_types, modes_of_delivery.",
                "categories",
            ),
        ],
    },
    SheetLayout {
        name: "Products",
        kind: Kind::Products,
        noun: "product",
        columns: &[
            required("Fullname", "fullname", CellKind::Text, "Each name once.", "EXAMPLE: Tutorial in London"),
            required("Shortname", "shortname", CellKind::Text, "For a tutorial the name of its location.", "London"),
            column("Description", "description", CellKind::Text, "Free text.", ""),
            column("Code", "code", CellKind::Text, "Up to 10 characters.", "LON"),
            is_active("is_active"),
            column("Buy both", "buy_both", CellKind::Flag, "Y: both variations are offered together.", "N"),
            column(
                "Groups",
                "group_ids",
                CellKind::Names(Kind::Groups),
                "Names of groups, separated by /.",
                "Tutorial",
            ),
        ],
    },
    SheetLayout {
        name: "Variations",
        kind: Kind::Variations,
        noun: "variation",
        columns: &[
            required("Name", "name", CellKind::Text, "Each name once within its type.", "EXAMPLE: CB1 six half days"),
            required(
                "Variation type",
                "variation_type",
                CellKind::Choice(VARIATION_TYPES),
                "eBook, Hub, Printed, Marking or Tutorial.",
                "Tutorial",
            ),
            column("Code", "code", CellKind::Text, "For a tutorial the code of its course template.", "CB1_LO_6"),
            column("Description", "description", CellKind::Text, "Free text.", ""),
            column("Description short", "description_short", CellKind::Text, "Up to 255 characters.", ""),
        ],
    },
    SheetLayout {
        name: "Store products",
        kind: Kind::StoreProducts,
        noun: "store product",
        columns: &[
            required(
                "Exam session",
                "exam_session_id",
                CellKind::Name(Kind::ExamSessions),
                "Code of the exam session, such as 2027-04 or 2027A.",
                "EXAMPLE: 2027-04",
            ),
            required("Subject", "subject_id", CellKind::Name(Kind::Subjects), "Code of the subject.", "CB1"),
            required("Product", "product_id", CellKind::Name(Kind::Products), "Full or short name.", "London"),
            required("Variation", "variation_id", CellKind::Name(Kind::Variations), "Code or name.", "CB1_LO_6"),
            column(
                "Product code",
                "product_code",
                CellKind::Text,
                "Unique code by which prices and bundles name it. Blank: one is generated.",
                "CB1/LON/2027-04",
            ),
            is_active("is_active"),
        ],
    },
    SheetLayout {
        name: "Prices",
        kind: Kind::Prices,
        noun: "price",
        columns: &[
            required(
                "Product",
                "product_id",
                CellKind::Name(Kind::StoreProducts),
                "Code of the store product.",
                "EXAMPLE: CB1/LON/2027-04",
            ),
            column("Price type", "price_type", CellKind::Choice(PRICE_TYPES), "Blank: standard.", "standard"),
            required("Amount", "amount", CellKind::Text, "Such as 610.00.", "610.00"),
            column("Currency", "currency", CellKind::Text, "Three letters. Blank: GBP for a new price.", "GBP"),
        ],
    },
    SheetLayout {
        name: "Bundles",
        kind: Kind::Bundles,
        noun: "bundle",
        columns: &[
            required(
                "Bundle name",
                "bundle_name",
                CellKind::Text,
                "Each name once within a subject.",
                "EXAMPLE: CB1 pack",
            ),
            required("Subject", "subject_id", CellKind::Name(Kind::Subjects), "Code of the subject.", "CB1"),
            column(
                "Exam session",
                "exam_session_id",
                CellKind::Name(Kind::ExamSessions),
                "Code of the exam session that sells it. Blank: none yet.",
                "2027-04",
            ),
            column("Bundle description", "bundle_description", CellKind::Text, "Free text.", ""),
            column("Is featured", "is_featured", CellKind::Flag, "Y or N. Blank: N for a new row.", "N"),
            is_active("is_active"),
            DISPLAY_ORDER,
        ],
    },
    SheetLayout {
        name: "Bundle products",
        kind: Kind::BundleProducts,
        noun: "bundle product",
        columns: &[
            required(
                "Bundle",
                "bundle_template_id",
                CellKind::Name(Kind::BundleTemplates),
                "Name of a bundle that the exam session of the product sells.",
                "EXAMPLE: CB1 pack",
            ),
            required(
                "Product",
                "product_id",
                CellKind::Name(Kind::StoreProducts),
                "Code of the store product.",
                "CB1/LON/2027-04",
            ),
            column(
                "Default price type",
                "default_price_type",
                CellKind::Choice(PRICE_TYPES),
                "Blank: standard.",
                "standard",
            ),
            column("Quantity", "quantity", CellKind::Number, "Whole number from 1. Blank: 1.", "1"),
            column("Sort order", "sort_order", CellKind::Number, "Whole number; lower ones come first.", "0"),
            is_active("is_active"),
        ],
    },
    SheetLayout {
        name: "Locations",
        kind: Kind::Locations,
        noun: "location",
        columns: &[
            required("Name", "name", CellKind::Text, "Each name once.", "EXAMPLE: London"),
            column("Code", "code", CellKind::Text, "Up to 50 characters.", "LON"),
            is_active("is_active"),
        ],
    },
    SheetLayout {
        name: "Venues",
        kind: Kind::Venues,
        noun: "venue",
        columns: &[
            required("Name", "name", CellKind::Text, "Each name once within a location.", "EXAMPLE: Holborn Rooms"),
            required("Location", "location_id", CellKind::Name(Kind::Locations), "Name or code.", "London"),
            column("Description", "description", CellKind::Text, "Free text.", ""),
        ],
    },
    SheetLayout {
        name: "Instructors",
        kind: Kind::Instructors,
        noun: "instructor",
        columns: &[
            required("First name", "first_name", CellKind::Text, "Up to 150 characters.", "EXAMPLE: Ada"),
            column("Last name", "last_name", CellKind::Text, "Up to 150 characters.", "Marlow"),
            column("Email", "email", CellKind::Text, "E-mail address of a new instructor.", "ada.marlow@example.org"),
        ],
    },
    SheetLayout {
        name: "Course templates",
        kind: Kind::CourseTemplates,
        noun: "course template",
        columns: &[
            required("Code", "code", CellKind::Text, "As in Administrate and in timetables.", "EXAMPLE: CB1_LO_6"),
            required("Title", "title", CellKind::Text, "Up to 255 characters.", "CB1 six half days"),
            column("Description", "description", CellKind::Text, "Free text.", ""),
            is_active("is_active"),
        ],
    },
];

const fn line(name: &'static str, max: usize) -> ResourceField {
    ResourceField::new(name, ValueKind::Line { max })
}

static LOCATIONS: TableResource = TableResource {
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

static VENUES: TableResource = TableResource {
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

static COURSE_TEMPLATES: TableResource = TableResource {
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

/// Kinds whose rows are stored as documents of a resource: with the fields that identify a row, and those by which other rows
/// name it.
pub const STORED: [(Kind, &str, &[&str], &[&str]); 14] = [
    (Kind::Subjects, "acted.catalog_subjects", &["code"], &["code"]),
    (Kind::ExamSessions, "acted.catalog_exam_sessions", &["session_code"], &["session_code"]),
    (Kind::Groups, "acted.filter_groups", &["name"], &["code", "name"]),
    (Kind::Products, "acted.catalog_products", &["fullname"], &["fullname", "shortname", "code"]),
    (Kind::Variations, "acted.catalog_product_variations", &["variation_type", "name"], &["code", "name"]),
    (Kind::ExamSessionSubjects, "acted.catalog_exam_session_subjects", &["exam_session_id", "subject_id"], &[]),
    (Kind::ProductVariations, "acted.catalog_product_product_variations", &["product_id", "product_variation_id"], &[]),
    (
        Kind::StoreProducts,
        "acted.products",
        &["exam_session_subject_id", "product_product_variation_id"],
        &["product_code"],
    ),
    (Kind::Prices, "acted.prices", &["product_id", "price_type"], &[]),
    (Kind::BundleTemplates, "acted.catalog_product_bundles", &["subject_id", "bundle_name"], &["bundle_name"]),
    (Kind::Bundles, "acted.bundles", &["bundle_template_id", "exam_session_subject_id"], &[]),
    (Kind::Locations, "acted.tutorial_locations", &["name"], &["name", "code"]),
    (Kind::Venues, "acted.tutorial_venues", &["name", "location_id"], &["name"]),
    (Kind::CourseTemplates, "acted.tutorial_course_templates", &["code"], &["code"]),
];

/// Returns the resource with a table.
pub fn resource_of(table: &str) -> Option<&'static TableResource> {
    let more = [&LOCATIONS, &VENUES, &COURSE_TEMPLATES];
    RESOURCES.iter().copied().chain(more).find(|resource| resource.table == table)
}
