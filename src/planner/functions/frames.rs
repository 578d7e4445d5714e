//! Frames of windows that are in the order of times of day, spans or bytes.
//!
//! The engine has no RANGE over these. The frames that PostgreSQL allows there, which end at the edge of the
//! partition or at the rows that are equal to the current one, are the same counted in GROUPS.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, WindowFrame, WindowFrameBound, WindowFrameUnits};

/// Puts GROUPS in the place of RANGE.
#[derive(Debug)]
pub(super) struct FrameReader;

impl FunctionRewrite for FrameReader {
    fn name(&self) -> &'static str {
        "frame_reader"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _options: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::WindowFunction(mut window) = expr else { return Ok(Transformed::no(expr)) };
        let parameters = &mut window.params;
        let without_range = parameters.order_by.first().is_some_and(|key| {
            key.expr.get_type(schema).is_ok_and(|kind| {
                matches!(kind, DataType::Binary | DataType::FixedSizeBinary(_) | DataType::Interval(_))
                    || matches!(kind, DataType::Time32(_) | DataType::Time64(_))
            })
        });
        if without_range && has_no_distance(&parameters.window_frame) {
            let frame = &parameters.window_frame;
            let (start, end) = (frame.start_bound.clone(), frame.end_bound.clone());
            parameters.window_frame = WindowFrame::new_bounds(WindowFrameUnits::Groups, start, end);
            return Ok(Transformed::yes(Expr::WindowFunction(window)));
        }
        Ok(Transformed::no(Expr::WindowFunction(window)))
    }
}

fn has_no_distance(frame: &WindowFrame) -> bool {
    let is_edge = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::CurrentRow => true,
        WindowFrameBound::Preceding(distance) | WindowFrameBound::Following(distance) => distance.is_null(),
    };
    frame.units == WindowFrameUnits::Range && is_edge(&frame.start_bound) && is_edge(&frame.end_bound)
}
