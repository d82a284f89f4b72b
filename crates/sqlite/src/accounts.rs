//! What the provider keeps: accounts, invitations, credentials, clients, refresh families and signing keys.

use crate::{
    Sqlite,
    columns::{Columns, foreign, nanos, signed},
    error::{self, EngineError},
    step::Step,
};
use podbell_model::{Timestamp, Uuid, WebId};
use podbell_provider::store::{
    Acceptance, Account, ClientCredentials, Invitation, PasswordHash, RefreshFamily, RegisteredClient, Rotation,
    SecretHash, SigningAlgorithm, SigningKey, Store, StoreError,
};
use rusqlite::{Connection, OptionalExtension, Params, Row, params, types::Type};
use std::sync::Arc;

const ACCOUNT: &str = "SELECT name, webid, password FROM accounts";
const INVITATION: &str = "SELECT secret, name, begun, created, expires FROM invitations";
const CREDENTIALS: &str = "SELECT id, secret, webid, name, created FROM credentials";
const CLIENT: &str = "SELECT id, secret, name, redirect_uris, post_logout_redirect_uris, algorithm, created, last_used
                      FROM clients";
const FAMILY: &str = "SELECT id, current, client, webid, scope, jkt, algorithm, expires FROM families";
const KEY: &str = "SELECT kid, algorithm, pkcs8, created FROM signing_keys";

impl Sqlite {
    async fn note<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Step<'_>) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(work).await.map_err(error::provider)
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(move |db| Ok(question(db)?)).await.map_err(error::provider)
    }
}

#[async_trait::async_trait]
impl Store for Sqlite {
    async fn insert_account(&self, account: &Account) -> Result<bool, StoreError> {
        let account = account.clone();
        self.note(move |step| insert(step.db, &account)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let sql = format!("{ACCOUNT} ORDER BY name");
        self.ask(move |db| db.prepare_cached(&sql)?.query_map([], account)?.collect()).await
    }

    async fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        let name = name.to_owned();
        self.ask(move |db| one(db, &format!("{ACCOUNT} WHERE name = ?1"), [name], account)).await
    }

    async fn account_of(&self, webid: &WebId) -> Result<Option<Account>, StoreError> {
        let webid = webid.clone();
        self.ask(move |db| one(db, &format!("{ACCOUNT} WHERE webid = ?1"), [webid.as_str()], account)).await
    }

    async fn set_password(&self, name: &str, password: Option<&PasswordHash>) -> Result<bool, StoreError> {
        let (name, password) = (name.to_owned(), password.cloned());
        self.note(move |step| {
            let sql = "UPDATE accounts SET password = ?2 WHERE name = ?1 RETURNING webid";
            let values = params![name, password.as_ref().map(|hash| &*hash.0)];
            let Some(webid) = one(step.db, sql, values, |row| row.get::<_, String>(0))? else { return Ok(false) };
            changed(step.db, "DELETE FROM families WHERE webid = ?1", [&webid])?;
            Ok(true)
        })
        .await
    }

    async fn remove_account(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.note(move |step| {
            let sql = "DELETE FROM accounts WHERE name = ?1 RETURNING webid";
            let Some(webid) = one(step.db, sql, [name], |row| row.get::<_, String>(0))? else { return Ok(false) };
            for sql in ["DELETE FROM credentials WHERE webid = ?1", "DELETE FROM families WHERE webid = ?1"] {
                changed(step.db, sql, [&webid])?;
            }
            Ok(true)
        })
        .await
    }

    async fn insert_invitation(&self, invitation: &Invitation) -> Result<(), StoreError> {
        let i = invitation.clone();
        let sql = "INSERT INTO invitations (secret, name, begun, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.note(move |step| {
            let (name, begun) = (i.name.as_deref(), i.begun.as_deref());
            changed(step.db, sql, params![i.secret.0, name, begun, nanos(i.created), nanos(i.expires)])
        })
        .await
        .map(|_| ())
    }

    async fn invitation(&self, secret: &SecretHash) -> Result<Option<Invitation>, StoreError> {
        let secret = secret.0;
        self.ask(move |db| one(db, &format!("{INVITATION} WHERE secret = ?1"), [secret], invitation)).await
    }

    async fn invitations(&self) -> Result<Vec<Invitation>, StoreError> {
        self.ask(move |db| db.prepare_cached(INVITATION)?.query_map([], invitation)?.collect()).await
    }

    async fn remove_invitation(&self, secret: &SecretHash) -> Result<bool, StoreError> {
        let secret = secret.0;
        self.note(move |step| changed(step.db, "DELETE FROM invitations WHERE secret = ?1", [secret])).await
    }

    async fn begin_sign_up(&self, secret: &SecretHash, name: &str) -> Result<bool, StoreError> {
        let (secret, name) = (secret.0, name.to_owned());
        let sql = "UPDATE invitations SET begun = ?2
                   WHERE secret = ?1 AND ifnull(name, ?2) = ?2 AND ifnull(begun, ?2) = ?2";
        self.note(move |step| changed(step.db, sql, params![secret, name])).await
    }

    async fn abandon_sign_up(&self, secret: &SecretHash, name: &str) -> Result<(), StoreError> {
        let (secret, name) = (secret.0, name.to_owned());
        let sql = "UPDATE invitations SET begun = NULL WHERE secret = ?1 AND begun = ?2";
        self.note(move |step| changed(step.db, sql, params![secret, name])).await.map(|_| ())
    }

    async fn accept(&self, secret: &SecretHash, account: &Account) -> Result<Acceptance, StoreError> {
        let (secret, account) = (secret.0, account.clone());
        self.note(move |step| {
            let sql = "SELECT 1 FROM invitations WHERE secret = ?1 AND begun = ?2";
            if one(step.db, sql, params![secret, &*account.name], |_| Ok(()))?.is_none() {
                return Ok(Acceptance::Gone);
            }
            if !insert(step.db, &account)? {
                return Ok(Acceptance::Taken);
            }
            changed(step.db, "DELETE FROM invitations WHERE secret = ?1", [secret])?;
            Ok(Acceptance::Accepted)
        })
        .await
    }

    async fn insert_credentials(&self, credentials: &ClientCredentials) -> Result<bool, StoreError> {
        let c = credentials.clone();
        let sql = "INSERT INTO credentials (id, secret, webid, name, created) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT DO NOTHING";
        self.note(move |step| {
            changed(step.db, sql, params![&*c.id, c.secret.0, c.webid.as_str(), &*c.name, nanos(c.created)])
        })
        .await
    }

    async fn credentials(&self, id: &str) -> Result<Option<ClientCredentials>, StoreError> {
        let id = id.to_owned();
        self.ask(move |db| one(db, &format!("{CREDENTIALS} WHERE id = ?1"), [id], credentials)).await
    }

    async fn credentials_of(&self, webid: &WebId) -> Result<Vec<ClientCredentials>, StoreError> {
        let webid = webid.clone();
        let sql = format!("{CREDENTIALS} WHERE webid = ?1 ORDER BY id");
        self.ask(move |db| db.prepare_cached(&sql)?.query_map([webid.as_str()], credentials)?.collect()).await
    }

    async fn remove_credentials(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.note(move |step| changed(step.db, "DELETE FROM credentials WHERE id = ?1", [id])).await
    }

    async fn insert_client(&self, client: &RegisteredClient, limit: u64) -> Result<bool, StoreError> {
        let c = client.clone();
        let sql = "INSERT INTO clients
                       (id, secret, name, redirect_uris, post_logout_redirect_uris, algorithm, created, last_used)
                   SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE (SELECT count(*) FROM clients) < ?9
                   ON CONFLICT DO NOTHING";
        self.note(move |step| {
            let (redirects, logouts) = (list(&c.redirect_uris), list(&c.post_logout_redirect_uris));
            let (secret, algorithm) = (c.secret.map(|secret| secret.0), c.id_token_algorithm.as_str());
            let (created, used, limit) = (nanos(c.created), nanos(c.last_used), signed(limit));
            let row = params![&*c.id, secret, &*c.name, redirects, logouts, algorithm, created, used, limit];
            changed(step.db, sql, row)
        })
        .await
    }

    async fn client(&self, id: &str) -> Result<Option<RegisteredClient>, StoreError> {
        let id = id.to_owned();
        self.ask(move |db| one(db, &format!("{CLIENT} WHERE id = ?1"), [id], client)).await
    }

    async fn touch_client(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        let sql = "UPDATE clients SET last_used = ?2 WHERE id = ?1 AND last_used < ?2";
        self.note(move |step| changed(step.db, sql, params![id, nanos(now)])).await.map(|_| ())
    }

    async fn insert_family(&self, family: &RefreshFamily) -> Result<(), StoreError> {
        let f = family.clone();
        let sql = "INSERT INTO families (id, current, client, webid, scope, jkt, algorithm, expires)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.note(move |step| {
            let (id, jkt, algorithm) = (f.id.as_bytes(), f.jkt.as_deref(), f.id_token_algorithm.as_str());
            let (client, webid, expires) = (&*f.client_id, f.webid.as_str(), nanos(f.expires));
            changed(step.db, sql, params![id, f.current.0, client, webid, &*f.scope, jkt, algorithm, expires])
        })
        .await
        .map(|_| ())
    }

    async fn family(&self, id: Uuid) -> Result<Option<RefreshFamily>, StoreError> {
        self.ask(move |db| one(db, &format!("{FAMILY} WHERE id = ?1"), [id.as_bytes()], family)).await
    }

    async fn rotate(
        &self,
        id: Uuid,
        presented: &SecretHash,
        next: &SecretHash,
        expires: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let (presented, next) = (presented.0, next.0);
        self.note(move |step| {
            let sql = "UPDATE families SET current = ?3, expires = ?4 WHERE id = ?1 AND current = ?2";
            if changed(step.db, sql, params![id.as_bytes(), presented, next, nanos(expires)])? {
                return Ok(Rotation::Rotated);
            }
            let known = changed(step.db, "DELETE FROM families WHERE id = ?1", [id.as_bytes()])?;
            Ok(if known { Rotation::Reused } else { Rotation::Unknown })
        })
        .await
    }

    async fn revoke_family(&self, id: Uuid) -> Result<bool, StoreError> {
        self.note(move |step| changed(step.db, "DELETE FROM families WHERE id = ?1", [id.as_bytes()])).await
    }

    async fn families_of(&self, webid: &WebId, limit: u64) -> Result<Vec<RefreshFamily>, StoreError> {
        let (webid, limit) = (webid.clone(), signed(limit));
        let sql = format!("{FAMILY} WHERE webid = ?1 ORDER BY expires DESC LIMIT ?2");
        self.ask(move |db| db.prepare_cached(&sql)?.query_map(params![webid.as_str(), limit], family)?.collect()).await
    }

    async fn revoke_families(&self, webid: &WebId, client: Option<&str>) -> Result<(), StoreError> {
        let (webid, client) = (webid.clone(), client.map(str::to_owned));
        let sql = "DELETE FROM families WHERE webid = ?1 AND client = ifnull(?2, client)";
        self.note(move |step| changed(step.db, sql, params![webid.as_str(), client])).await.map(|_| ())
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let sql = format!("{KEY} ORDER BY created DESC, kid");
        self.ask(move |db| db.prepare_cached(&sql)?.query_map([], key)?.collect()).await
    }

    async fn keep_signing_key(&self, offered: &SigningKey) -> Result<SigningKey, StoreError> {
        let k = offered.clone();
        self.note(move |step| {
            // One for each algorithm: whoever came first. A `kid` that is taken by another algorithm is an error.
            let sql = "INSERT INTO signing_keys (kid, algorithm, pkcs8, created) VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT (algorithm) DO NOTHING";
            changed(step.db, sql, params![&*k.kid, k.algorithm.as_str(), &*k.pkcs8, nanos(k.created)])?;
            let sql = format!("{KEY} WHERE algorithm = ?1");
            Ok(step.db.prepare_cached(&sql)?.query_row([k.algorithm.as_str()], key)?)
        })
        .await
    }

    async fn sweep(&self, now: Timestamp, unused_since: Timestamp) -> Result<u64, StoreError> {
        self.note(move |step| {
            let families = step.db.execute("DELETE FROM families WHERE expires <= ?1", [nanos(now)])?;
            let invitations = step.db.execute("DELETE FROM invitations WHERE expires <= ?1", [nanos(now)])?;
            let sql = "DELETE FROM clients WHERE last_used < ?1
                       AND NOT EXISTS (SELECT 1 FROM families WHERE families.client = clients.id)";
            let clients = step.db.execute(sql, [nanos(unused_since)])?;
            Ok((families + invitations + clients) as u64)
        })
        .await
    }
}

/// False, and nothing done, if the name or the WebID is taken. A sign-up that was cut off has no claim to what comes
/// after an account of that name.
fn insert(db: &Connection, account: &Account) -> Result<bool, EngineError> {
    let sql = "INSERT INTO accounts (name, webid, password) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let password = account.password.as_ref().map(|password| &*password.0);
    let is_new = changed(db, sql, params![&*account.name, account.webid.as_str(), password])?;
    if is_new {
        changed(db, "UPDATE invitations SET begun = NULL WHERE begun = ?1", [&*account.name])?;
    }
    Ok(is_new)
}

fn changed(db: &Connection, sql: &str, values: impl Params) -> Result<bool, EngineError> {
    Ok(db.prepare_cached(sql)?.execute(values)? > 0)
}

fn one<T>(
    db: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    db.prepare_cached(sql)?.query_row(values, read).optional()
}

fn list(uris: &[Arc<str>]) -> String {
    serde_json::Value::from(uris.iter().map(ToString::to_string).collect::<Vec<_>>()).to_string()
}

fn uris(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Arc<str>>> {
    let uris: Vec<String> =
        serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| foreign(column, Type::Text, error))?;
    Ok(uris.into_iter().map(Into::into).collect())
}

fn algorithm(row: &Row<'_>, column: usize) -> rusqlite::Result<SigningAlgorithm> {
    let name: String = row.get(column)?;
    SigningAlgorithm::from_name(&name)
        .ok_or_else(|| foreign(column, Type::Text, EngineError::Invalid("no algorithm that this server signs with")))
}

fn webid(row: &Row<'_>, column: usize) -> rusqlite::Result<WebId> {
    Ok(WebId::new(row.get::<_, Arc<str>>(column)?))
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account { name: row.get(0)?, webid: webid(row, 1)?, password: row.get::<_, Option<_>>(2)?.map(PasswordHash) })
}

fn invitation(row: &Row<'_>) -> rusqlite::Result<Invitation> {
    let (secret, name, begun) = (SecretHash(row.get(0)?), row.get(1)?, row.get(2)?);
    Ok(Invitation { secret, name, begun, created: row.time(3)?, expires: row.time(4)? })
}

fn credentials(row: &Row<'_>) -> rusqlite::Result<ClientCredentials> {
    let secret = SecretHash(row.get(1)?);
    Ok(ClientCredentials { id: row.get(0)?, secret, webid: webid(row, 2)?, name: row.get(3)?, created: row.time(4)? })
}

fn client(row: &Row<'_>) -> rusqlite::Result<RegisteredClient> {
    Ok(RegisteredClient {
        id: row.get(0)?,
        secret: row.get::<_, Option<_>>(1)?.map(SecretHash),
        name: row.get(2)?,
        redirect_uris: uris(row, 3)?,
        post_logout_redirect_uris: uris(row, 4)?,
        id_token_algorithm: algorithm(row, 5)?,
        created: row.time(6)?,
        last_used: row.time(7)?,
    })
}

fn family(row: &Row<'_>) -> rusqlite::Result<RefreshFamily> {
    Ok(RefreshFamily {
        id: row.uuid(0)?,
        current: SecretHash(row.get(1)?),
        client_id: row.get(2)?,
        webid: webid(row, 3)?,
        scope: row.get(4)?,
        jkt: row.get(5)?,
        id_token_algorithm: algorithm(row, 6)?,
        expires: row.time(7)?,
    })
}

fn key(row: &Row<'_>) -> rusqlite::Result<SigningKey> {
    let pkcs8 = row.get::<_, Vec<u8>>(2)?.into();
    Ok(SigningKey { kid: row.get(0)?, algorithm: algorithm(row, 1)?, pkcs8, created: row.time(3)? })
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn the_contract_of_the_provider_is_kept() {
        podbell_provider::testing::store_contract(crate::fresh::store).await;
    }
}
