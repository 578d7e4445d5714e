//! Replaces the largest parts of an optimised plan that owners can run by fragments.
//!
//! A *region* is a subtree of scans, filters, projections, aliases and UNION ALL over spread tables whose
//! every expression prints exactly: it becomes one SELECT per table. Above a region, an aggregation
//! becomes partial states and their merge, ORDER BY with LIMIT and a bare LIMIT also go down (and
//! stay above). Everything else - joins, windows, ordered aggregates - runs here over gathered rows.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DFSchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::Sort as SortKey;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Aggregate, Expr, Extension, FetchType, Filter, Limit, LogicalPlan, SkipType, Sort};

use super::print::Printer;
use super::prune::Pruner;
use super::resolve::fleet_table_of;
use crate::catalog::{PUBLIC, Table, quote_for_engine};
use crate::execution::aggregate::{LoweredAggregates, aggregate_of, is_splittable, without_alias};
use crate::execution::{Delivery, FleetScan, Fragment, ScanKind};
use crate::types::{NodeName, limits};

/// Most nodes that a list of expressions may have.
const NODES_MAX: usize = 30_000;
/// Most nodes among them that were written once and stand there again: a column that stands for a large
/// expression and is named several times multiplies it, at every level of nested queries. Planning takes
/// more than linear time in an expression's size, and an owner would evaluate each copy.
const REPEATED_NODES_MAX: usize = 500;
/// Most bytes of a fragment's select list, and of its conditions.
const TEXT_BYTES_MAX: usize = limits::FRAGMENT_SQL_BYTES_MAX / 4;

/// Splits one plan.
pub(super) struct Splitter<'a> {
    /// Prints what owners can evaluate.
    pub(super) printer: Printer<'a>,
    /// Decides who is asked.
    pub(super) pruner: Pruner<'a>,
    /// Fragments per owner so far.
    pub(super) fragments: HashMap<NodeName, u32>,
}

/// A part of the plan that owners can run: the union of its branches.
struct Region {
    branches: Vec<Branch>,
}

/// One SELECT over one table.
#[derive(Clone)]
struct Branch {
    table: Arc<Table>,
    /// Conjuncts over the table's columns.
    filters: Vec<Expr>,
    /// Bytes of their text.
    filter_bytes: usize,
    /// The region's columns over the table's columns.
    outputs: Vec<Expr>,
    order: Vec<SortKey>,
    limit: Option<usize>,
}

impl Splitter<'_> {
    /// The plan with fragments in it.
    pub(super) fn split(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        self.rewrite(plan, Delivery::Streamed)
    }

    fn rewrite(&mut self, plan: LogicalPlan, delivery: Delivery) -> Result<LogicalPlan> {
        if let Some(region) = self.absorb(&plan)? {
            return self.rows(region, plan.schema(), delivery);
        }
        match &plan {
            LogicalPlan::Aggregate(aggregate) => {
                if let Some(merged) = self.aggregate(aggregate)? {
                    return Ok(merged);
                }
            }
            LogicalPlan::Sort(sort) => {
                if let Some(sorted) = self.top(sort)? {
                    return Ok(sorted);
                }
            }
            LogicalPlan::Limit(limit) => {
                if let Some(limited) = self.limit(limit, delivery)? {
                    return Ok(limited);
                }
            }
            LogicalPlan::Filter(filter) => {
                if let Some(filtered) = self.partial_filter(filter, delivery)? {
                    return Ok(filtered);
                }
            }
            _ => {}
        }
        let below = match &plan {
            LogicalPlan::Projection(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::Union(_) => delivery,
            _ => Delivery::Held,
        };
        let plan =
            plan.map_subqueries(|subquery| self.rewrite(subquery, Delivery::Held).map(Transformed::yes)).data()?;
        plan.map_children(|child| self.rewrite(child, below).map(Transformed::yes)).data()
    }

    /// The region that this subtree is, if it is one.
    fn absorb(&self, plan: &LogicalPlan) -> Result<Option<Region>> {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let Some(table) = fleet_table_of(&scan.source) else { return Ok(None) };
                let column = |name: &String| Expr::Column(Column::new_unqualified(name));
                let outputs = scan.projected_schema.fields().iter().map(|field| column(field.name())).collect();
                let filters =
                    scan.filters.iter().map(|filter| unqualified(filter.clone())).collect::<Result<Vec<_>>>()?;
                let Some(filter_bytes) = self.text_bytes(&filters) else { return Ok(None) };
                let (order, limit) = (Vec::new(), None);
                Ok(Some(Region { branches: vec![Branch { table, filters, filter_bytes, outputs, order, limit }] }))
            }
            LogicalPlan::SubqueryAlias(alias) => self.absorb(&alias.input),
            LogicalPlan::Projection(projection) => {
                let Some(region) = self.absorb(&projection.input)? else { return Ok(None) };
                self.project(region, &projection.expr, projection.input.schema())
            }
            LogicalPlan::Filter(filter) => {
                let Some(region) = self.absorb(&filter.input)? else { return Ok(None) };
                let conjuncts = split_conjunction_owned(filter.predicate.clone());
                let (region, rest) = self.filter(region, conjuncts, filter.input.schema())?;
                Ok(rest.is_empty().then_some(region))
            }
            LogicalPlan::Union(union) => {
                let mut branches = Vec::new();
                for input in &union.inputs {
                    let Some(region) = self.absorb(input)? else { return Ok(None) };
                    branches.extend(region.branches);
                }
                Ok(Some(Region { branches }))
            }
            _ => Ok(None),
        }
    }

    fn project(&self, mut region: Region, list: &[Expr], schema: &DFSchema) -> Result<Option<Region>> {
        for branch in &mut region.branches {
            let outputs = branch.substitute(list, schema)?.filter(|outputs| self.text_bytes(outputs).is_some());
            let Some(outputs) = outputs else { return Ok(None) };
            branch.outputs = outputs;
        }
        Ok(Some(region))
    }

    /// The region with the conjuncts that owners can evaluate, and those that they cannot.
    fn filter(&self, mut region: Region, conjuncts: Vec<Expr>, schema: &DFSchema) -> Result<(Region, Vec<Expr>)> {
        let mut rest = Vec::new();
        for conjunct in conjuncts {
            match self.over_tables(&region, &conjunct, schema)? {
                Some(filters) => region.branches.iter_mut().zip(filters).for_each(|(branch, (filter, bytes))| {
                    branch.filters.push(filter);
                    branch.filter_bytes += bytes;
                }),
                None => rest.push(conjunct),
            }
        }
        Ok((region, rest))
    }

    /// A conjunct for every branch with the bytes of its text; none when an owner cannot evaluate it.
    fn over_tables(&self, region: &Region, conjunct: &Expr, schema: &DFSchema) -> Result<Option<Vec<(Expr, usize)>>> {
        let mut filters = Vec::with_capacity(region.branches.len());
        for branch in &region.branches {
            let list = branch.substitute(std::slice::from_ref(conjunct), schema)?;
            let Some(filter) = list.and_then(|mut list| list.pop()) else { return Ok(None) };
            let bytes = self.printer.print(&filter).map(|text| text.len());
            match bytes.filter(|bytes| branch.filter_bytes + bytes <= TEXT_BYTES_MAX) {
                Some(bytes) => filters.push((filter, bytes)),
                None => return Ok(None),
            }
        }
        Ok(Some(filters))
    }

    /// The bytes of a list's text; none when it does not print or is too long.
    fn text_bytes(&self, list: &[Expr]) -> Option<usize> {
        let mut bytes = 0;
        for expr in list {
            bytes += self.printer.print(expr)?.len();
            (bytes <= TEXT_BYTES_MAX).then_some(())?;
        }
        Some(bytes)
    }

    fn partial_filter(&mut self, filter: &Filter, delivery: Delivery) -> Result<Option<LogicalPlan>> {
        let Some(region) = self.absorb(&filter.input)? else { return Ok(None) };
        let conjuncts = split_conjunction_owned(filter.predicate.clone());
        let (region, rest) = self.filter(region, conjuncts, filter.input.schema())?;
        let Some(rest) = conjunction(rest) else { return Ok(None) };
        let has_subquery = rest.exists(|expr| Ok(is_subquery(expr)))?;
        let input = self.rows(region, filter.input.schema(), if has_subquery { Delivery::Held } else { delivery })?;
        let filter = LogicalPlan::Filter(Filter::try_new(rest, Arc::new(input))?);
        filter.map_subqueries(|subquery| self.rewrite(subquery, Delivery::Held).map(Transformed::yes)).data().map(Some)
    }

    fn top(&mut self, sort: &Sort) -> Result<Option<LogicalPlan>> {
        let Some(fetch) = sort.fetch else { return Ok(None) };
        let Some(mut region) = self.absorb(&sort.input)? else { return Ok(None) };
        for branch in &mut region.branches {
            let keys: Vec<Expr> = sort.expr.iter().map(|key| key.expr.clone()).collect();
            let keys = branch.substitute(&keys, sort.input.schema())?.filter(|keys| self.text_bytes(keys).is_some());
            let Some(keys) = keys else { return Ok(None) };
            // A constant orders nothing, and would be read as the number of a select item.
            let keys = sort.expr.iter().zip(keys).filter(|(_, expr)| !matches!(expr, Expr::Literal(..)));
            branch.order = keys.map(|(key, expr)| SortKey { expr, ..key.clone() }).collect();
            branch.limit = Some(fetch);
        }
        let input = Arc::new(self.rows(region, sort.input.schema(), Delivery::Held)?);
        Ok(Some(LogicalPlan::Sort(Sort { input, ..sort.clone() })))
    }

    fn limit(&mut self, limit: &Limit, delivery: Delivery) -> Result<Option<LogicalPlan>> {
        let (SkipType::Literal(skip), FetchType::Literal(Some(fetch))) =
            (limit.get_skip_type()?, limit.get_fetch_type()?)
        else {
            return Ok(None);
        };
        let Some(mut region) = self.absorb(&limit.input)? else { return Ok(None) };
        region.branches.iter_mut().for_each(|branch| branch.limit = Some(skip.saturating_add(fetch)));
        let input = Arc::new(self.rows(region, limit.input.schema(), delivery)?);
        Ok(Some(LogicalPlan::Limit(Limit { input, ..limit.clone() })))
    }

    fn rows(&mut self, region: Region, schema: &DFSchemaRef, delivery: Delivery) -> Result<LogicalPlan> {
        let fragments =
            region.branches.iter().map(|branch| self.fragment(branch, &branch.select(self.printer, &branch.outputs)?));
        let fragments = fragments.collect::<Result<Vec<_>>>()?;
        Ok(self.leaf(fragments, ScanKind::Rows(delivery), schema))
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
        let calls: Option<Vec<_>> =
            aggregate.aggr_expr.iter().map(|expr| aggregate_of(expr).filter(|call| is_splittable(call))).collect();
        let Some(calls) = calls else { return Ok(None) };
        if aggregate.group_expr.iter().any(|key| matches!(key, Expr::GroupingSet(_))) {
            return Ok(None);
        }
        let Some(region) = self.absorb(&aggregate.input)? else { return Ok(None) };
        let raw = aggregate.input.schema();
        let mut texts = Vec::new();
        for branch in &region.branches {
            let all: Vec<Expr> = aggregate.group_expr.iter().chain(&aggregate.aggr_expr).cloned().collect();
            let all = branch.substitute(&all, raw)?.filter(|all| self.text_bytes(all).is_some());
            let Some(all) = all else { return Ok(None) };
            let keys = &all[..aggregate.group_expr.len()];
            if keys.iter().enumerate().any(|(index, key)| keys[..index].contains(key)) {
                return Ok(None);
            }
            if has_twins(&all[keys.len()..]) {
                return Ok(None);
            }
            texts.push(branch.select(self.printer, &all)? + &branch.group_by(self.printer, keys)?);
        }
        let names = aggregate.schema.fields().iter().skip(aggregate.group_expr.len());
        let calls: Vec<_> = calls.into_iter().cloned().zip(names.map(|field| field.name().clone())).collect();
        let keys: Vec<Expr> = aggregate.group_expr.iter().map(|key| without_alias(key).clone()).collect();
        let lowered = LoweredAggregates::new(&keys, &calls, raw)?;
        let fragments = region
            .branches
            .iter()
            .zip(&texts)
            .map(|(branch, text)| self.fragment(branch, text))
            .collect::<Result<Vec<_>>>()?;
        Ok(Some(self.leaf(fragments, ScanKind::Aggregate(Arc::new(lowered)), &aggregate.schema)))
    }

    fn fragment(&self, branch: &Branch, select: &str) -> Result<Fragment> {
        let mut sql = select.to_owned();
        if !branch.order.is_empty() {
            let keys: Option<Vec<String>> = branch.order.iter().map(|key| self.printer.sort_key(key)).collect();
            sql += &format!(" ORDER BY {}", keys.ok_or_else(unprintable)?.join(", "));
        }
        if let Some(limit) = branch.limit {
            sql += &format!(" LIMIT {limit}");
        }
        let (asked, pruned) = self.pruner.assign(&branch.table, &branch.filters)?;
        Ok(Fragment { table: branch.table.name.clone(), sql, asked, pruned })
    }

    fn leaf(&mut self, fragments: Vec<Fragment>, kind: ScanKind, schema: &DFSchemaRef) -> LogicalPlan {
        for ask in fragments.iter().flat_map(|fragment| &fragment.asked) {
            *self.fragments.entry(ask.owner.clone()).or_default() += 1;
        }
        let scan = FleetScan { fragments: Arc::new(fragments), kind, schema: Arc::clone(schema) };
        LogicalPlan::Extension(Extension { node: Arc::new(scan) })
    }
}

/// Whether calls differ by a cast alone: they would have one name in a fragment.
fn has_twins(calls: &[Expr]) -> bool {
    let bare: Vec<Expr> = calls.iter().map(|call| call.clone().unalias_nested().data).collect();
    let names: Vec<String> = bare.iter().map(|call| call.schema_name().to_string()).collect();
    let is_twin = |index: usize| (0..index).any(|other| names[other] == names[index] && bare[other] != bare[index]);
    (0..bare.len()).any(is_twin)
}

impl Branch {
    /// Expressions over the region's columns as ones over the table's columns; none when they grow too large.
    fn substitute(&self, list: &[Expr], schema: &DFSchema) -> Result<Option<Vec<Expr>>> {
        let sizes: Vec<usize> = self.outputs.iter().map(nodes).collect();
        let mut is_named = vec![false; sizes.len()];
        let (mut total, mut repeated) = (0, 0);
        for expr in list {
            let walk = expr.apply(|expr| {
                let mut size = 1;
                if let Expr::Column(column) = expr {
                    let index = schema.index_of_column(column)?;
                    size = sizes.get(index).copied().unwrap_or(1);
                    if is_named.get(index).copied().unwrap_or(false) {
                        repeated += size - 1;
                    }
                    if let Some(named) = is_named.get_mut(index) {
                        *named = true;
                    }
                }
                total += size;
                let is_too_large = total > NODES_MAX || repeated > REPEATED_NODES_MAX;
                Ok(if is_too_large { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })?;
            if walk == TreeNodeRecursion::Stop {
                return Ok(None);
            }
        }
        list.iter().map(|expr| self.over_table(expr.clone(), schema)).collect::<Result<Vec<_>>>().map(Some)
    }

    fn over_table(&self, expr: Expr, schema: &DFSchema) -> Result<Expr> {
        let replaced = expr.transform_up(|expr| match &expr {
            Expr::Column(column) => {
                let index = schema.index_of_column(column)?;
                let output = self.outputs.get(index).ok_or_else(unprintable)?;
                Ok(Transformed::yes(output.clone()))
            }
            Expr::Alias(alias) => Ok(Transformed::yes(alias.expr.as_ref().clone())),
            _ => Ok(Transformed::no(expr)),
        });
        replaced.data()
    }

    fn select(&self, printer: Printer<'_>, list: &[Expr]) -> Result<String> {
        let mut items = Vec::with_capacity(list.len());
        for (index, item) in list.iter().enumerate() {
            let text = printer.print(item).ok_or_else(unprintable)?;
            let plain = matches!(item, Expr::Column(_)) && !items.contains(&text);
            items.push(if plain { text } else { format!("{text} AS c{index}") });
        }
        let items = if items.is_empty() { "true AS present".to_owned() } else { items.join(", ") };
        let mut sql = format!("SELECT {items} FROM {}", self.table_name());
        if !self.filters.is_empty() {
            let filters: Option<Vec<String>> =
                self.filters.iter().map(|filter| parenthesised(printer, filter)).collect();
            sql += &format!(" WHERE {}", filters.ok_or_else(unprintable)?.join(" AND "));
        }
        Ok(sql)
    }

    fn group_by(&self, printer: Printer<'_>, keys: &[Expr]) -> Result<String> {
        let mut texts = Vec::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            // A bare literal would be read as the number of a select item; so the number is given.
            let text = match key {
                Expr::Literal(..) => (index + 1).to_string(),
                other => printer.print(other).ok_or_else(unprintable)?,
            };
            texts.push(text);
        }
        Ok(if texts.is_empty() { String::new() } else { format!(" GROUP BY {}", texts.join(", ")) })
    }

    fn table_name(&self) -> String {
        let name = quote_for_engine(&self.table.name);
        if self.table.schema == PUBLIC { name } else { format!("{}.{name}", quote_for_engine(&self.table.schema)) }
    }
}

/// How many nodes an expression has.
fn nodes(expr: &Expr) -> usize {
    let mut count = 0;
    let _ = expr.apply(|_| {
        count += 1;
        Ok(TreeNodeRecursion::Continue)
    });
    count
}

/// A conjunct; one that is an OR in parentheses.
fn parenthesised(printer: Printer<'_>, filter: &Expr) -> Option<String> {
    let text = printer.print(filter)?;
    let is_or = matches!(filter, Expr::BinaryExpr(binary) if binary.op == datafusion::logical_expr::Operator::Or);
    Some(if is_or { format!("({text})") } else { text })
}

fn is_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::SetComparison(_))
}

fn unqualified(expr: Expr) -> Result<Expr> {
    expr.transform_up(|expr| match expr {
        Expr::Column(column) => Ok(Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))),
        other => Ok(Transformed::no(other)),
    })
    .data()
}

fn unprintable() -> DataFusionError {
    DataFusionError::Internal("an expression of a fragment does not print".to_owned())
}
