//! Fields of forms: what was typed stays, and what is wrong with it stands beside the field, in words.

use std::borrow::Cow;

use super::form::CsrfForm;
use crate::http::problem::HttpProblem;

/// What to do about a document that another user has changed.
pub const CHANGED_MEANWHILE: &str = "Another user has changed this since you opened the form. What you typed is still \
                                     here: compare it with what is stored now, then save again.";

/// How a field looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldLook {
    /// One line of text.
    #[default]
    Line,
    /// A line for this type of input, such as `date`.
    Typed(&'static str),
    /// A choice of one.
    Select,
    /// Several lines of text.
    Note,
    /// A box to tick.
    Check,
    /// A list of boxes to tick.
    Boxes,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOption {
    pub value: String,
    pub label: String,
    /// Options with the same group stand together; empty: no group.
    pub group: String,
}

impl FieldOption {
    pub fn new(value: impl ToString, label: impl Into<String>) -> FieldOption {
        FieldOption { value: value.to_string(), label: label.into(), group: String::new() }
    }
}

/// Options under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionGroup<'a> {
    pub label: &'a str,
    pub options: Vec<&'a FieldOption>,
}

/// A field of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormField {
    pub name: Cow<'static, str>,
    pub label: Cow<'static, str>,
    pub hint: String,
    pub look: FieldLook,
    /// What the field contains; of boxes, the ticked ones.
    pub values: Vec<String>,
    pub options: Vec<FieldOption>,
    /// Texts that are offered while typing.
    pub suggestions: Vec<String>,
    /// Where a script finds the texts that fit what is typed; empty: the suggestions are all.
    pub lookup: String,
    pub is_required: bool,
    /// What is wrong with it.
    pub error: String,
}

impl FormField {
    /// Creates a field of one line.
    pub fn line(name: impl Into<Cow<'static, str>>, label: impl Into<Cow<'static, str>>) -> FormField {
        FormField { name: name.into(), label: label.into(), ..FormField::default() }
    }

    /// Creates a field for a type of input.
    pub fn typed(
        name: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
        kind: &'static str,
    ) -> FormField {
        FormField { look: FieldLook::Typed(kind), ..FormField::line(name, label) }
    }

    /// Creates a choice of one.
    pub fn select(
        name: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
        options: Vec<FieldOption>,
    ) -> FormField {
        FormField { look: FieldLook::Select, options, ..FormField::line(name, label) }
    }

    /// Creates a list of boxes.
    pub fn boxes(
        name: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
        options: Vec<FieldOption>,
    ) -> FormField {
        FormField { look: FieldLook::Boxes, options, ..FormField::line(name, label) }
    }

    /// Creates a box.
    pub fn check(name: impl Into<Cow<'static, str>>, label: impl Into<Cow<'static, str>>) -> FormField {
        FormField { look: FieldLook::Check, ..FormField::line(name, label) }
    }

    pub fn required(self) -> FormField {
        FormField { is_required: true, ..self }
    }

    pub fn hinted(self, hint: impl Into<String>) -> FormField {
        FormField { hint: hint.into(), ..self }
    }

    /// Returns the content of a field with one value.
    pub fn value(&self) -> &str {
        self.values.first().map(String::as_str).unwrap_or_default()
    }

    pub fn is_wrong(&self) -> bool {
        !self.error.is_empty()
    }

    pub fn contains(&self, value: &str) -> bool {
        self.values.iter().any(|known| known == value)
    }

    /// Returns the type of its input.
    pub fn kind(&self) -> &'static str {
        if let FieldLook::Typed(kind) = self.look { kind } else { "text" }
    }

    /// Reports whether texts are offered while typing.
    pub fn has_list(&self) -> bool {
        !self.suggestions.is_empty() || !self.lookup.is_empty()
    }

    pub fn is_select(&self) -> bool {
        self.look == FieldLook::Select
    }

    pub fn is_note(&self) -> bool {
        self.look == FieldLook::Note
    }

    pub fn is_check(&self) -> bool {
        self.look == FieldLook::Check
    }

    pub fn is_boxes(&self) -> bool {
        self.look == FieldLook::Boxes
    }

    /// Returns the options by group, in their order.
    pub fn groups(&self) -> Vec<OptionGroup<'_>> {
        let mut groups: Vec<OptionGroup<'_>> = Vec::new();
        for option in &self.options {
            match groups.last_mut().filter(|group| group.label == option.group) {
                Some(group) => group.options.push(option),
                None => groups.push(OptionGroup { label: &option.group, options: vec![option] }),
            }
        }
        groups
    }
}

/// A form with its fields, and what is wrong with it as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormFields {
    pub fields: Vec<FormField>,
    /// What is wrong without being the fault of a field.
    pub problems: Vec<String>,
}

impl FormFields {
    pub fn new(fields: Vec<FormField>) -> FormFields {
        FormFields { fields, problems: Vec::new() }
    }

    /// Returns a field for the template. Every name is one of the form.
    pub fn field(&self, name: &str) -> FormField {
        self.fields.iter().find(|field| field.name == name).cloned().unwrap_or_default()
    }

    /// Returns the content of a field with one value; "" without such a field.
    pub fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.name == name).map(FormField::value).unwrap_or_default()
    }

    pub fn values(&self, name: &str) -> &[String] {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.values[..]).unwrap_or_default()
    }

    /// Sets the content of a field.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.set_all(name, vec![value.into()]);
    }

    pub fn set_all(&mut self, name: &str, values: Vec<String>) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            field.values = values.into_iter().filter(|value| !value.is_empty()).collect();
        }
    }

    /// Takes what was typed.
    pub fn take(&mut self, form: &CsrfForm) {
        for field in &mut self.fields {
            let typed = form.all(&field.name).into_iter().filter(|value| !value.is_empty());
            // Browsers send the line breaks of a note as two characters.
            field.values = typed.map(|value| value.replace("\r\n", "\n")).collect();
        }
    }

    /// Says what is wrong with a field, or with the form if it has no such field.
    pub fn refuse(&mut self, name: &str, error: impl Into<String>) {
        let error = error.into();
        match self.fields.iter_mut().find(|field| field.name == name) {
            Some(field) if field.error.is_empty() => field.error = error,
            Some(_) => {}
            None => self.problems.push(error),
        }
    }

    /// Says which required fields are empty.
    pub fn check_required(&mut self) {
        for field in self.fields.iter_mut().filter(|field| field.is_required && field.values.is_empty()) {
            field.error = match field.look {
                FieldLook::Select => "Choose one.".to_owned(),
                _ => "Fill in this field.".to_owned(),
            };
        }
    }

    /// Takes over why an operation refused the form. `field_of` returns the field of a name in a document.
    pub fn take_problem<N: AsRef<str>>(&mut self, problem: &HttpProblem, field_of: impl Fn(&str) -> N) {
        for error in problem.errors() {
            let error_text = self.in_words(&error.message, &field_of);
            self.refuse(field_of(error.pointer.trim_start_matches('/')).as_ref(), error_text);
        }
        if problem.errors().is_empty() {
            self.problems.push(sentence(problem.detail()));
        }
    }

    /// Returns a message about a document with the labels of the fields instead of their names.
    fn in_words<N: AsRef<str>>(&self, message: &str, field_of: &impl Fn(&str) -> N) -> String {
        let word = |word: &str| {
            let name = word.trim_end_matches([':', ',', ';', '.', ')']);
            let field = field_of(name);
            let label = self.fields.iter().find(|known| known.name == field.as_ref()).filter(|_| name.contains('_'));
            label.map_or_else(|| word.to_owned(), |field| format!("“{}”{}", field.label, &word[name.len()..]))
        };
        sentence(&message.split(' ').map(word).collect::<Vec<_>>().join(" "))
    }

    /// Reports whether anything is wrong.
    pub fn is_wrong(&self) -> bool {
        !self.problems.is_empty() || self.fields.iter().any(FormField::is_wrong)
    }

    /// Returns the fields that are wrong, for the summary above the form.
    pub fn wrong(&self) -> Vec<FormField> {
        self.fields.iter().filter(|field| field.is_wrong()).cloned().collect()
    }
}

/// Returns a message as a sentence.
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;
    use crate::http::problem::FieldError;

    #[test]
    fn problem_stands_beside_its_field_in_words() {
        let fields = || vec![FormField::line("start", "First day"), FormField::line("end", "Last day").required()];
        let field_of = |name: &str| match name {
            "start_date" => "start",
            "end_date" => "end",
            _ => "",
        };
        let mut form = FormFields::new(fields());
        form.check_required();
        assert_eq!((form.field("end").error.as_str(), form.wrong().len()), ("Fill in this field.", 1));
        let mut form = FormFields::new(fields());
        let error = FieldError::new("/end_date", "end_before_start", "is before start_date: swap them");
        form.take_problem(&HttpProblem::fields(error), field_of);
        assert_eq!(form.field("end").error, "Is before “First day”: swap them.");
        form.take_problem(&HttpProblem::new(StatusCode::CONFLICT, "it is being removed"), field_of);
        assert_eq!(form.problems, ["It is being removed."]);
        form.take_problem(&HttpProblem::fields(FieldError::new("/x", "y", "is unknown")), field_of);
        assert_eq!(form.problems.len(), 2);
    }
}
