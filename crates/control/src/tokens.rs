//! Tokens: issued, and revoked before their end.
//!
//! A token that was got by another one ends when that one does: by its time, or because it was revoked. All
//! tokens of a user end when their password or key changes, when they leave a workspace, and when they are
//! disabled.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_domain::refusal::Counted;
use tidegate_domain::time::DAY_MS;
use tidegate_domain::{Timestamp, UserId};
use tidegate_sign::{Secret, hex, sha256};
use tidegate_store::{Revision, Token, TokenHash};

use crate::error::Result;
use crate::identity::{Identity, Proven};
use crate::turn::{self, Turn};
use crate::{Control, ids};

/// How long a token is good for that was got by a password or a key.
const TOKEN_MS: i64 = DAY_MS;

/// A token that was just made. This is the only time its text is known.
pub struct Issued {
    /// The text.
    pub text: Secret,
    /// Whom it stands for.
    pub identity: Identity,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The revision that holds it.
    pub revision: Revision,
}

pub(crate) fn token_hash(text: &str) -> TokenHash {
    TokenHash(sha256(text.as_bytes()))
}

impl Control {
    /// A token for somebody who has proven who they are; none if what they proved it by is good for nothing
    /// any more.
    pub(crate) async fn issue(&self, proven: Proven, now: Timestamp) -> Result<Option<Issued>> {
        turn::whole(|| self.issue_once(&proven, now)).await
    }

    async fn issue_once(&self, proven: &Proven, now: Timestamp) -> Result<Option<Issued>> {
        let Proven { identity, user, parent } = proven;
        let text = Secret::new(hex(&ids::random::<32>()?));
        let mut turn = Turn::begin(self, Some(user.id.clone()), now).await?;
        if turn.user(&user.id).await?.as_ref() != Some(user) {
            return Ok(None);
        }
        let expires_at = match parent {
            None => turn.now.plus_ms(TOKEN_MS),
            Some(parent) => match turn.token(&parent.hash).await? {
                Some(parent) if turn.now < parent.expires_at => parent.expires_at,
                Some(_) | None => return Ok(None),
            },
        };
        let now = turn.now;
        let count = turn.count_tokens(&user.id, now).await?;
        turn.settings.quotas.must_have_room(Counted::Tokens, count)?;
        let token = Token {
            hash: token_hash(text.expose()),
            user: user.id.clone(),
            project: identity.project.id.clone(),
            issued_at: now,
            expires_at,
            parent: parent.as_ref().map(|parent| parent.hash),
        };
        turn.put_token(&token).await?;
        turn.record("token.issued", &user.id, json!({})).await?;
        let revision = self.commit(turn).await?;
        let identity = identity.clone();
        Ok(Some(Issued { text, identity, issued_at: now, expires_at, revision }))
    }

    /// Revokes a token of this user, and those that were got by it. None if the user has no such token.
    pub async fn revoke(
        &self,
        user: &UserId,
        text: &Secret,
        now: Timestamp,
    ) -> Result<Option<Revision>> {
        turn::whole(|| self.revoke_once(user, text, now)).await
    }

    async fn revoke_once(
        &self,
        user: &UserId,
        text: &Secret,
        now: Timestamp,
    ) -> Result<Option<Revision>> {
        let mut turn = Turn::begin(self, Some(user.clone()), now).await?;
        let hash = token_hash(text.expose());
        let now = turn.now;
        let token = turn.token(&hash).await?;
        if !token.is_some_and(|token| token.user == *user && now < token.expires_at) {
            return Ok(None);
        }
        let theirs = turn.tokens_of(user).await?;
        let gone = descendants(hash, &theirs);
        for hash in &gone {
            turn.revoke_token(hash).await?;
        }
        turn.record("token.revoked", user, json!({ "count": gone.len() })).await?;
        Ok(Some(self.commit_as(turn, true).await?))
    }
}

/// A token and all that were got by it, by whatever number of steps.
fn descendants(root: TokenHash, tokens: &[Token]) -> BTreeSet<TokenHash> {
    let mut found = BTreeSet::from([root]);
    loop {
        let before = found.len();
        let got_by = |token: &&Token| token.parent.is_some_and(|parent| found.contains(&parent));
        let next: Vec<TokenHash> = tokens.iter().filter(got_by).map(|token| token.hash).collect();
        found.extend(next);
        if found.len() == before {
            return found;
        }
    }
}

/// Revokes all tokens of a user, and returns how many there were.
pub(crate) async fn revoke_all(turn: &mut Turn<'_>, user: &UserId) -> Result<usize> {
    let tokens = turn.tokens_of(user).await?;
    for token in &tokens {
        turn.revoke_token(&token.hash).await?;
    }
    Ok(tokens.len())
}

#[cfg(test)]
mod tests {
    use tidegate_domain::ProjectId;

    use super::*;

    fn token(byte: u8, parent: Option<u8>) -> Token {
        Token {
            hash: TokenHash([byte; 32]),
            user: UserId::parse("u").unwrap(),
            project: ProjectId::parse("p").unwrap(),
            issued_at: Timestamp::from_ms(0),
            expires_at: Timestamp::from_ms(1),
            parent: parent.map(|byte| TokenHash([byte; 32])),
        }
    }

    #[test]
    fn what_was_got_by_a_token_is_found_whatever_the_order() {
        let all = [token(4, Some(3)), token(3, Some(1)), token(1, None), token(2, None)];
        let found = |byte| descendants(TokenHash([byte; 32]), &all);
        let hashes = |bytes: &[u8]| bytes.iter().map(|byte| TokenHash([*byte; 32])).collect();
        assert_eq!(found(1), hashes(&[1, 3, 4]));
        assert_eq!(found(3), hashes(&[3, 4]));
        assert_eq!(found(2), hashes(&[2]));
    }
}
