//! A table of facts and how it is gone through: several rows at once, each in a container of its own, and all that
//! fail are told at the end.

use super::world::{ALICE, ANYBODY, Agent, BOB, Reply, WORLD, unique};
use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        LazyLock, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The rows of every table. Fewer, or more that nobody has counted, fail.
const PROMISED: &[(&str, usize)] = &[
    ("permissions", 1110),
    ("WAC-Allow", 160),
    ("effective rules", 129),
    ("origins", 11),
    ("settings of origins", 126),
    ("clients and issuers", 37),
    ("changing rules", 16),
    ("ACL resources", 27),
    ("precedence", 99),
    ("credentials", 27),
    ("absence", 7),
    ("refusals", 148),
    ("CORS answers", 73),
    ("preflights", 65),
    ("no origin", 24),
    ("slugs", 88),
    ("slashes", 13),
    ("tricks", 110),
    ("containment", 21),
    ("intermediate containers", 17),
    ("metadata", 20),
    ("managed statements", 63),
    ("deletion", 18),
    ("negotiation", 104),
    ("forms of RDF", 29),
    ("conditions", 224),
    ("validators", 47),
    ("ranges", 27),
    ("N3 Patch", 113),
    ("SPARQL Update", 66),
    ("auxiliaries", 52),
    ("headers", 119),
    ("inbox", 15),
    ("WebID documents", 28),
    ("limits", 77),
    ("events", 68),
    ("walks", 7),
];

/// Rows that are gone through at once.
const AT_ONCE: usize = 8;

type Fact = Box<dyn Fn(&Place) + Send + Sync>;

/// A table.
pub(super) struct Facts {
    group: &'static str,
    rows: Vec<(String, Fact)>,
}

impl Facts {
    /// The table of that name, without rows.
    pub(super) fn of(group: &'static str) -> Self {
        Self { group, rows: Vec::new() }
    }

    /// Adds a row: a fact, and what shows it.
    pub(super) fn fact(mut self, name: impl Into<String>, shown: impl Fn(&Place) + Send + Sync + 'static) -> Self {
        self.rows.push((name.into(), Box::new(shown)));
        self
    }

    /// Adds a row for each of several cases.
    pub(super) fn each<T: Clone + Send + Sync + 'static>(
        self,
        cases: &[T],
        name: impl Fn(&T) -> String,
        shown: fn(&Place, &T),
    ) -> Self {
        cases.iter().fold(self, |facts, case| {
            let (name, case) = (name(case), case.clone());
            facts.fact(name, move |at| shown(at, &case))
        })
    }

    /// Goes through all rows; fails if one fails, or if there are not as many as promised.
    #[track_caller]
    pub(super) fn hold(self) {
        let names: HashSet<_> = self.rows.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), self.rows.len(), "two rows of {} have one name", self.group);
        for agent in [&ALICE, &BOB, &ANYBODY] {
            LazyLock::force(agent);
        }
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some((name, shown)) = self.rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let at = Place::of(self.group);
                        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| shown(&at))) {
                            failed.lock().unwrap().push(format!("- {name}\n  {}", message(&*panic)));
                        }
                    }
                });
            }
        });
        let failed = failed.into_inner().unwrap();
        assert!(failed.is_empty(), "{} of {} {}:\n{}", failed.len(), self.rows.len(), self.group, failed.join("\n"));
        let promised = PROMISED.iter().find(|(group, _)| *group == self.group);
        assert_eq!(Some(self.rows.len()), promised.map(|(_, count)| *count), "rows of {}", self.group);
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic").to_owned()
}

#[test]
fn a_thousand_facts_are_promised_beside_the_permission_matrix() {
    let others = PROMISED.iter().filter(|(group, _)| *group != "permissions");
    assert!(others.map(|(_, count)| count).sum::<usize>() >= 1_900);
}

/// A container of alice for one row; it is made when it is first used.
pub(super) struct Place {
    name: String,
    made: OnceLock<()>,
}

impl Place {
    /// A name that nobody has used.
    pub(super) fn of(group: &str) -> Self {
        Self { name: format!("/alice/{}/", unique(&group.replace(' ', "-"))), made: OnceLock::new() }
    }

    /// Its path.
    pub(super) fn path(&self) -> &str {
        self.made.get_or_init(|| drop(ALICE.put(&self.name, "")));
        &self.name
    }

    /// The path of what is in it; what begins with a slash, or is a URL, is taken as it is.
    pub(super) fn at(&self, name: &str) -> String {
        if name.starts_with('/') || name.starts_with("http://") {
            name.to_owned()
        } else {
            format!("{}{name}", self.path())
        }
    }

    /// The URL of what is in it.
    pub(super) fn url(&self, name: &str) -> String {
        WORLD.url(&self.at(name))
    }

    /// Gives it rules: alice everything, and what else is told about `<#other>`.
    pub(super) fn rules(&self, other: &str) -> &Self {
        ALICE.rules(self.path(), other);
        self
    }

    /// Makes documents in it.
    pub(super) fn with(&self, documents: &[(&str, &str)]) -> &Self {
        for (name, turtle) in documents {
            ALICE.put(&self.at(name), turtle);
        }
        self
    }

    /// A request of alice: a method, a space, a name.
    pub(super) fn alice(&self, line: &str) -> Ask {
        self.ask(&ALICE, line)
    }

    /// The same of bob.
    pub(super) fn bob(&self, line: &str) -> Ask {
        self.ask(&BOB, line)
    }

    /// The same of nobody.
    pub(super) fn anybody(&self, line: &str) -> Ask {
        self.ask(&ANYBODY, line)
    }

    /// The same of any agent.
    pub(super) fn ask(&self, who: &'static Agent, line: &str) -> Ask {
        let (method, name) = line.split_once(' ').unwrap();
        Ask { who, method: method.into(), path: self.at(name), headers: Vec::new(), body: Vec::new() }
    }

    /// The statements of a document, sorted, as alice reads them in N-Triples.
    pub(super) fn statements(&self, name: &str) -> Vec<String> {
        let told = self.alice(&format!("GET {name}")).accept("application/n-triples").gives(200);
        let mut lines: Vec<_> = told.text().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// The names in its listing, sorted and relative to it.
    pub(super) fn members(&self, container: &str) -> Vec<String> {
        let root = self.url(container);
        let mut members: Vec<_> = super::world::listed(&self.at(container))
            .into_iter()
            .map(|iri| iri.strip_prefix(&root).unwrap().to_owned())
            .collect();
        members.sort();
        members
    }
}

/// A request that is being put together.
pub(super) struct Ask {
    who: &'static Agent,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    /// Adds a header.
    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Says what is accepted.
    pub(super) fn accept(self, value: &str) -> Self {
        self.header("accept", value)
    }

    /// Gives it content.
    pub(super) fn content(mut self, media_type: &str, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self.header("content-type", media_type)
    }

    /// Gives it content of no type.
    pub(super) fn content_only(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Gives it Turtle.
    pub(super) fn turtle(self, body: &str) -> Self {
        self.content("text/turtle", body)
    }

    /// Gives it JSON-LD.
    pub(super) fn json_ld(self, body: &str) -> Self {
        self.content("application/ld+json", body)
    }

    /// Gives it an N3 patch: what is said of the patch, without its type.
    pub(super) fn patch(self, says: &str) -> Self {
        self.content("text/n3", n3(says))
    }

    /// Gives it a SPARQL update.
    pub(super) fn sparql(self, update: &str) -> Self {
        self.content("application/sparql-update", update)
    }

    /// Sends it, and believes nothing of the answer.
    pub(super) fn answer(&self) -> Reply {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.who.ask(&self.method, &self.path, &headers, &self.body)
    }

    /// Sends it.
    pub(super) fn send(&self) -> Reply {
        let told = self.answer();
        // What holds of every answer.
        assert!(told.status < 500, "{} {}: {told:?}", self.method, self.path);
        if told.status == 201 || told.status == 204 || told.status == 304 || self.method == "HEAD" {
            assert!(told.body.is_empty(), "{} {}: {told:?}", self.method, self.path);
        } else if told.status >= 400 {
            told.is_problem(told.status);
        }
        if told.status == 401 {
            assert!(told.header("www-authenticate").is_some(), "{told:?}");
        }
        told
    }

    /// Sends it; the answer has that status.
    #[track_caller]
    pub(super) fn gives(&self, status: u16) -> Reply {
        self.gives_any(&[status])
    }

    /// Sends it; the answer has one of these statuses.
    #[track_caller]
    pub(super) fn gives_any(&self, statuses: &[u16]) -> Reply {
        let told = self.send();
        assert!(
            statuses.contains(&told.status),
            "{} {} gives {} instead of {statuses:?}: {}",
            self.method,
            self.path,
            told.status,
            String::from_utf8_lossy(&told.body)
        );
        told
    }
}

/// A patch document: what is said of the patch, without its type.
pub(super) fn n3(says: &str) -> String {
    format!("@prefix solid: <http://www.w3.org/ns/solid/terms#>.\n<#patch> a solid:InsertDeletePatch; {says} .")
}

/// So many parts, each made from its number, one after the other.
pub(super) fn repeated(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().concat()
}
