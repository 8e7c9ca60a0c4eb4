//! The two tokens that a session has: which may be used, what their use and
//! their refusal mean, and when the next ones may be got.

use super::{
    event::Event,
    failure::Failure,
    machine::Session,
    memory::Delay,
    operation::{OperationId, OperationKind},
    settings::{
        LONGEST_REQUESTED_BACKOFF, UNNAMED_BEARER_INTERVAL, UNNAMED_PAUSE, USE_GRAIN,
        USE_SAVED_EVERY,
    },
    span::Span,
};
use crate::{BearerToken, SessionToken, Timestamp, response::Refusal};

impl Session {
    /// The bearer token to use now, if there is one. One that the call itself got
    /// by its `own` operation is used, however short its life.
    pub(super) fn usable_bearer(
        &self,
        now: Timestamp,
        own: OperationId,
    ) -> Option<(&BearerToken, OperationId)> {
        if let Some(fixed) = self.credentials.app.fixed_token() {
            return Some((fixed, OperationId::default()));
        }
        let bearer = self.memory.bearer.as_ref()?;
        (now < bearer.renew_at || bearer.generation == own)
            .then_some((&bearer.token, bearer.generation))
    }

    /// The session token to use now, if a session is open and not idle for too
    /// long.
    pub(super) fn usable_session(
        &mut self,
        now: Timestamp,
        own: OperationId,
    ) -> Option<&SessionToken> {
        let open = self.memory.open.as_ref()?;
        if now.since(open.used) >= self.settings.idle_timeout && open.generation != own {
            // Others may have used it meanwhile: it is not ended for them.
            self.memory.open = None;
            self.events.push(Event::SessionIdle);
            self.memory.touch_use();
        }
        self.session_token()
    }

    /// Returns true if a token that is there is of this generation.
    pub(super) fn has_brought_token(&self, generation: OperationId) -> bool {
        let bearer = self.memory.bearer.as_ref();
        let open = self.memory.open.as_ref();
        bearer.is_some_and(|bearer| bearer.generation == generation)
            || open.is_some_and(|open| open.generation == generation)
    }

    /// Notes that a request with the session of this generation, sent at this
    /// time, had a response.
    pub(super) fn session_used(&mut self, generation: OperationId, sent_at: Timestamp) {
        let Some(open) = self.memory.open_of(generation) else {
            return;
        };
        let age = sent_at.since(open.since);
        open.used = open.used.max(sent_at);
        let used = open.used;
        if open.used.since(open.reported) >= USE_GRAIN {
            open.reported = open.used;
            self.memory.cooldown.used_at(age);
            self.memory.touch_use();
        }
        self.use_is_unsaved(used);
    }

    /// Notes that the session was used: the store learns of it some minutes later.
    fn use_is_unsaved(&mut self, used: Timestamp) {
        let Some(sharing) = &mut self.sharing else {
            return;
        };
        if sharing.use_due.is_none() && used > sharing.saved_use {
            let jitter = self.jitter.up_to(USE_SAVED_EVERY / 4);
            sharing.use_due = Some(used + (USE_SAVED_EVERY * 3 / 4 + jitter));
        }
    }

    /// Notes that the bearer token of this generation was refused.
    pub(super) fn bearer_refused(&mut self, generation: OperationId) {
        let bearer = self.memory.bearer.as_ref();
        if bearer.is_some_and(|bearer| bearer.generation == generation) {
            self.memory.end_bearer();
            self.events.push(Event::BearerRefused);
            self.memory.touch();
        }
    }

    /// Takes note that the service refused this bearer token in a request that was made
    /// without this session. If the session still uses it, the next call fetches another
    /// one.
    pub fn bearer_token_refused(&mut self, token: &BearerToken) {
        let bearer = self.memory.bearer.as_ref();
        if let Some(bearer) = bearer.filter(|bearer| bearer.token == *token) {
            self.bearer_refused(bearer.generation);
        }
    }

    /// Takes note that the service refused this session token, by this response, in a
    /// request that was made without this session. If the session still uses the token, it
    /// is over, and the next call logs in. Nothing is logged out.
    ///
    /// It counts like the refusal of a call: sessions that are refused soon after their
    /// login delay the next login.
    pub fn session_token_refused(
        &mut self,
        now: Timestamp,
        token: &SessionToken,
        refusal: &Refusal,
    ) {
        let open = self.memory.open.as_ref();
        if let Some(open) = open.filter(|open| open.token == *token) {
            self.session_refused(open.generation, now, refusal);
        }
    }

    /// Gives up this session token, because the caller says that it does not work any more,
    /// or wants another login. Returns true if the session used it. Then the session is
    /// over, and the next call logs in. Nothing is logged out.
    ///
    /// It is not a refusal by the service, so it delays no login. For a refusal, see
    /// [`session_token_refused`](Self::session_token_refused).
    pub fn forget_session_token(&mut self, token: &SessionToken) -> bool {
        let open = self.memory.open.as_ref();
        let Some(open) = open.filter(|open| open.token == *token) else {
            return false;
        };
        self.session_found_ended(open.generation);
        true
    }

    /// Ends the bearer token after a 401 that names nothing. Returns false if one was
    /// ended for such a reason just now, and this is the one that came after it.
    pub(super) fn suspect_bearer(&mut self, generation: OperationId, now: Timestamp) -> bool {
        if self.credentials.app.fixed_token().is_some() {
            return false;
        }
        let bearer = self.memory.bearer.as_ref();
        if bearer.is_none_or(|bearer| bearer.generation != generation) {
            // Another call has learned before that it was stale.
            return true;
        }
        let suspected = self.memory.suspected;
        if suspected.is_some_and(|suspected| suspected.rest(now).is_some()) {
            return false;
        }
        self.memory.suspected = Some(Span::new(now, UNNAMED_BEARER_INTERVAL));
        self.bearer_refused(generation);
        true
    }

    /// Ends the session after a 401 that names nothing, which is no death of the
    /// session's. Returns false if such 401s open no login now.
    pub(super) fn suspect_session(&mut self, generation: OperationId, now: Timestamp) -> bool {
        if self.memory.open_of(generation).is_none() {
            // It is over, whatever was meant.
            return true;
        }
        let unnamed = self.memory.unnamed;
        if unnamed.is_some_and(|unnamed| unnamed.rest(now).is_some()) {
            return false;
        }
        self.session_found_ended(generation);
        true
    }

    /// Notes that the session of this generation was refused because it was ended on
    /// purpose: that is no death of the session's.
    pub(super) fn session_found_ended(&mut self, generation: OperationId) {
        if self.memory.open_of(generation).is_some() {
            self.memory.end_session();
            self.events.push(Event::SessionRefused);
            self.memory.touch();
        }
    }

    /// Notes that a session just opened had the same 401, so that it is the request's own.
    pub(super) fn clear_of_suspicion(&mut self, now: Timestamp) {
        self.memory.unnamed = Some(Span::new(now, UNNAMED_PAUSE));
        self.memory.touch();
    }

    /// Notes that the session of this generation was refused.
    pub(super) fn session_refused(
        &mut self,
        generation: OperationId,
        now: Timestamp,
        refusal: &Refusal,
    ) {
        if self.operation() == Some(OperationKind::LogOut) {
            return self.session_found_ended(generation);
        }
        let Some(open) = self.memory.open_of(generation) else {
            return;
        };
        let age = now.since(open.since);
        self.memory.end_session();
        self.events.push(Event::SessionRefused);
        let last = self.memory.cooled_at.replace(now);
        let since_last = now.since(last.unwrap_or_default());
        if let Some(length) = self.memory.cooldown.refused_at(age, since_last) {
            // A backoff that the service asked for is not cut short.
            let asked = self.memory.delay(now).map(|(until, _)| until.since(now));
            let span = Span::new(now, length.max(asked.unwrap_or_default()));
            self.events.push(Event::CoolingDown { until: span.end() });
            self.memory.delay = Some(Delay::Cooldown {
                span,
                because: Failure::of_session(now, refusal),
            });
        }
        self.memory.touch();
    }

    /// Notes that a token was got: what failed before no longer counts. A cooldown
    /// stays: it is about sessions that are refused, not about operations that
    /// fail.
    pub(super) fn recover(&mut self) {
        self.memory.failures = 0;
        self.results.forget_failures();
        self.memory
            .delay
            .take_if(|delay| matches!(delay, Delay::Backoff { .. }));
        self.memory.touch();
    }

    /// Backs off after a token fetch or login that failed in a way that may pass.
    /// Returns the time at which the next one may begin.
    pub(super) fn back_off(
        &mut self,
        now: Timestamp,
        requested: Option<Timestamp>,
        not_before: Timestamp,
        because: Failure,
    ) -> Timestamp {
        self.memory.failures = self.memory.failures.saturating_add(1);
        let until = self
            .retry_time(self.memory.failures, now, requested)
            .max(not_before)
            .min(now + LONGEST_REQUESTED_BACKOFF);
        if self
            .memory
            .delay(now)
            .is_none_or(|(other, _)| other < until)
        {
            self.memory.delay = Some(Delay::Backoff {
                span: Span::until(now, until),
                because,
            });
            self.events.push(Event::BackingOff { until });
        }
        self.memory.touch();
        until
    }

    /// Returns the time of the next attempt after a number of failures in a row,
    /// not before the service `requested` it.
    pub(super) fn retry_time(
        &mut self,
        failures: u32,
        now: Timestamp,
        requested: Option<Timestamp>,
    ) -> Timestamp {
        match requested {
            Some(requested) => requested + self.jitter.up_to(self.settings.first_backoff),
            None => now + self.jitter.backoff(&self.settings, failures),
        }
    }
}
