//! `degrees` and `radians`, by the factor that PostgreSQL has for both.

use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use super::function::sql_error;
use super::typed::{Kind, Typed};
use crate::types::{Code, SqlType};

/// Radians of one degree.
const RADIANS_PER_DEGREE: f64 = 0.017_453_292_519_943_295;

/// The functions of this file.
pub(super) fn functions() -> [ScalarUDF; 2] {
    let function = |name, of: fn(f64) -> f64| {
        let body = move |given: f64| -> Result<f64> {
            let angle = of(given);
            if angle.is_infinite() && given.is_finite() {
                return Err(sql_error(Code::NumericValueOutOfRange, "value out of range: overflow"));
            }
            Ok(angle)
        };
        Typed::new(name).takes(&[Kind::Float], SqlType::Float8, move |row| Ok(body(row.float(0))?.into())).udf()
    };
    [
        function("degrees", |radians| radians / RADIANS_PER_DEGREE),
        function("radians", |degrees| degrees * RADIANS_PER_DEGREE),
    ]
}
