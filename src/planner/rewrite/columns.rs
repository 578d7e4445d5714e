//! Names of result columns, as PostgreSQL gives them.
//!
//! `count(*)` is `count`, `x::int` is `x`, `1` is `?column?`. Runs first, on the client's own words. The engine wants unique names, so a
//! second column of a name gets a suffix that [`shown_name`] takes off again.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Ident, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, Statement, TrimWhereField, VisitMut, VisitorMut, visit_expressions,
};

use super::build::{folded, last_part};
use super::calls::is_bare_call;

/// Between a name and the suffix that makes it unique: a character that nobody types.
const SEPARATOR: char = '\u{1f}';
/// What PostgreSQL calls a column that nothing names.
const NAMELESS: &str = "?column?";

/// The name of a result column as a client sees it.
pub fn shown_name(name: &str) -> &str {
    name.split(SEPARATOR).next().unwrap_or(name)
}

/// A name that is shown as this one, and is another to the engine: that of a relation's column.
pub(super) fn hidden(name: &Ident, of: &str) -> Ident {
    Ident::with_quote('"', format!("{}{SEPARATOR}{of}", folded(name)))
}

/// Names the columns of every SELECT of a statement.
pub(super) fn name_columns(statement: &mut Statement) {
    let _ = statement.visit(&mut Namer);
    if let Statement::Query(query) = statement {
        part_from_order_keys(query);
    }
}

/// `SELECT c.oid::text AS oid ... ORDER BY c.oid`: to the engine the two would be one name, so the
/// result column of the outermost SELECT gets a suffix, there and where ORDER BY means it.
fn part_from_order_keys(query: &mut Query) {
    let (SetExpr::Select(select), Some(order)) = (query.body.as_mut(), query.order_by.as_mut()) else { return };
    let OrderByKind::Expressions(keys) = &mut order.kind else { return };
    let mut sorted_by: Vec<String> = Vec::new();
    for key in keys.iter() {
        let _ = visit_expressions(&key.expr, |expr| {
            if let Expr::CompoundIdentifier(idents) = expr {
                sorted_by.extend(idents.last().map(folded));
            }
            ControlFlow::<()>::Continue(())
        });
    }
    for item in &mut select.projection {
        let SelectItem::ExprWithAlias { expr, alias } = item else { continue };
        let plain = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        let name = folded(alias);
        if plain || !sorted_by.contains(&name) {
            continue;
        }
        *alias = Ident::with_quote('"', format!("{name}{SEPARATOR}0"));
        for key in keys.iter_mut() {
            if matches!(&key.expr, Expr::Identifier(ident) if folded(ident) == name) {
                key.expr = Expr::Identifier(alias.clone());
            }
        }
    }
}

struct Namer;

impl VisitorMut for Namer {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        name_select(select);
        ControlFlow::Continue(())
    }
}

fn name_select(select: &mut Select) {
    let wildcards = Wildcards::of(select);
    let mut seen: HashMap<String, usize> = HashMap::new();
    for item in &mut select.projection {
        let (expr, name) = match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = column_name(expr);
                (expr.clone(), name)
            }
            SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), folded(alias)),
            _ => continue,
        };
        let plain = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) && !is_bare_call(&expr);
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        let unnamed = matches!(item, SelectItem::UnnamedExpr(_));
        // A bare column beside `*` is there twice; alone it keeps its name and its table.
        let is_twin = *count > 1 || (plain && unnamed && wildcards.may_hold(&expr));
        if plain && unnamed && !is_twin {
            continue;
        }
        let unique = if is_twin { format!("{name}{SEPARATOR}{count}") } else { name };
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', unique) };
    }
}

/// The `*` and `t.*` of a select list.
struct Wildcards {
    all: bool,
    tables: Vec<String>,
}

impl Wildcards {
    fn of(select: &Select) -> Self {
        let all = select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_)));
        let tables = select.projection.iter().filter_map(|item| match item {
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => last_part(name),
            _ => None,
        });
        Self { all, tables: tables.collect() }
    }

    /// A column of another table than those of `t.*` is told from theirs by its table.
    fn may_hold(&self, column: &Expr) -> bool {
        let of_table = match column {
            Expr::CompoundIdentifier(idents) => idents.iter().rev().nth(1).map(folded),
            _ => None,
        };
        self.all || of_table.map_or(!self.tables.is_empty(), |table| self.tables.contains(&table))
    }
}

/// PostgreSQL's name for an expression without an alias.
pub(in crate::planner) fn column_name(expr: &Expr) -> String {
    strong_name(expr).or_else(|| weak_name(expr)).unwrap_or_else(|| NAMELESS.to_owned())
}

/// Names that win over the name of a type around them.
fn strong_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(folded(ident)),
        Expr::CompoundIdentifier(idents) => idents.last().map(folded),
        Expr::CompoundFieldAccess { root, access_chain } => match access_chain.last() {
            Some(AccessExpr::Dot(Expr::Identifier(ident))) => Some(folded(ident)),
            _ => strong_name(root),
        },
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => strong_name(inner),
        Expr::Cast { expr: inner, .. } => strong_name(inner),
        Expr::Function(function) => last_part(&function.name),
        Expr::Subquery(query) => subquery_name(query),
        Expr::Extract { .. } => Some("extract".to_owned()),
        Expr::Substring { shorthand: true, .. } => Some("substr".to_owned()),
        Expr::Substring { .. } => Some("substring".to_owned()),
        Expr::BinaryOp { op: BinaryOperator::Overlaps, .. } => Some("overlaps".to_owned()),
        Expr::Trim { trim_where, .. } => Some(trim_name(trim_where.as_ref()).to_owned()),
        Expr::Position { .. } => Some("position".to_owned()),
        Expr::Overlay { .. } => Some("overlay".to_owned()),
        Expr::Ceil { .. } => Some("ceil".to_owned()),
        Expr::Floor { .. } => Some("floor".to_owned()),
        Expr::Exists { negated: false, .. } => Some("exists".to_owned()),
        Expr::Array(_) => Some("array".to_owned()),
        Expr::AtTimeZone { .. } => Some("timezone".to_owned()),
        Expr::Tuple(_) => Some("row".to_owned()),
        Expr::Case { else_result: Some(other), .. } => strong_name(other),
        _ => None,
    }
}

fn subquery_name(query: &Query) -> Option<String> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    match select.projection.first()? {
        SelectItem::UnnamedExpr(expr) => Some(column_name(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        _ => None,
    }
}

fn trim_name(side: Option<&TrimWhereField>) -> &'static str {
    match side {
        Some(TrimWhereField::Leading) => "ltrim",
        Some(TrimWhereField::Trailing) => "rtrim",
        _ => "btrim",
    }
}

/// Names of last resort, such as a cast's type.
fn weak_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => weak_name(inner),
        Expr::CompoundFieldAccess { root, .. } => weak_name(root),
        Expr::Case { .. } => Some("case".to_owned()),
        Expr::Cast { data_type, .. } => Some(type_name(&data_type.to_string())),
        Expr::TypedString(typed) => Some(type_name(&typed.data_type.to_string())),
        Expr::Interval(_) => Some("interval".to_owned()),
        _ => None,
    }
}

/// PostgreSQL's short name; an array type is named after its elements.
fn type_name(spelling: &str) -> String {
    if spelling.ends_with("\"char\"") {
        return "char".to_owned();
    }
    let lower = spelling.to_lowercase();
    // A qualified or quoted name of a type: the last part counts.
    let lower = lower.rsplit('.').next().unwrap_or(&lower).replace('"', "");
    let base = lower.split(['(', '[']).next().unwrap_or(&lower).trim();
    let digits: u32 = lower.split(['(', ')']).nth(1).and_then(|digits| digits.parse().ok()).unwrap_or_default();
    let zoned = lower.contains("with time zone") || lower.starts_with("timestamptz");
    let name = match base {
        "int" | "integer" => "int4",
        "smallint" => "int2",
        "bigint" => "int8",
        "real" => "float4",
        "double precision" | "double" => "float8",
        "float" if (1..=24).contains(&digits) => "float4",
        "float" => "float8",
        "char" | "character" => "bpchar",
        "boolean" => "bool",
        "character varying" | "char varying" => "varchar",
        "decimal" | "dec" => "numeric",
        base if base.starts_with("timestamp") => {
            if zoned {
                "timestamptz"
            } else {
                "timestamp"
            }
        }
        base => base,
    };
    name.to_owned()
}
