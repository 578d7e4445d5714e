//! The loop of one connection: wait for a message, carry it out, answer.

use std::collections::HashMap;

use bytes::BytesMut;
use pgwire::messages::response::{
    CommandComplete, EmptyQueryResponse, NotificationResponse, ReadyForQuery, TransactionStatus,
};
use pgwire::messages::{DecodeContext, PgWireBackendMessage, PgWireFrontendMessage, ProtocolVersion};

use crate::session::{self, Session};
use crate::types::{Code, SqlError};

use super::guard::{self, Phase};
use super::listener::{Shared, farewell};
use super::output::{Failure, send};
use super::sqlstate::{ErrorSeverity, error_message, notice_message};
use super::startup::parameter_status;
use super::wire::{Wire, WireError};

/// A client that has logged in.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) wire: Wire,
    pub(super) session: Session,
    /// What the client was last told of its settings.
    reported: HashMap<&'static str, String>,
    /// After an error in the extended protocol everything up to Sync is passed over.
    skipping: bool,
    /// The client was told that it may go on, and nothing has come since.
    idle: bool,
    context: DecodeContext,
}

/// Why a connection ends.
enum End {
    /// The client left, or cannot be reached.
    Gone,
    /// The client is told why.
    Fatal(SqlError),
}

impl From<WireError> for End {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Violation(error) => Self::Fatal(error),
            WireError::Closed | WireError::Io(_) => Self::Gone,
        }
    }
}

impl Connection {
    /// A connection whose client has yet to be told that it may send statements.
    pub(super) fn new(wire: Wire, session: Session) -> Self {
        let mut context = DecodeContext::new(ProtocolVersion::PROTOCOL3_0);
        context.awaiting_frontend_ssl = false;
        context.awaiting_frontend_startup = false;
        let reported = session.settings().reported().map(|(name, value)| (name, value.to_owned())).collect();
        Self { wire, session, reported, skipping: false, idle: false, context }
    }

    /// Serves the client until it leaves or must leave.
    pub(super) async fn run(mut self, shared: &Shared) {
        match self.serve(shared).await {
            Ok(()) | Err(End::Gone) => {}
            Err(End::Fatal(error)) => farewell(&mut self.wire, &error).await,
        }
    }

    async fn serve(&mut self, shared: &Shared) -> Result<(), End> {
        self.ready(shared).await?;
        loop {
            let frame = self.next_frame(shared).await?;
            self.idle = false;
            if frame.first() == Some(&b'X') {
                return Ok(());
            }
            // A statement's futures are large; an idle connection should not hold room for them.
            Box::pin(self.handle(frame, shared)).await?;
        }
    }

    async fn next_frame(&mut self, shared: &Shared) -> Result<BytesMut, End> {
        if !self.wire.has_frame(Phase::Session) {
            self.flush(shared).await?;
        }
        let limit = if self.idle { self.session.idle_timeout() } else { None };
        let expired = async {
            match &limit {
                Some((timeout, _)) => tokio::time::sleep(*timeout).await,
                None => std::future::pending().await,
            }
        };
        let mut expired = std::pin::pin!(expired);
        loop {
            let told = self.idle.then(|| self.session.notification());
            let told = async {
                match told {
                    Some(told) => told.await,
                    None => std::future::pending().await,
                }
            };
            let terminated = self.session.terminated();
            tokio::select! {
                biased;
                frame = self.wire.next_frame(Phase::Session) => return Ok(frame?),
                () = shared.stop.cancelled() => return Err(End::Fatal(shutdown())),
                () = terminated => return Err(End::Fatal(shutdown())),
                () = &mut expired => return Err(limit.as_ref().map_or(End::Gone, |(_, error)| End::Fatal(error.clone()))),
                () = told => {}
            }
            self.send_notifications();
            self.flush(shared).await?;
        }
    }

    /// Tells what was said on the channels that the client listens to.
    fn send_notifications(&mut self) {
        for told in self.session.take_notifications() {
            let message = NotificationResponse::new(told.pid, told.channel, told.payload);
            self.wire.send(PgWireBackendMessage::NotificationResponse(message));
        }
    }

    /// Sends the output; a client that does not take it cannot hold the node up when it stops.
    async fn flush(&mut self, shared: &Shared) -> Result<(), End> {
        tokio::select! {
            biased;
            sent = self.wire.flush() => Ok(sent?),
            () = shared.stop.cancelled() => Err(End::Gone),
        }
    }

    async fn handle(&mut self, frame: BytesMut, shared: &Shared) -> Result<(), End> {
        let kind = frame.first().copied().unwrap_or_default();
        if self.skipping && kind != b'S' {
            return Ok(());
        }
        let simple = matches!(kind, b'Q' | b'F');
        match self.answer(kind, frame).await {
            Ok(()) => {}
            Err(Failure::Wire(error)) => return Err(error.into()),
            Err(Failure::Statement(error)) => {
                self.fail(&error)?;
                self.skipping = !simple && kind != b'S';
                if self.skipping {
                    self.flush(shared).await?;
                }
            }
        }
        if simple || kind == b'S' {
            self.skipping = false;
            if let Err(error) = self.wire.watch(self.session.settle()).await? {
                self.fail(&error)?;
            }
            self.send_notices();
            self.ready(shared).await?;
        }
        Ok(())
    }

    async fn answer(&mut self, kind: u8, mut frame: BytesMut) -> Result<(), Failure> {
        guard::check(&frame)?;
        match kind {
            b'F' => {
                return Err(SqlError::new(Code::FeatureNotSupported, "function call messages are not supported").into());
            }
            // Data of a COPY that failed to start may still be on its way, and is passed over.
            b'd' | b'c' | b'f' => return Ok(()),
            b'p' => return Err(guard::violation("unexpected password message").into()),
            _ => {}
        }
        let message = PgWireFrontendMessage::decode(&mut frame, &self.context)
            .ok()
            .flatten()
            .ok_or_else(|| guard::violation("invalid message format"))?;
        match message {
            PgWireFrontendMessage::Query(query) => self.query(&query.query).await,
            PgWireFrontendMessage::Parse(parse) => self.parse(parse).await,
            PgWireFrontendMessage::Bind(bind) => self.bind(bind).await,
            PgWireFrontendMessage::Describe(describe) => self.describe(describe).await,
            PgWireFrontendMessage::Execute(execute) => self.execute(execute).await,
            PgWireFrontendMessage::Close(close) => self.close(close).await,
            PgWireFrontendMessage::Flush(_) => Ok(self.wire.flush().await?),
            PgWireFrontendMessage::Sync(_) => Ok(()),
            _ => Err(guard::violation("unexpected message").into()),
        }
    }

    /// Tells the client of an error, and fails its transaction.
    fn fail(&mut self, error: &SqlError) -> Result<(), End> {
        self.session.fail();
        if error.code == Code::AdminShutdown {
            return Err(End::Fatal(error.clone()));
        }
        if error.code == Code::Internal {
            tracing::error!(pid = self.session.cancel_key().pid, %error, "a statement failed for a reason of ours");
        }
        self.send_notices();
        self.wire.send(error_message(error, ErrorSeverity::Error));
        Ok(())
    }

    /// Sends the notices that a statement left.
    pub(super) fn send_notices(&mut self) {
        for notice in self.session.take_notices() {
            self.wire.send(notice_message(&notice));
        }
    }

    /// Sends notices, then what was done.
    pub(super) async fn complete(&mut self, tag: String) -> Result<(), Failure> {
        self.send_notices();
        let message = PgWireBackendMessage::CommandComplete(CommandComplete::new(tag));
        Ok(send(&mut self.wire, message).await?)
    }

    /// Tells that the statement was empty.
    pub(super) async fn complete_empty(&mut self) -> Result<(), Failure> {
        let message = PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new());
        Ok(send(&mut self.wire, message).await?)
    }

    /// Tells changed settings, then that the client may go on.
    async fn ready(&mut self, shared: &Shared) -> Result<(), End> {
        for (name, value) in self.session.settings().reported() {
            let told = self.reported.entry(name).or_default();
            if told != value {
                value.clone_into(told);
                self.wire.send(parameter_status(name, value));
            }
        }
        self.send_notifications();
        let status = match self.session.transaction_status() {
            session::TransactionStatus::Idle => TransactionStatus::Idle,
            session::TransactionStatus::InBlock => TransactionStatus::Transaction,
            session::TransactionStatus::Failed => TransactionStatus::Error,
        };
        self.session.idle();
        self.wire.send(PgWireBackendMessage::ReadyForQuery(ReadyForQuery::new(status)));
        if self.wire.has_frame(Phase::Session) && !self.wire.is_full() {
            return Ok(());
        }
        self.flush(shared).await?;
        self.wire.rest();
        self.idle = true;
        Ok(())
    }
}

fn shutdown() -> SqlError {
    SqlError::new(Code::AdminShutdown, "terminating connection due to administrator command")
}
