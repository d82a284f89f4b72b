//! A channel from its beginning to its end, over as many connections as that takes.
//!
//! What is heard last is remembered by its cursor, from before the subscription on: so nothing is missed between asking and
//! connecting either. A channel that is gone after a cut is asked for anew, from the same place.

use crate::{
    client::Client,
    connection::{Connection, End, Heard, NotOpen},
    discovery::{Service, discover},
    error::WatchError,
    notification::{Gap, Read, read},
    options::Wants,
    seen::Seen,
    subscription::{self, Channel, missing, sorted_out, subscribe},
    watch::{Event, State, Watch},
};
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;
use podbell_wire::Feature;
use std::time::Duration;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep},
};
use url::Url;

/// Most events that wait for whoever listens.
const WAITING: usize = 64;
/// How long until the first attempt to come back, and at most until the next.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// A connection that stood so long was a good one.
const GOOD: Duration = Duration::from_secs(10);

/// What is known if the very cursor that somebody gave leads nowhere.
const GIVEN: &str = "what was missed is not known: the history is no longer kept, or the cursor is of somebody else or of somewhere else";

type Events = mpsc::Sender<Result<Event, WatchError>>;

/// Finds out, subscribes and connects; the rest goes on by itself.
pub(crate) async fn begin(client: Client, topics: Vec<Url>, wants: Wants) -> Result<Watch, WatchError> {
    let mut sessions = Vec::new();
    for mut session in grouped(&client, topics, &wants).await? {
        let connection = session.connect_anew().await?;
        sessions.push((session, connection));
    }
    let (events, receiver) = mpsc::channel(WAITING);
    let (stop, stopping) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for (session, connection) in sessions {
        tasks.spawn(session.run(connection, events.clone(), stopping.clone()));
    }
    Ok(Watch::new(receiver, stop, tasks))
}

/// One channel for the topics of each storage, since a cursor is good in one storage; with it where to begin.
async fn grouped(client: &Client, topics: Vec<Url>, wants: &Wants) -> Result<Vec<Session>, WatchError> {
    let mut groups: Vec<(Option<Url>, Session)> = Vec::new();
    for topic in topics {
        let found = discover(client, &topic, wants).await?;
        let lacking = missing(&found.service, wants);
        if let Some(what) = lacking.first().filter(|_| !wants.fallback) {
            return Err(WatchError::unsupported(topic.as_str(), format!("its server does not offer {what}")));
        }
        let same =
            groups.iter_mut().find(|(storage, session)| *storage == found.storage && session.service == found.service);
        // Others than Podbell may take one topic only.
        if let Some((_, session)) = same.filter(|_| found.service.offers(Feature::Cursor)) {
            // The first cursor is the oldest: what it repeats is told once.
            session.topics.push(topic);
            continue;
        }
        let first = wants.since.clone().or(found.cursor);
        let session = Session::new(client.clone(), found.service, topic, wants.clone(), first);
        groups.push((found.storage, session));
    }
    if wants.since.is_some() && groups.len() > 1 {
        let told = groups[1].1.topics[0].as_str();
        return Err(WatchError::unsupported(told, "a cursor is good for one storage, and this is another one"));
    }
    Ok(groups.into_iter().map(|(_, session)| session).collect())
}

struct Session {
    client: Client,
    service: Service,
    topics: Vec<Url>,
    wants: Wants,
    channel: Option<Channel>,
    cursor: Option<String>,
    seen: Seen,
    pauses: ExponentialBackoff,
}

fn pauses() -> ExponentialBackoff {
    let (first, longest) = PAUSES;
    let builder = ExponentialBuilder::new().with_min_delay(first).with_max_delay(longest);
    builder.with_jitter().without_max_times().build()
}

impl Session {
    fn new(client: Client, service: Service, topic: Url, wants: Wants, cursor: Option<String>) -> Self {
        let (channel, seen) = (None, Seen::default());
        Self { client, service, topics: vec![topic], wants, channel, cursor, seen, pauses: pauses() }
    }

    async fn run(mut self, connection: Connection, events: Events, mut stopping: watch::Receiver<bool>) {
        let error = tokio::select! {
            error = self.listen(connection, &events) => Some(error),
            () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => None,
        };
        if let Some(error) = error {
            // Nobody may be left to hear it.
            drop(events.send(Err(error)).await);
        }
        if let Some(channel) = &self.channel {
            subscription::end(&self.client, channel).await;
        }
    }

    /// Hears until something ends it for good.
    async fn listen(&mut self, mut connection: Connection, events: &Events) -> WatchError {
        for what in missing(&self.service, &self.wants) {
            drop(events.send(Ok(Event::State(State::Without { what }))).await);
        }
        drop(events.send(Ok(self.listening(false))).await);
        loop {
            let since = Instant::now();
            let cursor = self.cursor.clone();
            let end = self.hear(&mut connection, events).await;
            drop(connection);
            if since.elapsed() > GOOD || cursor != self.cursor {
                self.pauses = pauses();
            }
            let reason = match end {
                End::Forbidden(reason) => return self.refused(reason),
                End::Over(reason) if !self.is_expired() => {
                    self.channel = None;
                    return WatchError::Ended { reason };
                }
                End::Over(_) => "the channel's time was over".to_owned(),
                End::Cut(ref reason) => {
                    // Servers without cursors may open a connection only to say that there is no such channel.
                    if self.cursor.is_none() && since.elapsed() < GOOD {
                        self.channel = None;
                    }
                    reason.clone()
                }
                End::Finished => "the stream ended".to_owned(),
            };
            connection = match self.come_back(reason, end == End::Finished, events).await {
                Ok(connection) => connection,
                Err(error) => return error,
            };
        }
    }

    /// Hears one connection to its end.
    async fn hear(&mut self, connection: &mut Connection, events: &Events) -> End {
        loop {
            match connection.next().await {
                Heard::End(end) => return end,
                Heard::Place(cursor) => self.cursor = Some(cursor),
                Heard::Message { text, cursor } => {
                    let (event, cursor) = match read(&text, cursor.as_deref()) {
                        Read::Notification(told) => {
                            let cursor = told.cursor.clone();
                            let is_new = told.id.is_empty() || self.seen.is_new(&told.id);
                            let is_wanted = sorted_out(&self.service, &self.wants)
                                || self.wants.types.is_empty()
                                || self.wants.types.iter().any(|wanted| wanted.name() == told.kind);
                            ((is_new && is_wanted).then_some(Event::Notification(told)), cursor)
                        }
                        Read::Gap(mut gap) => {
                            if self.wants.since.is_some() && self.cursor == self.wants.since {
                                GIVEN.clone_into(&mut gap.reason);
                            }
                            let cursor = gap.cursor.clone();
                            (Some(Event::Gap(gap)), cursor)
                        }
                        Read::Other => {
                            let text = crate::answer::clip(&text);
                            (Some(Event::State(State::NotUnderstood { text })), cursor)
                        }
                    };
                    if let Some(event) = event
                        && events.send(Ok(event)).await.is_err()
                    {
                        // Nobody listens: whoever let go of it has stopped this too, or does.
                        return std::future::pending().await;
                    }
                    // Only now: what was not taken is told again.
                    self.cursor = cursor.or(self.cursor.take());
                }
            }
        }
    }

    /// Tries until it stands again, or never will. `is_finished`: the server ended the last connection in order.
    async fn come_back(
        &mut self,
        mut reason: String,
        is_finished: bool,
        events: &Events,
    ) -> Result<Connection, WatchError> {
        let mut asked = None;
        loop {
            let pause = self.pauses.next().unwrap_or(PAUSES.1).max(asked.unwrap_or_default());
            drop(events.send(Ok(Event::State(State::Lost { reason, back_in: pause }))).await);
            sleep(pause).await;
            match self.try_again(is_finished).await {
                Ok(connection) => {
                    drop(events.send(Ok(self.listening(self.cursor.is_some()))).await);
                    if self.cursor.is_none() {
                        let gap = Gap::untold("this server cannot tell what happened meanwhile");
                        drop(events.send(Ok(Event::Gap(gap))).await);
                    }
                    return Ok(connection);
                }
                Err(error) if error.is_transient() => {
                    asked = error.retry_after();
                    reason = error.to_string();
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_again(&mut self, is_finished: bool) -> Result<Connection, WatchError> {
        if let Some(channel) = &self.channel {
            let transport = self.service.transport;
            match Connection::open(&self.client, channel, transport, self.cursor.as_deref()).await {
                Ok(connection) => return Ok(connection),
                Err(NotOpen::Failed(error)) => return Err(error),
                Err(NotOpen::Gone) => {
                    let was_ended = is_finished && !self.is_expired();
                    self.channel = None;
                    if was_ended {
                        // Whoever may not read it any longer learns so here.
                        for topic in &self.topics {
                            discover(&self.client, topic, &self.wants).await?;
                        }
                        return Err(WatchError::Ended { reason: "it is no longer there".to_owned() });
                    }
                }
            }
        }
        self.connect_anew().await
    }

    /// Subscribes and connects. What was found out of the first topic may have changed since.
    async fn connect_anew(&mut self) -> Result<Connection, WatchError> {
        self.service = discover(&self.client, &self.topics[0], &self.wants).await?.service;
        let channel = subscribe(&self.client, &self.service, &self.topics, &self.wants).await?;
        let (channel, cursor) = (self.channel.insert(channel), self.cursor.as_deref());
        Connection::open(&self.client, channel, self.service.transport, cursor).await.map_err(|error| match error {
            NotOpen::Failed(error) => error,
            NotOpen::Gone => WatchError::unreachable(self.service.url.as_str(), "the new channel is not there"),
        })
    }

    fn is_expired(&self) -> bool {
        let end_at = self.channel.as_ref().and_then(|channel| channel.end_at);
        end_at.is_some_and(|end_at| end_at <= Timestamp::now())
    }

    fn listening(&self, is_resumed: bool) -> Event {
        let topics = self.topics.iter().map(Url::to_string).collect();
        Event::State(State::Listening { transport: self.service.transport, topics, is_resumed })
    }

    fn refused(&self, reason: String) -> WatchError {
        WatchError::Refused { url: self.topics[0].to_string(), status: 403, reason }
    }
}
