//! The sets of values that Connectivity Management knows.

use super::term::Term;

/// The set of [`DeviceIdKind`].
#[derive(Debug)]
pub enum DeviceIdKinds {}

/// The kind of a device's identifier.
pub type DeviceIdKind = Term<DeviceIdKinds>;

impl Term<DeviceIdKinds> {
    /// An electronic serial number, in decimal.
    pub const ESN: Self = Self::known("esn");
    /// The identifier of an eUICC.
    pub const EID: Self = Self::known("eid");
    /// The identifier of a SIM card, of up to 20 digits.
    pub const ICCID: Self = Self::known("iccId");
    /// The identifier of a device's radio, of up to 16 digits.
    pub const IMEI: Self = Self::known("imei");
    /// A mobile directory number: the telephone number of a device.
    pub const MDN: Self = Self::known("mdn");
    /// A mobile equipment identifier, in hexadecimal digits.
    pub const MEID: Self = Self::known("meid");
    /// A telephone number with its country code.
    pub const MSISDN: Self = Self::known("msisdn");
}

/// The set of [`CallbackService`].
#[derive(Debug)]
pub enum CallbackServices {}

/// The service for which a listener is registered.
pub type CallbackService = Term<CallbackServices>;

impl Term<CallbackServices> {
    /// Alerts.
    pub const ALERT_SERVICE: Self = Self::known("AlertService");
    /// Alerts, in the documentation's other spelling. The two are not equal, since nothing
    /// says that the service takes one for the other.
    pub const ALERTS_SERVICE: Self = Self::known("AlertsService");
    /// Outcomes of changes to devices, such as activations and new custom fields.
    pub const CARRIER_SERVICE: Self = Self::known("CarrierService");
    /// Versions of preferred roaming lists.
    pub const DEVICE_PRL_INFORMATION: Self = Self::known("DevicePRLInformation");
    /// Named in the documentation; nothing says what it sends.
    pub const DEVICE_SERVICE: Self = Self::known("DeviceService");
    /// States of suspended devices.
    pub const DEVICE_SUSPENSION_STATUS: Self = Self::known("DeviceSuspensionStatus");
    /// Aggregate usage.
    pub const DEVICE_USAGE: Self = Self::known("DeviceUsage");
    /// Outcomes of diagnostics, such as monitors of reachability.
    pub const DIAGNOSTICS_SERVICE: Self = Self::known("DiagnosticsService");
    /// Text messages from devices.
    pub const ENHANCED_CONNECTIVITY_SERVICE: Self = Self::known("EnhancedConnectivityService");
    /// Changes to devices that came from outside of the account's own requests.
    pub const EXTERNAL_PROVISIONING_CHANGES: Self = Self::known("ExternalProvisioningChanges");
    /// Messages without IP, from and to devices.
    pub const NIDD_SERVICE: Self = Self::known("NiddService");
}

/// The set of [`CarrierState`].
#[derive(Debug)]
pub enum CarrierStates {}

/// The state of a device's service.
pub type CarrierState = Term<CarrierStates>;

impl Term<CarrierStates> {
    /// In service, as an example of the documentation has it. (Its prose has `Activate`.)
    pub const ACTIVE: Self = Self::known("active");
    /// Suspended.
    pub const SUSPEND: Self = Self::known("suspend");
    /// Out of service, spelled as documented.
    pub const DEACTIVE: Self = Self::known("deactive");
    /// Known to the account, and not yet in service. The only state that
    /// [`AddDevices`](crate::api::devices::AddDevices) takes. (`Pre-active` is another
    /// spelling of it in the documentation.)
    pub const PREACTIVE: Self = Self::known("preactive");
}

/// The set of [`ReasonCode`].
#[derive(Debug)]
pub enum ReasonCodes {}

/// The reason for which a device is deactivated.
pub type ReasonCode = Term<ReasonCodes>;

impl Term<ReasonCodes> {
    /// The only code that is documented to be valid.
    pub const FF: Self = Self::known("FF");
}

/// The set of [`ProvisioningEventType`].
#[derive(Debug)]
pub enum ProvisioningEventTypes {}

/// The kind of an event in the provisioning history of a device.
pub type ProvisioningEventType = Term<ProvisioningEventTypes>;

impl Term<ProvisioningEventTypes> {
    /// Put into service.
    pub const ACTIVATE: Self = Self::known("Activate");
    /// Put into service, as the only example of the documentation has it.
    pub const ACTIVATION_CONFIRMED: Self = Self::known("Activation Confirmed");
    /// Suspended.
    pub const SUSPEND: Self = Self::known("Suspend");
    /// In service again after a suspension.
    pub const RESTORE: Self = Self::known("Restore");
    /// Taken out of service.
    pub const DEACTIVATE: Self = Self::known("Deactivate");
    /// Moved to another account.
    pub const DEVICE_MOVE: Self = Self::known("Device Move");
}

/// The set of [`Change4gOption`].
#[derive(Debug)]
pub enum Change4gOptions {}

/// The change of a 4G device's identifiers.
pub type Change4gOption = Term<Change4gOptions>;

impl Term<Change4gOptions> {
    /// Another SIM card.
    pub const CHANGE_ICCID: Self = Self::known("ChangeICCID");
    /// Another telephone number. The only change that needs no new identifier.
    pub const CHANGE_MSISDN: Self = Self::known("ChangeMSISDN");
}

/// The set of [`PublicIpRestriction`].
#[derive(Debug)]
pub enum PublicIpRestrictions {}

/// The reach of a device that has a static public address.
pub type PublicIpRestriction = Term<PublicIpRestrictions>;

impl Term<PublicIpRestrictions> {
    /// Without general access to the internet.
    pub const RESTRICTED: Self = Self::known("restricted");
    /// With general access to the internet.
    pub const UNRESTRICTED: Self = Self::known("unrestricted");
}

/// The set of [`ReachabilityRequestType`].
#[derive(Debug)]
pub enum ReachabilityRequestTypes {}

/// The kind of a monitor of reachability.
pub type ReachabilityRequestType = Term<ReachabilityRequestTypes>;

impl Term<ReachabilityRequestTypes> {
    /// Reachable for data. The only kind in the documentation.
    pub const REACHABLE_FOR_DATA: Self = Self::known("REACHABLE_FOR_DATA");
}

/// The set of [`RequestStatus`].
#[derive(Debug)]
pub enum RequestStatuses {}

/// The status of an asynchronous request.
#[doc(alias = "RequestStatusEnum")]
pub type RequestStatus = Term<RequestStatuses>;

impl Term<RequestStatuses> {
    /// In progress.
    pub const PENDING: Self = Self::known("Pending");
    /// Executed.
    pub const SUCCESS: Self = Self::known("Success");
    /// Failed.
    pub const FAILURE: Self = Self::known("Failure");
}

/// The set of [`UploadType`].
#[derive(Debug)]
pub enum UploadTypes {}

/// The identifiers by which an upload names each device. The known ones are from
/// examples: no set is documented.
pub type UploadType = Term<UploadTypes>;

impl Term<UploadTypes> {
    /// The IMEI alone.
    pub const IMEI: Self = Self::known("IMEI");
    /// The IMEI and the ICCID of its SIM card.
    pub const IMEI_ICCID_PAIR: Self = Self::known("IMEI ICCID Pair");
}

/// The set of [`DataEncoding`].
#[derive(Debug)]
pub enum DataEncodings {}

/// The encoding of a text message.
pub type DataEncoding = Term<DataEncodings>;

impl Term<DataEncodings> {
    /// 7 bits a character, up to 160 characters. The service's default.
    pub const SEVEN_BIT: Self = Self::known("7-bit");
    /// ASCII in bytes, up to 140 of them.
    pub const ASCII: Self = Self::known("8-bit-ASCII");
    /// UTF-8, up to 140 bytes.
    pub const UTF_8: Self = Self::known("8-bit-UTF-8");
    /// Bytes, up to 140 of them.
    pub const DATA: Self = Self::known("8-bit-DATA");
}
