//! Instances.

use serde::Serialize;
use tidegate_domain::publication::Status;
use tidegate_domain::{Instance, Timestamp};

use crate::enums::{ApiDebug, ApiStatus, InstanceAction, InstanceCause, InstanceType};
use crate::quirks::DEBUG_SHOWN;
use crate::time::format_iso;

/// The most APIs an instance is said to hold: the vendor's figure for its largest one. Nothing
/// here depends on it.
const PUBLISHABLE: i32 = 2_000;

/// What is known of an instance beside its record.
#[derive(Debug, Clone, Default)]
pub struct InstanceFacts {
    /// Who set it up, by name.
    pub creator: String,
    /// The address apps call it at.
    pub address: Option<String>,
    /// APIs published on it from the caller's workspace.
    pub published_here: u64,
    /// APIs published on it from all workspaces.
    pub published: u64,
    /// Its gateways.
    pub nodes: Vec<InstanceNodeDto>,
    /// The version of its software.
    pub version: String,
}

/// An instance, in short (InstanceOverviewDTO).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceOverviewDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its public address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_address: Option<String>,
    /// Its private address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intranet_address: Option<String>,
    /// Its private IPv6 address.
    pub intranet_address_ipv6: &'static str,
    /// Its public DNS zone.
    pub public_zone_id: &'static str,
    /// That zone's name.
    pub public_zone_name: &'static str,
    /// Its private DNS zone.
    pub private_zone_id: &'static str,
    /// That zone's name.
    pub private_zone_name: &'static str,
    /// An enterprise project; `0` is the default one.
    pub enterprise_project_id: &'static str,
    /// When it was set up.
    pub create_time: i64,
    /// Who set it up.
    pub create_user: String,
    /// APIs published on it from the caller's workspace.
    pub current_namespace_publish_api_num: i32,
    /// APIs published on it from all workspaces.
    pub all_namespace_publish_api_num: i32,
    /// How many it holds.
    pub api_publishable_num: i32,
    /// Can it be deleted through this protocol?
    pub deletable: bool,
    /// What it costs.
    pub charge_status: &'static str,
    /// The order it came with.
    pub order_id: &'static str,
    /// The hosts whose calls are its own; an extension of ours, left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
}

impl InstanceOverviewDto {
    /// The instance.
    pub fn of(instance: &Instance, facts: &InstanceFacts) -> Self {
        Self {
            id: instance.id.to_string(),
            name: instance.name.clone(),
            description: instance.description.clone(),
            external_address: facts.address.clone(),
            intranet_address: facts.address.clone(),
            intranet_address_ipv6: "",
            public_zone_id: "",
            public_zone_name: "",
            private_zone_id: "",
            private_zone_name: "",
            enterprise_project_id: "0",
            create_time: instance.created_at.as_ms(),
            create_user: facts.creator.clone(),
            current_namespace_publish_api_num: crate::paging::total(facts.published_here),
            all_namespace_publish_api_num: crate::paging::total(facts.published),
            api_publishable_num: PUBLISHABLE,
            deletable: false,
            charge_status: "NO_CHARGE",
            order_id: "",
            hosts: instance.hosts.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The size of an instance (FlavorDTO).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlavorDto {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Disk.
    pub disk: i32,
    /// Processors.
    pub cpu: i32,
    /// Memory.
    pub mem: i32,
}

/// The size of every instance: whatever its machines have.
const FLAVOR: FlavorDto =
    FlavorDto { id: "self-hosted", name: "self-hosted", disk: 0, cpu: 0, mem: 0 };

/// A gateway of an instance (InstanceNodeDTO).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceNodeDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub private_ip: String,
    /// How it is.
    pub status: String,
    /// Who set it up.
    pub create_user: String,
    /// When it was set up, as text: the only time of an answer that is one.
    pub create_time: String,
    /// The version of its software.
    pub gateway_version: String,
}

impl InstanceNodeDto {
    /// A gateway that runs, or does not.
    pub fn new(id: &str, address: &str, is_running: bool, since: Timestamp, version: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            private_ip: address.to_owned(),
            status: if is_running { "RUNNING" } else { "STOPPED" }.to_owned(),
            create_user: String::new(),
            create_time: format_iso(since),
            gateway_version: version.to_owned(),
        }
    }
}

/// An instance in full (InstanceDetailDTO), with the log fields that the live service adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceDetailDto {
    /// What the short form has.
    #[serde(flatten)]
    pub overview: InstanceOverviewDto,
    /// How it was ordered.
    pub order_type: &'static str,
    /// For how long.
    pub period_type: &'static str,
    /// How it is.
    pub instance_status: &'static str,
    /// How many gateways it has.
    pub node_num: i32,
    /// Its size.
    pub flavor: FlavorDto,
    /// The version of its software.
    pub gateway_version: String,
    /// Where it is.
    pub availability_zone: &'static str,
    /// The name of that place.
    pub availability_zone_name: &'static str,
    /// Its network.
    pub vpc_id: &'static str,
    /// Its subnet.
    pub subnet_id: &'static str,
    /// Its firewall.
    pub security_group_id: &'static str,
    /// Its gateways.
    pub nodes: Vec<InstanceNodeDto>,
    /// Are logs dumped to storage?
    pub log_dump_flag: bool,
    /// Are logs dumped to a log service?
    pub lts_log_dump_flag: bool,
    /// The log group.
    pub log_group_id: &'static str,
    /// Its name.
    pub log_group_name: &'static str,
    /// The log stream.
    pub log_stream_id: &'static str,
    /// Its name.
    pub log_stream_name: &'static str,
}

impl InstanceDetailDto {
    /// The instance.
    pub fn of(instance: &Instance, facts: &InstanceFacts) -> Self {
        Self {
            overview: InstanceOverviewDto::of(instance, facts),
            order_type: "ON_DEMAND",
            period_type: "",
            instance_status: "RUNNING",
            node_num: crate::paging::total(facts.nodes.len() as u64),
            flavor: FLAVOR,
            gateway_version: facts.version.clone(),
            availability_zone: "",
            availability_zone_name: "",
            vpc_id: "",
            subnet_id: "",
            security_group_id: "",
            nodes: facts.nodes.clone(),
            log_dump_flag: false,
            lts_log_dump_flag: false,
            log_group_id: "",
            log_group_name: "",
            log_stream_id: "",
            log_stream_name: "",
        }
    }
}

/// Whether an action is possible on an instance (InstanceForApiActionDTO).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceForApiActionDto {
    /// The instance.
    pub instance_id: String,
    /// What it is.
    pub instance_type: InstanceType,
    /// Its name.
    pub name: String,
    /// The action.
    pub action: InstanceAction,
    /// Is it possible?
    pub result: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<InstanceCause>,
    /// The API's state there.
    pub api_status: ApiStatus,
    /// How the trial call there went.
    pub api_debug: ApiDebug,
}

impl InstanceForApiActionDto {
    /// The action on the instance, where the API's state is `status`; it is possible if there is
    /// no cause why not.
    pub fn of(
        instance: &Instance,
        action: InstanceAction,
        status: Status,
        cause: Option<InstanceCause>,
    ) -> Self {
        Self {
            instance_id: instance.id.to_string(),
            instance_type: InstanceType::of(&instance.id),
            name: instance.name.clone(),
            action,
            result: cause.is_none(),
            cause,
            api_status: status.into(),
            api_debug: DEBUG_SHOWN,
        }
    }
}
