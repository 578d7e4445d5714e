//! `to_char` of numbers and `to_number`.
//!
//! Patterns as in PostgreSQL's documentation, chapter 9.8: digits have slots, a sign that has no
//! place of its own stands before the first digit that is shown.

use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};

use super::datum::Datum;
use super::function::sql_error;
use super::shown::shown;
use super::time_format::ordinal;
use super::time_pattern::Letters;
use crate::types::Code;

/// Longest pattern, in characters: every slot may print one.
const PATTERN_MAX: usize = 1_000;

/// What a piece of a pattern prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// `9` or `0`.
    Digit {
        zero: bool,
    },
    /// `.` or `D`.
    Point,
    /// `,` or `G`.
    Group,
    Currency,
    /// `S`.
    Sign,
    Minus,
    Plus,
    /// `SG`.
    Both,
    Brackets,
    Roman(Letters),
    Ordinal(Letters),
    /// What stands behind it multiplies by ten.
    Shift,
    Scientific,
    Fill,
    /// Prints nothing.
    Ignored,
    Plain(char),
}

const NAMES: &[(&str, Slot)] = &[
    ("EEEE", Slot::Scientific),
    ("FM", Slot::Fill),
    ("MI", Slot::Minus),
    ("PL", Slot::Plus),
    ("PR", Slot::Brackets),
    ("SG", Slot::Both),
    ("SP", Slot::Ignored),
    ("B", Slot::Ignored),
    ("C", Slot::Ignored),
    ("9", Slot::Digit { zero: false }),
    ("0", Slot::Digit { zero: true }),
    (".", Slot::Point),
    ("D", Slot::Point),
    (",", Slot::Group),
    ("G", Slot::Group),
    ("L", Slot::Currency),
    ("S", Slot::Sign),
    ("V", Slot::Shift),
];

/// A pattern that was read.
#[derive(Debug, Default)]
struct Pattern {
    slots: Vec<Slot>,
    /// Slots of digits before the point, those behind `V` too, and behind it.
    whole: usize,
    behind: usize,
    shift: usize,
    fill: bool,
    brackets: bool,
    scientific: bool,
    roman: Option<Letters>,
    has_point: bool,
    /// The signs have places of their own.
    minus: bool,
    plus: bool,
    /// Slots before the first `0`, and up to the last one.
    zeros_from: Option<usize>,
    zeros_to: usize,
    /// `S` stands before the point, after so many digits.
    sign_after: Option<usize>,
}

fn wrong(text: &str) -> DataFusionError {
    sql_error(Code::SyntaxError, text)
}

impl Pattern {
    fn read(text: &str) -> Result<Self> {
        if text.chars().count() > PATTERN_MAX {
            return Err(sql_error(Code::ProgramLimitExceeded, "the format of a number is too long"));
        }
        let mut pattern = Self::default();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (slot, length) = named(rest).unwrap_or((Slot::Plain(first), first.len_utf8()));
            rest = &rest[length..];
            match slot {
                Slot::Plain('"') => {
                    let (inside, behind) = rest.split_once('"').unwrap_or((rest, ""));
                    pattern.slots.extend(inside.chars().map(Slot::Plain));
                    rest = behind;
                }
                Slot::Plain('\\') if rest.starts_with('"') => {
                    pattern.slots.push(Slot::Plain('"'));
                    rest = &rest[1..];
                }
                slot => pattern.add(slot)?,
            }
        }
        Ok(pattern)
    }

    fn add(&mut self, slot: Slot) -> Result<()> {
        match slot {
            Slot::Digit { .. } if self.scientific => return Err(wrong("\"EEEE\" must be the last pattern used")),
            Slot::Digit { zero } => self.add_digit(zero),
            Slot::Point if self.has_point => return Err(wrong("multiple decimal points")),
            Slot::Point if self.shift > 0 => return Err(wrong("cannot use \"V\" and decimal point together")),
            Slot::Point => self.has_point = true,
            Slot::Sign if self.minus || self.plus || self.brackets => {
                return Err(wrong("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
            }
            Slot::Sign if self.sign_after.is_some() => return Err(wrong("cannot use \"S\" twice")),
            Slot::Sign => self.sign_after = Some(if self.has_point { usize::MAX } else { self.whole }),
            Slot::Minus => self.minus = true,
            Slot::Plus => self.plus = true,
            Slot::Both => (self.minus, self.plus) = (true, true),
            Slot::Brackets => self.brackets = true,
            Slot::Roman(letters) => self.roman = Some(letters),
            Slot::Shift if self.has_point => return Err(wrong("cannot use \"V\" and decimal point together")),
            Slot::Shift => self.shift = 1,
            Slot::Scientific => self.scientific = true,
            Slot::Fill => self.fill = true,
            _ => {}
        }
        self.slots.push(slot);
        Ok(())
    }

    fn add_digit(&mut self, zero: bool) {
        if zero && !self.has_point && self.zeros_from.is_none() {
            self.zeros_from = Some(self.whole);
        }
        if self.has_point {
            self.behind += 1;
        } else {
            self.whole += 1;
        }
        if self.shift > 0 {
            self.shift += 1;
        }
        if zero {
            self.zeros_to = self.whole + self.behind;
        }
    }

    /// By how many powers of ten the number is multiplied.
    fn powers(&self) -> usize {
        self.shift.saturating_sub(1)
    }
}

fn named(text: &str) -> Option<(Slot, usize)> {
    for (name, slot) in [("RN", Slot::Roman(Letters::Upper)), ("rn", Slot::Roman(Letters::Lower))] {
        if text.starts_with(name) {
            return Some((slot, 2));
        }
    }
    for (name, slot) in [("TH", Slot::Ordinal(Letters::Upper)), ("th", Slot::Ordinal(Letters::Lower))] {
        if text.starts_with(name) {
            return Some((slot, 2));
        }
    }
    let fits = |name: &str| {
        text.get(..name.len()).is_some_and(|written| written == name || written == name.to_ascii_lowercase())
    };
    NAMES.iter().find(|(name, _)| fits(name)).map(|(name, slot)| (*slot, name.len()))
}

/// A number by a pattern.
pub(super) fn to_char(value: &ScalarValue, pattern: &str) -> Result<Datum> {
    let pattern = Pattern::read(pattern)?;
    if let Some(letters) = pattern.roman {
        let number = rounded(value, 0, 0)?;
        // PostgreSQL makes an integer of it first.
        let is_float = value.data_type().is_floating();
        if !is_float && number.parse::<i32>().is_err() {
            return Err(sql_error(Code::NumericValueOutOfRange, "integer out of range"));
        }
        return Ok(roman(&number, letters, pattern.fill).into());
    }
    if pattern.scientific {
        return scientific(value, pattern.behind).map(Datum::from);
    }
    let number = rounded(value, pattern.behind, pattern.powers())?;
    let (negative, digits) = number.strip_prefix('-').map_or((false, number.as_str()), |digits| (true, digits));
    let whole = digits.split('.').next().unwrap_or_default().len();
    let digits = if whole > pattern.whole {
        let point = if pattern.behind > 0 || pattern.has_point { "." } else { "" };
        format!("{}{point}{}", "#".repeat(pattern.whole), "#".repeat(pattern.behind))
    } else {
        digits.to_owned()
    };
    Ok(Writer::new(&pattern, negative, &digits).write().into())
}

/// The number in plain digits, with so many behind the point, after a multiplication by ten.
fn rounded(value: &ScalarValue, behind: usize, powers: usize) -> Result<String> {
    let float = match value {
        ScalarValue::Float64(Some(value)) => Some((*value, 15)),
        ScalarValue::Float32(Some(value)) => Some((f64::from(*value), 6)),
        _ => None,
    };
    if let Some((value, digits)) = float {
        if !value.is_finite() {
            return shown(&ScalarValue::Float64(Some(value)));
        }
        let value = value * 10_f64.powi(i32::try_from(powers).unwrap_or(i32::MAX));
        // Digits that the type does not have are not made up.
        let whole = format!("{:.0}", value.abs()).len();
        let kept = if whole >= digits { 0 } else { behind.min(digits - whole) };
        let text = format!("{value:.kept$}");
        return Ok(padded_behind(text, behind));
    }
    let text = shown(value)?;
    Ok(round_text(&text, behind, powers))
}

fn padded_behind(text: String, behind: usize) -> String {
    let have = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if behind == 0 || have >= behind {
        return text;
    }
    let point = if have == 0 { "." } else { "" };
    format!("{text}{point}{}", "0".repeat(behind - have))
}

/// A decimal text times a power of ten, rounded half away from zero.
fn round_text(text: &str, behind: usize, powers: usize) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = format!("{fraction:0<powers$}");
    let whole = format!("{whole}{}", &fraction[..powers]);
    let fraction = &fraction[powers..];
    let mut all: Vec<u8> = whole.bytes().chain(fraction.bytes().chain(std::iter::repeat(b'0')).take(behind)).collect();
    if fraction.as_bytes().get(behind).is_some_and(|next| *next >= b'5') {
        let mut carry = true;
        for digit in all.iter_mut().rev() {
            if !carry {
                break;
            }
            carry = *digit == b'9';
            *digit = if carry { b'0' } else { *digit + 1 };
        }
        if carry {
            all.insert(0, b'1');
        }
    }
    let text = String::from_utf8(all).unwrap_or_default();
    let (whole, fraction) = text.split_at(text.len() - behind);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
    let sign = if is_zero { "" } else { sign };
    let point = if behind > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

fn scientific(value: &ScalarValue, behind: usize) -> Result<String> {
    let text = match value {
        ScalarValue::Float64(Some(value)) if value.is_finite() => format!("{value:.behind$e}"),
        ScalarValue::Float32(Some(value)) if value.is_finite() => format!("{value:.behind$e}"),
        ScalarValue::Float64(_) | ScalarValue::Float32(_) => {
            return Ok(format!(" #.{}", "#".repeat(behind) + "####"));
        }
        other => decimal_scientific(&shown(other)?, behind),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or((' ', mantissa), |rest| ('-', rest));
    let direction = if exponent < 0 { '-' } else { '+' };
    Ok(format!("{sign}{mantissa}e{direction}{:02}", exponent.abs()))
}

fn decimal_scientific(text: &str, behind: usize) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let Some(first) = all.bytes().position(|digit| digit != b'0') else {
        return format!("{}e0", round_text("0", behind, 0));
    };
    let exponent = |first: usize| i32::try_from(whole.len()).unwrap_or(0) - 1 - i32::try_from(first).unwrap_or(0);
    let mantissa = round_text(&format!("{}.{}", &all[first..=first], &all[first + 1..]), behind, 0);
    if mantissa.starts_with("10") {
        let mantissa = round_text("1", behind, 0);
        return format!("{sign}{mantissa}e{}", exponent(first) + 1);
    }
    format!("{sign}{mantissa}e{}", exponent(first))
}

const ROMANS: &[(i64, &str)] = &[
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
];

fn roman(number: &str, letters: Letters, fill: bool) -> String {
    let text = match number.parse::<i64>() {
        Ok(mut rest @ 1..=3999) => {
            let mut text = String::new();
            for (value, letters) in ROMANS {
                while rest >= *value {
                    text.push_str(letters);
                    rest -= value;
                }
            }
            text
        }
        _ => return "#".repeat(15),
    };
    let text = if letters == Letters::Lower { text.to_lowercase() } else { text };
    if fill { text } else { format!("{text:>15}") }
}

/// Fills the slots of a pattern.
struct Writer<'a> {
    pattern: &'a Pattern,
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// Slots before the first digit of the number.
    blanks: usize,
    /// Digits behind the point that `FM` leaves.
    kept: usize,
    /// A lone zero before the point is not shown.
    hides_zero: bool,
    out: String,
    /// Slots of digits so far.
    at: usize,
    sign_is_due: bool,
    /// The last slot showed a digit.
    in_number: bool,
}

impl<'a> Writer<'a> {
    fn new(pattern: &'a Pattern, negative: bool, digits: &'a str) -> Self {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let blanks = pattern.whole.saturating_sub(whole.len());
        let significant = fraction.trim_end_matches('0').len();
        let asked = pattern.zeros_to.saturating_sub(pattern.whole);
        let kept = if pattern.fill { significant.max(asked) } else { fraction.len() };
        let own_place = pattern.minus || (!pattern.plus && pattern.fill && !negative && pattern.sign_after.is_none());
        Self {
            pattern,
            negative,
            whole,
            fraction,
            blanks,
            kept,
            hides_zero: whole == "0" && pattern.zeros_from.is_none() && pattern.behind > 0,
            out: String::new(),
            at: 0,
            sign_is_due: !own_place,
            in_number: false,
        }
    }

    fn write(mut self) -> String {
        for slot in &self.pattern.slots {
            self.slot(*slot);
        }
        self.out
    }

    fn blank(&mut self) {
        if !self.pattern.fill {
            self.out.push(' ');
        }
    }

    fn sign(&self) -> char {
        if self.negative { '-' } else { '+' }
    }

    fn slot(&mut self, slot: Slot) {
        match slot {
            Slot::Digit { zero } => self.digit(zero),
            Slot::Point => {
                self.write_sign();
                self.in_number = false;
                self.out.push('.');
                self.end();
            }
            Slot::Group if self.in_number => self.out.push(','),
            Slot::Group => self.blank(),
            Slot::Currency => self.out.push(' '),
            Slot::Minus if self.negative => self.out.push('-'),
            Slot::Plus if !self.negative => self.out.push('+'),
            Slot::Minus | Slot::Plus => self.blank(),
            Slot::Both => self.out.push(self.sign()),
            Slot::Ordinal(letters) => {
                if !self.negative && !self.pattern.has_point && !self.whole.starts_with('#') {
                    self.out.push_str(ordinal(self.whole, letters));
                }
            }
            Slot::Plain(character) => self.out.push(character),
            Slot::Sign
            | Slot::Brackets
            | Slot::Roman(_)
            | Slot::Shift
            | Slot::Scientific
            | Slot::Fill
            | Slot::Ignored => {}
        }
    }

    /// Whether `S` stands behind all digits.
    fn sign_is_last(&self) -> bool {
        self.pattern.sign_after.is_some_and(|after| after >= self.pattern.whole)
    }

    /// The sign right before what is shown first.
    fn write_sign(&mut self) {
        if !self.sign_is_due || (self.pattern.sign_after.is_some() && self.sign_is_last()) {
            return;
        }
        self.sign_is_due = false;
        if self.pattern.sign_after.is_some() {
            self.out.push(self.sign());
        } else if self.pattern.brackets {
            match (self.negative, self.pattern.fill) {
                (true, _) => self.out.push('<'),
                (false, false) => self.out.push(' '),
                (false, true) => {}
            }
        } else if self.negative {
            self.out.push('-');
        } else {
            self.blank();
        }
    }

    fn digit(&mut self, zero: bool) {
        let (at, whole) = (self.at, self.pattern.whole);
        self.at += 1;
        self.in_number = false;
        if at >= whole {
            let place = at - whole;
            if let Some(digit) = self.fraction.get(place..=place).filter(|_| place < self.kept || zero) {
                self.out.push_str(digit);
                self.in_number = true;
            }
        } else if at < self.blanks {
            if self.pattern.zeros_from.is_some_and(|from| from <= at) {
                self.write_sign();
                self.out.push('0');
                self.in_number = true;
            } else {
                self.blank();
            }
        } else if self.hides_zero {
            // `FM9.9` of zero is `0.`
            match (self.pattern.fill, self.kept) {
                (false, _) => self.out.push(' '),
                (true, 0) => {
                    self.write_sign();
                    self.out.push('0');
                }
                (true, _) => {}
            }
        } else {
            self.write_sign();
            let place = at - self.blanks;
            self.out.push_str(self.whole.get(place..=place).unwrap_or_default());
            self.in_number = true;
        }
        self.end();
    }

    /// What stands behind the last slot.
    fn end(&mut self) {
        if self.at < self.pattern.whole + self.pattern.behind {
            return;
        }
        let is_closed = self.pattern.has_point && self.pattern.behind == 0 && !self.out.ends_with('.');
        if is_closed {
            return;
        }
        if self.pattern.brackets && !self.sign_is_due {
            match (self.negative, self.pattern.fill) {
                (true, _) => self.out.push('>'),
                (false, false) => self.out.push(' '),
                (false, true) => {}
            }
        } else if self.sign_is_last() {
            self.out.push(self.sign());
        }
    }
}

/// `to_number(text, pattern)`: the digits, as a text that reads as a number.
pub(super) fn to_number(text: &str, pattern: &str) -> Result<String> {
    let pattern = Pattern::read(pattern)?;
    if pattern.roman.is_some() || pattern.scientific {
        return Err(sql_error(Code::FeatureNotSupported, "\"RN\" and \"EEEE\" not supported for input"));
    }
    let mut rest = text;
    let (mut negative, mut number) = (false, String::new());
    let mut first_digit = true;
    for slot in &pattern.slots {
        if rest.is_empty() {
            break;
        }
        let next = rest.chars().next().unwrap_or_default();
        let mut skip = |count: usize| {
            let end = rest.char_indices().nth(count).map_or(rest.len(), |(end, _)| end);
            rest = &rest[end..];
        };
        match slot {
            Slot::Digit { .. } => {
                if first_digit {
                    rest = rest.trim_start();
                    first_digit = false;
                    if let Some(behind) = rest.strip_prefix(['-', '+', '<']) {
                        negative |= !rest.starts_with('+');
                        rest = behind;
                    }
                }
                if let Some(digit) = rest.chars().next().filter(char::is_ascii_digit) {
                    number.push(digit);
                    rest = &rest[1..];
                } else if let Some(behind) =
                    rest.strip_prefix('.').filter(|_| pattern.has_point && !number.contains('.'))
                {
                    number.push('.');
                    rest = behind;
                }
            }
            Slot::Point if next == '.' => {
                if !number.contains('.') {
                    number.push('.');
                }
                skip(1);
            }
            Slot::Group if next == ',' => skip(1),
            Slot::Currency if !next.is_ascii_digit() => skip(1),
            Slot::Sign | Slot::Both | Slot::Minus | Slot::Plus if matches!(next, '+' | '-') => {
                negative |= next == '-';
                skip(1);
            }
            Slot::Brackets if next == '>' => skip(1),
            Slot::Ordinal(_) => skip(2),
            Slot::Plain(_) => skip(1),
            _ => {}
        }
    }
    if rest.starts_with('-') && pattern.sign_after.is_some() {
        negative = true;
    }
    if !number.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(sql_error(Code::InvalidTextRepresentation, "invalid input syntax for type numeric: \" \""));
    }
    let sign = if negative { "-" } else { "" };
    Ok(format!("{sign}{number}"))
}
