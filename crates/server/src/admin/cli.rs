//! `podbell pod`: pods, by whoever owns the data directory.

use super::{
    Reach,
    export::{self, amount},
    files, import,
    pods::{Allowance, Allowed, Deleted, Deletion, Told, Wanted},
};
use crate::settings::{LoadError, Override, Settings, Size, load};
use clap::{Args, Subcommand};
use std::{io::Write as _, path::PathBuf};
use toml::Value;

/// Whose data directory it is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which server")]
pub struct Place {
    /// A file of settings: that of the server
    #[arg(long, value_name = "FILE.toml", env = "PODBELL_CONFIG", hide_env_values = true, global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The URL at which clients reach the server [default: http://localhost:3000/]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) base_url: Option<String>,
    /// The server's data directory [default: podbell-data]
    #[arg(long, value_name = "DIRECTORY", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Pods have origins of their own, as with `podbell serve --subdomains`
    #[arg(long, global = true)]
    pub(crate) subdomains: bool,
}

impl Place {
    /// The settings of the server there.
    pub fn settings(&self) -> Result<Settings, LoadError> {
        let mut overrides = Vec::new();
        let mut put = |path, value, flag| overrides.push(Override { path, value, flag });
        if let Some(url) = &self.base_url {
            put("base_url", Value::String(url.clone()), "--base-url");
        }
        if let Some(data) = &self.data {
            put("data", Value::String(data.to_string_lossy().into_owned()), "--data");
        }
        if self.subdomains {
            put("pods.layout", Value::String("subdomain".to_owned()), "--subdomains");
        }
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Ok(load(self.config.as_deref(), environment, overrides)?.settings)
    }
}

/// What is done with pods.
#[derive(Debug, Subcommand)]
pub enum PodCommand {
    /// Make a pod for a WebID of any provider, or one with a WebID of its own
    Create {
        /// Part of its URL: a-z, 0-9 and '-'
        name: String,
        /// The owner's WebID [default: a new one in the pod, profile/card#me]
        #[arg(long, value_name = "WEBID")]
        owner: Option<String>,
        /// Who may speak for the pod's own WebID [default: this server's provider]
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
    },
    /// Write everything in a pod into a new directory, a .tar file, or as a tar to standard output
    ///
    /// The files are those of Community Solid Server and Node Solid Server: name$.ttl, .acl, .meta.
    Export {
        /// Its name or URL
        pod: String,
        /// A directory that is not there or empty, a name that ends in .tar, or "-"
        target: String,
        /// Where the pod will be: IRIs below it are changed to that place in ACLs and descriptions
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        /// Change them in all RDF documents too
        #[arg(long, requires = "to")]
        rewrite_documents: bool,
    },
    /// Make a pod of a directory or tar in the layout of Community Solid Server or Node Solid Server
    ///
    /// It is seen when all of it is there; if anything stands against it, nothing is imported.
    Import {
        /// The directory of the pod, a tar, or "-" for a tar from standard input
        source: String,
        /// Part of the new pod's URL: a-z, 0-9 and '-'
        name: String,
        /// The owner's WebID [default: the pod's own, profile/card#me]
        #[arg(long, value_name = "WEBID")]
        owner: Option<String>,
        /// Who may speak for the pod's own WebID; added to those that its document names, if it comes with one
        /// [default without a document: this server's provider]
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// Where the pod was: IRIs below it are changed to the new place in ACLs and descriptions
        #[arg(long, value_name = "URL")]
        from: Option<String>,
        /// Change them in all RDF documents too
        #[arg(long, requires = "from")]
        rewrite_documents: bool,
        /// Do without documents that would be refused, such as broken Turtle, and say which; never without an ACL
        #[arg(long)]
        leave_out_broken: bool,
        /// Import nothing, and say what would be refused
        #[arg(long)]
        check: bool,
    },
    /// Say how much a pod may hold
    Quota {
        /// Its name or URL
        pod: String,
        /// A size such as "5 GiB"; "none" for what the disk holds; "default" for limits.pod of the settings
        size: String,
    },
    /// Delete a pod with everything in it
    Delete {
        /// Its name or URL
        pod: String,
        /// That it is meant: nothing brings it back
        #[arg(long)]
        yes: bool,
        /// Remove the account whose WebID is in it too
        #[arg(long)]
        with_account: bool,
    },
    /// List all pods, their owners, what they hold and may hold
    List {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

impl PodCommand {
    /// Does it, and says what came of it.
    pub async fn run(&self, settings: &Settings) -> anyhow::Result<()> {
        let reach = Reach::find(settings).await?;
        match self {
            Self::Create { name, owner, issuer } => {
                let wanted = Wanted { name: name.clone(), owner: owner.clone(), issuer: issuer.clone() };
                let told: Told = reach.ask("POST", "/pods", &wanted).await?.json().await?;
                print(&format!("{}\towned by {}\n", told.root, told.owner))
            }
            Self::Export { pod, target, to, rewrite_documents } => {
                let wanted = export::Wanted { pod: pod.clone(), to: to.clone(), documents: *rewrite_documents };
                files::export(&reach, &wanted, target).await
            }
            Self::Import { source, name, owner, issuer, from, rewrite_documents, leave_out_broken, check } => {
                let wanted = import::Wanted {
                    name: name.clone(),
                    owner: owner.clone(),
                    issuer: issuer.clone(),
                    from: from.clone(),
                    documents: *rewrite_documents,
                    leave_out_broken: *leave_out_broken,
                    check: *check,
                };
                files::import(&reach, source, &wanted).await
            }
            Self::Quota { pod, size } => {
                let quota = match size.as_str() {
                    "none" => Allowed::None,
                    "default" => Allowed::Default,
                    size => Allowed::Bytes(size.parse::<Size>()?.0),
                };
                let allowance = Allowance { pod: pod.clone(), quota };
                let told: Told = reach.ask("POST", "/pods/quota", &allowance).await?.json().await?;
                print(&format!("{}\t{}\n", told.root, held(&told)))
            }
            Self::Delete { pod, yes: false, .. } => {
                anyhow::bail!("nothing brings {pod} back: export it first, then say --yes")
            }
            Self::Delete { pod, yes: true, with_account } => {
                let deletion = Deletion { pod: pod.clone(), with_account: *with_account };
                let deleted: Deleted = reach.ask("DELETE", "/pods", &deletion).await?.json().await?;
                print(&format!("{} is deleted\n", deleted.root))?;
                match deleted.account {
                    Some(name) if *with_account => print(&format!("the account {name} is removed\n"))?,
                    Some(name) => eprintln!(
                        "the account {name} stays, and its WebID was in the pod: `podbell account remove {name}` removes it"
                    ),
                    None => {}
                }
                Ok(())
            }
            Self::List { json } => {
                let told: Vec<Told> = reach.ask("GET", "/pods", &()).await?.json().await?;
                if *json {
                    return print(&format!("{}\n", serde_json::to_string_pretty(&told)?));
                }
                if told.is_empty() {
                    eprintln!("there is no pod yet; `podbell pod create NAME` makes one");
                }
                let lines = told.iter().map(|pod| format!("{}\t{}\t{}\n", pod.root, pod.owner, held(pod)));
                print(&lines.collect::<String>())
            }
        }
    }
}

fn held(pod: &Told) -> String {
    match pod.quota {
        Some(quota) => format!("{} of {}", amount(pod.used), amount(quota)),
        None => amount(pod.used),
    }
}

/// Prints; whoever has heard enough may close the pipe.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
