use super::builder::{read_at_once, read_in_two};
use super::*;
use crate::search::tests::fixture::sample_model;

fn bytes_of(vocabulary: &Vocabulary) -> Vec<u8> {
    let mut bytes = Vec::new();
    vocabulary.write(&mut bytes);
    bytes
}

#[test]
fn words_are_the_same_whether_one_thread_or_two_read_them() {
    let model = sample_model();
    let items = model.parts()[0].segment.items();
    let at_once = bytes_of(&read_at_once(items));
    for middle in 0..=items.len() {
        assert!(bytes_of(&read_in_two(items, middle)) == at_once, "{middle}");
    }
}

#[test]
fn written_vocabulary_is_read_again() {
    let model = sample_model();
    let vocabulary = &model.parts()[0].segment.vocabulary;
    let mut bytes = bytes_of(vocabulary);
    bytes.extend([1, 2, 3]);
    let mut rest = &bytes[..];
    let read = Vocabulary::read(&mut rest, vocabulary.rows()).expect("a vocabulary");
    assert_eq!(rest, [1, 2, 3]);
    assert!(bytes_of(&read) == bytes_of(vocabulary));
    let london = read.find("london").expect("a term");
    assert_eq!(read.groups(london).count(), vocabulary.groups(london).count());
}

#[test]
fn vocabulary_with_positions_that_do_not_exist_is_refused() {
    let model = sample_model();
    let vocabulary = &model.parts()[0].segment.vocabulary;
    let bytes = bytes_of(vocabulary);
    assert!(Vocabulary::read(&mut &bytes[..], vocabulary.rows() - 1).is_none());
    for length in 0..bytes.len() {
        assert!(Vocabulary::read(&mut &bytes[..length], vocabulary.rows()).is_none(), "{length} bytes");
    }
    // Whatever a number becomes, what is read can be searched.
    for at in (0..bytes.len()).step_by(7) {
        for value in [0, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            let Some(read) = Vocabulary::read(&mut &damaged[..], vocabulary.rows()) else { continue };
            for term in 0..read.len() as u32 {
                let rows: u32 = read.groups(term).map(|(_, rows)| rows.count_in(&Bitmap::full(read.rows()))).sum();
                assert!(rows <= read.rows() * 64 && read.fields_with(term).len() <= read.len(), "{at}");
                let _ = (read.term(term), read.find("london"));
            }
        }
    }
}
