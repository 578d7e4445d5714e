//! Functions in FROM.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::catalog::{MemTable, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use datafusion_pg_catalog::pg_catalog::generate_series_arg_coercion::CoerceIntArgsToBigInt;

use crate::system::keywords;
use crate::types::SqlType;

/// Registers the functions of this file.
pub(super) fn register(engine: &SessionContext) -> Result<()> {
    CoerceIntArgsToBigInt::widen(engine);
    engine.register_udtf("pg_get_keywords", Arc::new(Fixed(keywords()?)));
    let oids = |names: &[&str]| -> Result<Fixed> {
        let fields: Vec<Field> = names.iter().map(|name| SqlType::Oid.field(name, true)).collect();
        Ok(Fixed(RecordBatch::new_empty(Arc::new(Schema::new(fields)))))
    };
    // No relation is partitioned here.
    engine.register_udtf("pg_partition_ancestors", Arc::new(oids(&["relid"])?));
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
