//! Functions that give rows, which the engine knows as functions that give lists.
//!
//! In a select list, `aclexplode(x)` is the unnested list of its rows; in FROM it is a derived table with
//! one column per field of these rows. `lateral` puts those that take a column of their neighbour into it.

use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, SelectItem, SetExpr, TableAlias, TableFactor};

use super::build::{call, number, parse_query, text};

/// A function that gives rows.
#[derive(Debug)]
pub(super) struct SetFunction {
    name: &'static str,
    /// The engine's function that gives the rows as one list.
    pub(super) list: &'static str,
    /// The fields of a row; none where rows are plain values.
    pub(super) columns: &'static [&'static str],
}

/// The kinds of tokens of text search, which no argument changes.
pub(super) const TOKEN_TYPES: &str = "token_type_rows";

const SETS: &[SetFunction] = &[
    SetFunction { name: "_pg_expandarray", list: "expandarray_rows", columns: &["x", "n"] },
    SetFunction {
        name: "aclexplode",
        list: "aclexplode_rows",
        columns: &["grantor", "grantee", "privilege_type", "is_grantable"],
    },
    SetFunction { name: "ts_token_type", list: TOKEN_TYPES, columns: &["tokid", "alias", "description"] },
    SetFunction { name: "pg_options_to_table", list: "options_rows", columns: &["option_name", "option_value"] },
    SetFunction { name: "pg_partition_ancestors", list: "ancestors_rows", columns: &[] },
    SetFunction { name: "generate_subscripts", list: "subscripts_rows", columns: &[] },
];

/// The function of this name that gives rows.
pub(super) fn find(name: &str) -> Option<&'static SetFunction> {
    SETS.iter().find(|set| set.name == name)
}

impl SetFunction {
    /// The names of its columns in FROM: what the alias says, else its own.
    pub(super) fn column_names(&self, alias: Option<&TableAlias>) -> Vec<Ident> {
        let given = alias.map(|alias| alias.columns.as_slice()).unwrap_or_default();
        if self.columns.is_empty() {
            let only = alias.map_or_else(|| Ident::new(self.name), |alias| alias.name.clone());
            return vec![given.first().map_or(only, |column| column.name.clone())];
        }
        let own = self.columns.iter().enumerate();
        own.map(|(index, own)| given.get(index).map_or_else(|| Ident::new(*own), |column| column.name.clone()))
            .collect()
    }

    /// The function in FROM, where no neighbour's column is among its arguments.
    pub(super) fn table(&self, arguments: Vec<Expr>, alias: Option<&TableAlias>) -> Option<TableFactor> {
        // There is one parser: without its argument the engine can look its tokens up for an outer row.
        let arguments = if self.list == TOKEN_TYPES { vec![number("0")] } else { arguments };
        let rows = call("unnest", vec![call(self.list, arguments)]);
        let names = self.column_names(alias);
        let mut subquery = if self.columns.is_empty() {
            parse_query("SELECT 1 AS item")?
        } else {
            parse_query("SELECT 1 AS item FROM (SELECT 1 AS item) AS items")?
        };
        *inner_value(&mut subquery)? = rows;
        let SetExpr::Select(select) = subquery.body.as_mut() else { return None };
        if self.columns.is_empty() {
            let SelectItem::ExprWithAlias { alias, .. } = select.projection.first_mut()? else { return None };
            *alias = names.into_iter().next()?;
        } else {
            select.projection = self.fields(&Expr::Identifier(Ident::new("item")), &names);
        }
        let called = alias.map_or_else(|| Ident::new(self.name), |alias| alias.name.clone());
        let alias = TableAlias { explicit: true, name: called, columns: Vec::new(), at: None };
        Some(TableFactor::Derived { lateral: false, subquery: Box::new(subquery), alias: Some(alias), sample: None })
    }

    /// The fields of a row as columns.
    pub(super) fn fields(&self, row: &Expr, names: &[Ident]) -> Vec<SelectItem> {
        let field = |(field, name): (&&str, &Ident)| SelectItem::ExprWithAlias {
            expr: call("get_field", vec![row.clone(), text(field)]),
            alias: name.clone(),
        };
        self.columns.iter().zip(names).map(field).collect()
    }
}

/// The one value of the innermost SELECT.
fn inner_value(query: &mut Query) -> Option<&mut Expr> {
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    match select.from.first_mut().map(|from| &mut from.relation) {
        Some(TableFactor::Derived { subquery, .. }) => inner_value(subquery),
        _ => match select.projection.first_mut()? {
            SelectItem::ExprWithAlias { expr, .. } => Some(expr),
            _ => None,
        },
    }
}
