//! What the system and TLS say when something fails, in words: what is wrong, and on which side.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, Error};

/// Why a file cannot be read, or an address not reached, without the number the system has for it.
#[must_use]
pub fn system_words(error: &io::Error) -> String {
    let text = match error.kind() {
        ErrorKind::NotFound => "there is no such file",
        ErrorKind::PermissionDenied => "this user may not",
        ErrorKind::IsADirectory => "it is a folder",
        ErrorKind::NotADirectory => "a part of its path is no folder",
        ErrorKind::InvalidData
            if error.get_ref().is_none_or(|inner| inner.is::<std::str::Utf8Error>()) =>
        {
            "it is not text in UTF-8"
        }
        ErrorKind::ConnectionRefused => "nothing listens there",
        ErrorKind::TimedOut => "no answer in time",
        _ => {
            let text = error.to_string();
            let end = text.find(" (os error").unwrap_or(text.len());
            return tls_words_of(error).unwrap_or_else(|| text.chars().take(end).collect());
        }
    };
    text.to_owned()
}

/// Why there is no TLS with the other end.
#[must_use]
pub fn tls_words(error: &Error) -> String {
    let text = match error {
        Error::InvalidCertificate(why) => return certificate(why),
        Error::NoCertificatesPresented => "it shows no certificate, and needs one",
        Error::AlertReceived(alert) => return refused(*alert),
        Error::InvalidMessage(_) | Error::PeerSentOversizedRecord => {
            "it does not speak TLS; is it an address with http://?"
        }
        Error::PeerIncompatible(_) => {
            "it speaks no version of TLS, or no cipher, that is spoken here"
        }
        Error::NoApplicationProtocol => "it does not speak HTTP over TLS as it is spoken here",
        Error::UnsupportedNameType => "its address is no name that a certificate can have",
        Error::FailedToGetCurrentTime => "this machine does not tell the time",
        Error::FailedToGetRandomBytes => "the operating system gave no randomness",
        Error::InconsistentKeys(_) => "a key does not belong to its certificate",
        _ => "it does not speak TLS as it should",
    };
    text.to_owned()
}

/// The same of what reading or writing has failed with; none if it was not TLS that failed.
#[must_use]
pub fn tls_words_of(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?;
    if let Some(error) = inner.downcast_ref::<Error>() {
        return Some(tls_words(error));
    }
    inner.downcast_ref::<io::Error>().and_then(tls_words_of)
}

/// What is wrong with the certificate that the other end has shown.
fn certificate(why: &CertificateError) -> String {
    let text = match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has ended, by the clock of this machine"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate has not begun, by the clock of this machine"
        }
        CertificateError::Revoked => "its certificate is revoked",
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is of an authority that is not trusted here"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name than the one in the address"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not made for this end of a connection"
        }
        CertificateError::BadEncoding => "its certificate cannot be read",
        _ => "its certificate cannot be used",
    };
    text.to_owned()
}

/// What the other end says of this one.
fn refused(alert: AlertDescription) -> String {
    let text = match alert {
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            "it refuses the certificate of this machine: the authority is not one it trusts"
        }
        AlertDescription::CertificateExpired => {
            "it refuses the certificate of this machine: it has ended, or the clocks differ"
        }
        AlertDescription::CertificateRequired => {
            "it wants a certificate of this machine, and got none"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => "it refuses the certificate of this machine",
        AlertDescription::UnrecognisedName => "it has no certificate for the name in the address",
        AlertDescription::ProtocolVersion
        | AlertDescription::HandshakeFailure
        | AlertDescription::InsufficientSecurity => {
            "it speaks no version of TLS, or no cipher, that is spoken here"
        }
        AlertDescription::NoApplicationProtocol => {
            "it does not speak HTTP over TLS as it is spoken here"
        }
        _ => "it ended the conversation about TLS",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Neither a name of Rust's nor a brace of its debug form is for people.
    #[test]
    fn every_failure_is_a_sentence() {
        let certificates = [
            CertificateError::BadEncoding,
            CertificateError::Expired,
            CertificateError::NotValidYet,
            CertificateError::Revoked,
            CertificateError::UnhandledCriticalExtension,
            CertificateError::UnknownIssuer,
            CertificateError::BadSignature,
            CertificateError::NotValidForName,
            CertificateError::InvalidPurpose,
            CertificateError::ApplicationVerificationFailure,
        ];
        let alerts = (0..=255_u8).map(|code| Error::AlertReceived(code.into()));
        let others = [
            Error::NoCertificatesPresented,
            Error::NoApplicationProtocol,
            Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
            Error::PeerIncompatible(rustls::PeerIncompatible::NoCipherSuitesInCommon),
            Error::General("anything".to_owned()),
        ];
        let all =
            certificates.into_iter().map(Error::InvalidCertificate).chain(alerts).chain(others);
        for error in all {
            for text in [
                tls_words(&error),
                tls_words_of(&io::Error::other(io::Error::other(error.clone()))).unwrap(),
            ] {
                let words = text.split([' ', ',', ';', ':']);
                let is_plain = |word: &str| !word.chars().skip(1).any(|c| c.is_ascii_uppercase());
                let known = ["TLS", "HTTP"];
                assert!(
                    words.clone().all(|word| is_plain(word) || known.contains(&word)),
                    "{error:?}: {text}"
                );
                assert!(!text.contains(['{', '(', '_']), "{error:?}: {text}");
            }
        }
        assert_eq!(tls_words_of(&io::ErrorKind::ConnectionReset.into()), None);
    }

    #[test]
    fn the_systems_numbers_are_not_for_people() {
        for (error, words) in [
            (io::Error::from_raw_os_error(2), "there is no such file"),
            (io::Error::from_raw_os_error(13), "this user may not"),
            (io::Error::from_raw_os_error(28), "No space left on device"),
            (io::Error::from_raw_os_error(111), "nothing listens there"),
            (io::Error::other("odd"), "odd"),
        ] {
            assert_eq!(system_words(&error), words);
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [0xff]).unwrap();
        let error = std::fs::read_to_string(file.path()).err().unwrap();
        assert_eq!(system_words(&error), "it is not text in UTF-8");
    }
}
