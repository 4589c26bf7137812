//! The kinds of record that can be synchronised: seven kinds of reference data, in their order, and events.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::console::counted;
use crate::names::nearest;

/// A kind of record that can be synchronised. Each comes after the ones that it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entity {
    /// Definitions of custom fields, for every kind of record. They exist in Administrate only.
    CustomFields,
    /// Tariffs. They exist in Administrate only.
    PriceLevels,
    /// Towns and online places, matched by name.
    Locations,
    /// Rooms, matched by name within their location.
    Venues,
    /// People who teach, matched by their whole name.
    Instructors,
    /// Kinds of course, matched by code.
    CourseTemplates,
    /// The price of a course template at a price level. They exist in Administrate only.
    CourseTemplatePriceLevels,
    /// Events that exist locally, matched by title. Not a part of `all`.
    Events,
}

impl Entity {
    /// Returns all entities, events included.
    pub(super) fn each() -> impl Iterator<Item = Entity> {
        Entity::ALL.into_iter().chain([Entity::Events])
    }

    /// The entities of `sync all`, in order.
    pub const ALL: [Entity; 7] = [
        Entity::CustomFields,
        Entity::PriceLevels,
        Entity::Locations,
        Entity::Venues,
        Entity::Instructors,
        Entity::CourseTemplates,
        Entity::CourseTemplatePriceLevels,
    ];

    /// Returns the name on the command line, in reports and in `lectern.runs`.
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

    /// Returns the name of several records in a sentence.
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

    /// Returns the plural as a heading: `Course templates`.
    pub fn heading(self) -> String {
        let mut letters = self.plural().chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// Returns whether the program can create missing records of this kind, locally and in Administrate.
    pub fn can_be_created(self) -> bool {
        matches!(self, Entity::Locations | Entity::Venues | Entity::Instructors | Entity::CourseTemplates)
    }

    /// Returns a number of records in words: `1 venue`, `2 venues`.
    pub fn counted(self, count: usize) -> String {
        counted(count, self.plural().trim_end_matches('s'))
    }

    /// Returns the entities that have to be synchronised first.
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

    /// Reads a name with hyphens or with underscores, as in the commands of old cron jobs.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_lowercase().replace('_', "-");
        Entity::each().find(|entity| entity.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Entity::each().map(Entity::name).collect();
            let similar = nearest(&name, names.iter().copied()).into_iter().next();
            let tip = similar.map(|similar| format!("did you mean {similar}? ")).unwrap_or_default();
            format!("there is no entity called \"{text}\": {tip}Choose one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prerequisites_are_earlier_in_the_order() {
        for entity in Entity::each() {
            assert!(entity.prerequisites().iter().all(|earlier| *earlier < entity), "{entity}");
        }
    }

    #[test]
    fn name_with_hyphens_or_underscores_is_read() {
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
