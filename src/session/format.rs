//! How values look as text for this client; `pg::encode` and `pg::params` follow it.

use crate::types::Zone;

/// The settings that change the text of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatSettings {
    /// Zone in which instants are shown and read.
    pub zone: Zone,
    /// Form of dates and times.
    pub date_style: DateStyle,
    /// Order of day and month.
    pub date_order: DateOrder,
    /// Form of intervals.
    pub interval_style: IntervalStyle,
    /// Above zero: shortest exact text of floats; else digits less than the usual.
    pub extra_float_digits: i32,
    /// bytea in its old escaped form rather than as hexadecimal digits.
    pub bytea_escape: bool,
}

/// Form of dates and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateStyle {
    /// 2026-11-23 14:10:00+00
    Iso,
    /// 11/23/2026 14:10:00 UTC
    Sql,
    /// Mon Nov 23 14:10:00 2026 UTC
    Postgres,
    /// 23.11.2026 14:10:00 UTC
    German,
}

/// Order of day and month where the style leaves it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// MDY
    MonthFirst,
    /// DMY
    DayFirst,
    /// YMD
    YearFirst,
}

/// Form of intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalStyle {
    /// 1 day 02:00:00
    Postgres,
    /// @ 1 day 2 hours
    PostgresVerbose,
    /// 1 2:00:00
    SqlStandard,
    /// P1DT2H
    Iso8601,
}

impl Default for FormatSettings {
    fn default() -> Self {
        Self {
            zone: Zone::utc(),
            date_style: DateStyle::Iso,
            date_order: DateOrder::MonthFirst,
            interval_style: IntervalStyle::Postgres,
            extra_float_digits: 1,
            bytea_escape: false,
        }
    }
}
