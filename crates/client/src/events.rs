//! The grammar of event streams: bytes to events, however they are cut.
//!
//! Spec: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>

use crate::messages::TooLong;

/// Most bytes of one event.
const MAX_EVENT: usize = 1024 * 1024;

/// An event, or a place in the stream if it holds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamEvent {
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) id: Option<String>,
}

/// Reads a stream.
#[derive(Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed behind it belongs to it.
    returned: bool,
    began: bool,
    event: StreamEvent,
    has_data: bool,
}

impl Events {
    /// The events that are complete with these bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<StreamEvent>, TooLong> {
        let mut complete = Vec::new();
        for byte in bytes {
            let returned = std::mem::replace(&mut self.returned, *byte == b'\r');
            match byte {
                b'\n' if returned => {}
                b'\n' | b'\r' => complete.extend(self.end_line()),
                byte => self.line.push(*byte),
            }
            if self.line.len() + self.event.data.len() > MAX_EVENT {
                return Err(TooLong);
            }
        }
        Ok(complete)
    }

    fn end_line(&mut self) -> Option<StreamEvent> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = if self.began { &*line } else { line.strip_prefix('\u{feff}').unwrap_or(&line) };
        self.began = true;
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let has_data = std::mem::take(&mut self.has_data);
            return (has_data || event.id.is_some()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const TEXT: &str =
        "\u{feff}: hello\r\nid: 1\ndata: a\ndata:b\n\nevent: gap\rid: 2\rdata\r\r:\n\nid: 3\n\ndata: cut";

    #[test]
    fn split_input_equals_whole() {
        let whole = Events::default().feed(TEXT.as_bytes()).unwrap();
        let event = |name: &str, data: &str, id: &str| StreamEvent {
            name: name.into(),
            data: data.into(),
            id: Some(id.into()),
        };
        assert_eq!(whole, [event("", "a\nb", "1"), event("gap", "", "2"), event("", "", "3")]);
        let (mut events, mut split) = (Events::default(), Vec::new());
        for byte in TEXT.as_bytes() {
            split.extend(events.feed(&[*byte]).unwrap());
        }
        assert_eq!(split, whole);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut events = Events::default();
        assert!(events.feed(&vec![b'x'; MAX_EVENT]).is_ok());
        assert!(events.feed(b"x").is_err());
    }
}
