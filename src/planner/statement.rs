//! A statement of a client in our own words; `planner::parse` makes it, `session` carries it out.

use super::definition::Definition;

/// One statement of a text that may hold several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedStatement {
    /// What it asks for.
    pub statement: Statement,
    /// The text of this one statement.
    pub sql: String,
    /// Characters of the whole text that stand before `sql`; added to the position of its errors.
    pub position_offset: i64,
}

/// What a statement asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// Nothing: blanks and comments.
    Empty,
    /// SELECT, VALUES, TABLE, WITH.
    Query,
    /// EXPLAIN.
    Explain {
        /// What is wanted.
        options: ExplainOptions,
        /// What is explained.
        what: Explained,
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
        /// The declared parameter types as written, with their places.
        types: Vec<InnerQuery>,
        /// What it prepares.
        inner: InnerQuery,
    },
    /// EXECUTE.
    Execute {
        /// The prepared statement's name.
        name: String,
        /// The arguments as written, with their places.
        arguments: Vec<InnerQuery>,
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
    /// COPY ... TO STDOUT.
    Copy {
        /// Where the rows come from.
        source: CopySource,
        /// How they are written.
        options: CopyOptions,
    },
    /// COPY ... FROM STDIN.
    CopyFrom(Box<CopyInto>),
    /// LISTEN.
    Listen(String),
    /// UNLISTEN; none stands for all channels.
    Unlisten(Option<String>),
    /// NOTIFY.
    Notify {
        /// The channel.
        channel: String,
        /// What its listeners are told besides.
        payload: String,
    },
    /// ALTER ROLE ... SET and ALTER DATABASE ... SET: values that new sessions start with.
    AlterSettings {
        /// What the client is told on success.
        tag: &'static str,
        /// Whose sessions.
        scope: StoredScope,
        /// What becomes of the setting.
        change: StoredChange,
    },
    /// INSERT, UPDATE and DELETE; the word tells which.
    Change(&'static str),
    /// TRUNCATE.
    Truncate {
        /// The tables' names: schema, if one is written, and name.
        tables: Vec<(Option<String>, String)>,
        /// Sequences of the tables' columns begin again.
        restart_identity: bool,
        /// Tables that refer to these are emptied as well.
        cascade: bool,
    },
    /// CREATE, ALTER, DROP, COMMENT ON and what is like them.
    Define(Box<Definition>),
    /// A PostgreSQL statement that this node does not have.
    Unsupported {
        /// The command's name, such as `CREATE TABLE`.
        tag: String,
    },
}

/// A query inside another statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InnerQuery {
    /// Its text.
    pub sql: String,
    /// Characters of the whole text that stand before it.
    pub position_offset: i64,
}

/// Where COPY takes its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySource {
    /// The query that gives them.
    pub inner: InnerQuery,
    /// The table's name as written, when a table and no query was named.
    pub table: Option<String>,
}

/// Where COPY puts the rows that a client sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyInto {
    /// The table's schema, if one is written.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The columns that values are given for; empty for all that take any.
    pub columns: Vec<String>,
    /// How the rows are written.
    pub options: CopyOptions,
    /// Which rows are taken.
    pub condition: Option<InnerQuery>,
}

/// How COPY writes and reads rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOptions {
    /// The form of a row.
    pub format: CopyFormat,
    /// Whether the columns' names come first.
    pub header: CopyHeader,
}

/// The line of names before the rows of a COPY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyHeader {
    /// There is none.
    None,
    /// It is written; what it says is passed over when it is read.
    Names,
    /// It must name the columns that are read.
    Match,
}

/// The form of a row in COPY's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyFormat {
    /// Lines with backslash escapes.
    Text {
        /// What stands between columns.
        delimiter: u8,
        /// What stands for NULL.
        null: String,
    },
    /// Lines with quotes where they are needed.
    Csv {
        /// What stands between columns.
        delimiter: u8,
        /// What stands for NULL.
        null: String,
        /// What stands around values.
        quote: u8,
        /// What stands before a quote inside a value.
        escape: u8,
        /// Values that are quoted whether they need it or not.
        force_quote: ForceQuote,
        /// Columns in which nothing that is read stands for NULL.
        force_not_null: Vec<String>,
        /// Columns in which a quoted text may stand for NULL, too.
        force_null: Vec<String>,
    },
    /// PostgreSQL's binary form.
    Binary,
}

/// Columns whose values are always quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForceQuote {
    /// Every column.
    All,
    /// These.
    Columns(Vec<String>),
}

/// Whose sessions start with a stored setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredScope {
    /// The role; none stands for all.
    pub role: StoredRole,
    /// The database; none stands for all.
    pub database: Option<String>,
}

/// The role in ALTER ROLE ... SET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredRole {
    /// ALL, or no role named.
    All,
    /// CURRENT_USER and the like.
    Current,
    /// This one.
    Named(String),
}

/// What becomes of a stored setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredChange {
    /// SET name TO value.
    Set {
        /// The setting, in lower case.
        name: String,
        /// Its value.
        value: SetValue,
    },
    /// SET name FROM CURRENT.
    FromCurrent(String),
    /// RESET name.
    Reset(String),
    /// RESET ALL.
    ResetAll,
}

/// How EXPLAIN shows a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainFormat {
    /// Lines of text.
    Text,
    /// One JSON document.
    Json,
    /// One XML document.
    Xml,
    /// One YAML document.
    Yaml,
}

/// What EXPLAIN is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExplainOptions {
    /// Run the query too.
    pub analyze: bool,
    /// Tell more of each step.
    pub verbose: bool,
    /// Tell the time of each step.
    pub timing: bool,
    /// Tell the time of planning and running.
    pub summary: bool,
    /// Tell the settings that differ from their defaults.
    pub settings: bool,
    /// The form of the answer.
    pub format: ExplainFormat,
}

/// What EXPLAIN explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explained {
    /// A query.
    Query(InnerQuery),
    /// A prepared statement.
    Execute {
        /// Its name.
        name: String,
        /// The arguments as written, with their places.
        arguments: Vec<InnerQuery>,
    },
}

/// The right side of SET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetValue {
    /// Back to the value at login.
    Default,
    /// One value, or several for settings that are lists.
    Values(Vec<String>),
    /// The whole value as one text, as `set_config` and a client's start-up have it.
    Text(String),
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

/// Whether a cursor can go back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scroll {
    /// SCROLL: yes.
    Yes,
    /// NO SCROLL: never.
    No,
    /// Nothing was said: as far as it costs nothing, which is never here.
    #[default]
    Unsaid,
}

/// What a cursor promises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CursorOptions {
    /// It outlives its transaction.
    pub hold: bool,
    /// It can go back.
    pub scroll: Scroll,
    /// Its rows are sent as binary.
    pub binary: bool,
}

/// Where FETCH and MOVE go, and how many rows they take; no count stands for ALL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchCount {
    /// So many rows further on.
    Forward(Option<u64>),
    /// So many rows back, the nearest first.
    Backward(Option<u64>),
    /// The row with this number, from the end when it is negative.
    Absolute(i64),
    /// The row so far away from the present one.
    Relative(i64),
}

/// Whether FETCH sends the rows that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchRows {
    /// FETCH.
    Send,
    /// MOVE.
    Skip,
}
