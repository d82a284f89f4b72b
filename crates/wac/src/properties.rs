//! What holds for every ACL, stated once: tried briefly by the tests below, and for long by `fuzz/`. A property that does
//! not hold panics.

use crate::{AclDocument, Rules, validate};
use podbell_model::{
    ResourceIri,
    rdf::{self, RdfFormat},
};

/// An ACL rules the same by the document that was sent and by the form that is kept of it; what cannot be read harms
/// nobody.
pub fn acl(turtle: &[u8]) {
    let Ok(subject) = ResourceIri::parse("http://x/box/") else { return };
    let acl = subject.acl();
    let Ok(dataset) = rdf::parse(RdfFormat::Turtle, acl.as_str(), turtle) else { return };
    let sent = AclDocument::read(&acl, &subject, &dataset);
    let kept = rdf::serialize(RdfFormat::NTriples, &dataset, &[]);
    let kept = String::from_utf8_lossy(&kept);
    let read = AclDocument::parse(&acl, &subject, &kept).unwrap_or_else(|error| panic!("{error:?}\n{kept}"));
    assert_eq!(ruled(&sent), ruled(&read), "{kept}");
    for (is_root, conditions) in [(false, false), (false, true), (true, false), (true, true)] {
        let rules = Rules { conditions, ..Rules::default() };
        assert_eq!(validate(&sent, is_root, &rules), validate(&read, is_root, &rules), "{kept}");
        // What may be stored for a root may be stored for anything.
        assert!(!is_root || validate(&sent, true, &rules).is_err() || validate(&sent, false, &rules).is_ok());
    }
}

/// All that it says, without an order.
fn ruled(document: &AclDocument) -> Vec<String> {
    let text = format!("{document:#?}");
    let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    lines.sort();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*, sample::select};

    const SAYINGS: &[&str] = &[
        "a acl:Authorization",
        "acl:accessTo <./>",
        "acl:accessTo <doc>",
        "acl:default <./>",
        "acl:mode acl:Read",
        "acl:mode acl:Write, acl:Control",
        "acl:mode \"Read\", <Unknown>",
        "acl:agent <http://x/me>",
        "acl:agent \"me\", _:me",
        "acl:agentClass foaf:Agent",
        "acl:agentClass acl:AuthenticatedAgent, <Moon>",
        "acl:agentGroup <#group>",
        "acl:agentGroup _:group",
        "acl:origin <https://app.example>",
        "acl:origin <not an origin>, \"x\"",
        "acl:condition [ a acl:ClientCondition ; acl:client <http://app/id> ]",
        "acl:condition [ a acl:IssuerCondition ; acl:issuerClass foaf:Agent ]",
        "acl:condition [ a acl:MoonCondition ], \"none\"",
        "vcard:hasMember <http://x/me>, <http://x/you>",
    ];

    proptest! {
        #[test]
        fn what_is_kept_of_an_acl_rules_as_it_did(
            sayings in vec((select(&["<#a>", "<#b>", "<#group>", "_:group", "_:c"][..]), select(SAYINGS)), 0..16),
        ) {
            let lines: Vec<String> = sayings.iter().map(|(subject, saying)| format!("{subject} {saying} .")).collect();
            let prefixes = "@prefix acl: <http://www.w3.org/ns/auth/acl#>. @prefix foaf: <http://xmlns.com/foaf/0.1/>. \
                @prefix vcard: <http://www.w3.org/2006/vcard/ns#>.\n";
            acl(format!("{prefixes}{}", lines.join("\n")).as_bytes());
        }
    }
}
