//! The store as a few maps behind one lock.

use crate::store::{
    Acceptance, Account, ClientCredentials, Invitation, PasswordHash, RefreshFamily, RegisteredClient, Rotation,
    SecretHash, SigningKey, Store, StoreError,
};
use parking_lot::Mutex;
use podbell_model::{Timestamp, Uuid, WebId};
use std::{collections::BTreeMap, sync::Arc};

/// Forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    accounts: BTreeMap<Arc<str>, Account>,
    invitations: Vec<Invitation>,
    credentials: BTreeMap<Arc<str>, ClientCredentials>,
    clients: BTreeMap<Arc<str>, RegisteredClient>,
    families: BTreeMap<Uuid, RefreshFamily>,
    keys: Vec<SigningKey>,
}

impl Tables {
    fn insert(&mut self, account: &Account) -> bool {
        let accounts = &mut self.accounts;
        let taken = accounts.contains_key(&account.name) || accounts.values().any(|a| a.webid == account.webid);
        if !taken {
            accounts.insert(account.name.clone(), account.clone());
            for invitation in &mut self.invitations {
                invitation.begun.take_if(|begun| *begun == account.name);
            }
        }
        !taken
    }

    fn invitation(&mut self, secret: &SecretHash) -> Option<&mut Invitation> {
        self.invitations.iter_mut().find(|invitation| invitation.secret == *secret)
    }
}

#[async_trait::async_trait]
impl Store for MemoryStore {
    async fn insert_account(&self, account: &Account) -> Result<bool, StoreError> {
        Ok(self.0.lock().insert(account))
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        Ok(self.0.lock().accounts.values().cloned().collect())
    }

    async fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        Ok(self.0.lock().accounts.get(name).cloned())
    }

    async fn account_of(&self, webid: &WebId) -> Result<Option<Account>, StoreError> {
        Ok(self.0.lock().accounts.values().find(|a| a.webid == *webid).cloned())
    }

    async fn set_password(&self, name: &str, password: Option<&PasswordHash>) -> Result<bool, StoreError> {
        let mut tables = self.0.lock();
        let Tables { accounts, families, .. } = &mut *tables;
        let Some(account) = accounts.get_mut(name) else { return Ok(false) };
        account.password = password.cloned();
        families.retain(|_, family| family.webid != account.webid);
        Ok(true)
    }

    async fn remove_account(&self, name: &str) -> Result<bool, StoreError> {
        let mut tables = self.0.lock();
        let Some(account) = tables.accounts.remove(name) else { return Ok(false) };
        tables.credentials.retain(|_, credentials| credentials.webid != account.webid);
        tables.families.retain(|_, family| family.webid != account.webid);
        Ok(true)
    }

    async fn insert_invitation(&self, invitation: &Invitation) -> Result<(), StoreError> {
        self.0.lock().invitations.push(invitation.clone());
        Ok(())
    }

    async fn invitation(&self, secret: &SecretHash) -> Result<Option<Invitation>, StoreError> {
        Ok(self.0.lock().invitation(secret).cloned())
    }

    async fn invitations(&self) -> Result<Vec<Invitation>, StoreError> {
        Ok(self.0.lock().invitations.clone())
    }

    async fn remove_invitation(&self, secret: &SecretHash) -> Result<bool, StoreError> {
        let invitations = &mut self.0.lock().invitations;
        let before = invitations.len();
        invitations.retain(|invitation| invitation.secret != *secret);
        Ok(invitations.len() < before)
    }

    async fn begin_sign_up(&self, secret: &SecretHash, name: &str) -> Result<bool, StoreError> {
        let mut tables = self.0.lock();
        let Some(invitation) = tables.invitation(secret) else { return Ok(false) };
        let is_other = |only: &Option<Arc<str>>| only.as_deref().is_some_and(|only| only != name);
        if is_other(&invitation.name) || is_other(&invitation.begun) {
            return Ok(false);
        }
        invitation.begun = Some(name.into());
        Ok(true)
    }

    async fn abandon_sign_up(&self, secret: &SecretHash, name: &str) -> Result<(), StoreError> {
        if let Some(invitation) = self.0.lock().invitation(secret) {
            invitation.begun.take_if(|begun| **begun == *name);
        }
        Ok(())
    }

    async fn accept(&self, secret: &SecretHash, account: &Account) -> Result<Acceptance, StoreError> {
        let mut tables = self.0.lock();
        if tables.invitation(secret).is_none_or(|invitation| invitation.begun.as_ref() != Some(&account.name)) {
            return Ok(Acceptance::Gone);
        }
        if !tables.insert(account) {
            return Ok(Acceptance::Taken);
        }
        tables.invitations.retain(|invitation| invitation.secret != *secret);
        Ok(Acceptance::Accepted)
    }

    async fn insert_credentials(&self, credentials: &ClientCredentials) -> Result<bool, StoreError> {
        let table = &mut self.0.lock().credentials;
        let taken = table.contains_key(&credentials.id);
        if !taken {
            table.insert(credentials.id.clone(), credentials.clone());
        }
        Ok(!taken)
    }

    async fn credentials(&self, id: &str) -> Result<Option<ClientCredentials>, StoreError> {
        Ok(self.0.lock().credentials.get(id).cloned())
    }

    async fn credentials_of(&self, webid: &WebId) -> Result<Vec<ClientCredentials>, StoreError> {
        Ok(self.0.lock().credentials.values().filter(|c| c.webid == *webid).cloned().collect())
    }

    async fn remove_credentials(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.lock().credentials.remove(id).is_some())
    }

    async fn insert_client(&self, client: &RegisteredClient, limit: u64) -> Result<bool, StoreError> {
        let clients = &mut self.0.lock().clients;
        let room = (clients.len() as u64) < limit && !clients.contains_key(&client.id);
        if room {
            clients.insert(client.id.clone(), client.clone());
        }
        Ok(room)
    }

    async fn client(&self, id: &str) -> Result<Option<RegisteredClient>, StoreError> {
        Ok(self.0.lock().clients.get(id).cloned())
    }

    async fn touch_client(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        if let Some(client) = self.0.lock().clients.get_mut(id) {
            client.last_used = client.last_used.max(now);
        }
        Ok(())
    }

    async fn insert_family(&self, family: &RefreshFamily) -> Result<(), StoreError> {
        self.0.lock().families.insert(family.id, family.clone());
        Ok(())
    }

    async fn family(&self, id: Uuid) -> Result<Option<RefreshFamily>, StoreError> {
        Ok(self.0.lock().families.get(&id).cloned())
    }

    async fn rotate(
        &self,
        id: Uuid,
        presented: &SecretHash,
        next: &SecretHash,
        expires: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let families = &mut self.0.lock().families;
        let Some(family) = families.get_mut(&id) else { return Ok(Rotation::Unknown) };
        if family.current != *presented {
            families.remove(&id);
            return Ok(Rotation::Reused);
        }
        family.current = *next;
        family.expires = expires;
        Ok(Rotation::Rotated)
    }

    async fn revoke_family(&self, id: Uuid) -> Result<bool, StoreError> {
        Ok(self.0.lock().families.remove(&id).is_some())
    }

    async fn families_of(&self, webid: &WebId, limit: u64) -> Result<Vec<RefreshFamily>, StoreError> {
        let mut families: Vec<_> = self.0.lock().families.values().filter(|f| f.webid == *webid).cloned().collect();
        families.sort_by_key(|family| std::cmp::Reverse(family.expires));
        families.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(families)
    }

    async fn revoke_families(&self, webid: &WebId, client: Option<&str>) -> Result<(), StoreError> {
        let is_meant = |family: &RefreshFamily| client.is_none_or(|client| *family.client_id == *client);
        self.0.lock().families.retain(|_, family| family.webid != *webid || !is_meant(family));
        Ok(())
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let mut keys = self.0.lock().keys.clone();
        keys.sort_by_key(|key| std::cmp::Reverse(key.created));
        Ok(keys)
    }

    async fn keep_signing_key(&self, key: &SigningKey) -> Result<SigningKey, StoreError> {
        let keys = &mut self.0.lock().keys;
        if let Some(kept) = keys.iter().find(|kept| kept.algorithm == key.algorithm) {
            return Ok(kept.clone());
        }
        keys.push(key.clone());
        Ok(key.clone())
    }

    async fn sweep(&self, now: Timestamp, unused_since: Timestamp) -> Result<u64, StoreError> {
        let mut tables = self.0.lock();
        let Tables { clients, families, invitations, .. } = &mut *tables;
        let before = clients.len() + families.len() + invitations.len();
        invitations.retain(|invitation| invitation.expires > now);
        families.retain(|_, family| family.expires > now);
        clients.retain(|id, client| client.last_used >= unused_since || families.values().any(|f| f.client_id == *id));
        Ok((before - clients.len() - families.len() - invitations.len()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_store_in_memory_keeps_the_contract() {
        crate::testing::store_contract(MemoryStore::default).await;
    }
}
