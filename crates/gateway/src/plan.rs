//! The plan of a backend call: a backend's definition, read once when it arrives, and filled in on
//! every call from the one [`Target`] that was signed and routed.
//!
//! The backend gets the caller's bytes: the query and its order as they came, each placeholder as it was
//! written, and the whole path where the API's path and the backend's are the same. Only what the author
//! wrote, and what moves between path, query and headers, is encoded here.

use std::borrow::Cow;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tidegate_sign::Target;

use crate::denial::{Denial, Reason};
use crate::feed::{Backend, Constant, Moved, Number, Position};
use crate::headers;
use crate::limits::ADDRESS_BYTES;

/// Everything but the unreserved characters of RFC 3986.
pub(crate) const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The same for text that is encoded already: its escapes stay.
const ESCAPED: &AsciiSet = &ENCODED.remove(b'%');

/// A backend's definition, ready to be filled in.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) method: Method,
    path: Vec<Piece>,
    /// Is the backend's path the API's own?
    keeps_path: bool,
    moved: Vec<Moved>,
    constants: Vec<Constant>,
    numbers: Vec<Number>,
}

/// A part of the path's template.
#[derive(Debug)]
enum Piece {
    Text(String),
    Var(String),
}

impl Plan {
    /// Reads a definition. `api_path` is the API's own path, `placeholders` are the names in it.
    pub(crate) fn read(
        backend: &Backend,
        api_path: &str,
        placeholders: &[&str],
    ) -> Result<Self, String> {
        let path = pieces(&backend.path)?;
        let fills_path = backend.moved.iter().any(|m| m.backend_position == Position::Path)
            || backend.constants.iter().any(|c| c.position == Position::Path);
        let plan = Self {
            keeps_path: backend.path == api_path && !fills_path,
            method: match backend.method {
                tidegate_domain::api::Method::Get => Method::GET,
                tidegate_domain::api::Method::Post => Method::POST,
            },
            path,
            moved: backend.moved.clone(),
            constants: backend.constants.clone(),
            numbers: backend.numbers.clone(),
        };
        plan.check(placeholders)?;
        Ok(plan)
    }

    fn check(&self, placeholders: &[&str]) -> Result<(), String> {
        for piece in &self.path {
            if let Piece::Var(name) = piece {
                let moved = self.moved_to(Position::Path).any(|m| m.backend_name == *name);
                let constant = self.constants_at(Position::Path).any(|c| c.name == *name);
                if !moved && !constant && !placeholders.contains(&name.as_str()) {
                    return Err(format!("nothing fills {{{name}}} in the backend's path"));
                }
            }
        }
        for constant in &self.constants {
            let fits = match constant.position {
                Position::Path => is_segment(&constant.value),
                Position::Query => true,
                Position::Header => HeaderValue::from_bytes(constant.value.as_bytes()).is_ok(),
            };
            if !fits {
                return Err(format!("the constant {} cannot be sent", constant.name));
            }
        }
        let moved = self.moved_to(Position::Header).map(|m| &m.backend_name);
        let constants = self.constants_at(Position::Header).map(|c| &c.name);
        for name in moved.chain(constants) {
            let parsed = HeaderName::from_bytes(name.as_bytes());
            if !parsed.is_ok_and(|name| headers::may_be_set_by_author(&name)) {
                return Err(format!("the header {name} cannot be sent to a backend"));
            }
        }
        for moved in &self.moved {
            let known = match moved.position {
                Position::Path => placeholders.contains(&moved.name.as_str()),
                Position::Query => true,
                Position::Header => HeaderName::from_bytes(moved.name.as_bytes()).is_ok(),
            };
            if !known {
                return Err(format!("the API has no parameter {}", moved.name));
            }
        }
        Ok(())
    }

    /// Do headers depend on other parts of a call, or other parts on headers?
    pub(crate) fn changes_headers(&self) -> bool {
        let moves = |m: &Moved| [m.position, m.backend_position].contains(&Position::Header);
        self.moved.iter().any(moves)
            || self.constants_at(Position::Header).next().is_some()
            || self.numbers.iter().any(|number| number.position == Position::Header)
    }

    fn moved_to(&self, position: Position) -> impl Iterator<Item = &Moved> {
        self.moved.iter().filter(move |m| m.backend_position == position)
    }

    fn moved_from(&self, position: Position) -> impl Iterator<Item = &Moved> {
        self.moved.iter().filter(move |m| m.position == position)
    }

    fn constants_at(&self, position: Position) -> impl Iterator<Item = &Constant> {
        self.constants.iter().filter(move |c| c.position == position)
    }

    /// The path and query for the backend. Headers that are mapped are changed in `headers`, which
    /// are those that will be sent on.
    pub(crate) fn fill(
        &self,
        target: &Target,
        placeholders: &[(usize, String)],
        headers: &mut HeaderMap,
    ) -> Result<String, Denial> {
        for number in &self.numbers {
            check_number(number, target, placeholders, headers)?;
        }
        if self.moved.is_empty() && self.constants.is_empty() {
            let mut address = self.path(&[], target, placeholders)?;
            match (target.raw_query(), address.contains('?')) {
                (None, _) | (Some(""), true) => {}
                (Some(query), has_query) => {
                    address.push(if has_query { '&' } else { '?' });
                    address.push_str(query);
                }
            }
            return fits(address);
        }

        let mut in_path: Vec<(&str, Value<'_>)> = Vec::new();
        let mut in_query: Vec<(&str, Value<'_>)> = Vec::new();
        let mut in_headers: Vec<(&str, String)> = Vec::new();
        for moved in &self.moved {
            let values = values(moved, target, placeholders, headers)?;
            let one_at_most = moved.backend_position != Position::Query;
            if one_at_most && values.len() > 1 {
                return Err(bad(&moved.name, "was sent more than once"));
            }
            for value in values {
                let name = moved.backend_name.as_str();
                match moved.backend_position {
                    Position::Path => in_path.push((name, value)),
                    Position::Query => in_query.push((name, value)),
                    Position::Header => in_headers.push((name, value.text.into_owned())),
                }
            }
        }

        let mut address = self.path(&in_path, target, placeholders)?;
        let mut separator = if address.contains('?') { '&' } else { '?' };
        let mut add = |address: &mut String| {
            address.push(separator);
            separator = '&';
        };
        for ((name, _), pair) in target.query().zip(target.raw_pairs()) {
            if self.lets_pass(name) {
                add(&mut address);
                address.push_str(pair);
            }
        }
        for (name, value) in &in_query {
            add(&mut address);
            address.extend(utf8_percent_encode(name, ENCODED));
            value.write_in_query(&mut address);
        }
        for constant in self.constants_at(Position::Query) {
            add(&mut address);
            address.extend(utf8_percent_encode(&constant.name, ENCODED));
            address.push('=');
            address.extend(utf8_percent_encode(&constant.value, ENCODED));
        }

        for moved in self.moved_from(Position::Header) {
            headers.remove(moved.name.as_str());
        }
        for moved in self.moved_to(Position::Header) {
            headers.remove(moved.backend_name.as_str());
        }
        let constant =
            self.constants_at(Position::Header).map(|c| (c.name.as_str(), c.value.clone()));
        for (name, value) in in_headers.into_iter().chain(constant) {
            let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
            let value = HeaderValue::from_bytes(value.as_bytes()).ok();
            match parsed.zip(value) {
                Some((name, value)) => headers.insert(name, value),
                None => return Err(bad(name, "cannot be a header")),
            };
        }

        fits(address)
    }

    /// Does a caller's query parameter go on under its name? What has a name of the author's cannot be
    /// sent under it by a caller.
    fn lets_pass(&self, name: &str) -> bool {
        !self.moved_from(Position::Query).any(|m| m.name == name)
            && !self.moved_to(Position::Query).any(|m| m.backend_name == name)
            && !self.constants_at(Position::Query).any(|c| c.name == name)
    }

    fn path(
        &self,
        moved: &[(&str, Value<'_>)],
        target: &Target,
        placeholders: &[(usize, String)],
    ) -> Result<String, Denial> {
        let mut path = String::with_capacity(target.path_and_query().len() + 64);
        if self.keeps_path {
            path.push_str(target.path());
            return Ok(path);
        }
        for piece in &self.path {
            let name = match piece {
                Piece::Text(text) => {
                    path.push_str(text);
                    continue;
                }
                Piece::Var(name) => name,
            };
            let constant = || self.constants_at(Position::Path).find(|c| c.name == *name);
            if let Some((_, value)) = moved.iter().find(|(var, _)| var == name) {
                value.write_in_path(name, &mut path)?;
            } else if let Some(constant) = constant() {
                Value::of(&constant.value).write_in_path(name, &mut path)?;
            } else {
                // It was let in by its route, odd or not.
                let segment = placeholder(name, target, placeholders);
                path.push_str(segment.ok_or_else(|| bad(name, "is missing"))?.1);
            }
        }
        Ok(path)
    }
}

/// A value on its way to another place.
struct Value<'t> {
    /// What it means.
    text: Cow<'t, str>,
    /// How the caller wrote it.
    raw: Raw<'t>,
}

/// The caller's bytes of a value.
enum Raw<'t> {
    /// A segment of the path.
    Segment(&'t str),
    /// What follows the name of a query parameter: a `=` and the value, or nothing.
    Parameter(&'t str),
    /// None that are encoded: a header's, or the author's.
    Unencoded,
}

impl<'t> Value<'t> {
    fn of(text: impl Into<Cow<'t, str>>) -> Self {
        Self { text: text.into(), raw: Raw::Unencoded }
    }

    /// Writes it as a segment, or as a part of one.
    fn write_in_path(&self, name: &str, path: &mut String) -> Result<(), Denial> {
        let is_segment_of_call = matches!(self.raw, Raw::Segment(_));
        if !is_segment_of_call && !is_segment(&self.text) {
            return Err(bad(name, "cannot be a part of a path"));
        }
        match self.raw {
            Raw::Segment(raw) => path.push_str(raw),
            Raw::Parameter(raw) => {
                let value = raw.strip_prefix('=').unwrap_or(raw);
                path.extend(utf8_percent_encode(value, ESCAPED));
            }
            Raw::Unencoded => path.extend(utf8_percent_encode(&self.text, ENCODED)),
        }
        Ok(())
    }

    /// Writes it behind a parameter's name.
    fn write_in_query(&self, query: &mut String) {
        match self.raw {
            Raw::Parameter(raw) => query.push_str(raw),
            Raw::Segment(raw) => {
                query.push('=');
                query.extend(utf8_percent_encode(raw, ESCAPED));
            }
            Raw::Unencoded => {
                query.push('=');
                query.extend(utf8_percent_encode(&self.text, ENCODED));
            }
        }
    }
}

/// Refuses what the caller sent for a parameter if it is no number.
fn check_number(
    number: &Number,
    target: &Target,
    placeholders: &[(usize, String)],
    headers: &HeaderMap,
) -> Result<(), Denial> {
    let Number { name, position, may_be_empty } = number;
    let is_good = |text: &str| is_number(text) || text.is_empty() && *may_be_empty;
    let is_right = match position {
        Position::Path => {
            placeholder(name, target, placeholders).is_none_or(|(text, _)| is_good(text))
        }
        Position::Query => {
            target.query().filter(|(known, _)| known == name).all(|(_, text)| is_good(text))
        }
        Position::Header => headers
            .get_all(name.as_str())
            .iter()
            .all(|value| value.to_str().is_ok_and(|text| is_good(text.trim_ascii()))),
    };
    if is_right { Ok(()) } else { Err(bad(name, "is not a number")) }
}

/// Whether a text is a number as JSON writes one, but for zeros in front: `-7`, `007`, `0.5`, `1e9`.
fn is_number(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (text, exponent) = match text.split_once(['e', 'E']) {
        Some((text, exponent)) => {
            (text, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
        }
        None => (text, None),
    };
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    is_digits(whole) && fraction.is_none_or(is_digits) && exponent.is_none_or(is_digits)
}

/// What the caller sent for a parameter, or its default.
fn values<'t>(
    moved: &'t Moved,
    target: &'t Target,
    placeholders: &[(usize, String)],
    headers: &HeaderMap,
) -> Result<Vec<Value<'t>>, Denial> {
    let mut values: Vec<Value<'t>> = match moved.position {
        Position::Path => placeholder(&moved.name, target, placeholders)
            .map(|(text, raw)| Value { text: text.into(), raw: Raw::Segment(raw) })
            .into_iter()
            .collect(),
        Position::Query => target
            .query()
            .zip(target.raw_pairs())
            .filter(|((name, _), _)| *name == moved.name)
            .map(|((_, text), pair)| {
                let value = pair.find('=').and_then(|at| pair.get(at..)).unwrap_or_default();
                Value { text: text.into(), raw: Raw::Parameter(value) }
            })
            .collect(),
        Position::Header => {
            let mut values = Vec::new();
            for value in headers.get_all(moved.name.as_str()) {
                let text = std::str::from_utf8(value.as_bytes())
                    .map_err(|_| bad(&moved.name, "is not UTF-8"))?;
                values.push(Value::of(text.to_owned()));
            }
            values
        }
    };
    if values.is_empty() {
        match (&moved.default, moved.required) {
            (Some(default), _) => values.push(Value::of(default.as_str())),
            (None, true) => return Err(bad(&moved.name, "is missing, or is not signed")),
            (None, false) => {}
        }
    }
    Ok(values)
}

/// An address is made of what its author wrote, which was read as one, of what came in one, and of what is
/// encoded. So it is one, if it is not too long.
fn fits(address: String) -> Result<String, Denial> {
    if address.len() > ADDRESS_BYTES {
        return Err(Denial::new(Reason::BadRequest, "The backend's address is too long."));
    }
    Ok(address)
}

fn bad(name: &str, what: &str) -> Denial {
    Denial::new(Reason::BadRequest, format!("The parameter `{name}` {what}."))
}

/// What the caller sent in a placeholder of the API's path: what it means, and how it was written.
fn placeholder<'t>(
    name: &str,
    target: &'t Target,
    placeholders: &[(usize, String)],
) -> Option<(&'t str, &'t str)> {
    let (index, _) = placeholders.iter().find(|(_, known)| known == name)?;
    target.segment(*index).zip(target.raw_segment(*index))
}

/// May a value stand in a path? It must stay within its segment for every reader.
fn is_segment(value: &str) -> bool {
    !matches!(value, "" | "." | "..")
        && !value.chars().any(|c| matches!(c, '/' | '\\' | ';') || c.is_control())
}

/// Reads a template. What its author wrote outside the braces is sent as it is, if it can be.
fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    if !rest.starts_with('/') {
        pieces.push(Piece::Text("/".to_owned()));
    }
    let mut filled = String::from(if rest.starts_with('/') { "" } else { "/" });
    while let Some((text, after)) = rest.split_once('{') {
        let (name, after) =
            after.split_once('}').ok_or("the backend's path has a brace that is not closed")?;
        pieces.push(Piece::Text(text.to_owned()));
        pieces.push(Piece::Var(name.to_owned()));
        filled.push_str(text);
        filled.push('x');
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    filled.push_str(rest);
    let parsed: Result<http::uri::PathAndQuery, _> = filled.parse();
    match parsed {
        Ok(path) if !filled.contains('#') && path.path().starts_with('/') => Ok(pieces),
        _ => Err("the backend's path is malformed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(path: &str) -> Backend {
        Backend {
            https: false,
            authority: "10.0.0.7:8080".to_owned(),
            method: tidegate_domain::api::Method::Get,
            path: path.to_owned(),
            timeout_ms: None,
            moved: Vec::new(),
            constants: Vec::new(),
            numbers: Vec::new(),
        }
    }

    fn moved(name: &str, from: Position, backend_name: &str, to: Position) -> Moved {
        Moved {
            name: name.to_owned(),
            position: from,
            backend_name: backend_name.to_owned(),
            backend_position: to,
            required: false,
            default: None,
        }
    }

    fn fill(backend: &Backend, target: &str, headers: &mut HeaderMap) -> Result<String, Denial> {
        let plan = Plan::read(backend, "/orders/{id}", &["id"]).unwrap();
        let placeholders = [(1, "id".to_owned())];
        let address = plan.fill(&Target::parse(target).unwrap(), &placeholders, headers)?;
        assert!(address.parse::<http::Uri>().is_ok_and(|uri| uri.path().starts_with('/')));
        Ok(address)
    }

    #[test]
    fn path_and_query_pass_as_they_came() {
        for (path, target, wanted) in [
            ("/v2/o/{id}/x", "/orders/a%20b?z=1&a=%2f&a", "/v2/o/a%20b/x?z=1&a=%2f&a"),
            ("/v2/o/{id}/x", "/orders/%7e+:,;?city=New+York&wsdl&&", ""),
            ("/v2/{id}", "/orders/%7e+:,?city=New+York&wsdl&&", "/v2/%7e+:,?city=New+York&wsdl&&"),
            ("/v2/{id}", "/orders/7/?", "/v2/7?"),
            ("v-{id}.json?fix=1", "/orders/7?a=1", "/v-7.json?fix=1&a=1"),
            ("v-{id}.json?fix=1", "/orders/7?", "/v-7.json?fix=1"),
            ("/orders/{id}", "/%6frders/7/?b&a", "/%6frders/7/?b&a"),
        ] {
            if wanted.is_empty() {
                assert!(Target::parse(target).is_err(), "{target}");
                continue;
            }
            let address = fill(&backend(path), target, &mut HeaderMap::new()).unwrap();
            assert_eq!(address, wanted, "{path} {target}");
        }
    }

    #[test]
    fn a_number_is_one_wherever_it_lies_and_keeps_the_callers_bytes() {
        for (text, is) in [
            ("7", true),
            ("-7", true),
            ("007", true),
            ("0.5", true),
            ("1e9", true),
            ("1E-9", true),
            ("-1.25e+3", true),
            ("", false),
            ("-", false),
            ("abc", false),
            ("7x", false),
            ("+7", false),
            (".5", false),
            ("5.", false),
            ("1e", false),
            ("1e+", false),
            ("1.2.3", false),
            ("0x10", false),
            (" 7", false),
            ("NaN", false),
            ("\u{0667}", false),
        ] {
            assert_eq!(is_number(text), is, "{text}");
        }
        let mut b = backend("/o/{id}");
        let number = |name: &str, position, may_be_empty| Number {
            name: name.to_owned(),
            position,
            may_be_empty,
        };
        b.numbers = vec![
            number("id", Position::Path, false),
            number("n", Position::Query, false),
            number("m", Position::Query, true),
            number("X-Count", Position::Header, false),
        ];
        for (target, header, refused) in [
            ("/orders/%37?n=%31%30&m=&m=3&other=abc", None, None),
            ("/orders/7", Some("1"), None),
            ("/orders/abc?n=1", None, Some("id")),
            ("/orders/7?n=abc", None, Some("n")),
            ("/orders/7?n=1&n=x", None, Some("n")),
            ("/orders/7?n", None, Some("n")),
            ("/orders/7?m=x", None, Some("m")),
            ("/orders/7", Some("many"), Some("X-Count")),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = header {
                headers.insert("x-count", HeaderValue::from_static(value));
            }
            let filled = fill(&b, target, &mut headers);
            match refused {
                None => assert_eq!(filled.unwrap(), target.replace("/orders/", "/o/"), "{target}"),
                Some(name) => {
                    let denial = filled.unwrap_err();
                    assert_eq!(denial.reason, Reason::BadRequest);
                    let text = format!("Bad request. The parameter `{name}` is not a number.");
                    assert_eq!(denial.text(), text, "{target}");
                }
            }
        }
    }

    #[test]
    fn moved_parameters_keep_the_callers_bytes() {
        let mut b = backend("/c/{who}");
        b.moved = vec![
            moved("customer", Position::Query, "who", Position::Path),
            moved("id", Position::Path, "order", Position::Query),
            moved("q", Position::Query, "text", Position::Query),
        ];
        let target = "/orders/%c3%A9+&=?q=a+b,c&x=1+1&q&customer=m%2bo+?&q=&y";
        let address = fill(&b, target, &mut HeaderMap::new()).unwrap();
        let wanted = "/c/m%2bo%2B%3F?x=1+1&y&order=%c3%A9%2B%26%3D&text=a+b,c&text&text=";
        assert_eq!(address, wanted);
        // It means what it meant.
        let (sent, came) = (Target::parse(wanted).unwrap(), Target::parse(target).unwrap());
        assert_eq!(sent.segment(1), Some("m+o+?"));
        assert_eq!(
            sent.query().find(|(name, _)| *name == "order").unwrap().1,
            came.segment(1).unwrap()
        );
    }

    proptest::proptest! {
        /// What goes on is what was signed: read again, it is the same target.
        #[test]
        fn what_goes_on_is_what_was_signed(
            id in "([a-zA-Z0-9._~!$&'()*+,=:@-]|%[2-7][0-9a-f]|%C3%A9){1,6}",
            query in proptest::option::of("([a-z0-9._~!$&'()*+,=:@/?;&&==-]|%[2-7][0-9a-f]|%c3%a9){0,12}"),
            slash in "/?",
        ) {
            let query = query.map_or(String::new(), |query| format!("?{query}"));
            let wire = format!("/orders/{id}{slash}{query}");
            let Ok(target) = Target::parse(&wire) else { return Ok(()) };
            let filled = |path| fill(&backend(path), &wire, &mut HeaderMap::new()).unwrap();
            let same = filled("/orders/{id}");
            proptest::prop_assert_eq!(&same, &wire);
            proptest::prop_assert_eq!(Target::parse(&same).unwrap(), target.clone());
            let mapped = Target::parse(&filled("/o/{id}")).unwrap();
            proptest::prop_assert_eq!(mapped.segment(1), target.segment(1));
            proptest::prop_assert_eq!(mapped.canonical_query(), target.canonical_query());
            proptest::prop_assert_eq!(mapped.raw_query(), target.raw_query());
        }
    }

    #[test]
    fn parameters_move_between_all_positions() {
        let mut b = backend("/c/{who}");
        b.moved = vec![
            moved("customer", Position::Query, "who", Position::Path),
            moved("id", Position::Path, "order", Position::Query),
            moved("X-Region", Position::Header, "region", Position::Query),
            moved("lang", Position::Query, "X-Lang", Position::Header),
        ];
        b.constants = vec![
            Constant {
                name: "tier".to_owned(),
                position: Position::Query,
                value: "gold".to_owned(),
            },
            Constant {
                name: "X-Tier".to_owned(),
                position: Position::Header,
                value: "gold".to_owned(),
            },
        ];
        let mut headers = HeaderMap::new();
        headers.insert("x-region", HeaderValue::from_static("north"));
        headers.insert("x-lang", HeaderValue::from_static("spoofed"));
        headers.append("x-tier", HeaderValue::from_static("spoofed"));
        let target = "/orders/7?customer=mo&lang=de&keep=1&tier=lead&order=spoofed&region=spoofed";
        let address = fill(&b, target, &mut headers).unwrap();
        assert_eq!(address, "/c/mo?keep=1&order=7&region=north&tier=gold");
        assert_eq!(headers.get("x-lang").unwrap(), "de");
        assert_eq!(headers.get_all("x-tier").iter().count(), 1);
        assert!(!headers.contains_key("x-region"));
    }

    #[test]
    fn a_value_cannot_leave_its_segment() {
        let mut b = backend("/c/{who}");
        b.moved = vec![moved("who", Position::Query, "who", Position::Path)];
        for bad in ["..%2Fadmin", "..", ".", "", "a%5Cb", "a%3Bb", "a%0Ab"] {
            let denial = fill(&b, &format!("/orders/7?who={bad}"), &mut HeaderMap::new());
            assert_eq!(denial.unwrap_err().reason, Reason::BadRequest, "{bad}");
        }
        let twice = fill(&b, "/orders/7?who=a&who=b", &mut HeaderMap::new());
        assert!(twice.unwrap_err().detail.contains("more than once"));
        let none = fill(&b, "/orders/7", &mut HeaderMap::new());
        assert!(none.unwrap_err().detail.contains("missing"));
    }

    #[test]
    fn defaults_stand_in_and_what_is_required_is_asked_for() {
        let mut b = backend("/c");
        b.moved = vec![moved("n", Position::Query, "m", Position::Query)];
        assert!(fill(&b, "/orders/7", &mut HeaderMap::new()).unwrap().ends_with("/c"));
        b.moved[0].required = true;
        let denial = fill(&b, "/orders/7", &mut HeaderMap::new()).unwrap_err();
        assert_eq!(denial.reason, Reason::BadRequest);
        b.moved[0].default = Some("5".to_owned());
        assert!(fill(&b, "/orders/7", &mut HeaderMap::new()).unwrap().ends_with("/c?m=5"));
    }

    #[test]
    fn a_definition_that_cannot_work_is_refused_at_once() {
        for path in ["/{nobody}", "/{id", "/a b", "/a#b"] {
            assert!(Plan::read(&backend(path), "/orders/{id}", &["id"]).is_err(), "{path}");
        }
        for name in ["X-Tidegate-App", "x_tidegate.app", "Host", "Connection", "a b"] {
            let mut b = backend("/");
            b.constants = vec![Constant {
                name: name.to_owned(),
                position: Position::Header,
                value: "x".to_owned(),
            }];
            assert!(Plan::read(&b, "/orders", &[]).is_err(), "{name}");
        }
    }
}
