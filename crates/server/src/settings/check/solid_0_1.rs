//! Limits of the legacy socket under which nobody would be heard.

use super::Report;
use crate::settings::Settings;

/// `auth`, a space, a scheme and a space, about.
const WORDS: usize = 64;

impl Report {
    /// A limit of nothing is a way to switch it off that tells nobody so.
    pub(super) fn legacy_socket(&mut self, settings: &Settings) {
        let socket = &settings.solid_0_1;
        let counts = [
            ("solid_0_1.capability_life", socket.capability_life.0.is_zero()),
            ("solid_0_1.subscriptions_per_socket", socket.subscriptions_per_socket == 0),
            ("solid_0_1.message", socket.message.bytes() == 0),
            ("solid_0_1.messages_per_second", socket.messages_per_second == 0),
        ];
        for (setting, _) in counts.iter().filter(|(_, is_nothing)| *is_nothing) {
            self.wrong(setting, "must not be 0; solid_0_1.enabled switches it off");
        }
        let (message, token) = (socket.message.bytes(), podbell_oidc::jws::MAX_BYTES + WORDS);
        if message > settings.limits.message.bytes() {
            self.unwise("solid_0_1.message", "a socket is closed at limits.message already, which is less");
        } else if message > 0 && message < token {
            self.unwise("solid_0_1.message", format!("access tokens may be too long for it; {token} hold all"));
        }
    }
}
