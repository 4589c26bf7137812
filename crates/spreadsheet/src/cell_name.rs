//! Names of cells and columns as spreadsheet programs show them, such as `E4`.

use super::ReadError;
use super::sheet::Position;

/// Returns the letters of a column; `column` counts from 0.
pub fn column_name(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

/// Returns the name of a cell; `row` counts from 1, `column` from 0.
pub fn cell_name(row: u32, column: u32) -> String {
    format!("{}{row}", column_name(column))
}

/// Parses the column of a cell name, counted from 0. Returns None if the name does not begin with a column.
pub fn column_index(cell: &str) -> Option<u32> {
    let letters = cell.bytes().take_while(u8::is_ascii_uppercase);
    let index = letters.fold(0_u32, |index, letter| index.saturating_mul(26) + u32::from(letter - b'A') + 1);
    index.checked_sub(1)
}

/// Parses a cell name: "AB12" is row 11, column 27. Some generators write "ab12" or "$AB$12".
pub(crate) fn parse_position(name: &[u8]) -> Result<Position, ReadError> {
    let without_mark = |part: &'_ [u8]| usize::from(part.first() == Some(&b'$'));
    let rest = &name[without_mark(name)..];
    let (letters, row) = rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count());
    let row = &row[without_mark(row)..];
    let number = |letter: &u8| u32::from(letter.to_ascii_uppercase() - b'A') + 1;
    let column = letters.iter().fold(0_u32, |column, letter| column.saturating_mul(26).saturating_add(number(letter)));
    let not_a_cell = || ReadError::unreadable(format!("\"{}\" is not a cell", String::from_utf8_lossy(name)));
    Ok(Position { row: parse_row(row)?, column: column.checked_sub(1).ok_or_else(not_a_cell)? })
}

/// Parses a row number, which counts from 1, into a row counted from 0.
pub(crate) fn parse_row(digits: &[u8]) -> Result<u32, ReadError> {
    let row = parse_digits(digits).and_then(|row| row.checked_sub(1));
    row.ok_or_else(|| ReadError::unreadable(format!("\"{}\" is not a row", String::from_utf8_lossy(digits))))
}

pub(crate) fn parse_digits(digits: &[u8]) -> Option<u32> {
    let add = |number: u32, digit: &u8| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit)
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_names_match_excel() {
        for (row, column, name) in [(4, 4, "E4"), (1, 25, "Z1"), (9, 26, "AA9"), (2, 701, "ZZ2"), (2, 702, "AAA2")] {
            assert_eq!(cell_name(row, column), name);
            assert_eq!(column_index(name), Some(column));
        }
    }
}
