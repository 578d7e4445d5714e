//! Exact decimals as PostgreSQL computes them, within 38 digits.
//!
//! PostgreSQL keeps with every value how many digits behind the point it shows; here that number belongs to
//! the column. Where PostgreSQL chooses it value by value, the column has one of three reserved scales, and
//! [`Numeric::shown`] finds the digits of each value again: [`QUOTIENT_SCALE`] after divisions and averages,
//! [`ROOT_SCALE`] after standard deviations, [`SHORTEST_SCALE`] where the text had its own digits.
//! What needs more than 38 digits is an error, never a rounded value.

use std::fmt;

use datafusion::arrow::datatypes::i256;

/// Most digits of a value.
pub const NUMERIC_DIGITS_MAX: u8 = 38;
/// The scale of columns of quotients and averages: 16 significant digits are shown, in groups of four.
pub const QUOTIENT_SCALE: u8 = 20;
/// The scale of columns of square roots of quotients: as many digits as the quotient would show.
pub const ROOT_SCALE: u8 = 21;
/// The scale of columns whose values show no zeros at their end.
pub const SHORTEST_SCALE: u8 = 19;

/// Significant digits that a quotient has at least.
const SIGNIFICANT_DIGITS: i32 = 16;
/// Decimal digits in one of PostgreSQL's digits.
const GROUP_DIGITS: i32 = 4;

/// A decimal number: `value / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numeric {
    /// All digits.
    pub value: i128,
    /// How many of them stand behind the point, at most 38.
    pub scale: u8,
}

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumericError {
    /// It has more than 38 digits.
    TooLarge,
    /// Something was divided by zero.
    DivisionByZero,
    /// The root of a negative number.
    NegativeRoot,
}

/// Whether columns of this scale show their digits value by value.
pub fn is_shown_by_value(scale: u8) -> bool {
    matches!(scale, QUOTIENT_SCALE | ROOT_SCALE | SHORTEST_SCALE)
}

/// A scale for results that are shown with all their digits: never a reserved one.
pub fn plain_scale(scale: u8) -> u8 {
    if is_shown_by_value(scale) { ROOT_SCALE + 1 } else { scale.min(NUMERIC_DIGITS_MAX) }
}

/// The scale of a sum of columns with these scales.
pub fn sum_scale(left: u8, right: u8) -> u8 {
    let most = left.max(right);
    match (is_shown_by_value(left), is_shown_by_value(right)) {
        (false, false) => most,
        _ if most == SHORTEST_SCALE => SHORTEST_SCALE,
        _ if most <= ROOT_SCALE => QUOTIENT_SCALE,
        _ => most,
    }
}

/// The scale of a product of columns with these scales.
pub fn product_scale(left: u8, right: u8) -> u8 {
    match (is_shown_by_value(left), is_shown_by_value(right)) {
        (false, false) => plain_scale(left + right),
        (true, true) | (true, false) | (false, true) => sum_scale(left, right),
    }
}

impl Numeric {
    /// A whole number.
    pub fn whole(value: i128) -> Self {
        Self { value, scale: 0 }
    }

    /// Reads digits with a point and an exponent; none when they are no number, an error when too many.
    pub fn parse(text: &str) -> Option<Result<Self, NumericError>> {
        let text = text.trim();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
        Some(Self::of_digits(negative, digits.trim_start_matches('0'), scale))
    }

    /// A number from its digits; a scale below zero adds zeros.
    fn of_digits(negative: bool, digits: &str, scale: i64) -> Result<Self, NumericError> {
        if digits.is_empty() {
            return Ok(Self { value: 0, scale: u8::try_from(scale.clamp(0, 38)).unwrap_or_default() });
        }
        let zeros = usize::try_from(-scale.min(0)).map_err(|_| NumericError::TooLarge)?;
        let most = usize::from(NUMERIC_DIGITS_MAX);
        if digits.len() + zeros > most || scale > i64::from(NUMERIC_DIGITS_MAX) {
            return Err(NumericError::TooLarge);
        }
        let value: i128 = format!("{digits}{:0<zeros$}", "").parse().map_err(|_| NumericError::TooLarge)?;
        let scale = u8::try_from(scale.max(0)).map_err(|_| NumericError::TooLarge)?;
        Ok(Self { value: if negative { -value } else { value }, scale })
    }

    /// The 15 significant digits of a float that PostgreSQL keeps; an error when it is no finite number.
    pub fn of_float(float: f64) -> Result<Self, NumericError> {
        if !float.is_finite() {
            return Err(NumericError::TooLarge);
        }
        let text = format!("{float:.14e}");
        Self::parse(&text).unwrap_or(Err(NumericError::TooLarge)).map(Self::without_zeros).or_else(|error| {
            // So close to zero that no digit is left.
            if float.abs() < 1e-20 { Ok(Self::whole(0)) } else { Err(error) }
        })
    }

    /// The nearest float.
    pub fn to_float(self) -> f64 {
        format!("{}e-{}", self.value, self.scale).parse().unwrap_or(f64::NAN)
    }

    /// The same number without zeros at the end of its fraction.
    pub fn without_zeros(self) -> Self {
        let Self { mut value, mut scale } = self;
        while scale > 0 && value % 10 == 0 {
            value /= 10;
            scale -= 1;
        }
        Self { value, scale }
    }

    /// The number with the digits that are shown: all of them, or by its value where the scale is reserved.
    pub fn shown(self) -> Self {
        let digits = match self.scale {
            QUOTIENT_SCALE => self.quotient_digits(),
            ROOT_SCALE => self.root_digits(),
            SHORTEST_SCALE => return self.without_zeros(),
            _ => return self,
        };
        let digits = u8::try_from(digits.clamp(0, 38)).unwrap_or_default().min(self.scale);
        let Ok(short) = self.round_to(digits) else { return self };
        // A digit more than a quotient has must not be lost: a sum or product may have it.
        let kept = self.without_zeros();
        if kept.scale > digits && short.rescaled(self.scale).is_ok_and(|short| short != self) { kept } else { short }
    }

    fn quotient_digits(self) -> i32 {
        // Equal numbers give a quotient with one group more (their first digits do not tell which is greater).
        let is_one = power(self.scale) == Some(self.value.abs());
        let (weight, _) = self.leading();
        let weight = if is_one || self.value == 0 { -1 } else { weight };
        SIGNIFICANT_DIGITS - weight * GROUP_DIGITS
    }

    fn root_digits(self) -> i32 {
        if self.value == 0 {
            return 0;
        }
        let float = self.to_float();
        let weight = (float * float).log10().floor() / 4.0;
        #[allow(clippy::cast_possible_truncation, reason = "a logarithm of 38 digits is small")]
        let weight = weight.floor() as i32;
        SIGNIFICANT_DIGITS - weight * GROUP_DIGITS
    }

    /// Weight and value of the first of PostgreSQL's digits, which are groups of four decimal ones.
    fn leading(self) -> (i32, u32) {
        if self.value == 0 {
            return (0, 0);
        }
        let digits = self.value.unsigned_abs().ilog10();
        let place = i32::try_from(digits).unwrap_or_default() - i32::from(self.scale);
        let weight = place.div_euclid(GROUP_DIGITS);
        let shift = weight * GROUP_DIGITS + i32::from(self.scale);
        let first = match u32::try_from(shift) {
            Ok(shift) => self.value.unsigned_abs() / 10_u128.pow(shift),
            Err(_) => self.value.unsigned_abs() * 10_u128.pow(shift.unsigned_abs()),
        };
        (weight, u32::try_from(first).unwrap_or_default())
    }

    /// The digits behind the point of a quotient, as PostgreSQL chooses them.
    fn division_scale(self, divisor: Self) -> i32 {
        let ((left, left_first), (right, right_first)) = (self.leading(), divisor.leading());
        let weight = left - right - i32::from(left_first <= right_first);
        let shown = i32::from(self.shown().scale).max(i32::from(divisor.shown().scale));
        (SIGNIFICANT_DIGITS - weight * GROUP_DIGITS).max(shown).max(0)
    }

    fn checked(value: i128, scale: u8) -> Result<Self, NumericError> {
        let fits = value.unsigned_abs() < 10_u128.pow(u32::from(NUMERIC_DIGITS_MAX));
        if fits { Ok(Self { value, scale }) } else { Err(NumericError::TooLarge) }
    }

    /// The number with another scale; digits that do not fit are rounded away from zero at half.
    pub fn rescaled(self, scale: u8) -> Result<Self, NumericError> {
        if scale >= self.scale {
            let factor = power(scale - self.scale).ok_or(NumericError::TooLarge)?;
            return Self::checked(self.value.checked_mul(factor).ok_or(NumericError::TooLarge)?, scale);
        }
        let factor = power(self.scale - scale).ok_or(NumericError::TooLarge)?;
        Ok(Self { value: divided(self.value, factor), scale })
    }

    /// Rounded to some digits behind the point, half away from zero.
    pub fn round_to(self, scale: u8) -> Result<Self, NumericError> {
        self.rescaled(scale.min(self.scale))?.rescaled(scale)
    }

    /// Rounded to a multiple of a power of ten when `digits` is negative; else to digits behind the point.
    pub fn rounded(self, digits: i32, cut: Cut) -> Result<Self, NumericError> {
        let dropped = i32::from(self.scale) - digits;
        let Ok(dropped) = u32::try_from(dropped.max(0)) else { return Ok(self) };
        if dropped > u32::from(NUMERIC_DIGITS_MAX) {
            return Ok(Self { value: 0, scale: self.scale });
        }
        let factor = 10_i128.pow(dropped);
        let quotient = match cut {
            Cut::Round => divided(self.value, factor),
            Cut::Truncate => self.value / factor,
            Cut::Floor => self.value.div_euclid(factor),
            Cut::Ceiling => -(-self.value).div_euclid(factor),
        };
        Self::checked(quotient.checked_mul(factor).ok_or(NumericError::TooLarge)?, self.scale)
    }

    /// The sum, with the greater scale.
    pub fn plus(self, other: Self) -> Result<Self, NumericError> {
        let scale = self.scale.max(other.scale);
        let (left, right) = (self.rescaled(scale)?, other.rescaled(scale)?);
        Self::checked(left.value.checked_add(right.value).ok_or(NumericError::TooLarge)?, scale)
    }

    /// The number with the other sign.
    pub fn negated(self) -> Self {
        Self { value: -self.value, ..self }
    }

    /// The product with all its digits, rounded where it has more than `scale` behind the point.
    pub fn times(self, other: Self, scale: u8) -> Result<Self, NumericError> {
        let digits = self.scale + other.scale;
        if let Some(value) = self.value.checked_mul(other.value)
            && digits <= NUMERIC_DIGITS_MAX
        {
            return Self::checked(value, digits)?.rescaled(scale);
        }
        let product = wide(self.value).wrapping_mul(wide(other.value));
        Self::of_wide(product, i32::from(digits), scale)
    }

    fn of_wide(value: i256, digits: i32, scale: u8) -> Result<Self, NumericError> {
        let dropped = digits - i32::from(scale);
        let scaled = match u32::try_from(dropped) {
            Ok(dropped) => wide_divided(value, wide_power(dropped)?),
            Err(_) => value.checked_mul(wide_power(dropped.unsigned_abs())?).ok_or(NumericError::TooLarge)?,
        };
        Self::checked(scaled.to_i128().ok_or(NumericError::TooLarge)?, scale)
    }

    /// The quotient with the digits that PostgreSQL gives it.
    pub fn divided_by(self, divisor: Self) -> Result<Self, NumericError> {
        if divisor.value == 0 {
            return Err(NumericError::DivisionByZero);
        }
        let scale = u8::try_from(self.division_scale(divisor)).unwrap_or(NUMERIC_DIGITS_MAX).min(NUMERIC_DIGITS_MAX);
        self.quotient(divisor, scale)
    }

    /// The quotient in the scale of columns of quotients.
    pub fn quotient_of(self, divisor: Self) -> Result<Self, NumericError> {
        if divisor.value == 0 {
            return Err(NumericError::DivisionByZero);
        }
        let scale = u8::try_from(self.division_scale(divisor)).unwrap_or(QUOTIENT_SCALE).min(QUOTIENT_SCALE);
        self.quotient(divisor, scale)?.rescaled(QUOTIENT_SCALE)
    }

    fn quotient(self, divisor: Self, scale: u8) -> Result<Self, NumericError> {
        let (dividend, divisor) = (self.without_zeros(), divisor.without_zeros());
        let shift = i32::from(scale) - i32::from(dividend.scale) + i32::from(divisor.scale);
        if let Ok(digits) = u8::try_from(shift)
            && let Some(scaled) = power(digits).and_then(|factor| dividend.value.checked_mul(factor))
        {
            return Self::checked(divided(scaled, divisor.value), scale);
        }
        let (left, right) = (wide(dividend.value), wide(divisor.value));
        let factor = wide_power(shift.unsigned_abs())?;
        let (left, right) =
            if shift >= 0 { (left.checked_mul(factor), Some(right)) } else { (Some(left), right.checked_mul(factor)) };
        let (left, right) = left.zip(right).ok_or(NumericError::TooLarge)?;
        let value = wide_divided(left, right).to_i128().ok_or(NumericError::TooLarge)?;
        Self::checked(value, scale)
    }

    /// What is left after division, with the sign of the dividend.
    pub fn remainder(self, divisor: Self) -> Result<Self, NumericError> {
        if divisor.value == 0 {
            return Err(NumericError::DivisionByZero);
        }
        let scale = self.scale.max(divisor.scale);
        match (self.rescaled(scale), divisor.rescaled(scale)) {
            (Ok(left), Ok(right)) => Ok(Self { value: left.value % right.value, scale }),
            _ => {
                let left = wide(self.value).checked_mul(wide_power(u32::from(scale - self.scale))?);
                let right = wide(divisor.value).checked_mul(wide_power(u32::from(scale - divisor.scale))?);
                let (left, right) = left.zip(right).ok_or(NumericError::TooLarge)?;
                let value = left.wrapping_rem(right).to_i128().ok_or(NumericError::TooLarge)?;
                Self::checked(value, scale)
            }
        }
    }

    /// The quotient cut to a whole number.
    pub fn whole_quotient(self, divisor: Self) -> Result<Self, NumericError> {
        let rest = self.remainder(divisor)?;
        self.plus(rest.negated())?.quotient(divisor, 0)
    }

    /// The square root with some digits behind the point.
    pub fn root(self, scale: u8) -> Result<Self, NumericError> {
        if self.value < 0 {
            return Err(NumericError::NegativeRoot);
        }
        // Twice the digits and one more pair, so that the last digit can be rounded.
        let shift = 2 * (i32::from(scale) + 1) - i32::from(self.scale);
        let value = wide(self.value);
        let scaled = match u32::try_from(shift) {
            Ok(shift) => value.checked_mul(wide_power(shift)?).ok_or(NumericError::TooLarge)?,
            Err(_) => wide_divided(value, wide_power(shift.unsigned_abs())?),
        };
        let root = wide_root(scaled).to_i128().ok_or(NumericError::TooLarge)?;
        Self::checked(divided(root, 10), scale)
    }

    /// `(count * squares - sum * sum) / divisor`: a variance from sums, with PostgreSQL's digits. `squares` has
    /// twice the scale of `sum`.
    pub fn spread(count: i128, sum: Self, squares: i256, divisor: i128) -> Result<Self, NumericError> {
        let square = wide(sum.value).checked_mul(wide(sum.value)).ok_or(NumericError::TooLarge)?;
        let products = wide(count).checked_mul(squares).ok_or(NumericError::TooLarge)?;
        let dividend = products.checked_sub(square).ok_or(NumericError::TooLarge)?;
        if dividend <= i256::ZERO || divisor == 0 {
            return Ok(Self::whole(0));
        }
        let (dividend_weight, dividend_first) = wide_leading(dividend, i32::from(sum.scale) * 2);
        let (divisor_weight, divisor_first) = Self::whole(divisor).leading();
        let weight = dividend_weight - divisor_weight - i32::from(dividend_first <= divisor_first);
        let digits = (SIGNIFICANT_DIGITS - weight * GROUP_DIGITS).max(i32::from(sum.shown().scale) * 2);
        let scale = u8::try_from(digits.clamp(0, i32::from(QUOTIENT_SCALE))).unwrap_or_default();
        let shift = i32::from(scale) - i32::from(sum.scale) * 2;
        let factor = wide_power(shift.unsigned_abs())?;
        let value = if shift >= 0 {
            wide_divided(dividend.checked_mul(factor).ok_or(NumericError::TooLarge)?, wide(divisor))
        } else {
            wide_divided(dividend, wide(divisor).checked_mul(factor).ok_or(NumericError::TooLarge)?)
        };
        Self::checked(value.to_i128().ok_or(NumericError::TooLarge)?, scale)
    }

    /// The digits behind the point that PostgreSQL gives the square root of this number.
    pub fn root_scale(self) -> u8 {
        let (weight, _) = self.leading();
        let root_weight = (weight + 1) * GROUP_DIGITS / 2 - 1;
        let digits = (SIGNIFICANT_DIGITS - root_weight).max(i32::from(self.shown().scale));
        u8::try_from(digits.clamp(0, 37)).unwrap_or_default()
    }
}

/// How digits are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cut {
    /// To the nearest, half away from zero.
    Round,
    /// Towards zero.
    Truncate,
    /// Towards minus infinity.
    Floor,
    /// Towards infinity.
    Ceiling,
}

impl fmt::Display for Numeric {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown();
        let digits = shown.value.unsigned_abs().to_string();
        let scale = usize::from(shown.scale);
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        let sign = if shown.value < 0 { "-" } else { "" };
        if fraction.is_empty() { write!(out, "{sign}{whole}") } else { write!(out, "{sign}{whole}.{fraction}") }
    }
}

fn power(exponent: u8) -> Option<i128> {
    10_i128.checked_pow(u32::from(exponent))
}

/// Weight and value of the first group of four digits of a number above zero.
fn wide_leading(value: i256, scale: i32) -> (i32, u32) {
    let digits = i32::try_from(value.to_string().len()).unwrap_or(i32::MAX);
    let weight = (digits - 1 - scale).div_euclid(GROUP_DIGITS);
    let shift = weight * GROUP_DIGITS + scale;
    let factor = wide(10).wrapping_pow(shift.unsigned_abs());
    let first = if shift >= 0 { value.wrapping_div(factor) } else { value.wrapping_mul(factor) };
    (weight, first.to_i128().and_then(|first| u32::try_from(first).ok()).unwrap_or_default())
}

/// The quotient rounded half away from zero.
fn divided(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value / divisor, value % divisor);
    let is_up = rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs();
    let sign = if (value < 0) == (divisor < 0) { 1 } else { -1 };
    if rest != 0 && is_up { quotient + sign } else { quotient }
}

fn wide(value: i128) -> i256 {
    i256::from_i128(value)
}

fn wide_power(exponent: u32) -> Result<i256, NumericError> {
    wide(10).checked_pow(exponent).ok_or(NumericError::TooLarge)
}

fn wide_divided(value: i256, divisor: i256) -> i256 {
    let (quotient, rest) = (value.wrapping_div(divisor), value.wrapping_rem(divisor));
    let is_up = rest.wrapping_abs() >= divisor.wrapping_abs().wrapping_sub(rest.wrapping_abs());
    let sign = wide(if value.is_negative() == divisor.is_negative() { 1 } else { -1 });
    if rest != i256::ZERO && is_up { quotient.wrapping_add(sign) } else { quotient }
}

/// The greatest number whose square is not greater: Newton's steps from above.
fn wide_root(value: i256) -> i256 {
    if value == i256::ZERO {
        return value;
    }
    let bits = 256 - value.leading_zeros();
    let mut guess = wide(2).wrapping_pow(bits.div_ceil(2));
    loop {
        let next = guess.wrapping_add(value.wrapping_div(guess)).wrapping_div(wide(2));
        if next >= guess {
            return guess;
        }
        guess = next;
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, Numeric, NumericError, QUOTIENT_SCALE, SHORTEST_SCALE};

    fn number(text: &str) -> Numeric {
        Numeric::parse(text).expect("a number").expect("few digits")
    }

    #[test]
    fn numbers_are_read_and_shown() {
        for (text, shown) in [
            ("1.50", "1.50"),
            ("-0.5", "-0.5"),
            (" 12 ", "12"),
            ("1e3", "1000"),
            ("1.5e-3", "0.0015"),
            (".5", "0.5"),
            ("5.", "5"),
        ] {
            assert_eq!(number(text).to_string(), shown);
        }
        assert_eq!(Numeric::parse("1x"), None);
        assert_eq!(Numeric::parse("1e40"), Some(Err(NumericError::TooLarge)));
    }

    #[test]
    fn quotients_have_postgresqls_digits() {
        for (left, right, constant, in_column) in [
            ("7", "2.0", "3.5000000000000000", "3.5000000000000000"),
            ("10", "3.0", "3.3333333333333333", "3.3333333333333333"),
            ("100000", "3.0", "33333.333333333333", "33333.333333333333"),
            ("2.0", "3.0", "0.66666666666666666667", "0.66666666666666666667"),
            ("1", "1.0", "1.00000000000000000000", "1.00000000000000000000"),
            ("0", "3.0", "0.00000000000000000000", "0.00000000000000000000"),
            ("12345.678", "0.001", "12345678.000000000000", "12345678.000000000000"),
            ("123456789012", "7.0", "17636684144.57142857", "17636684144.57142857"),
            ("-1", "3", "-0.33333333333333333333", "-0.33333333333333333333"),
        ] {
            assert_eq!(number(left).divided_by(number(right)).expect("a quotient").to_string(), constant);
            let quotient = number(left).quotient_of(number(right)).expect("a quotient");
            assert_eq!((quotient.scale, quotient.to_string().as_str()), (QUOTIENT_SCALE, in_column));
        }
        assert_eq!(number("1").divided_by(number("0.0")), Err(NumericError::DivisionByZero));
    }

    #[test]
    fn digits_are_dropped_in_four_ways() {
        let cut =
            |text, digits, cut| number(text).rounded(digits, cut).expect("few digits").without_zeros().to_string();
        assert_eq!(cut("2.565", 2, Cut::Round), "2.57");
        assert_eq!(cut("-1.235", 2, Cut::Round), "-1.24");
        assert_eq!(cut("1234.5", -2, Cut::Round), "1200");
        assert_eq!(cut("-2.567", 1, Cut::Truncate), "-2.5");
        assert_eq!(cut("-2.1", 0, Cut::Floor), "-3");
        assert_eq!(cut("-2.1", 0, Cut::Ceiling), "-2");
    }

    #[test]
    fn roots_products_and_remainders_are_exact() {
        let root = |text| {
            let value = number(text);
            value.root(value.root_scale()).expect("a root").to_string()
        };
        assert_eq!(root("2.0"), "1.414213562373095");
        assert_eq!(root("100.0"), "10.000000000000000");
        assert_eq!(root("0.25"), "0.50000000000000000");
        assert_eq!(number("-7.5").remainder(number("2")).expect("a rest").to_string(), "-1.5");
        assert_eq!(number("7.5").whole_quotient(number("2")).expect("a quotient").to_string(), "3");
        let large = number("9999999999999999999");
        assert_eq!(large.times(large, 0).expect("38 digits").to_string(), "99999999999999999980000000000000000001");
        assert_eq!(number("99999999999999999999999999999999999999").plus(number("1")), Err(NumericError::TooLarge));
    }

    #[test]
    fn floats_keep_fifteen_digits() {
        let shown = |float| {
            Numeric::of_float(float).and_then(|value| value.rescaled(SHORTEST_SCALE)).expect("fits").to_string()
        };
        assert_eq!((shown(0.1).as_str(), shown(100.0).as_str(), shown(1e10).as_str()), ("0.1", "100", "10000000000"));
        assert_eq!(Numeric::of_float(f64::NAN), Err(NumericError::TooLarge));
    }
}
