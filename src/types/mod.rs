//! The words that every room shares: names, codes, errors, time ranges, summaries.
//!
//! No input or output, nothing asynchronous. Everything here may be used by every other room.

mod code;
mod common_type;
mod error;
mod event;
pub mod float;
mod id;
pub mod interval;
pub mod limits;
pub mod logarithm;
pub mod numeric;
mod origin;
mod settings;
mod spelling;
mod sql_type;
mod summary;
mod time_range;
mod zone;

pub use code::Code;
pub use error::{ErrorObject, SqlError};
pub use event::{Event, EventKind, Field, Span, TextList, Value};
pub use id::{FeedName, NameError, NodeName, QueryId};
pub use interval::{millionths_of, read_interval, read_interval_of};
pub use numeric::{Numeric, NumericError};
pub use origin::ColumnOrigin;
pub use settings::FragmentSettings;
pub use spelling::{read_bytes, read_escaped_bytes, read_truth};
pub use sql_type::{SQL_TYPE_KEY, SqlType, TYPE_MODIFIER_KEY, USER_TYPE_KEY};
pub use summary::{DistinctSet, TableSummary};
pub use time_range::TimeRange;
pub use zone::Zone;
