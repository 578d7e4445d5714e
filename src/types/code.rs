//! What kind of thing went wrong, as PostgreSQL's five-character SQLSTATE codes.
//!
//! Every room's error has a `code()`; `pg` sends it to clients, `mesh` carries it between nodes.
//! Source of the codes: PostgreSQL documentation, appendix A.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $state:literal,)*) => {
        /// The kind of an error; [`Code::sqlstate`] is what a client sees.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// The five-character SQLSTATE of this kind.
            pub fn sqlstate(self) -> &'static str {
                match self { $(Self::$name => $state,)* }
            }

            /// The kind that has this SQLSTATE; [`Code::Internal`] for one that we never send.
            pub fn from_sqlstate(state: &str) -> Self {
                match state { $($state => Self::$name,)* _ => Self::Internal }
            }
        }
    };
}

codes! {
    /// The connection broke.
    ConnectionFailure = "08006",
    /// A message broke the PostgreSQL protocol.
    ProtocolViolation = "08P01",
    /// A known PostgreSQL feature that this node does not have.
    FeatureNotSupported = "0A000",
    /// A subquery that must give one row gave several.
    CardinalityViolation = "21000",
    /// A text, number or array is out of the range of its type.
    NumericValueOutOfRange = "22003",
    /// NULL where a function needs a value.
    NullValueNotAllowed = "22004",
    /// A text that is no date or time.
    InvalidDatetimeFormat = "22007",
    /// An instant that does not exist or does not fit.
    DatetimeFieldOverflow = "22008",
    /// A part of a text that cannot be.
    SubstringError = "22011",
    /// Division by zero.
    DivisionByZero = "22012",
    /// An escape of more than one character.
    InvalidEscapeCharacter = "22019",
    /// A pattern that ends in its escape character.
    InvalidEscapeSequence = "22025",
    /// A regular expression that cannot be read.
    InvalidRegularExpression = "2201B",
    /// Bounds or a count that width_bucket cannot use.
    InvalidArgumentForWidthBucket = "2201G",
    /// A subscript that does not exist.
    ArraySubscriptError = "2202E",
    /// A path over JSON that does not fit the value.
    SqlJsonError = "22033",
    /// A parameter of a setting or function has no meaning.
    InvalidParameterValue = "22023",
    /// A text that cannot be read as the wanted type.
    InvalidTextRepresentation = "22P02",
    /// A binary value that cannot be read as the wanted type.
    InvalidBinaryRepresentation = "22P03",
    /// A character that a text cannot hold.
    UntranslatableCharacter = "22P05",
    /// Bytes that are no valid text in the client's encoding.
    CharacterNotInRepertoire = "22021",
    /// A statement that is not allowed while a transaction is open.
    ActiveSqlTransaction = "25001",
    /// A write inside a read-only transaction.
    ReadOnlySqlTransaction = "25006",
    /// COMMIT and the like without a transaction.
    NoActiveSqlTransaction = "25P01",
    /// Statements are refused until the failed transaction ends.
    InFailedSqlTransaction = "25P02",
    /// The client was idle too long inside a transaction.
    IdleInTransactionTimeout = "25P03",
    /// An unknown prepared statement.
    InvalidSqlStatementName = "26000",
    /// The role may not log in, or is not known.
    InvalidAuthorization = "28000",
    /// Wrong password.
    InvalidPassword = "28P01",
    /// An unknown portal or cursor.
    InvalidCursorName = "34000",
    /// An unknown database.
    InvalidCatalogName = "3D000",
    /// An unknown savepoint.
    InvalidSavepoint = "3B001",
    /// An unknown schema.
    InvalidSchemaName = "3F000",
    /// The role may not do that.
    InsufficientPrivilege = "42501",
    /// A statement that does not parse.
    SyntaxError = "42601",
    /// A name that could mean several columns.
    AmbiguousColumn = "42702",
    /// An unknown column.
    UndefinedColumn = "42703",
    /// An unknown setting or type.
    UndefinedObject = "42704",
    /// A column that is neither grouped nor aggregated.
    GroupingError = "42803",
    /// Types that do not fit together.
    DatatypeMismatch = "42804",
    /// An unknown function or operator.
    UndefinedFunction = "42883",
    /// An unknown table or view.
    UndefinedTable = "42P01",
    /// An unknown parameter number.
    UndefinedParameter = "42P02",
    /// A cursor or portal with that name exists.
    DuplicateCursor = "42P03",
    /// A prepared statement with that name exists.
    DuplicatePreparedStatement = "42P05",
    /// A parameter whose type cannot be found out.
    IndeterminateDatatype = "42P18",
    /// Memory or another bounded store is used up.
    OutOfMemory = "53200",
    /// The disk is full.
    DiskFull = "53100",
    /// No connection slot is free.
    TooManyConnections = "53300",
    /// A statement is larger or deeper than allowed.
    StatementTooComplex = "54001",
    /// A value that is larger than allowed.
    ProgramLimitExceeded = "54000",
    /// A setting that nobody may change, or not now.
    CantChangeRuntimeParam = "55P02",
    /// A lock could not be had in time.
    LockNotAvailable = "55P03",
    /// The statement ran out of time or was cancelled.
    QueryCanceled = "57014",
    /// The node is stopping.
    AdminShutdown = "57P01",
    /// The node is not ready yet.
    CannotConnectNow = "57P03",
    /// The client was idle too long.
    IdleSessionTimeout = "57P05",
    /// A peer, file or feed could not be reached.
    Unavailable = "58000",
    /// A file could not be read or written.
    IoError = "58030",
    /// Stored bytes are damaged.
    DataCorrupted = "XX001",
    /// A mistake of ours.
    Internal = "XX000",
}

impl std::fmt::Display for Code {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.sqlstate())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn a_code_survives_its_sqlstate() {
        for code in [Code::SyntaxError, Code::QueryCanceled, Code::Internal] {
            assert_eq!(Code::from_sqlstate(code.sqlstate()), code);
        }
        assert_eq!(Code::from_sqlstate("no such state"), Code::Internal);
    }
}
