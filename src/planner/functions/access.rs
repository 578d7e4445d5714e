//! Access lists: `aclexplode`, `acldefault`, `makeaclitem`.
//!
//! An entry is the text that PostgreSQL shows, `grantee=letters/grantor`, with `*` behind a privilege that
//! may be given on, and no grantee for PUBLIC.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListArray, StringArray, StructArray,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::FunctionContext;
use super::function::{Function, oid, sql_error, text, truth};
use crate::catalog::quote_ident;
use crate::system::{CatalogFacts, Value, split_name};
use crate::types::{Code, SqlType};

/// Letters of the privileges.
const PRIVILEGES: &[(char, &str)] = &[
    ('a', "INSERT"),
    ('r', "SELECT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('T', "TEMPORARY"),
    ('c', "CONNECT"),
    ('s', "SET"),
    ('A', "ALTER SYSTEM"),
];

/// Per kind of object: what its owner has at first, and what everybody has.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("c", "", ""),
    ("r", "arwdDxt", ""),
    ("s", "rwU", ""),
    ("d", "CTc", "Tc"),
    ("f", "X", "X"),
    ("l", "U", "U"),
    ("L", "rw", ""),
    ("n", "UC", ""),
    ("p", "sA", ""),
    ("t", "C", ""),
    ("F", "U", ""),
    ("S", "U", ""),
    ("T", "U", "U"),
];

/// The functions of this file that are evaluated row by row.
pub(super) fn functions(context: &Arc<FunctionContext>) -> Vec<Function> {
    let facts = Arc::clone(context);
    let default = Function::new("acldefault", 2, 2, SqlType::AclitemArray, move |arguments| {
        let kind = text(arguments, 0).unwrap_or_default();
        let Some((_, own, of_everybody)) = DEFAULTS.iter().find(|(known, ..)| *known == kind) else {
            let shown: String = kind.chars().take(8).collect();
            return Err(sql_error(
                Code::InvalidParameterValue,
                format!("unrecognized object type abbreviation: {shown}"),
            ));
        };
        let owner = role_text(&facts.catalog, oid(arguments, 1).unwrap_or(0));
        let entry =
            |grantee: &str, letters: &str| (!letters.is_empty()).then(|| Some(format!("{grantee}={letters}/{owner}")));
        Ok(Value::Texts([entry("", of_everybody), entry(&owner, own)].into_iter().flatten().collect()))
    });
    let facts = Arc::clone(context);
    let make = Function::new("makeaclitem", 4, 4, SqlType::Aclitem, move |arguments| {
        let role = |index| role_text(&facts.catalog, oid(arguments, index).unwrap_or(0));
        let star = if truth(arguments, 3) == Some(true) { "*" } else { "" };
        let mut letters = String::new();
        for wanted in text(arguments, 2).unwrap_or_default().split(',').map(|wanted| wanted.trim().to_ascii_uppercase())
        {
            let known = PRIVILEGES.iter().find(|(_, name)| *name == wanted).ok_or_else(|| {
                let shown: String = wanted.chars().take(80).collect();
                sql_error(Code::InvalidParameterValue, format!("unrecognized privilege type: \"{shown}\""))
            })?;
            letters.push(known.0);
            letters.push_str(star);
        }
        let grantee = if oid(arguments, 0) == Some(0) { String::new() } else { role(0) };
        Ok(format!("{grantee}={letters}/{}", role(1)).into())
    });
    vec![default, make]
}

fn role_text(catalog: &CatalogFacts, oid: u32) -> String {
    catalog.role_name(oid).map_or_else(|| oid.to_string(), quote_ident)
}

/// The functions that give one field of the rows of `aclexplode_rows`.
pub(super) const FIELDS: &[(&str, &str)] = &[
    ("aclexplode_grantor", "grantor"),
    ("aclexplode_grantee", "grantee"),
    ("aclexplode_privilege_type", "privilege_type"),
    ("aclexplode_is_grantable", "is_grantable"),
];

/// `aclexplode_rows`: a list of rows, one per privilege of an access list.
pub(super) fn explode(context: &Arc<FunctionContext>) -> ScalarUDF {
    let signature = Signature::new(TypeSignature::Any(1), Volatility::Stable);
    ScalarUDF::new_from_impl(Explode { signature, catalog: Arc::clone(&context.catalog) })
}

#[derive(Debug)]
struct Explode {
    signature: Signature,
    catalog: Arc<CatalogFacts>,
}

impl PartialEq for Explode {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.catalog, &other.catalog)
    }
}

impl Eq for Explode {}

impl std::hash::Hash for Explode {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        "aclexplode_rows".hash(state);
    }
}

fn row_fields() -> Fields {
    let fields = [
        SqlType::Oid.field("grantor", true),
        SqlType::Oid.field("grantee", true),
        SqlType::Text.field("privilege_type", true),
        SqlType::Bool.field("is_grantable", true),
    ];
    Fields::from(fields.to_vec())
}

fn item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(row_fields()), true))
}

/// The columns of the rows, as arrays under construction.
#[derive(Default)]
struct Entries {
    grantors: Vec<i32>,
    grantees: Vec<i32>,
    privileges: Vec<&'static str>,
    grantable: Vec<bool>,
}

impl Entries {
    fn len(&self) -> usize {
        self.grantors.len()
    }

    /// Reads `grantee=letters/grantor`.
    fn read(&mut self, entry: &str, catalog: &CatalogFacts) -> Result<()> {
        let wrong = || {
            let shown: String = entry.chars().take(200).collect();
            sql_error(Code::InvalidTextRepresentation, format!("invalid access list entry: \"{shown}\""))
        };
        let role = |name: &str| {
            let name = split_name(name).map_or_else(|| name.to_owned(), |(_, bare)| bare);
            catalog.role(&name).map(|role| role.oid).or_else(|| name.parse().ok())
        };
        let (grantee, rest) = entry.rsplit_once('=').ok_or_else(wrong)?;
        let (letters, grantor) = rest.split_once('/').ok_or_else(wrong)?;
        let grantee = if grantee.is_empty() { 0 } else { role(grantee).ok_or_else(wrong)? };
        let grantor = role(grantor).ok_or_else(wrong)?;
        let mut letters = letters.chars().peekable();
        while let Some(letter) = letters.next() {
            let (_, privilege) = PRIVILEGES.iter().find(|(known, _)| *known == letter).ok_or_else(wrong)?;
            self.grantors.push(grantor as i32);
            self.grantees.push(grantee as i32);
            self.privileges.push(privilege);
            self.grantable.push(letters.next_if_eq(&'*').is_some());
        }
        Ok(())
    }

    fn finish(self) -> StructArray {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(self.grantors)),
            Arc::new(Int32Array::from(self.grantees)),
            Arc::new(StringArray::from(self.privileges)),
            Arc::new(BooleanArray::from(self.grantable)),
        ];
        StructArray::new(row_fields(), columns, None)
    }
}

impl ScalarUDFImpl for Explode {
    fn name(&self) -> &'static str {
        "aclexplode_rows"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(item()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let first = arguments.args.into_iter().next().map(|argument| argument.into_array(rows)).transpose()?;
        let array = first.ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let (mut entries, mut ends) = (Entries::default(), vec![0]);
        for row in 0..rows {
            let list = array.as_list_opt::<i32>().filter(|lists| lists.is_valid(row)).map(|lists| lists.value(row));
            if let Some(texts) = list.as_ref().and_then(|list| list.as_string_opt::<i32>()) {
                texts.iter().flatten().try_for_each(|entry| entries.read(entry, &self.catalog))?;
            }
            ends.push(i32::try_from(entries.len()).map_err(|error| DataFusionError::External(Box::new(error)))?);
        }
        let nulls: NullBuffer = (0..rows).map(|row| array.is_valid(row)).collect();
        let lists = ListArray::new(item(), OffsetBuffer::new(ends.into()), Arc::new(entries.finish()), Some(nulls));
        Ok(ColumnarValue::Array(Arc::new(lists)))
    }
}
