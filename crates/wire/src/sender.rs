//! Who pushes: the document of the sender, which names its issuer and the keys that its messages verify by.
//!
//! Verifiers of tokens look for the issuer in the Turtle, those of HTTP signatures for the key in the JSON; both find it
//! without knowing the other. Keys are verification methods of a controlled identifier document.
//!
//! Spec: <https://solid.github.io/notifications/webhook-channel-2023#auth>,
//! <https://solidproject.org/TR/oidc#oidc-issuer-discovery>, <https://www.w3.org/TR/cid-1.0/>

use crate::{
    Representation, Syntax,
    statements::{RDF, SECURITY, SOLID, Statements},
};
use podbell_model::vocab::{notify, solid};
use serde_json::{Map, Value, json};

/// The relations in which a key stands to who uses it, as JSON and as RDF name them.
const RELATIONS: [(&str, &str); 2] =
    [("authentication", "authenticationMethod"), ("assertionMethod", "assertionMethod")];

/// A public key, as verifiers look it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationMethod {
    /// Its IRI: the `keyid` of signatures.
    pub id: String,
    /// The key, public parts alone.
    pub public_key_jwk: Value,
}

/// Who pushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Its WebID.
    pub id: String,
    /// Who signs its tokens, byte by byte as they say.
    pub issuer: String,
    /// What its messages verify by.
    pub keys: Vec<VerificationMethod>,
}

impl Sender {
    /// Its document.
    pub fn write(&self, representation: Representation) -> Vec<u8> {
        match representation {
            Representation { syntax: Syntax::JsonLd, expanded: false } => crate::json(&self.document()),
            Representation { syntax: Syntax::JsonLd, expanded: true } => self.statements().expanded_json_ld(),
            Representation { syntax: Syntax::Turtle, .. } => self.statements().turtle(&[RDF, SECURITY, SOLID]),
            Representation { syntax: Syntax::NTriples, .. } => self.statements().n_triples(),
        }
    }

    /// The same keys as those of a storage that it pushes for.
    pub(crate) fn state_for(&self, storage: &str, statements: &mut Statements) {
        statements.link(storage, &format!("{}sender", notify::NS), &self.id);
        self.relate(storage, statements);
    }

    /// The keys themselves.
    pub(crate) fn state_keys(&self, statements: &mut Statements) {
        for key in &self.keys {
            statements.class(&key.id, &security("JsonWebKey"));
            statements.link(&key.id, &security("controller"), &self.id);
            statements.json(&key.id, &security("publicKeyJwk"), &key.public_key_jwk);
        }
    }

    /// As members of a JSON object; their terms are [`terms`].
    pub(crate) fn members(&self) -> Map<String, Value> {
        let keys = self.keys.iter().map(|key| {
            json!({"id": key.id, "type": "JsonWebKey", "controller": self.id, "publicKeyJwk": key.public_key_jwk})
        });
        let ids: Value = self.keys.iter().map(|key| key.id.as_str()).collect();
        let mut members = Map::from_iter([("verificationMethod".to_owned(), keys.collect())]);
        members.extend(RELATIONS.map(|(name, _)| (name.to_owned(), ids.clone())));
        members
    }

    fn document(&self) -> Map<String, Value> {
        let mut terms = terms();
        terms.extend([
            ("id".to_owned(), "@id".into()),
            ("type".to_owned(), "@type".into()),
            ("oidcIssuer".to_owned(), json!({"@id": solid::OIDC_ISSUER, "@type": "@id"})),
        ]);
        let mut document = self.members();
        document.extend([
            ("@context".to_owned(), terms.into()),
            ("id".to_owned(), self.id.as_str().into()),
            ("oidcIssuer".to_owned(), self.issuer.as_str().into()),
        ]);
        document
    }

    fn statements(&self) -> Statements {
        let mut statements = Statements::default();
        statements.link(&self.id, solid::OIDC_ISSUER, &self.issuer);
        self.relate(&self.id, &mut statements);
        self.state_keys(&mut statements);
        statements
    }

    fn relate(&self, subject: &str, statements: &mut Statements) {
        let relations = RELATIONS.map(|(_, relation)| relation);
        for relation in ["verificationMethod"].into_iter().chain(relations) {
            self.keys.iter().for_each(|key| statements.link(subject, &security(relation), &key.id));
        }
    }
}

/// What the members of [`Sender::members`] mean.
pub(crate) fn terms() -> Map<String, Value> {
    let link = |name: &str| json!({"@id": security(name), "@type": "@id"});
    let mut terms = Map::from_iter([
        ("verificationMethod".to_owned(), link("verificationMethod")),
        ("controller".to_owned(), link("controller")),
        ("JsonWebKey".to_owned(), security("JsonWebKey").into()),
        ("publicKeyJwk".to_owned(), json!({"@id": security("publicKeyJwk"), "@type": "@json"})),
    ]);
    terms.extend(RELATIONS.map(|(name, relation)| (name.to_owned(), link(relation))));
    terms
}

fn security(name: &str) -> String {
    format!("{}{name}", SECURITY.1)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use podbell_model::rdf;

    const SENDER: &str = "https://pod.example/.notifications/sender";

    pub(crate) fn sender() -> Sender {
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ", "kid": "k1", "alg": "ES256"});
        let key = |name: &str| VerificationMethod { id: format!("{SENDER}#{name}"), public_key_jwk: jwk.clone() };
        let issuer = "https://pod.example/.notifications/issuer".into();
        Sender { id: SENDER.into(), issuer, keys: vec![key("k1"), key("k2")] }
    }

    #[test]
    fn every_representation_is_the_same_graph() {
        let graph = |representation: Representation| {
            let bytes = sender().write(representation);
            rdf::parse(representation.syntax.rdf_format(), "https://elsewhere.example/", &bytes).unwrap()
        };
        let turtle = graph(Syntax::Turtle.into());
        assert_eq!(rdf::objects(&turtle, SENDER, solid::OIDC_ISSUER), ["https://pod.example/.notifications/issuer"]);
        for relation in ["verificationMethod", "authenticationMethod", "assertionMethod"] {
            let named = rdf::objects(&turtle, SENDER, &security(relation));
            assert_eq!(named.len(), 2, "{relation}");
        }
        assert_eq!(graph(Syntax::NTriples.into()), turtle);
        assert_eq!(graph(Syntax::JsonLd.into()), turtle);
        assert_eq!(graph(Representation { syntax: Syntax::JsonLd, expanded: true }), turtle);
    }

    #[test]
    fn whoever_knows_no_rdf_finds_the_key_by_its_id() {
        let document: Value = serde_json::from_slice(&sender().write(Syntax::JsonLd.into())).unwrap();
        assert_eq!(document["id"], SENDER);
        let key = &document["verificationMethod"][0];
        let id = format!("{SENDER}#k1");
        for (member, value) in [("id", &*id), ("type", "JsonWebKey"), ("controller", SENDER)] {
            assert_eq!(key[member], value, "{member}");
        }
        assert_eq!(key["publicKeyJwk"]["crv"], "P-256");
        assert_eq!(document["authentication"][0], id);
    }
}
