//! `count(DISTINCT x)` for any number of groups: one table of (group, value) pairs for all of them.
//!
//! The engine keeps a set of its own for each group of a text or time, which costs more than a
//! kilobyte even where a group has a single value. Everything else of `count` stays the engine's, and
//! so do the partial states that owners send: a list of a group's values.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, UInt32Array, new_empty_array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Float32Type, Float64Type, Schema, SchemaRef, UInt32Type,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_aggregate::count::Count;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs,
};
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use datafusion::scalar::ScalarValue;

/// The engine's `count` with a better DISTINCT.
pub(super) fn count() -> AggregateUDF {
    AggregateUDF::new_from_impl(DistinctCount { engine: Count::new() })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DistinctCount {
    engine: Count,
}

impl AggregateUDFImpl for DistinctCount {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.engine.return_type(arguments)
    }

    fn is_nullable(&self) -> bool {
        self.engine.is_nullable()
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.engine.state_fields(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.engine.accumulator(arguments)
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs) -> bool {
        is_ours(&arguments) || self.engine.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        if is_ours(&arguments) {
            return Ok(Box::new(Pairs::new(arguments.expr_fields[0].data_type())?));
        }
        self.engine.create_groups_accumulator(arguments)
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.engine.create_sliding_accumulator(arguments)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.engine.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.engine.order_sensitivity()
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.engine.default_value(data_type)
    }

    fn value_from_stats(&self, statistics: &StatisticsArgs) -> Option<ScalarValue> {
        self.engine.value_from_stats(statistics)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.engine.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.engine.set_monotonicity(data_type)
    }
}

/// Integers have sets of their own in the engine that are as good.
fn is_ours(arguments: &AccumulatorArgs) -> bool {
    let [field] = arguments.expr_fields else { return false };
    let of_engine = matches!(field.data_type(), DataType::Dictionary(..) | DataType::Null);
    arguments.is_distinct && !field.data_type().is_integer() && !of_engine
}

/// Which values every group has.
struct Pairs {
    /// The columns `group` and `value`.
    schema: SchemaRef,
    /// Each pair once, in the order in which they came.
    seen: Box<dyn GroupValues>,
    /// Values of every group.
    counts: Vec<i64>,
    /// The numbers of the pairs that were looked up last, kept for its memory.
    numbers: Vec<usize>,
}

impl Pairs {
    fn new(value: &DataType) -> Result<Self> {
        let fields = vec![Field::new("group", DataType::UInt32, false), Field::new("value", value.clone(), true)];
        let schema = Arc::new(Schema::new(fields));
        let seen = new_group_values(Arc::clone(&schema), &GroupOrdering::None)?;
        Ok(Self { schema, seen, counts: Vec::new(), numbers: Vec::new() })
    }

    /// Adds pairs, of which no value is NULL.
    fn add(&mut self, groups: &UInt32Array, values: &ArrayRef) -> Result<()> {
        let before = self.seen.len();
        self.seen.intern(&[Arc::new(groups.clone()), Arc::clone(values)], &mut self.numbers)?;
        let mut is_counted = vec![false; self.seen.len() - before];
        for (number, group) in self.numbers.iter().zip(groups.values()) {
            let new = number.checked_sub(before).and_then(|place| is_counted.get_mut(place));
            if let Some(is_counted) = new.filter(|is_counted| !**is_counted) {
                *is_counted = true;
                self.counts[*group as usize] += 1;
            }
        }
        Ok(())
    }

    /// All pairs, which are taken out.
    fn take_pairs(&mut self) -> Result<(UInt32Array, ArrayRef)> {
        let pairs = if self.seen.is_empty() {
            self.schema.fields().iter().map(|field| new_empty_array(field.data_type())).collect()
        } else {
            self.seen.emit(EmitTo::All)?
        };
        let [groups, values] = pairs.as_slice() else {
            return Err(DataFusionError::Internal("pairs of two columns are expected".to_owned()));
        };
        Ok((groups.as_primitive::<UInt32Type>().clone(), Arc::clone(values)))
    }

    /// Drops the first groups from what is kept; gives their pairs.
    fn split(&mut self, emitted: usize) -> Result<(UInt32Array, ArrayRef)> {
        let (groups, values) = self.take_pairs()?;
        self.seen = new_group_values(Arc::clone(&self.schema), &GroupOrdering::None)?;
        if self.counts.is_empty() {
            return Ok((groups, values));
        }
        let (gone, kept): (Vec<u32>, Vec<u32>) =
            (0..row_number(groups.len())?).partition(|row| (groups.value(*row as usize) as usize) < emitted);
        let chosen = |rows: Vec<u32>| -> Result<(ArrayRef, ArrayRef)> {
            let rows = UInt32Array::from(rows);
            Ok((take(&groups, &rows, None)?, take(&values, &rows, None)?))
        };
        let (kept_groups, kept_values) = chosen(kept)?;
        let shift = row_number(emitted)?;
        let kept_groups: UInt32Array = kept_groups.as_primitive::<UInt32Type>().unary(|group| group - shift);
        if !kept_groups.is_empty() {
            self.seen.intern(&[Arc::new(kept_groups), kept_values], &mut self.numbers)?;
        }
        let (gone_groups, gone_values) = chosen(gone)?;
        Ok((gone_groups.as_primitive::<UInt32Type>().clone(), gone_values))
    }

    fn take_counts(&mut self, emit_to: EmitTo) -> Vec<i64> {
        emit_to.take_needed(&mut self.counts)
    }
}

impl GroupsAccumulator for Pairs {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.counts.resize(total_groups, 0);
        let values = &values[0];
        let rows = counted_rows(values, filter)?;
        if rows.is_empty() {
            return Ok(());
        }
        let groups: Vec<u32> =
            rows.values().iter().map(|row| row_number(groups[*row as usize])).collect::<Result<_>>()?;
        let values = if rows.len() == values.len() { Arc::clone(values) } else { take(values, &rows, None)? };
        self.add(&groups.into(), &equal_floats(values))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total_groups: usize) -> Result<()> {
        self.counts.resize(total_groups, 0);
        let lists = states[0].as_list::<i32>();
        let mut members = Vec::with_capacity(lists.len());
        let mut owners: Vec<u32> = Vec::new();
        for (row, group) in groups.iter().enumerate() {
            if lists.is_null(row) {
                continue;
            }
            let list = lists.value(row);
            let group = row_number(*group)?;
            owners.extend(std::iter::repeat_n(group, list.len()));
            members.push(list);
        }
        if owners.is_empty() {
            return Ok(());
        }
        let members: Vec<&dyn Array> = members.iter().map(AsRef::as_ref).collect();
        let values = concat(&members)?;
        self.add(&owners.into(), &values)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let counts = self.take_counts(emit_to);
        self.split(counts.len())?;
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let counts = self.take_counts(emit_to);
        let (groups, values) = self.split(counts.len())?;
        // Stable: the values of a group keep their order.
        let mut order: Vec<u32> = (0..row_number(groups.len())?).collect();
        order.sort_by_key(|row| groups.value(*row as usize));
        let values = take(&values, &UInt32Array::from(order), None)?;
        let lengths = counts.iter().map(|count| usize::try_from(*count).unwrap_or_default());
        Ok(vec![lists(lengths, values)?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = &values[0];
        let rows = counted_rows(values, filter)?;
        let mut lengths = vec![0; values.len()];
        for row in rows.values() {
            lengths[*row as usize] = 1;
        }
        Ok(vec![lists(lengths, equal_floats(take(values, &rows, None)?))?])
    }

    fn size(&self) -> usize {
        self.seen.size() + self.counts.capacity() * size_of::<i64>() + self.numbers.capacity() * size_of::<usize>()
    }
}

/// The rows whose value counts: neither NULL nor left out by FILTER.
fn counted_rows(values: &ArrayRef, filter: Option<&BooleanArray>) -> Result<UInt32Array> {
    let nulls = values.logical_nulls();
    let is_counted = |row: &u32| {
        let row = *row as usize;
        nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
            && filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
    };
    Ok((0..row_number(values.len())?).filter(is_counted).collect::<Vec<_>>().into())
}

/// The values as lists of these lengths.
fn lists(lengths: impl IntoIterator<Item = usize>, values: ArrayRef) -> Result<ArrayRef> {
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None)?))
}

/// Floats that are equal look alike: one zero, one NaN.
fn equal_floats(values: ArrayRef) -> ArrayRef {
    match values.data_type() {
        DataType::Float32 => {
            let same = |value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 };
            Arc::new(values.as_primitive::<Float32Type>().unary::<_, Float32Type>(same))
        }
        DataType::Float64 => {
            let same = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
            Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(same))
        }
        _ => values,
    }
}

fn row_number(number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| DataFusionError::Execution("too many groups for one statement".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::StringArray;

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn counts(pairs: &mut Pairs, emit_to: EmitTo) -> Vec<i64> {
        let counts = pairs.evaluate(emit_to).expect("counts");
        counts.as_primitive::<datafusion::arrow::datatypes::Int64Type>().values().to_vec()
    }

    #[test]
    fn a_value_counts_once_in_each_group_and_null_never() {
        let mut pairs = Pairs::new(&DataType::Utf8).expect("pairs");
        let values = [texts(&[Some("a"), Some("b"), Some("a"), None, Some("a")])];
        pairs.update_batch(&values, &[0, 0, 0, 1, 2], None, 3).expect("values");
        let filter = BooleanArray::from(vec![Some(true), Some(false), None, Some(true), Some(true)]);
        pairs.update_batch(&values, &[3, 3, 3, 3, 2], Some(&filter), 4).expect("values");
        assert_eq!(counts(&mut pairs, EmitTo::All), [2, 0, 1, 1]);
    }

    #[test]
    fn what_is_left_after_the_first_groups_goes_on_counting() {
        let mut pairs = Pairs::new(&DataType::Utf8).expect("pairs");
        pairs.update_batch(&[texts(&[Some("a"), Some("b"), Some("c")])], &[0, 1, 2], None, 3).expect("values");
        assert_eq!(counts(&mut pairs, EmitTo::First(1)), [1]);
        // Group 1 is group 0 now.
        pairs.update_batch(&[texts(&[Some("b"), Some("a"), Some("d")])], &[0, 0, 1], None, 2).expect("values");
        assert_eq!(counts(&mut pairs, EmitTo::All), [2, 2]);
    }

    #[test]
    fn states_of_two_nodes_are_one_count() {
        let mut merged = Pairs::new(&DataType::Utf8).expect("pairs");
        for values in [[Some("a"), Some("b"), Some("a")], [Some("b"), Some("c"), None]] {
            let mut pairs = Pairs::new(&DataType::Utf8).expect("pairs");
            pairs.update_batch(&[texts(&values)], &[1, 1, 0], None, 2).expect("values");
            let state = pairs.state(EmitTo::All).expect("state");
            merged.merge_batch(&state, &[0, 1], 2).expect("merged");
        }
        assert_eq!(counts(&mut merged, EmitTo::All), [1, 3]);
    }

    #[test]
    fn single_rows_are_states_as_well() {
        let mut pairs = Pairs::new(&DataType::Utf8).expect("pairs");
        let values = [texts(&[Some("a"), None, Some("a"), Some("b")])];
        let filter = BooleanArray::from(vec![true, true, true, false]);
        let state = pairs.convert_to_state(&values, Some(&filter)).expect("state");
        pairs.merge_batch(&state, &[0, 1, 0, 1], 2).expect("merged");
        assert_eq!(counts(&mut pairs, EmitTo::All), [1, 0]);
    }

    #[test]
    fn floats_that_are_equal_are_one_value() {
        let mut pairs = Pairs::new(&DataType::Float64).expect("pairs");
        let values: ArrayRef =
            Arc::new(datafusion::arrow::array::Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN]));
        pairs.update_batch(&[values], &[0, 0, 0, 0], None, 1).expect("values");
        assert_eq!(counts(&mut pairs, EmitTo::All), [2]);
    }
}
