//! What a subject may do to a resource, and what that depends on.
//!
//! Spec: <https://solidproject.org/TR/wac#authorization-evaluation>, <https://solidproject.org/TR/wac#wac-allow>

use crate::{
    Groups, Modes,
    effective::{Effective, Ruling, ruled_by},
};
use podbell_model::{ResourceIri, Subject, WebId};
use std::sync::Arc;

/// What the `Origin` of a request has to do with access. Modes of the public and the server's own origins are exempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OriginRule {
    /// Nothing: `acl:origin` is not looked at.
    Ignore,
    /// An authorization that lists origins counts for those only; one that lists none counts for all.
    #[default]
    RestrictIfPresent,
    /// As before, and the origin itself must be granted the mode, for the owner too. The text's reading; it breaks
    /// deployed clients.
    Strict,
}

/// How this server reads ACLs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What the origin of a request has to do with access.
    pub origin: OriginRule,
    /// Origins of this server itself, `scheme://authority`, trusted as if every authorization listed them.
    pub own_origins: Vec<Arc<str>>,
    /// Whether conditions are evaluated. If not, an authorization that has any grants nothing.
    pub conditions: bool,
}

/// What one subject may do to one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The resource whose rules were looked at; of an auxiliary resource its subject (see [`ruled_by`]).
    pub resource: ResourceIri,
    /// Who was judged.
    pub subject: Subject,
    /// What the subject may do, what everyone may do included.
    pub user: Modes,
    /// What everyone may do, unauthenticated too.
    pub public: Modes,
    /// ACLs, slots that were found empty on the way to them, and local group documents.
    pub depends_on: Vec<ResourceIri>,
    /// Whether it also depends on group documents elsewhere, or on some that were not loaded.
    pub remote_groups: bool,
}

impl Effective {
    /// Decides. `groups` holds the documents that [`Effective::groups_needed`] names; one that is missing has no
    /// members. `owner` is the owner of the storage, who has Control whatever the ACLs say.
    pub fn decide(&self, subject: &Subject, groups: &Groups, rules: &Rules, owner: &WebId) -> Decision {
        let everyone = Subject::public();
        let (public, granted) = match &self.ruling {
            Ok(ruling) => (ruling.public(&everyone, groups, rules), ruling.granted(subject, groups, rules)),
            Err(_) => (Modes::NONE, Modes::NONE),
        };
        let is_owner = !self.depends_on.is_empty() && subject.webid.as_ref() == Some(owner);
        let owned = if is_owner { Modes::CONTROL } else { Modes::NONE };
        let by_origin = self.by_origin(subject, groups, rules);
        let mut depends_on = self.depends_on.clone();
        let mut remote_groups = false;
        for document in self.groups_needed(subject) {
            match groups.local(&document) {
                Some(resource) if depends_on.contains(resource) => {}
                Some(resource) => depends_on.push(resource.clone()),
                None => remote_groups = true,
            }
        }
        Decision {
            resource: self.resource.clone(),
            subject: subject.clone(),
            user: (granted | owned).intersection(by_origin) | public,
            public,
            depends_on,
            remote_groups,
        }
    }

    /// The modes that the origin of the request is granted.
    fn by_origin(&self, subject: &Subject, groups: &Groups, rules: &Rules) -> Modes {
        match (&subject.origin, &self.ruling) {
            (Some(origin), _) if rules.origin == OriginRule::Strict && !rules.trusts(origin) => match &self.ruling {
                Ok(ruling) => ruling.granted_to_origin(origin, subject, groups, rules),
                Err(_) => Modes::NONE,
            },
            _ => Modes::ALL,
        }
    }
}

impl Ruling {
    fn public(&self, everyone: &Subject, groups: &Groups, rules: &Rules) -> Modes {
        let own = self.own_groups();
        self.authorizations()
            .filter(|rule| rule.is_public() && rule.conditions_hold(rules.conditions, everyone, own, groups))
            .map(|rule| rule.modes)
            .collect()
    }

    fn granted(&self, subject: &Subject, groups: &Groups, rules: &Rules) -> Modes {
        let own = self.own_groups();
        self.authorizations()
            .filter(|rule| rule.names(subject, own, groups))
            .filter(|rule| match (&subject.origin, &rule.origins) {
                // What is public is public from any page.
                _ if rule.is_public() || rules.origin == OriginRule::Ignore => true,
                (Some(origin), Some(_)) => rule.lists(origin) || rules.trusts(origin),
                _ => true,
            })
            .filter(|rule| rule.conditions_hold(rules.conditions, subject, own, groups))
            .map(|rule| rule.modes)
            .collect()
    }

    fn granted_to_origin(&self, origin: &str, subject: &Subject, groups: &Groups, rules: &Rules) -> Modes {
        let own = self.own_groups();
        self.authorizations()
            .filter(|rule| rule.lists(origin) && rule.conditions_hold(rules.conditions, subject, own, groups))
            .map(|rule| rule.modes)
            .collect()
    }
}

impl Rules {
    fn trusts(&self, origin: &str) -> bool {
        self.own_origins.iter().any(|own| &**own == origin)
    }
}

impl Decision {
    /// Whether the subject may use these modes on `resource`, which is the judged one or an auxiliary of it. Of an
    /// ACL, Control of its subject gives all, and nothing else gives any.
    pub fn permits(&self, resource: &ResourceIri, modes: Modes) -> bool {
        let ruled = ruled_by(resource);
        ruled.resource == self.resource && self.user.meets(ruled.need(modes))
    }

    /// The value of `WAC-Allow` on a response about `resource`, which is the judged one or an auxiliary of it.
    pub fn wac_allow(&self, resource: &ResourceIri) -> String {
        let of = |modes: Modes| match ruled_by(resource).control {
            false => modes,
            true if modes.meets(Modes::CONTROL) => Modes::ALL,
            true => Modes::NONE,
        };
        format!("user=\"{}\",public=\"{}\"", of(self.user), of(self.public))
    }
}
