//! The look of the workbooks for users: colours and widths of columns.

use rust_xlsxwriter::{Color, Format as Style, FormatAlign, FormatBorder};

const REQUIRED: Color = Color::RGB(0x001F_4E78);
const OPTIONAL: Color = Color::RGB(0x005B_7F9E);
const ERROR: Color = Color::RGB(0x00FF_C7CE);
const WARNING: Color = Color::RGB(0x00FF_EB9C);

/// Height of one line and of the highest row, in points.
const LINE_HEIGHT: f64 = 15.0;
const MAX_HEIGHT: f64 = 400.0;

/// Returns the style of a header cell; a required column is darker.
pub fn header(is_required: bool) -> Style {
    Style::new()
        .set_bold()
        .set_font_color(Color::White)
        .set_background_color(if is_required { REQUIRED } else { OPTIONAL })
        .set_text_wrap()
        .set_align(FormatAlign::VerticalCenter)
        .set_border(FormatBorder::Thin)
        .set_border_color(Color::White)
}

/// Returns the style of the hints below the header.
pub fn hint() -> Style {
    wrapped().set_italic().set_font_color(Color::RGB(0x0059_5959)).set_background_color(Color::RGB(0x00F2_F2F2))
}

/// Returns the style of the examples.
pub fn example() -> Style {
    Style::new().set_font_color(Color::RGB(0x0059_5959)).set_background_color(Color::RGB(0x00E2_EFDA))
}

/// Adds the mark of a cell with a problem.
pub fn marked(style: Style, is_error: bool) -> Style {
    let (background, font) = if is_error { (ERROR, 0x009C_0006) } else { (WARNING, 0x007F_6000) };
    style.set_background_color(background).set_font_color(Color::RGB(font))
}

/// Returns the style of a text of several lines.
pub fn wrapped() -> Style {
    Style::new().set_text_wrap().set_align(FormatAlign::Top)
}

/// Returns the height of a row with a wrapped text. Not every program finds it itself.
pub fn height(text: &str, width: f64) -> f64 {
    // Words are not cut, so that a line is rarely full.
    let lines = text.lines().map(|line| (line.chars().count() as f64 / (width * 0.9)).ceil().max(1.0));
    (lines.sum::<f64>() * LINE_HEIGHT).clamp(LINE_HEIGHT, MAX_HEIGHT)
}
