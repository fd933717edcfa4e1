//! The forms that an export can have: one for machines, two that people and their tools read, too.

use crate::{FormatError, Sections, file, lines, table};

/// The form of an export. All of them hold the same, and each has one accepted encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Sections of bytes: see [`crate::file`].
    Binary,
    /// JSON Lines, each event with its proof: see [`crate::lines`].
    Lines,
    /// CSV: see [`crate::table`].
    Table,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 3] = [Form::Binary, Form::Lines, Form::Table];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Form::Binary => "cairn",
            Form::Lines => "jsonl",
            Form::Table => "csv",
        }
    }

    /// The form of this name.
    pub fn from_name(name: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name() == name)
    }

    /// The form that bytes have, by how they begin.
    pub fn of(bytes: &[u8]) -> Option<Form> {
        let begins = |form: &Form| match form {
            Form::Binary => bytes.starts_with(file::MAGIC),
            Form::Lines => bytes.starts_with(b"{"),
            Form::Table => bytes.starts_with(table::HEAD.as_bytes()),
        };
        Form::ALL.into_iter().find(begins)
    }

    /// An export in this form.
    ///
    /// # Errors
    /// [`FormatError`]: a section is too large for the form, or an event is not readable.
    pub fn write(self, export: &Sections<'_>) -> Result<Vec<u8>, FormatError> {
        match self {
            Form::Binary => {
                file::write(export.events.iter().map(AsRef::as_ref), &export.hash_tree, &export.certificate)
            }
            Form::Lines => lines::write(export).map(String::into_bytes),
            Form::Table => table::write(export).map(String::into_bytes),
        }
    }
}
