//! What a node remembers of the others over a restart, so that a dead one is still missed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::peer::Hint;
use super::{Member, Role};
use crate::types::limits::SUMMARY_VALUES_MAX;
use crate::types::{DistinctSet, NodeName, TableSummary, TimeRange};

/// A node that was known before a restart. Read and written with serde.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Record", try_from = "Record")]
pub struct KnownMember {
    /// Its name.
    pub name: NodeName,
    /// Its mesh address, host:port.
    pub address: String,
    /// Its role.
    pub role: Role,
    /// Version of its Armorlake.
    pub version: String,
    /// Its tables when it was last heard.
    pub tables: BTreeMap<String, TableSummary>,
}

impl KnownMember {
    /// What is worth remembering of a member.
    pub fn of(member: &Member) -> Self {
        Self {
            name: member.name.clone(),
            address: member.address.clone(),
            role: member.role,
            version: member.version.clone(),
            tables: (*member.tables).clone(),
        }
    }

    pub(super) fn into_hint(self) -> Hint {
        let Self { name, address, role, version, tables } = self;
        Hint { name, role, address, version, tables }
    }
}

/// The stored form; fields are only ever added, with a default.
#[derive(Serialize, Deserialize)]
struct Record {
    name: String,
    address: String,
    role: Role,
    #[serde(default)]
    version: String,
    #[serde(default)]
    tables: BTreeMap<String, TableRecord>,
}

#[derive(Serialize, Deserialize)]
struct TableRecord {
    rows: u64,
    bytes: u64,
    time_us: Option<(i64, i64)>,
    receiving: bool,
    #[serde(default)]
    damaged: bool,
    /// No list: too many values.
    distinct: BTreeMap<String, Option<BTreeSet<String>>>,
}

impl From<KnownMember> for Record {
    fn from(member: KnownMember) -> Self {
        let tables = member.tables.into_iter().map(|(name, table)| (name, TableRecord::from(table))).collect();
        Self {
            name: member.name.as_str().to_owned(),
            address: member.address,
            role: member.role,
            version: member.version,
            tables,
        }
    }
}

impl TryFrom<Record> for KnownMember {
    type Error = crate::types::NameError;

    fn try_from(record: Record) -> Result<Self, Self::Error> {
        let tables = record.tables.into_iter().map(|(name, table)| (name, TableSummary::from(table))).collect();
        Ok(Self {
            name: NodeName::new(&record.name)?,
            address: record.address,
            role: record.role,
            version: record.version,
            tables,
        })
    }
}

impl From<TableSummary> for TableRecord {
    fn from(table: TableSummary) -> Self {
        let listed = |set| match set {
            DistinctSet::Values(values) => Some(values),
            DistinctSet::TooMany => None,
        };
        Self {
            rows: table.rows,
            bytes: table.bytes,
            time_us: table.time.map(|time| (time.min_us, time.max_us)),
            receiving: table.receiving,
            damaged: table.damaged,
            distinct: table.distinct.into_iter().map(|(column, set)| (column, listed(set))).collect(),
        }
    }
}

impl From<TableRecord> for TableSummary {
    fn from(record: TableRecord) -> Self {
        let set = |values: Option<BTreeSet<String>>| match values {
            Some(values) if values.len() <= SUMMARY_VALUES_MAX => DistinctSet::Values(values),
            _ => DistinctSet::TooMany,
        };
        Self {
            rows: record.rows,
            bytes: record.bytes,
            time: record.time_us.map(|(min_us, max_us)| TimeRange { min_us, max_us }),
            receiving: record.receiving,
            damaged: record.damaged,
            distinct: record.distinct.into_iter().map(|(column, values)| (column, set(values))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_member_survives_json() {
        let values = DistinctSet::Values(BTreeSet::from([String::from("default")]));
        let table = TableSummary {
            rows: 7,
            bytes: 700,
            time: Some(TimeRange { min_us: -1, max_us: 5 }),
            receiving: true,
            damaged: true,
            distinct: BTreeMap::from([(String::from("ns"), values), (String::from("host"), DistinctSet::TooMany)]),
        };
        let member = KnownMember {
            name: NodeName::new("edge-1").expect("name"),
            address: String::from("10.0.0.1:7070"),
            role: Role::Edge,
            version: String::from("0.1.0"),
            tables: BTreeMap::from([(String::from("logs"), table)]),
        };
        let json = serde_json::to_string(&member).expect("written");
        assert_eq!(serde_json::from_str::<KnownMember>(&json).expect("read"), member);
        assert!(serde_json::from_str::<KnownMember>(&json.replace("edge-1", "Not A Name")).is_err());
    }
}
