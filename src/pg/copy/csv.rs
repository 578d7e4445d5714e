//! A line of COPY's csv form to its fields.

use crate::types::{Code, SqlError};

/// What has a meaning in a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    pub(super) delimiter: u8,
    pub(super) quote: u8,
    pub(super) escape: u8,
}

/// Gives each field and whether any of it stood in quotes.
pub(super) fn cut(
    line: &[u8],
    marks: Marks,
    field: &mut Vec<u8>,
    give: &mut dyn FnMut(&[u8], bool),
) -> Result<(), SqlError> {
    let mut rest = line;
    loop {
        let plain = rest.iter().position(|byte| *byte == marks.delimiter || *byte == marks.quote);
        match plain.map(|end| (end, rest.split_at(end))) {
            None => {
                give(rest, false);
                return Ok(());
            }
            Some((_, (raw, after))) if after.first() == Some(&marks.delimiter) => {
                give(raw, false);
                rest = after.get(1..).unwrap_or_default();
            }
            Some(_) => {
                field.clear();
                let after = quoted(rest, marks, field)?;
                give(field, true);
                match after {
                    Some(after) => rest = after,
                    None => return Ok(()),
                }
            }
        }
    }
}

/// Puts a field together that has a quote somewhere; gives what stands behind its delimiter.
fn quoted<'a>(line: &'a [u8], marks: Marks, field: &mut Vec<u8>) -> Result<Option<&'a [u8]>, SqlError> {
    let (mut rest, mut in_quote) = (line, false);
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if !in_quote {
            match *byte {
                byte if byte == marks.delimiter => return Ok(Some(rest)),
                byte if byte == marks.quote => in_quote = true,
                byte => field.push(byte),
            }
            continue;
        }
        if *byte == marks.escape
            && let Some((next, after)) = rest.split_first()
            && (*next == marks.escape || *next == marks.quote)
        {
            field.push(*next);
            rest = after;
        } else if *byte == marks.quote {
            in_quote = false;
        } else {
            field.push(*byte);
        }
    }
    if in_quote {
        return Err(SqlError::new(Code::BadCopyFileFormat, "unterminated CSV quoted field"));
    }
    Ok(None)
}
