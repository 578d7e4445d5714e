//! Parse, Bind, Describe, Execute, Close: prepared statements and portals with row limits.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::ScalarValue;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Describe, Execute, Parse, ParseComplete, PortalSuspended,
};

use crate::session::{Execution, Prepared, RowStream};
use crate::types::{Code, SqlError, SqlType};

use super::connection::Connection;
use super::encode::{Format, RowEncoder, row_description};
use super::guard::violation;
use super::output::{Failure, Sent, send, send_rows};
use super::params;

impl Connection {
    pub(super) async fn parse(&mut self, parse: Parse) -> Result<(), Failure> {
        let name = parse.name.unwrap_or_default();
        // Types that we do not know are found out like those that the client left open.
        let hints: Vec<Option<SqlType>> = parse
            .type_oids
            .iter()
            .map(|oid| SqlType::from_oid(*oid).filter(|kind| !matches!(kind, SqlType::Unknown | SqlType::Void)))
            .collect();
        self.wire.watch(self.session.prepare(&name, &parse.query, &hints)).await??;
        self.send_notices();
        Ok(send(&mut self.wire, PgWireBackendMessage::ParseComplete(ParseComplete::new())).await?)
    }

    pub(super) async fn bind(&mut self, bind: Bind) -> Result<(), Failure> {
        let prepared = self.session.prepared(&bind.statement_name.clone().unwrap_or_default())?;
        let parameters = self.parameters(&bind, &prepared)?;
        let formats = bind.result_column_format_codes;
        if let Some(columns) = &prepared.columns {
            Format::of_columns(&formats, columns.fields().len())?;
        }
        let portal = bind.portal_name.unwrap_or_default();
        self.session.bind(&portal, prepared, parameters, formats)?;
        Ok(send(&mut self.wire, PgWireBackendMessage::BindComplete(BindComplete::new())).await?)
    }

    fn parameters(&self, bind: &Bind, prepared: &Prepared) -> Result<Vec<ScalarValue>, SqlError> {
        let (given, wanted) = (bind.parameters.len(), prepared.parameters.len());
        if given != wanted {
            let name = bind.statement_name.as_deref().unwrap_or_default();
            return Err(violation(format!(
                "bind message supplies {given} parameters, but prepared statement \"{name}\" requires {wanted}"
            )));
        }
        let codes = &bind.parameter_format_codes;
        if codes.len() > 1 && codes.len() != given {
            return Err(violation(format!(
                "bind message has {} parameter formats but {given} parameters",
                codes.len()
            )));
        }
        let settings = self.session.format();
        let values = bind.parameters.iter().zip(&prepared.parameters).enumerate().map(|(place, (bytes, kind))| {
            let code = if codes.len() == 1 { codes.first() } else { codes.get(place) };
            let format = Format::from_code(code.copied().unwrap_or_default())?;
            params::read(bytes.as_deref(), *kind, format, &settings)
        });
        values.collect()
    }

    pub(super) async fn describe(&mut self, describe: Describe) -> Result<(), Failure> {
        let name = describe.name.unwrap_or_default();
        let (columns, formats) = if describe.target_type == b'S' {
            let prepared = self.session.prepared(&name)?;
            let types = prepared.parameters.iter().map(|kind| kind.oid()).collect();
            let parameters = ParameterDescription::new(types);
            send(&mut self.wire, PgWireBackendMessage::ParameterDescription(parameters)).await?;
            (prepared.columns.clone(), Vec::new())
        } else {
            let portal = self.session.portal(&name)?;
            (portal.columns.clone(), portal.formats.clone())
        };
        let message = match columns {
            Some(columns) => {
                let formats = Format::of_columns(&formats, columns.fields().len())?;
                PgWireBackendMessage::RowDescription(row_description(&columns, &formats))
            }
            None => PgWireBackendMessage::NoData(NoData::new()),
        };
        Ok(send(&mut self.wire, message).await?)
    }

    pub(super) async fn execute(&mut self, execute: Execute) -> Result<(), Failure> {
        let name = execute.name.unwrap_or_default();
        let rows_max = usize::try_from(execute.max_rows).ok().filter(|rows| *rows > 0);
        let portal = self.session.portal(&name)?;
        let (columns, codes) = (portal.columns.clone(), portal.formats.clone());
        let execution = self.wire.watch(self.session.execute_portal(&name)).await??;
        match execution {
            Execution::Empty => self.complete_empty().await,
            Execution::Done(tag) => self.complete(tag).await,
            Execution::Rows(rows) => self.portal_rows(&name, rows, columns, &codes, rows_max).await,
            Execution::Copy(rows, options) => {
                let tag = self.copy_out(rows, &options).await?;
                self.complete(tag).await
            }
            Execution::CopyFrom(copy) => {
                let tag = Box::pin(self.copy_in(copy)).await?;
                self.complete(tag).await
            }
        }
    }

    async fn portal_rows(
        &mut self,
        name: &str,
        mut rows: Box<RowStream>,
        described: Option<SchemaRef>,
        codes: &[i16],
        rows_max: Option<usize>,
    ) -> Result<(), Failure> {
        let described = described.unwrap_or_else(|| Arc::new(Schema::empty()));
        let formats = Format::of_columns(codes, described.fields().len())?;
        let encoder = RowEncoder::new(&described, &formats, self.session.format());
        if !encoder.fits(rows.columns()) {
            self.session.abandon(*rows);
            let text = "cached plan must not change result type";
            return Err(SqlError::new(Code::FeatureNotSupported, text).into());
        }
        match send_rows(&mut self.wire, &mut rows, &encoder, rows_max).await {
            Ok(Sent::All) => {
                let tag = rows.tag();
                self.session.finish_portal(name, *rows);
                self.complete(tag).await
            }
            Ok(Sent::Limit) => {
                self.session.suspend(name, rows);
                self.send_notices();
                let message = PgWireBackendMessage::PortalSuspended(PortalSuspended::new());
                Ok(send(&mut self.wire, message).await?)
            }
            Err(failure) => {
                self.session.abandon(*rows);
                Err(failure)
            }
        }
    }

    pub(super) async fn close(&mut self, close: Close) -> Result<(), Failure> {
        let name = close.name.unwrap_or_default();
        if close.target_type == b'S' {
            self.session.close_prepared(&name);
        } else {
            self.session.close_portal(&name);
        }
        Ok(send(&mut self.wire, PgWireBackendMessage::CloseComplete(CloseComplete::new())).await?)
    }
}
