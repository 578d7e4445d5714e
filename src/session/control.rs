//! What functions do to the session whose statement calls them.
//!
//! A statement's functions run on the engine's threads while the session is busy with its rows, so
//! what they change is noted here and taken over when the statement ends. `set_config` is checked
//! at once against a copy of the settings, which later calls of the same statement see.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalog::Sequence;
use crate::planner::{ParsedQuery, SessionControl, SetScope, SetValue};
use crate::storage::SequenceState;
use crate::system::{CursorFacts, PreparedFacts, SessionObjects};
use crate::types::{Code, SqlError};

use super::channels;
use super::data::Data;
use super::effects::Effect;
use super::list::{Backend, SessionList};
use super::settings::{self, Settings};
use super::statements::Prepared;
use super::{RowStream, Session};

/// Most changes of one statement that wait for its end.
const CHANGES_MAX: usize = 100_000;

/// Something that a function did.
#[derive(Debug)]
enum Done {
    Set(String, SetValue, SetScope),
    Said(String, String),
}

#[derive(Debug)]
struct State {
    settings: Settings,
    done: Vec<Done>,
}

/// The session as one statement's functions see it.
#[derive(Debug)]
pub(super) struct Control {
    state: Mutex<State>,
    sessions: SessionList,
    listening: Vec<String>,
    user: String,
    is_admin: bool,
    may_write: bool,
    is_read_only: bool,
    data: Data,
    sequences: Arc<Mutex<SequenceValues>>,
    prepared: Arc<HashMap<String, Arc<Prepared>>>,
    cursors: Vec<CursorFacts>,
}

/// What sequences gave to a session.
#[derive(Debug, Default)]
pub(super) struct SequenceValues {
    /// The last value of each, by object id.
    given: HashMap<u32, i64>,
    /// The sequence that gave a value last.
    last: Option<u32>,
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, state: &mut State, done: Done) -> Result<(), SqlError> {
        if state.done.len() >= CHANGES_MAX {
            return Err(SqlError::new(Code::ProgramLimitExceeded, "a statement changes too much of its session"));
        }
        state.done.push(done);
        Ok(())
    }

    /// Values of a sequence are taken and set by those who may write, where something may be written at all.
    fn check_sequence(&self, sequence: &Sequence, function: &str) -> Result<(), SqlError> {
        if !self.may_write {
            let text = format!("permission denied for sequence {}", sequence.name);
            return Err(SqlError::new(Code::InsufficientPrivilege, text));
        }
        if self.is_read_only {
            let text = format!("cannot execute {function}() in a read-only transaction");
            return Err(SqlError::new(Code::ReadOnlySqlTransaction, text));
        }
        self.data.check_home("sequence", &sequence.name, sequence.oid)
    }

    /// Sessions of one's own role may be ended, and all of them by an administrator.
    fn check_backend(&self, pid: i32, what: &str) -> Result<bool, SqlError> {
        match self.sessions.user_of(pid) {
            None => Ok(false),
            Some(user) if user == self.user || self.is_admin => Ok(true),
            Some(_) => Err(SqlError::new(
                Code::InsufficientPrivilege,
                format!("must be a member of the role whose {what} or member of pg_signal_backend"),
            )),
        }
    }
}

impl SessionObjects for Control {
    fn prepared_statements(&self) -> Vec<PreparedFacts> {
        let named = self.prepared.iter().filter(|(name, _)| !name.is_empty());
        let told = named.map(|(name, prepared)| {
            let (plans_used, plans_made) = prepared.query.as_ref().map(ParsedQuery::plan_counts).unwrap_or_default();
            PreparedFacts {
                name: name.clone(),
                statement: prepared.source.clone(),
                prepared_us: prepared.prepared_us,
                parameters: prepared.parameters.clone(),
                from_sql: prepared.from_sql,
                plans_used,
                plans_made,
            }
        });
        told.collect()
    }

    fn cursors(&self) -> Vec<CursorFacts> {
        self.cursors.clone()
    }
}

impl SessionControl for Control {
    fn set_config(&self, name: &str, value: Option<&str>, scope: SetScope) -> Result<String, SqlError> {
        let mut state = self.lock();
        let name = name.to_lowercase();
        let value = value.map_or(SetValue::Default, |value| SetValue::Text(value.to_owned()));
        state.settings.set(&name, &value, scope)?;
        let shown = state.settings.show(&name).map(|(_, value)| value.to_owned());
        self.add(&mut state, Done::Set(name.clone(), value, scope))?;
        shown.ok_or_else(|| settings::unknown(&name))
    }

    fn notify(&self, channel: &str, payload: &str) -> Result<(), SqlError> {
        channels::check(channel, payload)?;
        self.add(&mut self.lock(), Done::Said(channel.to_owned(), payload.to_owned()))
    }

    fn listening(&self) -> Vec<String> {
        self.listening.clone()
    }

    fn cancel_backend(&self, pid: i32) -> Result<bool, SqlError> {
        let may = self.check_backend(pid, "query is being canceled")?;
        Ok(may && self.sessions.end(pid, Backend::Statement))
    }

    fn terminate_backend(&self, pid: i32) -> Result<bool, SqlError> {
        let may = self.check_backend(pid, "process is being terminated")?;
        Ok(may && self.sessions.end(pid, Backend::Session))
    }

    fn next_value(&self, sequence: &Sequence) -> Result<i64, SqlError> {
        self.check_sequence(sequence, "nextval")?;
        let value = self.data.with(|transaction| transaction.next_value(sequence))?;
        let mut values = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        values.given.insert(sequence.oid, value);
        values.last = Some(sequence.oid);
        Ok(value)
    }

    fn current_value(&self, sequence: &Sequence) -> Result<i64, SqlError> {
        let values = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        values.given.get(&sequence.oid).copied().ok_or_else(|| {
            let text = format!("currval of sequence \"{}\" is not yet defined in this session", sequence.name);
            SqlError::new(Code::ObjectNotInPrerequisiteState, text)
        })
    }

    fn last_value(&self) -> Result<i64, SqlError> {
        let values = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        let last = values.last.and_then(|last| values.given.get(&last).copied());
        let text = "lastval is not yet defined in this session";
        last.ok_or_else(|| SqlError::new(Code::ObjectNotInPrerequisiteState, text))
    }

    fn set_value(&self, sequence: &Sequence, value: i64, is_called: bool) -> Result<(), SqlError> {
        self.check_sequence(sequence, "setval")?;
        self.data.with(|transaction| transaction.set_value(sequence, SequenceState { last: value, is_called }))?;
        if is_called {
            let mut values = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
            values.given.insert(sequence.oid, value);
        }
        Ok(())
    }

    fn sequence_state(&self, sequence: &Sequence) -> Result<(i64, bool), SqlError> {
        self.data.check_home("sequence", &sequence.name, sequence.oid)?;
        let state = self.data.with(|transaction| Ok(transaction.sequence_state(sequence)))?;
        Ok((state.last, state.is_called))
    }
}

impl Session {
    /// What the functions of the next statement may use.
    pub(super) fn new_control(&mut self) -> Arc<Control> {
        let control = Arc::new(Control {
            state: Mutex::new(State { settings: self.settings.clone(), done: Vec::new() }),
            sessions: self.shared.sessions.clone(),
            listening: self.channel_end.listening(),
            user: self.user.clone(),
            is_admin: self.is_admin(),
            may_write: self.may_write(),
            is_read_only: self.settings.is_on("transaction_read_only"),
            data: self.data.clone(),
            sequences: Arc::clone(&self.sequences),
            prepared: self.statements.all_prepared(),
            cursors: self.statements.cursors(),
        });
        self.control = Some(Arc::clone(&control));
        control
    }

    /// Takes over what the functions of a statement did so far.
    pub(super) fn take_control(&mut self, rows: &RowStream) {
        let Some(control) = rows.control() else { return };
        let done = std::mem::take(&mut control.lock().done);
        for one in done {
            let taken = match one {
                Done::Set(name, value, scope) => self.settings.set(&name, &value, scope),
                Done::Said(channel, payload) => self.add_effect(Effect::Notify(channel, payload)),
            };
            // It was checked when the function was called, so only a bound can be hit here.
            if let Err(error) = taken {
                self.notify(super::Notice::warning(error.code.sqlstate(), error.message));
            }
        }
    }
}
