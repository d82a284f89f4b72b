//! What pushes, put together as in the product, with a clock that is moved by hand: the store on disk, the hub that finds
//! what is owed, the courier, and the network to receivers on loopback. Nobody listens.

use bytes::Bytes;
use parking_lot::Mutex;
use podbell_delivery::{
    Frames,
    push::{Courier, Queue as _, Waking, sign::Sender},
    rendering_id,
};
use podbell_egress::Client;
use podbell_hub::{Channel, ChannelId, ChannelLimits, ChannelStore as _, Clock, Hub, Push, Topic};
use podbell_model::{ResourceClass, ResourceIri, Sequence, Storage, Subject, Timestamp, Uuid, WebId};
use podbell_pod::{
    Pod,
    store::{Body, Change, Store as _, WriteSet},
};
use podbell_server::{
    authorize::Judge,
    causes::Causes,
    notifications::{Seals, local::Local, lws},
    own_origins::OwnOrigins,
    parts::outbound,
    pushing, sender,
    settings::Settings,
    standing::Standings,
};
use podbell_sqlite::{Options, Sqlite};
use podbell_wac::Rules;
use podbell_wire::{Framing, NotificationsContext, Rendering, Syntax};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Notify;

const BASE: &str = "http://localhost:3000/";
const ROOT: &str = "http://localhost:3000/alice/";
const OWNER: &str = "http://localhost:3000/alice/profile/card#me";

/// Where it is kept, and what time it is there.
pub(super) struct World {
    place: tempfile::TempDir,
    now: Arc<Mutex<Timestamp>>,
    storage: Storage,
    running: Option<Running>,
}

/// What runs.
struct Running {
    store: Arc<Sqlite>,
    hub: Arc<Hub>,
    courier: Courier,
}

impl World {
    /// With one pod and nothing in it.
    pub(super) async fn new() -> Self {
        let (place, now) = (tempfile::tempdir().unwrap(), Arc::new(Mutex::new(Timestamp::now())));
        let parts = open(place.path()).await;
        let (root, owner) = (ResourceIri::parse(ROOT).unwrap(), WebId::new(OWNER));
        let began = *now.lock();
        let made = parts.pod.create_pod(&root, &owner, "http://localhost:3001/", "Alice", began).await.unwrap();
        let running = Some(start(parts, &now).await);
        Self { place, now, storage: made.0, running }
    }

    /// Ends everything at once, and begins again with what is on disk.
    pub(super) async fn restart(&mut self) {
        self.running = None;
        let parts = open(self.place.path()).await;
        self.running = Some(start(parts, &self.now).await);
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub(super) fn queue(&self) -> &Sqlite {
        &self.running().store
    }

    pub(super) fn now(&self) -> Timestamp {
        *self.now.lock()
    }

    /// A channel of the owner, about the whole pod.
    pub(super) async fn channel(&self, send_to: &str) -> ChannelId {
        let (context, syntax) = (NotificationsContext::V0_2, Syntax::JsonLd);
        let framing = Framing::Stream;
        self.channel_in(Rendering::Solid { context, syntax, actor: false, framing, cursor: false }, send_to).await
    }

    /// The same in the words of Linked Web Storage.
    pub(super) async fn inbox(&self, inbox: &str) -> ChannelId {
        self.channel_in(Rendering::Lws { framing: Framing::Webhook, actor: false }, inbox).await
    }

    async fn channel_in(&self, rendering: Rendering, send_to: &str) -> ChannelId {
        let id = ChannelId(Uuid::new_v4());
        let subject = Arc::new(Subject::agent(WebId::new(OWNER)));
        let topics = [Topic { storage: self.storage.id, resource: self.storage.root.clone() }].into();
        let mut channel = Channel::new(id, subject, topics, rendering_id(rendering), self.now());
        channel.recursive = true;
        channel.push = Some(Arc::new(Push::to(send_to)));
        self.queue().insert(&channel, &ChannelLimits::default()).await.unwrap();
        id
    }

    /// Writes a document, and waits until it is known who is owed that; its IRI and the id of the change.
    pub(super) async fn put(&self, name: &str) -> (String, Uuid) {
        let (id, resource) = (Uuid::new_v4(), ResourceIri::parse(&format!("{ROOT}{name}")).unwrap());
        let change = Change::Put {
            id,
            resource: resource.clone(),
            class: ResourceClass::NonRdfSource,
            content_type: "text/plain".into(),
            body: Body::Inline(Bytes::from_static(b"x")),
            group: None,
        };
        let writes = WriteSet {
            storage: self.storage.id,
            permitted_as_of: Sequence(u64::MAX),
            depends_on: [self.storage.root.acl()].into(),
            expected: Vec::new(),
            changes: vec![change],
            actor: None,
            now: self.now(),
            causes: Arc::default(),
            rules_as_of: None,
        };
        let Running { store, hub, .. } = self.running();
        let done = store.commit(writes).await.unwrap();
        crate::support::until("it is known who is owed that", || hub.counts().derived >= done.sequence.0).await;
        (resource.to_string(), id)
    }

    /// Lets so much time pass; whatever falls due meanwhile is tried when it does.
    pub(super) async fn pass(&self, span: Duration) {
        let end = self.now() + span;
        loop {
            self.settle().await;
            let (_, next) = self.queue().lanes(self.now()).await.unwrap();
            *self.now.lock() = next.unwrap_or(end).min(end);
            if self.now() == end {
                break;
            }
        }
        self.settle().await;
    }

    /// Waits until nothing is due or under way: it was tried and is due later, or is done with. However long a host is
    /// to be left alone, that is over.
    async fn settle(&self) {
        let Running { store, courier, .. } = self.running();
        let deadline = Instant::now() + Duration::from_mins(1);
        courier.clock_moved();
        while !store.lanes(self.now()).await.unwrap().0.is_empty() || courier.counts().in_flight > 0 {
            assert!(Instant::now() < deadline, "something is due and not tried: {:?}", courier.counts());
            courier.clock_moved();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Whether a channel is there.
    pub(super) async fn has(&self, channel: ChannelId) -> bool {
        self.queue().get(channel).await.unwrap().is_some()
    }
}

/// What stands on the store.
struct Parts {
    store: Arc<Sqlite>,
    client: Client,
    pod: Arc<Pod>,
    judge: Arc<Judge>,
    sender: Arc<Sender>,
    settings: Settings,
}

/// Opens what is on disk, once whatever had it has let go of it.
async fn open(path: &Path) -> Parts {
    let deadline = Instant::now() + Duration::from_mins(1);
    let store = loop {
        match Sqlite::open(path, &Options::default()) {
            Ok(store) => break store,
            Err(error) => assert!(Instant::now() < deadline, "{error:#}"),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    let mut settings = Settings { base_url: Some(BASE.parse().unwrap()), ..Settings::default() };
    (settings.webhooks.per_second, settings.webhooks.burst) = (1_000_000, 1_000_000);
    let (client, rules) = (outbound(&settings).unwrap(), Rules::default());
    let pod = Pod::open(store.clone(), Arc::new(Uuid::new_v4), Arc::new(rules.clone())).await.unwrap();
    let fetch = Arc::new(client.clone());
    let judge = Arc::new(Judge::new(store.clone(), pod.storages().clone(), fetch, rules));
    let sender = sender::open(&settings, settings.base().origin(), None, store.clone(), Timestamp::now()).await;
    Parts { store, client, pod: Arc::new(pod), judge, sender: sender.unwrap(), settings }
}

async fn start(parts: Parts, now: &Arc<Mutex<Timestamp>>) -> Running {
    let Parts { store, client, pod, judge, sender, settings } = parts;
    let now = Arc::clone(now);
    let clock: Clock = Arc::new(move || *now.lock());
    let cursors = Arc::new(Seals::new(&store.key("cursors").await.unwrap()).unwrap());
    let causes = Arc::new(Causes::new(&store.key("causes").await.unwrap()).unwrap());
    let owed = Arc::new(Notify::new());
    let descriptions = lws::descriptions(pod.storages().clone());
    let hub = Hub::start(
        podbell_hub::Ports {
            log: store.clone(),
            fence: store.fence(),
            authorize: judge.clone(),
            encoder: Arc::new(Frames::new(Arc::clone(&descriptions))),
            cursors: cursors.clone(),
            channels: store.clone(),
            owing: Some(Arc::new(Waking::new(store.clone(), Arc::clone(&owed)))),
            states: Arc::new(Standings::new(store.clone(), store.clone())),
            clock: Arc::clone(&clock),
        },
        podbell_hub::Settings::default(),
    );
    let local = Local {
        origins: OwnOrigins::new(&settings.base(), settings.pods.layout, None),
        pod,
        judge,
        fence: store.fence(),
        clock: Arc::clone(&clock),
        sender: sender::subject(&sender),
    };
    let parts = pushing::Parts {
        queue: store.clone(),
        hub: Arc::clone(&hub),
        cursors,
        signer: sender,
        descriptions,
        client,
        local,
        causes,
        clock,
        origin: settings.base().origin().into(),
        owed,
    };
    Running { courier: pushing::start(parts, &settings), store, hub }
}
