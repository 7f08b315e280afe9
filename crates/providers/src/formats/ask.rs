//! A request of any format, offered to one candidate after the other.

use http::HeaderMap;
use tokio_util::sync::CancellationToken;

use super::inbound::Inbound;
use super::native::is_not_served;
use crate::attempt::{Call, Reply, Upstream};
use crate::deadline::Deadline;
use crate::directory::Route;
use crate::failover::Ask;
use crate::failure::Failure;

/// A request in the format of its client. Each candidate gets it in a format that its host speaks.
#[derive(Clone, Copy)]
pub struct InboundAsk<'a> {
    /// What to ask.
    pub inbound: &'a Inbound,
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// When the reply must have begun (a stream) or be complete (else), all candidates together.
    pub deadline: Deadline,
    /// Cancelled when streams must end.
    pub stop: &'a CancellationToken,
}

/// A reply, and what it is written in.
pub struct InboundReply {
    /// The reply.
    pub reply: Reply,
    /// Whether it is a chat completion although the client may speak something else.
    pub is_chat: bool,
}

impl Ask for InboundAsk<'_> {
    type Reply = InboundReply;

    async fn ask(&self, upstream: &Upstream, route: &Route) -> Result<InboundReply, Failure> {
        if let Some(url) = self.inbound.native_url(upstream.catalog(), route) {
            let route = route.speaking(self.inbound.format());
            match Box::pin(upstream.native(*self, &route, url)).await {
                // The host may know the model under its other path.
                Err(failure) if is_not_served(&failure) && self.inbound.chat().is_ok() => {}
                done => {
                    let is_chat = false;
                    return done.map(|reply| InboundReply { reply, is_chat });
                }
            }
        }
        let request = self
            .inbound
            .chat()
            .map_err(|refused| Failure::of_request(&route.place(), refused))?;
        let call = Call {
            route,
            request,
            headers: self.headers,
            deadline: self.deadline,
            stop: self.stop,
        };
        let reply = upstream.attempt(call).await?;
        Ok(InboundReply {
            reply,
            is_chat: true,
        })
    }
}
