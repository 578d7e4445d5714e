//! Names of system relations and functions.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Cte, Expr, FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, SelectItem, SetExpr, Statement, TableAlias,
    TableAliasColumnDef, TableFactor, VisitMut, VisitorMut,
};

use super::build::{folded, last_part, number, parse_query, parts};
use super::{sets, types};
use crate::system::{INFORMATION_SCHEMA, PG_CATALOG, is_pg_catalog_relation, system_relation_oid};

/// `pg_class` -> `pg_catalog.pg_class`: PostgreSQL looks there first. A common table expression of
/// that name wins, as it does there.
pub(super) fn qualify(statement: &mut Statement) {
    let mut expressions = CommonTables::default();
    let _ = statement.visit(&mut expressions);
    let _ = statement.visit(&mut Qualifier { hidden: expressions.0 });
}

#[derive(Default)]
struct CommonTables(HashSet<String>);

impl VisitorMut for CommonTables {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let common: &[Cte] = query.with.as_ref().map_or(&[], |with| &with.cte_tables);
        self.0.extend(common.iter().map(|table| folded(&table.alias.name)));
        ControlFlow::Continue(())
    }
}

struct Qualifier {
    hidden: HashSet<String>,
}

impl VisitorMut for Qualifier {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        if let [name] = parts(relation).as_slice()
            && is_pg_catalog_relation(name)
            && !self.hidden.contains(name)
        {
            relation.0.insert(0, ObjectNamePart::Identifier(Ident::new(PG_CATALOG)));
        }
        ControlFlow::Continue(())
    }
}

/// The engine knows functions by their bare name.
pub(super) fn unqualify(name: &mut ObjectName) {
    if let [schema, .., _] = parts(name).as_slice()
        && (schema == PG_CATALOG || schema == INFORMATION_SCHEMA)
    {
        name.0.drain(..name.0.len() - 1);
    }
}

/// Functions in FROM that the engine knows as tables.
const TABLE_FUNCTIONS: &[&str] = &["generate_series", "range", "pg_get_keywords", "pg_partition_ancestors"];

/// The same for a function in FROM. Its one column is called as PostgreSQL calls it; a function that
/// gives one value is a SELECT of that value.
pub(super) fn table_function(factor: &mut TableFactor) {
    if let TableFactor::Function { name, .. } = factor {
        unqualify(name);
    }
    if sets::derive(factor) {
        return;
    }
    let TableFactor::Table { name, alias, args: Some(arguments), with_ordinality, .. } = factor else { return };
    unqualify(name);
    let Some(function) = last_part(name) else { return };
    if function == "pg_timezone_names" {
        // The function behind the view of that name.
        name.0.insert(0, ObjectNamePart::Identifier(Ident::new(PG_CATALOG)));
        return clear_arguments(factor);
    }
    if *with_ordinality {
        // Only functions without rows are asked so: the number of a row that is not there.
        *with_ordinality = false;
        if let Some(alias) = alias {
            alias.columns.truncate(1);
        }
    }
    let called = alias.as_ref().map_or_else(|| Ident::new(&function), |alias| alias.name.clone());
    let column =
        alias.as_ref().and_then(|alias| alias.columns.first()).map_or_else(|| called.clone(), |c| c.name.clone());
    if function == "range" {
        // The engine folds these arguments before anything with types at hand sees them.
        for argument in &mut arguments.args {
            let _ = argument.visit(&mut types::ZonedCasts);
        }
        let columns = vec![TableAliasColumnDef { name: column, data_type: None }];
        *alias = Some(TableAlias { explicit: true, name: called, columns, at: None });
    } else if !TABLE_FUNCTIONS.contains(&function.as_str()) && function != "unnest" {
        let Some(mut subquery) = parse_query(&format!("SELECT {function}() AS {column}")) else { return };
        let Some(Expr::Function(call)) = only_value(&mut subquery) else { return };
        if let FunctionArguments::List(list) = &mut call.args {
            list.args.clone_from(&arguments.args);
        }
        let alias = TableAlias { explicit: true, name: called, columns: Vec::new(), at: None };
        *factor =
            TableFactor::Derived { lateral: false, subquery: Box::new(subquery), alias: Some(alias), sample: None };
    }
}

/// The one expression of a SELECT.
fn only_value(query: &mut Query) -> Option<&mut Expr> {
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    match select.projection.first_mut()? {
        SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

fn clear_arguments(factor: &mut TableFactor) {
    if let TableFactor::Table { args, .. } = factor {
        *args = None;
    }
}

/// `x.tableoid` of a system table: the table's own object id, the same for all its rows.
pub(super) fn name_table_ids(statement: &mut Statement) {
    let mut tables = TableIds::default();
    let _ = statement.visit(&mut tables);
    let _ = statement.visit(&mut TableIdColumns(tables.0));
}

#[derive(Default)]
struct TableIds(HashMap<String, u32>);

impl VisitorMut for TableIds {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, args: None, .. } = factor
            && let [schema, table] = parts(name).as_slice()
            && let Some(oid) = system_relation_oid(schema, table)
        {
            let called = alias.as_ref().map_or_else(|| table.clone(), |alias| folded(&alias.name));
            self.0.entry(called).or_insert(oid);
        }
        ControlFlow::Continue(())
    }
}

struct TableIdColumns(HashMap<String, u32>);

impl VisitorMut for TableIdColumns {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(idents) = expr
            && let [.., table, column] = idents.as_slice()
            && folded(column) == "tableoid"
            && let Some(oid) = self.0.get(&folded(table))
        {
            *expr = number(&oid.to_string());
        }
        ControlFlow::Continue(())
    }
}
