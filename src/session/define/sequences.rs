//! Sequences: made alone, for serial and for identity columns.

use super::Definer;
use crate::catalog::{Object, Scope, Sequence};
use crate::planner::definition::{QualifiedName, SequenceOptions};
use crate::planner::{DeclaredType, Relation};
use crate::storage::SequenceState;
use crate::types::{Code, NodeName, SqlError, SqlType};

impl Definer {
    /// CREATE SEQUENCE.
    pub(super) fn create_sequence(
        &mut self,
        name: &QualifiedName,
        options: &SequenceOptions,
        temporary: bool,
        if_not_exists: bool,
    ) -> Result<(), SqlError> {
        let schema = self.target_schema(name, temporary)?;
        if self.is_taken(&schema, &name.name, if_not_exists)? {
            return Ok(());
        }
        let catalog = self.catalog();
        let declared = options.kind.as_ref().map(|kind| self.names(&catalog)?.declared_type(kind)).transpose()?;
        let kind = sequence_type(declared.as_ref())?.unwrap_or(SqlType::Int8);
        let oid = self.new_oid()?;
        let mut sequence = new_sequence(oid, &schema, &name.name, self.home.clone(), &self.user, kind)?;
        bounded(&mut sequence, options, kind)?;
        sequence.owned_by = self.owner_of(options, &schema)?.flatten();
        self.put(oid, Object::Sequence(sequence))
    }

    /// The column that OWNED BY names.
    fn owner_of(&self, options: &SequenceOptions, schema: &str) -> Result<Option<Option<(u32, i16)>>, SqlError> {
        let Some(owner) = &options.owned_by else { return Ok(None) };
        let Some((table, column)) = owner else { return Ok(Some(None)) };
        let catalog = self.catalog();
        let table = match self.names(&catalog)?.relation(table)? {
            Relation::Table(table) if table.scope == Scope::Relational => table,
            found => {
                let text = format!("sequence cannot be owned by relation \"{}\"", found.name());
                return Err(SqlError::new(Code::WrongObjectType, text));
            }
        };
        if table.schema != schema {
            let text = "sequence must be in same schema as table it is linked to";
            return Err(SqlError::new(Code::ObjectNotInPrerequisiteState, text));
        }
        let number = super::tables::column_named(&table, column)?.number;
        Ok(Some(Some((table.oid, number))))
    }

    /// ALTER SEQUENCE, and the sequence of an identity column.
    pub(super) fn alter_sequence(&self, sequence: &Sequence, options: &SequenceOptions) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let declared = options.kind.as_ref().map(|kind| self.names(&catalog)?.declared_type(kind)).transpose()?;
        let old_kind = SqlType::from_oid(sequence.type_oid).unwrap_or(SqlType::Int8);
        let kind = sequence_type(declared.as_ref())?.unwrap_or(old_kind);
        let mut changed = sequence.clone();
        if kind != old_kind {
            // Bounds that were the old type's become the new one's.
            let ((old_minimum, old_maximum), (minimum, maximum)) = (range(old_kind), range(kind));
            changed.type_oid = kind.oid();
            if changed.maximum == old_maximum {
                changed.maximum = maximum;
            }
            if changed.minimum == old_minimum {
                changed.minimum = minimum;
            }
        }
        bounded(&mut changed, options, kind)?;
        if let Some(owner) = self.owner_of(options, &sequence.schema)? {
            if sequence.internal {
                let text = "cannot change ownership of identity sequence";
                return Err(SqlError::new(Code::FeatureNotSupported, text));
            }
            changed.owned_by = owner;
        }
        self.put(changed.oid, Object::Sequence(changed.clone()))?;
        if let Some(restart) = options.restart {
            let value = restart.unwrap_or(changed.start);
            check_value("RESTART value", value, &changed)?;
            let state = SequenceState { last: value, is_called: false };
            self.data.with(|transaction| transaction.restart(&changed, state))?;
        }
        Ok(())
    }
}

fn sequence_type(declared: Option<&DeclaredType>) -> Result<Option<SqlType>, SqlError> {
    match declared {
        None => Ok(None),
        Some(kind) if matches!(kind.sql_type, SqlType::Int2 | SqlType::Int4 | SqlType::Int8) => Ok(Some(kind.sql_type)),
        Some(_) => {
            let text = "sequence type must be smallint, integer, or bigint";
            Err(SqlError::new(Code::InvalidParameterValue, text))
        }
    }
}

/// A sequence that counts up from 1.
pub(super) fn new_sequence(
    oid: u32,
    schema: &str,
    name: &str,
    home: NodeName,
    owner: &str,
    kind: SqlType,
) -> Result<Sequence, SqlError> {
    let kind = sequence_type(Some(&DeclaredType::plain(kind)))?.unwrap_or(SqlType::Int8);
    Ok(Sequence {
        oid,
        schema: schema.to_owned(),
        name: name.to_owned(),
        home,
        owner: owner.to_owned(),
        type_oid: kind.oid(),
        start: 1,
        increment: 1,
        minimum: 1,
        maximum: range(kind).1,
        cache: 1,
        cycle: false,
        owned_by: None,
        internal: false,
        comment: String::new(),
    })
}

fn range(kind: SqlType) -> (i64, i64) {
    match kind {
        SqlType::Int2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        SqlType::Int4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

/// Sets what the options say, and checks that it fits together.
pub(super) fn bounded(sequence: &mut Sequence, options: &SequenceOptions, kind: SqlType) -> Result<(), SqlError> {
    let refused = |text: String| Err(SqlError::new(Code::InvalidParameterValue, text));
    let turned = options.increment.is_some_and(|increment| (increment < 0) != (sequence.increment < 0));
    if let Some(increment) = options.increment {
        if increment == 0 {
            return refused(String::from("INCREMENT must not be zero"));
        }
        sequence.increment = increment;
    }
    let (least, greatest) = range(kind);
    let up = sequence.increment > 0;
    match options.maximum {
        Some(Some(maximum)) => sequence.maximum = maximum,
        None if !turned => {}
        _ => sequence.maximum = if up { greatest } else { -1 },
    }
    match options.minimum {
        Some(Some(minimum)) => sequence.minimum = minimum,
        None if !turned => {}
        _ => sequence.minimum = if up { 1 } else { least },
    }
    for (name, value) in [("MAXVALUE", sequence.maximum), ("MINVALUE", sequence.minimum)] {
        if value < least || value > greatest {
            return refused(format!("{name} ({value}) is out of range for sequence data type {}", kind.spelling()));
        }
    }
    if sequence.minimum >= sequence.maximum {
        return refused(format!("MINVALUE ({}) must be less than MAXVALUE ({})", sequence.minimum, sequence.maximum));
    }
    match options.start {
        Some(start) => sequence.start = start,
        None if turned || options.minimum.is_some() || options.maximum.is_some() => {
            let first = if up { sequence.minimum } else { sequence.maximum };
            if sequence.start < sequence.minimum || sequence.start > sequence.maximum || turned || sequence.start == 1 {
                sequence.start = first;
            }
        }
        None => {}
    }
    check_value("START value", sequence.start, sequence)?;
    if let Some(cache) = options.cache {
        if cache <= 0 {
            return refused(format!("CACHE ({cache}) must be greater than zero"));
        }
        sequence.cache = cache;
    }
    if let Some(cycle) = options.cycle {
        sequence.cycle = cycle;
    }
    Ok(())
}

fn check_value(what: &str, value: i64, sequence: &Sequence) -> Result<(), SqlError> {
    let text = match value {
        value if value < sequence.minimum => {
            format!("{what} ({value}) cannot be less than MINVALUE ({})", sequence.minimum)
        }
        value if value > sequence.maximum => {
            format!("{what} ({value}) cannot be greater than MAXVALUE ({})", sequence.maximum)
        }
        _ => return Ok(()),
    };
    Err(SqlError::new(Code::InvalidParameterValue, text))
}
