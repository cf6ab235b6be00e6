//! Why a call did not get through, in words.

use std::error::Error;
use std::io;

use tidegate_gateway::{system_words, tls_words};

/// The cause that lies deepest and has words of its own.
pub fn unreached(error: &(dyn Error + 'static)) -> String {
    let mut causes = vec![error];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    for cause in causes.iter().rev() {
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return tls_words(error);
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return system_words(error);
        }
        let Some(error) = cause.downcast_ref::<hyper::Error>() else { continue };
        if error.is_parse() {
            return "it does not speak HTTP; is it an address with https://?".to_owned();
        }
        if error.is_incomplete_message() {
            return "it closed the connection without an answer; is it an address with https://?"
                .to_owned();
        }
    }
    causes.last().map_or_else(String::new, ToString::to_string)
}
