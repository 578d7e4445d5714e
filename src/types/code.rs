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
    /// No error: what a notice tells.
    SuccessfulCompletion = "00000",
    /// A transaction that came too late.
    SerializationFailure = "40001",
    /// A value for a generated column.
    GeneratedAlways = "428C9",
    /// A constraint is broken.
    IntegrityConstraintViolation = "23000",
    /// More than one row where one is wanted.
    CardinalityViolation = "21000",
    /// The connection broke.
    ConnectionFailure = "08006",
    /// A message broke the PostgreSQL protocol.
    ProtocolViolation = "08P01",
    /// A known PostgreSQL feature that this node does not have.
    FeatureNotSupported = "0A000",
    /// A text, number or array is out of the range of its type.
    NumericValueOutOfRange = "22003",
    /// A text that is no date, time or instant.
    InvalidDatetimeFormat = "22007",
    /// A part of a text that cannot be cut out.
    SubstringError = "22011",
    /// An instant that does not exist or does not fit.
    DatetimeFieldOverflow = "22008",
    /// `ntile` of less than one part.
    InvalidNtileArgument = "22014",
    /// `nth_value` of a row before the first.
    InvalidNthValueArgument = "22016",
    /// A NULL where a value must be.
    NullValueNotAllowed = "22004",
    /// Division by zero.
    DivisionByZero = "22012",
    /// A negative OFFSET.
    InvalidRowCountInOffset = "2201X",
    /// A negative LIMIT.
    InvalidRowCountInLimit = "2201W",
    /// A regular expression that cannot be read.
    InvalidRegularExpression = "2201B",
    /// Buckets that do not exist.
    InvalidWidthBucketArgument = "2201G",
    /// A power or root that does not exist.
    InvalidPowerArgument = "2201F",
    /// A logarithm that does not exist.
    InvalidLogarithmArgument = "2201E",
    /// An escape of more than one character.
    InvalidEscapeCharacter = "22019",
    /// A pattern that ends in its escape character.
    InvalidEscapeSequence = "22025",
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
    /// Data of a COPY that is not in its form.
    BadCopyFileFormat = "22P04",
    /// A character that a text cannot hold.
    UntranslatableCharacter = "22P05",
    /// Bytes that are no valid text in the client's encoding.
    CharacterNotInRepertoire = "22021",
    /// A NULL in a column that must have a value.
    NotNullViolation = "23502",
    /// A reference to a row that does not exist, or a row that others refer to.
    ForeignKeyViolation = "23503",
    /// A value that another row has already.
    UniqueViolation = "23505",
    /// A row that its CHECK does not allow.
    CheckViolation = "23514",
    /// A sequence has no more values.
    SequenceLimitExceeded = "2200H",
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
    /// A column that is named twice.
    DuplicateColumn = "42701",
    /// A name that could mean several columns.
    AmbiguousColumn = "42702",
    /// A call that could mean several functions or operators.
    AmbiguousFunction = "42725",
    /// An unknown column.
    UndefinedColumn = "42703",
    /// An object of another kind than the command needs.
    WrongObjectType = "42809",
    /// An unknown setting or type.
    UndefinedObject = "42704",
    /// A column that is neither grouped nor aggregated.
    GroupingError = "42803",
    /// Types that do not fit together.
    DatatypeMismatch = "42804",
    /// A type that cannot be cast to another.
    CannotCoerce = "42846",
    /// A parameter that would have to be of two types.
    AmbiguousParameter = "42P08",
    /// An unknown function or operator.
    UndefinedFunction = "42883",
    /// An unknown table or view.
    UndefinedTable = "42P01",
    /// An unknown parameter number.
    UndefinedParameter = "42P02",
    /// A table or alias that is named twice.
    DuplicateAlias = "42712",
    /// A cursor that promises what excludes itself.
    InvalidCursorDefinition = "42P11",
    /// A cursor or portal with that name exists.
    DuplicateCursor = "42P03",
    /// A prepared statement with that name exists.
    DuplicatePreparedStatement = "42P05",
    /// A column that the clause cannot mean.
    InvalidColumnReference = "42P10",
    /// A parameter whose type cannot be found out.
    IndeterminateDatatype = "42P18",
    /// A recursive query that does not begin without itself.
    InvalidRecursion = "42P19",
    /// A definition that makes no sense, such as a view of itself.
    InvalidObjectDefinition = "42P17",
    /// A schema that exists.
    DuplicateSchema = "42P06",
    /// A database that exists.
    DuplicateDatabase = "42P04",
    /// A relation that exists.
    DuplicateTable = "42P07",
    /// A type, constraint, label or another object that exists.
    DuplicateObject = "42710",
    /// A table definition that makes no sense.
    InvalidTableDefinition = "42P16",
    /// A foreign key whose other side is not unique.
    InvalidForeignKey = "42830",
    /// A schema definition that makes no sense.
    InvalidSchemaDefinition = "42P15",
    /// A name that is kept for the system.
    ReservedName = "42939",
    /// Something else needs the object.
    DependentObjectsStillExist = "2BP01",
    /// An object that is in use.
    ObjectInUse = "55006",
    /// A type that cannot be meant here.
    InvalidParameterType = "42P13",
    /// A text that is longer than its column.
    StringDataRightTruncation = "22001",
    /// More columns than a table can have.
    TooManyColumns = "54011",
    /// A text that is no name.
    InvalidName = "42602",
    /// A window function where none can be.
    WindowingError = "42P20",
    /// Memory or another bounded store is used up.
    OutOfMemory = "53200",
    /// The disk is full.
    DiskFull = "53100",
    /// No connection slot is free.
    TooManyConnections = "53300",
    /// A bound that is no setting, such as the size of a queue.
    ProgramLimitExceeded = "54000",
    /// A statement is larger or deeper than allowed.
    StatementTooComplex = "54001",
    /// An object that is in no state for the command.
    ObjectNotInPrerequisiteState = "55000",
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
