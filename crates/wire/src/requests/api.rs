//! The definition of an API, as its author writes it.

use serde::{Deserialize, Serialize};

use super::object;

/// The body of `POST /apis` and `PUT /apis/{api_id}` (Api): the definition of an API. Every field is
/// kept, so that what was written can be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiBody {
    /// The catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Are calls logged?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_flag: Option<bool>,
    /// How it gets its answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_type: Option<String>,
    /// What it asks of its callers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_type: Option<String>,
    /// Hours after publishing within which no stop or unpublish may take effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_period: Option<i64>,
    /// The reviewer, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// The path it is called at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The scheme it is called with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The method it is called with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_type: Option<String>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// From where it can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
    /// Where it is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_type: Option<String>,
    /// Are columns masked?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_mask_switch: Option<bool>,
    /// Which columns are masked.
    #[serde(default, deserialize_with = "object::many", skip_serializing_if = "Option::is_none")]
    pub data_mask_paras: Option<Vec<DataMaskPara>>,
    /// A description of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Several sources of data.
    #[serde(default, deserialize_with = "object::many", skip_serializing_if = "Option::is_none")]
    pub datasource_config_list: Option<Vec<DatasourceConfig>>,
    /// A program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groovy_content: Option<String>,
    /// The parameters of a request.
    #[serde(default, deserialize_with = "object::many", skip_serializing_if = "Option::is_none")]
    pub request_paras: Option<Vec<RequestPara>>,
    /// The source of data.
    #[serde(default, deserialize_with = "object::one", skip_serializing_if = "Option::is_none")]
    pub datasource_config: Option<DatasourceConfig>,
    /// The HTTP service behind it.
    #[serde(default, deserialize_with = "object::one", skip_serializing_if = "Option::is_none")]
    pub backend_config: Option<BackendConfig>,
}

/// A parameter that is added (BackendConstant).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConstant {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What its value is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Where the backend expects it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A parameter that is passed on (BackendRequestPara).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendRequestPara {
    /// The parameter of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the backend expects it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Under which name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend_para_name: Option<String>,
}

/// The HTTP service behind an API (BackendConfig).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// The method it is called with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// The scheme it is called with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Host and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// How long it may take, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// The path it is called at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Parameters that are passed on.
    #[serde(default, deserialize_with = "object::many", skip_serializing_if = "Option::is_none")]
    pub backend_paras: Option<Vec<BackendRequestPara>>,
    /// Parameters that are added.
    #[serde(default, deserialize_with = "object::many", skip_serializing_if = "Option::is_none")]
    pub constant_paras: Option<Vec<BackendConstant>>,
}

/// A column that is masked (DataMaskParas); kept and not used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataMaskPara {
    /// The column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_name: Option<String>,
    /// The algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm_name: Option<String>,
    /// The kind of algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm_type: Option<String>,
    /// The algorithm's English name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en_name: Option<String>,
    /// Its parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm_parameters: Option<String>,
    /// What happens when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_policy: Option<String>,
}

/// A column rows are sorted by (DatasourceOrderPara).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasourceOrderPara {
    /// The parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// May a request leave it out?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// In which direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Which column sorts first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<i64>,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A column that is returned (ApiResponsePara).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiResponsePara {
    /// The name in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What its value is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example_value: Option<String>,
}

/// A parameter bound to a column (ApiRequestPara).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiRequestPara {
    /// The parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// How they are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// A source of data (DatasourceConfig); kept and not used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasourceConfig {
    /// The kind of source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// The connection's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_name: Option<String>,
    /// The connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// The database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datatable: Option<String>,
    /// The table's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_id: Option<String>,
    /// The queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// `SCRIPT` or, as the protocol spells it, `CONFIGURAITON`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_type: Option<String>,
    /// How rows are found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_mode: Option<String>,
    /// Who pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pagination: Option<String>,
    /// The statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// Bound parameters.
    #[serde(default, deserialize_with = "object::many", skip_serializing_if = "Option::is_none")]
    pub backend_paras: Option<Vec<ApiRequestPara>>,
    /// Returned columns.
    #[serde(default, deserialize_with = "object::many", skip_serializing_if = "Option::is_none")]
    pub response_paras: Option<Vec<ApiResponsePara>>,
    /// How rows are sorted.
    #[serde(default, deserialize_with = "object::many", skip_serializing_if = "Option::is_none")]
    pub order_paras: Option<Vec<DatasourceOrderPara>>,
    /// The statement that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_size_sql: Option<String>,
}

/// A parameter of the requests to an API (RequestPara).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestPara {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where a request carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// What its value is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Must a request carry it?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub necessary: Option<bool>,
    /// An example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example_value: Option<String>,
    /// The value when a request does not carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
    /// May it be null?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_null: Option<bool>,
}
