//! What a process knows, kept naively: the logins that it has begun or read of,
//! and what it knows to be settled.
//!
//! This is the yardstick of laws 3, 8 and 15: whatever the store did, no process may
//! begin a login while those that it knows to count are four, or while it knows
//! its password as refused or in doubt, unless somebody has allowed one by name.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::Hasher,
};

use siphasher::sip::SipHasher13;

use crate::store::{Id, Read, Settled};

/// The number of logins at which no process begins another one.
const MOST: usize = 4;

#[derive(Clone, Debug, Default)]
pub struct Known {
    salt: Option<u64>,
    counted: BTreeSet<Id>,
    settled: BTreeSet<Id>,
    /// The refused passwords, by the name of each refusal.
    refused: BTreeMap<Id, String>,
    accepted: BTreeSet<Id>,
    /// The number of the last login that succeeded with each password, or of the last one
    /// when somebody unblocked it: what it was refused for before is over.
    accepted_until: BTreeMap<String, u64>,
    doubts: BTreeSet<Id>,
    ended_doubts: BTreeSet<Id>,
    /// The password for which somebody has allowed a login here, and the number of
    /// logins: two at most, if another one was about to be sent.
    allowed_here: Option<(String, usize)>,
    /// The passwords for which somebody has allowed a login elsewhere.
    allowed: BTreeMap<Id, String>,
    ended_unblockings: BTreeSet<Id>,
    /// The logins that were lawful only since somebody had allowed them.
    used: BTreeMap<Id, Allowance>,
    /// The number of times that somebody has given a password here, and how many of
    /// these the store has.
    pub given: usize,
    saved: usize,
    /// What this process has drafted and never sent.
    drafts: BTreeSet<Id>,
}

/// What allowed a login.
#[derive(Clone, Copy, Debug)]
enum Allowance {
    Here,
    Elsewhere(Id),
}

impl Known {
    /// Learns what a snapshot says, in which this operation still runs. The process has
    /// its `own` password, and `passwords` are all that there are.
    pub fn loads(&mut self, read: &Read, running: Option<Id>, own: &str, passwords: &[String]) {
        let guard = &read.guard;
        if self.salt.replace(guard.salt) != Some(guard.salt) {
            // Of what was known by another salt, only the password in use is known again.
            self.refused.retain(|_, password| password == own);
        }
        let named = |tag: u16| {
            let mut passwords = passwords.iter();
            passwords.find(|password| tag_of(password, guard.salt) == tag)
        };
        let is_sent = |id: &Id| !self.drafts.contains(id);
        let counted = guard.counted.iter().map(|one| one.id);
        self.counted.extend(counted.filter(is_sent));
        let doubts = guard.doubts.iter().map(|one| one.reset);
        self.doubts.extend(doubts.filter(is_sent));
        for one in &guard.refused {
            // That a login failed which somebody had allowed is counted by the service.
            if let Some(password) = named(one.tag).filter(|_| one.is_about_credentials()) {
                self.refused.insert(one.id, password.clone());
            }
        }
        for settled in &guard.settled {
            match settled {
                Settled::Counted(id) => _ = self.settled.insert(*id),
                Settled::Refused(id) => _ = self.accepted.insert(*id),
                Settled::Doubt(id) => _ = self.ended_doubts.insert(*id),
                Settled::Unblocked(id) => _ = self.ended_unblockings.insert(*id),
            }
        }
        if let Some(one) = &guard.unblocked
            && let Some(password) = named(one.tag)
        {
            // One that another process has used is of no use here, unless that was never
            // judged.
            let is_over = one.login.is_some_and(|login| {
                !self.settled.contains(&login) && !self.drafts.contains(&login)
            });
            if is_over {
                self.allowed.remove(&one.id);
            } else {
                self.allowed.insert(one.id, password.clone());
            }
        }
        if self.given > self.saved {
            // That comes after what was in doubt. Only a reset in progress decides anew.
            let doubts = guard.doubts.iter();
            let over = doubts.filter(|one| one.awaits_confirmation || Some(one.reset) != running);
            self.ended_doubts.extend(over.map(|one| one.reset));
        }
        let ended = &self.ended_unblockings;
        self.allowed.retain(|id, _| !ended.contains(id));
    }

    /// Drafts an operation, which may never be sent.
    pub fn drafts(&mut self, id: Id) {
        self.drafts.insert(id);
    }

    /// Begins a login or reset with this password; `early` says why it comes too early,
    /// if it does. Returns true if it is lawful only since somebody has allowed it by
    /// name.
    pub fn begins(
        &mut self,
        id: Id,
        password: &str,
        is_reset: bool,
        early: Option<String>,
    ) -> bool {
        self.drafts.remove(&id);
        let unlawful = self.breaks(id, password, is_reset).or(early);
        let needs_allowance = unlawful.is_some();
        if let Some(unlawful) = unlawful {
            let allowance = self.allowance(password);
            let allowance = allowance.unwrap_or_else(|| panic!("{unlawful}: {self:?}"));
            self.used.insert(id, allowance);
        }
        self.counted.insert(id);
        if is_reset {
            self.doubts.insert(id);
        }
        needs_allowance
    }

    /// The law that a login or reset breaks, unless somebody has allowed it by name.
    fn breaks(&self, id: Id, password: &str, is_reset: bool) -> Option<String> {
        let counting: Vec<_> = self.counting().filter(|one| *one != id).collect();
        if counting.len() >= MOST {
            return Some(format!("law 15: {counting:?} count, and another begins"));
        }
        if let Some((refusal, _)) = self.refusals().find(|(_, one)| *one == password) {
            return Some(format!("law 3: refused by {refusal:?}, and used"));
        }
        let doubt = self.doubts().find(|doubt| *doubt != id && !is_reset);
        doubt.map(|doubt| format!("law 8: the password is in doubt by {doubt:?}"))
    }

    /// Uses up that somebody has allowed one login with this password.
    fn allowance(&mut self, password: &str) -> Option<Allowance> {
        if let Some((allowed, number)) = &mut self.allowed_here
            && allowed == password
            && *number > 0
        {
            *number -= 1;
            return Some(Allowance::Here);
        }
        let mut allowed = self.allowed.iter();
        let (id, _) = allowed.find(|(_, allowed)| *allowed == password)?;
        let id = *id;
        self.allowed.remove(&id);
        Some(Allowance::Elsewhere(id))
    }

    /// The logins and resets that count, as far as is known.
    pub fn counting(&self) -> impl Iterator<Item = Id> {
        let counted = self.counted.iter().copied();
        counted.filter(|id| !self.settled.contains(id))
    }

    /// The refusals that were not taken back, as far as is known: by a login that
    /// succeeded later, among others.
    fn refusals(&self) -> impl Iterator<Item = (&Id, &String)> {
        self.refused.iter().filter(|(id, password)| {
            let until = self.accepted_until.get(*password);
            !self.accepted.contains(id) && until.is_none_or(|until| *until < id.number)
        })
    }

    /// The resets that leave the password in doubt, as far as is known.
    pub fn doubts(&self) -> impl Iterator<Item = Id> {
        let doubts = self.doubts.iter().copied();
        doubts.filter(|id| !self.ended_doubts.contains(id))
    }

    /// Learns that this login or reset was not judged, or succeeded too late.
    pub fn refunds(&mut self, id: Id, password: &str) {
        self.settled.insert(id);
        match self.used.remove(&id) {
            Some(Allowance::Here) => {
                let here = self.allowed_here.as_mut();
                if let Some((_, number)) = here.filter(|(allowed, _)| allowed == password) {
                    *number = 1;
                }
            }
            Some(Allowance::Elsewhere(unblocking)) => {
                self.allowed.insert(unblocking, password.to_owned());
            }
            None => {}
        }
    }

    /// Learns that this login succeeded, and that its token is used.
    pub fn succeeds(&mut self, id: Id, password: &str) {
        let before = self.counted.range(..=id).copied();
        self.settled.extend(before);
        self.settled.insert(id);
        let before = self.doubts.range(..=id).copied();
        self.ended_doubts.extend(before);
        self.accepts(password, id.number);
        self.ends_unblockings(password);
    }

    /// Learns that this password is not to be used.
    pub fn is_refused(&mut self, id: Id, password: &str) {
        // It takes the place of what was known before.
        self.accepts(password, 0);
        self.accepted.remove(&id);
        self.refused.insert(id, password.to_owned());
        self.ends_unblockings(password);
    }

    /// Learns that this unblocking is over.
    pub fn ends_unblocking(&mut self, id: Id) {
        self.ended_unblockings.insert(id);
        self.allowed.remove(&id);
    }

    fn ends_unblockings(&mut self, password: &str) {
        self.allowed_here
            .take_if(|(allowed, _)| allowed == password);
        self.allowed.retain(|_, allowed| allowed != password);
    }

    fn accepts(&mut self, password: &str, number: u64) {
        let refused = self.refused.iter();
        let ended = refused.filter(|(_, one)| *one == password);
        self.accepted.extend(ended.map(|(id, _)| *id));
        let until = self.accepted_until.entry(password.to_owned());
        let until = until.or_default();
        *until = number.max(*until);
    }

    /// Is told to allow one login with this password. What has begun and was not sent yet
    /// goes by what was allowed before. So many operations have begun.
    pub fn unblocks(&mut self, password: &str, begun: Option<Id>, number: u64) {
        self.accepts(password, number);
        let is_about_to_be_sent = begun.is_some_and(|id| self.drafts.contains(&id));
        let before = self.allowance(password).filter(|_| is_about_to_be_sent);
        let number = 1 + usize::from(before.is_some());
        self.allowed.clear();
        self.allowed_here = Some((password.to_owned(), number));
    }

    /// Learns that this reset leaves no doubt.
    pub fn ends_doubt(&mut self, id: Id) {
        self.ended_doubts.insert(id);
    }

    /// Is given a password: nothing is in doubt any more.
    pub fn is_given_password(&mut self) {
        self.ends_doubts();
        self.given += 1;
    }

    /// Learns that the store has what was known when so many passwords had been given.
    pub fn has_saved(&mut self, given: usize) {
        self.saved = self.saved.max(given);
    }

    fn ends_doubts(&mut self) {
        self.ended_doubts.extend(self.doubts.iter().copied());
    }

    /// Is told that this password came of the last reset.
    pub fn confirms(&mut self, password: &str) {
        self.ends_doubts();
        self.accepts(password, 0);
    }

    /// What decides what may follow.
    pub fn show(&self) -> String {
        let counting: Vec<_> = self.counting().collect();
        let doubts: Vec<_> = self.doubts().collect();
        let refused: BTreeSet<_> = self.refusals().map(|(_, password)| password).collect();
        let allowed = (&self.allowed_here, &self.allowed);
        format!("{counting:?} {doubts:?} {refused:?} {allowed:?}")
    }
}

/// The tag of a password.
fn tag_of(password: &str, salt: u64) -> u16 {
    let mut hasher = SipHasher13::new_with_keys(salt, 0);
    hasher.write(password.as_bytes());
    let [low, high, ..] = hasher.finish().to_le_bytes();
    u16::from_le_bytes([low, high])
}
