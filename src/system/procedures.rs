//! What pg_proc tells of a function: its arguments and result as PostgreSQL spells them.

use std::collections::HashMap;
use std::sync::LazyLock;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::datatypes::{Int32Type, Int64Type};

use super::exports::exported;
use super::lookup::split_name;
use super::relations::{PG_CATALOG, system_relation};
use super::type_facts::{format_type, type_oid};

/// A function of PostgreSQL.
#[derive(Debug, Clone)]
pub struct FunctionFacts {
    /// Its name.
    pub name: String,
    kind: char,
    result: u32,
    returns_set: bool,
    volatility: char,
    parallel: char,
    strict: bool,
    source: String,
    arguments: Vec<Argument>,
}

#[derive(Debug, Clone)]
struct Argument {
    /// i in, o out, b both, v variadic, t column of the result.
    mode: char,
    name: String,
    type_oid: u32,
}

impl FunctionFacts {
    /// The result, such as `SETOF record` or `TABLE(name text)`; none for procedures.
    pub fn result_text(&self) -> Option<String> {
        if self.kind == 'p' {
            return None;
        }
        let columns: Vec<String> =
            self.arguments.iter().filter(|argument| argument.mode == 't').map(argument_text).collect();
        if !columns.is_empty() {
            return Some(format!("TABLE({})", columns.join(", ")));
        }
        let set = if self.returns_set { "SETOF " } else { "" };
        Some(format!("{set}{}", quoted_any(self.result)))
    }

    /// The arguments, such as `text, VARIADIC "any"`.
    pub fn arguments_text(&self) -> String {
        let arguments = self.arguments.iter().filter(|argument| argument.mode != 't');
        let texts: Vec<String> = arguments
            .map(|argument| match argument.mode {
                'o' => format!("OUT {}", argument_text(argument)),
                'b' => format!("INOUT {}", argument_text(argument)),
                'v' => format!("VARIADIC {}", argument_text(argument)),
                _ => argument_text(argument),
            })
            .collect();
        texts.join(", ")
    }

    /// The types of the arguments to call it with, as `regprocedure` shows them: `text,"any"`.
    pub fn signature_text(&self) -> String {
        let inputs = self.inputs().map(|argument| quoted_any(argument.type_oid));
        inputs.collect::<Vec<_>>().join(",")
    }

    /// `f` function, `p` procedure, `a` aggregate, `w` window function.
    pub(crate) fn kind(&self) -> char {
        self.kind
    }

    /// Object id of the type that it gives.
    pub(crate) fn result(&self) -> u32 {
        self.result
    }

    /// The same arguments give the same result, always.
    pub(crate) fn is_immutable(&self) -> bool {
        self.volatility == 'i'
    }

    /// A NULL argument makes the result NULL.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Object ids of the types of the arguments to call it with.
    pub(crate) fn input_types(&self) -> impl Iterator<Item = u32> {
        self.inputs().map(|argument| argument.type_oid)
    }

    /// Its last argument stands for any number of them.
    pub(crate) fn is_variadic(&self) -> bool {
        self.arguments.iter().any(|argument| argument.mode == 'v')
    }

    /// All parameters: mode, name, object id of the type.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (char, &str, u32)> {
        self.arguments.iter().map(|argument| (argument.mode, argument.name.as_str(), argument.type_oid))
    }

    fn inputs(&self) -> impl Iterator<Item = &Argument> {
        self.arguments.iter().filter(|argument| matches!(argument.mode, 'i' | 'b' | 'v'))
    }

    /// CREATE OR REPLACE FUNCTION ... as psql's `\sf` shows it.
    pub fn definition_text(&self) -> String {
        let volatility = match self.volatility {
            'i' => " IMMUTABLE",
            's' => " STABLE",
            _ => "",
        };
        let parallel = match self.parallel {
            's' => " PARALLEL SAFE",
            'r' => " PARALLEL RESTRICTED",
            _ => "",
        };
        let strict = if self.strict { " STRICT" } else { "" };
        format!(
            "CREATE OR REPLACE FUNCTION pg_catalog.{}({})\n RETURNS {}\n LANGUAGE internal\n{volatility}{parallel}{strict}\nAS $function${}$function$\n",
            self.name,
            self.arguments_text(),
            self.result_text().unwrap_or_default(),
            self.source,
        )
    }
}

fn argument_text(argument: &Argument) -> String {
    let type_text = quoted_any(argument.type_oid);
    if argument.name.is_empty() { type_text } else { format!("{} {type_text}", argument.name) }
}

/// `any` is a key word, so PostgreSQL quotes it as a type.
fn quoted_any(type_oid: u32) -> String {
    let text = format_type(type_oid, None);
    if text == "any" { "\"any\"".to_owned() } else { text }
}

static FUNCTIONS: LazyLock<HashMap<u32, FunctionFacts>> = LazyLock::new(|| read().unwrap_or_default());
static BY_NAME: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let mut by_name: HashMap<&'static str, u32> = HashMap::new();
    for (oid, facts) in FUNCTIONS.iter() {
        // Of several with one name, the oldest: what a cast to regproc is mostly meant to find.
        let entry = by_name.entry(facts.name.as_str()).or_insert(*oid);
        *entry = (*entry).min(*oid);
    }
    by_name
});

static COUNTS: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    let mut counts: HashMap<&'static str, usize> = HashMap::new();
    FUNCTIONS.values().for_each(|facts| *counts.entry(facts.name.as_str()).or_default() += 1);
    counts
});

/// The function with this object id.
pub fn function_facts(oid: u32) -> Option<&'static FunctionFacts> {
    FUNCTIONS.get(&oid)
}

/// All functions with their object ids.
pub(crate) fn all_functions() -> impl Iterator<Item = (u32, &'static FunctionFacts)> {
    FUNCTIONS.iter().map(|(oid, facts)| (*oid, facts))
}

/// There is a function with this object id.
pub fn is_function(oid: u32) -> bool {
    FUNCTIONS.contains_key(&oid)
}

/// All functions of this name, the oldest first.
pub(crate) fn functions_called(name: &str) -> Vec<&'static FunctionFacts> {
    let mut found: Vec<_> = FUNCTIONS.iter().filter(|(_, facts)| facts.name == name).collect();
    found.sort_by_key(|(oid, _)| **oid);
    found.into_iter().map(|(_, facts)| facts).collect()
}

/// How many functions have this name.
pub fn functions_named(name: &str) -> usize {
    COUNTS.get(name).copied().unwrap_or(0)
}

/// The function that `name(type, type)` means.
pub fn function_by_arguments(text: &str) -> Option<u32> {
    let (name, arguments) = text.trim().strip_suffix(')')?.split_once('(')?;
    let (_, name) = split_name(name)?;
    let arguments = arguments.split(',').map(str::trim).filter(|argument| !argument.is_empty());
    let types: Vec<u32> = arguments.map(type_oid).collect::<Option<_>>()?;
    let is_meant = |facts: &FunctionFacts| {
        facts.name == name && facts.inputs().map(|argument| argument.type_oid).eq(types.iter().copied())
    };
    FUNCTIONS.iter().find(|(_, facts)| is_meant(facts)).map(|(oid, _)| *oid)
}

/// The object id of a function by its name, without `pg_catalog.`.
pub fn function_oid(name: &str) -> Option<u32> {
    BY_NAME.get(name).copied()
}

fn read() -> Option<HashMap<u32, FunctionFacts>> {
    let batch = exported(system_relation(PG_CATALOG, "pg_proc")?).ok()??;
    let oids = batch.column_by_name("oid")?.as_primitive_opt::<Int32Type>()?;
    (0..batch.num_rows()).map(|row| Some((oids.value(row) as u32, read_row(&batch, row)?))).collect()
}

fn read_row(batch: &RecordBatch, row: usize) -> Option<FunctionFacts> {
    let text = |name: &str| Some(batch.column_by_name(name)?.as_string_opt::<i32>()?.value(row).to_owned());
    let letter = |name: &str| Some(text(name)?.chars().next().unwrap_or(' '));
    let truth = |name: &str| Some(batch.column_by_name(name)?.as_boolean_opt()?.value(row));
    Some(FunctionFacts {
        name: text("proname")?,
        kind: letter("prokind")?,
        result: batch.column_by_name("prorettype")?.as_primitive_opt::<Int32Type>()?.value(row) as u32,
        returns_set: truth("proretset")?,
        volatility: letter("provolatile")?,
        parallel: letter("proparallel")?,
        strict: truth("proisstrict")?,
        source: text("prosrc")?,
        arguments: arguments(batch, row)?,
    })
}

fn arguments(batch: &RecordBatch, row: usize) -> Option<Vec<Argument>> {
    let all = integers(batch, "proallargtypes", row);
    let types = if all.is_empty() { integers(batch, "proargtypes", row) } else { all };
    let (modes, names) = (texts(batch, "proargmodes", row), texts(batch, "proargnames", row));
    let arguments = types.iter().enumerate().map(|(index, type_oid)| Argument {
        mode: modes.get(index).and_then(|mode| mode.chars().next()).unwrap_or('i'),
        name: names.get(index).cloned().unwrap_or_default(),
        type_oid: *type_oid,
    });
    Some(arguments.collect())
}

fn integers(batch: &RecordBatch, column: &str, row: usize) -> Vec<u32> {
    let list = batch.column_by_name(column).and_then(|array| array.as_list_opt::<i32>());
    let Some(list) = list.filter(|list| list.is_valid(row)) else { return Vec::new() };
    let Ok(items) = cast(&list.value(row), &DataType::Int64) else { return Vec::new() };
    items.as_primitive::<Int64Type>().values().iter().map(|value| *value as u32).collect()
}

fn texts(batch: &RecordBatch, column: &str, row: usize) -> Vec<String> {
    let list = batch.column_by_name(column).and_then(|array| array.as_list_opt::<i32>());
    let Some(list) = list.filter(|list| list.is_valid(row)) else { return Vec::new() };
    let items = list.value(row);
    let Some(items) = items.as_string_opt::<i32>() else { return Vec::new() };
    items.iter().map(|item| item.unwrap_or_default().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{function_facts, function_oid};

    #[test]
    fn functions_are_told_as_postgresql_does() {
        let format = function_facts(3539).expect("format");
        assert_eq!(format.arguments_text(), "text, VARIADIC \"any\"");
        assert_eq!(format.result_text().as_deref(), Some("text"));
        let now = function_facts(function_oid("now").expect("now")).expect("now");
        assert_eq!(
            now.definition_text(),
            "CREATE OR REPLACE FUNCTION pg_catalog.now()\n RETURNS timestamp with time zone\n LANGUAGE internal\n STABLE PARALLEL SAFE STRICT\nAS $function$now$function$\n"
        );
    }
}
