//! Documents of this server's own origins, answered in process.
//!
//! Verifying a token may need a WebID document, keys or a client identifier document that this very server publishes.
//! It never connects to itself for them: the guard of the client would refuse loopback, a proxy in front may not let it
//! back in, and requests that wait for requests can wait for ever. Only what the public may read is answered.
//!
//! Spec: <https://solidproject.org/TR/oidc#resource>

use crate::{
    console::Facts,
    own_origins::{OwnOrigins, Owner},
    provider_site::DISCOVERY,
};
use bytes::Bytes;
use podbell_egress::{Document, Fetch, FetchError, Get};
use podbell_model::ResourceIri;
use podbell_provider::Provider;
use std::sync::{Arc, OnceLock};
use url::Url;

/// The largest document that is answered, in bytes: as much as the client would read from elsewhere.
const MAX_BODY: usize = 256 * 1024;

/// What everybody may read in the pods of this server.
#[async_trait::async_trait]
pub trait PublicDocuments: Send + Sync + 'static {
    /// Media type (without parameters) and body of a resource in the best representation for an `Accept` header; none
    /// if it is missing, or if not everybody may read it.
    async fn read(&self, resource: &ResourceIri, accept: &str) -> Option<(String, Bytes)>;
}

/// A document of the provider or of the console, by its URL.
type Published = (Url, Bytes);

/// Fetches documents: those of this server's own origins in process, all others through the client.
///
/// The provider and the pods need it and it needs them, so they and the console are made known later; until then what
/// they publish is unreachable.
pub struct OwnDocuments {
    client: Arc<dyn Fetch>,
    origins: OwnOrigins,
    pages: OnceLock<Vec<Published>>,
    pods: OnceLock<Arc<dyn PublicDocuments>>,
}

impl OwnDocuments {
    /// In front of a client, for these origins.
    pub fn new(client: Arc<dyn Fetch>, origins: OwnOrigins) -> Self {
        Self { client, origins, pages: OnceLock::new(), pods: OnceLock::new() }
    }

    /// Makes known what the provider publishes and what the console says about itself, as far as they are served; only the
    /// first call counts.
    pub fn publish_pages(&self, provider: Option<&Provider>, console: Option<&Facts>) {
        let at = |url: &str| Url::parse(url).ok();
        let of_provider = provider.into_iter().flat_map(|provider| {
            let discovery = provider.discovery();
            [
                (at(&format!("{}{DISCOVERY}", provider.issuer())), discovery.to_string()),
                (discovery["jwks_uri"].as_str().and_then(at), provider.jwks().to_string()),
            ]
        });
        let of_console = console.map(|console| (at(&console.id()), console.client().to_string()));
        let documents = of_provider.chain(of_console).filter_map(|(url, body)| Some((url?, Bytes::from(body))));
        // A second call would publish the same.
        let _ = self.pages.set(documents.collect());
    }

    /// Makes the pods known; only the first call counts.
    pub fn publish_pods(&self, pods: Arc<dyn PublicDocuments>) {
        let _ = self.pods.set(pods);
    }

    fn published(&self, url: &Url) -> Result<(String, Bytes), FetchError> {
        let documents = self.pages.get().ok_or(FetchError::Unreachable)?;
        let found = documents.iter().find(|(published, _)| published == url);
        found.map(|(_, body)| ("application/json".to_owned(), body.clone())).ok_or(FetchError::Status(404))
    }

    async fn public(&self, get: &Get) -> Result<(String, Bytes), FetchError> {
        let pods = self.pods.get().ok_or(FetchError::Unreachable)?;
        let resource = ResourceIri::parse(get.url.as_str()).map_err(|_| FetchError::Status(404))?;
        let (media_type, body) = pods.read(&resource, get.accept).await.ok_or(FetchError::Status(404))?;
        if body.len() > MAX_BODY {
            return Err(FetchError::TooLarge { limit: MAX_BODY });
        }
        Ok((media_type, body))
    }
}

#[async_trait::async_trait]
impl Fetch for OwnDocuments {
    async fn get(&self, get: &Get) -> Result<Document, FetchError> {
        let is_plain = get.url.username().is_empty() && get.url.password().is_none();
        let mut url = get.url.clone();
        url.set_fragment(None);
        let (media_type, body) = match self.origins.owner(&url) {
            Owner::Stranger => return self.client.get(get).await,
            _ if !is_plain => return Err(FetchError::Refused),
            Owner::Pages => self.published(&url)?,
            Owner::Pods => self.public(get).await?,
            Owner::Alias => return Err(FetchError::Status(404)),
        };
        Ok(Document { url, media_type, body, max_age: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        provider_site::testing,
        settings::{BaseUrl, Layout},
    };
    use parking_lot::Mutex;

    /// Notes what it is asked for.
    #[derive(Default)]
    struct Outside(Mutex<Vec<String>>);

    #[async_trait::async_trait]
    impl Fetch for Outside {
        async fn get(&self, get: &Get) -> Result<Document, FetchError> {
            self.0.lock().push(get.url.to_string());
            Err(FetchError::Unreachable)
        }
    }

    /// One public profile, and one that is too large.
    struct Pods;

    #[async_trait::async_trait]
    impl PublicDocuments for Pods {
        async fn read(&self, resource: &ResourceIri, accept: &str) -> Option<(String, Bytes)> {
            match resource.path() {
                "/alice/profile/card" | "/profile/card" => Some(("text/turtle".to_owned(), accept.to_owned().into())),
                "/large" => Some(("text/turtle".to_owned(), vec![b' '; MAX_BODY + 1].into())),
                _ => None,
            }
        }
    }

    fn own(layout: Layout) -> (OwnDocuments, Arc<Outside>) {
        let outside = Arc::new(Outside::default());
        let issuer: BaseUrl = testing::ISSUER.parse().unwrap();
        let base: BaseUrl = "http://localhost:3000/".parse().unwrap();
        (OwnDocuments::new(outside.clone(), OwnOrigins::new(&base, layout, Some(&issuer))), outside)
    }

    async fn get(own: &OwnDocuments, url: &str) -> Result<Document, FetchError> {
        own.get(&Get { url: Url::parse(url).unwrap(), accept: "text/turtle", redirects: 3 }).await
    }

    const OWN: [&str; 12] = [
        "http://localhost:3000/alice/",
        "http://LOCALHOST:3000/alice/profile/card.acl",
        "http://localhost:3000/.well-known/openid-configuration",
        "http://localhost:3000/a//b",
        "http://localhost:3001/",
        "http://localhost:3001/.oidc/token",
        "http://localhost:3001/.oidc/authorize?client_id=x",
        "http://127.0.0.1:3000/alice/profile/card",
        "http://[::1]:3001/.well-known/openid-configuration",
        "http://0.0.0.0:3000/alice/profile/card",
        "http://[::ffff:127.0.0.1]:3000/alice/profile/card",
        "https://localhost:3000/alice/profile/card",
    ];

    #[tokio::test]
    async fn this_server_never_connects_to_itself() {
        let (own, outside) = own(Layout::Path);
        for url in OWN.into_iter().take(2) {
            assert_eq!(get(&own, url).await.unwrap_err(), FetchError::Unreachable, "nothing is published yet: {url}");
        }
        own.publish_pages(Some(&testing::provider().await), None);
        own.publish_pods(Arc::new(Pods));
        for url in OWN {
            assert_eq!(get(&own, url).await.unwrap_err(), FetchError::Status(404), "{url}");
        }
        let with_password = get(&own, "http://u:p@localhost:3000/alice/profile/card").await;
        assert_eq!(with_password.unwrap_err(), FetchError::Refused);
        assert_eq!(*outside.0.lock(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_is_public_is_read_in_process() {
        let (own, outside) = own(Layout::Path);
        let provider = testing::provider().await;
        own.publish_pages(Some(&provider), None);
        own.publish_pods(Arc::new(Pods));
        let json = |document: &Document| serde_json::from_slice::<serde_json::Value>(&document.body).unwrap();
        let discovery = get(&own, "http://localhost:3001/.well-known/openid-configuration").await.unwrap();
        assert_eq!((json(&discovery), &*discovery.media_type), (provider.discovery(), "application/json"));
        let keys = get(&own, json(&discovery)["jwks_uri"].as_str().unwrap()).await.unwrap();
        assert_eq!(json(&keys), provider.jwks());
        let card = get(&own, "http://localhost:3000/alice/profile/card?v=2#me").await.unwrap();
        assert_eq!((card.media_type.as_str(), &*card.body), ("text/turtle", &b"text/turtle"[..]));
        let large = get(&own, "http://localhost:3000/large").await;
        assert_eq!(large.unwrap_err(), FetchError::TooLarge { limit: MAX_BODY });
        assert!(outside.0.lock().is_empty());
    }

    #[tokio::test]
    async fn the_console_is_known_as_an_app_in_process_wherever_it_is() {
        let console: BaseUrl = "http://localhost:3002/".parse().unwrap();
        let outside = Arc::new(Outside::default());
        let base: BaseUrl = "http://localhost:3000/".parse().unwrap();
        let own = OwnDocuments::new(outside.clone(), OwnOrigins::new(&base, Layout::Path, Some(&console)));
        let facts = Facts { url: console.to_string(), pods: base.to_string(), issuer: None, is_development: true };
        assert_eq!(get(&own, &facts.id()).await.unwrap_err(), FetchError::Unreachable);
        own.publish_pages(None, Some(&facts));
        let told = get(&own, &facts.id()).await.unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&told.body).unwrap(), facts.client());
        for other in
            ["http://localhost:3002/", "http://127.0.0.1:3002/console/client.jsonld", "http://localhost:3002/a"]
        {
            assert_eq!(get(&own, other).await.unwrap_err(), FetchError::Status(404), "{other}");
        }
        assert!(outside.0.lock().is_empty());
    }

    #[tokio::test]
    async fn names_below_the_base_are_pods_where_the_layout_says_so() {
        let url = "http://alice.localhost:3000/profile/card";
        let (own_names, outside) = own(Layout::Subdomain);
        own_names.publish_pods(Arc::new(Pods));
        assert!(get(&own_names, url).await.is_ok());
        assert_eq!(get(&own_names, "http://alice.localhost:3000/x").await.unwrap_err(), FetchError::Status(404));
        let (paths, _) = own(Layout::Path);
        paths.publish_pods(Arc::new(Pods));
        assert_eq!(get(&paths, url).await.unwrap_err(), FetchError::Status(404), "still this machine's own port");
        assert!(outside.0.lock().is_empty());
    }

    #[tokio::test]
    async fn everything_else_goes_through_the_client() {
        let (own, outside) = own(Layout::Subdomain);
        let others = [
            "https://alice.example/card",
            "http://localhost:4000/card",
            "http://127.0.0.1:4000/card",
            "http://evillocalhost:3000/card",
            "http://localhost.example:3000/card",
        ];
        for url in others {
            assert_eq!(get(&own, url).await.unwrap_err(), FetchError::Unreachable);
        }
        assert_eq!(*outside.0.lock(), others);
    }
}
