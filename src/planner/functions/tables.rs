//! Functions in FROM.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::catalog::{MemTable, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use datafusion_pg_catalog::pg_catalog::generate_series_arg_coercion::CoerceIntArgsToBigInt;

use super::registry::id_field;
use crate::system::keywords;
use crate::types::SqlType;

/// Registers the functions of this file.
pub(super) fn register(engine: &SessionContext) -> Result<()> {
    CoerceIntArgsToBigInt::widen(engine);
    engine.register_udtf("pg_get_keywords", Arc::new(Fixed(keywords()?)));
    // No relation is partitioned here.
    let class = |name: &str| id_field(SqlType::Regclass).with_name(name);
    let empty = |fields: Vec<Field>| Arc::new(Fixed(RecordBatch::new_empty(Arc::new(Schema::new(fields)))));
    engine.register_udtf("pg_partition_ancestors", empty(vec![class("relid")]));
    let tree = vec![
        class("relid"),
        class("parentrelid"),
        SqlType::Bool.field("isleaf", true),
        SqlType::Int4.field("level", true),
    ];
    engine.register_udtf("pg_partition_tree", empty(tree));
    Ok(())
}

/// A function whose rows do not depend on its arguments.
#[derive(Debug)]
struct Fixed(RecordBatch);

impl TableFunctionImpl for Fixed {
    fn call_with_args(&self, _arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        Ok(Arc::new(MemTable::try_new(self.0.schema(), vec![vec![self.0.clone()]])?))
    }
}
