//! The settings of one session: SET, SET LOCAL, RESET, SHOW, and what a transaction's end does to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::execution::MissingNodes;
use crate::planner::{SetScope, SetValue};
use crate::types::{Code, SqlError};

use super::definitions::{Access, REPORTED, SETTINGS, SettingDefinition, definition};
use super::format::{DateOrder, DateStyle, FormatSettings, IntervalStyle};
use super::{numbers, values};
use crate::types::Zone;

/// Most settings with a dot in their name that a session may make up.
const CUSTOM_MAX: usize = 256;

/// Values by the setting's name in lower case.
type Values = Arc<BTreeMap<String, String>>;

/// What a transaction or savepoint must be able to set back to.
#[derive(Debug, Clone)]
pub(super) struct SavedSettings {
    session: Values,
    current: Values,
}

/// The settings of one session.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Values at login, to which RESET goes back.
    login: Values,
    /// Values that outlive the transaction.
    session: Values,
    /// Values now; differ from `session` by SET LOCAL.
    current: Values,
}

impl Settings {
    /// Every setting at its default, with the facts about this login.
    pub(super) fn new(user: &str, facts: &[(&'static str, String)]) -> Self {
        let mut values = BTreeMap::from([(String::from("session_authorization"), user.to_owned())]);
        values.extend(facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let login = Arc::new(values);
        Self { session: Arc::clone(&login), current: Arc::clone(&login), login }
    }

    /// Takes a value that came with the login; it becomes the one that RESET goes back to.
    pub(super) fn set_at_login(&mut self, name: &str, text: &str) -> Result<(), SqlError> {
        let (key, value) = self.check_text(name, text)?;
        Arc::make_mut(&mut self.login).insert(key, value);
        self.session = Arc::clone(&self.login);
        self.current = Arc::clone(&self.login);
        Ok(())
    }

    /// The key and the value of a setting that is stored for later sessions.
    pub(super) fn check_value(&self, name: &str, value: &SetValue) -> Result<(String, String), SqlError> {
        match value {
            SetValue::Values(values) => self.checked(name, values),
            SetValue::Text(text) => self.check_text(name, text),
            SetValue::Default => Err(unknown(name)),
        }
    }

    /// The same for a value that is one text: names in it are shown as they were written.
    fn check_text(&self, name: &str, text: &str) -> Result<(String, String), SqlError> {
        let found = definition(name).filter(|found| matches!(found.kind, values::Kind::List));
        let Some(found) = found else { return self.checked(name, &[text.to_owned()]) };
        may_change(found)?;
        Ok((found.name.to_ascii_lowercase(), values::check_list(found.name, text)?))
    }

    /// SET and SET LOCAL.
    pub(super) fn set(&mut self, name: &str, value: &SetValue, scope: SetScope) -> Result<(), SqlError> {
        if *value == SetValue::Default {
            return self.reset(name, scope);
        }
        let (key, value) = self.check_value(name, value)?;
        Arc::make_mut(&mut self.current).insert(key.clone(), value.clone());
        if scope == SetScope::Session {
            Arc::make_mut(&mut self.session).insert(key, value);
        }
        Ok(())
    }

    fn checked(&self, name: &str, values: &[String]) -> Result<(String, String), SqlError> {
        let Some(found) = definition(name) else { return self.checked_custom(name, values) };
        may_change(found)?;
        let before = self.get(found.name);
        Ok((found.name.to_ascii_lowercase(), values::check(found.name, name, found.kind, values, before)?))
    }

    fn checked_custom(&self, name: &str, values: &[String]) -> Result<(String, String), SqlError> {
        let key = name.to_ascii_lowercase();
        let parts_fit = key.split('.').all(|part| {
            part.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
        });
        if !key.contains('.') || !parts_fit || key.len() > 128 || key.starts_with("armorlake.") {
            return Err(unknown(name));
        }
        let custom = self.current.keys().filter(|known| known.contains('.')).count();
        if custom >= CUSTOM_MAX && !self.current.contains_key(&key) {
            return Err(SqlError::new(Code::OutOfMemory, "too many settings in one session"));
        }
        let value = values::check(name, name, values::Kind::Text(values::any), values, "")?;
        Ok((key, value))
    }

    /// RESET of one setting.
    pub(super) fn reset(&mut self, name: &str, scope: SetScope) -> Result<(), SqlError> {
        let key = name.to_ascii_lowercase();
        match definition(name) {
            Some(found) => may_change(found)?,
            None if !self.current.contains_key(&key) => return Err(unknown(name)),
            None => {}
        }
        // One that the client made up stays known, and is empty.
        let made_up = definition(name).is_none().then(String::new);
        let login = self.login.get(&key).cloned().or(made_up);
        put_back(&mut self.current, &key, login.clone());
        if scope == SetScope::Session {
            put_back(&mut self.session, &key, login);
        }
        Ok(())
    }

    /// RESET ALL.
    pub(super) fn reset_all(&mut self) {
        let kept: Vec<(String, String)> = self
            .current
            .iter()
            .filter(|(key, _)| key.starts_with("transaction_"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        self.session = Arc::clone(&self.login);
        self.current = Arc::clone(&self.login);
        Arc::make_mut(&mut self.current).extend(kept);
    }

    /// The value of a setting that is known to exist; empty for one that does not.
    pub fn get(&self, name: &str) -> &str {
        self.show(name).map_or("", |(_, value)| value)
    }

    /// The name as PostgreSQL spells it and the value of a setting.
    pub fn show(&self, name: &str) -> Option<(&str, &str)> {
        let key = name.to_ascii_lowercase();
        match (definition(name), self.current.get_key_value(&key)) {
            (Some(found), value) => Some((found.name, value.map_or(found.default, |(_, value)| value))),
            (None, Some((key, value))) => Some((key, value)),
            (None, None) => None,
        }
    }

    /// All values that are not at their default, to see whether one changed.
    pub(super) fn values(&self) -> &Values {
        &self.current
    }

    /// The value that RESET goes back to, when it is not the default.
    pub(super) fn at_login(&self, name: &str) -> Option<&str> {
        self.login.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// Every defined setting with its value.
    pub fn all(&self) -> impl Iterator<Item = (&'static SettingDefinition, &str)> {
        SETTINGS.iter().map(|setting| (*setting, self.get(setting.name)))
    }

    /// The settings whose changes clients are told, with their values.
    pub fn reported(&self) -> impl Iterator<Item = (&'static str, &str)> {
        REPORTED.iter().map(|setting| (setting.name, self.get(setting.name)))
    }

    /// What to set back to if the transaction fails.
    pub(super) fn save(&self) -> SavedSettings {
        SavedSettings { session: Arc::clone(&self.session), current: Arc::clone(&self.current) }
    }

    /// Goes back to saved values.
    pub(super) fn restore(&mut self, saved: SavedSettings) {
        self.session = saved.session;
        self.current = saved.current;
    }

    /// Ends a transaction well: SET LOCAL loses its effect, SET keeps it.
    pub(super) fn commit(&mut self) {
        self.current = Arc::clone(&self.session);
    }

    /// A span; none for zero, which switches a timeout off.
    pub(super) fn timeout(&self, name: &str) -> Option<Duration> {
        let milliseconds = numbers::milliseconds(self.get(name))?;
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name) == "on"
    }

    pub(super) fn missing_nodes(&self) -> MissingNodes {
        if self.get("armorlake.missing_nodes") == "error" { MissingNodes::Error } else { MissingNodes::Warn }
    }

    pub(super) fn search_path(&self) -> Vec<String> {
        let mut names = values::split_names(self.get("search_path")).unwrap_or_default();
        names.retain(|name| name != "$user" && !name.is_empty());
        names
    }

    pub(super) fn zone(&self) -> Zone {
        Zone::parse(self.get("TimeZone")).unwrap_or_else(Zone::utc)
    }

    /// How values look as text.
    pub fn format(&self) -> FormatSettings {
        let (style, order) = self.get("DateStyle").split_once(", ").unwrap_or(("ISO", "MDY"));
        FormatSettings {
            zone: self.zone(),
            date_style: match style {
                "SQL" => DateStyle::Sql,
                "Postgres" => DateStyle::Postgres,
                "German" => DateStyle::German,
                _ => DateStyle::Iso,
            },
            date_order: match order {
                "DMY" => DateOrder::DayFirst,
                "YMD" => DateOrder::YearFirst,
                _ => DateOrder::MonthFirst,
            },
            interval_style: match self.get("IntervalStyle") {
                "postgres_verbose" => IntervalStyle::PostgresVerbose,
                "sql_standard" => IntervalStyle::SqlStandard,
                "iso_8601" => IntervalStyle::Iso8601,
                _ => IntervalStyle::Postgres,
            },
            extra_float_digits: self.get("extra_float_digits").parse().unwrap_or(1),
            bytea_escape: self.get("bytea_output") == "escape",
        }
    }
}

/// Fails for settings that clients may not change.
fn may_change(found: &SettingDefinition) -> Result<(), SqlError> {
    let (code, text) = match found.access {
        Access::User => return Ok(()),
        Access::Superuser => {
            (Code::InsufficientPrivilege, format!("permission denied to set parameter \"{}\"", found.name))
        }
        Access::Server => (
            Code::CantChangeRuntimeParam,
            format!("parameter \"{}\" cannot be changed without restarting the server", found.name),
        ),
        Access::Fact => (Code::CantChangeRuntimeParam, format!("parameter \"{}\" cannot be changed", found.name)),
    };
    Err(SqlError::new(code, text))
}

fn put_back(values: &mut Values, key: &str, login: Option<String>) {
    let values = Arc::make_mut(values);
    match login {
        Some(value) => values.insert(key.to_owned(), value),
        None => values.remove(key),
    };
}

pub(super) fn unknown(name: &str) -> SqlError {
    let shown: String = name.chars().take(80).collect();
    SqlError::new(Code::UndefinedObject, format!("unrecognized configuration parameter \"{shown}\""))
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use crate::planner::{SetScope, SetValue};
    use crate::types::Code;

    fn set(settings: &mut Settings, name: &str, value: &str) -> Result<(), crate::types::SqlError> {
        settings.set(name, &SetValue::Values(vec![value.to_owned()]), SetScope::Session)
    }

    #[test]
    fn values_are_checked_and_spelled_as_postgresql_does() {
        let mut settings = Settings::new("reader", &[]);
        set(&mut settings, "STATEMENT_TIMEOUT", "60000").expect("a timeout");
        assert_eq!(settings.show("Statement_Timeout"), Some(("statement_timeout", "1min")));
        for (name, value, code) in [
            ("statement_timeout", "-1", Code::InvalidParameterValue),
            ("no_such_setting", "1", Code::UndefinedObject),
            ("armorlake.no_such", "1", Code::UndefinedObject),
            ("server_version", "16", Code::CantChangeRuntimeParam),
            ("client_encoding", "latin1", Code::FeatureNotSupported),
            ("timezone", "Mars/Olympus", Code::InvalidParameterValue),
            ("bytea_output", "base64", Code::InvalidParameterValue),
            ("armorlake.pruning", "maybe", Code::InvalidParameterValue),
        ] {
            assert_eq!(set(&mut settings, name, value).expect_err(name).code, code, "{name}");
        }
        set(&mut settings, "my.own", "x").expect("a setting of the client's");
        assert_eq!(settings.get("My.Own"), "x");
    }

    #[test]
    fn names_are_shown_as_they_came() {
        let mut settings = Settings::new("reader", &[]);
        settings.set_at_login("search_path", "edge,Public").expect("two names");
        assert_eq!(settings.get("search_path"), "edge,Public");
        assert_eq!(settings.search_path(), ["edge", "public"]);
        let names = SetValue::Values(vec!["edge".into(), "Public".into()]);
        settings.set("search_path", &names, SetScope::Session).expect("two names");
        assert_eq!(settings.get("search_path"), "edge, \"Public\"");
        settings.set("search_path", &SetValue::Text("a,b".into()), SetScope::Session).expect("two names");
        assert_eq!(settings.get("search_path"), "a,b");
        let open = SetValue::Text("\"a".into());
        assert!(settings.set("search_path", &open, SetScope::Session).is_err());
    }

    #[test]
    fn local_values_end_with_the_transaction_and_reset_goes_back_to_login() {
        let mut settings = Settings::new("reader", &[]);
        settings.set_at_login("TimeZone", "Asia/Tokyo").expect("a zone");
        settings.set("timezone", &SetValue::Values(vec!["UTC".into()]), SetScope::Local).expect("a zone");
        assert_eq!(settings.get("TimeZone"), "UTC");
        settings.commit();
        assert_eq!(settings.get("TimeZone"), "Asia/Tokyo");
        let saved = settings.save();
        set(&mut settings, "timezone", "Europe/Paris").expect("a zone");
        settings.restore(saved);
        assert_eq!(settings.get("TimeZone"), "Asia/Tokyo");
        set(&mut settings, "timezone", "Europe/Paris").expect("a zone");
        settings.reset("timezone", SetScope::Session).expect("known");
        assert_eq!(settings.get("TimeZone"), "Asia/Tokyo");
    }
}
