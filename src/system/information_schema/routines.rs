//! The functions of PostgreSQL by name, with their parameters; their bodies are the engine's.

use super::View;
use super::types::data_type;
use crate::system::procedures::{FunctionFacts, all_functions};
use crate::system::relations::{INFORMATION_SCHEMA, INFORMATION_SCHEMA_OID, PG_CATALOG};
use crate::system::rows::{Rows, Value};
use crate::system::type_facts::TYPES;

fn schema_of(oid: u32) -> &'static str {
    if oid > INFORMATION_SCHEMA_OID { INFORMATION_SCHEMA } else { PG_CATALOG }
}

fn type_name(oid: u32) -> Value {
    Value::text_or_null(TYPES.get(&oid).map(|facts| facts.name.as_str()))
}

fn yes_or_no(value: bool) -> Value {
    if value { "YES" } else { "NO" }.into()
}

impl View<'_> {
    pub(super) fn routines(&self, rows: &mut Rows) {
        for (oid, function) in all_functions() {
            self.routine(oid, function, rows);
        }
    }

    fn routine(&self, oid: u32, function: &FunctionFacts, rows: &mut Rows) {
        let kind = match function.kind() {
            'f' => "FUNCTION".into(),
            'p' => "PROCEDURE".into(),
            _ => Value::Null,
        };
        let result = function.result();
        rows.push(&[
            ("specific_catalog", self.database()),
            ("specific_schema", schema_of(oid).into()),
            ("specific_name", format!("{}_{oid}", function.name).into()),
            ("routine_catalog", self.database()),
            ("routine_schema", schema_of(oid).into()),
            ("routine_name", function.name.as_str().into()),
            ("routine_type", kind),
            ("data_type", data_type(self.facts, result).into()),
            ("type_udt_catalog", self.database()),
            ("type_udt_schema", PG_CATALOG.into()),
            ("type_udt_name", type_name(result)),
            ("dtd_identifier", "0".into()),
            ("routine_body", "EXTERNAL".into()),
            ("external_language", "INTERNAL".into()),
            ("parameter_style", "GENERAL".into()),
            ("is_deterministic", yes_or_no(function.is_immutable())),
            ("sql_data_access", "MODIFIES".into()),
            ("is_null_call", yes_or_no(function.is_strict())),
            ("schema_level_routine", "YES".into()),
            ("max_dynamic_result_sets", Value::Integer(0)),
            ("security_type", "INVOKER".into()),
            ("as_locator", "NO".into()),
            ("is_udt_dependent", "NO".into()),
        ]);
    }

    pub(super) fn parameters(&self, rows: &mut Rows) {
        for (oid, function) in all_functions() {
            for (index, (mode, name, type_oid)) in function.parameters().enumerate() {
                let mode = match mode {
                    'i' | 'v' => "IN",
                    'b' => "INOUT",
                    _ => "OUT",
                };
                let number = i64::try_from(index + 1).unwrap_or(i64::MAX);
                rows.push(&[
                    ("specific_catalog", self.database()),
                    ("specific_schema", schema_of(oid).into()),
                    ("specific_name", format!("{}_{oid}", function.name).into()),
                    ("ordinal_position", Value::Integer(number)),
                    ("parameter_mode", mode.into()),
                    ("is_result", "NO".into()),
                    ("as_locator", "NO".into()),
                    ("parameter_name", if name.is_empty() { Value::Null } else { name.into() }),
                    ("data_type", data_type(self.facts, type_oid).into()),
                    ("udt_catalog", self.database()),
                    ("udt_schema", PG_CATALOG.into()),
                    ("udt_name", type_name(type_oid)),
                    ("dtd_identifier", number.to_string().into()),
                ]);
            }
        }
    }
}
