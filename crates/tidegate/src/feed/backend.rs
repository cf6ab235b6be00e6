//! An API's definition as the backend the gate calls.

use tidegate_domain::{Api, Refusal};
use tidegate_gateway::{Backend, Constant, Moved, Number, Position};
use tidegate_wire::definition::{ConstantPara, Definition, Mapping, backend};
use tidegate_wire::enums;
use tidegate_wire::requests::{ApiBody, RequestPara};

/// The API's backend. A definition that cannot be read becomes a backend that cannot be called, and
/// takes the place of what was known before: calls are denied until it is mended.
pub fn of(api: &Api) -> Backend {
    match read(&api.definition) {
        Ok(backend) => backend,
        Err(fault) => {
            let id = &api.id;
            tracing::error!(api = %id, fault, "the definition cannot be read; calls are denied");
            nowhere(api)
        }
    }
}

/// A backend without an address.
fn nowhere(api: &Api) -> Backend {
    Backend {
        https: false,
        authority: String::new(),
        method: api.method,
        path: "/".to_owned(),
        timeout_ms: None,
        moved: Vec::new(),
        constants: Vec::new(),
        numbers: Vec::new(),
    }
}

fn read(definition: &str) -> Result<Backend, String> {
    let body = Definition::from_json(definition).map_err(|error| error.to_string())?;
    let spec = backend(&body).map_err(|refusal: Refusal| refusal.to_string())?;
    let declared = body.request_paras.as_deref().unwrap_or_default();
    let mut moved = Vec::with_capacity(spec.mappings.len());
    for mapping in &spec.mappings {
        moved.push(mapped(mapping, declared)?);
    }
    moved.extend(demanded(&body, &moved));
    let constants: Option<Vec<Constant>> = spec.constants.iter().map(constant).collect();
    Ok(Backend {
        https: spec.https,
        authority: spec.authority,
        method: spec.method,
        path: spec.path,
        timeout_ms: Some(spec.timeout_ms),
        moved,
        constants: constants.ok_or("a constant lies in the body")?,
        numbers: declared.iter().filter_map(number).collect(),
    })
}

fn mapped(mapping: &Mapping, declared: &[RequestPara]) -> Result<Moved, String> {
    let declared = declared.iter().find(|para| para.name.as_ref() == Some(&mapping.name));
    let (from, to) = position(mapping.from).zip(position(mapping.to)).ok_or_else(|| {
        format!("the parameter {} is moved into or out of the body", mapping.name)
    })?;
    Ok(Moved {
        name: mapping.name.clone(),
        position: from,
        backend_name: mapping.to_name.clone(),
        backend_position: to,
        required: declared.is_some_and(|para| para.necessary == Some(true)),
        default: declared.and_then(|para| para.default_value.clone()),
    })
}

/// Parameters of the query that keep their name and place, but must be there or have a default.
fn demanded(body: &ApiBody, moved: &[Moved]) -> Vec<Moved> {
    let declared = body.request_paras.as_deref().unwrap_or_default();
    let in_query = |para: &&RequestPara| {
        let place = para.position.as_deref().map(|p| enums::Position::parse("position", p));
        matches!(place, Some(Ok(enums::Position::Query)))
    };
    let is_moved =
        |name: &str| moved.iter().any(|m| m.position == Position::Query && m.name == name);
    declared
        .iter()
        .filter(in_query)
        .filter_map(|para| {
            let name = para.name.clone().filter(|name| !is_moved(name))?;
            let required = para.necessary == Some(true);
            (required || para.default_value.is_some()).then(|| Moved {
                backend_name: name.clone(),
                name,
                position: Position::Query,
                backend_position: Position::Query,
                required,
                default: para.default_value.clone(),
            })
        })
        .collect()
}

/// A parameter that is declared a number and lies where the gateway looks.
fn number(para: &RequestPara) -> Option<Number> {
    let place = enums::Position::parse("position", para.position.as_deref()?).ok()?;
    let kind = enums::ParaType::parse("type", para.r#type.as_deref()?).ok()?;
    (kind == enums::ParaType::Number).then_some(())?;
    Some(Number {
        name: para.name.clone()?,
        position: position(place)?,
        may_be_empty: para.support_null == Some(true),
    })
}

fn constant(constant: &ConstantPara) -> Option<Constant> {
    Some(Constant {
        name: constant.name.clone(),
        position: position(constant.position)?,
        value: constant.value.clone(),
    })
}

fn position(position: enums::Position) -> Option<Position> {
    match position {
        enums::Position::Path => Some(Position::Path),
        enums::Position::Query => Some(Position::Query),
        enums::Position::Header => Some(Position::Header),
        enums::Position::Body => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(paras: &str, config: &str) -> String {
        format!(
            r#"{{"path": "/weather/{{city}}", "request_paras": [{paras}],
                "backend_config": {{"type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP",
                "host": "127.0.0.1:9", "timeout": 1000, {config}}}}}"#
        )
    }

    const CITY: &str = r#""path": "/w/{town}", "backend_paras": [{"name": "city",
        "position": "REQUEST_PARAMETER_POSITION_PATH", "backend_para_name": "town"}]"#;

    #[test]
    fn a_definition_becomes_a_backend() {
        let unit = r#"{"name": "unit", "position": "REQUEST_PARAMETER_POSITION_QUERY",
            "type": "REQUEST_PARAMETER_TYPE_STRING", "default_value": "C"}"#;
        let backend = read(&definition(unit, CITY)).unwrap();
        assert_eq!(backend.authority, "127.0.0.1:9");
        assert_eq!(backend.path, "/w/{town}");
        assert_eq!(backend.timeout_ms, Some(1_000));
        let [city, unit] = backend.moved.as_slice() else { panic!("{:?}", backend.moved) };
        assert_eq!((city.name.as_str(), city.backend_name.as_str()), ("city", "town"));
        assert_eq!((unit.name.as_str(), unit.default.as_deref()), ("unit", Some("C")));
        assert_eq!(unit.position, unit.backend_position);
    }

    #[test]
    fn what_is_declared_a_number_is_checked_where_it_lies() {
        let para = |name: &str, place: &str, more: &str| {
            format!(
                r#"{{"name": "{name}", "position": "REQUEST_PARAMETER_POSITION_{place}",
                    "type": "REQUEST_PARAMETER_TYPE_NUMBER"{more}}}"#
            )
        };
        let text = r#"{"name": "t", "position": "REQUEST_PARAMETER_POSITION_QUERY",
            "type": "REQUEST_PARAMETER_TYPE_STRING"}"#;
        let paras = [
            para("city", "PATH", ""),
            para("q", "QUERY", r#", "support_null": true"#),
            para("x-h", "HEADER", r#", "support_null": false"#),
            text.to_owned(),
        ];
        let backend = read(&definition(&paras.join(","), CITY)).unwrap();
        let number = |name: &str, position, may_be_empty| Number {
            name: name.to_owned(),
            position,
            may_be_empty,
        };
        let wanted = [
            number("city", Position::Path, false),
            number("q", Position::Query, true),
            number("x-h", Position::Header, false),
        ];
        assert_eq!(backend.numbers, wanted);
    }

    #[test]
    fn what_cannot_be_read_is_a_fault_and_not_a_guess() {
        for bad in ["", "{}", "[]", &definition("", r#""path": "/w/{town}""#)] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
