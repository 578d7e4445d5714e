//! Logarithms and exponentials of decimals, with as many digits as PostgreSQL has.
//!
//! Values are counted in units of `ONE`, in integers of 256 bits: a product of two still fits.

use datafusion::arrow::datatypes::i256;

use super::numeric::{Numeric, NumericError, QUOTIENT_SCALE};

/// Digits behind the point of the values here.
const DIGITS: u8 = 34;
/// The one in these units.
const ONE: i256 = i256::from_i128(10_i128.pow(DIGITS as u32));
/// The natural logarithm of 2.
const LN_2: i256 = i256::from_i128(6_931_471_805_599_453_094_172_321_214_581_766);
/// The natural logarithm of 10.
const LN_10: i256 = i256::from_i128(23_025_850_929_940_456_840_179_914_546_843_642);
/// An exponential of more is too large for a numeric, and of less nothing.
const EXPONENT_MAX: i128 = 90;
/// Digits of a result that PostgreSQL shows at least.
const SIGNIFICANT_DIGITS: i32 = 16;
/// Most terms of a series: each adds more than a digit.
const TERMS_MAX: i128 = 80;

/// The natural logarithm of a number above zero.
pub fn ln(value: Numeric) -> Result<Numeric, NumericError> {
    let result = logarithm(value)?;
    shown(result, magnitude(result))
}

/// The logarithm to the base 10 of a number above zero.
pub fn log10(value: Numeric) -> Result<Numeric, NumericError> {
    let value = logarithm(value)?;
    shown(quotient(value, LN_10)?, magnitude(value))
}

/// The logarithm of a number above zero to a base above zero.
pub fn log(base: Numeric, value: Numeric) -> Result<Numeric, NumericError> {
    let base = logarithm(base)?;
    if base == i256::ZERO {
        return Err(NumericError::DivisionByZero);
    }
    let value = logarithm(value)?;
    shown(quotient(value, base)?, magnitude(value) - magnitude(base))
}

/// e to this power.
pub fn exp(exponent: Numeric) -> Result<Numeric, NumericError> {
    exponential(fixed(exponent)?)
}

/// A number above zero to any power.
pub fn power(base: Numeric, exponent: Numeric) -> Result<Numeric, NumericError> {
    exponential(product(logarithm(base)?, fixed(exponent)?)?)
}

fn too_large<T>(value: Option<T>) -> Result<T, NumericError> {
    value.ok_or(NumericError::TooLarge)
}

fn ten_to(digits: u8) -> i256 {
    (0..digits).fold(i256::ONE, |power, _| power.wrapping_mul(i256::from_i128(10)))
}

fn fixed(value: Numeric) -> Result<i256, NumericError> {
    let units = i256::from_i128(value.value);
    match DIGITS.checked_sub(value.scale) {
        Some(missing) => too_large(units.checked_mul(ten_to(missing))),
        None => too_large(units.checked_div(ten_to(value.scale - DIGITS))),
    }
}

fn product(one: i256, other: i256) -> Result<i256, NumericError> {
    too_large(one.checked_mul(other).and_then(|product| product.checked_div(ONE)))
}

fn quotient(one: i256, other: i256) -> Result<i256, NumericError> {
    too_large(one.checked_mul(ONE).and_then(|wide| wide.checked_div(other)))
}

/// The power of ten of a value, cut towards zero.
fn magnitude(value: i256) -> i32 {
    let units = value.wrapping_div(ten_to(DIGITS - DIGITS / 2)).to_i128().unwrap_or(i128::MAX);
    let float = Numeric { value: units, scale: DIGITS / 2 }.to_float().abs();
    #[allow(clippy::cast_possible_truncation, reason = "a power of ten is small")]
    if float > 0.0 { float.log10() as i32 } else { 0 }
}

/// The value with 16 digits that count, rounded half away from zero, in the scale of quotients.
fn shown(value: i256, magnitude: i32) -> Result<Numeric, NumericError> {
    let scale = u8::try_from((SIGNIFICANT_DIGITS - magnitude).clamp(0, i32::from(QUOTIENT_SCALE))).unwrap_or_default();
    let unit = ten_to(DIGITS - scale);
    let half = unit.wrapping_div(i256::from_i128(2));
    let rounded = if value.is_negative() { value.wrapping_sub(half) } else { value.wrapping_add(half) };
    let narrow = rounded.wrapping_div(unit).to_i128();
    Numeric { value: too_large(narrow)?, scale }.rescaled(QUOTIENT_SCALE)
}

/// `x = m * 2^k` with m near 1: then ln x is `k * ln 2 + 2 * atanh((m - 1) / (m + 1))`.
fn logarithm(value: Numeric) -> Result<i256, NumericError> {
    let bits = value.to_float().log2().round();
    #[allow(clippy::cast_possible_truncation, reason = "the logarithm of 38 digits is below 128")]
    let twos = bits.clamp(-130.0, 130.0) as i32;
    let two_to = |power: i32| i256::ONE << (u8::try_from(power.unsigned_abs()).unwrap_or(u8::MAX));
    let units = i256::from_i128(value.value);
    let near_one = match twos {
        0.. => units.checked_mul(ONE).and_then(|wide| wide.checked_div(two_to(twos))),
        _ => units.checked_mul(two_to(twos)).and_then(|wide| wide.checked_mul(ONE)),
    };
    let near_one = too_large(near_one.and_then(|wide| wide.checked_div(ten_to(value.scale))))?;
    let ratio = quotient(near_one.wrapping_sub(ONE), near_one.wrapping_add(ONE))?;
    let square = product(ratio, ratio)?;
    let (mut power, mut sum) = (ratio, ratio);
    for term in 1..TERMS_MAX {
        power = product(power, square)?;
        if power == i256::ZERO {
            break;
        }
        sum = sum.wrapping_add(power.wrapping_div(i256::from_i128(2 * term + 1)));
    }
    let of_twos = LN_2.wrapping_mul(i256::from_i128(i128::from(twos)));
    Ok(of_twos.wrapping_add(sum.wrapping_mul(i256::from_i128(2))))
}

/// `e^x = 2^k * e^r` with a small r.
fn exponential(exponent: i256) -> Result<Numeric, NumericError> {
    let bound = ONE.wrapping_mul(i256::from_i128(EXPONENT_MAX));
    if exponent > bound {
        return Err(NumericError::TooLarge);
    }
    if exponent < bound.wrapping_neg() {
        return Numeric::whole(0).rescaled(QUOTIENT_SCALE);
    }
    let twos = exponent.wrapping_div(LN_2);
    let rest = exponent.wrapping_sub(twos.wrapping_mul(LN_2));
    let (mut term, mut sum) = (ONE, ONE);
    for number in 1..TERMS_MAX {
        term = product(term, rest)?.wrapping_div(i256::from_i128(number));
        if term == i256::ZERO {
            break;
        }
        sum = sum.wrapping_add(term);
    }
    let twos = too_large(twos.to_i128())?;
    // The power of ten of e^x is x / ln 10, cut.
    let tens = quotient(exponent, LN_10)?.wrapping_div(ONE).to_i128().and_then(|tens| i32::try_from(tens).ok());
    let magnitude = tens.unwrap_or_default();
    let factor = i256::ONE << (u8::try_from(twos.unsigned_abs()).unwrap_or(u8::MAX));
    shown(if twos < 0 { sum.wrapping_div(factor) } else { too_large(sum.checked_mul(factor))? }, magnitude)
}

#[cfg(test)]
mod tests {
    use super::{Numeric, exp, ln, log, log10, power};

    fn number(text: &str) -> Numeric {
        Numeric::parse(text).expect("a number").expect("it fits")
    }

    #[test]
    fn all_digits_are_right() {
        let text = |value: Result<Numeric, _>| value.map(|value: Numeric| (value.value, value.scale)).ok();
        let exact = |text: &str| Some((text.replace('.', "").parse::<i128>().expect("digits"), 20));
        assert_eq!(text(ln(number("10.0"))), exact("2.30258509299404570000"));
        assert_eq!(text(ln(number("1"))), exact("0.00000000000000000000"));
        assert_eq!(text(ln(number("0.001"))), exact("-6.90775527898213710000"));
        assert_eq!(text(log10(number("1000"))), exact("3.00000000000000000000"));
        assert_eq!(text(log10(number("2"))), exact("0.30102999566398120000"));
        assert_eq!(text(log(number("2"), number("64"))), exact("6.00000000000000000000"));
        assert_eq!(text(exp(number("1"))), exact("2.71828182845904520000"));
        assert_eq!(text(exp(number("-2.5"))), exact("0.08208499862389880000"));
        assert_eq!(text(power(number("2"), number("0.5"))), exact("1.41421356237309500000"));
        assert!(exp(number("100")).is_err());
        assert!(log(number("1"), number("2")).is_err());
    }
}
