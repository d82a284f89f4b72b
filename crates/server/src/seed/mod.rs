//! Demo accounts: each with a pod, a log-in and client credentials.
//!
//! They are made by the very first start in a data directory, or when they are asked for by name; no other start makes
//! any, so a directory that began without them stays so.
//!
//! The rule: a name that `demo.env` tells all about is done, and nothing about it is touched. For every other name that
//! is asked for, whatever is missing is made and its secrets are added to the file, at its end. So a start that was cut
//! off is finished by the next, a name added later is added, a name no longer asked for stays, and whoever has lost the
//! file gets new secrets.
//!
//! Spec: <https://solidproject.org/TR/oidc>, <https://solidproject.org/TR/protocol#storage>

pub mod env_file;

use crate::{
    card,
    data::{DataDirectory, DataError},
    request::is_label,
    settings::{BaseUrl, DEMO_ACCOUNTS, Layout},
};
use env_file::{Credentials, EnvFile, FILE};
use podbell_model::{IriError, ResourceIri, Timestamp, WebId};
use podbell_pod::{Pod, SeedError as PodError};
use podbell_provider::{AccountError, Provider, store};
use std::path::{Path, PathBuf};

/// Where pods are made.
#[async_trait::async_trait]
pub trait Pods: Send + Sync {
    /// The roots of all pods.
    fn roots(&self) -> Vec<ResourceIri>;

    /// Makes a pod with its owner's WebID document.
    async fn create(
        &self,
        root: &ResourceIri,
        owner: &WebId,
        issuer: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<(), PodError>;
}

#[async_trait::async_trait]
impl Pods for Pod {
    fn roots(&self) -> Vec<ResourceIri> {
        self.storages().all().iter().map(|storage| storage.root.clone()).collect()
    }

    async fn create(
        &self,
        root: &ResourceIri,
        owner: &WebId,
        issuer: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<(), PodError> {
        self.create_pod(root, owner, issuer, name, now).await.map(|_| ())
    }
}

/// What seeding needs.
pub struct Seeding<'a> {
    /// The accounts that were asked for, if any were; else those that a first start set out to make.
    pub names: Option<&'a [String]>,
    /// The base URL, with the port that was found.
    pub base: &'a BaseUrl,
    /// Where pods are.
    pub layout: Layout,
    /// Makes log-ins.
    pub provider: &'a Provider,
    /// What the provider keeps.
    pub accounts: &'a dyn store::Store,
    /// Makes pods.
    pub pods: &'a dyn Pods,
    /// Holds `demo.env`.
    pub data: &'a DataDirectory,
    /// Now.
    pub now: Timestamp,
}

/// What is there after seeding, for the card.
#[derive(Clone, Debug, Default)]
pub struct Seeded {
    /// All accounts, first those that the first start made.
    pub accounts: Vec<card::Account>,
    /// The root of the first one's pod.
    pub first_root: Option<ResourceIri>,
    /// The file with their credentials, if there is one.
    pub credentials: Option<PathBuf>,
}

impl Seeded {
    /// What the card shows of it. `data` is the data directory as it was named; the examples are for servers that are
    /// reached without TLS on this machine.
    pub fn card(self, data: &Path) -> card::Card {
        let program = std::env::current_exe().ok();
        let root = self.first_root.as_ref().filter(|root| root.as_str().starts_with("http:"));
        let examples = match (program, self.accounts.first(), root) {
            (Some(program), Some(account), Some(root)) => card::examples(&program, data, &account.name, root.as_str()),
            _ => Vec::new(),
        };
        card::Card { accounts: self.accounts, credentials: self.credentials, examples, ..card::Card::default() }
    }
}

/// Why the demo accounts are not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The name cannot be part of a URL.
    #[error("{0:?} is no account name: a-z, 0-9 and '-', 1 to 63, no '-' at either end")]
    Name(String),
    /// The pods belong to another base URL.
    #[error(
        "{data} holds pods at {stored}, but the base URL is {base}: start with --base-url {stored}/, or choose another \
         directory with --data"
    )]
    OtherBase {
        /// Where the pods are, an origin.
        stored: String,
        /// The base URL now.
        base: String,
        /// The data directory.
        data: String,
    },
    /// The pods are of the other layout.
    #[error("{data} holds pods in layout {stored:?} ({root}): {remedy}, or choose another directory with --data")]
    OtherLayout {
        /// The layout of the pods.
        stored: &'static str,
        /// One of them.
        root: ResourceIri,
        /// How to start with it.
        remedy: &'static str,
        /// The data directory.
        data: String,
    },
    /// The accounts belong to another provider.
    #[error(
        "{file} is about the provider {stored}, but it is now at {issuer}: start with PODBELL_PROVIDER_URL={stored}, or \
         choose another directory with --data"
    )]
    OtherIssuer {
        /// The provider of the file.
        stored: String,
        /// The provider now.
        issuer: String,
        /// The file.
        file: String,
    },
    /// An account of that name is somebody else's, for instance of the other layout.
    #[error("the account {name} is that of {stored}, not of {webid}; was it made with another pods.layout?")]
    OtherWebId {
        /// The account.
        name: String,
        /// Whose it is.
        stored: WebId,
        /// Whose it would be.
        webid: WebId,
    },
    /// The base URL and the name make no URL.
    #[error("no pod can be called {name:?}: {source}")]
    Iri {
        /// The account.
        name: String,
        /// Why.
        source: IriError,
    },
    /// `demo.env` cannot be read or written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The pod cannot be made.
    #[error("the pod of {name} cannot be made")]
    Pod {
        /// The account.
        name: String,
        /// Why.
        source: PodError,
    },
    /// The account cannot be made.
    #[error("the account {name} cannot be made")]
    Account {
        /// The account.
        name: String,
        /// Why.
        source: AccountError,
    },
    /// The store of accounts fails.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Notes which accounts a start sets out to make: those that were asked for, or those of a first start. Before the store
/// is opened, so that a first start that fails on the way is still one.
pub fn begin(asked: Option<&[String]>, data: &DataDirectory) -> Result<(), SeedError> {
    let mut file = EnvFile::read(data)?;
    let is_first = podbell_sqlite::is_new(data.path()) || (file.exists() && file.is_empty());
    match asked {
        Some(names) => file.begin(data, names)?,
        None if is_first => file.begin(data, &DEMO_ACCOUNTS.map(str::to_owned))?,
        None => {}
    }
    Ok(())
}

/// Makes what is missing of the demo accounts.
pub async fn seed(seeding: &Seeding<'_>) -> Result<Seeded, SeedError> {
    check_base(seeding.base, &seeding.pods.roots(), seeding.data.path())?;
    let mut file = EnvFile::read(seeding.data)?;
    let names = seeding.names(&file).await?;
    for name in &names {
        check_name(name)?;
    }
    check_issuer(&file, seeding.provider.issuer(), seeding.data.path())?;
    if !file.exists() {
        file.begin(seeding.data, &names)?;
    }
    let mut seeded = Seeded::default();
    for name in &names {
        let root =
            root(seeding.base, seeding.layout, name).map_err(|source| SeedError::Iri { name: name.clone(), source })?;
        let webid = webid(&root);
        let told = file.credentials(name);
        match told {
            Some(told) if told.webid != webid.as_str() => {
                let stored = WebId::new(told.webid);
                return Err(SeedError::OtherWebId { name: name.clone(), stored, webid });
            }
            Some(_) => {}
            None => {
                let made = seeding.make(name, &root, &webid).await?;
                file.add(seeding.data, seeding.provider.issuer(), &root, &made)?;
            }
        }
        seeded.accounts.push(card::Account { name: name.clone(), webid: webid.as_str().to_owned() });
    }
    for account in file.accounts().into_iter().filter(|account| !names.contains(&account.name)) {
        seeded.accounts.push(card::Account { name: account.name, webid: account.webid });
    }
    // Every start shows the same order: first those that were there first.
    let begun = file.begun().unwrap_or_default();
    let begun_at = |name: &str| begun.iter().position(|begun| begun == name).unwrap_or(usize::MAX);
    seeded.accounts.sort_by(|one, other| (begun_at(&one.name), &one.name).cmp(&(begun_at(&other.name), &other.name)));
    let first = seeded.accounts.first().and_then(|first| first.webid.strip_suffix(PROFILE));
    seeded.first_root = first.and_then(|root| ResourceIri::parse(root).ok());
    seeded.credentials = file.exists().then(|| seeding.data.path().join(FILE));
    Ok(seeded)
}

/// Refuses pods of another base URL: every IRI in them begins with that.
pub fn check_base(base: &BaseUrl, roots: &[ResourceIri], data: &Path) -> Result<(), SeedError> {
    let is_here = |root: &&ResourceIri| root.origin() == base.origin() || is_below(root.origin(), base);
    match roots.iter().find(|root| !is_here(root)) {
        None => Ok(()),
        Some(root) => Err(SeedError::OtherBase {
            stored: root.origin().to_owned(),
            base: base.to_string(),
            data: data.display().to_string(),
        }),
    }
}

/// Refuses pods of the other layout: a directory keeps the one that it began with.
pub fn check_layout(base: &BaseUrl, layout: Layout, roots: &[ResourceIri], data: &Path) -> Result<(), SeedError> {
    let made = |root: &ResourceIri| {
        if root.origin() == base.origin() {
            // At the root of the server it is of either layout.
            (root.path() != "/").then_some(Layout::Path)
        } else {
            is_below(root.origin(), base).then_some(Layout::Subdomain)
        }
    };
    let other = roots.iter().find_map(|root| made(root).filter(|made| *made != layout).map(|made| (root, made)));
    let Some((root, made)) = other else { return Ok(()) };
    let (stored, remedy) = match made {
        Layout::Path => ("path", "start without --subdomains (pods.layout = \"path\")"),
        Layout::Subdomain => ("subdomain", "start with --subdomains (pods.layout = \"subdomain\")"),
    };
    Err(SeedError::OtherLayout { stored, root: root.clone(), remedy, data: data.display().to_string() })
}

/// Refuses the accounts of another provider: what `demo.env` says of it is what apps were told.
pub fn check_issuer(file: &EnvFile, issuer: &str, data: &Path) -> Result<(), SeedError> {
    match file.issuer().filter(|stored| *stored != issuer) {
        None => Ok(()),
        Some(stored) => Err(SeedError::OtherIssuer {
            stored: stored.to_owned(),
            issuer: issuer.to_owned(),
            file: data.join(FILE).display().to_string(),
        }),
    }
}

fn is_below(origin: &str, base: &BaseUrl) -> bool {
    let name = origin.split_once("://").filter(|(scheme, _)| *scheme == base.url().scheme());
    name.and_then(|(_, name)| name.strip_suffix(base.authority())).is_some_and(|front| front.ends_with('.'))
}

/// The root of a pod.
pub fn root(base: &BaseUrl, layout: Layout, name: &str) -> Result<ResourceIri, IriError> {
    ResourceIri::parse(&match layout {
        Layout::Path => format!("{base}{name}/"),
        Layout::Subdomain => format!("{}://{name}.{}/", base.url().scheme(), base.authority()),
    })
}

/// The WebID in a pod that is its owner's.
pub fn webid(root: &ResourceIri) -> WebId {
    WebId::new(format!("{root}{PROFILE}"))
}

/// Where in a pod its owner's WebID is.
const PROFILE: &str = "profile/card#me";

fn check_name(name: &str) -> Result<(), SeedError> {
    if is_label(name) { Ok(()) } else { Err(SeedError::Name(name.to_owned())) }
}

impl Seeding<'_> {
    /// Who shall be there. Whoever has lost the file gets a new one without asking.
    async fn names(&self, file: &EnvFile) -> Result<Vec<String>, SeedError> {
        if let Some(asked) = self.names {
            return Ok(asked.to_vec());
        }
        if file.exists() {
            return Ok(file.begun().unwrap_or_default());
        }
        let mut known = Vec::new();
        for name in DEMO_ACCOUNTS {
            if self.accounts.account(name).await?.is_some() {
                known.push(name.to_owned());
            }
        }
        Ok(known)
    }

    /// Pod, account, credentials: in this order, so that nobody can log in to a pod that is not there.
    async fn make(&self, name: &str, root: &ResourceIri, webid: &WebId) -> Result<Credentials, SeedError> {
        let failed = |source| SeedError::Account { name: name.to_owned(), source };
        let known = self.accounts.account(name).await?;
        if let Some(account) = known.as_ref().filter(|account| account.webid != *webid) {
            let stored = account.webid.clone();
            return Err(SeedError::OtherWebId { name: name.to_owned(), stored, webid: webid.clone() });
        }
        if !self.pods.roots().contains(root) {
            let made = self.pods.create(root, webid, self.provider.issuer(), name, self.now).await;
            made.map_err(|source| SeedError::Pod { name: name.to_owned(), source })?;
        }
        let password = Provider::random_password().map_err(failed)?;
        if known.is_none() {
            self.provider.create_account(name, webid.clone(), Some(&password)).await.map_err(failed)?;
        } else {
            self.provider.set_password(name, Some(&password)).await.map_err(failed)?;
        }
        // Those of a start that was cut off, or of a file that was lost: nobody should have them.
        for old in self.accounts.credentials_of(webid).await?.iter().filter(|old| *old.name == *CREDENTIALS) {
            self.accounts.remove_credentials(&old.id).await?;
        }
        let client = self.provider.create_credentials(webid, CREDENTIALS, self.now).await.map_err(failed)?;
        let (name, webid) = (name.to_owned(), webid.as_str().to_owned());
        Ok(Credentials { name, webid, client_id: client.id, client_secret: client.secret, password })
    }
}

/// What the credentials of demo accounts are called.
const CREDENTIALS: &str = "demo.env";

#[cfg(test)]
mod tests;
