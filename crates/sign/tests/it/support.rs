//! A request that owns its parts, and readers of the vector files.

use http::{HeaderMap, HeaderName, HeaderValue};
use tidegate_sign::{
    Authorization, Checked, Payload, Secret, SignError, SignedRequest, Target, authorization_of,
    check, parse_sdk_date, sign,
};

/// The window that the service uses.
pub const WINDOW: i64 = 900;

#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Call {
    pub fn new(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let mut call = Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        for (name, value) in headers {
            call.add(name, value.as_bytes());
        }
        call
    }

    /// Appends; a second one of the same name stays beside the first.
    pub fn add(&mut self, name: &str, value: &[u8]) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }

    pub fn set(&mut self, name: &str, value: &str) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }

    pub fn payload(&self) -> Payload<'_> {
        Payload::Bytes(&self.body)
    }

    /// Signs at this time and sets the headers.
    pub fn signed(mut self, access: &str, secret: &str, date: i64) -> Self {
        let target = Target::parse(&self.target).unwrap();
        let added =
            sign(&self.request(&target), self.payload(), access, &Secret::new(secret), date)
                .unwrap();
        self.headers.extend(added);
        self
    }

    pub fn request<'a>(&'a self, target: &'a Target) -> SignedRequest<'a> {
        SignedRequest { method: &self.method, target, headers: &self.headers, host: None }
    }

    pub fn check_as(
        &self,
        payload: Payload<'_>,
        secret: &Secret,
        now: i64,
    ) -> Result<Checked, SignError> {
        let target = Target::parse(&self.target).unwrap();
        let authorization = Authorization::parse(authorization_of(&self.headers)?)?;
        check(&self.request(&target), &authorization, payload, secret, now, WINDOW)
    }

    pub fn check(&self, secret: &str, now: i64) -> Result<Checked, SignError> {
        self.check_as(self.payload(), &Secret::new(secret), now)
    }
}

/// One block of `vectors/requests.txt`.
pub struct Vector {
    pub name: String,
    pub access: String,
    pub secret: String,
    pub call: Call,
    pub allows_unsigned: bool,
    pub canonical_path: String,
    pub canonical_query: String,
    pub last_line: String,
    pub canonical_sha256: String,
    pub signature: String,
}

impl Vector {
    pub fn payload(&self) -> Payload<'_> {
        if self.allows_unsigned { Payload::Unsigned } else { self.call.payload() }
    }

    /// The names of all headers, in the order of signing.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.call.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    pub fn date(&self) -> i64 {
        parse_sdk_date(self.call.headers["x-sdk-date"].to_str().unwrap()).unwrap()
    }

    /// The request with the signature that the vector gives.
    pub fn signed_call(&self) -> Call {
        let mut call = self.call.clone();
        call.set(
            "authorization",
            &format!(
                "SDK-HMAC-SHA256 Access={}, SignedHeaders={}, Signature={}",
                self.access,
                self.names().join(";"),
                self.signature
            ),
        );
        call
    }
}

pub fn vectors() -> Vec<Vector> {
    let file = include_str!("../../vectors/requests.txt");
    let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with('#')).collect();
    lines
        .split(|line| line.is_empty())
        .filter(|block| !block.is_empty())
        .map(|block| {
            let items: Vec<(&str, &str)> =
                block.iter().map(|line| line.split_once(' ').unwrap_or((line, ""))).collect();
            let one = |name: &str| {
                let mut values = items.iter().filter(|item| item.0 == name);
                let value = values.next().unwrap_or_else(|| panic!("{name} in {block:?}")).1;
                assert!(values.next().is_none(), "one {name} in {block:?}");
                value.to_owned()
            };
            let headers: Vec<(&str, &str)> = items
                .iter()
                .filter(|item| item.0 == "header")
                .map(|item| item.1.split_once(':').unwrap())
                .collect();
            Vector {
                name: one("vector"),
                access: one("access"),
                secret: one("secret"),
                call: Call::new(&one("method"), &one("target"), &headers, &one("body")),
                allows_unsigned: one("payload") == "unsigned",
                canonical_path: one("canonical-path"),
                canonical_query: one("canonical-query"),
                last_line: one("last-line"),
                canonical_sha256: one("canonical-sha256"),
                signature: one("signature"),
            }
        })
        .collect()
}

/// The rows of a `-refused.txt` file: the name of the error, and the input.
pub fn refused(file: &str) -> Vec<(String, String)> {
    file.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (error, input) = line.split_once(' ').unwrap_or((line, ""));
            (error.to_owned(), unescape(input))
        })
        .collect()
}

fn unescape(text: &str) -> String {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

/// The name of an error's variant.
pub fn name_of(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split(['(', ' ']).next().unwrap().to_owned()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
