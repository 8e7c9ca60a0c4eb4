//! All calls. The paths and methods are documented.

use http::Method;

use crate::call::Call;
use crate::connectivity::models as model;
use crate::connectivity::{
    accounts, activation, changes, diagnostics, groups, histories, inventory, labels, listeners,
    profiles, reports, sms, uploads,
};
use crate::route::Route;

/// Finds the route of a call.
pub(crate) fn route_of(call: Call) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.call == call)
}

impl Call {
    /// Returns every call: those with a path, in the order of the documentation's groups, and
    /// [`Unknown`](Self::Unknown).
    pub fn all() -> impl Iterator<Item = Self> {
        let known = ROUTES.iter().map(|route| route.call);
        known.chain([Self::Unknown])
    }

    /// Returns the method, for example `POST`. It is empty for
    /// [`Unknown`](Self::Unknown).
    pub fn method(self) -> &'static str {
        route_of(self).map_or("", |route| route.method)
    }

    /// Returns the path under the base, with names in braces for its parameters. It is
    /// empty for [`Unknown`](Self::Unknown).
    pub fn path(self) -> &'static str {
        route_of(self).map_or("", |route| route.path)
    }

    /// Returns the call with this method and path. `path` is without the prefix
    /// of the base.
    pub(crate) fn at(method: &Method, path: &str) -> Self {
        ROUTES
            .iter()
            .find(|route| route.method == method.as_str() && route.has(path))
            .map_or(Self::Unknown, |route| route.call)
    }
}

/// The calls, in the order of the documentation's groups.
static ROUTES: [Route; 63] = [
    // The OAuth endpoint.
    Route::new(Call::BearerToken, "POST", "/ts/v1/oauth2/token"),
    Route::new(Call::RevokeToken, "POST", "/ts/v1/oauth2/revoke"),
    // The session.
    Route::new(Call::LogIn, "POST", "/m2m/v1/session/login"),
    Route::new(Call::LogOut, "POST", "/m2m/v1/session/logout"),
    Route::new(
        Call::ResetPassword,
        "PUT",
        "/m2m/v1/session/password/actions/reset",
    ),
    // Accounts.
    Route::get(
        Call::Account,
        "/m2m/v1/accounts/{aname}",
        accounts::information,
    ),
    Route::get(
        Call::ListAccountStatesAndServices,
        "/m2m/v1/accounts/{aname}/statesandservices",
        accounts::states_and_services,
    ),
    Route::get(
        Call::ListAccountLeads,
        "/m2m/v1/leads/{aname}",
        accounts::leads,
    ),
    Route::get(
        Call::GetCurrentAsynchronousRequestStatus,
        "/m2m/v1/accounts/{aname}/requests/{requestId}/status",
        accounts::request_status,
    ),
    Route::get(
        Call::ListAccountServicePlans,
        "/m2m/v1/plans/{aname}",
        accounts::service_plans,
    ),
    // Devices.
    Route::post(
        Call::ActivateServiceForDevices,
        "/m2m/v1/devices/actions/activate",
        &model::ACTIVATE,
        activation::activate,
    ),
    Route::post(
        Call::AddDevices,
        "/m2m/v1/devices/actions/add",
        &model::ADD,
        inventory::add,
    ),
    Route::put(
        Call::UpdateDevicesContactInformation,
        "/m2m/v1/devices/actions/contactInfo",
        &model::CONTACT,
        changes::contact,
    ),
    Route::put(
        Call::UpdateDevicesCustomFields,
        "/m2m/v1/devices/actions/customFields",
        &model::CUSTOM_FIELDS,
        changes::custom_fields,
    ),
    Route::post(
        Call::DeactivateServiceForDevices,
        "/m2m/v1/devices/actions/deactivate",
        &model::DEACTIVATE,
        activation::deactivate,
    ),
    Route::post(
        Call::DeleteDeactivatedDevices,
        "/m2m/v1/devices/actions/delete",
        &model::DELETE,
        inventory::delete,
    ),
    Route::post(
        Call::Devices,
        "/m2m/v1/devices/actions/list",
        &model::LIST,
        inventory::list,
    ),
    Route::post(
        Call::ListDevicesWithImeiIccidMismatch,
        "/m2m/v1/devices/actions/list/imeiiccidmismatch",
        &model::MISMATCHES,
        inventory::mismatches,
    ),
    Route::put(
        Call::MoveDevicesWithinAccountsOfProfile,
        "/m2m/v1/devices/actions/move",
        &model::MOVE,
        changes::move_devices,
    ),
    Route::put(
        Call::UpdateDevicesState,
        "/m2m/v1/devices/actions/gotostate",
        &model::GO_TO_STATE,
        activation::go_to_state,
    ),
    Route::put(
        Call::ChangeDevicesServicePlan,
        "/m2m/v1/devices/actions/plan",
        &model::PLAN,
        changes::plan,
    ),
    Route::post(
        Call::SuspendServiceForDevices,
        "/m2m/v1/devices/actions/suspend",
        &model::CARRIER_ACTIONS,
        activation::suspend,
    ),
    Route::post(
        Call::RestoreServiceForSuspendedDevices,
        "/m2m/v1/devices/actions/restore",
        &model::CARRIER_ACTIONS,
        activation::restore,
    ),
    Route::post(
        Call::CheckDevicesAvailabilityForActivation,
        "/m2m/v1/devices/availability/actions/list",
        &model::AVAILABILITY,
        reports::availability,
    ),
    Route::post(
        Call::RetrieveDeviceConnectionHistory,
        "/m2m/v1/devices/connections/actions/listHistory",
        &model::HISTORY,
        histories::connections,
    ),
    Route::put(
        Call::UpdateDevicesCostCenterCode,
        "/m2m/v1/devices/costCenter",
        &model::COST_CENTER,
        changes::cost_center,
    ),
    Route::post(
        Call::GetDeviceExtendedDiagnosticInformation,
        "/m2m/v1/devices/extendeddiagnostics/actions/list",
        &model::DIAGNOSTICS,
        diagnostics::extended,
    ),
    Route::post(
        Call::ListDevicesProvisioningHistory,
        "/m2m/v1/devices/history/actions/list",
        &model::HISTORY,
        histories::provisioning,
    ),
    Route::post(
        Call::ListCurrentDevicesPrlVersion,
        "/m2m/v1/devices/prl/actions/list",
        &model::PRL,
        reports::prl,
    ),
    Route::post(
        Call::GetDeviceServiceSuspensionStatus,
        "/m2m/v1/devices/suspension/status",
        &model::SUSPENSION,
        reports::suspension,
    ),
    Route::post(
        Call::ListDevicesUsageHistory,
        "/m2m/v1/devices/usage/actions/list",
        &model::USAGE,
        histories::usage,
    ),
    Route::post(
        Call::RetrieveAggregateDeviceUsageHistory,
        "/m2m/v1/devices/usage/actions/list/aggregate",
        &model::AGGREGATE_USAGE,
        reports::aggregate_usage,
    ),
    Route::put(
        Call::UpdateDeviceId,
        "/m2m/v1/devices/{serviceType}/actions/deviceId",
        &model::CHANGE_ID,
        changes::device_id,
    ),
    Route::post(
        Call::DeviceUpload,
        "/m2m/v1/devices/actions/upload",
        &model::UPLOAD,
        uploads::upload,
    )
    .numbered(),
    Route::post(
        Call::BilledUsageInfo,
        "/m2m/v1/devices/usage/actions/billedusage/list",
        &model::BILLED_USAGE,
        reports::billed_usage,
    ),
    Route::post(
        Call::UsageSegmentationLabelAssociation,
        "/m2m/v1/devices/actions/usagesegmentationlabels",
        &model::LABEL_DEVICES,
        labels::associate,
    ),
    Route::delete(
        Call::UsageSegmentationLabelDeletion,
        "/m2m/v1/devices/actions/usagesegmentationlabels",
        labels::remove,
    ),
    Route::post(
        Call::UploadActivateDevice,
        "/m2m/v1/devices/actions/uploadactivate",
        &model::UPLOAD_ACTIVATE,
        uploads::upload_and_activate,
    ),
    Route::post(
        Call::DeviceUploadStatus,
        "/m2m/v1/devices/requests/status",
        &model::UPLOAD_STATUS,
        uploads::status,
    ),
    // Groups.
    Route::post(
        Call::CreateDeviceGroup,
        "/m2m/v1/groups",
        &model::CREATE_GROUP,
        groups::create,
    ),
    Route::get(
        Call::ListDeviceGroups,
        "/m2m/v1/groups/{aname}",
        groups::list,
    ),
    Route::get(
        Call::GetDeviceGroupInformation,
        "/m2m/v1/groups/{aname}/name/{gname}",
        groups::information,
    ),
    Route::put(
        Call::UpdateDeviceGroup,
        "/m2m/v1/groups/{aname}/name/{gname}",
        &model::UPDATE_GROUP,
        groups::update,
    ),
    Route::delete(
        Call::DeleteDeviceGroup,
        "/m2m/v1/groups/{aname}/name/{gname}",
        groups::delete,
    ),
    // Callbacks.
    Route::get(
        Call::ListRegisteredCallbacks,
        "/m2m/v1/callbacks/{aname}",
        listeners::list,
    ),
    Route::post(
        Call::RegisterCallback,
        "/m2m/v1/callbacks/{aname}",
        &model::REGISTER,
        listeners::register,
    ),
    Route::delete(
        Call::DeregisterCallback,
        "/m2m/v1/callbacks/{aname}/name/{sname}",
        listeners::deregister,
    ),
    // Text messages.
    Route::post(Call::SendSmsToDevice, "/m2m/v1/sms", &model::SMS, sms::send),
    Route::get(
        Call::ListDevicesSmsMessages,
        "/m2m/v1/sms/{aname}/history",
        sms::history,
    ),
    Route::new(
        Call::StartQueuedSmsDelivery,
        "PUT",
        "/m2m/v1/sms/{aname}/startCallbacks",
    )
    .executed_by(sms::start),
    // Reachability.
    Route::post(
        Call::DeviceReachability,
        "/m2m/v1/diagnostics/basic/devicereachability",
        &model::MONITOR,
        diagnostics::monitor,
    )
    .numbered(),
    Route::delete(
        Call::StopDeviceReachability,
        "/m2m/v1/diagnostics/basic/devicereachability",
        diagnostics::stop,
    )
    .optional(&model::STOP_MONITORS)
    .numbered(),
    Route::post(
        Call::DeviceReachabilityStatus,
        "/m2m/v1/diagnostics/basic/devicereachability/status",
        &model::REACHABILITY,
        diagnostics::reachability,
    ),
    Route::post(
        Call::RetrieveActiveMonitors,
        "/m2m/v1/diagnostics/basic/devicereachability/monitors",
        &model::MONITORS,
        diagnostics::monitors,
    ),
    // Profiles.
    Route::post(
        Call::ActivateDeviceThroughProfile,
        "/m2m/v1/devices/profile/actions/activate_enable",
        &model::PROFILE_ACTIVATE_ENABLE,
        profiles::activate_and_enable,
    )
    .numbered(),
    Route::post(
        Call::ProfileToActivateDevice,
        "/m2m/v1/devices/profile/actions/activate",
        &model::PROFILE_ACTIVATE,
        profiles::activate,
    )
    .numbered(),
    Route::post(
        Call::ProfileToDeactivateDevice,
        "/m2m/v1/devices/profile/actions/deactivate",
        &model::PROFILE_DEACTIVATE,
        profiles::deactivate,
    )
    .numbered(),
    Route::post(
        Call::ProfileToSetFallbackAttribute,
        "/m2m/v1/devices/profile/actions/setfallbackattribute",
        &model::FALLBACK,
        profiles::set_fallback,
    )
    .numbered(),
    // Local profiles of eUICCs.
    Route::post(
        Call::DownloadLocalProfileToEnable,
        "/m2m/v1/devices/profile/actions/download_enable",
        &model::LOCAL_PROFILE,
        profiles::download_to_enable,
    ),
    Route::post(
        Call::DownloadLocalProfileToDisable,
        "/m2m/v1/devices/profile/actions/download_disable",
        &model::LOCAL_PROFILE,
        profiles::download_to_disable,
    ),
    Route::post(
        Call::EnableLocalProfile,
        "/m2m/v1/devices/profile/actions/enable",
        &model::LOCAL_PROFILE,
        profiles::enable,
    )
    .numbered(),
    Route::post(
        Call::DisableLocalProfile,
        "/m2m/v1/devices/profile/actions/disable",
        &model::LOCAL_PROFILE,
        profiles::disable,
    )
    .numbered(),
    Route::post(
        Call::DeleteLocalProfile,
        "/m2m/v1/devices/profile/actions/delete",
        &model::LOCAL_PROFILE,
        profiles::delete,
    )
    .numbered(),
];
