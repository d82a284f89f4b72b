//! The endpoint of `solid-0.1`, which older applications speak: one socket, any number of resources, lines both ways.
//!
//! Applications read its URL from `Updates-Via` and say `sub` for each resource. Here Read is asked at every `sub` and at
//! every `pub`, unlike what deployed servers do. All of it is below this folder, so that it can one day be removed.
//!
//! Spec: <https://github.com/solid/solid-spec/blob/master/api-websockets.md>

mod capability;
mod conversation;
mod pace;
mod topics;
mod updates_via;

pub use capability::{Capabilities, Opened};
pub(crate) use updates_via::advertised;

use super::opening;
use crate::{
    app::App,
    authenticate::{Asker, asker},
    problem::Problem,
    request::Target,
};
use axum::{
    Router,
    body::Body,
    extract::{Extension, Path, State},
    response::Response,
    routing::any,
};
use conversation::{Conversation, Greeting};
use http::{HeaderMap, Method, Request, header};
use podbell_delivery::websocket::handshake::Subprotocol;
use podbell_wire::solid_0_1::SUBPROTOCOL;
use std::sync::Arc;

/// Where the socket is.
pub const PATH: &str = "/.notifications/solid-0.1";

const ALLOW: &str = "GET, HEAD, OPTIONS";

/// The routes: the endpoint, and the same for who was given a capability.
pub(super) fn routes() -> Router<Arc<App>> {
    let mut routes = Router::new();
    for path in [PATH.to_owned(), format!("{PATH}/")] {
        routes = routes.route(&path, any(endpoint));
    }
    routes.route(&format!("{PATH}/{{capability}}"), any(with_capability))
}

/// The socket of whoever asks by the headers of the opening, or of the public.
async fn endpoint(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    if let Some(answer) = answered(&app, request.method())? {
        return Ok(answer);
    }
    let asker = asker(&app, request.method(), &target, request.headers()).await?;
    open(&app, &target, request, asker)
}

/// The socket of whom its URL was made for.
async fn with_capability(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    Path(capability): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    if let Some(answer) = answered(&app, request.method())? {
        return Ok(answer);
    }
    let asker = opened_by(&app, &capability)?;
    open(&app, &target, request, asker)
}

/// Whose capability that is.
///
/// # Errors
/// 404 if it is nobody's.
fn opened_by(_app: &App, _capability: &str) -> Result<Asker, Problem> {
    Err(Problem::not_found().detail("nobody was given this URL, or not for so long"))
}

/// What needs no socket.
fn answered(app: &App, method: &Method) -> Result<Option<Response>, Problem> {
    if !app.settings.solid_0_1.enabled {
        return Err(Problem::not_found().detail("this server does not speak solid-0.1"));
    }
    match *method {
        Method::GET => Ok(None),
        Method::OPTIONS => Ok(Some(super::answer::options(ALLOW, None))),
        Method::HEAD => Err(opening::upgrade_required()),
        _ => Err(Problem::method_not_allowed(ALLOW)),
    }
}

fn open(app: &Arc<App>, target: &Target, mut request: Request<Body>, asker: Asker) -> Result<Response, Problem> {
    let mut handshake = opening::handshake(&mut request, Subprotocol::Rather(SUBPROTOCOL))?;
    let greeting = match handshake.protocol() {
        Some(_) => Greeting::Welcome,
        None if offers_any(request.headers()) => Greeting::Stranger,
        None => Greeting::Warned,
    };
    let (websockets, room) = (app.websockets.clone(), handshake.room.take());
    let (app, network) = (Arc::clone(app), app.strangers.network(target.client));
    handshake.switch(move |stream, early| {
        let begin = move |lines| Conversation::new(app, lines, greeting, asker, network);
        tokio::spawn(websockets.converse(stream, early, begin, room));
    })
}

/// Whether the client offers any subprotocol.
fn offers_any(headers: &HeaderMap) -> bool {
    let offered = super::answer::joined(headers, &header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    offered.split(',').any(|name| !name.trim().is_empty())
}
