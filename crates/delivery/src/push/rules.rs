//! What the courier asks of the hub: whether something may be told, and how a topic stands.

use super::Removal;
use podbell_egress::Gate;
use podbell_hub::{About, Channel, ChannelStoreError, Ending, Grant, Hub, Leave, Shown, Told, Unavailable};
use podbell_model::Uuid;
use std::{io, sync::Arc, task::Poll};

/// Whether something that is owed may be sent now.
pub enum Permit<G = Arc<dyn Gate>> {
    /// As long as the gate lets it through.
    Granted(G),
    /// It may not be told any more; and why the channel is to be removed, if that is over.
    Withheld(Option<Removal>),
    /// The rules cannot be read: later.
    Unavailable,
}

/// Whether several things may be sent together.
pub struct Together {
    /// Of each, in their order.
    pub each: Vec<Permit<()>>,
    /// The gate for those that are granted, which lets all of them through or none; none if none is granted.
    pub gate: Option<Arc<dyn Gate>>,
}

/// The hub, as the courier sees it.
#[async_trait::async_trait]
pub trait Rules: Send + Sync + 'static {
    /// Whether a channel may be sent something now.
    async fn leave(&self, channel: &Channel, about: &About) -> Permit;

    /// The same for several things in one request: each is judged on its own.
    async fn leave_together(&self, channel: &Channel, abouts: &[About]) -> Together;

    /// Whether it may be sent what tells of no resource: as long as there is the channel.
    async fn leave_to_speak(&self, channel: &Channel) -> Permit;

    /// How the topic stands; none if the receiver knows it already. The caller has leave.
    async fn standing(&self, channel: &Channel, about: &About, message: Uuid) -> Result<Option<Shown>, Unavailable>;

    /// A receiver has acknowledged something.
    async fn told(&self, channel: &Channel, told: &Told) -> Result<(), ChannelStoreError>;

    /// A channel was removed from the queue: when this returns, nothing is sent by leave that was given before.
    fn removed(&self, channel: &Arc<Channel>);
}

#[async_trait::async_trait]
impl Rules for Hub {
    async fn leave(&self, channel: &Channel, about: &About) -> Permit {
        Hub::leave(self, channel, about).await.into()
    }

    async fn leave_together(&self, channel: &Channel, abouts: &[About]) -> Together {
        let mut each = Vec::with_capacity(abouts.len());
        let mut all: Option<Grant> = None;
        for about in abouts {
            each.push(match Hub::leave(self, channel, about).await {
                Leave::Granted(grant) => {
                    all = Some(match all {
                        Some(all) => all.and(grant),
                        None => grant,
                    });
                    Permit::Granted(())
                }
                Leave::Withheld { ended } => Permit::Withheld(ended.map(Removal::from)),
                Leave::Unavailable => Permit::Unavailable,
            });
        }
        Together { each, gate: all.map(|all| Arc::new(Fenced(all)) as _) }
    }

    async fn leave_to_speak(&self, channel: &Channel) -> Permit {
        Hub::leave_to_speak(self, channel).await.into()
    }

    async fn standing(&self, channel: &Channel, about: &About, message: Uuid) -> Result<Option<Shown>, Unavailable> {
        self.standing_for(channel, about, message).await
    }

    async fn told(&self, channel: &Channel, told: &Told) -> Result<(), ChannelStoreError> {
        Hub::told(self, channel, told).await
    }

    fn removed(&self, channel: &Arc<Channel>) {
        Hub::removed(self, channel);
    }
}

impl From<Leave> for Permit {
    fn from(leave: Leave) -> Self {
        match leave {
            Leave::Granted(grant) => Self::Granted(Arc::new(Fenced(grant))),
            Leave::Withheld { ended } => Self::Withheld(ended.map(Removal::from)),
            Leave::Unavailable => Self::Unavailable,
        }
    }
}

impl From<Ending> for Removal {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Expired => Self::Expired,
            Ending::Forbidden => Self::Unauthorized,
            _ => Self::Ended,
        }
    }
}

/// Holds the fence for each system call that sends some of a notification.
struct Fenced(Grant);

impl Gate for Fenced {
    fn pass(&self, write: &mut dyn FnMut() -> Poll<io::Result<usize>>) -> Option<Poll<io::Result<usize>>> {
        self.0.within(write)
    }
}
