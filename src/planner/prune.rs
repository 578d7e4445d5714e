//! Decides before dialling which owners cannot have a matching row, and says why.
//!
//! A node is a container with statistics: its name, and per table the range of time and the distinct
//! values of a few columns, as the owner published them. The engine's pruning predicate keeps a
//! container on everything unknown. Only a fresh summary may prune; name and role always may.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, BooleanArray, StringArray, TimestampMicrosecondArray};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};

use crate::catalog::{Scope, Table};
use crate::execution::{Ask, PrunedNode};
use crate::mesh::{Member, Role};
use crate::types::{DistinctSet, NodeName, TableSummary};

/// Oldest summary that may leave a node out.
pub const SUMMARY_AGE_MAX: Duration = Duration::from_secs(2);

/// Who is asked for rows of a table, and who is not.
pub(super) struct Pruner<'a> {
    /// All known nodes.
    pub(super) members: &'a [Member],
    /// `armorlake.pruning` is on.
    pub(super) enabled: bool,
    /// Lowers predicates.
    pub(super) session: &'a SessionState,
}

impl Pruner<'_> {
    /// Splits the nodes for one fragment: its table and the conjuncts over the table's columns.
    pub(super) fn assign(&self, table: &Table, filters: &[Expr]) -> Result<(Vec<Ask>, Vec<PrunedNode>)> {
        if let Some(relational) = &table.relational {
            return Ok(self.at_home(table, &relational.home));
        }
        let predicate = self.predicate(table, filters)?;
        let (mut asked, mut pruned) = (Vec::new(), Vec::new());
        for member in self.members {
            let ask = ask(member, table);
            match self.reason_to_skip(member, table, predicate.as_ref())? {
                Some(reason) => pruned.push(PrunedNode { ask, reason }),
                None => asked.push(ask),
            }
        }
        Ok((asked, pruned))
    }

    /// All rows of a relational table lie on one node, be it known or not.
    fn at_home(&self, table: &Table, home: &NodeName) -> (Vec<Ask>, Vec<PrunedNode>) {
        let (asked, others): (Vec<_>, Vec<_>) = self.members.iter().partition(|member| member.name == *home);
        let mut asked: Vec<Ask> = asked.into_iter().map(|member| ask(member, table)).collect();
        if asked.is_empty() {
            asked.push(Ask { owner: home.clone(), rows_known: 0, summary_age: None });
        }
        let reason = format!("{} lives on {home}", table.name);
        let pruned = |member: &Member| PrunedNode { ask: ask(member, table), reason: reason.clone() };
        (asked, others.into_iter().map(pruned).collect())
    }

    fn predicate(&self, table: &Table, filters: &[Expr]) -> Result<Option<PruningPredicate>> {
        let Some(condition) = conjunction(filters.iter().cloned()) else { return Ok(None) };
        let schema = DFSchema::try_from(table.arrow.as_ref().clone())?;
        let physical = self.session.create_physical_expr(condition, &schema)?;
        // A predicate that statistics cannot decide asks everybody; that is not an error.
        Ok(PruningPredicateBuilder::new().with_file_schema(Arc::clone(&table.arrow)).try_build(physical).ok())
    }

    fn reason_to_skip(
        &self,
        member: &Member,
        table: &Table,
        predicate: Option<&PruningPredicate>,
    ) -> Result<Option<String>> {
        if !self.enabled {
            return Ok(None);
        }
        if table.scope == Scope::Event && member.role == Role::Query {
            return Ok(Some("its role is query: it holds no events".to_owned()));
        }
        let cannot = |known: Known<'_>| -> Result<bool> {
            predicate.map_or(Ok(false), |predicate| Ok(predicate.prune(&known)? == [false]))
        };
        if cannot(Known { member, summary: None })? {
            return Ok(Some("its name does not match".to_owned()));
        }
        let fresh = member.summary_age.is_some_and(|age| age < SUMMARY_AGE_MAX);
        let Some(summary) = member.tables.get(&table.name).filter(|_| fresh && table.scope == Scope::Event) else {
            return Ok(None);
        };
        if summary.damaged {
            return Ok(None);
        }
        if summary.rows == 0 {
            return Ok(Some(format!("it holds no rows of {}", table.name)));
        }
        let skip = cannot(Known { member, summary: Some(summary) })?;
        Ok(skip.then(|| format!("no row of its {} can match: {}", table.name, describe(summary))))
    }
}

fn ask(member: &Member, table: &Table) -> Ask {
    // Summaries are of event tables, whose names a relational table may have as well.
    let summary = member.tables.get(&table.name).filter(|_| table.scope == Scope::Event);
    let rows_known = summary.map_or(0, |summary| summary.rows);
    Ask { owner: member.name.clone(), rows_known, summary_age: member.summary_age }
}

fn describe(summary: &TableSummary) -> String {
    let instant = |micros| {
        chrono::DateTime::from_timestamp_micros(micros)
            .map_or_else(|| "?".to_owned(), |instant| instant.format("%Y-%m-%d %H:%M:%S%.3fZ").to_string())
    };
    let range = summary.time.map_or_else(String::new, |range| {
        let end = if summary.receiving { "now".to_owned() } else { instant(range.max_us) };
        format!("time {} to {end}", instant(range.min_us))
    });
    let sets = summary.distinct.iter().filter_map(|(column, set)| match set {
        DistinctSet::Values(values) => Some(format!("{} {column}(s)", values.len())),
        DistinctSet::TooMany => None,
    });
    std::iter::once(range).chain(sets).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// What is known of one node, as statistics of one container.
struct Known<'a> {
    member: &'a Member,
    summary: Option<&'a TableSummary>,
}

impl Known<'_> {
    fn bound(&self, column: &Column, upper: Bound) -> Option<ArrayRef> {
        if column.name == "node" {
            return Some(Arc::new(StringArray::from(vec![self.member.name.as_str()])));
        }
        let summary = self.summary.filter(|_| column.name == "time")?;
        let range = summary.time?;
        let micros = match upper {
            Bound::Lower => Some(range.min_us),
            // Rows later than the published bound may be there already.
            Bound::Upper => (!summary.receiving).then_some(range.max_us),
        };
        Some(Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC")))
    }
}

#[derive(Clone, Copy)]
enum Bound {
    Lower,
    Upper,
}

impl PruningStatistics for Known<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(column, Bound::Lower)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bound(column, Bound::Upper)
    }

    fn num_containers(&self) -> usize {
        1
    }

    fn null_counts(&self, _: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        None
    }

    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        let DistinctSet::Values(known) = self.summary?.distinct.get(&column.name)? else { return None };
        let mut wanted = values.iter().map(|value| value.try_as_str().flatten());
        // False: no row has any of the values. Whether every row has one is not known.
        let none_occurs = wanted.all(|value| value.is_some_and(|value| !known.contains(value)));
        Some(BooleanArray::from(vec![none_occurs.then_some(false)]))
    }
}
