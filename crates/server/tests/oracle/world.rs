//! The real parts put together, and requests to them beside the model.

use crate::{
    ask::{Ask, Condition, Fate},
    elsewhere::{self, Members, Post},
    hooks::Hooks,
    listeners::{Listening, Wire},
    model::{APPEND, Body, CONTROL, Commit, Model, OWNER, PUBLIC, READ, ROOTS, Rule, WRITE, Who},
};
use podbell_delivery::{
    Descriptions, Frames,
    push::{Waking, testing::MemoryQueue},
};
use podbell_hub::{ChannelStore, Clock, Hub, Owing, Ports, Settings};
use podbell_log::{Fence, Log, PolicyHistory};
use podbell_model::{Auxiliary, ResourceIri, Sequence, StorageId, Subject, Timestamp, Uuid, WebId};
use podbell_pod::{
    Action, Applied, Content, Effect, Outcome, Pod, Preconditions, Request, store::Store, testing::MemoryStore,
};
use podbell_server::{authorize::Judge, notifications::Seals, standing::Standings};
use podbell_sqlite::{Options, Sqlite};
use podbell_wac::Rules;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::Notify;

const START: i64 = 1_790_000_000_000;
/// Blocked outlets are waited for.
const PATIENCE: Duration = Duration::from_hours(24);

/// Where the two storages are.
const ORIGINS: [&str; 2] = ["https://pod.example", "https://two.example"];

pub(crate) fn iri(path: &str) -> ResourceIri {
    let [first, second] = ORIGINS;
    let whole = path.strip_prefix('~').map_or_else(|| format!("{first}{path}"), |path| format!("{second}{path}"));
    ResourceIri::parse(&whole).unwrap()
}

/// The description of the storage that a name is in.
pub(crate) fn description(path: &str) -> String {
    format!("{}/.lws", ORIGINS[usize::from(path.starts_with('~'))])
}

/// The name of a resource in the model.
pub(crate) fn name(iri: &str) -> String {
    let [first, second] = ORIGINS;
    let second = || iri.strip_prefix(second).map(|path| format!("~{path}"));
    iri.strip_prefix(first).map(str::to_owned).or_else(second).unwrap()
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
    pub(crate) storages: Vec<StorageId>,
    pub(crate) seals: Arc<Seals>,
    /// What is in the log of each commit.
    pub(crate) records: Vec<Vec<Logged>>,
    /// The newest commit of each storage that the log has forgotten.
    pub(crate) pruned: BTreeMap<StorageId, Commit>,
    /// When nothing else can be done the hub has done everything: there are no other threads.
    pub(crate) exact: bool,
    pub(crate) answered: Arc<AtomicUsize>,
    pub(crate) now: Arc<AtomicI64>,
    pub(crate) listening: Vec<Listening>,
    pub(crate) wires: Vec<Wire>,
    /// The room of each socket of `solid-0.1`.
    pub(crate) sockets: Vec<Arc<AtomicUsize>>,
    /// Those that push, where there is one thread.
    pub(crate) hooks: Option<Hooks>,
    pod: Pod,
    judge: Arc<Judge>,
    store: Arc<dyn Store>,
    memory: Option<Arc<MemoryStore>>,
    _directory: Option<tempfile::TempDir>,
}

/// A record, as far as it matters.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) storage: StorageId,
    offset: u64,
    /// The resource that changed, and the id of the change.
    pub(crate) change: Option<(String, Uuid)>,
}

/// One store in its roles.
struct Roles {
    store: Arc<dyn Store>,
    log: Arc<dyn Log>,
    history: Arc<dyn PolicyHistory>,
    channels: Arc<dyn ChannelStore>,
    queue: Option<Arc<MemoryQueue>>,
    fence: Arc<Fence>,
    memory: Option<Arc<MemoryStore>>,
    directory: Option<tempfile::TempDir>,
}

impl World {
    /// In memory; `exact` if there is one thread, whose clock stands still.
    pub(crate) async fn in_memory(exact: bool) -> Self {
        let (store, queue) = (MemoryStore::new(), Arc::new(MemoryQueue::new(100_000)));
        let roles = Roles {
            store: store.clone(),
            log: store.clone(),
            history: store.clone(),
            channels: queue.clone(),
            queue: Some(queue).filter(|_| exact),
            fence: store.fence(),
            memory: Some(store.clone()),
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
            queue: None,
            fence: store.fence(),
            memory: None,
            directory: Some(directory),
        };
        Self::over(roles, false).await
    }

    async fn over(roles: Roles, exact: bool) -> Self {
        let Roles { store, log, history, channels, queue, fence, memory, directory } = roles;
        let now = Arc::new(AtomicI64::new(START));
        let pod = Pod::open(store.clone(), Arc::new(Uuid::new_v4), Arc::new(Rules::default())).await.unwrap();
        let start = Timestamp::from_millisecond(START).unwrap();
        let mut made = Vec::new();
        for root in ROOTS {
            let pod = pod.create_pod(&iri(root), &webid(OWNER), "https://issuer.example/", "Owner", start).await;
            made.push(pod.unwrap().0.id);
        }
        let model = Model::new(START);
        let seals = Arc::new(Seals::new(&[7; 32]).unwrap());
        let storages = Arc::new(podbell_pod::Storages::from_iter(store.storages().await.unwrap()));
        let judge = Arc::new(Judge::new(history, storages, Arc::new(Post(model.elsewhere.clone())), Rules::default()));
        let told = Arc::clone(&now);
        let clock: Clock = Arc::new(move || Timestamp::from_millisecond(told.load(SeqCst)).unwrap());
        let named: BTreeMap<_, Arc<str>> =
            made.iter().zip(ROOTS).map(|(id, root)| (*id, description(root).into())).collect();
        let descriptions: Descriptions = Arc::new(move |storage| named.get(&storage).cloned());
        let owed = Arc::new(Notify::new());
        let owing = queue.clone().map(|queue| Arc::new(Waking::new(queue, Arc::clone(&owed))) as Arc<dyn Owing>);
        let ports = Ports {
            log: log.clone(),
            fence,
            authorize: judge.clone(),
            encoder: Arc::new(Frames::new(Arc::clone(&descriptions))),
            cursors: seals.clone(),
            channels,
            owing,
            states: Arc::new(Standings::new(log.clone(), store.clone())),
            clock: Arc::clone(&clock),
        };
        let hub = Hub::start(ports, Settings { stuck_after: PATIENCE, ..Settings::default() });
        let answered = Arc::new(AtomicUsize::new(ROOTS.len()));
        let hooks = queue.map(|queue| {
            let sight = (log.clone(), Arc::clone(&answered), Arc::clone(&now));
            Hooks::start(queue, &hub, seals.clone(), clock, owed, sight, descriptions)
        });
        let mut world = Self {
            model,
            hub,
            hooks,
            log,
            storages: made,
            seals,
            records: Vec::new(),
            pruned: BTreeMap::new(),
            exact,
            answered,
            now,
            listening: Vec::new(),
            wires: Vec::new(),
            sockets: Vec::new(),
            pod,
            judge,
            store,
            memory,
            _directory: directory,
        };
        world.learn_versions().await;
        world.learn_records().await;
        world
    }

    pub(crate) fn time(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now.load(SeqCst)).unwrap()
    }

    pub(crate) fn instant(&self) -> i64 {
        self.now.load(SeqCst)
    }

    /// The storage of a name.
    pub(crate) fn storage(&self, path: &str) -> StorageId {
        self.storages[usize::from(path.starts_with('~'))]
    }

    /// Sends a request; its fate and what it left in the log are as the model says.
    pub(crate) async fn ask(&mut self, agent: &'static str, ask: &Ask) {
        let at = self.now.fetch_add(1, SeqCst) + 1;
        let (tree, elsewhere) = (self.model.tree(), &self.model.elsewhere);
        // Who is in a group elsewhere is not always certain.
        let fates = [elsewhere.surely(at, at), elsewhere.perhaps(at, at)].map(|far| tree.fate(agent, ask, &far));
        let outcome = self.send(agent, ask).await;
        let head = usize::try_from(self.log.head().0).unwrap();
        let fate = match &outcome {
            Err(_) => Fate::Fails,
            Ok((Effect::Unchanged, _)) => Fate::Idle,
            Ok(_) => Fate::Commits,
        };
        assert!(fates.contains(&fate), "{agent:?} asks {ask:?}: expected one of {fates:?}, got {outcome:?}");
        if let Some((_, path)) = outcome.ok().filter(|_| fate == Fate::Commits) {
            self.model.commit((agent, ask), &path, at);
            self.learn_versions().await;
            self.learn_records().await;
            self.doubt();
        }
        assert_eq!(head, self.model.head(), "one commit per write that is done, none for any other: {ask:?}");
        self.answered.store(head, SeqCst);
    }

    /// A group document elsewhere says something else.
    pub(crate) async fn say(&mut self, document: &'static str, members: Members) {
        self.be_still().await;
        self.model.elsewhere.say(document, members, self.instant());
        self.doubt();
    }

    /// Time goes by.
    pub(crate) async fn wait(&mut self, seconds: i64) {
        self.be_still().await;
        self.now.fetch_add(seconds * 1_000, SeqCst);
        self.hub.clock_moved();
    }

    /// Where threads race, nothing is on its way any more: what was judged and what is written is of one instant.
    async fn be_still(&mut self) {
        if !self.exact {
            self.quiet().await;
        }
    }

    /// Forgets all records but the newest of each storage, as retention does; everybody has heard them.
    pub(crate) async fn prune(&mut self, keep: u64) {
        let Some(memory) = self.memory.clone().filter(|_| self.exact) else { return };
        for index in 0..self.wires.len() {
            self.narrow(index, crate::ear::ROOM);
        }
        self.quiet().await;
        memory.prune(keep);
        let newest: BTreeMap<_, _> =
            self.records.iter().flatten().map(|record| (record.storage, record.offset)).collect();
        for (index, commit) in self.records.iter().enumerate() {
            if commit.iter().all(|record| record.offset + keep <= newest[&record.storage]) {
                for record in commit {
                    let pruned = self.pruned.entry(record.storage).or_default();
                    *pruned = (*pruned).max(index + 1);
                }
            }
        }
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
                    return Ok((written.effect, name(resource.as_str())));
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
        Request { target, action, preconditions, now: self.time(), causes: Arc::default(), rules_as_of: None }
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

    /// Reads the records of the commits that are new.
    async fn learn_records(&mut self) {
        let known = Sequence(self.records.len() as u64);
        for commit in self.log.read(known, 1_000).await.unwrap() {
            let logged = commit.records.iter().map(|record| Logged {
                storage: record.storage,
                offset: record.position.offset,
                change: record.fact.activity().map(|activity| (name(activity.object.as_str()), activity.id)),
            });
            self.records.push(logged.collect());
        }
    }

    /// The changed resources of a commit, each with the id of its change.
    pub(crate) fn ids(&self, commit: Commit) -> impl Iterator<Item = &(String, Uuid)> {
        let records = commit.checked_sub(1).and_then(|index| self.records.get(index));
        records.into_iter().flatten().filter_map(|record| record.change.as_ref())
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
            Who::Elsewhere(document) => format!("acl:agentGroup <{}#w>", elsewhere::url(document)),
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
