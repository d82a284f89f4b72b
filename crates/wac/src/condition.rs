//! Conditions: which client and which issuer an authorization is limited to.
//!
//! All conditions of an authorization must hold. One that this server cannot evaluate holds never: ignoring it, as the
//! text allows, would widen access. Such ACLs are refused when they are stored.
//!
//! Spec: <https://solid.github.io/web-access-control-spec/#authorization-conditions>

use crate::groups::{GroupMembers, Groups, term_key};
use oxrdf::{Dataset, NamedOrBlankNodeRef, TermRef};
use podbell_model::{
    Subject,
    vocab::{acl, foaf, rdf},
};
use std::sync::Arc;

/// The types of conditions that are evaluated when [`Rules::conditions`](crate::Rules::conditions) is on; then every
/// effective ACL is served with a `Link` to each, of relation `http://www.w3.org/ns/auth/acl#condition`.
pub const CONDITION_TYPES: [&str; 2] =
    ["http://www.w3.org/ns/auth/acl#ClientCondition", "http://www.w3.org/ns/auth/acl#IssuerCondition"];

/// One condition of an authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// `acl:ClientCondition`: on the verified client of the access token.
    Client(Matcher),
    /// `acl:IssuerCondition`: on the verified issuer of the access token.
    Issuer(Matcher),
    /// Of no type that this server knows.
    Unknown,
}

/// What a condition accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matcher {
    values: Vec<Arc<str>>,
    groups: Vec<Arc<str>>,
    any: bool,
}

impl Condition {
    /// The conditions that `node` states; never empty.
    pub(crate) fn read(dataset: &Dataset, node: TermRef<'_>) -> Vec<Self> {
        let subject = match node {
            TermRef::NamedNode(node) => NamedOrBlankNodeRef::NamedNode(node),
            TermRef::BlankNode(node) => NamedOrBlankNodeRef::BlankNode(node),
            TermRef::Literal(_) => return vec![Self::Unknown],
        };
        let (mut client, mut issuer) = (Matcher::default(), Matcher::default());
        let (mut is_client, mut is_issuer) = (false, false);
        for quad in dataset.quads_for_subject(subject).filter(|quad| quad.graph_name.is_default_graph()) {
            let Some(value) = term_key(quad.object) else { continue };
            if quad.predicate.as_str() == rdf::TYPE {
                is_client |= *value == *CONDITION_TYPES[0];
                is_issuer |= *value == *CONDITION_TYPES[1];
                continue;
            }
            match quad.predicate.as_str().strip_prefix(acl::NS) {
                Some("client") => client.values.push(value),
                Some("clientGroup") => client.groups.push(value),
                Some("clientClass") => client.any |= &*value == foaf::AGENT,
                Some("issuer") => issuer.values.push(value),
                Some("issuerGroup") => issuer.groups.push(value),
                Some("issuerClass") => issuer.any |= &*value == foaf::AGENT,
                _ => {}
            }
        }
        let client = is_client.then_some(Self::Client(client));
        let issuer = is_issuer.then_some(Self::Issuer(issuer));
        let known: Vec<_> = client.into_iter().chain(issuer).collect();
        if known.is_empty() { vec![Self::Unknown] } else { known }
    }

    /// Whether it holds for this subject.
    pub(crate) fn holds(&self, subject: &Subject, own: &GroupMembers, groups: &Groups) -> bool {
        match self {
            Self::Client(matcher) => matcher.accepts(subject.client.as_deref(), own, groups),
            Self::Issuer(matcher) => matcher.accepts(subject.issuer.as_deref(), own, groups),
            Self::Unknown => false,
        }
    }

    /// The groups that it names.
    pub(crate) fn groups(&self) -> &[Arc<str>] {
        match self {
            Self::Client(matcher) | Self::Issuer(matcher) => &matcher.groups,
            Self::Unknown => &[],
        }
    }
}

impl Matcher {
    fn accepts(&self, value: Option<&str>, own: &GroupMembers, groups: &Groups) -> bool {
        self.any
            || value.is_some_and(|value| {
                self.values.iter().any(|accepted| &**accepted == value)
                    || self.groups.iter().any(|group| is_member(group, value, own, groups))
            })
    }
}

/// Whether `member` is in `group`: by the ACL itself if it says anything of the group, else by the group's document.
pub(crate) fn is_member(group: &str, member: &str, own: &GroupMembers, groups: &Groups) -> bool {
    if own.names(group) { own.has(group, member) } else { groups.has(group, member) }
}
