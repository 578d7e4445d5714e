//! Scalar functions of PostgreSQL that the engine lacks.
//!
//! Those over events (`events`, `json`, `lists`) depend on their arguments alone, others on the
//! statement's moment and zone too: a fragment may carry them to any node. The rest tell of this session
//! and catalog. What no statement changes is registered once.

mod arrays;
mod bytes;
mod calendar;
mod datum;
mod events;
mod extracts;
mod function;
mod instants;
mod json_build;
mod json_edit;
mod json_functions;
mod json_path;
mod json_value;
mod lists;
mod literals;
mod moments;
mod networks;
mod number_format;
mod objects;
mod operators;
mod ordered_sets;
mod parts;
mod regex_functions;
mod regex_syntax;
mod registry;
mod session;
mod sets;
mod shown;
mod similar;
mod spans;
mod strings;
mod tables;
mod texts;
mod time_format;
mod time_parse;
mod time_pattern;
mod times;
mod typed;
mod zone_rules;
mod zoned;

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;

use crate::execution::OwnerFunctions;
use crate::system::{CatalogFacts, SessionFacts};
use crate::types::FragmentSettings;
use function::Function;
use literals::LiteralReader;
use moments::Moment;
use operators::OperatorPlanner;
use zone_rules::ZoneRules;

/// The type of texts.
const TEXT: DataType = DataType::Utf8;

/// What the functions of one session tell of.
#[derive(Debug)]
pub struct FunctionContext {
    /// What exists.
    pub catalog: Arc<CatalogFacts>,
    /// Who asks.
    pub session: Arc<SessionFacts>,
}

/// What owners evaluate; for [`crate::execution::Engine`].
pub const OF_OWNERS: OwnerFunctions = OwnerFunctions { lasting: register_lasting, of_statement: register_of_moment };

/// Adds what statements have before fragments, and no statement changes: functions in FROM. Called once,
/// on a copy of [`crate::execution::Engine::base`].
pub fn register_tables(state: &mut SessionState) -> Result<()> {
    let engine = SessionContext::new_with_state(state.clone());
    tables::register(&engine)?;
    *state = engine.state();
    Ok(())
}

/// Adds the functions that tell of this session and catalog.
pub fn register_of_session(state: &mut SessionState, context: &Arc<FunctionContext>) -> Result<()> {
    for functions in [session::functions(context), objects::functions(context), registry::functions(context)] {
        register(state, functions.into_iter().map(Function::udf))?;
    }
    Ok(())
}

/// Functions that depend on their arguments alone.
fn register_lasting(state: &mut SessionState) -> Result<()> {
    register(state, events::functions())?;
    register(state, spans::functions())?;
    register(state, lists::functions())?;
    for functions in [
        strings::functions(),
        bytes::functions(),
        regex_functions::functions(),
        similar::functions(),
        arrays::functions(),
        times::lasting(),
        json_functions::functions(),
        json_path::functions(),
        networks::functions(),
        ordered_sets::functions(),
    ] {
        register(state, functions)?;
    }
    register(state, texts::typed_functions())?;
    register(state, texts::functions().into_iter().map(Function::udf))
}

/// Functions that depend on the statement's now() and the session's zone, and the rules that put
/// functions where operators, texts and times stand.
fn register_of_moment(state: &mut SessionState, settings: &FragmentSettings) -> Result<()> {
    let moment = Moment::of(settings)?;
    register(state, moments::functions(&moment))?;
    register(state, zoned::functions(&moment))?;
    register(state, times::of_moment(&moment))?;
    register(state, extracts::functions(&moment))?;
    parts::register(state, &moment)?;
    register(state, json_build::functions(&moment))?;
    register(state, [sets::function(&moment)])?;
    let planner = OperatorPlanner::new(state)?;
    state.register_expr_planner(Arc::new(planner))?;
    let reader =
        LiteralReader { moment: moment.clone(), uuid_text: state.udf("uuid_text")?, as_bytea: state.udf("as_bytea")? };
    state.register_function_rewrite(Arc::new(reader))?;
    let spans =
        spans::SpanReader { difference: state.udf("instant_difference")?, length: state.udf("interval_length")? };
    state.register_function_rewrite(Arc::new(spans))?;
    let rules = Arc::new(ZoneRules::new(&moment, state)?);
    state.register_function_rewrite(Arc::<ZoneRules>::clone(&rules))?;
    state.add_analyzer_rule(Arc::<ZoneRules>::clone(&rules));
    state.register_expr_planner(rules)
}

/// Adds functions; one of the same name is replaced.
fn register(state: &mut SessionState, functions: impl IntoIterator<Item = ScalarUDF>) -> Result<()> {
    functions.into_iter().try_for_each(|function| state.register_udf(Arc::new(function)).map(drop))
}
