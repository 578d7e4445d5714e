//! Scalar functions of PostgreSQL that the engine lacks.
//!
//! [`register`] puts them all into a session. Those over events (`events`, `json`, `lists`) depend
//! on their arguments alone, so a fragment may carry them to any node; the others tell of this
//! session and catalog.

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
use datafusion::execution::FunctionRegistry;
use datafusion::prelude::SessionContext;

use crate::system::{CatalogFacts, SessionFacts};
use crate::types::FragmentSettings;
use literals::LiteralReader;
use moments::Moment;
use operators::OperatorPlanner;
use zone_rules::ZoneRules;

/// What the functions of one session tell of.
#[derive(Debug, Clone)]
pub struct FunctionContext {
    /// What exists.
    pub catalog: Arc<CatalogFacts>,
    /// Who asks.
    pub session: Arc<SessionFacts>,
    /// What expressions depend on.
    pub settings: FragmentSettings,
}

/// Registers every function for one session; functions of the same name are replaced.
pub fn register(engine: &SessionContext, context: &FunctionContext) -> Result<()> {
    let system = [session::functions(context), objects::functions(context), registry::functions(context)];
    for function in system.into_iter().flatten() {
        engine.register_udf(function.udf());
    }
    tables::register(engine)?;
    let moment = Moment::of(&context.settings)?;
    series::register(engine, &moment);
    register_for_events(engine, &moment)
}

/// Registers what a fragment needs: functions that depend on their arguments, the statement's now()
/// and the session's zone alone, and their operators.
pub fn register_for_fragment(engine: &SessionContext, settings: &FragmentSettings) -> Result<()> {
    register_for_events(engine, &Moment::of(settings)?)
}

fn register_for_events(engine: &SessionContext, moment: &Moment) -> Result<()> {
    let functions = events::functions()
        .into_iter()
        .chain(spans::functions())
        .chain(lists::functions())
        .chain(moments::functions(moment))
        .chain(zoned::functions(moment))
        .chain(texts::typed_functions());
    for function in functions {
        engine.register_udf(function);
    }
    parts::register(engine, moment)?;
    for function in texts::functions() {
        engine.register_udf(function.udf());
    }
    for function in json::functions() {
        engine.register_udf(function.as_ref().clone());
    }
    let state = engine.state_ref();
    let mut state = state.write();
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
    let rules = Arc::new(ZoneRules::new(moment, &state)?);
    state.register_function_rewrite(Arc::<ZoneRules>::clone(&rules))?;
    state.add_analyzer_rule(Arc::<ZoneRules>::clone(&rules));
    state.register_expr_planner(rules)
}
