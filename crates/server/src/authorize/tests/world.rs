//! One storage at `http://x/`, a history of its rules in memory, and one document elsewhere.

use crate::authorize::{Judge, Storages};
use bytes::Bytes;
use parking_lot::Mutex;
use podbell_egress::{Document, Fetch, FetchError, Get};
use podbell_hub::{Answer, Authorize, Need, Question, Unavailable};
use podbell_log::{At, LogError, PolicyBody, PolicyHistory, PolicyKind, PolicySnapshot};
use podbell_model::{
    Generation, ResourceIri, Sequence, Storage, StorageId, Subject, Timestamp, WebId,
    rdf::{RdfFormat, parse, serialize},
};
use podbell_wac::Rules;
use std::{collections::BTreeMap, sync::Arc};

const PREFIXES: &str =
    "@prefix acl: <http://www.w3.org/ns/auth/acl#>. @prefix vcard: <http://www.w3.org/2006/vcard/ns#>.
    @prefix foaf: <http://xmlns.com/foaf/0.1/>. @prefix a: <http://agents/>.\n";
const STORAGE: StorageId = StorageId(1);

pub(super) fn iri(path: &str) -> ResourceIri {
    ResourceIri::parse(&format!("http://x{path}")).unwrap()
}

pub(super) fn agent(name: &str) -> Subject {
    if name.is_empty() { Subject::public() } else { Subject::agent(WebId::new(format!("http://agents/{name}"))) }
}

pub(super) fn now(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

type Entry = (Sequence, Option<Arc<PolicyBody>>);

#[derive(Default)]
struct History {
    head: Sequence,
    oldest: Sequence,
    entries: BTreeMap<ResourceIri, Vec<Entry>>,
    ended: BTreeMap<(ResourceIri, Generation), Sequence>,
    ends_next: Option<(ResourceIri, Generation)>,
}

impl History {
    fn commit(&mut self, changes: Vec<(ResourceIri, Option<String>)>) -> Sequence {
        self.head = Sequence(self.head.0 + 1);
        for (document, body) in changes {
            let kind = if document.as_auxiliary().is_some() { PolicyKind::Acl } else { PolicyKind::Group };
            let body = body.map(|body| Arc::new(PolicyBody { since: self.head, kind, body: body.into() }));
            self.entries.entry(document).or_default().push((self.head, body));
        }
        self.head
    }
}

struct Shared<T>(Mutex<T>);

#[async_trait::async_trait]
impl PolicyHistory for Shared<History> {
    async fn policies(&self, documents: &[ResourceIri], at: At) -> Result<PolicySnapshot, LogError> {
        let mut history = self.0.lock();
        if let Some((resource, generation)) = history.ends_next.take() {
            let end = history.commit(vec![(resource.acl(), None)]);
            history.ended.insert((resource, generation), end);
        }
        let as_of = match at {
            At::Now => history.head,
            At::Commit(sequence) => sequence,
        };
        if as_of < history.oldest {
            return Err(LogError::Gap);
        }
        let entry = |document: &ResourceIri| {
            let mut entries = history.entries.get(document).into_iter().flatten();
            entries.rfind(|(touched, _)| *touched <= as_of).cloned().unwrap_or_default()
        };
        Ok(PolicySnapshot { as_of, documents: documents.iter().map(entry).collect() })
    }

    async fn ended(&self, resource: &ResourceIri, generation: Generation) -> Result<Option<Sequence>, LogError> {
        Ok(self.0.lock().ended.get(&(resource.clone(), generation)).copied())
    }
}

impl Storages for Shared<Option<Arc<Storage>>> {
    fn containing(&self, resource: &ResourceIri) -> Option<Arc<Storage>> {
        self.0.lock().clone().filter(|storage| storage.contains(resource))
    }

    fn get(&self, id: StorageId) -> Option<Arc<Storage>> {
        self.0.lock().clone().filter(|storage| storage.id == id)
    }
}

struct Elsewhere {
    answer: Result<String, FetchError>,
    fetches: usize,
}

#[async_trait::async_trait]
impl Fetch for Shared<Elsewhere> {
    async fn get(&self, get: &Get) -> Result<Document, FetchError> {
        let mut elsewhere = self.0.lock();
        elsewhere.fetches += 1;
        let body = Bytes::from(elsewhere.answer.clone()?);
        Ok(Document { url: get.url.clone(), media_type: "text/turtle".to_owned(), body, max_age: None })
    }
}

/// The world; its clock is an argument.
pub(super) struct World {
    history: Arc<Shared<History>>,
    storage: Arc<Shared<Option<Arc<Storage>>>>,
    elsewhere: Arc<Shared<Elsewhere>>,
    judge: Judge,
}

impl World {
    pub(super) fn new() -> Self {
        let storage = Storage { id: STORAGE, root: iri("/"), owner: WebId::new("http://agents/owner") };
        let history = Arc::new(Shared(Mutex::new(History::default())));
        let storage = Arc::new(Shared(Mutex::new(Some(Arc::new(storage)))));
        let elsewhere = Arc::new(Shared(Mutex::new(Elsewhere { answer: Err(FetchError::Unreachable), fetches: 0 })));
        let judge = Judge::new(
            Arc::clone(&history) as _,
            Arc::clone(&storage) as _,
            Arc::clone(&elsewhere) as _,
            Rules::default(),
        );
        Self { history, storage, elsewhere, judge }
    }

    pub(super) fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Writes or deletes policy documents in one commit. The first authorization of an ACL is begun for it.
    pub(super) fn commit(&self, changes: &[(&str, Option<&str>)]) -> Sequence {
        let changes = changes.iter().map(|(path, turtle)| {
            let document = iri(path);
            let begun = if document.as_auxiliary().is_some() { "<#r> a acl:Authorization; " } else { "" };
            let body = turtle.map(|turtle| {
                let turtle = format!("{PREFIXES}{begun}{turtle}");
                let dataset = parse(RdfFormat::Turtle, document.as_str(), turtle.as_bytes()).unwrap();
                String::from_utf8(serialize(RdfFormat::NTriples, &dataset, &[])).unwrap()
            });
            (document, body)
        });
        let changes = changes.collect();
        self.history.0.lock().commit(changes)
    }

    pub(super) fn commit_raw(&self, path: &str, body: &str) -> Sequence {
        self.history.0.lock().commit(vec![(iri(path), Some(body.to_owned()))])
    }

    pub(super) fn end(&self, path: &str, born: Sequence, ended: Sequence) {
        self.history.0.lock().ended.insert((iri(path), Generation(born)), ended);
    }

    /// The resource is deleted, with its ACL, just before the history answers next.
    pub(super) fn end_at_the_next_look(&self, path: &str, born: Sequence) {
        self.history.0.lock().ends_next = Some((iri(path), Generation(born)));
    }

    pub(super) fn prune_before(&self, oldest: Sequence) {
        self.history.0.lock().oldest = oldest;
    }

    pub(super) fn delete_storage(&self) {
        *self.storage.0.lock() = None;
    }

    pub(super) fn serve(&self, answer: Result<&str, FetchError>) {
        self.elsewhere.0.lock().answer = answer.map(|turtle| format!("{PREFIXES}{turtle}"));
    }

    pub(super) fn fetches(&self) -> usize {
        self.elsewhere.0.lock().fetches
    }

    async fn question(
        &self,
        name: &str,
        path: &str,
        life: Option<Sequence>,
        need: Need,
        at: At,
        now: Timestamp,
    ) -> Result<Answer, Unavailable> {
        let question = Question {
            subject: Arc::new(agent(name)),
            storage: STORAGE,
            resource: iri(path),
            generation: life.map(Generation),
            need,
            at,
        };
        self.judge.authorize(&question, now).await
    }

    pub(super) async fn try_ask(
        &self,
        name: &str,
        path: &str,
        life: Option<Sequence>,
        at: At,
    ) -> Result<Answer, Unavailable> {
        self.question(name, path, life, Need::Read, at, now(0)).await
    }

    pub(super) async fn ask(&self, name: &str, path: &str, life: Option<Sequence>, at: At) -> Answer {
        self.try_ask(name, path, life, at).await.unwrap()
    }

    pub(super) async fn ask_when(&self, name: &str, path: &str, now: Timestamp) -> Answer {
        self.question(name, path, None, Need::Read, At::Now, now).await.unwrap()
    }

    pub(super) async fn ask_need(&self, name: &str, path: &str, need: Need) -> bool {
        self.question(name, path, None, need, At::Now, now(0)).await.unwrap().allowed
    }
}
