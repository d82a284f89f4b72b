//! Receivers on this server, over a store in memory: who may write decides, loops end, and nothing is told too late.

use super::*;
use crate::{
    causes::{CAUSE, Causes},
    settings::{BaseUrl, Layout},
};
use futures_util::FutureExt as _;
use http::HeaderMap;
use parking_lot::Mutex;
use podbell_egress::{Document, Fetch, Get};
use podbell_log::{Fact, Log, MAX_CAUSES, Record};
use podbell_model::{Timestamp, WebId};
use podbell_pod::{
    store::{Change, Store as _, WriteSet},
    testing::MemoryStore,
};
use podbell_wac::Rules;
use std::io;

const ALICE: &str = "http://localhost:3000/alice/profile/card#me";
const SENDER: &str = "http://localhost:3000/.notifications/sender";
const PROFILE: &str = "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"";
const MESSAGE: &str = r#"{"@context": "https://www.w3.org/ns/activitystreams", "id": "urn:uuid:7", "type": "Update"}"#;

struct Nowhere;

#[async_trait::async_trait]
impl Fetch for Nowhere {
    async fn get(&self, _: &Get) -> Result<Document, FetchError> {
        Err(FetchError::Unreachable)
    }
}

struct World {
    store: Arc<MemoryStore>,
    local: Local,
    causes: Causes,
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn url(path: &str) -> Url {
    Url::parse(&format!("http://localhost:3000{path}")).unwrap()
}

fn iri(path: &str) -> ResourceIri {
    ResourceIri::parse(url(path).as_str()).unwrap()
}

fn rules(container: &str, modes: &str) -> String {
    format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>.
         <#owner> a acl:Authorization; acl:agent <{ALICE}>; acl:accessTo <{container}>; acl:default <{container}>;
             acl:mode acl:Read, acl:Write, acl:Control.
         <#sender> a acl:Authorization; acl:agent <{SENDER}>; acl:accessTo <{container}>; acl:mode {modes}."
    )
}

fn posted(url: Url) -> Posted {
    let (content_type, body) = ("application/ld+json".into(), Bytes::from_static(MESSAGE.as_bytes()));
    Posted { url, content_type, body, causes: Arc::default(), gate: None }
}

impl World {
    async fn new() -> Self {
        let store = MemoryStore::new();
        let pod = Pod::open(store.clone(), Arc::new(Uuid::new_v4), Arc::new(Rules::default())).await.unwrap();
        pod.create_pod(&iri("/alice/"), &WebId::new(ALICE), "http://localhost:3001/", "Alice", now()).await.unwrap();
        let judge = Judge::new(store.clone(), pod.storages().clone(), Arc::new(Nowhere), Rules::default());
        let base: BaseUrl = "http://localhost:3000/".parse().unwrap();
        let issuer: BaseUrl = "http://localhost:3001/".parse().unwrap();
        let local = Local {
            origins: OwnOrigins::new(&base, Layout::Path, Some(&issuer)),
            pod: Arc::new(pod),
            judge: Arc::new(judge),
            fence: store.fence(),
            clock: Arc::new(now),
            sender: Subject::agent(WebId::new(SENDER)),
        };
        Self { store, local, causes: Causes::new(&[7; 32]).unwrap() }
    }

    /// Alice writes.
    async fn put(&self, path: &str, content: impl Into<Bytes>) {
        let content = Content::bytes(Some("text/turtle".into()), content);
        let asked = Request {
            target: iri(path),
            action: Action::Put { content },
            preconditions: Preconditions::default(),
            now: now(),
            causes: Arc::default(),
            rules_as_of: None,
        };
        let alice = Subject::agent(WebId::new(ALICE));
        let tried = attempt((&self.local.pod, &self.local.judge), asked, &alice, now()).await;
        assert!(matches!(tried, Ok(Attempt { applied: Ok(Applied::Done(_)), .. })), "{path}");
    }

    /// A container that the sender may add to.
    async fn inbox(&self, path: &str) {
        self.put(path, "").await;
        self.put(&format!("{path}.acl"), rules(url(path).as_str(), "acl:Append")).await;
    }

    async fn status(&self, posted: Posted) -> u16 {
        self.local.post(posted).await.unwrap().status.as_u16()
    }

    async fn members(&self, path: &str) -> usize {
        self.store.members_after(&iri(path), None, 1_000).await.unwrap().len()
    }

    async fn records(&self, after: Sequence) -> Vec<Record> {
        let commits = self.store.read(after, usize::MAX).await.unwrap();
        commits.iter().flat_map(|commit| commit.records.clone()).collect()
    }
}

#[tokio::test]
async fn the_rules_of_the_inbox_decide_and_a_message_becomes_a_member() {
    let world = World::new().await;
    world.put("/alice/inbox/", "").await;
    assert_eq!(world.status(posted(url("/alice/inbox/"))).await, 403);
    world.put("/alice/inbox/.acl", rules(url("/alice/inbox/").as_str(), "acl:Read")).await;
    assert_eq!(world.status(posted(url("/alice/inbox/"))).await, 403);
    assert_eq!(world.members("/alice/inbox/").await, 0);
    world.inbox("/alice/open/").await;
    for content_type in ["application/ld+json", PROFILE] {
        let told = world.local.post(Posted { content_type: content_type.into(), ..posted(url("/alice/open/")) }).await;
        let Answered { status, location: Some(member) } = told.unwrap() else { panic!("{content_type}") };
        assert_eq!((status, member.parent()), (StatusCode::CREATED, Some(iri("/alice/open/"))));
        let kept = world.store.resource(&member).await.unwrap().unwrap();
        assert_eq!(&*kept.content_type, content_type);
    }
    let last = world.records(Sequence(0)).await.pop().unwrap();
    let Fact::Change(activity) = &last.fact else { panic!("{last:?}") };
    assert_eq!(activity.actor, Some(WebId::new(SENDER)));
}

#[tokio::test]
async fn what_is_no_inbox_takes_nothing() {
    let world = World::new().await;
    world.inbox("/alice/open/").await;
    world.put("/alice/open/note", "<#a> <#b> 1.").await;
    world.put("/alice/open/note.acl", rules(url("/alice/open/note").as_str(), "acl:Append")).await;
    let head = world.store.head();
    for (target, status) in [
        (url("/alice/open/note"), 405),
        (url("/alice/open/absent/"), 403),
        (url("/bob/inbox/"), 404),
        (url("/.notifications/WebhookChannel2023/"), 404),
        (Url::parse("http://u:p@localhost:3000/alice/open/").unwrap(), 404),
        (Url::parse("http://localhost:3001/.oidc/token").unwrap(), 404),
        (Url::parse("http://127.0.0.1:3000/alice/open/").unwrap(), 404),
        (Url::parse("http://[::1]:3001/alice/open/").unwrap(), 404),
    ] {
        assert!(world.local.is_here(&target), "{target}");
        assert_eq!(world.status(posted(target.clone())).await, status, "{target}");
    }
    for elsewhere in ["https://hook.example/", "http://localhost:3002/", "https://localhost.example:3000/"] {
        assert!(!world.local.is_here(&Url::parse(elsewhere).unwrap()), "{elsewhere}");
    }
    let broken = Posted { body: Bytes::from_static(b"{"), ..posted(url("/alice/open/")) };
    assert_eq!(world.status(broken).await, 400);
    assert_eq!(world.store.head(), head, "nothing was written");
}

/// A channel: of whose changes, and where it is sent.
struct Bell {
    id: Uuid,
    topic: ResourceIri,
    send_to: Url,
}

fn bell(id: u128, topic: &str, send_to: &str) -> Bell {
    Bell { id: Uuid::from_u128(id), topic: iri(topic), send_to: url(send_to) }
}

/// Tells the channels of everything after a commit until there is nothing to tell; how often they rang. The chain goes
/// the way that it goes over the network.
async fn ring(world: &World, bells: &[Bell], mut after: Sequence) -> usize {
    let mut rung = 0;
    loop {
        let records = world.records(after).await;
        let Some(last) = records.last() else { return rung };
        after = last.sequence;
        for record in records.iter().filter(|record| !record.is_storm()) {
            let container = record.fact.activity().and_then(|activity| activity.membership.as_ref());
            let Some(container) = container.map(|membership| &membership.container) else { continue };
            for bell in bells.iter().filter(|bell| bell.topic == *container && !record.causes.contains(&bell.id)) {
                let chain: Vec<_> = record.causes.iter().copied().chain([bell.id]).collect();
                let headers = HeaderMap::from_iter([(CAUSE, world.causes.seal(&chain, now()).unwrap())]);
                let causes = world.causes.of(&headers, now());
                assert_eq!(world.status(Posted { causes, ..posted(bell.send_to.clone()) }).await, 201);
                rung += 1;
                assert!(rung < 100, "it goes round and round");
            }
        }
    }
}

#[tokio::test]
async fn a_channel_whose_inbox_is_its_topic_rings_once_for_a_change() {
    let world = World::new().await;
    world.inbox("/alice/inbox/").await;
    let bells = [bell(1, "/alice/inbox/", "/alice/inbox/")];
    for number in 0..2 {
        let before = world.store.head();
        world.put(&format!("/alice/inbox/{number}"), "").await;
        assert_eq!(ring(&world, &bells, before).await, 1);
    }
    assert_eq!(world.members("/alice/inbox/").await, 4);
}

#[tokio::test]
async fn channels_that_ring_each_other_ring_once_each() {
    let world = World::new().await;
    world.inbox("/alice/a/").await;
    world.inbox("/alice/b/").await;
    let bells = [bell(1, "/alice/a/", "/alice/b/"), bell(2, "/alice/b/", "/alice/a/")];
    let before = world.store.head();
    world.put("/alice/a/note", "").await;
    assert_eq!(ring(&world, &bells, before).await, 2);
}

#[tokio::test]
async fn a_longer_chain_ends_as_a_storm() {
    let world = World::new().await;
    let mut bells = Vec::new();
    for number in 0..20 {
        let name = |number: u128| format!("/alice/{}/", number % 20);
        world.inbox(&name(number)).await;
        bells.push(bell(number, &name(number), &name(number + 1)));
    }
    let before = world.store.head();
    world.put("/alice/0/note", "").await;
    assert_eq!(ring(&world, &bells, before).await, MAX_CAUSES + 1);
}

/// Open once; the rules change just before it is passed.
struct Late(Mutex<Option<Arc<MemoryStore>>>);

impl Gate for Late {
    fn pass(&self, write: &mut dyn FnMut() -> Poll<io::Result<usize>>) -> Option<Poll<io::Result<usize>>> {
        let store = self.0.lock().take()?;
        let storage = store.storages().now_or_never().unwrap().unwrap().remove(0);
        let rules = rules(storage.root.as_str(), "acl:Read");
        let change = Change::PutAcl {
            id: Uuid::new_v4(),
            subject: storage.root.clone(),
            content_type: "text/turtle".into(),
            body: podbell_pod::store::Body::Inline(Bytes::new()),
            policy: rules.into(),
        };
        let writes = WriteSet {
            storage: storage.id,
            permitted_as_of: Sequence(u64::MAX),
            depends_on: Arc::new([]),
            expected: Vec::new(),
            changes: vec![change],
            actor: None,
            now: now(),
            causes: Arc::default(),
            rules_as_of: None,
        };
        store.commit(writes).now_or_never().unwrap().unwrap();
        Some(write())
    }
}

#[tokio::test]
async fn nothing_is_told_by_rules_that_are_no_more() {
    let world = World::new().await;
    world.inbox("/alice/inbox/").await;
    let gate: Arc<dyn Gate> = Arc::new(Late(Mutex::new(Some(world.store.clone()))));
    let told = world.local.post(Posted { gate: Some(gate), ..posted(url("/alice/inbox/")) }).await;
    assert_eq!(told, Err(FetchError::Withheld));
    assert_eq!(world.members("/alice/inbox/").await, 0);
}
