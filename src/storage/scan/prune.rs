//! Leaves out parts of a table that cannot have matching rows, by DataFusion's pruning predicate.
//!
//! What is not known keeps the part: an unknown range, a column without facts, a list of distinct
//! values that was too long to keep.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, TimestampMicrosecondArray, UInt64Array};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;

use crate::storage::Segment;
use crate::storage::summary::{RowFacts, TIME_COLUMN};
use crate::types::{DistinctSet, TimeRange};

/// What is known of a hot batch or a segment.
pub(super) struct Facts<'a> {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) time: Option<TimeRange>,
    null_counts: &'a BTreeMap<String, u64>,
    distinct: &'a BTreeMap<String, DistinctSet>,
}

impl<'a> Facts<'a> {
    pub(super) fn of_hot(facts: &'a RowFacts) -> Self {
        let RowFacts { rows, bytes, time, null_counts, distinct } = facts;
        Self { rows: *rows, bytes: *bytes, time: *time, null_counts, distinct }
    }

    pub(super) fn of_segment(segment: &'a Segment) -> Self {
        let Segment { rows, bytes, time, null_counts, distinct, .. } = segment;
        Self { rows: *rows, bytes: *bytes, time: Some(*time), null_counts, distinct }
    }

    /// NULLs in a column; all rows are, where the column did not exist yet.
    pub(super) fn nulls(&self, column: &str) -> u64 {
        self.null_counts.get(column).copied().unwrap_or(self.rows)
    }

    /// True: every value is among `values`. False: none is. None: not known.
    fn contained(&self, column: &str, values: &HashSet<&str>) -> Option<bool> {
        let DistinctSet::Values(present) = self.distinct.get(column)? else { return None };
        let found = present.iter().filter(|value| values.contains(value.as_str())).count();
        match found {
            0 => Some(false),
            all if all == present.len() => Some(true),
            _ => None,
        }
    }
}

/// For each part, whether it may have rows that match.
pub(super) fn may_match(
    predicate: Option<&Arc<dyn PhysicalExpr>>,
    schema: &SchemaRef,
    parts: &[Facts<'_>],
) -> Result<Vec<bool>> {
    let Some(predicate) = predicate.filter(|_| !parts.is_empty()) else { return Ok(vec![true; parts.len()]) };
    let builder = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema));
    // A condition that cannot prune is no error of the query's.
    match builder.try_build(Arc::clone(predicate)) {
        Ok(pruning) => pruning.prune(&Parts(parts)),
        Err(_) => Ok(vec![true; parts.len()]),
    }
}

struct Parts<'a>(&'a [Facts<'a>]);

impl Parts<'_> {
    fn instants(&self, of: impl Fn(TimeRange) -> i64) -> ArrayRef {
        let instants: TimestampMicrosecondArray = self.0.iter().map(|part| part.time.map(&of)).collect();
        Arc::new(instants.with_timezone("UTC"))
    }
}

impl PruningStatistics for Parts<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        (column.name == TIME_COLUMN).then(|| self.instants(|time| time.min_us))
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        (column.name == TIME_COLUMN).then(|| self.instants(|time| time.max_us))
    }

    fn num_containers(&self) -> usize {
        self.0.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let counts: UInt64Array = self.0.iter().map(|part| Some(part.nulls(&column.name))).collect();
        Some(Arc::new(counts))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let counts: UInt64Array = self.0.iter().map(|part| Some(part.rows)).collect();
        Some(Arc::new(counts))
    }

    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        let values: HashSet<&str> =
            values.iter().map(|value| value.try_as_str().flatten()).collect::<Option<HashSet<&str>>>()?;
        Some(self.0.iter().map(|part| part.contained(&column.name, &values)).collect())
    }
}
