//! What the format of Web Push is written with: the primitives of the one library that everything here uses.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    encoding::{AsBigEndian, EcPrivateKeyBin},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Salt},
    rand,
};
use ece::{Cryptographer, EcKeyComponents, Error, LocalKeyPair, RemotePublicKey, Result};
use std::any::Any;

/// AWS-LC.
pub(super) struct AwsLc;

struct Local(PrivateKey);

struct Remote(Vec<u8>);

/// The length of what is derived.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn failed<E>(_: E) -> Error {
    Error::CryptoError
}

impl LocalKeyPair for Local {
    fn pub_as_raw(&self) -> Result<Vec<u8>> {
        Ok(self.0.compute_public_key().map_err(failed)?.as_ref().to_vec())
    }

    fn raw_components(&self) -> Result<EcKeyComponents> {
        let private: EcPrivateKeyBin<'_> = self.0.as_be_bytes().map_err(failed)?;
        Ok(EcKeyComponents::new(private.as_ref(), &*self.pub_as_raw()?))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl RemotePublicKey for Remote {
    fn as_raw(&self) -> Result<Vec<u8>> {
        Ok(self.0.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Cryptographer for AwsLc {
    fn generate_ephemeral_keypair(&self) -> Result<Box<dyn LocalKeyPair>> {
        Ok(Box::new(Local(PrivateKey::generate(&ECDH_P256).map_err(failed)?)))
    }

    fn import_key_pair(&self, components: &EcKeyComponents) -> Result<Box<dyn LocalKeyPair>> {
        let key = PrivateKey::from_private_key(&ECDH_P256, components.private_key()).map_err(failed)?;
        Ok(Box::new(Local(key)))
    }

    fn import_public_key(&self, raw: &[u8]) -> Result<Box<dyn RemotePublicKey>> {
        Ok(Box::new(Remote(raw.to_vec())))
    }

    fn compute_ecdh_secret(&self, remote: &dyn RemotePublicKey, local: &dyn LocalKeyPair) -> Result<Vec<u8>> {
        let local = local.as_any().downcast_ref::<Local>().ok_or(Error::CryptoError)?;
        // That it is a point of the curve is checked here.
        let remote = UnparsedPublicKey::new(&ECDH_P256, remote.as_raw()?);
        agree(&local.0, remote, Unspecified, |secret| Ok(secret.to_vec())).map_err(failed)
    }

    fn hkdf_sha256(&self, salt: &[u8], secret: &[u8], info: &[u8], len: usize) -> Result<Vec<u8>> {
        let mut derived = vec![0; len];
        let key = Salt::new(HKDF_SHA256, salt).extract(secret);
        let info = [info];
        let expanded = key.expand(&info, Length(len)).map_err(failed)?;
        expanded.fill(&mut derived).map_err(failed)?;
        Ok(derived)
    }

    fn aes_gcm_128_encrypt(&self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        let (key, nonce) = gcm(key, iv)?;
        let mut sealed = data.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).map_err(failed)?;
        Ok(sealed)
    }

    fn aes_gcm_128_decrypt(&self, key: &[u8], iv: &[u8], ciphertext_and_tag: &[u8]) -> Result<Vec<u8>> {
        let (key, nonce) = gcm(key, iv)?;
        let mut opened = ciphertext_and_tag.to_vec();
        let length = key.open_in_place(nonce, Aad::empty(), &mut opened).map_err(failed)?.len();
        opened.truncate(length);
        Ok(opened)
    }

    fn random_bytes(&self, dest: &mut [u8]) -> Result<()> {
        rand::fill(dest).map_err(failed)
    }
}

fn gcm(key: &[u8], iv: &[u8]) -> Result<(LessSafeKey, Nonce)> {
    let key = UnboundKey::new(&AES_128_GCM, key).map_err(failed)?;
    Ok((LessSafeKey::new(key), Nonce::try_assume_unique_for_key(iv).map_err(failed)?))
}
