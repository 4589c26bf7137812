//! Finds the product of an event: the one that a user chose, else the one whose names are those of the timetable.

use std::collections::{BTreeMap, HashMap};

use super::inputs::{LinkedProduct, LocalState, NamedRecord};
use crate::names::fold;
use crate::text::shell_word;
use crate::timetable_import::mapping::{ANY, ProductMapping};
use crate::workbook::problems::{Code, Issue};
use crate::workbook::values::{self, Sitting, sitting_of_session_code};

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
struct SoughtProduct<'a> {
    sitting: &'a Sitting,
    template: &'a NamedRecord,
    location: &'a NamedRecord,
}

impl SoughtProduct<'_> {
    /// Returns the command that chooses a product; None: one that the message does not know.
    fn command(&self, product: Option<&String>) -> String {
        let [template, location, sitting] =
            [&self.template.name, &self.location.name, &self.sitting.written].map(|name| shell_word(name));
        let product = product.map_or_else(|| "STORE_PRODUCT".to_owned(), |code| shell_word(code));
        format!("`lectern import products set {template} {location} {sitting} {product}`")
    }
}

impl std::fmt::Display for SoughtProduct<'_> {
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
        let sought = SoughtProduct { sitting, template, location };
        if let Some(mapping) = self.mapping(&sought) {
            return self.mapped(mapping, &sought);
        }
        let key = (fold(&template.name), fold(&location.name));
        let candidates: &[&LinkedProduct] = self.named.get(&key).map_or(&[], Vec::as_slice);
        let matching: Vec<_> =
            candidates.iter().filter(|product| self.is_sold_in(&product.session_code, sitting)).collect();
        match matching.as_slice() {
            [one] => Ok(one.product.clone()),
            [] => Err(self.no_product(candidates, &sought)),
            several => {
                let codes: Vec<String> = several.iter().map(|product| product.product.name.clone()).collect();
                let message = format!(
                    "several products exist for {sought}: {}; set all but one of them inactive, or choose one: {}",
                    codes.join(", "),
                    sought.command(codes.first()),
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
    fn mapping(&self, sought: &SoughtProduct<'_>) -> Option<&'a ProductMapping> {
        let location = fold(&sought.location.name);
        let fits = |mapping: &&&ProductMapping| {
            (mapping.location == ANY || fold(&mapping.location) == location)
                && (mapping.sitting == ANY || self.is_sold_in(&mapping.sitting, sought.sitting))
        };
        let mappings = self.chosen.get(&fold(&sought.template.name))?;
        let specific = |mapping: &&&ProductMapping| (mapping.location != ANY, mapping.sitting != ANY, mapping.id);
        mappings.iter().filter(fits).max_by_key(specific).copied()
    }

    /// Returns the product of a mapping. One for any sitting means the same product in the exam session of the sitting,
    /// if that sells it.
    fn mapped(&self, mapping: &ProductMapping, sought: &SoughtProduct<'_>) -> Result<NamedRecord, Issue> {
        let named = self.by_id.get(&mapping.store_product_id).copied();
        let sibling = named.filter(|_| mapping.sitting == ANY).and_then(|named| {
            let known = self.siblings.get(&(named.subject_id, named.product_variation_id))?;
            let sold = |product: &&&LinkedProduct| self.is_sold_in(&product.session_code, sought.sitting);
            // The named one wins over others of the same exam session.
            known.iter().filter(sold).min_by_key(|product| product.product.id != named.product.id).copied()
        });
        match sibling.or(named.filter(|named| named.is_active)) {
            Some(product) => Ok(product.product.clone()),
            None => {
                let (id, code) = (mapping.id, &mapping.store_product);
                let message = format!(
                    "product mapping {id} chooses {code} for {sought}, which is not active; set it active, or choose \
                     another one: {}",
                    sought.command(None)
                );
                Err(Issue::new(Code::UnknownProduct, message))
            }
        }
    }

    /// Describes that no product matches. `candidates`: those of other sittings.
    fn no_product(&self, candidates: &[&LinkedProduct], sought: &SoughtProduct<'_>) -> Issue {
        let SoughtProduct { template, location, sitting } = sought;
        if self.by_id.is_empty() {
            let message = format!(
                "no product exists for {sought}: the catalogue has no store products; `lectern catalogue template \
                 FILE.xlsx` writes a workbook for them, `lectern catalogue import FILE.xlsx` reads it"
            );
            return Issue::new(Code::UnknownProduct, message);
        }
        // Written as in a timetable.
        let written = |product: &&LinkedProduct| sitting_of_session_code(&product.session_code, self.letters);
        let others = shortened(candidates.iter().filter_map(written).collect());
        let similar = self.similar_products(sought);
        let choose = sought.command(similar.first());
        let (hint, suggestions) = if let Some(other) = others.last() {
            let from = candidates.iter().find(|product| written(product).as_ref() == Some(other));
            let from = from.map_or(other, |product| &product.session_code);
            let [from, to] = [from, &sitting.mapped].map(|code| shell_word(code));
            let hint = format!(
                "there are products for {}; `lectern catalogue copy {from} {to}` copies what an exam session sells; or \
                 choose a product: {choose}",
                others.join(", ")
            );
            (hint, others)
        } else {
            let none = format!("the catalogue has no product for {} at {}", template.name, location.name);
            let elsewhere = self.products_elsewhere(template);
            match (elsewhere.is_empty(), similar.is_empty()) {
                (true, true) => (format!("{none}; choose one by its product code: {choose}"), Vec::new()),
                (true, false) => {
                    (format!("{none}; similar: {}; choose one: {choose}", similar.join(", ")), similar.clone())
                }
                (false, _) => (format!("{none}, only for {}; choose one: {choose}", elsewhere.join(", ")), elsewhere),
            }
        };
        let message = format!("no product exists for {sought}; {hint}");
        Issue::new(Code::UnknownProduct, message).with_suggestions(suggestions)
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

    /// Returns the codes of the tutorials of a sitting that may be meant: those whose variation has a code that starts with
    /// the one of the template, else those of its subject.
    fn similar_products(&self, sought: &SoughtProduct<'_>) -> Vec<String> {
        let code = fold(&sought.template.name);
        let segments: Vec<&str> = code.split(['_', '-', '.', ' ']).collect();
        let mut sold: Vec<&LinkedProduct> = self.named.values().flatten().copied().collect();
        sold.retain(|product| self.is_sold_in(&product.session_code, sought.sitting));
        let codes = |is_similar: &dyn Fn(&LinkedProduct) -> bool| {
            let similar = sold.iter().filter(|product| is_similar(product));
            shortened(similar.map(|product| product.product.name.clone()).collect())
        };
        let by_code = codes(&|product| fold(&product.variation_code).starts_with(&code));
        if !by_code.is_empty() {
            return by_code;
        }
        codes(&|product| product.is_tutorial && segments.contains(&fold(&product.subject_code).as_str()))
    }
}

/// Returns the first names in order, each once.
fn shortened(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names.truncate(MAX_CANDIDATES);
    names
}
