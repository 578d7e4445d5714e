//! One contract from disk to wire: which Arrow type carries which PostgreSQL type.
//!
//! A field whose Arrow type alone does not tell the SQL type (uuid, jsonb, inet, oid, name, ...)
//! carries it in its metadata under [`SQL_TYPE_KEY`]. Object ids: PostgreSQL's `pg_type.dat`.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit};

/// The key of the field metadata that names the SQL type.
pub const SQL_TYPE_KEY: &str = "armorlake.sql_type";
/// The key of the field metadata that holds PostgreSQL's type modifier, such as the length of a varchar.
pub const TYPE_MODIFIER_KEY: &str = "armorlake.type_modifier";
/// The key of the field metadata that holds the object id of a user's type, such as an enum.
pub const USER_TYPE_KEY: &str = "armorlake.user_type";
/// What precision and scale, and lengths, are counted from in a type modifier.
const MODIFIER_OFFSET: i32 = 4;

macro_rules! sql_types {
    ($($(#[$doc:meta])* $name:ident = $spelling:literal, $oid:literal, $array_oid:literal, $length:literal;)*) => {
        /// The SQL types that a column can have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SqlType { $($(#[$doc])* $name,)* }

        impl SqlType {
            /// All types, in a fixed order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// PostgreSQL's short name, such as `timestamptz` or `int4`; `_text` for `text[]`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $spelling,)* }
            }

            /// The object id in pg_type.
            pub fn oid(self) -> u32 {
                match self { $(Self::$name => $oid,)* }
            }

            /// The object id of the array of this type; 0 where there is none.
            pub fn array_oid(self) -> u32 {
                match self { $(Self::$name => $array_oid,)* }
            }

            /// Bytes of a binary value; -1 for types of no fixed length.
            pub fn length(self) -> i16 {
                match self { $(Self::$name => $length,)* }
            }

            /// The type with this short name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($spelling => Some(Self::$name),)* _ => None }
            }

            /// The type with this object id.
            pub fn from_oid(oid: u32) -> Option<Self> {
                match oid { $($oid => Some(Self::$name),)* _ => None }
            }
        }
    };
}

sql_types! {
    /// Truth value.
    Bool = "bool", 16, 1000, 1;
    /// Bytes.
    Bytea = "bytea", 17, 1001, -1;
    /// PostgreSQL's single-byte type `"char"`.
    Char = "char", 18, 1002, 1;
    /// A name of an object.
    Name = "name", 19, 1003, 64;
    /// 64-bit integer.
    Int8 = "int8", 20, 1016, 8;
    /// 16-bit integer.
    Int2 = "int2", 21, 1005, 2;
    /// 32-bit integer.
    Int4 = "int4", 23, 1007, 4;
    /// Text.
    Text = "text", 25, 1009, -1;
    /// Object id.
    Oid = "oid", 26, 1028, 4;
    /// JSON kept as text.
    Json = "json", 114, 199, -1;
    /// 32-bit float.
    Float4 = "float4", 700, 1021, 4;
    /// 64-bit float.
    Float8 = "float8", 701, 1022, 8;
    /// A literal of no known type.
    Unknown = "unknown", 705, 0, -2;
    /// Host address with prefix length.
    Inet = "inet", 869, 1041, -1;
    /// Text with a bound.
    Varchar = "varchar", 1043, 1015, -1;
    /// Text filled with blanks.
    Bpchar = "bpchar", 1042, 1014, -1;
    /// Day.
    Date = "date", 1082, 1182, 4;
    /// Time of day.
    Time = "time", 1083, 1183, 8;
    /// Instant without zone.
    Timestamp = "timestamp", 1114, 1115, 8;
    /// Instant.
    Timestamptz = "timestamptz", 1184, 1185, 8;
    /// Span of months, days and microseconds.
    Interval = "interval", 1186, 1187, 16;
    /// Exact decimal.
    Numeric = "numeric", 1700, 1231, -1;
    /// Universally unique id.
    Uuid = "uuid", 2950, 2951, 16;
    /// JSON, compared by value.
    Jsonb = "jsonb", 3802, 3807, -1;
    /// Relation by name, shown as text.
    Regclass = "regclass", 2205, 2210, 4;
    /// Type by name, shown as text.
    Regtype = "regtype", 2206, 2211, 4;
    /// Function by name.
    Regproc = "regproc", 24, 1008, 4;
    /// Function by name and arguments.
    Regprocedure = "regprocedure", 2202, 2207, 4;
    /// Operator by name.
    Regoper = "regoper", 2203, 2208, 4;
    /// Operator by name and operands.
    Regoperator = "regoperator", 2204, 2209, 4;
    /// Text search configuration by name.
    Regconfig = "regconfig", 3734, 3735, 4;
    /// Text search dictionary by name.
    Regdictionary = "regdictionary", 3769, 3770, 4;
    /// Schema by name.
    Regnamespace = "regnamespace", 4089, 4090, 4;
    /// Role by name.
    Regrole = "regrole", 4096, 4097, 4;
    /// Collation by name.
    Regcollation = "regcollation", 4191, 4192, 4;
    /// Number of a transaction.
    Xid = "xid", 28, 1011, 4;
    /// Number of a command in its transaction.
    Cid = "cid", 29, 1012, 4;
    /// Place of a row: block and number.
    Tid = "tid", 27, 1010, 6;
    /// Place in the write-ahead log.
    PgLsn = "pg_lsn", 3220, 3221, 8;
    /// Expression as a system table keeps it.
    NodeTree = "pg_node_tree", 194, 0, -1;
    /// Privileges given to one role by another.
    Aclitem = "aclitem", 1033, 1034, 12;
    /// Array of privileges.
    AclitemArray = "_aclitem", 1034, 0, -1;
    /// Array of `"char"`.
    CharArray = "_char", 1002, 0, -1;
    /// Array of object ids of types.
    RegtypeArray = "_regtype", 2211, 0, -1;
    /// Array of 32-bit floats.
    Float4Array = "_float4", 1021, 0, -1;
    /// Array of any one type (system tables only).
    AnyArray = "anyarray", 2277, 0, -1;
    /// Vector of object ids (system tables only).
    OidVector = "oidvector", 30, 1013, -1;
    /// No value.
    Void = "void", 2278, 0, 4;
    /// Array of texts.
    TextArray = "_text", 1009, 0, -1;
    /// Array of 64-bit integers.
    Int8Array = "_int8", 1016, 0, -1;
    /// Array of 32-bit integers.
    Int4Array = "_int4", 1007, 0, -1;
    /// Array of 16-bit integers.
    Int2Array = "_int2", 1005, 0, -1;
    /// Array of 64-bit floats.
    Float8Array = "_float8", 1022, 0, -1;
    /// Array of truth values.
    BoolArray = "_bool", 1000, 0, -1;
    /// Array of names.
    NameArray = "_name", 1003, 0, -1;
    /// Array of object ids.
    OidArray = "_oid", 1028, 0, -1;
    /// Vector of 16-bit integers (system tables only).
    Int2Vector = "int2vector", 22, 1006, -1;
    /// Network address with its prefix length.
    Cidr = "cidr", 650, 651, -1;
    /// Row of values of any types.
    Record = "record", 2249, 2287, -1;
    /// Array of exact decimals.
    NumericArray = "_numeric", 1231, 0, -1;
    /// Array of byte strings.
    ByteaArray = "_bytea", 1001, 0, -1;
    /// Array of texts with a bound.
    VarcharArray = "_varchar", 1015, 0, -1;
    /// Array of texts filled with blanks.
    BpcharArray = "_bpchar", 1014, 0, -1;
    /// Array of days.
    DateArray = "_date", 1182, 0, -1;
    /// Array of times of day.
    TimeArray = "_time", 1183, 0, -1;
    /// Array of instants without zone.
    TimestampArray = "_timestamp", 1115, 0, -1;
    /// Array of instants.
    TimestamptzArray = "_timestamptz", 1185, 0, -1;
    /// Array of spans.
    IntervalArray = "_interval", 1187, 0, -1;
    /// Array of universally unique ids.
    UuidArray = "_uuid", 2951, 0, -1;
    /// Array of JSON texts.
    JsonArray = "_json", 199, 0, -1;
    /// Array of JSON values.
    JsonbArray = "_jsonb", 3807, 0, -1;
    /// Array of host addresses.
    InetArray = "_inet", 1041, 0, -1;
    /// Array of network addresses.
    CidrArray = "_cidr", 651, 0, -1;
}

impl serde::Serialize for SqlType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> serde::Deserialize<'de> for SqlType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| serde::de::Error::custom(format!("no type \"{name}\"")))
    }
}

impl SqlType {
    /// Values are object ids that are shown as names, such as `regclass`.
    ///
    /// Such a column travels as an integer with this type in its metadata, so that it can be joined with
    /// and compared; the planner puts the name in its place where a client sees it.
    pub fn is_registry(self) -> bool {
        matches!(
            self,
            Self::Regclass
                | Self::Regtype
                | Self::Regproc
                | Self::Regprocedure
                | Self::Regoper
                | Self::Regoperator
                | Self::Regconfig
                | Self::Regdictionary
                | Self::Regnamespace
                | Self::Regrole
                | Self::Regcollation
        )
    }

    /// The Arrow type that carries this SQL type in memory, on disk and in the mesh.
    pub fn arrow(self) -> DataType {
        let list = |item: Self| DataType::List(Arc::new(Field::new("item", item.arrow(), true)));
        match self {
            Self::Bool => DataType::Boolean,
            Self::Bytea => DataType::Binary,
            Self::Int2 => DataType::Int16,
            Self::Int4 | Self::Oid | Self::Xid | Self::Cid => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Float4 => DataType::Float32,
            Self::Float8 => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::Numeric => DataType::Decimal128(38, 10),
            Self::Uuid => DataType::FixedSizeBinary(16),
            Self::TextArray | Self::NameArray => list(Self::Text),
            Self::AclitemArray | Self::CharArray | Self::AnyArray => list(Self::Text),
            Self::RegtypeArray | Self::OidVector => list(Self::Int4),
            Self::Float4Array => list(Self::Float4),
            Self::Int8Array => list(Self::Int8),
            Self::Int4Array | Self::OidArray => list(Self::Int4),
            Self::Int2Array | Self::Int2Vector => list(Self::Int2),
            Self::NumericArray => list(Self::Numeric),
            Self::ByteaArray => list(Self::Bytea),
            Self::DateArray => list(Self::Date),
            Self::TimeArray => list(Self::Time),
            Self::TimestampArray => list(Self::Timestamp),
            Self::TimestamptzArray => list(Self::Timestamptz),
            Self::IntervalArray => list(Self::Interval),
            Self::UuidArray => list(Self::Uuid),
            Self::VarcharArray
            | Self::BpcharArray
            | Self::JsonArray
            | Self::JsonbArray
            | Self::InetArray
            | Self::CidrArray => list(Self::Text),
            Self::Record => DataType::Struct(Fields::empty()),
            Self::Float8Array => list(Self::Float8),
            Self::BoolArray => list(Self::Bool),
            Self::Unknown | Self::Void => DataType::Null,
            Self::Char
            | Self::Name
            | Self::Text
            | Self::Json
            | Self::Jsonb
            | Self::Inet
            | Self::Cidr
            | Self::Varchar
            | Self::Bpchar
            | Self::Regclass
            | Self::Regtype
            | Self::Regproc
            | Self::Regprocedure
            | Self::Regoper
            | Self::Regoperator
            | Self::Regconfig
            | Self::Regdictionary
            | Self::Regnamespace
            | Self::Regrole
            | Self::Regcollation
            | Self::Tid
            | Self::PgLsn
            | Self::NodeTree
            | Self::Aclitem => DataType::Utf8,
        }
    }

    /// The type of the items of this array type.
    pub fn item(self) -> Option<Self> {
        match self {
            Self::OidVector => Some(Self::Oid),
            Self::Int2Vector => Some(Self::Int2),
            _ => Self::from_name(self.name().strip_prefix('_')?),
        }
    }

    /// The type of arrays of this type.
    pub fn array(self) -> Option<Self> {
        Self::from_name(&format!("_{}", self.name()))
    }

    /// Whether it is a number of any kind.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Int2 | Self::Int4 | Self::Int8 | Self::Float4 | Self::Float8 | Self::Numeric)
    }

    /// Whether it is a text of any kind, not counting those that are checked.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Varchar | Self::Bpchar | Self::Name | Self::Char | Self::Unknown)
    }

    /// The type as error messages name it, such as `timestamp with time zone`.
    pub fn spelling(self) -> String {
        let name = match self {
            Self::Bool => "boolean",
            Self::Char => "\"char\"",
            Self::Int2 => "smallint",
            Self::Int4 => "integer",
            Self::Int8 => "bigint",
            Self::Float4 => "real",
            Self::Float8 => "double precision",
            Self::Varchar => "character varying",
            Self::Bpchar => "character",
            Self::Time => "time without time zone",
            Self::Timestamp => "timestamp without time zone",
            Self::Timestamptz => "timestamp with time zone",
            other => match other.item() {
                Some(item) if other.name().starts_with('_') => return format!("{}[]", item.spelling()),
                _ => other.name(),
            },
        };
        name.to_owned()
    }

    /// PostgreSQL's type modifier of a field; -1 where there is none.
    pub fn modifier_of_field(field: &Field) -> i32 {
        field.metadata().get(TYPE_MODIFIER_KEY).and_then(|text| text.parse().ok()).unwrap_or(-1)
    }

    /// The type modifier of a text of at most so many characters.
    pub fn length_modifier(length: i32) -> i32 {
        length.saturating_add(MODIFIER_OFFSET)
    }

    /// The characters of a text with this type modifier; none where it has no bound.
    pub fn length_of_modifier(modifier: i32) -> Option<usize> {
        usize::try_from(modifier.checked_sub(MODIFIER_OFFSET)?).ok()
    }

    /// The type modifier of a numeric with this precision and scale.
    pub fn numeric_modifier(precision: i32, scale: i32) -> i32 {
        ((precision << 16) | (scale & 0x7ff)) + MODIFIER_OFFSET
    }

    /// The scale in the type modifier of a numeric; none where it has none.
    pub fn scale_of_modifier(modifier: i32) -> Option<i8> {
        let bits = modifier.checked_sub(MODIFIER_OFFSET).filter(|bits| *bits >= 0)?;
        i8::try_from(bits & 0x7ff).ok()
    }

    /// An Arrow field that says its SQL type and modifier, whatever its Arrow type alone would tell.
    pub fn marked_field(self, name: &str, data_type: DataType, modifier: i32) -> Field {
        let mut metadata = HashMap::from([(SQL_TYPE_KEY.to_owned(), self.name().to_owned())]);
        if modifier != -1 {
            metadata.insert(TYPE_MODIFIER_KEY.to_owned(), modifier.to_string());
        }
        Field::new(name, data_type, true).with_metadata(metadata)
    }

    /// An Arrow field of this SQL type, with the metadata where the Arrow type alone does not tell.
    pub fn field(self, name: &str, nullable: bool) -> Field {
        let field = Field::new(name, self.arrow(), nullable);
        if Self::from_arrow(field.data_type()) == Some(self) {
            return field;
        }
        field.with_metadata(HashMap::from([(SQL_TYPE_KEY.to_owned(), self.name().to_owned())]))
    }

    /// The SQL type of a field: from its metadata, else from its Arrow type; text where neither tells.
    pub fn of_field(field: &Field) -> Self {
        field
            .metadata()
            .get(SQL_TYPE_KEY)
            .and_then(|name| Self::from_name(name))
            .or_else(|| Self::from_arrow(field.data_type()))
            .unwrap_or(Self::Text)
    }

    /// The SQL type that an Arrow type stands for when no metadata says more.
    pub fn from_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8 | DataType::UInt8 | DataType::Int16 => Self::Int2,
            DataType::UInt16 | DataType::Int32 => Self::Int4,
            DataType::UInt32 | DataType::Int64 => Self::Int8,
            DataType::UInt64 | DataType::Decimal128(..) | DataType::Decimal256(..) => Self::Numeric,
            DataType::Float16 | DataType::Float32 => Self::Float4,
            DataType::Float64 => Self::Float8,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Self::Bytea
            }
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::Timestamptz,
            DataType::Interval(_) | DataType::Duration(_) => Self::Interval,
            DataType::Dictionary(_, value) => Self::from_arrow(value)?,
            DataType::List(item) | DataType::LargeList(item) => match Self::of_field(item) {
                // Arrays of any number of dimensions are of one type.
                list if list.item().is_some() => list,
                item => item.array()?,
            },
            DataType::Struct(_) => Self::Record,
            DataType::Null => Self::Unknown,
            _ => return None,
        })
    }
}
