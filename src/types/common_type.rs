//! The type that values of several types have together, as in CASE, COALESCE, UNION and VALUES.
//!
//! PostgreSQL's rule: the first type counts, unless a later one of the same kind takes it in without a cast and
//! not the other way round. What is of different kinds has no common type.

use super::SqlType;

/// Kinds of types that can stand for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Category {
    Truth,
    Text,
    Number,
    Moment,
    Span,
    Network,
    /// A type that goes with itself alone.
    Own(SqlType),
}

impl SqlType {
    /// The common type of values of these types, in the order in which they are written; literals without a type
    /// take that of the others. None where there is no such type, or no value says one.
    pub fn common(kinds: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut kinds = kinds.into_iter().filter(|kind| *kind != Self::Unknown);
        let first = kinds.next()?;
        kinds.try_fold(first, |chosen, next| match chosen {
            _ if chosen == next => Some(chosen),
            _ if category(chosen) != category(next) => None,
            _ if !is_preferred(chosen) && widens(chosen, next) && !widens(next, chosen) => Some(next),
            _ => Some(chosen),
        })
    }
}

impl SqlType {
    /// Whether values of these types never have a common type: they are of different kinds.
    pub fn are_apart(one: Self, other: Self) -> bool {
        let is_open = |kind: Self| {
            let is_array_of_any = matches!(kind, Self::AnyArray | Self::OidVector | Self::Int2Vector);
            is_array_of_any || matches!(kind, Self::Unknown | Self::Void | Self::Record)
        };
        !is_open(one) && !is_open(other) && category(one) != category(other)
    }
}

fn category(kind: SqlType) -> Category {
    use SqlType::{
        Bool, Bpchar, Cidr, Date, Float4, Float8, Inet, Int2, Int4, Int8, Interval, Name, Numeric, Oid, Text, Time,
        Timestamp, Timestamptz, Varchar,
    };
    match kind {
        Bool => Category::Truth,
        Text | Varchar | Bpchar | Name => Category::Text,
        Int2 | Int4 | Int8 | Float4 | Float8 | Numeric | Oid => Category::Number,
        kind if kind.is_registry() => Category::Number,
        Date | Time | Timestamp | Timestamptz => Category::Moment,
        Interval => Category::Span,
        Inet | Cidr => Category::Network,
        other => Category::Own(other),
    }
}

/// The type that its kind prefers: none wins over it.
fn is_preferred(kind: SqlType) -> bool {
    use SqlType::{Bool, Float8, Inet, Interval, Oid, Text, Timestamptz};
    matches!(kind, Bool | Text | Oid | Float8 | Timestamptz | Interval | Inet)
}

/// Values of the first type, of one kind with the second, become values of that without a written cast.
fn widens(from: SqlType, to: SqlType) -> bool {
    use SqlType::{Bpchar, Cidr, Date, Inet, Name, Oid, Text, Timestamp, Timestamptz, Varchar};
    let rank = |kind: SqlType| NUMBERS.iter().position(|known| *known == kind);
    let is_integer = |kind: SqlType| matches!(kind, SqlType::Int2 | SqlType::Int4 | SqlType::Int8);
    let is_id = |kind: SqlType| kind == Oid || kind.is_registry();
    match (from, to) {
        (Name, Bpchar | Varchar) => false,
        (Name | Text | Varchar | Bpchar, _) => matches!(to, Text | Varchar | Bpchar | Name),
        (Date, Timestamp | Timestamptz) | (Timestamp, Timestamptz) | (Cidr, Inet) => true,
        (from, to) if is_id(to) => is_integer(from) || from == Oid || to == Oid,
        (from, to) => matches!((rank(from), rank(to)), (Some(from), Some(to)) if from < to),
    }
}

/// Each widens to those behind it.
const NUMBERS: [SqlType; 6] =
    [SqlType::Int2, SqlType::Int4, SqlType::Int8, SqlType::Numeric, SqlType::Float4, SqlType::Float8];

#[cfg(test)]
mod tests {
    use super::SqlType;
    use SqlType::{
        Bpchar, Cidr, Date, Float4, Float8, Inet, Int2, Int4, Int8, Json, Name, Numeric, Oid, Regclass, Text,
        Timestamp, Timestamptz, Unknown, Varchar,
    };

    #[test]
    fn types_of_different_kinds_are_apart() {
        for (one, other, apart) in [
            (Int4, Text, true),
            (Int4, Date, true),
            (Date, Timestamptz, false),
            (Text, Name, false),
            (Unknown, Date, false),
            (Json, Text, true),
        ] {
            assert_eq!(SqlType::are_apart(one, other), apart, "{one:?} {other:?}");
        }
    }

    #[test]
    fn types_that_meet_become_what_postgresql_makes_of_them() {
        for (kinds, common) in [
            (&[Name, Text][..], Some(Name)),
            (&[Text, Name], Some(Text)),
            (&[Varchar, Text], Some(Varchar)),
            (&[Name, Varchar], Some(Name)),
            (&[Bpchar, Text], Some(Bpchar)),
            (&[Unknown, Name, Unknown], Some(Name)),
            (&[Int4, Oid], Some(Oid)),
            (&[Oid, Int4], Some(Oid)),
            (&[Int4, Regclass], Some(Regclass)),
            (&[Regclass, Oid], Some(Regclass)),
            (&[Int2, Int8, Int4], Some(Int8)),
            (&[Numeric, Float4], Some(Float4)),
            (&[Float4, Float8, Numeric], Some(Float8)),
            (&[Date, Timestamptz, Timestamp], Some(Timestamptz)),
            (&[Cidr, Inet], Some(Inet)),
            (&[Json, Json], Some(Json)),
            (&[Json, Text], None),
            (&[Int4, Text], None),
            (&[Unknown], None),
        ] {
            assert_eq!(SqlType::common(kinds.iter().copied()), common, "{kinds:?}");
        }
    }
}
