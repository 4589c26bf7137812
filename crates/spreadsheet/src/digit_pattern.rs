//! Patterns of digits in number formats, such as `0000`, `000-000`, `#,##0.00` or `0%`.

/// Placeholders of one number. A pattern of more is refused.
const MAX_PLACEHOLDERS: usize = 40;

/// A parsed pattern. Fractions, exponents and conditions are not supported: their numbers are shown in full.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DigitPattern {
    /// Items before the decimal point, from left to right.
    integer: Vec<Item>,
    /// Items after the decimal point; None without a point.
    fraction: Option<Vec<Item>>,
    has_groups: bool,
    is_percent: bool,
    /// Whether another section formats negative numbers.
    has_negative_section: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Item {
    Digit(Placeholder),
    Literal(char),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Placeholder {
    /// `0`: a digit, or zero.
    Zero,
    /// `#`: a digit, or nothing.
    Optional,
    /// `?`: a digit, or a space.
    Space,
}

impl Placeholder {
    fn padding(self) -> Option<char> {
        match self {
            Placeholder::Zero => Some('0'),
            Placeholder::Optional => None,
            Placeholder::Space => Some(' '),
        }
    }
}

impl DigitPattern {
    /// Parses the first section of a format code. Returns None if the code is not a supported pattern.
    pub(super) fn parse(code: &str) -> Option<Self> {
        let mut pattern = DigitPattern {
            integer: Vec::new(),
            fraction: None,
            has_groups: false,
            is_percent: false,
            has_negative_section: false,
        };
        let mut characters = code.chars();
        while let Some(character) = characters.next() {
            match character {
                '0' => pattern.push(Item::Digit(Placeholder::Zero)),
                '#' => pattern.push(Item::Digit(Placeholder::Optional)),
                '?' => pattern.push(Item::Digit(Placeholder::Space)),
                '.' if pattern.fraction.is_none() => pattern.fraction = Some(Vec::new()),
                ',' => {
                    // A comma after the last digit would divide by a thousand.
                    if !characters.clone().any(|rest| matches!(rest, '0' | '#' | '?')) {
                        return None;
                    }
                    pattern.has_groups = true;
                }
                '%' => {
                    pattern.is_percent = true;
                    pattern.push(Item::Literal('%'));
                }
                ';' => {
                    pattern.has_negative_section = true;
                    break;
                }
                '"' => characters.by_ref().take_while(|c| *c != '"').for_each(|c| pattern.push(Item::Literal(c))),
                '\\' => pattern.push(Item::Literal(characters.next()?)),
                '_' => {
                    characters.next();
                    pattern.push(Item::Literal(' '));
                }
                '*' => _ = characters.next(),
                '[' => {
                    let inner: String = characters.by_ref().take_while(|c| *c != ']').collect();
                    match inner.strip_prefix('$') {
                        Some(currency) => {
                            let symbol = currency.split_once('-').map_or(currency, |(symbol, _)| symbol);
                            symbol.chars().for_each(|c| pattern.push(Item::Literal(c)));
                        }
                        None if inner.chars().all(char::is_alphabetic) => {}
                        None => return None,
                    }
                }
                '/' | '@' => return None,
                letter if letter.is_alphabetic() => return None,
                other => pattern.push(Item::Literal(other)),
            }
        }
        let digits = pattern.items().filter(|item| matches!(item, Item::Digit(_))).count();
        (1..=MAX_PLACEHOLDERS).contains(&digits).then_some(pattern)
    }

    fn push(&mut self, item: Item) {
        self.fraction.as_mut().unwrap_or(&mut self.integer).push(item);
    }

    fn items(&self) -> impl Iterator<Item = &Item> {
        self.integer.iter().chain(self.fraction.iter().flatten())
    }

    /// Returns a number as a spreadsheet program shows it, or None where another section formats it.
    pub(super) fn format(&self, number: f64) -> Option<String> {
        if !number.is_finite() || number.abs() >= 1e15 || (number < 0.0 && self.has_negative_section) {
            return None;
        }
        let is_digit = |item: &&Item| matches!(item, Item::Digit(_));
        let decimals = self.fraction.iter().flatten().filter(is_digit).count();
        let scaled = if self.is_percent { number * 100.0 } else { number };
        let digits = format!("{:.*}", decimals, scaled.abs());
        let (integer, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let is_negative = scaled < 0.0 && digits.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
        let sign = if is_negative { "-" } else { "" };
        let mut shown = sign.to_owned() + &self.format_integer(integer.trim_start_matches('0'));
        if let Some(items) = &self.fraction {
            shown.push('.');
            shown.push_str(&format_fraction(items, fraction));
        }
        Some(shown)
    }

    /// Fills the placeholders from the right. Further digits come before the leftmost placeholder.
    fn format_integer(&self, digits: &str) -> String {
        let mut rest = digits.chars().rev();
        let mut reversed = String::new();
        let mut count = 0;
        let placeholders = self.integer.iter().filter(|item| matches!(item, Item::Digit(_))).count();
        let mut seen = 0;
        for item in self.integer.iter().rev() {
            match item {
                Item::Literal(character) => reversed.push(*character),
                Item::Digit(placeholder) => {
                    seen += 1;
                    let next = rest.next().or_else(|| placeholder.padding());
                    next.into_iter().for_each(|digit| self.push_digit(&mut reversed, &mut count, digit));
                    if seen == placeholders {
                        rest.by_ref().for_each(|digit| self.push_digit(&mut reversed, &mut count, digit));
                    }
                }
            }
        }
        reversed.chars().rev().collect()
    }

    fn push_digit(&self, reversed: &mut String, count: &mut usize, digit: char) {
        if self.has_groups && *count > 0 && (*count).is_multiple_of(3) && digit != ' ' {
            reversed.push(',');
        }
        reversed.push(digit);
        *count += 1;
    }
}

/// Fills the placeholders from the left. Zeros at the end are dropped where the placeholder is optional.
fn format_fraction(items: &[Item], digits: &str) -> String {
    let significant = digits.trim_end_matches('0').len();
    let mut digits = digits.char_indices();
    let mut shown = String::new();
    for item in items {
        match item {
            Item::Literal(character) => shown.push(*character),
            Item::Digit(placeholder) => match digits.next() {
                Some((index, digit)) if index < significant => shown.push(digit),
                _ => shown.extend(placeholder.padding()),
            },
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_in_a_spreadsheet_program() {
        for (code, number, expected) in [
            ("0000", 123.0, Some("0123")),
            ("0000", 12345.0, Some("12345")),
            ("000-000", 1234.0, Some("001-234")),
            ("(000) 000", 123_456.0, Some("(123) 456")),
            ("\"PIN \"0000", 7.0, Some("PIN 0007")),
            ("#,##0", 1_234_567.0, Some("1,234,567")),
            ("#,##0.00", 0.5, Some("0.50")),
            ("0.##", 1.5, Some("1.5")),
            ("0%", 0.25, Some("25%")),
            ("[$£-809]#,##0", 1234.0, Some("£1,234")),
            ("[Red]000", 5.0, Some("005")),
            ("0", 1.6, Some("2")),
            ("000", -7.0, Some("-007")),
            ("000;(000)", -7.0, None),
            ("000", 1e300, None),
        ] {
            let shown = DigitPattern::parse(code).and_then(|pattern| pattern.format(number));
            assert_eq!(shown.as_deref(), expected, "{code} {number}");
        }
    }

    #[test]
    fn unsupported_codes_are_no_pattern() {
        for code in ["General", "@", "# ?/?", "0.00E+00", "0,", "[>9]0", "\"text\"", "Standard", ""] {
            assert_eq!(DigitPattern::parse(code), None, "{code}");
        }
    }
}
