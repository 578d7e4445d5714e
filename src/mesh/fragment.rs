//! What nodes ask of each other, as our own types; `mesh::codec` turns them into protobuf.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use futures::Stream;

use crate::types::{Code, FragmentSettings, NodeName, QueryId};

/// What the reply's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FragmentMode {
    /// The rows of the SELECT.
    Rows,
    /// Group keys, then the state fields of each aggregate, in the order of the select list.
    Partial,
}

/// A column of the reply that the coordinator expects, checked by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedColumn {
    /// Its name, for people.
    pub name: String,
    /// Its Arrow type.
    pub data_type: datafusion::arrow::datatypes::DataType,
}

/// A part of a query that an owner runs over its own rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentRequest {
    /// The statement this is a part of.
    pub query_id: QueryId,
    /// One SELECT over one table.
    pub sql: String,
    /// What the reply's rows are.
    pub mode: FragmentMode,
    /// The reply's columns, by position.
    pub expected: Vec<ExpectedColumn>,
    /// The client's session, as far as expressions need it.
    pub settings: FragmentSettings,
    /// The roles of the client, as the coordinator states them.
    pub roles: Vec<String>,
    /// Time left for the whole fragment.
    pub deadline: Duration,
    /// Most bytes of batches that the coordinator takes.
    pub reply_bytes_max: u64,
    /// Fragments of this statement that the owner will be sent: beyond one it keeps its snapshot for them.
    pub fragments: u32,
}

/// The end of a reply: without it the reply is not complete.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trailer {
    /// Rows in the reply.
    pub rows: u64,
    /// Segments read.
    pub segments_scanned: u64,
    /// Segments left out by their statistics.
    pub segments_pruned: u64,
    /// Sequence of the owner's newest commit that the fragment saw.
    pub watermark: u64,
    /// Time the owner spent.
    pub elapsed: Duration,
    /// Why rows that the owner should hold are not in the reply, such as a damaged segment.
    pub incomplete: Option<String>,
}

/// A piece of a reply, in this order: one header, batches, one trailer.
#[derive(Debug, Clone)]
pub enum FragmentReply {
    /// The reply's schema.
    Header(SchemaRef),
    /// Rows.
    Batch(RecordBatch),
    /// The end.
    Trailer(Trailer),
}

/// Why a fragment has no complete reply.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MeshError {
    /// The node could not be reached, or the connection broke.
    #[error("{reason}")]
    Unreachable {
        /// Short, for the coverage; names no address.
        reason: String,
    },
    /// The node did not answer in time.
    #[error("no answer within {} ms", .after.as_millis())]
    TimedOut {
        /// How long it was given.
        after: Duration,
    },
    /// The owner refused or failed; the same everywhere or not, see the code.
    #[error("{message}")]
    Refused {
        /// Kind of the owner's error.
        code: Code,
        /// Its text.
        message: String,
    },
    /// The peer broke the protocol.
    #[error("bad reply: {what}")]
    BadReply {
        /// What was wrong with it.
        what: String,
    },
}

impl MeshError {
    /// The kind of the error.
    pub fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. } | Self::BadReply { .. } => Code::Unavailable,
            Self::TimedOut { .. } => Code::QueryCanceled,
            Self::Refused { code, .. } => *code,
        }
    }
}

/// The pieces of a reply as they arrive; dropping it cancels the fragment at the owner.
pub type ReplyStream = Pin<Box<dyn Stream<Item = Result<FragmentReply, MeshError>> + Send>>;

/// Runs one fragment on this node's own rows. Implemented by `execution::local`.
#[async_trait]
pub trait FragmentRunner: Send + Sync + std::fmt::Debug + 'static {
    /// Plans and starts the fragment; `caller` is the coordinator's name from its certificate.
    async fn run(&self, caller: &NodeName, request: FragmentRequest) -> Result<ReplyStream, MeshError>;
}
