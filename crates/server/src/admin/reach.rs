//! Reaching administration: that of the running server, or our own where none runs.

use super::{Admin, routes, socket::SOCKET};
use crate::{
    data::DataDirectory,
    listen,
    parts::Parts,
    settings::{BaseUrl, Layout, Settings},
};
use anyhow::{Context as _, bail};
use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use podbell_model::ResourceIri;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::path::PathBuf;
use tower::ServiceExt as _;

/// The largest answer that is taken into memory, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The way to administration.
pub enum Reach {
    /// Through the socket of the server that runs.
    Running(PathBuf),
    /// In this process, which has opened the store.
    Here(Router),
}

/// An answer that is a success; its body is not read yet.
pub struct Answer(Response<Body>);

impl Reach {
    /// Finds the way.
    ///
    /// # Errors
    /// If there is no such data directory, or the store cannot be opened.
    pub async fn find(settings: &Settings) -> anyhow::Result<Self> {
        if podbell_sqlite::is_new(&settings.data) {
            bail!(
                "there is no Podbell data in {}: name the data directory with --data, or start the server once",
                settings.data.display()
            );
        }
        let socket = settings.data.join(SOCKET);
        if connect(&socket).await.is_ok() {
            return Ok(Self::Running(socket));
        }
        let data = DataDirectory::open(&settings.data)?;
        let settings = &of_pods(settings)?;
        let urls = listen::urls(settings).context("name the server's URL with --base-url")?;
        let parts = Parts::open(settings, &data, &urls).await?;
        Ok(Self::Here(routes(Admin {
            base: urls.pods,
            layout: settings.pods.layout,
            pod: parts.pod,
            provider: parts.provider,
            console: urls.console,
            accounts: parts.store,
            sender: parts.sender,
            clock: parts.clock,
        })))
    }

    /// Asks at a path, with a body in JSON.
    ///
    /// # Errors
    /// Why it was refused, in words for people.
    pub async fn ask(&self, method: &str, path: &str, body: &impl Serialize) -> anyhow::Result<Answer> {
        self.send(method, path, "application/json", Body::from(serde_json::to_vec(body)?)).await
    }

    /// Asks at a path, with content.
    ///
    /// # Errors
    /// As for [`ask`](Self::ask).
    pub async fn send(&self, method: &str, path: &str, content_type: &str, body: Body) -> anyhow::Result<Answer> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::HOST, "podbell").header(header::CONTENT_TYPE, content_type).body(body)?;
        let response = match self {
            Self::Here(routes) => match routes.clone().oneshot(request).await {
                Ok(response) => response,
            },
            Self::Running(socket) => remote(socket, request).await.context("the running server did not answer")?,
        };
        if response.status().is_success() {
            return Ok(Answer(response));
        }
        let status = response.status();
        let problem: Value = serde_json::from_slice(&collect(response.into_body()).await?).unwrap_or_default();
        let reason = ["detail", "title"].iter().find_map(|member| problem[member].as_str()).map(str::to_owned);
        match reason {
            Some(reason) if status != StatusCode::INTERNAL_SERVER_ERROR => bail!("{reason}"),
            _ => bail!("it failed ({status}); the server's log may say why"),
        }
    }
}

impl Answer {
    /// The body, from JSON.
    pub async fn json<T: DeserializeOwned>(self) -> anyhow::Result<T> {
        Ok(serde_json::from_slice(&collect(self.0.into_body()).await?)?)
    }

    /// The body as it comes.
    pub fn into_body(self) -> Body {
        self.0.into_body()
    }
}

/// The settings, with the base URL that the pods in the data directory have, unless one is told or they differ.
fn of_pods(settings: &Settings) -> anyhow::Result<Settings> {
    let mut settings = settings.clone();
    if settings.base_url.is_some() {
        return Ok(settings);
    }
    let roots = podbell_sqlite::roots(&settings.data)?;
    let mut all = roots.iter().filter_map(base);
    if let Some(first) = all.next()
        && all.all(|other| other == first)
    {
        (settings.base_url, settings.pods.layout) = (Some(first.0), first.1);
    }
    Ok(settings)
}

fn base(root: &ResourceIri) -> Option<(BaseUrl, Layout)> {
    if root.path() != "/" {
        return Some((root.origin().parse().ok()?, Layout::Path));
    }
    let (scheme, host) = root.origin().split_once("://")?;
    let (_, base) = host.split_once('.')?;
    Some((format!("{scheme}://{base}/").parse().ok()?, Layout::Subdomain))
}

async fn collect(body: Body) -> anyhow::Result<Bytes> {
    Ok(Limited::new(body, MAX_ANSWER).collect().await.map_err(anyhow::Error::from_boxed)?.to_bytes())
}

#[cfg(unix)]
async fn connect(socket: &std::path::Path) -> std::io::Result<tokio::net::UnixStream> {
    tokio::net::UnixStream::connect(socket).await
}

#[cfg(not(unix))]
async fn connect(_: &std::path::Path) -> std::io::Result<tokio::net::TcpStream> {
    Err(std::io::ErrorKind::Unsupported.into())
}

async fn remote(socket: &std::path::Path, request: Request<Body>) -> anyhow::Result<Response<Body>> {
    let stream = hyper_util::rt::TokioIo::new(connect(socket).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    // Ends with the answer's body.
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?.map(Body::new))
}
