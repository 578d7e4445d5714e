//! Scalar functions of PostgreSQL that the engine lacks.
//!
//! Those over events (`events`, `json`, `lists`) depend on their arguments alone, others on the
//! statement's moment and zone too: a fragment may carry them to any node. The rest tell of this session
//! and catalog. What no statement changes is registered once.

mod access;
mod aggregates;
mod angles;
mod arrays;
mod assignments;
mod bytes;
mod calendar;
mod cast_rules;
mod cast_text;
mod coalesce;
mod common_types;
mod control;
mod convert;
mod datum;
mod definitions;
mod divisors;
mod events;
mod extracts;
mod frames;
mod function;
mod idents;
mod instants;
mod json_build;
mod json_edit;
mod json_functions;
mod json_key;
mod json_path;
mod json_value;
mod limits;
mod list_fields;
mod lists;
mod literals;
mod marks;
mod moments;
mod names;
mod networks;
mod not_in;
mod number_format;
mod number_operators;
mod numbers;
mod objects;
mod operators;
mod ordered_sets;
mod parts;
mod passing;
mod privileges;
mod regex_functions;
mod regex_shapes;
mod regex_syntax;
mod registry;
mod rounding;
mod sequences;
mod server;
mod session;
mod sets;
mod shown;
mod similar;
mod sleep;
mod span_factors;
mod span_sums;
mod spans;
mod strings;
mod subqueries;
mod tables;
mod texts;
mod time_format;
mod time_parse;
mod time_pattern;
mod time_precision;
mod times;
mod tokens;
mod told_aggregates;
mod type_names;
mod typed;
mod user_types;
mod value_order;
mod zone_rules;
mod zoned;

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateBuilder};
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;

pub(in crate::planner) use numbers::symbol;

use super::SessionControl;
use crate::execution::OwnerFunctions;
use crate::system::{CatalogFacts, SessionFacts};
use crate::types::FragmentSettings;
use cast_rules::{CastReader, Checks};
use convert::AsType;
use function::Function;
use literals::LiteralReader;
use moments::Moment;
use number_operators::NumberPlanner;
use operators::OperatorPlanner;
use type_names::TypeNames;
use zone_rules::ZoneRules;

pub(in crate::planner) use assignments::ASSIGNABLE;
pub use assignments::FITTING;
pub(in crate::planner) use common_types::with_common_types;
pub(in crate::planner) use names::with_names;
pub(in crate::planner) use user_types::{DOMAIN_VALUE, ENUM_ARRAY, ENUM_VALUE};

/// The type of texts.
const TEXT: DataType = DataType::Utf8;

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
    let builder = SessionStateBuilder::new_from_existing(state.clone()).with_type_planner(Arc::new(TypeNames));
    let named = builder.with_scalar_functions(functions_of(state)).build();
    let engine = SessionContext::new_with_state(named);
    tables::register(&engine)?;
    *state = engine.state();
    aggregates::register(state)?;
    register(state, assignments::functions())?;
    register(state, sleep::functions())?;
    register_rows(state, tokens::function(), tokens::FIELDS)?;
    register(state, server::functions().into_iter().chain(registry::numbers()).map(Function::udf))
}

/// The functions of a state, to be registered once more: one that is found by its name comes after those that only
/// have an alias of this name, such as the engine's own that it replaced.
fn functions_of(state: &SessionState) -> Vec<Arc<ScalarUDF>> {
    let found = state.scalar_functions().iter().filter(|(name, function)| *name == function.name());
    let mut functions: Vec<Arc<ScalarUDF>> = found.map(|(_, function)| Arc::clone(function)).collect();
    functions.sort_by_cached_key(|function| (function.aliases().is_empty(), function.name().to_owned()));
    functions
}

/// Adds the functions that tell of this session and catalog.
pub fn register_of_session(state: &mut SessionState, context: &Arc<FunctionContext>) -> Result<()> {
    let of_session = [session::functions(context), control::functions(context), objects::functions(context)];
    register(state, sequences::functions(context).into_iter().map(Function::udf))?;
    for functions in of_session.into_iter().chain([privileges::functions(context)]) {
        register(state, functions.into_iter().map(Function::udf))?;
    }
    register(state, access::functions(context).into_iter().map(Function::udf))?;
    register(state, definitions::functions(context).into_iter().map(Function::udf))?;
    register_rows(state, access::explode(context), access::FIELDS)?;
    registry::register(state, context)?;
    register_user_types(state, context)
}

/// Functions of enums and domains, and the rules that go by the order of labels.
fn register_user_types(state: &mut SessionState, context: &Arc<FunctionContext>) -> Result<()> {
    register(state, user_types::functions(context))?;
    told_aggregates::register(state, &context.catalog.catalog)?;
    let order = Arc::new(user_types::LabelOrder {
        catalog: Arc::clone(&context.catalog.catalog),
        value: state.udf("enum_value")?,
        key: state.udf("enum_key")?,
        label: state.udf("enum_label")?,
    });
    state.register_function_rewrite(Arc::<user_types::LabelOrder>::clone(&order))?;
    state.add_analyzer_rule(Arc::<user_types::LabelOrder>::clone(&order));
    state.register_expr_planner(order)
}

/// Functions that depend on their arguments alone, and the rules that put them where operators and casts stand.
fn register_lasting(state: &mut SessionState) -> Result<()> {
    register(state, events::functions())?;
    register(state, spans::functions())?;
    register(state, lists::functions())?;
    for (rows, fields) in lists::FIELDS {
        let rows = state.udf(rows)?;
        register(state, list_fields::of(&rows, fields))?;
    }
    register(state, idents::functions().into_iter().map(Function::udf))?;
    register(state, numbers::functions())?;
    register(state, span_factors::functions())?;
    register(state, span_sums::functions())?;
    register(state, rounding::functions())?;
    register(state, [AsType::udf(), time_precision::function(), marks::function()])?;
    register(state, passing::functions())?;
    register(state, aggregates::scalars())?;
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
    register(state, texts::functions().into_iter().map(Function::udf))?;
    let operators = OperatorPlanner::new(state)?;
    state.register_expr_planner(Arc::new(operators))?;
    let numbers = NumberPlanner::new(state)?;
    state.register_expr_planner(Arc::new(numbers))?;
    register(state, subqueries::functions())?;
    register(state, [coalesce::function(), json_key::function()])?;
    register(state, divisors::functions().into_iter().chain(angles::functions()))?;
    state.register_function_rewrite(Arc::new(frames::FrameReader))?;
    state.register_function_rewrite(Arc::new(subqueries::SubqueryReader {
        maybe_null: state.udf(subqueries::MAYBE_NULL)?,
    }))?;
    let casts = CastReader::of(state, Checks::Nothing)?;
    state.register_function_rewrite(Arc::new(casts))
}

/// Functions that depend on the statement's now() and the session's zone, and the rules that put
/// functions where texts and times stand.
fn register_of_moment(state: &mut SessionState, settings: &FragmentSettings) -> Result<()> {
    let moment = Moment::of(settings)?;
    register(state, moments::functions(&moment))?;
    register(state, zoned::functions(&moment))?;
    register(state, times::of_moment(&moment))?;
    register(state, extracts::functions(&moment))?;
    parts::register(state, &moment)?;
    register(state, json_build::functions(&moment))?;
    register(state, [sets::function(&moment)])?;
    let reader = LiteralReader { moment: moment.clone(), uuid_text: state.udf("uuid_text")? };
    state.register_function_rewrite(Arc::new(reader))?;
    value_order::register(state)?;
    state.add_analyzer_rule(Arc::new(not_in::NotIn));
    let spans =
        spans::SpanReader { difference: state.udf("instant_difference")?, length: state.udf("interval_length")? };
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
