//! Which nodes a result was asked of, which answered, and how many rows it stands on.
//!
//! No row is missing from an answer without the answer saying so: the gather notes here what
//! happened to every node, `pg` turns the report into a WARNING, `mesh.last_coverage` shows it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::types::NodeName;

/// What a missing node does to a statement (setting `armorlake.missing_nodes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingNodes {
    /// The rows of the others come with a WARNING.
    Warn,
    /// The statement fails.
    Error,
}

/// What became of one node in one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CoverageStatus {
    /// It was not asked because it cannot have matching rows.
    Pruned,
    /// All its fragments were answered.
    Answered,
    /// Some of its rows are in the result, then it failed.
    Truncated,
    /// None of its rows are in (a part of) the result.
    Missing,
}

impl CoverageStatus {
    /// Its name in `mesh.last_coverage`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Missing => "missing",
            Self::Truncated => "truncated",
            Self::Pruned => "pruned",
        }
    }
}

/// What one statement got from one node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeCoverage {
    /// The node.
    pub node: NodeName,
    /// What became of it.
    pub status: CoverageStatus,
    /// Why it is missing, truncated or pruned.
    pub reason: Option<String>,
    /// Fragments sent to it.
    pub fragments: u64,
    /// Rows it replied.
    pub rows_returned: u64,
    /// Rows it is known to hold of the asked tables.
    pub rows_known: u64,
    /// Age of the summary that was used.
    pub summary_age: Option<Duration>,
    /// Time to its last trailer.
    pub elapsed: Option<Duration>,
}

/// The report on a finished statement, a line per node in name order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CoverageReport {
    /// The nodes.
    pub nodes: Vec<NodeCoverage>,
}

impl CoverageReport {
    /// The text of the WARNING (or error) when rows may be missing; none when the result is complete.
    pub fn warning(&self) -> Option<String> {
        let lacking = |node: &&NodeCoverage| matches!(node.status, CoverageStatus::Missing | CoverageStatus::Truncated);
        let names: Vec<String> = self.nodes.iter().filter(lacking).map(describe).collect();
        if names.is_empty() {
            return None;
        }
        let known: u64 = self.nodes.iter().map(|node| node.rows_known).sum();
        let covered: u64 = self.nodes.iter().filter(|node| !lacking(node)).map(|node| node.rows_known).sum();
        let share = if known == 0 { String::from("no known rows") } else { share_text(covered, known) };
        Some(format!("result is incomplete: {}; it covers {share}", names.join(", ")))
    }
}

fn describe(node: &NodeCoverage) -> String {
    let reason = node.reason.as_deref().unwrap_or("no answer");
    match node.status {
        CoverageStatus::Truncated => {
            format!("node \"{}\" was truncated after {} rows ({reason})", node.node, node.rows_returned)
        }
        _ => format!("node \"{}\" is missing ({reason})", node.node),
    }
}

/// The share in per cent, rounded down so that less than all never reads as 100.
fn share_text(covered: u64, known: u64) -> String {
    let tenths = u128::from(covered) * 1000 / u128::from(known);
    format!("{}.{} % of {known} known rows", tenths / 10, tenths % 10)
}

/// Collects coverage while a statement runs; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Coverage(Arc<Mutex<BTreeMap<NodeName, NodeCoverage>>>);

impl Coverage {
    /// Notes something about a node: `change` sees the entry, a fresh `Answered` one at first.
    pub fn note(&self, node: &NodeName, change: impl FnOnce(&mut NodeCoverage)) {
        let mut nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(nodes.entry(node.clone()).or_insert_with(|| NodeCoverage {
            node: node.clone(),
            status: CoverageStatus::Pruned,
            reason: None,
            fragments: 0,
            rows_returned: 0,
            rows_known: 0,
            summary_age: None,
            elapsed: None,
        }));
    }

    /// What is known by now; final once the statement's rows have ended.
    pub fn report(&self) -> CoverageReport {
        let nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        CoverageReport { nodes: nodes.values().cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Coverage, CoverageStatus};
    use crate::types::NodeName;

    #[test]
    fn a_warning_names_the_missing_node_and_the_share() {
        let coverage = Coverage::default();
        for (name, rows, status) in [("edge-1", 999, CoverageStatus::Answered), ("edge-2", 1, CoverageStatus::Missing)]
        {
            coverage.note(&NodeName::new(name).expect("name"), |node| {
                node.rows_known = rows;
                node.status = status;
            });
        }
        let warning = coverage.report().warning().expect("a node is missing");
        assert_eq!(
            warning,
            "result is incomplete: node \"edge-2\" is missing (no answer); it covers 99.9 % of 1000 known rows"
        );
    }
}
