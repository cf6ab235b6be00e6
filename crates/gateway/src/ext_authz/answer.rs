//! The verdict as Envoy takes it: `envoy.service.auth.v3.CheckResponse`.

use http::{HeaderName, HeaderValue, StatusCode};

use super::grpc::{Code, Fault, PREFIX_BYTES};
use super::write::{bytes, message, number};
use crate::denial::Denial;
use crate::denial_response::body_of;
use crate::forward_auth::tell_denial;
use crate::headers::Sets;
use crate::told::{Judged, Told};

// `CheckResponse`
const STATUS: u8 = 1;
const DENIED: u8 = 2;
const OK: u8 = 3;
// `google.rpc.Status`; a call goes on only if its code is 0, which is not written.
const STATUS_CODE: u8 = 1;
const STATUS_MESSAGE: u8 = 2;
// `DeniedHttpResponse`
const DENIED_STATUS: u8 = 1;
const DENIED_HEADERS: u8 = 2;
const DENIED_BODY: u8 = 3;
// `envoy.type.v3.HttpStatus`
const HTTP_CODE: u8 = 1;
// `OkHttpResponse`
const TO_BACKEND: u8 = 2;
const TO_REMOVE: u8 = 5;
const TO_CALLER: u8 = 6;
// `envoy.config.core.v3.HeaderValueOption`, and `HeaderValue` in it.
const HEADER: u8 = 1;
const APPEND_ACTION: u8 = 3;
const KEY: u8 = 1;
const VALUE: u8 = 2;
/// The one action that is used: what is there already goes.
const OVERWRITE_IF_EXISTS_OR_ADD: u16 = 2;

/// As large as an answer is, about.
const USUAL_BYTES: usize = 640;

/// The answer with the room for its prefix. A fault of the gate's own is none.
pub(super) fn of(judged: &Judged, told: Option<&Told>) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(USUAL_BYTES);
    out.resize(PREFIX_BYTES, 0);
    match &judged.verdict {
        Ok(_) => allow(&mut out, judged, told),
        Err(denial) => deny(&mut out, judged, denial)?,
    }
    Ok(out)
}

fn allow(out: &mut Vec<u8>, judged: &Judged, told: Option<&Told>) {
    message(out, STATUS, |_| {});
    message(out, OK, |out| {
        judged.tell_backend(&mut Options(out, TO_BACKEND));
        for name in told.into_iter().flat_map(|told| judged.to_remove(told)) {
            bytes(out, TO_REMOVE, name.as_str().as_bytes());
        }
        judged.tell_caller(&mut Options(out, TO_CALLER));
    });
}

/// A denial is an answer.
fn deny(out: &mut Vec<u8>, judged: &Judged, denial: &Denial) -> Result<(), Fault> {
    let status = denial.reason.status_for_a_proxy();
    let code = if status == StatusCode::UNAUTHORIZED {
        Code::Unauthenticated
    } else if status == StatusCode::FORBIDDEN {
        Code::PermissionDenied
    } else {
        return Err(Fault(Code::Unavailable, denial.reason.row().name));
    };
    message(out, STATUS, |out| {
        number(out, STATUS_CODE, code.number());
        bytes(out, STATUS_MESSAGE, denial.reason.to_string().as_bytes());
    });
    message(out, DENIED, |out| {
        message(out, DENIED_STATUS, |out| number(out, HTTP_CODE, status.as_u16()));
        let mut options = Options(out, DENIED_HEADERS);
        tell_denial(&mut options, denial);
        judged.tell_caller(&mut options);
        bytes(out, DENIED_BODY, body_of(denial, &judged.id).as_bytes());
    });
    Ok(())
}

/// A list of headers to set, each in place of any of the same name.
struct Options<'a>(&'a mut Vec<u8>, u8);

impl Sets for Options<'_> {
    fn set(&mut self, name: HeaderName, value: &[u8]) {
        // What could be no header is none here either.
        if !value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return;
        }
        message(self.0, self.1, |out| {
            message(out, HEADER, |out| {
                bytes(out, KEY, name.as_str().as_bytes());
                bytes(out, VALUE, value);
            });
            number(out, APPEND_ACTION, OVERWRITE_IF_EXISTS_OR_ADD);
        });
    }

    fn set_value(&mut self, name: HeaderName, value: &HeaderValue) {
        self.set(name, value.as_bytes());
    }
}
