//! The real parts put together, and requests to them beside the model.

use crate::{
    ask::{Ask, Condition, Fate},
    listeners::{Listening, Wire},
    model::{APPEND, Body, CONTROL, Model, OWNER, PUBLIC, READ, Rule, WRITE, Who},
};
use podbell_delivery::Frames;
use podbell_egress::{Document, Fetch, FetchError, Get};
use podbell_hub::{ChannelStore, Hub, Ports, Settings, testing::MemoryChannels};
use podbell_log::{Fence, Log, PolicyHistory};
use podbell_model::{Auxiliary, ResourceIri, Sequence, StorageId, Subject, Timestamp, Uuid, WebId};
use podbell_pod::{
    Action, Applied, Content, Effect, Outcome, Pod, Preconditions, Request, store::Store, testing::MemoryStore,
};
use podbell_server::{authorize::Judge, standing::Standings};
use podbell_sqlite::{Options, Sqlite};
use podbell_wac::Rules;
use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

const START: i64 = 1_790_000_000_000;
/// Blocked outlets are waited for.
const PATIENCE: Duration = Duration::from_hours(24);

pub(crate) fn iri(path: &str) -> ResourceIri {
    ResourceIri::parse(&format!("https://pod.example{path}")).unwrap()
}

fn webid(agent: &str) -> WebId {
    WebId::new(format!("https://{agent}.example/#me"))
}

pub(crate) fn subject(agent: &str) -> Subject {
    if agent == PUBLIC { Subject::public() } else { Subject::agent(webid(agent)) }
}

/// Everything together.
pub(crate) struct World {
    pub(crate) model: Model,
    pub(crate) hub: Arc<Hub>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) storage: StorageId,
    /// When nothing else can be done the hub has done everything: there are no other threads.
    pub(crate) exact: bool,
    pub(crate) answered: Arc<AtomicUsize>,
    pub(crate) now: Arc<AtomicI64>,
    pub(crate) listening: Vec<Listening>,
    pub(crate) wires: Vec<Wire>,
    pod: Pod,
    judge: Arc<Judge>,
    store: Arc<dyn Store>,
    _directory: Option<tempfile::TempDir>,
}

/// There is nothing elsewhere.
struct Nowhere;

#[async_trait::async_trait]
impl Fetch for Nowhere {
    async fn get(&self, _: &Get) -> Result<Document, FetchError> {
        Err(FetchError::Unreachable)
    }
}

/// One store in its roles.
struct Roles {
    store: Arc<dyn Store>,
    log: Arc<dyn Log>,
    history: Arc<dyn PolicyHistory>,
    channels: Arc<dyn ChannelStore>,
    fence: Arc<Fence>,
    directory: Option<tempfile::TempDir>,
}

/// No listener of the oracle asks for cursors.
struct Unsealed;

impl podbell_hub::Cursors for Unsealed {
    fn seal(&self, _: &podbell_hub::Channel, _: podbell_hub::Position) -> podbell_hub::Cursor {
        [b'A'; podbell_hub::CURSOR]
    }
}

impl World {
    /// In memory; `exact` if there is one thread, whose clock stands still.
    pub(crate) async fn in_memory(exact: bool) -> Self {
        let store = MemoryStore::new();
        let roles = Roles {
            store: store.clone(),
            log: store.clone(),
            history: store.clone(),
            channels: Arc::new(MemoryChannels::default()),
            fence: store.fence(),
            directory: None,
        };
        Self::over(roles, exact).await
    }

    /// In a directory.
    pub(crate) async fn on_disk() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Sqlite::open(directory.path(), &Options::default()).unwrap();
        let roles = Roles {
            store: store.clone(),
            log: store.clone(),
            history: store.clone(),
            channels: store.clone(),
            fence: store.fence(),
            directory: Some(directory),
        };
        Self::over(roles, false).await
    }

    async fn over(roles: Roles, exact: bool) -> Self {
        let Roles { store, log, history, channels, fence, directory } = roles;
        let now = Arc::new(AtomicI64::new(START));
        let pod = Pod::open(store.clone(), Arc::new(Uuid::new_v4), Arc::new(Rules::default())).await.unwrap();
        let start = Timestamp::from_millisecond(START).unwrap();
        let made = pod.create_pod(&iri("/"), &webid(OWNER), "https://issuer.example/", "Owner", start).await;
        let (storage, _) = made.unwrap();
        let storages = Arc::new(podbell_pod::Storages::from_iter(store.storages().await.unwrap()));
        let judge = Arc::new(Judge::new(history, storages, Arc::new(Nowhere), Rules::default()));
        let clock = Arc::clone(&now);
        let ports = Ports {
            log: log.clone(),
            fence,
            authorize: judge.clone(),
            encoder: Arc::new(Frames),
            cursors: Arc::new(Unsealed),
            channels,
            states: Arc::new(Standings::new(log.clone(), store.clone())),
            clock: Arc::new(move || Timestamp::from_millisecond(clock.load(SeqCst)).unwrap()),
        };
        let mut world = Self {
            model: Model::new(START),
            hub: Hub::start(ports, Settings { stuck_after: PATIENCE, ..Settings::default() }),
            log,
            storage: storage.id,
            exact,
            answered: Arc::new(AtomicUsize::new(1)),
            now,
            listening: Vec::new(),
            wires: Vec::new(),
            pod,
            judge,
            store,
            _directory: directory,
        };
        world.learn_versions().await;
        world
    }

    pub(crate) fn time(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now.load(SeqCst)).unwrap()
    }

    /// Sends a request; its fate and what it left in the log are as the model says.
    pub(crate) async fn ask(&mut self, agent: &str, ask: &Ask) {
        let at = self.now.fetch_add(1, SeqCst) + 1;
        let fate = self.model.tree().fate(agent, ask);
        let outcome = self.send(agent, ask).await;
        let head = usize::try_from(self.log.head().0).unwrap();
        match (fate, outcome) {
            (Fate::Fails, Err(_)) | (Fate::Idle, Ok((Effect::Unchanged, _))) => {}
            (Fate::Commits, Ok((effect, path))) if effect != Effect::Unchanged => {
                self.model.commit(ask, &path, at);
                self.learn_versions().await;
                self.doubt();
            }
            (fate, outcome) => panic!("{agent:?} asks {ask:?}: expected {fate:?}, got {outcome:?}"),
        }
        assert_eq!(head, self.model.head(), "one commit per write that is done, none for any other: {ask:?}");
        self.answered.store(head, SeqCst);
    }

    /// Plans, judges and applies, again if the rules changed meanwhile.
    async fn send(&self, agent: &str, ask: &Ask) -> Result<(Effect, String), String> {
        let mut request = self.request(ask);
        loop {
            let operation = self.pod.plan(request).await.map_err(|problem| problem.to_string())?;
            let permitted = self.judge.permit(operation, &subject(agent), self.time()).await;
            let permitted = permitted.map_err(|refusal| refusal.to_string())?;
            match self.pod.apply(permitted).await.map_err(|problem| problem.to_string())? {
                Applied::Done(Outcome::Written(written)) => {
                    let resource = written.resource.as_auxiliary().map_or(written.resource, |(_, subject)| subject);
                    return Ok((written.effect, resource.path().to_owned()));
                }
                Applied::Done(outcome) => return Err(format!("{outcome:?}")),
                Applied::Again(again) => request = again,
            }
        }
    }

    fn request(&self, ask: &Ask) -> Request {
        let turtle = |text: String| Content::bytes(Some("text/turtle".into()), text);
        let mut preconditions = Preconditions::default();
        let (target, action) = match ask {
            Ask::Put { path, body, condition, broken } => {
                let version = self.model.tree().nodes.get(*path).map_or("none", |node| &node.version);
                let (current, absent) = match condition {
                    Condition::None => (None, None),
                    Condition::Absent => (None, Some("*".to_owned())),
                    Condition::Current => (Some(format!("\"{version}\"")), None),
                    Condition::Stale => (Some("\"never\"".to_owned()), None),
                };
                preconditions = Preconditions::parse(current.as_deref(), absent.as_deref(), None, None).unwrap();
                let content = match body {
                    _ if *broken => turtle("<#it> <".to_owned()),
                    Body::Rdf { notes, members } => {
                        let notes = notes.iter().map(|note| statement(*note));
                        turtle(notes.chain(members.iter().map(|name| membership(name))).collect())
                    }
                    _ => Content::bytes(Some("text/plain".into()), "plain"),
                };
                (iri(path), Action::Put { content })
            }
            Ask::MakeContainer { path } => (iri(path), Action::Put { content: Content::none() }),
            Ask::Post { container, slug, folder, broken } => {
                let content = match (folder, broken) {
                    (true, _) => Content::none(),
                    (false, true) => turtle("<#it> <".to_owned()),
                    (false, false) => Content::bytes(Some("text/plain".into()), "plain"),
                };
                (iri(container), Action::Post { content, slug: Some((*slug).into()), container: *folder })
            }
            Ask::Insert { path, note, member } => {
                let inserted = statement(*note) + &member.map(membership).unwrap_or_default();
                let patch = format!("INSERT DATA {{ {inserted} }}");
                (iri(path), Action::Patch { content: Content::bytes(Some("application/sparql-update".into()), patch) })
            }
            Ask::Delete { path } => (iri(path), Action::Delete),
            Ask::PutAcl { path, rules } => (iri(path).acl(), Action::Put { content: turtle(acl(path, rules)) }),
            Ask::DropAcl { path } => (iri(path).acl(), Action::Delete),
            Ask::Describe { path } => {
                (iri(path).auxiliary(Auxiliary::Description), Action::Put { content: turtle(statement(0)) })
            }
            Ask::Undescribe { path } => (iri(path).auxiliary(Auxiliary::Description), Action::Delete),
        };
        Request { target, action, preconditions, now: self.time() }
    }

    /// Reads how every resource stands now, as a GET would show it.
    async fn learn_versions(&mut self) {
        let head = self.model.head();
        let tree = &mut self.model.moments[head].tree;
        for (path, node) in &mut tree.nodes {
            let found = self.store.resource(&iri(path)).await.unwrap();
            node.version = found.expect("what the model holds exists").version.to_string();
        }
        for (subject, acl) in &mut tree.acls {
            let found = self.store.resource(&iri(subject).acl()).await.unwrap();
            acl.version = found.expect("the ACL exists").version.to_string();
        }
    }

    /// The records of a commit: the id of the change of each resource.
    pub(crate) async fn ids(&self, commit: usize) -> Vec<(String, Uuid)> {
        let commits = self.log.read(Sequence(commit as u64 - 1), 1).await.unwrap();
        let activities = commits[0].records.iter().filter_map(|record| record.fact.activity());
        activities.map(|activity| (activity.object.path().to_owned(), activity.id)).collect()
    }
}

fn statement(note: u8) -> String {
    format!("<#it> <https://vocab.example/note> \"{note}\" .\n")
}

fn membership(name: &str) -> String {
    format!("<#w> <http://www.w3.org/2006/vcard/ns#hasMember> <{}> .\n", webid(name))
}

fn acl(path: &str, rules: &[Rule]) -> String {
    let mut text = String::from("@prefix acl: <http://www.w3.org/ns/auth/acl#> .\n");
    for (number, rule) in rules.iter().enumerate() {
        let who = match rule.who {
            Who::Agent(name) => format!("acl:agent <{}>", webid(name)),
            Who::Group(document) => format!("acl:agentGroup <{}#w>", iri(document)),
            Who::Authenticated => "acl:agentClass acl:AuthenticatedAgent".to_owned(),
            Who::Public => "acl:agentClass <http://xmlns.com/foaf/0.1/Agent>".to_owned(),
        };
        let _ = write!(text, "<#r{number}> a acl:Authorization ; {who}");
        for (holds, property) in [(rule.access_to, "accessTo"), (rule.default, "default")] {
            if holds {
                let _ = write!(text, " ; acl:{property} <{}>", iri(path));
            }
        }
        for (mode, name) in [(READ, "Read"), (APPEND, "Append"), (WRITE, "Write"), (CONTROL, "Control")] {
            if rule.modes & mode == mode {
                let _ = write!(text, " ; acl:mode acl:{name}");
            }
        }
        text.push_str(" .\n");
    }
    text
}
