//! Reads rows, as [`writer`](super::writer) writes them.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{MAGIC, RowsOrigin, SavedCatalogue, checksum, format_mark};
use crate::search::read_model::rows::{
    BundleRow, CatalogueRows, ComponentRow, FormRow, InstructorRecord, Place, PriceRecord, SittingRow, StoreProductRow,
    Text, TutorialEventRow, TutorialSessionRow,
};
use crate::search::read_model::segment::vocabulary::Vocabulary;

/// Returns what a file contains. None if it is damaged or of another version.
pub fn decode(bytes: &[u8]) -> Option<SavedCatalogue> {
    let (content, sum) = bytes.split_last_chunk()?;
    let rest = content.strip_prefix(MAGIC)?.strip_prefix(&format_mark().to_le_bytes())?;
    if checksum(content) != u64::from_le_bytes(*sum) {
        return None;
    }
    let mut reader = SavedRowReader {
        bytes: rest,
        texts: Vec::new(),
        sittings: Vec::new(),
        forms: Vec::new(),
        rows: CatalogueRows::default(),
    };
    let origin = RowsOrigin { database: reader.own_text()??.to_owned(), position: reader.own_text()??.to_owned() };
    for _ in 0..reader.count()? {
        reader.store_product()?;
    }
    for _ in 0..reader.count()? {
        reader.bundle()?;
    }
    let rows = reader.rows.store_products.len() + reader.rows.bundles.len();
    let vocabulary = match reader.flag()? {
        true => Some(Vocabulary::read(&mut reader.bytes, rows.try_into().ok()?)?),
        false => None,
    };
    reader.bytes.is_empty().then_some(SavedCatalogue { origin, rows: reader.rows, vocabulary })
}

struct SavedRowReader<'a> {
    bytes: &'a [u8],
    /// The shared texts by their numbers.
    texts: Vec<Text>,
    sittings: Vec<Arc<SittingRow>>,
    forms: Vec<Arc<FormRow>>,
    rows: CatalogueRows,
}

impl<'a> SavedRowReader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*head)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn number(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn small(&mut self) -> Option<i32> {
        self.number()?.try_into().ok()
    }

    fn count(&mut self) -> Option<usize> {
        self.unsigned()?.try_into().ok()
    }

    fn flag(&mut self) -> Option<bool> {
        self.take::<1>().map(|byte| byte != [0])
    }

    fn own_text(&mut self) -> Option<Option<&'a str>> {
        let Some(length) = self.count()?.checked_sub(1) else { return Some(None) };
        let (text, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        std::str::from_utf8(text).ok().map(Some)
    }

    fn optional_text(&mut self) -> Option<Option<Text>> {
        match self.count()? {
            0 => Some(None),
            1 => {
                let text = Text::from(self.own_text()??);
                self.texts.push(text.clone());
                Some(Some(text))
            }
            number => self.texts.get(number - 2).cloned().map(Some),
        }
    }

    fn text(&mut self) -> Option<Text> {
        self.optional_text()?
    }

    fn day(&mut self) -> Option<Date> {
        let number = self.number()?;
        let (month, day) = ((number.rem_euclid(512) / 32) as i8, number.rem_euclid(32) as i8);
        Date::new(number.div_euclid(512).try_into().ok()?, month, day).ok()
    }

    fn time(&mut self) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.number()?).ok()
    }

    fn store_product(&mut self) -> Option<()> {
        let row = StoreProductRow {
            id: self.number()?,
            product_code: self.own_text()??.into(),
            sitting: self.sitting()?,
            form: self.form()?,
        };
        let store_product_id = row.id;
        self.rows.store_products.push(row);
        for _ in 0..self.count()? {
            let price = PriceRecord {
                store_product_id,
                id: self.number()?,
                price_type: self.text()?,
                amount: Decimal::deserialize(self.take()?),
                currency: self.text()?,
            };
            self.rows.prices.push(price);
        }
        for _ in 0..self.count()? {
            self.event(store_product_id)?;
        }
        Some(())
    }

    fn sitting(&mut self) -> Option<Arc<SittingRow>> {
        if let Some(known) = self.count()?.checked_sub(1) {
            return self.sittings.get(known).cloned();
        }
        let sitting = Arc::new(SittingRow {
            id: self.number()?,
            subject_id: self.number()?,
            exam_session_id: self.number()?,
            subject_code: self.text()?,
            exam_session_code: self.text()?,
            subject_description: self.optional_text()?,
        });
        self.sittings.push(sitting.clone());
        Some(sitting)
    }

    fn form(&mut self) -> Option<Arc<FormRow>> {
        if let Some(known) = self.count()?.checked_sub(1) {
            return self.forms.get(known).cloned();
        }
        let form = Arc::new(FormRow {
            id: self.number()?,
            catalog_product_id: self.number()?,
            variation_id: self.number()?,
            fullname: self.text()?,
            shortname: self.text()?,
            catalog_code: self.text()?,
            variation_type: self.text()?,
            variation_name: self.text()?,
            description: self.optional_text()?,
            variation_description: self.optional_text()?,
            variation_description_short: self.optional_text()?,
            buy_both: self.flag()?,
        });
        self.forms.push(form.clone());
        Some(form)
    }

    fn event(&mut self, store_product_id: i64) -> Option<()> {
        let row = TutorialEventRow {
            store_product_id,
            id: self.number()?,
            code: self.own_text()??.into(),
            place: self.place()?,
            is_soldout: self.flag()?,
            finalisation_date: match self.flag()? {
                true => Some(self.day()?),
                false => None,
            },
            remain_space: self.small()?,
            start_date: self.day()?,
            end_date: self.day()?,
            is_unlimited: self.flag()?,
            time_zone: self.optional_text()?,
        };
        let event_id = row.id;
        self.rows.events.push(row);
        for _ in 0..self.count()? {
            let session = TutorialSessionRow {
                event_id,
                id: self.number()?,
                title: self.text()?,
                place: self.place()?,
                start: self.time()?,
                end: self.time()?,
                sequence: self.small()?,
                url: self.own_text()?.map(Text::from),
            };
            self.rows.sessions.push(session);
        }
        for _ in 0..self.count()? {
            let name = self.text()?;
            self.rows.instructors.push(InstructorRecord { event_id, name });
        }
        Some(())
    }

    fn place(&mut self) -> Option<Place> {
        Some(Place {
            location: self.optional_text()?,
            location_code: self.optional_text()?,
            venue: self.optional_text()?,
        })
    }

    fn bundle(&mut self) -> Option<()> {
        let row = BundleRow {
            id: self.number()?,
            subject_id: self.number()?,
            exam_session_id: self.number()?,
            name: self.text()?,
            subject_code: self.text()?,
            exam_session_code: self.text()?,
            description: self.optional_text()?,
        };
        let bundle_id = row.id;
        self.rows.bundles.push(row);
        for _ in 0..self.count()? {
            let component = ComponentRow {
                bundle_id,
                store_product_id: self.number()?,
                default_price_type: self.text()?,
                quantity: self.small()?,
                sort_order: self.small()?,
            };
            self.rows.components.push(component);
        }
        Some(())
    }
}
