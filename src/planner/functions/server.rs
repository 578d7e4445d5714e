//! Functions that tell of parts of a PostgreSQL server that this one does not have, or keeps no figures of.
//!
//! They answer what PostgreSQL answers where nothing happened: no locks, no replication, no triggers, no
//! counters.

use datafusion::common::ScalarValue;

use super::function::{Function, sql_error, text};
use crate::system::Value;
use crate::types::{Code, SqlType};

/// Counters of a relation.
const RELATION_COUNTERS: &[&str] = &[
    "pg_stat_get_analyze_count",
    "pg_stat_get_autoanalyze_count",
    "pg_stat_get_autovacuum_count",
    "pg_stat_get_blocks_fetched",
    "pg_stat_get_blocks_hit",
    "pg_stat_get_dead_tuples",
    "pg_stat_get_ins_since_vacuum",
    "pg_stat_get_live_tuples",
    "pg_stat_get_mod_since_analyze",
    "pg_stat_get_numscans",
    "pg_stat_get_tuples_deleted",
    "pg_stat_get_tuples_fetched",
    "pg_stat_get_tuples_hot_updated",
    "pg_stat_get_tuples_inserted",
    "pg_stat_get_tuples_returned",
    "pg_stat_get_tuples_updated",
    "pg_stat_get_vacuum_count",
];

/// Counters of a database.
const DATABASE_COUNTERS: &[&str] = &[
    "pg_stat_get_db_blocks_fetched",
    "pg_stat_get_db_blocks_hit",
    "pg_stat_get_db_deadlocks",
    "pg_stat_get_db_temp_bytes",
    "pg_stat_get_db_temp_files",
    "pg_stat_get_db_tuples_deleted",
    "pg_stat_get_db_tuples_fetched",
    "pg_stat_get_db_tuples_inserted",
    "pg_stat_get_db_tuples_returned",
    "pg_stat_get_db_tuples_updated",
    "pg_stat_get_db_xact_commit",
    "pg_stat_get_db_xact_rollback",
];

/// Moments of a relation.
const RELATION_TIMES: &[&str] = &[
    "pg_stat_get_last_analyze_time",
    "pg_stat_get_last_autoanalyze_time",
    "pg_stat_get_last_autovacuum_time",
    "pg_stat_get_last_vacuum_time",
];

/// The functions of this file.
pub(super) fn functions() -> Vec<Function> {
    let none = |name, least, most, result| Function::new(name, least, most, result, |_| Ok(Value::Null));
    let zero = |name: &'static str| Function::new(name, 1, 1, SqlType::Int8, |_| Ok(Value::Integer(0)));
    let mut functions: Vec<Function> =
        RELATION_COUNTERS.iter().chain(DATABASE_COUNTERS).map(|name| zero(name)).collect();
    functions.extend(RELATION_TIMES.iter().map(|name| none(name, 1, 1, SqlType::Timestamptz)));
    functions.extend([
        none("pg_current_logfile", 0, 1, SqlType::Text),
        none("pg_collation_actual_version", 1, 1, SqlType::Text),
        none("pg_database_collation_actual_version", 1, 1, SqlType::Text),
        none("pg_last_xact_replay_timestamp", 0, 0, SqlType::Timestamptz),
        none("pg_last_wal_receive_lsn", 0, 0, SqlType::PgLsn),
        none("pg_last_wal_replay_lsn", 0, 0, SqlType::PgLsn),
        none("pg_get_function_arg_default", 2, 2, SqlType::Text),
        none("pg_stat_get_snapshot_timestamp", 0, 0, SqlType::Timestamptz),
        Function::new("pg_jit_available", 0, 0, SqlType::Bool, |_| Ok(false.into())),
        Function::new("pg_trigger_depth", 0, 0, SqlType::Int4, |_| Ok(Value::Integer(0))),
        Function::new("pg_notification_queue_usage", 0, 0, SqlType::Float8, |_| Ok(Value::Real(0.0))),
        Function::new("pg_blocking_pids", 1, 1, SqlType::Int4Array, |_| Ok(Value::Integers(Vec::new()))),
        Function::new("pg_safe_snapshot_blocking_pids", 1, 1, SqlType::Int4Array, |_| Ok(Value::Integers(Vec::new()))),
        Function::new("row_security_active", 1, 1, SqlType::Bool, |_| Ok(false.into())),
        Function::new("pg_size_bytes", 1, 1, SqlType::Int8, size_in_bytes),
    ]);
    functions
}

/// `10 MB`, `1.5kB`, `12`: as `pg_size_pretty` writes it, and more freely.
fn size_in_bytes(arguments: &[ScalarValue]) -> datafusion::error::Result<Value> {
    let given = text(arguments, 0).unwrap_or_default();
    let shown: String = given.chars().take(80).collect();
    let wrong = || sql_error(Code::InvalidParameterValue, format!("invalid size: \"{shown}\""));
    let trimmed = given.trim();
    let end = trimmed.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let power = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "kb" => 1,
        "mb" => 2,
        "gb" => 3,
        "tb" => 4,
        "pb" => 5,
        _ => return Err(wrong()),
    };
    let bytes = (number * 1024_f64.powi(power)).round();
    if bytes.abs() >= i64::MAX as f64 {
        return Err(sql_error(Code::NumericValueOutOfRange, "bigint out of range"));
    }
    Ok(Value::Integer(bytes as i64))
}

#[cfg(test)]
mod tests {
    use datafusion::common::ScalarValue;

    use super::size_in_bytes;
    use crate::system::Value;

    #[test]
    fn sizes_are_read_with_their_unit() {
        let read = |text: &str| size_in_bytes(&[ScalarValue::Utf8(Some(text.to_owned()))]).ok();
        assert_eq!(read("10 MB"), Some(Value::Integer(10_485_760)));
        assert_eq!(read("1.5kB"), Some(Value::Integer(1_536)));
        assert_eq!(read("12"), Some(Value::Integer(12)));
        assert_eq!(read("1 xb"), None);
    }
}
