//! The plan as text: the coordinator's operators, and for every gather its fragments, the nodes
//! asked, and the nodes left out with the reason.

use std::fmt;
use std::sync::Arc;

use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};

use crate::execution::GatherExec;
use crate::mesh::FragmentMode;

/// One line per operator and per fact about a fragment, indented by depth.
pub(super) fn lines(plan: &Arc<dyn ExecutionPlan>) -> Vec<String> {
    let mut lines = Vec::new();
    describe(plan, 0, &mut lines);
    lines
}

struct OneLine<'a>(&'a dyn ExecutionPlan);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        DisplayAs::fmt_as(self.0, DisplayFormatType::Default, out)
    }
}

fn describe(plan: &Arc<dyn ExecutionPlan>, depth: usize, lines: &mut Vec<String>) {
    let arrow = if depth == 0 { "" } else { "->  " };
    let indent = " ".repeat(depth * 6);
    match plan.downcast_ref::<GatherExec>() {
        Some(gather) => describe_gather(gather, depth, lines),
        None => lines.push(format!("{indent}{arrow}{}", OneLine(plan.as_ref()))),
    }
    for child in plan.children() {
        describe(child, depth + 1, lines);
    }
}

fn describe_gather(gather: &GatherExec, depth: usize, lines: &mut Vec<String>) {
    let arrow = if depth == 0 { "" } else { "->  " };
    let (head, body) = (" ".repeat(depth * 6), " ".repeat(depth * 6 + arrow.len() + 2));
    let what = match gather.mode() {
        FragmentMode::Rows => "rows",
        FragmentMode::Partial => "partial aggregates",
    };
    lines.push(format!("{head}{arrow}Gather {what}"));
    for fragment in gather.fragments() {
        lines.push(format!("{body}Fragment on {}: {}", fragment.table, fragment.sql));
        let asked: Vec<String> =
            fragment.asked.iter().map(|ask| format!("{} ({} rows)", ask.owner, ask.rows_known)).collect();
        lines.push(format!(
            "{body}Nodes asked: {}",
            if asked.is_empty() { "none".to_owned() } else { asked.join(", ") }
        ));
        for pruned in &fragment.pruned {
            lines.push(format!("{body}Node pruned: {}: {}", pruned.ask.owner, pruned.reason));
        }
    }
}
