//! The vocabularies' IRIs that more than one part of the server writes or reads.

/// `http://www.w3.org/1999/02/22-rdf-syntax-ns#`
pub mod rdf {
    /// `rdf:type`
    pub const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
}

/// `http://www.w3.org/ns/auth/acl#` — Web Access Control.
pub mod acl {
    /// The namespace.
    pub const NS: &str = "http://www.w3.org/ns/auth/acl#";
    /// Class of a rule.
    pub const AUTHORIZATION: &str = "http://www.w3.org/ns/auth/acl#Authorization";
    /// Link relation: from an ACL to a type of condition that the server evaluates in it.
    pub const CONDITION: &str = "http://www.w3.org/ns/auth/acl#condition";
}

/// `http://www.w3.org/ns/ldp#` — Linked Data Platform.
pub mod ldp {
    /// The namespace.
    pub const NS: &str = "http://www.w3.org/ns/ldp#";
    /// From a container to a member.
    pub const CONTAINS: &str = "http://www.w3.org/ns/ldp#contains";
    /// Class of every resource.
    pub const RESOURCE: &str = "http://www.w3.org/ns/ldp#Resource";
    /// Class of RDF documents and containers.
    pub const RDF_SOURCE: &str = "http://www.w3.org/ns/ldp#RDFSource";
    /// Class of everything that is no RDF document.
    pub const NON_RDF_SOURCE: &str = "http://www.w3.org/ns/ldp#NonRDFSource";
    /// Class of containers.
    pub const CONTAINER: &str = "http://www.w3.org/ns/ldp#Container";
    /// Class of containers whose members follow the path.
    pub const BASIC_CONTAINER: &str = "http://www.w3.org/ns/ldp#BasicContainer";
    /// From a subject to its inbox.
    pub const INBOX: &str = "http://www.w3.org/ns/ldp#inbox";
}

/// `http://www.w3.org/ns/solid/terms#` — Solid terms.
pub mod solid {
    /// The namespace.
    pub const NS: &str = "http://www.w3.org/ns/solid/terms#";
    /// From a WebID to an issuer that may speak for it.
    pub const OIDC_ISSUER: &str = "http://www.w3.org/ns/solid/terms#oidcIssuer";
    /// Link relation: from a resource to the description of its storage.
    pub const STORAGE_DESCRIPTION: &str = "http://www.w3.org/ns/solid/terms#storageDescription";
    /// Link relation: from a resource to a stream of its changes, as CSS names it.
    pub const UPDATES_VIA_STREAMING_HTTP: &str = "http://www.w3.org/ns/solid/terms#updatesViaStreamingHttp2023";
    /// From the discovery document to the ESS notification gateway.
    pub const NOTIFICATION_GATEWAY: &str = "http://www.w3.org/ns/solid/terms#notificationGateway";
    /// Class of the discovery document.
    pub const DISCOVERY_DOCUMENT: &str = "http://www.w3.org/ns/solid/terms#DiscoveryDocument";
}

/// `http://www.w3.org/ns/pim/space#` — storages.
pub mod pim {
    /// Class of a storage, and link relation type of its root.
    pub const STORAGE_CLASS: &str = "http://www.w3.org/ns/pim/space#Storage";
    /// From a WebID to a storage.
    pub const STORAGE: &str = "http://www.w3.org/ns/pim/space#storage";
}

/// `http://www.w3.org/2006/vcard/ns#` — groups.
pub mod vcard {
    /// From a group to a member.
    pub const HAS_MEMBER: &str = "http://www.w3.org/2006/vcard/ns#hasMember";
}

/// `http://xmlns.com/foaf/0.1/`
pub mod foaf {
    /// Everyone, also unauthenticated.
    pub const AGENT: &str = "http://xmlns.com/foaf/0.1/Agent";
}

/// `http://www.w3.org/ns/solid/notifications#` — Solid Notifications Protocol.
pub mod notify {
    /// The namespace.
    pub const NS: &str = "http://www.w3.org/ns/solid/notifications#";
}

/// `https://www.w3.org/ns/activitystreams#` — Activity Streams 2.0.
pub mod activitystreams {
    /// The namespace.
    pub const NS: &str = "https://www.w3.org/ns/activitystreams#";
    /// IRI of its JSON-LD context.
    pub const CONTEXT: &str = "https://www.w3.org/ns/activitystreams";
}
