//! Texts that stand for truth values and bytes, as PostgreSQL reads them everywhere: in literals, casts,
//! parameters and settings.

/// PostgreSQL's spellings of truth, which may be cut as long as they are clear.
pub fn read_truth(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    let starts = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if starts("true", 1) || starts("yes", 1) || text == "on" || text == "1" {
        Some(true)
    } else if starts("false", 1) || starts("no", 1) || starts("off", 2) || text == "0" {
        Some(false)
    } else {
        None
    }
}

/// `\x` with hexadecimal digits, or bytes with backslash escapes.
pub fn read_bytes(text: &str) -> Option<Vec<u8>> {
    let Some(digits) = text.strip_prefix("\\x") else { return read_escaped_bytes(text) };
    let digits: Vec<char> = digits.chars().filter(|digit| !digit.is_ascii_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high.to_digit(16)? * 16 + low.to_digit(16)?).ok(),
        _ => None,
    });
    pairs.collect()
}

/// Bytes with backslash escapes: `\\` is a backslash, `\ooo` a byte by its octal digits.
pub fn read_escaped_bytes(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        match rest {
            [b'\\', after @ ..] => {
                bytes.push(b'\\');
                rest = after;
            }
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            _ => return None,
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{read_bytes, read_escaped_bytes, read_truth};

    #[test]
    fn truth_has_many_spellings() {
        for text in ["t", "TRUE", " tru ", "y", "yes", "on", "1"] {
            assert_eq!(read_truth(text), Some(true), "{text}");
        }
        for text in ["f", "fals", "n", "no", "of", "off", "0"] {
            assert_eq!(read_truth(text), Some(false), "{text}");
        }
        for text in ["", "o", "2", "truee", "onn"] {
            assert_eq!(read_truth(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_are_spelled_in_two_ways() {
        assert_eq!(read_bytes("\\x00 fF").as_deref(), Some(&[0, 255][..]));
        assert_eq!(read_bytes("a\\\\b\\001\\377").as_deref(), Some(&[b'a', b'\\', b'b', 1, 255][..]));
        for text in ["\\x0", "\\xzz", "\\", "\\8", "\\400"] {
            assert_eq!(read_bytes(text), None, "{text}");
        }
        assert_eq!(read_escaped_bytes("\\x41"), None);
    }
}
