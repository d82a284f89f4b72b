//! Who speaks on one socket, as far as that was proved.
//!
//! The rule: never more than proved, and never longer. A proof for the socket, or the capability that opened it, speaks
//! for every topic (a capability: in its storage); a proof for one resource speaks for that resource alone. All other
//! topics, and all of them once the credentials have ended, are anybody's.
//!
//! A token alone says nothing: from `auth`, or from an opening without a proof, it waits for `dpop`, or for the proof in a
//! `sub`.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9449#section-7>, <https://github.com/solid/specification/issues/52>

use super::Opened;
use podbell_hub::Topic;
use podbell_model::{ResourceIri, StorageId, Subject, Timestamp};
use podbell_oidc::{AuthError, Proved, Said, Verifier, jws};
use std::sync::Arc;

/// Most resources for which something was proved that stand beside each other; the oldest is forgotten.
const MAX_SINGLE: usize = 128;

/// Who speaks on a socket.
pub(super) struct Speaker {
    /// What a proof for the socket may name: its URL, and the one with the capability that opened it.
    places: Vec<String>,
    /// The `Origin` header of its opening.
    origin: Option<Arc<str>>,
    /// The token that waits for a proof, or serves for the next one.
    authorization: Option<String>,
    whole: Option<Standing>,
    single: Vec<(ResourceIri, Standing)>,
}

/// Somebody, and until when.
#[derive(Clone)]
struct Standing {
    subject: Arc<Subject>,
    /// Where alone, if it was a capability.
    storage: Option<StorageId>,
    until: Timestamp,
}

/// For what somebody is known from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// For the socket; and who was before, if that was somebody else.
    Socket {
        /// The former one.
        former: Option<Arc<Subject>>,
    },
    /// For one resource.
    Resource {
        /// Which.
        resource: ResourceIri,
        /// As the proof spells it.
        spelled: String,
    },
}

/// Why a line proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unproved {
    /// No token was said.
    #[error("say auth with an access token first")]
    NoToken,
    /// Token or proof are longer than any that is read.
    #[error("longer than {} bytes", jws::MAX_BYTES)]
    TooLong,
    /// They do not hold.
    #[error("{0}")]
    Refused(#[from] AuthError),
}

impl Speaker {
    /// Nobody yet. `socket`: the URL of the socket with `http` or `https`, without a capability.
    pub(super) fn new(socket: &str, origin: Option<Arc<str>>) -> Self {
        Self { places: vec![socket.to_owned()], origin, authorization: None, whole: None, single: Vec::new() }
    }

    /// Whoever opened it by a capability.
    pub(super) fn opened_by(&mut self, capability: &str, opened: Opened) {
        self.places.push(format!("{}/{capability}", self.places[0]));
        let Opened { subject, storage, until } = opened;
        self.whole = Some(Standing { subject: self.here(subject), storage: Some(storage), until });
    }

    /// Who has opened the socket, as far as that is known before anything is said on it.
    pub(super) fn opener(&self) -> Arc<Subject> {
        self.whole.as_ref().map_or_else(|| self.here(Subject::public()), |whole| Arc::clone(&whole.subject))
    }

    /// A token was said; it takes the place of one that was said before, and changes nobody's standing.
    pub(super) fn auth(&mut self, authorization: String) -> Result<(), Unproved> {
        self.authorization = None;
        if authorization.len() > jws::MAX_BYTES {
            return Err(Unproved::TooLong);
        }
        self.authorization = Some(authorization);
        Ok(())
    }

    /// A proof was said for the socket or for a resource; `is_resource` knows what is one here.
    pub(super) async fn dpop(
        &mut self,
        verifier: &Verifier,
        proof: &str,
        is_resource: &(dyn Fn(&ResourceIri) -> bool + Sync),
        now: Timestamp,
    ) -> Result<Known, Unproved> {
        let places = &self.places;
        let is_for = |uri: &str| places.iter().any(|place| place == uri) || resource(uri, is_resource).is_some();
        let said = Said { authorization: self.token()?, proof, methods: &["GET", "SUB"], is_for: &is_for };
        let proved = verifier.verify_said(&said, now).await?;
        if !self.places.contains(&proved.uri) {
            return self.know(proved);
        }
        let Proved { credentials, .. } = proved;
        let subject = self.here(credentials.subject(None));
        let former =
            self.whole.replace(Standing { subject: subject.clone(), storage: None, until: credentials.expires });
        let former = former.map(|former| former.subject).filter(|former| *former != subject);
        if let Some(former) = &former {
            self.single.retain(|(_, standing)| standing.subject != *former);
        }
        Ok(Known::Socket { former })
    }

    /// A proof was said in the place of a topic: its method is `sub`, and it is for the topic.
    pub(super) async fn sub(
        &mut self,
        verifier: &Verifier,
        proof: &str,
        is_resource: &(dyn Fn(&ResourceIri) -> bool + Sync),
        now: Timestamp,
    ) -> Result<Known, Unproved> {
        let is_for = |uri: &str| resource(uri, is_resource).is_some();
        let said = Said { authorization: self.token()?, proof, methods: &["SUB"], is_for: &is_for };
        let proved = verifier.verify_said(&said, now).await?;
        self.know(proved)
    }

    /// On whose behalf a topic is heard, and until when.
    pub(super) fn subject(&self, topic: &Topic, now: Timestamp) -> (Arc<Subject>, Option<Timestamp>) {
        let single = self.single.iter().find(|(resource, _)| *resource == topic.resource).map(|(_, standing)| standing);
        let stands = |standing: &&Standing| {
            now < standing.until && standing.storage.is_none_or(|storage| storage == topic.storage)
        };
        match single.filter(stands).or_else(|| self.whole.as_ref().filter(stands)) {
            Some(standing) => (Arc::clone(&standing.subject), Some(standing.until)),
            None => (self.here(Subject::public()), None),
        }
    }

    /// The token that a proof may go with.
    fn token(&self) -> Result<&str, Unproved> {
        self.authorization.as_deref().ok_or(Unproved::NoToken)
    }

    fn know(&mut self, proved: Proved) -> Result<Known, Unproved> {
        let Proved { credentials, uri, spelled } = proved;
        let Ok(resource) = ResourceIri::parse(&uri) else { return Err(AuthError::Authorization.into()) };
        let standing =
            Standing { subject: self.here(credentials.subject(None)), storage: None, until: credentials.expires };
        self.single.retain(|(known, _)| *known != resource);
        if self.single.len() >= MAX_SINGLE {
            self.single.remove(0);
        }
        self.single.push((resource.clone(), standing));
        Ok(Known::Resource { resource, spelled })
    }

    /// With the origin of who opened the socket.
    fn here(&self, subject: Subject) -> Arc<Subject> {
        Arc::new(Subject { origin: self.origin.clone(), ..subject })
    }
}

/// The resource of this server at a URI.
fn resource(uri: &str, is_resource: &(dyn Fn(&ResourceIri) -> bool + Sync)) -> Option<ResourceIri> {
    ResourceIri::parse(uri).ok().filter(|resource| is_resource(resource))
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::WebId;
    use podbell_oidc::Credentials;

    const SOCKET: &str = "https://pod.example/.notifications/solid-0.1";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn topic(storage: u64, name: &str) -> Topic {
        Topic {
            storage: StorageId(storage),
            resource: ResourceIri::parse(&format!("https://pod.example/{name}")).unwrap(),
        }
    }

    fn subject(name: &str) -> Subject {
        Subject::agent(WebId::new(format!("https://{name}.example/#me")))
    }

    fn speaker() -> Speaker {
        Speaker::new(SOCKET, Some("https://app.example".into()))
    }

    /// Who hears a topic, by the first part of their name; `-` is anybody.
    fn who(speaker: &Speaker, topic: &Topic, second: i64) -> (String, Option<i64>) {
        let (subject, until) = speaker.subject(topic, at(second));
        assert_eq!(subject.origin.as_deref(), Some("https://app.example"));
        let name = subject.webid.as_ref().map_or("-", |webid| &webid.as_str()[8..11]);
        (name.to_owned(), until.map(Timestamp::as_second))
    }

    fn proved(name: &str, uri: &str, until: i64) -> Proved {
        let credentials = Credentials {
            webid: subject(name).webid.unwrap(),
            issuer: "https://op.example/".into(),
            client: None,
            jkt: None,
            expires: at(until),
        };
        Proved { credentials, uri: uri.to_owned(), spelled: uri.to_owned() }
    }

    #[test]
    fn a_capability_speaks_in_its_storage_until_it_ends() {
        let mut speaker = speaker();
        assert_eq!(who(&speaker, &topic(1, "a"), 0), ("-".into(), None));
        speaker.opened_by("c", Opened { subject: subject("bob"), storage: StorageId(1), until: at(10) });
        assert_eq!(who(&speaker, &topic(1, "a"), 9), ("bob".into(), Some(10)));
        assert_eq!(who(&speaker, &topic(2, "a"), 9), ("-".into(), None));
        assert_eq!(who(&speaker, &topic(1, "a"), 10), ("-".into(), None));
    }

    #[test]
    fn a_proof_for_one_resource_speaks_for_no_other() {
        let mut speaker = speaker();
        speaker.opened_by("c", Opened { subject: subject("bob"), storage: StorageId(1), until: at(100) });
        let known = speaker.know(proved("eve", "https://pod.example/a", 10)).unwrap();
        let resource = topic(1, "a").resource;
        assert_eq!(known, Known::Resource { resource, spelled: "https://pod.example/a".into() });
        assert_eq!(who(&speaker, &topic(1, "a"), 9), ("eve".into(), Some(10)));
        for other in ["a/", "b", "a/b"] {
            assert_eq!(who(&speaker, &topic(1, other), 9), ("bob".into(), Some(100)), "{other}");
        }
        assert_eq!(
            who(&speaker, &topic(1, "a"), 10),
            ("bob".into(), Some(100)),
            "what has ended stands in nobody's way"
        );
    }

    #[test]
    fn the_newest_proofs_alone_are_kept() {
        let mut speaker = speaker();
        for number in 0..=MAX_SINGLE {
            for _ in 0..2 {
                speaker.know(proved("bob", &format!("https://pod.example/{number}"), 10)).unwrap();
            }
        }
        assert_eq!(speaker.single.len(), MAX_SINGLE);
        assert_eq!(who(&speaker, &topic(1, "0"), 1).0, "-");
        assert_eq!(who(&speaker, &topic(1, "1"), 1).0, "bob");
    }

    #[test]
    fn a_token_is_no_identity_and_a_huge_one_is_not_kept() {
        let mut speaker = speaker();
        speaker.auth("DPoP x.y.z".into()).unwrap();
        assert_eq!(who(&speaker, &topic(1, "a"), 0), ("-".into(), None));
        assert_eq!(speaker.auth("x".repeat(jws::MAX_BYTES + 1)), Err(Unproved::TooLong));
        assert_eq!(speaker.authorization, None, "nor is the one before");
    }
}
