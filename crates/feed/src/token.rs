//! The secret that both ends of a feed share, on one machine and, if it is set, beyond.
//!
//! It is never sent. A question carries a proof: a MAC over all of its bytes. The answer is sealed with a key
//! that is derived from the token and the question, which no other question has, for a gateway draws its boot
//! anew at each start and counts its questions. So an answer cannot be read or made without the token, and one
//! that was captured answers nothing else.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use bytes::Bytes;
use tidegate_seal::{Form, PartSealer, PieceOpener, SealError, SealingKey};

use crate::limits::MOST_FRAME_BYTES;

/// The header of a question that has its proof.
pub(crate) const PROOF: &str = "x-tidegate-feed-proof";

/// How an answer is sealed.
const FORM: Form =
    Form { magic: *b"tidegate-feed\0\0\0", version: 1, purpose: "an answer of the feed" };

/// What a token has, as hex digits: 32 bytes.
const DIGITS: usize = 64;

/// The secret. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct FeedToken(Arc<hmac::Key>);

impl fmt::Debug for FeedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedToken(..)")
    }
}

/// What a MAC is made for, so that none serves for another purpose.
#[derive(Clone, Copy)]
enum Purpose {
    Question,
    Answer,
    Check,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Question => b"tidegate feed question\0",
            Self::Answer => b"tidegate feed answer\0",
            Self::Check => b"tidegate feed check\0",
        }
    }
}

impl FeedToken {
    /// The token in `text`: 64 hex digits. None if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_token = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_token.then(|| Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes()))))
    }

    fn mac(&self, purpose: Purpose, question: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(purpose.label());
        context.update(question);
        context.sign()
    }

    /// What the token is recognised by: the same for the same token, and nothing can be made of it.
    #[must_use]
    pub fn check(&self) -> Vec<u8> {
        self.mac(Purpose::Check, b"").as_ref().to_vec()
    }

    /// The proof that goes with a question.
    pub(crate) fn proof(&self, question: &[u8]) -> String {
        let tag = self.mac(Purpose::Question, question);
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Does a proof fit a question? Takes the same time whatever is wrong with it.
    pub(crate) fn proves(&self, question: &[u8], proof: &[u8]) -> bool {
        tidegate_sign::constant_time_eq(self.proof(question).as_bytes(), proof)
    }

    fn answer_key(&self, question: &[u8]) -> Option<SealingKey> {
        let tag = self.mac(Purpose::Answer, question);
        tag.as_ref().try_into().ok().map(SealingKey::new)
    }

    /// What seals the answer to a question.
    pub(crate) fn sealer(&self, question: &[u8]) -> Result<AnswerSealer, SealError> {
        let key = self.answer_key(question).ok_or(SealError::OtherKey)?;
        let sealer = PartSealer::new(&FORM, &key, Vec::new());
        sealer.map(AnswerSealer).map_err(|_| SealError::NoRandomness)
    }

    /// What opens the answer to a question.
    pub(crate) fn opener(&self, question: &[u8]) -> Option<PieceOpener> {
        Some(PieceOpener::new(FORM, self.answer_key(question)?, MOST_FRAME_BYTES))
    }
}

/// Seals an answer, frame by frame.
pub(crate) struct AnswerSealer(PartSealer<Vec<u8>>);

impl AnswerSealer {
    /// A frame, sealed.
    pub(crate) fn frame(&mut self, frame: &Bytes) -> std::io::Result<Bytes> {
        self.0.part(&mut frame.to_vec())?;
        Ok(std::mem::take(self.0.written()).into())
    }

    /// The end.
    pub(crate) fn end(self) -> std::io::Result<Bytes> {
        self.0.finish().map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(digit: &str) -> FeedToken {
        FeedToken::parse(&digit.repeat(64)).unwrap()
    }

    #[test]
    fn a_token_is_64_hex_digits() {
        assert!(FeedToken::parse(&format!("{}\n", "aB".repeat(32))).is_some());
        for text in ["", "ab", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64)] {
            assert!(FeedToken::parse(text).is_none(), "{text}");
        }
        assert_eq!(format!("{:?}", token("a")), "FeedToken(..)");
        assert_eq!(token("a").check(), token("a").check());
        assert_ne!(token("a").check(), token("b").check());
    }

    #[test]
    fn a_proof_is_for_one_question_and_one_token() {
        let proof = token("a").proof(b"question");
        assert!(token("a").proves(b"question", proof.as_bytes()));
        for (other, question) in [("b", &b"question"[..]), ("a", b"questiom"), ("a", b"")] {
            assert!(!token(other).proves(question, proof.as_bytes()));
        }
        assert!(!token("a").proves(b"question", b""));
    }

    /// An answer that was captured is sealed for its own question, and for nobody without the token.
    #[test]
    fn an_answer_is_opened_by_its_question_only() {
        let mut sealer = token("a").sealer(b"one").unwrap();
        let mut answer = sealer.frame(&Bytes::from_static(b"a secret")).unwrap().to_vec();
        answer.extend(sealer.end().unwrap());
        assert!(!answer.windows(6).any(|window| window == b"secret"));
        let opened = |token: FeedToken, question: &[u8]| {
            let mut opener = token.opener(question).unwrap();
            opener.push(&answer);
            let part = opener.part()?.map(|part| part.to_vec());
            opener.part()?;
            opener.finish().map(|()| part)
        };
        assert_eq!(opened(token("a"), b"one").unwrap(), Some(b"a secret".to_vec()));
        assert!(opened(token("a"), b"two").is_err());
        assert!(opened(token("b"), b"one").is_err());
    }
}
