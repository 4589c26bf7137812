//! Finds the product of an event: the one that a user chose, else the one whose names are those of the timetable.

use std::collections::{BTreeMap, HashMap};

use super::inputs::{LinkedProduct, LocalState, NamedRecord};
use crate::names::fold;
use crate::text::shell_word;
use crate::timetable_import::mapping::{ANY, ProductMapping};
use crate::timetable_import::problems::{Code, Issue};
use crate::timetable_import::values::{self, Sitting, sitting_of_session_code};

/// Maximum number of candidates in a message.
const MAX_CANDIDATES: usize = 10;

/// Index of the products of the catalogue.
pub struct ProductLookup<'a> {
    /// Active products by folded course template and location.
    named: HashMap<(String, String), Vec<&'a LinkedProduct>>,
    /// All products by id.
    by_id: HashMap<i64, &'a LinkedProduct>,
    /// Active products by subject and product variation, one for each exam session.
    siblings: HashMap<(i64, i64), Vec<&'a LinkedProduct>>,
    /// Chosen products by folded course template.
    chosen: HashMap<String, Vec<&'a ProductMapping>>,
    letters: &'a BTreeMap<String, String>,
}

/// What an event names.
struct Wanted<'a> {
    sitting: &'a Sitting,
    template: &'a NamedRecord,
    location: &'a NamedRecord,
}

impl Wanted<'_> {
    /// Returns the command that chooses the product.
    fn command(&self) -> String {
        let [template, location, sitting] =
            [&self.template.name, &self.location.name, &self.sitting.written].map(|name| shell_word(name));
        format!("`lectern import products set {template} {location} {sitting} STORE_PRODUCT`")
    }
}

impl std::fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {} in sitting {}", self.template.name, self.location.name, self.sitting.written)
    }
}

impl<'a> ProductLookup<'a> {
    /// Builds the index; `letters`: letter of a sitting → suffix of a session code ("A" → "-04").
    pub fn new(local: &'a LocalState, letters: &'a BTreeMap<String, String>) -> Self {
        let (mut named, mut siblings) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for product in local.products.iter().filter(|product| product.is_active) {
            let key = (fold(&product.variation_code), fold(&product.location_name));
            named.entry(key).or_default().push(product);
            siblings.entry((product.subject_id, product.product_variation_id)).or_default().push(product);
        }
        let mut chosen = HashMap::<_, Vec<_>>::new();
        for mapping in &local.mappings {
            chosen.entry(fold(&mapping.template)).or_default().push(mapping);
        }
        let by_id = local.products.iter().map(|product| (product.product.id, product)).collect();
        Self { named, by_id, siblings, chosen, letters }
    }

    /// Finds the product of a sitting, course template and location.
    ///
    /// # Errors
    /// `unknown_product` when none or several match; the message names the candidates and the command that chooses one.
    pub fn find(
        &self,
        sitting: &Sitting,
        template: &NamedRecord,
        location: &NamedRecord,
    ) -> Result<NamedRecord, Issue> {
        let wanted = Wanted { sitting, template, location };
        if let Some(mapping) = self.mapping(&wanted) {
            return self.mapped(mapping, &wanted);
        }
        let key = (fold(&template.name), fold(&location.name));
        let candidates: &[&LinkedProduct] = self.named.get(&key).map_or(&[], Vec::as_slice);
        let matching: Vec<_> =
            candidates.iter().filter(|product| self.is_sold_in(&product.session_code, sitting)).collect();
        match matching.as_slice() {
            [one] => Ok(one.product.clone()),
            [] => Err(self.no_product(candidates, &wanted)),
            several => {
                let codes: Vec<String> = several.iter().map(|product| product.product.name.clone()).collect();
                let message = format!(
                    "several products exist for {wanted}: {}; set all but one of them inactive, or choose one with {}",
                    codes.join(", "),
                    wanted.command(),
                );
                Err(Issue::new(Code::UnknownProduct, message).with_suggestions(codes))
            }
        }
    }

    /// Reports whether the code of an exam session is the one of a sitting, however its year and its end are written.
    fn is_sold_in(&self, session_code: &str, sitting: &Sitting) -> bool {
        match values::sitting(session_code.trim(), self.letters) {
            Ok(known) => known.written == sitting.written,
            Err(_) => [&sitting.written, &sitting.mapped].iter().any(|code| fold(code) == fold(session_code)),
        }
    }

    /// Returns the mapping of an event, the most specific one first: a location counts more than a sitting.
    fn mapping(&self, wanted: &Wanted<'_>) -> Option<&'a ProductMapping> {
        let location = fold(&wanted.location.name);
        let fits = |mapping: &&&ProductMapping| {
            (mapping.location == ANY || fold(&mapping.location) == location)
                && (mapping.sitting == ANY || self.is_sold_in(&mapping.sitting, wanted.sitting))
        };
        let mappings = self.chosen.get(&fold(&wanted.template.name))?;
        let specific = |mapping: &&&ProductMapping| (mapping.location != ANY, mapping.sitting != ANY, mapping.id);
        mappings.iter().filter(fits).max_by_key(specific).copied()
    }

    /// Returns the product of a mapping. One for any sitting means the same product in the exam session of the sitting,
    /// if that sells it.
    fn mapped(&self, mapping: &ProductMapping, wanted: &Wanted<'_>) -> Result<NamedRecord, Issue> {
        let named = self.by_id.get(&mapping.store_product_id).copied();
        let sibling = named.filter(|_| mapping.sitting == ANY).and_then(|named| {
            let known = self.siblings.get(&(named.subject_id, named.product_variation_id))?;
            let sold = |product: &&&LinkedProduct| self.is_sold_in(&product.session_code, wanted.sitting);
            // The named one wins over others of the same exam session.
            known.iter().filter(sold).min_by_key(|product| product.product.id != named.product.id).copied()
        });
        match sibling.or(named.filter(|named| named.is_active)) {
            Some(product) => Ok(product.product.clone()),
            None => {
                let (id, code) = (mapping.id, &mapping.store_product);
                let message = format!(
                    "product mapping {id} chooses {code} for {wanted}, which is not active; set it active, or choose \
                     another one with {}",
                    wanted.command()
                );
                Err(Issue::new(Code::UnknownProduct, message))
            }
        }
    }

    /// Describes that no product matches. `candidates`: those of other sittings.
    fn no_product(&self, candidates: &[&LinkedProduct], wanted: &Wanted<'_>) -> Issue {
        let Wanted { template, location, .. } = wanted;
        // Written as in a timetable.
        let written = |product: &&LinkedProduct| sitting_of_session_code(&product.session_code, self.letters);
        let mut others: Vec<String> = candidates.iter().filter_map(written).collect();
        others.sort_unstable();
        others.dedup();
        let hint = if self.by_id.is_empty() {
            let message = format!(
                "no product exists for {wanted}: the catalogue has no store products; `lectern catalogue template \
                 FILE.xlsx` writes a workbook for them, `lectern catalogue import FILE.xlsx` reads it"
            );
            return Issue::new(Code::UnknownProduct, message);
        } else if !others.is_empty() {
            format!("there are products for {}", others.join(", "))
        } else {
            let none = format!("the catalogue has no product for {} at {}", template.name, location.name);
            let elsewhere = self.products_elsewhere(template);
            let similar = self.similar_products(wanted);
            match (elsewhere.as_slice(), similar.as_slice()) {
                ([], []) => none,
                ([], similar) => {
                    others = similar.to_vec();
                    format!("{none}; similar: {}", similar.join(", "))
                }
                (elsewhere, _) => {
                    others = elsewhere.to_vec();
                    format!("{none}, only for {}", elsewhere.join(", "))
                }
            }
        };
        let message = format!("no product exists for {wanted}; {hint}; choose one with {}", wanted.command());
        Issue::new(Code::UnknownProduct, message).with_suggestions(others)
    }

    /// Returns the sittings and locations for which the catalogue has products of a template.
    fn products_elsewhere(&self, template: &NamedRecord) -> Vec<String> {
        let code = fold(&template.name);
        let products = self.named.iter().filter(|((template, _), _)| *template == code).flat_map(|(_, found)| found);
        let sitting = |product: &LinkedProduct| {
            let written = sitting_of_session_code(&product.session_code, self.letters);
            written.unwrap_or_else(|| product.session_code.clone())
        };
        shortened(products.map(|product| format!("{} at {}", sitting(product), product.location_name)).collect())
    }

    /// Returns the codes of the products of a sitting whose variation has a code that starts with the one of the template.
    fn similar_products(&self, wanted: &Wanted<'_>) -> Vec<String> {
        let code = fold(&wanted.template.name);
        let similar = self.named.iter().filter(|((variation, _), _)| variation.starts_with(&code));
        let sold = similar.flat_map(|(_, found)| found);
        let sold = sold.filter(|product| self.is_sold_in(&product.session_code, wanted.sitting));
        shortened(sold.map(|product| product.product.name.clone()).collect())
    }
}

/// Returns the first names in order, each once.
fn shortened(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names.truncate(MAX_CANDIDATES);
    names
}
