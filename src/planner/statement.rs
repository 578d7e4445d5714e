//! A statement of a client in our own words; `planner::parse` makes it, `session` carries it out.

/// One statement of a text that may hold several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedStatement {
    /// What it asks for.
    pub statement: Statement,
    /// The text of this one statement.
    pub sql: String,
    /// Characters of the whole text that stand before `sql`; added to the position of its errors.
    pub position_offset: u32,
}

/// What a statement asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// Nothing: blanks and comments.
    Empty,
    /// SELECT, VALUES, TABLE, WITH.
    Query,
    /// EXPLAIN of a query.
    Explain {
        /// Run it too.
        analyze: bool,
        /// More facts per step.
        verbose: bool,
        /// How the plan is shown.
        format: ExplainFormat,
        /// The query.
        inner: InnerQuery,
    },
    /// SET of one setting.
    Set {
        /// The setting, in lower case.
        name: String,
        /// Its new value.
        value: SetValue,
        /// How long it lasts.
        scope: SetScope,
    },
    /// SET TRANSACTION.
    SetTransaction(TransactionModes),
    /// SET SESSION CHARACTERISTICS AS TRANSACTION.
    SetCharacteristics(TransactionModes),
    /// SET SESSION AUTHORIZATION and SET ROLE; none stands for DEFAULT and NONE.
    SetUser {
        /// What the client is told on success.
        tag: &'static str,
        /// The wanted role.
        role: Option<String>,
    },
    /// SHOW of one setting.
    Show(String),
    /// SHOW ALL.
    ShowAll,
    /// RESET of one setting.
    Reset(String),
    /// RESET ALL.
    ResetAll,
    /// BEGIN and START TRANSACTION.
    Begin {
        /// What the client is told on success.
        tag: &'static str,
        /// Isolation and access.
        modes: TransactionModes,
    },
    /// COMMIT and END.
    Commit(AfterEnd),
    /// ROLLBACK and ABORT.
    Rollback(AfterEnd),
    /// SAVEPOINT.
    Savepoint(String),
    /// RELEASE SAVEPOINT.
    Release(String),
    /// ROLLBACK TO SAVEPOINT.
    RollbackTo(String),
    /// DISCARD.
    Discard(DiscardTarget),
    /// PREPARE.
    Prepare {
        /// The prepared statement's name.
        name: String,
        /// The declared parameter types as written.
        types: Vec<String>,
        /// What it prepares.
        inner: InnerQuery,
    },
    /// EXECUTE.
    Execute {
        /// The prepared statement's name.
        name: String,
        /// The arguments as written.
        arguments: Vec<String>,
    },
    /// DEALLOCATE; none stands for ALL.
    Deallocate(Option<String>),
    /// DECLARE CURSOR.
    Declare {
        /// The cursor's name.
        name: String,
        /// What it promises.
        options: CursorOptions,
        /// Its query.
        inner: InnerQuery,
    },
    /// FETCH and MOVE.
    Fetch {
        /// The cursor's name.
        name: String,
        /// How many rows.
        count: FetchCount,
        /// Whether the rows are wanted.
        rows: FetchRows,
    },
    /// CLOSE; none stands for ALL.
    Close(Option<String>),
    /// UNLISTEN.
    Unlisten,
    /// A PostgreSQL statement that this node does not have.
    Unsupported {
        /// The command's name, such as `CREATE TABLE`.
        tag: String,
    },
}

/// A query inside another statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InnerQuery {
    /// Its text.
    pub sql: String,
    /// Characters of the whole text that stand before it.
    pub position_offset: u32,
}

/// How EXPLAIN shows a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainFormat {
    /// Lines of text.
    Text,
    /// One JSON document.
    Json,
}

/// The right side of SET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetValue {
    /// Back to the value at login.
    Default,
    /// One value, or several for settings that are lists.
    Values(Vec<String>),
}

/// How long a SET lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetScope {
    /// To the end of the session.
    Session,
    /// To the end of the transaction.
    Local,
}

/// Isolation and access of a transaction, as far as stated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionModes {
    /// The isolation level in lower case.
    pub isolation: Option<&'static str>,
    /// `on` for READ ONLY, `off` for READ WRITE.
    pub read_only: Option<&'static str>,
    /// `on` for DEFERRABLE, `off` for NOT DEFERRABLE.
    pub deferrable: Option<&'static str>,
}

/// What follows the end of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterEnd {
    /// Nothing.
    Nothing,
    /// A new transaction like the old one (AND CHAIN).
    Chain,
}

/// What DISCARD throws away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscardTarget {
    /// Everything of the session.
    All,
    /// Plans, sequences or temporary tables; none are kept. Holds the tag.
    Nothing(&'static str),
}

/// What a cursor promises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CursorOptions {
    /// It outlives its transaction.
    pub hold: bool,
    /// It can go back.
    pub scroll: bool,
    /// Its rows are sent as binary.
    pub binary: bool,
}

/// How many rows FETCH and MOVE take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchCount {
    /// At most so many.
    Forward(u64),
    /// All that are left.
    All,
    /// A direction that forward-only cursors do not have.
    Backward,
}

/// Whether FETCH sends the rows that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchRows {
    /// FETCH.
    Send,
    /// MOVE.
    Skip,
}
