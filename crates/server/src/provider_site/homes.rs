//! The pods of people with an account: where they are, and how they are made.

use crate::{
    request::is_label,
    reserved::is_reserved,
    seed::{root, webid},
    settings::{BaseUrl, Layout},
};
use podbell_model::{ResourceIri, Timestamp};
use podbell_pod::{Pod, SeedError, store::CommitError};
use podbell_provider::{Found, Home, Hosting, HostingError};
use std::sync::Arc;

/// Pods of this server, each with the WebID of an account.
pub struct Homes {
    /// The base URL of the pods.
    pub base: BaseUrl,
    /// Where pods are.
    pub layout: Layout,
    /// Makes them.
    pub pod: Arc<Pod>,
    /// Who speaks for their WebIDs.
    pub issuer: Arc<str>,
    /// The console, if it is served.
    pub console: Option<BaseUrl>,
}

impl Homes {
    fn root(&self, name: &str) -> Option<ResourceIri> {
        is_label(name).then(|| root(&self.base, self.layout, name).ok()).flatten()
    }

    /// Whether a pod there would share its origin with the provider or the console, whose pages nothing in a pod may act
    /// as.
    fn is_of_pages(&self, root: &ResourceIri) -> bool {
        let is_console = self.console.as_ref().is_some_and(|console| console.origin() == root.origin());
        is_console || root.origin() == self.issuer.trim_end_matches('/')
    }
}

#[async_trait::async_trait]
impl Hosting for Homes {
    fn home(&self, name: &str) -> Option<Home> {
        let root = self.root(name)?;
        let webid = webid(&root);
        let storages = self.pod.storages();
        let found = match storages.rooted(&root) {
            Some(storage) if storage.owner == webid => Found::Own,
            Some(_) => Found::Other,
            None if self.is_of_pages(&root) || storages.containing(&root).is_some() => Found::Other,
            None if is_reserved(name) => Found::Reserved,
            None => Found::Nothing,
        };
        Some(Home { webid, found })
    }

    async fn make(&self, name: &str, now: Timestamp) -> Result<(), HostingError> {
        let root = self.root(name).filter(|root| !self.is_of_pages(root)).ok_or(HostingError::Taken)?;
        match self.pod.create_pod(&root, &webid(&root), &self.issuer, name, now).await {
            Ok(_) => Ok(()),
            Err(SeedError::Store(CommitError::Overlap)) => Err(HostingError::Taken),
            Err(error) => Err(HostingError::Failed(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::{Uuid, WebId};
    use podbell_pod::testing::MemoryStore;

    async fn homes(base: &str, layout: Layout, issuer: &str) -> Homes {
        let rules = Arc::new(podbell_wac::Rules::default());
        let pod = Pod::open(Arc::new(MemoryStore::default()), Arc::new(Uuid::new_v4), rules).await.unwrap();
        Homes { base: base.parse().unwrap(), layout, pod: Arc::new(pod), issuer: issuer.into(), console: None }
    }

    #[tokio::test]
    async fn a_home_is_found_as_it_is() {
        let homes = homes("https://pod.example/", Layout::Path, "https://id.example/").await;
        let found = |name: &str| homes.home(name).map(|home| home.found);
        assert_eq!(found("alice"), Some(Found::Nothing));
        homes.make("alice", Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(found("alice"), Some(Found::Own));
        assert_eq!(homes.home("alice").unwrap().webid.as_str(), "https://pod.example/alice/profile/card#me");
        let taken = homes.make("alice", Timestamp::UNIX_EPOCH).await;
        assert!(matches!(taken, Err(HostingError::Taken)));
        let (bob, elsewhere) = (homes.root("bob").unwrap(), WebId::new("https://other.example/#me"));
        homes.pod.create_pod(&bob, &elsewhere, "", "bob", Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(found("bob"), Some(Found::Other));
        for name in ["", "..", "a/b", "A", "-a", ".well-known", "é", "a.b"] {
            assert_eq!(found(name), None, "{name}");
        }
    }

    #[tokio::test]
    async fn a_name_of_the_servers_own_is_no_home_unless_it_has_been_one() {
        let homes = homes("https://pod.example/", Layout::Path, "https://id.example/").await;
        assert_eq!(homes.home("www").unwrap().found, Found::Reserved);
        let root = homes.root("www").unwrap();
        homes.pod.create_pod(&root, &webid(&root), &homes.issuer, "www", Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(homes.home("www").unwrap().found, Found::Own);
    }

    #[tokio::test]
    async fn no_pod_gets_the_origin_of_the_provider_or_of_the_console() {
        let mut homes = homes("https://pod.example/", Layout::Subdomain, "https://id.pod.example/").await;
        homes.console = Some("https://bell.pod.example/".parse().unwrap());
        for name in ["id", "bell"] {
            assert_eq!(homes.home(name).unwrap().found, Found::Other, "{name}");
            assert!(matches!(homes.make(name, Timestamp::UNIX_EPOCH).await, Err(HostingError::Taken)), "{name}");
        }
        assert_eq!(homes.home("alice").unwrap().found, Found::Nothing);
    }
}
