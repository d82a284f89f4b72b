//! A server with a public name, in this process; a place elsewhere that it may reach; canaries that it may not.

use axum::{Router, body::Body};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use podbell_egress::{Client, Policy, Resolve, testing::Canary};
use podbell_model::{ResourceIri, Timestamp, Uuid, WebId};
use podbell_oidc::{AccessToken, Algorithm, SigningKey};
use podbell_pod::Pod;
use podbell_server::{
    compose::compose_with,
    data::DataDirectory,
    front,
    listen::{Bound, ConsoleSite, Site},
    request,
    settings::{BaseUrl, Settings},
    shutdown,
};
use podbell_sqlite::{Options, Sqlite};
use podbell_wac::Rules;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinSet,
};
use tower::ServiceExt as _;

pub(crate) const PODS: &str = "https://pods.example";
/// What channels are about.
const TOPIC: &str = "/pod/note";
/// How long an attempt is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const IDP: &str = "https://idp.example";
/// The one address that is opened.
const OPENED: &str = "127.0.0.2";

type Documents = Mutex<HashMap<String, (&'static str, String)>>;

/// Where a channel pushes to.
pub(crate) struct Push<'a> {
    pub(crate) send_to: &'a str,
    pub(crate) lifecycle: Option<&'a str>,
}

/// Leads every name to the canaries, but for those that are told otherwise, in turn, and those that nobody answers for.
#[derive(Default)]
pub(crate) struct Names(Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>);

impl Names {
    /// A name with these answers, the last one for ever.
    pub(crate) fn lead(&self, name: &str, answers: &[&[&str]]) {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        self.0.lock().insert(name.to_owned(), answers.iter().map(parse).collect());
    }
}

#[async_trait::async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if name.ends_with(".hanging.example") {
            return std::future::pending().await;
        }
        let mut names = self.0.lock();
        let Some(answers) = names.get_mut(name) else { return Ok(vec!["127.0.0.1".parse().unwrap()]) };
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Ok(answer.unwrap())
    }
}

/// What may be reached: it publishes what it is told to, and answers 204 to what is posted.
pub(crate) struct Elsewhere {
    pub(crate) origin: String,
    pub(crate) port: u16,
    documents: Arc<Documents>,
    served: Arc<AtomicUsize>,
    posts: Arc<AtomicUsize>,
    root: String,
    _task: JoinSet<()>,
}

impl Elsewhere {
    async fn open() -> (Self, Canary) {
        // Another address with the same port is a canary: who comes for the name must not end there.
        let (listener, canary) = loop {
            let listener = TcpListener::bind((OPENED, 0)).await.unwrap();
            let port = listener.local_addr().unwrap().port();
            if let Ok(canary) = TcpListener::bind(("127.0.0.1", port)).await {
                break (listener, Canary::perch(canary, Vec::new(), false));
            }
        };
        let names = ["elsewhere.example", "rebinding.example", "moving.example", "mixed.example", "many.example"];
        let made = rcgen::generate_simple_self_signed(names.map(str::to_owned)).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config.unwrap()));
        let (documents, served) = (Arc::<Documents>::default(), Arc::<AtomicUsize>::default());
        let posts = Arc::<AtomicUsize>::default();
        let (port, mut task) = (listener.local_addr().unwrap().port(), JoinSet::new());
        let (known, count, posted) = (Arc::clone(&documents), Arc::clone(&served), Arc::clone(&posts));
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, known) = (acceptor.clone(), Arc::clone(&known));
                let (count, posted) = (Arc::clone(&count), Arc::clone(&posted));
                connections.spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut request = [0; 16 * 1024];
                    while let Ok(came @ 1..) = stream.read(&mut request).await {
                        count.fetch_add(1, SeqCst);
                        posted.fetch_add(usize::from(request.starts_with(b"POST ")), SeqCst);
                        let text = String::from_utf8_lossy(&request[..came]);
                        let path = text.split(' ').nth(1).unwrap_or_default();
                        let answer = match known.lock().get(path) {
                            Some((media_type, body)) => format!(
                                "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n{body}",
                                body.len()
                            ),
                            None if text.starts_with("POST") => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
                            None => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
                        };
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        let origin = format!("https://elsewhere.example:{port}");
        (Self { origin, port, documents, served, posts, root: made.cert.pem(), _task: task }, canary)
    }

    /// Publishes a document; gives its URL.
    pub(crate) fn publish(&self, path: &str, media_type: &'static str, body: impl Into<String>) -> String {
        self.documents.lock().insert(path.to_owned(), (media_type, body.into()));
        format!("{}{path}", self.origin)
    }

    /// Somebody whose profile names an issuer; gives the WebID.
    pub(crate) fn person(&self, name: &str, issuer: &str) -> String {
        let body = format!("<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{issuer}>.");
        format!("{}#me", self.publish(&format!("/people/{name}"), "text/turtle", body))
    }

    /// An issuer with its keys somewhere; gives its name.
    pub(crate) fn issuer(&self, name: &str, keys: &str) -> String {
        let issuer = format!("{}/issuers/{name}", self.origin);
        let body = serde_json::json!({"issuer": issuer, "jwks_uri": keys}).to_string();
        self.publish(&format!("/issuers/{name}/.well-known/openid-configuration"), "application/json", body);
        issuer
    }

    /// How many of the requests that came were told something.
    pub(crate) fn posts(&self) -> usize {
        self.posts.load(SeqCst)
    }

    /// How many requests came.
    pub(crate) fn served(&self) -> usize {
        self.served.load(SeqCst)
    }
}

/// The server and what is around it.
pub(crate) struct Bench {
    pub(crate) elsewhere: Elsewhere,
    pub(crate) names: Arc<Names>,
    /// The way out that the server has.
    pub(crate) client: Client,
    key: SigningKey,
    /// The key of a browser.
    point: String,
    /// Everywhere on a port of its own, and on loopback where `elsewhere` has its port.
    canaries: [Canary; 2],
    pods: Router,
    provider: Router,
    count: AtomicUsize,
    _running: (shutdown::Stopper, tempfile::TempDir),
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let (elsewhere, same_port) = Elsewhere::open().await;
        let canary = Canary::everywhere().await;
        let names = Arc::new(Names::default());
        names.lead("elsewhere.example", &[&[OPENED]]);
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let keys = serde_json::json!({"keys": [key.published()]}).to_string();
        let keys = elsewhere.publish("/keys", "application/json", keys);
        let owner = elsewhere.person("owner", &elsewhere.issuer("good", &keys));
        let policy = Policy {
            ports: vec![443, 80, canary.port, elsewhere.port],
            allowed: vec![format!("{OPENED}/32").parse().unwrap()],
            roots: podbell_egress::roots_from_pem(elsewhere.root.as_bytes()).unwrap(),
            ..Policy::default()
        };
        let client = Client::with_resolver(policy, Arc::clone(&names) as _).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(directory.path()).unwrap();
        let site = |url: &str| Site { url: format!("{url}/").parse::<BaseUrl>().unwrap(), listeners: Vec::new() };
        let bound = Bound { pods: site(PODS), provider: Some(site(IDP)), console: Some(ConsoleSite::WithProvider) };
        let mut settings = Settings { base_url: Some(bound.pods.url.clone()), ..Settings::default() };
        settings.provider.enabled = Some(true);
        settings.provider.url = Some(site(IDP).url);
        assert!(!settings.is_development());
        let store = Sqlite::open(directory.path(), &Options::default()).unwrap();
        let pod = Pod::open(store, Arc::new(Uuid::new_v4), Arc::new(Rules::default())).await.unwrap();
        let root = ResourceIri::parse(&format!("{PODS}/pod/")).unwrap();
        let issuer = elsewhere.issuer("good", &keys);
        pod.create_pod(&root, &WebId::new(owner), &issuer, "Owner", Timestamp::now()).await.unwrap();
        drop(pod);
        let (stopper, stop) = shutdown::channel();
        let composed = compose_with(&settings, &data, &bound, stop, client.clone()).await.unwrap();
        let pods = front::pods(composed.pods, request::Rules::new(PODS, &settings), Some(IDP.into()));
        let provider = front::pages(composed.provider, request::Rules::new(IDP, &settings));
        let canaries = [canary, same_port];
        let (count, running) = (AtomicUsize::new(0), (stopper, directory));
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let point = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key_raw());
        Self { elsewhere, names, client, key, point, canaries, pods, provider, count, _running: running }
    }

    /// The port of the canary that sits everywhere.
    pub(crate) fn port(&self) -> u16 {
        self.canaries[0].port
    }

    /// Every place that must not be reached, names that lead there included.
    pub(crate) fn forbidden(&self) -> Vec<String> {
        let mut urls = podbell_egress::testing::forbidden(self.port());
        let many: Vec<_> = (0..1_000).map(|number| format!("127.0.{}.{}", number / 250, 2 + number % 250)).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        self.names.lead("many.example", &[&many]);
        self.names.lead("mixed.example", &[&[OPENED, "127.0.0.1"]]);
        let ports = [self.port(), self.elsewhere.port];
        // `alias.example` leads to loopback, whatever the names on the way there.
        let names = ["many.example", "mixed.example", "alias.example", "localhost", "pod.localhost"];
        urls.extend(ports.iter().flat_map(|port| names.map(|name| format!("https://{name}:{port}/"))));
        assert!(urls.len() >= 250, "{}", urls.len());
        urls
    }

    /// No canary was touched, though each lives.
    pub(crate) fn assert_untouched(&self) {
        for canary in &self.canaries {
            assert_eq!(canary.touched(), 0, "{:?}", canary.requests.lock());
        }
        for (number, canary) in self.canaries.iter().enumerate() {
            std::net::TcpStream::connect(("127.0.0.1", canary.port)).unwrap();
            assert!(canary.port > 0, "number {number}");
        }
    }

    /// Asks the pods' origin as somebody with a token of some issuer.
    pub(crate) async fn ask(&self, method: &str, path: &str, who: (&str, &str), body: String) -> StatusCode {
        self.tell((method, path), "text/turtle", who, body).await.0
    }

    /// The same with a body of some type; gives what was answered too, if it is JSON.
    async fn tell(
        &self,
        (method, path): (&str, &str),
        content_type: &str,
        (webid, issuer): (&str, &str),
        body: String,
    ) -> (StatusCode, Value) {
        let now = Timestamp::now();
        let unique = |what: &str| format!("{what}{}", self.count.fetch_add(1, SeqCst));
        let token = self.key.issue(&AccessToken {
            issuer,
            webid: &WebId::new(webid),
            client: "https://app.example/id",
            jkt: self.key.thumbprint(),
            jti: &unique("token"),
            issued_at: now,
            expires: now + Duration::from_mins(1),
        });
        let token = token.unwrap();
        let url = format!("{PODS}{path}");
        let proof = self.key.prove(method, &url, &unique("proof"), now, Some(&token)).unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "pods.example")
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof)
            .header("content-type", content_type)
            .body(Body::from(body));
        let told = self.pods.clone().oneshot(request.unwrap()).await.unwrap();
        let (status, body) = (told.status(), told.into_body().collect().await.unwrap().to_bytes());
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// An issuer with its keys.
    pub(crate) fn good(&self) -> String {
        format!("{}/issuers/good", self.elsewhere.origin)
    }

    /// Asks as the owner of the pod.
    async fn own(&self, asked: (&str, &str), content_type: &str, body: String) -> (StatusCode, Value) {
        let at = |path: &str| format!("{}{path}", self.elsewhere.origin);
        self.tell(asked, content_type, (&at("/people/owner#me"), &at("/issuers/good")), body).await
    }

    /// Asks for a channel about [`TOPIC`].
    pub(crate) async fn subscribe(&self, kind: &str, push: &Push<'_>) -> (StatusCode, Value) {
        let auth = BASE64_URL_SAFE_NO_PAD.encode([7; 16]);
        let mut body = json!({
            "@context": "https://www.w3.org/ns/solid/notification/v1",
            "type": kind, "topic": format!("{PODS}{TOPIC}"), "sendTo": push.send_to,
        });
        body["urn:podbell:terms#lifecycle"] = push.lifecycle.into();
        if kind == "WebPushChannel2023" {
            body["keys"] = json!({ "auth": auth, "p256dh": self.point });
        }
        self.own(("POST", &format!("/.notifications/{kind}/")), "application/ld+json", body.to_string()).await
    }

    /// Asks for a subscription of Linked Web Storage about [`TOPIC`]; by what it is known as a channel.
    pub(crate) async fn subscribe_inbox(&self, inbox: &str) -> (StatusCode, Value, String) {
        let body = json!({
            "@context": "https://www.w3.org/ns/lws/v1",
            "type": "WebhookSubscription", "topic": format!("{PODS}{TOPIC}"), "inbox": inbox,
        });
        let asked = ("POST", "/.notifications/LWS/");
        let (status, told) = self.own(asked, "application/lws+json", body.to_string()).await;
        let id = told["subscription"].as_str().unwrap_or_default().replace("/LWS/", "/channels/");
        (status, told, id)
    }

    /// Leads a channel elsewhere.
    pub(crate) async fn lead(&self, id: &str, send_to: &str) -> (StatusCode, Value) {
        let body = json!({ "@context": "https://www.w3.org/ns/solid/notification/v1", "sendTo": send_to });
        let path = id.strip_prefix(PODS).unwrap();
        self.own(("POST", path), "application/ld+json", body.to_string()).await
    }

    /// Ends a channel.
    pub(crate) async fn unsubscribe(&self, id: &str) {
        let path = id.strip_prefix(PODS).unwrap();
        assert_eq!(self.own(("DELETE", path), "text/plain", String::new()).await.0, StatusCode::NO_CONTENT);
    }

    /// Changes what channels are about.
    pub(crate) async fn change(&self) {
        let body = format!("<#a> <#b> {} .", self.count.fetch_add(1, SeqCst));
        assert!(self.own(("PUT", TOPIC), "text/turtle", body).await.0.is_success());
    }

    /// How so many attempts of a channel ended, the newest first, once there are so many.
    pub(crate) async fn attempts(&self, id: &str, count: usize) -> Vec<String> {
        let path = format!("{}/attempts", id.strip_prefix(PODS).unwrap());
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (status, told) = self.own(("GET", &path), "text/plain", String::new()).await;
            assert_eq!(status, StatusCode::OK, "{told}");
            let found = told["attempt"].as_array().unwrap();
            if found.len() >= count {
                return found.iter().map(|attempt| attempt["outcome"].as_str().unwrap().to_owned()).collect();
            }
            assert!(Instant::now() < deadline, "not in time: {told}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks the provider.
    pub(crate) async fn authorize(&self, query: &str) -> StatusCode {
        let uri = format!("/.oidc/authorize?{query}");
        let request = Request::builder().uri(uri).header("host", "idp.example").body(Body::empty());
        self.provider.clone().oneshot(request.unwrap()).await.unwrap().status()
    }
}
