//! The transaction state of one session, as PostgreSQL's clients expect it.
//!
//! Outside BEGIN a message (or what stands before Sync) is one implicit transaction: an error in
//! it takes back the settings that it changed.

use crate::planner::{AfterEnd, SetScope, SetValue, TransactionModes};
use crate::types::{Code, SqlError};

use super::notice::Notice;
use super::settings::{SavedSettings, Settings};

/// Most savepoints of one transaction.
const SAVEPOINTS_MAX: usize = 10_000;

/// What ReadyForQuery tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStatus {
    /// No transaction block.
    Idle,
    /// In a transaction block.
    InBlock,
    /// In a transaction block that failed.
    Failed,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Implicit(Frame),
    Block(Block),
}

/// How things stood when the transaction began.
#[derive(Debug)]
struct Frame {
    saved: SavedSettings,
    now_us: i64,
}

#[derive(Debug)]
struct Block {
    frame: Frame,
    modes: TransactionModes,
    savepoints: Vec<Savepoint>,
    failed: bool,
    /// A query was run: it is too late for some modes.
    queried: bool,
}

#[derive(Debug)]
struct Savepoint {
    name: String,
    saved: SavedSettings,
    /// Effects that waited for the commit when it was made.
    effects: usize,
}

/// What is left after RELEASE and ROLLBACK TO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    /// Savepoints.
    pub(super) savepoints: usize,
    /// Effects that wait for the commit.
    pub(super) effects: usize,
}

/// The transaction of one session.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    state: State,
}

impl Transaction {
    pub(super) fn status(&self) -> TransactionStatus {
        match &self.state {
            State::Idle | State::Implicit(_) => TransactionStatus::Idle,
            State::Block(block) if block.failed => TransactionStatus::Failed,
            State::Block(_) => TransactionStatus::InBlock,
        }
    }

    /// Starts an implicit transaction unless there is one; returns now() of the transaction.
    pub(super) fn ensure_started(&mut self, settings: &mut Settings, now_us: i64) -> i64 {
        match &self.state {
            State::Implicit(frame) => frame.now_us,
            State::Block(block) => block.frame.now_us,
            State::Idle => {
                self.state = State::Implicit(Frame { saved: settings.save(), now_us });
                apply(settings, &TransactionModes::default());
                now_us
            }
        }
    }

    /// Whether there is a transaction that no BEGIN opened.
    pub(super) fn is_implicit(&self) -> bool {
        matches!(self.state, State::Implicit(_))
    }

    /// Ends an implicit transaction well; returns whether one ended.
    pub(super) fn end_implicit(&mut self, settings: &mut Settings) -> bool {
        let ends = matches!(self.state, State::Implicit(_));
        if ends {
            settings.commit();
            self.state = State::Idle;
        }
        ends
    }

    /// A statement failed; returns whether the transaction is over by that.
    pub(super) fn fail(&mut self, settings: &mut Settings) -> bool {
        match std::mem::take(&mut self.state) {
            State::Idle => true,
            State::Implicit(frame) => {
                settings.restore(frame.saved);
                true
            }
            State::Block(block) => {
                self.state = State::Block(Block { failed: true, ..block });
                false
            }
        }
    }

    /// BEGIN.
    pub(super) fn begin(&mut self, settings: &mut Settings, modes: TransactionModes, now_us: i64) -> Option<Notice> {
        match std::mem::take(&mut self.state) {
            State::Block(block) => {
                self.state = State::Block(block);
                apply_stated(settings, &modes);
                Some(Notice::warning(
                    Code::ActiveSqlTransaction.sqlstate(),
                    "there is already a transaction in progress",
                ))
            }
            State::Implicit(frame) => {
                self.open(frame, settings, modes);
                None
            }
            State::Idle => {
                self.open(Frame { saved: settings.save(), now_us }, settings, modes);
                None
            }
        }
    }

    fn open(&mut self, frame: Frame, settings: &mut Settings, modes: TransactionModes) {
        apply(settings, &modes);
        self.state = State::Block(Block { frame, modes, savepoints: Vec::new(), failed: false, queried: false });
    }

    /// COMMIT and ROLLBACK; returns the tag.
    pub(super) fn end(
        &mut self,
        settings: &mut Settings,
        how: End,
        after: AfterEnd,
        now_us: i64,
    ) -> Result<(&'static str, Option<Notice>), SqlError> {
        let no_block = !matches!(self.state, State::Block(_));
        if no_block && after == AfterEnd::Chain {
            let text = format!("{} can only be used in transaction blocks", how.chain_name());
            return Err(SqlError::new(Code::NoActiveSqlTransaction, text));
        }
        let (frame, modes, failed) = match std::mem::take(&mut self.state) {
            State::Idle => (None, TransactionModes::default(), false),
            State::Implicit(frame) => (Some(frame), TransactionModes::default(), false),
            State::Block(block) => (Some(block.frame), block.modes, block.failed),
        };
        let commits = how == End::Commit && !failed;
        match frame {
            Some(frame) if !commits => settings.restore(frame.saved),
            _ => settings.commit(),
        }
        if after == AfterEnd::Chain {
            self.open(Frame { saved: settings.save(), now_us }, settings, modes);
        }
        let notice = no_block
            .then(|| Notice::warning(Code::NoActiveSqlTransaction.sqlstate(), "there is no transaction in progress"));
        let tag = if commits { "COMMIT" } else { "ROLLBACK" };
        Ok((tag, notice))
    }

    /// SAVEPOINT; `effects` wait for the commit.
    pub(super) fn savepoint(&mut self, settings: &Settings, name: String, effects: usize) -> Result<(), SqlError> {
        let block = self.block("SAVEPOINT")?;
        if block.savepoints.len() >= SAVEPOINTS_MAX {
            return Err(SqlError::new(Code::OutOfMemory, "too many savepoints in one transaction"));
        }
        block.savepoints.push(Savepoint { name, saved: settings.save(), effects });
        Ok(())
    }

    /// RELEASE SAVEPOINT; tells how many savepoints are left.
    pub(super) fn release(&mut self, name: &str) -> Result<usize, SqlError> {
        let block = self.block("RELEASE SAVEPOINT")?;
        let place = find(&block.savepoints, name)?;
        block.savepoints.truncate(place);
        Ok(place)
    }

    /// ROLLBACK TO SAVEPOINT.
    pub(super) fn rollback_to(&mut self, settings: &mut Settings, name: &str) -> Result<Left, SqlError> {
        let block = self.block("ROLLBACK TO SAVEPOINT")?;
        let place = find(&block.savepoints, name)?;
        block.savepoints.truncate(place + 1);
        let mut left = Left { savepoints: place + 1, effects: 0 };
        if let Some(savepoint) = block.savepoints.last() {
            settings.restore(savepoint.saved.clone());
            left.effects = savepoint.effects;
        }
        block.failed = false;
        Ok(left)
    }

    /// How many savepoints there are.
    pub(super) fn savepoints(&self) -> usize {
        if let State::Block(block) = &self.state { block.savepoints.len() } else { 0 }
    }

    /// A query is run.
    pub(super) fn note_query(&mut self) {
        if let State::Block(block) = &mut self.state {
            block.queried = true;
        }
    }

    /// Whether these modes may still be set, as far as they differ from those in force.
    pub(super) fn check_modes(&self, settings: &Settings, modes: &TransactionModes) -> Result<(), SqlError> {
        let State::Block(block) = &self.state else { return Ok(()) };
        let in_savepoint = !block.savepoints.is_empty();
        let changes = |name: &str, wanted: Option<&str>| wanted.is_some_and(|wanted| settings.get(name) != wanted);
        let refused = |text: &str| Err(SqlError::new(Code::ActiveSqlTransaction, text));
        if changes("transaction_isolation", modes.isolation) {
            if block.queried {
                return refused("SET TRANSACTION ISOLATION LEVEL must be called before any query");
            }
            if in_savepoint {
                return refused("SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction");
            }
        }
        if modes.read_only == Some("off") && changes("transaction_read_only", modes.read_only) {
            if in_savepoint {
                return refused("cannot set transaction read-write mode inside a read-only transaction");
            }
            if block.queried {
                return refused("transaction read-write mode must be set before any query");
            }
        }
        if modes.deferrable.is_some() {
            if in_savepoint {
                return refused("SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction");
            }
            if block.queried {
                return refused("SET TRANSACTION [NOT] DEFERRABLE must be called before any query");
            }
        }
        Ok(())
    }

    fn block(&mut self, command: &str) -> Result<&mut Block, SqlError> {
        match &mut self.state {
            State::Block(block) => Ok(block),
            State::Idle | State::Implicit(_) => Err(outside_block(command)),
        }
    }
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Commit,
    Rollback,
}

impl End {
    fn chain_name(self) -> &'static str {
        match self {
            Self::Commit => "COMMIT AND CHAIN",
            Self::Rollback => "ROLLBACK AND CHAIN",
        }
    }
}

/// The error for a command that needs a transaction block.
pub(super) fn outside_block(command: &str) -> SqlError {
    SqlError::new(Code::NoActiveSqlTransaction, format!("{command} can only be used in transaction blocks"))
}

fn find(savepoints: &[Savepoint], name: &str) -> Result<usize, SqlError> {
    savepoints
        .iter()
        .rposition(|savepoint| savepoint.name == name)
        .ok_or_else(|| SqlError::new(Code::InvalidSavepoint, format!("savepoint \"{name}\" does not exist")))
}

/// Sets the settings that tell a transaction's modes; what is not stated comes from the defaults.
fn apply(settings: &mut Settings, modes: &TransactionModes) {
    let stated = [
        ("transaction_isolation", modes.isolation, "default_transaction_isolation"),
        ("transaction_read_only", modes.read_only, "default_transaction_read_only"),
        ("transaction_deferrable", modes.deferrable, "default_transaction_deferrable"),
    ];
    for (name, stated, default) in stated {
        let wanted = stated.map_or_else(|| settings.get(default).to_owned(), str::to_owned);
        set_mode(settings, name, wanted);
    }
}

/// Sets the modes that are stated, and leaves the others.
pub(super) fn apply_stated(settings: &mut Settings, modes: &TransactionModes) {
    let stated = [
        ("transaction_isolation", modes.isolation),
        ("transaction_read_only", modes.read_only),
        ("transaction_deferrable", modes.deferrable),
    ];
    for (name, value) in stated {
        if let Some(value) = value {
            set_mode(settings, name, value.to_owned());
        }
    }
}

/// The modes that a setting of that name tells.
pub(super) fn modes_of(name: &str, values: &[String]) -> Option<TransactionModes> {
    const LEVELS: [&str; 4] = ["serializable", "repeatable read", "read committed", "read uncommitted"];
    let [value] = values else { return None };
    let word = |words: &[&'static str]| words.iter().find(|word| word.eq_ignore_ascii_case(value)).copied();
    let truth = || crate::types::read_truth(value).map(|on| if on { "on" } else { "off" });
    let none = TransactionModes::default();
    match name {
        "transaction_isolation" => Some(TransactionModes { isolation: word(&LEVELS), ..none }),
        "transaction_read_only" => Some(TransactionModes { read_only: truth(), ..none }),
        "transaction_deferrable" => Some(TransactionModes { deferrable: truth(), ..none }),
        _ => None,
    }
}

fn set_mode(settings: &mut Settings, name: &str, wanted: String) {
    if settings.get(name) != wanted {
        let set = settings.set(name, &SetValue::Values(vec![wanted]), SetScope::Local);
        debug_assert!(set.is_ok(), "modes are valid values");
    }
}

#[cfg(test)]
mod tests {
    use super::{AfterEnd, End, Settings, Transaction, TransactionModes, TransactionStatus};
    use crate::planner::{SetScope, SetValue};

    fn set_zone(settings: &mut Settings, zone: &str) {
        settings.set("timezone", &SetValue::Values(vec![zone.into()]), SetScope::Session).expect("a zone");
    }

    #[test]
    fn a_failed_block_takes_its_settings_back() {
        let (mut settings, mut transaction) = (Settings::new("u", &[]), Transaction::default());
        assert!(transaction.begin(&mut settings, TransactionModes::default(), 1).is_none());
        set_zone(&mut settings, "Asia/Tokyo");
        transaction.savepoint(&settings, "a".into(), 0).expect("in a block");
        set_zone(&mut settings, "Europe/Paris");
        transaction.fail(&mut settings);
        assert_eq!(transaction.status(), TransactionStatus::Failed);
        transaction.rollback_to(&mut settings, "a").expect("known");
        assert_eq!(transaction.status(), TransactionStatus::InBlock);
        assert_eq!(settings.get("timezone"), "Asia/Tokyo");
        transaction.fail(&mut settings);
        let (tag, _) = transaction.end(&mut settings, End::Commit, AfterEnd::Nothing, 2).expect("ends");
        assert_eq!((tag, settings.get("timezone")), ("ROLLBACK", "UTC"));
    }

    #[test]
    fn an_implicit_transaction_becomes_a_block_and_keeps_its_now() {
        let (mut settings, mut transaction) = (Settings::new("u", &[]), Transaction::default());
        assert_eq!(transaction.ensure_started(&mut settings, 7), 7);
        transaction.begin(&mut settings, TransactionModes::default(), 9);
        assert_eq!(transaction.ensure_started(&mut settings, 11), 7);
        transaction.end(&mut settings, End::Rollback, AfterEnd::Chain, 12).expect("ends");
        assert_eq!(transaction.ensure_started(&mut settings, 13), 12);
        assert_eq!(transaction.status(), TransactionStatus::InBlock);
    }
}
