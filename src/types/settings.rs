//! The client's settings that change what an expression means, as they travel with a fragment.

/// What an owner must know of the client's session to evaluate an expression as the coordinator would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentSettings {
    /// IANA zone name or fixed offset; parses, truncates, extracts and prints.
    pub time_zone: String,
    /// PostgreSQL's DateStyle, such as `ISO, MDY`.
    pub date_style: String,
    /// PostgreSQL's IntervalStyle, such as `postgres`.
    pub interval_style: String,
    /// The statement's now(): microseconds since 1970 UTC.
    pub now_us: i64,
    /// The role the client logged in as.
    pub current_user: String,
    /// The database the client is connected to.
    pub current_database: String,
}

impl Default for FragmentSettings {
    /// PostgreSQL's defaults, nobody's session.
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            date_style: "ISO, MDY".to_owned(),
            interval_style: "postgres".to_owned(),
            now_us: 0,
            current_user: String::new(),
            current_database: String::new(),
        }
    }
}
