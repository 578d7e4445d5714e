//! What can go wrong with an owner's reply, played on the replies of a test network.

use armorlake::mesh::{FragmentReply, MeshError, ReplyStream, Trailer};
use futures::{StreamExt, stream};

/// How an owner's replies go wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The error comes after the header.
    AfterHeader(MeshError),
    /// The error comes after the first batch.
    AfterBatch(MeshError),
    /// As `AfterHeader`, for the first request only.
    Once(MeshError),
    /// The reply ends after its first batch.
    CutShort,
    /// Nothing comes after the first batch.
    Silent,
    /// The trailer tells of one row more.
    WrongCount,
    /// The owner could not read all its rows.
    Incomplete(String),
}

impl Fault {
    /// The reply with this fault.
    pub(crate) fn play(self, reply: ReplyStream) -> ReplyStream {
        let fails = |error: MeshError| stream::iter([Err(error)]);
        match self {
            Self::AfterHeader(error) | Self::Once(error) => reply.take(1).chain(fails(error)).boxed(),
            Self::AfterBatch(error) => reply.take(2).chain(fails(error)).boxed(),
            Self::CutShort => reply.take(2).boxed(),
            Self::Silent => reply.take(2).chain(stream::pending()).boxed(),
            Self::WrongCount => with_trailer(reply, |trailer| trailer.rows += 1),
            Self::Incomplete(reason) => with_trailer(reply, move |trailer| trailer.incomplete = Some(reason.clone())),
        }
    }
}

fn with_trailer(reply: ReplyStream, change: impl Fn(&mut Trailer) + Send + 'static) -> ReplyStream {
    let piece = move |piece| match piece {
        Ok(FragmentReply::Trailer(mut trailer)) => {
            change(&mut trailer);
            Ok(FragmentReply::Trailer(trailer))
        }
        other => other,
    };
    reply.map(piece).boxed()
}
