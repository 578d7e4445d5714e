//! `VALUES (date '2024-01-01'), ('2024-01-02')`: written texts and NULL are of the type of the others in their column.
//!
//! The engine takes a text for a text, and refuses it beside another type. Runs on the client's own words, where
//! only casts, prefixed texts, numbers, truth values and arrays of these say their types; a column of anything
//! else is left to the engine.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastKind, DataType, ExactNumberInfo, Expr, Query, SetExpr, UnaryOperator, Value, Values,
};

use super::build::{last_part, text_of};

/// Rewrites the lists of one query.
pub(super) fn rewrite(query: &mut Query) {
    rewrite_set(query.body.as_mut());
}

fn rewrite_set(set: &mut SetExpr) {
    match set {
        SetExpr::Values(values) => rewrite_values(values),
        SetExpr::SetOperation { left, right, .. } => {
            rewrite_set(left);
            rewrite_set(right);
        }
        _ => {}
    }
}

fn rewrite_values(values: &mut Values) {
    let columns = values.rows.first().map_or(0, |row| row.len());
    for column in 0..columns {
        let cells = values.rows.iter().filter_map(|row| row.get(column));
        let Some(kind) = type_of_column(cells) else { continue };
        for row in &mut values.rows {
            // Decimals beside floats are floats.
            let is_float = is_float(&kind);
            let is_cast =
                |cell: &Expr| is_open(cell) || (is_float && matches!(type_of(cell), Some(Written::Number(_))));
            if let Some(cell) = row.get_mut(column).filter(|cell| is_cast(cell)) {
                *cell = Expr::Cast {
                    kind: CastKind::DoubleColon,
                    expr: Box::new(cell.clone()),
                    data_type: kind.clone(),
                    array: false,
                    format: None,
                };
            }
        }
    }
}

/// NULL, or a text without a type.
fn is_open(expr: &Expr) -> bool {
    text_of(expr).is_some() || matches!(expr, Expr::Value(value) if value.value == Value::Null)
}

/// The type of the cells that say one, where they are of one type and others say none.
fn type_of_column<'a>(cells: impl Iterator<Item = &'a Expr>) -> Option<DataType> {
    let (open, told): (Vec<&Expr>, Vec<&Expr>) = cells.partition(|cell| is_open(cell));
    let mut kinds = told.into_iter().map(type_of);
    let first = kinds.next()??;
    let common = kinds.try_fold(first, |one, other| common(one, other?))?;
    // The engine has the type of a number beside NULL.
    let is_told = match &common {
        Written::Number(_) | Written::Truth => open.iter().any(|cell| text_of(cell).is_some()),
        Written::Type(kind) => !open.is_empty() || is_float(kind),
    };
    is_told.then(|| common.data_type())
}

/// What an expression says of its type by its words alone.
#[derive(Debug, Clone, PartialEq)]
enum Written {
    Truth,
    Number(Digits),
    Type(DataType),
}

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Digits {
    Int4,
    Int8,
    Numeric,
}

impl Written {
    fn data_type(self) -> DataType {
        match self {
            Self::Truth => DataType::Boolean,
            Self::Number(Digits::Int4) => DataType::Int(None),
            Self::Number(Digits::Int8) => DataType::BigInt(None),
            Self::Number(Digits::Numeric) => DataType::Numeric(ExactNumberInfo::None),
            Self::Type(data_type) => data_type,
        }
    }
}

fn common(one: Written, other: Written) -> Option<Written> {
    match (one, other) {
        (Written::Number(one), Written::Number(other)) => Some(Written::Number(if one < other { other } else { one })),
        (Written::Number(_), Written::Type(float)) | (Written::Type(float), Written::Number(_)) if is_float(&float) => {
            Some(Written::Type(float))
        }
        (one, other) if one == other => Some(one),
        _ => None,
    }
}

fn is_float(data_type: &DataType) -> bool {
    match data_type {
        DataType::DoublePrecision | DataType::Real | DataType::Float4 | DataType::Float8 => true,
        DataType::Custom(name, arguments) => {
            arguments.is_empty() && matches!(last_part(name).as_deref(), Some("float4" | "float8"))
        }
        _ => false,
    }
}

fn type_of(expr: &Expr) -> Option<Written> {
    match expr {
        Expr::Nested(inner) => type_of(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => type_of(expr),
        Expr::Cast { data_type, .. } => Some(Written::Type(data_type.clone())),
        Expr::TypedString(typed) => Some(Written::Type(typed.data_type.clone())),
        Expr::Interval(_) => Some(Written::Type(DataType::Interval { fields: None, precision: None })),
        Expr::Value(value) => match &value.value {
            Value::Boolean(_) => Some(Written::Truth),
            Value::Number(digits, _) => Some(Written::Number(digits_of(digits))),
            _ => None,
        },
        Expr::Array(array) => {
            let mut kinds = array.elem.iter().filter(|item| !is_open(item)).map(type_of);
            let item = match kinds.next() {
                Some(first) => kinds.try_fold(first?, |one, other| common(one, other?))?.data_type(),
                None if array.elem.is_empty() => return None,
                None => DataType::Text,
            };
            Some(Written::Type(DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(item), None))))
        }
        _ => None,
    }
}

fn digits_of(digits: &str) -> Digits {
    let plain = digits.replace('_', "");
    match (plain.parse::<i32>(), plain.parse::<i64>()) {
        (Ok(_), _) => Digits::Int4,
        (_, Ok(_)) => Digits::Int8,
        _ => Digits::Numeric,
    }
}
