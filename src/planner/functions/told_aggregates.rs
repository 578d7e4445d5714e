//! Aggregates that give back what they take, as columns that say its type: `array_agg`, `min`, `max`, `first_value`.
//!
//! They are the engine's own, whose results keep the Arrow type of the values, but not what their columns say
//! besides, such as that an integer is an object id. Run at the coordinator; what is sent to owners has the
//! engine's.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::functions_aggregate::{array_agg, first_last, min_max};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Expr, GroupsAccumulator, Operator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs,
};

use crate::catalog::{Catalog, UserType};
use crate::types::{SQL_TYPE_KEY, SqlType, USER_TYPE_KEY};

/// Which type the result has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Gives {
    /// An array of the argument's.
    List,
    /// The argument's.
    Value,
    /// The argument's; names and texts with a bound are compared, and given, as text.
    Extreme,
}

/// One of the engine's aggregates whose result says its type.
#[derive(Clone)]
struct Told {
    inner: Arc<dyn AggregateUDFImpl>,
    gives: Gives,
    /// Where the arrays of users' types are found.
    catalog: Arc<Catalog>,
}

/// Puts the aggregates in the place of the engine's.
pub(super) fn register(state: &mut SessionState, catalog: &Arc<Catalog>) -> Result<()> {
    for (inner, gives) in [
        (array_agg::array_agg_udaf(), Gives::List),
        (min_max::min_udaf(), Gives::Extreme),
        (min_max::max_udaf(), Gives::Extreme),
        (first_last::first_value_udaf(), Gives::Value),
    ] {
        let told = Told { inner: Arc::clone(inner.inner()), gives, catalog: Arc::clone(catalog) };
        state.register_udaf(Arc::new(AggregateUDF::new_from_impl(told)))?;
    }
    Ok(())
}

impl Told {
    /// The same around another form of the aggregate.
    fn around(&self, inner: Arc<dyn AggregateUDFImpl>) -> Self {
        Self { inner, ..self.clone() }
    }

    /// What the result says of its type besides its Arrow type.
    fn tell(&self, argument: &Field, field: &mut Field) {
        let kind = SqlType::of_field(argument);
        let told = match self.gives {
            // Arrays of arrays are arrays of one more dimension.
            Gives::List if kind.item().is_some() => Some(kind),
            Gives::List => kind.array(),
            Gives::Value => Some(kind),
            Gives::Extreme if matches!(kind, SqlType::Name | SqlType::Varchar) => None,
            // Networks are compared as addresses.
            Gives::Extreme if kind == SqlType::Cidr => Some(SqlType::Inet),
            Gives::Extreme => Some(kind),
        };
        let Some(told) = told.filter(|kind| SqlType::from_arrow(field.data_type()) != Some(*kind)) else { return };
        field.metadata_mut().insert(SQL_TYPE_KEY.to_owned(), told.name().to_owned());
    }

    /// The object id of the result's type where it is a user's.
    fn user_type(&self, argument: &Field) -> Option<u32> {
        let oid: u32 = argument.metadata().get(USER_TYPE_KEY)?.parse().ok()?;
        let array = |kind: &Arc<UserType>| (kind.oid == oid).then_some(kind.array_oid);
        match self.gives {
            Gives::List => self.catalog.type_by_oid(oid).and_then(array),
            // The place of a label among its type's decides which is the greatest, see `user_types`.
            Gives::Value | Gives::Extreme => Some(oid),
        }
    }
}

impl AggregateUDFImpl for Told {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field(&self, arguments: &[FieldRef]) -> Result<FieldRef> {
        let mut field = self.inner.return_field(arguments)?.as_ref().clone();
        if let Some(argument) = arguments.first() {
            field.metadata_mut().clear();
            self.tell(argument, &mut field);
            if let Some(oid) = self.user_type(argument) {
                let kind = SqlType::of_field(&field);
                field.metadata_mut().insert(SQL_TYPE_KEY.to_owned(), kind.name().to_owned());
                field.metadata_mut().insert(USER_TYPE_KEY.to_owned(), oid.to_string());
            }
        }
        Ok(Arc::new(field))
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(arguments)
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(arguments)
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs) -> bool {
        self.inner.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(arguments)
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.create_sliding_accumulator(arguments)
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        beneficial_ordering: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let ordered = Arc::clone(&self.inner).with_beneficial_ordering(beneficial_ordering)?;
        Ok(ordered.map(|inner| Arc::new(self.around(inner)) as Arc<dyn AggregateUDFImpl>))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        match self.gives {
            // It sorts by itself: sorted for it, the input would come to the aggregates beside it in that order.
            Gives::List => AggregateOrderSensitivity::Beneficial,
            Gives::Value | Gives::Extreme => self.inner.order_sensitivity(),
        }
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        self.inner.simplify()
    }

    fn simplify_expr_op_literal(
        &self,
        aggregate: &AggregateFunction,
        argument: &Expr,
        operator: Operator,
        literal: &Expr,
        argument_is_left: bool,
    ) -> Result<Option<Expr>> {
        self.inner.simplify_expr_op_literal(aggregate, argument, operator, literal, argument_is_left)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        match self.inner.reverse_expr() {
            ReversedUDAF::Reversed(reversed) => {
                let told = self.around(Arc::clone(reversed.inner()));
                ReversedUDAF::Reversed(Arc::new(AggregateUDF::new_from_impl(told)))
            }
            other => other,
        }
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn is_descending(&self) -> Option<bool> {
        self.inner.is_descending()
    }

    fn value_from_stats(&self, statistics: &StatisticsArgs) -> Option<ScalarValue> {
        self.inner.value_from_stats(statistics)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(data_type)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.supports_null_handling_clause()
    }

    fn supports_within_group_clause(&self) -> bool {
        self.inner.supports_within_group_clause()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner.set_monotonicity(data_type)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Told").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl PartialEq for Told {
    fn eq(&self, other: &Self) -> bool {
        self.gives == other.gives && self.inner.as_ref() == other.inner.as_ref()
    }
}

impl Eq for Told {}

impl Hash for Told {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.name().hash(state);
        self.gives.hash(state);
    }
}
