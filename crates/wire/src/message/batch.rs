//! Several activities in one envelope of Linked Web Storage, made of envelopes that are finished already.
//!
//! Nothing is parsed and nothing written anew: an envelope is what stands before its activity, and the activity. Only
//! envelopes that begin alike are put together, so that one speaks for one storage.
//!
//! Follows the draft of 2026-06-29 (`w3c/lws-protocol`, `lws10-notifications`).

/// What stands before the activity. Inside a string the quotes would be escaped, so it stands once.
const ACTIVITY: &[u8] = b",\"activity\":";

/// An envelope around one activity, taken apart: what stands before the activity, and the activity.
pub fn apart(envelope: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = envelope.windows(ACTIVITY.len()).position(|window| window == ACTIVITY)? + ACTIVITY.len();
    let (head, rest) = envelope.split_at(at);
    let activity = rest.strip_suffix(b"}")?;
    (activity.first() == Some(&b'{')).then_some((head, activity))
}

/// One envelope around all their activities, in their order; none if they do not speak for the same storage, or are not
/// of this kind. One alone stays as it is.
pub fn batch(envelopes: &[&[u8]]) -> Option<Vec<u8>> {
    let parts: Vec<_> = envelopes.iter().map(|envelope| apart(envelope)).collect::<Option<_>>()?;
    let (head, _) = *parts.first()?;
    if parts.iter().any(|(other, _)| *other != head) {
        return None;
    }
    if let [one] = envelopes {
        return Some(one.to_vec());
    }
    let activities: Vec<_> = parts.into_iter().map(|(_, activity)| activity).collect();
    Some([head, b"[", &activities.join(&b','), b"]}"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn envelope(storage: &str, id: &str) -> Vec<u8> {
        let (storage, id) = (json!(storage), json!(id));
        format!(r#"{{"@context":["x"],"type":"Notification","storage":{storage},"activity":{{"id":{id},"type":["Create"]}}}}"#)
            .into_bytes()
    }

    fn batched(envelopes: &[Vec<u8>]) -> Option<Value> {
        let envelopes: Vec<_> = envelopes.iter().map(Vec::as_slice).collect();
        batch(&envelopes).map(|batch| serde_json::from_slice(&batch).unwrap())
    }

    #[test]
    fn activities_go_into_one_envelope_in_their_order() {
        let told = batched(&[envelope("s", "b"), envelope("s", "a"), envelope("s", "c")]).unwrap();
        let ids: Vec<_> = told["activity"].as_array().unwrap().iter().map(|activity| &activity["id"]).collect();
        assert_eq!(ids, ["b", "a", "c"]);
        assert_eq!((&told["storage"], &told["type"]), (&json!("s"), &json!("Notification")));
    }

    #[test]
    fn one_alone_stays_an_object() {
        let one = envelope("s", "a");
        assert_eq!(batch(&[&one]).unwrap(), one);
    }

    #[test]
    fn one_envelope_speaks_for_one_storage() {
        assert_eq!(batched(&[envelope("s", "a"), envelope("t", "b")]), None);
    }

    #[test]
    fn no_text_inside_is_taken_for_the_activity() {
        let sly = r#"s","activity":{"id":"x"}}"#;
        let told = batched(&[envelope(sly, r#"a,"activity":["#), envelope(sly, "b}")]).unwrap();
        assert_eq!(told["storage"], sly);
        assert_eq!(told["activity"][1]["id"], "b}");
    }

    #[test]
    fn what_is_no_envelope_is_not_put_into_one() {
        let good = envelope("s", "a");
        let double = batch(&[&good, &good]).unwrap();
        for other in [&b""[..], b"{}", br#"{"a":1,"activity":7}"#, &double] {
            assert_eq!(batch(&[&good, other]), None, "{}", String::from_utf8_lossy(other));
        }
    }
}
