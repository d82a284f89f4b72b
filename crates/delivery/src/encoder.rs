//! Notifications as finished WebSocket frames, in the words of each channel's rendering.

use crate::websocket::frame::{Opcode, frame};
use bytes::Bytes;
use podbell_hub::{Encoder, Projection, Relation, RenderingId};
use podbell_model::{ResourceIri, Timestamp, Uuid};
use podbell_wire::{Rendering, message};

/// The hub's name for a rendering.
pub fn rendering_id(rendering: Rendering) -> RenderingId {
    RenderingId(rendering.code())
}

/// Writes each notification as one text frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frames;

impl Frames {
    fn text(rendering: RenderingId, write: impl FnOnce(Rendering) -> Vec<u8>) -> Bytes {
        let Some(rendering) = Rendering::from_code(rendering.0) else {
            tracing::error!(rendering = rendering.0, "a channel has a rendering of another version; it hears nothing");
            return Bytes::new();
        };
        let message = write(rendering);
        if message.is_empty() { Bytes::new() } else { frame(Opcode::Text, &message) }
    }
}

impl Encoder for Frames {
    fn encode(&self, rendering: RenderingId, projection: &Projection<'_>) -> Bytes {
        let relation = match projection.relation {
            Relation::Object => podbell_wire::Relation::Object,
            Relation::Member => podbell_wire::Relation::Member,
        };
        Self::text(rendering, |rendering| message::write(rendering, projection.activity, relation, projection.second))
    }

    fn encode_state(
        &self,
        rendering: RenderingId,
        topic: &ResourceIri,
        state: Option<&str>,
        id: Uuid,
        now: Timestamp,
    ) -> Bytes {
        Self::text(rendering, |rendering| message::write_state(rendering, topic, None, state, id, now))
    }
}
