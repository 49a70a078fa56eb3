//! The HTTP status that each refusal goes with: a list and nothing else.

use super::Error;

impl Error {
    /// The HTTP status it goes with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::AddressOnDefaultNetwork
            | Self::AddressNeedsUserSubnet
            | Self::AliasOnDefaultNetwork
            | Self::AmbiguousNetwork { .. }
            | Self::BadParameter(_)
            | Self::CommandNotFound { .. }
            | Self::MtuNegative(_)
            | Self::NetworkNameInvalid(_)
            | Self::Runtime(_)
            | Self::EndpointsTooMany(_)
            | Self::ExecWithoutCommand
            | Self::HostNetworkIsFixed
            | Self::InvalidContainerName(_)
            | Self::InvalidFilter(_)
            | Self::InvalidGateway(_)
            | Self::InvalidIpv4(_)
            | Self::InvalidIpv6(_)
            | Self::InvalidMac(_)
            | Self::InvalidNetworkMode
            | Self::InvalidSignal(_)
            | Self::InvalidLinkLocal(_)
            | Self::LinkRefused { .. }
            | Self::LogDriverUnknown(_)
            | Self::LinkTargetOnHost
            | Self::NameEmpty
            | Self::NoneExcludesOthers
            | Self::OptionValue { .. }
            | Self::RenameEmpty
            | Self::RenameToSame
            | Self::SharedNamespaceIsFixed
            | Self::VersionTooNew(_)
            | Self::VolumeNameInvalid(_) => 400,
            Self::AddressInUse
            | Self::AuxiliaryOutside { .. }
            | Self::BridgeNameTaken { .. }
            | Self::BridgeSubnets
            | Self::ConfigInUse(_)
            | Self::ConfigOnly
            | Self::Modelled(_)
            | Self::SwarmScope
            | Self::DriverSingleton(_)
            | Self::EndpointExists { .. }
            | Self::InterfaceIsNoBridge(_)
            | Self::NetworkActive { .. }
            | Self::NetworkNotRemovable(_)
            | Self::NetworkPredefined(_)
            | Self::PoolOverlaps => 403,
            Self::ContainerUnknown(_)
            | Self::NoSuchContainer(_)
            | Self::ConfigUnknown(_)
            | Self::EndpointUnknown(_)
            | Self::ExecUnknown(_)
            | Self::FileUnknown { .. }
            | Self::ImageInspectUnknown(_)
            | Self::ImageNotSaved(_)
            | Self::ImageUnknown(_)
            | Self::NetworkUnknown(_)
            | Self::PageUnknown
            | Self::PluginUnknown(_)
            | Self::VolumeDriverUnknown { .. }
            | Self::VolumeUnknown(_) => 404,
            Self::ContainerAlreadyPaused(_)
            | Self::ContainerJoinsItself
            | Self::ContainerJoinsStopped(_)
            | Self::ContainerNameTaken { .. }
            | Self::ContainerNotRunning(_)
            | Self::ContainerPausedForExec(_)
            | Self::ContainerPausedForRemoval(_)
            | Self::ContainerPausedForStart
            | Self::ContainerRestarting(_)
            | Self::ContainerRestartingForRemoval(_)
            | Self::ContainerRunning(_)
            | Self::ImageHasChildren(_)
            | Self::ImageNameInUse { .. }
            | Self::ImageNamedOften(_)
            | Self::ImageUsed { .. }
            | Self::NetworkNameTaken(_)
            | Self::VolumeInUse { .. } => 409,
            Self::AddressOutside(_)
            | Self::AmbiguousContainer(_)
            | Self::ArchiveRefused { .. }
            | Self::ArchiveUnreadable(_)
            | Self::ImageArchive(_)
            | Self::AutomaticPoolsExhausted(_)
            | Self::AuxiliaryUnavailable { .. }
            | Self::BridgeNameInvalid
            | Self::BridgeNameTooLong
            | Self::EndpointNotMade { .. }
            | Self::InterfaceMtu(_)
            | Self::MacUnreadable(_)
            | Self::InvalidIpv6AtConnect(_)
            | Self::PoolEmpty
            | Self::StartRefused(_)
            | Self::ContainerNotPaused(_)
            | Self::ExternalConnectivity { .. }
            | Self::GatewayUnavailable { .. }
            | Self::InvalidIpv4AtConnect(_)
            | Self::InvalidRange(_)
            | Self::InvalidSubnet(_)
            | Self::LinkLocalUnreadable(_)
            | Self::LinkNameIsDefault
            | Self::SandboxRouteConflict { .. }
            | Self::LinkTargetElsewhere(_)
            | Self::LinkTargetStopped { .. }
            | Self::NoChain(_)
            | Self::NotConfigured { .. }
            | Self::NotConnected { .. }
            | Self::Parent(_)
            | Self::Plugin(_)
            | Self::PoolExhausted { .. }
            | Self::PidColumnMissing
            | Self::PsRefused(_)
            | Self::RegistryUnreachable(_) => 500,
            Self::KillRefused { reason, .. } => reason.status(),
            Self::RenameRefused(inner) => inner.status(),
            Self::RestartRefused { .. } => 500,
            Self::LogUnreadable | Self::Unsupported(_) => 501,
            Self::SwarmInactive => 503,
            Self::Swarm(inner) => inner.status(),
        }
    }
}
