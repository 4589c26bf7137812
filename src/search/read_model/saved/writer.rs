//! Writes rows.

use foldhash::HashMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::{MAGIC, RowsOrigin, checksum, format_mark};
use crate::search::read_model::ReadModel;
use crate::search::read_model::items::{StoreProduct, TutorialEvent};
use crate::search::read_model::rows::{
    BundleRow, ComponentRow, FormRow, Place, PriceRecord, SittingRow, StoreProductRow, Text, TutorialEventRow,
    TutorialSessionRow,
};

/// Bytes for a store product, an event or a session, at least.
const ROOM: usize = 200;

/// Returns the content of the file.
pub fn encode(model: &ReadModel, origin: &RowsOrigin) -> Vec<u8> {
    let totals = model.totals();
    let rows = totals.items + totals.store_products + totals.events + totals.sessions;
    let mut writer = SavedRowWriter { bytes: Vec::with_capacity(rows * ROOM), ..SavedRowWriter::default() };
    writer.bytes.extend(MAGIC);
    writer.bytes.extend(format_mark().to_le_bytes());
    writer.own_text(Some(&origin.database));
    writer.own_text(Some(&origin.position));
    writer.count(model.store_products().count());
    model.store_products().for_each(|product| writer.store_product(product));
    writer.count(model.bundles().count());
    for bundle in model.bundles() {
        writer.bundle(&bundle.row);
        writer.count(bundle.components.len());
        bundle.components.iter().for_each(|component| writer.component(&component.row));
    }
    // The rows of a model with changes are numbered in two segments.
    let only = match model.parts() {
        [part] => Some(&part.segment.vocabulary),
        _ => None,
    };
    writer.flag(only.is_some());
    only.into_iter().for_each(|vocabulary| vocabulary.write(&mut writer.bytes));
    let checksum = checksum(&writer.bytes);
    writer.bytes.extend(checksum.to_le_bytes());
    writer.bytes
}

#[derive(Default)]
struct SavedRowWriter {
    bytes: Vec<u8>,
    /// Texts that were written, by their address, with their numbers.
    texts: HashMap<usize, u64>,
    /// Sittings and forms in the same way.
    sittings: HashMap<usize, u64>,
    forms: HashMap<usize, u64>,
}

impl SavedRowWriter {
    /// Writes seven bits a byte; the last byte of a number is below 128.
    fn unsigned(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn number(&mut self, number: i64) {
        self.unsigned(((number << 1) ^ (number >> 63)) as u64);
    }

    fn count(&mut self, count: usize) {
        self.unsigned(count as u64);
    }

    fn flag(&mut self, flag: bool) {
        self.bytes.push(u8::from(flag));
    }

    /// Writes a text of one row.
    fn own_text(&mut self, text: Option<&str>) {
        match text {
            None => self.unsigned(0),
            Some(text) => {
                self.count(text.len() + 1);
                self.bytes.extend(text.as_bytes());
            }
        }
    }

    /// Writes a text that many rows share: 0 for none, 1 and the text at first, later its number.
    fn text(&mut self, text: Option<&Text>) {
        let Some(text) = text else { return self.unsigned(0) };
        let next = self.texts.len() as u64 + 2;
        // The model keeps the texts while they are written, so that an address is one text.
        let number = *self.texts.entry(Arc::as_ptr(text).addr()).or_insert(next);
        if number < next {
            return self.unsigned(number);
        }
        self.unsigned(1);
        self.own_text(Some(text));
    }

    fn day(&mut self, day: Date) {
        self.number(i64::from(day.year()) * 512 + i64::from(day.month()) * 32 + i64::from(day.day()));
    }

    fn store_product(&mut self, product: &StoreProduct) {
        let StoreProductRow { id, product_code, sitting, form } = &product.row;
        self.number(*id);
        self.own_text(Some(product_code));
        self.sitting(sitting);
        self.form(form);
        self.count(product.prices.len());
        product.prices.iter().for_each(|price| self.price(price));
        self.count(product.events.len());
        product.events.iter().for_each(|event| self.event(event));
    }

    /// Writes 0 and the sitting at first, later its number.
    fn sitting(&mut self, sitting: &Arc<SittingRow>) {
        let next = self.sittings.len() as u64 + 1;
        let number = *self.sittings.entry(Arc::as_ptr(sitting).addr()).or_insert(next);
        if number < next {
            return self.unsigned(number);
        }
        self.unsigned(0);
        let SittingRow { id, subject_id, subject_code, subject_description, exam_session_id, exam_session_code } =
            &**sitting;
        [id, subject_id, exam_session_id].into_iter().for_each(|id| self.number(*id));
        [subject_code, exam_session_code].into_iter().for_each(|text| self.text(Some(text)));
        self.text(subject_description.as_ref());
    }

    /// Writes 0 and the form at first, later its number.
    fn form(&mut self, form: &Arc<FormRow>) {
        let next = self.forms.len() as u64 + 1;
        let number = *self.forms.entry(Arc::as_ptr(form).addr()).or_insert(next);
        if number < next {
            return self.unsigned(number);
        }
        self.unsigned(0);
        let FormRow {
            id,
            catalog_product_id,
            fullname,
            shortname,
            description,
            catalog_code,
            buy_both,
            variation_id,
            variation_type,
            variation_name,
            variation_description,
            variation_description_short,
        } = &**form;
        [id, catalog_product_id, variation_id].into_iter().for_each(|id| self.number(*id));
        for text in [fullname, shortname, catalog_code, variation_type, variation_name] {
            self.text(Some(text));
        }
        for text in [description, variation_description, variation_description_short] {
            self.text(text.as_ref());
        }
        self.flag(*buy_both);
    }

    fn price(&mut self, price: &PriceRecord) {
        let PriceRecord { id, store_product_id: _, price_type, amount, currency } = price;
        self.number(*id);
        self.text(Some(price_type));
        self.bytes.extend(amount.serialize());
        self.text(Some(currency));
    }

    fn event(&mut self, event: &TutorialEvent) {
        let TutorialEventRow {
            id,
            store_product_id: _,
            code,
            place,
            is_soldout,
            finalisation_date,
            remain_space,
            start_date,
            end_date,
            is_unlimited,
            time_zone,
        } = &event.row;
        self.number(*id);
        self.own_text(Some(code));
        self.place(place);
        self.flag(*is_soldout);
        self.flag(finalisation_date.is_some());
        if let Some(day) = finalisation_date {
            self.day(*day);
        }
        self.number(i64::from(*remain_space));
        self.day(*start_date);
        self.day(*end_date);
        self.flag(*is_unlimited);
        self.text(time_zone.as_ref());
        self.count(event.sessions.len());
        event.sessions.iter().for_each(|session| self.session(session));
        self.count(event.instructors.len());
        event.instructors.iter().for_each(|name| self.text(Some(name)));
    }

    fn place(&mut self, place: &Place) {
        let Place { location, location_code, venue } = place;
        [location, location_code, venue].into_iter().for_each(|text| self.text(text.as_ref()));
    }

    fn session(&mut self, session: &TutorialSessionRow) {
        let TutorialSessionRow { id, event_id: _, title, place, start, end, sequence, url } = session;
        self.number(*id);
        self.text(Some(title));
        self.place(place);
        self.number(start.as_microsecond());
        self.number(end.as_microsecond());
        self.number(i64::from(*sequence));
        self.own_text(url.as_deref());
    }

    fn bundle(&mut self, bundle: &BundleRow) {
        let BundleRow { id, name, description, subject_id, subject_code, exam_session_id, exam_session_code } = bundle;
        [id, subject_id, exam_session_id].into_iter().for_each(|id| self.number(*id));
        [name, subject_code, exam_session_code].into_iter().for_each(|text| self.text(Some(text)));
        self.text(description.as_ref());
    }

    fn component(&mut self, component: &ComponentRow) {
        let ComponentRow { bundle_id: _, store_product_id, default_price_type, quantity, sort_order } = component;
        self.number(*store_product_id);
        self.text(Some(default_price_type));
        self.number(i64::from(*quantity));
        self.number(i64::from(*sort_order));
    }
}
