//! Sequences, and where they are.

use std::sync::Arc;

use crate::catalog::Sequence;
use crate::system::facts::{CatalogFacts, SessionFacts};
use crate::system::lookup::{Relation, Source};
use crate::system::rows::{Rows, Value};

fn each(facts: &CatalogFacts, mut act: impl FnMut(&Relation<'_>, &Arc<Sequence>)) {
    for relation in facts.own_relations() {
        if let Source::Sequence(sequence) = relation.source {
            act(&relation, sequence);
        }
    }
}

/// pg_sequence.
pub(super) fn sequences(facts: &CatalogFacts, rows: &mut Rows) {
    each(facts, |relation, sequence| {
        rows.push(&[
            ("seqrelid", relation.oid.into()),
            ("seqtypid", sequence.type_oid.into()),
            ("seqstart", sequence.start.into()),
            ("seqincrement", sequence.increment.into()),
            ("seqmax", sequence.maximum.into()),
            ("seqmin", sequence.minimum.into()),
            ("seqcache", sequence.cache.into()),
            ("seqcycle", sequence.cycle.into()),
        ]);
    });
}

/// pg_sequences.
pub(super) fn values(facts: &CatalogFacts, session: &SessionFacts, rows: &mut Rows) {
    each(facts, |relation, sequence| {
        rows.push(&[
            ("schemaname", relation.schema.into()),
            ("sequencename", relation.name.into()),
            ("sequenceowner", Value::text_or_null(facts.role_name(relation.owner))),
            ("data_type", sequence.type_oid.into()),
            ("start_value", sequence.start.into()),
            ("min_value", sequence.minimum.into()),
            ("max_value", sequence.maximum.into()),
            ("increment_by", sequence.increment.into()),
            ("cycle", sequence.cycle.into()),
            ("cache_size", sequence.cache.into()),
            ("last_value", session.last_value(relation.oid).map_or(Value::Null, Value::Integer)),
        ]);
    });
}

/// pg_statio_user_sequences and its like: the sequences, without counters.
pub(super) fn statistics(facts: &CatalogFacts, rows: &mut Rows) {
    each(facts, |relation, _| {
        rows.push(&[
            ("relid", relation.oid.into()),
            ("schemaname", relation.schema.into()),
            ("relname", relation.name.into()),
        ]);
    });
}
