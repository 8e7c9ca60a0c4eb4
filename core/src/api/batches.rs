//! Long lists of devices, split into as many requests as the service's limits ask for.

use super::connectivity::ConnectivityCall;

/// A call for devices, of which the service takes so many in one request.
pub trait Batched: ConnectivityCall + Clone {
    /// The way in which the request names a device.
    type Device;

    /// The most devices in one request. Documented by Verizon.
    const MAX_DEVICES: usize;

    /// The devices of the request, if it names any.
    fn devices(&mut self) -> Option<&mut Vec<Self::Device>>;

    /// Splits the call into calls that the service takes, each like this one but for its
    /// devices. One that is short enough stays as it is.
    ///
    /// ```
    /// use thingspace_core::{
    ///     api::{Batched, devices::DeleteDeactivatedDevices},
    ///     model::{AccountDeviceList, DeviceId},
    /// };
    ///
    /// let devices = (0..250).map(|number| DeviceId::imei(format!("{number:015}")).into());
    /// let calls = DeleteDeactivatedDevices::new(devices.collect::<Vec<_>>()).batches();
    /// let sizes: Vec<_> = calls.iter().map(|call| call.devices_to_delete.len()).collect();
    /// assert_eq!(sizes, [100, 100, 50]);
    /// ```
    fn batches(mut self) -> Vec<Self> {
        let Some(devices) = self.devices().map(std::mem::take) else {
            return vec![self];
        };
        let mut batches = Vec::with_capacity(devices.len() / Self::MAX_DEVICES + 1);
        let mut left = devices.into_iter();
        loop {
            let batch: Vec<_> = left.by_ref().take(Self::MAX_DEVICES).collect();
            if batch.is_empty() && !batches.is_empty() {
                return batches;
            }
            let mut call = self.clone();
            if let Some(devices) = call.devices() {
                *devices = batch;
            }
            batches.push(call);
        }
    }
}
