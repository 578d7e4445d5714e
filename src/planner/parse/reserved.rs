//! Words that are no names: `SELECT * FROM where` is a syntax error, not a question about a table.
//!
//! The engine's parser takes some of PostgreSQL's reserved words for names. Words that are values or tables of
//! one row, such as `current_user`, are not looked at here.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Statement, TableAlias, TableFactor, Visit, Visitor,
};

use super::lexer::{Lexeme, Lexer};
use crate::catalog::is_reserved;
use crate::types::SqlError;

/// Fails at the first reserved word that a statement has in a name's place.
pub(super) fn check(lexer: &Lexer<'_>, lexemes: &[Lexeme], statement: &Statement) -> Result<(), SqlError> {
    let mut found = Found(None);
    let _ = statement.visit(&mut found);
    let Some(ident) = found.0 else { return Ok(()) };
    let start = ident.span.start;
    match lexemes.iter().find(|lexeme| lexeme.token.span.start == start) {
        Some(lexeme) => Err(lexer.error_at(lexeme)),
        // A word that the parser made up itself.
        None => Ok(()),
    }
}

/// The first name that is none.
struct Found(Option<Ident>);

impl Found {
    fn look_at(&mut self, ident: &Ident) -> ControlFlow<()> {
        let is_reserved = ident.quote_style.is_none() && is_reserved(&ident.value.to_ascii_lowercase());
        if is_reserved {
            self.0 = Some(ident.clone());
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Behind a dot every word is a name.
    fn first_part(&mut self, name: &ObjectName) -> ControlFlow<()> {
        name.0.first().and_then(ObjectNamePart::as_ident).map_or(ControlFlow::Continue(()), |ident| self.look_at(ident))
    }

    fn alias(&mut self, alias: Option<&TableAlias>) -> ControlFlow<()> {
        alias.map_or(ControlFlow::Continue(()), |alias| self.look_at(&alias.name))
    }
}

impl Visitor for Found {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.first_part(relation)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { alias, .. }
            | TableFactor::Derived { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. } => self.alias(alias.as_ref()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => self.look_at(ident),
            Expr::CompoundIdentifier(idents) => {
                idents.first().map_or(ControlFlow::Continue(()), |ident| self.look_at(ident))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
