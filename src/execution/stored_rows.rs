//! The rows of a stored table for the engine: of a transaction at home, and of a fragment for another node.

use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, new_null_array};
use datafusion::arrow::datatypes::{Field, Schema};

use super::{IndexLookup, RelationBatches, RelationRequest, RelationRows};
use crate::storage::{StorageError, TableRows};
use crate::types::{Code, SqlError};

/// The rows of a table as storage keeps them.
#[derive(Debug)]
pub struct StoredRows(pub TableRows);

impl RelationRows for StoredRows {
    fn row_count(&self) -> u64 {
        self.0.row_count()
    }

    fn batches(&self, request: &RelationRequest) -> Result<RelationBatches, SqlError> {
        let columns = Some(request.columns.as_slice());
        if let Some(lookup) = &request.lookup {
            let values = values_of(lookup)?;
            let found = self.0.point(lookup.index, &values, columns, request.with_keys);
            return Ok(Box::new(std::iter::once(found.map_err(StorageError::into_sql_error))));
        }
        let batches = self.0.batches(columns, request.with_keys).map_err(StorageError::into_sql_error)?;
        Ok(Box::new(batches.map(|batch| batch.map_err(StorageError::into_sql_error))))
    }
}

/// The values of a lookup as a batch of one row.
fn values_of(lookup: &IndexLookup) -> Result<RecordBatch, SqlError> {
    let unfit = |error: &dyn std::error::Error| SqlError::new(Code::Internal, error.to_string());
    let mut fields = Vec::with_capacity(lookup.values.len());
    let mut columns = Vec::with_capacity(lookup.values.len());
    for (place, value) in lookup.values.iter().enumerate() {
        let column = value.to_array().unwrap_or_else(|_| new_null_array(&value.data_type(), 1));
        fields.push(Field::new(place.to_string(), column.data_type().clone(), true));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| unfit(&error))
}
