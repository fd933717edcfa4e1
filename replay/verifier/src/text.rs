//! Lines of text, and bytes in them.

use crate::FormatError;
use std::borrow::Cow;

/// The lines of a text, each of which ends.
pub fn lines(bytes: &[u8]) -> Result<Vec<&str>, FormatError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        FormatError::Line { line, problem: "not UTF-8" }
    })?;
    Ok(text.strip_suffix('\n').ok_or(FormatError::Short("the last line"))?.split('\n').collect())
}

/// Bytes in a line, of which there may be none.
pub fn bytes(line: usize, digits: Option<&str>) -> Result<Cow<'static, [u8]>, FormatError> {
    let digits = digits.ok_or(FormatError::Line { line, problem: "not of this form" })?;
    let bytes = hex::decode(digits).map_err(|_| FormatError::Line { line, problem: "not hexadecimal" })?;
    Ok(Cow::Owned(bytes))
}
