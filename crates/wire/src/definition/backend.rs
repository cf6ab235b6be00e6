//! The HTTP service behind an API, and how a call to the API becomes a call to it.

use tidegate_domain::Refusal;
use tidegate_domain::api::Method;

use super::names::{check_api_path, check_backend_path, is_para_name};
use super::paras::{Known, item, known};
use crate::enums::{ParaType, Position, Protocol, parse_method};
use crate::host;
use crate::limits::{
    BACKEND_NAME_CHARS, PARAS, TEXT_CHARS, TIMEOUT_DEFAULT_MS, TIMEOUT_MS, VALUE_CHARS,
};
use crate::requests::{ApiBody, BackendConfig, BackendConstant, BackendRequestPara};
use crate::text::{echo, free_text, malformed, required};

/// The HTTP service behind an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendSpec {
    /// Is it called over TLS?
    pub https: bool,
    /// Host and port.
    pub authority: String,
    /// The method it is called with.
    pub method: Method,
    /// The path it is called at, whose placeholders are filled by mappings and constants.
    pub path: String,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u32,
    /// Parameters that are passed on. The body is passed on unchanged and appears in none.
    pub mappings: Vec<Mapping>,
    /// Parameters that are added.
    pub constants: Vec<ConstantPara>,
}

/// A parameter that is passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The parameter of the API.
    pub name: String,
    /// Where the call carries it.
    pub from: Position,
    /// What the backend calls it.
    pub to_name: String,
    /// Where the backend expects it.
    pub to: Position,
}

/// A parameter that is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstantPara {
    /// What the backend calls it.
    pub name: String,
    /// Where the backend expects it.
    pub position: Position,
    /// Its value.
    pub value: String,
}

/// The backend of the API that `body` defines, or what is wrong with it.
pub fn backend(body: &ApiBody) -> Result<BackendSpec, Refusal> {
    let path = required("path", body.path.as_ref())?;
    let declared = body.request_paras.as_deref().unwrap_or_default();
    let known = known(declared, &check_api_path(path)?)?;
    let config =
        body.backend_config.as_ref().ok_or(Refusal::FieldMissing { field: "backend_config" })?;

    // What is left out is as it is at the front.
    let method = config.r#type.as_ref().or(body.request_type.as_ref());
    let method = parse_method("backend_config.type", required("backend_config.type", method)?)?;
    let protocol = match &config.protocol {
        None => Protocol::Http,
        Some(text) => Protocol::parse("backend_config.protocol", text)?,
    };
    let authority = required("backend_config.host", config.host.as_ref())?;
    host::check("backend_config.host", authority)?;
    let path = required("backend_config.path", config.path.as_ref())?;
    let placeholders = check_backend_path(path)?;
    let timeout_ms = timeout(config)?;
    let mut mappings = mappings(config, &known)?;
    let constants = constants(config)?;
    fill_by_name(&mut mappings, &constants, &known, &placeholders);
    check_targets(&mappings, &constants, &placeholders)?;
    Ok(BackendSpec {
        https: protocol == Protocol::Https,
        authority: authority.to_owned(),
        method,
        path: path.to_owned(),
        timeout_ms,
        mappings,
        constants,
    })
}

/// A placeholder nobody fills is filled by the parameter of the same name in the API's path.
fn fill_by_name(
    mappings: &mut Vec<Mapping>,
    constants: &[ConstantPara],
    known: &[Known<'_>],
    placeholders: &[&str],
) {
    for name in placeholders {
        let is_mapped = mappings
            .iter()
            .any(|m| (m.to == Position::Path && m.to_name == *name) || m.name == *name);
        let is_added = constants.iter().any(|c| c.position == Position::Path && c.name == *name);
        let is_in_path = known.iter().any(|k| k.name == *name && k.position == Position::Path);
        if is_in_path && !is_mapped && !is_added {
            mappings.push(Mapping {
                name: (*name).to_owned(),
                from: Position::Path,
                to_name: (*name).to_owned(),
                to: Position::Path,
            });
        }
    }
}

fn timeout(config: &BackendConfig) -> Result<u32, Refusal> {
    let Some(ms) = config.timeout else {
        return Ok(TIMEOUT_DEFAULT_MS);
    };
    u32::try_from(ms).ok().filter(|ms| (1..=TIMEOUT_MS).contains(ms)).ok_or_else(|| {
        malformed(format!(
            "`backend_config.timeout` is {ms}; allowed: 1 to {TIMEOUT_MS} milliseconds"
        ))
    })
}

fn mappings(config: &BackendConfig, known: &[Known<'_>]) -> Result<Vec<Mapping>, Refusal> {
    let paras = config.backend_paras.as_deref().unwrap_or_default();
    at_most(paras.len(), "backend parameters")?;
    let mut mappings = Vec::with_capacity(paras.len());
    for (i, para) in paras.iter().enumerate() {
        mappings.extend(mapping(para, known, &format!("backend_config.backend_paras[{i}]"))?);
    }
    Ok(mappings)
}

fn mapping(
    para: &BackendRequestPara,
    known: &[Known<'_>],
    at: &str,
) -> Result<Option<Mapping>, Refusal> {
    let name = item(at, "name", para.name.as_ref())?;
    let Some(source) = known.iter().find(|k| k.name == name) else {
        return Err(malformed(format!(
            "`{at}.name` is {}, which is no parameter of the API; declare it in `request_paras`",
            echo(name)
        )));
    };
    let to = item(at, "position", para.position.as_ref())?;
    let to = Position::parse(&format!("{at}.position"), to)?;
    let to_name = item(at, "backend_para_name", para.backend_para_name.as_ref())?;
    if source.position == Position::Body || to == Position::Body {
        if source.position == to && name == to_name {
            return Ok(None);
        }
        return Err(malformed(format!(
            "`{at}` moves a parameter into or out of the body; the body is passed on unchanged"
        )));
    }
    check_backend_name(&format!("{at}.backend_para_name"), to_name, to)?;
    Ok(Some(Mapping {
        name: name.to_owned(),
        from: source.position,
        to_name: to_name.to_owned(),
        to,
    }))
}

fn constants(config: &BackendConfig) -> Result<Vec<ConstantPara>, Refusal> {
    let paras = config.constant_paras.as_deref().unwrap_or_default();
    at_most(paras.len(), "constants")?;
    paras
        .iter()
        .enumerate()
        .map(|(i, para)| constant(para, &format!("backend_config.constant_paras[{i}]")))
        .collect()
}

fn constant(para: &BackendConstant, at: &str) -> Result<ConstantPara, Refusal> {
    let name = item(at, "name", para.name.as_ref())?;
    let position = item(at, "position", para.position.as_ref())?;
    let position = Position::parse(&format!("{at}.position"), position)?;
    if position == Position::Body {
        return Err(malformed(format!("`{at}` adds to the body; the body is passed on unchanged")));
    }
    check_backend_name(&format!("{at}.name"), name, position)?;
    if let Some(text) = &para.r#type {
        ParaType::parse(&format!("{at}.type"), text)?;
    }
    if let Some(text) = &para.description {
        free_text(&format!("{at}.description"), text, TEXT_CHARS)?;
    }
    let value = para.value.as_ref().ok_or_else(|| malformed(format!("`{at}.value` is missing")))?;
    free_text(&format!("{at}.value"), value, VALUE_CHARS)?;
    let fits = match position {
        Position::Header => value.bytes().all(|c| matches!(c, b' '..=b'~')),
        Position::Path => {
            !matches!(value.as_str(), "" | "." | "..") && !value.contains(['/', '\\'])
        }
        Position::Query | Position::Body => true,
    };
    if !fits {
        return Err(malformed(format!(
            "`{at}.value` is {}, which cannot stand in a {}",
            echo(value),
            if position == Position::Header { "header" } else { "segment of a path" }
        )));
    }
    Ok(ConstantPara { name: name.to_owned(), position, value: value.clone() })
}

fn at_most(count: usize, what: &'static str) -> Result<(), Refusal> {
    if count > PARAS {
        return Err(Refusal::TooMany { what, max: PARAS });
    }
    Ok(())
}

/// Headers that say where a message goes, how it is framed or how the connection is used. They are
/// the gate's, never an API's.
const FRAMING: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

fn check_backend_name(field: &str, name: &str, position: Position) -> Result<(), Refusal> {
    let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    let is_shaped = name.len() <= BACKEND_NAME_CHARS
        && match position {
            Position::Path => is_para_name(name),
            Position::Header => name.bytes().all(is_token),
            Position::Query | Position::Body => name.bytes().all(|c| c.is_ascii_graphic()),
        };
    if !is_shaped {
        return Err(malformed(format!(
            "`{field}` is {}; a name has 1 to {BACKEND_NAME_CHARS} characters that its position allows",
            echo(name)
        )));
    }
    if position == Position::Header && FRAMING.iter().any(|f| f.eq_ignore_ascii_case(name)) {
        return Err(malformed(format!(
            "`{field}` is {}, a header that only the gate sets",
            echo(name)
        )));
    }
    Ok(())
}

/// Each place of the backend's request is filled once, and each placeholder of its path is filled.
fn check_targets(
    mappings: &[Mapping],
    constants: &[ConstantPara],
    placeholders: &[&str],
) -> Result<(), Refusal> {
    let mapped = mappings.iter().map(|m| (m.to, m.to_name.as_str()));
    let added = constants.iter().map(|c| (c.position, c.name.as_str()));
    let mut filled: Vec<(Position, &str)> = Vec::new();
    for (position, name) in mapped.chain(added) {
        let same = |other: &str| match position {
            Position::Header => other.eq_ignore_ascii_case(name),
            Position::Path | Position::Query | Position::Body => other == name,
        };
        if filled.iter().any(|(p, n)| *p == position && same(n)) {
            return Err(malformed(format!(
                "`backend_config` fills the backend's parameter {} twice",
                echo(name)
            )));
        }
        if position == Position::Path && !placeholders.contains(&name) {
            return Err(malformed(format!(
                "`backend_config` fills {}, but `backend_config.path` has no such placeholder",
                echo(&format!("{{{name}}}"))
            )));
        }
        filled.push((position, name));
    }
    for name in placeholders {
        if !filled.contains(&(Position::Path, *name)) {
            return Err(malformed(format!(
                "nothing fills the placeholder {} of `backend_config.path`; map a parameter to it",
                echo(&format!("{{{name}}}"))
            )));
        }
    }
    Ok(())
}
