//! The plan of a prepared statement, kept from one run to the next.
//!
//! A plan is kept as it is before values, optimiser and fragments: what depends on the moment comes behind it. It is
//! used again where everything it was made of is the same ([`Conditions`]), and kept only when nothing in it belongs
//! to the statement that made it: it reads events alone, whose scans hold no rows, and calls functions that the next
//! statement's session has under the same names.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    WindowFunctionDefinition,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::resolve::fleet_table_of;
use super::{ParameterType, StatementContext};
use crate::catalog::Catalog;
use crate::types::{ColumnOrigin, FragmentSettings};

/// Most plans that a node keeps, of all its sessions.
pub(super) const PLANS_MAX: usize = 2_048;

/// What a plan is made of besides the statement.
#[derive(Debug)]
pub(super) struct Conditions {
    catalog: Arc<Catalog>,
    search_path: Vec<String>,
    roles: Vec<String>,
    /// Without the moment, which no plan knows.
    settings: FragmentSettings,
    parameters: Vec<Option<ParameterType>>,
}

impl Conditions {
    pub(super) fn new(context: &StatementContext, parameters: &[Option<ParameterType>]) -> Self {
        Self {
            catalog: context.relations.catalog(),
            search_path: context.search_path.clone(),
            roles: context.roles.clone(),
            settings: FragmentSettings { now_us: 0, ..context.settings.clone() },
            parameters: parameters.to_vec(),
        }
    }

    fn hold_for(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.catalog, &other.catalog)
            && self.search_path == other.search_path
            && self.roles == other.roles
            && self.settings == other.settings
            && self.parameters == other.parameters
    }
}

/// A plan with its columns' origins.
pub(super) type Planned = (LogicalPlan, Vec<Option<ColumnOrigin>>);

/// What all sessions are copies of, and the statement's own.
type States<'a> = (&'a SessionState, &'a SessionState);

/// The place for the plan of one parsed query.
#[derive(Debug, Default)]
pub(super) struct KeptPlan {
    /// Runs that made a plan. A statement that runs once needs none again: the second run keeps its plan.
    made: AtomicU64,
    /// Runs that used the plan of one before.
    used: AtomicU64,
    kept: Mutex<Option<Arc<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    conditions: Conditions,
    planned: Planned,
    /// It calls functions that each statement has its own of.
    calls_session: bool,
    /// Its share of [`PLANS_MAX`].
    _place: OwnedSemaphorePermit,
}

impl KeptPlan {
    /// Whether there is a plan.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// How many runs used a plan again, and how many made one.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.used.load(Ordering::Relaxed), self.made.load(Ordering::Relaxed))
    }

    /// The plan for a statement that runs under these conditions, with that statement's functions.
    pub(super) fn get(&self, conditions: &Conditions, states: States<'_>) -> Result<Option<Planned>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(kept) = kept.filter(|kept| kept.conditions.hold_for(conditions)) else { return Ok(None) };
        let (plan, origins) = kept.planned.clone();
        let plan = if kept.calls_session { with_functions_of(states, plan)? } else { plan };
        self.used.fetch_add(1, Ordering::Relaxed);
        Ok(Some((plan, origins)))
    }

    /// Keeps a plan for the runs that follow, if it can be and there is a place left.
    pub(super) fn keep(&self, conditions: Conditions, planned: &Planned, states: States<'_>, places: &Arc<Semaphore>) {
        if self.made.fetch_add(1, Ordering::Relaxed) == 0 {
            return;
        }
        let Some(calls_session) = lasting(&planned.0, states) else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // The plan before gives its place to this one.
        *kept = None;
        let Ok(place) = Arc::clone(places).try_acquire_owned() else { return };
        let (plan, origins) = planned.clone();
        // What belongs to a statement must not live on in a plan.
        let plan = if calls_session { without_functions_of_session(states, plan) } else { Ok(plan) };
        let Ok(plan) = plan else { return };
        *kept = Some(Arc::new(Kept { conditions, planned: (plan, origins), calls_session, _place: place }));
    }
}

/// Whether a plan can outlive its statement: none where it cannot, else whether it calls functions of the session.
fn lasting(plan: &LogicalPlan, states: States<'_>) -> Option<bool> {
    let (mut lasts, mut calls_session) = (true, false);
    let walked = plan.apply_with_subqueries(|node| {
        lasts &= match node {
            LogicalPlan::TableScan(scan) => fleet_table_of(&scan.source).is_some_and(|table| table.is_spread()),
            LogicalPlan::Extension(_) => false,
            _ => true,
        };
        node.apply_expressions(|expr| {
            expr.apply(|inner| {
                match known_function(inner, states) {
                    Some(Known::Lasting) => {}
                    Some(Known::OfSession) => calls_session = true,
                    None => lasts = false,
                }
                Ok(if lasts { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
            })
        })?;
        Ok(if lasts { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    (walked.is_ok() && lasts).then_some(calls_session)
}

enum Known {
    Lasting,
    /// The next statement has another one of the same name.
    OfSession,
}

/// Where a function comes from; none where no session has it under its name.
fn known_function(expr: &Expr, (base, session): States<'_>) -> Option<Known> {
    match expr {
        Expr::ScalarFunction(call) if is_of(base, &call.func) => Some(Known::Lasting),
        Expr::ScalarFunction(call) => is_of(session, &call.func).then_some(Known::OfSession),
        // Aggregates and window functions depend on the catalog at most, which is one of the conditions.
        Expr::AggregateFunction(call) => {
            let found = session.aggregate_functions().get(call.func.name())?;
            Arc::ptr_eq(found, &call.func).then_some(Known::Lasting)
        }
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::AggregateUDF(function) => {
                let found = session.aggregate_functions().get(function.name())?;
                Arc::ptr_eq(found, function).then_some(Known::Lasting)
            }
            WindowFunctionDefinition::WindowUDF(function) => {
                let found = session.window_functions().get(function.name())?;
                Arc::ptr_eq(found, function).then_some(Known::Lasting)
            }
        },
        _ => Some(Known::Lasting),
    }
}

fn is_of(state: &SessionState, function: &Arc<ScalarUDF>) -> bool {
    state.scalar_functions().get(function.name()).is_some_and(|found| Arc::ptr_eq(found, function))
}

/// Stands in a kept plan for a function that each statement has its own of.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Absent {
    name: String,
    signature: Signature,
}

impl Absent {
    fn missing<T>(&self) -> Result<T> {
        Err(DataFusionError::Internal(format!("function {} was left out of a kept plan", self.name)))
    }
}

impl ScalarUDFImpl for Absent {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        self.missing()
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.missing()
    }
}

fn without_functions_of_session(states: States<'_>, plan: LogicalPlan) -> Result<LogicalPlan> {
    with_functions(states, plan, |name| {
        let absent = Absent { name: name.to_owned(), signature: Signature::variadic_any(Volatility::Volatile) };
        Ok(Arc::new(ScalarUDF::new_from_impl(absent)))
    })
}

/// The plan with the functions of another session in the place of those that it was made with.
fn with_functions_of(states: States<'_>, plan: LogicalPlan) -> Result<LogicalPlan> {
    with_functions(states, plan, |name| {
        let found = states.1.scalar_functions().get(name).map(Arc::clone);
        found.ok_or_else(|| DataFusionError::Internal(format!("function {name} is gone")))
    })
}

/// The plan with others in the place of functions that do not last.
fn with_functions(
    (base, _): States<'_>,
    plan: LogicalPlan,
    other: impl Fn(&str) -> Result<Arc<ScalarUDF>>,
) -> Result<LogicalPlan> {
    let replaced = plan.transform_down_with_subqueries(|node| {
        node.map_expressions(|expr| {
            expr.transform_down(|inner| match inner {
                Expr::ScalarFunction(mut call) if !is_of(base, &call.func) => {
                    call.func = other(call.func.name())?;
                    Ok(Transformed::yes(Expr::ScalarFunction(call)))
                }
                inner => Ok(Transformed::no(inner)),
            })
        })
    })?;
    Ok(replaced.data)
}
