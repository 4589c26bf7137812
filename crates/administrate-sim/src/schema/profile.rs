//! Profiles: named combinations of the API variants that are known to differ between tenants.

use std::fmt;
use std::str::FromStr;

/// Name of the tax type in inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaxName {
    /// `taxType`, as known client code sends it.
    TaxType,
    /// `taxTypeId`, as in the newer documentation.
    TaxTypeId,
}

/// Shape of the payloads that exist in both shapes (`learner.recordAttendances`, `prices`).
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
    /// Name, as the value of `--profile`.
    pub name: &'static str,
    /// Name of the tax type in inputs.
    pub tax: TaxName,
    /// Whether `location.create`, `venue.create`, `courseTemplate.create` and `session.removeStaff` exist.
    pub creates: bool,
    /// Whether `contact.create` accepts `isInstructor`, `isStaff` and `isAdmin`. True in all named profiles.
    pub contact_roles: bool,
    /// Shape of the payloads that exist in both shapes.
    pub payload: PayloadShape,
    /// Whether `__schema` and `__type` are answered. True in all named profiles.
    pub introspection: bool,
}

impl Profile {
    /// The API as known client code uses it: `taxType`, no create mutations, lists.
    pub const CLASSIC: Self = Self {
        name: "classic",
        tax: TaxName::TaxType,
        creates: false,
        contact_roles: true,
        payload: PayloadShape::List,
        introspection: true,
    };
    /// The API of the newer documentation: `taxTypeId`, no create mutations, objects.
    pub const CURRENT: Self = Self {
        name: "current",
        tax: TaxName::TaxTypeId,
        creates: false,
        contact_roles: true,
        payload: PayloadShape::Object,
        introspection: true,
    };
    /// The API with create mutations that no known tenant has: `taxTypeId`, lists.
    pub const EXTENDED: Self = Self {
        name: "extended",
        tax: TaxName::TaxTypeId,
        creates: true,
        contact_roles: true,
        payload: PayloadShape::List,
        introspection: true,
    };
    /// The named profiles. Together they have both values of `tax`, `creates` and `payload`.
    pub const ALL: [Self; 3] = [Self::CLASSIC, Self::CURRENT, Self::EXTENDED];

    /// Returns the profile with introspection refused.
    pub fn without_introspection(self) -> Self {
        Self { introspection: false, ..self }
    }

    /// Returns the profile with a `contact.create` that accepts no roles, as the documentation describes it.
    pub fn without_contact_roles(self) -> Self {
        Self { contact_roles: false, ..self }
    }

    /// Returns whether the profile includes lines of the schema text marked with `variant`.
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
            .ok_or_else(|| format!("unknown profile \"{name}\"; choose one of {}", names()))
    }
}
