//! `podbell pod`: pods, by whoever owns the data directory.

use super::{
    Reach,
    pods::{Told, Wanted},
};
use crate::settings::{LoadError, Override, Settings, load};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use toml::Value;

/// Whose data directory it is.
#[derive(Debug, Args)]
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
    /// List all pods and their owners
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
                println!("{}\towned by {}", told.root, told.owner);
            }
            Self::List { json } => {
                let told: Vec<Told> = reach.ask("GET", "/pods", &()).await?.json().await?;
                if *json {
                    println!("{}", serde_json::to_string_pretty(&told)?);
                } else if told.is_empty() {
                    eprintln!("there is no pod yet; `podbell pod create NAME` makes one");
                }
                for pod in told.iter().filter(|_| !*json) {
                    println!("{}\t{}", pod.root, pod.owner);
                }
            }
        }
        Ok(())
    }
}
