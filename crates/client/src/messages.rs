//! Documents of JSON one behind the other, however they are cut and whatever blanks stand between them.

use serde::de::IgnoredAny;

/// Most bytes of one document.
const MAX_DOCUMENT: usize = 1024 * 1024;

/// A message is longer than any that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message is longer than any that is taken")]
pub(crate) struct TooLong;

/// Reads documents.
#[derive(Default)]
pub(crate) struct Messages {
    kept: Vec<u8>,
}

impl Messages {
    /// The documents that are complete with these bytes. What is no JSON is passed over to the end of its line.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        self.kept.extend_from_slice(bytes);
        let (mut complete, mut from) = (Vec::new(), 0);
        loop {
            let rest = &self.kept[from..];
            let mut documents = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
            match documents.next() {
                None => break,
                Some(Ok(_)) => {
                    let end = documents.byte_offset();
                    complete.push(String::from_utf8_lossy(&rest[..end]).trim().to_owned());
                    from += end;
                }
                Some(Err(error)) if error.is_eof() => break,
                Some(Err(_)) => match rest.iter().position(|byte| *byte == b'\n') {
                    Some(end) => from += end + 1,
                    None => break,
                },
            }
        }
        self.kept.drain(..from);
        if self.kept.len() > MAX_DOCUMENT { Err(TooLong) } else { Ok(complete) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn split_input_equals_whole() {
        let text = "\n{\"a\":\"}\\n{\"}\n\n{\n \"b\": [1]\n}{\"c\":1}\nno json\n{\"d\":1}\n{\"cut";
        let whole = Messages::default().feed(text.as_bytes()).unwrap();
        assert_eq!(whole, ["{\"a\":\"}\\n{\"}", "{\n \"b\": [1]\n}", "{\"c\":1}", "{\"d\":1}"]);
        let (mut messages, mut split) = (Messages::default(), Vec::new());
        for byte in text.as_bytes() {
            split.extend(messages.feed(&[*byte]).unwrap());
        }
        assert_eq!(split, whole);
    }

    #[test]
    fn an_endless_document_is_refused() {
        let mut messages = Messages::default();
        assert!(messages.feed(b"{\"a\":\"").is_ok());
        assert!(messages.feed(&vec![b'x'; MAX_DOCUMENT]).is_err());
    }
}
