//! The KubeArmor border: feed, decode, batch, append.
//!
//! Per feed and stream one reader moves bytes into a bounded queue; behind the queues of a feed one
//! task decodes and commits. Promised: an event that `committed up to N` counts survives everything
//! the store survives; none is stored twice by one node; every time in which a stream was not heard,
//! and every event that we drop ourselves, is a row of `mesh.source_gaps`. Not promised: what
//! KubeArmor drops before we see it, since it numbers nothing.

mod batch;
mod bench;
mod commit;
mod config;
mod connect;
mod decode;
#[cfg(test)]
mod decode_tests;
mod draft;
mod facts;
mod feed;
#[cfg(test)]
mod feed_tests;
mod gaps;
mod history;
mod instant;
mod json;
mod jsonb;
mod queue;
mod status;
mod wire;

use std::sync::Arc;

use tokio::sync::Notify;

use crate::catalog::Table;
use crate::env::{Clock, Random};
use crate::storage::Store;
use crate::tasks::Tasks;
use crate::types::{EventKind, NodeName};
use bench::{Bench, BenchError};
use commit::{Committer, Line};
use config::Tuning;
use feed::Reader;
use gaps::OpenGaps;
use queue::Queue;
use status::StreamStatus;

pub use batch::{BatchError, EventBatcher};
pub use config::{FeedConfig, FeedTls};
pub use decode::{Arrival, Decoder, JsonError};
pub use draft::VALUE_BYTES_MAX;
pub use history::{History, HistoryError};
pub use json::JSON_BYTES_MAX;
pub use status::SourceStatus;

/// All feeds of a node.
#[derive(Debug)]
pub struct Ingest {
    streams: Vec<Arc<StreamStatus>>,
}

/// What all feeds of a node share.
#[derive(Debug, Clone)]
struct Shared {
    store: Arc<Store>,
    tables: Vec<Arc<Table>>,
    node: NodeName,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tuning: Tuning,
}

impl Ingest {
    /// Starts to pull from every configured endpoint; the work ends with `tasks`, after the last
    /// event that was received has been committed.
    pub fn start(
        config: Vec<FeedConfig>,
        store: Arc<Store>,
        tables: Vec<Arc<Table>>,
        node: NodeName,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        tasks: &Tasks,
    ) -> Self {
        let shared = Shared { store, tables, node, clock, random, tuning: Tuning::default() };
        Self::start_tuned(config, &shared, tasks)
    }

    fn start_tuned(config: Vec<FeedConfig>, shared: &Shared, tasks: &Tasks) -> Self {
        let streams = config.into_iter().flat_map(|feed| start_feed(Arc::new(feed), shared, tasks)).collect();
        Self { streams }
    }

    /// Every stream of every feed, as it is now.
    pub fn status(&self) -> Vec<SourceStatus> {
        self.streams.iter().map(|stream| stream.snapshot()).collect()
    }
}

fn start_feed(config: Arc<FeedConfig>, shared: &Shared, tasks: &Tasks) -> Vec<Arc<StreamStatus>> {
    let wanted = |kind: &EventKind| config.streams.contains(kind);
    let kinds: Vec<EventKind> = EventKind::ALL.into_iter().filter(wanted).collect();
    let progress = shared.store.progress();
    let changed = Arc::new(Notify::new());
    let (mut lines, mut readers, mut statuses) = (Vec::new(), Vec::new(), Vec::new());
    for kind in &kinds {
        let earlier = progress.iter().find(|one| one.feed == config.name.as_str() && one.stream == kind.table());
        let epoch = earlier.map_or(0, |earlier| earlier.epoch);
        let queue = Arc::new(Queue::new(shared.tuning.queue_events, shared.tuning.queue_bytes, Arc::clone(&changed)));
        let now = shared.clock.now_us();
        let status = Arc::new(StreamStatus::new(&config.name, *kind, &config.address, now, epoch));
        lines.push(Line::new(*kind, Arc::clone(&queue), Arc::clone(&status)));
        statuses.push(Arc::clone(&status));
        readers.push(Reader {
            config: Arc::clone(&config),
            kind: *kind,
            tuning: shared.tuning,
            queue: Arc::clone(&queue),
            status,
            gaps: OpenGaps::load(&shared.store, &queue, &config.name, *kind),
            clock: Arc::clone(&shared.clock),
            random: Arc::clone(&shared.random),
            stop: tasks.stop_token(),
            epoch,
            heard_before_us: earlier.map(|earlier| earlier.last_received_us),
            open: false,
        });
    }
    let make_bench = {
        let (config, shared) = (Arc::clone(&config), shared.clone());
        move || Bench::new(&config.name, &shared.node, &shared.tables, &kinds)
    };
    if let Err(error) = make_bench() {
        refuse(&config, &error, &statuses);
        return statuses;
    }
    let committer = Committer {
        feed: config.name.clone(),
        tuning: shared.tuning,
        store: Arc::clone(&shared.store),
        changed,
        stop: tasks.stop_token(),
        lines,
    };
    tasks.spawn_session("ingest commits", committer.run(move || make_bench().ok()));
    for reader in readers {
        tasks.spawn_session("ingest reader", reader.run());
    }
    statuses
}

/// A catalog that does not fit the decoder is our own mistake; the feed stays down and says why.
fn refuse(config: &FeedConfig, error: &BenchError, statuses: &[Arc<StreamStatus>]) {
    tracing::error!(feed = %config.name, code = error.code().sqlstate(), %error, "the feed cannot be started");
    statuses.iter().for_each(|status| status.set_error(&error.to_string()));
}
