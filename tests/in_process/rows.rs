//! Made-up rows of event tables, dealt out to the nodes of a fleet.

use std::sync::Arc;

use armorlake::catalog::Table;
use armorlake::types::SqlType;
use datafusion::arrow::array::{RecordBatch, UInt32Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::common::ScalarValue;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{NOW_US, TestFleet};

/// Rows of one event table with repeats, NULLs and empty groups, all columns filled by their type.
pub(crate) fn rows(table: &Table, random: &mut StdRng, count: usize) -> RecordBatch {
    let columns = table.columns.iter().map(|column| {
        let values: Vec<ScalarValue> =
            (0..count).map(|row| value(column.sql_type, &column.name, !column.not_null, row, random)).collect();
        ScalarValue::iter_to_array(values).expect("one type")
    });
    RecordBatch::try_new(Arc::clone(&table.arrow), columns.collect()).expect("rows fit the table")
}

fn value(sql_type: SqlType, name: &str, nullable: bool, row: usize, random: &mut StdRng) -> ScalarValue {
    if nullable && random.random_bool(0.2) {
        return ScalarValue::try_from(&sql_type.arrow()).expect("null of a type");
    }
    let few = random.random_range(0..5);
    match sql_type {
        SqlType::Timestamptz => {
            let time = NOW_US - random.random_range(0..7_200_000_000_i64);
            ScalarValue::TimestampMicrosecond(Some(time), Some("UTC".into()))
        }
        SqlType::Int4 => ScalarValue::Int32(Some(random.random_range(0..20))),
        SqlType::Uuid => {
            // Row number first: unique within a table; the rest keeps tables apart.
            let mut bytes = (row as u64).to_be_bytes().to_vec();
            bytes.extend(random.random::<[u8; 8]>());
            ScalarValue::FixedSizeBinary(16, Some(bytes))
        }
        SqlType::TextArray => {
            let tags: Vec<ScalarValue> = (0..few).map(|tag| ScalarValue::from(format!("tag{tag}"))).collect();
            ScalarValue::List(ScalarValue::new_list_nullable(&tags, &datafusion::arrow::datatypes::DataType::Utf8))
        }
        SqlType::Inet => ScalarValue::from(format!("10.0.0.{few}")),
        SqlType::Jsonb => ScalarValue::from(format!("{{\"k\":\"{few}\"}}")),
        _ => ScalarValue::from(match name {
            "operation" => ["File", "Process", "Network", "Syscall", "it's"][few].to_owned(),
            "resource" => format!("/etc/file{}", random.random_range(0..200)),
            _ => format!("{name}{few}"),
        }),
    }
}

/// A fleet whose nodes hold these rows, dealt out at random; some of them in segments.
pub(crate) async fn fleet(count: usize, tables: &[(&str, RecordBatch)], seed: u64) -> TestFleet {
    let fleet = TestFleet::new(count).await;
    let mut random = StdRng::seed_from_u64(seed);
    for (name, batch) in tables {
        // The last node stays empty when there are several.
        let owners = if count == 1 { 1 } else { count - 1 };
        let places: Vec<usize> = (0..batch.num_rows()).map(|_| random.random_range(0..owners)).collect();
        for (owner, node) in fleet.nodes.iter().enumerate().take(owners) {
            let mine: Vec<u32> =
                (0_u32..).zip(&places).filter(|(_, place)| **place == owner).map(|(row, _)| row).collect();
            let part = take_record_batch(batch, &UInt32Array::from(mine)).expect("take");
            for start in (0..part.num_rows()).step_by(97) {
                let piece = part.slice(start, 97.min(part.num_rows() - start));
                node.store.append(vec![((*name).to_owned(), piece)], Vec::new()).await.expect("append");
                if start == 0 && owner % 2 == 0 {
                    node.store.seal_table(name).await.expect("seal");
                }
            }
        }
    }
    fleet
}

/// `count` log rows of one namespace, a second apart.
pub(crate) fn plain_logs(namespace: &str, count: i64) -> RecordBatch {
    let catalog = super::catalog();
    let table = catalog.event_table("logs").expect("logs");
    let columns = table.columns.iter().map(|column| {
        let value = |row: i64| match (column.name.as_str(), column.sql_type) {
            (_, SqlType::Timestamptz) => {
                ScalarValue::TimestampMicrosecond(Some(NOW_US - row * 1_000_000), Some("UTC".into()))
            }
            (_, SqlType::Uuid) => {
                ScalarValue::FixedSizeBinary(16, Some(vec![u8::try_from(row % 256).expect("byte"); 16]))
            }
            ("time_source" | "uid", _) => ScalarValue::Int32(Some(0)),
            ("namespace_name" | "node" | "feed", _) => ScalarValue::from(namespace),
            _ => ScalarValue::try_from(&column.sql_type.arrow()).expect("null"),
        };
        ScalarValue::iter_to_array((0..count).map(value)).expect("one type")
    });
    RecordBatch::try_new(Arc::clone(&table.arrow), columns.collect()).expect("rows")
}
