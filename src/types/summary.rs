//! What an owner publishes about one of its tables, so that others can leave it out of a query.

use std::collections::{BTreeMap, BTreeSet};

use super::{TimeRange, limits::SUMMARY_VALUES_MAX};

/// The distinct values of one text column, or the statement that there are too many to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DistinctSet {
    /// Every value that occurs (NULL aside) is in the set.
    Values(BTreeSet<String>),
    /// More than [`SUMMARY_VALUES_MAX`] values: nothing is known.
    TooMany,
}

impl Default for DistinctSet {
    fn default() -> Self {
        Self::Values(BTreeSet::new())
    }
}

impl DistinctSet {
    /// Adds a value; returns true when the set changed.
    pub fn insert(&mut self, value: &str) -> bool {
        let Self::Values(values) = self else { return false };
        if values.contains(value) {
            return false;
        }
        if values.len() >= SUMMARY_VALUES_MAX || value.len() > 512 {
            *self = Self::TooMany;
        } else {
            values.insert(value.to_owned());
        }
        true
    }

    /// Adds all values of another set.
    pub fn merge(&mut self, other: &Self) {
        match other {
            Self::TooMany => *self = Self::TooMany,
            Self::Values(values) => values.iter().for_each(|value| {
                self.insert(value);
            }),
        }
    }
}

/// Facts about one event table on one node; everything it says is true of all its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableSummary {
    /// Rows, hot and sealed.
    pub rows: u64,
    /// Bytes on disk (segments) and in the hot tier.
    pub bytes: u64,
    /// Range of the column `time`; none when there are no rows.
    pub time: Option<TimeRange>,
    /// The table is receiving: rows later than `time` may be there already.
    pub receiving: bool,
    /// Some rows cannot be read, and nothing here tells of them: whoever asks for rows must hear of it.
    pub damaged: bool,
    /// Column name to its distinct values; a column that is absent is not summarised.
    pub distinct: BTreeMap<String, DistinctSet>,
}
