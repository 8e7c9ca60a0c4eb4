//! The calls that the simulator knows. Faults are queued and requests are counted
//! by call.

/// The kind of a request: one for each call of the API and of the OAuth endpoint.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// `POST /ts/v1/oauth2/token`: returns a bearer token for the
    /// application's key and secret.
    BearerToken,
    /// `POST /ts/v1/oauth2/revoke`: revokes a bearer token.
    RevokeToken,
    /// `POST /m2m/v1/session/login`: returns a session token for a username
    /// and password.
    LogIn,
    /// `POST /m2m/v1/session/logout`: ends a session.
    LogOut,
    /// `PUT /m2m/v1/session/password/actions/reset`: returns a new random
    /// password.
    ResetPassword,
    /// `GET /m2m/v1/accounts/{aname}`: returns information about an account.
    Account,
    /// `POST /m2m/v1/devices/actions/list`: lists devices, a page at a
    /// time.
    Devices,
    /// `GET /m2m/v1/accounts/{aname}/statesandservices`:
    /// returns the states and services of an account.
    ListAccountStatesAndServices,
    /// `GET /m2m/v1/leads/{aname}`: lists leads, a page at a time.
    ListAccountLeads,
    /// `GET /m2m/v1/accounts/{aname}/requests/{requestId}/status`:
    /// returns the status of an asynchronous request.
    GetCurrentAsynchronousRequestStatus,
    /// `GET /m2m/v1/plans/{aname}`: lists service plans.
    ListAccountServicePlans,
    /// `POST /m2m/v1/devices/actions/activate`: activates devices.
    ActivateServiceForDevices,
    /// `POST /m2m/v1/devices/actions/add`: adds devices that are not in service yet.
    AddDevices,
    /// `PUT /m2m/v1/devices/actions/contactInfo`: changes the place of use.
    UpdateDevicesContactInformation,
    /// `PUT /m2m/v1/devices/actions/customFields`: changes custom fields.
    UpdateDevicesCustomFields,
    /// `POST /m2m/v1/devices/actions/deactivate`: takes devices out of service.
    DeactivateServiceForDevices,
    /// `POST /m2m/v1/devices/actions/delete`: deletes devices that are out of service.
    DeleteDeactivatedDevices,
    /// `POST /m2m/v1/devices/actions/list/imeiiccidmismatch`:
    /// lists devices whose radio was exchanged.
    ListDevicesWithImeiIccidMismatch,
    /// `PUT /m2m/v1/devices/actions/move`: moves devices to another account.
    MoveDevicesWithinAccountsOfProfile,
    /// `PUT /m2m/v1/devices/actions/gotostate`: changes the state of devices.
    UpdateDevicesState,
    /// `PUT /m2m/v1/devices/actions/plan`: changes the service plan.
    ChangeDevicesServicePlan,
    /// `POST /m2m/v1/devices/actions/suspend`: suspends devices.
    SuspendServiceForDevices,
    /// `POST /m2m/v1/devices/actions/restore`: restores suspended devices.
    RestoreServiceForSuspendedDevices,
    /// `POST /m2m/v1/devices/availability/actions/list`:
    /// reports devices that can be activated.
    CheckDevicesAvailabilityForActivation,
    /// `POST /m2m/v1/devices/connections/actions/listHistory`:
    /// lists the connections of a device.
    RetrieveDeviceConnectionHistory,
    /// `PUT /m2m/v1/devices/costCenter`: changes the cost center.
    UpdateDevicesCostCenterCode,
    /// `POST /m2m/v1/devices/extendeddiagnostics/actions/list`:
    /// returns diagnostics of a device.
    GetDeviceExtendedDiagnosticInformation,
    /// `POST /m2m/v1/devices/history/actions/list`:
    /// lists the changes of a device's service.
    ListDevicesProvisioningHistory,
    /// `POST /m2m/v1/devices/prl/actions/list`: reports versions of the roaming list.
    ListCurrentDevicesPrlVersion,
    /// `POST /m2m/v1/devices/suspension/status`: reports suspensions.
    GetDeviceServiceSuspensionStatus,
    /// `POST /m2m/v1/devices/usage/actions/list`: lists the usage of a device.
    ListDevicesUsageHistory,
    /// `POST /m2m/v1/devices/usage/actions/list/aggregate`: reports the usage of devices.
    RetrieveAggregateDeviceUsageHistory,
    /// `PUT /m2m/v1/devices/{serviceType}/actions/deviceId`:
    /// changes identifiers of a device.
    UpdateDeviceId,
    /// `POST /m2m/v1/devices/actions/upload`: uploads identifiers.
    DeviceUpload,
    /// `POST /m2m/v1/devices/usage/actions/billedusage/list`: reports billed usage.
    BilledUsageInfo,
    /// `POST /m2m/v1/devices/actions/usagesegmentationlabels`: labels devices.
    UsageSegmentationLabelAssociation,
    /// `DELETE /m2m/v1/devices/actions/usagesegmentationlabels`: removes labels.
    UsageSegmentationLabelDeletion,
    /// `POST /m2m/v1/devices/actions/uploadactivate`:
    /// uploads identifiers and activates the devices.
    UploadActivateDevice,
    /// `POST /m2m/v1/devices/requests/status`: reports the status of an upload.
    DeviceUploadStatus,
    /// `POST /m2m/v1/groups`: creates a group.
    CreateDeviceGroup,
    /// `GET /m2m/v1/groups/{aname}`: lists groups.
    ListDeviceGroups,
    /// `GET /m2m/v1/groups/{aname}/name/{gname}`:
    /// lists the devices of a group, a page at a time.
    GetDeviceGroupInformation,
    /// `PUT /m2m/v1/groups/{aname}/name/{gname}`: changes a group.
    UpdateDeviceGroup,
    /// `DELETE /m2m/v1/groups/{aname}/name/{gname}`: deletes a group.
    DeleteDeviceGroup,
    /// `GET /m2m/v1/callbacks/{aname}`: lists listeners.
    ListRegisteredCallbacks,
    /// `POST /m2m/v1/callbacks/{aname}`: registers a listener.
    RegisterCallback,
    /// `DELETE /m2m/v1/callbacks/{aname}/name/{sname}`: removes a listener.
    DeregisterCallback,
    /// `POST /m2m/v1/sms`: sends a text message.
    SendSmsToDevice,
    /// `GET /m2m/v1/sms/{aname}/history`: lists text messages, a page at a time.
    ListDevicesSmsMessages,
    /// `PUT /m2m/v1/sms/{aname}/startCallbacks`: delivers queued text messages.
    StartQueuedSmsDelivery,
    /// `POST /m2m/v1/diagnostics/basic/devicereachability`: monitors devices.
    DeviceReachability,
    /// `DELETE /m2m/v1/diagnostics/basic/devicereachability`: ends monitors.
    StopDeviceReachability,
    /// `POST /m2m/v1/diagnostics/basic/devicereachability/status`:
    /// reports the reachability of a device.
    DeviceReachabilityStatus,
    /// `POST /m2m/v1/diagnostics/basic/devicereachability/monitors`: reports monitors.
    RetrieveActiveMonitors,
    /// `POST /m2m/v1/devices/profile/actions/activate_enable`:
    /// activates devices and enables their profile.
    ActivateDeviceThroughProfile,
    /// `POST /m2m/v1/devices/profile/actions/activate`:
    /// activates devices through a profile.
    ProfileToActivateDevice,
    /// `POST /m2m/v1/devices/profile/actions/deactivate`:
    /// deactivates devices through a profile.
    ProfileToDeactivateDevice,
    /// `POST /m2m/v1/devices/profile/actions/setfallbackattribute`:
    /// sets the fallback attribute.
    ProfileToSetFallbackAttribute,
    /// `POST /m2m/v1/devices/profile/actions/download_enable`:
    /// downloads a local profile and enables it.
    DownloadLocalProfileToEnable,
    /// `POST /m2m/v1/devices/profile/actions/download_disable`:
    /// downloads a local profile and leaves it disabled.
    DownloadLocalProfileToDisable,
    /// `POST /m2m/v1/devices/profile/actions/enable`: enables a local profile.
    EnableLocalProfile,
    /// `POST /m2m/v1/devices/profile/actions/disable`: disables a local profile.
    DisableLocalProfile,
    /// `POST /m2m/v1/devices/profile/actions/delete`: deletes a local profile.
    DeleteLocalProfile,
    /// Anything else. The gateway has no resource for it.
    Unknown,
}
