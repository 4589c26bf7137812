//! The tree of categories (filter groups) and the catalogue products in each.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{CategoryRow, FacetEntryRow, MembershipRow};
use super::segment::facet_name::FacetName;
use crate::names::fold;

/// The category name that selects bundles. It is not a filter group.
pub const BUNDLE: &str = "Bundle";

/// The tree of categories with the members of each. Members include those of all descendants.
#[derive(Debug, Default)]
pub struct Categories {
    facets: BTreeMap<i64, FacetName>,
    active: Vec<CategoryRow>,
    by_name: BTreeMap<String, Vec<i64>>,
    direct_categories: BTreeMap<i64, Vec<i64>>,
    members: BTreeMap<i64, BTreeSet<i64>>,
    entries: BTreeMap<String, BTreeSet<i64>>,
}

impl Categories {
    /// Builds the tree. A cycle of parents ends at the first repeated category.
    pub fn new(rows: &[CategoryRow], memberships: &[MembershipRow], entries: &[FacetEntryRow]) -> Self {
        let mut categories = Self::default();
        let parents: BTreeMap<i64, Option<i64>> = rows.iter().map(|row| (row.id, row.parent_id)).collect();
        for row in rows {
            categories.facets.insert(row.id, FacetName::new(row.name.as_str().into(), row.name.as_str().into(), false));
            if row.is_active {
                categories.active.push(row.clone());
                for name in [Some(&row.name), row.code.as_ref()].into_iter().flatten() {
                    categories.by_name.entry(fold(name)).or_default().push(row.id);
                }
            }
        }
        for membership in memberships {
            categories.direct_categories.entry(membership.catalog_product_id).or_default().push(membership.category_id);
            for category in with_ancestors(membership.category_id, &parents) {
                categories.members.entry(category).or_default().insert(membership.catalog_product_id);
            }
        }
        for entry in entries {
            categories.entries.entry(entry.filter_key.clone()).or_default().insert(entry.category_id);
        }
        categories
    }

    /// Returns the categories with any of these names or codes, in any case.
    pub fn named<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = i64> {
        names.into_iter().filter_map(|name| self.by_name.get(&fold(name))).flatten().copied()
    }

    /// Returns every category with its members.
    pub fn members(&self) -> impl Iterator<Item = (i64, &BTreeSet<i64>)> {
        self.members.iter().map(|(id, members)| (*id, members))
    }

    /// Returns the names of the categories that directly contain a catalogue product.
    pub fn names_of(&self, catalog_product_id: i64) -> impl Iterator<Item = &str> {
        let direct_categories = self.direct_categories.get(&catalog_product_id).into_iter().flatten();
        direct_categories.filter_map(|id| self.facets.get(id)).map(|facet| &*facet.name)
    }

    /// Returns id, name and description of every active category.
    pub fn all(&self) -> impl Iterator<Item = (i64, &str, &str)> {
        self.active.iter().map(|row| (row.id, &*row.name, &*row.description))
    }

    /// Returns id, name and description of the active categories with any of these products, directly or in a descendant.
    pub fn containing<'a>(&'a self, products: &BTreeSet<i64>) -> impl Iterator<Item = (i64, &'a str, &'a str)> {
        self.all().filter(|(id, ..)| self.members.get(id).is_some_and(|members| !members.is_disjoint(products)))
    }

    /// Returns whether a category contains a catalogue product, directly or in a descendant.
    pub fn contains(&self, category: i64, catalog_product_id: i64) -> bool {
        self.members.get(&category).is_some_and(|members| members.contains(&catalog_product_id))
    }

    /// Returns whether a catalogue product is directly in one of these categories.
    pub fn is_directly_in(&self, catalog_product_id: i64, categories: &BTreeSet<i64>) -> bool {
        self.direct_categories.get(&catalog_product_id).into_iter().flatten().any(|id| categories.contains(id))
    }

    /// Returns id and name of the categories that are counted under a filter key, including empty ones.
    pub fn entries(&self, filter_key: &str) -> impl Iterator<Item = (i64, &FacetName)> {
        let ids = self.entries.get(filter_key).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.facets.get(id)?)))
    }
}

fn with_ancestors(category: i64, parents: &BTreeMap<i64, Option<i64>>) -> BTreeSet<i64> {
    let mut ancestors = BTreeSet::new();
    let mut next = Some(category);
    while let Some(id) = next {
        next = if ancestors.insert(id) { parents.get(&id).copied().flatten() } else { None };
    }
    ancestors
}

/// Returns whether a category value selects bundles.
pub fn is_bundle_category(value: &str) -> bool {
    fold(value) == "bundle"
}
