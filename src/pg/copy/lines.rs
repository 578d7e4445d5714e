//! Data of a COPY in text and csv form: bytes to lines, lines to rows.
//!
//! A line ends as the first one does: with \n, \r or \r\n. `\.` alone on a line ends the data. In text form a
//! backslash takes the byte after it along, in csv form quotes take everything along.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayBuilder, ArrayRef, Int64Builder, StringBuilder};

use crate::planner::{CopyFormat, CopyHeader};
use crate::session::{CopyFrom, Place, SentRows};
use crate::types::{Code, SqlError};

use super::super::params::utf8_before;
use super::fields::{Cutter, Field};
use super::from::{ROW_BYTES_MAX, ROWS_BYTES_TARGET};

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newline {
    Unknown,
    Feed,
    Return,
    ReturnFeed,
}

/// What a search for the end of a line has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// The line's end, and where the next one begins.
    Line(usize, usize),
    /// The end of the data; the line before it ends here.
    EndOfData(usize),
    /// More bytes are needed to tell.
    More,
}

/// Cuts bytes into lines and keeps their fields until they are taken.
#[derive(Debug)]
pub(super) struct LineReader {
    cutter: Cutter,
    header: CopyHeader,
    bytes: Vec<u8>,
    /// Where the line begins that is read next.
    start: usize,
    /// How far it was looked at.
    seen: usize,
    in_quote: bool,
    /// The byte before was an escape that another one did not use up.
    after_escape: bool,
    /// Newlines in quotes, of the line that is read next.
    newlines: i64,
    newline: Newline,
    /// Nothing more will come.
    is_ended: bool,
    /// `\.` was read.
    is_over: bool,
    /// Number of the last line.
    line: i64,
    columns: Vec<StringBuilder>,
    lines: Int64Builder,
    texts: StringBuilder,
    /// How many columns the last row has, where it has too few.
    present: Option<usize>,
}

impl LineReader {
    pub(super) fn new(copy: &CopyFrom) -> Self {
        let names: Vec<&str> = copy.columns().iter().map(|column| column.name.as_str()).collect();
        Self {
            cutter: Cutter::new(&copy.options().format, &names),
            header: copy.options().header,
            bytes: Vec::new(),
            start: 0,
            seen: 0,
            in_quote: false,
            after_escape: false,
            newlines: 0,
            newline: Newline::Unknown,
            is_ended: false,
            is_over: false,
            line: 0,
            columns: names.iter().map(|_| StringBuilder::new()).collect(),
            lines: Int64Builder::new(),
            texts: StringBuilder::new(),
            present: None,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.is_over {
            return;
        }
        self.bytes.drain(..self.start);
        self.seen -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn end(&mut self) {
        self.is_ended = true;
    }

    pub(super) fn fill(&mut self, copy: &CopyFrom) -> Result<bool, SqlError> {
        while !self.is_over {
            if self.texts.values_slice().len() >= ROWS_BYTES_TARGET || self.lines.len() >= copy.rows_at_once() {
                return Ok(true);
            }
            let first = self.line + 1;
            let found = match self.find() {
                Ok(found) => found,
                Err(error) => return Err(copy.placed(error, first, Place::Line(None))),
            };
            let (end, next) = match found {
                Found::Line(end, next) => (end, next),
                Found::EndOfData(end) => {
                    self.is_over = true;
                    if end == self.start {
                        return Ok(false);
                    }
                    (end, end)
                }
                Found::More if !self.is_ended => {
                    if self.bytes.len() - self.start > ROW_BYTES_MAX {
                        let text = format!("a line of COPY data is longer than {} MB", ROW_BYTES_MAX >> 20);
                        let error = SqlError::new(Code::StatementTooComplex, text);
                        return Err(copy.placed(error, first, Place::Line(None)));
                    }
                    return Ok(false);
                }
                Found::More => {
                    self.is_over = true;
                    if self.start == self.bytes.len() {
                        return Ok(false);
                    }
                    (self.bytes.len(), self.bytes.len())
                }
            };
            // Newlines in quotes count where it is known how lines end.
            self.line += 1 + std::mem::take(&mut self.newlines);
            let line = std::mem::replace(&mut self.start, next)..end;
            (self.seen, self.in_quote, self.after_escape) = (next, false, false);
            self.read(line, copy)?;
        }
        Ok(false)
    }

    pub(super) fn take(&mut self) -> SentRows {
        let lines = self.lines.finish();
        // A line that cannot be read may have left some of its fields.
        let values = self.columns.iter_mut().map(|column| Arc::new(column.finish().slice(0, lines.len())) as ArrayRef);
        SentRows { values: values.collect(), lines, texts: Some(self.texts.finish()) }
    }

    /// How many columns the last row has, when reading failed because it has too few.
    pub(super) fn present(&self) -> Option<usize> {
        self.present
    }

    /// Reads one line into the columns.
    fn read(&mut self, line: std::ops::Range<usize>, copy: &CopyFrom) -> Result<(), SqlError> {
        let behind = self.bytes.get(line.end..).unwrap_or_default();
        let bytes = self.bytes.get(line).unwrap_or_default();
        let text = utf8_before(bytes, behind).map_err(|error| copy.placed(error, self.line, Place::Line(None)))?;
        let names = copy.columns();
        let whole = |error: SqlError, line: i64| copy.placed(error, line, Place::Line(Some(text)));
        if std::mem::replace(&mut self.header, CopyHeader::None) != CopyHeader::None {
            let names: Vec<&str> = names.iter().map(|column| column.name.as_str()).collect();
            let is_matched = copy.options().header == CopyHeader::Match;
            if is_matched {
                self.cutter.check_names(bytes, &names).map_err(|error| whole(error, self.line))?;
            }
            return Ok(());
        }
        let mut count = 0;
        let mut failed = None;
        let (columns, line) = (&mut self.columns, self.line);
        let cut = self.cutter.cut(bytes, &mut |field: Field<'_>| {
            let Some(column) = columns.get_mut(count) else {
                count += 1;
                return;
            };
            match field.map(|field| utf8_before(field, &[])) {
                None => column.append_null(),
                Some(Ok(value)) => column.append_value(value),
                Some(Err(error)) => {
                    column.append_null();
                    failed.get_or_insert(copy.placed(error, line, Place::Line(Some(text))));
                }
            }
            count += 1;
        });
        cut.map_err(|error| whole(error, line))?;
        if let Some(error) = failed {
            return Err(error);
        }
        if names.is_empty() && bytes.is_empty() {
            count = 0;
        }
        if count > names.len() {
            let error = SqlError::new(Code::BadCopyFileFormat, "extra data after last expected column");
            return Err(whole(error, line));
        }
        if let Some(missing) = names.get(count) {
            let error = SqlError::new(Code::BadCopyFileFormat, format!("missing data for column \"{}\"", missing.name));
            let error = copy.placed(error, line, Place::Line(Some(text)));
            // What is there may be wrong before that.
            self.columns.iter_mut().skip(count).for_each(StringBuilder::append_null);
            self.present = Some(count);
            self.lines.append_value(line);
            self.texts.append_value(text);
            return Err(error);
        }
        self.lines.append_value(self.line);
        self.texts.append_value(text);
        Ok(())
    }

    /// Looks for the end of the line that begins at `start`.
    fn find(&mut self) -> Result<Found, SqlError> {
        let (is_csv, quote, escape) = match *self.cutter.format() {
            // Two quotes in a row end the quotes and begin them again, which is all that matters here.
            CopyFormat::Csv { quote, escape, .. } => (true, quote, Some(escape).filter(|escape| *escape != quote)),
            _ => (false, 0, None),
        };
        while let Some(byte) = self.bytes.get(self.seen).copied() {
            if self.in_quote && Some(byte) == escape {
                self.after_escape = !self.after_escape;
            }
            if is_csv && byte == quote && !self.after_escape {
                self.in_quote = !self.in_quote;
            }
            if Some(byte) != escape {
                self.after_escape = false;
            }
            if self.in_quote && byte == if self.newline == Newline::Feed { b'\n' } else { b'\r' } {
                self.newlines += 1;
            }
            match byte {
                b'\n' if !self.in_quote => {
                    if matches!(self.newline, Newline::Return | Newline::ReturnFeed) {
                        return Err(wrong_newline(is_csv, "newline", "\\n"));
                    }
                    self.newline = Newline::Feed;
                    return Ok(Found::Line(self.seen, self.seen + 1));
                }
                b'\r' if !self.in_quote => return self.at_return(is_csv),
                b'\\' if !is_csv || self.seen == self.start => match self.after_backslash(is_csv)? {
                    Some(found) => return Ok(found),
                    None if is_csv => self.seen += 1,
                    None => self.seen += 2,
                },
                _ => self.seen += 1,
            }
        }
        // An escaped byte may have been the last one.
        self.seen = self.seen.min(self.bytes.len());
        Ok(Found::More)
    }

    fn at_return(&mut self, is_csv: bool) -> Result<Found, SqlError> {
        let wrong = || wrong_newline(is_csv, "carriage return", "\\r");
        let next = self.bytes.get(self.seen + 1).copied();
        match (self.newline, next) {
            (Newline::Feed, _) => Err(wrong()),
            (Newline::Return, _) => Ok(Found::Line(self.seen, self.seen + 1)),
            (Newline::Unknown | Newline::ReturnFeed, None) if !self.is_ended => Ok(Found::More),
            (Newline::Unknown | Newline::ReturnFeed, Some(b'\n')) => {
                self.newline = Newline::ReturnFeed;
                Ok(Found::Line(self.seen, self.seen + 2))
            }
            (Newline::ReturnFeed, _) => Err(wrong()),
            (Newline::Unknown, _) => {
                self.newline = Newline::Return;
                Ok(Found::Line(self.seen, self.seen + 1))
            }
        }
    }

    /// What a backslash begins: the end of the data, nothing of note, or something that is not all here yet.
    fn after_backslash(&mut self, is_csv: bool) -> Result<Option<Found>, SqlError> {
        let more = Ok(Some(Found::More));
        let at = |place: usize| self.bytes.get(self.seen + place).copied();
        let Some(next) = at(1) else {
            return if self.is_ended { Ok(None) } else { more };
        };
        if next != b'.' {
            return Ok(None);
        }
        let over = Ok(Some(Found::EndOfData(self.seen)));
        let bad = |text: &str| match is_csv {
            true => Ok(None),
            false => Err(SqlError::new(Code::BadCopyFileFormat, text)),
        };
        const CORRUPT: &str = "end-of-copy marker corrupt";
        const OTHER_NEWLINE: &str = "end-of-copy marker does not match previous newline style";
        match (self.newline, at(2), at(3)) {
            (_, None, _) if !self.is_ended => more,
            (_, None, _) => bad(CORRUPT),
            (Newline::ReturnFeed, Some(b'\r'), None) if !self.is_ended => more,
            (Newline::ReturnFeed, Some(b'\r'), Some(b'\n')) => over,
            (Newline::ReturnFeed, Some(b'\n'), _) => bad(OTHER_NEWLINE),
            (Newline::Feed, Some(b'\r'), _) | (Newline::Return, Some(b'\n'), _) => bad(OTHER_NEWLINE),
            (Newline::ReturnFeed, _, _) => bad(CORRUPT),
            (_, Some(b'\n' | b'\r'), _) => over,
            _ => bad(CORRUPT),
        }
    }
}

fn wrong_newline(is_csv: bool, what: &str, escaped: &str) -> SqlError {
    let (kind, hint) = match is_csv {
        true => ("unquoted", format!("Use quoted CSV field to represent {what}.")),
        false => ("literal", format!("Use \"{escaped}\" to represent {what}.")),
    };
    SqlError::new(Code::BadCopyFileFormat, format!("{kind} {what} found in data")).with_hint(hint)
}
