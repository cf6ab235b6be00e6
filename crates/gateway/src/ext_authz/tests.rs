//! The reading of questions, beside the reading that prost makes of the same definition.

use std::collections::HashMap;

use bytes::{BufMut, Bytes};
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use prost::Message;

use super::call;
use super::message::HttpRequest;
use crate::limits::TOLD_HEADERS;

#[derive(Clone, PartialEq, Message)]
struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    attributes: Option<AttributeContext>,
}

#[derive(Clone, PartialEq, Message)]
struct AttributeContext {
    #[prost(message, optional, tag = "4")]
    request: Option<AttributeRequest>,
    /// One of the fields that are not looked at.
    #[prost(map = "string, string", tag = "10")]
    context_extensions: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
struct AttributeRequest {
    #[prost(message, optional, tag = "2")]
    http: Option<Http>,
}

#[derive(Clone, PartialEq, Message)]
struct Http {
    #[prost(string, tag = "2")]
    method: String,
    #[prost(map = "string, string", tag = "3")]
    headers: HashMap<String, String>,
    #[prost(string, tag = "4")]
    path: String,
    #[prost(string, tag = "5")]
    host: String,
    #[prost(string, tag = "11")]
    body: String,
    #[prost(bytes = "vec", tag = "12")]
    raw_body: Vec<u8>,
    #[prost(message, optional, tag = "13")]
    header_map: Option<HeaderList>,
}

#[derive(Clone, PartialEq, Message)]
struct HeaderList {
    #[prost(message, repeated, tag = "1")]
    headers: Vec<Header>,
}

#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
    #[prost(bytes = "vec", tag = "3")]
    raw_value: Vec<u8>,
}

/// The fields that are looked at, as prost reads them. Others are passed over, well formed or not.
#[derive(Clone, PartialEq, Message)]
struct Looked {
    #[prost(message, optional, tag = "1")]
    attributes: Option<LookedAttributes>,
}

#[derive(Clone, PartialEq, Message)]
struct LookedAttributes {
    #[prost(message, optional, tag = "4")]
    request: Option<LookedRequest>,
}

#[derive(Clone, PartialEq, Message)]
struct LookedRequest {
    #[prost(message, optional, tag = "2")]
    http: Option<LookedHttp>,
}

/// [`Http`], with its map as what a map is on the wire: prost takes an entry of a map for one whatever
/// wire type it says it has, and that of a message only for what it is.
#[derive(Clone, PartialEq, Message)]
struct LookedHttp {
    #[prost(string, tag = "2")]
    method: String,
    #[prost(message, repeated, tag = "3")]
    headers: Vec<Entry>,
    #[prost(string, tag = "4")]
    path: String,
    #[prost(string, tag = "5")]
    host: String,
    #[prost(string, tag = "11")]
    body: String,
    #[prost(bytes = "vec", tag = "12")]
    raw_body: Vec<u8>,
    #[prost(message, optional, tag = "13")]
    header_map: Option<HeaderList>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// Both readings refuse a message, or both find the same in it.
fn is_read_alike(bytes: &[u8]) -> Result<(), TestCaseError> {
    let ours = HttpRequest::read(bytes);
    let Ok(expected) = Looked::decode(bytes) else {
        prop_assert!(ours.is_err(), "{ours:?}");
        return Ok(());
    };
    let expected = expected.attributes.and_then(|a| a.request).and_then(|r| r.http);
    prop_assert!(ours.is_ok(), "{expected:?}");
    let ours = ours.ok().flatten();
    prop_assert_eq!(ours.is_some(), expected.is_some());
    let (Some(ours), Some(expected)) = (ours, expected) else { return Ok(()) };
    prop_assert_eq!(ours.method, expected.method);
    prop_assert_eq!(ours.path, expected.path);
    prop_assert_eq!(ours.host, expected.host);
    prop_assert_eq!(ours.body, expected.body);
    prop_assert_eq!(ours.raw_body, expected.raw_body);
    prop_assert_eq!(ours.has_map, !expected.headers.is_empty());
    prop_assert_eq!(ours.has_list, expected.header_map.is_some());
    let whole = Bytes::copy_from_slice(bytes);
    let again = HttpRequest::read(&whole).ok().flatten();
    // Whatever it is, to make a call of it is no more than refused.
    let _ = call::read(&whole, again.as_ref());
    if ours.has_map && ours.has_list {
        return Ok(());
    }
    if ours.has_map {
        prop_assert_eq!(ours.headers.len(), expected.headers.len().min(TOLD_HEADERS + 1));
        for (ours, expected) in ours.headers.iter().zip(&expected.headers) {
            prop_assert_eq!(ours.name, &expected.key);
            prop_assert_eq!(ours.text, &expected.value);
        }
    } else {
        let list = expected.header_map.unwrap_or_default().headers;
        prop_assert_eq!(ours.headers.len(), list.len().min(TOLD_HEADERS + 1));
        for (ours, expected) in ours.headers.iter().zip(&list) {
            prop_assert_eq!(ours.name, &expected.key);
            prop_assert_eq!(ours.text, &expected.value);
            prop_assert_eq!(ours.raw, &expected.raw_value);
        }
    }
    Ok(())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z:-]{0,12}", "\\PC{0,6}", Just("host".to_owned()), Just(":path".to_owned())]
}

fn header() -> impl Strategy<Value = Header> {
    let raw = prop_oneof![3 => Just(Vec::new()), 1 => vec(any::<u8>(), 0..200)];
    (text(), text(), raw).prop_map(|(key, value, raw_value)| Header { key, value, raw_value })
}

fn http() -> impl Strategy<Value = Http> {
    let map = prop_oneof![Just(HashMap::new()), hash_map(text(), text(), 0..6)];
    let list = proptest::option::of(vec(header(), 0..6).prop_map(|headers| HeaderList { headers }));
    (text(), map, text(), text(), text(), vec(any::<u8>(), 0..20), list).prop_map(
        |(method, headers, path, host, body, raw_body, header_map)| Http {
            method,
            headers,
            path,
            host,
            body,
            raw_body,
            header_map,
        },
    )
}

/// A message as one may be written, in pieces that are merged when they are read.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = (proptest::option::of(http()), hash_map(text(), text(), 0..2)).prop_map(
        |(http, context_extensions)| {
            let request = Some(AttributeRequest { http });
            let attributes = Some(AttributeContext { request, context_extensions });
            CheckRequest { attributes }.encode_to_vec()
        },
    );
    vec(piece, 0..3).prop_map(|pieces| pieces.concat())
}

/// Fields of every kind and number, within each other.
fn fields() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![1_u32..14, Just(1), Just(2), Just(4), any::<u32>()];
    let leaf =
        (number.clone(), 0_u8..8, vec(any::<u8>(), 0..9)).prop_map(|(number, kind, rest)| {
            let mut out = Vec::new();
            prost::encoding::encode_varint(u64::from(number) << 3 | u64::from(kind), &mut out);
            out.put_slice(&rest);
            out
        });
    leaf.prop_recursive(6, 64, 4, move |inner| {
        (number.clone(), any::<bool>(), vec(inner, 0..4)).prop_map(|(number, is_group, inner)| {
            let (mut out, inner) = (Vec::new(), inner.concat());
            let key = |kind: u64| u64::from(number) << 3 | kind;
            prost::encoding::encode_varint(key(if is_group { 3 } else { 2 }), &mut out);
            if !is_group {
                prost::encoding::encode_varint(inner.len() as u64, &mut out);
            }
            out.put_slice(&inner);
            if is_group {
                prost::encoding::encode_varint(key(4), &mut out);
            }
            out
        })
    })
}

/// Changes a byte, takes one out, puts one in, or ends there.
fn changed(mut bytes: Vec<u8>, changes: &[(usize, u8, u8)]) -> Vec<u8> {
    for (place, way, byte) in changes {
        let place = place % (bytes.len() + 1);
        match way % 4 {
            0 if place < bytes.len() => bytes[place] = *byte,
            1 if place < bytes.len() => drop(bytes.remove(place)),
            2 => bytes.insert(place, *byte),
            _ => bytes.truncate(place),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_well_formed_is_read_alike(bytes in message()) {
        prop_assert!(Looked::decode(&bytes[..]).is_ok());
        is_read_alike(&bytes)?;
    }

    #[test]
    fn what_was_tampered_with_is_read_alike(bytes in message(), changes in changes()) {
        is_read_alike(&changed(bytes, &changes))?;
    }

    #[test]
    fn whatever_fields_come_are_read_alike(bytes in fields(), changes in changes()) {
        is_read_alike(&bytes)?;
        is_read_alike(&changed(bytes, &changes))?;
    }

    #[test]
    fn noise_is_read_alike(bytes in vec(any::<u8>(), 0..64)) {
        is_read_alike(&bytes)?;
    }
}

/// The fields down to that of the request over HTTP, around its own.
fn around(http: &[u8]) -> Vec<u8> {
    [0x12, 0x22, 0x0a].iter().fold(http.to_vec(), |inner, key| {
        [&[*key, u8::try_from(inner.len()).unwrap()], &inner[..]].concat()
    })
}

#[test]
fn an_entry_of_a_map_is_a_message_and_nothing_else() {
    // Field 3 with each wire type, and bytes behind it that are well formed in each.
    for (kind, is_taken) in [(0, false), (1, false), (2, true), (3, false), (4, false), (5, false)]
    {
        let bytes = around(&[3 << 3 | kind, 0]);
        assert_eq!(HttpRequest::read(&bytes).is_ok(), is_taken, "{kind}");
        is_read_alike(&bytes).unwrap();
    }
}

#[test]
fn groups_lie_in_each_other_as_deep_as_prost_lets_them() {
    for depth in 1..110 {
        let bytes = [vec![0x1b; depth], vec![0x1c; depth]].concat();
        assert_eq!(
            HttpRequest::read(&bytes).is_ok(),
            Looked::decode(&bytes[..]).is_ok(),
            "{depth}"
        );
        let within = [vec![0x1b; depth], vec![0x08, 0x01], vec![0x1c; depth]].concat();
        let read = HttpRequest::read(&within).is_ok();
        assert_eq!(read, Looked::decode(&within[..]).is_ok(), "{depth}");
    }
}

#[test]
fn a_call_has_so_many_headers_and_no_more() {
    for (count, is_taken) in [(TOLD_HEADERS, true), (TOLD_HEADERS + 1, false), (100_000, false)] {
        let header = Header { key: "a".to_owned(), value: "b".to_owned(), raw_value: Vec::new() };
        let http = Http {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            header_map: Some(HeaderList { headers: vec![header; count] }),
            ..Http::default()
        };
        let request = Some(AttributeRequest { http: Some(http) });
        let attributes = Some(AttributeContext { request, context_extensions: HashMap::new() });
        let bytes = Bytes::from(CheckRequest { attributes }.encode_to_vec());
        let http = HttpRequest::read(&bytes).unwrap();
        assert_eq!(call::read(&bytes, http.as_ref()).is_ok(), is_taken, "{count}");
    }
}
