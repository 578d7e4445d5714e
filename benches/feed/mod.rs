//! Events as a feed receives them, and the way they become batches; what the benches share.
//!
//! They are those of the simulator's generator: the mix of operations, lengths and rarities of a
//! lively cluster.
#![allow(dead_code, reason = "each bench uses its own part")]

use armorlake::catalog::builtin;
use armorlake::ingest::{Arrival, Decoder, EventBatcher};
use armorlake::simulate::{Generator, Produced};
use armorlake::types::{EventKind, FeedName, NodeName};
use datafusion::arrow::array::RecordBatch;
use prost::Message as _;

/// Events of one commit: the most that a committer takes.
pub(crate) const COMMIT_EVENTS: usize = 8_192;
const SEED: u64 = 7;
const HOSTS: usize = 5;
const WORKLOADS: usize = 40;
const START_US: i64 = 1_700_000_000_000_000;
/// Events come this far apart.
const EVENT_US: i64 = 500;

/// One event as it comes out of a gRPC frame.
pub(crate) struct Received {
    pub(crate) kind: EventKind,
    pub(crate) bytes: Vec<u8>,
}

/// What a feed received, all streams mixed: so many commits, of which no two are alike.
pub(crate) fn received(commits: usize) -> Vec<Vec<Received>> {
    let mut generator = Generator::new(SEED, HOSTS, WORKLOADS);
    let mut instants = (0_i64..).map(|number| START_US + number * EVENT_US);
    let mut commit = || instants.by_ref().take(COMMIT_EVENTS).map(|now_us| encoded(&generator.next(now_us))).collect();
    (0..commits).map(|_| commit()).collect()
}

fn encoded(event: &Produced) -> Received {
    let bytes = match event {
        Produced::Alert(alert) => alert.encode_to_vec(),
        Produced::Log(log) => log.encode_to_vec(),
        Produced::Message(message) => message.encode_to_vec(),
    };
    Received { kind: event.kind(), bytes }
}

/// The decoder of a feed, and a batcher for each of its streams.
pub(crate) struct Line {
    decoder: Decoder,
    batchers: Vec<(EventKind, EventBatcher)>,
    index: u64,
}

impl Line {
    /// A feed's tools, as a node makes them when it starts.
    pub(crate) fn new() -> Self {
        let (catalog, node) = (builtin().expect("catalog"), NodeName::new("edge-1").expect("name"));
        let batcher = |kind: EventKind| {
            let table = catalog.event_table(kind.table()).expect("table");
            (kind, EventBatcher::new(table, &node).expect("batcher"))
        };
        let batchers = EventKind::ALL.into_iter().map(batcher).collect();
        Self { decoder: Decoder::new(node.clone(), FeedName::new("feed-1").expect("name")), batchers, index: 0 }
    }

    /// The batches of one commit.
    pub(crate) fn batches(&mut self, events: &[Received]) -> Vec<(String, RecordBatch)> {
        for event in events {
            let arrival = Arrival { epoch: 1, index: self.index, received_at_us: START_US };
            self.index += 1;
            let decoded = self.decoder.decode_wire(event.kind, &event.bytes, arrival);
            let batcher = self.batchers.iter_mut().find(|(kind, _)| *kind == event.kind);
            batcher.expect("a batcher of every kind").1.push(decoded);
        }
        let filled = self.batchers.iter_mut().filter(|(_, batcher)| batcher.rows() > 0);
        filled.map(|(kind, batcher)| (kind.table().to_owned(), batcher.finish().expect("batch"))).collect()
    }
}
