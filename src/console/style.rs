//! Colours at a terminal, and characters of other systems that must not reach it.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::sync::OnceLock;

use administrate::is_control_character;

/// The meaning of a coloured word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Created, delivered: green.
    Good,
    /// Rejected, failed, an error: red.
    Bad,
    /// A warning, pending, unknown: yellow.
    Warning,
}

/// Marks around a coloured word while the text is assembled. Unicode reserves them and gives them no width, so tables stay
/// aligned; they become colours, or nothing, when the text is written.
const MARKS: [(char, &str); 4] =
    [('\u{e0f00}', "\u{1b}[32m"), ('\u{e0f01}', "\u{1b}[31m"), ('\u{e0f02}', "\u{1b}[33m"), (END, RESET)];
const END: char = '\u{e0f0f}';
const RESET: &str = "\u{1b}[0m";

/// Marks a text to be shown in the colour of its meaning.
pub fn paint(tone: Tone, text: impl std::fmt::Display) -> String {
    let (mark, _) = MARKS[tone as usize];
    format!("{mark}{text}{END}")
}

/// Marks a text if the condition holds.
pub fn paint_if(condition: bool, tone: Tone, text: impl std::fmt::Display) -> String {
    if condition { paint(tone, text) } else { text.to_string() }
}

/// Returns a text without its marks.
pub fn plain(text: &str) -> String {
    text.replace(|c| mark_of(c).is_some(), "")
}

/// An output stream of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

/// Whether users want colours; decided once, before the command line is parsed.
static CHOICE: OnceLock<ColourChoice> = OnceLock::new();

/// Whether output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourChoice {
    Never,
    AtTerminals,
    Always,
}

/// Decides about colours by the option `--no-color` and the environment.
pub fn choose_colours(no_color_option: bool, variable: impl Fn(&str) -> Option<String>) -> ColourChoice {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    let choice = match () {
        () if no_color_option || given("NO_COLOR").is_some() => ColourChoice::Never,
        () if given("CLICOLOR_FORCE").is_some_and(|value| value != "0") => ColourChoice::Always,
        () if given("TERM").is_none_or(|terminal| terminal == "dumb") => ColourChoice::Never,
        () => ColourChoice::AtTerminals,
    };
    *CHOICE.get_or_init(|| choice)
}

impl Stream {
    /// Reports whether this stream is coloured.
    pub fn is_coloured(self) -> bool {
        match CHOICE.get().copied().unwrap_or(ColourChoice::AtTerminals) {
            ColourChoice::Never => false,
            ColourChoice::Always => true,
            ColourChoice::AtTerminals => match self {
                Stream::Out => std::io::stdout().is_terminal(),
                Stream::Err => std::io::stderr().is_terminal(),
            },
        }
    }
}

/// Returns a text as it is written: marks become colours or nothing, control characters of names are replaced, and
/// directional ones removed.
///
/// Names come from Administrate and from workbooks. Lectern itself writes only text, tabs and line ends.
pub(super) fn written(text: &str, is_coloured: bool) -> Cow<'_, str> {
    let is_special = |c: char| (is_control_character(c) && !matches!(c, '\n' | '\t')) || mark_of(c).is_some();
    if !text.contains(is_special) {
        return text.into();
    }
    let mut output = String::with_capacity(text.len());
    let mut is_open = false;
    for c in text.chars() {
        match mark_of(c) {
            Some(colour) => {
                is_open = c != END;
                output.push_str(if is_coloured { colour } else { "" });
            }
            // A cell of a table may have lost its end.
            None if c == '\n' && std::mem::take(&mut is_open) => {
                output.push_str(if is_coloured { RESET } else { "" });
                output.push(c);
            }
            None if matches!(c, '\n' | '\t') => output.push(c),
            None if c.is_control() => output.push('\u{fffd}'),
            None if is_control_character(c) => {}
            None => output.push(c),
        }
    }
    output.into()
}

fn mark_of(c: char) -> Option<&'static str> {
    MARKS.iter().find(|(mark, _)| *mark == c).map(|(_, colour)| *colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_names_are_not_written() {
        for (text, expected) in [
            ("Zürich, día 1\n\tnext", "Zürich, día 1\n\tnext"),
            ("red\u{1b}[31m\r\u{7}", "red\u{fffd}[31m\u{fffd}\u{fffd}"),
            ("\u{9b}2J", "\u{fffd}2J"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
        ] {
            assert_eq!(written(text, true), expected);
        }
    }

    #[test]
    fn mark_becomes_a_colour_or_nothing() {
        let text = format!("{} and {}\n", paint(Tone::Good, "created"), paint_if(false, Tone::Bad, "0 rejected"));
        assert_eq!(written(&text, true), "\u{1b}[32mcreated\u{1b}[0m and 0 rejected\n");
        assert_eq!(written(&text, false), "created and 0 rejected\n");
        let cut = paint(Tone::Bad, "cut").replace(END, "\nnext");
        assert_eq!(written(&cut, true), "\u{1b}[31mcut\u{1b}[0m\nnext");
    }
}
