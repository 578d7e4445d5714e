//! Names of system relations and functions.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Cte, Expr, FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Statement, TableAlias, TableAliasColumnDef, TableFactor, VisitMut,
    VisitorMut,
};

use super::build::{call, folded, last_part, number, parse_query, parts};
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
const TABLE_FUNCTIONS: &[&str] =
    &["generate_series", "range", "pg_get_keywords", "pg_partition_ancestors", "pg_partition_tree"];

/// Functions that give the rows of a view of `pg_catalog`, which PostgreSQL defines over them.
const VIEW_FUNCTIONS: &[(&str, &str)] = &[
    ("pg_available_extensions", "pg_available_extensions"),
    ("pg_config", "pg_config"),
    ("pg_cursor", "pg_cursors"),
    ("pg_get_backend_memory_contexts", "pg_backend_memory_contexts"),
    ("pg_get_shmem_allocations", "pg_shmem_allocations"),
    ("pg_hba_file_rules", "pg_hba_file_rules"),
    ("pg_ident_file_mappings", "pg_ident_file_mappings"),
    ("pg_lock_status", "pg_locks"),
    ("pg_prepared_statement", "pg_prepared_statements"),
    ("pg_show_all_file_settings", "pg_file_settings"),
    ("pg_show_all_settings", "pg_settings"),
    ("pg_timezone_abbrevs", "pg_timezone_abbrevs"),
    ("pg_timezone_names", "pg_timezone_names"),
];

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
    if let Some((_, view)) = VIEW_FUNCTIONS.iter().find(|(known, _)| *known == function) {
        let called = Ident::new(function);
        alias.get_or_insert_with(|| TableAlias { explicit: true, name: called, columns: Vec::new(), at: None });
        *name = ObjectName(vec![
            ObjectNamePart::Identifier(Ident::new(PG_CATALOG)),
            ObjectNamePart::Identifier(Ident::new(*view)),
        ]);
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

/// `columns.*` -> `information_schema.columns.*`: the engine wants the name that FROM has.
pub(super) fn qualify_wildcards(select: &mut Select) {
    let relations = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    let full: Vec<ObjectName> = relations
        .filter_map(|factor| match factor {
            TableFactor::Table { name, alias: None, args: None, .. } if name.0.len() > 1 => Some(name.clone()),
            _ => None,
        })
        .collect();
    for item in &mut select.projection {
        if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item
            && let [bare] = parts(name).as_slice()
            && let Some(full) = full.iter().find(|full| last_part(full).as_ref() == Some(bare))
        {
            *name = full.clone();
        }
    }
}

/// `x.tableoid` and `x.xmin` of a system table: the table's own object id, and the transaction that its
/// rows are from. Both are the same for all its rows: PostgreSQL's bootstrap has the number 1.
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

impl TableIdColumns {
    /// What such a column is.
    fn value(&self, expr: &Expr) -> Option<(Ident, Expr)> {
        let Expr::CompoundIdentifier(idents) = expr else { return None };
        let [.., table, column] = idents.as_slice() else { return None };
        let oid = self.0.get(&folded(table))?;
        let value = match folded(column).as_str() {
            "tableoid" => call("as_oid", vec![number(&oid.to_string())]),
            "xmin" => call("as_xid", vec![number("1")]),
            _ => return None,
        };
        Some((column.clone(), value))
    }
}

impl VisitorMut for TableIdColumns {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && let Some((alias, expr)) = self.value(expr)
            {
                *item = SelectItem::ExprWithAlias { expr, alias };
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Some((_, value)) = self.value(expr) {
            *expr = value;
        }
        ControlFlow::Continue(())
    }
}
