//! One client's conversation: who it is, what it hears of, and what it is answered.
//!
//! What may not be read and what is not there are answered alike. Nothing but a broken or foreign protocol closes the
//! socket: applications would come again for ever.

use super::{
    pace::Pace,
    speaker::{Known, Speaker},
    topics::{SPELLINGS, Topics},
};
use crate::app::App;
use podbell_delivery::{
    rendering_id,
    websocket::{
        frame::CloseCode,
        lines::{Converse, End, Heard, LineKey, Lines},
    },
};
use podbell_hub::{Channel, ChannelId, ConnectError, Ending, Filter, Network, Topic};
use podbell_model::{ResourceIri, Subject, Uuid};
use podbell_wire::{
    Rendering,
    solid_0_1::{MAX_URI, Misheard, Said, Says},
};
use std::{
    ops::ControlFlow::{self, Break, Continue},
    sync::Arc,
};
use tokio::time::sleep_until;

/// How a client is received, by the subprotocols that it offered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Greeting {
    /// It knows where it is.
    Welcome,
    /// It offered none, as most do.
    Warned,
    /// It offered others alone: it takes this for something else.
    Stranger,
}

/// What became of a wish to hear of something.
enum Outcome {
    Heard,
    Refused,
    /// Why not; nothing that depends on what there is.
    Failed(String),
}

/// One client's conversation.
pub(super) struct Conversation {
    app: Arc<App>,
    lines: Arc<Lines>,
    greeting: Greeting,
    speaker: Speaker,
    network: Option<Network>,
    topics: Topics,
    pace: Pace,
}

impl Conversation {
    pub(super) fn new(
        app: Arc<App>,
        lines: Arc<Lines>,
        greeting: Greeting,
        speaker: Speaker,
        network: Option<Network>,
    ) -> Self {
        let pace = Pace::new(app.settings.solid_0_1.messages_per_second);
        Self { app, lines, greeting, speaker, network, topics: Topics::default(), pace }
    }

    /// A proof was said, for the socket or for a resource.
    async fn dpop(&mut self, proof: &str) -> ControlFlow<End> {
        let app = Arc::clone(&self.app);
        let is_resource = |resource: &ResourceIri| app.storages.containing(resource).is_some();
        match self.speaker.dpop(&app.verifier, proof, &is_resource, app.now()).await {
            Ok(Known::Socket { former }) => {
                if let Some(former) = former {
                    self.take_leave(&former).await?;
                }
                self.try_again(None).await
            }
            Ok(Known::Resource { resource, .. }) => self.try_again(Some(&resource)).await,
            Err(unproved) => self.lines.say(Says::Error(&unproved.to_string())).await,
        }
    }

    /// It wants to hear of the resource that a proof is for.
    async fn sub_proved(&mut self, proof: &str) -> ControlFlow<End> {
        let app = Arc::clone(&self.app);
        let is_resource = |resource: &ResourceIri| app.storages.containing(resource).is_some();
        match self.speaker.sub(&app.verifier, proof, &is_resource, app.now()).await {
            Ok(Known::Resource { spelled, .. }) if spelled.len() <= MAX_URI => self.begin(&spelled).await,
            Ok(_) => self.lines.say(Says::Error(&Misheard::LongUri.to_string())).await,
            Err(unproved) => self.lines.say(Says::Error(&unproved.to_string())).await,
        }
    }

    /// Somebody else speaks now: what the former one heard ends, unless it is theirs too.
    async fn take_leave(&mut self, former: &Subject) -> ControlFlow<End> {
        for uri in self.topics.take_of(former) {
            self.begin(&uri).await?;
        }
        Continue(())
    }

    /// What was refused is tried once more, or that one resource of it. What may still not be read is not answered again.
    async fn try_again(&mut self, only: Option<&ResourceIri>) -> ControlFlow<End> {
        let most = self.app.settings.solid_0_1.subscriptions_per_socket;
        for uri in self.topics.take_refused() {
            if only.is_some_and(|only| ResourceIri::parse(&uri).is_ok_and(|resource| resource != *only)) {
                self.topics.refuse(&uri, most);
            } else if let Outcome::Heard = self.listen(&uri).await {
                self.lines.say(Says::Ack(&uri)).await?;
                self.topics.open(&uri);
            }
        }
        Continue(())
    }

    async fn said(&mut self, said: Result<Said<'_>, Misheard>) -> ControlFlow<End> {
        match said {
            Ok(Said::Sub(uri)) => self.sub(uri).await,
            Ok(Said::Unsub(uri)) => {
                self.topics.forget(uri);
                self.lines.say(Says::Removed(uri)).await
            }
            Ok(Said::Ping(rest)) => self.lines.say(Says::Pong(rest)).await,
            Ok(Said::SubProved(proof)) => self.sub_proved(proof).await,
            Ok(Said::Auth { scheme, token }) => match self.speaker.auth(format!("{scheme} {token}")) {
                // Nothing is known before the proof.
                Ok(()) => Continue(()),
                Err(unproved) => self.lines.say(Says::Error(&unproved.to_string())).await,
            },
            Ok(Said::Dpop(proof)) => self.dpop(proof).await,
            Err(misheard) if misheard.is_error() => self.lines.say(Says::Error(&misheard.to_string())).await,
            Err(misheard) => self.lines.say(Says::Warning(&misheard.to_string())).await,
        }
    }

    /// It wants to hear of a resource.
    async fn sub(&mut self, uri: &str) -> ControlFlow<End> {
        if self.topics.hears(uri) {
            return self.lines.say(Says::Ack(uri)).await;
        }
        self.begin(uri).await
    }

    /// The same, even if it hears of it already: by another right, perhaps.
    async fn begin(&mut self, uri: &str) -> ControlFlow<End> {
        match self.listen(uri).await {
            Outcome::Heard => {
                self.lines.say(Says::Ack(uri)).await?;
                self.topics.open(uri);
                Continue(())
            }
            Outcome::Refused => self.refuse(uri).await,
            Outcome::Failed(why) => self.lines.say(Says::Error(&why)).await,
        }
    }

    async fn refuse(&mut self, uri: &str) -> ControlFlow<End> {
        self.topics.refuse(uri, self.app.settings.solid_0_1.subscriptions_per_socket);
        self.lines.say(Says::Forbidden(uri)).await
    }

    /// Begins to hear of a resource, if it may be read. Nothing is told before it is opened.
    async fn listen(&mut self, uri: &str) -> Outcome {
        let most = self.app.settings.solid_0_1.subscriptions_per_socket;
        if self.topics.len() >= most && !self.topics.hears(uri) {
            return Outcome::Failed(format!("Too many subscriptions: at most {most} on one socket"));
        }
        let topic = match self.topic(uri) {
            Ok(topic) => topic,
            Err(outcome) => return outcome,
        };
        if self.topics.spellings(&topic.resource, uri) >= SPELLINGS {
            return Outcome::Failed(format!("Too many subscriptions: at most {SPELLINGS} spellings of one resource"));
        }
        // Before it is judged: what is committed from here on is told.
        let (since, now) = (self.app.log.head(), self.app.now());
        let (subject, until) = self.speaker.subject(&topic, now);
        let (id, rendering) = (ChannelId(Uuid::new_v4()), rendering_id(Rendering::Solid01));
        let channel = Channel {
            network: self.network.filter(|_| subject.webid.is_none()),
            filter: Filter::with_members(),
            end_at: until,
            ..Channel::new(id, Arc::clone(&subject), [topic.clone()].into(), rendering, now)
        };
        match self.app.hub.attend(channel).await {
            Ok(admission) => {
                let listening = self.lines.listen(uri, admission, since);
                self.topics.add((uri, topic.resource), (subject, until), listening);
                Outcome::Heard
            }
            Err(ConnectError::Forbidden) => Outcome::Refused,
            Err(ConnectError::TooMany { limit, .. }) => {
                Outcome::Failed(format!("Too many subscriptions: there are {limit} already"))
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a line could not subscribe");
                Outcome::Failed("Nobody can subscribe now, try again later".to_owned())
            }
        }
    }

    /// The topic that a URI names, in whatever spelling.
    fn topic(&self, uri: &str) -> Result<Topic, Outcome> {
        let resource = ResourceIri::parse(uri).map_err(|error| Outcome::Failed(format!("Invalid URL: {error}")))?;
        match self.app.storages.containing(&resource) {
            Some(storage) => Ok(Topic { storage: storage.id, resource }),
            None if resource.origin() != &*self.app.origin && !self.app.storages.has_origin(resource.origin()) => {
                Err(Outcome::Failed(format!("Mismatched host: {} is not served here", resource.origin())))
            }
            // Outside every storage there is nothing to hear of, for anybody.
            None => Err(Outcome::Refused),
        }
    }

    /// Looks at a message in its turn.
    async fn keep_pace(&mut self) -> ControlFlow<End> {
        if let Some(turn) = self.pace.count() {
            let most = self.app.settings.solid_0_1.messages_per_second;
            let why = format!("Too many messages: {most} are read in a second, the others later");
            self.lines.say(Says::Error(&why)).await?;
            sleep_until(turn).await;
        }
        Continue(())
    }
}

impl Converse for Conversation {
    async fn opened(&mut self) -> ControlFlow<End> {
        match self.greeting {
            Greeting::Welcome => self.lines.say(Says::Protocol).await?,
            Greeting::Warned => {
                self.lines.say(Says::Protocol).await?;
                self.lines.say(Says::MissingSubprotocol).await?;
            }
            Greeting::Stranger => {
                self.lines.say(Says::OtherSubprotocol).await?;
                return Break((CloseCode::PROTOCOL, "only solid-0.1 is spoken here"));
            }
        }
        Continue(())
    }

    async fn heard(&mut self, heard: Heard<'_>) -> ControlFlow<End> {
        self.keep_pace().await?;
        let most = self.app.settings.solid_0_1.message.bytes();
        match heard {
            Heard::Text(text) if text.len() <= most => self.said(Said::parse(text)).await,
            Heard::Text(_) | Heard::TooLarge => {
                self.lines.say(Says::Error(&format!("Message too large: at most {most} bytes are read"))).await
            }
            Heard::Binary => self.lines.say(Says::Warning(&Misheard::Format.to_string())).await,
        }
    }

    /// Whoever it is now may hear of it all the same; what was missed in between is made up for.
    async fn ended(&mut self, key: LineKey, _ending: Ending) -> ControlFlow<End> {
        let Some((uri, gone)) = self.topics.ended(key) else { return Continue(()) };
        let now = self.app.now();
        let is_other = self.topic(&uri).is_ok_and(|topic| self.speaker.subject(&topic, now) != gone.by);
        drop(gone);
        if is_other && matches!(self.listen(&uri).await, Outcome::Heard) {
            self.lines.say(Says::Pub(&uri)).await?;
            self.topics.open(&uri);
            return Continue(());
        }
        self.refuse(&uri).await
    }
}
