//! A pod with one storage, and a short way to ask it.

use podbell_log::{At, Log, PolicyHistory, Record};
use podbell_model::{ResourceIri, Sequence, Storage, Subject, Timestamp, Uuid, WebId};
use podbell_pod::{
    Action, Applied, Content, Kind, Operation, Outcome, Pod, Preconditions, Reading, Representation,
    RepresentationBody, Request, Written, store::Store, testing::MemoryStore,
};
use podbell_wac::{AclDocument, Decisions, Found, Groups, Operation as _, Permitted, Refusal, Rules, Slots, authorize};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub(crate) const ROOT: &str = "http://x/alice/";
pub(crate) const ALICE: &str = "http://x/alice/profile/card#me";
pub(crate) const BOB: &str = "http://elsewhere/bob#me";

/// What was answered instead of an outcome.
#[derive(Debug, PartialEq)]
pub(crate) enum No {
    Refused(Refusal),
    Problem(Kind),
}

pub(crate) struct World {
    pub(crate) pod: Pod,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) storage: Storage,
    pub(crate) clock: AtomicU64,
}

pub(crate) fn iri(path: &str) -> ResourceIri {
    ResourceIri::at("http://x", &format!("/alice/{path}")).unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = MemoryStore::new();
        let count = AtomicU64::new(1);
        let ids = move || {
            let n = count.fetch_add(1, Ordering::Relaxed);
            Uuid::from_u64_pair(n, n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        };
        let pod = Pod::open(Arc::clone(&store) as _, Arc::new(ids), Arc::new(Rules::default())).await.unwrap();
        let root = ResourceIri::parse(ROOT).unwrap();
        let owner = WebId::new(ALICE);
        let now = Timestamp::from_second(1_000).unwrap();
        let (storage, _) = pod.create_pod(&root, &owner, "http://issuer/", "Alice", now).await.unwrap();
        Self { pod, store, storage, clock: AtomicU64::new(1_001) }
    }

    /// Each request comes a second after the last.
    pub(crate) fn request(&self, path: &str, action: Action) -> Request {
        let now = i64::try_from(self.clock.fetch_add(1, Ordering::Relaxed)).unwrap();
        let now = Timestamp::from_second(now).unwrap();
        Request {
            target: iri(path),
            action,
            preconditions: Preconditions::default(),
            now,
            causes: Arc::default(),
            rules_as_of: None,
        }
    }

    /// Plans and authorizes, by the rules as they stand.
    pub(crate) async fn permit(&self, who: Option<&str>, request: Request) -> Result<Permitted<Operation>, No> {
        let subject = who.map_or_else(Subject::public, |webid| Subject::agent(WebId::new(webid)));
        let operation = self.pod.plan(request).await.map_err(|problem| No::Problem(problem.kind()))?;
        let mut decisions = Decisions::new(subject.clone());
        for need in operation.access().requirements(&self.storage) {
            let slots = Slots::of(&need.resource, &self.storage);
            let acls: Vec<_> = slots.as_slice().iter().map(|slot| slot.acl.clone()).collect();
            let snapshot = self.store.policies(&acls, At::Now).await.unwrap();
            let found = slots.as_slice().iter().zip(&snapshot.documents).map(|(slot, (_, body))| match body {
                Some(body) => {
                    Found::Document(Arc::new(AclDocument::parse(&slot.acl, &slot.subject, &body.body).unwrap()))
                }
                None => Found::Absent,
            });
            let effective = slots.effective(found);
            let decision = effective.decide(&subject, &Groups::default(), &Rules::default(), &self.storage.owner);
            decisions.insert(decision, snapshot.as_of);
        }
        authorize(operation, &self.storage, decisions).map_err(No::Refused)
    }

    pub(crate) async fn ask(&self, who: Option<&str>, mut request: Request) -> Result<Outcome, No> {
        loop {
            let permitted = self.permit(who, request).await?;
            match self.pod.apply(permitted).await.map_err(|problem| No::Problem(problem.kind()))? {
                Applied::Done(outcome) => return Ok(outcome),
                Applied::Again(again) => request = again,
            }
        }
    }

    pub(crate) async fn write(&self, path: &str, action: Action) -> Result<Written, No> {
        match self.ask(Some(ALICE), self.request(path, action)).await? {
            Outcome::Written(written) => Ok(*written),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn put(&self, path: &str, content_type: &str, body: &str) -> Result<Written, No> {
        self.write(path, Action::Put { content: content(content_type, body) }).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &str) -> Result<Written, No> {
        self.write(path, patch(body)).await
    }

    pub(crate) async fn post(&self, path: &str, slug: Option<&str>, container: bool) -> Result<Written, No> {
        let content = content("text/plain", if container { "" } else { "x" });
        self.write(path, Action::Post { content, slug: slug.map(Arc::from), container }).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Written, No> {
        self.write(path, Action::Delete).await
    }

    pub(crate) async fn get(&self, path: &str, accept: &str) -> Result<(Representation, String), No> {
        let accept = Some(Arc::from(accept));
        match self.ask(Some(ALICE), self.request(path, Action::Read(Reading { accept, ..Reading::default() }))).await? {
            Outcome::Read(mut representation) => {
                let body = text(&mut representation).await;
                Ok((*representation, body))
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn records_after(&self, after: Sequence) -> Vec<Record> {
        let commits = self.store.read(after, 1000).await.unwrap();
        commits.iter().flat_map(|commit| commit.records.clone()).collect()
    }

    pub(crate) async fn exists(&self, path: &str) -> bool {
        self.store.resource(&iri(path)).await.unwrap().is_some()
    }
}

pub(crate) async fn text(representation: &mut Representation) -> String {
    let body = std::mem::replace(&mut representation.body, RepresentationBody::None);
    let bytes = match body {
        RepresentationBody::None => Vec::new(),
        RepresentationBody::Bytes(bytes) => bytes.to_vec(),
        RepresentationBody::Stream(stream) => {
            futures_util::TryStreamExt::try_collect::<bytes::BytesMut>(stream).await.unwrap().to_vec()
        }
        RepresentationBody::Page(_) => panic!("a page"),
    };
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn content(content_type: &str, body: &str) -> Content {
    Content::bytes(Some(content_type.into()), body.to_owned())
}

pub(crate) fn patch(body: &str) -> Action {
    let body = format!("@prefix solid: <http://www.w3.org/ns/solid/terms#>. <> a solid:InsertDeletePatch; {body}.");
    Action::Patch { content: content("text/n3", &body) }
}
