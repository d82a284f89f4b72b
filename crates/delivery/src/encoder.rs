//! Finished notifications in the words of each channel's rendering: as WebSocket frames, events, lines, or documents
//! that stand alone.

use crate::websocket::frame::{Opcode, frame};
use bytes::Bytes;
use podbell_hub::{CURSOR, Encoded, Encoder, Projection, Relation, RenderingId};
use podbell_model::{ResourceIri, StorageId, Timestamp, Uuid};
use podbell_wire::{Framing, Rendering, Syntax, message};
use std::{fmt, sync::Arc};

const _: () = assert!(message::CURSOR_PLACE.len() == CURSOR, "a cursor fits into its place");

/// The hub's name for a rendering.
pub fn rendering_id(rendering: Rendering) -> RenderingId {
    RenderingId(rendering.code())
}

/// The description of a storage, by which Linked Web Storage names it; none if there is no such storage.
pub type Descriptions = Arc<dyn Fn(StorageId) -> Option<Arc<str>> + Send + Sync>;

/// Writes notifications.
#[derive(Clone)]
pub struct Frames {
    descriptions: Descriptions,
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").finish_non_exhaustive()
    }
}

impl Default for Frames {
    /// Knows no storage by the name that Linked Web Storage has for it, and so says nothing in its words.
    fn default() -> Self {
        Self::new(Arc::new(|_| None))
    }
}

impl Frames {
    /// Knows what storages are called.
    pub fn new(descriptions: Descriptions) -> Self {
        Self { descriptions }
    }

    fn write(rendering: RenderingId, kind: Kind, text: impl FnOnce(Rendering) -> Vec<u8>) -> Encoded {
        let Some(rendering) = Rendering::from_code(rendering.0) else {
            tracing::error!(rendering = rendering.0, "a channel has a rendering of another version; it hears nothing");
            return Encoded::default();
        };
        let text = text(worded(rendering));
        if text.is_empty() {
            return Encoded::default();
        }
        let (framing, syntax, cursor) = match rendering {
            Rendering::Solid { framing, syntax, cursor, .. } => (framing, syntax, cursor || framing == Framing::Events),
            Rendering::Lws { framing, .. } => (framing, Syntax::JsonLd, framing == Framing::Events),
            Rendering::Ess { .. } => (Framing::WebSocket, Syntax::JsonLd, false),
            Rendering::Solid01 => return Encoded { bytes: text.into(), cursor_at: None },
        };
        let bytes = match framing {
            Framing::WebSocket => frame(Opcode::Text, &text),
            Framing::Events => event(kind, &text).into(),
            Framing::Stream => document(syntax, text).into(),
            Framing::Chunks => chunk(&document(syntax, text)).into(),
            Framing::Webhook | Framing::Inbox | Framing::WebPush => text.into(),
        };
        let cursor_at = if cursor { find(&bytes, message::CURSOR_PLACE.as_bytes()) } else { None };
        Encoded { bytes, cursor_at }
    }
}

/// As the text of a notification has it: the id of an event is its cursor, so the text has no place for another.
fn worded(mut rendering: Rendering) -> Rendering {
    if let Rendering::Solid { framing: Framing::Events, cursor, .. } = &mut rendering {
        *cursor = false;
    }
    rendering
}

/// What is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Notification,
    Gap,
}

/// One event: its id is the cursor; a notification has no `event` field, so that `onmessage` hears it.
fn event(kind: Kind, text: &[u8]) -> Vec<u8> {
    let mut event = Vec::with_capacity(text.len() + CURSOR + 32);
    if kind == Kind::Gap {
        event.extend_from_slice(b"event: gap\n");
    }
    event.extend_from_slice(b"id: ");
    event.extend_from_slice(message::CURSOR_PLACE.as_bytes());
    for line in text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n') {
        event.extend_from_slice(b"\ndata: ");
        event.extend_from_slice(line);
    }
    event.extend_from_slice(b"\n\n");
    event
}

/// A document that stands alone: JSON in one line, others with an empty line behind.
fn document(syntax: Syntax, mut text: Vec<u8>) -> Vec<u8> {
    if text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    if syntax != Syntax::JsonLd {
        text.push(b'\n');
    }
    text
}

/// One chunk of a body over HTTP/1.1.
///
/// Spec: <https://www.rfc-editor.org/rfc/rfc9112#section-7.1>
fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

fn find(bytes: &Bytes, place: &[u8]) -> Option<usize> {
    bytes.windows(place.len()).position(|window| window == place)
}

impl Encoder for Frames {
    fn encode(&self, rendering: RenderingId, projection: &Projection<'_>) -> Encoded {
        let relation = match projection.relation {
            Relation::Object => podbell_wire::Relation::Object,
            Relation::Member => podbell_wire::Relation::Member,
        };
        Self::write(rendering, Kind::Notification, |rendering| {
            let storage = matches!(rendering, Rendering::Lws { .. }).then(|| (self.descriptions)(projection.storage));
            message::write(rendering, projection.activity, relation, projection.second, storage.flatten().as_deref())
        })
    }

    /// Of Linked Web Storage: order is kept for each subscription.
    fn in_order(&self, rendering: RenderingId) -> bool {
        matches!(Rendering::from_code(rendering.0), Some(Rendering::Lws { .. }))
    }

    fn encode_state(
        &self,
        rendering: RenderingId,
        topic: &ResourceIri,
        state: Option<&str>,
        id: Uuid,
        now: Timestamp,
    ) -> Encoded {
        let text = |rendering| message::write_state(rendering, topic, None, state, id, now);
        Self::write(rendering, Kind::Notification, text)
    }

    /// Linked Web Storage and `solid-0.1` have no word for it, nor for how a topic stands.
    fn tells_gaps(&self, rendering: RenderingId) -> bool {
        !matches!(Rendering::from_code(rendering.0), Some(Rendering::Lws { .. } | Rendering::Solid01))
    }

    /// On event streams, which have a name for it, and where cursors were asked for; others would not know it.
    fn encode_gap(&self, rendering: RenderingId, id: Uuid, now: Timestamp) -> Encoded {
        match Rendering::from_code(rendering.0) {
            Some(Rendering::Solid { framing: Framing::Events, .. } | Rendering::Solid { cursor: true, .. }) => {
                Self::write(rendering, Kind::Gap, |rendering| message::write_gap(rendering, id, now))
            }
            _ => Encoded::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_wire::NotificationsContext;

    fn state(framing: Framing, syntax: Syntax, cursor: bool) -> Encoded {
        let rendering = Rendering::Solid { context: NotificationsContext::V0_2, syntax, actor: false, framing, cursor };
        let topic = ResourceIri::parse("https://pod.example/a").unwrap();
        let now = Timestamp::UNIX_EPOCH;
        Frames::default().encode_state(rendering_id(rendering), &topic, Some("v"), Uuid::nil(), now)
    }

    fn text(encoded: &Encoded) -> &str {
        std::str::from_utf8(&encoded.bytes).unwrap()
    }

    #[test]
    fn an_event_has_its_cursor_as_id_and_one_line_of_data_and_no_name() {
        let event = state(Framing::Events, Syntax::JsonLd, false);
        let lines: Vec<_> = text(&event).split('\n').collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], format!("id: {}", message::CURSOR_PLACE));
        assert!(lines[1].starts_with("data: {\"@context\"") && lines[1].ends_with('}'));
        assert_eq!(event.cursor_at, Some(4));
    }

    #[test]
    fn turtle_goes_over_several_lines_of_data() {
        let event = state(Framing::Events, Syntax::Turtle, false);
        let lines: Vec<_> = text(&event).trim_end().split('\n').skip(1).collect();
        assert!(lines.len() > 3 && lines.iter().all(|line| line.starts_with("data: ")));
    }

    #[test]
    fn a_stream_has_one_document_after_the_other() {
        let line = state(Framing::Stream, Syntax::JsonLd, false);
        assert_eq!((text(&line).matches('\n').count(), line.cursor_at), (1, None));
        assert!(text(&line).ends_with("}\n"));
        let turtle = state(Framing::Stream, Syntax::Turtle, false);
        assert!(text(&turtle).starts_with("@prefix") && text(&turtle).ends_with(".\n\n"));
    }

    #[test]
    fn what_is_pushed_is_the_document_alone() {
        for framing in [Framing::Webhook, Framing::Inbox, Framing::WebPush] {
            let body = state(framing, Syntax::JsonLd, false);
            assert!(text(&body).starts_with("{\"@context\"") && text(&body).ends_with('}') && body.cursor_at.is_none());
            let turtle = state(framing, Syntax::Turtle, true);
            assert!(text(&turtle).starts_with("@prefix") && turtle.cursor_at.is_some());
        }
    }

    #[test]
    fn a_chunk_holds_one_document() {
        for syntax in [Syntax::JsonLd, Syntax::Turtle] {
            let (whole, document) = (state(Framing::Chunks, syntax, false), state(Framing::Stream, syntax, false));
            let (size, rest) = text(&whole).split_once("\r\n").unwrap();
            assert_eq!(usize::from_str_radix(size, 16).unwrap(), document.bytes.len());
            assert_eq!(rest.strip_suffix("\r\n"), Some(text(&document)));
        }
    }

    #[test]
    fn a_cursor_is_in_the_text_only_where_it_was_asked_for() {
        for framing in [Framing::WebSocket, Framing::Stream, Framing::Chunks, Framing::Webhook] {
            assert_eq!(state(framing, Syntax::JsonLd, false).cursor_at, None);
            let with = state(framing, Syntax::JsonLd, true);
            let at = with.cursor_at.unwrap();
            assert_eq!(&with.bytes[at..at + CURSOR], message::CURSOR_PLACE.as_bytes());
            assert!(state(framing, Syntax::Turtle, true).cursor_at.is_some());
        }
    }

    #[test]
    fn an_event_has_its_cursor_once_though_cursors_were_asked_for() {
        let asked = |framing| {
            let (context, syntax) = (NotificationsContext::V0_2, Syntax::JsonLd);
            rendering_id(Rendering::Solid { context, syntax, actor: false, framing, cursor: true })
        };
        let gap = Frames::default().encode_gap(asked(Framing::Events), Uuid::nil(), Timestamp::UNIX_EPOCH);
        let notifications = [Syntax::JsonLd, Syntax::Turtle].map(|syntax| state(Framing::Events, syntax, true));
        for event in notifications.iter().chain([&gap]) {
            assert_eq!(text(event).matches(message::CURSOR_PLACE).count(), 1, "{}", text(event));
            let at = event.cursor_at.unwrap();
            assert!(text(event)[..at].ends_with("id: ") && !text(event).contains("#cursor"));
        }
    }

    #[test]
    fn a_gap_is_told_only_to_those_who_know_it() {
        let gap = |framing, cursor| {
            let (context, syntax) = (NotificationsContext::V0_2, Syntax::JsonLd);
            let rendering = Rendering::Solid { context, syntax, actor: false, framing, cursor };
            Frames::default().encode_gap(rendering_id(rendering), Uuid::nil(), Timestamp::UNIX_EPOCH)
        };
        assert!(gap(Framing::WebSocket, false).bytes.is_empty());
        assert!(gap(Framing::Stream, false).bytes.is_empty());
        assert!(text(&gap(Framing::Events, false)).starts_with("event: gap\nid: <"));
        assert!(text(&gap(Framing::Stream, true)).contains("urn:podbell:terms#Gap"));
    }
}
