//! What Linked Web Storage and `solid-0.1` say of a change to a topic that it concerns, and by what they are judged.
//!
//! LWS tells of the object, to its topics and to containers above it, and is judged by Read on that object alone.
//! `solid-0.1` publishes the topic itself: once for each write of it or of a direct member, judged by Read on the topic.

use crate::model::{Change, Concern, Kind, Message, parent};

/// The activity of an envelope. `told_as` is the object, wherever above it the topic is.
pub(crate) fn enveloped(change: &Change, told_as: &str) -> Option<(Concern, Message)> {
    let object = if change.acl { format!("{}.acl", change.path) } else { change.path.clone() };
    if object != told_as {
        return None;
    }
    // An ACL is in no container.
    let container = parent(&object).filter(|_| !change.acl);
    let (kind, target, origin) = match change.kind {
        Kind::Create => ("Create", container, None),
        Kind::Update => ("Update", None, None),
        Kind::Delete => ("Delete", None, container),
    };
    let concern = Concern { path: change.path.clone(), born: (!change.acl).then_some(change.born) };
    Some((concern, Message { kind, object, target, origin, state: None }))
}

/// The `pub` of a topic.
pub(crate) fn published(change: &Change, topic: &str) -> Option<(Concern, Message)> {
    let concern = if change.acl {
        let is_topic = topic.strip_suffix(".acl") == Some(&change.path);
        is_topic.then(|| Concern { path: change.path.clone(), born: None })
    } else if change.path == topic {
        Some(Concern { path: change.path.clone(), born: Some(change.born) })
    } else {
        above(change).filter(|concern| concern.path == topic)
    };
    let said = Message { kind: "Pub", object: topic.to_owned(), target: None, origin: None, state: None };
    concern.map(|concern| (concern, said))
}

/// The container, which a change of a member concerns; not one that was made with it.
fn above(change: &Change) -> Option<Concern> {
    if change.kind == Kind::Update {
        // Of no life: whatever stands there.
        return Some(Concern { path: parent(&change.path)?, born: Some(0) });
    }
    let (path, born) = change.container.clone()?;
    Some(Concern { path, born: Some(born) })
}
