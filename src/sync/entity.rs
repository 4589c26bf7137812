//! What can be synchronised: seven kinds of reference data, in their order, and events.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::console::counted;

/// What can be synchronised. The order is that of FR-022 of seed 004: each stands behind what it builds upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entity {
    /// Definitions of custom fields, for every kind of record; Administrate's own.
    CustomFields,
    /// Tariffs; Administrate's own.
    PriceLevels,
    /// Towns and online places, matched by name.
    Locations,
    /// Rooms, matched by name within their location.
    Venues,
    /// People who teach, matched by their whole name.
    Instructors,
    /// Kinds of course, matched by code.
    CourseTemplates,
    /// What a course template costs on a price level; Administrate's own.
    CourseTemplatePriceLevels,
    /// Events that are known here, matched by title; not one of `all`.
    Events,
}

impl Entity {
    /// Everything that has a name.
    fn each() -> impl Iterator<Item = Entity> {
        Entity::ALL.into_iter().chain([Entity::Events])
    }

    /// The seven of `sync all`, in order.
    pub const ALL: [Entity; 7] = [
        Entity::CustomFields,
        Entity::PriceLevels,
        Entity::Locations,
        Entity::Venues,
        Entity::Instructors,
        Entity::CourseTemplates,
        Entity::CourseTemplatePriceLevels,
    ];

    /// The name on the command line, in reports and in `lectern.runs`.
    pub fn name(self) -> &'static str {
        match self {
            Entity::CustomFields => "custom-fields",
            Entity::PriceLevels => "price-levels",
            Entity::Locations => "locations",
            Entity::Venues => "venues",
            Entity::Instructors => "instructors",
            Entity::CourseTemplates => "course-templates",
            Entity::CourseTemplatePriceLevels => "course-template-price-levels",
            Entity::Events => "events",
        }
    }

    /// How a sentence calls several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Entity::CustomFields => "custom fields",
            Entity::PriceLevels => "price levels",
            Entity::Locations => "locations",
            Entity::Venues => "venues",
            Entity::Instructors => "instructors",
            Entity::CourseTemplates => "course templates",
            Entity::CourseTemplatePriceLevels => "prices",
            Entity::Events => "events",
        }
    }

    /// So many of them, as a sentence says it.
    pub fn counted(self, count: usize) -> String {
        counted(count, self.plural().trim_end_matches('s'))
    }

    /// What has to be synchronised before (rules, Sync).
    pub fn prerequisites(self) -> &'static [Entity] {
        match self {
            Entity::Venues => &[Entity::Locations],
            Entity::CourseTemplates => &[Entity::CustomFields],
            Entity::CourseTemplatePriceLevels => &[Entity::CourseTemplates, Entity::PriceLevels],
            Entity::Events => &[Entity::CourseTemplates, Entity::Locations, Entity::Venues, Entity::Instructors],
            Entity::CustomFields | Entity::PriceLevels | Entity::Locations | Entity::Instructors => &[],
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Entity {
    type Err = String;

    /// Reads a name with hyphens or, as the reference's commands had them, with underscores.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_lowercase().replace('_', "-");
        Entity::each().find(|entity| entity.name() == name).ok_or_else(|| {
            let names = Entity::each().map(Entity::name).collect::<Vec<_>>().join(", ");
            format!("there is no entity called \"{text}\"; there are {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prerequisites_come_earlier_in_the_order() {
        for entity in Entity::each() {
            assert!(entity.prerequisites().iter().all(|earlier| *earlier < entity), "{entity}");
        }
    }

    #[test]
    fn both_spellings_are_read() {
        for (text, expected) in [
            ("price-levels", Ok(Entity::PriceLevels)),
            ("course_template_price_levels", Ok(Entity::CourseTemplatePriceLevels)),
            ("Venues", Ok(Entity::Venues)),
        ] {
            assert_eq!(text.parse::<Entity>(), expected);
        }
        assert!("rooms".parse::<Entity>().is_err());
    }
}
