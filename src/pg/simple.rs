//! The Query message: one text, any number of statements, one answer each.

use pgwire::messages::PgWireBackendMessage;

use crate::planner::{self, ParsedStatement};
use crate::session::{Execution, RowStream};

use super::connection::Connection;
use super::encode::{Format, RowEncoder, row_description};
use super::output::{Failure, send, send_rows};

impl Connection {
    /// Runs every statement of a text; the first error ends it.
    pub(super) async fn query(&mut self, sql: &str) -> Result<(), Failure> {
        self.session.close_portal("");
        self.session.close_prepared("");
        let statements = planner::parse(sql)?;
        for (place, statement) in (1..).zip(&statements) {
            self.statement(statement, place == statements.len()).await?;
        }
        Ok(())
    }

    async fn statement(&mut self, statement: &ParsedStatement, is_last: bool) -> Result<(), Failure> {
        let execution = self.wire.watch(self.session.execute(statement)).await??;
        let tag = match execution {
            Execution::Empty => None,
            Execution::Done(tag) => Some(tag),
            Execution::Rows(rows) => Some(self.rows(rows).await?),
            Execution::Copy(rows, options) => Some(self.copy_out(rows, &options).await?),
            Execution::CopyFrom(copy) => Some(Box::pin(self.copy_in(copy)).await?),
        };
        // A client may take the tag for the end of a commit.
        if is_last {
            self.wire.watch(self.session.settle()).await??;
        }
        match tag {
            None => self.complete_empty().await,
            Some(tag) => self.complete(tag).await,
        }
    }

    /// Sends the rows and gives their tag.
    async fn rows(&mut self, mut rows: Box<RowStream>) -> Result<String, Failure> {
        let format = if rows.is_binary() { Format::Binary } else { Format::Text };
        let formats = vec![format; rows.columns().fields().len()];
        let description = row_description(rows.columns(), &formats);
        send(&mut self.wire, PgWireBackendMessage::RowDescription(description)).await?;
        let encoder = RowEncoder::new(rows.columns(), &formats, self.session.format());
        match send_rows(&mut self.wire, &mut rows, &encoder, None).await {
            Ok(_) => {
                let tag = rows.tag();
                self.session.finish(*rows);
                Ok(tag)
            }
            Err(failure) => {
                self.session.abandon(*rows);
                Err(failure)
            }
        }
    }
}
