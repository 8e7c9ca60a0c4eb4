//! A small table by number: far less code than a map for each type.

/// Values by their number.
pub(crate) struct Table<T>(Vec<(u64, Box<T>)>);

impl<T> Table<T> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    fn find(&self, number: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&number, |(found, _)| *found)
    }

    pub(crate) fn insert(&mut self, number: u64, value: T) {
        let entry = (number, Box::new(value));
        match self.find(number) {
            Ok(at) => {
                if let Some(place) = self.0.get_mut(at) {
                    *place = entry;
                }
            }
            Err(at) => self.0.insert(at, entry),
        }
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<Box<T>> {
        let at = self.find(number).ok()?;
        Some(self.0.remove(at).1)
    }

    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        let (_, value) = self.0.get(self.find(number).ok()?)?;
        Some(value)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let at = self.find(number).ok()?;
        let (_, value) = self.0.get_mut(at)?;
        Some(value)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All values with their numbers, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.0.iter().map(|(number, value)| (*number, &**value))
    }

    /// All values with their numbers, in order.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        self.0
            .iter_mut()
            .map(|(number, value)| (*number, &mut **value))
    }
}
