//! Names of cells and columns as spreadsheet programs show them, such as `E4`.

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
