//! `podbell as`: one request as a demo account, with curl; or listening and writing at once, to see a notification arrive.
//!
//! Tokens are bound to a key that signs each request anew, which a shell cannot do. So this logs in with the
//! credentials of `demo.env` under a key made for the moment, and prints a configuration for `curl -K-` that is good for
//! one use within a minute or two. Nothing secret stands on a command line, where other users could read it, and
//! nothing is ever sent off this machine.
//!
//! Spec: RFC 9449 §4 and §7, <https://solidproject.org/TR/notifications-protocol#subscription-request>

use crate::{
    seed::env_file::{Credentials, EnvFile, FILE},
    settings::BaseUrl,
};
use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use jiff::Timestamp;
use podbell_model::contexts;
use podbell_oidc::{Algorithm, SigningKey};
use podbell_provider::config::Endpoints;
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    time::Duration,
};
use url::{Url, form_urlencoded};
use uuid::Uuid;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a ring is listened to.
const RING: Duration = Duration::from_secs(2);
/// When curl gives up on it. The server goes only some seconds after its goodbye, since curl does not answer that.
const CUT: Duration = Duration::from_secs(20);

/// What is done as the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A request with that method.
    Request(Method),
    /// Subscribing to the resource, then connecting to hear its notifications.
    Listen,
    /// Listening to a container for a moment, and writing a document into it meanwhile.
    Ring,
}

/// Neither a method nor a word that is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {given}; {}", .near.as_ref().map_or(
    "it takes a method such as GET or PUT, or listen, or ring".to_owned(), |near| format!("is it {near}?")))]
pub struct UnknownAct {
    given: String,
    near: Option<&'static str>,
}

/// What is usually meant.
const ACTS: [&str; 9] = ["listen", "ring", "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"];
/// How alike a word must be to one of them to be taken for a misspelling.
const ALIKE: f64 = 0.8;

impl std::str::FromStr for Act {
    type Err = UnknownAct;

    /// A method, in capitals as methods are, or the word `listen` or `ring`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.to_ascii_lowercase();
        let is_capital = !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '-');
        match (word.as_str(), Method::from_bytes(text.as_bytes())) {
            ("listen", _) => Ok(Self::Listen),
            ("ring", _) => Ok(Self::Ring),
            (_, Ok(method)) if is_capital => Ok(Self::Request(method)),
            _ => {
                let likeness = |known: &&str| strsim::jaro_winkler(&known.to_ascii_lowercase(), &word);
                let near = ACTS.into_iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
                Err(UnknownAct { given: format!("{text:?}"), near: near.filter(|near| likeness(near) >= ALIKE) })
            }
        }
    }
}

/// The URL that was typed; `data` holds `demo.env`, which knows where the server is if only a path was.
pub fn address(data: &Path, typed: &str) -> anyhow::Result<Url> {
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let read = |text: &str| Url::parse(text).ok().filter(is_http);
    if let Some(url) = read(typed).filter(|_| typed.contains("://")) {
        return Ok(url);
    }
    let meant = if typed.starts_with('/') {
        let accounts = EnvFile::read_in(data).unwrap_or_default().accounts();
        let own = accounts.first().and_then(|account| Url::parse(&account.webid).ok());
        let origin = own.map_or_else(|| "http://localhost:3000".to_owned(), |own| own.origin().ascii_serialization());
        read(&format!("{origin}{typed}"))
    } else {
        read(&format!("http://{typed}")).filter(|_| !typed.contains("://"))
    };
    match meant {
        Some(meant) => bail!("{typed:?} is no http URL; is it {meant}?"),
        None => bail!("{typed:?} is no http URL, such as http://localhost:3000/alice/"),
    }
}

/// What to say first if the URL is not of the server that the account is of: it may be meant so, but seldom is.
pub fn elsewhere(data: &Path, account: &str, url: &Url) -> Option<String> {
    let own = Url::parse(&EnvFile::read_in(data).ok()?.credentials(account)?.webid).ok()?;
    (own.port_or_known_default() != url.port_or_known_default()).then(|| {
        format!(
            "note: this is the {account} of {}, by {}; for an account of {} name the data directory of that server with \
             --data",
            own.origin().ascii_serialization(),
            data.join(FILE).display(),
            url.origin().ascii_serialization()
        )
    })
}

/// The configuration for `curl -K-` that does it. `data` holds `demo.env`.
pub async fn act(data: &Path, account: &str, act: &Act, url: &Url) -> anyhow::Result<String> {
    let origin = BaseUrl::on_this_machine(&url.origin().ascii_serialization())?;
    let file = EnvFile::read_in(data)?;
    anyhow::ensure!(
        file.exists(),
        "there is no {}: go to the folder where the server was started, or name its directory with --data",
        data.join(FILE).display()
    );
    let (issuer, credentials) =
        file.issuer().zip(file.credentials(account)).with_context(|| unknown(data, account, &file))?;
    let issuer = BaseUrl::on_this_machine(issuer)?;
    called_by_its_name(url, &credentials.webid)?;
    ensure!(
        *act != Act::Ring || url.path().ends_with('/'),
        "ring listens to a container and writes into it, so its URL ends with a slash: {url}/"
    );
    let session = Session::log_in(&issuer, &credentials).await?;
    match act {
        Act::Request(method) => session.request(method, url),
        Act::Listen => session.listen(&origin, url).await,
        Act::Ring => session.ring(&origin, url).await,
    }
}

/// What to say of an account that the file does not know.
pub(crate) fn unknown(data: &Path, account: &str, file: &EnvFile) -> String {
    let known: Vec<_> = file.accounts().into_iter().map(|account| account.name).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("{} knows no demo account {account}; those that it knows: {known}", data.join(FILE).display())
}

/// Refuses another name of this machine than the server's own: tokens and proofs hold for one name, so the server would
/// refuse them in words that only implementers understand. `webid` is in a pod of the server.
pub(crate) fn called_by_its_name(url: &Url, webid: &str) -> anyhow::Result<()> {
    let Ok(own) = Url::parse(webid) else { return Ok(()) };
    let names = |url: &Url| url.domain().map(str::to_owned);
    let is_other = match (names(url), names(&own)) {
        // Pods may have names of their own, below the server's.
        (Some(_), Some(_)) => false,
        _ => url.host() != own.host(),
    };
    if !is_other || url.port_or_known_default() != own.port_or_known_default() {
        return Ok(());
    }
    let mut right = own;
    right.set_path(url.path());
    right.set_query(url.query());
    right.set_fragment(None);
    bail!(
        "the server calls itself {}, and what it is asked must say so too: {right}",
        right.origin().ascii_serialization()
    )
}

impl BaseUrl {
    /// An origin that is reached without leaving this machine, and without TLS.
    fn on_this_machine(origin: &str) -> anyhow::Result<Self> {
        let url: Self = origin.parse().with_context(|| format!("{origin} is not understood"))?;
        ensure!(url.is_loopback() && !url.is_secure(), "{url} is not http on this machine, as this command needs");
        Ok(url)
    }
}

/// A token and the key that it is bound to.
struct Session {
    key: SigningKey,
    token: String,
}

impl Session {
    async fn log_in(issuer: &BaseUrl, credentials: &Credentials) -> anyhow::Result<Self> {
        let key = SigningKey::generate(Algorithm::Es256)?;
        let endpoint = Endpoints::below(issuer.as_str()).token;
        let proof = key.prove("POST", &endpoint, &Uuid::new_v4().to_string(), Timestamp::now(), None)?;
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("grant_type", "client_credentials"), ("scope", "webid")])
            .finish();
        let basic = STANDARD.encode(format!("{}:{}", credentials.client_id, credentials.client_secret));
        let request = Request::post(&endpoint)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, format!("Basic {basic}"))
            .header("dpop", proof)
            .body(form.into())?;
        let (_, answer) =
            ask(request).await.with_context(|| format!("cannot log in at {issuer}; is Podbell running?"))?;
        let token = answer["access_token"].as_str().context("the provider gave no token")?.to_owned();
        Ok(Self { key, token })
    }

    /// The two headers that one request needs.
    fn headers(&self, method: &Method, url: &str) -> anyhow::Result<[(&'static str, String); 2]> {
        let jti = Uuid::new_v4().to_string();
        let proof = self.key.prove(method.as_str(), url, &jti, Timestamp::now(), Some(&self.token))?;
        Ok([("Authorization", format!("DPoP {}", self.token)), ("DPoP", proof)])
    }

    /// The same, telling the status besides the body.
    fn request(&self, method: &Method, url: &Url) -> anyhow::Result<String> {
        let mut config = self.config(method, url)?;
        config.push_str(
            "silent\nshow-error\nwrite-out = \"%{stderr}\\n%{method} %{url_effective} -> %{http_code}\\n\"\n",
        );
        Ok(config)
    }

    fn config(&self, method: &Method, url: &Url) -> anyhow::Result<String> {
        let mut config = options(url)?;
        // curl waits for a body after HEAD if it is merely called so.
        let verb = if method == Method::HEAD { "head".to_owned() } else { format!("request = \"{method}\"") };
        writeln!(config, "{verb}")?;
        for (name, value) in self.headers(method, url.as_str())? {
            writeln!(config, "header = \"{name}: {value}\"")?;
        }
        Ok(config)
    }

    async fn listen(&self, origin: &BaseUrl, topic: &Url) -> anyhow::Result<String> {
        let receive_from = self.subscribe(origin, topic, &Features::default()).await?;
        listening(&receive_from)
    }

    /// Two transfers at once: one listens, one writes. Whichever connects first, the change is heard: the channel knows
    /// the state from before it, and tells another one on connecting. The server ends the channel, and so curl.
    async fn ring(&self, origin: &BaseUrl, container: &Url) -> anyhow::Result<String> {
        let state = self.state(container).await.with_context(|| format!("cannot read {container}"))?;
        let now = Timestamp::now();
        let features = Features { state: Some(state), end_at: Some(now.checked_add(RING)?) };
        let receive_from = self.subscribe(origin, container, &features).await?;
        let document = container.join(&format!("hello-{}.txt", now.as_millisecond()))?;
        let mut config = "parallel\nparallel-immediate\nno-progress-meter\n".to_owned();
        config.push_str(&listening(&receive_from)?);
        writeln!(config, "max-time = {}\nnext", CUT.as_secs())?;
        config.push_str(&self.config(&Method::PUT, &document)?);
        config.push_str("header = \"Content-Type: text/plain\"\ndata = \"Hello!\"\nfail\n");
        config.push_str("write-out = \"\\nPUT %{url_effective} -> %{http_code}\\n\"\n");
        Ok(config)
    }

    /// The entity tag of a resource.
    async fn state(&self, resource: &Url) -> anyhow::Result<String> {
        let mut resource = resource.clone();
        resource.set_fragment(None);
        let mut request = Request::head(resource.as_str());
        for (name, value) in self.headers(&Method::HEAD, resource.as_str())? {
            request = request.header(name, value);
        }
        let (headers, _) = ask(request.body(Full::default())?).await?;
        let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).context("the answer holds no ETag")?;
        Ok(tag.to_owned())
    }

    /// The `receiveFrom` of a new channel.
    async fn subscribe(&self, origin: &BaseUrl, topic: &Url, features: &Features) -> anyhow::Result<String> {
        let service = format!("{origin}.notifications/WebSocketChannel2023/");
        let mut channel = json!({
            "@context": [contexts::NOTIFICATIONS],
            "type": "WebSocketChannel2023",
            "topic": topic.as_str(),
        });
        if let Some(state) = &features.state {
            channel["state"] = json!(state);
        }
        if let Some(end_at) = features.end_at {
            channel["endAt"] = json!(end_at.to_string());
        }
        let mut request = Request::post(&service).header(header::CONTENT_TYPE, "application/ld+json");
        for (name, value) in self.headers(&Method::POST, &service)? {
            request = request.header(name, value);
        }
        let (_, answer) = ask(request.body(channel.to_string().into())?).await.context("cannot subscribe")?;
        Ok(answer["receiveFrom"].as_str().context("the answer holds no receiveFrom")?.to_owned())
    }
}

/// What is asked of a channel.
#[derive(Default)]
struct Features {
    state: Option<String>,
    end_at: Option<Timestamp>,
}

/// A configuration for connecting to `receiveFrom`.
fn listening(receive_from: &str) -> anyhow::Result<String> {
    let socket = receive_from.strip_prefix("ws://").context("receiveFrom is no ws: URL")?;
    let mut config = options(&Url::parse(&format!("http://{socket}"))?)?;
    let key = STANDARD.encode(Uuid::new_v4().as_bytes());
    // Frames hold zeros, which curl keeps from terminals unless it is told where to write.
    config.push_str("http1.1\nno-buffer\nsilent\nshow-error\noutput = \"-\"\nwrite-out = \"\\n\"\n");
    for (name, value) in [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", &key),
    ] {
        writeln!(config, "header = \"{name}: {value}\"")?;
    }
    Ok(config)
}

/// A configuration for that URL exactly. A URL that was parsed holds neither quotes nor line breaks, except perhaps in
/// its fragment.
fn options(url: &Url) -> anyhow::Result<String> {
    let mut url = url.clone();
    url.set_fragment(None);
    ensure!(!url.as_str().contains(['"', '\\']), "{url} cannot be written for curl");
    Ok(format!("url = \"{url}\"\ngloboff\npath-as-is\n"))
}

/// The headers of the answer, and its body if that is JSON.
async fn ask(request: Request<Full<Bytes>>) -> anyhow::Result<(HeaderMap, Value)> {
    let client = Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(HttpConnector::new_with_resolver(
        tower::service_fn(|name: Name| std::future::ready(resolve(&name))),
    ));
    let answering = async {
        let answer = client.request(request).await?;
        let (about, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(anyhow::Error::from_boxed)?;
        anyhow::Ok((about.status, about.headers, body.to_bytes()))
    };
    let (status, headers, body) = tokio::time::timeout(PATIENCE, answering).await.context("no answer came")??;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !status.is_success() {
        let reason = ["error_description", "detail", "title"].iter().find_map(|member| body[member].as_str());
        match reason {
            Some(reason) => bail!("the answer was {status}: {reason}"),
            None => bail!("the answer was {status}"),
        }
    }
    Ok((headers, body))
}

/// Resolves this machine's own names, also those that the system does not know.
fn resolve(name: &Name) -> io::Result<std::vec::IntoIter<SocketAddr>> {
    let name = name.as_str();
    if name == "localhost" || name.ends_with(".localhost") {
        return Ok(vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()].into_iter());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "only this machine is asked"))
}

#[cfg(test)]
mod tests;
