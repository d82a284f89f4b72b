//! Notifications in the words of the Solid Notifications Protocol.
//!
//! Exactly these keys: `@context`, `id`, `type`, `object`, `target` (of `Add` and `Remove`), `state` (an entity-tag with
//! its quotes; that of the container for `Add` and `Remove`, none for `Delete`), `published`.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#notification-message-data-model>

use super::{CURSOR_PLACE, Notice};
use crate::{
    NotificationsContext, Syntax, lexical,
    statements::{AS, NOTIFY, Statements, XSD_PREFIX},
    terms,
};
use podbell_model::{ActivityKind, vocab::activitystreams, vocab::notify};
use serde::Serialize;

#[derive(Serialize)]
struct Json<'a> {
    #[serde(rename = "@context")]
    context: [&'a str; 2],
    id: String,
    #[serde(rename = "type")]
    activity: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    published: String,
    /// Extension; an IRI, for the context has no term for it.
    #[serde(rename = "urn:podbell:terms#cursor", skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
}

pub(super) fn write(
    notice: &Notice<'_>,
    (context, syntax): (NotificationsContext, Syntax),
    actor: bool,
    cursor: bool,
) -> Vec<u8> {
    let activity = match (notice.kind, notice.container) {
        (ActivityKind::Create, None) => "Create",
        (ActivityKind::Update, _) => "Update",
        (ActivityKind::Delete, None) => "Delete",
        (ActivityKind::Create, Some(_)) => "Add",
        (ActivityKind::Delete, Some(_)) => "Remove",
    };
    let state = match (notice.container, notice.kind) {
        (Some((_, state)), _) => Some(state),
        (None, ActivityKind::Delete) => None,
        (None, _) => notice.state,
    };
    let words = Json {
        context: [activitystreams::CONTEXT, context.iri()],
        id: notice.urn(),
        activity,
        actor: notice.actor.filter(|_| actor),
        object: notice.object.as_str(),
        target: notice.container.map(|(container, _)| container.as_str()),
        state: state.map(|state| format!("\"{state}\"")),
        published: lexical::date_time(notice.published),
        cursor: cursor.then_some(CURSOR_PLACE),
    };
    match syntax {
        Syntax::JsonLd => crate::json(&words),
        Syntax::Turtle => words.statements().turtle(&[AS, NOTIFY, XSD_PREFIX]),
        Syntax::NTriples => words.statements().n_triples(),
    }
}

/// What tells of no resource: the marker of a gap, a ping; extensions.
#[derive(Serialize)]
struct Marker<'a> {
    #[serde(rename = "@context")]
    context: [&'a str; 2],
    id: String,
    #[serde(rename = "type")]
    class: String,
    /// The channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a str>,
    published: String,
    #[serde(rename = "urn:podbell:terms#cursor", skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
}

pub(super) fn gap(
    id: podbell_model::Uuid,
    now: podbell_model::Timestamp,
    (context, syntax): (NotificationsContext, Syntax),
    cursor: bool,
) -> Vec<u8> {
    let cursor = cursor.then_some(CURSOR_PLACE);
    Marker { cursor, ..Marker::new("Gap", id, now, context) }.write(syntax)
}

pub(super) fn ping(
    id: podbell_model::Uuid,
    now: podbell_model::Timestamp,
    (context, syntax): (NotificationsContext, Syntax),
    channel: &str,
) -> Vec<u8> {
    Marker { object: Some(channel), ..Marker::new("Ping", id, now, context) }.write(syntax)
}

impl Marker<'_> {
    fn new(name: &str, id: podbell_model::Uuid, now: podbell_model::Timestamp, context: NotificationsContext) -> Self {
        Self {
            context: [activitystreams::CONTEXT, context.iri()],
            id: id.urn().to_string(),
            class: format!("{}{name}", terms::EXTENSIONS),
            object: None,
            published: lexical::date_time(now),
            cursor: None,
        }
    }

    fn write(&self, syntax: Syntax) -> Vec<u8> {
        let mut statements = Statements::default();
        statements.class(&self.id, &self.class);
        if let Some(object) = self.object {
            statements.link(&self.id, &format!("{}object", activitystreams::NS), object);
        }
        statements.typed(&self.id, &format!("{}published", activitystreams::NS), &self.published, "dateTime");
        if let Some(cursor) = self.cursor {
            statements.text(&self.id, &format!("{}cursor", terms::EXTENSIONS), cursor);
        }
        match syntax {
            Syntax::JsonLd => crate::json(self),
            Syntax::Turtle => statements.turtle(&[AS, NOTIFY, XSD_PREFIX]),
            Syntax::NTriples => statements.n_triples(),
        }
    }
}

impl Json<'_> {
    fn statements(&self) -> Statements {
        let term = |name: &str| format!("{}{name}", activitystreams::NS);
        let mut statements = Statements::default();
        statements.class(&self.id, &term(self.activity));
        if let Some(actor) = self.actor {
            statements.link(&self.id, &term("actor"), actor);
        }
        statements.link(&self.id, &term("object"), self.object);
        if let Some(target) = self.target {
            statements.link(&self.id, &term("target"), target);
        }
        if let Some(state) = &self.state {
            statements.text(&self.id, &format!("{}state", notify::NS), state);
        }
        statements.typed(&self.id, &term("published"), &self.published, "dateTime");
        if let Some(cursor) = self.cursor {
            statements.text(&self.id, &format!("{}cursor", terms::EXTENSIONS), cursor);
        }
        statements
    }
}
