//! The vault: secrets are sealed before they go into the store and opened only where they are used.
//!
//! Checking a signature needs the secret itself, so it cannot be hashed. It is sealed with
//! AES-256-GCM under a key that lives outside the store; what it belongs to is bound to it, so that
//! a sealed secret moved to another row does not open. A record is `version, nonce, ciphertext`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use tidegate_domain::{AppId, AppKind, UserId};
use tidegate_sign::Secret;
use tidegate_store::{AppFilter, AppRecord, Paging, Sealed, Store, View};

use crate::error::{Error, VaultError};

/// The form of a record.
const VERSION: u8 = 1;

/// What is sealed to recognise a key by, and its place.
const CHECK: (&str, &str) = ("tidegate", "vault/check");

/// How many secrets are tried to see whether a key fits a store.
const TRIED: u64 = 100;

/// Seals and opens secrets.
pub struct Vault(RandomizedNonceKey);

impl Vault {
    /// The length of a key, in bytes.
    pub const KEY_LEN: usize = 32;

    /// A vault with this key.
    pub fn new(key: &[u8]) -> Result<Self, VaultError> {
        RandomizedNonceKey::new(&AES_256_GCM, key).map(Self).map_err(|_| VaultError::BadKey)
    }

    /// A new key, for a new vault.
    pub fn draw_key() -> Result<[u8; Self::KEY_LEN], VaultError> {
        crate::ids::random()
    }

    /// Makes sure that this is the key of a store, before anything is sealed with it. The first node to ask
    /// leaves what the key is recognised by from then on.
    pub async fn recognise(&self, store: &dyn Store) -> Result<(), Error> {
        let mut view = store.view().await?;
        let fits = self.fits(&mut *view).await?;
        let is_kept = view.vault_check().await?.is_some();
        drop(view);
        match fits {
            Some(true) if is_kept => return Ok(()),
            Some(false) => return Err(VaultError::OtherKey.into()),
            Some(true) | None => {}
        }
        let (text, place) = CHECK;
        let kept = store.keep_vault_check(&self.seal(&Secret::new(text), place)?).await?;
        // Another node may have come first.
        if self.opens_check(&kept) { Ok(()) } else { Err(VaultError::OtherKey.into()) }
    }

    fn opens_check(&self, check: &Sealed) -> bool {
        let (text, place) = CHECK;
        self.open(check, place).is_ok_and(|opened| opened.expose() == text)
    }

    /// Does this key open the secrets a store holds? What was left to recognise it by says so, if it is
    /// there. Else some secrets are tried; none when there is none.
    pub async fn fits(&self, view: &mut dyn View) -> tidegate_store::Result<Option<bool>> {
        if let Some(check) = view.vault_check().await? {
            return Ok(Some(self.opens_check(&check)));
        }
        let mut fits = None;
        let some = Paging { offset: 0, limit: TRIED };
        for record in view.apps(&AppFilter::default(), some).await?.items {
            if !record.secret.0.is_empty() {
                fits = Some(self.open(&record.secret, &app_secret(&record.app.id)).is_ok());
                if fits == Some(false) {
                    return Ok(fits);
                }
            }
        }
        for project in view.projects().await? {
            for workspace in view.workspaces(&project.id).await? {
                for member in view.members(&workspace.id).await? {
                    let user = view.user(&member.user).await?;
                    let Some(user) = user.filter(|user| !user.secret_key.0.is_empty()) else {
                        continue;
                    };
                    // One user is enough: there may be many.
                    let opens = self.open(&user.secret_key, &user_secret_key(&user.id)).is_ok();
                    return Ok(Some(opens));
                }
            }
        }
        Ok(fits)
    }

    /// Does an app's secret open? An IAM app has none.
    pub fn opens(&self, record: &AppRecord) -> bool {
        let place = app_secret(&record.app.id);
        record.app.kind == AppKind::Iam || self.open(&record.secret, &place).is_ok()
    }

    /// Seals `secret`, bound to `place`.
    pub(crate) fn seal(&self, secret: &Secret, place: &str) -> Result<Sealed, VaultError> {
        let mut text = secret.expose().as_bytes().to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(place), &mut text)
            .map_err(|_| VaultError::NoRandomness)?;
        let mut record = Vec::with_capacity(1 + NONCE_LEN + text.len());
        record.push(VERSION);
        record.extend_from_slice(nonce.as_ref());
        record.extend_from_slice(&text);
        Ok(Sealed(record))
    }

    /// Opens what was sealed for `place`.
    pub(crate) fn open(&self, sealed: &Sealed, place: &str) -> Result<Secret, VaultError> {
        let broken = || VaultError::DoesNotOpen;
        let (version, rest) = sealed.0.split_first().ok_or_else(broken)?;
        if *version != VERSION || rest.len() < NONCE_LEN {
            return Err(broken());
        }
        let (nonce, text) = rest.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut text = text.to_vec();
        let plain =
            self.0.open_in_place(nonce, Aad::from(place), &mut text).map_err(|_| broken())?;
        let plain = std::str::from_utf8(plain).map_err(|_| broken())?;
        Ok(Secret::new(plain))
    }
}

/// The place of an app's secret.
pub(crate) fn app_secret(app: &AppId) -> String {
    format!("apps/{app}/secret")
}

/// The place of a user's secret key.
pub(crate) fn user_secret_key(user: &UserId) -> String {
    format!("users/{user}/secret_key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_in_its_place_with_its_key_only() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let sealed = vault.seal(&Secret::new("s3cret"), "apps/a/secret").unwrap();
        assert_eq!(vault.open(&sealed, "apps/a/secret").unwrap().expose(), "s3cret");
        let elsewhere = vault.open(&sealed, "apps/b/secret").err();
        assert_eq!(elsewhere, Some(VaultError::DoesNotOpen));
        let other_key = Vault::new(&[8; 32]).unwrap().open(&sealed, "apps/a/secret").err();
        assert_eq!(other_key, Some(VaultError::DoesNotOpen));
        for i in 0..sealed.0.len() {
            let mut bent = sealed.clone();
            bent.0[i] ^= 1;
            assert_eq!(vault.open(&bent, "apps/a/secret").err(), Some(VaultError::DoesNotOpen));
        }
        assert!(vault.open(&Sealed(Vec::new()), "apps/a/secret").is_err());
        assert!(!sealed.0.windows(6).any(|w| w == b"s3cret"));
        assert!(Vault::new(&[1; 31]).is_err());
    }
}
