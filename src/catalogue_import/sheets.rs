//! The sheets of a catalogue workbook, described as plain data.

/// What the rows of a sheet, or the links between them, are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SheetKind {
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
    /// Code of an exam session.
    SessionCode,
    Flag,
    Number,
    Amount,
    Date,
    Choice(&'static [&'static str]),
    /// Words of a list, separated by `/`, `;` or `,`.
    Words(&'static [&'static str]),
    /// Name of a record of another sheet.
    Name(SheetKind),
    /// Names of records of another sheet, separated by `/`, `;` or `,`.
    Names(SheetKind),
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
    /// Other accepted headers.
    pub aliases: &'static [&'static str],
}

impl SheetColumn {
    const fn or_called(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
}

/// A sheet of the workbook.
#[derive(Debug)]
pub struct SheetLayout {
    pub name: &'static str,
    pub kind: SheetKind,
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
    SheetColumn { header, field, kind, is_required: false, meaning, example, aliases: &[] }
}

const fn required(
    header: &'static str,
    field: &'static str,
    kind: CellKind,
    meaning: &'static str,
    example: &'static str,
) -> SheetColumn {
    SheetColumn { header, field, kind, is_required: true, meaning, example, aliases: &[] }
}

const IS_ACTIVE: SheetColumn =
    column("Is active", "is_active", CellKind::Flag, "Y or N. Blank: Y for a new row.", "Y").or_called(&["Active"]);

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
        kind: SheetKind::Subjects,
        noun: "subject",
        columns: &[
            required("Code", "code", CellKind::Text, "Up to 10 characters, each code once.", "EXAMPLE: CB1"),
            column("Description", "description", CellKind::Text, "Name of the subject.", "Business Finance")
                .or_called(&["Name"]),
            column("Active", "active", CellKind::Flag, "Y or N. Blank: Y for a new row.", "Y")
                .or_called(&["Is active"]),
        ],
    },
    SheetLayout {
        name: "Exam sessions",
        kind: SheetKind::ExamSessions,
        noun: "exam session",
        columns: &[
            required("Session code", "session_code", CellKind::SessionCode, "Such as 2027-04.", "EXAMPLE: 2027-04")
                .or_called(&["Code", "Exam session"]),
            required("Start date", "start_date", CellKind::Date, "First day of the exams, DD/MM/YYYY.", "06/04/2027"),
            required("End date", "end_date", CellKind::Date, "Last day of the exams, DD/MM/YYYY.", "30/04/2027"),
        ],
    },
    SheetLayout {
        name: "Groups",
        kind: SheetKind::Groups,
        noun: "group",
        columns: &[
            required("Name", "name", CellKind::Text, "Name in filters, up to 100 characters.", "EXAMPLE: Tutorial"),
            column("Code", "code", CellKind::Text, "Unique key, if there is one.", "tutorial"),
            column("Parent", "parent_id", CellKind::Name(SheetKind::Groups), "Name or code of the group above.", "")
                .or_called(&["Parent group"]),
            column("Description", "description", CellKind::Text, "Free text.", ""),
            IS_ACTIVE,
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
        kind: SheetKind::Products,
        noun: "product",
        columns: &[
            required("Fullname", "fullname", CellKind::Text, "Each name once.", "EXAMPLE: Tutorial in London")
                .or_called(&["Name"]),
            required("Shortname", "shortname", CellKind::Text, "For a tutorial the name of its location.", "London"),
            column("Description", "description", CellKind::Text, "Free text.", ""),
            column("Code", "code", CellKind::Text, "Up to 10 characters.", "LON"),
            IS_ACTIVE,
            column("Buy both", "buy_both", CellKind::Flag, "Y: both variations are offered together.", "N"),
            column(
                "Groups",
                "group_ids",
                CellKind::Names(SheetKind::Groups),
                "Names of groups, separated by /.",
                "Tutorial",
            )
            .or_called(&["Group"]),
        ],
    },
    SheetLayout {
        name: "Variations",
        kind: SheetKind::Variations,
        noun: "variation",
        columns: &[
            required("Name", "name", CellKind::Text, "Each name once within its type.", "EXAMPLE: CB1 six half days"),
            required(
                "Variation type",
                "variation_type",
                CellKind::Choice(VARIATION_TYPES),
                "eBook, Hub, Printed, Marking or Tutorial.",
                "Tutorial",
            )
            .or_called(&["Type"]),
            column("Code", "code", CellKind::Text, "For a tutorial the code of its course template.", "CB1_LO_6"),
            column("Description", "description", CellKind::Text, "Free text.", ""),
            column("Description short", "description_short", CellKind::Text, "Up to 255 characters.", "")
                .or_called(&["Short description"]),
        ],
    },
    SheetLayout {
        name: "Store products",
        kind: SheetKind::StoreProducts,
        noun: "store product",
        columns: &[
            required(
                "Exam session",
                "exam_session_id",
                CellKind::Name(SheetKind::ExamSessions),
                "Code of the exam session, such as 2027-04 or 2027A.",
                "EXAMPLE: 2027-04",
            )
            .or_called(&["Session code"]),
            required("Subject", "subject_id", CellKind::Name(SheetKind::Subjects), "Code of the subject.", "CB1"),
            required("Product", "product_id", CellKind::Name(SheetKind::Products), "Full or short name.", "London"),
            required("Variation", "variation_id", CellKind::Name(SheetKind::Variations), "Code or name.", "CB1_LO_6")
                .or_called(&["Product variation", "Variation code"]),
            column(
                "Product code",
                "product_code",
                CellKind::Text,
                "Unique code by which prices and bundles name it. Blank: one is generated.",
                "CB1/LON/2027-04",
            )
            .or_called(&["Code"]),
            IS_ACTIVE,
        ],
    },
    SheetLayout {
        name: "Prices",
        kind: SheetKind::Prices,
        noun: "price",
        columns: &[
            required(
                "Product",
                "product_id",
                CellKind::Name(SheetKind::StoreProducts),
                "Code of the store product, or exam session / subject / product / variation.",
                "EXAMPLE: CB1/LON/2027-04",
            )
            .or_called(&["Product code", "Store product"]),
            column("Price type", "price_type", CellKind::Choice(PRICE_TYPES), "Blank: standard.", "standard")
                .or_called(&["Type"]),
            required("Amount", "amount", CellKind::Amount, "Such as 610.00.", "610.00").or_called(&["Price"]),
            column("Currency", "currency", CellKind::Text, "Three letters. Blank: GBP for a new price.", "GBP"),
        ],
    },
    SheetLayout {
        name: "Bundles",
        kind: SheetKind::Bundles,
        noun: "bundle",
        columns: &[
            required(
                "Bundle name",
                "bundle_name",
                CellKind::Text,
                "Each name once within a subject.",
                "EXAMPLE: CB1 pack",
            )
            .or_called(&["Name", "Bundle"]),
            required("Subject", "subject_id", CellKind::Name(SheetKind::Subjects), "Code of the subject.", "CB1"),
            column(
                "Exam session",
                "exam_session_id",
                CellKind::Name(SheetKind::ExamSessions),
                "Code of the exam session that sells it. Blank: none yet.",
                "2027-04",
            ),
            column("Bundle description", "bundle_description", CellKind::Text, "Free text.", "")
                .or_called(&["Description"]),
            column("Is featured", "is_featured", CellKind::Flag, "Y or N. Blank: N for a new row.", "N")
                .or_called(&["Featured"]),
            IS_ACTIVE,
            DISPLAY_ORDER,
        ],
    },
    SheetLayout {
        name: "Bundle products",
        kind: SheetKind::BundleProducts,
        noun: "bundle product",
        columns: &[
            required(
                "Bundle",
                "bundle_template_id",
                CellKind::Name(SheetKind::BundleTemplates),
                "Name of a bundle that the exam session of the product sells.",
                "EXAMPLE: CB1 pack",
            )
            .or_called(&["Bundle name", "Bundle template"]),
            required(
                "Product",
                "product_id",
                CellKind::Name(SheetKind::StoreProducts),
                "Code of the store product, or exam session / subject / product / variation.",
                "CB1/LON/2027-04",
            )
            .or_called(&["Product code", "Store product"]),
            column(
                "Default price type",
                "default_price_type",
                CellKind::Choice(PRICE_TYPES),
                "Blank: standard.",
                "standard",
            )
            .or_called(&["Price type"]),
            column("Quantity", "quantity", CellKind::Number, "Whole number from 1. Blank: 1.", "1"),
            column("Sort order", "sort_order", CellKind::Number, "Whole number; lower ones come first.", "0"),
            IS_ACTIVE,
        ],
    },
    SheetLayout {
        name: "Locations",
        kind: SheetKind::Locations,
        noun: "location",
        columns: &[
            required("Name", "name", CellKind::Text, "Each name once.", "EXAMPLE: London"),
            column("Code", "code", CellKind::Text, "Up to 50 characters.", "LON"),
            IS_ACTIVE,
        ],
    },
    SheetLayout {
        name: "Venues",
        kind: SheetKind::Venues,
        noun: "venue",
        columns: &[
            required("Name", "name", CellKind::Text, "Each name once within a location.", "EXAMPLE: Holborn Rooms"),
            required("Location", "location_id", CellKind::Name(SheetKind::Locations), "Name or code.", "London"),
            column("Description", "description", CellKind::Text, "Free text.", ""),
        ],
    },
    SheetLayout {
        name: "Instructors",
        kind: SheetKind::Instructors,
        noun: "instructor",
        columns: &[
            required("First name", "first_name", CellKind::Text, "Up to 150 characters.", "EXAMPLE: Ada"),
            column("Last name", "last_name", CellKind::Text, "Up to 150 characters.", "Marlow"),
            column("Email", "email", CellKind::Text, "E-mail address.", "ada.marlow@example.org"),
            IS_ACTIVE,
        ],
    },
    SheetLayout {
        name: "Course templates",
        kind: SheetKind::CourseTemplates,
        noun: "course template",
        columns: &[
            required("Code", "code", CellKind::Text, "As in Administrate and in timetables.", "EXAMPLE: CB1_LO_6"),
            required("Title", "title", CellKind::Text, "Up to 255 characters.", "CB1 six half days"),
            column("Description", "description", CellKind::Text, "Free text.", ""),
            IS_ACTIVE,
        ],
    },
];
