//! Scalar functions of PostgreSQL that the engine lacks.
//!
//! Those over events (`events`, `json`, `lists`) depend on their arguments alone, others on the
//! statement's moment and zone too: a fragment may carry them to any node. The rest tell of this session
//! and catalog. What no statement changes is registered once.

mod access;
mod aggregates;
mod calendar;
mod cast_rules;
mod cast_text;
mod convert;
mod control;
mod events;
mod function;
mod idents;
mod instants;
mod json;
mod list_fields;
mod lists;
mod literals;
mod moments;
mod names;
mod number_operators;
mod numbers;
mod objects;
mod privileges;
mod operators;
mod parts;
mod registry;
mod rounding;
mod series;
mod server;
mod session;
mod span_factors;
mod spans;
mod tables;
mod texts;
mod tokens;
mod time_precision;
mod type_names;
mod zone_rules;
mod zoned;

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateBuilder};
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;

pub(in crate::planner) use numbers::symbol;

use super::SessionControl;
use crate::execution::OwnerFunctions;
use crate::system::{CatalogFacts, SessionFacts};
use crate::types::FragmentSettings;
use cast_rules::CastReader;
use convert::{AS_TYPE, AsType};
use function::Function;
use literals::LiteralReader;
use moments::Moment;
use number_operators::NumberPlanner;
use operators::OperatorPlanner;
use type_names::TypeNames;
use zone_rules::ZoneRules;

pub(in crate::planner) use names::with_names;

/// What the functions of one session tell of.
#[derive(Debug)]
pub struct FunctionContext {
    /// What exists.
    pub catalog: Arc<CatalogFacts>,
    /// Who asks.
    pub session: Arc<SessionFacts>,
    /// What functions may do to the session.
    pub control: Option<Arc<dyn SessionControl>>,
}

/// What owners evaluate; for [`crate::execution::Engine`].
pub const OF_OWNERS: OwnerFunctions = OwnerFunctions { lasting: register_lasting, of_statement: register_of_moment };

/// Adds what statements have before fragments, and no statement changes: functions in FROM and names of types
/// among it. Called once, on a copy of [`crate::execution::Engine::base`].
pub fn register_tables(state: &mut SessionState) -> Result<()> {
    let named = SessionStateBuilder::new_from_existing(state.clone()).with_type_planner(Arc::new(TypeNames)).build();
    let engine = SessionContext::new_with_state(named);
    tables::register(&engine)?;
    *state = engine.state();
    aggregates::register(state)?;
    register_rows(state, tokens::function(), tokens::FIELDS)?;
    register(state, server::functions().into_iter().chain(registry::numbers()).map(Function::udf))
}

/// Adds the functions that tell of this session and catalog.
pub fn register_of_session(
    state: &mut SessionState,
    context: &Arc<FunctionContext>,
    settings: &FragmentSettings,
) -> Result<()> {
    let of_session = [session::functions(context), control::functions(context), objects::functions(context)];
    for functions in of_session.into_iter().chain([privileges::functions(context)]) {
        register(state, functions.into_iter().map(Function::udf))?;
    }
    register(state, access::functions(context).into_iter().map(Function::udf))?;
    register_rows(state, access::explode(context), access::FIELDS)?;
    registry::register(state, context)?;
    series::register(state, &Moment::of(settings)?);
    Ok(())
}

/// Functions that depend on their arguments alone.
fn register_lasting(state: &mut SessionState) -> Result<()> {
    register(state, events::functions())?;
    register(state, spans::functions())?;
    register(state, lists::functions())?;
    for (rows, fields) in lists::FIELDS {
        let rows = state.udf(rows)?;
        register(state, list_fields::of(&rows, fields))?;
    }
    register(state, idents::functions().into_iter().map(Function::udf))?;
    register(state, texts::typed_functions())?;
    register(state, texts::functions().into_iter().map(Function::udf))?;
    register(state, numbers::functions())?;
    register(state, span_factors::functions())?;
    register(state, rounding::functions())?;
    register(state, [AsType::udf(), time_precision::function()])?;
    register(state, aggregates::scalars())?;
    register(state, json::functions().iter().map(|function| function.as_ref().clone()))
}

/// Functions that depend on the statement's now() and the session's zone, and the rules that put
/// functions where operators, texts and times stand.
fn register_of_moment(state: &mut SessionState, settings: &FragmentSettings) -> Result<()> {
    let moment = Moment::of(settings)?;
    register(state, moments::functions(&moment))?;
    register(state, zoned::functions(&moment))?;
    parts::register(state, &moment)?;
    let planner = OperatorPlanner {
        uuid_text: state.udf("uuid_text")?,
        as_uuid: state.udf("as_uuid")?,
        inet_key: state.udf("inet_key")?,
    };
    state.register_expr_planner(Arc::new(planner))?;
    state.register_expr_planner(Arc::new(NumberPlanner::new(state)?))?;
    state.register_function_rewrite(Arc::new(CastReader { as_type: state.udf(AS_TYPE)? }))?;
    let reader = LiteralReader { moment: moment.clone(), uuid_text: state.udf("uuid_text")? };
    state.register_function_rewrite(Arc::new(reader))?;
    let spans = spans::SpanReader {
        difference: state.udf("instant_difference")?,
        length: state.udf("interval_length")?,
        part: state.udf("interval_part")?,
    };
    state.register_function_rewrite(Arc::new(spans))?;
    let rules = Arc::new(ZoneRules::new(&moment, state)?);
    state.register_function_rewrite(Arc::<ZoneRules>::clone(&rules))?;
    state.add_analyzer_rule(Arc::<ZoneRules>::clone(&rules));
    state.register_expr_planner(rules)
}

/// Adds a function that gives rows as a list, and those that give one field of these rows.
fn register_rows(state: &mut SessionState, rows: ScalarUDF, fields: &[(&'static str, &'static str)]) -> Result<()> {
    let rows = Arc::new(rows);
    register(state, list_fields::of(&rows, fields))?;
    state.register_udf(rows).map(drop)
}

/// Adds functions; one of the same name is replaced.
fn register(state: &mut SessionState, functions: impl IntoIterator<Item = ScalarUDF>) -> Result<()> {
    functions.into_iter().try_for_each(|function| state.register_udf(Arc::new(function)).map(drop))
}
