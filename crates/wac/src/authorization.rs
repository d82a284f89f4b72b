//! One `acl:Authorization`: what it rules, whom it names, what it grants.
//!
//! An `accessTo` that names another resource than the ACL's subject, or a `default` that names another container, has
//! no effect. Statements that cannot be understood never make an authorization wider than without them.
//!
//! Spec: <https://solidproject.org/TR/wac#authorization-rule>

use crate::{
    Groups, Modes,
    condition::{Condition, is_member},
    groups::{GroupMembers, term_key},
    modes::Mode,
};
use oxrdf::{Dataset, NamedOrBlankNodeRef, TermRef};
use podbell_model::{
    ResourceIri, Subject,
    vocab::{acl, foaf},
};
use std::sync::Arc;

/// A class of agents; the later includes the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// `acl:AuthenticatedAgent`: everyone with a WebID.
    Authenticated,
    /// `foaf:Agent`: everyone.
    Public,
}

/// One applicable rule of an ACL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Authorization {
    /// It rules the subject of the ACL.
    pub(crate) access_to: bool,
    /// It rules what inherits from the subject.
    pub(crate) default: bool,
    /// What it grants.
    pub(crate) modes: Modes,
    /// Agents that it names.
    pub(crate) agents: Vec<Arc<str>>,
    /// Groups that it names.
    pub(crate) groups: Vec<Arc<str>>,
    /// The widest class of agents that it names.
    class: Option<Class>,
    /// Origins, if it states any; one that cannot be read matches none, but is stated all the same.
    pub(crate) origins: Option<Vec<Arc<str>>>,
    /// All must hold.
    pub(crate) conditions: Vec<Condition>,
}

impl Class {
    fn from_iri(iri: &str) -> Option<Self> {
        match iri.strip_prefix(acl::NS) {
            Some("AuthenticatedAgent") => Some(Self::Authenticated),
            _ => (iri == foaf::AGENT).then_some(Self::Public),
        }
    }
}

impl Authorization {
    /// Reads the rule at `node`, if it applies to anything.
    pub(crate) fn read(dataset: &Dataset, node: NamedOrBlankNodeRef<'_>, subject: &ResourceIri) -> Option<Self> {
        let mut rule = Self::default();
        let mut names_somebody = false;
        for quad in dataset.quads_for_subject(node).filter(|quad| quad.graph_name.is_default_graph()) {
            let Some(property) = quad.predicate.as_str().strip_prefix(acl::NS) else { continue };
            let iri = match quad.object {
                TermRef::NamedNode(node) => Some(node.as_str()),
                _ => None,
            };
            names_somebody |= matches!(property, "agent" | "agentClass" | "agentGroup" | "origin");
            match property {
                "accessTo" => rule.access_to |= iri == Some(subject.as_str()),
                "default" => rule.default |= iri == Some(subject.as_str()),
                "mode" => rule.modes = rule.modes | iri.and_then(Mode::from_iri).map_or(Modes::NONE, Modes::from),
                "agent" => rule.agents.extend(iri.map(Arc::from)),
                "agentClass" => rule.class = rule.class.max(iri.and_then(Class::from_iri)),
                "agentGroup" => rule.groups.extend(term_key(quad.object)),
                "origin" => rule.origins.get_or_insert_default().extend(iri.map(Arc::from)),
                "condition" => rule.conditions.extend(Condition::read(dataset, quad.object)),
                _ => {}
            }
        }
        let applies = (rule.access_to || rule.default) && !rule.modes.is_empty() && names_somebody;
        applies.then_some(rule)
    }

    /// Whether it names everyone.
    pub(crate) fn is_public(&self) -> bool {
        self.class == Some(Class::Public)
    }

    /// Whether it names this subject as an agent.
    pub(crate) fn names(&self, subject: &Subject, own: &GroupMembers, groups: &Groups) -> bool {
        self.is_public()
            || subject.webid.as_ref().is_some_and(|webid| {
                self.class == Some(Class::Authenticated)
                    || self.agents.iter().any(|agent| &**agent == webid.as_str())
                    || self.groups.iter().any(|group| is_member(group, webid.as_str(), own, groups))
            })
    }

    /// Whether all its conditions hold; with `evaluated` off, only if it has none.
    pub(crate) fn conditions_hold(
        &self,
        evaluated: bool,
        subject: &Subject,
        own: &GroupMembers,
        groups: &Groups,
    ) -> bool {
        self.conditions.iter().all(|condition| evaluated && condition.holds(subject, own, groups))
    }

    /// Whether it lists that origin.
    pub(crate) fn lists(&self, origin: &str) -> bool {
        self.origins.iter().flatten().any(|listed| &**listed == origin)
    }
}
