//! Whether two answers to one statement are the same: as multisets, ORDER BY as an order, rows with
//! equal keys in any order and, at a LIMIT, one instead of the other, floats within 1e-9.

/// An answer as text cells.
pub(crate) type Answer = Vec<Vec<String>>;

/// The statements of a file of questions; comments are lines of their own.
pub(crate) fn statements(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let parts = lines.join("\n");
    let parts = parts.split(";\n").map(|one| one.trim().trim_end_matches(';').to_owned());
    parts.filter(|one| !one.is_empty()).collect()
}

/// Equal row by row, or as multisets when there is no order.
pub(crate) fn same(left: &[Vec<String>], right: &[Vec<String>], ordered: bool) -> bool {
    let arrange = |rows: &[Vec<String>]| {
        let mut rows = rows.to_vec();
        if !ordered {
            rows.sort();
        }
        rows
    };
    let (left, right) = (arrange(left), arrange(right));
    left.len() == right.len() && left.iter().zip(&right).all(|(left, right)| row_is_same(left, right))
}

fn row_is_same(left: &[String], right: &[String]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_close(left, right))
}

fn is_close(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    // Only fractions are rounded; two different whole numbers are different.
    let is_fraction = |text: &str| text.contains(['.', 'e', 'E']);
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(one), Ok(other)) if is_fraction(left) || is_fraction(right) => {
            (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
        }
        _ => false,
    }
}

/// Whether two answers to `sql` are the same; `names` are the names of the columns, where they are known.
pub(crate) fn agree(sql: &str, names: &[String], left: &Answer, right: &Answer) -> bool {
    let keys = order_keys(sql, names);
    let key_of = |row: &Vec<String>| -> Vec<String> { keys.iter().filter_map(|key| row.get(*key).cloned()).collect() };
    let keys_of = |rows: &Answer| -> Answer { rows.iter().map(key_of).collect() };
    if left.len() != right.len() || !same(&keys_of(left), &keys_of(right), true) {
        return false;
    }
    // Without a key that is shown, ties cannot be told from other rows, so that nothing may differ.
    let Some(last) = left.last().map(key_of).filter(|_| has_limit(sql) && !keys.is_empty()) else {
        return same(left, right, false);
    };
    let before_the_last =
        |rows: &Answer| -> Answer { rows.iter().filter(|row| !row_is_same(&key_of(row), &last)).cloned().collect() };
    same(&before_the_last(left), &before_the_last(right), false)
}

/// What stands after the ORDER BY of the whole statement; that of a window ends before its bracket.
fn order_clause(sql: &str) -> Option<&str> {
    let (_, clause) = sql.rsplit_once("ORDER BY ")?;
    let depth = clause.chars().try_fold(0_i32, |depth, letter| match letter {
        '(' => Some(depth + 1),
        ')' if depth == 0 => None,
        ')' => Some(depth - 1),
        _ => Some(depth),
    });
    depth.map(|_| clause)
}

fn has_limit(sql: &str) -> bool {
    order_clause(sql).is_some_and(|clause| clause.contains(" LIMIT "))
}

/// Places of the columns that the statement orders by, as far as its answer shows them.
fn order_keys(sql: &str, names: &[String]) -> Vec<usize> {
    let clause = order_clause(sql).unwrap_or_default();
    let clause = clause.split(" LIMIT ").next().unwrap_or_default();
    let words = clause.split(',').filter_map(|key| key.split_whitespace().next());
    let place = |word: &str| match word.parse::<usize>() {
        Ok(number) => number.checked_sub(1),
        Err(_) => names.iter().position(|name| name == word),
    };
    words.filter_map(place).collect()
}
