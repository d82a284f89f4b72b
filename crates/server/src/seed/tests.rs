//! First starts, later starts, and starts that were cut off.

use super::*;
use crate::{
    act::{self, Act},
    own_documents::{OwnDocuments, PublicDocuments},
    own_origins::OwnOrigins,
    provider_site::testing::{self, Origin},
};
use bytes::Bytes;
use parking_lot::Mutex;
use podbell_egress::{Document, Fetch, FetchError, Get};
use podbell_oidc::{Config, MemoryReplay, Presented, Verifier};
use podbell_provider::{store::Store as _, testing::MemoryStore};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use url::Url;

/// Pods that are known by their roots.
#[derive(Default)]
struct Roots {
    roots: Mutex<Vec<ResourceIri>>,
    made: AtomicUsize,
}

#[async_trait::async_trait]
impl Pods for Roots {
    fn roots(&self) -> Vec<ResourceIri> {
        self.roots.lock().clone()
    }

    async fn create(&self, root: &ResourceIri, _: &WebId, _: &str, _: &str, _: Timestamp) -> Result<(), PodError> {
        self.roots.lock().push(root.clone());
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

struct Bench {
    base: BaseUrl,
    provider: Provider,
    store: Arc<MemoryStore>,
    pods: Roots,
    data: DataDirectory,
    _parent: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let (provider, store) = testing::provider_at(testing::ISSUER).await;
        let parent = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&parent.path().join("data")).unwrap();
        let base = "http://localhost:3000/".parse().unwrap();
        Self { base, provider, store, pods: Roots::default(), data, _parent: parent }
    }

    async fn seed(&self, names: &[&str]) -> Result<Seeded, SeedError> {
        self.seed_with(names, Layout::Path).await
    }

    async fn seed_with(&self, names: &[&str], layout: Layout) -> Result<Seeded, SeedError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        seed(&Seeding {
            names: Some(&names),
            base: &self.base,
            layout,
            provider: &self.provider,
            accounts: &*self.store,
            pods: &self.pods,
            data: &self.data,
            now: Timestamp::now(),
        })
        .await
    }

    /// Seeds without asking for names.
    async fn seed_as_begun(&self) -> Result<Seeded, SeedError> {
        seed(&Seeding {
            names: None,
            base: &self.base,
            layout: Layout::Path,
            provider: &self.provider,
            accounts: &*self.store,
            pods: &self.pods,
            data: &self.data,
            now: Timestamp::now(),
        })
        .await
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.data.path().join(FILE)).unwrap_or_default()
    }
}

#[tokio::test]
async fn a_first_start_makes_everything_and_later_ones_find_it() {
    let bench = Bench::new().await;
    let first = bench.seed(&["alice", "bob"]).await.unwrap();
    let webids: Vec<_> = first.accounts.iter().map(|account| account.webid.as_str()).collect();
    assert_eq!(webids, ["http://localhost:3000/alice/profile/card#me", "http://localhost:3000/bob/profile/card#me"]);
    assert_eq!(first.first_root.unwrap().as_str(), "http://localhost:3000/alice/");
    let file = bench.file();
    for part in ["SOLID_IDENTITY_PROVIDER=http://localhost:3001/\n", "TEST_CONTAINER=http://localhost:3000/alice/\n"] {
        assert!(file.contains(part), "{file}");
    }
    let again = bench.seed(&["alice", "bob"]).await.unwrap();
    assert_eq!((again.accounts.len(), again.credentials.clone()), (2, Some(bench.data.path().join(FILE))));
    assert_eq!((bench.file(), bench.pods.made.load(Ordering::Relaxed)), (file, 2));
    let card = again.card(Path::new("podbell-data"));
    assert!(card.examples[0].contains(" as alice ring http://localhost:3000/alice/ | curl "), "{card:?}");
    assert!(Seeded::default().card(Path::new("podbell-data")).examples.is_empty());
}

#[tokio::test]
async fn a_name_that_comes_later_is_added_and_one_that_goes_stays() {
    let bench = Bench::new().await;
    bench.seed(&["alice"]).await.unwrap();
    let before = bench.file();
    let seeded = bench.seed(&["carol-2"]).await.unwrap();
    assert_eq!(seeded.accounts[0].name, "alice", "every start shows the same order");
    assert_eq!(seeded.accounts[1].webid, "http://localhost:3000/carol-2/profile/card#me");
    let after = bench.file();
    assert!(after.starts_with(&before) && after.contains("\nUSERS_CAROL_2_CLIENTSECRET="), "{after}");
    assert!(bench.store.account("alice").await.unwrap().is_some());
    let shown = bench.seed(&[]).await.unwrap();
    assert_eq!(shown.accounts.iter().map(|account| account.name.as_str()).collect::<Vec<_>>(), ["alice", "carol-2"]);
    assert_eq!(shown.first_root.unwrap().as_str(), "http://localhost:3000/alice/");
    assert_eq!(bench.file(), after);
}

#[tokio::test]
async fn only_a_first_start_makes_accounts_that_nobody_asked_for() {
    let names = |seeded: Seeded| seeded.accounts.into_iter().map(|account| account.name).collect::<Vec<_>>();
    let bench = Bench::new().await;
    begin(None, &bench.data).unwrap();
    assert_eq!(names(bench.seed_as_begun().await.unwrap()), ["alice", "bob"]);
    // The file is lost: those who are known get new secrets.
    std::fs::remove_file(bench.data.path().join(FILE)).unwrap();
    std::fs::write(bench.data.path().join("podbell.sqlite3"), "").unwrap();
    begin(None, &bench.data).unwrap();
    assert_eq!(names(bench.seed_as_begun().await.unwrap()), ["alice", "bob"]);
    assert!(bench.file().contains("PODBELL_DEMO_ACCOUNTS=alice,bob\n"), "{}", bench.file());

    let bench = Bench::new().await;
    begin(Some(&[]), &bench.data).unwrap();
    std::fs::write(bench.data.path().join("podbell.sqlite3"), "").unwrap();
    begin(None, &bench.data).unwrap();
    assert!(names(bench.seed_as_begun().await.unwrap()).is_empty());
    let asked = ["carol".to_owned()];
    begin(Some(&asked), &bench.data).unwrap();
    assert_eq!(names(bench.seed_as_begun().await.unwrap()), asked, "a start that was cut off is finished");
}

#[tokio::test]
async fn a_start_that_was_cut_off_is_finished_and_leaves_no_credentials_behind() {
    let bench = Bench::new().await;
    bench.seed(&["alice"]).await.unwrap();
    let webid = WebId::new("http://localhost:3000/alice/profile/card#me");
    let old = bench.store.credentials_of(&webid).await.unwrap();
    let path = bench.data.path().join(FILE);
    let file = bench.file();
    std::fs::write(&path, &file[..file.find("USERS_ALICE_PASSWORD").unwrap()]).unwrap();
    bench.seed(&["alice"]).await.unwrap();
    let new = bench.store.credentials_of(&webid).await.unwrap();
    assert!(old.len() == 1 && new.len() == 1 && old[0].id != new[0].id);
    let told = EnvFile::read(&bench.data).unwrap().credentials("alice").unwrap();
    assert_eq!(told.client_id, *new[0].id);
    assert_eq!(bench.pods.made.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn pods_of_another_base_url_or_provider_are_not_touched() {
    let mut bench = Bench::new().await;
    bench.seed(&["alice"]).await.unwrap();
    let file = bench.file();
    bench.base = "http://localhost:4000/".parse().unwrap();
    let told = bench.seed(&[]).await.unwrap_err().to_string();
    assert!(told.contains("http://localhost:3000, ") && told.contains("is http://localhost:4000/"), "{told}");
    assert!(told.contains("--base-url http://localhost:3000/,") && told.contains("--data"), "{told}");
    bench.base = "http://localhost:3000/".parse().unwrap();
    bench.provider = testing::provider_at("http://localhost:3009/").await.0;
    let told = bench.seed(&["alice"]).await.unwrap_err().to_string();
    assert!(told.contains("provider http://localhost:3001/, but it is now at http://localhost:3009/"), "{told}");
    assert_eq!(bench.file(), file);
}

#[tokio::test]
async fn each_pod_has_an_origin_of_its_own_in_the_other_layout() {
    let bench = Bench::new().await;
    let seeded = bench.seed_with(&["alice"], Layout::Subdomain).await.unwrap();
    assert_eq!(seeded.accounts[0].webid, "http://alice.localhost:3000/profile/card#me");
    assert_eq!(seeded.first_root.unwrap().as_str(), "http://alice.localhost:3000/");
    let other = bench.seed_with(&["alice"], Layout::Path).await.unwrap_err();
    assert!(matches!(other, SeedError::OtherWebId { .. }), "{other}");
    assert!(bench.seed_with(&["bob"], Layout::Path).await.is_ok());
}

#[test]
fn pods_of_the_other_layout_are_told_both_ways() {
    let base: BaseUrl = "http://localhost:3000/".parse().unwrap();
    let told = |layout, root: &str| {
        let roots = [ResourceIri::parse(root).unwrap()];
        check_layout(&base, layout, &roots, Path::new("d")).map_err(|error| error.to_string())
    };
    let (path, subdomain) = ("http://localhost:3000/alice/", "http://alice.localhost:3000/");
    let without = told(Layout::Subdomain, path).unwrap_err();
    assert!(without.contains("layout \"path\"") && without.contains("start without --subdomains"), "{without}");
    let with = told(Layout::Path, subdomain).unwrap_err();
    assert!(with.contains("layout \"subdomain\"") && with.contains("start with --subdomains"), "{with}");
    assert_eq!((told(Layout::Path, path), told(Layout::Subdomain, subdomain)), (Ok(()), Ok(())));
    assert_eq!(told(Layout::Subdomain, "http://localhost:3000/"), Ok(()));
}

#[tokio::test]
async fn names_that_could_leave_their_place_are_refused() {
    let bench = Bench::new().await;
    let long = "a".repeat(64);
    for name in ["", "Alice", "a/b", "..", "a.b", "a_b", "-a", "a-", "ä", "a\n", &long] {
        let refused = bench.seed(&["alice", name]).await.unwrap_err();
        assert!(matches!(refused, SeedError::Name(_)), "{name}: {refused}");
    }
    assert_eq!((bench.file().as_str(), bench.pods.made.load(Ordering::Relaxed)), ("", 0));
}

struct Nowhere;

#[async_trait::async_trait]
impl Fetch for Nowhere {
    async fn get(&self, get: &Get) -> Result<Document, FetchError> {
        panic!("fetched {}", get.url)
    }
}

/// Alice's profile.
struct Profile(String);

#[async_trait::async_trait]
impl PublicDocuments for Profile {
    async fn read(&self, resource: &ResourceIri, _: &str) -> Option<(String, Bytes)> {
        let turtle = format!("<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{}>.", self.0);
        (resource.path() == "/erin/profile/card").then(|| ("text/turtle".to_owned(), turtle.into()))
    }
}

#[tokio::test]
async fn a_seeded_account_acts_through_curl() {
    let origin = Origin::serve(9).await;
    let parent = tempfile::tempdir().unwrap();
    let data = DataDirectory::open(&parent.path().join("data")).unwrap();
    let base: BaseUrl = "http://localhost:3000/".parse().unwrap();
    let (names, pods) = (["erin".to_owned()], Roots::default());
    let seeding = Seeding {
        names: Some(&names),
        base: &base,
        layout: Layout::Path,
        provider: &origin.provider,
        accounts: &*origin.store,
        pods: &pods,
        data: &data,
        now: Timestamp::now(),
    };
    seed(&seeding).await.unwrap();

    let url = "http://localhost:3000/erin/hello.txt?x=1";
    let put = Act::Request(http::Method::PUT);
    let config = act::act(data.path(), "erin", &put, &Url::parse(url).unwrap()).await.unwrap();
    assert!(config.contains(&format!("url = \"{url}\"\n")) && config.contains("request = \"PUT\"\n"), "{config}");
    let header = |name: &str| {
        let line = config.lines().find_map(|line| line.strip_prefix(&format!("header = \"{name}: ")));
        line.unwrap().trim_end_matches('"').to_owned()
    };
    let (authorization, dpop) = (header("Authorization"), header("DPoP"));

    // What the server makes of it, without a connection to itself.
    let issuer: BaseUrl = origin.issuer.parse().unwrap();
    let own = OwnDocuments::new(Arc::new(Nowhere), OwnOrigins::new(&base, Layout::Path, Some(&issuer)));
    own.publish_pages(Some(&origin.provider), None);
    own.publish_pods(Arc::new(Profile(origin.issuer.clone())));
    let replay = Arc::new(MemoryReplay::new(10, Timestamp::now()));
    let verifier = Verifier::new(Config { development: true, ..Config::default() }, Arc::new(own), replay);
    let presented = Presented { method: "PUT", uri: url, authorization: &[&authorization], dpop: &[&dpop] };
    let credentials = verifier.verify(&presented, Timestamp::now()).await.unwrap().unwrap();
    assert_eq!(credentials.webid.as_str(), "http://localhost:3000/erin/profile/card#me");
}
