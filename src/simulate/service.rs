//! LogService, answered as a KubeArmor daemon answers it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::hub::Hub;
use crate::proto::feeder::log_service_server::LogService;
use crate::proto::feeder::{Alert, Log, Message, NonceMessage, ReplyMessage, RequestMessage};

type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The service over one hub.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) hub: Arc<Hub>,
    pub(super) stop: CancellationToken,
}

impl Service {
    /// The events of one client. The headers of the answer leave with the first event, as grpc-go
    /// sends them, so the caller waits here until there is one.
    fn answer<T: Send + 'static>(
        &self,
        mut queue: mpsc::Receiver<T>,
    ) -> impl Future<Output = Result<Response<Events<T>>, Status>> + Send + use<T> {
        let (hub, stop) = (Arc::clone(&self.hub), self.stop.clone());
        async move {
            let first = tokio::select! {
                event = queue.recv() => event,
                () = stop.cancelled() => None,
            };
            let Some(first) = first else { return Ok(no_events()) };
            let state = (Some(first), queue, hub, stop);
            let events = futures::stream::unfold(state, |(first, mut queue, hub, stop)| async move {
                let next = match first {
                    Some(event) => Some(event),
                    None => tokio::select! {
                        event = queue.recv() => event,
                        () = stop.cancelled() => None,
                    },
                };
                let event = next?;
                hub.count_sent();
                Some((Ok(event), (None, queue, hub, stop)))
            });
            Ok(Response::new(Box::pin(events) as Events<T>))
        }
    }
}

/// The answer to a filter that the daemon does not know: a stream that ends at once, with status OK.
fn no_events<T: Send + 'static>() -> Response<Events<T>> {
    Response::new(Box::pin(futures::stream::empty()))
}

#[tonic::async_trait]
impl LogService for Service {
    type WatchMessagesStream = Events<Message>;
    type WatchAlertsStream = Events<Alert>;
    type WatchLogsStream = Events<Log>;

    async fn health_check(&self, request: Request<NonceMessage>) -> Result<Response<ReplyMessage>, Status> {
        Ok(Response::new(ReplyMessage { retval: request.into_inner().nonce }))
    }

    async fn watch_messages(&self, _: Request<RequestMessage>) -> Result<Response<Events<Message>>, Status> {
        let queue = self.hub.subscribe_messages();
        self.answer(queue).await
    }

    async fn watch_alerts(&self, request: Request<RequestMessage>) -> Result<Response<Events<Alert>>, Status> {
        if !matches!(request.get_ref().filter.as_str(), "all" | "policy") {
            return Ok(no_events());
        }
        let queue = self.hub.subscribe_alerts();
        self.answer(queue).await
    }

    async fn watch_logs(&self, request: Request<RequestMessage>) -> Result<Response<Events<Log>>, Status> {
        if !matches!(request.get_ref().filter.as_str(), "all" | "system") {
            return Ok(no_events());
        }
        let queue = self.hub.subscribe_logs();
        self.answer(queue).await
    }
}
