//! The life of a statement in a session: start, rows, end, error; simple and prepared.

use std::future::Future;
use std::sync::Arc;

use datafusion::common::ScalarValue;

use crate::env::random_uuid;
use crate::execution::MissingNodes;
use crate::planner::{self, ParsedQuery, ParsedStatement, Statement, StatementContext};
use crate::types::{Code, FragmentSettings, QueryId, SqlError, SqlType};

use super::Notification;
use super::cursor::Step;
use super::data::Data;
use super::interrupt::Interrupt;
use super::list::{CancelKey, SessionInfo, SessionState};
use super::notice::Notice;
use super::rows::{Execution, RowStream};
use super::statements::{Life, Portal, PortalState, Prepared, Statements};
use super::transaction::{End, Transaction, TransactionStatus};
use super::{FormatSettings, Login, Session, SessionShared, Settings};

/// Most notices that wait to be sent.
const NOTICES_MAX: usize = 100;

impl Session {
    /// Opens a session after login; fails when a setting that came with it has no meaning.
    ///
    /// Startup parameters that are no settings are let go, since clients send parameters of their own.
    pub fn open(shared: SessionShared, login: Login) -> Result<Self, SqlError> {
        let mut settings = Settings::new(&login.user, &login.facts);
        let stored = shared.stored.of(&login.user, &login.database);
        let mut notices = Vec::new();
        for (name, value) in login.configured.iter().chain(&stored) {
            // A stored value that lost its meaning must not lock its role out.
            if let Err(error) = settings.set_at_login(name, value) {
                notices.push(Notice::warning(error.code.sqlstate(), error.message));
            }
        }
        for (name, value) in &login.settings {
            match settings.set_at_login(name, value) {
                Err(error) if error.code != Code::UndefinedObject => return Err(error),
                _ => {}
            }
        }
        let now_us = shared.clock.now_us();
        let info = SessionInfo {
            pid: 0,
            user: login.user.clone(),
            database: login.database.clone(),
            application: settings.get("application_name").to_owned(),
            client: login.client,
            state: SessionState::Idle,
            query: String::new(),
            started_us: now_us,
            query_started_us: None,
            changed_us: now_us,
        };
        let entry = shared.sessions.enter(info, shared.random.as_ref());
        let channel_end = shared.channels.open(entry.key().pid, &login.database);
        let data = Data::new(Arc::clone(&shared.store), Arc::clone(&shared.fleet));
        Ok(Self {
            shared,
            user: login.user,
            roles: login.roles,
            database: login.database,
            settings,
            facts: super::facts::FactsCache::default(),
            transaction: Transaction::default(),
            data,
            marks: Vec::new(),
            sequences: Arc::default(),
            statements: Statements::default(),
            control: None,
            effects: Vec::new(),
            channel_end,
            notices,
            last_coverage: crate::execution::CoverageReport::default(),
            entry,
        })
    }

    /// What a client must know to cancel this session's statements.
    pub fn cancel_key(&self) -> CancelKey {
        self.entry.key()
    }

    /// The session's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How values look as text for this client.
    pub fn format(&self) -> FormatSettings {
        self.settings.format()
    }

    /// The state that ReadyForQuery tells.
    pub fn transaction_status(&self) -> TransactionStatus {
        self.transaction.status()
    }

    /// Longest time to wait for the client's next message; none without a limit.
    pub fn idle_timeout(&self) -> Option<(std::time::Duration, SqlError)> {
        let (name, code, text) = if self.transaction.status() == TransactionStatus::Idle {
            ("idle_session_timeout", Code::IdleSessionTimeout, "terminating connection due to idle-session timeout")
        } else {
            (
                "idle_in_transaction_session_timeout",
                Code::IdleInTransactionTimeout,
                "terminating connection due to idle-in-transaction timeout",
            )
        };
        self.settings.timeout(name).map(|timeout| (timeout, SqlError::new(code, text)))
    }

    /// The notices that wait to be sent.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    pub(super) fn notify(&mut self, notice: Notice) {
        if self.notices.len() < NOTICES_MAX && notice.severity.passes(self.settings.get("client_min_messages")) {
            self.notices.push(notice);
        }
    }

    /// Runs one statement of a simple query.
    pub async fn execute(&mut self, parsed: &ParsedStatement) -> Result<Execution, SqlError> {
        let interrupt = self.start(Some(&parsed.sql));
        Box::pin(self.run(parsed, None, Vec::new(), &interrupt))
            .await
            .map_err(|error| shifted(error, parsed.position_offset))
    }

    /// Opens the implicit transaction and makes the statement known to the list of sessions.
    pub(super) fn start(&mut self, sql: Option<&str>) -> Arc<Interrupt> {
        let now_us = self.shared.clock.now_us();
        self.transaction.ensure_started(&mut self.settings, now_us);
        let interrupt = Arc::new(Interrupt::new(self.settings.timeout("statement_timeout")));
        self.entry.active(sql, Arc::clone(&interrupt), now_us);
        interrupt
    }

    /// Carries out one statement. Its future is large: callers keep it on the heap.
    pub(super) async fn run(
        &mut self,
        parsed: &ParsedStatement,
        query: Option<&ParsedQuery>,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        self.check_not_failed(&parsed.statement)?;
        let result = match &parsed.statement {
            Statement::Empty => Ok(Execution::Empty),
            Statement::Query => match query {
                Some(query) => self.run_parsed(query, parameters, interrupt).await,
                None => self.run_query(&parsed.sql, parameters, interrupt).await,
            },
            Statement::Change(tag) => match query {
                Some(query) => Box::pin(self.change(query, tag, parameters, interrupt)).await,
                None => {
                    let query = self.shared.planner.parse_query(&parsed.sql)?;
                    Box::pin(self.change(&query, tag, parameters, interrupt)).await
                }
            },
            Statement::Truncate { tables, restart_identity, cascade } => {
                self.truncate(tables, *restart_identity, *cascade, interrupt).await
            }
            Statement::Define(definition) => Box::pin(self.define(definition, interrupt)).await,
            Statement::Explain { options, what } => self.explain(what, *options, parameters, interrupt).await,
            Statement::Copy { source, options } => self.copy(source, options, interrupt).await,
            Statement::CopyFrom(into) => Box::pin(self.copy_from(into, &parsed.sql, interrupt)).await,
            Statement::Execute { name, arguments } => self.execute_prepared(name, arguments, interrupt).await,
            Statement::Prepare { name, types, inner } => {
                self.prepare_by_sql(name, types, (inner, &parsed.sql), interrupt).await
            }
            Statement::Declare { name, options, inner } => {
                self.declare(name, *options, (inner, &parsed.sql), parameters, interrupt).await
            }
            Statement::Fetch { name, count, rows } => self.fetch(name, *count, *rows, interrupt).await,
            Statement::Commit(after) => self.end(End::Commit, *after, interrupt).await,
            Statement::Rollback(after) => self.end(End::Rollback, *after, interrupt).await,
            command => self.command(command, interrupt),
        };
        // What stands inside another statement counts its places from the start of the whole text.
        let inside = matches!(
            parsed.statement,
            Statement::Define(_)
                | Statement::Explain { .. }
                | Statement::Copy { .. }
                | Statement::Execute { .. }
                | Statement::Prepare { .. }
                | Statement::Declare { .. }
        );
        result.map_err(|error| if inside { shifted(error, -parsed.position_offset) } else { error })
    }

    /// In a transaction block that failed only its end is carried out.
    pub(super) fn check_not_failed(&self, statement: &Statement) -> Result<(), SqlError> {
        let ends = matches!(
            statement,
            Statement::Commit(_) | Statement::Rollback(_) | Statement::RollbackTo(_) | Statement::Empty
        );
        if self.transaction.status() == TransactionStatus::Failed && !ends {
            let text = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(SqlError::new(Code::InFailedSqlTransaction, text));
        }
        Ok(())
    }

    pub(super) async fn run_query(
        &mut self,
        sql: &str,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        let rows = self.query_rows(sql, parameters, interrupt).await?;
        Ok(Execution::Rows(Box::new(rows)))
    }

    /// The rows of a query.
    pub(super) async fn query_rows(
        &mut self,
        sql: &str,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<RowStream, SqlError> {
        let query = self.shared.planner.parse_query(sql)?;
        self.parsed_rows(&query, parameters, interrupt).await
    }

    /// Runs a query that was parsed when it was prepared.
    pub(super) async fn run_parsed(
        &mut self,
        query: &ParsedQuery,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Execution, SqlError> {
        let rows = self.parsed_rows(query, parameters, interrupt).await?;
        Ok(Execution::Rows(Box::new(rows)))
    }

    async fn parsed_rows(
        &mut self,
        query: &ParsedQuery,
        parameters: Vec<ScalarValue>,
        interrupt: &Arc<Interrupt>,
    ) -> Result<RowStream, SqlError> {
        let mut context = self.context(interrupt);
        let planner = Arc::clone(&self.shared.planner);
        if let Some(lock) = planner.row_lock(query, &context)? {
            self.lock_rows(lock, interrupt).await?;
            context = self.context(interrupt);
        }
        let run = interrupt.guard(planner.run_parsed(query, &context, parameters)).await?;
        Ok(RowStream::of_query(run, Arc::clone(interrupt)).with_control(self.control.clone()))
    }

    /// All rows were sent: notes the coverage, puts a cursor back.
    pub fn finish(&mut self, rows: RowStream) {
        self.note_coverage(&rows, true);
        self.take_control(&rows);
        self.entry.done();
        let Some((name, mut cursor)) = rows.into_cursor() else { return };
        if cursor.take_untold_end() {
            self.note_coverage(cursor.rows(), true);
        }
        if let Ok(portal) = self.statements.portal_mut(&name) {
            portal.state = PortalState::Cursor(cursor);
        }
    }

    /// The statement failed or is not wanted any more.
    pub fn abandon(&mut self, rows: RowStream) {
        self.note_coverage(&rows, false);
        self.entry.done();
        if let Some((name, _)) = rows.into_cursor() {
            self.statements.remove_portal(&name);
        }
    }

    fn note_coverage(&mut self, rows: &RowStream, complete: bool) {
        if let Some(report) = rows.coverage().map(crate::execution::Coverage::report) {
            self.note_report(report, complete);
        }
    }

    /// Tells the client where rows are missing, and keeps the report for `mesh.last_coverage`.
    pub(super) fn note_report(&mut self, report: crate::execution::CoverageReport, complete: bool) {
        if complete
            && self.settings.missing_nodes() == MissingNodes::Warn
            && let Some(text) = report.warning()
        {
            self.notify(Notice::warning("01000", text));
        }
        if !report.nodes.is_empty() {
            self.last_coverage = report;
        }
    }

    /// A statement failed: the transaction does, too.
    pub fn fail(&mut self) {
        self.entry.done();
        if self.transaction.fail(&mut self.settings) {
            self.roll_back();
        } else if self.marks.is_empty() {
            // Nothing of it can stay, and others wait to write.
            self.data.roll_back();
        }
    }

    /// The message (or what stands before Sync) was carried out: its implicit transaction ends.
    pub async fn settle(&mut self) -> Result<(), SqlError> {
        if !self.transaction.is_implicit() {
            return Ok(());
        }
        let interrupt = Arc::new(Interrupt::new(self.settings.timeout("statement_timeout")));
        self.before_commit(&interrupt).await?;
        self.transaction.end_implicit(&mut self.settings);
        self.statements.commit();
        Ok(())
    }

    /// What was said on the channels that this session listens to.
    pub fn take_notifications(&mut self) -> Vec<Notification> {
        if self.transaction.status() == TransactionStatus::Idle { self.channel_end.take() } else { Vec::new() }
    }

    /// Waits until somebody ends the session.
    pub fn terminated(&self) -> impl Future<Output = ()> + Send + 'static {
        self.entry.terminated()
    }

    /// Waits until a listening session can be told something; for ever inside a transaction.
    pub fn notification(&self) -> impl Future<Output = ()> + Send + 'static {
        let arrived = (self.transaction.status() == TransactionStatus::Idle).then(|| self.channel_end.arrived());
        async move {
            match arrived {
                Some(arrived) => arrived.await,
                None => std::future::pending().await,
            }
        }
    }

    /// The session waits for its client now.
    pub fn idle(&mut self) {
        let state = match self.transaction.status() {
            TransactionStatus::Idle => SessionState::Idle,
            TransactionStatus::InBlock => SessionState::IdleInTransaction,
            TransactionStatus::Failed => SessionState::IdleInFailedTransaction,
        };
        self.entry.idle(state, self.settings.get("application_name"), self.shared.clock.now_us());
    }

    /// Prepares a statement (Parse message); the unnamed one replaces the one before.
    pub async fn prepare(&mut self, name: &str, sql: &str, hints: &[Option<SqlType>]) -> Result<(), SqlError> {
        let mut statements = planner::parse(sql)?;
        if statements.len() > 1 {
            let text = "cannot insert multiple commands into a prepared statement";
            return Err(SqlError::new(Code::SyntaxError, text));
        }
        let Some(parsed) = statements.pop() else { return Err(SqlError::new(Code::Internal, "no statement")) };
        self.check_not_failed(&parsed.statement)?;
        self.statements.check_new(name)?;
        let interrupt = self.start(Some(sql));
        let described = self.describe(&parsed, hints, &interrupt).await;
        self.entry.done();
        let prepared = described.map_err(|error| shifted(error, parsed.position_offset))?;
        self.statements.add_prepared(name, Prepared { parsed, source: sql.to_owned(), ..prepared })
    }

    /// A prepared statement; the empty name is the unnamed one.
    pub fn prepared(&self, name: &str) -> Result<Arc<Prepared>, SqlError> {
        self.statements.prepared(name).map(Arc::clone)
    }

    /// Drops a prepared statement (Close message); an unknown one is no error.
    pub fn close_prepared(&mut self, name: &str) {
        self.statements.remove_prepared(name);
    }

    /// Makes a portal (Bind message); the unnamed one replaces the one before.
    pub fn bind(
        &mut self,
        name: &str,
        prepared: Arc<Prepared>,
        parameters: Vec<ScalarValue>,
        formats: Vec<i16>,
    ) -> Result<(), SqlError> {
        self.check_not_failed(&prepared.parsed.statement)?;
        let now_us = self.shared.clock.now_us();
        self.transaction.ensure_started(&mut self.settings, now_us);
        if name.is_empty() {
            self.statements.remove_portal(name);
        }
        let columns = prepared.columns.clone();
        let state = PortalState::Ready(parameters);
        let life = Life::Transaction { savepoints: self.transaction.savepoints(), hold: false };
        let portal = Portal {
            prepared: Some(prepared),
            columns,
            formats,
            state,
            life,
            source: None,
            scrolls: false,
            created_us: now_us,
        };
        self.statements.add_portal(name, portal)
    }

    /// A portal or SQL cursor.
    pub fn portal(&self, name: &str) -> Result<&Portal, SqlError> {
        self.statements.portal(name)
    }

    /// Drops a portal (Close message); an unknown one is no error.
    pub fn close_portal(&mut self, name: &str) {
        self.statements.remove_portal(name);
    }

    /// Runs a portal or goes on with it (Execute message).
    pub async fn execute_portal(&mut self, name: &str) -> Result<Execution, SqlError> {
        let portal = self.statements.portal_mut(name)?;
        let prepared = portal.prepared.clone();
        match std::mem::replace(&mut portal.state, PortalState::Running) {
            PortalState::Suspended(mut rows) => {
                let interrupt = self.resume(&rows);
                rows.resume(interrupt);
                Ok(Execution::Rows(rows))
            }
            PortalState::Cursor(cursor) => {
                let interrupt = self.resume(cursor.rows());
                let rows = RowStream::of_cursor(name.to_owned(), cursor, Step::Forward(None), interrupt).for_select();
                Ok(Execution::Rows(Box::new(rows)))
            }
            PortalState::Ready(parameters) => {
                let Some(prepared) = prepared else {
                    return Err(SqlError::new(Code::Internal, "portal without a statement"));
                };
                let interrupt = self.start(Some(&prepared.parsed.sql));
                let run = self.run(&prepared.parsed, prepared.query.as_ref(), parameters, &interrupt);
                let result = Box::pin(run).await;
                if let (Ok(Execution::Done(_) | Execution::Empty), Ok(portal)) =
                    (&result, self.statements.portal_mut(name))
                {
                    portal.state = PortalState::Done;
                }
                result.map_err(|error| shifted(error, prepared.parsed.position_offset))
            }
            PortalState::Running | PortalState::Done => {
                if let Ok(portal) = self.statements.portal_mut(name) {
                    portal.state = PortalState::Done;
                    if portal.columns.is_some() {
                        return Ok(Execution::Done(String::from("SELECT 0")));
                    }
                }
                Err(SqlError::new(Code::ObjectNotInPrerequisiteState, format!("portal \"{name}\" cannot be run")))
            }
        }
    }

    /// A portal goes on: same token, new time limit.
    pub(super) fn resume(&mut self, rows: &RowStream) -> Arc<Interrupt> {
        let now_us = self.shared.clock.now_us();
        let timeout = self.settings.timeout("statement_timeout");
        let interrupt = Arc::new(Interrupt::resumed(rows.interrupt().token().clone(), timeout));
        self.entry.active(None, Arc::clone(&interrupt), now_us);
        interrupt
    }

    /// The row limit was reached: the portal keeps the rest.
    pub fn suspend(&mut self, name: &str, rows: Box<RowStream>) {
        self.take_control(&rows);
        self.entry.done();
        if let Ok(portal) = self.statements.portal_mut(name) {
            portal.state = match rows.is_cursor() {
                true => rows.into_cursor().map_or(PortalState::Done, |(_, cursor)| PortalState::Cursor(cursor)),
                false => PortalState::Suspended(rows),
            };
        }
    }

    /// All rows of a portal were sent.
    pub fn finish_portal(&mut self, name: &str, rows: RowStream) {
        if rows.is_cursor() {
            return self.finish(rows);
        }
        if let Ok(portal) = self.statements.portal_mut(name) {
            portal.state = PortalState::Done;
        }
        self.finish(rows);
    }

    /// Everything that the plan of a statement depends on.
    pub(super) fn context(&mut self, interrupt: &Interrupt) -> StatementContext {
        let now_us = self.transaction.ensure_started(&mut self.settings, self.shared.clock.now_us());
        self.transaction.note_query();
        self.data.refresh(self.keeps_moment());
        StatementContext {
            query_id: QueryId(random_uuid(self.shared.random.as_ref())),
            settings: FragmentSettings {
                time_zone: self.settings.zone().engine_name(),
                date_style: self.settings.get("DateStyle").to_owned(),
                interval_style: self.settings.get("IntervalStyle").to_owned(),
                now_us,
                current_user: self.user.clone(),
                current_database: self.database.clone(),
            },
            roles: self.roles.clone(),
            search_path: self.searched_schemas(),
            relations: self.relations(),
            missing_nodes: self.settings.missing_nodes(),
            pruning: self.settings.is_on("armorlake.pruning"),
            node_timeout: self.settings.timeout("armorlake.node_timeout").unwrap_or_default(),
            deadline: interrupt.remaining(),
            cancel: interrupt.token().clone(),
            last_coverage: self.last_coverage.clone(),
            backend_pid: self.entry.key().pid,
            shown_settings: self.facts.of(&self.settings),
            control: Some(self.new_control()),
        }
    }
}

/// Moves an error's place from the statement's text to the whole text.
pub(super) fn shifted(mut error: SqlError, offset: i64) -> SqlError {
    let moved = |position: u32| u32::try_from((i64::from(position) + offset).max(1)).unwrap_or(u32::MAX);
    error.position = error.position.map(moved);
    error
}
