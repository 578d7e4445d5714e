//! A line of COPY data to its fields.

use crate::planner::CopyFormat;
use crate::types::{Code, SqlError};

use super::csv;

/// The bytes of a field; none for NULL.
pub(super) type Field<'a> = Option<&'a [u8]>;

/// Cuts lines into fields.
#[derive(Debug)]
pub(super) struct Cutter {
    format: CopyFormat,
    /// By column: nothing stands for NULL.
    never_null: Vec<bool>,
    /// By column: a quoted text may stand for NULL, too.
    null_in_quotes: Vec<bool>,
    /// A field while it is put together.
    field: Vec<u8>,
}

impl Cutter {
    pub(super) fn new(format: &CopyFormat, names: &[&str]) -> Self {
        let (mut never_null, mut null_in_quotes) = (Vec::new(), Vec::new());
        if let CopyFormat::Csv { force_not_null, force_null, .. } = format {
            let is_in = |list: &[String], name: &str| list.iter().any(|one| one == name);
            never_null = names.iter().map(|name| is_in(force_not_null, name)).collect();
            null_in_quotes = names.iter().map(|name| is_in(force_null, name)).collect();
        }
        Self { format: format.clone(), never_null, null_in_quotes, field: Vec::new() }
    }

    pub(super) fn format(&self) -> &CopyFormat {
        &self.format
    }

    /// Gives the fields one after the other.
    pub(super) fn cut(&mut self, line: &[u8], give: &mut dyn FnMut(Field<'_>)) -> Result<(), SqlError> {
        match &self.format {
            CopyFormat::Csv { delimiter, null, quote, escape, .. } => {
                let marks = csv::Marks { delimiter: *delimiter, quote: *quote, escape: *escape };
                let (mut column, null) = (0, null.as_bytes());
                csv::cut(line, marks, &mut self.field, &mut |field, was_quoted| {
                    let is_told = |columns: &[bool]| columns.get(column).copied().unwrap_or_default();
                    let may_be_null = match was_quoted {
                        true => is_told(&self.null_in_quotes),
                        false => !is_told(&self.never_null),
                    };
                    let is_null = may_be_null && field == null;
                    column += 1;
                    give(if is_null { None } else { Some(field) });
                })
            }
            CopyFormat::Text { delimiter, null } => {
                cut_text(line, *delimiter, null.as_bytes(), &mut self.field, give);
                Ok(())
            }
            CopyFormat::Binary => Err(SqlError::new(Code::Internal, "binary data has no lines")),
        }
    }

    /// The fields must be these names, in this order.
    pub(super) fn check_names(&mut self, line: &[u8], names: &[&str]) -> Result<(), SqlError> {
        let wrong = |text: String| Err(SqlError::new(Code::BadCopyFileFormat, text));
        let mut found: Vec<Option<String>> = Vec::new();
        let most = names.len() + 1_000;
        self.cut(line, &mut |field| {
            if found.len() < most {
                found.push(field.map(|field| String::from_utf8_lossy(field).into_owned()));
            }
        })?;
        if found.len() != names.len() {
            let (count, wanted) = (found.len(), names.len());
            return wrong(format!("wrong number of fields in header line: got {count}, expected {wanted}"));
        }
        for (place, (field, name)) in (1..).zip(found.iter().zip(names)) {
            let start = format!("column name mismatch in header line field {place}: got");
            match field {
                Some(field) if field == name => {}
                Some(field) => return wrong(format!("{start} \"{field}\", expected \"{name}\"")),
                None => return wrong(format!("{start} null value (\"{}\"), expected \"{name}\"", self.null())),
            }
        }
        Ok(())
    }

    fn null(&self) -> &str {
        match &self.format {
            CopyFormat::Text { null, .. } | CopyFormat::Csv { null, .. } => null,
            CopyFormat::Binary => "",
        }
    }
}

/// Text form: delimiters outside of escapes, backslash escapes inside of fields.
fn cut_text(line: &[u8], delimiter: u8, null: &[u8], field: &mut Vec<u8>, give: &mut dyn FnMut(Field<'_>)) {
    let mut rest = line;
    loop {
        let mut end = 0;
        let mut escapes = false;
        while let Some(byte) = rest.get(end).filter(|byte| **byte != delimiter) {
            let is_escape = *byte == b'\\';
            escapes |= is_escape;
            end += 1 + usize::from(is_escape);
        }
        let end = end.min(rest.len());
        let (raw, after) = rest.split_at(end);
        if raw == null {
            give(None);
        } else if escapes {
            field.clear();
            unescape(raw, field);
            give(Some(field));
        } else {
            give(Some(raw));
        }
        match after.split_first() {
            Some((_, after)) => rest = after,
            None => return,
        }
    }
}

fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let Some((letter, after)) = rest.split_first() else { return };
        rest = after;
        out.push(match letter {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'0'..=b'7' => {
                let mut value = u32::from(letter - b'0');
                for _ in 0..2 {
                    let Some((digit @ b'0'..=b'7', after)) = rest.split_first() else { break };
                    (value, rest) = (value * 8 + u32::from(digit - b'0'), after);
                }
                u8::try_from(value & 0xff).unwrap_or_default()
            }
            b'x' => match hexadecimal(rest) {
                Some((value, after)) => {
                    rest = after;
                    value
                }
                None => b'x',
            },
            other => *other,
        });
    }
}

/// One or two digits.
fn hexadecimal(rest: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let first = digit(rest.first())?;
    match digit(rest.get(1)) {
        Some(second) => Some((u8::try_from(first * 16 + second).ok()?, rest.get(2..)?)),
        None => Some((u8::try_from(first).ok()?, rest.get(1..)?)),
    }
}
