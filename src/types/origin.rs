//! Where a column of a result comes from: the table or view, and its place there.

use datafusion::arrow::datatypes::Field;

/// The key of the field metadata that holds the origin.
const ORIGIN_KEY: &str = "armorlake.origin";

/// A column of a table or view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnOrigin {
    /// The object id of the table or view.
    pub relation: u32,
    /// The column's attribute number, from 1.
    pub number: i16,
}

impl ColumnOrigin {
    /// The origin that a field of a result says.
    pub fn of_field(field: &Field) -> Option<Self> {
        let (relation, number) = field.metadata().get(ORIGIN_KEY)?.split_once('.')?;
        Some(Self { relation: relation.parse().ok()?, number: number.parse().ok()? })
    }

    /// Lets a field of a result say it.
    pub fn put_into(self, field: &mut Field) {
        field.metadata_mut().insert(ORIGIN_KEY.to_owned(), format!("{}.{}", self.relation, self.number));
    }
}
