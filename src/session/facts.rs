//! The session's settings as `pg_settings` and `current_setting` tell them; made anew only when one changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::definitions::{Access, SETTINGS, SettingDefinition};
use super::numbers;
use super::settings::Settings;
use super::values::Kind;
use crate::system::SettingFacts;

/// The values that facts were made from.
type Values = Arc<BTreeMap<String, String>>;

/// The facts, and the values that they were made from.
#[derive(Debug, Default)]
pub(super) struct FactsCache {
    made: Option<(Values, Arc<Vec<SettingFacts>>)>,
}

impl FactsCache {
    /// The facts as the settings are now.
    pub(super) fn of(&mut self, settings: &Settings) -> Arc<Vec<SettingFacts>> {
        match &self.made {
            Some((values, facts)) if Arc::ptr_eq(values, settings.values()) => Arc::clone(facts),
            _ => {
                let facts: Arc<Vec<_>> = Arc::new(SETTINGS.iter().map(|setting| fact(setting, settings)).collect());
                self.made = Some((Arc::clone(settings.values()), Arc::clone(&facts)));
                facts
            }
        }
    }
}

fn fact(setting: &SettingDefinition, settings: &Settings) -> SettingFacts {
    let value = settings.get(setting.name);
    let (kind, unit, bounds, choices) = match setting.kind {
        Kind::Bool => ("bool", None, None, &[][..]),
        Kind::Integer { min, max, unit } => {
            ("integer", unit.name().map(str::to_owned), Some((min.to_string(), max.to_string())), &[][..])
        }
        Kind::Real { min, max } => ("real", None, Some((min.to_string(), max.to_string())), &[][..]),
        Kind::Choice(words) => ("enum", None, None, words),
        Kind::Text(_) | Kind::Merge(_) | Kind::List => ("string", None, None, &[][..]),
    };
    let bare = |value: &str| match setting.kind {
        Kind::Integer { unit, .. } => numbers::bare(value, unit),
        _ => value.to_owned(),
    };
    SettingFacts {
        name: setting.name.to_owned(),
        value: value.to_owned(),
        bare: Some(bare(value)),
        unit,
        category: if setting.name.starts_with("armorlake.") { "Armorlake" } else { "Client Connection Defaults" }
            .to_owned(),
        description: setting.description.to_owned(),
        context: match setting.access {
            Access::User => "user",
            Access::Superuser => "superuser",
            Access::Server => "postmaster",
            Access::Fact => "internal",
        }
        .to_owned(),
        kind: kind.to_owned(),
        source: if value == setting.default { "default" } else { "session" }.to_owned(),
        minimum: bounds.as_ref().map(|(min, _)| min.clone()),
        maximum: bounds.map(|(_, max)| max),
        choices: choices.iter().map(|word| (*word).to_owned()).collect(),
        boot_value: bare(setting.default),
        reset_value: bare(settings.at_login(setting.name).unwrap_or(setting.default)),
    }
}
