//! Scalar functions of PostgreSQL that the engine lacks.
//!
//! Those over events (`events`, `json`, `lists`) depend on their arguments alone, others on the
//! statement's moment and zone too: a fragment may carry them to any node. The rest tell of this session
//! and catalog. What no statement changes is registered once.

mod calendar;
mod events;
mod function;
mod instants;
mod json;
mod lists;
mod literals;
mod moments;
mod objects;
mod operators;
mod parts;
mod registry;
mod series;
mod session;
mod spans;
mod tables;
mod texts;
mod zone_rules;
mod zoned;

use std::sync::Arc;

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
pub fn register_of_session(
    state: &mut SessionState,
    context: &Arc<FunctionContext>,
    settings: &FragmentSettings,
) -> Result<()> {
    for functions in [session::functions(context), objects::functions(context), registry::functions(context)] {
        register(state, functions.into_iter().map(Function::udf))?;
    }
    series::register(state, &Moment::of(settings)?);
    Ok(())
}

/// Functions that depend on their arguments alone.
fn register_lasting(state: &mut SessionState) -> Result<()> {
    register(state, events::functions())?;
    register(state, spans::functions())?;
    register(state, lists::functions())?;
    register(state, texts::typed_functions())?;
    register(state, texts::functions().into_iter().map(Function::udf))?;
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

/// Adds functions; one of the same name is replaced.
fn register(state: &mut SessionState, functions: impl IntoIterator<Item = ScalarUDF>) -> Result<()> {
    functions.into_iter().try_for_each(|function| state.register_udf(Arc::new(function)).map(drop))
}
