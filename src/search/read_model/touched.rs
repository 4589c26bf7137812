//! What a change of the catalogue may have touched.

use std::collections::BTreeSet;

/// The parts of the read model that may differ from the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Ids of store products: their rows, prices, events, sessions or instructors, or that they are on sale.
    pub store_products: BTreeSet<i64>,
    /// Ids of bundles: their rows or components, or that they are on sale.
    pub bundles: BTreeSet<i64>,
    /// Anything else, such as categories: everything has to be read again.
    pub everything: bool,
}

impl Touched {
    /// Reports whether nothing was touched.
    pub fn is_empty(&self) -> bool {
        !self.everything && self.store_products.is_empty() && self.bundles.is_empty()
    }

    /// Adds what another change touched.
    pub fn extend(&mut self, other: Self) {
        self.store_products.extend(other.store_products);
        self.bundles.extend(other.bundles);
        self.everything |= other.everything;
    }
}
