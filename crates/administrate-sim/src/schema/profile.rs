//! Where tenants are known to differ, as named combinations.

use std::fmt;
use std::str::FromStr;

/// How inputs spell the tax type (facts §1.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaxName {
    /// `taxType`, as the reference sends it.
    TaxType,
    /// `taxTypeId`, as the newer documentation has it.
    TaxTypeId,
}

/// The shape of payloads that are seen both ways (`learner.recordAttendances`, `prices`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadShape {
    /// A list.
    List,
    /// One object.
    Object,
}

/// One variant of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Name, as `--profile` takes it.
    pub name: &'static str,
    /// Spelling of the tax type.
    pub tax: TaxName,
    /// Whether `location.create`, `venue.create`, `courseTemplate.create` and `session.removeStaff` exist.
    pub creates: bool,
    /// Whether `contact.create` takes `isInstructor` and its like. In all named profiles it does.
    pub contact_roles: bool,
    /// Shape of the payloads in question.
    pub payload: PayloadShape,
    /// Whether `__schema` and `__type` are answered. All named profiles do; set it to `false` to refuse.
    pub introspection: bool,
}

impl Profile {
    /// As client code has seen it: `taxType`, nothing to create, lists.
    pub const CLASSIC: Self = Self {
        name: "classic",
        tax: TaxName::TaxType,
        creates: false,
        contact_roles: true,
        payload: PayloadShape::List,
        introspection: true,
    };
    /// As the newer documentation has it: `taxTypeId`, nothing to create, objects.
    pub const CURRENT: Self = Self {
        name: "current",
        tax: TaxName::TaxTypeId,
        creates: false,
        contact_roles: true,
        payload: PayloadShape::Object,
        introspection: true,
    };
    /// With the mutations that nobody has seen yet: `taxTypeId`, lists.
    pub const EXTENDED: Self = Self {
        name: "extended",
        tax: TaxName::TaxTypeId,
        creates: true,
        contact_roles: true,
        payload: PayloadShape::List,
        introspection: true,
    };
    /// The named profiles: together they have both values of each switch.
    pub const ALL: [Self; 3] = [Self::CLASSIC, Self::CURRENT, Self::EXTENDED];

    /// The same with introspection refused.
    pub fn without_introspection(self) -> Self {
        Self { introspection: false, ..self }
    }

    /// The same with a `contact.create` that makes people without roles, which is all that is documented of it.
    pub fn without_contact_roles(self) -> Self {
        Self { contact_roles: false, ..self }
    }

    /// Whether a line of the schema text marked with `variant` stands in this profile.
    pub(crate) fn has_variant(&self, variant: &str) -> bool {
        match variant {
            "tax=taxType" => self.tax == TaxName::TaxType,
            "tax=taxTypeId" => self.tax == TaxName::TaxTypeId,
            "creates" => self.creates,
            "contact-roles" => self.contact_roles,
            "payload=list" => self.payload == PayloadShape::List,
            "payload=object" => self.payload == PayloadShape::Object,
            _ => false,
        }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::CLASSIC
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let names = || Self::ALL.map(|profile| profile.name).join(", ");
        Self::ALL
            .into_iter()
            .find(|profile| profile.name == name)
            .ok_or_else(|| format!("no profile is called \"{name}\"; there are {}", names()))
    }
}
