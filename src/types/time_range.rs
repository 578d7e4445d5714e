//! A closed range of instants.

/// From `min_us` to `max_us`, both included, in microseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The earliest instant.
    pub min_us: i64,
    /// The latest instant.
    pub max_us: i64,
}

impl TimeRange {
    /// The smallest range that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { min_us: self.min_us.min(other.min_us), max_us: self.max_us.max(other.max_us) }
    }

    /// The union of two ranges that may be absent.
    pub fn union_of(left: Option<Self>, right: Option<Self>) -> Option<Self> {
        match (left, right) {
            (Some(left), Some(right)) => Some(left.union(right)),
            (one, None) | (None, one) => one,
        }
    }
}
