//! The endpoint of `solid-0.1`, which older applications speak: one socket, any number of resources, lines both ways.
//!
//! Applications read its URL from `Updates-Via` and say `sub` for each resource. Here Read is asked at every `sub` and at
//! every `pub`, unlike what deployed servers do. All of it is below this folder, so that it can one day be removed.
//!
//! Spec: <https://github.com/solid/solid-spec/blob/master/api-websockets.md>

mod capability;
mod conversation;
mod pace;
mod speaker;
mod topics;
mod updates_via;

pub use capability::{Capabilities, Opened};
pub(crate) use updates_via::advertised;

use super::{connect::not_admitted, opening};
use crate::{
    app::App,
    authenticate::{self, DPOP},
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
use http::{HeaderMap, Method, Request, StatusCode, header};
use podbell_delivery::websocket::handshake::Subprotocol;
use podbell_oidc::AuthError;
use podbell_wire::solid_0_1::SUBPROTOCOL;
use speaker::{Speaker, Unproved};
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
    let speaker = speaking(&app, &target, request.headers(), None).await?;
    open(&app, &target, request, speaker)
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
    let speaker = speaking(&app, &target, request.headers(), Some(&capability)).await?;
    open(&app, &target, request, speaker)
}

/// Who speaks, by the URL and by the headers of an opening. A token without a proof waits for one.
async fn speaking(
    app: &App,
    target: &Target,
    headers: &HeaderMap,
    capability: Option<&str>,
) -> Result<Speaker, Problem> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).map(Arc::from);
    let mut speaker = Speaker::new(&format!("{}{PATH}", target.origin), origin);
    if let Some(capability) = capability {
        // The same for what has ended and for what never was.
        let nobody = || {
            Problem::blank(StatusCode::FORBIDDEN).detail(
                "this URL speaks for nobody, or no longer: ask for the resource again, and take its Updates-Via",
            )
        };
        let opened = app.capabilities.open(capability, app.now()).ok_or_else(nobody)?;
        // It lives longer than any token: whoever is no longer vouched for is nobody by it.
        let (Some(webid), Some(issuer)) = (&opened.subject.webid, &opened.subject.issuer) else { return Err(nobody()) };
        let vouched = app.verifier.is_vouched(webid, issuer, app.now()).await;
        if !vouched.map_err(|error| authenticate::refused(&error))? {
            return Err(nobody());
        }
        speaker.opened_by(capability, opened);
    }
    let authorization = authenticate::texts(headers, &header::AUTHORIZATION)?;
    let [authorization] = *authorization else {
        return if authorization.is_empty() { Ok(speaker) } else { Err(refused(AuthError::Authorization.into())) };
    };
    if !authorization.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("dpop ")) {
        return Err(refused(AuthError::Scheme.into()));
    }
    speaker.auth(authorization.to_owned()).map_err(refused)?;
    match *authenticate::texts(headers, &DPOP)? {
        [] => {}
        // For the socket: what it opens is no single resource.
        [proof] => drop(speaker.dpop(&app.verifier, proof, &|_| false, app.now()).await.map_err(refused)?),
        _ => return Err(refused(AuthError::ProofCount.into())),
    }
    Ok(speaker)
}

fn refused(unproved: Unproved) -> Problem {
    match unproved {
        Unproved::Refused(error) => authenticate::refused(&error),
        Unproved::NoToken | Unproved::TooLong => authenticate::refused(&AuthError::Authorization),
    }
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

fn open(app: &Arc<App>, target: &Target, mut request: Request<Body>, speaker: Speaker) -> Result<Response, Problem> {
    let mut handshake = opening::handshake(&mut request, Subprotocol::Rather(SUBPROTOCOL))?;
    let greeting = match handshake.protocol() {
        Some(_) => Greeting::Welcome,
        None if offers_any(request.headers()) => Greeting::Stranger,
        None => Greeting::Warned,
    };
    let network = app.strangers.network(target.client);
    // It takes a place before it hears of anything: it may never do so, and stay.
    let present = app.hub.be_present(&speaker.opener(), network).map_err(not_admitted)?;
    let (websockets, held) = (app.websockets.clone(), (handshake.room.take(), present));
    let app = Arc::clone(app);
    handshake.switch(move |stream, early| {
        let begin = move |lines| Conversation::new(app, lines, greeting, speaker, network);
        tokio::spawn(websockets.converse(stream, early, begin, held));
    })
}

/// Whether the client offers any subprotocol.
fn offers_any(headers: &HeaderMap) -> bool {
    let offered = super::answer::joined(headers, &header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    offered.split(',').any(|name| !name.trim().is_empty())
}
