//! `$1` with the type that it is known to have: `CAST($1 AS int4)`.
//!
//! So every expression around it gets the types that it will have when the value is there. Runs when
//! result columns have their names; a cast that the client wrote around a parameter stays around this one.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Ident, LimitClause, ObjectName, ObjectNamePart, Query, Statement, Value, VisitMut,
    VisitorMut,
};

use crate::types::SqlType;

/// What is known of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterType {
    /// Its type.
    pub kind: SqlType,
    /// The digits behind the point of a numeric whose value is known.
    pub scale: Option<u8>,
}

/// Gives parameters their types; those without stay as they are.
pub(super) fn type_parameters(statement: &mut Statement, types: &[Option<ParameterType>]) {
    let _ = statement.visit(&mut Typer { types });
}

struct Typer<'a> {
    types: &'a [Option<ParameterType>],
}

impl VisitorMut for Typer<'_> {
    type Break = ();

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        // The engine reads the bounds of a result as 64-bit numbers itself.
        match &mut query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                limit.iter_mut().for_each(|limit| self.bare(limit));
                offset.iter_mut().for_each(|offset| self.bare(&mut offset.value));
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                [offset, limit].into_iter().for_each(|bound| self.bare(bound));
            }
            None => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Some(kind) = number_of(expr).and_then(|number| self.known(number)) {
            let (name, arguments) = match kind.scale {
                Some(scale) => (super::numbers::LITERAL, vec![scale.to_string()]),
                None => (kind.kind.name(), Vec::new()),
            };
            let name = Ident::with_quote('"', name);
            let data_type = DataType::Custom(ObjectName(vec![ObjectNamePart::Identifier(name)]), arguments);
            let parameter = Box::new(expr.clone());
            *expr = Expr::Cast { kind: CastKind::Cast, expr: parameter, data_type, array: false, format: None };
        }
        ControlFlow::Continue(())
    }
}

impl Typer<'_> {
    /// Takes the casts off a parameter whose type is known; of others, the client's cast tells it.
    fn bare(&self, expr: &mut Expr) {
        let mut inner = &*expr;
        while let Expr::Cast { expr: of_cast, .. } = inner {
            inner = of_cast;
        }
        if number_of(inner).is_some_and(|number| self.known(number).is_some()) {
            *expr = inner.clone();
        }
    }

    fn known(&self, number: usize) -> Option<ParameterType> {
        self.types.get(number - 1).copied().flatten()
    }
}

/// The number of a parameter.
fn number_of(expr: &Expr) -> Option<usize> {
    let Expr::Value(value) = expr else { return None };
    let Value::Placeholder(name) = &value.value else { return None };
    name.strip_prefix('$')?.parse().ok().filter(|number| *number > 0)
}
