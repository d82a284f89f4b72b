//! Notifications: one activity, as one channel's protocol words it.
//!
//! The bytes depend on the activity, on how the topic is concerned and on the [`Rendering`] alone, so that one
//! encoding serves every listener.

pub mod batch;
mod ess;
mod gist;
mod lws;
mod minimal;
mod rendering;
mod solid;
#[cfg(test)]
mod tests;

pub use gist::gist;
pub use minimal::minimal;
pub use rendering::{Framing, Rendering};

use podbell_model::{Activity, ActivityKind, ResourceClass, ResourceIri, Timestamp, Uuid, activity};

/// Why a notification concerns a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The topic is the object.
    Object,
    /// The topic is the container that the object was added to or removed from.
    Member,
}

/// Writes one notification; empty if the rendering has nothing to say of it.
///
/// `second`: the channel also gets the other projection of the activity, so that this one has an id of its own.
/// `storage`: what Linked Web Storage calls the storage that it happened in; without it, nothing is said in its words.
pub fn write(
    rendering: Rendering,
    activity: &Activity,
    relation: Relation,
    second: bool,
    storage: Option<&str>,
) -> Vec<u8> {
    match rendering {
        Rendering::Solid01 => return crate::solid_0_1::MARK.to_vec(),
        Rendering::Lws { actor, .. } if relation == Relation::Object => {
            return storage.map(|storage| lws::write(activity, storage, actor)).unwrap_or_default();
        }
        _ => {}
    }
    let Some(notice) = Notice::new(activity, relation, second) else { return Vec::new() };
    notice.write(rendering)
}

/// Writes the state of a topic, as told on connecting: an `Update` with the version that stands, or a `Delete` if
/// nothing does. Nobody is its actor.
pub fn write_state(
    rendering: Rendering,
    topic: &ResourceIri,
    class: Option<ResourceClass>,
    state: Option<&str>,
    id: Uuid,
    now: Timestamp,
) -> Vec<u8> {
    let class = class.or(topic.is_container().then_some(ResourceClass::Container));
    let kind = if state.is_some() { ActivityKind::Update } else { ActivityKind::Delete };
    Notice { id, kind, object: topic, class, state, container: None, actor: None, published: now }.write(rendering)
}

/// Where the cursor of a notification stands in its text, until there is one: as long as a cursor, and made of what no
/// IRI has.
pub const CURSOR_PLACE: &str = "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<";

/// Writes that what was missed can no longer be read: what is known of the topics is to be read anew.
pub fn write_gap(rendering: Rendering, id: Uuid, now: Timestamp) -> Vec<u8> {
    match rendering {
        Rendering::Solid { context, syntax, cursor, .. } => solid::gap(id, now, (context, syntax), cursor),
        _ => Vec::new(),
    }
}

/// Writes that nothing has happened: a test of whether what is sent to a receiver arrives. Names the channel alone.
pub fn write_ping(rendering: Rendering, id: Uuid, channel: &str, now: Timestamp) -> Vec<u8> {
    match rendering {
        Rendering::Solid { context, syntax, .. } => solid::ping(id, now, (context, syntax), channel),
        _ => Vec::new(),
    }
}

/// One activity as one topic sees it, before it is put into words.
struct Notice<'a> {
    id: Uuid,
    kind: ActivityKind,
    object: &'a ResourceIri,
    class: Option<ResourceClass>,
    /// Version of the object, unquoted.
    state: Option<&'a str>,
    /// For a membership: the container and the version of its membership.
    container: Option<(&'a ResourceIri, &'a str)>,
    actor: Option<&'a str>,
    published: Timestamp,
}

impl<'a> Notice<'a> {
    fn new(activity: &'a Activity, relation: Relation, second: bool) -> Option<Self> {
        let container = match relation {
            Relation::Object => None,
            Relation::Member if activity.kind == ActivityKind::Update => return None,
            Relation::Member => {
                let membership = activity.membership.as_ref()?;
                Some((&membership.container, &*membership.state))
            }
        };
        // The second of two is told apart by the container that both concern.
        let other = activity.membership.as_ref().map(|membership| &membership.container);
        let id = match other.filter(|_| second) {
            Some(container) => activity::secondary_id(activity.id, container),
            None => activity.id,
        };
        Some(Self {
            id,
            kind: activity.kind,
            object: &activity.object,
            class: Some(activity.class),
            state: activity.state.as_deref(),
            container,
            actor: activity.actor.as_ref().map(podbell_model::WebId::as_str),
            published: activity.published,
        })
    }

    fn write(&self, rendering: Rendering) -> Vec<u8> {
        match rendering {
            Rendering::Solid { context, syntax, actor, cursor, .. } => {
                solid::write(self, (context, syntax), actor, cursor)
            }
            Rendering::Ess { actor } => ess::write(self, actor),
            // Neither knows how a topic stands, or that a member came or went.
            Rendering::Solid01 | Rendering::Lws { .. } => Vec::new(),
        }
    }

    fn urn(&self) -> String {
        self.id.urn().to_string()
    }
}
