//! `podbell sender`: who this server is to receivers of webhooks, and its keys.

use super::{
    Reach,
    sender::{Told, Wanted},
};
use crate::settings::Settings;
use clap::Subcommand;

/// What is done with the sender.
#[derive(Debug, Subcommand)]
pub enum SenderCommand {
    /// Print the sender's WebID, its issuer and its keys
    Show,
    /// Make new keys for tokens and HTTP signatures; they are published now and sign from tomorrow on, so that no
    /// receiver misses one. The key for push services stays
    Rotate {
        /// They sign at once and the old ones are published no more: for when somebody else may have them. Receivers that
        /// keep keys refuse for a while, and are tried again
        #[arg(long)]
        now: bool,
    },
}

impl SenderCommand {
    /// Does it.
    ///
    /// # Errors
    /// Why not, in words for people.
    pub async fn run(&self, settings: &Settings) -> anyhow::Result<()> {
        let reach = Reach::find(settings).await?;
        let answer = match self {
            Self::Show => reach.ask("GET", "/sender", &()).await?,
            Self::Rotate { now } => reach.ask("POST", "/sender/rotate", &Wanted { now: *now }).await?,
        };
        let told: Told = answer.json().await?;
        println!("sender  {}\nissuer  {}", told.sender, told.issuer);
        for key in told.keys {
            println!("key     {}  {}, {}", key.kid, key.purpose, key.signs);
        }
        Ok(())
    }
}
