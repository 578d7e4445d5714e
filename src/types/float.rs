//! Floats as PostgreSQL writes them.

/// A 64-bit float: shortest exact text, or fewer digits when `extra_digits` is not above zero.
pub fn float8_text(value: f64, extra_digits: i32) -> String {
    if let Some(name) = special(value) {
        return name.to_owned();
    }
    if extra_digits > 0 { notation(&format!("{value:e}"), 15) } else { rounded(value, 15 + extra_digits) }
}

/// A 32-bit float, likewise.
pub fn float4_text(value: f32, extra_digits: i32) -> String {
    if let Some(name) = special(f64::from(value)) {
        return name.to_owned();
    }
    if extra_digits > 0 { notation(&format!("{value:e}"), 6) } else { rounded(f64::from(value), 6 + extra_digits) }
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value == f64::INFINITY {
        Some("Infinity")
    } else if value == f64::NEG_INFINITY {
        Some("-Infinity")
    } else {
        None
    }
}

/// A number of significant digits, like C's `%.*g`.
fn rounded(value: f64, digits: i32) -> String {
    let digits = digits.max(1);
    let precision = usize::try_from(digits - 1).unwrap_or_default();
    let scientific = format!("{value:.precision$e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    notation(&format!("{mantissa}e{exponent}"), digits)
}

/// Turns `1.25e3` into `1250`; very small and very large numbers keep an exponent of at least two digits.
fn notation(scientific: &str, digits_max: i32) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    if !(-4..digits_max).contains(&exponent) {
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{exponent_sign}{:02}", exponent.abs());
    }
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    match usize::try_from(exponent) {
        Ok(exponent) if exponent + 1 < digits.len() => {
            let (whole, fraction) = digits.split_at(exponent + 1);
            format!("{sign}{whole}.{fraction}")
        }
        Ok(exponent) => format!("{sign}{digits:0<width$}", width = exponent + 1),
        Err(_) => {
            let zeros = usize::try_from(-exponent - 1).unwrap_or_default();
            format!("{sign}0.{:0<zeros$}{digits}", "")
        }
    }
}
