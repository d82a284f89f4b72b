//! What must hold before an ACL is stored.
//!
//! That it parses is the format's business; here it is refused when storing it would lock everybody out of a storage,
//! or would rest on a condition that this server does not evaluate.
//!
//! Spec: <https://solidproject.org/TR/wac#acl-resource-representation>

use crate::{AclDocument, Modes, Rules, condition::Condition};

/// Why an ACL may not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAcl {
    /// The ACL of the root of a storage without an agent who has Control of the root.
    #[error("the ACL of the root of a storage must grant acl:Control of the root to at least one acl:agent")]
    RootWithoutControl,
    /// An `acl:condition`, which this server is set not to evaluate; ignoring it would widen access.
    #[error("this server does not evaluate acl:condition")]
    ConditionsOff,
    /// An `acl:condition` that is neither a client condition nor an issuer condition.
    #[error("this server evaluates acl:ClientCondition and acl:IssuerCondition only")]
    UnknownCondition,
}

/// Checks an ACL before it is stored; `is_root` if its subject is the root of a storage.
pub fn validate(document: &AclDocument, is_root: bool, rules: &Rules) -> Result<(), InvalidAcl> {
    let mut conditions = document.authorizations.iter().flat_map(|rule| &rule.conditions).peekable();
    if conditions.peek().is_some() && !rules.conditions {
        return Err(InvalidAcl::ConditionsOff);
    }
    if conditions.any(|condition| *condition == Condition::Unknown) {
        return Err(InvalidAcl::UnknownCondition);
    }
    let controls = document
        .authorizations
        .iter()
        .any(|rule| rule.access_to && rule.modes.meets(Modes::CONTROL) && !rule.agents.is_empty());
    if is_root && !controls {
        return Err(InvalidAcl::RootWithoutControl);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::{
        ResourceIri,
        rdf::{RdfFormat, parse},
    };

    fn check(turtle: &str, is_root: bool, conditions: bool) -> Result<(), InvalidAcl> {
        let subject = ResourceIri::parse("http://x/").unwrap();
        let acl = subject.acl();
        let turtle = format!("@prefix acl: <http://www.w3.org/ns/auth/acl#>. {turtle}");
        let dataset = parse(RdfFormat::Turtle, acl.as_str(), turtle.as_bytes()).unwrap();
        validate(&AclDocument::read(&acl, &subject, &dataset), is_root, &Rules { conditions, ..Rules::default() })
    }

    #[test]
    fn a_root_acl_keeps_an_agent_with_control() {
        let good = "<#o> a acl:Authorization; acl:accessTo <./>; acl:agent <#me>; acl:mode acl:Control.";
        assert_eq!(check(good, true, false), Ok(()));
        for bad in [
            good.replace("acl:Control", "acl:Write"),
            good.replace("acl:accessTo <./>", "acl:accessTo <a>"),
            good.replace("acl:accessTo", "acl:default"),
            good.replace("acl:agent <#me>", "acl:agentClass <http://xmlns.com/foaf/0.1/Agent>"),
            good.replace("a acl:Authorization;", ""),
            String::new(),
        ] {
            assert_eq!(check(&bad, true, false), Err(InvalidAcl::RootWithoutControl), "{bad}");
            assert_eq!(check(&bad, false, false), Ok(()), "{bad}");
        }
    }

    #[test]
    fn conditions_that_are_not_evaluated_are_refused() {
        let rule = "<#o> a acl:Authorization; acl:accessTo <./>; acl:agent <#me>; acl:mode acl:Control; acl:condition";
        let known = format!("{rule} [a acl:ClientCondition; acl:client <http://app/id>].");
        assert_eq!(check(&known, true, true), Ok(()));
        assert_eq!(check(&known, true, false), Err(InvalidAcl::ConditionsOff));
        for unknown in ["[a acl:MoonCondition]", "<#nowhere>", "\"text\""] {
            let unknown = format!("{rule} {unknown}.");
            assert_eq!(check(&unknown, false, true), Err(InvalidAcl::UnknownCondition), "{unknown}");
        }
    }
}
