//! Floats and exact decimals.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};

use crate::types::{Code, SqlError, float};

/// Writes a 64-bit float.
pub(super) fn float8_text(value: f64, extra_digits: i32, out: &mut BytesMut) {
    out.put_slice(float::float8_text(value, extra_digits).as_bytes());
}

/// Writes a 32-bit float.
pub(super) fn float4_text(value: f32, extra_digits: i32, out: &mut BytesMut) {
    out.put_slice(float::float4_text(value, extra_digits).as_bytes());
}

/// Sign, digits before and digits behind the point of an unscaled decimal.
fn split(unscaled: &str, scale: i8) -> (bool, String, String) {
    let (negative, digits) = unscaled.strip_prefix('-').map_or((false, unscaled), |digits| (true, digits));
    let Ok(scale) = usize::try_from(scale) else {
        let zeros = usize::from(scale.unsigned_abs());
        let whole = if digits == "0" { String::from("0") } else { format!("{digits}{:0<zeros$}", "") };
        return (negative, whole, String::new());
    };
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    (negative, whole.to_owned(), fraction.to_owned())
}

/// Writes a decimal with all the digits of its scale.
pub(super) fn decimal_text(unscaled: &str, scale: i8, out: &mut BytesMut) {
    let (negative, whole, fraction) = split(unscaled, scale);
    let sign = if negative { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    let _ = write!(out, "{sign}{whole}{point}{fraction}");
}

/// Writes a decimal in groups of four digits: count, weight, sign, scale, groups.
pub(super) fn decimal_binary(unscaled: &str, scale: i8, out: &mut BytesMut) -> Result<(), SqlError> {
    let out_of_range = |_| SqlError::new(Code::NumericValueOutOfRange, "a numeric is out of range");
    let (negative, whole, fraction) = split(unscaled, scale);
    let whole_width = whole.len().div_ceil(4) * 4;
    let fraction_width = fraction.len().div_ceil(4) * 4;
    let padded = format!("{whole:0>whole_width$}{fraction:0<fraction_width$}");
    let mut groups = padded
        .as_bytes()
        .chunks(4)
        .map(|chunk| chunk.iter().fold(0_i16, |group, digit| group * 10 + i16::from(digit - b'0')))
        .collect::<Vec<_>>();
    let mut weight = i16::try_from(whole_width / 4).map_err(out_of_range)? - 1;
    let leading = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..leading);
    weight -= i16::try_from(leading).map_err(out_of_range)?;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    out.put_i16(i16::try_from(groups.len()).map_err(out_of_range)?);
    out.put_i16(weight);
    out.put_u16(if negative && !groups.is_empty() { 0x4000 } else { 0 });
    out.put_i16(i16::from(scale.max(0)));
    groups.into_iter().for_each(|group| out.put_i16(group));
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::{decimal_binary, decimal_text, float4_text, float8_text};

    fn text(write: impl FnOnce(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).expect("text")
    }

    #[test]
    fn floats_look_as_in_postgresql() {
        for (value, expected) in [
            (0.1, "0.1"),
            (-0.0, "-0"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1.234e-5, "1.234e-05"),
            (0.0001, "0.0001"),
            (1e300, "1e+300"),
            (100.0, "100"),
            (1.0 / 3.0, "0.3333333333333333"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(text(|out| float8_text(value, 1, out)), expected);
        }
        assert_eq!(text(|out| float8_text(1.0 / 3.0, 0, out)), "0.333333333333333");
        assert_eq!(text(|out| float8_text(0.1, -15, out)), "0.1");
        assert_eq!(text(|out| float4_text(1e6, 1, out)), "1e+06");
        assert_eq!(text(|out| float4_text(0.1, 1, out)), "0.1");
        assert_eq!(text(|out| float4_text(1.0 / 3.0, 0, out)), "0.333333");
    }

    #[test]
    fn decimals_keep_their_scale() {
        for (unscaled, scale, expected) in
            [("12300", 2, "123.00"), ("-5", 3, "-0.005"), ("0", 2, "0.00"), ("12", -2, "1200"), ("0", -3, "0")]
        {
            assert_eq!(text(|out| decimal_text(unscaled, scale, out)), expected);
        }
        for (unscaled, scale, expected) in [
            ("12345678", 2, vec![3, 1, 0, 2, 12, 3456, 7800]),
            ("-5", 3, vec![1, -1, 0x4000, 3, 50]),
            ("0", 2, vec![0, 0, 0, 2]),
            ("10000", 0, vec![1, 1, 0, 0, 1]),
        ] {
            let mut out = BytesMut::new();
            decimal_binary(unscaled, scale, &mut out).expect("fits");
            let numbers: Vec<i16> = out.chunks(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect();
            assert_eq!(numbers, expected, "{unscaled} {scale}");
        }
    }
}
