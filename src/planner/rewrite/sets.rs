//! Functions that give rows: `generate_series`, `regexp_matches`, `jsonb_each`, `unnest`, ...
//!
//! The engine unnests arrays in a select list and has hardly any such function of its own. So each of
//! PostgreSQL's is one or more functions that give arrays, whose items are the rows: in a select list
//! it becomes `unnest(list(...))`, in FROM a derived table of such a SELECT, and where it takes
//! columns of another relation, `lateral` puts it there.

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, Ident, ObjectName, SelectItem, SetExpr,
    TableAlias, TableFactor, TableFunctionArgs, UnaryOperator, Value,
};

use super::build::{call, last_part, number, parse_query, parts, plain_arguments, with_jsonb};

/// The columns of a function: their names, where it names them, and the functions of their lists.
type Columns = &'static [(Option<&'static str>, &'static str)];

const SETS: &[(&str, Columns)] = &[
    ("generate_series", &[(None, "series_list")]),
    ("generate_subscripts", &[(None, "subscripts_rows")]),
    ("regexp_matches", &[(None, "regexp_matches_list")]),
    ("regexp_split_to_table", &[(None, "regexp_split_to_table_list")]),
    ("string_to_table", &[(None, "string_to_array")]),
    ("json_array_elements", &[(Some("value"), "json_array_elements_list")]),
    ("jsonb_array_elements", &[(Some("value"), "jsonb_array_elements_list")]),
    ("json_array_elements_text", &[(Some("value"), "json_array_elements_text_list")]),
    ("jsonb_array_elements_text", &[(Some("value"), "jsonb_array_elements_text_list")]),
    ("json_object_keys", &[(None, "json_object_keys_list")]),
    ("jsonb_object_keys", &[(None, "jsonb_object_keys_list")]),
    ("json_each", &[(Some("key"), "json_object_keys_list"), (Some("value"), "json_each_values")]),
    ("jsonb_each", &[(Some("key"), "jsonb_object_keys_list"), (Some("value"), "jsonb_each_values")]),
    ("json_each_text", &[(Some("key"), "json_object_keys_list"), (Some("value"), "json_each_text_values")]),
    ("jsonb_each_text", &[(Some("key"), "jsonb_object_keys_list"), (Some("value"), "jsonb_each_text_values")]),
    ("jsonb_path_query", &[(None, "jsonb_path_query_list")]),
    ("_pg_expandarray", &[(Some("x"), "expandarray_x"), (Some("n"), "expandarray_n")]),
    (
        "aclexplode",
        &[
            (Some("grantor"), "aclexplode_grantor"),
            (Some("grantee"), "aclexplode_grantee"),
            (Some("privilege_type"), "aclexplode_privilege_type"),
            (Some("is_grantable"), "aclexplode_is_grantable"),
        ],
    ),
    (
        "ts_token_type",
        &[
            (Some("tokid"), "token_type_tokid"),
            (Some("alias"), "token_type_alias"),
            (Some("description"), "token_type_description"),
        ],
    ),
    (
        "pg_options_to_table",
        &[(Some("option_name"), "options_option_name"), (Some("option_value"), "options_option_value")],
    ),
    (PARTITION_ANCESTORS, &[(None, "ancestors_rows")]),
];

/// The functions whose rows of several columns are values in a select list, and their lists of rows.
const ROWS: &[(&str, &str)] = &[
    ("_pg_expandarray", "expandarray_rows"),
    ("aclexplode", "aclexplode_rows"),
    ("ts_token_type", "token_type_rows"),
    ("pg_options_to_table", "options_rows"),
];

/// In FROM, where no neighbour's column is its argument, the engine knows it as a table.
const PARTITION_ANCESTORS: &str = "pg_partition_ancestors";

/// What the names of functions over the kinds of tokens of text search begin with.
pub(super) const TOKEN_TYPES: &str = "token_type_";

/// A function in FROM that gives rows.
pub(super) struct Found {
    /// The arrays whose items are the rows, and the names that the function gives them.
    pub(super) lists: Vec<(Option<&'static str>, Expr)>,
    /// What a nameless column is called.
    pub(super) function: String,
    pub(super) with_ordinality: bool,
    pub(super) alias: Option<TableAlias>,
}

fn columns_of(name: &str) -> Option<Columns> {
    SETS.iter().find(|(known, _)| *known == name).map(|(_, columns)| *columns)
}

/// The function of a relation, if it is one that gives rows.
pub(super) fn found_in(factor: &TableFactor) -> Option<Found> {
    let (name, arguments, with_ordinality, alias) = match factor {
        TableFactor::UNNEST { array_exprs, with_ordinality, alias, with_offset: false, .. } => {
            ("unnest".to_owned(), array_exprs.clone(), *with_ordinality, alias)
        }
        TableFactor::Function { name, args, with_ordinality, alias, .. } => {
            (bare(name)?, plain(args)?, *with_ordinality, alias)
        }
        TableFactor::Table { name, args: Some(TableFunctionArgs { args, .. }), with_ordinality, alias, .. } => {
            (bare(name)?, plain(args)?, *with_ordinality, alias)
        }
        _ => return None,
    };
    let lists = if name == "unnest" {
        arguments.into_iter().map(|argument| (None, flat(argument))).collect()
    } else {
        let columns = columns_of(&name)?;
        // There is one parser: without its argument the engine can look its tokens up for an outer row.
        let is_token_type = columns.iter().any(|(_, list)| list.starts_with(TOKEN_TYPES));
        let arguments = if is_token_type { vec![number("0")] } else { with_jsonb(&name, arguments) };
        columns.iter().map(|(column, function)| (*column, call(function, arguments.clone()))).collect()
    };
    Some(Found { lists, function: name, with_ordinality, alias: alias.clone() })
}

fn bare(name: &ObjectName) -> Option<String> {
    (parts(name).len() <= 2).then(|| last_part(name))?
}

fn plain(arguments: &[FunctionArg]) -> Option<Vec<Expr>> {
    arguments
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect()
}

/// The items of all dimensions, where an array is written with several.
fn flat(array: Expr) -> Expr {
    let nested = match &array {
        Expr::Array(outer) => outer.elem.iter().any(|item| matches!(item, Expr::Array(_))),
        _ => false,
    };
    if nested { call("array_flat", vec![array]) } else { array }
}

/// Rows of json, jsonb and object ids: a list holds texts and numbers.
fn typed(list: &Expr, rows: Expr) -> Expr {
    let Expr::Function(function) = list else { return rows };
    let part = match last_part(&function.name).as_deref() {
        Some("json_array_elements_list" | "json_each_values") => "json_part",
        Some("jsonb_array_elements_list" | "jsonb_each_values" | "jsonb_path_query_list") => "jsonb_part",
        Some("aclexplode_grantor" | "aclexplode_grantee") => "as_oid",
        Some("ancestors_rows") => "as_regclass",
        _ => return rows,
    };
    call(part, vec![rows])
}

impl Found {
    /// The names that PostgreSQL gives to its columns, the number of the row at the end.
    pub(super) fn column_names(&self) -> Vec<Ident> {
        let given = self.alias.as_ref().map(|alias| alias.columns.as_slice()).unwrap_or_default();
        let only = match &self.alias {
            Some(alias) if self.lists.len() == 1 => alias.name.clone(),
            _ => Ident::new(&self.function),
        };
        let lists = self.lists.iter().enumerate().map(|(index, (own, _))| match (given.get(index), own) {
            (Some(column), _) => column.name.clone(),
            (None, Some(own)) => Ident::new(*own),
            (None, None) => only.clone(),
        });
        let ordinality =
            given.get(self.lists.len()).map_or_else(|| Ident::new("ordinality"), |column| column.name.clone());
        lists.chain(self.with_ordinality.then_some(ordinality)).collect()
    }

    /// The values of its columns, in a select list.
    pub(super) fn values(&self, keeps_empty: bool) -> Vec<Expr> {
        let kept = |list: Expr| if keeps_empty { call("array_or_null_item", vec![list]) } else { list };
        let mut values: Vec<Expr> =
            self.lists.iter().map(|(_, list)| typed(list, call("unnest", vec![kept(list.clone())]))).collect();
        if self.with_ordinality {
            let numbers = call("set_numbers", self.lists.iter().map(|(_, list)| list.clone()).collect());
            values.push(call("unnest", vec![kept(numbers)]));
        }
        values
    }

    /// The items of a select list that give its rows.
    fn items(&self) -> Vec<SelectItem> {
        let named = self.values(false).into_iter().zip(self.column_names());
        named.map(|(expr, alias)| SelectItem::ExprWithAlias { expr, alias }).collect()
    }

    /// The one column whose name is the function's own: the relation's name means its value, too.
    pub(super) fn value_column(&self) -> Option<(Ident, Ident)> {
        let alias = self.alias.as_ref().filter(|alias| alias.columns.is_empty())?;
        match self.lists.as_slice() {
            [(Some(own), _)] if !self.with_ordinality => Some((alias.name.clone(), Ident::new(*own))),
            _ => None,
        }
    }
}

/// A function in FROM as a derived table.
pub(super) fn derive(factor: &mut TableFactor) -> bool {
    let Some(found) = found_in(factor) else { return false };
    if found.function == PARTITION_ANCESTORS && !found.with_ordinality {
        return false;
    }
    if found.function == "generate_series" && derive_series(factor, &found) {
        return true;
    }
    // The engine unnests in FROM itself, unless rows have numbers or the list must be made first.
    let only_unnest = matches!(factor, TableFactor::UNNEST { with_ordinality: false, .. });
    if only_unnest && found.alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
        return true;
    }
    let Some(mut subquery) = parse_query("SELECT 1") else { return false };
    let SetExpr::Select(select) = subquery.body.as_mut() else { return false };
    select.projection = found.items();
    let name = found.alias.as_ref().map_or_else(|| Ident::new(&found.function), |alias| alias.name.clone());
    let alias = TableAlias { explicit: true, name, columns: Vec::new(), at: None };
    *factor = TableFactor::Derived { lateral: false, subquery: Box::new(subquery), alias: Some(alias), sample: None };
    true
}

/// The array and the column's name of `(SELECT unnest(array) AS column)`, which an unnest in FROM became.
pub(super) fn only_unnest(factor: &TableFactor) -> Option<(Expr, Ident)> {
    let TableFactor::Derived { subquery, .. } = factor else { return None };
    let SetExpr::Select(select) = subquery.body.as_ref() else { return None };
    let [SelectItem::ExprWithAlias { expr: Expr::Function(function), alias }] = select.projection.as_slice() else {
        return None;
    };
    let arguments = plain_arguments(function)?;
    match arguments.as_slice() {
        [list] if select.from.is_empty() && last_part(&function.name).as_deref() == Some("unnest") => {
            Some(((*list).clone(), alias.clone()))
        }
        _ => None,
    }
}

/// A long series of written numbers is made by the engine, row by row.
fn derive_series(factor: &mut TableFactor, found: &Found) -> bool {
    let TableFactor::Table { name, args: Some(arguments), alias, .. } = factor else { return false };
    let Some(mut values) = plain(&arguments.args) else { return false };
    values.iter_mut().for_each(super::numbers::bare);
    let numbers: Option<Vec<i64>> = values.iter().map(written_number).collect();
    let Some(numbers) = numbers.filter(|numbers| numbers.get(2) != Some(&0) && !found.with_ordinality) else {
        return false;
    };
    let fits = numbers.iter().all(|number| i32::try_from(*number).is_ok());
    let columns = found.column_names();
    let called = alias.as_ref().map_or_else(|| columns[0].clone(), |alias| alias.name.clone());
    let Some(mut subquery) = parse_query("SELECT value FROM inner_series AS series (value)") else { return false };
    let SetExpr::Select(select) = subquery.body.as_mut() else { return false };
    let value = Expr::Identifier(Ident::new("value"));
    let data_type = if fits { DataType::Int(None) } else { DataType::BigInt(None) };
    let expr = Expr::Cast { kind: CastKind::DoubleColon, expr: Box::new(value), data_type, array: false, format: None };
    select.projection = vec![SelectItem::ExprWithAlias { expr, alias: columns[0].clone() }];
    let Some(from) = select.from.first_mut() else { return false };
    if let TableFactor::Table { name: inner, args, .. } = &mut from.relation {
        inner.clone_from(name);
        super::names::unqualify(inner);
        let args_bare = values.into_iter().map(|value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value)));
        *args = Some(TableFunctionArgs { args: args_bare.collect(), settings: None });
    }
    let alias = TableAlias { explicit: true, name: called, columns: Vec::new(), at: None };
    *factor = TableFactor::Derived { lateral: false, subquery: Box::new(subquery), alias: Some(alias), sample: None };
    true
}

/// The whole number that is written, with its sign.
pub(super) fn written_number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.to_string().parse().ok(),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => written_number(expr)?.checked_neg(),
        Expr::Nested(inner) => written_number(inner),
        _ => None,
    }
}

/// A call in a select list: the items of its list, one a row.
pub(super) fn in_select_list(function: &Function, name: &str) -> Option<Expr> {
    let arguments = with_jsonb(name, plain_arguments(function)?.into_iter().cloned().collect());
    match columns_of(name)? {
        [(_, list)] => {
            let list = call(list, arguments);
            Some(typed(&list, call("unnest", vec![list.clone()])))
        }
        _ => {
            let (_, rows) = ROWS.iter().find(|(known, _)| *known == name)?;
            Some(call("unnest", vec![call(rows, arguments)]))
        }
    }
}
