//! Serves fragments, gossip and summaries to nodes whose certificate was checked.
//!
//! A fragment runs with those of the stated roles that the caller's certificate allows it to act
//! as; with none of them it is refused. Every reply ends with a trailer or with an error that has a
//! SQLSTATE; when the caller drops it, so is the fragment.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::codec::{BatchEncoder, SummaryOrigin, decode_request, encode_failure, encode_trailer, slices};
use super::directory::Directory;
use super::gossip_transport::GossipInbox;
use super::summary;
use super::{FragmentReply, FragmentRequest, FragmentRunner, MeshError, Trailer};
use crate::proto::mesh as proto;
use crate::proto::mesh::fragment_reply::Piece;
use crate::proto::mesh::fragment_service_server::FragmentService;
use crate::proto::mesh::membership_service_server::MembershipService;
use crate::tls::NodeIdentity;
use crate::types::Code;

/// Everything the services need.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) directory: Arc<Directory>,
    pub(super) runner: Arc<dyn FragmentRunner>,
    pub(super) inbox: GossipInbox,
    /// No new fragments are taken.
    pub(super) draining: watch::Receiver<bool>,
    pub(super) stop: CancellationToken,
    pub(super) fragments: AtomicU64,
}

impl Served {
    /// The caller, unless its certificate has expired since it connected.
    fn caller<T>(&self, request: &Request<T>) -> Result<Arc<NodeIdentity>, Status> {
        let identity = request.extensions().get::<Arc<NodeIdentity>>();
        let identity = identity.ok_or_else(|| Status::unauthenticated("no certificate"))?;
        if identity.valid_until_us < self.directory.clock.now_us() {
            return Err(Status::unauthenticated("the certificate has expired"));
        }
        Ok(Arc::clone(identity))
    }

    /// The request as the runner may see it.
    fn admit(&self, caller: &NodeIdentity, request: proto::FragmentRequest) -> Result<FragmentRequest, MeshError> {
        if *self.draining.borrow() || self.stop.is_cancelled() {
            return Err(stopping());
        }
        let mut request = decode_request(request)?;
        request.roles = caller.allowed_of(&request.roles);
        if request.roles.is_empty() {
            let message = format!("node \"{}\" may not act as any of the user's roles", caller.name);
            return Err(MeshError::Refused { code: Code::InsufficientPrivilege, message });
        }
        Ok(request)
    }
}

fn stopping() -> MeshError {
    MeshError::Refused { code: Code::AdminShutdown, message: String::from("the node is stopping") }
}

/// The services of this node.
#[derive(Debug, Clone)]
pub(super) struct Services(pub(super) Arc<Served>);

#[tonic::async_trait]
impl FragmentService for Services {
    type RunStream = BoxStream<'static, Result<proto::FragmentReply, Status>>;

    async fn run(&self, request: Request<proto::FragmentRequest>) -> Result<Response<Self::RunStream>, Status> {
        let caller = self.0.caller(&request)?;
        self.0.fragments.fetch_add(1, Ordering::Relaxed);
        let reply: Self::RunStream = match self.0.admit(&caller, request.into_inner()) {
            Ok(admitted) => Box::pin(pieces(Reply::start(&self.0, caller, admitted))),
            Err(error) => Box::pin(stream::iter([Ok(encode_failure(&error))])),
        };
        Ok(Response::new(reply))
    }
}

#[tonic::async_trait]
impl MembershipService for Services {
    type WatchSummaryStream = BoxStream<'static, Result<proto::SummaryFrame, Status>>;
    type CatalogEntriesStream = BoxStream<'static, Result<proto::CatalogEntriesReply, Status>>;

    async fn gossip(&self, request: Request<proto::GossipFrame>) -> Result<Response<proto::GossipReceipt>, Status> {
        let caller = self.0.caller(&request)?;
        let frame = request.into_inner();
        self.0.directory.introduced(&caller, &frame.sender_address);
        self.0.inbox.deliver(&caller.name, frame.message);
        Ok(Response::new(proto::GossipReceipt {}))
    }

    async fn watch_summary(
        &self,
        request: Request<proto::WatchSummaryRequest>,
    ) -> Result<Response<Self::WatchSummaryStream>, Status> {
        let caller = self.0.caller(&request)?;
        let directory = &self.0.directory;
        directory.introduced(&caller, &request.into_inner().watcher_address);
        let origin = SummaryOrigin { version: directory.own.version.clone(), address: directory.own.address.clone() };
        let frames = summary::frames(
            summary::Publication {
                summaries: directory.summaries.clone(),
                draining: self.0.draining.clone(),
                definitions: directory.definitions.subscribe(),
                origin,
                clock: Arc::clone(&directory.clock),
                valid_until_us: caller.valid_until_us,
            },
            self.0.stop.clone(),
        );
        Ok(Response::new(Box::pin(frames.map(Ok))))
    }

    async fn catalog_entries(
        &self,
        request: Request<proto::CatalogEntriesRequest>,
    ) -> Result<Response<Self::CatalogEntriesStream>, Status> {
        let _known = self.0.caller(&request)?;
        let made = self.0.directory.definitions.borrow().clone();
        let made = made.ok_or_else(|| Status::unavailable("the node has only just begun"))?;
        let messages = (0..made.messages.len()).map(move |place| Ok(made.messages[place].clone()));
        Ok(Response::new(Box::pin(stream::iter(messages))))
    }
}

type Source = BoxStream<'static, Result<Result<FragmentReply, MeshError>, Box<dyn Any + Send>>>;

/// One reply while it is being sent.
struct Reply {
    source: Source,
    encoder: Option<BatchEncoder>,
    /// Slices of the last batch that are not sent yet.
    unsent: VecDeque<RecordBatch>,
    rows: u64,
    bytes_left: u64,
    given: Duration,
    deadline: Instant,
    stop: CancellationToken,
}

impl Reply {
    fn start(served: &Served, caller: Arc<NodeIdentity>, request: FragmentRequest) -> Self {
        let (given, bytes_left) = (request.deadline, request.reply_bytes_max);
        let runner = Arc::clone(&served.runner);
        let started = async move { runner.run(&caller.name, request).await };
        let source = AssertUnwindSafe(stream::once(started).try_flatten()).catch_unwind();
        Self {
            source: source.boxed(),
            encoder: None,
            unsent: VecDeque::new(),
            rows: 0,
            bytes_left,
            given,
            deadline: Instant::now() + given,
            stop: served.stop.clone(),
        }
    }

    /// The next message, and whether it is the last.
    async fn next(&mut self) -> (proto::FragmentReply, bool) {
        match self.next_piece().await {
            Ok((message, is_last)) => (message, is_last),
            Err(error) => (encode_failure(&error), true),
        }
    }

    async fn next_piece(&mut self) -> Result<(proto::FragmentReply, bool), MeshError> {
        loop {
            if let Some(slice) = self.unsent.pop_front() {
                return Ok((self.batch(&slice)?, false));
            }
            let piece = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(stopping()),
                piece = self.source.next() => piece,
                () = sleep_until(self.deadline) => {
                    let message = format!("the fragment took longer than {} ms", self.given.as_millis());
                    return Err(MeshError::Refused { code: Code::QueryCanceled, message });
                }
            };
            match piece {
                None => return Err(internal("the fragment ended without a trailer")),
                Some(Err(_)) => {
                    tracing::error!("a fragment panicked and was ended");
                    return Err(internal("the fragment failed"));
                }
                Some(Ok(Err(error))) => return Err(error),
                Some(Ok(Ok(FragmentReply::Header(schema)))) => {
                    let encoder = self.encoder.insert(BatchEncoder::new(&schema)?);
                    return Ok((encoder.header(), false));
                }
                Some(Ok(Ok(FragmentReply::Batch(batch)))) => {
                    let encoder = self.encoder.as_ref().ok_or_else(|| internal("a batch before the header"))?;
                    self.unsent = slices(&encoder.plain(&batch)?).into();
                }
                Some(Ok(Ok(FragmentReply::Trailer(trailer)))) => {
                    return Ok((encode_trailer(&Trailer { rows: self.rows, ..trailer }), true));
                }
            }
        }
    }

    fn batch(&mut self, slice: &RecordBatch) -> Result<proto::FragmentReply, MeshError> {
        let encoder = self.encoder.as_ref().ok_or_else(|| internal("a batch before the header"))?;
        let message = encoder.message(slice)?;
        let bytes = message.metadata.len() as u64 + message.body.len() as u64;
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or_else(|| MeshError::Refused {
            code: Code::OutOfMemory,
            message: String::from("the reply is larger than the coordinator takes"),
        })?;
        self.rows += slice.num_rows() as u64;
        Ok(proto::FragmentReply { piece: Some(Piece::Batch(message)) })
    }
}

fn internal(message: &str) -> MeshError {
    MeshError::Refused { code: Code::Internal, message: message.to_owned() }
}

fn pieces(reply: Reply) -> impl futures::Stream<Item = Result<proto::FragmentReply, Status>> + Send {
    stream::unfold(Some(reply), |reply| async {
        let mut reply = reply?;
        let (message, is_last) = reply.next().await;
        Some((Ok(message), (!is_last).then_some(reply)))
    })
}
