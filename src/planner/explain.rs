//! The plan as a tree of steps: the coordinator's operators, and for every gather its fragments,
//! the nodes asked, and the nodes left out with the reason. After a run, with rows and times.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::SessionState;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, execute_stream};

use crate::execution::{Coverage, GatherExec};
use crate::mesh::FragmentMode;
use crate::types::SqlError;

use super::error::located_error;
use super::{QueryRun, shown_columns};

/// How much a step tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanDetail {
    /// The usual.
    Usual,
    /// Columns too (VERBOSE).
    Verbose,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanStep {
    /// The operator.
    pub operator: String,
    /// What it works on, in the engine's words; may be empty.
    pub detail: String,
    /// What else is known of it, by name.
    pub facts: Vec<(String, String)>,
    /// Rows that it gave, if it ran and counts them.
    pub rows: Option<u64>,
    /// Time that it worked, if it ran and measures it.
    pub worked: Option<Duration>,
    /// The steps whose rows it takes.
    pub children: Vec<PlanStep>,
}

impl PlanStep {
    /// One line per step and fact, indented by depth; `measured` adds to a step's line.
    pub fn lines(&self, measured: &dyn Fn(&Self) -> String) -> Vec<String> {
        let mut lines = Vec::new();
        self.add_lines(0, measured, &mut lines);
        lines
    }

    fn add_lines(&self, depth: usize, measured: &dyn Fn(&Self) -> String, lines: &mut Vec<String>) {
        let (indent, arrow) = (" ".repeat(depth * 6), if depth == 0 { "" } else { "->  " });
        let colon = if self.detail.is_empty() { "" } else { ": " };
        lines.push(format!("{indent}{arrow}{}{colon}{}{}", self.operator, self.detail, measured(self)));
        let body = " ".repeat(depth * 6 + arrow.len() + 2);
        lines.extend(self.facts.iter().map(|(name, value)| format!("{body}{name}: {value}")));
        self.children.iter().for_each(|child| child.add_lines(depth + 1, measured, lines));
    }
}

/// A plan that can be shown and run.
pub struct Explanation {
    pub(super) plan: Arc<dyn ExecutionPlan>,
    pub(super) session: SessionState,
    pub(super) coverage: Coverage,
    pub(super) sql: String,
    /// Time that planning took.
    pub planning: Duration,
}

impl fmt::Debug for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Explanation").field("planning", &self.planning).finish_non_exhaustive()
    }
}

impl Explanation {
    /// Runs the plan; [`Explanation::tree`] knows rows and times once the run has ended.
    pub fn start(&self) -> Result<QueryRun, SqlError> {
        let rows = execute_stream(Arc::clone(&self.plan), self.session.task_ctx());
        let rows = rows.map_err(|error| located_error(&error, &self.sql))?;
        Ok(QueryRun {
            columns: Arc::new(shown_columns(&rows.schema(), &[], &self.session)),
            rows,
            coverage: self.coverage.clone(),
        })
    }

    /// The plan as lines of text.
    pub fn lines(&self) -> Vec<String> {
        self.tree(PlanDetail::Usual).lines(&|_| String::new())
    }

    /// The steps as they are known by now.
    pub fn tree(&self, detail: PlanDetail) -> PlanStep {
        step(&self.plan, detail, &self.coverage)
    }
}

struct OneLine<'a>(&'a dyn ExecutionPlan);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        DisplayAs::fmt_as(self.0, DisplayFormatType::Default, out)
    }
}

fn step(plan: &Arc<dyn ExecutionPlan>, detail: PlanDetail, coverage: &Coverage) -> PlanStep {
    let metrics = plan.metrics();
    let shown = OneLine(plan.as_ref()).to_string();
    let (operator, words) = shown.split_once(": ").unwrap_or((shown.trim_end_matches(':'), ""));
    let mut step = PlanStep {
        operator: operator.to_owned(),
        detail: words.trim().to_owned(),
        facts: Vec::new(),
        rows: metrics.as_ref().and_then(|metrics| metrics.output_rows()).and_then(|rows| u64::try_from(rows).ok()),
        worked: metrics
            .and_then(|metrics| metrics.elapsed_compute())
            .and_then(|nanoseconds| u64::try_from(nanoseconds).ok())
            .map(Duration::from_nanos),
        children: plan.children().into_iter().map(|child| self::step(child, detail, coverage)).collect(),
    };
    if let Some(gather) = plan.downcast_ref::<GatherExec>() {
        describe_gather(gather, coverage, &mut step);
    }
    if detail == PlanDetail::Verbose {
        let names: Vec<String> = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
        step.facts.push(("Output".to_owned(), names.join(", ")));
    }
    step
}

fn describe_gather(gather: &GatherExec, coverage: &Coverage, step: &mut PlanStep) {
    step.operator = match gather.mode() {
        FragmentMode::Rows => "Gather rows",
        FragmentMode::Partial => "Gather partial aggregates",
    }
    .to_owned();
    step.detail.clear();
    for fragment in gather.fragments() {
        step.facts.push((format!("Fragment on {}", fragment.table), fragment.sql.clone()));
        let asked: Vec<String> =
            fragment.asked.iter().map(|ask| format!("{} ({} rows)", ask.owner, ask.rows_known)).collect();
        step.facts
            .push(("Nodes asked".to_owned(), if asked.is_empty() { "none".to_owned() } else { asked.join(", ") }));
        for pruned in &fragment.pruned {
            step.facts.push(("Node pruned".to_owned(), format!("{}: {}", pruned.ask.owner, pruned.reason)));
        }
    }
    for node in coverage.report().nodes {
        if let Some(elapsed) = node.elapsed {
            let milliseconds = elapsed.as_secs_f64() * 1_000.0;
            let text = format!("{}: {} rows in {milliseconds:.3} ms", node.node, node.rows_returned);
            step.facts.push(("Node answered".to_owned(), text));
        }
    }
}
