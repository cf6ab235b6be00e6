//! `envoy.service.auth.v3.CheckRequest`, with the fields that are used here. It is borrowed from the
//! bytes it came in, so that a call costs no memory for each of its headers.

use super::fields::{Fields, Malformed};
use crate::limits::TOLD_HEADERS;

/// A request over HTTP that is asked about (`AttributeContext.HttpRequest`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct HttpRequest<'a> {
    pub(super) method: &'a str,
    /// Path and query.
    pub(super) path: &'a str,
    pub(super) host: &'a str,
    pub(super) body: &'a str,
    pub(super) raw_body: &'a [u8],
    /// One more than there may be stands for all that came after it.
    pub(super) headers: Vec<Header<'a>>,
    /// Are there headers in a map? Values that came apart are joined in it.
    pub(super) has_map: bool,
    /// Is there a list of headers, as they came (with `encode_raw_headers`)?
    pub(super) has_list: bool,
}

/// A header, as text or as bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) raw: &'a [u8],
}

/// As many headers as a call has, about.
const USUAL_HEADERS: usize = 32;

impl<'a> HttpRequest<'a> {
    /// Reads a message; none if it tells of no request over HTTP.
    pub(super) fn read(message: &'a [u8]) -> Result<Option<Self>, Malformed> {
        const ATTRIBUTES: u32 = 1;
        const REQUEST: u32 = 4;
        const HTTP: u32 = 2;
        let mut found = None;
        let mut message = Fields::of(message);
        while let Some((number, value)) = message.next()? {
            if number != ATTRIBUTES {
                continue;
            }
            let mut attributes = message.within(value)?;
            while let Some((number, value)) = attributes.next()? {
                if number != REQUEST {
                    continue;
                }
                let mut request = attributes.within(value)?;
                while let Some((number, value)) = request.next()? {
                    if number == HTTP {
                        found.get_or_insert_with(Self::empty).merge(request.within(value)?)?;
                    }
                }
            }
        }
        Ok(found)
    }

    fn empty() -> Self {
        Self { headers: Vec::with_capacity(USUAL_HEADERS), ..Self::default() }
    }

    /// What is told again comes in place of what was told before, or on top of it.
    fn merge(&mut self, mut fields: Fields<'a>) -> Result<(), Malformed> {
        while let Some((number, value)) = fields.next()? {
            match number {
                2 => self.method = value.text()?,
                3 => {
                    self.has_map = true;
                    self.push(Header::read(fields.within(value)?, false)?);
                }
                4 => self.path = value.text()?,
                5 => self.host = value.text()?,
                11 => self.body = value.text()?,
                12 => self.raw_body = value.bytes()?,
                13 => {
                    self.has_list = true;
                    self.list(fields.within(value)?)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `envoy.config.core.v3.HeaderMap`.
    fn list(&mut self, mut fields: Fields<'a>) -> Result<(), Malformed> {
        while let Some((number, value)) = fields.next()? {
            if number == 1 {
                self.push(Header::read(fields.within(value)?, true)?);
            }
        }
        Ok(())
    }

    fn push(&mut self, header: Header<'a>) {
        if self.headers.len() <= TOLD_HEADERS {
            self.headers.push(header);
        }
    }
}

impl<'a> Header<'a> {
    /// Reads an entry of a map from texts to texts, or an `envoy.config.core.v3.HeaderValue`, which may
    /// have its value as bytes.
    fn read(mut fields: Fields<'a>, may_be_raw: bool) -> Result<Self, Malformed> {
        let mut header = Self::default();
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => header.name = value.text()?,
                2 => header.text = value.text()?,
                3 if may_be_raw => header.raw = value.bytes()?,
                _ => {}
            }
        }
        Ok(header)
    }
}
