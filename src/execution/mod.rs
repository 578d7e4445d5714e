//! Runs a fragment on local rows; gathers and merges what owners reply.
//!
//! The same code answers a fragment of this node and of a peer: [`LocalRunner`] is the owner's
//! side, [`GatherExec`] the coordinator's. Partial aggregates are the engine's own: the owner stops
//! after the partial stage ([`aggregate`]), the coordinator runs the final stage over the gather.

pub mod aggregate;
mod completeness;
mod cooperative;
mod distinct_count;
mod engine;
mod fleet_scan;
mod gather;
mod local;
mod own_relations;
mod pins;
mod relation;
mod soft_limits;
mod spool;
mod statement;
mod stored_rows;
mod table;

pub use completeness::{Coverage, CoverageReport, CoverageStatus, MissingNodes, NodeCoverage};
pub use cooperative::with_watched_joins;
pub use engine::{Engine, EngineConfig, OwnerFunctions, StatementCatalog};
pub use fleet_scan::{Ask, FleetScan, FleetScanPlanner, Fragment, PrunedNode, ScanKind};
pub use gather::{Delivery, GatherExec};
pub use local::{LocalRunner, StatusTables, Translate};
pub use relation::{IndexLookup, ROW_KEY, RelationBatches, RelationRequest, RelationRows, RelationScan, RelationTable};
pub use statement::StatementRun;
pub use stored_rows::StoredRows;
pub use table::{EventTable, event_table_provider};
